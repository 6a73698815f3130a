import { setTimeout as delay } from 'node:timers/promises'
import type { Chain, Transaction } from '../../graph/index.ts'
import { type BlockSource, contradicts, type SourceBlock } from '../chains/source.ts'
import { Fault } from '../faults.ts'
import type { BlockHeader, ChainStore } from '../store/chain-store.ts'

export interface FollowOptions {
  readonly chain: Chain
  /** Where an empty store begins; default the first block. */
  readonly from?: number
  /** How far back a reorganisation may reach; deeper is a fault, for a person to look at. */
  readonly depthMax?: number
  /** Between two looks at the tip. */
  readonly pollMs?: number
  /** Ends when the store has caught up with the tip, rather than when the signal says so. */
  readonly once?: boolean
  readonly signal?: AbortSignal
  readonly batchBlocks?: number
  readonly onStep?: (step: FollowStep) => void
}

/** What following did. */
export type FollowStep =
  | { readonly kind: 'appended'; readonly height: number; readonly tip: number; readonly transactions: number }
  | { readonly kind: 'rolledBack'; readonly to: number; readonly from: number }
  | { readonly kind: 'caughtUp'; readonly height: number }

const DEPTH_MAX = 1_000
const POLL_MS = 10_000
const BATCH_BLOCKS = 50
const BATCH_TRANSACTIONS = 20_000

/**
 * Keeps a store at the tip of a source. Where the source's block is another than the store's at one height, the chain was
 * reorganised: the store is rolled back to the last block both have, and goes forward from there. A trace's snapshot
 * stays what it was, or the trace is told that its block is gone. It can be stopped at any time and started again.
 */
export async function followChain(
  store: ChainStore,
  source: BlockSource & { forget?: () => void },
  options: FollowOptions,
): Promise<void> {
  const { once = false, signal, onStep = () => {} } = options
  for (;;) {
    source.forget?.()
    const tip = await source.tip()
    const held = await toFork(store, source, options, tip.height)
    const height = await forward(store, source, options, held, tip.height)
    if (height >= tip.height) {
      onStep({ kind: 'caughtUp', height })
      if (once) return
      await delay(options.pollMs ?? POLL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
    }
    if (signal?.aborted === true) return
  }
}

/** The highest block that store and source have in common, the store rolled back to it; undefined: the store holds none. */
async function toFork(
  store: ChainStore,
  source: BlockSource,
  { chain, depthMax = DEPTH_MAX, onStep = () => {} }: FollowOptions,
  tip: number,
): Promise<{ height: number; hash: string } | undefined> {
  const snapshot = await store.snapshot(chain)
  if (snapshot?.height === undefined) return undefined
  const top = snapshot.height
  for (let height = top; height >= 0 && height > top - depthMax; height--) {
    const [hash] = await store.blockHashes(chain, [height])
    if (hash === undefined) {
      throw new Fault(
        'STORE_INVALID',
        `the store holds no hash of ${chain} block ${height}, so that nobody can tell whether it is still there; follow into a store of its own`,
      )
    }
    if (height > tip) continue
    const block = await source.block(height)
    if (block?.hash !== hash) continue
    if (height < top) {
      await store.rollback(chain, height)
      onStep({ kind: 'rolledBack', to: height, from: top })
    }
    return { height, hash }
  }
  throw contradicts(
    `the source and the store have no ${chain} block in common in the last ${Math.min(depthMax, top + 1)}; is it the same network? If the chain was reorganised so deep, raise the limit`,
  )
}

/** Appends block after block up to a height, or to where the chain changed under the reading; answers how far it came. */
async function forward(
  store: ChainStore,
  source: BlockSource,
  { chain, from = 0, signal, batchBlocks = BATCH_BLOCKS, onStep = () => {} }: FollowOptions,
  held: { height: number; hash: string } | undefined,
  tip: number,
): Promise<number> {
  let last = held
  let kept = held?.height ?? from - 1
  let blocks: BlockHeader[] = []
  let transactions: Transaction[] = []
  const keep = async () => {
    if (blocks.length === 0) return
    await store.append({ blocks, transactions })
    kept = blocks[blocks.length - 1].height
    onStep({ kind: 'appended', height: kept, tip, transactions: transactions.length })
    blocks = []
    transactions = []
  }
  for (let next = kept + 1; next <= tip && signal?.aborted !== true; next++) {
    const block: SourceBlock | undefined = await source.block(next)
    // The chain became shorter, or went another way, while we read: what was read so far is looked at again from the top.
    if (block === undefined || (last !== undefined && block.previous !== last.hash)) break
    last = block
    blocks.push({ chain, height: block.height, hash: block.hash, previous: block.previous, time: block.time })
    for (const row of block.transactions) transactions.push(row)
    if (blocks.length >= batchBlocks || transactions.length >= BATCH_TRANSACTIONS) await keep()
  }
  await keep()
  return kept
}
