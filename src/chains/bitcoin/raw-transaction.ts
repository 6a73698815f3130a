import type { Chain } from '../../../graph/index.ts'
import { addressOfScript } from './address.ts'
import { hashText } from './block.ts'
import { Cursor } from './cursor.ts'
import { doubleSha256 } from './hash.ts'
import { type ChainParams, getChainParams } from './params.ts'

/** One transaction by itself, as its bytes tell it. */
export interface RawTransaction {
  /** Recomputed. */
  readonly id: string
  readonly coinbase: boolean
  /** What it spends; none for a coinbase. */
  readonly inputs: readonly { readonly transaction: string; readonly output: number }[]
  readonly outputs: readonly { readonly amount: bigint; readonly script: Buffer; readonly address: string | null }[]
}

const COINBASE_INDEX = 0xffffffff

/**
 * Reads the raw bytes of one transaction, legacy or segwit, and recomputes its id, which binds every output and every
 * spent output's name (the witnesses it does not). Fault `SOURCE_CONTRADICTS` with the byte: it is not a whole transaction.
 */
export function decodeRawTransaction(input: Uint8Array, chain: Chain): RawTransaction {
  const params = getChainParams(chain)
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length)
  const cursor = new Cursor(bytes, 'SOURCE_CONTRADICTS', `raw transaction on ${chain}`)
  cursor.skip(4)
  let witnessed = false
  if (bytes[cursor.at] === 0 && params.segwitPrefix !== undefined) {
    cursor.skip(1)
    const flag = cursor.byte()
    if (flag !== 1) throw cursor.fault(`a witness flag of ${flag}; only 1 is known`, cursor.at - 1)
    witnessed = true
  }
  const bodyStart = cursor.at
  const inputCount = cursor.count(41)
  if (inputCount === 0) throw cursor.fault('it has no inputs', bodyStart)
  const inputs: { transaction: string; output: number }[] = []
  let coinbase = false
  for (let i = 0; i < inputCount; i++) {
    const at = cursor.at
    cursor.skip(36)
    cursor.skip(cursor.count(1))
    cursor.skip(4)
    const transaction = hashText(bytes, at)
    const output = bytes.readUInt32LE(at + 32)
    if (output === COINBASE_INDEX && /^0+$/.test(transaction)) {
      if (inputCount > 1) throw cursor.fault('a coinbase with more than one input', at)
      coinbase = true
    } else inputs.push({ transaction, output })
  }
  const outputs = readOutputs(cursor, params)
  const bodyEnd = cursor.at
  if (witnessed) {
    for (let i = 0; i < inputCount; i++) {
      const items = cursor.count(1)
      for (let item = 0; item < items; item++) cursor.skip(cursor.count(1))
    }
  }
  cursor.skip(4)
  if (cursor.at !== cursor.end) throw cursor.fault(`${cursor.end - cursor.at} bytes follow the transaction`)
  const hashed = witnessed
    ? Buffer.concat([bytes.subarray(0, 4), bytes.subarray(bodyStart, bodyEnd), bytes.subarray(bytes.length - 4)])
    : bytes
  return { id: hashText(doubleSha256(hashed), 0), coinbase, inputs, outputs }
}

function readOutputs(cursor: Cursor, params: ChainParams): RawTransaction['outputs'] {
  const bytes = cursor.bytes as Buffer
  const count = cursor.count(9)
  if (count === 0) throw cursor.fault('it has no outputs', cursor.at - 1)
  const outputs: { amount: bigint; script: Buffer; address: string | null }[] = []
  for (let i = 0; i < count; i++) {
    const at = cursor.at
    cursor.skip(8)
    const amount = bytes.readBigUInt64LE(at)
    if (amount > params.amountMax) throw cursor.fault(`output ${i} holds more than there can be`, at)
    const length = cursor.count(1)
    const start = cursor.at
    cursor.skip(length)
    outputs.push({
      amount,
      script: bytes.subarray(start, cursor.at),
      address: addressOfScript(params, bytes, start, cursor.at),
    })
  }
  return outputs
}
