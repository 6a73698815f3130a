import { LRUCache } from 'lru-cache'
import { type Chain, type Input, parseAmount, type UtxoTransaction } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { type HttpSource, parseJson } from '../http.ts'
import { type DecodedBlock, decodeBlock, hashText } from './block.ts'
import type { ReadBlock } from './block-files.ts'
import type { Tip } from './esplora.ts'
import { getChainParams } from './params.ts'
import {
  contradicts,
  hexBytes,
  isHash,
  type ProvenHeader,
  proveHeader,
  proveList,
  proveTransaction,
  record,
  spentOutput,
  toLedger,
  wholeNumber,
} from './proving.ts'
import type { RawTransaction } from './raw-transaction.ts'
import { toTransactions } from './transactions.ts'
import { checkOpened, type Prevouts } from './undo.ts'

export interface BitcoinRpcOptions {
  readonly chain: Chain
  /** Its base URL is the node's, user and password in it or in a header. */
  readonly http: HttpSource
  /**
   * Whether what a block spends is proven by the raw bytes of the transactions that made it (the node then needs its
   * transaction index) or taken from the node's own undo data (`getblock` 3, Core 23 and later). Default false: taken.
   */
  readonly proveInputs?: boolean
}

/** Error codes of the node's protocol (Bitcoin Core, `rpc/protocol.h`). */
const NOT_FOUND = -5
const OUT_OF_RANGE = -8

const MADE_TRANSACTIONS_KEPT = 2_000
const BLOCKS_KEPT = 200
/** A coin has eight decimals on all these chains. */
const DECIMALS = 8

/** What a node says a block is, its list of ids proven. */
interface ListedBlock {
  readonly header: ProvenHeader
  readonly height: number
  readonly places: ReadonlyMap<string, number>
}

/**
 * A node of Bitcoin Core or its kin, asked over JSON-RPC and not believed: blocks come raw and are decoded in full, transactions
 * come raw and are hashed, lists of ids give the Merkle root of a header that proves its work. Heights are the node's word.
 * Faults: `SOURCE_UNAVAILABLE`, `SOURCE_CONTRADICTS`, and `BLOCK_INVALID` where a raw block denies itself.
 */
export class BitcoinRpc {
  readonly #chain: Chain
  readonly #http: HttpSource
  readonly #proveInputs: boolean
  readonly #makers = new LRUCache<string, RawTransaction>({ max: MADE_TRANSACTIONS_KEPT })
  readonly #blocks = new LRUCache<string, ListedBlock>({ max: BLOCKS_KEPT })
  #asked = 0

  constructor(options: BitcoinRpcOptions) {
    this.#chain = options.chain
    this.#http = options.http
    this.#proveInputs = options.proveInputs ?? false
  }

