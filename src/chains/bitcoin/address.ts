import type { Chain } from '../../../graph/index.ts'
import {
  decodeBase58Check,
  decodeCashAddress,
  decodeSegwit,
  encodeBase58Check,
  encodeCashAddress,
  encodeSegwit,
} from './encoding.ts'
import { hash160 } from './hash.ts'
import { type ChainParams, getChainParams } from './params.ts'

const OP_0 = 0x00
const OP_1 = 0x51
const OP_16 = 0x60
const OP_EQUAL = 0x87
const OP_EQUALVERIFY = 0x88
const OP_DUP = 0x76
const OP_HASH160 = 0xa9
const OP_HASH256 = 0xaa
const OP_CHECKSIG = 0xac
/** Bitcoin Cash's CashTokens: an output that carries tokens begins with this byte and the tokens, then its script. */
const PREFIX_TOKEN = 0xef

/** Whether a public key of this length may begin with this byte: compressed, uncompressed or hybrid (SEC 1). */
export function looksLikeKey(first: number, length: number): boolean {
  if (length === 33) return first === 0x02 || first === 0x03
  return length === 65 && (first === 0x04 || first === 0x06 || first === 0x07)
}

/** The address of a key's hash, 20 bytes at `from`. */
export function keyHashAddress(params: ChainParams, bytes: Uint8Array, from: number): string {
  if (params.cashPrefix === undefined) return encodeBase58Check(params.keyHashVersion, bytes, from)
  return encodeCashAddress(params.cashPrefix, 0, bytes.subarray(from, from + 20))
}

/** The address of a script's hash, 20 bytes at `from`. */
export function scriptHashAddress(params: ChainParams, bytes: Uint8Array, from: number): string {
  if (params.cashPrefix === undefined) return encodeBase58Check(params.scriptHashVersions[0], bytes, from)
  return encodeCashAddress(params.cashPrefix, 1, bytes.subarray(from, from + 20))
}

/**
 * The address of an output script that stands in `bytes` from `from` to `end`, or null where the script has none.
 *
 * - to a key's hash (P2PKH), to a script's hash (P2SH): base58check, or cashaddr on Bitcoin Cash;
 * - to a bare key (P2PK): the address of that key's hash, the same that P2PKH to this key has, since the same key spends
 *   both; explorers differ here, and a node prints no address for it;
 * - witness programs of version 0: bech32; version 1 (taproot) to 16: bech32m (BIP-350);
 * - Bitcoin Cash only: to a 32-byte script hash (P2SH32) as cashaddr; a token prefix before the script is stepped over;
 * - bare multisig, data (`OP_RETURN`) and everything else: null, no one address holds it.
 */
export function addressOfScript(params: ChainParams, bytes: Uint8Array, from: number, end: number): string | null {
  const length = end - from
  if (length === 25) {
    if (
      bytes[from] === OP_DUP &&
      bytes[from + 1] === OP_HASH160 &&
      bytes[from + 2] === 20 &&
      bytes[from + 23] === OP_EQUALVERIFY &&
      bytes[from + 24] === OP_CHECKSIG
    ) {
      return keyHashAddress(params, bytes, from + 3)
    }
  } else if (length === 23) {
    if (bytes[from] === OP_HASH160 && bytes[from + 1] === 20 && bytes[from + 22] === OP_EQUAL) {
      return scriptHashAddress(params, bytes, from + 2)
    }
  }
  if (params.segwitPrefix !== undefined && length >= 4 && length <= 42 && bytes[from + 1] === length - 2) {
    const version = bytes[from] === OP_0 ? 0 : bytes[from] >= OP_1 && bytes[from] <= OP_16 ? bytes[from] - OP_1 + 1 : -1
    if (version > 0 || (version === 0 && (length === 22 || length === 34))) {
      return encodeSegwit(params.segwitPrefix, version, bytes, from + 2, length - 2)
    }
  }
  if ((length === 35 || length === 67) && bytes[from] === length - 2 && bytes[end - 1] === OP_CHECKSIG) {
    if (looksLikeKey(bytes[from + 1], length - 2)) {
      return keyHashAddress(params, hash160(bytes.subarray(from + 1, end - 1)), 0)
    }
  }
  if (params.cashPrefix !== undefined) {
    if (length === 35 && bytes[from] === OP_HASH256 && bytes[from + 1] === 32 && bytes[end - 1] === OP_EQUAL) {
      return encodeCashAddress(params.cashPrefix, 1, bytes.subarray(from + 2, from + 34))
    }
    if (length > 0 && bytes[from] === PREFIX_TOKEN) {
      const script = afterToken(bytes, from, end)
      // A second prefix would be malformed; the first byte of what follows decides, so this does not go on for ever.
      if (script !== undefined && bytes[script] !== PREFIX_TOKEN) return addressOfScript(params, bytes, script, end)
    }
  }
  return null
}

/** Where the script begins behind a CashTokens prefix (CHIP-2022-02): category, bitfield, commitment, amount. */
function afterToken(bytes: Uint8Array, from: number, end: number): number | undefined {
  let at = from + 34
  if (at > end) return undefined
  const field = bytes[at - 1]
  if ((field & 0x80) !== 0 || (field & 0x70) === 0) return undefined
  if ((field & 0x40) !== 0) {
    // A commitment is at most 128 bytes, so its length is one byte.
    if (at >= end || bytes[at] === 0 || bytes[at] > 128) return undefined
    at += 1 + bytes[at]
  }
  if ((field & 0x10) !== 0) {
    if (at >= end) return undefined
    at += bytes[at] < 0xfd ? 1 : bytes[at] === 0xfd ? 3 : bytes[at] === 0xfe ? 5 : 9
  }
  return at < end ? at : undefined
}

/** The address of an output script; null where it has none. Rules: `addressOfScript`. Fault `REQUEST_INVALID`: unknown chain. */
export function scriptToAddress(script: Uint8Array, chain: Chain): string | null {
  return addressOfScript(getChainParams(chain), script, 0, script.length)
}

/**
 * The canonical writing of an address of a bitcoin-like chain: base58 as it is, segwit in lower case, Bitcoin Cash as
 * cashaddr in lower case with its prefix (also where it came without one, or in the legacy base58 writing), Litecoin's
 * old `3…` script addresses as `M…`. Undefined where checksum, prefix, version or length are not this chain's: an address of a
 * test network is not one of the main network. Fault `REQUEST_INVALID`: the chain is not known.
 */
export function checkBitcoinAddress(chain: Chain, text: string): string | undefined {
  const params = getChainParams(chain)
  if (params.segwitPrefix !== undefined) {
    const segwit = decodeSegwit(params.segwitPrefix, text)
    if (segwit !== undefined) return text.toLowerCase()
  }
  if (params.cashPrefix !== undefined) {
    const cash = decodeCashAddress(params.cashPrefix, text)
    if (cash !== undefined) {
      return cash.hash.length === 20 || (cash.type === 1 && cash.hash.length === 32)
        ? encodeCashAddress(params.cashPrefix, cash.type, cash.hash)
        : undefined
    }
  }
  const legacy = decodeBase58Check(text)
  if (legacy === undefined) return undefined
  if (legacy.version === params.keyHashVersion) return keyHashAddress(params, legacy.hash, 0)
  if (params.scriptHashVersions.includes(legacy.version)) return scriptHashAddress(params, legacy.hash, 0)
  return undefined
}
