/**
 * Addresses proved by their own checksums. Every address that enters the service passes here once and is from then on
 * in its chain's canonical writing, so that two spellings of one account can never be two accounts.
 */
import { hash } from 'node:crypto'
import { address as bitcoinAddress } from 'bitcoinjs-lib'
import { getAddress } from 'ethers'
import { type Chain, isUtxoChain } from '../../graph/index.ts'

/** How a network of the Bitcoin family writes addresses. Version bytes in canonical writing, and older bytes still read. */
interface UtxoNetwork {
  readonly pubKeyHash: number
  readonly scriptHash: number
  /** Version bytes of earlier writings of the same script hash; rewritten with `scriptHash`. */
  readonly scriptHashOld: readonly number[]
  readonly bech32: string | undefined
  readonly cashAddress: string | undefined
}

function network(
  pubKeyHash: number,
  scriptHash: number,
  more: { bech32?: string; cashAddress?: string; scriptHashOld?: readonly number[] } = {},
): UtxoNetwork {
  return {
    pubKeyHash,
    scriptHash,
    scriptHashOld: more.scriptHashOld ?? [],
    bech32: more.bech32,
    cashAddress: more.cashAddress,
  }
}

/** Version bytes and prefixes as each chain's reference client has them in its chain parameters. */
const NETWORKS: Readonly<Record<string, UtxoNetwork>> = {
  bitcoin: network(0x00, 0x05, { bech32: 'bc' }),
  'bitcoin-testnet': network(0x6f, 0xc4, { bech32: 'tb' }),
  'bitcoin-signet': network(0x6f, 0xc4, { bech32: 'tb' }),
  'bitcoin-regtest': network(0x6f, 0xc4, { bech32: 'bcrt' }),
  litecoin: network(0x30, 0x32, { bech32: 'ltc', scriptHashOld: [0x05] }),
  'litecoin-testnet': network(0x6f, 0x3a, { bech32: 'tltc', scriptHashOld: [0xc4] }),
  'litecoin-signet': network(0x6f, 0x3a, { bech32: 'tltc', scriptHashOld: [0xc4] }),
  'litecoin-regtest': network(0x6f, 0x3a, { bech32: 'rltc', scriptHashOld: [0xc4] }),
  dogecoin: network(0x1e, 0x16),
  'dogecoin-testnet': network(0x71, 0xc4),
  'dogecoin-regtest': network(0x6f, 0xc4),
  'bitcoin-cash': network(0x00, 0x05, { cashAddress: 'bitcoincash' }),
  'bitcoin-cash-testnet': network(0x6f, 0xc4, { cashAddress: 'bchtest' }),
  'bitcoin-cash-signet': network(0x6f, 0xc4, { cashAddress: 'bchtest' }),
  'bitcoin-cash-regtest': network(0x6f, 0xc4, { cashAddress: 'bchreg' }),
}

/** CAIP-2 names of the same networks: `bip122:` and the first 32 digits of the genesis block's hash. */
const GENESIS_NAMES: Readonly<Record<string, string>> = {
  'bip122:000000000019d6689c085ae165831e93': 'bitcoin',
  'bip122:000000000933ea01ad0ee984209779ba': 'bitcoin-testnet',
  'bip122:12a765e31ffd4059bada1e25190f6e98': 'litecoin',
  'bip122:1a91e3dace36e2be3bf030a65679fe82': 'dogecoin',
}

/** Chains whose accounts are written as 20 bytes in hexadecimal with the mixed case of EIP-55. */
const EVM_CHAINS = new Set([
  'ethereum',
  'ethereum-classic',
  'bsc',
  'polygon',
  'arbitrum',
  'optimism',
  'avalanche',
  'fantom',
  'base',
  'gnosis',
  'linea',
  'scroll',
  'zksync',
  'celo',
  'moonbeam',
  'cronos',
  'blast',
  'mantle',
])

const TRON_CHAINS = new Set(['tron', 'tron-nile', 'tron-shasta'])
const TRON_VERSION = 0x41

