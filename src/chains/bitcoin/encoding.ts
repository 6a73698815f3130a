import { checksumOf } from './hash.ts'

// Base58check -------------------------------------------------------------------------------------------------------

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const BASE58_CODES = Uint8Array.from(BASE58, (letter) => letter.charCodeAt(0))
const BASE58_VALUES = new Int8Array(128).fill(-1)
for (let i = 0; i < 58; i++) BASE58_VALUES[BASE58_CODES[i]] = i

/** 58^4: the longest run of digits whose remainder, shifted by 24 bits, stays a whole number in a double. */
const FOUR_DIGITS = 58 ** 4
const payload = new Uint8Array(27)
const limbs = new Float64Array(9)
const letters = Buffer.alloc(40)

/**
 * The addresses written last, by version and hash. A block names the same few again and again, and each costs two hashes;
 * the answer is the same without. Of a fixed size: a new address takes the place of the one that was there.
 */
const MEMO_PLACES = 1 << 13
const memoHashes = new Uint8Array(21 * MEMO_PLACES)
const memoTexts: (string | undefined)[] = new Array(MEMO_PLACES).fill(undefined)

/** Empties the memory of addresses, so that a measurement of one block again and again is not flattered by it. */
export function forgetAddresses(): void {
  memoTexts.fill(undefined)
}

/** A version byte and the 20 bytes of hash at `from` as base58check. */
export function encodeBase58Check(version: number, hash: Uint8Array, from: number): string {
  const place = (hash[from] | (hash[from + 1] << 8)) & (MEMO_PLACES - 1)
  const at = 21 * place
  let known = memoTexts[place]
  if (known !== undefined && memoHashes[at] === version) {
    let same = 0
    while (same < 20 && memoHashes[at + 1 + same] === hash[from + same]) same++
    if (same === 20) return known
  }
  known = writeBase58Check(version, hash, from)
  memoHashes[at] = version
  for (let i = 0; i < 20; i++) memoHashes[at + 1 + i] = hash[from + i]
  memoTexts[place] = known
  return known
}

/**
 * A version byte and 20 bytes of hash as base58check. Written for this one length, which every address has: nine limbs
 * of 24 bits, four digits to a division, no object made but the text.
 */
function writeBase58Check(version: number, hash: Uint8Array, from: number): string {
  // 25 bytes stand at the end of 27, so that nine limbs of three bytes cover them.
  const bytes = payload
  bytes[0] = version
  for (let i = 0; i < 20; i++) bytes[1 + i] = hash[from + i]
  const checksum = checksumOf(bytes, 21)
  for (let i = 20; i >= 0; i--) bytes[i + 2] = bytes[i]
  bytes[0] = 0
  bytes[1] = 0
  bytes[23] = checksum >>> 24
  bytes[24] = checksum >>> 16
  bytes[25] = checksum >>> 8
  bytes[26] = checksum
  for (let i = 0, at = 0; i < 9; i++, at += 3) limbs[i] = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]

  let start = letters.length
  for (let first = 0; first < 9; ) {
    let remainder = 0
    for (let i = first; i < 9; i++) {
      const value = remainder * 0x1000000 + limbs[i]
      const quotient = Math.floor(value / FOUR_DIGITS)
      limbs[i] = quotient
      remainder = value - quotient * FOUR_DIGITS
    }
    while (first < 9 && limbs[first] === 0) first++
    for (let digit = 0; digit < 4; digit++) {
      const rest = (remainder / 58) | 0
      letters[--start] = BASE58_CODES[remainder - rest * 58]
      remainder = rest
    }
  }
  // The last division left zeros in front; base58 writes one '1' for each leading zero byte instead.
  while (start < letters.length && letters[start] === 0x31) start++
  for (let i = 2; i < 27 && bytes[i] === 0; i++) letters[--start] = 0x31
  return letters.toString('latin1', start)
}

/** Reads base58check text of a version byte and 20 bytes; undefined where letters, length or checksum are wrong. */
export function decodeBase58Check(text: string): { readonly version: number; readonly hash: Uint8Array } | undefined {
  if (text.length < 25 || text.length > 36) return undefined
  const bytes = new Uint8Array(25)
  let zeros = 0
  while (text.charCodeAt(zeros) === 0x31) zeros++
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    let carry = code < 128 ? BASE58_VALUES[code] : -1
    if (carry < 0) return undefined
    for (let at = 24; at >= 0; at--) {
      carry += bytes[at] * 58
      bytes[at] = carry & 0xff
      carry >>= 8
    }
    if (carry !== 0) return undefined
  }
  let leading = 0
  while (leading < 25 && bytes[leading] === 0) leading++
  if (leading !== zeros) return undefined
  const checksum = ((bytes[21] << 24) | (bytes[22] << 16) | (bytes[23] << 8) | bytes[24]) >>> 0
  return checksumOf(bytes, 21) === checksum ? { version: bytes[0], hash: bytes.subarray(1, 21) } : undefined
}

