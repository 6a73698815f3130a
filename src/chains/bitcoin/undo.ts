import { ECDH } from 'node:crypto'
import { Fault } from '../../faults.ts'
import { type DecodedBlock, hashText } from './block.ts'
import { Cursor } from './cursor.ts'
import { doubleSha256 } from './hash.ts'
import { opensScript } from './spender.ts'

/**
 * The outputs that a block spends, as columns in the order of its inputs (the coinbase's left out): how much each held
 * and the script it was locked by, which stands in `bytes` from `scriptStart[i]` to `scriptEnd[i]`.
 */
export interface Prevouts {
  readonly count: number
  readonly amount: BigUint64Array
  readonly bytes: Uint8Array
  readonly scriptStart: Uint32Array
  readonly scriptEnd: Uint32Array
}

/**
 * Reads undo data kept as the spent outputs one after the other, each as a transaction writes it: amount, script.
 * Fault `UNDO_INVALID`: not as many as the block has inputs, not whole, or a script that its input does not open.
 */
export function decodeSpentOutputs(input: Uint8Array, block: DecodedBlock): Prevouts {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length)
  const cursor = new Cursor(bytes, 'UNDO_INVALID', `spent outputs of block ${block.hash}`)
  const count = block.inputOffset.length
  const amount = new BigUint64Array(count)
  const scriptStart = new Uint32Array(count)
  const scriptEnd = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    if (cursor.at === cursor.end) throw cursor.fault(`the block spends ${count} outputs, only ${i} are here`)
    const at = cursor.at
    cursor.skip(8)
    amount[i] = bytes.readBigUInt64LE(at)
    if (amount[i] > block.params.amountMax) throw cursor.fault(`spent output ${i} holds more than there can be`, at)
    const scriptBytes = cursor.count(1)
    scriptStart[i] = cursor.at
    cursor.skip(scriptBytes)
    scriptEnd[i] = cursor.at
  }
  if (cursor.at !== cursor.end) throw cursor.fault(`${cursor.end - cursor.at} bytes follow the ${count} spent outputs`)
  const prevouts = { count, amount, bytes, scriptStart, scriptEnd }
  checkOpened(block, prevouts)
  return prevouts
}

/**
 * Holds each hash in a spent script to what the input lays open. The flat form has no checksum at all, and that of a node
 * holds for any block after the same one: of two rivals at a height, each other's record passes it.
 */
export function checkOpened(block: DecodedBlock, prevouts: Prevouts): void {
  const { count, bytes, scriptStart, scriptEnd } = prevouts
  for (let i = 0; i < count; i++) {
    if (opensScript(block, i, bytes, scriptStart[i], scriptEnd[i]) === false) {
      throw new Fault(
        'UNDO_INVALID',
        `block ${block.hash}: input ${i} does not open the script of spent output ${i}: it spends another output`,
      )
    }
  }
}

/** A script that a node would not have kept: longer can never be spent. */
const SCRIPT_BYTES_MAX = 10_000

/**
 * Reads the undo record that Bitcoin Core keeps for a block in `rev*.dat`: for each transaction but the coinbase, for
 * each input, the height it was made at, its amount and its script, both compressed; then the double SHA-256 of
 * the previous block's hash and the record. Pass the record without its magic and length, with its 32-byte checksum.
 * Rules: Bitcoin Core, `undo.h`, `compressor.cpp`. Fault `UNDO_INVALID`: checksum, counts, numbers, keys or scripts do not hold.
 */
export function decodeBlockUndo(input: Uint8Array, block: DecodedBlock): Prevouts {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length)
  const what = `undo record of block ${block.hash}`
  const cursor = new Cursor(bytes, 'UNDO_INVALID', what)
  if (bytes.length < 33) throw cursor.fault('too short to hold a count and a checksum')
  const body = bytes.subarray(0, bytes.length - 32)
  const checksum = doubleSha256(Buffer.concat([block.bytes.subarray(4, 36), body]))
  if (checksum.compare(bytes, bytes.length - 32) !== 0) {
    throw cursor.fault(
      `the checksum is ${hashText(bytes, bytes.length - 32)}, the record's is ${hashText(checksum, 0)}: it is damaged or of another block`,
      bytes.length - 32,
    )
  }
  const prevouts = decodeUndoBody(new Cursor(body, 'UNDO_INVALID', what), block)
  checkOpened(block, prevouts)
  return prevouts
}

