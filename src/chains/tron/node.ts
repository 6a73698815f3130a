import { hash } from 'node:crypto'
import { encodeBase58 } from 'ethers'
import { LRUCache } from 'lru-cache'
import {
  type AccountTransaction,
  type Asset,
  type AssetFact,
  type Chain,
  NATIVE,
  type Transfer,
} from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { INTERNAL_FIRST, TRANSFER_TOPIC } from '../ethereum/transfers.ts'
import { type HttpSource, parseJson } from '../http.ts'
import { asRecord, type BlockSource, contradicts, type SourceBlock, type Tip } from '../source.ts'
import { readMessage, writeMessage } from './protobuf.ts'

export interface TronNodeOptions {
  readonly chain: Chain
  /** Its base URL is the node's: `https://api.trongrid.io`, `http://localhost:8090`. */
  readonly http: HttpSource
}

type Printed = Readonly<Record<string, unknown>>

/** Numbers of the kinds of contract that move coin (java-tron, `Transaction.Contract.ContractType`). */
const TRANSFER = 1n
const CREATE_SMART_CONTRACT = 30n
const TRIGGER_SMART_CONTRACT = 31n
const BLOCKS_KEPT = 64
const ADDRESSES_KEPT = 100_000

/**
 * A full node of TRON over its HTTP interface, which TronGrid offers too. Proven: each block's id from its header, each
 * transaction's id from its raw bytes, and from those bytes who sent how much coin to whom. The node's word, held by no hash that
 * it prints: which transactions a block has (their root is over bytes it does not give), the logs in which tokens move,
 * fees, and what contracts moved. Logs and coin must at least name the block and transaction they stand in.
 *
 * Coin that staking locks, frees or earns is no transfer and is not told; TRC-10 tokens are not read.
 */
export class TronNode implements BlockSource {
  readonly #chain: Chain
  readonly #http: HttpSource
  readonly #blocks = new LRUCache<number, SourceBlock>({ max: BLOCKS_KEPT })

  constructor(options: TronNodeOptions) {
    if (!/^tron(-|$)/.test(options.chain)) throw new Fault('REQUEST_INVALID', `${options.chain} is not TRON`)
    this.#chain = options.chain
    this.#http = options.http
  }

  async tip(): Promise<Tip> {
    const printed = await this.#ask('/wallet/getnowblock', {})
    return proveHeader(printed, 'the newest block')
  }

  async block(height: number): Promise<SourceBlock | undefined> {
    const known = this.#blocks.get(height)
    if (known !== undefined) return known
    const where = `block ${height}`
    const printed = await this.#ask('/wallet/getblockbynum', { num: height })
    // A node answers an empty object above its tip.
    if (printed.blockID === undefined) return undefined
    const header = proveHeader(printed, where)
    if (header.height !== height) throw contradicts(`${where} was asked for, block ${header.height} came`)
    const list = printed.transactions ?? []
    if (!Array.isArray(list)) throw contradicts(`${where}: its transactions are no list`)
    const infos = list.length === 0 ? [] : await this.#infos(height)
    if (infos.length !== list.length) {
      throw contradicts(`${where} has ${list.length} transactions, and ${infos.length} results of transactions`)
    }
    const seen = new Set<string>()
    const transactions = list.map((each, index) => {
      const row = this.#transaction(each, infos[index], { ...header, index })
      if (seen.has(row.id)) throw contradicts(`${where} has transaction ${row.id} twice`)
      seen.add(row.id)
      return row
    })
    const { hash: id, time, previous } = header
    const block = {
      chain: this.#chain,
      height,
      hash: id,
      previous: height === 0 ? undefined : previous,
      time,
      transactions,
    }
    this.#blocks.set(height, block)
    return block
  }

  /** Forgets blocks read before: the chain was reorganised. */
  forget(): void {
    this.#blocks.clear()
  }