// Bech32 and bech32m (BIP-173, BIP-350) -----------------------------------------------------------------------------

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const BECH32_CODES = Uint8Array.from(BECH32, (letter) => letter.charCodeAt(0))
const BECH32_VALUES = new Int8Array(128).fill(-1)
for (let i = 0; i < 32; i++) BECH32_VALUES[BECH32_CODES[i]] = i
const BECH32_CONSTANT = 1
const BECH32M_CONSTANT = 0x2bc830a3

// What the five bits that leave the checksum's register at the top do to the rest.
const BECH32_STEPS = new Int32Array(32)
for (let top = 0; top < 32; top++) {
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
  for (let bit = 0; bit < 5; bit++) if ((top >> bit) & 1) BECH32_STEPS[top] ^= generators[bit]
}

const bech32Step = (checksum: number, value: number): number =>
  ((checksum & 0x1ffffff) << 5) ^ value ^ BECH32_STEPS[checksum >>> 25]

function bech32PrefixChecksum(prefix: string): number {
  let checksum = 1
  for (let i = 0; i < prefix.length; i++) checksum = bech32Step(checksum, prefix.charCodeAt(i) >> 5)
  checksum = bech32Step(checksum, 0)
  for (let i = 0; i < prefix.length; i++) checksum = bech32Step(checksum, prefix.charCodeAt(i) & 31)
  return checksum
}

/** The state of the checksum after `bc`, `tb` … and what is written before the data; there are few prefixes. */
const bech32Prefixes = new Map<string, { readonly checksum: number; readonly length: number; readonly text: Buffer }>()

/** A witness program as a segwit address: bech32 for version 0, bech32m for the others. */
export function encodeSegwit(
  prefix: string,
  version: number,
  source: Uint8Array,
  from: number,
  length: number,
): string {
  let known = bech32Prefixes.get(prefix)
  if (known === undefined) {
    const text = Buffer.alloc(90)
    text.write(`${prefix}1`, 'latin1')
    known = { checksum: bech32PrefixChecksum(prefix), length: prefix.length + 1, text }
    bech32Prefixes.set(prefix, known)
  }
  const out = known.text
  let at = known.length
  let checksum = bech32Step(known.checksum, version)
  out[at++] = BECH32_CODES[version]
  let held = 0
  let bits = 0
  for (let i = 0; i < length; i++) {
    held = ((held << 8) | source[from + i]) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      const value = (held >> bits) & 31
      checksum = bech32Step(checksum, value)
      out[at++] = BECH32_CODES[value]
    }
  }
  if (bits > 0) {
    const value = (held << (5 - bits)) & 31
    checksum = bech32Step(checksum, value)
    out[at++] = BECH32_CODES[value]
  }
  for (let i = 0; i < 6; i++) checksum = bech32Step(checksum, 0)
  checksum ^= version === 0 ? BECH32_CONSTANT : BECH32M_CONSTANT
  for (let i = 0; i < 6; i++) out[at++] = BECH32_CODES[(checksum >>> (5 * (5 - i))) & 31]
  return out.toString('latin1', 0, at)
}

/** Five-bit groups as bytes; undefined where more than four bits are left over, or any that is not zero. */
function regroup(values: readonly number[]): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((values.length * 5) / 8))
  let held = 0
  let bits = 0
  let at = 0
  for (const value of values) {
    held = ((held << 5) | value) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = held >> bits
    }
  }
  return bits >= 5 || (held & ((1 << bits) - 1)) !== 0 ? undefined : bytes
}

/** Text in one letter case as lower case, or undefined: both standards refuse mixed case. */
function oneCase(text: string): string | undefined {
  const lower = text.toLowerCase()
  return text === lower || text === text.toUpperCase() ? lower : undefined
}

function dataValues(lower: string): number[] | undefined {
  const values: number[] = []
  for (let i = 0; i < lower.length; i++) {
    const code = lower.charCodeAt(i)
    const value = code < 128 ? BECH32_VALUES[code] : -1
    if (value < 0) return undefined
    values.push(value)
  }
  return values
}

