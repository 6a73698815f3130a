import { LRUCache } from 'lru-cache'
import type { Asset, AssetFact, Chain, Transaction } from '../../graph/index.ts'
import { Fault } from '../faults.ts'
import type { Gap } from '../gaps.ts'
import {
  type AskedSource,
  type BlockIndex,
  type BlockSource,
  contradicts,
  type History,
  namesAccount,
  type SourceBlock,
  type Tip,
} from './source.ts'

export interface AskedBlocksOptions {
  readonly chain: Chain
  readonly blocks: BlockSource
  readonly index: BlockIndex
  /** How many blocks one account's history may lie in; more are a fault `LIMIT_EXCEEDED`. */
  readonly blocksMax?: number
  readonly asset?: (asset: Asset) => Promise<AssetFact | undefined>
}

const BLOCKS_MAX = 20_000
const BLOCKS_KEPT = 32

/** Answers a trace's questions from whole blocks: an index says which, the block says what, proven. */
export class AskedBlocks implements AskedSource {
  readonly chain: Chain
  readonly asset?: (asset: Asset) => Promise<AssetFact | undefined>
  readonly #blocks: BlockSource
  readonly #index: BlockIndex
  readonly #blocksMax: number
  readonly #kept = new LRUCache<number, SourceBlock>({ max: BLOCKS_KEPT })

  constructor(options: AskedBlocksOptions) {
    this.chain = options.chain
    this.#blocks = options.blocks
    this.#index = options.index
    this.#blocksMax = options.blocksMax ?? BLOCKS_MAX
    if (options.asset !== undefined) this.asset = options.asset
  }

  tip(): Promise<Tip> {
    return this.#blocks.tip()
  }

  async transaction(id: string): Promise<Transaction | undefined> {
    const height = await this.#index.heightOf(id)
    if (height === undefined) return undefined
    const found = (await this.#block(height)).transactions.find((each) => each.id === id)
    if (found === undefined) throw contradicts(`transaction ${id} is said to be in block ${height}, and is not`)
    return found
  }

  async history(asset: Asset, address: string, height: number): Promise<History> {
    const { heights, whole } = await this.#index.heightsOf(asset, address, height)
    if (heights.length > this.#blocksMax) {
      throw new Fault(
        'LIMIT_EXCEEDED',
        `${address} is named in ${heights.length} blocks, more than the ${this.#blocksMax} allowed`,
      )
    }
    const transactions: Transaction[] = []
    const gaps: Gap[] = []
    for (const each of heights) {
      const block = await this.#block(each)
      for (const row of block.transactions) if (namesAccount(row, asset, address)) transactions.push(row)
      if (asset === 'native') gaps.push(...(block.gaps ?? []))
    }
    return { transactions, whole: whole && gaps.length === 0, gaps }
  }

  /** The last transaction of the highest block at or below a height that has one, looked for a little way down. */
  async last(height: number): Promise<Transaction | undefined> {
    for (let at = height; at >= Math.max(0, height - 100); at--) {
      const { transactions } = await this.#block(at)
      if (transactions.length > 0) return transactions[transactions.length - 1]
    }
    return undefined
  }

  async #block(height: number): Promise<SourceBlock> {
    const known = this.#kept.get(height)
    if (known !== undefined) return known
    const block = await this.#blocks.block(height)
    if (block === undefined) throw contradicts(`the source has no block ${height}, which it named`)
    this.#kept.set(height, block)
    return block
  }
}
