/**
 * The coins themselves: a slow second opinion that shares nothing with the engine but the drawing. Every unit has a
 * slot of its own and moves alone. Sums cannot see a lost order; this can. Pro rata has no coins, so it is told by a
 * reference in whole numbers with its own dealing.
 */
import { FEE_LEG, type Lot, type MethodName } from '../../graph/index.ts'
import { type Drawing, type DrawnEntry, joinLots, joinRows, type Row, type Told } from './ledger.ts'

interface Names {
  readonly seeds: readonly string[]
  readonly pools: readonly string[]
}

/** One unit, by its origin. */
type Coin = number

/** Which entries carry out what; the lots each leg got, for rows. */
class Book {
  readonly rows: Row[] = []
  private readonly seedCount: number

  constructor(seedCount: number) {
    this.seedCount = seedCount
  }

  write(entry: number, side: number, leg: number, lots: Iterable<Lot>): void {
    for (const { origin, amount } of lots) {
      if (origin < this.seedCount && amount > 0n) this.rows.push({ entry, side, seed: origin, leg, amount })
    }
  }
}

const asLots = (coins: readonly Coin[]): Lot[] => joinLots(coins.map((origin) => ({ origin, amount: 1n })))

/**
 * Follows every unit. Amounts must be small: they are counted out one at a time.
 *
 * Value mixes in one place only. Pools that are outputs are spent whole, as they lie, and the method rules inside the
 * transaction; where pools are balances the method rules there, and the entry passes on what the payers gave, in order.
 */
export function traceCoins(drawing: Drawing, { seeds, pools }: Names, method: Exclude<MethodName, 'proRata'>): Told {
  const unknown = seeds.length
  const clean = unknown + 1
  const isProceeds = (coin: Coin) => coin < seeds.length
  const balances = new Map<string, Coin[]>(
    pools.map((name) => [name, new Array<Coin>(Number(drawing.openings.get(name) ?? 0n)).fill(unknown)]),
  )
  const book = new Book(seeds.length)

  const mixesInside = drawing.pools === 'output'
  const takeOne = (line: Coin[], mixed: boolean): Coin => {
    if (!mixed) return line.shift()!
    let at = 0
    if (method === 'lifo') at = line.length - 1
    if (method === 'ownFirst') at = line.findIndex((coin) => !isProceeds(coin))
    if (method === 'proceedsFirst') at = line.findIndex((coin) => isProceeds(coin))
    if (at < 0) at = 0
    if (line.length === 0) throw new Error('a coin is wanted where none is')
    return line.splice(at, 1)[0]
  }
  const takeMany = (line: Coin[], count: number, mixed: boolean) =>
    Array.from({ length: count }, () => takeOne(line, mixed))

  let inLeg = 0
  let outLeg = 0
  for (const [number, entry] of drawing.entries.entries()) {
    let waiting: Coin[] = []
    for (const { from, amount } of entry.ins) {
      const count = Number(amount)
      if (from === '@clean') waiting.push(...new Array<Coin>(count).fill(clean))
      else if (from === '@unknown') waiting.push(...new Array<Coin>(count).fill(unknown))
      else {
        const given = takeMany(balances.get(from)!, count, !mixesInside)
        book.write(number, 0, inLeg, asLots(given))
        waiting.push(...given)
      }
      inLeg++
    }
    const wanted = entry.outs.reduce((all, leg) => all + Number(leg.amount), Number(entry.fee))
    if (entry.ins.length === 0) waiting = new Array<Coin>(wanted).fill(clean)
    if (entry.conversion) {
      // Coin i of a becomes the coins of b that its own stretch of the line covers.
      const a = waiting.length
      waiting = waiting.flatMap((coin, i) => {
        const count = Math.floor(((i + 1) * wanted) / a) - Math.floor((i * wanted) / a)
        return new Array<Coin>(count).fill(coin)
      })
    }
    const shares = method === 'tiho' ? tihoShares(entry, waiting, isProceeds) : undefined
    for (const [i, leg] of entry.outs.entries()) {
      const served = shares ? shares[i] : takeMany(waiting, Number(leg.amount), mixesInside)
      const labelled = [...served]
      for (const declared of leg.seeds) {
        const seed = seeds.indexOf(declared.seed)
        const chosen: number[] = []
        for (let at = 0; at < labelled.length && chosen.length < Number(declared.amount); at++) {
          if (!isProceeds(labelled[at])) chosen.push(at)
        }
        const rest = labelled.filter((_, at) => !chosen.includes(at))
        labelled.splice(0, labelled.length, ...chosen.map(() => seed), ...rest)
        book.write(number, 2, outLeg, [{ origin: seed, amount: BigInt(chosen.length) }])
      }
      book.write(number, 1, outLeg, asLots(labelled))
      if (!leg.to.startsWith('@')) balances.get(leg.to)!.push(...labelled)
      outLeg++
    }
    if (entry.fee > 0n) {
      const left = shares ? shares[entry.outs.length] : takeMany(waiting, Number(entry.fee), mixesInside)
      book.write(number, 1, FEE_LEG, asLots(left))
    }
  }
  const held = pools.map((name) => {
    const line = balances.get(name)!
    return asLots(takeMany(line, line.length, method !== 'tiho'))
  })
  return { held, rows: joinRows(book.rows) }
}

/** Tainted coins to the largest output first, ties to the lowest, the fee last; the others fill what is left, in order. */
function tihoShares(entry: DrawnEntry, waiting: readonly Coin[], isProceeds: (coin: Coin) => boolean): Coin[][] {
  const tainted = waiting.filter(isProceeds)
  const others = waiting.filter((coin) => !isProceeds(coin))
  const sizes = [...entry.outs.map((leg) => Number(leg.amount)), Number(entry.fee)]
  const order = entry.outs.map((_, i) => i).sort((a, b) => sizes[b] - sizes[a] || a - b)
  const shares: Coin[][] = sizes.map(() => [])
  for (const i of [...order, entry.outs.length]) shares[i].push(...tainted.splice(0, sizes[i]))
  for (const [i, size] of sizes.entries()) shares[i].push(...others.splice(0, size - shares[i].length))
  return shares
}

