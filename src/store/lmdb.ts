import type { Asset, Chain, Transaction } from '../../graph/index.ts'
import { invariant, ZERO } from '../../graph/index.ts'
import { Fault } from '../faults.ts'
import type {
  AccountRef,
  ChainFacts,
  ChainStore,
  EntryPage,
  LedgerBatch,
  OutputRef,
  Place,
  Snapshot,
  StoreOptions,
} from './chain-store.ts'
import { comparePlaces, isVisible } from './chain-store.ts'
import { ByteReader, ByteWriter, KEY_NUMBER_MAX, packText, unpackText } from './lmdb/bytes.ts'
import {
  CHUNK_ENTRIES,
  decodeChunk,
  decodeChunkHead,
  type Entry,
  encodeChunk,
  isWhollyVisible,
  writePlace,
} from './lmdb/chunk.ts'
import { decodeHead, decodeRow, encodeRow } from './lmdb/row.ts'
import {
  behind,
  type Counters,
  chainKey,
  Names,
  numberKey,
  openTables,
  readCounters,
  type Tables,
  writeCounters,
} from './lmdb/tables.ts'
import { type Block, blockTime, checkSnapshot, compareText, emptyFacts, factsInOrder, touchesOf } from './rules.ts'
import { type Change, type Held, weighBatch } from './weigh.ts'

export interface LmdbOptions extends StoreOptions {
  /** For a process that reads while another writes. */
  readonly readOnly?: boolean
  /** How many entries may wait unpacked before an append packs them. */
  readonly recentMax?: number
}

const RECENT_MAX = 250_000
/** How many entries one packing transaction moves: a bound on how long a reader's loop waits. */
const PACK_STEP = 20_000

const FACT_ASSET = 0
const FACT_COVERS_ALL = 1
const FACT_COVERED = 2
const FACT_OPENING = 3

/** Without its id: what keys sort by. */
type Moment = Pick<Place, 'height' | 'index' | 'time'>

const FIRST: Moment = { height: 0, index: 0, time: 0 }
const FIRST_UNPLACED: Moment = { height: undefined, index: undefined, time: 0 }

const writer = new ByteWriter()

/**
 * The embedded chain store: one LMDB environment in a directory. Texts are numbered once; a row is written once; an
 * account's history is packed 128 entries to a value. New entries wait unpacked, are merged on reading, and packed later.
 * One process writes, any number read. Calls compute on the calling thread: ask for pages, or call from a worker.
 */
export class LmdbStore implements ChainStore {
  readonly #tables: Tables
  readonly #finalityDepth: (chain: Chain) => number
  readonly #recentMax: number

  private constructor(tables: Tables, options: LmdbOptions) {
    this.#tables = tables
    this.#finalityDepth = options.finalityDepth ?? (() => 0)
    this.#recentMax = options.recentMax ?? RECENT_MAX
  }

  /** Opens the store in a directory, and makes it where there is none. Fault STORE_INVALID, STORE_UNAVAILABLE. */
  static async open(path: string, options: LmdbOptions = {}): Promise<LmdbStore> {
    return new LmdbStore(await openTables(path, options.readOnly ?? false), options)
  }

