import type { Block } from '../rules.ts'
import { ByteReader, ByteWriter, KEY_NUMBER_MAX, packText, unpackText } from './bytes.ts'
import { chainKey, type Tables } from './tables.ts'

const writer = new ByteWriter()

/** A block, and between which rows the transactions at its height lie. */
export interface BlockRow extends Block {
  rowFirst: number
  rowLast: number
}

export function readBlock(tables: Tables, chain: number, height: number): BlockRow | undefined {
  if (height < 0 || height > KEY_NUMBER_MAX) return undefined
  const bytes = tables.blocks.get(chainKey(chain, height))
  return bytes && decodeBlock(bytes)
}

export function encodeBlock(block: BlockRow): Buffer {
  writer.clear()
  for (const text of [block.hash, block.previous]) {
    const packed = text === undefined ? undefined : packText(text)
    writer.varint(packed === undefined ? 0 : packed.length)
    if (packed !== undefined) writer.bytes(packed)
  }
  writer.varint((block.headerTime ?? -1) + 1).varint((block.transactionTime ?? -1) + 1)
  return writer.varint(block.rowFirst).varint(block.rowLast).take()
}

export function decodeBlock(bytes: Buffer): BlockRow {
  const reader = new ByteReader(bytes)
  const text = () => {
    const length = reader.varint()
    return length === 0 ? undefined : unpackText(reader.bytes(length))
  }
  const time = () => {
    const value = reader.varint()
    return value === 0 ? undefined : value - 1
  }
  return {
    hash: text(),
    previous: text(),
    headerTime: time(),
    transactionTime: time(),
    rowFirst: reader.varint(),
    rowLast: reader.varint(),
  }
}
