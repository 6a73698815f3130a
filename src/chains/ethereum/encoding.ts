import { computeAddress, concat, encodeRlp, keccak256, type RlpStructuredData, Signature, SigningKey } from 'ethers'
import { asRecord } from '../source.ts'

// How blocks, transactions and receipts are written as bytes, so that what a node prints is held to its hashes.

export type Printed = Readonly<Record<string, unknown>>

/** A quantity as JSON-RPC writes it, `0x` and digits; undefined for anything else, and above 2^256. */
export function quantity(value: unknown): bigint | undefined {
  return typeof value === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(value) ? BigInt(value) : undefined
}

/** A quantity that fits a count. */
export function count(value: unknown): number | undefined {
  const found = quantity(value)
  return found !== undefined && found <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(found) : undefined
}

/** Bytes as JSON-RPC writes them, in lower case; undefined for anything else, or where another length is wanted. */
export function hex(value: unknown, bytes?: number): string | undefined {
  if (typeof value !== 'string' || !/^0x([0-9a-fA-F]{2})*$/.test(value)) return undefined
  return bytes === undefined || value.length === 2 + 2 * bytes ? value.toLowerCase() : undefined
}

/** What cannot be put into bytes: a field is missing or not of its kind, or the kind of thing is not known. */
export class Unencodable extends Error {}

function number(value: unknown, field: string): string {
  const found = quantity(value)
  if (found === undefined) throw new Unencodable(`${field} is no quantity`)
  if (found === 0n) return '0x'
  const digits = found.toString(16)
  return `0x${digits.length % 2 === 0 ? '' : '0'}${digits}`
}

function bytes(value: unknown, field: string, length?: number): string {
  const found = hex(value, length)
  if (found === undefined) throw new Unencodable(`${field} is not ${length === undefined ? '' : `${length} `}bytes`)
  return found
}

function list(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Unencodable(`${field} is no list`)
  return value
}

/** Fields that later forks put behind the first fifteen, in their order; each is a number or bytes. */
const LATER_FIELDS: readonly (readonly [string, 'number' | 'bytes'])[] = [
  ['baseFeePerGas', 'number'],
  ['withdrawalsRoot', 'bytes'],
  ['blobGasUsed', 'number'],
  ['excessBlobGas', 'number'],
  ['parentBeaconBlockRoot', 'bytes'],
  ['requestsHash', 'bytes'],
]

/** The hash of a header as `eth_getBlockByNumber` prints it (Yellow Paper 4.3; EIP-1559, 4895, 4844, 4788, 7685). */
export function headerHash(block: Printed): string {
  const fields: string[] = [
    bytes(block.parentHash, 'parentHash', 32),
    bytes(block.sha3Uncles, 'sha3Uncles', 32),
    bytes(block.miner, 'miner', 20),
    bytes(block.stateRoot, 'stateRoot', 32),
    bytes(block.transactionsRoot, 'transactionsRoot', 32),
    bytes(block.receiptsRoot, 'receiptsRoot', 32),
    bytes(block.logsBloom, 'logsBloom', 256),
    number(block.difficulty, 'difficulty'),
    number(block.number, 'number'),
    number(block.gasLimit, 'gasLimit'),
    number(block.gasUsed, 'gasUsed'),
    number(block.timestamp, 'timestamp'),
    bytes(block.extraData, 'extraData'),
    bytes(block.mixHash, 'mixHash', 32),
    bytes(block.nonce, 'nonce', 8),
  ]
  for (const [name, kind] of LATER_FIELDS) {
    if (block[name] === undefined || block[name] === null) break
    fields.push(kind === 'number' ? number(block[name], name) : bytes(block[name], name, 32))
  }
  return keccak256(encodeRlp(fields))
}

