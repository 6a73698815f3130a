import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ChainStore, Place, Snapshot } from '../../src/store/chain-store.ts'
import { LmdbStore } from '../../src/store/lmdb.ts'
import { touchesOf } from '../../src/store/rules.ts'
import { batchesOf, drawLedger, idOf, lots } from '../support/drawn-ledger.ts'

/**
 * The embedded store on a drawn Bitcoin-like ledger: bulk load in rows a second, bytes an entry by table, look-ups in
 * milliseconds (p50 and p99 over 1,000 random addresses; the ten busiest whole), a frontier of 1,000 addresses in one call.
 * About a minute for the default size.
 */
export async function benchStore(options: { readonly transactions?: number } = {}): Promise<Record<string, unknown>> {
  const count = options.transactions ?? 1_000_000
  const folder = mkdtempSync(join(tmpdir(), 'proceeds-bench-store-'))
  try {
    const tally = { entries: 0, inputs: 0, outputs: 0, busy: new Map<string, number>(), generateMs: 0 }
    const store = await LmdbStore.open(folder)
    let rssPeak = 0
    const timer = setInterval(() => (rssPeak = Math.max(rssPeak, process.memoryUsage().rss)), 200)
    const begun = performance.now()
    await store.load(counted(batchesOf(drawLedger(count), 5_000), tally))
    const loadMs = performance.now() - begun
    clearInterval(timer)
    const bytes = statSync(join(folder, 'data.mdb')).size
    const at = (await store.snapshot('bitcoin')) as Snapshot
    const found = await lookUp(store, at, count, tally.busy)
    const tables = Object.entries(store.sizes()).map(([name, size]) => [
      name,
      { ...size, bytesEach: round(size.bytes / Math.max(size.values, 1)) },
    ])
    const { history, recent } = store.sizes()
    await store.close()
    return {
      transactions: count,
      entries: tally.entries,
      addresses: tally.busy.size,
      load: {
        seconds: round(loadMs / 1000),
        transactionsPerSecond: Math.round((count / loadMs) * 1000),
        entriesPerSecond: Math.round((tally.entries / loadMs) * 1000),
        drawingTheLedgerSeconds: round(tally.generateMs / 1000),
        rssPeakMiB: Math.round(rssPeak / 2 ** 20),
      },
      size: {
        fileMiB: Math.round(bytes / 2 ** 20),
        bytesPerTransaction: round(bytes / count),
        bytesPerEntryAllTold: round(bytes / tally.entries),
        bytesPerEntryHistoryOnly: round((history.bytes + recent.bytes) / tally.entries),
        tables: Object.fromEntries(tables),
      },
      ...found,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

type Tally = { entries: number; inputs: number; outputs: number; busy: Map<string, number>; generateMs: number }

/** Hands batches on, and counts what is in them; the time that drawing them takes is told apart. */
function* counted(batches: ReturnType<typeof batchesOf>, tally: Tally): ReturnType<typeof batchesOf> {
  for (;;) {
    const begun = performance.now()
    const next = batches.next()
    if (next.done) return
    for (const transaction of next.value.transactions) {
      for (const { address } of touchesOf(transaction)) {
        tally.entries++
        tally.busy.set(address, (tally.busy.get(address) ?? 0) + 1)
      }
    }
    tally.generateMs += performance.now() - begun
    yield next.value
  }
}

async function lookUp(store: ChainStore, at: Snapshot, count: number, busy: ReadonlyMap<string, number>) {
  const lot = lots(11)
  const addresses = [...busy.keys()]
  const random = Array.from({ length: 1_000 }, () => addresses[lot(addresses.length)])
  const first: number[] = []
  for (const address of random)
    first.push(await timed(() => store.entriesOf('bitcoin', [{ asset: 'native', address }], 1_000, at)))
  const busiest = [...busy].sort((a, b) => b[1] - a[1]).slice(0, 10)
  const whole: Record<string, unknown>[] = []
  for (const [address, entries] of busiest) {
    let from: Place | undefined
    let read = 0
    const ms = await timed(async () => {
      do {
        const [page]: readonly { transactions: readonly unknown[]; next: Place | undefined }[] = await store.entriesOf(
          'bitcoin',
          [{ asset: 'native', address, from }],
          10_000,
          at,
        )
        read += page.transactions.length
        from = page.next
      } while (from !== undefined)
    })
    if (read !== entries) throw new Error(`${address} has ${entries} entries, ${read} were read`)
    whole.push({ entries, ms: round(ms), entriesPerSecond: Math.round((entries / ms) * 1000) })
  }
  const [last] = await store.transactions('bitcoin', [idOf(count - 1)], at)
  const ids = Array.from({ length: 10_000 }, () => idOf(lot(count)))
  return {
    randomAddress: spread(first),
    busiestAddresses: whole,
    balanceOfTheBusiestMs: round(
      await timed(() =>
        store.balanceBefore('bitcoin', [{ asset: 'native', address: busiest[0][0], before: last[0] }], at),
      ),
    ),
    frontierOf1000AddressesMs: round(
      await timed(() =>
        store.entriesOf(
          'bitcoin',
          [...new Set(random)].map((address) => ({ asset: 'native', address })),
          50,
          at,
        ),
      ),
    ),
    transactionsOf10000IdsMs: round(await timed(() => store.transactions('bitcoin', ids, at))),
    spendersOf10000OutputsMs: round(
      await timed(() =>
        store.spendersOf(
          'bitcoin',
          ids.map((transaction) => ({ transaction, output: 0 })),
          at,
        ),
      ),
    ),
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

function spread(ms: number[]) {
  const sorted = [...ms].sort((a, b) => a - b)
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))])
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

// By itself: `node dist/test/bench/store.js 10000000`.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const asked = process.argv[2]
  console.log(JSON.stringify(await benchStore(asked === undefined ? {} : { transactions: Number(asked) }), null, 2))
}
