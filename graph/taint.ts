import type { Entries, SeedLeg } from './entries.ts'
import type { Journal } from './journal.ts'
import type { MethodName } from './methods/index.ts'

/** A lot as it lies in a pool at the end: `origin` is a seed's number, or `seedCount` for unknown, `seedCount + 1` for clean. */
export interface Lot {
  readonly origin: number
  readonly amount: bigint
}

/** What one method says of one ledger: the moves, and what lies where at the end. */
export interface Taint {
  readonly journal: Journal
  /** The lots of a pool in its own order: next to leave first (a bag: by origin). Adjacent lots of one origin may be one. */
  held(pool: number): Lot[]
}

/**
 * Follows the seeds' value through the entries under one method.
 * Legs out of a transaction are served in order, the fee last; lots keep their order between pools.
 */
export declare function traceTaint(
  entries: Entries,
  seeds: readonly SeedLeg[],
  seedCount: number,
  method: MethodName,
): Taint
