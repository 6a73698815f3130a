import { type Asset, NATIVE } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { RpcRefusal } from '../json-rpc.ts'
import { type BlockIndex, contradicts, type Found } from '../source.ts'
import type { EvmRpc } from './rpc.ts'

export interface EvmIndexOptions {
  readonly rpc: EvmRpc
  /** Where the history that is asked for begins; later than 0, no account is told whole. Default 0. */
  readonly from?: number
  /** How many questions about logs one account may take. */
  readonly questionsMax?: number
  /** How many blocks may be read one by one for the chain's own coin, of which a node keeps no index. */
  readonly blocksMax?: number
}

const QUESTIONS_MAX = 2_000
const BLOCKS_MAX = 5_000

/**
 * Finds an account's blocks by what every node offers: the logs of a token's transfers name both parties; for the coin
 * itself there is no index, so that blocks are read one after the other, as many as are allowed.
 */
export class EvmIndex implements BlockIndex {
  readonly #rpc: EvmRpc
  readonly #from: number
  readonly #questionsMax: number
  readonly #blocksMax: number
  /** Accounts that blocks read so far name with the coin, and up to which height that is. */
  readonly #named = new Map<string, number[]>()
  #readTo: number
  #span: number | undefined
  #blind = false

  constructor(options: EvmIndexOptions) {
    this.#rpc = options.rpc
    this.#from = options.from ?? 0
    this.#questionsMax = options.questionsMax ?? QUESTIONS_MAX
    this.#blocksMax = options.blocksMax ?? BLOCKS_MAX
    this.#readTo = this.#from - 1
  }

  heightOf(id: string): Promise<number | undefined> {
    return this.#rpc.heightOf(id)
  }

  async heightsOf(asset: Asset, address: string, height: number): Promise<Found> {
    const whole = this.#from === 0
    if (asset !== NATIVE) return { heights: await this.#byLogs(asset, address, height), whole }
    await this.#readBlocks(height)
    const heights = (this.#named.get(address) ?? []).filter((each) => each <= height)
    // Without traces, coin that contracts paid is missing: no account can be told whole.
    return { heights, whole: whole && !this.#blind }
  }

  /** Ranges are halved until the node takes them, and grow again slowly: nodes limit blocks, or rows, or both. */
  async #byLogs(token: Asset, address: string, height: number): Promise<number[]> {
    const heights: number[] = []
    let questions = 0
    for (let start = this.#from; start <= height; ) {
      const span = this.#span ?? height - start + 1
      const end = Math.min(height, start + span - 1)
      if (++questions > this.#questionsMax) {
        throw new Fault(
          'LIMIT_EXCEEDED',
          `the transfers of ${address} need more than ${this.#questionsMax} questions of this node, which takes ${span} blocks at a time; name a first block, an account API, or another node`,
        )
      }
      const found = await this.#rpc.transferHeights(token, address, start, end)
      if (!(found instanceof RpcRefusal)) {
        for (const each of found) heights.push(each)
        start = end + 1
        if (this.#span !== undefined) this.#span = Math.ceil(span * 1.25)
        continue
      }
      if (!found.tooLarge || end === start) {
        throw new Fault(
          'SOURCE_UNAVAILABLE',
          `eth_getLogs, blocks ${start} to ${end}: the node refuses: ${found.message}`,
        )
      }
      this.#span = Math.ceil((end - start + 1) / 2)
    }
    return heights
  }

  async #readBlocks(height: number): Promise<void> {
    if (height - this.#from + 1 > this.#blocksMax) {
      throw new Fault(
        'LIMIT_EXCEEDED',
        `for the chain’s own coin ${height - this.#from + 1} blocks would have to be read, and ${this.#blocksMax} are allowed; name a first block or an account API, or import the blocks into a store`,
      )
    }
    for (; this.#readTo < height; this.#readTo++) {
      const next = this.#readTo + 1
      const block = await this.#rpc.block(next)
      if (block === undefined) throw contradicts(`the node’s tip was ${height}, and it has no block ${next}`)
      if ((block.gaps ?? []).length > 0) this.#blind = true
      const names = new Set<string>()
      for (const each of block.transactions) {
        if (each.kind !== 'account') continue
        if (each.fee !== undefined) names.add(each.fee.from)
        for (const { asset, from, to } of each.transfers) if (asset === NATIVE) names.add(from).add(to)
      }
      for (const name of names) {
        const heights = this.#named.get(name)
        if (heights === undefined) this.#named.set(name, [next])
        else heights.push(next)
      }
    }
  }
}
