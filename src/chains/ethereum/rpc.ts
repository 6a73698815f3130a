import { LRUCache } from 'lru-cache'
import { type Asset, type AssetFact, type Chain, NATIVE } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import type { Gap } from '../../gaps.ts'
import { canonicalAddress } from '../address.ts'
import type { HttpSource } from '../http.ts'
import { JsonRpc, RpcRefusal } from '../json-rpc.ts'
import { asRecord, type BlockSource, contradicts, type SourceBlock, type Tip } from '../source.ts'
import { type EvmChain, evmChainOfId, findEvmChain } from './chains.ts'
import {
  count,
  type EncodedTransaction,
  encodeReceipt,
  encodeTransaction,
  headerHash,
  hex,
  type Printed,
  quantity,
  Unencodable,
} from './encoding.ts'
import { internalsOfCallTree, internalsOfTraceList } from './traces.ts'
import { type EvmLog, type InternalTransfer, TRANSFER_TOPIC, toAccountTransaction } from './transfers.ts'
import { listRoot } from './trie.ts'

export interface EvmRpcOptions {
  readonly chain: Chain
  readonly http: HttpSource
  /** Whether coin moved inside transactions is asked for; default true. Where no node offers it, each block has a gap. */
  readonly traces?: boolean
  /** Whether each sender is recovered from its signature (some tenths of a millisecond each); default true. */
  readonly proveSenders?: boolean
  readonly batchMax?: number
}

/** The ways in which nodes offer what moved inside a transaction. */
type TraceWay = 'debug_traceBlockByHash' | 'trace_block' | 'debug_traceTransaction'
const TRACE_WAYS: readonly TraceWay[] = ['debug_traceBlockByHash', 'trace_block', 'debug_traceTransaction']
const CALL_TRACER = { tracer: 'callTracer' }
const BLOCKS_KEPT = 64

/** Selectors of `symbol()` and `decimals()` (ERC-20). */
const SYMBOL = '0x95d89b41'
const DECIMALS = '0x313ce567'

/**
 * A node of an EVM chain, asked over JSON-RPC and not believed: the header gives the block's hash, the transactions and the
 * receipts give the roots in the header, signatures give the senders, gas and prices give the fees. What moved inside
 * a transaction is the node's word: no hash holds it. Heights follow from the header. On networks whose encoding is their own
 * (`EvmChain.provable`) blocks are only held to each other.
 *
 * Faults: `SOURCE_UNAVAILABLE`, `SOURCE_CONTRADICTS`.
 */
export class EvmRpc implements BlockSource {
  readonly #network: EvmChain
  readonly #rpc: JsonRpc
  readonly #traces: boolean
  readonly #proveSenders: boolean
  readonly #blocks = new LRUCache<number, SourceBlock>({ max: BLOCKS_KEPT })
  #way: TraceWay | 'none' | undefined
  #blockReceipts = true
  #checked: Promise<void> | undefined

  constructor(options: EvmRpcOptions) {
    const network = findEvmChain(options.chain)
    if (network === undefined) {
      throw new Fault('REQUEST_INVALID', `${options.chain} is not an EVM chain; names are like ethereum, bsc, eip155:1`)
    }
    this.#network = network
    this.#rpc = new JsonRpc(options.http, options.batchMax)
    this.#traces = options.traces ?? true
    this.#proveSenders = options.proveSenders ?? true
  }

  get chain(): Chain {
    return this.#network.chain
  }

