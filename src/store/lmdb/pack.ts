import { CHUNK_ENTRIES, decodeChunk, type Entry, encodeChunk } from './chunk.ts'
import { ACCOUNT_BYTES, after, compareMoments, decodeWaiting, entryKey } from './keys.ts'
import { behind, type Counters, type Tables } from './tables.ts'

/** How many entries one packing transaction moves: a bound on how long a reader's loop waits. */
const PACK_STEP = 20_000

/**
 * Packs some of the entries that wait, from a key on, and answers where to go on; undefined: none is left. An account's
 * entries go into the chunk they belong to, and that chunk is written anew, as several if it has grown.
 */
export function packRecent(tables: Tables, counters: Counters, from: Buffer): Buffer | undefined {
  const batch = [...tables.recent.getRange({ start: from, limit: PACK_STEP })]
  for (let i = 0; i < batch.length; ) {
    const account = batch[i].key.subarray(0, ACCOUNT_BYTES)
    const [chunk] = [...tables.history.getRange({ start: batch[i].key, end: account, reverse: true, limit: 1 })]
    const [next] = [
      ...tables.history.getKeys({
        start: chunk === undefined ? batch[i].key : after(chunk.key),
        end: behind(account),
        limit: 1,
      }),
    ]
    const entries = chunk === undefined ? [] : decodeChunk(chunk.value)
    if (chunk !== undefined) tables.history.removeSync(chunk.key)
    for (; i < batch.length; i++) {
      const { key, value } = batch[i]
      if (Buffer.compare(key.subarray(0, ACCOUNT_BYTES), account) !== 0) break
      if (next !== undefined && Buffer.compare(key, next) > 0) break
      entries.push(decodeWaiting(key, value))
      tables.recent.removeSync(key)
    }
    writeChunks(tables, account, entries)
  }
  counters.recentCount -= batch.length
  return batch.length < PACK_STEP ? undefined : after(batch[batch.length - 1].key)
}

/** Writes an account's entries as chunks, full ones first. */
export function writeChunks(tables: Tables, account: Buffer, entries: Entry[]): void {
  entries.sort((a, b) => compareMoments(a, b) || a.row - b.row)
  for (let i = 0; i < entries.length; i += CHUNK_ENTRIES) {
    const chunk = entries.slice(i, i + CHUNK_ENTRIES)
    tables.history.putSync(entryKey(account, chunk[0], chunk[0].row), encodeChunk(chunk))
  }
}
