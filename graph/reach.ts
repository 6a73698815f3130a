import type { Entries, SeedLeg } from './entries.ts'

/** What one seed's value could have touched, and nothing about how much (DESIGN.md decision 4: poison is a question, not a method). */
export interface Reach {
  /** By pool: 1 where some unit of it could ever have been the seed's. */
  readonly pools: Uint8Array
  /** By out leg: 1 where some unit of it could have been. */
  readonly legs: Uint8Array
}

/**
 * Everything a seed's value could have touched under any rule at all, conserving or not: in one pass in chain order, a
 * pool or an entry that received any of it gives of it to all it pays. It ends where the trace ends. No taint lies outside it.
 */
export function findReach(entries: Entries, seeds: readonly SeedLeg[], seed: number): Reach {
  const pools = new Uint8Array(entries.poolCount)
  const legs = new Uint8Array(entries.outPool.length)
  const declared = new Set(seeds.filter((each) => each.seed === seed && each.amount > 0n).map((each) => each.leg))
  const holds = (amount: number | bigint) => amount > 0
  for (let entry = 0; entry < entries.count; entry++) {
    let touched = false
    for (let leg = entries.inStart[entry]; leg < entries.inStart[entry + 1]; leg++) {
      const pool = entries.inPool[leg]
      if (pool >= 0 && pools[pool] === 1 && holds(entries.inAmount[leg])) touched = true
    }
    for (let leg = entries.outStart[entry]; leg < entries.outStart[entry + 1]; leg++) {
      if (!holds(entries.outAmount[leg]) || !(touched || declared.has(leg))) continue
      legs[leg] = 1
      const pool = entries.outPool[leg]
      if (pool >= 0) pools[pool] = 1
    }
  }
  return { pools, legs }
}
