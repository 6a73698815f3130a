import type { Chain, Transaction } from '../../graph/index.ts'
import { invariant, ZERO } from '../../graph/index.ts'
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
import { type BlockRow, decodeBlock, encodeBlock, readBlock } from './lmdb/block.ts'
import { ByteReader, ByteWriter, KEY_NUMBER_MAX, packText } from './lmdb/bytes.ts'
import { decodeChunk, encodeChunk } from './lmdb/chunk.ts'
import { accountPrefix, entryKey, liveRows, rowsIn } from './lmdb/keys.ts'
import { abandonDeadLoad, LoadPart } from './lmdb/load.ts'
import { packRecent } from './lmdb/pack.ts'
import { decodeAsset, FACT_ASSET, FACT_COVERED, FACT_COVERS_ALL, FACT_OPENING, Reading } from './lmdb/reading.ts'
import { decodeHead, encodeRow } from './lmdb/row.ts'
import {
  behind,
  type Counters,
  chainKey,
  Names,
  numberKey,
  openTables,
  readCounters,
  type Table,
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
  /** How many texts (ids, addresses) a bulk load holds in memory before it ends a part; about 150 bytes each. */
  readonly namesMax?: number
}

const RECENT_MAX = 250_000
const NAMES_MAX = 3_000_000
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
  readonly #namesMax: number
  readonly #path: string

  private constructor(tables: Tables, path: string, options: LmdbOptions) {
    this.#tables = tables
    this.#path = path
    this.#namesMax = options.namesMax ?? NAMES_MAX
    this.#finalityDepth = options.finalityDepth ?? (() => 0)
    this.#recentMax = options.recentMax ?? RECENT_MAX
  }

  /** Opens the store in a directory, and makes it where there is none. Fault STORE_INVALID, STORE_UNAVAILABLE. */
  static async open(path: string, options: LmdbOptions = {}): Promise<LmdbStore> {
    return new LmdbStore(await openTables(path, options.readOnly ?? false), path, options)
  }

  async chains(): Promise<readonly Chain[]> {
    return [...readCounters(this.#tables).chains.keys()].sort(compareText)
  }

  async snapshot(chain: Chain): Promise<Snapshot | undefined> {
    const known = readCounters(this.#tables).chains.get(chain)
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
    const known = readCounters(this.#tables).chains.get(chain)
    return heights.map((height) => known && readBlock(this.#tables, known.number, height)?.hash)
  }

  async facts(chain: Chain): Promise<ChainFacts> {
    const book = emptyFacts()
    const known = readCounters(this.#tables).chains.get(chain)
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
      for (const [chain, { number }] of counters.chains) {
        reading.set(chain, new Reading(this.#tables, counters, chain, number))
      }
      const held: Held = {
        transactions: (chain, id) => reading.get(chain)?.byId(id) ?? [],
        spender: (chain, id, output) => {
          const row = reading.get(chain)?.spender(id, output)
          return row === undefined ? undefined : reading.get(chain)!.row(row).id
        },
        block: (chain, height) =>
          reading.has(chain) ? readBlock(this.#tables, counters.chains.get(chain)!.number, height) : undefined,
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

  async load(
    batches: AsyncIterable<LedgerBatch> | Iterable<LedgerBatch>,
    onKept: (transactions: number) => void = () => {},
  ): Promise<void> {
    let part: LoadPart | undefined
    let count = 0
    try {
      for await (const batch of batches) {
        part ??= this.#write((counters) => new LoadPart(this.#tables, this.#path, counters, this.#namesMax))
        part.add(batch)
        count += batch.transactions.length
        if (!part.isFull) continue
        await this.#endPart(part)
        part = undefined
        onKept(count)
      }
      if (part !== undefined) await this.#endPart(part)
      part = undefined
    } finally {
      part?.abandon()
      part?.clean()
    }
    onKept(count)
    if (readCounters(this.#tables).recentCount > this.#recentMax) await this.compact()
  }

  async #endPart(part: LoadPart): Promise<void> {
    const { changes } = await part.merge()
    this.#tables.root.transactionSync(() => {
      const counters = readCounters(this.#tables)
      part.end(counters)
      const names = new Names(this.#tables)
      for (const [chain, { change, blocks, latestUnplaced }] of changes) {
        this.#apply(chain, change, counters, names, blocks)
        const known = counters.chains.get(chain)!
        known.latestUnplaced = Math.max(known.latestUnplaced, latestUnplaced)
      }
      names.write()
      writeCounters(this.#tables, counters)
    })
    part.clean()
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
      const known = counters.chains.get(chain)
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

  /** How many values each table holds, and how many bytes its pages take on the disk. */
  sizes(): Readonly<Record<string, { readonly values: number; readonly bytes: number }>> {
    const { root, ...tables } = this.#tables
    type Stats = Record<
      'pageSize' | 'entryCount' | 'treeBranchPageCount' | 'treeLeafPageCount' | 'overflowPages',
      number
    >
    const { pageSize } = root.getStats() as Stats
    return Object.fromEntries(
      Object.entries(tables).map(([name, table]) => {
        const stats = (table as Table).getStats() as Stats
        const pages = stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages
        return [name, { values: stats.entryCount, bytes: pages * pageSize }]
      }),
    )
  }

  async close(): Promise<void> {
    await this.#tables.root.close()
  }

  /** Runs work in one durable write transaction; if it throws, nothing of it is kept. */
  #write<Result>(work: (counters: Counters) => Result): Result {
    return this.#tables.root.transactionSync(() => {
      const counters = readCounters(this.#tables)
      abandonDeadLoad(counters, this.#path)
      const result = work(counters)
      writeCounters(this.#tables, counters)
      return result
    })
  }

  #read(chain: Chain, at: Snapshot): Reading | undefined {
    invariant(at.chain === chain, `a snapshot of ${at.chain} asked about ${chain}`)
    const counters = readCounters(this.#tables)
    const known = counters.chains.get(chain)
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

  /** Writes a weighed change; `loaded` are blocks whose rows a load has written already. */
  #apply(
    chain: Chain,
    change: Change,
    counters: Counters,
    names: Names,
    loaded: ReadonlyMap<number, BlockRow> = new Map(),
  ): void {
    const tables = this.#tables
    let known = counters.chains.get(chain)
    if (known === undefined) {
      known = { number: counters.chains.size, latestUnplaced: -1 }
      counters.chains.set(chain, known)
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
    for (const height of new Set([...change.blocks.keys(), ...blockRows.keys()])) {
      const held = readBlock(tables, number, height)
      const block = change.blocks.get(height) ?? held!
      const added = blockRows.get(height) ?? loaded.get(height)
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
