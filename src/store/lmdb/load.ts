import { randomUUID } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { AssetFact, Chain, Coverage, Opening, Transaction } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import type { BlockHeader, LedgerBatch } from '../chain-store.ts'
import { blockOfTransaction, doubleSpend, joinBlocks, joinTransactions, touchesOf } from '../rules.ts'
import { type Change, weighBatch } from '../weigh.ts'
import { type BlockRow, readBlock } from './block.ts'
import { ByteWriter, KEY_NUMBER_MAX, packText, textKey } from './bytes.ts'
import { CHUNK_ENTRIES, decodeChunk, type Entry, encodeChunk } from './chunk.ts'
import { ACCOUNT_BYTES, accountPrefix, compareMoments, decodeWaiting, entryKey, rowsIn } from './keys.ts'
import { Reading } from './reading.ts'
import { encodeRow } from './row.ts'
import { Spill } from './spill.ts'
import {
  behind,
  type Counters,
  chainKey,
  numberKey,
  readCounters,
  type Table,
  type Tables,
  writeCounters,
} from './tables.ts'

/** How many puts one write transaction of a merge makes. */
const STEP = 50_000
const SPILL_PREFIX = 'spill-'

/** The loads of this process: a load that names this process but is not here died with an earlier one of its number. */
const loadsHere = new Set<string>()

const writer = new ByteWriter()

/** What a load knows of one chain. */
interface ChainLoad {
  readonly number: number
  readonly blocks: Map<number, BlockRow>
  /** By number of an id, the rows this part has added. */
  readonly rows: Map<number, readonly number[]>
  latestUnplaced: number
}

/** What a finished part hands over, to be written in the one transaction that makes it count. */
export interface LoadedPart {
  readonly changes: ReadonlyMap<
    Chain,
    { change: Change; blocks: ReadonlyMap<number, BlockRow>; latestUnplaced: number }
  >
}

/**
 * One part of a bulk load. Rows are written as they come, under numbers that do not count yet; what is keyed by something
 * else than arrival (names, spenders, entries) is sorted outside memory and written in order of key. Only when all of it
 * is on the disk does one small transaction make the part count. A crash before leaves rows that are nowhere.
 */
