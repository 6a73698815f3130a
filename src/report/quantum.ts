import { type Bound, FEE_LEG } from '../../graph/index.ts'
import { formatTime } from '../text.ts'
import type { ChainRun, Trace } from '../trace/trace.ts'
import type { Digits, QuantumRow, Traced } from './format.ts'
import { isCovered } from './rests.ts'

/** Floor and ceiling of what is left in a pool of a run, for the row of this index and id. */
export type BoundOf = (run: ChainRun, pool: number, index: number, id: string) => Bound | undefined

/**
 * Quantum, for the rule on mixed property (마약류 불법거래 방지에 관한 특례법 art. 14; 범죄수익은닉의 규제 및 처벌 등에 관한 법률
 * art. 8(2)): of a wallet in which illegal property was mixed with other property, the part that answers to the amount of
 * illegal property that took part in the mixing. For each pool of a chain's first kind that proceeds entered and that no
 * limit closed (of outputs: those unspent at the end):
 *
 * - *mixed in*: all that the journal brings into the pool of a seed; of one seed never more than was seeded of it on that
 *   chain and asset, so that value which comes back is not counted twice. By each method, since a statute that names no
 *   order leaves open how much of a mixed payment was illegal; where a seed was paid straight in, all methods agree;
 * - *left*: the balance at the end, proceeds or not; *lowest*: the lowest it came to since the first of it was mixed in,
 *   and where: a reader who holds that what was spent below cannot come back stops there;
 * - *quantum*: the lesser of mixed in and left; *shortfall*: the rest of what was mixed in, the candidate for 추징.
 *
 * Floor and ceiling bound how much of what is left descends from a seed, whatever the method.
 */
export function tellQuantum(trace: Trace, boundOf: BoundOf): QuantumRow[] {
  const rows: QuantumRow[] = []
  for (const run of trace.runs) if (run.primary) addQuantum(rows, trace, run, boundOf)
  return rows
}

interface Mixing {
  /** The first entry that brought something in, under any method. */
  since: number
  /** By method, by seed. */
  readonly mixedIn: Map<string, Map<number, bigint>>
}

function addQuantum(rows: QuantumRow[], trace: Trace, run: ChainRun, boundOf: BoundOf): void {
  const { pools, closed, transactions, entries } = run.compiled
  const mixings = gatherMixings(run)
  const balances = walkBalances(run, mixings)
  const placeOf = (entry: number) => {
    const { id, time, height } = transactions[entries.transaction[entry]]
    return { transaction: id, time: formatTime(time), height: height ?? null }
  }
  for (const [pool, { since, mixedIn }] of [...mixings].sort(([a], [b]) => a - b)) {
    const { left, lowest, lowestEntry } = balances.get(pool)!
    const { asset, address, transaction, output } = pools[pool]
    if (closed[pool] !== undefined || (run.pool === 'output' && left === 0n)) continue
    const figures: Record<string, Traced> = {}
    const quantum: Record<string, Digits> = {}
    const shortfall: Record<string, Digits> = {}
    for (const { key } of run.methods) {
      const figure = mixedFigure(trace, run.chain, asset, mixedIn.get(key) ?? new Map())
      const total = BigInt(figure.total)
      const least = total < left ? total : left
      figures[key] = figure
      quantum[key] = least.toString()
      shortfall[key] = (total - least).toString()
    }
    const id = `Q${rows.length + 1}`
    const bound = left === 0n ? undefined : boundOf(run, pool, rows.length, id)
    rows.push({
      id,
      chain: run.chain,
      pool: run.pool,
      asset,
      address: address ?? null,
      ...(transaction === undefined ? {} : { transaction, output: output! }),
      covered: isCovered(trace, run, pool),
      since: placeOf(since),
      mixedIn: figures,
      left: left.toString(),
      lowest: { amount: lowest.toString(), ...placeOf(lowestEntry) },
      quantum,
      shortfall,
      floor: left === 0n ? '0' : (bound?.floor?.toString() ?? null),
      ceiling: left === 0n ? '0' : (bound?.ceiling?.toString() ?? null),
    })
  }
}