  /** The height of the block a transaction is in; undefined where the node does not know it or it waits. */
  async heightOf(id: string): Promise<number | undefined> {
    if (!/^[0-9a-f]{64}$/.test(id)) throw new Fault('REQUEST_INVALID', `${JSON.stringify(id)} is not a transaction id`)
    const info = await this.#ask('/wallet/gettransactioninfobyid', { value: id })
    if (info.id === undefined) return undefined
    const height = whole(info.blockNumber)
    if (info.id !== id || height === undefined)
      throw contradicts(`the result of transaction ${id} is another's or names no block`)
    return height
  }

  /** How a token calls itself; undefined where it does not say. */
  async asset(asset: Asset): Promise<AssetFact | undefined> {
    const chain = this.#chain
    if (asset === NATIVE) return { chain, asset, symbol: 'TRX', decimals: 6 }
    const ask = async (selector: string): Promise<string | undefined> => {
      const answer = await this.#ask('/wallet/triggerconstantcontract', {
        owner_address: asset,
        contract_address: asset,
        function_selector: selector,
        visible: true,
      })
      const [result] = Array.isArray(answer.constant_result) ? answer.constant_result : []
      return typeof result === 'string' && /^([0-9a-f]{2})+$/.test(result) ? result : undefined
    }
    const decimals = await ask('decimals()')
    if (decimals === undefined || decimals.length !== 64 || BigInt(`0x${decimals}`) > 77n) return undefined
    return { chain, asset, symbol: textOf(await ask('symbol()')), decimals: Number(BigInt(`0x${decimals}`)) }
  }

  async #infos(height: number): Promise<readonly unknown[]> {
    const { body } = await this.#http.post('/wallet/gettransactioninfobyblocknum', JSON.stringify({ num: height }))
    const infos = parseJson(body)
    if (!Array.isArray(infos)) throw contradicts(`the results of block ${height} are no list`)
    return infos
  }

  async #ask(path: string, question: Printed): Promise<Printed> {
    const { body } = await this.#http.post(path, JSON.stringify(question))
    const answer = asRecord(parseJson(body))
    if (answer === undefined) throw new Fault('SOURCE_UNAVAILABLE', `${path}: the answer is no JSON object`)
    const refusal = answer.Error ?? answer.error
    if (refusal !== undefined) {
      const said = this.#http.redact(String(refusal).slice(0, 300))
      throw new Fault('SOURCE_UNAVAILABLE', `${path}: the node refuses: ${said}`)
    }
    return answer
  }

  #transaction(value: unknown, result: unknown, place: Tip & { index: number }): AccountTransaction {
    const printed = asRecord(value)
    const info = asRecord(result)
    const id = printed?.txID
    const at = `block ${place.height}, transaction ${place.index}`
    if (printed === undefined || typeof id !== 'string') throw contradicts(`${at} has no id`)
    const raw = bytesOf(printed.raw_data_hex)
    if (raw === undefined) throw contradicts(`${at}: its raw bytes are not hexadecimal text`)
    const found = hash('sha256', raw, 'hex')
    if (found !== id) throw contradicts(`${at} says it is ${id}; its bytes are ${found}`)
    if (info === undefined || info.id !== id || whole(info.blockNumber) !== place.height) {
      throw contradicts(`${at}: the result in its place is of another transaction or block`)
    }
    const [told] = Array.isArray(printed.ret) ? printed.ret : []
    const verdict = asRecord(told)?.contractRet
    const failed = (verdict !== undefined && verdict !== 'SUCCESS') || info.result === 'FAILED'
    const fee = info.fee === undefined ? 0n : units(info.fee)
    if (fee === undefined) throw contradicts(`transaction ${id}: its fee is no amount`)
    const { sender, payment } = readContract(raw, info, id)
    const transfers: Transfer[] = payment === undefined ? [] : [payment]
    if (!failed) transfers.push(...logTransfers(info, id), ...internalTransfers(info, id))
    return {
      kind: 'account',
      chain: this.#chain,
      id,
      height: place.height,
      index: place.index,
      time: place.time,
      blockHash: place.hash,
      status: failed ? 'failed' : 'success',
      transfers,
      fee: fee > 0n && sender !== undefined ? { from: sender, amount: fee } : undefined,
    }
  }
}

