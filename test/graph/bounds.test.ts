import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bound, boundTaint, type Target } from '../../graph/bounds.ts'
import { checkBound, journalOfCeiling } from '../../graph/certificates.ts'
import { FROM_CLEAN, FROM_UNKNOWN, type SeedLeg } from '../../graph/entries.ts'
import { flowPaths } from '../../graph/paths.ts'
import { drawBusyWallet, drawFlowGraph, drawPeelChain, EntriesWriter } from '../bench/bounds.ts'
import { bruteBounds, type Drawn, type DrawnEntry, drawLedger, toEntries } from './bounds-support.ts'

const SERVICE = -2

function boundsOf(drawn: Drawn, seeds: readonly SeedLeg[], targets: readonly Target[], asNumbers = true) {
  const entries = toEntries(drawn, asNumbers)
  const bounds = boundTaint(entries, seeds, targets, { certificates: true })
  for (const [i, bound] of bounds.targets.entries()) {
    const wrong = checkBound(entries, seeds, targets[i], bound, bounds.conversions)
    if (wrong !== undefined) expect.fail(wrong)
  }
  return bounds.targets
}

describe('floor and ceiling against every conserving allocation', () => {
  it('are the true extremes on 2,000 random ledgers', () => {
    let strict = 0
    for (let seed = 0; seed < 2000; seed++) {
      const { drawn, seeds, targets } = drawLedger(seed, { conversions: false, overlaps: seed % 4 === 0 })
      const bounds = boundsOf(drawn, seeds, targets, seed % 2 === 0)
      targets.forEach((target, i) => {
        const brute = bruteBounds(drawn, seeds, target)
        const { floor, ceiling, overlap } = bounds[i]
        const holds = ceiling === brute.ceiling && (overlap ? floor! <= brute.floor : floor === brute.floor)
        if (!holds) expect({ floor, ceiling }, `ledger ${seed}, target ${i}`).toEqual(brute)
        if (ceiling! > floor!) strict++
      })
    }
    expect(strict).toBeGreaterThan(700)
  })

  it('hold across changes of asset', () => {
    let converted = 0
    for (let seed = 0; seed < 500; seed++) {
      const { drawn, seeds, targets } = drawLedger(seed, { conversions: true, overlaps: true })
      const bounds = boundsOf(drawn, seeds, targets)
      targets.forEach((target, i) => {
        const brute = bruteBounds(drawn, seeds, target)
        const { floor, ceiling } = bounds[i]
        expect(floor! <= brute.floor, `floor, ledger ${seed}, target ${i}`).toBe(true)
        expect(ceiling! >= brute.ceiling, `ceiling, ledger ${seed}, target ${i}`).toBe(true)
        if (bounds[i].converted) converted++
        else expect(ceiling).toBe(brute.ceiling)
      })
    }
    expect(converted).toBeGreaterThan(80)
  })
})

interface WorkedExamples {
  pool: {
    id: string
    events: { type: 'in' | 'out'; amount: string; taint?: Record<string, string>; to?: string }[]
    bounds: { out: { floor: string; ceiling: string }[]; balance: { floor: string; ceiling: string } }
  }[]
  utxo: { id: string; inputs: { value: number; taint: number }[]; outputs: number[]; fee: number; bounds: number[][] }[]
  multi: {
    pools: Record<string, [string, number][]>
    moves: [string, string, number][]
    bounds: Record<string, [number, number]>
  }[]
}

const examples: WorkedExamples = JSON.parse(
  readFileSync(new URL('../fixtures/accounting/worked-examples.json', import.meta.url), 'utf8'),
)

/** Reads `3`, `0.25` and `1033/25` as whole units of one part in `scale`. */
function scaled(text: string | undefined, scale: bigint): bigint {
  const [whole, below = '1'] = (text ?? '0').split('/')
  const [units, decimals = ''] = whole.split('.')
  const top = BigInt(units + decimals) * scale
  const bottom = BigInt(below) * 10n ** BigInt(decimals.length)
  expect(top % bottom).toBe(0n)
  return top / bottom
}

