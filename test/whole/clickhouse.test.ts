import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@clickhouse/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChainStore, Snapshot } from '../../src/store/chain-store.ts'
import { ClickhouseStore } from '../../src/store/clickhouse.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { describeStore } from '../src/store/conformance.ts'
import { ENGINE, installEngine, type Server, startServer } from '../support/clickhouse.ts'
import { batchesOf, drawLedger } from '../support/drawn-ledger.ts'

let servers: Server[] = []
let made = 0

beforeAll(async () => {
  installEngine()
  servers = [await startServer(), await startServer()]
}, 600_000)
afterAll(async () => {
  for (const server of servers) await server.remove()
})

const urls = () => servers.map(({ url }) => url)
const databases = new Map<ChainStore, string>()

async function open(database: string, options: { shards?: string[]; leaseMs?: number } = {}): Promise<ClickhouseStore> {
  const store = await ClickhouseStore.open({ shards: urls(), database, timeoutMs: 20_000, ...options })
  databases.set(store, database)
  return store
}

describeStore({
  name: 'clickhouse, two shards',
  create: async (options) => {
    const database = `suite_${made++}`
    const store = await ClickhouseStore.open({ shards: urls(), database, ...options })
    databases.set(store, database)
    return store
  },
  disturb: async (store) => {
    await store.close()
    return await open(databases.get(store)!)
  },
  runs: 6,
  isSlow: true,
})

/** Everything a trace could ask of the drawn ledger. */
async function askAll(store: ChainStore, at: Snapshot): Promise<unknown> {
  const ledger = [...drawLedger(600)]
  const addresses = [...new Set(ledger.flatMap(({ outputs }) => outputs.map(({ address }) => address!)))].sort()
  const accounts = addresses.map((address) => ({ asset: 'native', address }))
  return {
    transactions: await store.transactions(
      'bitcoin',
      ledger.map(({ id }) => id),
      at,
    ),
    spenders: await store.spendersOf(
      'bitcoin',
      ledger.map(({ id }) => ({ transaction: id, output: 0 })),
      at,
    ),
    entries: await store.entriesOf('bitcoin', accounts, 5, at),
    paid: await store.outputsOf('bitcoin', addresses.slice(0, 20), { from: undefined, until: undefined }, at),
    balances: await store.balanceBefore(
      'bitcoin',
      accounts.map((each) => ({ ...each, before: ledger[400] })),
      at,
    ),
  }
}

