import { keyHashAddress, looksLikeKey, scriptHashAddress } from './address.ts'
import type { DecodedBlock } from './block.ts'
import { encodeSegwit } from './encoding.ts'
import { hash160Of, sha256 } from './hash.ts'

// What an input shows of the output it spends: the key or script behind a hash has to be laid open to spend it.

/** Pieces of data, by the ranges of the first and the last: the pushes of a script or the items of a witness. */
interface Items {
  count: number
  firstStart: number
  firstEnd: number
  lastStart: number
  lastEnd: number
}

/** From this height a witness of version 1 has rules of its own (BIP-341, Bitcoin's main chain). */
const TAPROOT_HEIGHT = 709_632

/**
 * The pushes of a script that only pushes, the only kind that can spend a script's hash; undefined for any other. Small
 * numbers (OP_0, OP_1 …) count as pushes of nothing.
 */
function pushesOf(bytes: Uint8Array, from: number, end: number): Items | undefined {
  const items: Items = { count: 0, firstStart: 0, firstEnd: 0, lastStart: 0, lastEnd: 0 }
  for (let at = from; at < end; ) {
    const code = bytes[at++]
    let length = 0
    if (code <= 75) length = code
    else if (code === 76 && at < end) length = bytes[at++]
    else if (code === 77 && at + 1 < end) {
      length = bytes[at] | (bytes[at + 1] << 8)
      at += 2
    } else if (code < 79 || code > 96) return undefined
    if (at + length > end) return undefined
    note(items, at, at + length)
    at += length
  }
  return items
}

/** The items of the witness whose count stands at `at`; the block's reader has proved that it is whole. */
function witnessOf(bytes: Uint8Array, at: number): Items {
  const items: Items = { count: 0, firstStart: 0, firstEnd: 0, lastStart: 0, lastEnd: 0 }
  const size = (): number => {
    const first = bytes[at++]
    if (first < 0xfd) return first
    let value = bytes[at] | (bytes[at + 1] << 8)
    if (first === 0xfd) at += 2
    else {
      value += bytes[at + 2] * 2 ** 16 + bytes[at + 3] * 2 ** 24
      at += first === 0xfe ? 4 : 8
    }
    return value
  }
  const count = size()
  for (let i = 0; i < count; i++) {
    const length = size()
    note(items, at, at + length)
    at += length
  }
  return items
}

function note(items: Items, start: number, end: number): void {
  if (items.count === 0) {
    items.firstStart = start
    items.firstEnd = end
  }
  items.lastStart = start
  items.lastEnd = end
  items.count++
}

/** Whether a range has the outer shape of an ECDSA signature in DER with its sighash byte. */
function looksLikeSignature(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  return length >= 9 && length <= 73 && bytes[start] === 0x30 && bytes[start + 1] === length - 3
}

/** Whether a range is a standard multisig script: m keys n CHECKMULTISIG. */
function isMultisig(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 37 || bytes[end - 1] !== 0xae) return false
  const needed = bytes[start] - 0x50
  const count = bytes[end - 2] - 0x50
  if (needed < 1 || needed > count || count > 16) return false
  let at = start + 1
  for (let key = 0; key < count; key++) {
    const length = bytes[at]
    if (at + 1 + length > end - 2 || !looksLikeKey(bytes[at + 1], length)) return false
    at += 1 + length
  }
  return at === end - 2
}

/**
 * The address of the output that an input spends, told by the input alone; undefined where that is not certain.
 *
 * - only a signature and a key in the script: the key's hash (P2PKH);
 * - a witness, and one push of a witness program in the script: the script's hash (P2SH around segwit);
 * - no script, a witness of a signature and a compressed key: the key's witness program (P2WPKH);
 * - no script, another witness: the last item's witness program (P2WSH), unless it may as well be a taproot spend;
 * - pushes that end in a multisig script: the script's hash (P2SH).
 *
 * Not told: bare keys and bare multisig (only signatures are shown), taproot, and scripts of no usual form.
 */