describe('the worked examples', () => {
  const SCALE = 10_000n
  it.each(examples.pool)('$id: one pool', ({ events, bounds }) => {
    const entries: DrawnEntry[] = []
    const seeds: SeedLeg[] = []
    const targets: Target[] = []
    events.forEach((event, i) => {
      const amount = scaled(event.amount, SCALE)
      if (event.type === 'in') {
        entries.push({ in: [[FROM_CLEAN, amount]], out: [[0, amount]] })
        Object.values(event.taint ?? {}).forEach((part, seed) => {
          seeds.push({ seed, leg: i, amount: scaled(part, SCALE) })
        })
      } else {
        entries.push({ in: [[0, amount]], out: [[SERVICE, amount]] })
        targets.push({ legs: [i] })
      }
    })
    const found = boundsOf({ openings: [0n], entries }, seeds, [...targets, { pools: [0] }])
    const expected = [...bounds.out, bounds.balance].map(({ floor, ceiling }) => ({
      floor: scaled(floor, SCALE),
      ceiling: scaled(ceiling, SCALE),
    }))
    expect(found.map(({ floor, ceiling }) => ({ floor, ceiling }))).toEqual(expected)
  })

  it.each(examples.utxo)('$id: one transaction', ({ inputs, outputs, fee, bounds }) => {
    const entries: DrawnEntry[] = inputs.map(({ value }, i) => ({
      in: [[FROM_CLEAN, BigInt(value)]],
      out: [[i, BigInt(value)]],
    }))
    const seeds = inputs.flatMap(({ taint }, leg) => (taint > 0 ? [{ seed: leg, leg, amount: BigInt(taint) }] : []))
    entries.push({
      in: inputs.map(({ value }, i) => [i, BigInt(value)] as const),
      out: outputs.map((amount) => [SERVICE, BigInt(amount)] as const),
    })
    const targets: Target[] = outputs.map((_, j) => ({ legs: [inputs.length + j] }))
    if (fee > 0) targets.push({ fees: [inputs.length] })
    const found = boundsOf({ openings: inputs.map(() => 0n), entries }, seeds, targets)
    expect(found.map(({ floor, ceiling }) => [Number(floor), Number(ceiling)])).toEqual(bounds)
  })

  it.each(examples.multi)('two pools', ({ pools, moves, bounds }) => {
    const names = Object.keys(pools)
    const entries: DrawnEntry[] = []
    const seeds: SeedLeg[] = []
    for (const [pool, lots] of Object.values(pools).entries()) {
      for (const [label, amount] of lots) {
        if (label !== 'clean') seeds.push({ seed: 0, leg: entries.length, amount: BigInt(amount) })
        entries.push({ in: [[FROM_CLEAN, BigInt(amount)]], out: [[pool, BigInt(amount)]] })
      }
    }
    for (const [from, to, amount] of moves) {
      // A move's own bounds are those of the ledger that ends with it.
      const seen: DrawnEntry = { in: [[names.indexOf(from), BigInt(amount)]], out: [[SERVICE, BigInt(amount)]] }
      const openings = names.map(() => 0n)
      const [found] = boundsOf({ openings, entries: [...entries, seen] }, seeds, [{ legs: [entries.length] }])
      expect([Number(found.floor), Number(found.ceiling)]).toEqual(bounds[`${from}->${to}`])
      entries.push({ in: seen.in, out: [[names.includes(to) ? names.indexOf(to) : SERVICE, BigInt(amount)]] })
    }
  })
})

/** One pool, its events as signed amounts: `dirty` in, `clean` in, or out to a service. */
type PoolEvent = { kind: 'dirty' | 'clean' | 'out'; amount: bigint }

const poolEvents = fc.array(
  fc.record({ kind: fc.constantFrom('dirty', 'clean', 'out'), amount: fc.bigInt(0n, 1000n) }),
  { maxLength: 20 },
) as fc.Arbitrary<PoolEvent[]>

function poolBounds(events: readonly PoolEvent[]): { outs: Bound[]; balance: Bound; all: Bound | undefined } {
  const entries: DrawnEntry[] = []
  const seeds: SeedLeg[] = []
  const legs: number[] = []
  let balance = 0n
  for (const { kind, amount } of events) {
    const leg = entries.length
    if (kind === 'out') {
      const part = amount < balance ? amount : balance
      balance -= part
      entries.push({ in: [[0, part]], out: [[SERVICE, part]] })
      legs.push(leg)
    } else {
      balance += amount
      entries.push({ in: [[FROM_UNKNOWN, amount]], out: [[0, amount]] })
      if (kind === 'dirty') seeds.push({ seed: 0, leg, amount })
    }
  }
  const targets = [...legs.map((leg) => ({ legs: [leg] })), { pools: [0] }, { legs }]
  const found = boundsOf({ openings: [0n], entries }, seeds, targets)
  return { outs: found.slice(0, legs.length), balance: found[legs.length], all: found[legs.length + 1] }
}