describe('clickhouse, two shards: trouble', () => {
  it('spreads the ledger over both servers and answers as memory does', async () => {
    const [store, memory] = [await open('spread'), new MemoryStore()]
    await store.load(batchesOf(drawLedger(600), 100))
    await memory.load(batchesOf(drawLedger(600), 100))
    const at = (await store.snapshot('bitcoin')) as Snapshot
    expect(at).toEqual(await memory.snapshot('bitcoin'))
    expect(await askAll(store, at)).toEqual(await askAll(memory, at))
    for (const table of ['rows', 'entries', 'spenders']) {
      for (const url of urls()) {
        const answer = await fetch(`${url}/?query=${encodeURIComponent(`SELECT count() FROM spread.${table}`)}`)
        expect(Number(await answer.text())).toBeGreaterThan(100)
      }
    }
    await store.close()
  })

  it('names a shard that was killed, never answers short, and goes on when it is back', async () => {
    const store = await open('killed')
    await store.load(batchesOf(drawLedger(600), 100))
    const at = (await store.snapshot('bitcoin')) as Snapshot
    const answers = await askAll(store, at)
    for (const [number, server] of servers.entries()) {
      let faults = 0
      let isOver = false
      // Questions go on while the server dies: each is answered in full or is a fault.
      const asking = (async () => {
        while (!isOver) {
          try {
            expect(await askAll(store, at)).toEqual(answers)
          } catch (error) {
            expect(error).toMatchObject({
              code: 'STORE_UNAVAILABLE',
              detail: expect.stringContaining(`shard ${number + 1} of 2`),
            })
            faults++
          }
        }
      })()
      await new Promise((wait) => setTimeout(wait, 200))
      await server.kill()
      await new Promise((wait) => setTimeout(wait, 300))
      isOver = true
      await asking
      expect(faults).toBeGreaterThan(0)
      await expect(store.append({ transactions: [...drawLedger(700)].slice(600) })).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
      })
      await expect(ClickhouseStore.open({ shards: urls(), database: 'killed' })).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
      })
      await server.restart()
      expect(await askAll(store, at)).toEqual(answers)
    }
    await store.close()
  })

  it('keeps an append whole or not at all when a server dies in the middle of it', async () => {
    const ledger = [...drawLedger(600)]
    const writer = await open('half', { leaseMs: 4_000 })
    await writer.append({ transactions: ledger.slice(0, 100) })
    const reader = await open('half')
    for (let round = 1; round <= 4; round++) {
      const batch = { transactions: ledger.slice(round * 100, round * 100 + 100) }
      const done = writer.append(batch).then(
        () => true,
        (error) => {
          expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
          return false
        },
      )
      await new Promise((wait) => setTimeout(wait, 10 * round))
      await servers[1].kill()
      const isKept = await done
      await servers[1].restart()
      const at = { chain: 'bitcoin', height: 1000, blockHash: undefined, time: 0, finalityDepth: 0 }
      const found = await reader.transactions(
        'bitcoin',
        batch.transactions.map(({ id }) => id),
        at,
      )
      const count = found.flat().length
      expect([0, 100]).toContain(count)
      if (isKept) expect(count).toBe(100)
      await writer.append(batch)
      await writer.append(batch)
      const again = await reader.transactions(
        'bitcoin',
        ledger.slice(0, round * 100 + 100).map(({ id }) => id),
        at,
      )
      expect(again.flat()).toEqual(ledger.slice(0, round * 100 + 100))
      const [balance] = await reader.balanceBefore(
        'bitcoin',
        [{ asset: 'native', address: 'bc1q0', before: { ...ledger[599], height: 1000 } }],
        at,
      )
      const memory = new MemoryStore()
      await memory.append({ transactions: ledger.slice(0, round * 100 + 100) })
      expect([balance]).toEqual(
        await memory.balanceBefore(
          'bitcoin',
          [{ asset: 'native', address: 'bc1q0', before: { ...ledger[599], height: 1000 } }],
          at,
        ),
      )
    }
    await writer.close()
    await reader.close()
  })

  it('counts nothing of an append that reached some of the tables only', async () => {
    const ledger = [...drawLedger(200)]
    const [store, memory] = [await open('torn'), new MemoryStore()]
    await store.append({ transactions: ledger.slice(0, 100) })
    await memory.append({ transactions: ledger.slice(0, 100) })
    const tell = async (sql: string) => expect((await fetch(urls()[1], { method: 'POST', body: sql })).ok).toBe(true)
    await tell('RENAME TABLE torn.entries TO torn.away')
    await expect(store.append({ transactions: ledger.slice(100) })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await tell('RENAME TABLE torn.away TO torn.entries')
    const answer = await fetch(urls()[0], { method: 'POST', body: 'SELECT count() FROM torn.rows WHERE batch = 2' })
    expect(Number(await answer.text())).toBeGreaterThan(0)
    const at = { chain: 'bitcoin', height: 1000, blockHash: undefined, time: 0, finalityDepth: 0 }
    expect(await askAll(store, at)).toEqual(await askAll(memory, at))
    await store.append({ transactions: ledger.slice(100) })
    await memory.append({ transactions: ledger.slice(100) })
    expect(await askAll(store, at)).toEqual(await askAll(memory, at))
    await store.close()
  })

  it('lets one write at a time, and takes over from a writer that fell silent', async () => {
    const ledger = [...drawLedger(300)]
    const [first, second] = [await open('turns', { leaseMs: 1_500 }), await open('turns', { leaseMs: 1_500 })]
    await first.append({ transactions: ledger.slice(0, 100) })
    await second.append({ transactions: ledger.slice(100, 200) })
    // A batch that was begun and never ended, as a killed writer leaves it.
    const query =
      "INSERT INTO turns.batches (number, state, owner, chain, height) VALUES (3, 'begun', 'somebody', '', 0)"
    await fetch(urls()[0], { method: 'POST', body: query })
    await expect(first.append({ transactions: ledger.slice(200) })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await new Promise((wait) => setTimeout(wait, 1_700))
    await Promise.all([
      first.append({ transactions: ledger.slice(200, 250) }),
      first.append({ transactions: ledger.slice(240) }),
    ])
    const at = (await second.snapshot('bitcoin')) as Snapshot
    const found = await second.transactions(
      'bitcoin',
      ledger.map(({ id }) => id),
      at,
    )
    expect(found.flat()).toEqual(ledger)
    await first.close()
    await second.close()
  })

  it('refuses shards out of their order, another format, and what is no server', async () => {
    await (await open('order')).close()
    await expect(open('order', { shards: urls().reverse() })).rejects.toMatchObject({ code: 'STORE_INVALID' })
    await expect(open('order', { shards: urls().slice(0, 1) })).rejects.toMatchObject({ code: 'STORE_INVALID' })
    await expect(open('order', { shards: [] })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(open('or der')).rejects.toMatchObject({ code: 'USAGE' })
    await expect(open('order', { shards: ['chdb:nowhere'] })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(open('order', { shards: ['nonsense'] })).rejects.toMatchObject({ code: 'USAGE' })
    await fetch(urls()[0], {
      method: 'POST',
      body: "ALTER TABLE order.meta UPDATE value = 'other/9' WHERE name = 'format' SETTINGS mutations_sync = 2",
    })
    await expect(open('order')).rejects.toMatchObject({
      code: 'STORE_INVALID',
      detail: expect.stringContaining('other/9'),
    })
  })

  it('keeps texts that look like SQL as the texts they are', async () => {
    const store = await open('quoting')
    const evil = [
      "'; DROP TABLE quoting.rows; --",
      "\\'",
      '\\',
      '{rows}',
      '%s',
      'a\nb\tc',
      '\u0000',
      '"',
      '`',
      '$1 {x:String}',
      '',
    ]
    const rows = evil.map((id, index) => ({
      ...[...drawLedger(1)][0],
      id,
      index,
      outputs: [{ address: id, amount: 1n }],
    }))
    await store.append({ transactions: rows })
    const at = (await store.snapshot('bitcoin')) as Snapshot
    expect(await store.transactions('bitcoin', evil, at)).toEqual(rows.map((row) => [row]))
    const pages = await store.entriesOf(
      'bitcoin',
      rows.map((row) => ({ asset: 'native', address: row.id, from: row })),
      5,
      at,
    )
    expect(pages.map(({ transactions }) => transactions)).toEqual(rows.map((row) => [row]))
    await store.close()
  })
})

describe('clickhouse inside this process, by chdb', () => {
  it('answers as memory does', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'proceeds-chdb-'))
    const { createChdbConnection } = createRequire(join(ENGINE, 'package.json'))('chdb/connection')
    const client = createClient({ connection: createChdbConnection({ path: folder }) } as object)
    const store = await ClickhouseStore.open({ shards: [client] })
    const memory = new MemoryStore()
    await store.load(batchesOf(drawLedger(600), 100))
    await memory.load(batchesOf(drawLedger(600), 100))
    const at = (await store.snapshot('bitcoin')) as Snapshot
    expect(await askAll(store, at)).toEqual(await askAll(memory, at))
    const wrong = { ...[...drawLedger(1)][0], time: 5 }
    await expect(store.append({ transactions: [wrong] })).rejects.toMatchObject({ code: 'LEDGER_CONTRADICTS' })
    await store.rollback('bitcoin', 20)
    await memory.rollback('bitcoin', 20)
    const lower = (await memory.snapshot('bitcoin')) as Snapshot
    expect(await store.snapshot('bitcoin')).toEqual(lower)
    expect(await askAll(store, lower)).toEqual(await askAll(memory, lower))
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })
})
