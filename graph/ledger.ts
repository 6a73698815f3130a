import type { Amount } from './amount.ts'

/** The chain a transaction is on, by the name that dumps and requests use: `bitcoin`, `tron`, `eip155:1` … */
export type Chain = string

/** `native` or a token contract on an account chain; always `native` on a UTXO chain. */
export type Asset = string
export const NATIVE: Asset = 'native'

/** An output being spent: which one, whose, and how much it held. */
export interface Input {
  readonly transaction: string
  readonly output: number
  readonly address: string | null
  readonly amount: Amount
}

/** A new output. `address` is null where the script has none. */
export interface Output {
  readonly address: string | null
  readonly amount: Amount
}

interface Placed {
  readonly chain: Chain
  readonly id: string
  /** Block height; undefined where the source does not say. */
  readonly height: number | undefined
  /** Place in the block; undefined where the source does not say. */
  readonly index: number | undefined
  /** Seconds since 1970-01-01T00:00:00Z, whole. */
  readonly time: number
  readonly blockHash: string | undefined
}

/** A transaction that spends outputs and makes outputs. Its inputs equal its outputs and its fee. */
export interface UtxoTransaction extends Placed {
  readonly kind: 'utxo'
  /** Newly minted value: no inputs, and the outputs need none. */
  readonly coinbase: boolean
  readonly inputs: readonly Input[]
  readonly outputs: readonly Output[]
}

/** One movement of one asset between two accounts; `index` is its place in the transaction (a log index, say). */
export interface Transfer {
  readonly index: number
  readonly asset: Asset
  readonly from: string
  readonly to: string
  readonly amount: Amount
}

/** A transaction that moves balances. A failed one moves nothing but its fee. */
export interface AccountTransaction extends Placed {
  readonly kind: 'account'
  readonly status: 'success' | 'failed'
  /** Ordered by index. */
  readonly transfers: readonly Transfer[]
  /** Paid in the chain's own coin. */
  readonly fee: { readonly from: string; readonly amount: Amount } | undefined
}

export type Transaction = UtxoTransaction | AccountTransaction

/** How an asset is written for people: its symbol and how many decimals its base unit has. */
export interface AssetFact {
  readonly chain: Chain
  readonly asset: Asset
  readonly symbol: string
  readonly decimals: number
}

/** For which accounts (or outputs paid to them) a ledger holds every transaction up to its last position. */
export interface Coverage {
  readonly chain: Chain
  readonly covers: 'all' | readonly string[]
}

/** What an account held before the ledger begins. */
export interface Opening {
  readonly chain: Chain
  readonly asset: Asset
  readonly address: string
  readonly amount: Amount
}

const UTXO_CHAINS = new Set(['bitcoin', 'litecoin', 'dogecoin', 'bitcoin-cash'])

/** Whether value on a chain sits in outputs (true) or in balances (false). Test networks go with their chain. */
export function isUtxoChain(chain: Chain): boolean {
  if (chain.startsWith('bip122:')) return true
  return UTXO_CHAINS.has(chain) || UTXO_CHAINS.has(chain.replace(/-(testnet\d*|testnet|signet|regtest)$/, ''))
}

/** Every address that a transaction names. */
export function* addressesOf(transaction: Transaction): Generator<string> {
  if (transaction.kind === 'utxo') {
    for (const { address } of transaction.inputs) if (address !== null) yield address
    for (const { address } of transaction.outputs) if (address !== null) yield address
  } else {
    for (const { from, to } of transaction.transfers) {
      yield from
      yield to
    }
    if (transaction.fee !== undefined) yield transaction.fee.from
  }
}
