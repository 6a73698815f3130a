import type { Target } from '../../graph/bounds.ts'
import { type Amounts, type Entries, FROM_CLEAN, FROM_UNKNOWN, type SeedLeg } from '../../graph/entries.ts'

export interface DrawnEntry {
  readonly in: readonly (readonly [pool: number, amount: bigint])[]
  readonly out: readonly (readonly [pool: number, amount: bigint])[]
  readonly conversion?: boolean
}

export interface Drawn {
  readonly openings: readonly bigint[]
  readonly entries: readonly DrawnEntry[]
}

/** Drawn entries as columns: floats where `asNumbers`, else bigints. */
export function toEntries({ openings, entries }: Drawn, asNumbers = true): Entries {
  const column = (amounts: readonly bigint[]): Amounts =>
    asNumbers ? Float64Array.from(amounts, (amount) => Number(amount)) : [...amounts]
  const starts = (lengths: number[]) => {
    const start = new Uint32Array(lengths.length + 1)
    for (let i = 0; i < lengths.length; i++) start[i + 1] = start[i] + lengths[i]
    return start
  }
  const ins = entries.flatMap((entry) => entry.in)
  const outs = entries.flatMap((entry) => entry.out)
  return {
    mixing: 'balance',
    count: entries.length,
    poolCount: openings.length,
    transaction: Uint32Array.from(entries, (_, i) => i),
    inStart: starts(entries.map((entry) => entry.in.length)),
    inPool: Int32Array.from(ins, ([pool]) => pool),
    inAmount: column(ins.map(([, amount]) => amount)),
    outStart: starts(entries.map((entry) => entry.out.length)),
    outPool: Int32Array.from(outs, ([pool]) => pool),
    outAmount: column(outs.map(([, amount]) => amount)),
    conversion: Uint8Array.from(entries, (entry) => (entry.conversion ? 1 : 0)),
    opening: column(openings),
    poolSpace: new Uint32Array(openings.length),
  }
}

