import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { boundTaint, type Target } from '../../graph/bounds.ts'
import { checkBound } from '../../graph/certificates.ts'
import { FROM_CLEAN, type SeedLeg } from '../../graph/entries.ts'
import { bruteBounds, type Drawn, type DrawnEntry, drawLedger, toEntries } from './bounds-support.ts'

const SERVICE = -2

function boundsOf(drawn: Drawn, seeds: readonly SeedLeg[], targets: readonly Target[], asNumbers = true) {
  const entries = toEntries(drawn, asNumbers)
  const bounds = boundTaint(entries, seeds, targets, { certificates: true })
  for (const [i, bound] of bounds.targets.entries()) {
    expect(checkBound(entries, seeds, targets[i], bound, bounds.conversions)).toBeUndefined()
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
        expect(ceiling, `ceiling, ledger ${seed}, target ${i}`).toBe(brute.ceiling)
        if (overlap) expect(floor! <= brute.floor, `floor, ledger ${seed}, target ${i}`).toBe(true)
        else expect(floor, `floor, ledger ${seed}, target ${i}`).toBe(brute.floor)
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