export class LoadPart {
  readonly #tables: Tables
  readonly #folder: string
  readonly #nonce = randomUUID()
  readonly #namesMax: number
  readonly #numbers = new Map<string, number>()
  readonly #chains = new Map<Chain, ChainLoad>()
  readonly #names: Spill
  readonly #spenders: Spill
  readonly #entries: Spill
  readonly #hadNames: boolean
  readonly #rowTail: Tail
  readonly #textTail: Tail
  readonly #said = {
    blocks: [] as BlockHeader[],
    assets: [] as AssetFact[],
    coverage: [] as Coverage[],
    openings: [] as Opening[],
  }

  /** Begins a part; the write transaction it is called in must commit. */
  constructor(tables: Tables, path: string, counters: Counters, namesMax: number) {
    this.#tables = tables
    this.#namesMax = namesMax
    this.#folder = join(path, `${SPILL_PREFIX}${this.#nonce}`)
    this.#names = new Spill(this.#folder, 'names', 0)
    this.#spenders = new Spill(this.#folder, 'spenders', 2)
    this.#entries = new Spill(this.#folder, 'entries', 2)
    this.#hadNames = counters.nextName > 0
    this.#rowTail = new Tail(tables.rows)
    this.#textTail = new Tail(tables.texts)
    counters.loading = { process: process.pid, nonce: this.#nonce, fromRow: counters.nextRow }
    loadsHere.add(this.#nonce)
  }

  /** Whether the part has met as many texts as it should hold in memory. */
  get isFull(): boolean {
    return this.#numbers.size >= this.#namesMax
  }

  /** Adds a batch. Fault LEDGER_CONTRADICTS: the part must be abandoned. */
  add(batch: LedgerBatch): void {
    this.#write((counters) => {
      const readings = new Map<Chain, Reading>()
      for (const transaction of batch.transactions) {
        const load = this.#chainOf(transaction.chain, counters)
        let reading = readings.get(transaction.chain)
        if (reading === undefined) {
          reading = new Reading(this.#tables, counters, transaction.chain, load.number)
          readings.set(transaction.chain, reading)
        }
        this.#addRow(transaction, load, reading, counters)
      }
    })
    for (const each of batch.blocks ?? []) this.#said.blocks.push(each)
    for (const each of batch.assets ?? []) this.#said.assets.push(each)
    for (const each of batch.coverage ?? []) this.#said.coverage.push(each)
    for (const each of batch.openings ?? []) this.#said.openings.push(each)
  }

  /** Writes everything sorted, and answers what the closing transaction has to write. */
  async merge(): Promise<LoadedPart> {
    const names = new Tail(this.#tables.names)
    await this.#inSteps(this.#names.sorted(), ({ key, value }) => names.put(key, value))
    for (const load of this.#chains.values()) await this.#mergeIds(load)
    await this.#mergeSpenders()
    await this.#mergeEntries()
    return this.#close()
  }

  /** Ends the part in the write transaction that makes it count. */
  end(counters: Counters): void {
    counters.loading = undefined
    loadsHere.delete(this.#nonce)
  }

  /** Gives the part up: its rows are nowhere. */
  abandon(): void {
    loadsHere.delete(this.#nonce)
    this.#write((counters) => buryLoad(counters))
  }

  /** Removes the spill files. */
  clean(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #write<Result>(work: (counters: Counters) => Result): Result {
    return this.#tables.root.transactionSync(() => {
      const counters = readCounters(this.#tables)
      if (counters.loading?.nonce !== this.#nonce) {
        throw new Fault('STORE_UNAVAILABLE', 'another process has taken this store over; run the import again')
      }
      const result = work(counters)
      writeCounters(this.#tables, counters)
      return result
    })
  }

  async #inSteps<Item>(items: Iterable<Item>, put: (item: Item, counters: Counters) => void): Promise<void> {
    const iterator = items[Symbol.iterator]()
    for (let isDone = false; !isDone; ) {
      this.#write((counters) => {
        for (let i = 0; i < STEP; i++) {
          const next = iterator.next()
          if (next.done) {
            isDone = true
            return
          }
          put(next.value, counters)
        }
      })
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #chainOf(chain: Chain, counters: Counters): ChainLoad {
    let load = this.#chains.get(chain)
    if (load === undefined) {
      const known = counters.chains.get(chain)
      let number = counters.chains.size
      for (const each of this.#chains.keys()) if (!counters.chains.has(each)) number++
      load = { number: known?.number ?? number, blocks: new Map(), rows: new Map(), latestUnplaced: -1 }
      this.#chains.set(chain, load)
    }
    return load
  }

  #numberOf(text: string, counters: Counters): number {
    let number = this.#numbers.get(text)
    if (number !== undefined) return number
    const packed = packText(text)
    const key = textKey(packed)
    const known = this.#hadNames ? this.#tables.names.get(key) : undefined
    if (known !== undefined) number = known.readUIntBE(0, 5)
    else {
      number = counters.nextName++
      this.#textTail.put(numberKey(number), packed)
      this.#names.add(key, numberKey(number))
    }
    this.#numbers.set(text, number)
    return number
  }

  #addRow(come: Transaction, load: ChainLoad, reading: Reading, counters: Counters): void {
    const { chain } = come
    const numberOf = (text: string) => this.#numberOf(text, counters)
    const id = numberOf(come.id)
    const added = load.rows.get(id) ?? []
    const stored = this.#hadNames ? rowsIn(this.#tables.ids.get(chainKey(load.number, id)), counters) : []
    let isKnown = false
    for (const row of [...stored, ...added]) {
      const held = reading.row(row)
      const joined = joinTransactions(held, come)
      if (joined === undefined) continue
      isKnown = true
      if (joined === held) continue
      this.#tables.rows.putSync(chainKey(load.number, row), encodeRow(joined, numberOf))
      reading.forget(row)
    }
    const row = isKnown ? -1 : counters.nextRow++
    if (come.height !== undefined) this.#joinBlock(chain, load, come.height, come, row)
    if (isKnown) return
    this.#rowTail.put(chainKey(load.number, row), encodeRow(come, numberOf))
    load.rows.set(id, [...added, row])
    if (come.height === undefined) load.latestUnplaced = Math.max(load.latestUnplaced, come.time)
    if (come.kind === 'utxo') {
      for (const { transaction, output } of come.inputs) {
        this.#spenders.add(chainKey(load.number, numberOf(transaction), output), numberKey(row))
      }
    }
    for (const { asset, address, given, taken } of touchesOf(come)) {
      const account = accountPrefix(load.number, numberOf(address), numberOf(asset))
      this.#entries.add(entryKey(account, come, row), writer.clear().amount(given).amount(taken).take())
    }
  }

  #joinBlock(chain: Chain, load: ChainLoad, height: number, row: Transaction, number: number): void {
    const met = load.blocks.get(height)
    if (met !== undefined && number >= 0 && met.transactionTime === row.time && row.blockHash === undefined) {
      // Most rows: another of a block just met, which says nothing new of it.
      met.rowLast = Math.max(met.rowLast, number)
      met.rowFirst = Math.min(met.rowFirst, number)
      return
    }
    const held = met ?? readBlock(this.#tables, load.number, height)
    const joined = joinBlocks(chain, height, held, blockOfTransaction(row))
    load.blocks.set(height, {
      ...joined,
      rowFirst: Math.min(held?.rowFirst ?? KEY_NUMBER_MAX, number < 0 ? KEY_NUMBER_MAX : number),
      rowLast: Math.max(held?.rowLast ?? 0, number),
    })
  }

  async #mergeIds(load: ChainLoad): Promise<void> {
    const tail = new Tail(this.#tables.ids)
    await this.#inSteps(Float64Array.from(load.rows.keys()).sort(), (id, counters) => {
      const key = chainKey(load.number, id)
      const stored = this.#hadNames ? rowsIn(this.#tables.ids.get(key), counters) : []
      tail.put(key, Buffer.concat([...stored, ...load.rows.get(id)!].map(numberKey)))
    })
  }

  async #mergeSpenders(): Promise<void> {
    const tail = new Tail(this.#tables.spenders)
    let before: Buffer = Buffer.alloc(0)
    let spender = -1
    await this.#inSteps(this.#spenders.sorted(), ({ key, value }, counters) => {
      const row = value.readUIntBE(0, 5)
      if (Buffer.compare(before, key) !== 0) {
        const [stored] = this.#hadNames ? rowsIn(this.#tables.spenders.get(key), counters) : []
        before = Buffer.from(key)
        spender = stored ?? row
        if (stored === undefined) tail.put(before, Buffer.from(value))
      }
      if (spender !== row) throw this.#doubleSpend(key, spender, row, counters)
    })
  }

  #doubleSpend(key: Buffer, first: number, second: number, counters: Counters): Fault {
    const number = key.readUInt16BE(0)
    const [chain] = [...this.#chains].find(([, load]) => load.number === number)!
    const reading = new Reading(this.#tables, counters, chain, number)
    const output = `${reading.names.textOf(key.readUIntBE(2, 5))}:${key.readUIntBE(7, 5)}`
    return doubleSpend(chain, output, reading.row(first).id, reading.row(second).id)
  }

  /** Writes entries behind what an account's history has; where they fall among it, they wait to be packed. */
  async #mergeEntries(): Promise<void> {
    const tables = this.#tables
    const tail = new Tail(tables.history)
    const isEmpty = tail.isEmpty
    let account: Buffer = Buffer.alloc(0)
    let chunk: Entry[] = []
    let last: Entry | undefined
    const flush = (): void => {
      if (chunk.length > 0) tail.put(entryKey(account, chunk[0], chunk[0].row), encodeChunk(chunk))
      chunk = []
    }
    await this.#inSteps(this.#entries.sorted(), ({ key, value }, counters) => {
      const entry = decodeWaiting(key, value)
      if (Buffer.compare(key.subarray(0, ACCOUNT_BYTES), account) !== 0) {
        flush()
        account = Buffer.from(key.subarray(0, ACCOUNT_BYTES))
        last = undefined
        const range = { start: behind(account), end: account, reverse: true, limit: 1 }
        for (const stored of isEmpty ? [] : tables.history.getRange(range)) {
          // The last chunk is filled up: written again under the key it has.
          const entries = decodeChunk(stored.value)
          last = entries[entries.length - 1]
          if (entries.length < CHUNK_ENTRIES && compareMoments(last, entry) <= 0) chunk = entries
        }
      }
      if (last !== undefined && compareMoments(last, entry) > 0) {
        tables.recent.putSync(Buffer.from(key), Buffer.from(value))
        counters.recentCount++
        return
      }
      chunk.push(entry)
      if (chunk.length === CHUNK_ENTRIES) flush()
    })
    this.#write(flush)
  }

  #close(): LoadedPart {
    const counters = readCounters(this.#tables)
    const readings = new Map<Chain, Reading>()
    for (const [chain, { number }] of counters.chains) {
      readings.set(chain, new Reading(this.#tables, counters, chain, number))
    }
    const blockRow = (chain: Chain, height: number): BlockRow | undefined => {
      const pending = this.#chains.get(chain)?.blocks.get(height)
      const number = counters.chains.get(chain)?.number
      return pending ?? (number === undefined ? undefined : readBlock(this.#tables, number, height))
    }
    const weighed = weighBatch(
      { transactions: [], ...this.#said },
      {
        transactions: () => [],
        spender: () => undefined,
        block: blockRow,
        asset: (chain, asset) => readings.get(chain)?.assetFact(asset),
        opening: (chain, asset, address) => {
          const amount = readings.get(chain)?.opening(asset, address)
          return amount === undefined ? undefined : { chain, asset, address, amount }
        },
      },
      new Map([...this.#chains].map(([chain, { blocks }]) => [chain, blocks])),
    )
    const changes = new Map<Chain, { change: Change; blocks: Map<number, BlockRow>; latestUnplaced: number }>()
    for (const [chain, change] of weighed) {
      const load = this.#chains.get(chain)
      changes.set(chain, { change, blocks: load?.blocks ?? new Map(), latestUnplaced: load?.latestUnplaced ?? -1 })
    }
    return { changes }
  }
}

/** Puts into a table, by the short way where a key lies behind all that are there. */
class Tail {
  readonly #table: Table
  readonly isEmpty: boolean
  #last: Buffer

  constructor(table: Table) {
    this.#table = table
    const [last] = [...table.getKeys({ reverse: true, limit: 1 })]
    this.isEmpty = last === undefined
    this.#last = last === undefined ? Buffer.alloc(0) : Buffer.from(last)
  }

  put(key: Buffer, value: Buffer): void {
    if (Buffer.compare(key, this.#last) > 0) {
      this.#table.putSync(key, value, { append: true })
      this.#last = Buffer.from(key)
    } else this.#table.putSync(key, value)
  }
}

/**
 * Declares the rows of a load whose process is gone to be nowhere, and removes its spill files from the store's directory.
 * Fault STORE_UNAVAILABLE while that process goes on.
 */
export function abandonDeadLoad(counters: Counters, path: string): void {
  if (counters.loading === undefined) return
  const { process: owner, nonce } = counters.loading
  if (loadsHere.has(nonce) || (owner !== process.pid && isRunning(owner))) {
    throw new Fault('STORE_UNAVAILABLE', `process ${owner} is loading this store; wait until it ends`)
  }
  buryLoad(counters)
  for (const each of readdirSync(path)) {
    if (each.startsWith(SPILL_PREFIX)) rmSync(join(path, each), { recursive: true, force: true })
  }
}

function buryLoad(counters: Counters): void {
  const { fromRow } = counters.loading!
  if (counters.nextRow > fromRow) counters.dead.push([fromRow, counters.nextRow])
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
