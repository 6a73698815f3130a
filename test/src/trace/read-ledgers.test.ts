import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { BrokenInvariant } from '../../../graph/index.ts'
import { Fault } from '../../../src/faults.ts'
import { assembleReport } from '../../../src/report/assemble.ts'
import { canonicalJson } from '../../../src/report/canonical.ts'
import { certificateRows } from '../../../src/report/certificates.ts'
import { journalRows } from '../../../src/report/journal-file.ts'
import { ledgerLines } from '../../../src/report/ledger-file.ts'
import { buildTagBook } from '../../../src/tags/book.ts'
import { loadTags } from '../../../src/tags/load.ts'
import { decodeRequest } from '../../../src/trace/decode-request.ts'
import { followSeeds } from '../../../src/trace/follow.ts'
import { findHands } from '../../../src/trace/hands.ts'
import { readLedgers } from '../../../src/trace/read-ledgers.ts'
import { coinAddress } from '../../support/random-case.ts'
import { drawSiftCase, type SiftCase } from '../../support/sift-case.ts'

const folder = mkdtempSync(join(tmpdir(), 'proceeds-sift-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let cases = 0
function write(drawn: Pick<SiftCase, 'dumps' | 'tags'>): { files: string[]; tags: string } {
  const here = join(folder, String(cases++))
  mkdirSync(here)
  const files = drawn.dumps.map((lines, i) => {
    const text = lines.length === 0 ? '' : `${lines.join('\n')}\n`
    const file = join(here, `${i}.ndjson`)
    writeFileSync(file, i === 0 ? text : gzipSync(text))
    return file
  })
  const tags = join(here, 'tags.csv')
  writeFileSync(tags, drawn.tags)
  return { files, tags }
}

/** Everything a bundle says, or the fault, from a case sifted or whole; and the transactions held for it. */
async function tell(
  drawn: Pick<SiftCase, 'request'>,
  { files, tags }: { files: readonly string[]; tags: string },
  siftBytesMin: number,
): Promise<{ said: string; held: readonly string[] }> {
  try {
    const request = decodeRequest(drawn.request)
    const book = buildTagBook((await loadTags([tags])).tags)
    const ledgers = await readLedgers({ files, request, book, siftBytesMin, onLines: () => {} })
    const held = [...ledgers.values()].flatMap(({ transactions }) => transactions.map(({ id }) => id))
    try {
      const trace = followSeeds(request, ledgers, book, findHands(request, ledgers, book))
      const file = { sha256: '', rows: 0 }
      const { report, proofs } = assembleReport(trace, { ledger: file, tags: file, journal: file })
      const rows = [report, ...journalRows(trace), ...certificateRows(trace, proofs)].map((row) => canonicalJson(row))
      return { said: [...ledgerLines(trace), ...rows].join('\n'), held }
    } catch (error) {
      if (!(error instanceof Fault || error instanceof BrokenInvariant)) throw error
      return { said: error.message, held }
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { said: error.message, held: [] }
  }
}

const WHOLE = Number.POSITIVE_INFINITY

describe('a ledger sifted before it is settled', () => {
  test('tells the same report, ledger, journal and certificates as the whole', async () => {
    let held = 0
    let whole = 0
    let told = 0
    const count = Number(process.env.SIFT_CASES ?? 40)
    for (let seed = 1; seed <= count; seed++) {
      const drawn = drawSiftCase(seed)
      const files = write(drawn)
      const expected = await tell(drawn, files, WHOLE)
      const sifted = await tell(drawn, files, 0)
      expect(sifted.said, `case ${seed}`).toBe(expected.said)
      const kept = new Set(sifted.held)
      expect(sifted.held, `case ${seed}`).toEqual(expected.held.filter((id) => kept.has(id)))
      held += sifted.held.length
      whole += expected.held.length
      if (expected.said.includes('\n')) told++
    }
    // Most cases are traces, not faults; and a good part of what is given is not held.
    expect(told).toBeGreaterThan(count * 0.6)
    expect(held).toBeLessThan(whole * 0.8)
  }, 600_000)

  const CHAIN = { chain: 'made-up' }
  const pay = (id: string, minute: number, from: string, to: string, more: Record<string, unknown> = {}) =>
    JSON.stringify({
      ...{ ...CHAIN, id, height: minute, time: `2022-01-01T00:${String(minute).padStart(2, '0')}:00Z` },
      ...{ status: 'success', transfers: [{ index: 0, asset: 'native', from, to, amount: '10' }], ...more },
    })
  const request = {
    method: { primary: 'fifo', reason: 'test' },
    seeds: [{ ...CHAIN, transaction: 's', transfer: 0, reason: 'test' }],
  }
  const heldOf = async (lines: readonly string[], tags = '') => {
    const files = write({ dumps: [lines], tags: `chain,address,label,category,source\n${tags}` })
    const book = buildTagBook((await loadTags([files.tags])).tags)
    const reading = { files: files.files, request: decodeRequest(request), book, siftBytesMin: 0, onLines: () => {} }
    const ledger = (await readLedgers(reading)).get('made-up')!
    return { ids: ledger.transactions.map(({ id }) => id), order: ledger.order }
  }

  test('holds what is reached, in the order of the whole, and stops at tags', async () => {
    const lines = [
      pay('other', 1, 'x', 'y'),
      pay('s', 2, 'victim', 'a'),
      pay('onward', 3, 'a', 'shop'),
      pay('inside', 4, 'shop', 'z'),
      pay('before', 1, 'a', 'b'),
      pay('afterwards', 5, 'b', 'c'),
      pay('elsewhere', 6, 'x', 'y'),
      pay('last', 9, 'x', 'y'),
    ]
    const shop = 'made-up,shop,Shop,exchange,list\n'
    expect(await heldOf(lines, shop)).toEqual({ ids: ['before', 's', 'onward', 'last'], order: 'height' })
    expect((await heldOf(lines)).ids).toEqual(['before', 's', 'onward', 'inside', 'last'])
    const timeless = pay('elsewhere', 6, 'x', 'y', { height: undefined })
    expect((await heldOf([...lines.filter((line) => !line.includes('elsewhere')), timeless], shop)).order).toBe('time')
  })

  test('keeps the order of a tie in which spends come after what they spend', async () => {
    const chain = 'bitcoin'
    const coin = (id: string, minute: number, from: string, spent: string, to: string) =>
      JSON.stringify({
        ...{ chain, id, height: minute, time: `2022-01-01T00:0${minute}:00Z` },
        inputs: [{ transaction: spent, output: 0, address: coinAddress(from), amount: '10' }],
        outputs: [{ address: coinAddress(to), amount: '10' }],
      })
    // By id the spend c comes first; after its maker e it comes last. Without e it would stand before d.
    const lines = [
      coin('s', 1, 'victim', 'u', 'a'),
      coin('e', 2, 'x', 'v', 'y'),
      coin('c', 2, 'y', 'e', 'a'),
      coin('d', 2, 'a', 's', 'z'),
      coin('last', 3, 'x', 'w', 'x'),
      coin('far', 2, 'x', 'q', 'x'),
    ]
    const files = write({ dumps: [lines], tags: 'chain,address,label,category,source\n' })
    const seeds = [{ chain, transaction: 's', output: 0, reason: 'test' }]
    const asked = { request: { ...request, seeds, pool: { bitcoin: 'address' } } }
    expect((await tell(asked, files, WHOLE)).held).toEqual(['s', 'd', 'e', 'c', 'far', 'last'])
    expect((await tell(asked, files, 0)).held).toEqual(['s', 'd', 'e', 'c', 'last'])
  })

  test('reads what is told in two lines, and refuses what contradicts itself on the way', async () => {
    const lines = [pay('s', 2, 'v', 'a'), pay('p', 3, 'q', 'r'), pay('last', 9, 'x', 'y')]
    const second = pay('p', 3, 'a', 'b', {
      transfers: [{ index: 1, asset: 'native', from: 'a', to: 'b', amount: '1' }],
    })
    expect((await heldOf([...lines, second, pay('t', 4, 'b', 'c')])).ids).toEqual(['s', 'p', 't', 'last'])
    const other = pay('p', 3, 'a', 'r')
    await expect(heldOf([...lines, other])).rejects.toMatchObject({ code: 'LEDGER_CONTRADICTS' })
    const later = pay('p', 4, 'q', 'r')
    await expect(heldOf([...lines, later])).rejects.toMatchObject({ code: 'LEDGER_CONTRADICTS' })
  })

  test('refuses broken files by the same names as without sifting', async () => {
    const lines = [pay('s', 2, 'v', 'a'), ...Array.from({ length: 500 }, (_, i) => pay(`p${i}`, 3, `q${i}`, 'r'))]
    const broken: readonly (readonly string[])[] = [
      [...lines, '{"chain":'],
      [...lines, pay('p', 3, 'q', 'r', { colour: 'red' })],
      [...lines, pay('p', 3, 'q', 'r', { time: 'noon' })],
      [...lines, '"\u0000'],
    ]
    for (const dump of broken) {
      const files = write({ dumps: [[], dump], tags: 'chain,address,label,category,source\n' })
      const expected = await tell({ request }, files, WHOLE)
      expect(expected.said).toMatch(/^LEDGER_INVALID: .*line 502/)
      expect((await tell({ request }, files, 0)).said).toBe(expected.said)
    }
    const files = write({ dumps: [[], lines], tags: 'chain,address,label,category,source\n' })
    truncateSync(files.files[1], 600)
    const expected = await tell({ request }, files, WHOLE)
    expect(expected.said).toMatch(/^FILE_TRUNCATED: /)
    expect((await tell({ request }, files, 0)).said).toBe(expected.said)
    const gone = { ...files, files: [join(folder, 'nowhere')] }
    expect((await tell({ request }, gone, 0)).said).toBe((await tell({ request }, gone, WHOLE)).said)
  })

  test('refuses a file that changes between the two readings', async () => {
    const files = write({ dumps: [[pay('s', 2, 'v', 'a')]], tags: 'chain,address,label,category,source\n' })
    const book = buildTagBook([])
    const lines = Array.from({ length: 10_000 }, (_, i) => pay(`p${i}`, 3, `q${i}`, 'r'))
    writeFileSync(files.files[0], `${[pay('s', 2, 'v', 'a'), ...lines].join('\n')}\n`)
    let calls = 0
    const onLines = () => {
      if (++calls === 2) appendFileSync(files.files[0], `${pay('more', 4, 'a', 'b')}\n`)
    }
    const reading = { files: files.files, request: decodeRequest(request), book, siftBytesMin: 0, onLines }
    await expect(readLedgers(reading)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  })
})
