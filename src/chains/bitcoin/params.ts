import type { Chain } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'

/** How a header proves work: the hash that must not exceed the target its `bits` spell. */
export type WorkHash = 'doubleSha256' | 'scrypt'

/** Everything in which one bitcoin-like chain differs from another, as this reader needs it. */
export interface ChainParams {
  readonly chain: Chain
  /** First four bytes of each record in a node's block files. The first is the one written, the others are read too. */
  readonly magics: readonly number[]
  /** Base58check version byte of a key's hash, and those of a script's hash: the first is written, all are read. */
  readonly keyHashVersion: number
  readonly scriptHashVersions: readonly number[]
  /** Human-readable part of segwit addresses; undefined where the chain has no witness programs. */
  readonly segwitPrefix: string | undefined
  /** Prefix of cashaddr addresses; where there is one, it is the canonical writing. */
  readonly cashPrefix: string | undefined
  readonly work: WorkHash
  /** Whether a header is held to its work unless the caller says otherwise. */
  readonly checkWork: boolean
  /** The easiest target allowed, as `bits`. */
  readonly workLimitBits: number
  /** Merged mining (Dogecoin): a header with version bit 8 set is followed by another chain's proof. */
  readonly auxiliaryWork: boolean
  /** From this height on the coinbase must begin with the height (BIP-34). */
  readonly heightInCoinbaseFrom: number
  /** From this height on witnesses count, and a block that promises them must have them (BIP-141). Infinity: never. */
  readonly segwitFrom: number
  /** Largest block in bytes that consensus could allow; the default limit on input. */
  readonly blockBytesMax: number
  /** No single amount and no sum of a transaction's outputs may be larger (base units). */
  readonly amountMax: bigint
  /** The most a block at a height may mint, without fees (base units). */
  readonly subsidyMax: (height: number) => bigint
  /** Transactions of a block need not stand after the ones they spend (Bitcoin Cash sorts them by id since 2018-11). */
  readonly unordered: boolean
}

const COIN = 100_000_000n

/** A reward that is cut in half every so many blocks, until nothing is left. */
const halving =
  (start: bigint, interval: number) =>
  (height: number): bigint =>
    start >> BigInt(Math.min(64, Math.floor(height / interval)))

/**
 * Dogecoin drew early rewards at random, up to a million coins (half that from 100,000 on); from 145,000 they are
 * fixed and halved every 100,000 blocks until 600,000, then 10,000 for ever. This is the upper end of each.
 */
function dogecoinSubsidyMax(height: number): bigint {
  if (height < 100_000) return 1_000_000n * COIN
  if (height < 145_000) return 500_000n * COIN
  if (height < 600_000) return (500_000n * COIN) >> BigInt(Math.floor(height / 100_000))
  return 10_000n * COIN
}

const BITCOIN = {
  chain: 'bitcoin',
  magics: [0xd9b4bef9],
  keyHashVersion: 0x00,
  scriptHashVersions: [0x05],
  segwitPrefix: 'bc',
  cashPrefix: undefined,
  work: 'doubleSha256',
  checkWork: true,
  workLimitBits: 0x1d00ffff,
  auxiliaryWork: false,
  heightInCoinbaseFrom: 227_931,
  segwitFrom: 481_824,
  blockBytesMax: 4_000_000,
  amountMax: 21_000_000n * COIN,
  subsidyMax: halving(50n * COIN, 210_000),
  unordered: false,
} as const satisfies ChainParams

const BITCOIN_TESTNET = {
  ...BITCOIN,
  chain: 'bitcoin-testnet',
  // The name stands for test networks 3 and 4 and for signet, which write addresses alike; signet's work is the easiest.
  magics: [0x0709110b, 0x283f161c, 0x40cf030a],
  workLimitBits: 0x1e0377ae,
  keyHashVersion: 0x6f,
  scriptHashVersions: [0xc4],
  segwitPrefix: 'tb',
  heightInCoinbaseFrom: 21_111,
  segwitFrom: 834_624,
} as const satisfies ChainParams

const BITCOIN_REGTEST = {
  ...BITCOIN_TESTNET,
  chain: 'bitcoin-regtest',
  magics: [0xdab5bffa],
  segwitPrefix: 'bcrt',
  checkWork: false,
  workLimitBits: 0x207fffff,
  heightInCoinbaseFrom: 1,
  // Each regtest chain sets its own; a block that carries witnesses is held to them whatever its height.
  segwitFrom: Number.POSITIVE_INFINITY,
  subsidyMax: halving(50n * COIN, 150),
} as const satisfies ChainParams

const LITECOIN = {
  ...BITCOIN,
  chain: 'litecoin',
  magics: [0xdbb6c0fb],
  keyHashVersion: 0x30,
  scriptHashVersions: [0x32, 0x05],
  segwitPrefix: 'ltc',
  work: 'scrypt',
  workLimitBits: 0x1e0fffff,
  heightInCoinbaseFrom: 710_000,
  segwitFrom: 1_201_536,
  amountMax: 84_000_000n * COIN,
  subsidyMax: halving(50n * COIN, 840_000),
} as const satisfies ChainParams

