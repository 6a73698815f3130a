import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Entries, SeedLeg } from '../../graph/entries.ts'
import type { Journal } from '../../graph/journal.ts'
import { type FlowPath, type FlowPaths, flowPaths, type PathSet } from '../../graph/paths.ts'
import { type Drawn, drawLedger, randomStream, toEntries } from './bounds-support.ts'

interface Coin {
  readonly seed: number
  /** Each hop so far: `entry inLeg outLeg`. */
  readonly way: readonly string[]
}

interface Row {
  readonly entry: number
  readonly side: number
  readonly seed: number
  readonly leg: number
  amount: number
}

function toJournal(rows: readonly Row[], asNumbers: boolean): Journal {
  return {
    rows: rows.length,
    entry: Uint32Array.from(rows, ({ entry }) => entry),
    side: Uint8Array.from(rows, ({ side }) => side),
    seed: Uint32Array.from(rows, ({ seed }) => seed),
    leg: Uint32Array.from(rows, ({ leg }) => leg),
    amount: asNumbers ? Float64Array.from(rows, ({ amount }) => amount) : rows.map(({ amount }) => BigInt(amount)),
  }
}

/**
 * The coins themselves: every unit is a coin that remembers its way. Pools are shuffled before they pay, so the journal
 * is that of no method in particular; the seed's own coins keep the line's order, which is what the drawing promises.
 */
function moveCoins(
  entries: Entries,
  seeds: readonly SeedLeg[],
  newestFirst: boolean,
  random: (below: number) => number,
) {
  const pools: (Coin | undefined)[][] = Array.from(entries.opening as Float64Array, (amount) =>
    new Array(Number(amount)).fill(undefined),
  )
  const ended = new Map<string, Coin[]>()
  const rows: Row[] = []
  const note = (entry: number, side: number, seed: number, leg: number) => {
    const last = rows.at(-1)
    if (last && last.entry === entry && last.side === side && last.seed === seed && last.leg === leg) last.amount++
    else rows.push({ entry, side, seed, leg, amount: 1 })
  }
  /** Takes one seed's coin, or one without, at random; of a seed's always the next in its line. */
  const draw = (pool: (Coin | undefined)[]) => {
    const chosen = pool[random(pool.length)]
    const same = (coin: Coin | undefined) => coin?.seed === chosen?.seed
    const at = newestFirst ? pool.findLastIndex(same) : pool.findIndex(same)
    return pool.splice(at, 1)[0]
  }
  for (let entry = 0; entry < entries.count; entry++) {
    const inside: { coin: Coin | undefined; inLeg: number }[] = []
    for (let leg = entries.inStart[entry]; leg < entries.inStart[entry + 1]; leg++) {
      const pool = entries.inPool[leg]
      for (let i = Number(entries.inAmount[leg]); i > 0; i--) {
        const coin = pool < 0 ? undefined : draw(pools[pool])
        if (coin) note(entry, 0, coin.seed, leg)
        inside.push({ coin, inLeg: leg })
      }
    }
    const arrivals: [number, (Coin | undefined)[]][] = []
    let leg = entries.outStart[entry]
    for (; leg < entries.outStart[entry + 1]; leg++) {
      const amount = Number(entries.outAmount[leg])
      const paid: { coin: Coin | undefined; inLeg: number; declared?: boolean }[] = []
      for (let i = 0; i < amount; i++) {
        // A random coin's seed leaves next, by its own first coin; what lacks is minted.
        const chosen = inside[random(inside.length)]
        const at = inside.findIndex(({ coin }) => coin?.seed === chosen?.coin?.seed)
        paid.push(at < 0 ? { coin: undefined, inLeg: -1 } : inside.splice(at, 1)[0])
      }
      for (const { seed, leg: seeded, amount: declared } of seeds) {
        if (seeded !== leg) continue
        for (let i = 0n; i < declared; i++) {
          const free = paid.findIndex(({ coin }) => coin === undefined)
          if (free < 0) break
          note(entry, 2, seed, leg)
          paid[free] = { coin: { seed, way: [] }, inLeg: -1, declared: true }
        }
      }
      const ordered = [...paid.filter(({ declared }) => declared), ...paid.filter(({ declared }) => !declared)]
      const moved = ordered.map(({ coin, inLeg }) => {
        if (!coin) return undefined
        note(entry, 1, coin.seed, leg)
        return { seed: coin.seed, way: [...coin.way, `${entry} ${inLeg} ${leg}`] }
      })
      arrivals.push([leg, moved])
    }
    // An implied fee must not hold proceeds here: a journal has no leg for it.
    if (inside.some(({ coin }) => coin !== undefined)) return undefined
    for (const [out, coins] of arrivals) {
      const pool = entries.outPool[out]
      if (pool >= 0) pools[pool].push(...coins)
      else
        ended.set(
          `leg ${out}`,
          coins.filter((coin) => coin !== undefined),
        )
    }
  }
  for (const [pool, coins] of pools.entries()) {
    ended.set(
      `pool ${pool}`,
      coins.filter((coin) => coin !== undefined),
    )
  }
  return { rows: rows.toSorted((a, b) => a.entry - b.entry || SIDE_ORDER[a.side] - SIDE_ORDER[b.side]), ended }
}