/** A transaction's bytes, whole and as they were signed. */
export interface EncodedTransaction {
  readonly encoded: string
  /** keccak-256 of `encoded`: its id. */
  readonly id: string
  /** Who signed it: proven by the signature. */
  readonly sender: () => string
}

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** A transaction as JSON-RPC prints it, as bytes: types 0 to 4 (EIP-2718, 2930, 1559, 4844, 7702). */
export function encodeTransaction(printed: Printed): EncodedTransaction {
  const type = printed.type === undefined ? 0 : count(printed.type)
  const to = printed.to === null || printed.to === undefined ? '0x' : bytes(printed.to, 'to', 20)
  const nonce = number(printed.nonce, 'nonce')
  const gas = number(printed.gas, 'gas')
  const value = number(printed.value, 'value')
  const input = bytes(printed.input ?? printed.data, 'input')
  const [r, s] = [number(printed.r, 'r'), number(printed.s, 's')]
  if (type === 0) {
    const v = quantity(printed.v)
    if (v === undefined) throw new Unencodable('v is no quantity')
    const body = [nonce, number(printed.gasPrice, 'gasPrice'), gas, to, value, input]
    // EIP-155 signs the chain's id with the rest and says so in v.
    const signed = v < 35n ? body : [...body, number(`0x${((v - 35n) / 2n).toString(16)}`, 'v'), '0x', '0x']
    const odd = v < 35n ? v - 27n : (v - 35n) % 2n
    return finish('0x', [...body, number(printed.v, 'v'), r, s], signed, { odd, r, s })
  }
  const odd = quantity(printed.yParity ?? printed.v)
  if (odd === undefined) throw new Unencodable('yParity is no quantity')
  const parity = odd === 0n ? '0x' : '0x01'
  const chainId = number(printed.chainId, 'chainId')
  const access = list(printed.accessList ?? [], 'accessList').map((each, i): RlpStructuredData => {
    const entry = asRecord(each)
    const keys = list(entry?.storageKeys, `accessList[${i}].storageKeys`)
    return [
      bytes(entry?.address, `accessList[${i}].address`, 20),
      keys.map((key) => bytes(key, `accessList[${i}].storageKeys`, 32)),
    ]
  })
  let body: RlpStructuredData[]
  if (type === 1) body = [chainId, nonce, number(printed.gasPrice, 'gasPrice'), gas, to, value, input, access]
  else if (type === 2 || type === 3 || type === 4) {
    const tip = number(printed.maxPriorityFeePerGas, 'maxPriorityFeePerGas')
    body = [chainId, nonce, tip, number(printed.maxFeePerGas, 'maxFeePerGas'), gas, to, value, input, access]
    if (type === 3) {
      const hashes = list(printed.blobVersionedHashes, 'blobVersionedHashes')
      body.push(number(printed.maxFeePerBlobGas, 'maxFeePerBlobGas'))
      body.push(hashes.map((hash) => bytes(hash, 'blobVersionedHashes', 32)))
    }
    if (type === 4) {
      body.push(
        list(printed.authorizationList, 'authorizationList').map((each): RlpStructuredData => {
          const entry = asRecord(each)
          return [
            number(entry?.chainId, 'authorizationList.chainId'),
            bytes(entry?.address, 'authorizationList.address', 20),
            number(entry?.nonce, 'authorizationList.nonce'),
            number(entry?.yParity ?? entry?.v, 'authorizationList.yParity'),
            number(entry?.r, 'authorizationList.r'),
            number(entry?.s, 'authorizationList.s'),
          ]
        }),
      )
    }
  } else throw new Unencodable(`transactions of type ${String(printed.type)} are not known here`)
  return finish(`0x0${type}`, [...body, parity, r, s], body, { odd, r, s })
}

function finish(
  prefix: string,
  whole: RlpStructuredData,
  signed: RlpStructuredData,
  signature: { odd: bigint; r: string; s: string },
): EncodedTransaction {
  const encoded = concat([prefix, encodeRlp(whole)])
  return {
    encoded,
    id: keccak256(encoded),
    sender: () => {
      let { odd } = signature
      let s = BigInt(signature.s)
      // Until Homestead either half of the curve was allowed; the mirrored signature has the same signer.
      if (s > HALF_ORDER) {
        s = ORDER - s
        odd = 1n - odd
      }
      const pad = (amount: bigint) => `0x${amount.toString(16).padStart(64, '0')}`
      const parts = Signature.from({ r: pad(BigInt(signature.r)), s: pad(s), v: odd === 0n ? 27 : 28 })
      return computeAddress(SigningKey.recoverPublicKey(keccak256(concat([prefix, encodeRlp(signed)])), parts))
    },
  }
}

/** A receipt as the trie of receipts holds it: type, status or state root, gas so far, bloom, logs. */
export function encodeReceipt(printed: Printed): string {
  const type = printed.type === undefined ? 0 : count(printed.type)
  if (type === undefined || type > 4)
    throw new Unencodable(`receipts of type ${String(printed.type)} are not known here`)
  const byzantium = printed.status !== undefined && printed.status !== null
  const logs = list(printed.logs, 'logs').map((each, i): RlpStructuredData => {
    const log = asRecord(each)
    const topics = list(log?.topics, `logs[${i}].topics`)
    return [
      bytes(log?.address, `logs[${i}].address`, 20),
      topics.map((topic) => bytes(topic, `logs[${i}].topics`, 32)),
      bytes(log?.data, `logs[${i}].data`),
    ]
  })
  const body: RlpStructuredData = [
    byzantium ? number(printed.status, 'status') : bytes(printed.root, 'root', 32),
    number(printed.cumulativeGasUsed, 'cumulativeGasUsed'),
    bytes(printed.logsBloom, 'logsBloom', 256),
    logs,
  ]
  return concat([type === 0 ? '0x' : `0x0${type}`, encodeRlp(body)])
}