/** Whether a chain's accounts are EVM accounts, by its name or its CAIP-2 id. Test networks go with their chain. */
export function isEvmChain(chain: Chain): boolean {
  return /^eip155:[1-9][0-9]{0,31}$/.test(chain) || EVM_CHAINS.has(chain) || EVM_CHAINS.has(mainNetwork(chain))
}

function mainNetwork(chain: Chain): Chain {
  return chain.replace(/-(testnet\d*|sepolia|holesky|hoodi|goerli|amoy|mumbai|fuji|chapel)$/, '')
}

function networkOf(chain: Chain): UtxoNetwork | undefined {
  const name = GENESIS_NAMES[chain] ?? chain.replace(/-testnet\d+$/, '-testnet')
  return Object.hasOwn(NETWORKS, name) ? NETWORKS[name] : undefined
}

const ADDRESS_LENGTH_MAX = 128

/** White space, control characters, and the characters that show nothing or turn the direction of text. */
const INVISIBLE = /[\s\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/

/**
 * The canonical writing of an address, or `undefined` where its checksum, its length or its network is wrong.
 *
 * TRON: Base58Check under version 0x41. EVM chains: EIP-55; one-case writing is accepted and gets its checksum, wrong
 * mixed case is refused. Bitcoin family: Base58Check or Bech32 (version 0) and Bech32m (1 to 16) of that very network;
 * Litecoin's old `3…` becomes `M…`, every Bitcoin Cash address becomes a prefixed CashAddr, Bech32 becomes lower case. Chains we have no
 * rule for: any text of 1 to 128 characters without white space or control characters stands as it is.
 */
export function canonicalAddress(chain: Chain, text: string): string | undefined {
  if (text.length === 0 || text.length > ADDRESS_LENGTH_MAX) return undefined
  if (TRON_CHAINS.has(chain)) return isTronAddress(text) ? text : undefined
  if (isEvmChain(chain)) return evmAddress(text)
  const utxo = networkOf(chain)
  if (utxo) return utxoAddress(utxo, text)
  return INVISIBLE.test(text) ? undefined : text
}

/** Whether a text is a TRON account, proved by its checksum: some lists file such accounts under another asset. */
export function isTronAddress(text: string): boolean {
  if (text.length !== 34 || text[0] !== 'T') return false
  const payload = base58Check(text)
  return payload !== undefined && payload.length === 21 && payload[0] === TRON_VERSION
}

/** Which of the chains we can check would take this text, besides those that share its writing. Sorted by name. */
export function chainsOfAddress(text: string): readonly Chain[] {
  const chains: Chain[] = []
  if (isTronAddress(text)) chains.push('tron')
  if (evmAddress(text) !== undefined) chains.push('ethereum')
  for (const name of ['bitcoin', 'litecoin', 'dogecoin', 'bitcoin-cash']) {
    if (utxoAddress(NETWORKS[name], text) !== undefined) chains.push(name)
  }
  return chains.sort()
}

/** One sentence on why an address was refused, and what to do about it. Only for addresses `canonicalAddress` refuses. */
export function explainAddress(chain: Chain, text: string): string {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  if (text.length === 0) return `the address is empty; a ${chain} address is wanted`
  if (text.length > ADDRESS_LENGTH_MAX) return `${shown} is longer than ${ADDRESS_LENGTH_MAX} characters`
  if (text.trim() !== text) return `${shown} has white space around it; remove it`
  if (INVISIBLE.test(text)) {
    return `${shown} has white space or an invisible character in it`
  }
  const others = chainsOfAddress(text).filter((name) => name !== chain)
  if (others.length > 0) {
    const names = others.map((name) => (name === 'tron' ? 'TRON' : name)).join(' or ')
    return `${shown} is a ${names} address, not a ${chain} one`
  }
  if (isEvmChain(chain) || /^0x[0-9a-f]{40}$/i.test(text)) {
    if (/^0x[0-9a-fA-F]{40}$/.test(text)) {
      return `${shown} has mixed letter case that its EIP-55 checksum denies; a character is wrong, or write it all in lower case`
    }
    return `${shown} is not 0x and 40 hexadecimal digits`
  }
  const base58 = TRON_CHAINS.has(chain) || networkOf(chain) !== undefined
  if (base58 && text === text.toLowerCase() && /^[13tmlda9n][0-9a-z]{25,34}$/.test(text)) {
    return `${shown} is lower-cased base58: its letter case is lost and cannot be computed; take the address from the original list`
  }
  if (base58 && /[0OIl]/.test(text) && !text.includes(':') && !/^(bc|tb|bcrt|ltc|tltc|rltc)1/i.test(text)) {
    return `${shown} has a character that base58 does not use (0, O, I or l)`
  }
  return `${shown} is not a ${chain} address: its checksum, length or network is wrong`
}

function evmAddress(text: string): string | undefined {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) return undefined
  try {
    return getAddress(text)
  } catch {
    return undefined
  }
}

