import type { Asset, Chain, Transaction } from '../../../graph/index.ts'
import { ZERO } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import type { Place, Snapshot } from '../chain-store.ts'
import { comparePlaces, isVisible } from '../chain-store.ts'
import { compareText } from '../rules.ts'
import { ByteReader, ByteWriter, KEY_NUMBER_MAX, unpackText } from './bytes.ts'
import { decodeChunk, decodeChunkHead, type Entry, isWhollyVisible } from './chunk.ts'
import {
  accountPrefix,
  areLive,
  compareMoments,
  decodeWaiting,
  entryKey,
  FIRST,
  FIRST_UNPLACED,
  isLive,
  type Moment,
  rowsIn,
} from './keys.ts'
import { decodeHead, decodeRow } from './row.ts'
import { behind, type Counters, chainKey, Names, type Tables } from './tables.ts'

export const FACT_ASSET = 0
export const FACT_COVERS_ALL = 1
export const FACT_COVERED = 2
export const FACT_OPENING = 3

const writer = new ByteWriter()

/** One chain read within one call: the same state of the store throughout. */
export class Reading {
  readonly names: Names
  readonly chainNumber: number
  readonly #tables: Tables
  readonly #counters: Counters
  readonly #chain: Chain
  readonly #rows = new Map<number, Transaction>()

  constructor(tables: Tables, counters: Counters, chain: Chain, chainNumber: number) {
    this.#tables = tables
    this.#counters = counters
    this.#chain = chain
    this.chainNumber = chainNumber
    this.names = new Names(tables)
  }

  isLive(row: number): boolean {
    return isLive(row, this.#counters)
  }

  row(row: number): Transaction {
    let found = this.#rows.get(row)
    if (found === undefined) {
      found = decodeRow(this.#chain, new ByteReader(this.#rowBytes(row)), (number) => this.names.textOf(number))
      this.#rows.set(row, found)
    }
    return found
  }

  /** The row is about to be written anew. */
  forget(row: number): void {
    this.#rows.delete(row)
  }

  head(row: number) {
    return decodeHead(new ByteReader(this.#rowBytes(row)))
  }

  #rowBytes(row: number): Buffer {
    const bytes = this.#tables.rows.get(chainKey(this.chainNumber, row))
    if (bytes === undefined)
      throw new Fault('STORE_INVALID', `the chain store has lost row ${row}; import the ledger again`)
    return bytes
  }

  /** Every row of an id, oldest first. */
  byId(id: string): Transaction[] {
    const number = this.names.find(id)
    if (number === undefined) return []
    const rows = rowsIn(this.#tables.ids.get(chainKey(this.chainNumber, number)), this.#counters)
    return rows.map((row) => this.row(row)).sort(comparePlaces)
  }

  /** The row that spends an output. */
  spender(id: string, output: number): number | undefined {
    const number = this.names.find(id)
    if (number === undefined) return undefined
    const [row] = rowsIn(this.#tables.spenders.get(chainKey(this.chainNumber, number, output)), this.#counters)
    return row
  }

  assetFact(asset: Asset) {
    const value = this.#fact(FACT_ASSET, asset)
    return value && { chain: this.#chain, asset, ...decodeAsset(value) }
  }

  opening(asset: Asset, address: string): bigint | undefined {
    const value = this.#fact(FACT_OPENING, address, asset)
    return value && new ByteReader(value).amount()
  }

  #fact(kind: number, ...texts: readonly string[]): Buffer | undefined {
    writer
      .clear()
      .byte(this.chainNumber >> 8)
      .byte(this.chainNumber & 255)
      .byte(kind)
    const numbers = texts.map((text) => this.names.find(text))
    for (const number of numbers) if (number !== undefined) writer.ordered(number)
    const key = writer.take()
    return numbers.includes(undefined) ? undefined : this.#tables.facts.get(key)
  }

  /** The assets an address has a history in. */
  assetsOf(address: string): Asset[] {
    const number = this.names.find(address)
    if (number === undefined) return []
    const assets = new Set<number>()
    const prefix = chainKey(this.chainNumber, number)
    for (const table of [this.#tables.history, this.#tables.recent]) {
      let start = prefix
      for (let found = true; found; ) {
        found = false
        for (const key of table.getKeys({ start, end: behind(prefix), limit: 1 })) {
          const asset = key.readUIntBE(7, 5)
          assets.add(asset)
          start = chainKey(this.chainNumber, number, asset + 1)
          found = true
        }
      }
    }
    return [...assets].map((asset) => this.names.textOf(asset))
  }

  #account(asset: Asset, address: string): Buffer | undefined {
    const [assetNumber, addressNumber] = [this.names.find(asset), this.names.find(address)]
    if (assetNumber === undefined || addressNumber === undefined) return undefined
    return accountPrefix(this.chainNumber, addressNumber, assetNumber)
  }

  /** An account's entries that a snapshot sees, from a place on, in chain order. */
  *visibleEntries(
    asset: Asset,
    address: string,
    from: Place | undefined,
    at: Snapshot,
    window?: { readonly from: number | undefined; readonly until: number | undefined },
  ): Generator<Entry> {
    const account = this.#account(asset, address)
    if (account === undefined) return
    // Behind the snapshot's height only what has no height can still be seen: that part is found by a second seek.
    const parts: [Moment, Moment | undefined][] = []
    if (from === undefined || from.height !== undefined) {
      const end = at.height === undefined ? FIRST_UNPLACED : { height: at.height + 1, index: 0, time: 0 }
      parts.push([from ?? FIRST, end])
    }
    parts.push([from !== undefined && from.height === undefined ? from : FIRST_UNPLACED, undefined])
    for (const [start, end] of parts) {
      for (const entry of this.#inOrder(this.#merged(account, start, end, window))) {
        if (!isVisible(entry, at)) continue
        if (from !== undefined && compareMoments(entry, from) === 0 && this.#idOf(entry) < from.id) continue
        yield entry
      }
    }
  }

  #idOf(entry: Entry): string {
    return this.names.textOf(this.head(entry.row).id)
  }

  /** Puts entries that share a moment in the order of their ids. */
  *#inOrder(entries: Iterable<Entry>): Generator<Entry> {
    let group: Entry[] = []
    for (const entry of entries) {
      if (group.length > 0 && compareMoments(group[0], entry) !== 0) {
        yield* this.#byIds(group)
        group = []
      }
      group.push(entry)
    }
    yield* this.#byIds(group)
  }

  #byIds(group: Entry[]): Entry[] {
    if (group.length < 2) return group
    const ids = new Map(group.map((entry) => [entry.row, this.#idOf(entry)]))
    return group.sort((a, b) => compareText(ids.get(a.row)!, ids.get(b.row)!))
  }

  /** Packed and waiting entries of an account from a moment (inclusive) to another (exclusive), by moment, then row. */
  *#merged(
    account: Buffer,
    start: Moment,
    end: Moment | undefined,
    window?: { readonly from: number | undefined; readonly until: number | undefined },
  ): Generator<Entry> {
    const packed = this.#packed(account, start, end, window)
    const waiting = this.#waiting(account, start, end)
    try {
      let a = packed.next()
      let b = waiting.next()
      while (!a.done || !b.done) {
        if (b.done || (!a.done && (compareMoments(a.value, b.value) || a.value.row - b.value.row) < 0)) {
          if (this.isLive(a.value!.row)) yield a.value!
          a = packed.next()
        } else {
          if (this.isLive(b.value.row)) yield b.value
          b = waiting.next()
        }
      }
    } finally {
      packed.return(undefined)
      waiting.return(undefined)
    }
  }

  *#packed(
    account: Buffer,
    start: Moment,
    end: Moment | undefined,
    window?: { readonly from: number | undefined; readonly until: number | undefined },
  ): Generator<Entry> {
    for (const { value } of this.#tables.history.getRange({
      start: firstChunkKey(this.#tables, account, start),
      end: end === undefined ? behind(account) : entryKey(account, end, 0),
    })) {
      if (window !== undefined) {
        const head = decodeChunkHead(new ByteReader(value))
        if (window.from !== undefined && head.timeMax < window.from) continue
        if (window.until !== undefined && head.timeMin > window.until) continue
      }
      for (const entry of decodeChunk(value)) {
        if (compareMoments(entry, start) < 0) continue
        if (end !== undefined && compareMoments(entry, end) >= 0) return
        yield entry
      }
    }
  }

  *#waiting(account: Buffer, start: Moment, end: Moment | undefined): Generator<Entry> {
    for (const { key, value } of this.#tables.recent.getRange({
      start: entryKey(account, start, 0),
      end: end === undefined ? behind(account) : entryKey(account, end, 0),
    })) {
      yield decodeWaiting(key, value)
    }
  }

