/**
 * The ledger as columns: what the kernel, the bounds and the paths all read. Text is gone, pools are dense numbers.
 *
 * An **entry** is a balanced movement of value: input legs, output legs, and what is left over is the fee. A UTXO
 * transaction is one entry; an account chain's transaction is one entry for each transfer and one for its fee. Entries
 * stand in total order: entry `e` happens wholly before entry `e + 1`.
 */

/** Whole amounts. Every figure and every balance below 2^53: Float64Array. Otherwise bigint[]. Never mixed in one ledger. */
export type Amounts = Float64Array | bigint[]

/** Where value comes from that no traced pool holds. Never carries a seed. */
export const FROM_CLEAN = -1
export const FROM_UNKNOWN = -2

/** Where value goes that no traced pool takes: the names of the sinks, by `-1 - index`. */
export const SINKS = ['outside', 'service', 'mixer', 'bridge', 'burned', 'fee', 'horizon'] as const
export type SinkName = (typeof SINKS)[number]
export const TO_OUTSIDE = -1
export const TO_SERVICE = -2
export const TO_MIXER = -3
export const TO_BRIDGE = -4
export const TO_BURNED = -5
export const TO_FEE = -6
/** A leg below the request's smallest amount (DESIGN.md decision 13). */
export const TO_HORIZON = -7

export interface Entries {
  readonly count: number
  /**
   * Where value mixes. `transaction`: in each entry, whose in legs spend their pools whole (pool `output`). `balance`: in
   * the pools (pool `address`, `cluster`); what a pool gives passes through the entry in the order in which it left, and
   * only pro rata, which knows no order, mixes what several payers give.
   */
  readonly mixing: 'transaction' | 'balance'
  readonly poolCount: number
  /** Which transaction an entry belongs to; transactions are numbered in their order. */
  readonly transaction: Uint32Array
  /** Legs of entry e: `inStart[e] … inStart[e + 1] − 1`; likewise out. Order of legs is the order of service. */
  readonly inStart: Uint32Array
  readonly inPool: Int32Array
  readonly inAmount: Amounts
  readonly outStart: Uint32Array
  /** A pool (≥ 0) or a sink (< 0). */
  readonly outPool: Int32Array
  readonly outAmount: Amounts
  /** 1 where the output side is another asset than the input side (a swap, a wrap): lots carry over in proportion. */
  readonly conversion: Uint8Array
  /** Value of unknown origin that stands first in each pool before any entry. */
  readonly opening: Amounts
  /** Which space (chain and asset) a pool belongs to; amounts of two spaces are never added. */
  readonly poolSpace: Uint32Array
}

/** A declared seed: the first `amount` of output leg `leg` (an index into `outPool`) is proceeds, with its own label. */
export interface SeedLeg {
  /** 0 … seedCount − 1, in the order of seed ids. */
  readonly seed: number
  readonly leg: number
  readonly amount: bigint
}