  async chains(): Promise<readonly Chain[]> {
    return Object.keys(readCounters(this.#tables).chains).sort(compareText)
  }

  async snapshot(chain: Chain): Promise<Snapshot | undefined> {
    const known = readCounters(this.#tables).chains[chain]
    if (known === undefined) return undefined
    const finalityDepth = this.#finalityDepth(chain)
    const tip = this.#highestBlock(known.number, KEY_NUMBER_MAX)
    const time = known.latestUnplaced
    if (tip === undefined) {
      return time < 0 ? undefined : { chain, height: undefined, blockHash: undefined, time, finalityDepth }
    }
    const found = this.#highestBlock(known.number, tip.height - finalityDepth)
    if (found === undefined) return undefined
    const { height, block } = found
    return { chain, height, blockHash: block.hash, time: Math.max(time, blockTime(block)), finalityDepth }
  }

  async transactions(chain: Chain, ids: readonly string[], at: Snapshot): Promise<readonly (readonly Transaction[])[]> {
    const reading = this.#read(chain, at)
    return ids.map((id) => reading?.byId(id).filter((row) => isVisible(row, at)) ?? [])
  }

  async spendersOf(
    chain: Chain,
    outputs: readonly OutputRef[],
    at: Snapshot,
  ): Promise<readonly (string | undefined)[]> {
    const reading = this.#read(chain, at)
    return outputs.map(({ transaction, output }) => {
      const row = reading?.spender(transaction, output)
      if (reading === undefined || row === undefined) return undefined
      const head = reading.head(row)
      return isVisible(head, at) ? reading.names.textOf(head.id) : undefined
    })
  }

  async entriesOf(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly from?: Place | undefined })[],
    limit: number,
    at: Snapshot,
  ): Promise<readonly EntryPage[]> {
    invariant(Number.isSafeInteger(limit) && limit > 0, `a page of ${limit} transactions`)
    const reading = this.#read(chain, at)
    return accounts.map(({ asset, address, from }) => {
      const page: Transaction[] = []
      for (const entry of reading?.visibleEntries(asset, address, from, at) ?? []) {
        if (page.length === limit) return { transactions: page, next: reading!.row(entry.row) }
        page.push(reading!.row(entry.row))
      }
      return { transactions: page, next: undefined }
    })
  }

  async outputsOf(
    chain: Chain,
    addresses: readonly string[],
    window: { readonly from: number | undefined; readonly until: number | undefined },
    at: Snapshot,
  ): Promise<readonly (readonly Transaction[])[]> {
    const reading = this.#read(chain, at)
    return addresses.map((address) => {
      const rows = new Set<number>()
      for (const asset of reading?.assetsOf(address) ?? []) {
        for (const entry of reading!.visibleEntries(asset, address, undefined, at, window)) {
          if (window.from !== undefined && entry.time < window.from) continue
          if (window.until !== undefined && entry.time > window.until) continue
          if (entry.taken > ZERO) rows.add(entry.row)
        }
      }
      return [...rows].map((row) => reading!.row(row)).sort(comparePlaces)
    })
  }

  async balanceBefore(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly before: Place })[],
    at: Snapshot,
  ): Promise<readonly bigint[]> {
    const reading = this.#read(chain, at)
    return accounts.map(({ asset, address, before }) => reading?.balanceBefore(asset, address, before, at) ?? ZERO)
  }

  async blockHashes(chain: Chain, heights: readonly number[]): Promise<readonly (string | undefined)[]> {
    const known = readCounters(this.#tables).chains[chain]
    return heights.map((height) => known && readBlock(this.#tables, known.number, height)?.hash)
  }

  async facts(chain: Chain): Promise<ChainFacts> {
    const book = emptyFacts()
    const known = readCounters(this.#tables).chains[chain]
    if (known === undefined) return factsInOrder(chain, book)
    const names = new Names(this.#tables)
    const prefix = chainKey(known.number)
    for (const { key, value } of this.#tables.facts.getRange({ start: prefix, end: behind(prefix) })) {
      const first = key.length > 3 ? names.textOf(key.readUIntBE(3, 5)) : ''
      const second = key.length > 8 ? names.textOf(key.readUIntBE(8, 5)) : ''
      switch (key[2]) {
        case FACT_ASSET:
          book.assets.set(first, { chain, asset: first, ...decodeAsset(value) })
          break
        case FACT_COVERS_ALL:
          book.coversAll = true
          break
        case FACT_COVERED:
          book.covered.add(first)
          break
        case FACT_OPENING:
          book.openings.set(`${first}\n${second}`, {
            chain,
            address: first,
            asset: second,
            amount: new ByteReader(value).amount(),
          })
      }
    }
    return factsInOrder(chain, book)
  }

  async append(batch: LedgerBatch): Promise<void> {
    const waiting = this.#write((counters) => {
      const reading = new Map<Chain, Reading>()
      for (const [chain, { number }] of Object.entries(counters.chains)) {
        reading.set(chain, new Reading(this.#tables, counters, chain, number))
      }
      const held: Held = {
        transactions: (chain, id) => reading.get(chain)?.byId(id) ?? [],
        spender: (chain, id, output) => {
          const row = reading.get(chain)?.spender(id, output)
          return row === undefined ? undefined : reading.get(chain)!.row(row).id
        },
        block: (chain, height) =>
          reading.has(chain) ? readBlock(this.#tables, counters.chains[chain].number, height) : undefined,
        asset: (chain, asset) => reading.get(chain)?.assetFact(asset),
        opening: (chain, asset, address) => {
          const amount = reading.get(chain)?.opening(asset, address)
          return amount === undefined ? undefined : { chain, asset, address, amount }
        },
      }
      // Nothing is written before the whole batch has been weighed.
      const changes = weighBatch(batch, held)
      const names = new Names(this.#tables)
      for (const [chain, change] of changes) this.#apply(chain, change, counters, names)
      names.write()
      return counters.recentCount
    })
    if (waiting > this.#recentMax) await this.compact()
  }

  /** Packs the entries that wait, account by account, in short transactions; readers see the same answers throughout. */
  async compact(): Promise<void> {
    for (let start: Buffer | undefined = Buffer.alloc(0); start !== undefined; ) {
      const from: Buffer = start
      start = this.#write((counters) => packRecent(this.#tables, counters, from))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async rollback(chain: Chain, height: number): Promise<void> {
    this.#write((counters) => {
      const known = counters.chains[chain]
      if (known === undefined) return
      const { number } = known
      const reading = new Reading(this.#tables, counters, chain, number)
      let [rowMin, rowMax] = [KEY_NUMBER_MAX, -1]
      const start = chainKey(number, Math.max(height + 1, 0))
      for (const { key, value } of [...this.#tables.blocks.getRange({ start, end: behind(chainKey(number)) })]) {
        const { rowFirst, rowLast } = decodeBlock(value)
        rowMin = Math.min(rowMin, rowFirst)
        rowMax = Math.max(rowMax, rowLast)
        this.#tables.blocks.removeSync(key)
      }
      for (let row = rowMin; row <= rowMax; row++) {
        const bytes = this.#tables.rows.get(chainKey(number, row))
        if (bytes === undefined || !reading.isLive(row)) continue
        const above = decodeHead(new ByteReader(bytes)).height
        if (above !== undefined && above > height) this.#remove(reading, counters, row)
      }
    })
  }

  async close(): Promise<void> {
    await this.#tables.root.close()
  }

  /** Runs work in one durable write transaction; if it throws, nothing of it is kept. */
  #write<Result>(work: (counters: Counters) => Result): Result {
    return this.#tables.root.transactionSync(() => {
      const counters = readCounters(this.#tables)
      abandonDeadLoad(counters)
      const result = work(counters)
      writeCounters(this.#tables, counters)
      return result
    })
  }

  #read(chain: Chain, at: Snapshot): Reading | undefined {
    invariant(at.chain === chain, `a snapshot of ${at.chain} asked about ${chain}`)
    const counters = readCounters(this.#tables)
    const known = counters.chains[chain]
    if (at.height !== undefined) {
      checkSnapshot(at, known === undefined ? undefined : readBlock(this.#tables, known.number, at.height)?.hash)
    }
    return known === undefined ? undefined : new Reading(this.#tables, counters, chain, known.number)
  }

  #highestBlock(chain: number, heightMax: number): { height: number; block: Block } | undefined {
    if (heightMax < 0) return undefined
    const range = {
      start: chainKey(chain, heightMax),
      end: chainKey(chain),
      reverse: true,
      limit: 1,
      inclusiveEnd: true,
    }
    for (const { key, value } of this.#tables.blocks.getRange(range)) {
      return { height: key.readUIntBE(2, 5), block: decodeBlock(value) }
    }
    return undefined
  }

  #apply(chain: Chain, change: Change, counters: Counters, names: Names): void {
    const tables = this.#tables
    let known = counters.chains[chain]
    if (known === undefined) {
      known = { number: Object.keys(counters.chains).length, latestUnplaced: -1 }
      counters.chains[chain] = known
    }
    const { number } = known
    const numberOf = (text: string) => names.intern(text, counters)
    const rowOf = new Map<string, number>()
    const entries: { key: Buffer; value: Buffer }[] = []
    const blockRows = new Map<number, { rowFirst: number; rowLast: number }>()
    for (const transaction of change.added) {
      const row = counters.nextRow++
      rowOf.set(transaction.id, row)
      tables.rows.putSync(chainKey(number, row), encodeRow(transaction, numberOf))
      const idKey = chainKey(number, numberOf(transaction.id))
      tables.ids.putSync(idKey, Buffer.concat([...liveRows(tables.ids.get(idKey), counters), numberKey(row)]))
      for (const { asset, address, given, taken } of touchesOf(transaction)) {
        const key = entryKey(accountPrefix(number, numberOf(address), numberOf(asset)), transaction, row)
        entries.push({ key, value: writer.clear().amount(given).amount(taken).take() })
      }
      if (transaction.height === undefined) known.latestUnplaced = Math.max(known.latestUnplaced, transaction.time)
      else {
        const rows = blockRows.get(transaction.height)
        if (rows === undefined) blockRows.set(transaction.height, { rowFirst: row, rowLast: row })
        else rows.rowLast = row
      }
    }
    entries.sort((a, b) => Buffer.compare(a.key, b.key))
    for (const { key, value } of entries) tables.recent.putSync(key, value)
    counters.recentCount += entries.length

    for (const { before, after } of change.replaced) {
      for (const row of rowsIn(tables.ids.get(chainKey(number, numberOf(before.id))), counters)) {
        const key = chainKey(number, row)
        const { height } = decodeHead(new ByteReader(tables.rows.get(key)!))
        if (height === before.height) tables.rows.putSync(key, encodeRow(after, numberOf))
      }
    }
    for (const { transaction, output, spender } of change.spenders.values()) {
      const row = rowOf.get(spender)
      if (row !== undefined) tables.spenders.putSync(chainKey(number, numberOf(transaction), output), numberKey(row))
    }
    for (const [height, block] of change.blocks) {
      const held = readBlock(tables, number, height)
      const added = blockRows.get(height)
      tables.blocks.putSync(
        chainKey(number, height),
        encodeBlock({
          ...block,
          rowFirst: Math.min(held?.rowFirst ?? KEY_NUMBER_MAX, added?.rowFirst ?? KEY_NUMBER_MAX),
          rowLast: Math.max(held?.rowLast ?? 0, added?.rowLast ?? 0),
        }),
      )
    }

    const factKey = (kind: number, ...texts: readonly string[]) => {
      writer
        .clear()
        .byte(number >> 8)
        .byte(number & 255)
        .byte(kind)
      for (const text of texts) writer.ordered(numberOf(text))
      return writer.take()
    }
    for (const { asset, symbol, decimals } of change.facts.assets.values()) {
      tables.facts.putSync(factKey(FACT_ASSET, asset), writer.clear().varint(decimals).bytes(packText(symbol)).take())
    }
    if (change.facts.coversAll) tables.facts.putSync(factKey(FACT_COVERS_ALL), Buffer.of(1))
    for (const address of change.facts.covered) tables.facts.putSync(factKey(FACT_COVERED, address), Buffer.of(1))
    for (const { address, asset, amount } of change.facts.openings.values()) {
      tables.facts.putSync(factKey(FACT_OPENING, address, asset), writer.clear().amount(amount).take())
    }
  }

  #remove(reading: Reading, counters: Counters, row: number): void {
    const tables = this.#tables
    const { chainNumber: number, names } = reading
    const transaction = reading.row(row)
    tables.rows.removeSync(chainKey(number, row))
    const idKey = chainKey(number, names.find(transaction.id)!)
    const rest = rowsIn(tables.ids.get(idKey), counters).filter((each) => each !== row)
    if (rest.length === 0) tables.ids.removeSync(idKey)
    else tables.ids.putSync(idKey, Buffer.concat(rest.map(numberKey)))
    if (transaction.kind === 'utxo') {
      for (const { transaction: spent, output } of transaction.inputs) {
        tables.spenders.removeSync(chainKey(number, names.find(spent)!, output))
      }
    }
    for (const { asset, address } of touchesOf(transaction)) {
      const account = accountPrefix(number, names.find(address)!, names.find(asset)!)
      const key = entryKey(account, transaction, row)
      if (tables.recent.removeSync(key)) {
        counters.recentCount--
        continue
      }
      const [chunk] = [...tables.history.getRange({ start: key, end: account, reverse: true, limit: 1 })]
      invariant(chunk !== undefined, `row ${row} is in no history of ${address}`)
      const left = decodeChunk(chunk.value).filter((entry) => entry.row !== row)
      tables.history.removeSync(chunk.key)
      if (left.length > 0) tables.history.putSync(entryKey(account, left[0], left[0].row), encodeChunk(left))
    }
  }
}

/** One chain read within one call: the same state of the store throughout. */
class Reading {
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

/** The order of `comparePlaces`, but for the id. */
function compareMoments(a: Moment, b: Moment): number {
  if (a.height !== b.height) return (a.height ?? Infinity) - (b.height ?? Infinity)
  if (a.height !== undefined && a.index !== b.index) return (a.index ?? Infinity) - (b.index ?? Infinity)
  return a.time - b.time
}

function accountPrefix(chain: number, address: number, asset: number): Buffer {
  return chainKey(chain, address, asset)
}

function entryKey(account: Buffer, moment: Moment, row: number): Buffer {
  return writePlace(writer.clear().bytes(account), moment).ordered(row).take()
}

const ACCOUNT_BYTES = 12

function decodeWaiting(key: Buffer, value: Buffer): Entry {
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

/** The key of the chunk in which a moment may begin: the last that begins before it, else the account's first. */
function firstChunkKey(tables: Tables, account: Buffer, moment: Moment): Buffer {
  const range = { start: entryKey(account, moment, 0), end: account, reverse: true, limit: 1 }
  for (const key of tables.history.getKeys(range)) return key
  return account
}

/** Whether a row counts: its load has ended, and did not end in a crash. */
function isLive(row: number, counters: Counters): boolean {
  if (counters.loading !== undefined && row >= counters.loading.fromRow) return false
  return !counters.dead.some(([from, to]) => row >= from && row < to)
}

function areLive(rows: { readonly rowMin: number; readonly rowMax: number }, counters: Counters): boolean {
  if (counters.loading !== undefined && rows.rowMax >= counters.loading.fromRow) return false
  return !counters.dead.some(([from, to]) => rows.rowMax >= from && rows.rowMin < to)
}

function rowsIn(bytes: Buffer | undefined, counters: Counters): number[] {
  const rows: number[] = []
  for (let i = 0; bytes !== undefined && i < bytes.length; i += 5) {
    const row = bytes.readUIntBE(i, 5)
    if (isLive(row, counters)) rows.push(row)
  }
  return rows
}

function liveRows(bytes: Buffer | undefined, counters: Counters): Buffer[] {
  return rowsIn(bytes, counters).map(numberKey)
}

/** Declares the rows of a load whose process is gone to be nowhere. Fault STORE_UNAVAILABLE while that process lives. */
function abandonDeadLoad(counters: Counters): void {
  if (counters.loading === undefined) return
  const { process: owner, fromRow } = counters.loading
  if (owner !== process.pid && isRunning(owner)) {
    throw new Fault('STORE_UNAVAILABLE', `process ${owner} is loading this store; wait until it ends`)
  }
  counters.dead.push([fromRow, counters.nextRow])
  counters.loading = undefined
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Packs some of the entries that wait, from a key on, and answers where to go on; undefined: none is left. An account's
 * entries go into the chunk they belong to, and that chunk is written anew, as several if it has grown.
 */
function packRecent(tables: Tables, counters: Counters, from: Buffer): Buffer | undefined {
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
function writeChunks(tables: Tables, account: Buffer, entries: Entry[]): void {
  entries.sort((a, b) => compareMoments(a, b) || a.row - b.row)
  for (let i = 0; i < entries.length; i += CHUNK_ENTRIES) {
    const chunk = entries.slice(i, i + CHUNK_ENTRIES)
    tables.history.putSync(entryKey(account, chunk[0], chunk[0].row), encodeChunk(chunk))
  }
}

function after(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)])
}

/** A block, and between which rows the transactions at its height lie. */
interface BlockRow extends Block {
  readonly rowFirst: number
  readonly rowLast: number
}

function readBlock(tables: Tables, chain: number, height: number): BlockRow | undefined {
  if (height < 0 || height > KEY_NUMBER_MAX) return undefined
  const bytes = tables.blocks.get(chainKey(chain, height))
  return bytes && decodeBlock(bytes)
}

function encodeBlock(block: BlockRow): Buffer {
  writer.clear()
  for (const text of [block.hash, block.previous]) {
    const packed = text === undefined ? undefined : packText(text)
    writer.varint(packed === undefined ? 0 : packed.length)
    if (packed !== undefined) writer.bytes(packed)
  }
  writer.varint((block.headerTime ?? -1) + 1).varint((block.transactionTime ?? -1) + 1)
  return writer.varint(block.rowFirst).varint(block.rowLast).take()
}

function decodeBlock(bytes: Buffer): BlockRow {
  const reader = new ByteReader(bytes)
  const text = () => {
    const length = reader.varint()
    return length === 0 ? undefined : unpackText(reader.bytes(length))
  }
  const time = () => {
    const value = reader.varint()
    return value === 0 ? undefined : value - 1
  }
  return {
    hash: text(),
    previous: text(),
    headerTime: time(),
    transactionTime: time(),
    rowFirst: reader.varint(),
    rowLast: reader.varint(),
  }
}

function decodeAsset(value: Buffer): { symbol: string; decimals: number } {
  const reader = new ByteReader(value)
  const decimals = reader.varint()
  return { decimals, symbol: unpackText(reader.rest()) }
}
