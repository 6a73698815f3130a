import type { Asset, AssetFact, Coverage, Opening, Transaction } from '../../graph/index.ts'
import { NATIVE } from '../../graph/index.ts'
import { Fault } from '../faults.ts'
import type { BlockHeader, ChainFacts, Snapshot } from './chain-store.ts'

/** The rules every chain store keeps, whatever it writes to: what contradicts, what joins, who is touched. Pure. */

/** What a transaction does to one account: `given` and `taken` are base units that really moved. */
export interface Touch {
  readonly asset: Asset
  readonly address: string
  given: bigint
  taken: bigint
}

/** Every account a transaction names, each once, in order of first mention, with what moved. A failed one moves its fee only. */
export function touchesOf(transaction: Transaction): Touch[] {
  const touches = new Map<string, Touch>()
  const touch = (asset: Asset, address: string): Touch => {
    const key = accountKey(asset, address)
    let found = touches.get(key)
    if (found === undefined) touches.set(key, (found = { asset, address, given: 0n, taken: 0n }))
    return found
  }
  if (transaction.kind === 'utxo') {
    for (const { address, amount } of transaction.inputs) if (address !== null) touch(NATIVE, address).given += amount
    for (const { address, amount } of transaction.outputs) if (address !== null) touch(NATIVE, address).taken += amount
  } else {
    const moves = transaction.status === 'success'
    for (const { asset, from, to, amount } of transaction.transfers) {
      const giver = touch(asset, from)
      const taker = touch(asset, to)
      if (moves) giver.given += amount
      if (moves) taker.taken += amount
    }
    if (transaction.fee) touch(NATIVE, transaction.fee.from).given += transaction.fee.amount
  }
  return [...touches.values()]
}

/** One account's key: assets hold no line break, so no two accounts share a key. */
export function accountKey(asset: Asset, address: string): string {
  return `${asset}\n${address}`
}

/** One output's key. */
export function outputKey(transaction: string, output: number): string {
  return `${transaction}:${output}`
}

/**
 * Joins two rows about one id on one chain. Answers the row as it is to be kept, or `undefined` where both stand: a BIP-30
 * pair, two coinbases of two heights. Fault LEDGER_CONTRADICTS where they cannot both be true.
 */
export function joinTransactions(held: Transaction, come: Transaction): Transaction | undefined {
  if (
    held.kind === 'utxo' &&
    come.kind === 'utxo' &&
    held.coinbase &&
    come.coinbase &&
    held.height !== undefined &&
    come.height !== undefined &&
    held.height !== come.height
  ) {
    return undefined
  }
  const difference = differenceOf(held, come)
  if (difference !== undefined) {
    throw new Fault(
      'LEDGER_CONTRADICTS',
      `${come.chain} transaction ${come.id} is held with another ${difference}; find which source is wrong, or use a store of its own`,
    )
  }
  return held.blockHash === undefined && come.blockHash !== undefined ? { ...held, blockHash: come.blockHash } : held
}

/** The first field in which two rows about one transaction differ; a block hash that only one of them tells is no difference. */
function differenceOf(a: Transaction, b: Transaction): string | undefined {
  if (a.kind !== b.kind) return 'kind'
  if (a.height !== b.height) return `height (${a.height} against ${b.height})`
  if (a.index !== b.index) return `index (${a.index} against ${b.index})`
  if (a.time !== b.time) return `time (${a.time} against ${b.time})`
  if (a.blockHash !== undefined && b.blockHash !== undefined && a.blockHash !== b.blockHash) return 'block hash'
  if (a.kind === 'utxo' && b.kind === 'utxo') {
    if (a.coinbase !== b.coinbase) return 'word on whether it is a coinbase'
    if (
      !sameRows(a.inputs, b.inputs, (x, y) => x.transaction === y.transaction && x.output === y.output && samePay(x, y))
    )
      return 'set of inputs'
    if (!sameRows(a.outputs, b.outputs, samePay)) return 'set of outputs'
  }
  if (a.kind === 'account' && b.kind === 'account') {
    if (a.status !== b.status) return 'status'
    const same = sameRows(
      a.transfers,
      b.transfers,
      (x, y) =>
        x.index === y.index && x.asset === y.asset && x.from === y.from && x.to === y.to && x.amount === y.amount,
    )
    if (!same) return 'set of transfers'
    if (a.fee?.from !== b.fee?.from || a.fee?.amount !== b.fee?.amount) return 'fee'
  }
  return undefined
}

function samePay(
  a: { address: string | null; amount: bigint },
  b: { address: string | null; amount: bigint },
): boolean {
  return a.address === b.address && a.amount === b.amount
}

function sameRows<Row>(a: readonly Row[], b: readonly Row[], same: (x: Row, y: Row) => boolean): boolean {
  return a.length === b.length && a.every((row, i) => same(row, b[i]))
}

/** The fault of an output that two transactions spend. */
export function doubleSpend(chain: string, output: string, held: string, come: string): Fault {
  return new Fault(
    'LEDGER_CONTRADICTS',
    `${chain} output ${output} is spent by ${held} and by ${come}; one of the two is not on the chain: find which source is wrong`,
  )
}

