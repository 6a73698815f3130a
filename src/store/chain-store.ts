import type { Asset, AssetFact, Chain, Coverage, Opening, Transaction } from '../../graph/index.ts'

/**
 * Where reading stops: everything a trace says is said as of here. A transaction with a height is seen if it is not above
 * `height`; one without is seen if it is not later than `time`. Rows appended later at or below the height are seen, so that
 * what a trace fetches on demand is there when it asks again.
 */
export interface Snapshot {
  readonly chain: Chain
  /** Undefined where the store holds no heights for the chain. */
  readonly height: number | undefined
  /** Undefined where no source told it. Where told, a store refuses to answer once it holds another block at that height. */
  readonly blockHash: string | undefined
  /** Seconds since the epoch, of the block at `height` or of the last transaction without a height, whichever is later. */
  readonly time: number
  readonly finalityDepth: number
}

/**
 * An output by the transaction that made it. An id that two BIP-30 transactions share names the coin of the later one:
 * the earlier coin ceased to exist unspent when the later was made, so an output has one spender at most.
 */
export interface OutputRef {
  readonly transaction: string
  readonly output: number
}

/** An account's history in one asset; on a UTXO chain the asset is `native` and the account is the address. */
export interface AccountRef {
  readonly asset: Asset
  readonly address: string
}

/** Where a transaction stands in its chain's order. Every transaction is its own place. */
export type Place = Pick<Transaction, 'height' | 'index' | 'time' | 'id'>

/** What tells whether a snapshot sees a transaction. */
export type Visible = Pick<Transaction, 'height' | 'time'>

/**
 * The order of a chain's transactions in a store: by height, then index (those of a block without an index after those
 * with one, by time), then id. Transactions without a height stand behind all that have one, by time, then id. Total and
 * the same whatever order things arrive in. Fails to be history where a chain mixes both kinds; the reader of both must
 * say so (gap `ORDER_ASSUMED`).
 */
export function comparePlaces(a: Place, b: Place): number {
  if (a.height !== b.height) return (a.height ?? LAST) - (b.height ?? LAST)
  if (a.height !== undefined && a.index !== b.index) return (a.index ?? LAST) - (b.index ?? LAST)
  return a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

const LAST = Number.MAX_SAFE_INTEGER

/** Whether a snapshot sees a transaction. */
export function isVisible(transaction: Visible, at: Snapshot): boolean {
  return transaction.height !== undefined && at.height !== undefined
    ? transaction.height <= at.height
    : transaction.time <= at.time
}

/** One page of an account's transactions, in chain order; `next`, the first not given; undefined: that was all up to the snapshot. */
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
  /** Every chain the store has anything of, in order of name. */
  chains(): Promise<readonly Chain[]>
  /** The latest state that is final by the store's own depth; undefined where it holds no transaction of the chain that deep. */
  snapshot(chain: Chain): Promise<Snapshot | undefined>
  /** A BIP-30 id answers with every transaction of that id, oldest first; an unknown one with none. */
  transactions(chain: Chain, ids: readonly string[], at: Snapshot): Promise<readonly (readonly Transaction[])[]>
  /** The id of the transaction that spends each output, or undefined: unspent at the snapshot, as far as this store knows. */
  spendersOf(chain: Chain, outputs: readonly OutputRef[], at: Snapshot): Promise<readonly (string | undefined)[]>
  /**
   * Transactions that name each account as giving or taking the asset (failed ones and amounts of zero too), from a place
   * on (inclusive; undefined: from the first), at most `limit` for each account.
   */
  entriesOf(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly from?: Place | undefined })[],
    limit: number,
    at: Snapshot,
  ): Promise<readonly EntryPage[]>
  /**
   * Transactions that pay each address more than zero, of any asset, within a window of seconds (both ends inclusive),
   * in chain order.
   */
  outputsOf(
    chain: Chain,
    addresses: readonly string[],
    window: { readonly from: number | undefined; readonly until: number | undefined },
    at: Snapshot,
  ): Promise<readonly (readonly Transaction[])[]>
  /**
   * What an account held just before a place, in base units: in − out of every transaction before it (a failed one pays
   * its fee only), and its opening. May be negative where data is missing.
   */
  balanceBefore(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly before: Place })[],
    at: Snapshot,
  ): Promise<readonly bigint[]>
  /** The hash of the block at each height, or undefined: no source told it. Where a follower finds the fork point. */
  blockHashes(chain: Chain, heights: readonly number[]): Promise<readonly (string | undefined)[]>
  /**
   * Where the ledger ends as a snapshot sees it: every transaction of the highest block that has one, and of those without a
   * height the latest, all of one second. So that a ledger gathered by its accounts ends where the whole one does.
   */
  last?(chain: Chain, at: Snapshot): Promise<readonly Transaction[]>
  /** What the ledger says of itself, in canonical order. */
  facts(chain: Chain): Promise<ChainFacts>
  /**
   * Adds transactions; the same again changes nothing, but that a block hash told later is taken up. Durable when it resolves.
   * Fault LEDGER_CONTRADICTS, and nothing of the batch is kept: one id with two contents (but for a BIP-30 pair: coinbases
   * of two heights), one output with two spenders, one height with two hashes, a block that does not follow the one below
   * it, an asset with two scales, an account with two openings.
   */
  append(batch: LedgerBatch): Promise<void>
  /**
   * Adds a long run of batches, the fast way to fill a store: as `append` does, but it may keep them in parts of many
   * batches. `onKept` is told how many transactions have been kept for good. A fault drops the part it falls in; a store
   * that was killed meanwhile holds whole parts only, and takes the same run again.
   */
  load(
    batches: AsyncIterable<LedgerBatch> | Iterable<LedgerBatch>,
    onKept?: (transactions: number) => void,
  ): Promise<void>
  /** Forgets everything above a height: the chain was reorganised. What has no height, and what the ledger says of itself, stays. */
  rollback(chain: Chain, height: number): Promise<void>
  close(): Promise<void>
}

/** What a ledger says of one chain: `assets` by asset; `coverage` as `all` first, then one sorted list; `openings` by address, then asset. */
export interface ChainFacts {
  readonly assets: readonly AssetFact[]
  readonly coverage: readonly Coverage[]
  readonly openings: readonly Opening[]
}

/** A block's own word about itself. `time` is in seconds since the epoch. */
export interface BlockHeader {
  readonly chain: Chain
  readonly height: number
  readonly hash: string
  readonly previous: string | undefined
  readonly time: number
}

/** What a decoder hands to a store: transactions and what was said of the ledger, in any order. */
export interface LedgerBatch {
  readonly transactions: readonly Transaction[]
  readonly assets?: readonly AssetFact[]
  readonly coverage?: readonly Coverage[]
  readonly openings?: readonly Opening[]
  /** Block headers seen, so that a snapshot has a hash and a rollback a fork point. */
  readonly blocks?: readonly BlockHeader[]
}

/** What every store is told when it is opened. */
export interface StoreOptions {
  /** How many blocks below the highest one a snapshot of a chain is taken. Without it, none: the ledger is final as it is. */
  readonly finalityDepth?: (chain: Chain) => number
}