function decodeUndoBody(cursor: Cursor, block: DecodedBlock): Prevouts {
  const count = block.inputOffset.length
  const amount = new BigUint64Array(count)
  const scriptStart = new Uint32Array(count)
  const scriptEnd = new Uint32Array(count)
  let scripts = Buffer.allocUnsafe(64 * count + 128)
  let used = 0
  const transactions = cursor.count(1)
  if (transactions !== block.transactionCount - 1) {
    throw cursor.fault(
      `for ${transactions} transactions; the block has ${block.transactionCount - 1} beside the coinbase`,
      0,
    )
  }
  for (let t = 1, i = 0; t < block.transactionCount; t++) {
    const at = cursor.at
    const inputs = cursor.count(3)
    const wanted = block.inputStart[t + 1] - block.inputStart[t]
    if (inputs !== wanted) throw cursor.fault(`transaction ${t} has ${wanted} inputs, ${inputs} are here`, at)
    for (let end = i + inputs; i < end; i++) {
      // Twice the height, plus one for a coinbase; where it is not zero an unused number follows, once a version.
      const code = readVarint(cursor)
      if (code >> 1n > 0n) readVarint(cursor)
      const amountAt = cursor.at
      amount[i] = decompressAmount(readVarint(cursor))
      if (amount[i] > block.params.amountMax)
        throw cursor.fault(`spent output ${i} holds more than there can be`, amountAt)
      const kindAt = cursor.at
      const kind = readVarint(cursor)
      const length = kind < 6n ? SPECIAL_SCRIPT_BYTES[Number(kind)] : Number(kind - 6n)
      if (used + length > scripts.length && length <= SCRIPT_BYTES_MAX) {
        scripts = Buffer.concat([scripts], 2 * (used + length))
      }
      scriptStart[i] = used
      if (kind < 6n) {
        decompressScript(cursor, Number(kind), scripts, used)
        used += length
      } else if (length > cursor.end - cursor.at) {
        throw cursor.fault(
          `a script of ${length} bytes was to follow, ${cursor.end - cursor.at} bytes are left`,
          kindAt,
        )
      } else {
        const from = cursor.at
        cursor.skip(length)
        // As the node does, a script too long to be spent is let go; no one can hold it.
        if (length <= SCRIPT_BYTES_MAX) {
          scripts.set(cursor.bytes.subarray(from, cursor.at), used)
          used += length
        } else {
          if (used + 1 > scripts.length) scripts = Buffer.concat([scripts], 2 * (used + 1))
          scripts[used++] = 0x6a
        }
      }
      scriptEnd[i] = used
    }
  }
  if (cursor.at !== cursor.end) throw cursor.fault(`${cursor.end - cursor.at} bytes follow the last spent output`)
  return { count, amount, bytes: scripts.subarray(0, used), scriptStart, scriptEnd }
}

/** Core's own number format: seven bits a byte, highest first, each continued byte one more than it says. At most 64 bits. */
function readVarint(cursor: Cursor): bigint {
  const start = cursor.at
  let small = 0
  for (let i = 0; i < 6; i++) {
    const byte = cursor.byte()
    small = small * 128 + (byte & 0x7f)
    if ((byte & 0x80) === 0) return BigInt(small)
    small += 1
  }
  let value = BigInt(small)
  for (let i = 6; i < 10; i++) {
    const byte = cursor.byte()
    value = (value << 7n) | BigInt(byte & 0x7f)
    if (value >= 1n << 64n) break
    if ((byte & 0x80) === 0) return value
    value += 1n
  }
  throw cursor.fault('a number is larger than 64 bits', start)
}

/** Undoes Core's packing of amounts, which takes out trailing decimal zeros. */
export function decompressAmount(packed: bigint): bigint {
  if (packed === 0n) return 0n
  let rest = packed - 1n
  const zeros = rest % 10n
  rest /= 10n
  let amount: bigint
  if (zeros < 9n) {
    const digit = (rest % 9n) + 1n
    amount = (rest / 9n) * 10n + digit
  } else {
    amount = rest + 1n
  }
  const whole = amount * 10n ** zeros
  // More than a 64-bit column holds; larger than any chain's supply either way.
  return whole >= 1n << 64n ? (1n << 64n) - 1n : whole
}

/** Length in full of each packed script: P2PKH, P2SH, bare compressed key (even, odd), bare uncompressed key (even, odd). */
const SPECIAL_SCRIPT_BYTES = [25, 23, 35, 35, 67, 67]

function decompressScript(cursor: Cursor, kind: number, target: Buffer, to: number): void {
  const from = cursor.at
  cursor.skip(kind < 2 ? 20 : 32)
  const packed = cursor.bytes.subarray(from, cursor.at)
  if (kind === 0) {
    target.set([0x76, 0xa9, 20], to)
    target.set(packed, to + 3)
    target.set([0x88, 0xac], to + 23)
  } else if (kind === 1) {
    target.set([0xa9, 20], to)
    target.set(packed, to + 2)
    target[to + 22] = 0x87
  } else if (kind < 4) {
    target.set([33, kind], to)
    target.set(packed, to + 2)
    target[to + 34] = 0xac
  } else {
    const compressed = Buffer.concat([Buffer.of(kind - 2), packed])
    let key: Buffer
    try {
      key = ECDH.convertKey(compressed, 'secp256k1', undefined, undefined, 'uncompressed') as Buffer
    } catch {
      throw cursor.fault('32 bytes are no public key of the curve', from)
    }
    target[to] = 65
    target.set(key, to + 1)
    target[to + 66] = 0xac
  }
}
