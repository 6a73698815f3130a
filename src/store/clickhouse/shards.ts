import { createHash } from 'node:crypto'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { Fault } from '../../faults.ts'

/** The servers of one store, in their order, and how they are spoken to: whole answers or a fault. */

/** What this version writes and reads. */
export const FORMAT = 'proceeds-chain-store/1'

/** Stands for "no height" and "no index" in sort keys: behind every real one. */
export const NONE = Number.MAX_SAFE_INTEGER

/** Where a server listens (`http://host:8123`), or `chdb:DIRECTORY`, or a client made already. */
export type ShardAddress = string | ClickHouseClient

const TABLES = [
  // Every transaction, on the shard of its id. A row written anew has a later batch.
  `rows (chain LowCardinality(String), id String CODEC(ZSTD(1)), height UInt64, time UInt64, batch UInt64, body String CODEC(ZSTD(3)))
   ENGINE = MergeTree ORDER BY (chain, id, height)`,
  // One line for each account a transaction names, on the shard of the address: a bank statement is one contiguous read.
  // Several legs of one transaction may come to more than 256 bits hold: the _more columns count in 2^256.
  `entries (chain LowCardinality(String), address String, asset LowCardinality(String), height UInt64 CODEC(Delta, ZSTD),
   idx UInt64 CODEC(ZSTD(1)), time UInt64 CODEC(Delta, ZSTD), id String CODEC(ZSTD(1)), given UInt256 CODEC(ZSTD(1)),
   taken UInt256 CODEC(ZSTD(1)), given_more UInt32, taken_more UInt32, batch UInt64 CODEC(ZSTD(1)))
   ENGINE = MergeTree ORDER BY (chain, address, asset, height, idx, time, id)`,
  // On the shard of the transaction that is spent from; height and time are the spender's.
  `spenders (chain LowCardinality(String), transaction String CODEC(ZSTD(1)), output UInt64 CODEC(ZSTD(1)),
   spender String CODEC(ZSTD(1)), height UInt64 CODEC(ZSTD(1)), time UInt64 CODEC(ZSTD(1)), batch UInt64 CODEC(ZSTD(1))) ENGINE = MergeTree ORDER BY (chain, transaction, output)`,
  // The rest is small and lies on the first shard.
  `blocks (chain LowCardinality(String), height UInt64, hash Nullable(String), previous Nullable(String),
   header_time Nullable(UInt64), transaction_time Nullable(UInt64), batch UInt64)
   ENGINE = MergeTree ORDER BY (chain, height)`,
  `facts (chain LowCardinality(String), kind LowCardinality(String), first String, second String, value String, batch UInt64)
   ENGINE = MergeTree ORDER BY (chain, kind, first, second)`,
  // What became of each batch: the commit point of everything.
  `batches (number UInt64, state LowCardinality(String), owner String, chain String, height UInt64,
   at DateTime64(3) DEFAULT now64(3)) ENGINE = MergeTree ORDER BY number`,
  `meta (name String, value String) ENGINE = MergeTree ORDER BY name`,
] as const

/** How long a query may be, and how many of its parts: frontiers of thousands go out in one. */
const SETTINGS = {
  max_query_size: '67108864',
  max_ast_elements: '2000000',
  max_expanded_ast_elements: '2000000',
  output_format_json_quote_64bit_integers: 1,
  // An answer is sent once it is whole, so that a failure on the way is a failure and not a short answer.
  wait_end_of_query: 1,
  skip_unavailable_shards: 0,
  async_insert: 0,
} as const

export class Shards {
  readonly #clients: readonly ClickHouseClient[]
  readonly #names: readonly string[]
  readonly #database: string

  private constructor(clients: readonly ClickHouseClient[], names: readonly string[], database: string) {
    this.#clients = clients
    this.#names = names
    this.#database = database
  }

