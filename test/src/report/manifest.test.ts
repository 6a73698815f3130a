import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/faults.ts'
import { BUNDLE_FILES } from '../../../src/report/format.ts'
import {
  checkManifest,
  isBundleName,
  printable,
  readBundleFile,
  readManifest,
  writeManifest,
} from '../../../src/report/manifest.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'manifest-'))
  for (const name of BUNDLE_FILES) await writeFile(join(directory, name), `content of ${name}`)
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const faultOf = async (attempt: Promise<unknown>): Promise<Fault> => {
  try {
    await attempt
  } catch (failure) {
    if (failure instanceof Fault) return failure
    throw failure
  }
  throw new Error('no fault')
}

describe('the manifest', () => {
  it('says what the bundle holds, and finds nothing wrong with it', async () => {
    await writeFile(join(directory, 'report.pdf'), 'pdf')
    const written = await writeManifest(directory)
    expect(written.files.map(({ name }) => name)).toEqual([...BUNDLE_FILES, 'report.pdf'].sort())
    expect(await readManifest(directory)).toEqual(written)
    expect(await checkManifest(directory, written)).toEqual([])
    expect(await readdir(directory)).not.toContain('.manifest.json.part')
  })

  it('finds each thing that changed, not only the first', async () => {
    const manifest = await writeManifest(directory)
    await writeFile(join(directory, 'tags.csv'), 'content of tags.cs_')
    await writeFile(join(directory, 'flow.svg'), 'longer than it was before')
    await rm(join(directory, 'run.json'))
    await writeFile(join(directory, 'more.txt'), 'x')
    await mkdir(join(directory, 'packet-a.pdf'))
    const findings = await checkManifest(directory, manifest)
    expect(findings.map(({ file, where }) => [file, where])).toEqual([
      ['more.txt', ''],
      ['packet-a.pdf', ''],
      ['flow.svg', 'size'],
      ['flow.svg', 'SHA-256'],
      ['run.json', ''],
      ['tags.csv', 'SHA-256'],
    ])
  })

  it('follows no link out of the bundle', async () => {
    const manifest = await writeManifest(directory)
    const outside = await mkdtemp(join(tmpdir(), 'outside-'))
    await writeFile(join(outside, 'secret'), await readFile(join(directory, 'tags.csv')))
    await rm(join(directory, 'tags.csv'))
    await symlink(join(outside, 'secret'), join(directory, 'tags.csv'))
    expect(await checkManifest(directory, manifest)).toMatchObject([
      { file: 'tags.csv', found: expect.stringMatching(/link/) },
    ])
    expect((await faultOf(readBundleFile(directory, 'tags.csv').next())).code).toBe('FILE_UNREADABLE')
    await rm(outside, { recursive: true })
  })

  it.each([
    '../evil',
    'a/b',
    'a\\b',
    '.',
    '',
    'REPORT.JSON',
    'packet-.pdf',
    'packet-../x.pdf',
    'report.json\0',
    'manifest.json',
  ])('has no room for the name %j', (name) => expect(isBundleName(name)).toBe(false))

  it.each([
    ['no JSON', '{', /not JSON/],
    ['white space', '{"files":[], "schema":"proceeds-manifest/1"}', /canonical/],
    ['another schema', '{"files":[],"schema":"x"}', /\/schema/],
    ['another member', '{"also":1,"files":[],"schema":"proceeds-manifest/1"}', /also/],
    ['no list', '{"files":{},"schema":"proceeds-manifest/1"}', /\/files/],
    [
      'a path',
      `{"files":[{"bytes":1,"name":"../x","sha256":"${'0'.repeat(64)}"}],"schema":"proceeds-manifest/1"}`,
      /\/files\/0\/name/,
    ],
    ['half a hash', '{"files":[{"bytes":1,"name":"run.json","sha256":"00"}],"schema":"proceeds-manifest/1"}', /sha256/],
    [
      'a negative size',
      `{"files":[{"bytes":-1,"name":"run.json","sha256":"${'0'.repeat(64)}"}],"schema":"proceeds-manifest/1"}`,
      /bytes/,
    ],
    ['an entry of another type', '{"files":[null],"schema":"proceeds-manifest/1"}', /\/files\/0/],
    ['null', 'null', /no object/],
  ])('refuses a manifest with %s', async (_, text, problem) => {
    await writeFile(join(directory, 'manifest.json'), text)
    const fault = await faultOf(readManifest(directory))
    expect(fault.code).toBe('BUNDLE_INVALID')
    expect(fault.detail).toMatch(problem)
  })

  it('refuses a name twice', async () => {
    const entry = `{"bytes":1,"name":"run.json","sha256":"${'0'.repeat(64)}"}`
    await writeFile(join(directory, 'manifest.json'), `{"files":[${entry},${entry}],"schema":"proceeds-manifest/1"}`)
    expect((await faultOf(readManifest(directory))).detail).toMatch(/\/files\/1\/name/)
  })

  it('refuses to be larger than any manifest is', async () => {
    await writeFile(join(directory, 'manifest.json'), ' '.repeat((1 << 20) + 1))
    expect((await faultOf(readManifest(directory))).code).toBe('LIMIT_EXCEEDED')
  })

  it('is not written for a bundle that lacks a file or holds a strange one', async () => {
    await writeFile(join(directory, 'notes.txt'), '')
    expect((await faultOf(writeManifest(directory))).detail).toContain('notes.txt')
    await rm(join(directory, 'notes.txt'))
    await rm(join(directory, 'flow.svg'))
    expect((await faultOf(writeManifest(directory))).detail).toContain('flow.svg')
  })

  it('prints names from strangers without their control characters', () => {
    expect(printable('a\u001b[31m\u202eb')).toBe('a\\u001b[31m\\u202eb')
    expect(printable('x'.repeat(300))).toBe(`${'x'.repeat(200)}… (300 characters)`)
    expect(printable({ a: 1 })).toBe('an object')
  })
})