  /** The newest block. Fault `SOURCE_CONTRADICTS` where the node is of another network. */
  async tip(): Promise<Tip> {
    await this.#checkNetwork()
    const printed = asRecord(await this.#rpc.call('eth_getBlockByNumber', ['latest', false]))
    const height = count(printed?.number)
    if (printed === undefined || height === undefined) throw contradicts('the newest block has no number')
    return this.#header(printed, height)
  }

  async block(height: number): Promise<SourceBlock | undefined> {
    const known = this.#blocks.get(height)
    if (known !== undefined) return known
    await this.#checkNetwork()
    const answer = await this.#rpc.call('eth_getBlockByNumber', [`0x${height.toString(16)}`, true])
    if (answer === null) return undefined
    const block = await this.#read(answer, height)
    this.#blocks.set(height, block)
    return block
  }

  /** Forgets blocks read before: the chain was reorganised. */
  forget(): void {
    this.#blocks.clear()
  }

  /** The height of the block a transaction is in; undefined where the node does not know it or it waits. */
  async heightOf(id: string): Promise<number | undefined> {
    if (hex(id, 32) === undefined) throw new Fault('REQUEST_INVALID', `${JSON.stringify(id)} is not a transaction id`)
    await this.#checkNetwork()
    const printed = asRecord(await this.#rpc.call('eth_getTransactionByHash', [id]))
    return printed === undefined || printed.blockNumber === null ? undefined : count(printed.blockNumber)
  }

  /** Heights of the blocks in a range in which a token's transfers name an account. The refusal where the range is too large for the node. */
  async transferHeights(token: Asset, address: string, from: number, to: number): Promise<number[] | RpcRefusal> {
    await this.#checkNetwork()
    const topic = `0x${'0'.repeat(24)}${address.slice(2).toLowerCase()}`
    const heights = new Set<number>()
    for (const topics of [
      [TRANSFER_TOPIC, topic],
      [TRANSFER_TOPIC, null, topic],
    ]) {
      const range = { fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` }
      const logs = await this.#rpc.ask('eth_getLogs', [{ address: token, topics, ...range }])
      if (logs instanceof RpcRefusal) return logs
      if (!Array.isArray(logs)) throw contradicts('eth_getLogs did not answer with a list')
      for (const each of logs) {
        const height = count(asRecord(each)?.blockNumber)
        if (height === undefined || height < from || height > to) {
          throw contradicts(`eth_getLogs names a block outside ${from} to ${to}`)
        }
        heights.add(height)
      }
    }
    return [...heights].sort((a, b) => a - b)
  }

  /** How a token calls itself, or the chain's coin; undefined where the contract does not say. The symbol proves nothing. */
  async asset(asset: Asset): Promise<AssetFact | undefined> {
    const { chain } = this.#network
    if (asset === NATIVE) return { chain, asset, symbol: this.#network.symbol, decimals: 18 }
    const told = await this.#rpc.ask('eth_call', [{ to: asset, data: DECIMALS }, 'latest'])
    const decimals = told instanceof RpcRefusal ? undefined : quantity(told)
    if (decimals === undefined || decimals > 77n) return undefined
    const named = await this.#rpc.ask('eth_call', [{ to: asset, data: SYMBOL }, 'latest'])
    return { chain, asset, symbol: named instanceof RpcRefusal ? '' : symbolOf(named), decimals: Number(decimals) }
  }

  #checkNetwork(): Promise<void> {
    this.#checked ??= this.#rpc.call('eth_chainId', []).then((answer) => {
      const id = count(answer)
      if (id !== this.#network.id) {
        const name = id === undefined ? 'no chain' : evmChainOfId(id)
        throw contradicts(`the node is on ${name}, which is not ${this.#network.chain}`)
      }
    })
    this.#checked.catch(() => {
      this.#checked = undefined
    })
    return this.#checked
  }