  /** Connects to every shard and makes the tables where there are none. Fault STORE_UNAVAILABLE, STORE_INVALID, USAGE. */
  static async open(addresses: readonly ShardAddress[], database: string, timeoutMs: number): Promise<Shards> {
    if (addresses.length === 0) throw new Fault('USAGE', 'a ClickHouse store needs the address of a server')
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(database)) {
      throw new Fault('USAGE', `${database} is no name for a database: letters, digits and _ only`)
    }
    const clients: ClickHouseClient[] = []
    const names: string[] = []
    for (const [number, address] of addresses.entries()) {
      names.push(typeof address === 'string' ? hideCredentials(address) : `shard ${number}`)
      clients.push(typeof address === 'string' ? await connect(address, timeoutMs) : address)
    }
    const shards = new Shards(clients, names, database)
    try {
      await allSettled(clients.map((_, shard) => shards.#prepare(shard)))
    } catch (error) {
      await shards.close()
      throw error
    }
    return shards
  }

  get count(): number {
    return this.#clients.length
  }

  /** The shard of an account or of a transaction id. Fixed for ever: rows are where it says. */
  shardOf(chain: string, key: string): number {
    if (this.count === 1) return 0
    return createHash('sha256').update(`${chain}\n${key}`).digest().readUInt32BE(0) % this.count
  }

  /** Runs a query on one shard and answers all of its rows. Fault STORE_UNAVAILABLE. */
  async query<Row>(shard: number, sql: string): Promise<Row[]> {
    return await this.#speak(shard, async (client) => {
      const result = await client.query({ query: sql, format: 'JSON', clickhouse_settings: SETTINGS })
      const answer = (await result.json()) as { data?: Row[]; rows?: number }
      // A cut answer does not parse, or does not count what it holds.
      if (!Array.isArray(answer.data) || Number(answer.rows) !== answer.data.length)
        throw new Error('the answer is cut short')
      return answer.data
    })
  }

  /** Runs a query on every shard that has some of the keys, each with its own, at once. */
  async queryByKey<Row, Key>(
    keys: readonly Key[],
    shardOf: (key: Key) => number,
    sql: (keys: readonly Key[]) => string,
  ): Promise<Row[]> {
    const parts: Key[][] = Array.from({ length: this.count }, () => [])
    for (const key of keys) parts[shardOf(key)].push(key)
    const answers = await allSettled(
      parts.flatMap((part, shard) => (part.length === 0 ? [] : [this.query<Row>(shard, sql(part))])),
    )
    return answers.flat()
  }

  async command(shard: number, sql: string): Promise<void> {
    await this.#speak(shard, async (client) => {
      await client.command({ query: sql, clickhouse_settings: SETTINGS })
    })
  }

  async insert(shard: number, table: string, values: readonly Record<string, unknown>[]): Promise<void> {
    if (values.length === 0) return
    await this.#speak(shard, async (client) => {
      await client.insert({
        table: this.table(table),
        columns: Object.keys(values[0]) as [string, ...string[]],
        values,
        format: 'JSONEachRow',
        clickhouse_settings: { async_insert: 0 },
      })
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()))
  }

  /** A table's name as SQL has it. */
  table(name: string): string {
    return `${this.#database}.${name}`
  }

  async #speak<Answer>(shard: number, work: (client: ClickHouseClient) => Promise<Answer>): Promise<Answer> {
    try {
      return await work(this.#clients[shard])
    } catch (cause) {
      if (cause instanceof Fault) throw cause
      const message = cause instanceof Error ? cause.message || cause.name : String(cause)
      const code = (cause as { code?: unknown })?.code
      throw new Fault(
        'STORE_UNAVAILABLE',
        `shard ${shard + 1} of ${this.count} (${this.#names[shard]}) failed: ${[code, message].filter(Boolean).join(' ').slice(0, 500)}; nothing was answered in part: try again when it is back`,
        { cause },
      )
    }
  }

  async #prepare(shard: number): Promise<void> {
    await this.command(shard, `CREATE DATABASE IF NOT EXISTS ${this.#database}`)
    for (const table of TABLES) {
      // Written through to the disk before an insert is acknowledged.
      await this.command(
        shard,
        `CREATE TABLE IF NOT EXISTS ${this.#database}.${table} SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1`,
      )
    }
    const said = new Map(
      (await this.query<{ name: string; value: string }>(shard, `SELECT name, value FROM ${this.table('meta')}`)).map(
        ({ name, value }) => [name, value],
      ),
    )
    const place = `${shard + 1} of ${this.count}`
    if (said.size === 0) {
      await this.insert(shard, 'meta', [
        { name: 'format', value: FORMAT },
        { name: 'shard', value: place },
      ])
      return
    }
    if (said.get('format') !== FORMAT) {
      throw new Fault(
        'STORE_INVALID',
        `${this.#names[shard]} is written as ${said.get('format')}, this version reads ${FORMAT}; use another database`,
      )
    }
    if (said.get('shard') !== place) {
      throw new Fault(
        'STORE_INVALID',
        `${this.#names[shard]} was set up as shard ${said.get('shard')}, and is named as shard ${place}; name all shards, in their order`,
      )
    }
  }
}

/** Waits for all, so that no answer is left hanging, and throws the first failure. */
export async function allSettled<Value>(work: readonly Promise<Value>[]): Promise<Value[]> {
  const settled = await Promise.allSettled(work)
  return settled.map((each) => {
    if (each.status === 'rejected') throw each.reason
    return each.value
  })
}

async function connect(address: string, timeoutMs: number): Promise<ClickHouseClient> {
  if (address.startsWith('chdb:')) {
    try {
      // An optional peer of half a gigabyte: only who asks for it needs to have it.
      const name = 'chdb/connection'
      const { createChdbConnection } = await import(name)
      return createClient({ connection: createChdbConnection({ path: address.slice('chdb:'.length) }) } as object)
    } catch (cause) {
      throw new Fault('USAGE', `${address} needs the package chdb, which does not load: ${String(cause)}`, { cause })
    }
  }
  try {
    // What fails becomes a fault; the client need not write to the console of its own accord.
    return createClient({ url: address, request_timeout: timeoutMs, log: { level: ClickHouseLogLevel.OFF } })
  } catch (cause) {
    throw new Fault('USAGE', `${hideCredentials(address)} is no address of a ClickHouse server: http://host:8123`, {
      cause,
    })
  }
}

function hideCredentials(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//').replace(/\?.*$/, '')
}

/** A text as an SQL literal. */
export function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replace(/\0/g, '\\0')}'`
}

/** Texts as an SQL list, each once. */
export function quoteAll(texts: Iterable<string>): string {
  return [...new Set(texts)].map(quote).join(',')
}
