import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeEditions } from '../../src/report/editions/make.ts'
import { runTrace } from '../../src/work/run.ts'

const SAMPLE = new URL('../../samples/tron-usdt-seized-wallets/', import.meta.url).pathname
const GOLDEN = new URL('../fixtures/report/tron-usdt-seized-wallets/', import.meta.url)
/** What does not change with the engine: a packet's text names the hash of the report, which names the engine. */
const KEPT = [
  'packet-binance-tron.csv',
  'packet-okex-tron.csv',
  'packet-tether-usdt-tron.csv',
  'packet-tether-usdt-tron-ko.txt',
  'packet-tether-usdt-tron-en.txt',
  'conservation.csv',
]

const steady = (text: string): string =>
  text.replace(/[0-9a-f]{64}(?=\n)/g, (hash, at: number) =>
    text.slice(0, at).endsWith('SHA-256): ') ? '(hash)' : hash,
  )

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sample-'))
  await runTrace({
    request: JSON.parse(await readFile(join(SAMPLE, 'request.json'), 'utf8')),
    ledgers: [join(SAMPLE, 'ledger.ndjson.gz')],
    tags: [join(SAMPLE, 'tags.csv')],
    out: join(home, 'bundle'),
    run: { by: null, startedAt: '2026-01-01T00:00:00Z', host: null },
  })
  const caseText = await readFile(join(SAMPLE, 'case.json'), 'utf8')
  await makeEditions({
    directory: join(home, 'bundle'),
    out: join(home, 'editions'),
    languages: ['ko', 'en'],
    editions: ['full', 'packets'],
    caseValue: JSON.parse(caseText),
    caseText,
    final: false,
  })
})
afterAll(() => rm(home, { recursive: true, force: true }))

describe('the sample’s packets', () => {
  it.each(KEPT)('%s is as it was', async (name) => {
    const text = steady(await readFile(join(home, 'editions', name), 'utf8'))
    if (process.env.GOLDEN === 'write') await (await import('node:fs/promises')).writeFile(new URL(name, GOLDEN), text)
    expect(text).toBe(await readFile(new URL(name, GOLDEN), 'utf8'))
  })
})
