import type { Chain } from '../../graph/index.ts'

/** One source's dated claim that an address belongs to an entity. Claims stand side by side; none overwrites another. */
export interface Tag {
  readonly chain: Chain
  /** In the chain's canonical writing, checksum proved at the door. */
  readonly address: string
  readonly label: string
  /** A category of the data file `src/tags/data/categories.json`, or whatever the source said. */
  readonly category: string
  /** The firm or person the claim names; undefined where the source names none. */
  readonly entity: string | undefined
  readonly source: string
  /** GraphSense confidence id (`ownership`, `web_crawl` …), an Admiralty grade (`B2`), or as the source wrote it. */
  readonly confidence: string | undefined
  /** Seconds since the epoch; the claim counts from here (inclusive) … */
  readonly validFrom: number | undefined
  /** … until here (exclusive). */
  readonly validTo: number | undefined
  /** Where the claim can be checked: a URL, a file, an order number. */
  readonly evidence: string | undefined
}

/** What a category means to a trace: which sink value ends in there, or none. */
export type StopSink = 'service' | 'mixer' | 'bridge' | 'burned'

/** The tags of a case, asked by address. */
export interface TagBook {
  /** Every claim about an address, standing at `time` or not, in canonical order. */
  claimsOf(chain: Chain, address: string): readonly Tag[]
  /** The claims that stand at a time (seconds since the epoch). */
  standing(chain: Chain, address: string, time: number): readonly Tag[]
  /** Where a trace ends if value arrives at the address at that time; the tags that decide it, conflicts included. */
  stopAt(
    chain: Chain,
    address: string,
    time: number,
  ): { readonly sink: StopSink; readonly tags: readonly Tag[] } | undefined
  readonly all: readonly Tag[]
}

/** The fields of a tag that are text, in the order in which two tags are compared; times come after. */
const TEXT_FIELDS = ['chain', 'address', 'source', 'label', 'category', 'entity', 'confidence', 'evidence'] as const

/**
 * The canonical order of tags: by chain, address, source, label, category, entity, confidence, evidence, start, end, as
 * code units; what is missing comes first. Zero means that two tags are the same claim.
 */
export function compareTags(left: Tag, right: Tag): number {
  for (const field of TEXT_FIELDS) {
    const a = left[field]
    const b = right[field]
    if (a === b) continue
    if (a === undefined) return -1
    if (b === undefined) return 1
    return a < b ? -1 : 1
  }
  return compareTimes(left.validFrom, right.validFrom) || compareTimes(left.validTo, right.validTo)
}

function compareTimes(a: number | undefined, b: number | undefined): number {
  if (a === b) return 0
  if (a === undefined) return -1
  if (b === undefined) return 1
  return a - b
}

/** A line of a tag file that was not taken, and why, in words that say what to do. */
export interface RejectedTag {
  /** The file. */
  readonly name: string
  /** From 1. */
  readonly line: number
  readonly reason: string
}