  /** The newest block on the node's best chain. Fault `SOURCE_CONTRADICTS` where the node is of another network. */
  async tip(): Promise<Tip> {
    const info = record(await this.#call('getblockchaininfo', []))
    const height = wholeNumber(info?.blocks)
    const hash = info?.bestblockhash
    if (height === undefined || !isHash(hash)) throw contradicts('getblockchaininfo does not say the newest block')
    const networks = NETWORKS[/-(testnet\d?|signet|regtest)$/.exec(this.#chain)?.[1] ?? 'main']
    if (typeof info?.chain !== 'string' || !networks.includes(info.chain)) {
      throw contradicts(`the node is on ${JSON.stringify(info?.chain)}, which is not ${this.#chain}`)
    }
    const header = await this.#header(hash)
    return { height, hash, time: header.time }
  }

  /** The block at a height of the node's best chain, every hash in it recomputed; undefined above the tip. */
  async block(height: number): Promise<ReadBlock | undefined> {
    const hash = await this.#call('getblockhash', [height], [OUT_OF_RANGE])
    if (hash === undefined) return undefined
    if (!isHash(hash)) throw contradicts(`the hash at height ${height} is not 64 hexadecimal digits`)
    const raw = hexBytes(await this.#call('getblock', [hash, 0]))
    if (raw === undefined) throw contradicts(`block ${hash} did not come as hexadecimal text`)
    const block = decodeBlock(raw, { chain: this.#chain, height })
    if (block.hash !== hash) throw contradicts(`block ${hash} was asked for, ${block.hash} came`)
    const told = this.#proveInputs ? undefined : await this.#toldPrevouts(block)
    const prevouts = told ?? (await this.#provenPrevouts(block))
    checkOpened(block, prevouts)
    const { transactions, assumed } = toTransactions(block, prevouts)
    const previous = height === 0 ? undefined : block.previous
    return { chain: this.#chain, height, hash, previous, time: block.time, transactions, assumed }
  }

  /**
   * A transaction on the best chain with its place, all proven; undefined where the node does not know it or it waits
   * for a block. For others than its own the node needs its transaction index (`txindex=1`).
   */
  async transaction(id: string): Promise<UtxoTransaction | undefined> {
    if (!isHash(id)) throw new Fault('REQUEST_INVALID', `${JSON.stringify(id)} is not a transaction id`)
    const told = await this.#call('getrawtransaction', [id, true], [NOT_FOUND])
    if (told === undefined) return undefined
    const printed = record(told)
    const raw = proveTransaction(this.#chain, id, hexBytes(printed?.hex))
    if (printed?.blockhash === undefined || printed.confirmations === 0) return undefined
    if (!isHash(printed.blockhash)) throw contradicts(`transaction ${id}: its block is not 64 hexadecimal digits`)
    const block = await this.#listedBlock(printed.blockhash)
    const index = block.places.get(id)
    if (index === undefined)
      throw contradicts(`transaction ${id} is not in block ${printed.blockhash}, as the node says`)
    const inputs: Input[] = []
    for (const { transaction, output } of raw.inputs) inputs.push(spentOutput(await this.#raw(transaction), output))
    const { height, header } = block
    return toLedger(this.#chain, raw, inputs, { height, index, time: header.time, blockHash: header.hash })
  }

  /** What a block spends as the node's undo data has it; undefined where this node does not print it. */
  async #toldPrevouts(block: DecodedBlock): Promise<Prevouts | undefined> {
    const told = record(await this.#call('getblock', [block.hash, 3]))
    const list = told?.tx
    if (told?.hash !== block.hash || !Array.isArray(list) || list.length !== block.transactionCount) {
      throw contradicts(`block ${block.hash} came with another hash or number of transactions`)
    }
    const spent: { amount: bigint; script: Buffer }[] = []
    for (let t = 1; t < block.transactionCount; t++) {
      const tx = record(list[t])
      const id = hashText(block.ids, 32 * t)
      const vin = tx?.vin
      if (tx?.txid !== id || !Array.isArray(vin) || vin.length !== block.inputStart[t + 1] - block.inputStart[t]) {
        throw contradicts(`block ${block.hash}: transaction ${id} came under another id or with other inputs`)
      }
      for (const [i, each] of vin.entries()) {
        const input = record(each)
        const at = block.inputOffset[block.inputStart[t] + i]
        if (input?.txid !== hashText(block.bytes, at) || input.vout !== block.bytes.readUInt32LE(at + 32)) {
          throw contradicts(`transaction ${id}, input ${i}: the node names another output than the block`)
        }
        if (input.prevout === undefined) return undefined
        const prevout = record(input.prevout)
        const amount = coins(prevout?.value)
        const script = hexBytes(record(prevout?.scriptPubKey)?.hex)
        if (amount === undefined || script === undefined || amount > getChainParams(this.#chain).amountMax) {
          throw contradicts(`transaction ${id}, input ${i}: what it spends has no amount or script that can be`)
        }
        spent.push({ amount, script })
      }
    }
    return toPrevouts(spent)
  }

  /** What a block spends by the bytes of the transactions that made it. */
  async #provenPrevouts(block: DecodedBlock): Promise<Prevouts> {
    const spent: { amount: bigint; script: Buffer }[] = []
    for (const [i, at] of block.inputOffset.entries()) {
      const parent = block.inputParent[i]
      if (parent !== -1) {
        const script = block.bytes.subarray(block.outputScriptStart[parent], block.outputScriptEnd[parent])
        spent.push({ amount: block.outputAmount[parent], script })
        continue
      }
      const maker = await this.#raw(hashText(block.bytes, at))
      const output = block.bytes.readUInt32LE(at + 32)
      const { amount } = spentOutput(maker, output)
      spent.push({ amount, script: maker.outputs[output].script })
    }
    return toPrevouts(spent)
  }

  async #listedBlock(hash: string): Promise<ListedBlock> {
    const known = this.#blocks.get(hash)
    if (known !== undefined) return known
    const told = record(await this.#call('getblock', [hash, 1]))
    const height = wholeNumber(told?.height)
    const ids = told?.tx
    if (told?.hash !== hash || height === undefined || !Array.isArray(ids) || !ids.every(isHash)) {
      throw contradicts(`block ${hash} came without its hash, height or ids`)
    }
    if ((await this.#call('getblockhash', [height])) !== hash) {
      throw contradicts(`block ${hash} is said to be at height ${height}, where another block is`)
    }
    const header = await this.#header(hash)
    proveList(header, ids)
    const block = { header, height, places: new Map(ids.map((id, place) => [id, place])) }
    this.#blocks.set(hash, block)
    return block
  }

  async #header(hash: string): Promise<ProvenHeader> {
    return proveHeader(this.#chain, hash, hexBytes(await this.#call('getblockheader', [hash, false])))
  }

  async #raw(id: string): Promise<RawTransaction> {
    const known = this.#makers.get(id)
    if (known !== undefined) return known
    const hex = await this.#call('getrawtransaction', [id, false], [NOT_FOUND])
    if (hex === undefined) {
      throw new Fault(
        'SOURCE_UNAVAILABLE',
        `the node does not give transaction ${id}, which is needed for an amount; it has no transaction index (txindex=1) or is pruned`,
      )
    }
    const raw = proveTransaction(this.#chain, id, hexBytes(hex))
    this.#makers.set(id, raw)
    return raw
  }

  /** One call; undefined where the node answers with one of the error codes that mean there is none. */
  async #call(method: string, params: readonly unknown[], none: readonly number[] = []): Promise<unknown> {
    const id = ++this.#asked
    const question = JSON.stringify({ jsonrpc: '1.0', id, method, params })
    // Core answers 500 or 404 where the call itself failed, with the reason as JSON; 503 means it is busy.
    const { status, body } = await this.#http.post('', question, [404, 500])
    const answer = record(parseJson(body))
    if (answer === undefined) {
      throw new Fault('SOURCE_UNAVAILABLE', `${method}: the node answered ${status} with no JSON object`)
    }
    if (answer.id !== id)
      throw contradicts(`${method}: the answer is to another question (${JSON.stringify(answer.id)})`)
    const error = record(answer.error)
    if (error !== undefined) {
      if (none.includes(error.code as number)) return undefined
      const message = this.#http.redact(String(error.message).slice(0, 300))
      throw new Fault('SOURCE_UNAVAILABLE', `${method}: the node refuses (${String(error.code)}): ${message}`)
    }
    if (status !== 200 || answer.result === undefined || answer.result === null) {
      throw contradicts(`${method}: the node answered ${status} with neither a result nor an error`)
    }
    return answer.result
  }
}

/** What nodes call the network of a chain, by the end of the chain's name. */
const NETWORKS: Readonly<Record<string, readonly string[]>> = {
  main: ['main'],
  testnet: ['test', 'testnet4', 'signet'],
  testnet3: ['test'],
  testnet4: ['testnet4', 'test4'],
  signet: ['signet'],
  regtest: ['regtest'],
}

/** Coins as a node prints them, as base units; `parseJson` has kept a fraction as text. */
function coins(value: unknown): bigint | undefined {
  if (typeof value === 'string') return parseAmount(value, DECIMALS)
  const whole = wholeNumber(value)
  return whole === undefined ? undefined : parseAmount(String(whole), DECIMALS)
}

function toPrevouts(spent: readonly { amount: bigint; script: Buffer }[]): Prevouts {
  const scriptStart = new Uint32Array(spent.length)
  const scriptEnd = new Uint32Array(spent.length)
  let at = 0
  for (const [i, { script }] of spent.entries()) {
    scriptStart[i] = at
    at += script.length
    scriptEnd[i] = at
  }
  return {
    count: spent.length,
    amount: BigUint64Array.from(spent, ({ amount }) => amount),
    bytes: Buffer.concat(spent.map(({ script }) => script)),
    scriptStart,
    scriptEnd,
  }
}
