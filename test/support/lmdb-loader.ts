// A process of its own that fills a store, for tests that kill it or read beside it: `lmdb-loader.ts MODE DIRECTORY COUNT`.
import { LmdbStore } from '../../src/store/lmdb.ts'
import { batchesOf, drawLedger } from './drawn-ledger.ts'

const [mode, path, count] = process.argv.slice(2)
const store = await LmdbStore.open(path, { recentMax: 2_000, namesMax: 1_500 })
const batches = batchesOf(drawLedger(Number(count)), 100)
const tell = (kept: number) => process.stdout.write(`kept ${kept}\n`)
process.stdout.write('ready\n')
if (mode === 'load') await store.load(batches, tell)
else {
  let kept = 0
  for (const batch of batches) {
    await store.append(batch)
    tell((kept += batch.transactions.length))
  }
}
await store.close()
process.stdout.write('done\n')
