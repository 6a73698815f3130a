import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeEditions } from '../../../../src/report/editions/make.ts'
import { checkEditions } from '../../../../src/report/editions/seal.ts'
import { drawnCase, drawnFacts } from '../../../support/editions.ts'

const GOLDEN = new URL('../../../fixtures/report/drawn/', import.meta.url)
/** Kept whole; of every other file the manifest keeps the hash. */
const KEPT = [
  'manifest.json',
  'report-ko.pdf',
  'packet-exchange-24-tron-ko.txt',
  'packet-exchange-24-tron-en.txt',
  'packet-exchange-24-tron.csv',
  'packet-tether-usdt-tron-en.pdf',
  'packet-tether-usdt-tron-en.txt',
  'stix.json',
  'case.jsonld',
]

let home: string
let out: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'golden-'))
  out = join(home, 'editions')
  const { directory } = await drawnFacts()
  const caseText = JSON.stringify(drawnCase())
  await makeEditions({
    directory,
    out,
    languages: ['ko', 'en'],
    editions: ['full', 'packets'],
    caseValue: drawnCase(),
    caseText,
    final: false,
  })
}, 120_000)
afterAll(() => rm(home, { recursive: true, force: true }))

describe('the editions of the drawn bundle', () => {
  it('are the same bytes as ever, PDFs and workbooks included', async () => {
    if (process.env.GOLDEN === 'write') {
      await mkdir(GOLDEN, { recursive: true })
      for (const name of KEPT) await writeFile(new URL(name, GOLDEN), await readFile(join(out, name)))
    }
    const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'))
    expect(manifest).toEqual(JSON.parse(await readFile(new URL('manifest.json', GOLDEN), 'utf8')))
    for (const name of KEPT) {
      expect((await readFile(join(out, name))).equals(await readFile(new URL(name, GOLDEN))), name).toBe(true)
    }
  })

  it('name the file in which one byte was changed', async () => {
    expect(await checkEditions(out)).toEqual([])
    const { files } = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')) as { files: { name: string }[] }
    expect(files.length).toBeGreaterThan(25)
    for (const { name } of files) {
      const whole = await readFile(join(out, name))
      const changed = Buffer.from(whole)
      changed[changed.length >> 1] ^= 1
      await writeFile(join(out, name), changed)
      expect((await checkEditions(out)).map((finding) => [finding.file, finding.where])).toEqual([[name, 'SHA-256']])
      await writeFile(join(out, name), whole)
    }
    await writeFile(join(out, 'stranger.txt'), 'x')
    expect((await checkEditions(out)).map(({ file }) => file)).toEqual(['stranger.txt'])
    await rm(join(out, 'stranger.txt'))
  })

  it('are refused over a directory that holds something else, and where a check stands in the way of final', async () => {
    const { directory } = await drawnFacts()
    const options = {
      directory,
      languages: ['en'],
      editions: ['packets'],
      caseValue: drawnCase(),
      caseText: null,
    } as const
    await expect(makeEditions({ ...options, out: home, final: false })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' })
    // The drawn bundle bears no signature.
    await expect(makeEditions({ ...options, out: join(home, 'final'), final: true })).rejects.toMatchObject({
      code: 'REPORT_NOT_FINAL',
      detail: expect.stringMatching(/^1 checks stand: B35/),
    })
  })

  it('are not drawn from a bundle that does not add up', async () => {
    const { directory } = await drawnFacts()
    const file = join(directory, 'endpoints.csv')
    await writeFile(file, (await readFile(file, 'utf8')).replace('480', '481'))
    await expect(
      makeEditions({
        directory,
        out: join(home, 'bad'),
        languages: ['en'],
        editions: ['packets'],
        caseValue: {},
        caseText: null,
        final: false,
      }),
    ).rejects.toMatchObject({ code: 'BUNDLE_INVALID' })
  })
})