  balanceBefore(asset: Asset, address: string, before: Place, at: Snapshot): bigint {
    let balance = this.opening(asset, address) ?? ZERO
    const account = this.#account(asset, address)
    if (account === undefined) return balance
    const isCounted = (entry: Entry): boolean => {
      const order = compareMoments(entry, before)
      if (order > 0 || !this.isLive(entry.row) || !isVisible(entry, at)) return false
      return order < 0 || this.#idOf(entry) < before.id
    }
    const add = (entry: Entry): void => {
      if (isCounted(entry)) balance += entry.taken - entry.given
    }
    // A chunk whose successor begins before the place lies before it whole: its head has the sum.
    const end = entryKey(account, before, KEY_NUMBER_MAX)
    const strictEnd = entryKey(account, before, 0)
    let last: Buffer | undefined
    for (const { key, value } of this.#tables.history.getRange({ start: account, end })) {
      if (last !== undefined) {
        const head = decodeChunkHead(new ByteReader(last))
        const isWhole = Buffer.compare(key, strictEnd) < 0 && isWhollyVisible(head, at) && areLive(head, this.#counters)
        if (isWhole) balance += head.net
        else for (const entry of decodeChunk(last)) add(entry)
      }
      last = value
    }
    if (last !== undefined) for (const entry of decodeChunk(last)) add(entry)
    for (const { key, value } of this.#tables.recent.getRange({ start: account, end })) add(decodeWaiting(key, value))
    return balance
  }
}

/** The key of the chunk in which a moment may begin: the last that begins before it, else the account's first. */
function firstChunkKey(tables: Tables, account: Buffer, moment: Moment): Buffer {
  const range = { start: entryKey(account, moment, 0), end: account, reverse: true, limit: 1 }
  for (const key of tables.history.getKeys(range)) return key
  return account
}

/** An asset's scale as bytes. */
export function decodeAsset(value: Buffer): { symbol: string; decimals: number } {
  const reader = new ByteReader(value)
  const decimals = reader.varint()
  return { decimals, symbol: unpackText(reader.rest()) }
}