const DOGECOIN = {
  ...BITCOIN,
  chain: 'dogecoin',
  magics: [0xc0c0c0c0],
  keyHashVersion: 0x1e,
  scriptHashVersions: [0x16],
  segwitPrefix: undefined,
  work: 'scrypt',
  workLimitBits: 0x1e0fffff,
  auxiliaryWork: true,
  heightInCoinbaseFrom: 1_034_383,
  segwitFrom: Number.POSITIVE_INFINITY,
  amountMax: 10_000_000_000n * COIN,
  subsidyMax: dogecoinSubsidyMax,
} as const satisfies ChainParams

const BITCOIN_CASH = {
  ...BITCOIN,
  chain: 'bitcoin-cash',
  // Its network's magic is another; block files go on with Bitcoin's.
  magics: [0xd9b4bef9, 0xe8f3e1e3],
  segwitPrefix: undefined,
  segwitFrom: Number.POSITIVE_INFINITY,
  cashPrefix: 'bitcoincash',
  blockBytesMax: 32_000_000,
  unordered: true,
} as const satisfies ChainParams

/** The chains this room reads, by name. Facts from each chain's reference node (chainparams) and BIP-34. */
export const CHAIN_PARAMS: Readonly<Record<Chain, ChainParams>> = Object.fromEntries(
  (
    [
      BITCOIN,
      BITCOIN_TESTNET,
      { ...BITCOIN_TESTNET, chain: 'bitcoin-testnet3', magics: [0x0709110b], workLimitBits: 0x1d00ffff },
      {
        ...BITCOIN_TESTNET,
        chain: 'bitcoin-testnet4',
        magics: [0x283f161c],
        workLimitBits: 0x1d00ffff,
        heightInCoinbaseFrom: 1,
        segwitFrom: 1,
      },
      {
        ...BITCOIN_TESTNET,
        chain: 'bitcoin-signet',
        magics: [0x40cf030a],
        workLimitBits: 0x1e0377ae,
        heightInCoinbaseFrom: 1,
        segwitFrom: 1,
      },
      BITCOIN_REGTEST,
      LITECOIN,
      {
        ...LITECOIN,
        chain: 'litecoin-testnet',
        magics: [0xf1c8d2fd],
        keyHashVersion: 0x6f,
        scriptHashVersions: [0x3a, 0xc4],
        segwitPrefix: 'tltc',
        heightInCoinbaseFrom: 76,
        // Not needed to read a block: witnesses that are there are checked at any height.
        segwitFrom: Number.POSITIVE_INFINITY,
      },
      {
        ...LITECOIN,
        chain: 'litecoin-regtest',
        magics: [0xdab5bffa],
        keyHashVersion: 0x6f,
        scriptHashVersions: [0x3a, 0xc4],
        segwitPrefix: 'rltc',
        checkWork: false,
        workLimitBits: 0x207fffff,
        heightInCoinbaseFrom: 1,
        segwitFrom: Number.POSITIVE_INFINITY,
        subsidyMax: halving(50n * COIN, 150),
      },
      DOGECOIN,
      {
        ...DOGECOIN,
        chain: 'dogecoin-testnet',
        magics: [0xdcb7c1fc],
        keyHashVersion: 0x71,
        scriptHashVersions: [0xc4],
        heightInCoinbaseFrom: 708_658,
      },
      {
        ...DOGECOIN,
        chain: 'dogecoin-regtest',
        magics: [0xdab5bffa],
        keyHashVersion: 0x6f,
        scriptHashVersions: [0xc4],
        checkWork: false,
        workLimitBits: 0x207fffff,
        heightInCoinbaseFrom: 100_000_000,
      },
      BITCOIN_CASH,
      {
        ...BITCOIN_CASH,
        chain: 'bitcoin-cash-testnet',
        magics: [0x0709110b, 0xf4f3e5f4],
        keyHashVersion: 0x6f,
        scriptHashVersions: [0xc4],
        cashPrefix: 'bchtest',
        heightInCoinbaseFrom: 21_111,
      },
      {
        ...BITCOIN_CASH,
        chain: 'bitcoin-cash-regtest',
        magics: [0xdab5bffa, 0xfabfb5da],
        keyHashVersion: 0x6f,
        scriptHashVersions: [0xc4],
        cashPrefix: 'bchreg',
        checkWork: false,
        workLimitBits: 0x207fffff,
        heightInCoinbaseFrom: 100_000_000,
        subsidyMax: halving(50n * COIN, 150),
      },
    ] satisfies ChainParams[]
  ).map((params) => [params.chain, params]),
)

/** The parameters of a chain; a fault `REQUEST_INVALID` names the chains there are. */
export function getChainParams(chain: Chain): ChainParams {
  const params = Object.hasOwn(CHAIN_PARAMS, chain) ? CHAIN_PARAMS[chain] : undefined
  if (params === undefined) {
    throw new Fault(
      'REQUEST_INVALID',
      `${JSON.stringify(chain)} is not a bitcoin-like chain known here; known are ${Object.keys(CHAIN_PARAMS).join(', ')}`,
    )
  }
  return params
}
