import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildFlowView, type FlowRow, fewestHops, mergeFlowRows } from '../../graph/index.ts'

/** Rows drawn as text: `a>b@3` is value carried from a to b by transaction t3, third in order. */
function rows(text: string): FlowRow[] {
  return text.split(' ').map((word) => {
    const [, from, to, order] = /^(\w+)>(\w+)@(\d+)$/.exec(word)!
    return { from, to, transaction: `t${order}`, amount: 1n, order: Number(order) }
  })
}

function ways(text: string, from: string, to: string): string | undefined {
  const way = fewestHops(rows(text), new Set(from.split(' ')), new Set(to.split(' ')))
  return way?.map((row) => `${row.from}>${row.to}@${row.order}`).join(' ')
}

describe('fewestHops', () => {
  it('takes the shorter of two ways', () => {
    expect(ways('a>b@1 b>c@2 c>x@3 a>x@9', 'a', 'x')).toBe('a>x@9')
    expect(ways('a>b@1 b>x@2 a>c@1 c>d@2 d>x@3', 'a', 'x')).toBe('a>b@1 b>x@2')
  })

  it('follows value forward only', () => {
    expect(ways('x>a@1', 'a', 'x')).toBeUndefined()
    expect(ways('a>b@1', 'a', 'x')).toBeUndefined()
  })

  it('never leaves before it came, though a shorter way would', () => {
    // b paid x before a paid b: the value went by c.
    expect(ways('a>b@5 b>x@3 a>c@1 c>d@2 d>x@4', 'a', 'x')).toBe('a>c@1 c>d@2 d>x@4')
    expect(ways('a>b@5 b>x@3', 'a', 'x')).toBeUndefined()
  })

  it('comes to a holding later by fewer hops only where that serves', () => {
    // To b directly at 9, or by c at 2; b pays x at 3.
    expect(ways('a>b@9 a>c@1 c>b@2 b>x@3', 'a', 'x')).toBe('a>c@1 c>b@2 b>x@3')
  })

  it('chooses the earliest of several payments between two holdings', () => {
    expect(ways('a>b@4 a>b@1 b>x@2 b>x@5', 'a', 'x')).toBe('a>b@1 b>x@2')
  })

  it('starts and ends at any of several, and stays where they meet', () => {
    expect(ways('a>m@1 b>x@1 m>y@2', 'a b', 'x y')).toBe('b>x@1')
    expect(ways('a>b@1', 'a', 'a')).toBe('')
    expect(ways('a>b@1', 'q', 'x')).toBeUndefined()
  })

  it('agrees with a search of every way', () => {
    const row = fc.tuple(fc.nat(5), fc.nat(5), fc.nat(8)).map(([a, b, order]): FlowRow => {
      return { from: `n${a}`, to: `n${b}`, transaction: `t${order}`, amount: 1n, order }
    })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 14 }), (drawn) => {
        const merged = mergeFlowRows(drawn)
        const way = fewestHops(merged, new Set(['n0']), new Set(['n5']))
        expect(way?.length).toBe(everyWay(merged))
        for (const [place, step] of (way ?? []).entries()) {
          expect(step.from).toBe(place === 0 ? 'n0' : way![place - 1].to)
          if (place > 0) expect(step.order).toBeGreaterThanOrEqual(way![place - 1].order)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('walks a peel chain of twenty thousand hops', () => {
    const chain = Array.from({ length: 20_000 }, (_, n): FlowRow => {
      return { from: `n${n}`, to: `n${n + 1}`, transaction: `t${n}`, amount: 1n, order: n }
    })
    expect(fewestHops(chain, new Set(['n0']), new Set(['n20000']))).toHaveLength(20_000)
  })
})

/** The fewest rows of any way from n0 to n5, by trying all states (holding, last order) breadth first. */
function everyWay(all: readonly FlowRow[]): number | undefined {
  let states = new Set(['n0 -1'])
  for (let hops = 1; hops <= all.length; hops++) {
    const next = new Set<string>()
    for (const state of states) {
      const [at, last] = state.split(' ')
      for (const row of all) if (row.from === at && row.order >= Number(last)) next.add(`${row.to} ${row.order}`)
    }
    if ([...next].some((state) => state.startsWith('n5 '))) return hops
    states = next
  }
  return undefined
}

describe('the flow view', () => {
  it('adds up what one transaction carried between two holdings, and keeps transactions apart', () => {
    const merged = mergeFlowRows([
      ...rows('a>b@1 a>b@1 a>b@2'),
      { from: 'a', to: 'b', transaction: 't2', amount: 2n ** 200n, order: 2 },
    ])
    expect(merged.map((row) => row.amount)).toEqual([2n, 1n + 2n ** 200n])
    const graph = buildFlowView(merged)
    expect([graph.order, graph.size]).toEqual([2, 2])
  })
})
