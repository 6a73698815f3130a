import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
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

/** Everything a bundle says, or the fault, from a case sifted or whole; and how many transactions were held for it. */
async function tell(
  drawn: Pick<SiftCase, 'request'>,
  { files, tags }: { files: readonly string[]; tags: string },
  siftBytesMin: number,
): Promise<{ said: string; held: number }> {
  try {
    const request = decodeRequest(drawn.request)
    const book = buildTagBook((await loadTags([tags])).tags)
    const ledgers = await readLedgers({ files, request, book, siftBytesMin, onLines: () => {} })
    const held = [...ledgers.values()].reduce((sum, ledger) => sum + ledger.transactions.length, 0)
    try {
      const trace = followSeeds(request, ledgers, book, findHands(request, ledgers, book))
      const file = { sha256: '', rows: 0 }
      const { report, proofs } = assembleReport(trace, { ledger: file, tags: file, journal: file })
      const rows = [report, ...journalRows(trace), ...certificateRows(trace, proofs)].map((row) => canonicalJson(row))
      return { said: [...ledgerLines(trace), ...rows].join('\n'), held }
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      return { said: error.message, held }
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { said: error.message, held: 0 }
  }
}

const WHOLE = Number.POSITIVE_INFINITY

describe('a ledger sifted before it is settled', () => {
  test('tells the same report, ledger, journal and certificates as the whole', async () => {
    let held = 0
    let whole = 0
    let told = 0
    for (let seed = 1; seed <= Number(process.env.SIFT_CASES ?? 150); seed++) {
      const drawn = drawSiftCase(seed)
      const files = write(drawn)
      const expected = await tell(drawn, files, WHOLE)
      const sifted = await tell(drawn, files, 0)
      expect(sifted.said, `case ${seed}`).toBe(expected.said)
      held += sifted.held
      whole += expected.held
      if (expected.said.includes('\n')) told++
    }
    // Most cases are traces, not faults; and a good part of what is given is not held.
    expect(told).toBeGreaterThan(cases * 0.6)
    expect(held).toBeLessThan(whole * 0.8)
  })
})

void truncateSync