  #header(printed: Printed, height: number): Tip & { previous: string } {
    const hash = hex(printed.hash, 32)
    const previous = hex(printed.parentHash, 32)
    const time = count(printed.timestamp)
    if (hash === undefined || previous === undefined || time === undefined) {
      throw contradicts(`block ${height} lacks a hash, a predecessor or a time`)
    }
    if (count(printed.number) !== height)
      throw contradicts(`block ${height} was asked for, ${String(printed.number)} came`)
    if (this.#network.provable) {
      const found = this.#encoded(() => headerHash(printed), `block ${height}`)
      if (found !== hash) throw contradicts(`block ${height} says its hash is ${hash}; its header gives ${found}`)
    }
    return { height, hash, previous, time }
  }

  #encoded<Value>(encode: () => Value, where: string): Value {
    try {
      return encode()
    } catch (error) {
      if (error instanceof Unencodable) throw contradicts(`${where}: ${error.message}`)
      throw error
    }
  }

  async #read(answer: unknown, height: number): Promise<SourceBlock> {
    const printed = asRecord(answer)
    if (printed === undefined) throw contradicts(`block ${height} is no object`)
    const { hash, previous, time } = this.#header(printed, height)
    const where = `block ${height}`
    const list = printed.transactions
    if (!Array.isArray(list)) throw contradicts(`${where} has no list of transactions`)
    const transactions = list.map((each, i) => {
      const transaction = asRecord(each)
      if (transaction === undefined) throw contradicts(`${where}: transaction ${i} is no object`)
      return transaction
    })
    const encoded = this.#network.provable ? this.#proveTransactions(printed, transactions, where) : undefined
    const receipts = list.length === 0 ? [] : await this.#receipts(hash, transactions, where)
    if (this.#network.provable) {
      const root = this.#encoded(() => listRoot(receipts.map(encodeReceipt)), where)
      if (root !== hex(printed.receiptsRoot, 32))
        throw contradicts(`${where}: its receipts do not give the root in its header`)
    }
    const gaps: Gap[] = []
    const internals = await this.#internals(hash, height, transactions, gaps)
    const baseFee = quantity(printed.baseFeePerGas)
    let gasBefore = 0n
    let logsBefore = 0
    const rows = transactions.map((transaction, index) => {
      const receipt = receipts[index]
      const id = hex(transaction.hash, 32)!
      const at = `transaction ${id}`
      if (count(transaction.transactionIndex) !== index || hex(transaction.blockHash, 32) !== hash) {
        throw contradicts(`${at} says it stands elsewhere than at place ${index} of block ${height}`)
      }
      const from = account(transaction.from, `${at}: from`)
      if (encoded !== undefined && this.#proveSenders && encoded[index].sender() !== from) {
        throw contradicts(`${at} is said to be sent by ${from}; its signature is ${encoded[index].sender()}'s`)
      }
      const gasSoFar = quantity(receipt.cumulativeGasUsed)
      const gasUsed = quantity(receipt.gasUsed)
      if (gasSoFar === undefined || gasUsed === undefined || gasSoFar - gasBefore !== gasUsed) {
        throw contradicts(`${at}: the gas it used is not what the block's running total says`)
      }
      gasBefore = gasSoFar
      const logs = readLogs(receipt, logsBefore, at)
      logsBefore += logs.length
      const made = receipt.contractAddress === null ? undefined : receipt.contractAddress
      const to = transaction.to ?? made ?? null
      const value = quantity(transaction.value)
      if (value === undefined) throw contradicts(`${at}: its value is no quantity`)
      return toAccountTransaction({
        chain: this.#network.chain,
        id,
        height,
        index,
        time,
        blockHash: hash,
        from,
        to: to === null ? null : account(to, `${at}: to`),
        value,
        failed: hasFailed(transaction, receipt, gasUsed),
        fee: gasUsed * this.#gasPrice(transaction, receipt, baseFee, at) + extraFees(receipt),
        logs,
        internals: internals.get(id) ?? [],
      })
    })
    return {
      chain: this.#network.chain,
      height,
      hash,
      previous: height === 0 ? undefined : previous,
      time,
      transactions: rows,
      gaps,
    }
  }

  #proveTransactions(block: Printed, transactions: readonly Printed[], where: string): EncodedTransaction[] {
    const encoded = transactions.map((transaction) =>
      this.#encoded(() => encodeTransaction(transaction), `transaction ${String(transaction.hash).slice(0, 66)}`),
    )
    for (const [i, { id }] of encoded.entries()) {
      if (hex(transactions[i].hash, 32) !== id) {
        throw contradicts(
          `${where}: transaction ${i} says it is ${String(transactions[i].hash).slice(0, 66)}; its bytes are ${id}`,
        )
      }
    }
    if (listRoot(encoded.map((each) => each.encoded)) !== hex(block.transactionsRoot, 32)) {
      throw contradicts(`${where}: its transactions do not give the root in its header`)
    }
    return encoded
  }

  async #receipts(hash: string, transactions: readonly Printed[], where: string): Promise<Printed[]> {
    let told: unknown
    if (this.#blockReceipts) {
      told = await this.#rpc.ask('eth_getBlockReceipts', [hash])
      if (told instanceof RpcRefusal || told === null) {
        this.#blockReceipts = false
        told = undefined
      }
    }
    told ??= await this.#rpc.all(
      transactions.map(({ hash: id }) => ({ method: 'eth_getTransactionReceipt', params: [id] })),
    )
    if (!Array.isArray(told) || told.length !== transactions.length) {
      throw contradicts(`${where}: ${transactions.length} receipts were asked for and another number came`)
    }
    return told.map((each, i) => {
      const receipt = asRecord(each)
      if (receipt === undefined || hex(receipt.transactionHash, 32) !== hex(transactions[i].hash, 32)) {
        throw contradicts(`${where}: receipt ${i} is not of transaction ${i}`)
      }
      if (hex(receipt.blockHash, 32) !== hash) throw contradicts(`${where}: receipt ${i} is of another block`)
      return receipt
    })
  }

  /** The price of gas a transaction paid, computed from its header where the network's rules are Ethereum's (EIP-1559). */
  #gasPrice(transaction: Printed, receipt: Printed, baseFee: bigint | undefined, at: string): bigint {
    const told = quantity(receipt.effectiveGasPrice)
    if (!this.#network.provable) {
      const price = told ?? quantity(transaction.gasPrice)
      if (price === undefined) throw contradicts(`${at}: what it paid for gas is not said`)
      return price
    }
    const most = quantity(transaction.maxFeePerGas)
    const tip = quantity(transaction.maxPriorityFeePerGas)
    let price = quantity(transaction.gasPrice)
    if ((count(transaction.type) ?? 0) >= 2 && most !== undefined && tip !== undefined && baseFee !== undefined) {
      price = baseFee + tip < most ? baseFee + tip : most
    }
    if (price === undefined || (told !== undefined && told !== price)) {
      throw contradicts(`${at}: it paid ${price ?? 'nothing that can be computed'} for gas; its receipt says ${told}`)
    }
    return price
  }

  async #internals(
    hash: string,
    height: number,
    transactions: readonly Printed[],
    gaps: Gap[],
  ): Promise<Map<string, InternalTransfer[]>> {
    const none = new Map<string, InternalTransfer[]>()
    // Nothing can move inside a block whose transactions call no code; a transfer has no input and 21,000 gas.
    if (transactions.every((each) => hex(each.input ?? each.data) === '0x' && quantity(each.gas) === 21_000n))
      return none
    if (this.#traces && this.#way !== 'none') {
      for (const way of this.#way === undefined ? TRACE_WAYS : [this.#way]) {
        const found = await this.#trace(way, hash, height, transactions)
        if (found === undefined) continue
        this.#way = way
        return found
      }
      this.#way = 'none'
    }
    gaps.push({
      kind: 'TRACES_UNAVAILABLE',
      where: `${this.#network.chain} block ${height}`,
      detail:
        'coin that contracts moved in this block is not known; ask a node that offers debug_traceBlockByHash or trace_block',
    })
    return none
  }

  async #trace(
    way: TraceWay,
    hash: string,
    height: number,
    transactions: readonly Printed[],
  ): Promise<Map<string, InternalTransfer[]> | undefined> {
    const where = `block ${height}`
    const settle = (told: unknown): boolean => {
      if (!(told instanceof RpcRefusal)) return true
      // A node that has answered before and now does not is in trouble; silence would lose value.
      if (this.#way === undefined || told.notOffered) return false
      throw new Fault('SOURCE_UNAVAILABLE', `${way}: ${where}: the node refuses: ${told.message}`)
    }
    if (way === 'trace_block') {
      const told = await this.#rpc.ask('trace_block', [`0x${height.toString(16)}`])
      return settle(told) ? internalsOfTraceList(told, where) : undefined
    }
    const found = new Map<string, InternalTransfer[]>()
    if (way === 'debug_traceBlockByHash') {
      const told = await this.#rpc.ask(way, [hash, CALL_TRACER])
      if (!settle(told)) return undefined
      if (!Array.isArray(told) || told.length !== transactions.length) {
        throw contradicts(`${where}: ${transactions.length} transactions have another number of traces`)
      }
      for (const [i, each] of told.entries()) {
        const trace = asRecord(each)
        const id = hex(transactions[i].hash, 32)!
        if (trace?.txHash !== undefined && hex(trace.txHash, 32) !== id) {
          throw contradicts(`${where}: trace ${i} is of another transaction`)
        }
        found.set(id, internalsOfCallTree(trace?.result, `transaction ${id}`))
      }
      return found
    }
    for (const transaction of transactions) {
      const id = hex(transaction.hash, 32)!
      const told = await this.#rpc.ask(way, [id, CALL_TRACER])
      if (!settle(told)) return undefined
      found.set(id, internalsOfCallTree(told, `transaction ${id}`))
    }
    return found
  }
}

