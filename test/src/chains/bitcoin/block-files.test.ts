import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { doubleSha256, hash160 } from '../../../../src/chains/bitcoin/hash.ts'
import {
  BlockFiles,
  type BlockFilesOptions,
  type BlockPosition,
  decodeBlock,
  decodeSpentOutputs,
  type Prevouts,
  type ReadBlock,
  toTransactions,
} from '../../../../src/chains/bitcoin/index.ts'
import { buildBlock, coinbase, transaction, undoRecord } from './build.ts'
import { fixture } from './fixtures.ts'

// Directories as a node writes them, from real blocks and from drawn chains.

const made: string[] = []
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true })
})

const record = (magic: number, content: Uint8Array, trailer: Uint8Array = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(magic, 0)
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content, trailer])
}
const undo = (magic: number, sealed: Buffer): Buffer => record(magic, sealed.subarray(0, -32), sealed.subarray(-32))

/** A directory of these files; `key` is laid over what is not blank, as a node does. */
function directoryOf(files: Record<string, readonly Uint8Array[]>, key?: Uint8Array, blank = 0): string {
  const directory = mkdtempSync(join(tmpdir(), 'blocks-'))
  made.push(directory)
  for (const [name, parts] of Object.entries(files)) {
    const bytes = Buffer.concat(parts)
    if (key !== undefined) for (let i = 0; i < bytes.length; i++) bytes[i] ^= key[i % 8]
    writeFileSync(join(directory, name), Buffer.concat([bytes, Buffer.alloc(blank)]))
  }
  if (key !== undefined) writeFileSync(join(directory, 'xor.dat'), key)
  return directory
}

async function readAll(directory: string, options: BlockFilesOptions, after?: BlockPosition): Promise<ReadBlock[]> {
  const files = await BlockFiles.open(directory, options)
  try {
    const blocks: ReadBlock[] = []
    for await (const block of files.blocks(after)) blocks.push(block)
    return blocks
  } finally {
    await files.close()
  }
}

const MAIN = 0xd9b4bef9
const REGTEST = 0xdab5bffa

describe('real blocks', () => {
  const raw = fixture('block300025.raw')
  const block = decodeBlock(raw, { chain: 'bitcoin' })
  const prevouts = decodeSpentOutputs(fixture('block300025-undo.raw'), block)
  const wanted = toTransactions(block, prevouts).transactions
  const files = { 'blk00000.dat': [record(MAIN, raw)], 'rev00000.dat': [undo(MAIN, undoRecord(block, prevouts))] }

  test.each([
    ['plain', undefined],
    ['with a key', Buffer.from('0123456789abcdef', 'hex')],
    ['with a key of zeros', Buffer.alloc(8)],
  ])('%s', async (_, key) => {
    const [read, ...more] = await readAll(directoryOf(files, key, 5000), { chain: 'bitcoin' })
    expect(more).toEqual([])
    expect(read.height).toBe(300025)
    expect(read.previous).toBe(block.previous)
    expect(read.assumed).toEqual([])
    expect(read.transactions).toEqual(wanted)
  })

  test('without undo data are refused, or read with amounts that are said to be assumed', async () => {
    const directory = directoryOf({ 'blk00000.dat': files['blk00000.dat'] })
    await expect(readAll(directory, { chain: 'bitcoin' })).rejects.toThrow(/UNDO_INVALID.*rev00000\.dat holds no undo/)
    const [read] = await readAll(directory, { chain: 'bitcoin', missing: 'assumeNoFee' })
    expect(read.assumed.length).toBeGreaterThan(1000)
  })

  test('of a chain that was not asked for, or without their key, are refused', async () => {
    const directory = directoryOf(files, Buffer.from('0123456789abcdef', 'hex'))
    rmSync(join(directory, 'xor.dat'))
    await expect(BlockFiles.open(directory, { chain: 'bitcoin' })).rejects.toThrow(/blk00000\.dat, byte 0: .*xor\.dat/)
    await expect(BlockFiles.open(directoryOf(files), { chain: 'litecoin' })).rejects.toThrow(
      /byte 0: f9beb4d9 does not/,
    )
    await expect(BlockFiles.open(join(directory, 'none'), { chain: 'bitcoin' })).rejects.toThrow('FILE_UNREADABLE')
    await expect(BlockFiles.open(directoryOf({ 'a.dat': [] }), { chain: 'bitcoin' })).rejects.toThrow(
      'no file blk*.dat',
    )
    await expect(BlockFiles.open(directoryOf({ 'blk00000.dat': [] }), { chain: 'bitcoin' })).rejects.toThrow('no block')
  })

  test('with a wrong byte are refused', async () => {
    for (const at of [8 + 40, 8 + 300]) {
      const bytes = record(MAIN, raw)
      bytes[at] ^= 1
      await expect(readAll(directoryOf({ ...files, 'blk00000.dat': [bytes] }), { chain: 'bitcoin' })).rejects.toThrow(
        /BLOCK_INVALID/,
      )
    }
    const bytes = undo(MAIN, undoRecord(block, prevouts))
    bytes[100] ^= 1
    await expect(readAll(directoryOf({ ...files, 'rev00000.dat': [bytes] }), { chain: 'bitcoin' })).rejects.toThrow(
      /UNDO_INVALID/,
    )
  })
})

