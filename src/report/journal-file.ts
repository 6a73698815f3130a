import { FEE_LEG, SINKS, TO_HORIZON } from '../../graph/index.ts'
import type { ChainRun, MethodRun, Trace } from '../trace/trace.ts'
import { canonicalJson } from './canonical.ts'
import type { JournalRow } from './format.ts'
import { restSink } from './rests.ts'

/** Every row of every method's journal, then what rests where at its end, numbered from 1 (format.ts, JournalRow). */
export function* journalRows(trace: Trace): Generator<JournalRow> {
  let row = 0
  for (const run of trace.runs) {
    for (const method of run.methods) {
      for (const each of movesOf(trace, run, method)) yield { row: ++row, ...each }
      for (const each of restsOf(trace, run, method)) yield { row: ++row, ...each }
    }
  }
}

/** The rows as lines of `journal.ndjson`. */
export function* journalLines(trace: Trace, count: (rows: number) => void): Generator<string> {
  let rows = 0
  for (const row of journalRows(trace)) {
    rows++
    yield `${canonicalJson(row)}\n`
  }
  count(rows)
}

type Unnumbered = Omit<JournalRow, 'row'>

function* movesOf(trace: Trace, run: ChainRun, { key, taint }: MethodRun): Generator<Unnumbered> {
  const { compiled, chain } = run
  const { entries, pools, transactions, assets, entryAsset, outPlace } = compiled
  const { journal } = taint
  for (let i = 0; i < journal.rows; i++) {
    const entry = journal.entry[i]
    const leg = journal.leg[i]
    const side = journal.side[i]
    const common = {
      method: key,
      entry,
      transaction: transactions[entries.transaction[entry]].id,
      chain,
      asset: assets[entryAsset[entry]],
      seed: trace.request.seeds[journal.seed[i]].id,
      amount: journal.amount[i].toString(),
    }
    if (side === 0) {
      yield { ...common, kind: 'in', at: pools[entries.inPool[leg]].name }
      continue
    }
    const kind = side === 2 ? 'seed' : 'out'
    if (leg === FEE_LEG) {
      yield { ...common, kind, sink: 'fee' }
      continue
    }
    const pool = entries.outPool[leg]
    const place = outPlace[leg]
    if (pool >= 0) yield { ...common, kind, leg: place, at: pools[pool].name }
    else yield { ...common, kind, leg: place, ...(side === 2 ? {} : { sink: sinkName(pool) }) }
  }
}

/** The name of a sink that a leg ends in. */
export function sinkName(code: number): string {
  return code === TO_HORIZON ? 'horizon.amount' : SINKS[-1 - code]
}

function* restsOf(trace: Trace, run: ChainRun, { key, taint }: MethodRun): Generator<Unnumbered> {
  const { compiled, chain } = run
  const seedCount = trace.request.seeds.length
  for (let pool = 0; pool < compiled.pools.length; pool++) {
    const bySeed = new Map<number, bigint>()
    for (const { origin, amount } of taint.held(pool)) {
      if (origin < seedCount) bySeed.set(origin, (bySeed.get(origin) ?? 0n) + amount)
    }
    for (const [seed, amount] of [...bySeed].sort(([a], [b]) => a - b)) {
      if (amount === 0n) continue
      const { name, asset } = compiled.pools[pool]
      yield {
        method: key,
        kind: 'rest',
        chain,
        asset,
        at: name,
        sink: restSink(trace, run, pool),
        seed: trace.request.seeds[seed].id,
        amount: amount.toString(),
      }
    }
  }
}