/** Taken first, then declared, then given out. */
const SIDE_ORDER = [0, 2, 1]

const wayOf = (path: FlowPath) => path.steps().map(({ entry, inLeg, outLeg }) => `${entry} ${inLeg} ${outLeg}`)

function checkSteps(entries: Entries, set: PathSet): void {
  let shown = 0n
  for (const path of set.paths) {
    shown += path.amount
    expect(path.amount > 0n).toBe(true)
    const steps = path.steps()
    expect(steps[0].inLeg).toBe(-1)
    for (let i = 1; i < steps.length; i++) {
      expect(steps[i].inLeg).toBeGreaterThanOrEqual(entries.inStart[steps[i].entry])
      expect(steps[i].inLeg).toBeLessThan(entries.inStart[steps[i].entry + 1])
      expect(entries.inPool[steps[i].inLeg]).toBe(entries.outPool[steps[i - 1].outLeg])
      expect(steps[i].entry).toBeGreaterThan(steps[i - 1].entry)
      if (entries.conversion[steps[i].entry] === 0) expect(steps[i].carried).toBe(steps[i - 1].carried)
    }
    const last = steps[steps.length - 1]
    expect(last.carried).toBe(path.amount)
    if (set.leg >= 0) expect(last.outLeg).toBe(set.leg)
    else expect(entries.outPool[last.outLeg]).toBe(set.pool)
  }
  expect(shown + set.rest.amount).toBe(set.amount)
}

const ALL = 1_000_000

describe('threads', () => {
  it('are the ways of the coins themselves', () => {
    let compared = 0
    for (let draw = 0; draw < 700; draw++) {
      const { drawn, seeds } = drawLedger(draw, { conversions: false, overlaps: true })
      const entries = toEntries(drawn)
      const newestFirst = draw % 3 === 0
      const moved = moveCoins(entries, seeds, newestFirst, randomStream(draw + 17))
      if (!moved) continue
      const journal = toJournal(moved.rows, draw % 2 === 0)
      const paths = flowPaths(entries, journal, { method: newestFirst ? 'lifo' : 'fifo', kMax: ALL })
      const found = new Map<string, string[]>()
      for (const set of paths.all()) {
        checkSteps(entries, set)
        const place = set.leg >= 0 ? `leg ${set.leg}` : `pool ${set.pool}`
        const ways = found.get(place) ?? []
        for (const path of set.paths) {
          for (let i = 0n; i < path.amount; i++) ways.push(`${set.seed}: ${wayOf(path).join(', ')}`)
        }
        found.set(place, ways)
      }
      for (const [place, coins] of moved.ended) {
        const ways = coins.map(({ seed, way }) => `${seed}: ${way.join(', ')}`)
        compared += ways.length
        expect((found.get(place) ?? []).sort(), `ledger ${draw}, ${place}`).toEqual(ways.sort())
      }
    }
    expect(compared).toBeGreaterThan(700)
  })

  it('list the largest first, count the rest, and find the same by place', () => {
    const { entries, journal } = gathered(50)
    const [set] = flowPaths(entries, journal, { method: 'fifo', kMax: 3 }).restingIn(50)
    expect(set.paths.map(({ amount }) => amount)).toEqual([50n, 49n, 48n])
    expect(set).toMatchObject({ seed: 0, leg: -1, pool: 50, amount: 1275n, rest: { count: 47, amount: 1128n } })
    const none = flowPaths(entries, journal, { method: 'fifo', kMax: 0 }).restingIn(50)
    expect(none[0]).toMatchObject({ paths: [], rest: { count: 50, amount: 1275n } })
    expect(flowPaths(entries, journal, { method: 'fifo', kMax: 3 }).restingIn(0)).toEqual([])
    expect(flowPaths(entries, journal, { method: 'fifo', kMax: 3 }).intoLeg(0)).toEqual([])
  })

  it('a journal that takes what no pool holds, or loses value, stops everything', () => {
    const { entries, rows } = gathered(3)
    const fall = (changed: Row[]) => () => flowPaths(entries, toJournal(changed, true), { method: 'fifo', kMax: 1 })
    const takes = rows.findIndex(({ side }) => side === 0)
    expect(fall(rows.map((row, i) => (i === takes ? { ...row, amount: row.amount + 1 } : row)))).toThrow(/holds/)
    const gives = rows.findLastIndex(({ side }) => side === 1)
    expect(fall(rows.toSpliced(gives, 1))).toThrow(/leaves/)
    expect(fall(rows.map((row, i) => (i === gives ? { ...row, amount: row.amount + 1 } : row)))).toThrow(/than came/)
  })
})