/** What each method's journal brings into each pool. */
function gatherMixings(run: ChainRun): Map<number, Mixing> {
  const { outPool } = run.compiled.entries
  const mixings = new Map<number, Mixing>()
  for (const { key, taint } of run.methods) {
    const { journal } = taint
    for (let i = 0; i < journal.rows; i++) {
      if (journal.side[i] !== 1 || journal.leg[i] === FEE_LEG || outPool[journal.leg[i]] < 0) continue
      const pool = outPool[journal.leg[i]]
      let mixing = mixings.get(pool)
      if (mixing === undefined) mixings.set(pool, (mixing = { since: journal.entry[i], mixedIn: new Map() }))
      if (journal.entry[i] < mixing.since) mixing.since = journal.entry[i]
      let bySeed = mixing.mixedIn.get(key)
      if (bySeed === undefined) mixing.mixedIn.set(key, (bySeed = new Map()))
      const seed = journal.seed[i]
      bySeed.set(seed, (bySeed.get(seed) ?? 0n) + BigInt(journal.amount[i]))
    }
  }
  return mixings
}

/** What came in of each seed, no more of one than was declared of it. */
function mixedFigure(trace: Trace, chain: string, asset: string, bySeed: ReadonlyMap<number, bigint>): Traced {
  let total = 0n
  const rows: [string, string][] = []
  for (const [seed, arrived] of [...bySeed].sort(([a], [b]) => a - b)) {
    const declared = trace.seeds.reduce(
      (sum, each) => (each.seed === seed && each.chain === chain && each.asset === asset ? sum + each.amount : sum),
      0n,
    )
    // A seed declared in another asset came here by a conversion: its own units say nothing about these.
    const amount = declared > 0n && declared < arrived ? declared : arrived
    total += amount
    rows.push([trace.request.seeds[seed].id, amount.toString()])
  }
  return { total: total.toString(), bySeed: Object.fromEntries(rows) }
}

interface Balance {
  readonly left: bigint
  readonly lowest: bigint
  readonly lowestEntry: number
}

/** The balance of each pool after the last entry, and its lowest point after any entry since the transaction of the first mixing paid it. */
function walkBalances(run: ChainRun, mixings: ReadonlyMap<number, Mixing>): Map<number, Balance> {
  const { entries } = run.compiled
  const found = new Map<number, { left: bigint; lowest: bigint; lowestEntry: number }>()
  for (const pool of mixings.keys()) {
    found.set(pool, { left: BigInt(entries.opening[pool]), lowest: -1n, lowestEntry: -1 })
  }
  const begun = new Set<number>()
  for (let entry = 0; entry < entries.count; entry++) {
    const touched = new Set<number>()
    const move = (pool: number, amount: bigint) => {
      const balance = found.get(pool)
      if (balance === undefined) return
      balance.left += amount
      touched.add(pool)
    }
    for (let leg = entries.inStart[entry]; leg < entries.inStart[entry + 1]; leg++) {
      move(entries.inPool[leg], -BigInt(entries.inAmount[leg]))
    }
    for (let leg = entries.outStart[entry]; leg < entries.outStart[entry + 1]; leg++) {
      const pool = entries.outPool[leg]
      move(pool, BigInt(entries.outAmount[leg]))
      const since = mixings.get(pool)?.since
      if (since !== undefined && entries.transaction[entry] === entries.transaction[since]) begun.add(pool)
    }
    for (const pool of touched) {
      const balance = found.get(pool)!
      if (!begun.has(pool) || (balance.lowest >= 0n && balance.left >= balance.lowest)) continue
      balance.lowest = balance.left
      balance.lowestEntry = entry
    }
  }
  return found
}
