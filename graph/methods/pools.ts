import type { Arithmetic, Column } from '../arithmetic.ts'
import type { JournalWriter } from '../journal-writer.ts'

/** A seed declared on a leg: the first `amount` units of it. */
export interface Declared<A> {
  readonly seed: number
  readonly amount: A
}

/** What a method is given: the arithmetic, the journal, how many pools and seeds there are, and the legs to be served. */
export interface Setting<A> {
  readonly math: Arithmetic<A>
  readonly journal: JournalWriter<A>
  readonly poolCount: number
  readonly seedCount: number
  readonly mixing: 'transaction' | 'balance'
  /** Where each leg goes (a pool, or a sink below zero), and its amount. */
  readonly outPool: Int32Array
  readonly outAmount: Column<A>
  /** The seeds declared on a leg, by number; undefined for nearly all. */
  readonly declaredOn: (leg: number) => readonly Declared<A>[] | undefined
}

/**
 * All pools of a trace under one method, and the transaction in which value meets on its way from pool to pool. An entry
 * is: `spend` and `bring` for each in leg, `convert` if it changes the asset, then `serve` with all out legs; what is left is
 * the fee. Each kind writes its seeds' moves into the journal.
 */
export interface Pools<A> {
  /** Value that stands in a pool before the first entry. */
  open(pool: number, origin: number, amount: A): void
  /** A pool gives: all it holds (mixing in transactions) or `amount` of it. */
  spend(entry: number, leg: number, pool: number, amount: A): void
  /** Value that no traced pool held. */
  bring(origin: number, amount: A): void
  /** What met, `total` in all, becomes `wanted` of another asset, each lot in proportion. */
  convert(total: A, wanted: A): void
  /** Serves the legs from `first` to below `end`, in their order; `fee` is what is left over. */
  serve(entry: number, first: number, end: number, fee: A): void
  held(pool: number): { origin: number; amount: bigint }[]
}
