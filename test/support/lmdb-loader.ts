// A process of its own that fills a store, for tests that kill it or read beside it: `lmdb-loader.ts MODE DIRECTORY COUNT`.
import { LmdbStore } from '../../src/store/lmdb.ts'
import { batchesOf, drawLedger } from './drawn-ledger.ts'

const [mode, path, count] = process.argv.slice(2)
const store = await LmdbStore.open(path, { recentMax: 2_000, namesMax: 800 })
const batches = batchesOf(drawLedger(Number(count)), 100)
const tell = (kept: number) => process.stdout.write(`kept ${kept}\n`)
process.stdout.write('ready\n')
// Not so fast that nobody could look in between.
async function* slowly() {
  for (const batch of batches) {
    await new Promise((wait) => setTimeout(wait, 15))
    yield batch
  }
}
if (mode === 'load') await store.load(slowly(), tell)
else {
  let kept = 0
  for (const batch of batches) {
    await store.append(batch)
    tell((kept += batch.transactions.length))
  }
}
await store.close()
process.stdout.write('done\n')
