import type { Chain, Input, Output, Transaction, Transfer } from '../../../graph/index.ts'
import { type ByteReader, ByteWriter } from './bytes.ts'

/** A transaction as bytes: texts by their number, everything else in varints. Lossless. */

const ACCOUNT = 1
const COINBASE_OR_FAILED = 2
const HAS_HEIGHT = 4
const HAS_INDEX = 8
const HAS_BLOCK_HASH = 16
const HAS_FEE = 32

const writer = new ByteWriter()

/** Writes a row; `numberOf` gives each text its number. The chain is not written: it is in the key that leads here. */
export function encodeRow(row: Transaction, numberOf: (text: string) => number): Buffer {
  const isAccount = row.kind === 'account'
  writer
    .clear()
    .byte(
      (isAccount ? ACCOUNT : 0) |
        ((isAccount ? row.status === 'failed' : row.coinbase) ? COINBASE_OR_FAILED : 0) |
        (row.height === undefined ? 0 : HAS_HEIGHT) |
        (row.index === undefined ? 0 : HAS_INDEX) |
        (row.blockHash === undefined ? 0 : HAS_BLOCK_HASH) |
        (isAccount && row.fee !== undefined ? HAS_FEE : 0),
    )
  writer.varint(numberOf(row.id))
  if (row.height !== undefined) writer.varint(row.height)
  if (row.index !== undefined) writer.varint(row.index)
  writer.varint(row.time)
  if (row.blockHash !== undefined) writer.varint(numberOf(row.blockHash))
  if (isAccount) {
    writer.varint(row.transfers.length)
    for (const { index, asset, from, to, amount } of row.transfers) {
      writer.varint(index).varint(numberOf(asset)).varint(numberOf(from)).varint(numberOf(to)).amount(amount)
    }
    if (row.fee !== undefined) writer.varint(numberOf(row.fee.from)).amount(row.fee.amount)
  } else {
    writer.varint(row.inputs.length)
    for (const { transaction, output, address, amount } of row.inputs) {
      writer.varint(numberOf(transaction)).varint(output)
      writer.varint(address === null ? 0 : 1 + numberOf(address)).amount(amount)
    }
    writer.varint(row.outputs.length)
    for (const { address, amount } of row.outputs) {
      writer.varint(address === null ? 0 : 1 + numberOf(address)).amount(amount)
    }
  }
  return writer.take()
}

/** What stands at the head of a row. */
export interface RowHead {
  readonly flags: number
  /** The number of the row's id. */
  readonly id: number
  readonly height: number | undefined
  readonly index: number | undefined
  readonly time: number
}

/** Reads the head of a row, and leaves the reader behind it. */
export function decodeHead(reader: ByteReader): RowHead {
  const flags = reader.byte()
  const id = reader.varint()
  const height = flags & HAS_HEIGHT ? reader.varint() : undefined
  const index = flags & HAS_INDEX ? reader.varint() : undefined
  return { flags, id, height, index, time: reader.varint() }
}

/** Reads a whole row; `textOf` gives back what `numberOf` took. */
export function decodeRow(chain: Chain, reader: ByteReader, textOf: (number: number) => string): Transaction {
  const { flags, id, height, index, time } = decodeHead(reader)
  const blockHash = flags & HAS_BLOCK_HASH ? textOf(reader.varint()) : undefined
  const placed = { chain, id: textOf(id), height, index, time, blockHash }
  if (flags & ACCOUNT) {
    const transfers: Transfer[] = []
    for (let rest = reader.varint(); rest > 0; rest--) {
      transfers.push({
        index: reader.varint(),
        asset: textOf(reader.varint()),
        from: textOf(reader.varint()),
        to: textOf(reader.varint()),
        amount: reader.amount(),
      })
    }
    const fee = flags & HAS_FEE ? { from: textOf(reader.varint()), amount: reader.amount() } : undefined
    return { kind: 'account', ...placed, status: flags & COINBASE_OR_FAILED ? 'failed' : 'success', transfers, fee }
  }
  const addressOf = (number: number) => (number === 0 ? null : textOf(number - 1))
  const inputs: Input[] = []
  for (let rest = reader.varint(); rest > 0; rest--) {
    inputs.push({
      transaction: textOf(reader.varint()),
      output: reader.varint(),
      address: addressOf(reader.varint()),
      amount: reader.amount(),
    })
  }
  const outputs: Output[] = []
  for (let rest = reader.varint(); rest > 0; rest--) {
    outputs.push({ address: addressOf(reader.varint()), amount: reader.amount() })
  }
  return { kind: 'utxo', ...placed, coinbase: (flags & COINBASE_OR_FAILED) !== 0, inputs, outputs }
}