describe('a drawn chain', () => {
  const locked = Buffer.from(`76a914${'07'.repeat(20)}88ac`, 'hex')
  const options = { chain: 'bitcoin-regtest' } as const

  interface Drawn {
    readonly raw: Buffer
    readonly undo: Buffer
    readonly hash: string
    readonly height: number
  }

  /** A block on top of another with one spend of an output of `amount` from elsewhere, and its undo record. */
  function draw(previous: Drawn | undefined, tag: number, amount = 100n): Drawn {
    const height = previous === undefined ? 0 : previous.height + 1
    // Open to anyone, so that amounts alone tell two records apart.
    const open = Buffer.of(0x51)
    const spend = transaction([{ id: Buffer.alloc(32, tag), output: 0 }], [{ amount: 90n, script: locked }])
    const parent = previous === undefined ? Buffer.alloc(32) : doubleSha256(previous.raw.subarray(0, 80))
    const raw = buildBlock([coinbase(Buffer.of(0x50 + height, 1, tag), 1n, locked), spend], {
      version: 2,
      previous: parent,
      nonce: tag,
    })
    const block = decodeBlock(raw, options)
    const prevouts: Prevouts = {
      count: 1,
      amount: BigUint64Array.of(amount),
      bytes: open,
      scriptStart: Uint32Array.of(0),
      scriptEnd: Uint32Array.of(1),
    }
    return { raw, undo: undoRecord(block, prevouts), hash: block.hash, height }
  }

  const main: Drawn[] = []
  for (let height = 0; height < 8; height++) main.push(draw(main[height - 1], 10 + height, 100n + BigInt(height)))
  const staleA = draw(main[3], 50)
  const staleB = draw(staleA, 51)
  const stray = draw(draw(undefined, 60), 61)
  const at = (drawn: Drawn): Buffer => record(REGTEST, drawn.raw)
  const undoAt = (drawn: Drawn): Buffer => undo(REGTEST, drawn.undo)
  const files = {
    // As downloaded: out of order, a branch that was left, a copy.
    'blk00000.dat': [main[0], main[2], main[1], main[4], main[2]].map(at),
    'blk00001.dat': [staleA, main[3], staleB, stray, main[6], main[5], main[7]].map(at),
    'rev00000.dat': [main[1], main[2], main[4], main[0]].map(undoAt),
    'rev00001.dat': [main[3], staleA, staleB, main[5], main[6], main[7]].map(undoAt),
  }
  const directory = directoryOf(files, Buffer.from('fedcba9876543210', 'hex'), 100)

  test('comes in the order of the chain, branches left out and counted', async () => {
    const opened = await BlockFiles.open(directory, options)
    expect(opened.summary).toEqual({
      count: 8,
      first: { height: 0, hash: main[0].hash },
      tip: { height: 7, hash: main[7].hash },
      stale: 2,
      unlinked: 1,
      repeated: 1,
      cut: false,
    })
    await opened.close()
    const blocks = await readAll(directory, options)
    expect(blocks.map(({ hash }) => hash)).toEqual(main.map(({ hash }) => hash))
    expect(blocks.map(({ height }) => height)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(blocks[0].previous).toBeUndefined()
    expect(blocks[5].previous).toBe(main[4].hash)
    expect(blocks.map(({ transactions }) => transactions[1].inputs[0].amount)).toEqual([
      100n,
      101n,
      102n,
      103n,
      104n,
      105n,
      106n,
      107n,
    ])
  })

  test('goes on from a position, again and again', async () => {
    const opened = await BlockFiles.open(directory, options)
    for (const height of [6, 0, 3, 7]) {
      const heights: number[] = []
      for await (const block of opened.blocks({ height, hash: main[height].hash })) heights.push(block.height)
      expect(heights).toEqual([0, 1, 2, 3, 4, 5, 6, 7].slice(height + 1))
    }
    expect(opened.isOnBestChain({ height: 4, hash: main[4].hash })).toBe(true)
    expect(opened.isOnBestChain({ height: 4, hash: staleA.hash })).toBe(false)
    expect(opened.isOnBestChain({ height: 99, hash: main[4].hash })).toBe(false)
    await opened.close()
    await expect(readAll(directory, options, { height: 4, hash: staleA.hash })).rejects.toThrow(/SOURCE_CONTRADICTS/)
  })

  test('takes the branch with more work, not the longer file', async () => {
    const longer = [draw(staleB, 52), draw(staleB, 53)]
    const top = [draw(longer[0], 54), draw(draw(longer[0], 54), 55)]
    const grown = directoryOf({
      ...files,
      'blk00002.dat': [...longer, ...top].map(at),
      'rev00002.dat': [...longer, ...top].map(undoAt),
    })
    const opened = await BlockFiles.open(grown, options)
    expect(opened.summary.tip).toEqual({ height: 8, hash: top[1].hash })
    expect(opened.summary.stale).toBe(4 + 1)
    await opened.close()
    const blocks = await readAll(grown, options)
    expect(blocks[4].hash).toBe(staleA.hash)
  })

  test('a tail cut off while the node wrote is left for the next time; one in the middle is a fault', async () => {
    const cut = { ...files, 'blk00001.dat': [...files['blk00001.dat'].slice(0, -1), at(main[7]).subarray(0, 100)] }
    const opened = await BlockFiles.open(directoryOf(cut), options)
    expect(opened.summary.cut).toBe(true)
    expect(opened.summary.tip.height).toBe(6)
    await opened.close()
    const broken = { ...files, 'blk00000.dat': [...files['blk00000.dat'], at(main[7]).subarray(0, 100)] }
    await expect(BlockFiles.open(directoryOf(broken), options)).rejects.toThrow(/FILE_TRUNCATED.*blk00000/)
    const stub = { ...files, 'blk00001.dat': [...files['blk00001.dat'], Buffer.of(0xfa, 0xbf)] }
    const stubbed = await BlockFiles.open(directoryOf(stub), options)
    expect(stubbed.summary).toMatchObject({ cut: true, count: 8 })
    await stubbed.close()
  })

  test('sizes that cannot be are faults', async () => {
    for (const size of [0, 80, 4_000_001, 0xffffffff]) {
      const bytes = at(main[1])
      bytes.writeUInt32LE(size, 4)
      await expect(BlockFiles.open(directoryOf({ 'blk00000.dat': [bytes] }), options)).rejects.toThrow(
        /a record of \d+ bytes cannot be/,
      )
    }
  })

  test('one that does not begin with its first block takes its height from the coinbase, or from the caller', async () => {
    const part = directoryOf({ 'blk00007.dat': main.slice(5).map(at), 'rev00007.dat': main.slice(5).map(undoAt) })
    for (const stated of [options, { ...options, firstHeight: 5 }]) {
      expect((await readAll(part, stated)).map(({ height }) => height)).toEqual([5, 6, 7])
    }
    await expect(readAll(part, { ...options, firstHeight: 6 })).rejects.toThrow(/at height 6; its coinbase says 5/)
  })

  test('a rival’s undo record with the same checksum is not taken', async () => {
    // Two blocks after the same one; each input opens a script of its own.
    const rival = (key: number, tag: number): Drawn => {
      const opener = Buffer.of(1, key)
      const spend = transaction(
        [{ id: Buffer.alloc(32, tag), output: 0, script: Buffer.concat([Buffer.of(2), opener]) }],
        [{ amount: 1n, script: locked }],
      )
      const raw = buildBlock([coinbase(Buffer.of(0x58, 1, tag), 1n, locked), spend], {
        version: 2,
        previous: doubleSha256(main[7].raw.subarray(0, 80)),
        nonce: tag,
      })
      const block = decodeBlock(raw, options)
      const script = Buffer.concat([Buffer.of(0xa9, 20), hash160(opener), Buffer.of(0x87)])
      const prevouts: Prevouts = {
        count: 1,
        amount: BigUint64Array.of(BigInt(key)),
        bytes: script,
        scriptStart: Uint32Array.of(0),
        scriptEnd: Uint32Array.of(script.length),
      }
      return { raw, undo: undoRecord(block, prevouts), hash: block.hash, height: 8 }
    }
    const [kept, left] = [rival(5, 70), rival(6, 71)]
    const both = directoryOf({
      ...files,
      'blk00002.dat': [kept, left].map(at),
      'rev00002.dat': [left, kept].map(undoAt),
    })
    const blocks = await readAll(both, options, { height: 7, hash: main[7].hash })
    expect(blocks.map(({ hash }) => hash)).toEqual([kept.hash])
    expect(blocks[0].transactions[1].inputs[0].amount).toBe(5n)
  })
})
