import { createHash } from 'node:crypto'
import { invariant } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'

/** The bytes of the embedded store: numbers that sort as bytes, numbers that are short, and texts that are packed. */

/** The widest number a key holds: five bytes. */
export const KEY_NUMBER_MAX = 2 ** 40 - 1

/** Writes a number of a key, five bytes, big end first: it sorts as the number does. Fault LIMIT_EXCEEDED above 2^40 − 1. */
export function writeKeyNumber(to: Buffer, value: number, offset: number): void {
  if (value > KEY_NUMBER_MAX)
    throw new Fault('LIMIT_EXCEEDED', `${value} is more than the chain store counts to, ${KEY_NUMBER_MAX}`)
  invariant(Number.isInteger(value) && value >= 0, `${value} is no key`)
  to.writeUIntBE(value, offset, 5)
}

/** Writes values one after the other into bytes that grow. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(1024)
  #length = 0

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const wider = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more))
    this.#bytes.copy(wider, 0, 0, this.#length)
    this.#bytes = wider
  }

  byte(value: number): this {
    this.#room(1)
    this.#bytes[this.#length++] = value
    return this
  }

  /** Five bytes, big end first: sorts as the number does. */
  ordered(value: number): this {
    this.#room(5)
    writeKeyNumber(this.#bytes, value, this.#length)
    this.#length += 5
    return this
  }

  /** A whole number from zero to 2^53 − 1, seven bits to a byte, little end first. */
  varint(value: number): this {
    invariant(Number.isSafeInteger(value) && value >= 0, `${value} is no whole number`)
    this.#room(8)
    let rest = value
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest % 128) + 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
    return this
  }

  /** A whole number of either sign, small ones short. */
  signed(value: number): this {
    return this.varint(value >= 0 ? value * 2 : -value * 2 - 1)
  }

  /** A whole amount of any size, written as `varint` writes it. */
  amount(value: bigint): this {
    if (value <= 0x1fffffffffffffn) return this.varint(Number(value))
    this.#room(80)
    let rest = value
    while (rest > 127n) {
      this.byte(Number(rest & 127n) + 128)
      rest >>= 7n
    }
    return this.byte(Number(rest))
  }

  bytes(value: Uint8Array): this {
    this.#room(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
    return this
  }

  /** Forgets what an interrupted writing may have left. */
  clear(): this {
    this.#length = 0
    return this
  }

  /** What was written, copied; the writer is empty again. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length))
    this.#length = 0
    return taken
  }
}

/** Reads what a `ByteWriter` wrote. */
export class ByteReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  byte(): number {
    invariant(this.#at < this.#bytes.length, 'a value of the store ends before it should')
    return this.#bytes[this.#at++]
  }

  ordered(): number {
    const value = this.#bytes.readUIntBE(this.#at, 5)
    this.#at += 5
    return value
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.byte()
      if (byte < 128) return value + byte * scale
      value += (byte - 128) * scale
      scale *= 128
    }
  }

  signed(): number {
    const value = this.varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** So many bytes, copied. */
  bytes(length: number): Buffer {
    invariant(this.#at + length <= this.#bytes.length, 'a value of the store ends before it should')
    const taken = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length))
    this.#at += length
    return taken
  }

  /** Everything that is left. */
  rest(): Buffer {
    return this.bytes(this.#bytes.length - this.#at)
  }

  amount(): bigint {
    let value = 0
    let scale = 1
    // Seven bytes hold 49 bits: exact as a number. What is longer goes on as a bigint.
    for (let i = 0; i < 7; i++) {
      const byte = this.byte()
      if (byte < 128) return BigInt(value + byte * scale)
      value += (byte - 128) * scale
      scale *= 128
    }
    let whole = BigInt(value)
    for (let shift = 49n; ; shift += 7n) {
      const byte = this.byte()
      if (byte < 128) return whole | (BigInt(byte) << shift)
      whole |= BigInt(byte - 128) << shift
    }
  }
}

const UTF8 = 0
const HEX = 1
const HEX_0X = 2
const UTF16 = 3
const KEY_TEXT_MAX = 100
const HASHED = 255

/** Packs a text: lower-case hex at half its length, everything else as it is. Every text has one packing. */
export function packText(text: string): Buffer {
  const isPrefixed = text.startsWith('0x')
  const digits = isPrefixed ? text.slice(2) : text
  if (digits.length > 0 && digits.length % 2 === 0 && /^[0-9a-f]+$/.test(digits)) {
    const packed = Buffer.allocUnsafe(1 + digits.length / 2)
    packed[0] = isPrefixed ? HEX_0X : HEX
    packed.write(digits, 1, 'hex')
    return packed
  }
  const isWhole = Buffer.from(text, 'utf8').toString('utf8') === text
  return Buffer.concat([Buffer.of(isWhole ? UTF8 : UTF16), Buffer.from(text, isWhole ? 'utf8' : 'utf16le')])
}

/** Reads a packed text. */
export function unpackText(packed: Buffer): string {
  switch (packed[0]) {
    case HEX:
      return packed.toString('hex', 1)
    case HEX_0X:
      return `0x${packed.toString('hex', 1)}`
    case UTF16:
      return packed.toString('utf16le', 1)
    default:
      return packed.toString('utf8', 1)
  }
}

/** The key of a packed text: itself, or where a key would be too long, its SHA-256. */
export function textKey(packed: Buffer): Buffer {
  if (packed.length <= KEY_TEXT_MAX) return packed
  return Buffer.concat([Buffer.of(HASHED), createHash('sha256').update(packed).digest()])
}
