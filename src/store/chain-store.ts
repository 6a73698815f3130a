import type {
  AccountTransaction,
  Asset,
  AssetFact,
  Chain,
  Coverage,
  Opening,
  Transaction,
  UtxoTransaction,
} from '../../graph/index.ts'

/** Where reading stops: everything a trace says is said as of here. */
export interface Snapshot {
  readonly chain: Chain
  readonly height: number | undefined
  readonly blockHash: string | undefined
  /** Seconds since the epoch, of the last transaction or block read. */
  readonly time: number
  readonly finalityDepth: number
}

/** An output by the transaction that made it. `height` tells apart the two BIP-30 pairs that share an id. */
export interface OutputRef {
  readonly transaction: string
  readonly output: number
}

/** An account's history in one asset. */
export interface AccountRef {
  readonly asset: Asset
  readonly address: string
}

/** A point in a chain's order, as the store counts it. Entries at or after it are "from" it. */
export interface Place {
  readonly height: number
  readonly index: number
}

/** One page of an account's transactions, in chain order; `next` undefined: that was all up to the snapshot. */
export interface EntryPage {
  readonly transactions: readonly Transaction[]
  readonly next: Place | undefined
}

/**
 * The chain store: one narrow port of batch calls, answered in memory, by LMDB or by ClickHouse, with the same answers.
 * A frontier of thousands goes out in one call. Every answer is as of a snapshot; nothing later is ever mixed in.
 * Answers stand in the order of the questions; `undefined` means the store does not hold it, never that it does not exist.
 */
export interface ChainStore {
  readonly chains: () => Promise<readonly Chain[]>
  snapshot(chain: Chain): Promise<Snapshot | undefined>
  /** A BIP-30 id answers with every transaction of that id, oldest first. */
  transactions(chain: Chain, ids: readonly string[], at: Snapshot): Promise<readonly (readonly Transaction[])[]>
  /** The transaction that spends each output, or undefined: unspent at the snapshot, as far as this store knows. */
  spendersOf(chain: Chain, outputs: readonly OutputRef[], at: Snapshot): Promise<readonly (string | undefined)[]>
  /** Transactions in which each account gives or takes the asset, from a place on, at most `limit` for each account. */
  entriesOf(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly from?: Place })[],
    limit: number,
    at: Snapshot,
  ): Promise<readonly EntryPage[]>
  /** Outputs paid to (UTXO) or transactions paying (account chains) each address within a window of seconds, both inclusive. */
  outputsOf(
    chain: Chain,
    addresses: readonly string[],
    window: { readonly from: number | undefined; readonly until: number | undefined },
    at: Snapshot,
  ): Promise<readonly (readonly (UtxoTransaction | AccountTransaction)[])[]>
  /** What an account held just before a place: in − out of everything earlier, and its opening. May be negative where data is missing. */
  balanceBefore(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly before: Place })[],
    at: Snapshot,
  ): Promise<readonly bigint[]>
  /** What the ledger says of itself. */
  facts(chain: Chain): Promise<{
    readonly assets: readonly AssetFact[]
    readonly coverage: readonly Coverage[]
    readonly openings: readonly Opening[]
  }>
  /** Adds transactions; the same again changes nothing; a contradiction is a fault and nothing of the batch is kept. Durable when it resolves. */
  append(batch: LedgerBatch): Promise<void>
  /** Forgets everything above a height: the chain was reorganised. */
  rollback(chain: Chain, height: number): Promise<void>
  close(): Promise<void>
}

/** What a decoder hands to a store: transactions and what was said of the ledger, in any order. */
export interface LedgerBatch {
  readonly transactions: readonly Transaction[]
  readonly assets?: readonly AssetFact[]
  readonly coverage?: readonly Coverage[]
  readonly openings?: readonly Opening[]
  /** Block headers seen, so that a snapshot has a hash and a rollback a fork point. */
  readonly blocks?: readonly {
    readonly chain: Chain
    readonly height: number
    readonly hash: string
    readonly previous: string | undefined
    readonly time: number
  }[]
}
