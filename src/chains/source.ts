import type { Asset, AssetFact, Chain, Transaction } from '../../graph/index.ts'
import { Fault } from '../faults.ts'
import type { Gap } from '../gaps.ts'

/** The newest block that a source knows. */
export interface Tip {
  readonly height: number
  readonly hash: string
  /** Seconds since the epoch. */
  readonly time: number
}

/** One whole block as a source gives it, proven as far as its hashes reach. */
export interface SourceBlock extends Tip {
  readonly chain: Chain
  /** Undefined for the first block of a chain. */
  readonly previous: string | undefined
  /** Every transaction of the block, in its order. */
  readonly transactions: readonly Transaction[]
  /** What the source could not show of it. */
  readonly gaps?: readonly Gap[]
}

/**
 * A source that has a chain by its blocks: a node. Faults: `SOURCE_UNAVAILABLE` where it does not answer,
 * `SOURCE_CONTRADICTS` where what it says cannot be true; nothing of such an answer is used.
 */
export interface BlockSource {
  tip(): Promise<Tip>
  /** The block at a height of the source's best chain; undefined above its tip. */
  block(height: number): Promise<SourceBlock | undefined>
}

/** Everything that a source has of one account in one asset, up to a tip. */
export interface History {
  readonly transactions: readonly Transaction[]
  /** Whether these are all there are from the chain's beginning, as far as the source can know. */
  readonly whole: boolean
  readonly gaps?: readonly Gap[]
}

/** A source that a trace asks while it runs. Answers are whole transactions: two views of one are the same. */
export interface AskedSource {
  readonly chain: Chain
  tip(): Promise<Tip>
  /** Undefined where the source does not know it or it is in no block yet. */
  transaction(id: string): Promise<Transaction | undefined>
  /** Every transaction that names an account in an asset, up to a height. */
  history(asset: Asset, address: string, height: number): Promise<History>
  /**
   * The transaction that spends an output of a UTXO chain; undefined: unspent. For outputs of addresses whose history
   * is too long to be asked for, and of none. A source without it says so by not having it.
   */
  spender?(transaction: string, output: number): Promise<Transaction | undefined>
  /** Some transaction of the block at the height, so that a ledger made of answers ends where the asking did. */
  last?(height: number): Promise<Transaction | undefined>
  /** How people write an asset; undefined where the source cannot say. */
  asset?(asset: Asset): Promise<AssetFact | undefined>
}

/** Where an index says that transactions lie. */
export interface Found {
  /** Ascending, each once. */
  readonly heights: readonly number[]
  readonly whole: boolean
}

/** Tells in which blocks to look. It is believed in nothing else: the blocks themselves are read and proven. */
export interface BlockIndex {
  /** The height of the block that holds a transaction; undefined where it is not known. */
  heightOf(id: string): Promise<number | undefined>
  /** The blocks in which an account is named in an asset, up to a height (inclusive). */
  heightsOf(asset: Asset, address: string, height: number): Promise<Found>
}

export function contradicts(detail: string): Fault {
  return new Fault('SOURCE_CONTRADICTS', detail)
}

/** A plain object; undefined for anything else. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}

/** Whether a transaction names an account in an asset, as giver, taker or payer of a fee. */
export function namesAccount(transaction: Transaction, asset: Asset, address: string): boolean {
  if (transaction.kind === 'utxo') {
    return (
      transaction.inputs.some((input) => input.address === address) ||
      transaction.outputs.some((output) => output.address === address)
    )
  }
  if (asset === 'native' && transaction.fee?.from === address) return true
  return transaction.transfers.some(
    (transfer) => transfer.asset === asset && (transfer.from === address || transfer.to === address),
  )
}
