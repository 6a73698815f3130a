import { scryptSync } from 'node:crypto'
import type { Chain } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { checkAuxiliaryWork } from './auxiliary-work.ts'
import { Cursor } from './cursor.ts'
import { doubleSha256, doubleSha256Into, hashPair } from './hash.ts'
import { type ChainParams, getChainParams } from './params.ts'

export interface BlockOptions {
  readonly chain: Chain
  /** Known from where the block came from; otherwise read from the coinbase, where BIP-34 puts it. */
  readonly height?: number
  /** Whether the header must prove its work; as the chain's parameters have it unless said here. */
  readonly checkWork?: boolean
  readonly limits?: { readonly bytes?: number }
}

/**
 * A block as columns over its own bytes, every hash in it recomputed. Inputs leave the coinbase's out, so that they stand
 * in the order of undo data. Transaction t has inputs `inputStart[t] … inputStart[t + 1] − 1`, outputs likewise.
 */
export interface DecodedBlock {
  readonly chain: Chain
  readonly params: ChainParams
  readonly bytes: Buffer
  /** As people write them: hexadecimal, last byte first. */
  readonly hash: string
  readonly previous: string
  readonly height: number | undefined
  /** Seconds since the epoch, as the header says. */
  readonly time: number
  readonly version: number
  readonly bits: number
  readonly transactionCount: number
  /** 32 bytes each, in the order they are computed. */
  readonly ids: Buffer
  /** Where each transaction begins; one more entry says where the last one ends. */
  readonly transactionStart: Uint32Array
  readonly inputStart: Uint32Array
  /** Where the spent output is named: 32 bytes of id, 4 of index. */
  readonly inputOffset: Uint32Array
  readonly inputScriptStart: Uint32Array
  readonly inputScriptEnd: Uint32Array
  /** Where the count of witness items stands; 0 where there is no witness. */
  readonly inputWitness: Uint32Array
  /** The output of this block (its number over all) that an input spends; −1: an output of an earlier block. */
  readonly inputParent: Int32Array
  readonly outputStart: Uint32Array
  readonly outputAmount: BigUint64Array
  readonly outputScriptStart: Uint32Array
  readonly outputScriptEnd: Uint32Array
}

const HEADER_BYTES = 80
/** An outpoint, an empty script, a sequence. */
const INPUT_BYTES_MIN = 41
/** An amount and an empty script. */
const OUTPUT_BYTES_MIN = 9
/** Version, one input, one output, lock time. */
const TRANSACTION_BYTES_MIN = 8 + 1 + INPUT_BYTES_MIN + 1 + OUTPUT_BYTES_MIN
/** OP_RETURN, a push of 36 bytes, and the mark of a witness commitment (BIP-141). */
const COMMITMENT_MARK = Buffer.from('6a24aa21a9ed', 'hex')

/** 32 bytes as people write hashes: hexadecimal, last byte first. */
export function hashText(bytes: Uint8Array, from: number): string {
  for (let i = 0; i < 32; i++) reversed[31 - i] = bytes[from + i]
  return reversed.toString('hex')
}
const reversed = Buffer.alloc(32)

/** The id of a transaction of the block, as people write it. */
export function transactionId(block: DecodedBlock, transaction: number): string {
  return hashText(block.ids, 32 * transaction)
}

/**
 * Reads one raw block, legacy or segwit, and recomputes all that it says of itself: each transaction id, the Merkle root
 * (and that no list of transactions was doubled to get the same root, CVE-2012-2459), the block hash, its proof of work,
 * and the witness commitment. Outputs spent twice within the block, amounts beyond the chain's supply, counts beyond
 * the bytes, numbers written longer than needed, bytes left over: each is a fault.
 *
 * Faults: `BLOCK_INVALID` with the byte at which it fails, `LIMIT_EXCEEDED`, `REQUEST_INVALID` for an unknown chain.
 * Litecoin blocks with a MimbleWimble extension are refused as such: value moves out of sight there.
 */
