/**
 * The plain reference: the kernel's rules with objects, arrays and bigints, as one would write them first. Slow, and the
 * rival that the bench compares the kernel with; its figures must be the kernel's.
 */
import { type Entries, FROM_CLEAN, type MethodName, type SeedLeg } from '../../graph/index.ts'

interface PlainLot {
  readonly origin: number
  readonly amount: bigint
}

/** What a method left in each pool, by seed, and what each sink's leg took: enough to compare two engines by. */
export interface PlainTaint {
  readonly moves: number
  /** By leg, then seed. */
  readonly legs: ReadonlyMap<string, bigint>
}

/** fifo and proRata, for ledgers without conversions. */
export function traceTaintPlainly(
  entries: Entries,
  seeds: readonly SeedLeg[],
  seedCount: number,
  method: Extract<MethodName, 'fifo' | 'proRata'>,
): PlainTaint {
  const pools = new Map<number, PlainLot[]>()
  const declared = new Map<number, SeedLeg[]>()
  for (const seed of seeds) declared.set(seed.leg, [...(declared.get(seed.leg) ?? []), seed])
  const legs = new Map<string, bigint>()
  let moves = 0
  const note = (leg: number | string, { origin, amount }: PlainLot) => {
    if (origin >= seedCount || amount === 0n) return
    moves++
    const key = `${leg} ${origin}`
    legs.set(key, (legs.get(key) ?? 0n) + amount)
  }
  for (let pool = 0; pool < entries.poolCount; pool++) {
    const opening = BigInt(entries.opening[pool])
    pools.set(pool, opening > 0n ? [{ origin: seedCount, amount: opening }] : [])
  }
  for (let entry = 0; entry < entries.count; entry++) {
    let meeting: PlainLot[] = []
    for (let leg = entries.inStart[entry]; leg < entries.inStart[entry + 1]; leg++) {
      const amount = BigInt(entries.inAmount[leg])
      const pool = entries.inPool[leg]
      if (pool < 0) {
        meeting.push({ origin: pool === FROM_CLEAN ? seedCount + 1 : seedCount, amount })
        continue
      }
      const [taken, left] =
        method === 'fifo' ? takeOldest(pools.get(pool)!, amount) : takeShare(pools.get(pool)!, amount)
      pools.set(pool, left)
      for (const lot of taken) note(`in ${leg}`, lot)
      meeting.push(...taken)
    }
    const outs: { leg: number; amount: bigint }[] = []
    for (let leg = entries.outStart[entry]; leg < entries.outStart[entry + 1]; leg++) {
      outs.push({ leg, amount: BigInt(entries.outAmount[leg]) })
    }
    if (meeting.length === 0)
      meeting = [{ origin: seedCount + 1, amount: outs.reduce((sum, out) => sum + out.amount, 0n) }]
    if (method === 'proRata') meeting = merged(meeting)
    const fee = meeting.reduce((sum, lot) => sum + lot.amount, 0n) - outs.reduce((sum, out) => sum + out.amount, 0n)
    const shares =
      method === 'proRata' ? deal(meeting, [...outs.map((out) => out.amount), ...(fee > 0n ? [fee] : [])]) : undefined
    outs.forEach(({ leg, amount }, i) => {
      let lots: PlainLot[]
      if (shares !== undefined) lots = shares[i]
      else [lots, meeting] = takeOldest(meeting, amount)
      for (const { seed, amount: wanted } of declared.get(leg) ?? []) lots = label(lots, seed, wanted, seedCount)
      for (const lot of lots) note(leg, lot)
      const to = entries.outPool[leg]
      if (to >= 0) {
        const there = pools.get(to)!
        if (method === 'proRata') pools.set(to, merged([...there, ...lots]))
        else for (const lot of lots) append(there, lot)
      }
    })
    for (const lot of shares?.[outs.length] ?? (fee > 0n ? meeting : [])) note('fee', lot)
  }
  return { moves, legs }
}

function append(line: PlainLot[], lot: PlainLot): void {
  const last = line.at(-1)
  if (last !== undefined && last.origin === lot.origin)
    line[line.length - 1] = { ...last, amount: last.amount + lot.amount }
  else line.push(lot)
}

function takeOldest(line: readonly PlainLot[], wanted: bigint): [PlainLot[], PlainLot[]] {
  const taken: PlainLot[] = []
  let i = 0
  for (; i < line.length && wanted >= line[i].amount; i++) {
    taken.push(line[i])
    wanted -= line[i].amount
  }
  const left = line.slice(i)
  if (wanted > 0n) {
    taken.push({ origin: left[0].origin, amount: wanted })
    left[0] = { origin: left[0].origin, amount: left[0].amount - wanted }
  }
  return [taken, left]
}

function takeShare(bag: readonly PlainLot[], wanted: bigint): [PlainLot[], PlainLot[]] {
  const balance = bag.reduce((sum, lot) => sum + lot.amount, 0n)
  const [going, staying] = deal(bag, [wanted, balance - wanted])
  return [going, staying]
}

function merged(lots: readonly PlainLot[]): PlainLot[] {
  const byOrigin = new Map<number, bigint>()
  for (const { origin, amount } of lots) byOrigin.set(origin, (byOrigin.get(origin) ?? 0n) + amount)
  return [...byOrigin]
    .filter(([, amount]) => amount > 0n)
    .sort(([a], [b]) => a - b)
    .map(([origin, amount]) => ({ origin, amount }))
}

function deal(bag: readonly PlainLot[], legs: readonly bigint[]): PlainLot[][] {
  const whole = legs.reduce((sum, leg) => sum + leg, 0n)
  const room = [...legs]
  const given: PlainLot[][] = legs.map(() => [])
  for (const { origin, amount } of bag) {
    const share = legs.map((leg, i) => {
      const exact = whole === 0n ? 0n : (amount * leg) / whole
      return exact < room[i] ? exact : room[i]
    })
    let rest = amount - share.reduce((sum, each) => sum + each, 0n)
    const order = legs.map((leg, i) => ({ i, remainder: whole === 0n ? 0n : (amount * leg) % whole }))
    order.sort((a, b) => (a.remainder === b.remainder ? a.i - b.i : a.remainder < b.remainder ? 1 : -1))
    for (const { i } of order) {
      if (rest > 0n && share[i] < room[i]) {
        share[i] += 1n
        rest -= 1n
      }
    }
    for (let i = 0; rest > 0n; i++) {
      const more = room[i] - share[i] < rest ? room[i] - share[i] : rest
      share[i] += more
      rest -= more
    }
    share.forEach((each, i) => {
      room[i] -= each
      if (each > 0n) given[i].push({ origin, amount: each })
    })
  }
  return given
}

function label(lots: readonly PlainLot[], seed: number, wanted: bigint, seedCount: number): PlainLot[] {
  const rest: PlainLot[] = []
  let labelled = 0n
  for (const lot of lots) {
    const taken =
      lot.origin < seedCount || labelled === wanted
        ? 0n
        : lot.amount < wanted - labelled
          ? lot.amount
          : wanted - labelled
    labelled += taken
    if (lot.amount > taken) rest.push({ origin: lot.origin, amount: lot.amount - taken })
  }
  return [...(labelled > 0n ? [{ origin: seed, amount: labelled }] : []), ...rest]
}
