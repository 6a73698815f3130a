import { Bag } from './bag.ts'
import { Line } from './line.ts'
import type { Pools, Setting } from './pools.ts'
import { TwoLines } from './two-lines.ts'

/** The tracing methods by name: how value leaves a pool in which proceeds and other value are mixed (DOMAIN.md 2.1). */
export const METHOD_NAMES = ['fifo', 'lifo', 'proRata', 'ownFirst', 'proceedsFirst', 'tiho'] as const
export type MethodName = (typeof METHOD_NAMES)[number]

export const POOL_KINDS = ['output', 'address', 'cluster'] as const
export type PoolKind = (typeof POOL_KINDS)[number]

/** A method is the kind of pool in which mixed value waits. */
export const METHODS: Record<MethodName, <A>(setting: Setting<A>) => Pools<A>> = {
  fifo: (setting) => new Line(setting, 'oldest'),
  lifo: (setting) => new Line(setting, 'newest'),
  proRata: (setting) => new Bag(setting),
  ownFirst: (setting) => new TwoLines(setting, 'own'),
  proceedsFirst: (setting) => new TwoLines(setting, 'proceeds'),
  tiho: (setting) => new TwoLines(setting, 'proceeds'),
}

/** Own money first, and its mirror, ask what is left of a balance; an output is spent whole, so they say nothing there. */
export function methodFits(method: MethodName, pool: PoolKind): boolean {
  if (method === 'ownFirst' || method === 'proceedsFirst') return pool !== 'output'
  if (method === 'tiho') return pool === 'output'
  return true
}