function utxoAddress(net: UtxoNetwork, text: string): string | undefined {
  if (net.cashAddress !== undefined) {
    const cash = readCashAddress(net.cashAddress, text)
    if (cash) return cash
  }
  if (net.bech32 !== undefined && text.toLowerCase().startsWith(`${net.bech32}1`)) {
    return segwitAddress(net.bech32, text)
  }
  const payload = base58Check(text)
  if (payload === undefined || payload.length !== 21) return undefined
  const isScript = payload[0] === net.scriptHash || net.scriptHashOld.includes(payload[0])
  if (payload[0] !== net.pubKeyHash && !isScript) return undefined
  if (net.cashAddress !== undefined) return writeCashAddress(net.cashAddress, isScript ? 1 : 0, payload.subarray(1))
  if (isScript && payload[0] !== net.scriptHash) {
    const rewritten = Uint8Array.from(payload)
    rewritten[0] = net.scriptHash
    return writeBase58Check(rewritten)
  }
  return text
}

/** BIP-173 and BIP-350: one case throughout; version 0 is 20 or 32 bytes, later versions are 2 to 40. */
function segwitAddress(prefix: string, text: string): string | undefined {
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) return undefined
  const lower = text.toLowerCase()
  try {
    const { version, prefix: found, data } = bitcoinAddress.fromBech32(lower)
    if (found !== prefix || version > 16) return undefined
    const fits = version === 0 ? data.length === 20 || data.length === 32 : data.length >= 2 && data.length <= 40
    return fits ? lower : undefined
  } catch {
    return undefined
  }
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const BASE58_VALUES = new Int8Array(128).fill(-1)
for (let value = 0; value < BASE58.length; value++) BASE58_VALUES[BASE58.charCodeAt(value)] = value

function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

/** The payload of a Base58Check text (at most 64 characters), its four checksum bytes proved and taken off. */
function base58Check(text: string): Uint8Array | undefined {
  const bytes = text.length > 64 ? undefined : readBase58(text)
  if (bytes === undefined || bytes.length < 5) return undefined
  const payload = bytes.subarray(0, bytes.length - 4)
  const digest = sha256(sha256(payload))
  for (let i = 0; i < 4; i++) if (digest[i] !== bytes[payload.length + i]) return undefined
  return payload
}

function readBase58(text: string): Uint8Array | undefined {
  let zeros = 0
  while (zeros < text.length && text[zeros] === '1') zeros++
  const little: number[] = []
  for (let i = zeros; i < text.length; i++) {
    const code = text.charCodeAt(i)
    let carry = code < 128 ? BASE58_VALUES[code] : -1
    if (carry < 0) return undefined
    for (let j = 0; j < little.length; j++) {
      carry += little[j] * 58
      little[j] = carry & 0xff
      carry >>= 8
    }
    while (carry > 0) {
      little.push(carry & 0xff)
      carry >>= 8
    }
  }
  const bytes = new Uint8Array(zeros + little.length)
  for (let i = 0; i < little.length; i++) bytes[bytes.length - 1 - i] = little[i]
  return bytes
}

