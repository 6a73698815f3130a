/** `npm run bench [name…]`: measures, prints ratios, and writes bench-results.json. Asserts nothing about times. */
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { engine } from '../../src/engine.ts'

type Bench = () => Promise<Record<string, unknown>>

const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  kernel: async () => (await import('./kernel.ts')).benchKernel,
  rawBlock: async () => (await import('./raw-block.ts')).benchRawBlock,
  bounds: async () => (await import('./bounds.ts')).benchBounds,
  clusters: async () => (await import('./clusters.ts')).benchClusters,
  search: async () => (await import('./search.ts')).benchSearch,
  store: async () => (await import('./store.ts')).benchStore,
  dump: async () => (await import('./dump.ts')).benchDump,
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(BENCHES, name))
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}.`)
  process.exit(2)
}
const results: Record<string, unknown> = {}
for (const [name, load] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const start = performance.now()
  const result = await (await load())()
  results[name] = { ...result, seconds: Math.round((performance.now() - start) / 100) / 10 }
  console.log(`${name}\n${JSON.stringify(results[name], null, 2)}\n`)
}
const machine = {
  node: process.version,
  cores: cpus().length,
  gib: Math.round(totalmem() / 2 ** 30),
  cpu: cpus()[0]?.model,
}
const file = 'bench/bench-results.json'
if (wanted.length === 0) {
  writeFileSync(
    file,
    `${JSON.stringify({ measured: new Date().toISOString(), machine, engine: engine().sourceDigest, results }, null, 2)}\n`,
  )
  console.log(`written to ${file}`)
}