/**
 * Deals by largest remainder, from the rule's words alone: each origin in turn gives every leg the whole part of its
 * share, but no more than the leg has room for; the units left go one each to the legs with the largest remainders,
 * the lowest leg first among equals, passing full legs; whatever rooms refused goes to the lowest legs that have room.
 */
export function dealSlowly(held: readonly bigint[], legs: readonly bigint[]): bigint[][] {
  const whole = legs.reduce((a, b) => a + b, 0n)
  const given = legs.map(() => 0n)
  const answer: bigint[][] = []
  for (const amount of held) {
    const row = legs.map(() => 0n)
    let left = amount
    const give = (leg: number, units: bigint) => {
      const room = legs[leg] - given[leg]
      const taken = [units, room, left].reduce((a, b) => (a < b ? a : b))
      row[leg] += taken
      given[leg] += taken
      left -= taken
    }
    if (whole > 0n) for (const leg of legs.keys()) give(leg, (amount * legs[leg]) / whole)
    const passed = new Set<number>()
    while (left > 0n && passed.size < legs.length) {
      let best = -1
      for (const leg of legs.keys()) {
        if (passed.has(leg)) continue
        if (best < 0 || (amount * legs[leg]) % whole > (amount * legs[best]) % whole) best = leg
      }
      passed.add(best)
      give(best, 1n)
    }
    for (const leg of legs.keys()) give(leg, left)
    if (left > 0n) throw new Error('no room for what is dealt')
    answer.push(row)
  }
  return answer
}

/** Pro rata from the rule's words: one amount an origin in each pool, dealt in whole units at every step. */
export function traceShares(drawing: Drawing, { seeds, pools }: Names): Told {
  const unknown = seeds.length
  const origins = Array.from({ length: seeds.length + 2 }, (_, origin) => origin)
  const nothing = () => origins.map(() => 0n)
  const sumOf = (amounts: readonly bigint[]) => amounts.reduce((a, b) => a + b, 0n)
  const lots = (bag: readonly bigint[]) => joinLots(bag.map((amount, origin) => ({ origin, amount })))
  const bags = new Map(pools.map((name) => [name, nothing()]))
  for (const [name, amount] of drawing.openings) bags.get(name)![unknown] = amount
  const book = new Book(seeds.length)
  let inLeg = 0
  let outLeg = 0
  for (const [number, entry] of drawing.entries.entries()) {
    let waiting = nothing()
    for (const { from, amount } of entry.ins) {
      if (from === '@clean') waiting[unknown + 1] += amount
      else if (from === '@unknown') waiting[unknown] += amount
      else {
        const bag = bags.get(from)!
        const dealt = dealSlowly(bag, [amount, sumOf(bag) - amount])
        for (const origin of origins) {
          waiting[origin] += dealt[origin][0]
          bag[origin] = dealt[origin][1]
        }
        book.write(number, 0, inLeg, lots(dealt.map((row) => row[0])))
      }
      inLeg++
    }
    const sizes = [...entry.outs.map((leg) => leg.amount), entry.fee]
    if (entry.ins.length === 0) waiting[unknown + 1] = sumOf(sizes)
    if (entry.conversion) waiting = scaleShares(waiting, sumOf(sizes))
    const dealt = dealSlowly(waiting, sizes)
    for (const [i, leg] of entry.outs.entries()) {
      const bag = dealt.map((row) => row[i])
      const first: Lot[] = []
      for (const declared of leg.seeds) {
        let left = declared.amount
        for (const origin of [unknown, unknown + 1]) {
          const taken = bag[origin] < left ? bag[origin] : left
          bag[origin] -= taken
          left -= taken
        }
        first.unshift({ origin: seeds.indexOf(declared.seed), amount: declared.amount - left })
        book.write(number, 2, outLeg, first.slice(0, 1))
      }
      const served = joinLots([...first, ...lots(bag)])
      book.write(number, 1, outLeg, served)
      if (!leg.to.startsWith('@')) for (const { origin, amount } of served) bags.get(leg.to)![origin] += amount
      outLeg++
    }
    if (entry.fee > 0n) {
      const left = dealt.map((row) => row[entry.outs.length])
      book.write(number, 1, FEE_LEG, lots(left))
    }
  }
  return { held: pools.map((name) => lots(bags.get(name)!)), rows: joinRows(book.rows) }
}

/** One asset's shares in another's units: largest remainder over the origins, ties to the lowest. */
function scaleShares(bag: readonly bigint[], target: bigint): bigint[] {
  const whole = bag.reduce((a, b) => a + b, 0n)
  if (whole === 0n) return bag.map(() => 0n)
  const scaled = bag.map((amount) => (amount * target) / whole)
  const ranked = bag
    .map((amount, origin) => ({ origin, remainder: (amount * target) % whole }))
    .sort((a, b) => (a.remainder === b.remainder ? a.origin - b.origin : a.remainder > b.remainder ? -1 : 1))
  const left = target - scaled.reduce((a, b) => a + b, 0n)
  for (const { origin } of ranked.slice(0, Number(left))) scaled[origin] += 1n
  return scaled
}

/** The oracle for any method. */
export function oracle(drawing: Drawing, names: Names, method: MethodName): Told {
  return method === 'proRata' ? traceShares(drawing, names) : traceCoins(drawing, names, method)
}