export function decodeBlock(input: Uint8Array, options: BlockOptions): DecodedBlock {
  const params = getChainParams(options.chain)
  const limit = options.limits?.bytes ?? params.blockBytesMax
  if (input.length > limit) {
    throw new Fault('LIMIT_EXCEEDED', `a block of ${input.length} bytes is larger than the limit of ${limit}`)
  }
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length)
  const cursor = new Cursor(bytes, 'BLOCK_INVALID', `block on ${options.chain}`)
  cursor.skip(HEADER_BYTES)
  const version = bytes.readInt32LE(0)
  const time = bytes.readUInt32LE(68)
  const bits = bytes.readUInt32LE(72)
  const headerHash = doubleSha256(bytes.subarray(0, HEADER_BYTES))
  const merged = params.auxiliaryWork && (version & 0x100) !== 0
  const provingHeader = merged ? checkAuxiliaryWork(cursor, headerHash, version) : bytes.subarray(0, HEADER_BYTES)
  if (options.checkWork ?? params.checkWork) checkWork(cursor, params, provingHeader, bits)

  const columns = readTransactions(cursor, params)
  if (cursor.at !== cursor.end) throw cursor.fault(`${cursor.end - cursor.at} bytes follow the last transaction`)

  const { ids } = columns
  const root = merkleRoot(cursor, ids)
  if (root.compare(bytes, 36, 68) !== 0) {
    throw cursor.fault(
      `the header's Merkle root is ${hashText(bytes, 36)}, the transactions' is ${hashText(root, 0)}: a byte of a transaction or of the root is wrong`,
      36,
    )
  }
  const height = heightOf(
    cursor,
    params,
    version,
    columns.coinbaseScriptStart,
    columns.coinbaseScriptEnd,
    options.height,
  )
  checkWitnesses(cursor, params, columns, height)

  return {
    chain: options.chain,
    params,
    bytes,
    hash: hashText(headerHash, 0),
    previous: hashText(bytes, 4),
    height,
    time,
    version,
    bits,
    transactionCount: columns.transactionCount,
    ids,
    transactionStart: columns.transactionStart,
    inputStart: columns.inputStart,
    inputOffset: columns.inputOffset,
    inputScriptStart: columns.inputScriptStart,
    inputScriptEnd: columns.inputScriptEnd,
    inputWitness: columns.inputWitness,
    inputParent: findParents(cursor, params, columns),
    outputStart: columns.outputStart,
    outputAmount: columns.outputAmount,
    outputScriptStart: columns.outputScriptStart,
    outputScriptEnd: columns.outputScriptEnd,
  }
}

// Work --------------------------------------------------------------------------------------------------------------

/** The whole number that a header's `bits` spell (mantissa and exponent); undefined where negative, zero or too large. */
function targetOf(bits: number): bigint | undefined {
  const exponent = bits >>> 24
  const mantissa = BigInt(bits & 0x7fffff)
  if ((bits & 0x800000) !== 0 || mantissa === 0n) return undefined
  const target = exponent <= 3 ? mantissa >> BigInt(8 * (3 - exponent)) : mantissa << BigInt(8 * (exponent - 3))
  return target === 0n || target >= 1n << 256n ? undefined : target
}

/** The expected number of hashes behind a header of these bits: what the most-work rule adds up. Zero where bits are invalid. */
export function workOf(bits: number): bigint {
  const target = targetOf(bits)
  return target === undefined ? 0n : (1n << 256n) / (target + 1n)
}

/** Holds a header to its work. Litecoin and Dogecoin prove it with scrypt (N 1024, r 1, p 1) of the same 80 bytes. */
export function provesWork(params: ChainParams, header: Uint8Array, bits: number): boolean {
  const target = targetOf(bits)
  if (target === undefined || target > targetOf(params.workLimitBits)!) return false
  const proof =
    params.work === 'scrypt' ? scryptSync(header, header, 32, { N: 1024, r: 1, p: 1 }) : doubleSha256(header)
  return BigInt(`0x${hashText(proof, 0)}`) <= target
}

function checkWork(cursor: Cursor, params: ChainParams, header: Uint8Array, bits: number): void {
  if (provesWork(params, header, bits)) return
  throw cursor.fault(
    `the header does not prove the work its bits (${bits.toString(16).padStart(8, '0')}) ask for: a byte of the header is wrong, or the block is of another chain than ${params.chain}`,
    0,
  )
}

// Transactions ------------------------------------------------------------------------------------------------------

interface Columns {
  readonly transactionCount: number
  readonly ids: Buffer
  readonly transactionStart: Uint32Array
  /** 1 where the transaction is written with witnesses. */
  readonly witnessed: Uint8Array
  readonly inputStart: Uint32Array
  readonly inputOffset: Uint32Array
  readonly inputScriptStart: Uint32Array
  readonly inputScriptEnd: Uint32Array
  readonly inputWitness: Uint32Array
  readonly outputStart: Uint32Array
  readonly outputAmount: BigUint64Array
  readonly outputScriptStart: Uint32Array
  readonly outputScriptEnd: Uint32Array
  readonly coinbaseScriptStart: number
  readonly coinbaseScriptEnd: number
  /** Where the coinbase's witness stands; 0: none. */
  readonly coinbaseWitness: number
}