const figures = ({ floor, ceiling }: Bound) => ({ floor, ceiling })

describe('what must hold in one pool (DOMAIN.md 2.4, 2.5)', () => {
  it('the closed form: own money first and proceeds first before each payment', () => {
    fc.assert(
      fc.property(poolEvents, (events) => {
        const { outs } = poolBounds(events)
        let balance = 0n
        let most = 0n
        let least = 0n
        let k = 0
        for (const { kind, amount } of events) {
          if (kind !== 'out') {
            balance += amount
            if (kind === 'dirty') {
              most += amount
              least += amount
            }
            continue
          }
          const part = amount < balance ? amount : balance
          const clean = balance - least
          expect(outs[k].ceiling).toBe(part < most ? part : most)
          expect(outs[k].floor).toBe(part > clean ? part - clean : 0n)
          k++
          balance -= part
          if (most > balance) most = balance
          least = least > part ? least - part : 0n
        }
      }),
      { numRuns: 60 },
    )
  })

  it('a clean payment in after all payments out changes nothing; an emptied pool keeps nothing', () => {
    fc.assert(
      fc.property(poolEvents, fc.bigInt(1n, 50n), (events, amount) => {
        const before = poolBounds(events)
        const after = poolBounds([...events, { kind: 'clean', amount }])
        expect(after.outs.map(figures)).toEqual(before.outs.map(figures))
        expect(figures(after.balance)).toEqual(figures(before.balance))
        const emptied = poolBounds([...events, { kind: 'out', amount: 1n << 40n }, { kind: 'clean', amount }])
        expect(figures(emptied.balance)).toEqual({ floor: 0n, ceiling: 0n })
      }),
      { numRuns: 40 },
    )
  })

  it('where all is proceeds floor and ceiling are all of it; splitting a payment changes no total', () => {
    fc.assert(
      fc.property(poolEvents, fc.bigInt(0n, 500n), (events, part) => {
        const dirty = events.map((event) => (event.kind === 'clean' ? { ...event, kind: 'dirty' as const } : event))
        for (const { inflow, floor, ceiling } of poolBounds(dirty).outs) {
          expect([floor, ceiling]).toEqual([inflow, inflow])
        }
        const split = events.flatMap((event) =>
          event.kind === 'out' && event.amount > part
            ? [
                { ...event, amount: part },
                { ...event, amount: event.amount - part },
              ]
            : [event],
        )
        const whole = poolBounds(events)
        const parts = poolBounds(split)
        expect(figures(parts.all!)).toEqual(figures(whole.all!))
        expect(figures(parts.balance)).toEqual(figures(whole.balance))
      }),
      { numRuns: 40 },
    )
  })
})

