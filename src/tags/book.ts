import type { Chain } from '../../graph/index.ts'
import { confidenceLevel, stopOfCategory } from './categories.ts'
import { compareTags, type StopSink, type Tag, type TagBook } from './tag.ts'

/**
 * Which sink wins where standing claims differ. A service is where value can be frozen and its records asked for, so a
 * claim of one is never hidden by another; a mixer or a bridge has an operator; burnt says there is nobody to ask,
 * which is believed only where nobody says otherwise. All claims are kept and shown.
 */
const STRENGTH: Readonly<Record<StopSink, number>> = { service: 4, mixer: 3, bridge: 2, burned: 1 }

const NONE: readonly Tag[] = Object.freeze([])

/** Whether a claim counts at a time (seconds since the epoch): from `validFrom` inclusive until `validTo` exclusive. */
export function standsAt(tag: Tag, time: number): boolean {
  return (tag.validFrom === undefined || tag.validFrom <= time) && (tag.validTo === undefined || time < tag.validTo)
}

/** The claims by weight: the sink that wins first, then the source's own grade, then canonical order. */
function byWeight(left: Tag, right: Tag): number {
  return weight(right) - weight(left) || compareTags(left, right)
}

function weight(tag: Tag): number {
  const sink = stopOfCategory(tag.category)
  return (sink === undefined ? 0 : STRENGTH[sink] * 1000) + confidenceLevel(tag.confidence)
}

/**
 * Tags in canonical order, the same claim twice counted once, asked by address in constant time. The book is the same
 * whatever order the tags came in. Addresses must be canonical already (`canonicalAddress`).
 */
export function buildTagBook(tags: Iterable<Tag>): TagBook {
  const chains = new Map<Chain, Map<string, Tag[]>>()
  for (const tag of tags) {
    let addresses = chains.get(tag.chain)
    if (!addresses) chains.set(tag.chain, (addresses = new Map()))
    const claims = addresses.get(tag.address)
    if (claims) claims.push(tag)
    else addresses.set(tag.address, [tag])
  }
  // Chain and address come first in the canonical order, so it is enough to sort within an address.
  const all: Tag[] = []
  for (const chain of [...chains.keys()].sort()) {
    const addresses = chains.get(chain) as Map<string, Tag[]>
    for (const address of [...addresses.keys()].sort()) {
      const claims = (addresses.get(address) as Tag[])
        .sort(compareTags)
        .filter((tag, i, sorted) => i === 0 || compareTags(sorted[i - 1], tag) !== 0)
      addresses.set(address, claims)
      for (const tag of claims) all.push(tag)
    }
  }
  const claimsOf = (chain: Chain, address: string): readonly Tag[] => chains.get(chain)?.get(address) ?? NONE
  const standing = (chain: Chain, address: string, time: number): readonly Tag[] => {
    const claims = claimsOf(chain, address)
    return claims.every((tag) => standsAt(tag, time)) ? claims : claims.filter((tag) => standsAt(tag, time))
  }
  return {
    claimsOf,
    standing,
    stopAt(chain, address, time) {
      const claims = standing(chain, address, time)
      if (claims.length === 0) return undefined
      const tags = claims.length === 1 ? claims : [...claims].sort(byWeight)
      const sink = stopOfCategory(tags[0].category)
      return sink === undefined ? undefined : { sink, tags }
    },
    all: Object.freeze(all),
  }
}