export function spenderAddress(block: DecodedBlock, input: number): string | undefined {
  const { bytes, params } = block
  const from = block.inputScriptStart[input]
  const end = block.inputScriptEnd[input]
  const witnessAt = block.inputWitness[input]
  if (from === end) {
    if (witnessAt === 0 || params.segwitPrefix === undefined) return undefined
    const items = witnessOf(bytes, witnessAt)
    const length = items.lastEnd - items.lastStart
    const first = bytes[items.lastStart]
    if (items.count === 2 && length === 33 && looksLikeKey(first, 33)) {
      return looksLikeSignature(bytes, items.firstStart, items.firstEnd)
        ? encodeSegwit(params.segwitPrefix, 0, hash160Of(bytes, items.lastStart, items.lastEnd), 0, 20)
        : undefined
    }
    // With taproot, one item is a signature by itself, the last of several a control block or an annex.
    const taproot = block.height === undefined || params.chain !== 'bitcoin' || block.height >= TAPROOT_HEIGHT
    if (length === 0 || (taproot && (items.count === 1 || length % 32 === 1 || first === 0x50))) return undefined
    return encodeSegwit(params.segwitPrefix, 0, sha256(bytes.subarray(items.lastStart, items.lastEnd)), 0, 32)
  }
  const pushes = pushesOf(bytes, from, end)
  if (pushes === undefined || pushes.count === 0) return undefined
  const { lastStart, lastEnd } = pushes
  if (witnessAt !== 0) {
    // A witness beside a script is valid only where the script is one push of a witness program of version 0 or later.
    const length = lastEnd - lastStart
    if (pushes.count !== 1 || length < 4 || length > 42 || bytes[lastStart + 1] !== length - 2) return undefined
    return scriptHashAddress(params, hash160Of(bytes, lastStart, lastEnd), 0)
  }
  if (pushes.count === 2 && looksLikeKey(bytes[lastStart], lastEnd - lastStart)) {
    return looksLikeSignature(bytes, pushes.firstStart, pushes.firstEnd)
      ? keyHashAddress(params, hash160Of(bytes, lastStart, lastEnd), 0)
      : undefined
  }
  if (pushes.count >= 2 && isMultisig(bytes, lastStart, lastEnd)) {
    return scriptHashAddress(params, hash160Of(bytes, lastStart, lastEnd), 0)
  }
  return undefined
}

/**
 * Whether an input lays open what the hash in a spent script is the hash of; undefined where the script holds none, or
 * the input is of a form that does not tell. False means that this script is not the one this input spends.
 */
export function opensScript(
  block: DecodedBlock,
  input: number,
  script: Uint8Array,
  start: number,
  scriptEnd: number,
): boolean | undefined {
  const { bytes } = block
  const length = scriptEnd - start
  const equal = (hash: Buffer, at: number): boolean => hash.compare(script, at, at + hash.length) === 0
  const paysKeyHash =
    length === 25 &&
    script[start] === 0x76 &&
    script[start + 1] === 0xa9 &&
    script[start + 2] === 20 &&
    script[start + 23] === 0x88 &&
    script[start + 24] === 0xac
  if (paysKeyHash) {
    const pushes = pushesOf(bytes, block.inputScriptStart[input], block.inputScriptEnd[input])
    if (pushes === undefined) return undefined
    return pushes.count >= 2 && equal(hash160Of(bytes, pushes.lastStart, pushes.lastEnd), start + 3)
  }
  // True before BIP-16 too: the last thing pushed is what is hashed. A script that does more than push is not looked into.
  if (length === 23 && script[start] === 0xa9 && script[start + 1] === 20 && script[start + 22] === 0x87) {
    const pushes = pushesOf(bytes, block.inputScriptStart[input], block.inputScriptEnd[input])
    if (pushes === undefined) return undefined
    return pushes.count >= 1 && equal(hash160Of(bytes, pushes.lastStart, pushes.lastEnd), start + 2)
  }
  if (block.params.segwitPrefix !== undefined && script[start] === 0 && block.inputWitness[input] !== 0) {
    if (length === 22 && script[start + 1] === 20) {
      const items = witnessOf(bytes, block.inputWitness[input])
      return items.count === 2 && equal(hash160Of(bytes, items.lastStart, items.lastEnd), start + 2)
    }
    if (length === 34 && script[start + 1] === 32) {
      const items = witnessOf(bytes, block.inputWitness[input])
      return equal(sha256(bytes.subarray(items.lastStart, items.lastEnd)), start + 2)
    }
  }
  return undefined
}
