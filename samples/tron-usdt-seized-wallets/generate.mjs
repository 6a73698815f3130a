// Writes ledger.ndjson.gz and tags.csv again from source/. Run `npm run build` first; the bytes do not change.
import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync, strToU8 } from 'fflate'
import { makeTronSample } from '../../dist/test/support/tron-sample.js'

const here = (name) => new URL(name, import.meta.url)
const sample = await makeTronSample({
  transfersGz: readFileSync(here('source/trc20_xfers.csv.gz')),
  wallets: readFileSync(here('source/tron_wallets.csv')),
  orders: readFileSync(here('source/aso_inventory.csv')),
})
writeFileSync(here('ledger.ndjson.gz'), gzipSync(strToU8(sample.ledger), { level: 9, mtime: 0 }))
writeFileSync(here('tags.csv'), sample.tags)
console.log({ ...sample.counts, covered: sample.covered.length, uncovered: sample.uncovered })