describe('certificates', () => {
  it('a ceiling is drawn as the paths whose amounts add up to it', () => {
    let drawnPaths = 0
    for (let seed = 0; seed < 200; seed++) {
      const { drawn, seeds, targets } = drawLedger(seed, { conversions: seed % 3 === 0, overlaps: true })
      const entries = toEntries(drawn)
      const { targets: bounds } = boundTaint(entries, seeds, targets, { certificates: true })
      bounds.forEach(({ ceiling, ceilingProof }, i) => {
        if (targets[i].fees) return
        const journal = journalOfCeiling(entries, ceilingProof!)
        let whole = 0n
        for (const set of flowPaths(entries, journal, { method: 'fifo', kMax: 100 }).all()) {
          const isTarget = set.leg >= 0 ? targets[i].legs?.includes(set.leg) : targets[i].pools?.includes(set.pool)
          expect(isTarget).toBe(true)
          for (const path of set.paths) {
            whole += path.amount
            drawnPaths += path.steps().length
          }
        }
        expect(whole).toBe(ceiling)
      })
    }
    expect(drawnPaths).toBeGreaterThan(300)
  })

  it('a changed figure, a lost edge or a changed amount is found', () => {
    let tried = 0
    for (let seed = 0; seed < 150; seed++) {
      const { drawn, seeds, targets } = drawLedger(seed, { conversions: true, overlaps: true })
      const entries = toEntries(drawn)
      const { targets: bounds, conversions } = boundTaint(entries, seeds, targets, { certificates: true })
      bounds.forEach((bound, i) => {
        const wrong = (changed: Bound) => {
          tried++
          const found = checkBound(entries, seeds, targets[i], changed, conversions)
          if (found === undefined) expect.fail(`ledger ${seed}, target ${i}: a planted error is not found`)
        }
        // A proof that leaves out all there is adds up; only the walk back from the target finds the way in.
        const nothing = { flow: [], cut: [] }
        if (bound.ceiling! > 0n) wrong({ ...bound, ceiling: 0n, ceilingProof: nothing })
        if (bound.floor! < bound.inflow) wrong({ ...bound, floor: bound.inflow, floorProof: nothing })
        wrong({ ...bound, ceiling: bound.ceiling! + 1n })
        wrong({ ...bound, floor: bound.floor! + 1n })
        wrong({ ...bound, inflow: bound.inflow + 1n })
        for (const proof of ['ceilingProof', 'floorProof'] as const) {
          for (const part of ['flow', 'cut'] as const) {
            bound[proof]![part].forEach((edge, at) => {
              const edges = bound[proof]![part]
              const put = (...instead: (typeof edge)[]) => edges.toSpliced(at, 1, ...instead)
              // More on a leg inside may be lawful still; more at the target never adds up.
              const lastKind = seeds.some(({ leg }) => leg === edge.index) ? 'paid' : 'out'
              const isPaid = edge.kind === lastKind && entries.outPool[edge.index] < 0
              if (part === 'cut' || edge.kind === 'rest' || edge.kind === 'fee' || isPaid) {
                wrong({ ...bound, [proof]: { ...bound[proof], [part]: put({ ...edge, amount: edge.amount + 1n }) } })
              }
              wrong({ ...bound, [proof]: { ...bound[proof], [part]: put(edge, edge) } })
              if (part === 'cut' || edge.kind === 'in') {
                wrong({ ...bound, [proof]: { ...bound[proof], [part]: put() } })
              }
            })
          }
        }
      })
    }
    expect(tried).toBeGreaterThan(3000)
  })
})

