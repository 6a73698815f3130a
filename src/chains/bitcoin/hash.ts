import { hash } from 'node:crypto'

/** `crypto.hash` spares the object that `createHash` makes for each digest. */
const digestOf = (algorithm: string, bytes: Uint8Array): Buffer => hash(algorithm, bytes, 'buffer')

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Buffer {
  return digestOf('sha256', bytes)
}

/** RIPEMD-160 of SHA-256, 20 bytes: what a key or a script is called in an address. */
export function hash160(bytes: Uint8Array): Buffer {
  return digestOf('ripemd160', digestOf('sha256', bytes))
}

/** Keys hashed last: an owner spends several outputs of one key at a time. Of a fixed size; the answer is the same without. */
const KEY_PLACES = 1 << 12
const KEY_BYTES_MAX = 65
const keyLengths = new Uint8Array(KEY_PLACES)
const keys = new Uint8Array(KEY_BYTES_MAX * KEY_PLACES)
const keyHashes = Buffer.alloc(20 * KEY_PLACES)

/** Empties the memory of keys; see `forgetAddresses`. */
export function forgetKeys(): void {
  keyLengths.fill(0)
}

/** `hash160` of the bytes from `from` to `end`, remembered where they can be a public key. Copy it to keep it. */
export function hash160Of(bytes: Uint8Array, from: number, end: number): Buffer {
  const length = end - from
  if (length < 33 || length > KEY_BYTES_MAX) return hash160(bytes.subarray(from, end))
  const place = (bytes[from + 2] | (bytes[from + 3] << 8)) & (KEY_PLACES - 1)
  const at = KEY_BYTES_MAX * place
  const hashed = keyHashes.subarray(20 * place, 20 * place + 20)
  let same = 0
  if (keyLengths[place] === length) while (same < length && keys[at + same] === bytes[from + same]) same++
  if (same < length) {
    hash160(bytes.subarray(from, end)).copy(hashed)
    keyLengths[place] = length
    for (let i = 0; i < length; i++) keys[at + i] = bytes[from + i]
  }
  return hashed
}

// Fractional parts of the cube roots of the first 64 primes (FIPS 180-4).
const ROUND = new Int32Array(64)
for (let candidate = 2, count = 0; count < 64; candidate++) {
  let prime = true
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) prime = false
  if (prime) ROUND[count++] = ((Math.cbrt(candidate) % 1) * 2 ** 32) | 0
}
const START = Int32Array.of(
  0x6a09e667,
  0xbb67ae85 | 0,
  0x3c6ef372,
  0xa54ff53a | 0,
  0x510e527f,
  0x9b05688c | 0,
  0x1f83d9ab,
  0x5be0cd19,
)
const words = new Int32Array(64)
const state = new Int32Array(8)

/** One block of SHA-256 (FIPS 180-4, 6.2.2): the sixteen words in `words` into `state`. */
function compress(): void {
  const w = words
  const k = ROUND
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]
    const y = w[i - 2]
    const small = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const large = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[i] = (small + large + w[i - 7] + w[i - 16]) | 0
  }
  let a = state[0]
  let b = state[1]
  let c = state[2]
  let d = state[3]
  let e = state[4]
  let f = state[5]
  let g = state[6]
  let h = state[7]
  for (let i = 0; i < 64; i++) {
    const turned = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const first = (h + turned + (g ^ (e & (f ^ g))) + k[i] + w[i]) | 0
    const spun = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const second = (spun + ((a & b) | (c & (a | b)))) | 0
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + second) | 0
  }
  state[0] += a
  state[1] += b
  state[2] += c
  state[3] += d
  state[4] += e
  state[5] += f
  state[6] += g
  state[7] += h
}

const read32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]

/** Hashes the 32-byte digest that stands in `state` once more, into `state`. */
function hashState(): void {
  words.set(state)
  words[8] = 0x80000000 | 0
  words.fill(0, 9, 15)
  words[15] = 256
  state.set(START)
  compress()
}

function writeState(target: Uint8Array, at: number): void {
  for (let i = 0, to = at; i < 8; i++) {
    const word = state[i]
    target[to++] = word >>> 24
    target[to++] = word >>> 16
    target[to++] = word >>> 8
    target[to++] = word
  }
}

/**
 * Double SHA-256 of the 64 bytes at `from`, written to `target` at `to` (which may overlap them): one node of a Merkle
 * tree. In JavaScript, because a call into the native hash costs more than these three rounds do.
 */
export function hashPair(source: Uint8Array, from: number, target: Uint8Array, to: number): void {
  for (let i = 0; i < 16; i++) words[i] = read32(source, from + 4 * i)
  state.set(START)
  compress()
  words.fill(0, 0, 16)
  words[0] = 0x80000000 | 0
  words[15] = 512
  compress()
  hashState()
  writeState(target, to)
}

/** The first four bytes, as a number, of the double SHA-256 of at most 55 bytes: base58check's checksum. */
export function checksumOf(bytes: Uint8Array, length: number): number {
  words.fill(0, 0, 16)
  for (let i = 0; i < length; i++) words[i >> 2] |= bytes[i] << (24 - 8 * (i & 3))
  words[length >> 2] |= 0x80 << (24 - 8 * (length & 3))
  words[15] = length * 8
  state.set(START)
  compress()
  hashState()
  return state[0] >>> 0
}

/** Double SHA-256 of a range, written to `target` at `to`, 32 bytes. */
export function doubleSha256Into(source: Buffer, from: number, end: number, target: Buffer, to: number): void {
  digestOf('sha256', digestOf('sha256', source.subarray(from, end))).copy(target, to)
}

/** Double SHA-256, 32 bytes in the order they are computed (ids are written the other way round). */
export function doubleSha256(bytes: Uint8Array): Buffer {
  return digestOf('sha256', digestOf('sha256', bytes))
}
