import type { Asset } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { type BlockIndex, contradicts, type Found } from '../source.ts'
import type { BitcoinRpc } from './rpc.ts'

export interface BitcoinIndexOptions {
  readonly rpc: BitcoinRpc
  /** First block that is read; later than 0, no address is told whole. Default 0. */
  readonly from?: number
  readonly blocksMax?: number
}

const BLOCKS_MAX = 2_000

/** Finds an address's blocks where a node keeps no index of addresses: it reads them all, as many as are allowed, once. */
export class BitcoinBlocksIndex implements BlockIndex {
  readonly #rpc: BitcoinRpc
  readonly #from: number
  readonly #blocksMax: number
  readonly #named = new Map<string, number[]>()
  readonly #places = new Map<string, number>()
  #readTo: number

  constructor(options: BitcoinIndexOptions) {
    this.#rpc = options.rpc
    this.#from = options.from ?? 0
    this.#blocksMax = options.blocksMax ?? BLOCKS_MAX
    this.#readTo = this.#from - 1
  }

  async heightOf(id: string): Promise<number | undefined> {
    return this.#places.get(id) ?? (await this.#rpc.transaction(id))?.height
  }

  async heightsOf(_: Asset, address: string, height: number): Promise<Found> {
    await this.#readBlocks(height)
    const heights = (this.#named.get(address) ?? []).filter((each) => each <= height)
    return { heights, whole: this.#from === 0 }
  }

  /** Reads on to a height: one reader at a time, whoever asks. */
  #reading: Promise<void> = Promise.resolve()
  #readBlocks(height: number): Promise<void> {
    const next = this.#reading.then(() => this.#read(height))
    this.#reading = next.catch(() => undefined)
    return next
  }

  async #read(height: number): Promise<void> {
    if (height - this.#from + 1 > this.#blocksMax) {
      throw new Fault(
        'LIMIT_EXCEEDED',
        `a node keeps no index of addresses: ${height - this.#from + 1} blocks would have to be read, and ${this.#blocksMax} are allowed; name a first block near the seeds, ask an Esplora server, or import the blocks into a store`,
      )
    }
    for (; this.#readTo < height; this.#readTo++) {
      const at = this.#readTo + 1
      const block = await this.#rpc.block(at)
      if (block === undefined) throw contradicts(`the node’s tip was ${height}, and it has no block ${at}`)
      const names = new Set<string>()
      for (const row of block.transactions) {
        this.#places.set(row.id, at)
        for (const { address } of row.inputs) if (address !== null) names.add(address)
        for (const { address } of row.outputs) if (address !== null) names.add(address)
      }
      for (const name of names) {
        const heights = this.#named.get(name)
        if (heights === undefined) this.#named.set(name, [at])
        else heights.push(at)
      }
    }
  }
}