/** A block's id is its height and the rest of its header's SHA-256 (java-tron, `BlockCapsule`). */
function proveHeader(printed: Printed, where: string): Tip & { previous: string } {
  const raw = asRecord(asRecord(printed.block_header)?.raw_data)
  const height = whole(raw?.number ?? 0)
  const timestamp = whole(raw?.timestamp ?? 0)
  const [root, previous, witness, state] = [
    raw?.txTrieRoot,
    raw?.parentHash,
    raw?.witness_address,
    raw?.accountStateRoot,
  ].map(bytesOf)
  const version = whole(raw?.version ?? 0)
  const witnessId = whole(raw?.witness_id ?? 0)
  const id = printed.blockID
  if (
    raw === undefined ||
    height === undefined ||
    timestamp === undefined ||
    version === undefined ||
    witnessId === undefined ||
    previous?.length !== 32 ||
    typeof id !== 'string'
  ) {
    throw contradicts(`${where}: its header is not whole`)
  }
  const header = writeMessage([
    [1, BigInt(timestamp)],
    ...(root === undefined ? [] : [[2, root] as const]),
    [3, previous],
    [7, BigInt(height)],
    [8, BigInt(witnessId)],
    ...(witness === undefined ? [] : [[9, witness] as const]),
    [10, BigInt(version)],
    ...(state === undefined ? [] : [[11, state] as const]),
  ])
  const found = height.toString(16).padStart(16, '0') + hash('sha256', header, 'hex').slice(16)
  if (found !== id) throw contradicts(`${where} says it is ${id}; its header gives ${found}`)
  return { height, hash: id, previous: previous.toString('hex'), time: Math.floor(timestamp / 1000) }
}

/** Who signed for a transaction's contract and what coin it sends, by the transaction's own bytes. */
function readContract(
  raw: Buffer,
  info: Printed,
  id: string,
): { sender: string | undefined; payment: Transfer | undefined } {
  const broken = () => contradicts(`transaction ${id}: its bytes do not read as a transaction`)
  const whole = readMessage(raw)
  const contract = readMessage(whole?.bytes.get(11)?.[0] ?? Buffer.alloc(0))
  const parameter = readMessage(contract?.bytes.get(2)?.[0] ?? Buffer.alloc(0))
  const body = readMessage(parameter?.bytes.get(2)?.[0] ?? Buffer.alloc(0))
  if (whole === undefined || contract === undefined || body === undefined) throw broken()
  const type = contract.numbers.get(1) ?? 0n
  // Nearly every kind of contract names its owner first; the few that do not pay no fee.
  const sender = tronAddress(body.bytes.get(1)?.[0])
  let to: string | undefined
  let amount = 0n
  if (type === TRANSFER) {
    to = tronAddress(body.bytes.get(2)?.[0])
    amount = body.numbers.get(3) ?? 0n
  } else if (type === TRIGGER_SMART_CONTRACT) {
    to = tronAddress(body.bytes.get(2)?.[0])
    amount = body.numbers.get(3) ?? 0n
  } else if (type === CREATE_SMART_CONTRACT) {
    const made = readMessage(body.bytes.get(2)?.[0] ?? Buffer.alloc(0))
    amount = made?.numbers.get(5) ?? 0n
    to = tronAddress(bytesOf(info.contract_address))
  } else return { sender, payment: undefined }
  if (sender === undefined || to === undefined || amount >= 2n ** 63n) throw broken()
  if (amount === 0n) return { sender, payment: undefined }
  return { sender, payment: { index: 0, asset: NATIVE, from: sender, to, amount } }
}