/** What is known of the block at a height. Times are seconds since the epoch. */
export interface Block {
  readonly hash: string | undefined
  readonly previous: string | undefined
  /** What the header says … */
  readonly headerTime: number | undefined
  /** … and the latest time that a transaction at this height gives. */
  readonly transactionTime: number | undefined
}

/** What a header says of its block. */
export function blockOfHeader(header: BlockHeader): Block {
  return { hash: header.hash, previous: header.previous, headerTime: header.time, transactionTime: undefined }
}

/** What a transaction says of its block. */
export function blockOfTransaction(transaction: Pick<Transaction, 'blockHash' | 'time'>): Block {
  return {
    hash: transaction.blockHash,
    previous: undefined,
    headerTime: undefined,
    transactionTime: transaction.time,
  }
}

/** A block's time: its header's word, else its transactions'. */
export function blockTime(block: Block): number {
  return block.headerTime ?? block.transactionTime ?? 0
}

/** Joins what two sources say of the block at one height. Fault LEDGER_CONTRADICTS where they differ. */
export function joinBlocks(chain: string, height: number, held: Block | undefined, come: Block): Block {
  if (held === undefined) return come
  const one = <Value>(a: Value | undefined, b: Value | undefined, what: string): Value | undefined => {
    if (a !== undefined && b !== undefined && a !== b) {
      throw new Fault(
        'LEDGER_CONTRADICTS',
        `${chain} block ${height} has two ${what}: ${a} and ${b}; if the chain was reorganised, roll back below it first`,
      )
    }
    return a ?? b
  }
  const latest = Math.max(held.transactionTime ?? -1, come.transactionTime ?? -1)
  return {
    hash: one(held.hash, come.hash, 'hashes'),
    previous: one(held.previous, come.previous, 'predecessors'),
    headerTime: one(held.headerTime, come.headerTime, 'times'),
    transactionTime: latest < 0 ? undefined : latest,
  }
}

/** Whether two say the same of a block. */
export function sameBlocks(a: Block, b: Block): boolean {
  return (
    a.hash === b.hash &&
    a.previous === b.previous &&
    a.headerTime === b.headerTime &&
    a.transactionTime === b.transactionTime
  )
}

/** Holds two neighbouring blocks to each other. Fault LEDGER_CONTRADICTS where the upper does not follow the lower. */
export function checkFollows(chain: string, height: number, below: Block | undefined, block: Block | undefined): void {
  if (below?.hash === undefined || block?.previous === undefined || below.hash === block.previous) return
  throw new Fault(
    'LEDGER_CONTRADICTS',
    `${chain} block ${height} follows ${block.previous}, but block ${height - 1} is ${below.hash}; if the chain was reorganised, roll back below it first`,
  )
}

/** The fault of a snapshot whose block the store no longer holds. */
export function checkSnapshot(at: Snapshot, hash: string | undefined): void {
  if (at.blockHash === undefined || hash === at.blockHash) return
  throw new Fault(
    'LEDGER_CONTRADICTS',
    `${at.chain} was reorganised below the snapshot: block ${at.height} was ${at.blockHash} and is ${hash ?? 'gone'}; trace again at a new snapshot`,
  )
}

/** A chain's facts while they are gathered. */
export interface FactBook {
  readonly assets: Map<Asset, AssetFact>
  coversAll: boolean
  readonly covered: Set<string>
  readonly openings: Map<string, Opening>
}

export function emptyFacts(): FactBook {
  return { assets: new Map(), coversAll: false, covered: new Set(), openings: new Map() }
}

/** Joins what two sources say of an asset's scale. The symbol is for people: the first in text order is kept. */
export function joinAssets(held: AssetFact | undefined, come: AssetFact): AssetFact {
  if (held === undefined) return come
  if (held.decimals !== come.decimals) {
    throw new Fault(
      'LEDGER_CONTRADICTS',
      `${come.chain} asset ${come.asset} has ${held.decimals} decimals and ${come.decimals}; find which source is wrong`,
    )
  }
  return held.symbol <= come.symbol ? held : come
}

/** Joins what two sources say an account held before the ledger begins. */
export function joinOpenings(held: Opening | undefined, come: Opening): Opening {
  if (held !== undefined && held.amount !== come.amount) {
    throw new Fault(
      'LEDGER_CONTRADICTS',
      `${come.chain} account ${come.address} opens with ${held.amount} and with ${come.amount} of ${come.asset}; find which source is wrong`,
    )
  }
  return held ?? come
}

/** Adds one coverage line to a book. */
export function addCoverage(book: FactBook, coverage: Coverage): void {
  if (coverage.covers === 'all') book.coversAll = true
  else for (const address of coverage.covers) book.covered.add(address)
}

/** A book in the canonical order of `ChainFacts`. */
export function factsInOrder(chain: string, book: FactBook): ChainFacts {
  const coverage: Coverage[] = []
  if (book.coversAll) coverage.push({ chain, covers: 'all' })
  if (book.covered.size > 0) coverage.push({ chain, covers: [...book.covered].sort(compareText) })
  return {
    assets: [...book.assets.values()].sort((a, b) => compareText(a.asset, b.asset)),
    coverage,
    openings: [...book.openings.values()].sort(
      (a, b) => compareText(a.address, b.address) || compareText(a.asset, b.asset),
    ),
  }
}

/** Text order by code units, the same in every locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