function readTransactions(cursor: Cursor, params: ChainParams): Columns {
  const bytes = cursor.bytes as Buffer
  const transactionCount = cursor.count(TRANSACTION_BYTES_MIN)
  if (transactionCount === 0) throw cursor.fault('the block has no transaction', cursor.at - 1)
  const left = cursor.end - cursor.at
  const inputsMax = Math.floor(left / INPUT_BYTES_MIN)
  const outputsMax = Math.floor(left / OUTPUT_BYTES_MIN)

  const ids = Buffer.allocUnsafe(32 * transactionCount)
  const transactionStart = new Uint32Array(transactionCount + 1)
  const witnessed = new Uint8Array(transactionCount)
  const inputStart = new Uint32Array(transactionCount + 1)
  const inputOffset = new Uint32Array(inputsMax)
  const inputScriptStart = new Uint32Array(inputsMax)
  const inputScriptEnd = new Uint32Array(inputsMax)
  const inputWitness = new Uint32Array(inputsMax)
  const outputStart = new Uint32Array(transactionCount + 1)
  const outputAmount = new BigUint64Array(outputsMax)
  const outputScriptStart = new Uint32Array(outputsMax)
  const outputScriptEnd = new Uint32Array(outputsMax)
  const amountMax = Number(params.amountMax)
  let stripped = Buffer.alloc(0)
  let coinbaseScriptStart = 0
  let coinbaseScriptEnd = 0
  let coinbaseWitness = 0
  let inputs = 0
  let outputs = 0

  for (let t = 0; t < transactionCount; t++) {
    const start = cursor.at
    transactionStart[t] = start
    cursor.skip(4)
    let withWitness = false
    if (bytes[cursor.at] === 0) {
      // A count of no inputs is the mark of a transaction with witnesses; the flag behind it must be 1 (BIP-144).
      cursor.skip(1)
      const flag = cursor.byte()
      if (params.segwitPrefix === undefined) throw cursor.fault(`transaction ${t} has no inputs`, cursor.at - 2)
      if (flag !== 1) {
        throw cursor.fault(
          (flag & 8) !== 0 && params.chain.startsWith('litecoin')
            ? `transaction ${t} carries a MimbleWimble extension, in which value moves out of sight; it is not read`
            : `transaction ${t} has a witness flag of ${flag}; only 1 is known`,
          cursor.at - 1,
        )
      }
      withWitness = true
    }
    const bodyStart = cursor.at

    const inputCount = cursor.count(INPUT_BYTES_MIN)
    if (inputCount === 0) throw cursor.fault(`transaction ${t} has no inputs`, bodyStart)
    const firstInput = inputs
    for (let i = 0; i < inputCount; i++) {
      const at = cursor.at
      cursor.skip(36)
      const scriptBytes = cursor.count(1)
      const scriptStart = cursor.at
      cursor.skip(scriptBytes + 4)
      if (t === 0) {
        if (inputCount !== 1 || !isNullOutpoint(bytes, at)) {
          throw cursor.fault('the first transaction is not a coinbase: one input that spends nothing', at)
        }
        if (scriptBytes < 2 || scriptBytes > 100) {
          throw cursor.fault(`the coinbase's script has ${scriptBytes} bytes; 2 to 100 are allowed`, scriptStart)
        }
        coinbaseScriptStart = scriptStart
        coinbaseScriptEnd = scriptStart + scriptBytes
      } else {
        if (isNullOutpoint(bytes, at)) throw cursor.fault(`transaction ${t} is a second coinbase`, at)
        inputOffset[inputs] = at
        inputScriptStart[inputs] = scriptStart
        inputScriptEnd[inputs] = scriptStart + scriptBytes
        inputs++
      }
    }
    inputStart[t + 1] = inputs

    const outputCount = cursor.count(OUTPUT_BYTES_MIN)
    if (outputCount === 0) throw cursor.fault(`transaction ${t} has no outputs`, cursor.at - 1)
    let total = 0
    for (let i = 0; i < outputCount; i++) {
      const at = cursor.at
      const low = cursor.uint32()
      const high = cursor.uint32()
      const amount = high * 2 ** 32 + low
      // Doubles blur above 2^53 (Dogecoin), but never by enough to let a sum pass that is not about the supply.
      total += amount
      if (amount > amountMax || total > amountMax) {
        throw cursor.fault(`transaction ${t} pays out more than there can be on ${params.chain} (output ${i})`, at)
      }
      outputAmount[outputs] = high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low)
      const scriptBytes = cursor.count(1)
      outputScriptStart[outputs] = cursor.at
      cursor.skip(scriptBytes)
      outputScriptEnd[outputs] = cursor.at
      outputs++
    }
    outputStart[t + 1] = outputs
    const bodyEnd = cursor.at

    if (withWitness) {
      witnessed[t] = 1
      let empty = true
      for (let i = 0; i < inputCount; i++) {
        const at = cursor.at
        const itemCount = cursor.count(1)
        if (itemCount > 0) {
          empty = false
          if (t === 0) coinbaseWitness = at
          else inputWitness[firstInput + i] = at
        }
        for (let item = 0; item < itemCount; item++) cursor.skip(cursor.count(1))
      }
      if (empty) throw cursor.fault(`transaction ${t} is marked as having witnesses and has none`, bodyStart - 2)
      cursor.skip(4)
      const length = 8 + bodyEnd - bodyStart
      if (stripped.length < length) stripped = Buffer.allocUnsafe(2 * length)
      bytes.copy(stripped, 0, start, start + 4)
      bytes.copy(stripped, 4, bodyStart, bodyEnd)
      bytes.copy(stripped, length - 4, cursor.at - 4, cursor.at)
      doubleSha256Into(stripped, 0, length, ids, 32 * t)
    } else {
      cursor.skip(4)
      doubleSha256Into(bytes, start, cursor.at, ids, 32 * t)
    }
  }
  transactionStart[transactionCount] = cursor.at

  return {
    transactionCount,
    ids,
    transactionStart,
    witnessed,
    inputStart,
    // Copies, so that what is kept is as long as what there is.
    inputOffset: inputOffset.slice(0, inputs),
    inputScriptStart: inputScriptStart.slice(0, inputs),
    inputScriptEnd: inputScriptEnd.slice(0, inputs),
    inputWitness: inputWitness.slice(0, inputs),
    outputStart,
    outputAmount: outputAmount.slice(0, outputs),
    outputScriptStart: outputScriptStart.slice(0, outputs),
    outputScriptEnd: outputScriptEnd.slice(0, outputs),
    coinbaseScriptStart,
    coinbaseScriptEnd,
    coinbaseWitness,
  }
}

