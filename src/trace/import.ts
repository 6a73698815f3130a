import { stat } from 'node:fs/promises'
import { type AssetFact, type Chain, isUtxoChain, type Transaction } from '../../graph/index.ts'
import { BlockFiles } from '../chains/bitcoin/index.ts'
import type { LedgerLine } from '../chains/dump/decode.ts'
import { readBitcoinEtl, readEthereumEtl, readEtlRows } from '../chains/dump/etl.ts'
import { readBytes, readDump, readLines } from '../chains/dump/read.ts'
import { readTronscanCsv } from '../chains/tron/tronscan-csv.ts'
import { Fault } from '../faults.ts'
import type { BlockHeader, ChainStore, LedgerBatch } from '../store/chain-store.ts'
import { settleLedger } from './ledger.ts'

/** What can be imported: how a file's rows are read. */
export const IMPORT_FORMATS = ['dump', 'blocks', 'tronscan', 'bitcoin-etl', 'ethereum-etl'] as const
export type ImportFormat = (typeof IMPORT_FORMATS)[number]

export interface ImportOptions {
  readonly format: ImportFormat | 'auto'
  /** The chain of files that do not say it; default `bitcoin` for blocks and bitcoin-etl, `ethereum` for ethereum-etl. */
  readonly chain?: Chain
  /** Height of the oldest of raw blocks, where they do not begin with the first. */
  readonly firstHeight?: number
  readonly batch?: number
  readonly signal?: AbortSignal
  /** Told how many transactions have been read, and kept for good. */
  readonly progress?: (told: { readonly read: number; readonly kept: number }) => void
}

export interface Imported {
  readonly format: ImportFormat
  /** Read, those that the store had already included. */
  readonly transactions: number
  /** Sentences on what the files could not say. */
  readonly notes: readonly string[]
}

const BATCH = 20_000

/**
 * Brings files into a store, in batches. It can be stopped at any time and run again: what the store has is the same
 * again, and raw blocks go on behind the last that was kept. Nothing that contradicts itself or the store is kept.
 * Several files are of one format. Two dumps' views of one transaction are joined where they come in one batch; in a store a row is whole or refused.
 */
export async function importFiles(
  store: ChainStore,
  files: readonly string[],
  options: ImportOptions,
): Promise<Imported> {
  const format = options.format === 'auto' ? await tellFormat(files) : options.format
  const notes: string[] = []
  let read = 0
  let kept = 0
  const tell = () => options.progress?.({ read, kept })
  async function* counted(batches: AsyncIterable<LedgerBatch>): AsyncGenerator<LedgerBatch> {
    for await (const batch of batches) {
      if (options.signal?.aborted === true)
        throw new Fault('TIME_LIMIT', 'the import was stopped; run it again to go on')
      read += batch.transactions.length
      tell()
      yield batch
    }
  }
  await store.load(counted(batchesOf(store, files, format, options, notes)), (transactions) => {
    kept = transactions
    tell()
  })
  return { format, transactions: read, notes }
}

function batchesOf(
  store: ChainStore,
  files: readonly string[],
  format: ImportFormat,
  options: ImportOptions,
  notes: string[],
): AsyncGenerator<LedgerBatch> {
  const size = options.batch ?? BATCH
  switch (format) {
    case 'dump':
      return dumpBatches(files, size)
    case 'blocks':
      return blockBatches(store, files, options, notes)
    case 'tronscan':
      return tronscanBatches(files, notes)
    case 'bitcoin-etl':
      return inBatches(readBitcoinEtl(files, options.chain ?? 'bitcoin'), size)
    case 'ethereum-etl':
      return ethereumBatches(files, options.chain ?? 'ethereum', size, notes)
  }
}

async function* dumpBatches(files: readonly string[], size: number): AsyncGenerator<LedgerBatch> {
  let lines: LedgerLine[] = []
  for (const file of files) {
    for await (const line of readDump(file)) {
      lines.push(line)
      if (lines.length < size) continue
      yield await settled(lines)
      lines = []
    }
  }
  if (lines.length > 0) yield await settled(lines)
}

/** Lines as a batch: several views of one account transaction become one. */
async function settled(lines: readonly LedgerLine[]): Promise<LedgerBatch> {
  const batch = {
    transactions: [] as Transaction[],
    assets: lines.flatMap((line) => (line.kind === 'asset' ? [line.asset] : [])),
    coverage: lines.flatMap((line) => (line.kind === 'coverage' ? [line.coverage] : [])),
    openings: lines.flatMap((line) => (line.kind === 'opening' ? [line.opening] : [])),
  }
  const views = new Map<string, Transaction[]>()
  for (const line of lines) {
    if (line.kind !== 'transaction') continue
    const { transaction } = line
    const key = `${transaction.chain} ${transaction.id}`
    const seen = views.get(key)
    if (seen === undefined || isUtxoChain(transaction.chain)) {
      views.set(key, [transaction])
      if (isUtxoChain(transaction.chain)) batch.transactions.push(transaction)
    } else seen.push(transaction)
  }
  for (const [, seen] of views) {
    if (seen[0].kind === 'utxo') continue
    if (seen.length === 1) batch.transactions.push(seen[0])
    else {
      const joined = await settleLedger(seen.map((transaction) => ({ kind: 'transaction', transaction })))
      for (const { transactions } of joined.values()) {
        // Its height and index stand as they were told: one row orders nothing.
        for (const row of transactions) {
          const { height, index } = seen.find((view) => view.height !== undefined) ?? seen[0]
          batch.transactions.push({ ...row, height, index })
        }
      }
    }
  }
  return batch
}

