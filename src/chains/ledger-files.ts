import { existsSync } from 'node:fs'
import { type Chain, isUtxoChain } from '../../graph/index.ts'
import { Fault } from '../faults.ts'
import { decodeBlock, decodeSpentOutputs, toTransactions } from './bitcoin/index.ts'
import type { LedgerLine } from './dump/decode.ts'
import { readBytes, readDump } from './dump/read.ts'
import { readTronscanCsv } from './tron/tronscan-csv.ts'

/** A raw block is a few megabytes, twice that as hex digits; what is larger is not one block. */
const BLOCK_BYTES_MAX = 64 * 1024 * 1024
const HEAD_BYTES = 4096
const UNDO = '-undo.raw'

/**
 * The lines of a ledger file, whatever kind it is, told by its content: a dump (DESIGN.md 4.1), a listing of Tronscan's
 * (`timestamp,tx_id,…,token_id,…`), or one raw Bitcoin block, in bytes or in hex digits. A block `X.raw` takes the amounts it
 * spends from `X-undo.raw` beside it; without them a block whose inputs it does not itself make is refused. A block does
 * not say which chain it is of: it is read as one of the first UTXO chain among `chains`.
 */
export async function* readLedgerFile(file: string, chains: readonly Chain[]): AsyncGenerator<LedgerLine> {
  const kind = await ledgerKindOf(file)
  if (kind === 'dump') yield* readDump(file)
  else if (kind === 'tronscan') yield* readTronscan(file)
  else if (kind === 'block' || kind === 'hex') yield* readBlock(file, kind, chains)
}

/** What a ledger file is, by its first bytes; `undo` by its name alone, which belongs to a block's. */
export async function ledgerKindOf(file: string): Promise<'dump' | 'tronscan' | 'block' | 'hex' | 'undo'> {
  if (file.endsWith(UNDO)) return 'undo'
  let head = Buffer.alloc(0)
  for await (const chunk of readBytes(file)) {
    head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES)])
    if (head.length >= HEAD_BYTES) break
  }
  const text = head.subarray(0, HEAD_BYTES).toString('latin1')
  const start = text.replace(/^(\u00ef\u00bb\u00bf)?\s*/, '')
  if (start === '' || start.startsWith('{')) return 'dump'
  if (/^[0-9a-f\s]+$/i.test(text) && text.length >= 160) return 'hex'
  const header = start.split(/\r?\n/, 1)[0].split(',')
  if (header.includes('tx_id') && header.includes('token_id')) return 'tronscan'
  // A block's header begins with a small version number; nothing else read here has bytes that are no text.
  return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? 'block' : 'dump'
}

async function* readTronscan(file: string): AsyncGenerator<LedgerLine> {
  const { transactions, assets, rejected } = await readTronscanCsv(readBytes(file), { name: file })
  if (rejected.length > 0) {
    const [{ line, reason }] = rejected
    throw new Fault(
      'LEDGER_INVALID',
      `${file}: line ${line}: ${reason} (${rejected.length} rows in all); mend the file, or import it and look at the rejects`,
    )
  }
  for (const asset of assets) yield { kind: 'asset', asset }
  for (const transaction of transactions) yield { kind: 'transaction', transaction }
}

async function* readBlock(file: string, kind: 'block' | 'hex', chains: readonly Chain[]): AsyncGenerator<LedgerLine> {
  const chain = chains.find(isUtxoChain)
  if (chain === undefined) {
    throw new Fault('LEDGER_INVALID', `${file} looks like a raw Bitcoin block, and no seed is on a chain that has such`)
  }
  const raw = await readWhole(file)
  const bytes = kind === 'hex' ? Buffer.from(raw.toString('latin1').replace(/\s+/g, ''), 'hex') : raw
  try {
    const block = decodeBlock(bytes, { chain })
    const undoFile = file.replace(/\.(raw|hex|dat|bin)$/, '') + UNDO
    const prevouts = existsSync(undoFile) ? decodeSpentOutputs(await readWhole(undoFile), block) : undefined
    for (const transaction of toTransactions(block, prevouts).transactions) yield { kind: 'transaction', transaction }
  } catch (error) {
    if (error instanceof Fault) throw new Fault(error.code, `${file}: ${error.detail}`, { cause: error })
    throw error
  }
}

/** A whole file, unpacked where it is gzip, as far as one block can go. */
async function readWhole(file: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of readBytes(file)) {
    size += chunk.length
    if (size > BLOCK_BYTES_MAX)
      throw new Fault('LIMIT_EXCEEDED', `${file}: one block has at most ${BLOCK_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