/** 32 zero bytes and the index 2^32 − 1: what a coinbase names instead of an output. */
function isNullOutpoint(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 32; i++) if (bytes[at + i] !== 0) return false
  for (let i = 32; i < 36; i++) if (bytes[at + i] !== 0xff) return false
  return true
}

// Hashes ------------------------------------------------------------------------------------------------------------

/**
 * The Merkle root of 32-byte hashes. Where a level is odd its last hash is paired with itself; a level in which two
 * hashes that are there are the same pair would give the root of a shorter list too (CVE-2012-2459), so it is refused.
 */
function merkleRoot(cursor: Cursor, hashes: Buffer): Buffer {
  const level = Buffer.allocUnsafe(hashes.length + 32)
  hashes.copy(level)
  for (let count = hashes.length / 32, depth = 0; count > 1; count = (count + 1) >> 1, depth++) {
    for (let i = 0; i < count; i += 2) {
      if (i + 1 === count) {
        level.copy(level, 32 * count, 32 * i, 32 * count)
      } else if (level.compare(level, 32 * i, 32 * i + 32, 32 * i + 32, 32 * i + 64) === 0) {
        throw cursor.fault(
          `the transactions from number ${i << depth} on stand twice in a row, a copy that leaves the Merkle root as it was (CVE-2012-2459)`,
          HEADER_BYTES,
        )
      }
      hashPair(level, 32 * i, level, 16 * i)
    }
  }
  return level.subarray(0, 32)
}

/**
 * Holds the witnesses to what the coinbase promises (BIP-141): its last output marked so holds the double SHA-256 of the
 * Merkle root of the ids with witnesses, the coinbase's taken as zero, and of the one item of the coinbase's witness.
 */