function writeBase58Check(payload: Uint8Array): string {
  const bytes = Uint8Array.from([...payload, ...sha256(sha256(payload)).subarray(0, 4)])
  const digits: number[] = []
  let zeros = 0
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++
  for (let i = zeros; i < bytes.length; i++) {
    let carry = bytes[i]
    for (let j = 0; j < digits.length; j++) {
      carry += digits[j] << 8
      digits[j] = carry % 58
      carry = (carry / 58) | 0
    }
    while (carry > 0) {
      digits.push(carry % 58)
      carry = (carry / 58) | 0
    }
  }
  return (
    '1'.repeat(zeros) +
    digits
      .reverse()
      .map((digit) => BASE58[digit])
      .join('')
  )
}

const CASH_CHARACTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const CASH_GENERATORS = [0x98f2bc8e61n, 0x79b76d99e2n, 0xf33e5fb3c4n, 0xae2eabe2a8n, 0x1e4f43e470n]

/** The 40-bit checksum of a CashAddr: a BCH code over five-bit groups (Bitcoin Cash specification, "CashAddr"). */
function cashChecksum(prefix: string, groups: readonly number[]): bigint {
  let state = 1n
  const all = [...[...prefix].map((letter) => letter.charCodeAt(0) & 0x1f), 0, ...groups]
  for (const group of all) {
    const top = state >> 35n
    state = ((state & 0x07ffffffffn) << 5n) ^ BigInt(group)
    for (let bit = 0; bit < 5; bit++) if ((top >> BigInt(bit)) & 1n) state ^= CASH_GENERATORS[bit]
  }
  return state ^ 1n
}

/** Reads a CashAddr with or without its prefix, in one case; answers the prefixed lower-case writing. */
function readCashAddress(prefix: string, text: string): string | undefined {
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) return undefined
  const lower = text.toLowerCase()
  const body = lower.startsWith(`${prefix}:`) ? lower.slice(prefix.length + 1) : lower
  if (!/^[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{42,112}$/.test(body)) return undefined
  const groups = [...body].map((letter) => CASH_CHARACTERS.indexOf(letter))
  if (cashChecksum(prefix, groups) !== 0n) return undefined
  const bytes = regroup(groups.slice(0, -8), 5, 8, false)
  if (bytes === undefined) return undefined
  const sizes = [20, 24, 28, 32, 40, 48, 56, 64]
  const version = bytes[0]
  // Types 2 and 3 are the token-aware writing of 0 and 1 (CHIP-2022-02 CashTokens): the same script, so the same account.
  const type = (version >> 3) & 0x0f
  if ((version & 0x80) !== 0 || type > 3 || bytes.length - 1 !== sizes[version & 7]) return undefined
  return writeCashAddress(prefix, type & 1, Uint8Array.from(bytes.slice(1)))
}

function writeCashAddress(prefix: string, type: number, hash: Uint8Array): string {
  const size = [20, 24, 28, 32, 40, 48, 56, 64].indexOf(hash.length)
  const groups = regroup([(type << 3) | size, ...hash], 8, 5, true) as number[]
  const checksum = cashChecksum(prefix, [...groups, 0, 0, 0, 0, 0, 0, 0, 0])
  for (let i = 7; i >= 0; i--) groups.push(Number((checksum >> BigInt(5 * i)) & 31n))
  return `${prefix}:${groups.map((group) => CASH_CHARACTERS[group]).join('')}`
}

/** Bits of one group size as groups of another. Without padding, left-over bits must be few and zero. */
function regroup(groups: readonly number[], from: number, to: number, pad: boolean): number[] | undefined {
  const result: number[] = []
  let bits = 0
  let held = 0
  for (const group of groups) {
    held = ((held << from) | group) & 0xfff
    bits += from
    while (bits >= to) {
      bits -= to
      result.push((held >> bits) & ((1 << to) - 1))
    }
  }
  const rest = held & ((1 << bits) - 1)
  if (pad) {
    if (bits > 0) result.push((rest << (to - bits)) & ((1 << to) - 1))
  } else if (bits >= from || rest !== 0) return undefined
  return result
}

/** Whether `canonicalAddress` can prove addresses of this chain, or only take them as they are. */
export function hasAddressRule(chain: Chain): boolean {
  return TRON_CHAINS.has(chain) || isEvmChain(chain) || (isUtxoChain(chain) && networkOf(chain) !== undefined)
}
