import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doubleSha256 } from '../../../src/chains/bitcoin/hash.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import { importFiles } from '../../../src/trace/import.ts'
import { buildBlock, coinbase } from '../chains/bitcoin/build.ts'
import { lockedTo } from '../chains/bitcoin/fake-chain.ts'

const chain = 'bitcoin-regtest'
const MAGIC = 0xdab5bffa

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'import-blocks-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

/** So many blocks of coinbases; from `fork` on those of another branch. */
function blocksOf(count: number, fork = count): Buffer[] {
  const blocks: Buffer[] = []
  for (let height = 0; height < count; height++) {
    const branch = height < fork ? 1 : 2
    const previous = height === 0 ? Buffer.alloc(32) : doubleSha256(blocks[height - 1].subarray(0, 80))
    const made = coinbase(Buffer.of(0x50 + (height % 16), branch, height), 5_000_000_000n, lockedTo(height % 3))
    blocks.push(buildBlock([made], { version: 2, previous, time: 1_600_000_000 + 600 * height, nonce: height }))
  }
  return blocks
}

async function write(blocks: readonly Buffer[]): Promise<void> {
  const records = blocks.flatMap((block) => {
    const head = Buffer.alloc(8)
    head.writeUInt32LE(MAGIC, 0)
    head.writeUInt32LE(block.length, 4)
    return [head, block]
  })
  await writeFile(join(home, 'blk00000.dat'), Buffer.concat(records))
}

test('raw blocks go on behind the last that is held, and a branch that was left is refused', async () => {
  const store = new MemoryStore()
  const run = () => importFiles(store, [home], { format: 'auto', chain, batch: 3 })
  await write(blocksOf(8))
  expect(await run()).toMatchObject({ format: 'blocks', transactions: 8 })
  const eight = (await store.snapshot(chain))!
  expect(eight.height).toBe(7)
  expect(await run()).toMatchObject({ transactions: 0 })
  await write(blocksOf(12))
  const more = await run()
  expect(more.transactions).toBe(4)
  expect(more.notes.join()).toContain('those to 7 were held')
  const whole = new MemoryStore()
  await importFiles(whole, [home], { format: 'blocks', chain })
  const at = (await whole.snapshot(chain))!
  expect(await store.snapshot(chain)).toEqual(at)
  expect(await store.last(chain, at)).toEqual(await whole.last(chain, at))
  // Another branch, longer by one: what is held is not touched.
  await write(blocksOf(13, 9))
  await expect(run()).rejects.toMatchObject({
    code: 'SOURCE_CONTRADICTS',
  })
  expect(await store.snapshot(chain)).toEqual(at)
})