function checkWitnesses(cursor: Cursor, params: ChainParams, columns: Columns, height: number | undefined): void {
  const bytes = cursor.bytes as Buffer
  let commitment = 0
  for (let output = columns.outputStart[1] - 1; output >= 0 && commitment === 0; output--) {
    const from = columns.outputScriptStart[output]
    if (columns.outputScriptEnd[output] - from >= 38 && bytes.compare(COMMITMENT_MARK, 0, 6, from, from + 6) === 0) {
      commitment = from + 6
    }
  }
  const first = columns.witnessed.indexOf(1)
  if (commitment === 0 || params.segwitPrefix === undefined) {
    if (first === -1) return
    throw cursor.fault(
      `transaction ${first} has witnesses, and the coinbase has no commitment to them`,
      columns.transactionStart[first],
    )
  }
  if (columns.coinbaseWitness === 0) {
    // Before the rule counted, miners already wrote commitments, and no transaction could have a witness.
    if (first === -1 && (height === undefined || height < params.segwitFrom)) return
    throw cursor.fault(
      'the coinbase commits to witnesses, but its own witness is not there: the block was stripped of its witnesses',
      columns.transactionStart[0],
    )
  }
  const reserved = columns.coinbaseWitness
  if (bytes[reserved] !== 1 || bytes[reserved + 1] !== 32) {
    throw cursor.fault("the coinbase's witness is not one item of 32 bytes", reserved)
  }
  const hashes = Buffer.from(columns.ids)
  hashes.fill(0, 0, 32)
  for (let t = 1; t < columns.transactionCount; t++) {
    if (columns.witnessed[t] === 1) {
      doubleSha256Into(bytes, columns.transactionStart[t], columns.transactionStart[t + 1], hashes, 32 * t)
    }
  }
  const pair = Buffer.allocUnsafe(64)
  merkleRoot(cursor, hashes).copy(pair, 0)
  bytes.copy(pair, 32, reserved + 2, reserved + 34)
  hashPair(pair, 0, pair, 0)
  if (pair.compare(bytes, commitment, commitment + 32, 0, 32) !== 0) {
    throw cursor.fault('the witnesses are not those the coinbase commits to: a byte of a witness is wrong', commitment)
  }
}

// Height ------------------------------------------------------------------------------------------------------------

/** The number that a coinbase's script begins with, as BIP-34 writes it; undefined where it is none. */
function statedHeight(bytes: Uint8Array, start: number, end: number): number | undefined {
  const length = bytes[start]
  if (length === 0) return 0
  if (length >= 0x51 && length <= 0x60) return length - 0x50
  if (length > 5 || start + 1 + length > end) return undefined
  let value = 0
  for (let i = length; i >= 1; i--) value = value * 256 + bytes[start + i]
  const top = bytes[start + length]
  // Shortest form: a zero byte on top only where the byte below would otherwise read as a sign.
  if (top >= 0x80 || (top === 0 && (length === 1 || bytes[start + length - 1] < 0x80))) return undefined
  return value
}

function heightOf(
  cursor: Cursor,
  params: ChainParams,
  version: number,
  scriptStart: number,
  scriptEnd: number,
  given: number | undefined,
): number | undefined {
  // Merged-mining chains keep other things in the upper half of the version.
  const rules = params.auxiliaryWork ? version & 0xff : version
  const stated = rules >= 2 || rules < 0 ? statedHeight(cursor.bytes, scriptStart, scriptEnd) : undefined
  if (given === undefined) {
    // An older block may begin its coinbase with a number that is no height.
    return stated !== undefined && stated >= params.heightInCoinbaseFrom ? stated : undefined
  }
  if (given >= params.heightInCoinbaseFrom && stated !== given) {
    throw cursor.fault(
      `the block was said to be at height ${given}; its coinbase says ${stated ?? 'nothing'}`,
      scriptStart,
    )
  }
  return given
}

// Spends within the block -------------------------------------------------------------------------------------------

/** Longest run of occupied places before a table of typed arrays is given up for a `Map` that no crafted id can clog. */
const RUN_MAX = 64

/**
 * Which output of this block each input spends (−1: of an earlier block). On the way it proves that no output is spent
 * twice in the block (CVE-2018-17144) and that, on chains that keep that order, nothing is spent before it is made.
 */