/** Wallets 0 … n − 1 declared with 1 … n units, all gathered in wallet n. */
function gathered(n: number) {
  const drawn: Drawn = {
    openings: new Array(n + 1).fill(0n),
    entries: [
      ...Array.from({ length: n }, (_, i) => ({
        in: [[-1, BigInt(i + 1)]] as const,
        out: [[i, BigInt(i + 1)]] as const,
      })),
      {
        in: Array.from({ length: n }, (_, i) => [i, BigInt(i + 1)] as const),
        out: [[n, BigInt((n * (n + 1)) / 2)]],
      },
    ],
  }
  const rows: Row[] = []
  for (let i = 0; i < n; i++) {
    rows.push({ entry: i, side: 2, seed: 0, leg: i, amount: i + 1 })
    rows.push({ entry: i, side: 1, seed: 0, leg: i, amount: i + 1 })
  }
  for (let i = 0; i < n; i++) rows.push({ entry: n, side: 0, seed: 0, leg: n + i, amount: i + 1 })
  rows.push({ entry: n, side: 1, seed: 0, leg: n, amount: (n * (n + 1)) / 2 })
  return { entries: toEntries(drawn), rows, journal: toJournal(rows, true) }
}

describe('a change of asset', () => {
  it('keeps every endpoint’s sum and scales what was carried', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        (lots, legs) => {
          const came = lots.reduce((a, b) => a + b)
          const n = lots.length
          const entries = toEntries({
            openings: [0n, 0n],
            entries: [
              ...lots.map((lot) => ({ in: [[-1, BigInt(lot)]] as const, out: [[0, BigInt(lot)]] as const })),
              { in: [[0, BigInt(came)]], out: legs.map((leg) => [1, BigInt(leg)] as const), conversion: true },
              ...legs.map((leg) => ({ in: [[1, BigInt(leg)]] as const, out: [[-2, BigInt(leg)]] as const })),
            ],
          })
          const rows: Row[] = lots.flatMap((amount, i) => [
            { entry: i, side: 2, seed: 0, leg: i, amount },
            { entry: i, side: 1, seed: 0, leg: i, amount },
          ])
          rows.push({ entry: n, side: 0, seed: 0, leg: n, amount: came })
          legs.forEach((amount, j) => {
            rows.push({ entry: n, side: 1, seed: 0, leg: n + j, amount })
          })
          legs.forEach((amount, j) => {
            rows.push({ entry: n + 1 + j, side: 0, seed: 0, leg: n + 1 + j, amount })
            rows.push({ entry: n + 1 + j, side: 1, seed: 0, leg: n + legs.length + j, amount })
          })
          for (const asNumbers of [true, false]) {
            const paths: FlowPaths = flowPaths(entries, toJournal(rows, asNumbers), { method: 'fifo', kMax: ALL })
            let carried = 0n
            legs.forEach((amount, j) => {
              const [set] = paths.intoLeg(n + legs.length + j)
              expect(set.amount).toBe(BigInt(amount))
              checkSteps(entries, set)
              for (const path of set.paths) carried += path.steps()[0].carried
            })
            expect(carried <= BigInt(came)).toBe(true)
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('size', () => {
  it('a peel chain of 100,000 hops with a payment at each', () => {
    const hops = 100_000
    const { entries, journal } = peeled(hops)
    const paths = flowPaths(entries, journal, { method: 'fifo', kMax: 5 })
    let seen = 0
    let amount = 0n
    for (const set of paths.all()) {
      seen++
      amount += set.amount
      if (set.paths.length !== 1) expect.fail('one way to each payment')
    }
    expect(seen).toBe(hops + 1)
    expect(amount).toBe(BigInt(hops + 1))
    const [last] = paths.restingIn(hops)
    expect(last.paths[0].steps().length).toBe(hops + 1)
  })

  it('a wallet with 30,000 deposits paid out at once', () => {
    const n = 30_000
    const { entries, journal } = gathered(n)
    const [set] = flowPaths(entries, journal, { method: 'lifo', kMax: 2 }).restingIn(n)
    expect(set.paths.map(({ amount }) => amount)).toEqual([BigInt(n), BigInt(n - 1)])
    expect(set.rest.count).toBe(n - 2)
  })
})

/** One unit peeled off to a service at each hop. */
function peeled(hops: number) {
  const whole = hops + 1
  const rows: Row[] = [
    { entry: 0, side: 2, seed: 0, leg: 0, amount: whole },
    { entry: 0, side: 1, seed: 0, leg: 0, amount: whole },
  ]
  const drawn: Drawn = {
    openings: new Array(whole).fill(0n),
    entries: [
      { in: [[-1, BigInt(whole)]], out: [[0, BigInt(whole)]] },
      ...Array.from({ length: hops }, (_, hop) => ({
        in: [[hop, BigInt(whole - hop)]] as const,
        out: [
          [-2, 1n],
          [hop + 1, BigInt(whole - hop - 1)],
        ] as const,
      })),
    ],
  }
  for (let hop = 0; hop < hops; hop++) {
    rows.push({ entry: hop + 1, side: 0, seed: 0, leg: hop + 1, amount: whole - hop })
    rows.push({ entry: hop + 1, side: 1, seed: 0, leg: 2 * hop + 1, amount: 1 })
    rows.push({ entry: hop + 1, side: 1, seed: 0, leg: 2 * hop + 2, amount: whole - hop - 1 })
  }
  return { entries: toEntries(drawn), journal: toJournal(rows, true) }
}
