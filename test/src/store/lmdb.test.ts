import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { ChainStore } from '../../../src/store/chain-store.ts'
import { LmdbStore } from '../../../src/store/lmdb.ts'
import { describeStore } from './conformance.ts'

const folder = mkdtempSync(join(tmpdir(), 'proceeds-lmdb-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const paths = new Map<ChainStore, string>()
let made = 0
let disturbed = 0

describeStore({
  name: 'lmdb',
  create: async (options) => {
    const path = join(folder, `store-${made++}`)
    const store = await LmdbStore.open(path, options)
    paths.set(store, path)
    return store
  },
  // Packs what waits, or opens the same files again, or both.
  disturb: async (store) => {
    const path = paths.get(store)!
    if (disturbed++ % 3 !== 0) await (store as LmdbStore).compact()
    if (disturbed % 2 === 0) return store
    await store.close()
    const again = await LmdbStore.open(path)
    paths.set(again, path)
    return again
  },
  runs: 40,
})
