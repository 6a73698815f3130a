import { existsSync } from 'node:fs'
import { mkdir, open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { Fault } from '../../faults.ts'
import { packText, textKey, unpackText, writeKeyNumber } from './bytes.ts'

/** The tables of the embedded store, and the numbers it counts with. Keys and values are bytes throughout. */

/** What this version writes and reads. Another word in a store means another layout. */
export const FORMAT = 'proceeds-chain-store/1'

export type Table = Database<Buffer, Buffer>

export interface Tables {
  readonly root: RootDatabase<Buffer, Buffer>
  /** `format` and `counters`. */
  readonly meta: Table
  /** Text key → its number. */
  readonly names: Table
  /** Number → packed text. */
  readonly texts: Table
  /** Chain, row → the row (row.ts). */
  readonly rows: Table
  /** Chain, number of an id → its rows. */
  readonly ids: Table
  /** Chain, number of a transaction id, output → the row that spends it. */
  readonly spenders: Table
  /** Chain, address, asset, place, row → what moved: entries not yet packed. */
  readonly recent: Table
  /** Chain, address, asset, first place, first row → a chunk of entries (chunk.ts). */
  readonly history: Table
  /** Chain, height → the block. */
  readonly blocks: Table
  /** Chain, kind, numbers → what the ledger says of itself. */
  readonly facts: Table
}

/** What the store counts. */
export interface Counters {
  nextName: number
  nextRow: number
  /** How many entries wait in `recent`. */
  recentCount: number
  /** Runs of rows, first to behind last, that a load left unfinished: they are nowhere, whatever still names them. */
  dead: [number, number][]
  /** A load under way: its rows count once it ends. */
  loading: { process: number; nonce: string; fromRow: number } | undefined
  /** Chains by name: their number, and the latest time of a transaction without a height (−1: none). */
  readonly chains: Map<string, { number: number; latestUnplaced: number }>
}

const COUNTERS_KEY = Buffer.from('counters')
const FORMAT_KEY = Buffer.from('format')

/** Opens the tables in a directory, and makes them where there are none. Fault STORE_INVALID, STORE_UNAVAILABLE. */
export async function openTables(path: string, readOnly: boolean): Promise<Tables> {
  const isNew = !existsSync(join(path, 'data.mdb'))
  if (isNew && readOnly)
    throw new Fault('STORE_UNAVAILABLE', `${path} holds no chain store; import a ledger into it first`)
  if (isNew) await mkdir(path, { recursive: true })
  else await checkFile(join(path, 'data.mdb'))
  const asBytes = { encoding: 'binary', keyEncoding: 'binary' } as const
  let root: RootDatabase<Buffer, Buffer>
  try {
    // No read-ahead: look-ups are random. Every commit is on the disk before it is acknowledged.
    const options = { path, ...asBytes, readOnly, maxDbs: 16, overlappingSync: false, noReadAhead: true }
    root = open<Buffer, Buffer>(options)
  } catch (cause) {
    throw new Fault('STORE_INVALID', `${path} does not open as a chain store: ${String(cause)}`, { cause })
  }
  const table = (name: string): Table => root.openDB<Buffer, Buffer>({ name, ...asBytes }) as Table
  let tables: Tables
  try {
    tables = {
      root,
      meta: table('meta'),
      names: table('names'),
      texts: table('texts'),
      rows: table('rows'),
      ids: table('ids'),
      spenders: table('spenders'),
      recent: table('recent'),
      history: table('history'),
      blocks: table('blocks'),
      facts: table('facts'),
    }
    const format = tables.meta.get(FORMAT_KEY)?.toString()
    if (format === undefined && isNew) {
      root.transactionSync(() => {
        tables.meta.putSync(FORMAT_KEY, Buffer.from(FORMAT))
        writeCounters(tables, {
          nextName: 0,
          nextRow: 0,
          recentCount: 0,
          dead: [],
          loading: undefined,
          chains: new Map(),
        })
      })
    } else if (format !== FORMAT) {
      throw new Fault(
        'STORE_INVALID',
        `${path} is written as ${format ?? 'something else'}, this version reads ${FORMAT}; import the ledger into a new directory`,
      )
    }
  } catch (cause) {
    await root.close()
    if (cause instanceof Fault) throw cause
    throw new Fault('STORE_INVALID', `${path} does not open as a chain store: ${String(cause)}`, { cause })
  }
  return tables
}

/** LMDB ends the whole process on a file that is not its own, so its magic number and page count are looked at first. */
async function checkFile(path: string): Promise<void> {
  const file = await openFile(path, 'r')
  try {
    const head = Buffer.alloc(PAGE_HEAD_BYTES)
    const { bytesRead } = await file.read(head, 0, PAGE_HEAD_BYTES, 0)
    const { size } = await file.stat()
    const isWhole = bytesRead === PAGE_HEAD_BYTES && size >= 2 * PAGE_BYTES_MIN && head.readUInt32LE(MAGIC_AT) === MAGIC
    if (!isWhole) throw new Fault('STORE_INVALID', `${path} is no LMDB file; import the ledger into a new directory`)
  } finally {
    await file.close()
  }
}
const MAGIC = 0xbeefc0de
const MAGIC_AT = 24
const PAGE_HEAD_BYTES = 64
const PAGE_BYTES_MIN = 4096

export function readCounters(tables: Tables): Counters {
  const bytes = tables.meta.get(COUNTERS_KEY)
  if (bytes === undefined)
    throw new Fault('STORE_INVALID', 'the chain store has lost its counters; import the ledger again')
  const { chains, ...counts } = JSON.parse(bytes.toString())
  return { loading: undefined, ...counts, chains: new Map(chains) }
}

export function writeCounters(tables: Tables, counters: Counters): void {
  tables.meta.putSync(COUNTERS_KEY, Buffer.from(JSON.stringify({ ...counters, chains: [...counters.chains] })))
}

/** A key of numbers, five bytes each, behind the two bytes of a chain. */
export function chainKey(chain: number, ...numbers: readonly number[]): Buffer {
  const key = Buffer.allocUnsafe(2 + 5 * numbers.length)
  key.writeUInt16BE(chain, 0)
  for (let i = 0; i < numbers.length; i++) writeKeyNumber(key, numbers[i], 2 + 5 * i)
  return key
}

/** A key of one number. */
export function numberKey(number: number): Buffer {
  const key = Buffer.allocUnsafe(5)
  writeKeyNumber(key, number, 0)
  return key
}

/** The first key behind every key that begins with a prefix. */
export function behind(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, ALL_ONES])
}
const ALL_ONES = Buffer.alloc(40, 0xff)

