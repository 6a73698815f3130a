import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GrowingColumn, hashText, orderByKey, PairNumbers } from '../../../src/trace/columns.ts'

test('pairs are numbered in the order in which they first come', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(1000)), { maxLength: 4000, size: 'max' }), (pairs) => {
      const numbers = new PairNumbers()
      const known = new Map<string, number>()
      for (const [high, low] of pairs) {
        // Words with the highest bit set, too.
        const words = [(high * 0x3fffffff) >>> 0, ~low >>> 0] as const
        const key = words.join()
        if (numbers.has(...words) !== known.has(key)) throw new Error(`${key} is${known.has(key) ? ' not' : ''} there`)
        if (!known.has(key)) known.set(key, known.size)
        if (numbers.numberOf(...words) !== known.get(key)) throw new Error(`${key} has another number`)
      }
      expect(numbers.count).toBe(known.size)
    }),
    { numRuns: 20 },
  )
})

test('rows are ordered by keys of any size, equal ones as they stood', () => {
  const key = fc.oneof(fc.nat(3), fc.nat(), fc.maxSafeNat())
  fc.assert(
    fc.property(fc.array(key), (keys) => {
      const expected = keys.map((_, i) => i).sort((a, b) => keys[a] - keys[b] || a - b)
      expect([...orderByKey(keys.length, (row) => keys[row])]).toEqual(expected)
    }),
  )
})

test('a column keeps what is written, beyond its first room too', () => {
  const column = new GrowingColumn(Float64Array)
  for (let i = 0; i < 5000; i++) column.push(i * 1e10)
  column.set(20_000, 7)
  expect([column.cells[4999], column.cells[20_000], column.cells[19_999], column.length]).toEqual([
    4999e10, 7, 0, 20_001,
  ])
})

test('texts that differ a little have different hashes', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 50_000; i++) seen.add(hashText(`T${i.toString(36)}`, i & 1).join())
  expect(seen.size).toBe(50_000)
  expect(hashText('ab', 0)).not.toEqual(hashText('ab', 1))
})
