import type { Arithmetic } from '../arithmetic.ts'
import type { JournalWriter } from '../journal-writer.ts'

/** What a method is given: the arithmetic, the journal, and how many pools and seeds there are. */
export interface Setting<A> {
  readonly math: Arithmetic<A>
  readonly journal: JournalWriter<A>
  readonly poolCount: number
  readonly seedCount: number
  readonly mixing: 'transaction' | 'balance'
}

/** One leg to be served: its number, where it goes (a pool, or a sink below zero), its amount, and the seeds declared on it. */
export interface Service<A> {
  readonly leg: number
  readonly to: number
  readonly amount: A
  readonly seeds: readonly { readonly seed: number; readonly amount: A }[] | undefined
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
  /** Legs are served in the order given; `fee` is what is left over. */
  serve(entry: number, legs: readonly Service<A>[], legCount: number, fee: A): void
  held(pool: number): { origin: number; amount: bigint }[]
}
