import type { Amounts } from './entries.ts'

/** The `leg` of a row of side 1 that went to the fee. */
export const FEE_LEG = 0xffffffff

/**
 * The journal of one method over one set of entries: every move of a seed's value, in order. A row is one run of one
 * seed's value entering an entry from a pool (`side` 0) or leaving it to a pool or sink (`side` 1). Rows of an entry
 * stand together: first all rows of side 0 in the order of service, then leg by leg, as the legs are served, what is declared
 * (`side` 2: from here on it is this seed's; value that already carries a seed's label keeps it) and what leaves, so that
 * side 0 and side 2 together equal side 1, seed by seed (but for conversions, whose two sides are two assets).
 */
export interface Journal {
  readonly rows: number
  readonly entry: Uint32Array
  /** 0: out of a pool into the entry. 1: out of the entry to a pool or sink. 2: declared as this seed's at a leg, before it leaves. */
  readonly side: Uint8Array
  readonly seed: Uint32Array
  /** The leg, an index into the entries' inPool (side 0) or outPool (sides 1, 2). */
  readonly leg: Uint32Array
  readonly amount: Amounts
}