/** A small stream of numbers that is the same on every run. */
export function randomStream(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

export interface DrawOptions {
  readonly conversions: boolean
  /** Seeds that cover part of a leg whose entry may already hold proceeds. */
  readonly overlaps: boolean
}

/** A random small ledger with seeds and a few targets, covering pools, sinks, mints, implied fees and circles. */
export function drawLedger(seed: number, { conversions, overlaps }: DrawOptions) {
  const random = randomStream(seed)
  const poolCount = 1 + random(4)
  const openings = Array.from({ length: poolCount }, () => BigInt(random(4)))
  const balance = [...openings]
  const entries: DrawnEntry[] = []
  const entryCount = 1 + random(6)
  for (let e = 0; e < entryCount; e++) {
    const ins: [number, bigint][] = []
    let taken = 0n
    for (let i = random(3); i >= 0; i--) {
      const pool = random(8) === 0 ? (random(2) === 0 ? FROM_CLEAN : FROM_UNKNOWN) : random(poolCount)
      const most = pool < 0 ? 3n : balance[pool]
      const amount = most > 0n && random(6) > 0 ? BigInt(1 + random(Number(most))) : 0n
      if (pool >= 0) balance[pool] -= amount
      taken += amount
      ins.push([pool, amount])
    }
    const conversion = conversions && random(4) === 0
    let left = conversion ? BigInt(random(6)) : taken
    if (random(8) === 0) left += BigInt(random(4))
    const outs: [number, bigint][] = []
    for (let i = random(3); i >= 0; i--) {
      const pool = random(3) === 0 ? -1 - random(7) : random(poolCount)
      const amount = i === 0 && random(4) > 0 ? left : BigInt(random(Number(left) + 1))
      left -= amount
      outs.push([pool, amount])
    }
    for (const [pool, amount] of outs) if (pool >= 0) balance[pool] += amount
    entries.push(conversion ? { in: ins, out: outs, conversion } : { in: ins, out: outs })
  }
  const drawn: Drawn = { openings, entries }
  const columns = toEntries(drawn)
  const seeds: SeedLeg[] = []
  const legCount = columns.outPool.length
  for (let i = random(3); i >= 0; i--) {
    const leg = random(legCount)
    const most = Number(columns.outAmount[leg])
    if (most === 0 || (!overlaps && seeds.some((each) => each.leg === leg))) continue
    seeds.push({ seed: i, leg, amount: BigInt(1 + random(most)) })
  }
  const sinkLegs = [...columns.outPool.keys()].filter((leg) => columns.outPool[leg] < 0)
  const pools = Array.from({ length: poolCount }, (_, pool) => pool)
  const fees = [...entries.keys()].filter((e) => !entries[e].conversion)
  const targets: Target[] = [
    ...sinkLegs.map((leg) => ({ legs: [leg] })),
    ...pools.map((pool) => ({ pools: [pool] })),
    { fees: fees.filter((e) => random(2) === 0 && impliedFee(entries[e]) > 0n) },
    { legs: sinkLegs },
    { legs: sinkLegs.filter(() => random(2) === 0), pools: pools.filter(() => random(2) === 0) },
  ]
  return { drawn, seeds, targets }
}

const total = (legs: DrawnEntry['in']) => legs.reduce((all, [, amount]) => all + amount, 0n)

export function impliedFee(entry: DrawnEntry): bigint {
  const rest = total(entry.in) - total(entry.out)
  return rest > 0n && !entry.conversion ? rest : 0n
}

/**
 * Floor and ceiling by trying every conserving allocation, leg by leg and unit by unit: dumb and slow, knows nothing of
 * networks. A state is how much proceeds each pool holds, and how much has come to the target's legs and fees.
 */
export function bruteBounds(drawn: Drawn, seeds: readonly SeedLeg[], target: Target) {
  const known = statesOf.get(drawn) ?? new Map<string, number[][]>()
  statesOf.set(drawn, known)
  const key = `${target.legs ?? ''};${target.fees ?? ''}`
  const states = known.get(key) ?? bruteStates(drawn, seeds, target)
  known.set(key, states)
  const came = states.map((state) =>
    (target.pools ?? []).reduce((all, pool) => all + state[pool], state[drawn.openings.length]),
  )
  return { floor: BigInt(Math.min(...came)), ceiling: BigInt(Math.max(...came)) }
}

/** Targets that differ in their pools only share their states. */
const statesOf = new WeakMap<Drawn, Map<string, number[][]>>()

function bruteStates({ openings, entries }: Drawn, seeds: readonly SeedLeg[], target: Target) {
  const declared = new Map<number, number>()
  for (const { leg, amount } of seeds) declared.set(leg, (declared.get(leg) ?? 0) + Number(amount))
  const balance = openings.map(Number)
  let states: number[][] = [[...openings.map(() => 0), 0]]
  const at = openings.length
  let legBase = 0
  const unique = (all: number[][]) => [...new Map(all.map((state) => [state.join(), state])).values()]
  entries.forEach((entry, e) => {
    // Each state with what of it is on its way inside the entry.
    let moving = states.map((state) => ({ state, inside: 0 }))
    for (const [pool, units] of entry.in) {
      const amount = Number(units)
      if (pool < 0) continue
      moving = moving.flatMap(({ state, inside }) => {
        const next: typeof moving = []
        const clean = balance[pool] - state[pool]
        for (let part = 0; part <= amount; part++) {
          if (part > state[pool] || amount - part > clean) continue
          const after = [...state]
          after[pool] -= part
          next.push({ state: after, inside: inside + part })
        }
        return next
      })
      balance[pool] -= amount
    }
    const taken = Number(total(entry.in))
    const given = Number(total(entry.out))
    let wholes = moving.map(({ state, inside }) => ({ state, inside, rest: taken > given ? taken : given }))
    if (entry.conversion && taken > 0 && given > 0) {
      wholes = moving.flatMap(({ state, inside }) => {
        const exact = inside * given
        const low = { state, inside: Math.floor(exact / taken), rest: given }
        return exact % taken === 0 ? [low] : [low, { ...low, inside: low.inside + 1 }]
      })
    }
    const arrivals: (readonly [number, number])[] = []
    entry.out.forEach(([pool, units], j) => {
      const amount = Number(units)
      const leg = legBase + j
      wholes = wholes.flatMap(({ state, inside, rest }) => {
        const next: typeof wholes = []
        for (let part = 0; part <= amount; part++) {
          if (part > inside || amount - part > rest - inside) continue
          const after = [...state]
          const labelled = part + (declared.get(leg) ?? 0)
          const proceeds = labelled < amount ? labelled : amount
          if (pool >= 0) after[pool] += proceeds
          else if (target.legs?.includes(leg)) after[at] += proceeds
          next.push({ state: after, inside: inside - part, rest: rest - amount })
        }
        return next
      })
      wholes = [...new Map(wholes.map((each) => [`${each.state.join()} ${each.inside}`, each])).values()]
      arrivals.push([pool, amount])
    })
    for (const [pool, amount] of arrivals) if (pool >= 0) balance[pool] += amount
    states = unique(
      wholes.map(({ state, inside }) => {
        const after = [...state]
        if (target.fees?.includes(e)) after[at] += inside
        return after
      }),
    )
    legBase += entry.out.length
  })
  return states
}
