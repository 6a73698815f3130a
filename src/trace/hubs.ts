/**
 * Untagged addresses with so much company that value passing through them would be mixed with many others': a trace that goes on there
 * follows the next customer. Found from the ledger alone, so it is a reason to stop and to say so, never a claim of who it is.
 */
import {
  addressesOf,
  type Chain,
  HUB_PARAMETERS,
  type HubParameters,
  type HubVerdict,
  looksLikeService,
  type Transaction,
} from '../../graph/index.ts'

/** An address that looks like a service, with what says so. */
export interface Hub {
  readonly chain: Chain
  readonly address: string
  readonly verdict: HubVerdict
  /** Transactions it takes part in, of those given; and the first and last of them, seconds since the epoch. */
  readonly transactions: number
  readonly first: number
  readonly last: number
}

export interface HubQuestions {
  /** Addresses that need no verdict: what a tag, a seed or another rule has spoken of already. */
  readonly isKnown?: (chain: Chain, address: string) => boolean
  readonly parameters?: HubParameters
}

/**
 * Finds the hubs of one chain's ledger, sorted by address; the same transactions in any order give the same hubs. Two passes: the
 * first bounds each address's company from above, the second weighs those few that may have enough of it, so memory grows with
 * the addresses and not with the square of anything. What is not in the ledger is not counted: it can only find too few.
 */
export function findHubs(transactions: readonly Transaction[], questions: HubQuestions = {}): readonly Hub[] {
  const parameters = questions.parameters ?? HUB_PARAMETERS
  const isKnown = questions.isKnown ?? (() => false)
  // The most company that an address can have had: what each of its transactions could have brought it.
  const company = new Map<string, number>()
  for (const transaction of transactions) {
    const width = transaction.kind === 'utxo' ? 1 + transaction.outputs.length : transaction.transfers.length
    for (const address of new Set(addressesOf(transaction))) company.set(address, (company.get(address) ?? 0) + width)
  }
  const least = Math.min(parameters.counterpartiesMin, Math.max(parameters.payersMin, parameters.payeesMin))
  const busy = new Map<string, Transaction[]>()
  for (const [address, most] of company) if (most >= least) busy.set(address, [])
  for (const transaction of transactions) {
    for (const address of new Set(addressesOf(transaction))) busy.get(address)?.push(transaction)
  }
  const hubs: Hub[] = []
  for (const address of [...busy.keys()].sort()) {
    const own = busy.get(address) as Transaction[]
    const { chain } = own[0]
    if (isKnown(chain, address)) continue
    const verdict = looksLikeService(address, own, parameters)
    if (!verdict.isHub) continue
    const times = own.reduce(
      ({ first, last }, { time }) => ({ first: Math.min(first, time), last: Math.max(last, time) }),
      { first: own[0].time, last: own[0].time },
    )
    hubs.push({ chain, address, verdict, transactions: own.length, ...times })
  }
  return hubs
}
