import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { main } from '../../../src/cli.ts'
import { type CommandIo, runPosts, runTags } from '../../../src/tags/commands.ts'

const TRON = 'TWd7KM71dbERdzyRwcowHEDwjmPYPcwTvn'

let folder: string
let clock = Date.UTC(2026, 0, 1)
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'proceeds-tags-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

async function run(command: typeof runTags, ...args: string[]) {
  let out = ''
  let err = ''
  const io: CommandIo = {
    out: (text) => (out += text),
    err: (text) => (err += text),
    now: () => new Date((clock += 60_000)),
  }
  const status = await command(args, io)
  return { status, out, err }
}

describe('proceeds tags and posts', () => {
  test('import, list, retract, list as of a day, export, import again', async () => {
    const store = join(folder, 'store')
    const file = put(
      'a.csv',
      `chain,address,label,category,source\ntron,${TRON},Somebody,exchange,me\ntron,${TRON},Other,mixer,you\ntron,Twrong,X,exchange,me\n`,
    )
    const first = await run(runTags, 'import', file, '--store', store)
    expect(first.out).toMatch(/1 {2}exchange\n +1 {2}mixer\n/)
    expect(first.out).toMatch(/2 claims from 1 files: 2 recorded, 0 stood already; 1 lines rejected/)
    expect(first.err).toMatch(/a\.csv line 4: address:/)
    expect((await run(runTags, 'import', file, '--store', store)).out).toMatch(/0 recorded, 2 stood already/)

    const before = new Date(clock).toISOString().replace('.000', '')
    const listed = await run(runTags, 'list', TRON, '--store', store)
    expect(listed.out).toMatch(/Somebody \[exchange\]/)
    expect(listed.out).toMatch(/conflict {2}sink/)
    const [id] = /[0-9a-f]{64}/.exec(listed.out) as RegExpExecArray
    await run(runTags, 'retract', id, '--store', store, '--reason', 'wrong', '--by', 'Kim')
    expect((await run(runTags, 'list', TRON, '--store', store)).out.match(/^claim/gm)).toHaveLength(1)
    expect((await run(runTags, 'list', TRON, '--store', store, '--as-of', before)).out.match(/^claim/gm)).toHaveLength(
      2,
    )
    const nothing = await run(runTags, 'list', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', '--store', store)
    expect(nothing.out).toMatch(/not that it is clean/)

    for (const format of ['csv', 'tagpack']) {
      const out = join(folder, format === 'csv' ? 'out.csv' : 'out.yaml')
      await run(runTags, 'export', '--store', store, '--format', format, '--out', out)
      const again = await run(runTags, 'import', out, '--store', store)
      expect(again.out).toMatch(/1 claims from 1 files: 0 recorded, 1 stood already/)
    }
  })

  test('what was taken back stays so when its list is imported again', async () => {
    const store = join(folder, 'withdrawn')
    const file = put('w.csv', `chain,address,label,category,source\ntron,${TRON},Somebody,exchange,me\n`)
    await run(runTags, 'import', file, '--store', store)
    const [id] = /[0-9a-f]{64}/.exec((await run(runTags, 'list', TRON, '--store', store)).out) as RegExpExecArray
    await run(runTags, 'retract', id, '--store', store, '--reason', 'wrong', '--by', 'Kim')
    expect((await run(runTags, 'import', file, '--store', store)).out).toMatch(
      /0 recorded[\s\S]*1 were taken back before and stay so/,
    )
    expect((await run(runTags, 'list', TRON, '--store', store)).out).toMatch(/No claim/)
    expect((await run(runTags, 'import', file, '--store', store, '--revive')).out).toMatch(/1 recorded/)
  })

  test('a trace takes a store’s claims as it takes a tag file’s, and says which state of the store it was', async () => {
    const store = join(folder, 'traced')
    const [vendor, exchange] = [TRON, 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t']
    const transfer = { index: 0, asset: 'native', from: vendor, to: exchange, amount: '7' }
    const line = { chain: 'tron', id: 'aa', height: 5, index: 0, time: '2022-01-01T00:00:00Z', status: 'success' }
    const funded = { ...line, id: 'bb', height: 4, transfers: [{ ...transfer, from: exchange, to: vendor }] }
    const ledger = put('l.ndjson', `${JSON.stringify(funded)}\n${JSON.stringify({ ...line, transfers: [transfer] })}\n`)
    const request = put(
      'r.json',
      JSON.stringify({
        method: { primary: 'fifo', reason: 'because' },
        seeds: [{ id: 's', chain: 'tron', transaction: 'bb', transfer: 0, reason: 'sale' }],
      }),
    )
    const tags = put('t.csv', `chain,address,label,category,source\ntron,${exchange},Some,exchange,me\n`)
    await run(runTags, 'import', tags, '--store', store)
    const quiet = { out: () => {}, err: () => {} }
    const read = (out: string, name: string) => JSON.parse(readFileSync(join(folder, out, name), 'utf8'))
    for (const [out, ...more] of [
      ['with-file', '--tags', tags],
      ['with-store', '--store', store],
      ['with-none', '--store', join(folder, 'nowhere')],
    ]) {
      const args = ['trace', request, '--ledger', ledger, '--out', join(folder, out), '--quiet', ...more]
      expect(await main(args, quiet)).toBe(0)
    }
    expect(read('with-file', 'report.json').endpoints).toHaveLength(1)
    expect(read('with-store', 'report.json')).toEqual(read('with-file', 'report.json'))
    expect(read('with-none', 'report.json').endpoints).toHaveLength(0)
    expect(read('with-store', 'run.json').claims).toMatchObject({
      records: 1,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(read('with-none', 'run.json').claims.records).toBe(0)
  })

  test('scan, decide, accept', async () => {
    const store = join(folder, 'posts-store')
    const posts = put('posts.jsonl', JSON.stringify({ channel: 'x', text: `아이스 판매 던지기 코인 결제 1g ${TRON}` }))
    const table = join(folder, 'proposals.csv')
    const scanned = await run(
      runPosts,
      'scan',
      posts,
      '--out',
      table,
      '--suspicions',
      join(folder, 's.csv'),
      '--store',
      store,
    )
    expect(scanned.out).toMatch(/1 files .* 1 posts/)
    expect(scanned.out).toMatch(/Nothing is a tag yet/)
    const undecided = await run(runPosts, 'accept', table, '--store', store, '--by', 'Kim')
    expect(undecided.out).toMatch(/^0 claims recorded.*1 undecided/)
    writeFileSync(table, readFileSync(table, 'utf8').replace('\n,', '\naccept,'))
    const exchange = put('e.csv', `chain,address,label,category,source\ntron,${TRON},Some hot,exchange,list\n`)
    const other = join(folder, 'other-store')
    await run(runTags, 'import', exchange, '--store', other)
    const warned = await run(runPosts, 'accept', table, '--store', other, '--by', 'Kim')
    expect(warned.err).toMatch(/warning .*list says Some hot \[exchange\]; both claims stand/)
    expect((await run(runPosts, 'accept', table, '--store', store, '--by', 'Kim')).out).toMatch(/^1 claims recorded/)
    const listed = await run(runTags, 'list', TRON, '--store', store)
    expect(listed.out).toMatch(/drug_sale\/dead_drop_channel/)
    expect(listed.out).toMatch(/accepted by Kim/)
    expect(listed.out).toMatch(/capture {3}file:posts\.jsonl#1 at .*SHA-256 [0-9a-f]{64}/)
  })

  test.each([
    [['tags']],
    [['tags', 'burn']],
    [['tags', 'import']],
    [['tags', 'import', 'x.csv']],
    [['tags', 'export', '--store', 'x', '--format', 'pdf']],
    [['tags', 'list', TRON]],
    [['tags', 'retract', 'x', '--store', 'y']],
    [['posts', 'scan']],
    [['posts', 'scan', 'x']],
    [['posts', 'scan', 'x', '--out', 'y', '--field', 'mood=text']],
    [['posts', 'accept', 'x', '--store', 'y']],
    [['posts', 'accept', 'x', '--store', 'y', '--by', ' ']],
    [['posts', 'accept', 'x', '--wat']],
  ])('%j is wrong usage', async (args) => {
    let err = ''
    expect(await main(args, { out: () => {}, err: (text) => (err += text) })).toBe(2)
    expect(err).toMatch(/Usage: proceeds (tags|posts)/)
  })
})
