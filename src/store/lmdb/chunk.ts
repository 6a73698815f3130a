import type { Snapshot } from '../chain-store.ts'
import { ByteReader, ByteWriter, KEY_NUMBER_MAX } from './bytes.ts'

/** One line of an account's history: when, which row, and what moved. `index` and `height` as the row has them. */
export interface Entry {
  readonly height: number | undefined
  readonly index: number | undefined
  readonly time: number
  readonly row: number
  readonly given: bigint
  readonly taken: bigint
}

/** How many entries a value holds: a page of a bank statement. */
export const CHUNK_ENTRIES = 128

/** What a chunk says of all its entries, so that many questions need not read them. */
export interface ChunkHead {
  readonly count: number
  readonly rowMin: number
  readonly rowMax: number
  /** −1 where no entry has a height. */
  readonly heightMax: number
  /** The latest time of an entry without a height; −1: there is none. */
  readonly unplacedTimeMax: number
  readonly timeMin: number
  readonly timeMax: number
  /** Taken − given, of all entries. */
  readonly net: bigint
}

const UNPLACED = 1
const INDEXLESS = 2
const GIVES = 4
const TAKES = 8
const BLOCK_INDEXLESS = KEY_NUMBER_MAX

const writer = new ByteWriter()

/**
 * The place of an entry as bytes that sort as `comparePlaces` does, but for the id, which is compared where two are equal.
 * Sixteen bytes.
 */
export function writePlace(
  to: ByteWriter,
  place: { readonly height: number | undefined; readonly index: number | undefined; readonly time: number },
): ByteWriter {
  if (place.height === undefined) return to.byte(1).ordered(place.time).ordered(0).ordered(0)
  return to
    .byte(0)
    .ordered(place.height)
    .ordered(place.index ?? BLOCK_INDEXLESS)
    .ordered(place.time)
}

/** Writes entries, in order of place, as one chunk. */
export function encodeChunk(entries: readonly Entry[]): Buffer {
  let [rowMin, rowMax, heightMax, unplacedTimeMax, timeMin, timeMax] = [Infinity, -1, -1, -1, Infinity, -1]
  let net = 0n
  for (const { height, time, row, given, taken } of entries) {
    if (row < rowMin) rowMin = row
    if (row > rowMax) rowMax = row
    if (time < timeMin) timeMin = time
    if (time > timeMax) timeMax = time
    if (height === undefined) unplacedTimeMax = Math.max(unplacedTimeMax, time)
    else heightMax = Math.max(heightMax, height)
    net += taken - given
  }
  writer
    .byte(entries.length)
    .varint(rowMin)
    .varint(rowMax - rowMin)
  writer
    .varint(heightMax + 1)
    .varint(unplacedTimeMax + 1)
    .varint(timeMin)
    .varint(timeMax - timeMin)
  writer.byte(net < 0n ? 1 : 0).amount(net < 0n ? -net : net)
  let [heightBefore, timeBefore, rowBefore] = [0, timeMin, rowMin]
  for (const { height, index, time, row, given, taken } of entries) {
    writer.byte(
      (height === undefined ? UNPLACED : 0) |
        (index === undefined ? INDEXLESS : 0) |
        (given > 0n ? GIVES : 0) |
        (taken > 0n ? TAKES : 0),
    )
    if (height !== undefined) {
      writer.varint(height - heightBefore)
      heightBefore = height
    }
    if (index !== undefined) writer.varint(index)
    writer.signed(time - timeBefore).signed(row - rowBefore)
    timeBefore = time
    rowBefore = row
    if (given > 0n) writer.amount(given)
    if (taken > 0n) writer.amount(taken)
  }
  return writer.take()
}

/** Reads a chunk's head, and leaves the reader behind it. */
export function decodeChunkHead(reader: ByteReader): ChunkHead {
  const count = reader.byte()
  const rowMin = reader.varint()
  const rowMax = rowMin + reader.varint()
  const heightMax = reader.varint() - 1
  const unplacedTimeMax = reader.varint() - 1
  const timeMin = reader.varint()
  const timeMax = timeMin + reader.varint()
  const isNegative = reader.byte() === 1
  const net = reader.amount()
  return { count, rowMin, rowMax, heightMax, unplacedTimeMax, timeMin, timeMax, net: isNegative ? -net : net }
}

/** Reads a whole chunk. */
export function decodeChunk(bytes: Buffer): Entry[] {
  const reader = new ByteReader(bytes)
  const { count, rowMin, timeMin } = decodeChunkHead(reader)
  const entries: Entry[] = []
  let [height, time, row] = [0, timeMin, rowMin]
  for (let i = 0; i < count; i++) {
    const flags = reader.byte()
    if (!(flags & UNPLACED)) height += reader.varint()
    const index = flags & INDEXLESS ? undefined : reader.varint()
    time += reader.signed()
    row += reader.signed()
    const given = flags & GIVES ? reader.amount() : 0n
    const taken = flags & TAKES ? reader.amount() : 0n
    entries.push({ height: flags & UNPLACED ? undefined : height, index, time, row, given, taken })
  }
  return entries
}

/** Whether a snapshot sees every entry of a chunk. */
export function isWhollyVisible(head: ChunkHead, at: Snapshot): boolean {
  if (at.height === undefined) return head.timeMax <= at.time
  return head.heightMax <= at.height && head.unplacedTimeMax <= at.time
}
