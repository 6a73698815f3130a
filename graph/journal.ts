import type { Amounts } from './entries.ts'

/**
 * The journal of one method over one set of entries: every move of a seed's value, in order. A row is one run of one
 * seed's value entering an entry from a pool (`side` 0) or leaving it to a pool or sink (`side` 1). Rows of an entry
 * stand together; inside it, all rows of side 0 come before those of side 1, each in the order of service, so that the
 * two sides add up seed by seed. A seed's own declaration is a row of side 1 with `declared` set: value that gets its
 * label there. Value that already carries a seed's label keeps it.
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
