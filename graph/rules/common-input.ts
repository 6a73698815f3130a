import type { UtxoTransaction } from '../ledger.ts'
import { type CoinJoinProtocol, classifyCoinJoin, maybePayJoin, maybeStonewall } from './coinjoin.ts'

/** Why a transaction's inputs are not said to share a hand. */
export type Exclusion = CoinJoinProtocol | 'payJoin' | 'stonewall'

/** The addresses that one hand spent from together, or why nothing is said of them. */
export type CommonInputs =
  | { readonly joined: readonly string[]; readonly excluded: undefined }
  | { readonly joined: undefined; readonly excluded: Exclusion }

/** The distinct addresses among the inputs, in the transaction's order. */
export function inputAddresses(transaction: UtxoTransaction): string[] {
  const { inputs } = transaction
  const addresses: string[] = []
  // A handful is compared in place, which is quicker than a set; a crowd is not.
  const seen = inputs.length > 12 ? new Set<string>() : undefined
  for (const { address } of inputs) {
    if (address === null) continue
    if (seen) {
      if (seen.has(address)) continue
      seen.add(address)
    } else if (addresses.includes(address)) continue
    addresses.push(address)
  }
  return addresses
}

/**
 * Inputs spent together share a hand (DOMAIN A1). Fails on CoinJoins and PayJoins, so both are ruled out first;
 * a Whirlpool Tx0 is left out with them. With the guard up, what only might be a PayJoin or a Stonewall of two is left out too.
 * Undefined: fewer than two addresses, nothing to join.
 */
export function commonInputs(transaction: UtxoTransaction, guard: boolean): CommonInputs | undefined {
  if (transaction.inputs.length < 2) return undefined
  const joined = inputAddresses(transaction)
  if (joined.length < 2) return undefined
  const excluded = classifyCoinJoin(transaction)?.protocol
  if (excluded !== undefined) return { joined: undefined, excluded }
  if (guard && maybePayJoin(transaction)) return { joined: undefined, excluded: 'payJoin' }
  if (guard && maybeStonewall(transaction)) return { joined: undefined, excluded: 'stonewall' }
  return { joined, excluded: undefined }
}
