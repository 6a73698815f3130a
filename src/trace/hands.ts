import {
  type Chain,
  type ClusterEvidence,
  type Clusters,
  clusterAddresses,
  DEPOSIT_PARAMETERS,
  type DepositAccount,
  type DepositParameters,
  findDepositAccounts,
  isChangeRule,
  isUtxoChain,
} from '../../graph/index.ts'
import { stopOfCategory } from '../tags/categories.ts'
import type { TagBook } from '../tags/tag.ts'
import type { ChainLedger } from './ledger.ts'
import type { TraceRequest } from './request.ts'

/**
 * What rules say of structure, apart from what tags claim (DESIGN.md decision 16): which addresses one hand controls, and
 * which accounts a service holds for its customers.
 */
export interface Hands {
  /** The cluster an address belongs to, by its smallest member; the address itself where it stands alone. */
  readonly clusterOf: (chain: Chain, address: string) => string
  readonly membersOf: (chain: Chain, smallest: string) => readonly string[]
  readonly evidenceOf: (chain: Chain, smallest: string) => ClusterEvidence | undefined
  /** The deposit account that an address is, by its sweeps into tagged wallets of one service. */
  readonly depositOf: (chain: Chain, address: string) => DepositAccount | undefined
  /** Addresses whose whole history the deposit rule judged by: it must be read again to judge again. */
  readonly judged: (chain: Chain) => ReadonlySet<string>
  readonly depositParameters: DepositParameters
}

/**
 * Finds the hands in a ledger, as far as the request asks: clusters for chains traced by cluster, deposit accounts where
 * the sweep rule is on. A tag speaks for one address; the deposit rule only follows what was swept into a tagged wallet.
 */
export function findHands(request: TraceRequest, ledgers: ReadonlyMap<Chain, ChainLedger>, book: TagBook): Hands {
  const clusters = new Map<Chain, Clusters>()
  const deposits = new Map<Chain, Map<string, DepositAccount>>()
  const judged = new Map<Chain, Set<string>>()
  const { commonInput, change, depositSweep } = request.rules
  for (const [chain, kinds] of Object.entries(request.pool)) {
    const ledger = ledgers.get(chain)
    if (ledger === undefined) continue
    if (kinds.includes('cluster') && isUtxoChain(chain)) {
      const rules = { commonInput, change: change.filter(isChangeRule) }
      clusters.set(chain, clusterAddresses(ledger.transactions, rules))
    }
    if (depositSweep) {
      const found = findDepositAccounts(ledger.transactions, {
        entityOf: (_, address, time) => entityOf(book, chain, address, time),
      })
      deposits.set(chain, new Map(found.accounts.map((account) => [account.address, account])))
      judged.set(chain, new Set([...found.accounts, ...found.heldApart].map(({ address }) => address)))
    }
  }
  const nobody: ReadonlySet<string> = new Set()
  return {
    clusterOf: (chain, address) => clusters.get(chain)?.clusterOf(address) ?? address,
    membersOf: (chain, smallest) => clusters.get(chain)?.members(smallest) ?? [smallest],
    evidenceOf: (chain, smallest) => clusters.get(chain)?.evidence(smallest),
    depositOf: (chain, address) => deposits.get(chain)?.get(address),
    judged: (chain) => judged.get(chain) ?? nobody,
    depositParameters: DEPOSIT_PARAMETERS,
  }
}

/** The service whose wallet an address is at a time, as its weightiest standing tag says; undefined where none says so. */
function entityOf(book: TagBook, chain: Chain, address: string, time: number): string | undefined {
  const stop = book.stopAt(chain, address, time)
  if (stop?.sink !== 'service') return undefined
  const tag = stop.tags.find((each) => stopOfCategory(each.category) === 'service')
  return tag?.entity ?? tag?.label
}
