/** The claims of a store: where they lie, and how they are read beside tag files. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Fault } from '../faults.ts'
import { ClaimStore, EMPTY_HEAD } from './claims.ts'
import { openClaimTable } from './claims-lmdb.ts'
import type { Tag } from './tag.ts'

/** Where a store keeps its claims. */
export function claimFolder(store: string): string {
  return join(resolve(store), 'claims')
}

/** Opens the claims of a store, makes them where there are none. Faults `STORE_UNAVAILABLE`, `STORE_INVALID`. */
export async function openClaims(store: string): Promise<ClaimStore> {
  const folder = claimFolder(store)
  try {
    await mkdir(folder, { recursive: true })
  } catch (cause) {
    throw new Fault('STORE_UNAVAILABLE', `${folder}: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
  return new ClaimStore(openClaimTable(folder))
}

/** Whether a store has claims; asking makes none. */
export function hasClaims(store: string): boolean {
  return existsSync(join(claimFolder(store), 'data.mdb'))
}

/** What stands in a store now, and which state of it that is: how many records, and the hash of the last one. */
export interface StandingClaims {
  readonly tags: readonly Tag[]
  readonly records: number
  readonly hash: string
}

/** Reads every claim of a store that stands now; a store without claims gives none. Faults `STORE_UNAVAILABLE`, `STORE_INVALID`. */
export async function readStandingClaims(store: string): Promise<StandingClaims> {
  if (!hasClaims(store)) return { tags: [], records: EMPTY_HEAD.records, hash: EMPTY_HEAD.hash }
  const claims = await openClaims(store)
  try {
    const { records, hash } = claims.head()
    return { tags: [...claims.tags()], records, hash }
  } finally {
    await claims.close()
  }
}
