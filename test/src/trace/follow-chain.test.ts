import { describe, expect, test } from 'vitest'
import type { Transaction } from '../../../graph/index.ts'
import type { BlockSource, SourceBlock } from '../../../src/chains/source.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import { type FollowStep, followChain } from '../../../src/trace/follow-chain.ts'

const chain = 'drawn-chain'

/** A node whose chain can be changed under the reader: a block is a letter, its hash all letters down to the first. */
class FakeNode implements BlockSource {
  branch: string
  reads = 0
  /** Called before each block is read. */
  before: (height: number) => void = () => {}

  constructor(branch: string) {
    this.branch = branch
  }

  async tip() {
    const height = this.branch.length - 1
    return { height, hash: this.branch, time: 1000 + height }
  }

  async block(height: number): Promise<SourceBlock | undefined> {
    this.before(height)
    this.reads++
    if (height >= this.branch.length) return undefined
    const hash = this.branch.slice(0, height + 1)
    const row: Transaction = {
      kind: 'account',
      chain,
      id: `in ${hash}`.replaceAll(' ', '-'),
      height,
      index: 0,
      time: 1000 + height,
      blockHash: hash,
      status: 'success',
      transfers: [{ index: 0, asset: 'native', from: 'a', to: 'b', amount: 1n }],
      fee: undefined,
    }
    return {
      chain,
      height,
      hash,
      previous: height === 0 ? undefined : hash.slice(0, -1),
      time: 1000 + height,
      transactions: [row],
    }
  }
}

async function idsIn(store: MemoryStore): Promise<string[]> {
  const at = (await store.snapshot(chain))!
  const [page] = await store.entriesOf(chain, [{ asset: 'native', address: 'a' }], 1000, at)
  return page.transactions.map(({ id }) => id)
}

const idsOf = (branch: string) => [...branch].map((_, i) => `in-${branch.slice(0, i + 1)}`)

describe('following', () => {
  test('goes on where it was, and asks for nothing twice', async () => {
    const node = new FakeNode('aaaaa')
    const store = new MemoryStore()
    await followChain(store, node, { chain, once: true })
    expect(await idsIn(store)).toEqual(idsOf('aaaaa'))
    node.branch = 'aaaaaaa'
    node.reads = 0
    await followChain(store, node, { chain, once: true })
    // The block both have, and two more.
    expect(node.reads).toBe(3)
    expect(await idsIn(store)).toEqual(idsOf('aaaaaaa'))
  })

  test('a reorganisation of depth five, to a longer or to a shorter chain', async () => {
    for (const other of ['aaabbbbbbbb', 'aaabb']) {
      const node = new FakeNode('aaaaaaaa')
      const store = new MemoryStore()
      await followChain(store, node, { chain, once: true })
      node.branch = other
      const steps: FollowStep[] = []
      await followChain(store, node, { chain, once: true, onStep: (step) => steps.push(step) })
      expect(steps).toContainEqual({ kind: 'rolledBack', to: 2, from: 7 })
      expect(await idsIn(store)).toEqual(idsOf(other))
    }
  })

  test('a reorganisation in the middle of reading leaves nothing of the branch that was left', async () => {
    for (let when = 1; when < 12; when++) {
      const node = new FakeNode('aaaaaaaaaaaa')
      const store = new MemoryStore()
      node.before = (height) => {
        if (height === when && node.branch.endsWith('a')) node.branch = 'aabbbbbbbbbbbb'
      }
      // It has caught up with the tip as it was; the next look finds the rest.
      await followChain(store, node, { chain, once: true, batchBlocks: 3 })
      expect('in-aabbbbbbbbbbbb'.startsWith((await idsIn(store)).at(-1)!)).toBe(true)
      await followChain(store, node, { chain, once: true, batchBlocks: 3 })
      expect(await idsIn(store)).toEqual(idsOf('aabbbbbbbbbbbb'))
    }
  })

  test('another network is not followed, and a deeper reorganisation than is allowed is for a person to look at', async () => {
    const node = new FakeNode('aaaaaaaa')
    const store = new MemoryStore()
    await followChain(store, node, { chain, once: true })
    const before = await idsIn(store)
    for (const [branch, depthMax] of [
      ['zzzzzzzzzz', 100],
      ['aabbbbbbb', 3],
    ] as const) {
      node.branch = branch
      await expect(followChain(store, node, { chain, once: true, depthMax })).rejects.toMatchObject({
        code: 'SOURCE_CONTRADICTS',
      })
      expect(await idsIn(store)).toEqual(before)
    }
  })

  test('stops when told to, begins where it is told', async () => {
    const node = new FakeNode('aaaaaaaa')
    const store = new MemoryStore()
    const stop = new AbortController()
    const steps: FollowStep[] = []
    await followChain(store, node, {
      chain,
      from: 4,
      pollMs: 1,
      signal: stop.signal,
      onStep: (step) => {
        steps.push(step)
        if (step.kind === 'caughtUp' && node.branch.length === 10) stop.abort()
        if (step.kind === 'caughtUp') node.branch = 'aaaaaaaaaa'
      },
    })
    expect(await idsIn(store)).toEqual(idsOf('aaaaaaaaaa').slice(4))
    expect(steps.at(-1)).toEqual({ kind: 'caughtUp', height: 9 })
  })
})