async function* blockBatches(
  store: ChainStore,
  directories: readonly string[],
  options: ImportOptions,
  notes: string[],
): AsyncGenerator<LedgerBatch> {
  const chain = options.chain ?? 'bitcoin'
  for (const directory of directories) {
    const files = await BlockFiles.open(directory, {
      chain,
      ...(options.firstHeight === undefined ? {} : { firstHeight: options.firstHeight }),
    })
    try {
      const { first, tip, count } = files.summary
      const [held] = await store.blockHashes(chain, [tip.height])
      const after = held === tip.hash ? tip : await lastHeld(store, chain, first.height, tip.height, files)
      notes.push(
        `${directory}: ${count} blocks, heights ${first.height} to ${tip.height}${after === undefined ? '' : `; those to ${after.height} were held`}`,
      )
      if (after?.height === tip.height) continue
      let transactions: Transaction[] = []
      let blocks: BlockHeader[] = []
      for await (const block of files.blocks(after)) {
        const { height, hash, previous, time } = block
        blocks.push({ chain, height, hash, previous, time })
        for (const row of block.transactions) transactions.push(row)
        if (transactions.length < (options.batch ?? BATCH)) continue
        yield { transactions, blocks }
        transactions = []
        blocks = []
      }
      if (blocks.length > 0) yield { transactions, blocks }
    } finally {
      await files.close()
    }
  }
}

/** The highest of these blocks up to which the store holds all, so that reading goes on behind it. */
async function lastHeld(
  store: ChainStore,
  chain: Chain,
  first: number,
  tip: number,
  files: BlockFiles,
): Promise<{ height: number; hash: string } | undefined> {
  let [low, high] = [first - 1, tip]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const [hash] = await store.blockHashes(chain, [middle])
    if (hash === undefined) high = middle - 1
    else low = middle
  }
  if (low < first) return undefined
  const [hash] = await store.blockHashes(chain, [low])
  // A block that these files do not have was left by a reorganisation, or is of another chain; the load will say so.
  return hash !== undefined && files.summary.tip.height >= low ? { height: low, hash } : undefined
}

async function* tronscanBatches(files: readonly string[], notes: string[]): AsyncGenerator<LedgerBatch> {
  for (const file of files) {
    const { transactions, assets, wallets, rejected, duplicates } = await readTronscanCsv(readBytes(file), {
      name: file,
    })
    for (const { line, reason } of rejected.slice(0, 20)) notes.push(`${file}: line ${line} was not taken: ${reason}`)
    if (rejected.length > 20) notes.push(`${file}: ${rejected.length - 20} more lines were not taken`)
    if (duplicates > 0) notes.push(`${file}: ${duplicates} rows said again what another wallet’s listing said`)
    if (wallets.length > 0)
      notes.push(
        `${file}: listings of ${wallets.length} wallets; whether they are whole is not said, so nothing is covered`,
      )
    yield { transactions, assets }
  }
}

async function* ethereumBatches(
  files: readonly string[],
  chain: Chain,
  size: number,
  notes: string[],
): AsyncGenerator<LedgerBatch> {
  const { transactions, assets, traced } = await readEthereumEtl(files, chain)
  if (!traced) notes.push('TRACES_UNAVAILABLE: no traces among the files; coin that contracts moved is missing')
  yield* inBatches(transactions, size, assets)
}

async function* inBatches(
  rows: AsyncIterable<Transaction> | Iterable<Transaction>,
  size: number,
  assets: readonly AssetFact[] = [],
): AsyncGenerator<LedgerBatch> {
  let transactions: Transaction[] = []
  let first = true
  for await (const row of rows) {
    transactions.push(row)
    if (transactions.length < size) continue
    yield first ? { transactions, assets } : { transactions }
    first = false
    transactions = []
  }
  if (transactions.length > 0 || first) yield first ? { transactions, assets } : { transactions }
}

/** Tells a format by what stands in the first file: a directory holds blocks, JSON lines and CSV say by their fields. */
async function tellFormat(files: readonly string[]): Promise<ImportFormat> {
  const [file] = files
  const found = await stat(file).catch(() => undefined)
  if (found === undefined) throw new Fault('FILE_UNREADABLE', `${file}: there is no such file`)
  if (found.isDirectory()) return 'blocks'
  for await (const { text } of readLines(file)) {
    const line = text.trim()
    if (line === '') continue
    if (line.startsWith('{')) break
    const columns = line.replace(/^\uFEFF/, '').split(',')
    if (columns.includes('tx_id') && columns.includes('token_id')) return 'tronscan'
    if (columns.some((name) => ['block_hash', 'transaction_hash', 'parent_hash'].includes(name))) return 'ethereum-etl'
    throw new Fault(
      'LEDGER_INVALID',
      `${file}: what this is cannot be told from its first line; say --format ${IMPORT_FORMATS.join('|')}`,
    )
  }
  for await (const { row } of readEtlRows(file)) {
    if ('chain' in row) return 'dump'
    if ('spent_transaction_hash' in row || 'is_coinbase' in row || 'coinbase_param' in row) return 'bitcoin-etl'
    if ('from_address' in row || 'log_index' in row || 'parent_hash' in row) return 'ethereum-etl'
    break
  }
  throw new Fault(
    'LEDGER_INVALID',
    `${file}: what this is cannot be told from its first line; say --format ${IMPORT_FORMATS.join('|')}`,
  )
}
