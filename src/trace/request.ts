import type { Asset, Chain, MethodName, PoolKind } from '../../graph/index.ts'

/** A payment declared to be proceeds: an output (UTXO chains) or a transfer (account chains). */
export interface PaymentSeed {
  readonly kind: 'payment'
  readonly id: string
  readonly chain: Chain
  readonly asset: Asset
  /** Whether the request named the asset; if not, the transfer says which. */
  readonly assetGiven: boolean
  readonly transaction: string
  /** Output index or transfer index. */
  readonly place: number
  /** Undefined: the whole payment. Otherwise the first so many units of it. */
  readonly amount: bigint | undefined
  readonly reason: string
  readonly exhibit: string | undefined
}

/** Every payment an address received in a window, whole. */
export interface AddressSeed {
  readonly kind: 'address'
  readonly id: string
  readonly chain: Chain
  readonly asset: Asset
  readonly address: string
  /** Seconds since the epoch, both inclusive. */
  readonly from: number | undefined
  readonly until: number | undefined
  readonly reason: string
  readonly exhibit: string | undefined
}

export type SeedClaim = PaymentSeed | AddressSeed

export interface Limits {
  readonly hops: number
  /** Seconds since the epoch; later transactions are not followed. Undefined: no limit. */
  readonly until: number | undefined
  /** Base units; smaller payments are not followed. */
  readonly amount: bigint
  readonly transactions: number
}

/** The request, checked and completed. Seeds are in the order of their ids. */
export interface TraceRequest {
  readonly case: string
  readonly primary: MethodName
  readonly reason: string
  readonly compare: readonly MethodName[]
  readonly seeds: readonly SeedClaim[]
  /** For each chain that a seed is on: the pool to trace by, and at most one more to run beside it. */
  readonly pool: Readonly<Record<Chain, readonly PoolKind[]>>
  readonly limits: Limits
  readonly rules: { readonly commonInput: boolean; readonly change: readonly string[]; readonly depositSweep: boolean }
  /** The request as canonical JSON values with every default written out: what the report prints. */
  readonly printed: Readonly<Record<string, unknown>>
}
