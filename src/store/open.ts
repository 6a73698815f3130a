import type { Chain, Transaction } from '../../graph/index.ts'
import type { ChainStore, Snapshot } from './chain-store.ts'
import { comparePlaces, isVisible } from './chain-store.ts'
import { decodeBlock } from './lmdb/block.ts'
import { ByteReader, KEY_NUMBER_MAX } from './lmdb/bytes.ts'
import { Reading } from './lmdb/reading.ts'
import { decodeHead } from './lmdb/row.ts'
import { behind, chainKey, openTables, readCounters, type Tables } from './lmdb/tables.ts'
import { LmdbStore } from './lmdb.ts'

export interface OpenOptions {
  readonly readOnly?: boolean
  /** How many blocks below the highest one a snapshot is taken. */
  readonly finalityDepth?: (chain: Chain) => number
}

/** Opens the embedded store in a directory, able to say where its ledger ends. Faults STORE_INVALID, STORE_UNAVAILABLE. */
export async function openStore(directory: string, options: OpenOptions = {}): Promise<ChainStore> {
  const store: ChainStore = await LmdbStore.open(directory, options)
  if (store.last !== undefined) return store
  let tables: Tables | undefined
  const close = store.close.bind(store)
  store.last = async (chain, at) => {
    tables ??= await openTables(directory, true)
    return lastRows(tables, chain, at)
  }
  store.close = async () => {
    await tables?.root.close()
    await close()
  }
  return store
}

function lastRows(tables: Tables, chain: Chain, at: Snapshot): readonly Transaction[] {
  const counters = readCounters(tables)
  const known = counters.chains.get(chain)
  if (known === undefined) return []
  const reading = new Reading(tables, counters, chain, known.number)
  const found: Transaction[] = []
  const range = {
    start: chainKey(known.number, Math.min(at.height ?? KEY_NUMBER_MAX, KEY_NUMBER_MAX)),
    end: chainKey(known.number),
    reverse: true,
    inclusiveEnd: true,
  }
  for (const { key, value } of tables.blocks.getRange(range)) {
    const height = key.readUIntBE(2, 5)
    const { rowFirst, rowLast } = decodeBlock(value)
    const start = chainKey(known.number, Math.min(rowFirst, KEY_NUMBER_MAX))
    const end = chainKey(known.number, Math.min(rowLast, KEY_NUMBER_MAX - 1) + 1)
    for (const { key: place, value: bytes } of tables.rows.getRange({ start, end })) {
      const row = place.readUIntBE(2, 5)
      if (!reading.isLive(row) || decodeHead(new ByteReader(bytes)).height !== height) continue
      const transaction = reading.row(row)
      if (isVisible(transaction, at)) found.push(transaction)
    }
    if (found.length > 0) break
  }
  if (known.latestUnplaced >= 0) {
    let latest: Transaction[] = []
    const all = chainKey(known.number)
    for (const { key, value } of tables.rows.getRange({ start: all, end: behind(all) })) {
      const head = decodeHead(new ByteReader(value))
      const row = key.readUIntBE(2, 5)
      if (head.height !== undefined || !reading.isLive(row) || !isVisible(head, at)) continue
      if (latest.length > 0 && head.time < latest[0].time) continue
      if (latest.length > 0 && head.time > latest[0].time) latest = []
      latest.push(reading.row(row))
    }
    found.push(...latest)
  }
  return found.sort(comparePlaces)
}