/** Reads a segwit address of one prefix; undefined where case, letters, checksum, version or length are wrong. */
export function decodeSegwit(
  prefix: string,
  text: string,
): { readonly version: number; readonly program: Uint8Array } | undefined {
  const lower = text.length <= 90 ? oneCase(text) : undefined
  if (lower === undefined || !lower.startsWith(`${prefix}1`)) return undefined
  const values = dataValues(lower.slice(prefix.length + 1))
  if (values === undefined || values.length < 8) return undefined
  const version = values[0]
  let checksum = bech32PrefixChecksum(prefix)
  for (const value of values) checksum = bech32Step(checksum, value)
  if (version > 16 || checksum !== (version === 0 ? BECH32_CONSTANT : BECH32M_CONSTANT)) return undefined
  const program = regroup(values.slice(1, -6))
  if (program === undefined || program.length < 2 || program.length > 40) return undefined
  if (version === 0 && program.length !== 20 && program.length !== 32) return undefined
  return { version, program }
}

// Cashaddr ----------------------------------------------------------------------------------------------------------

/** One step of cashaddr's 40-bit checksum, kept as two halves of 20 bits, since numbers shift in 32. */
const CASH_GENERATORS = [0x98f2bc8e61n, 0x79b76d99e2n, 0xf33e5fb3c4n, 0xae2eabe2a8n, 0x1e4f43e470n].map(
  (generator) => ({
    high: Number(generator >> 20n),
    low: Number(generator & 0xfffffn),
  }),
)

function cashChecksum(prefix: string, values: readonly number[]): { high: number; low: number } {
  let high = 0
  let low = 1
  const step = (value: number): void => {
    const top = high >>> 15
    high = ((high & 0x7fff) << 5) | (low >>> 15)
    low = ((low & 0x7fff) << 5) ^ value
    for (let bit = 0; bit < 5; bit++) {
      if ((top >> bit) & 1) {
        high ^= CASH_GENERATORS[bit].high
        low ^= CASH_GENERATORS[bit].low
      }
    }
  }
  for (let i = 0; i < prefix.length; i++) step(prefix.charCodeAt(i) & 31)
  step(0)
  for (const value of values) step(value)
  return { high, low: low ^ 1 }
}

/** Whether a cashaddr names a key's hash or a script's. */
export type CashType = 0 | 1

const CASH_LENGTHS = [20, 24, 28, 32, 40, 48, 56, 64]

/** A hash of 20 or 32 bytes as a cashaddr with its prefix: `bitcoincash:q…`. */
export function encodeCashAddress(prefix: string, type: CashType, hash: Uint8Array): string {
  const version = (type << 3) | CASH_LENGTHS.indexOf(hash.length)
  const values: number[] = []
  let held = version
  let bits = 8
  const flush = (): void => {
    while (bits >= 5) {
      bits -= 5
      values.push((held >> bits) & 31)
    }
  }
  flush()
  for (const byte of hash) {
    held = ((held << 8) | byte) & 0xfff
    bits += 8
    flush()
  }
  if (bits > 0) values.push((held << (5 - bits)) & 31)
  const { high, low } = cashChecksum(prefix, [...values, 0, 0, 0, 0, 0, 0, 0, 0])
  for (let i = 3; i >= 0; i--) values.push((high >>> (5 * i)) & 31)
  for (let i = 3; i >= 0; i--) values.push((low >>> (5 * i)) & 31)
  return `${prefix}:${values.map((value) => BECH32[value]).join('')}`
}

/** Reads a cashaddr with or without its prefix; undefined where case, letters, checksum, type or length are wrong. */
export function decodeCashAddress(
  prefix: string,
  text: string,
): { readonly type: CashType; readonly hash: Uint8Array } | undefined {
  const lower = text.length <= 130 ? oneCase(text) : undefined
  if (lower === undefined) return undefined
  const data = lower.startsWith(`${prefix}:`) ? lower.slice(prefix.length + 1) : lower
  const values = dataValues(data)
  if (values === undefined || values.length < 8) return undefined
  const { high, low } = cashChecksum(prefix, values)
  if (high !== 0 || low !== 0) return undefined
  const bytes = regroup(values.slice(0, -8))
  if (bytes === undefined || bytes.length === 0) return undefined
  const type = bytes[0] >> 3
  const hash = bytes.subarray(1)
  if ((type !== 0 && type !== 1) || hash.length !== CASH_LENGTHS[bytes[0] & 7]) return undefined
  return { type, hash }
}