function findParents(cursor: Cursor, params: ChainParams, columns: Columns): Int32Array {
  const bytes = cursor.bytes
  const { ids, transactionCount, inputStart, inputOffset, outputStart } = columns
  const inputCount = inputOffset.length
  const parents = new Int32Array(inputCount).fill(-1)
  const transactions = new HashIndex(ids, transactionCount, (place) => 32 * place, 32)
  for (let t = 0; t < transactionCount; t++) {
    if (transactions.add(t) !== -1) {
      throw cursor.fault(`transaction ${t} stands in the block twice`, columns.transactionStart[t])
    }
  }
  const spent = new HashIndex(bytes, inputCount, (place) => inputOffset[place], 36)
  for (let t = 1; t < transactionCount; t++) {
    for (let i = inputStart[t]; i < inputStart[t + 1]; i++) {
      const at = inputOffset[i]
      if (spent.add(i) !== -1)
        throw cursor.fault(`transaction ${t} spends an output that this block spends already`, at)
      const maker = transactions.find(bytes, at)
      if (maker === -1) continue
      if (maker === t || (maker > t && !params.unordered)) {
        throw cursor.fault(`transaction ${t} spends an output of transaction ${maker}, which comes after it`, at)
      }
      const index = (bytes[at + 32] | (bytes[at + 33] << 8) | (bytes[at + 34] << 16) | (bytes[at + 35] << 24)) >>> 0
      if (index >= outputStart[maker + 1] - outputStart[maker]) {
        throw cursor.fault(`transaction ${t} spends output ${index} of transaction ${maker}, which has fewer`, at + 32)
      }
      if (maker === 0) throw cursor.fault(`transaction ${t} spends the coinbase of its own block`, at)
      parents[i] = outputStart[maker] + index
    }
  }
  return parents
}

/** Finds equal runs of `length` bytes: an open-addressed table of places, or a `Map` once a run of it grows long. */
class HashIndex {
  readonly #bytes: Uint8Array
  readonly #offsetOf: (place: number) => number
  readonly #length: number
  readonly #mask: number
  readonly #table: Int32Array
  #map: Map<string, number> | undefined

  constructor(bytes: Uint8Array, count: number, offsetOf: (place: number) => number, length: number) {
    let size = 16
    while (size < 2 * count) size *= 2
    this.#bytes = bytes
    this.#offsetOf = offsetOf
    this.#length = length
    this.#mask = size - 1
    this.#table = new Int32Array(size).fill(-1)
  }

  /** Adds a place; answers the place that already holds the same bytes, or −1. */
  add(place: number): number {
    const from = this.#offsetOf(place)
    if (this.#map === undefined) {
      let slot = this.#slotOf(this.#bytes, from)
      for (let run = 0; run < RUN_MAX; run++, slot = (slot + 1) & this.#mask) {
        const other = this.#table[slot]
        if (other === -1) {
          this.#table[slot] = place
          return -1
        }
        if (this.#same(this.#bytes, from, this.#offsetOf(other))) return other
      }
      this.#map = new Map()
      for (const other of this.#table)
        if (other !== -1) this.#map.set(this.#key(this.#bytes, this.#offsetOf(other)), other)
    }
    const key = this.#key(this.#bytes, from)
    const other = this.#map.get(key)
    if (other !== undefined) return other
    this.#map.set(key, place)
    return -1
  }

  /** The place that holds the same bytes as those at `from` of another source, or −1. */
  find(bytes: Uint8Array, from: number): number {
    if (this.#map !== undefined) return this.#map.get(this.#key(bytes, from)) ?? -1
    for (let slot = this.#slotOf(bytes, from); ; slot = (slot + 1) & this.#mask) {
      const other = this.#table[slot]
      if (other === -1 || this.#same(bytes, from, this.#offsetOf(other))) return other
    }
  }

  #slotOf(bytes: Uint8Array, from: number): number {
    const word = bytes[from] | (bytes[from + 1] << 8) | (bytes[from + 2] << 16) | (bytes[from + 3] << 24)
    // Outputs of one transaction differ only in their index.
    const index = this.#length === 36 ? Math.imul(bytes[from + 32] | (bytes[from + 33] << 8), 0x9e3779b1) : 0
    return (word ^ index ^ (index >>> 15)) & this.#mask
  }

  #same(bytes: Uint8Array, from: number, mine: number): boolean {
    for (let i = 0; i < this.#length; i++) if (bytes[from + i] !== this.#bytes[mine + i]) return false
    return true
  }

  #key(bytes: Uint8Array, from: number): string {
    return Buffer.from(bytes.buffer, bytes.byteOffset + from, this.#length).toString('latin1')
  }
}
