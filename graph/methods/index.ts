/** The tracing methods by name: how value leaves a pool in which proceeds and other value are mixed (DOMAIN.md 2.1). */
export const METHOD_NAMES = ['fifo', 'lifo', 'proRata', 'ownFirst', 'proceedsFirst', 'tiho'] as const
export type MethodName = (typeof METHOD_NAMES)[number]

export const POOL_KINDS = ['output', 'address', 'cluster'] as const
export type PoolKind = (typeof POOL_KINDS)[number]

/** Own money first, and its mirror, ask what is left of a balance; an output is spent whole, so they say nothing there. */
export function methodFits(method: MethodName, pool: PoolKind): boolean {
  if (method === 'ownFirst' || method === 'proceedsFirst') return pool !== 'output'
  if (method === 'tiho') return pool === 'output'
  return true
}
