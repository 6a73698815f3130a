/** The shipped samples: each gives its report byte for byte, verifies, replays, and closes under every method as primary. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import type { Report } from '../../src/report/format.ts'
import { proceeds } from '../support/cli.ts'

const scratch = mkdtempSync(join(tmpdir(), 'proceeds-samples-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const SAMPLES = ['tron-usdt-seized-wallets', 'hydra-block-627714']
const sampleFile = (sample: string, file: string) => join('samples', sample, file)

function trace(sample: string, out: string, request = sampleFile(sample, 'request.json'), ledger?: string): string {
  const files = ['--ledger', ledger ?? sampleFile(sample, 'ledger.ndjson.gz'), '--tags', sampleFile(sample, 'tags.csv')]
  const done = proceeds(['trace', request, ...files, '--out', join(scratch, out), '--quiet'])
  expect(done.stderr).toBe('')
  expect(done.status).toBe(0)
  return join(scratch, out)
}

const reportOf = (bundle: string) => JSON.parse(readFileSync(join(bundle, 'report.json'), 'utf8')) as Report

for (const sample of SAMPLES) {
  describe(sample, () => {
    test('gives its report byte for byte (npm run samples writes it anew)', () => {
      const bundle = trace(sample, `${sample}-golden`)
      const golden = readFileSync(sampleFile(sample, 'report.json'))
      expect(readFileSync(join(bundle, 'report.json')).equals(golden)).toBe(true)
    })

    test('verifies and replays', () => {
      const bundle = join(scratch, `${sample}-golden`)
      expect(proceeds(['verify', bundle]).status).toBe(0)
      expect(proceeds(['replay', bundle]).status).toBe(0)
    })

    test('gives the same bytes when its lines and seeds are shuffled', () => {
      const lines = gunzipSync(readFileSync(sampleFile(sample, 'ledger.ndjson.gz')))
        .toString()
        .trimEnd()
        .split('\n')
      const shuffled = join(scratch, `${sample}.ndjson.gz`)
      // Every line twice and back to front: order and duplicates are nothing.
      writeFileSync(shuffled, gzipSync(`${[...lines, ...lines].reverse().join('\n')}\n`))
      const request = JSON.parse(readFileSync(sampleFile(sample, 'request.json'), 'utf8')) as { seeds: unknown[] }
      const turned = join(scratch, `${sample}-turned.json`)
      writeFileSync(turned, JSON.stringify({ ...request, seeds: request.seeds.toReversed() }))
      const bundle = trace(sample, `${sample}-shuffled`, turned, shuffled)
      const golden = readFileSync(sampleFile(sample, 'report.json'))
      expect(readFileSync(join(bundle, 'report.json')).equals(golden)).toBe(true)
    })

    const methods =
      sample === 'hydra-block-627714'
        ? ['fifo', 'lifo', 'proRata', 'tiho']
        : ['fifo', 'lifo', 'proRata', 'ownFirst', 'proceedsFirst']
    test.each(methods)('closes with %s as its primary method', (primary) => {
      const request = JSON.parse(readFileSync(sampleFile(sample, 'request.json'), 'utf8')) as object
      const file = join(scratch, `${sample}-${primary}.json`)
      const compare = methods.filter((method) => method !== primary)
      writeFileSync(file, JSON.stringify({ ...request, method: { primary, reason: 'the test' }, compare }))
      const bundle = trace(sample, `${sample}-${primary}`, file)
      const report = reportOf(bundle)
      expect(report.conservation.length).toBe(methods.length * new Set(report.seeds.map((seed) => seed.id)).size)
      for (const { seeded, sinks, balanced } of report.conservation) {
        const { horizon, ...rest } = sinks
        const total = [...Object.values(rest), ...Object.values(horizon)].reduce(
          (sum, amount) => sum + BigInt(amount),
          0n,
        )
        expect(total.toString()).toBe(seeded)
        expect(balanced).toBe(true)
      }
      expect(proceeds(['verify', bundle]).status).toBe(0)
      expect(proceeds(['replay', bundle]).status).toBe(0)
    })
  })
}

test('a truncated gzip is a named fault, and nothing is written', () => {
  const cut = join(scratch, 'cut.ndjson.gz')
  copyFileSync(sampleFile('hydra-block-627714', 'ledger.ndjson.gz'), cut)
  writeFileSync(cut, readFileSync(cut).subarray(0, 20_000))
  const request = sampleFile('hydra-block-627714', 'request.json')
  const done = proceeds(['trace', request, '--ledger', cut, '--out', join(scratch, 'never')])
  expect(done.status).toBe(1)
  expect(done.stderr).toContain('FILE_TRUNCATED')
  expect(() => readFileSync(join(scratch, 'never', 'report.json'))).toThrow()
})
