import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { UtxoTransaction } from '../../graph/index.ts'
import type { ChainStore, Snapshot } from '../../src/store/chain-store.ts'
import { LmdbStore } from '../../src/store/lmdb.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { buildForProcesses } from '../support/build.ts'
import { batchesOf, drawLedger } from '../support/drawn-ledger.ts'

const COUNT = 2_400
const KILLS = 20

let built: string
let folder: string
let reference: string
const ledger = [...drawLedger(COUNT)]

/** Everything a trace could ask, as text. */
async function tellAll(store: ChainStore): Promise<string> {
  const at = (await store.snapshot('bitcoin')) as Snapshot
  const ids = ledger.map(({ id }) => id)
  const addresses = [...new Set(ledger.flatMap(({ outputs }) => outputs.map(({ address }) => address!)))].sort()
  const outputs = ledger.flatMap(({ id, outputs }) => outputs.map((_, output) => ({ transaction: id, output })))
  const accounts = addresses.map((address) => ({ asset: 'native', address }))
  const answers = {
    at,
    facts: await store.facts('bitcoin'),
    transactions: await store.transactions('bitcoin', ids, at),
    spenders: await store.spendersOf('bitcoin', outputs, at),
    entries: await store.entriesOf('bitcoin', accounts, 1_000_000, at),
    paid: await store.outputsOf('bitcoin', addresses, { from: 1_231_206_505, until: undefined }, at),
    balances: await store.balanceBefore(
      'bitcoin',
      accounts.map((each) => ({ ...each, before: ledger[COUNT / 2] })),
      at,
    ),
    hashes: await store.blockHashes('bitcoin', [0, 7, 100, 119, 120]),
  }
  return JSON.stringify(answers, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
}

interface Loader {
  readonly process: ChildProcess
  readonly ready: Promise<void>
  readonly ended: Promise<string>
}

function startLoader(mode: string, path: string): Loader {
  const child = spawn(process.execPath, [join(built, 'test/support/lmdb-loader.js'), mode, path, String(COUNT)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  let isReady = () => {}
  const ready = new Promise<void>((resolve) => (isReady = resolve))
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString()
    if (said.includes('ready\n')) isReady()
  })
  return { process: child, ready, ended: new Promise((resolve) => child.on('close', () => resolve(said))) }
}

function keptOf(said: string): number {
  return Number([...said.matchAll(/^kept (\d+)\n/gm)].at(-1)?.[1] ?? 0)
}

describe('the embedded store under kill -9', () => {
  beforeAll(async () => {
    built = buildForProcesses()
    folder = mkdtempSync(join(tmpdir(), 'proceeds-crash-'))
    const memory = new MemoryStore()
    await memory.load(batchesOf(ledger, 1000))
    reference = await tellAll(memory)
  })
  afterAll(() => {
    rmSync(built, { recursive: true, force: true })
    rmSync(folder, { recursive: true, force: true })
  })

  it.each(['append', 'load'])('loses nothing it acknowledged and takes the same import again: %s', async (mode) => {
    const whole = startLoader(mode, join(folder, `${mode}-whole`))
    await whole.ready
    const begun = performance.now()
    expect(keptOf(await whole.ended)).toBe(COUNT)
    const durationMs = performance.now() - begun
    const store = await LmdbStore.open(join(folder, `${mode}-whole`))
    expect(await tellAll(store)).toBe(reference)
    await store.close()

    let cutShort = 0
    for (let kill = 0; kill < KILLS / 2; kill++) {
      const path = join(folder, `${mode}-${kill}`)
      const loader = startLoader(mode, path)
      await loader.ready
      await new Promise((resolve) => setTimeout(resolve, (durationMs * (kill + 0.5)) / (KILLS / 2)))
      loader.process.kill('SIGKILL')
      const said = await loader.ended
      const kept = keptOf(said)
      if (!said.includes('done')) cutShort++

      const again = await LmdbStore.open(path)
      const at = { chain: 'bitcoin', height: COUNT, blockHash: undefined, time: 0, finalityDepth: 0 }
      const found = await again.transactions(
        'bitcoin',
        ledger.map(({ id }) => id),
        at,
      )
      const held: UtxoTransaction[] = found.flatMap((rows) => rows as readonly UtxoTransaction[])
      expect(held.length).toBeGreaterThanOrEqual(kept)
      // Whole batches, the first ones, and nothing else.
      expect(held.length % 100).toBe(0)
      expect(held).toEqual(ledger.slice(0, held.length))
      if (kill % 2 === 0) await again.load(batchesOf(ledger, 100))
      else for (const batch of batchesOf(ledger, 100)) await again.append(batch)
      expect(await tellAll(again)).toBe(reference)
      await again.compact()
      expect(await tellAll(again)).toBe(reference)
      await again.close()
      expect(readdirSync(path).filter((name) => name.startsWith('spill'))).toEqual([])
    }
    expect(cutShort).toBeGreaterThan(KILLS / 4)
  })

  it.each(['append', 'load'])('is read by this process while another writes: %s', async (mode) => {
    const path = join(folder, `read-${mode}`)
    const loader = startLoader(mode, path)
    await loader.ready
    const store = await LmdbStore.open(path, { readOnly: true })
    let ended = false
    void loader.ended.then(() => (ended = true))
    const heights: number[] = []
    while (!ended) {
      const at = await store.snapshot('bitcoin')
      if (at !== undefined) {
        heights.push(at.height!)
        const asked = ledger.filter((each) => each.height! <= at.height!)
        const found = await store.transactions(
          'bitcoin',
          asked.map(({ id }) => id),
          at,
        )
        // Twenty to a block, and a batch ends with its block: what a snapshot shows is whole.
        expect(found.map(([row]) => row)).toEqual(asked)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(heights).toEqual([...heights].sort((a, b) => a - b))
    expect(new Set(heights).size).toBeGreaterThan(1)
    expect(await tellAll(store)).toBe(reference)
    await store.close()
  })

  it('refuses a second writer while a load goes on', async () => {
    const path = join(folder, 'two-writers')
    const store = await LmdbStore.open(path)
    const slow = async function* () {
      yield* batchesOf(ledger.slice(0, 200), 100)
      await expect(store.append({ transactions: [ledger[300]] })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      await expect(store.rollback('bitcoin', 1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      const other = startLoader('append', path)
      expect(keptOf(await other.ended)).toBe(0)
    }
    await store.load(slow())
    expect((await store.snapshot('bitcoin'))?.height).toBe(9)
    await store.close()
  })
})
