import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ZERO_ADDRESSES } from '../../../graph/index.ts'
import { Fault } from '../../../src/faults.ts'
import { assembleReport } from '../../../src/report/assemble.ts'
import { canonicalJson } from '../../../src/report/canonical.ts'
import { BUNDLE_FILES } from '../../../src/report/format.ts'
import { journalRows } from '../../../src/report/journal-file.ts'
import { ledgerLines } from '../../../src/report/ledger-file.ts'
import type { ChainStore, LedgerBatch } from '../../../src/store/chain-store.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import { openStore } from '../../../src/store/open.ts'
import { buildTagBook } from '../../../src/tags/book.ts'
import { tagsToCsv } from '../../../src/tags/csv.ts'
import { collectLedgers } from '../../../src/trace/collect.ts'
import { decodeRequest } from '../../../src/trace/decode-request.ts'
import { followSeeds } from '../../../src/trace/follow.ts'
import { findHands } from '../../../src/trace/hands.ts'
import { type ChainLedger, settleLedger } from '../../../src/trace/ledger.ts'
import { runTrace } from '../../../src/work/run.ts'
import { drawCase, dumpText, type RandomCase } from './random-dump.ts'

const nobody = { sha256: '0'.repeat(64), rows: 0 }

function batchOf({ lines }: RandomCase): LedgerBatch {
  return {
    transactions: lines.flatMap((line) => (line.kind === 'transaction' ? [line.transaction] : [])),
    assets: lines.flatMap((line) => (line.kind === 'asset' ? [line.asset] : [])),
    coverage: lines.flatMap((line) => (line.kind === 'coverage' ? [line.coverage] : [])),
    openings: lines.flatMap((line) => (line.kind === 'opening' ? [line.opening] : [])),
  }
}

/** Everything that a bundle says of a case, or the fault it ends in. */
function tell(drawn: RandomCase, ledgers: Map<string, ChainLedger>): string {
  const request = decodeRequest(drawn.request)
  const book = buildTagBook(drawn.tags)
  const trace = followSeeds(request, ledgers, book, findHands(request, ledgers, book))
  const { report } = assembleReport(trace, { ledger: nobody, tags: nobody, journal: nobody })
  return [
    canonicalJson(report),
    ...ledgerLines(trace),
    ...[...journalRows(trace)].map((row) => canonicalJson(row)),
  ].join('\n')
}

async function orFault(told: () => Promise<string>): Promise<string> {
  try {
    return await told()
  } catch (error) {
    if (error instanceof Fault) return error.code
    throw error
  }
}

const straight = (drawn: RandomCase) => orFault(async () => tell(drawn, await settleLedger(drawn.lines)))

async function gathered(drawn: RandomCase, store: ChainStore, batch = 3): Promise<string> {
  return orFault(async () => {
    const { ledgers } = await collectLedgers(decodeRequest(drawn.request), store, buildTagBook(drawn.tags), { batch })
    return tell(drawn, ledgers)
  })
}