/** Texts and their numbers, as far as one piece of work needs them; each is looked up once. */
export class Names {
  readonly #tables: Tables
  readonly #numbers = new Map<string, number>()
  readonly #texts = new Map<number, string>()
  readonly #fresh: { key: Buffer; number: number; packed: Buffer }[] = []

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** The number of a text, or undefined: the store has never met it. */
  find(text: string): number | undefined {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const bytes = this.#tables.names.get(textKey(packText(text)))
    if (bytes === undefined) return undefined
    const number = bytes.readUIntBE(0, 5)
    this.#numbers.set(text, number)
    return number
  }

  /** The number of a text, a new one if need be; `write` must follow in the same write transaction. */
  intern(text: string, counters: Counters): number {
    const found = this.find(text)
    if (found !== undefined) return found
    const packed = packText(text)
    const number = counters.nextName++
    this.#numbers.set(text, number)
    this.#fresh.push({ key: textKey(packed), number, packed })
    return number
  }

  /** Writes the new texts, in the order of their keys: neighbours share pages. */
  write(): void {
    for (const { number, packed } of this.#fresh) this.#tables.texts.putSync(numberKey(number), packed)
    this.#fresh.sort((a, b) => Buffer.compare(a.key, b.key))
    for (const { key, number } of this.#fresh) this.#tables.names.putSync(key, numberKey(number))
    this.#fresh.length = 0
  }

  /** The text of a number. */
  textOf(number: number): string {
    const known = this.#texts.get(number)
    if (known !== undefined) return known
    const packed = this.#tables.texts.get(numberKey(number))
    if (packed === undefined)
      throw new Fault('STORE_INVALID', `the chain store has lost text ${number}; import the ledger again`)
    const text = unpackText(packed)
    this.#texts.set(number, text)
    return text
  }
}