function account(value: unknown, where: string): string {
  const found = typeof value === 'string' ? canonicalAddress('ethereum', value.toLowerCase()) : undefined
  if (found === undefined) throw contradicts(`${where} is no account`)
  return found
}

function readLogs(receipt: Printed, first: number, at: string): EvmLog[] {
  if (!Array.isArray(receipt.logs)) throw contradicts(`${at}: its logs are no list`)
  return receipt.logs.map((each, i) => {
    const log = asRecord(each)
    const address = hex(log?.address, 20)
    const data = hex(log?.data)
    const topics = Array.isArray(log?.topics) ? log.topics.map((topic) => hex(topic, 32)) : [undefined]
    const index = count(log?.logIndex)
    if (address === undefined || data === undefined || index === undefined || topics.includes(undefined)) {
      throw contradicts(`${at}: log ${i} is not whole`)
    }
    if (index !== first + i)
      throw contradicts(`${at}: log ${i} says it is number ${index} of its block, not ${first + i}`)
    return { address, data, topics: topics as string[], index }
  })
}

/**
 * Whether a transaction failed. Before Byzantium receipts did not say; then a failure burnt all its gas (there was no
 * REVERT), and what burnt all its gas, called code and left no log is taken to have failed.
 */
function hasFailed(transaction: Printed, receipt: Printed, gasUsed: bigint): boolean {
  const status = quantity(receipt.status)
  if (status !== undefined) return status === 0n
  const logs = Array.isArray(receipt.logs) ? receipt.logs.length : 0
  return quantity(transaction.gas) === gasUsed && gasUsed > 21_000n && logs === 0
}

/** What is paid beside gas: for blobs (EIP-4844), and to the first layer on rollups that print `l1Fee`. */
function extraFees(receipt: Printed): bigint {
  const blobs = (quantity(receipt.blobGasUsed) ?? 0n) * (quantity(receipt.blobGasPrice) ?? 0n)
  return blobs + (quantity(receipt.l1Fee) ?? 0n)
}

/** A symbol as `symbol()` returns it: a text, or 32 bytes in contracts of the first years. */
function symbolOf(answer: unknown): string {
  const bytes = hex(answer)
  if (bytes === undefined) return ''
  const raw = Buffer.from(bytes.slice(2), 'hex')
  let text = raw
  if (raw.length >= 64) {
    const length = Number(BigInt(`0x${raw.subarray(32, 64).toString('hex')}`) & 0xffn)
    text = raw.subarray(64, 64 + length)
  }
  return text
    .toString('utf8')
    .replace(/\0+$/, '')
    .replace(/[\p{C}\uFFFD]/gu, '')
    .slice(0, 64)
}
