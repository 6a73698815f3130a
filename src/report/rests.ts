import type { ChainRun, Trace } from '../trace/trace.ts'

/** Sinks in which value rests in a pool at the end, rather than in a leg that ends the trace. */
export type RestSink = 'holding' | 'unseen' | 'horizon.hops' | 'horizon.until' | 'horizon.transactions'

/**
 * What a rest in a pool is: beyond a limit where one kept the pool's spends out; a holding where the ledger says it holds all
 * of the pool's transactions; otherwise unseen, since a ledger's silence is not a balance (DESIGN.md 4.1).
 */
export function restSink(trace: Trace, run: ChainRun, pool: number): RestSink {
  const closed = run.compiled.closed[pool]
  if (closed !== undefined) return `horizon.${closed}`
  return isCovered(trace, run, pool) ? 'holding' : 'unseen'
}

/** Whether the ledger holds every transaction of a pool. A cluster is covered where its every known member is. */
export function isCovered(trace: Trace, run: ChainRun, pool: number): boolean {
  const ledger = trace.ledgers.get(run.chain)!
  if (ledger.coversAll) return true
  const { address } = run.compiled.pools[pool]
  if (address === undefined) return false
  if (run.pool !== 'cluster') return ledger.covered.has(address)
  return trace.hands.membersOf(run.chain, address).every((member) => ledger.covered.has(member))
}