describe('a trace from a store', () => {
  test('says byte for byte what the same trace says from the whole dump', async () => {
    const outcomes = { traced: 0, faults: 0 }
    await fc.assert(
      fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
        const drawn = drawCase(seed)
        if ((drawn.request.seeds as unknown[]).length === 0) return
        const store = new MemoryStore()
        await store.append(batchOf(drawn))
        const expected = await straight(drawn)
        outcomes[expected.includes('\n') ? 'traced' : 'faults']++
        expect(await gathered(drawn, store)).toBe(expected)
      }),
      { numRuns: 150 },
    )
    // The property means something only if most cases come to a report.
    expect(outcomes.traced).toBeGreaterThan(outcomes.faults)
  })

  test('never asks about the zero address, nor one question an address', async () => {
    const store = new MemoryStore()
    const asked: { call: string; count: number; addresses: string[] }[] = []
    const spy = new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          const list = Array.isArray(args[1]) ? (args[1] as unknown[]) : []
          const addresses = list.flatMap((each) =>
            typeof each === 'object' && each !== null && 'address' in each ? [String(each.address)] : [],
          )
          asked.push({ call: String(name), count: list.length, addresses })
          return value.apply(target, args)
        }
      },
    })
    const wide = 3000
    const place = (height: number, index: number) => ({
      height,
      index,
      time: 1_500_000_000 + height,
      blockHash: undefined,
    })
    const account = (height: number, index: number, from: string, to: string, amount: bigint) => ({
      kind: 'account' as const,
      chain: 'drawn-chain',
      id: `${height}-${index}`,
      ...place(height, index),
      status: 'success' as const,
      transfers: [{ index: 0, asset: 'native', from, to, amount }],
      fee: undefined,
    })
    const [zero] = ZERO_ADDRESSES
    const transactions = [
      account(0, 0, 'vendor', 'hub', 1_000_000n),
      ...Array.from({ length: wide }, (_, i) => account(1, i, 'hub', `fan${i}`, 100n)),
      ...Array.from({ length: wide }, (_, i) => account(2, i, `fan${i}`, i % 2 === 0 ? zero : `leaf${i}`, 50n)),
      account(3, 0, 'elsewhere', zero, 5n),
    ]
    await store.append({ transactions })
    const request = decodeRequest({
      case: 'fan',
      method: { primary: 'fifo', reason: 'r' },
      seeds: [{ chain: 'drawn-chain', transaction: '0-0', transfer: 0, reason: 'r' }],
      rules: { depositSweep: false },
    })
    const { ledgers } = await collectLedgers(request, spy, buildTagBook([]))
    expect(ledgers.get('drawn-chain')!.transactions).toHaveLength(transactions.length)
    const entries = asked.filter(({ call }) => call === 'entriesOf')
    expect(entries.length).toBeLessThan(8)
    expect(Math.max(...entries.map(({ count }) => count))).toBeGreaterThanOrEqual(wide)
    expect(entries.flatMap(({ addresses }) => addresses)).not.toContain(zero)
    await expect(collectLedgers(request, store, buildTagBook([]), { transactionsMax: 50 })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    })
  })

  test('reads only what is reached', async () => {
    const store = new MemoryStore()
    const row = (height: number, spends: string | null) => ({
      kind: 'utxo' as const,
      chain: 'bip122:00000000000000000000000000000001',
      id: `t${height}`,
      height,
      index: 0,
      time: 1_500_000_000 + height,
      blockHash: undefined,
      coinbase: spends === null,
      inputs: spends === null ? [] : [{ transaction: spends, output: 0, address: 'x', amount: 5n }],
      outputs: [{ address: 'x', amount: 5n }],
    })
    const chainOf: ReturnType<typeof row>[] = [row(0, null)]
    for (let height = 1; height < 500; height++)
      chainOf.push(row(height, height % 100 === 0 ? null : chainOf[height - 1].id))
    await store.append({ transactions: chainOf })
    const request = decodeRequest({
      case: 'c',
      method: { primary: 'fifo', reason: 'r' },
      seeds: [{ chain: chainOf[0].chain, transaction: chainOf[350].id, output: 0, reason: 'r' }],
      limits: { hops: 20 },
      rules: { depositSweep: false },
    })
    const { ledgers } = await collectLedgers(request, store, buildTagBook([]))
    // The seed, twenty hops, the spend that the limit cuts off, and the ledger's end.
    expect(ledgers.get(chainOf[0].chain)!.transactions).toHaveLength(23)
  })
})

describe('whole bundles through LMDB', () => {
  let home: string
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'collect-'))
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  test('are the same bytes, but for run.json and the seal over it', async () => {
    let compared = 0
    for (let seed = 1; seed <= 24; seed++) {
      const drawn = drawCase(seed)
      if ((drawn.request.seeds as unknown[]).length === 0) continue
      const at = (name: string) => join(home, `${seed}-${name}`)
      await writeFile(at('dump.ndjson'), dumpText(drawn.lines))
      await writeFile(at('tags.csv'), tagsToCsv(drawn.tags))
      const store = await openStore(at('store'))
      // In an order of its own, and in two goes.
      const batch = batchOf(drawn)
      const rows = [...batch.transactions].reverse()
      await store.append({ ...batch, transactions: rows.slice(0, 10) })
      await store.append({ transactions: rows.slice(10) })
      await store.close()
      const run = { by: null, startedAt: '2026-01-01T00:00:00Z', host: null }
      const common = { request: drawn.request, tags: [at('tags.csv')], run }
      const made = async (out: string, from: { ledgers: string[]; store?: string }): Promise<string> =>
        orFault(async () => (await runTrace({ ...common, ...from, out })).reportSha256)
      const one = await made(at('dump'), { ledgers: [at('dump.ndjson')] })
      const two = await made(at('stored'), { ledgers: [], store: at('store') })
      expect(two).toBe(one)
      if (one.length !== 64) continue
      compared++
      for (const file of BUNDLE_FILES) {
        if (file === 'run.json') continue
        expect(await readFile(join(at('stored'), file)), file).toEqual(await readFile(join(at('dump'), file)))
      }
    }
    expect(compared).toBeGreaterThan(10)
  })
})
