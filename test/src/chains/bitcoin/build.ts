import { ECDH } from 'node:crypto'
import { doubleSha256 } from '../../../../src/chains/bitcoin/hash.ts'
import type { DecodedBlock, Prevouts } from '../../../../src/chains/bitcoin/index.ts'

// Writers of the formats that the product only reads: what a node would have written, for the tests.

export function compactSize(value: number): Buffer {
  if (value < 0xfd) return Buffer.of(value)
  const bytes = Buffer.alloc(value <= 0xffff ? 3 : 5)
  bytes[0] = value <= 0xffff ? 0xfd : 0xfe
  if (value <= 0xffff) bytes.writeUInt16LE(value, 1)
  else bytes.writeUInt32LE(value, 1)
  return bytes
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

const uint64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}

/** A legacy transaction. */
export function transaction(
  inputs: readonly { id: Buffer; output: number; script?: Uint8Array }[],
  outputs: readonly { amount: bigint; script: Uint8Array }[],
): Buffer {
  return Buffer.concat([
    uint32(1),
    compactSize(inputs.length),
    ...inputs.flatMap(({ id, output, script = Buffer.alloc(0) }) => [
      id,
      uint32(output),
      compactSize(script.length),
      script,
      uint32(0xffffffff),
    ]),
    compactSize(outputs.length),
    ...outputs.flatMap(({ amount, script }) => [uint64(amount), compactSize(script.length), script]),
    uint32(0),
  ])
}

/** A coinbase; `script` has to make it differ from others. */
export function coinbase(script: Uint8Array, amount: bigint, locked: Uint8Array): Buffer {
  return transaction([{ id: Buffer.alloc(32), output: 0xffffffff, script }], [{ amount, script: locked }])
}

export function merkle(ids: readonly Buffer[]): Buffer {
  let level = [...ids]
  while (level.length > 1) {
    const above: Buffer[] = []
    for (let i = 0; i < level.length; i += 2)
      above.push(doubleSha256(Buffer.concat([level[i], level[i + 1] ?? level[i]])))
    level = above
  }
  return level[0]
}

/** A header of 80 bytes. */
export function header(fields: {
  version?: number
  previous?: Buffer
  root: Buffer
  time?: number
  bits?: number
  nonce?: number
}): Buffer {
  const { version = 1, previous = Buffer.alloc(32), root, time = 1_600_000_000, bits = 0x207fffff, nonce = 0 } = fields
  return Buffer.concat([uint32(version), previous, root, uint32(time), uint32(bits), uint32(nonce)])
}

/** A block of these transactions; `proof` is what stands between header and transactions (merged mining). */
export function buildBlock(
  transactions: readonly Buffer[],
  fields: Omit<Parameters<typeof header>[0], 'root'> = {},
  proof: (header: Buffer) => Buffer = () => Buffer.alloc(0),
): Buffer {
  const head = header({ ...fields, root: merkle(transactions.map(doubleSha256)) })
  return Buffer.concat([head, proof(head), compactSize(transactions.length), ...transactions])
}

/** Core's number format: seven bits a byte, highest first, each continued byte one less than it stands for. */
export function varint(value: bigint): Buffer {
  const bytes = [Number(value & 0x7fn)]
  for (let rest = value; rest > 0x7fn; ) {
    rest = (rest >> 7n) - 1n
    bytes.unshift(Number(rest & 0x7fn) | 0x80)
  }
  return Buffer.from(bytes)
}

/** Core's packing of amounts. */
export function compressAmount(amount: bigint): bigint {
  if (amount === 0n) return 0n
  let zeros = 0n
  let rest = amount
  while (rest % 10n === 0n && zeros < 9n) {
    rest /= 10n
    zeros++
  }
  if (zeros === 9n) return 1n + (rest - 1n) * 10n + 9n
  return 1n + ((rest / 10n) * 9n + (rest % 10n) - 1n) * 10n + zeros
}

/** Core's packing of scripts. */
export function compressScript(script: Buffer): Buffer {
  const is = (length: number, head: string, tail: string): boolean =>
    script.length === length &&
    script.subarray(0, head.length / 2).toString('hex') === head &&
    script.subarray(length - tail.length / 2).toString('hex') === tail
  if (is(25, '76a914', '88ac')) return Buffer.concat([Buffer.of(0), script.subarray(3, 23)])
  if (is(23, 'a914', '87')) return Buffer.concat([Buffer.of(1), script.subarray(2, 22)])
  if (is(35, '2102', 'ac') || is(35, '2103', 'ac')) return script.subarray(1, 34)
  if (is(67, '4104', 'ac')) {
    try {
      const key = ECDH.convertKey(script.subarray(1, 66), 'secp256k1', undefined, undefined, 'compressed') as Buffer
      return Buffer.concat([Buffer.of(key[0] + 2), key.subarray(1)])
    } catch {
      // Not a point of the curve: kept as it is.
    }
  }
  return Buffer.concat([varint(BigInt(script.length + 6)), script])
}

/** The undo record of a block as Core writes it into rev*.dat, checksum included, magic and length not. */
export function undoRecord(block: DecodedBlock, prevouts: Prevouts): Buffer {
  const parts = [compactSize(block.transactionCount - 1)]
  for (let t = 1; t < block.transactionCount; t++) {
    parts.push(compactSize(block.inputStart[t + 1] - block.inputStart[t]))
    for (let i = block.inputStart[t]; i < block.inputStart[t + 1]; i++) {
      const script = Buffer.from(prevouts.bytes.subarray(prevouts.scriptStart[i], prevouts.scriptEnd[i]))
      // Every third at height 0, which has no version byte behind it.
      const code = i % 3 === 0 ? [varint(0n)] : [varint(BigInt(2 * (1000 + i) + (i % 2))), varint(1n)]
      parts.push(...code, varint(compressAmount(prevouts.amount[i])), compressScript(script))
    }
  }
  const body = Buffer.concat(parts)
  return Buffer.concat([body, doubleSha256(Buffer.concat([block.bytes.subarray(4, 36), body]))])
}