describe('shapes that break solvers', () => {
  it('a peel chain of 100,000 hops, one payment, the rest and all payments', () => {
    const { entries, seeds, targets } = drawPeelChain(100_000)
    const bounds = boundTaint(entries, seeds, targets).targets
    expect(bounds.map(figures)).toEqual([
      { floor: 0n, ceiling: 1n },
      { floor: 0n, ceiling: 1n },
      { floor: 49_999n, ceiling: 50_000n },
    ])
  })

  it('a service fed by 10,000 deposits of one wallet', () => {
    const { entries, seeds, targets } = drawBusyWallet(10_000)
    const [all, rest] = boundTaint(entries, seeds, targets, { certificates: true }).targets
    expect(all.inflow).toBe(90_000n)
    expect(all.ceiling).toBe(35_000n)
    expect(rest.floor).toBe(0n)
    expect(checkBound(entries, seeds, targets[0], all)).toBeUndefined()
    expect(checkBound(entries, seeds, targets[1], rest)).toBeUndefined()
  })

  it('a fan of 50,000 outputs gathered again', () => {
    const width = 50_000
    const writer = new EntriesWriter()
    const leg = writer.add([[FROM_CLEAN, width]], [[0, width]])
    const fan = Array.from({ length: width }, (_, i) => [i + 1, 1] as const)
    writer.add([[0, width]], fan)
    const end = writer.add(fan, [[SERVICE, width]])
    const entries = writer.build(width + 1)
    const seeds = [{ seed: 0, leg, amount: 20_000n }]
    const [bound] = boundTaint(entries, seeds, [{ legs: [end] }]).targets
    expect(figures(bound)).toEqual({ floor: 20_000n, ceiling: 20_000n })
  })

  it('value that goes in circles, a pool that pays itself, empty legs', () => {
    const drawn: Drawn = {
      openings: [5n, 0n, 0n],
      entries: [
        {
          in: [[FROM_UNKNOWN, 10n]],
          out: [
            [0, 10n],
            [1, 0n],
          ],
        },
        { in: [[0, 12n]], out: [[0, 12n]] },
        {
          in: [
            [0, 9n],
            [1, 0n],
          ],
          out: [
            [1, 9n],
            [SERVICE, 0n],
          ],
        },
        { in: [[1, 9n]], out: [[0, 9n]] },
        { in: [[0, 15n]], out: [[2, 15n]] },
        {
          in: [[2, 15n]],
          out: [
            [SERVICE, 8n],
            [0, 7n],
          ],
        },
      ],
    }
    const seeds = [{ seed: 0, leg: 0, amount: 10n }]
    const bounds = boundsOf(drawn, seeds, [{ legs: [4] }, { legs: [7] }, { pools: [0] }, { legs: [7], pools: [0] }])
    expect(bounds.map(figures)).toEqual([
      { floor: 0n, ceiling: 0n },
      { floor: 3n, ceiling: 8n },
      { floor: 2n, ceiling: 7n },
      { floor: 10n, ceiling: 10n },
    ])
  })

  it('a seed that reaches itself, and an endpoint that is a seed', () => {
    const drawn: Drawn = {
      openings: [0n, 0n],
      entries: [
        { in: [[FROM_UNKNOWN, 10n]], out: [[0, 10n]] },
        { in: [[0, 10n]], out: [[1, 10n]] },
        { in: [[1, 10n]], out: [[0, 10n]] },
        {
          in: [[0, 10n]],
          out: [
            [SERVICE, 6n],
            [SERVICE, 4n],
          ],
        },
      ],
    }
    const whole: SeedLeg[] = [
      { seed: 0, leg: 0, amount: 6n },
      { seed: 1, leg: 2, amount: 10n },
    ]
    expect(figures(boundsOf(drawn, whole, [{ legs: [3, 4] }])[0])).toEqual({ floor: 10n, ceiling: 10n })
    const part: SeedLeg[] = [
      { seed: 0, leg: 0, amount: 6n },
      { seed: 1, leg: 3, amount: 5n },
    ]
    const [first, second] = boundsOf(drawn, part, [{ legs: [3] }, { legs: [4] }])
    // Of the six units at least two are proceeds before the seed takes five more: all six are. Without knowing that the
    // seed spends clean units the floor stays at five, and says so.
    expect(first).toMatchObject({ floor: 5n, ceiling: 6n, overlap: true })
    expect(second).toMatchObject({ floor: 0n, ceiling: 4n, overlap: false })
  })

  it('amounts of 2^256, as bigints', () => {
    const huge = (1n << 256n) - 1n
    const drawn: Drawn = {
      openings: [0n],
      entries: [
        { in: [[FROM_UNKNOWN, huge]], out: [[0, huge]] },
        { in: [[0, huge - 7n]], out: [[SERVICE, huge - 7n]] },
      ],
    }
    const [bound] = boundsOf(drawn, [{ seed: 0, leg: 0, amount: huge - 1n }], [{ legs: [1] }], false)
    expect(figures(bound)).toEqual({ floor: huge - 8n, ceiling: huge - 7n })
  })

  it('stops at the effort allowed and says nothing then', () => {
    const { entries, seeds, targets } = drawFlowGraph(5_000, 20)
    const all = { legs: targets.flatMap(({ legs }) => legs ?? []) }
    const { targets: bounds } = boundTaint(entries, seeds, [all, ...targets], { effortMax: 500 })
    expect(figures(bounds[0])).toEqual({ floor: undefined, ceiling: undefined })
    const free = boundTaint(entries, seeds, [all, ...targets]).targets
    // What is still answered is what would have been answered: nothing of a stopped search is left behind.
    bounds.forEach((bound, i) => {
      if (bound.floor !== undefined) expect(bound.floor).toBe(free[i].floor)
      if (bound.ceiling !== undefined) expect(bound.ceiling).toBe(free[i].ceiling)
    })
    expect(bounds.filter(({ floor }) => floor !== undefined).length).toBeGreaterThan(0)
  })
})
