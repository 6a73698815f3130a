import type { Place } from '../chain-store.ts'
import { ByteReader, ByteWriter, KEY_NUMBER_MAX } from './bytes.ts'
import { type Entry, writePlace } from './chunk.ts'
import { type Counters, chainKey, numberKey } from './tables.ts'

/** The keys of entries, and which rows count. */

/** Without its id: what keys sort by. */
export type Moment = Pick<Place, 'height' | 'index' | 'time'>

export const FIRST: Moment = { height: 0, index: 0, time: 0 }
export const FIRST_UNPLACED: Moment = { height: undefined, index: undefined, time: 0 }

const writer = new ByteWriter()

/** The order of `comparePlaces`, but for the id. */
export function compareMoments(a: Moment, b: Moment): number {
  if (a.height !== b.height) return (a.height ?? Infinity) - (b.height ?? Infinity)
  if (a.height !== undefined && a.index !== b.index) return (a.index ?? Infinity) - (b.index ?? Infinity)
  return a.time - b.time
}

export function accountPrefix(chain: number, address: number, asset: number): Buffer {
  return chainKey(chain, address, asset)
}

export function entryKey(account: Buffer, moment: Moment, row: number): Buffer {
  return writePlace(writer.clear().bytes(account), moment).ordered(row).take()
}

export const ACCOUNT_BYTES = 12

export function decodeWaiting(key: Buffer, value: Buffer): Entry {
  const reader = new ByteReader(key, ACCOUNT_BYTES)
  const isUnplaced = reader.byte() === 1
  const [first, second, third] = [reader.ordered(), reader.ordered(), reader.ordered()]
  const row = reader.ordered()
  const amounts = new ByteReader(value)
  const moved = { row, given: amounts.amount(), taken: amounts.amount() }
  return isUnplaced
    ? { height: undefined, index: undefined, time: first, ...moved }
    : { height: first, index: second === KEY_NUMBER_MAX ? undefined : second, time: third, ...moved }
}

/** Whether a row counts: its load has ended, and did not end in a crash. */
export function isLive(row: number, counters: Counters): boolean {
  if (counters.loading !== undefined && row >= counters.loading.fromRow) return false
  return !counters.dead.some(([from, to]) => row >= from && row < to)
}

export function areLive(rows: { readonly rowMin: number; readonly rowMax: number }, counters: Counters): boolean {
  if (counters.loading !== undefined && rows.rowMax >= counters.loading.fromRow) return false
  return !counters.dead.some(([from, to]) => rows.rowMax >= from && rows.rowMin < to)
}

export function rowsIn(bytes: Buffer | undefined, counters: Counters): number[] {
  const rows: number[] = []
  for (let i = 0; bytes !== undefined && i < bytes.length; i += 5) {
    const row = bytes.readUIntBE(i, 5)
    if (isLive(row, counters)) rows.push(row)
  }
  return rows
}

export function liveRows(bytes: Buffer | undefined, counters: Counters): Buffer[] {
  return rowsIn(bytes, counters).map(numberKey)
}

export function after(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)])
}
