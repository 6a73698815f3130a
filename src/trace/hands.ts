import type { Chain } from '../../graph/index.ts'
import type { Hands } from './follow.ts'
import type { ChainLedger } from './ledger.ts'
import type { TraceRequest } from './request.ts'

/** Finds which addresses one hand controls, for the chains that are traced by cluster. */
export function findHands(_request: TraceRequest, _ledgers: ReadonlyMap<Chain, ChainLedger>): Hands {
  return { clusterOf: (_chain, address) => address, membersOf: (_chain, smallest) => [smallest] }
}
