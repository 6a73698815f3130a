import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import type { LedgerLine } from '../../../src/chains/dump/decode.ts'
import { readLedgerFile } from '../../../src/chains/ledger-files.ts'

const scratch = mkdtempSync(join(tmpdir(), 'proceeds-ledger-files-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const BLOCK = 'test/fixtures/bitcoin/block300025.raw'
const UNDO = 'test/fixtures/bitcoin/block300025-undo.raw'

async function linesOf(file: string, chains = ['bitcoin']): Promise<LedgerLine[]> {
  const lines: LedgerLine[] = []
  for await (const line of readLedgerFile(file, chains)) lines.push(line)
  return lines
}

const write = (name: string, content: string | Uint8Array) => {
  const file = join(scratch, name)
  writeFileSync(file, content)
  return file
}

describe('a ledger file is told by its content', () => {
  test('a raw block takes the amounts it spends from the undo file beside it', async () => {
    const lines = await linesOf(BLOCK)
    expect(lines.length).toBe(461)
    expect(await linesOf(UNDO)).toEqual([])
  })

  test('the same block in hex digits says the same', async () => {
    const file = write('block.hex', readFileSync(BLOCK).toString('hex'))
    copyFileSync(UNDO, join(scratch, 'block-undo.raw'))
    expect(await linesOf(file)).toEqual(await linesOf(BLOCK))
  })

  test('one flipped bit is a named fault that names the file', async () => {
    const bytes = Buffer.from(readFileSync(BLOCK))
    bytes[200_000] ^= 4
    copyFileSync(UNDO, join(scratch, 'flipped-undo.raw'))
    const file = write('flipped.raw', bytes)
    await expect(linesOf(file)).rejects.toMatchObject({
      code: 'BLOCK_INVALID',
      detail: expect.stringContaining('flipped.raw'),
    })
  })

  test('without its undo data a block that spends others’ outputs is refused', async () => {
    await expect(linesOf(write('alone.raw', readFileSync(BLOCK)))).rejects.toMatchObject({ code: 'UNDO_INVALID' })
  })

  test('a block where no seed is on such a chain is refused', async () => {
    await expect(linesOf(BLOCK, ['tron'])).rejects.toMatchObject({ code: 'LEDGER_INVALID' })
  })

  test('a dump, packed or not; nothing at all is an empty dump', async () => {
    const line = '{"chain":"tron","covers":"all"}\n'
    expect(await linesOf(write('a.ndjson', `\uFEFF${line}`))).toHaveLength(1)
    expect(await linesOf(write('b.bin', gzipSync(line)))).toHaveLength(1)
    expect(await linesOf(write('c.ndjson', ''))).toEqual([])
  })

  test('a listing of Tronscan’s', async () => {
    const csv = gunzipSync(readFileSync('samples/tron-usdt-seized-wallets/source/trc20_xfers.csv.gz'))
    const lines = await linesOf(write('xfers.csv', csv), ['tron'])
    expect(lines.filter((line) => line.kind === 'transaction').length).toBeGreaterThan(5000)
  })
})