/** Token transfers by a transaction's logs, numbered from 1 by their place among them. */
function logTransfers(info: Printed, id: string): Transfer[] {
  const logs = info.log ?? []
  if (!Array.isArray(logs)) throw contradicts(`transaction ${id}: its logs are no list`)
  const found: Transfer[] = []
  for (const [n, each] of logs.entries()) {
    const log = asRecord(each)
    if (log === undefined) throw contradicts(`transaction ${id}: log ${n} is no object`)
    const topics = Array.isArray(log.topics) ? log.topics : []
    if (topics.length !== 3 || topics[0] !== TRANSFER_TOPIC.slice(2)) continue
    const data = bytesOf(log.data)
    const contract = bytesOf(log.address)
    const [from, to] = topics.slice(1).map((topic) => {
      const bytes = bytesOf(topic)
      return bytes?.length === 32 && bytes.subarray(0, 11).every((byte) => byte === 0)
        ? tronAddress(bytes.subarray(12))
        : undefined
    })
    const asset = tronAddress(contract)
    if (data === undefined || asset === undefined) throw contradicts(`transaction ${id}: log ${n} is not whole`)
    if (data.length !== 32 || from === undefined || to === undefined) continue
    found.push({ index: 1 + n, asset, from, to, amount: BigInt(`0x${data.toString('hex')}`) })
  }
  return found
}

/** Coin that contracts moved, in the order in which they did. */
function internalTransfers(info: Printed, id: string): Transfer[] {
  const moves = info.internal_transactions ?? []
  if (!Array.isArray(moves)) throw contradicts(`transaction ${id}: its internal transactions are no list`)
  const found: Transfer[] = []
  for (const each of moves) {
    const move = asRecord(each)
    if (move === undefined) throw contradicts(`transaction ${id}: an internal transaction is no object`)
    if (move.rejected === true) continue
    for (const value of Array.isArray(move.callValueInfo) ? move.callValueInfo : []) {
      const paid = asRecord(value)
      if (paid?.callValue === undefined || (paid.tokenId !== undefined && paid.tokenId !== '')) continue
      const amount = units(paid.callValue)
      const from = tronAddress(bytesOf(move.caller_address))
      const to = tronAddress(bytesOf(move.transferTo_address))
      if (amount === undefined || from === undefined || to === undefined) {
        throw contradicts(`transaction ${id}: an internal transaction names no accounts or no amount`)
      }
      if (amount > 0n) found.push({ index: INTERNAL_FIRST + found.length, asset: NATIVE, from, to, amount })
    }
  }
  return found
}

const addresses = new LRUCache<string, string>({ max: ADDRESSES_KEPT })

/** An account's Base58Check writing, from its 21 bytes, or the 20 that contracts know it by; undefined for anything else. */
export function tronAddress(bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined) return undefined
  const payload = bytes.length === 20 ? Buffer.concat([Buffer.of(0x41), bytes]) : bytes
  if (payload.length !== 21 || payload[0] !== 0x41) return undefined
  const key = payload.toString('latin1')
  let text = addresses.get(key)
  if (text === undefined) {
    const check = hash('sha256', hash('sha256', payload, 'buffer'), 'buffer').subarray(0, 4)
    text = encodeBase58(Buffer.concat([payload, check]))
    addresses.set(key, text)
  }
  return text
}

function bytesOf(value: unknown): Buffer | undefined {
  return typeof value === 'string' && /^([0-9a-fA-F]{2})*$/.test(value) ? Buffer.from(value, 'hex') : undefined
}

function whole(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** A whole amount, as a number or, where a double would not hold it, as the text that `parseJson` leaves. */
function units(value: unknown): bigint | undefined {
  if (typeof value === 'string') return /^\d{1,19}$/.test(value) ? BigInt(value) : undefined
  const found = whole(value)
  return found === undefined ? undefined : BigInt(found)
}

function textOf(result: string | undefined): string {
  if (result === undefined) return ''
  const raw = Buffer.from(result, 'hex')
  const text = raw.length < 64 ? raw : raw.subarray(64, 64 + raw[63])
  return text
    .toString('utf8')
    .replace(/\0+$/, '')
    .replace(/[\p{C}\uFFFD]/gu, '')
    .slice(0, 64)
}
