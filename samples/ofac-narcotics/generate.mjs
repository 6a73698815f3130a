// Writes tags.csv and tagpack.yaml again from source/. Run `npm run build` first; the bytes do not change.
import { readFileSync, writeFileSync } from 'node:fs'
import { makeOfacSample } from '../../dist/test/support/ofac-sample.js'

const here = (name) => new URL(name, import.meta.url)
const sample = await makeOfacSample(readFileSync(here('source/ofac-narcotics-addresses.csv')))
writeFileSync(here('tags.csv'), sample.csv)
writeFileSync(here('tagpack.yaml'), sample.pack)
const chains = {}
for (const { chain } of sample.tags) chains[chain] = (chains[chain] ?? 0) + 1
console.log({ tags: sample.tags.length, designees: new Set(sample.tags.map((tag) => tag.entity)).size, chains })
console.log(sample.rejected)
