import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BrokenInvariant } from '../../graph/check.ts'
import { UnionFind } from '../../graph/union-find.ts'

describe('UnionFind', () => {
  it('names each set by its smallest member, as a flood fill does', () => {
    const size = 40
    const pairs = fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 60 })
    fc.assert(
      fc.property(pairs, (joins) => {
        const sets = new UnionFind(size)
        const names = Array.from({ length: size }, (_, member) => member)
        for (const [one, other] of joins) {
          const [a, b] = [names[one], names[other]]
          expect(sets.union(one, other)).toBe(a !== b)
          for (let member = 0; member < size; member++) {
            if (names[member] === a || names[member] === b) names[member] = Math.min(a, b)
          }
        }
        expect(names.map((_, member) => sets.find(member))).toEqual(names)
      }),
    )
  })

  it('grows without touching what is joined, and copies apart', () => {
    const sets = new UnionFind(2)
    sets.union(0, 1)
    sets.grow(100)
    expect([sets.size, sets.find(1), sets.find(99)]).toEqual([100, 0, 99])
    const copy = sets.clone()
    copy.union(0, 99)
    expect([sets.find(99), copy.find(99)]).toEqual([99, 0])
    expect(() => sets.find(100)).toThrow(BrokenInvariant)
  })

  it('takes a chain of a million in its stride, from either end', () => {
    const size = 1_000_000
    const sets = new UnionFind(size)
    for (let member = size - 1; member > 0; member--) sets.union(member, member - 1)
    expect(sets.find(size - 1)).toBe(0)
  })
})
