import { open, stat } from 'node:fs/promises'
import type { Chain } from '../../graph/index.ts'
import type { LedgerLine } from '../chains/dump/decode.ts'
import { readDumpLines } from '../chains/dump/read.ts'
import { ledgerKindOf, readLedgerFile } from '../chains/ledger-files.ts'
import { Fault } from '../faults.ts'
import type { TagBook } from '../tags/tag.ts'
import { GrowingColumn } from './columns.ts'
import { type ChainLedger, settleLedger } from './ledger.ts'
import type { TraceRequest } from './request.ts'
import { chainOf, type Mark, Sieve, type Sifted } from './sieve.ts'

/** From so many bytes of text on, dumps are sifted before they are settled; smaller ones are read whole, once. */
export const SIFT_BYTES_MIN = 64 * 1024 * 1024

/** How much text a byte of a compressed dump stands for, at a guess that is rather high than low. */
const GZIP_RATIO = 8

/** What is read, for which trace. */
export interface LedgerReading {
  readonly files: readonly string[]
  readonly request: TraceRequest
  readonly book: TagBook
  /** Bytes of text; the default is SIFT_BYTES_MIN, and 0 sifts always. The ledger differs, what is traced through it does not. */
  readonly siftBytesMin?: number
  /** Called every so many lines, with how many were read; it may throw to stop the reading. */
  readonly onLines: (done: number) => void
}

/** Lines between two calls of `onLines`. */
const LINES_A_CALL = 10_000

/**
 * The ledgers of the request's chains out of dumps. Large dumps are read twice: once to find what the trace can need (see
 * `Sieve`), once to keep that, so that memory grows with what the seeds reach and only by some numbers with each line.
 */
export async function readLedgers(reading: LedgerReading): Promise<Map<Chain, ChainLedger>> {
  const { files, request, book, siftBytesMin = SIFT_BYTES_MIN } = reading
  const sieve = new Sieve(request, book)
  const kinds = await Promise.all(files.map(ledgerKindOf))
  const bytes = kinds.every((kind) => kind === 'dump') ? await textBytes(files) : undefined
  if (!sieve.canSift || bytes === undefined || bytes < siftBytesMin) return settleLedger(readWhole(reading))
  const stamps = await Promise.all(files.map(stampOf))
  const { marks, sifted, done } = await siftAll(reading, sieve)
  const ledgers = await settleLedger(readWanted(reading, marks, sifted, done), sifted.orders)
  for (const [i, file] of files.entries()) {
    if ((await stampOf(file)) !== stamps[i]) {
      throw new Fault(
        'FILE_UNREADABLE',
        `${file}: it changed while it was read; wait until it is whole, and start again`,
      )
    }
  }
  return ledgers
}

/** The lines of all dumps that speak of the request's chains. */
async function* readWhole({ files, request, onLines }: LedgerReading): AsyncGenerator<LedgerLine> {
  const chains = Object.keys(request.pool)
  const wanted = new Set(chains)
  let done = 0
  for (const file of files) {
    for await (const line of readLedgerFile(file, chains)) {
      if (++done % LINES_A_CALL === 0) onLines(done)
      if (wanted.has(chainOf(line))) yield line
    }
  }
}

/** The first reading: proves every line, and gives each its mark, by file and line. */
async function siftAll({ files, onLines }: LedgerReading, sieve: Sieve) {
  const marks: GrowingColumn<Uint32Array>[] = []
  let done = 0
  for (const file of files) {
    const column = new GrowingColumn(Uint32Array)
    for await (const { said, line } of readDumpLines(file)) {
      if (++done % LINES_A_CALL === 0) onLines(done)
      column.set(line, sieve.note(said))
    }
    marks.push(column)
  }
  return { marks, sifted: sieve.sift(), done }
}

/** The second reading: only the lines that are wanted are looked into. */
async function* readWanted(
  { files, onLines }: LedgerReading,
  marks: readonly GrowingColumn<Uint32Array>[],
  sifted: Sifted,
  before: number,
): AsyncGenerator<LedgerLine> {
  let done = before
  const markOf = (file: number, line: number): Mark => (line < marks[file].length ? marks[file].cells[line] : 0)
  for (const [i, file] of files.entries()) {
    const wants = (line: number) => {
      if (++done % LINES_A_CALL === 0) onLines(done)
      return sifted.wants(markOf(i, line))
    }
    for await (const { said } of readDumpLines(file, wants)) yield said
  }
}

/** Bytes of text in all files together, as far as their sizes tell; undefined where one cannot be read, which is for its reading to refuse. */
async function textBytes(files: readonly string[]): Promise<number | undefined> {
  let total = 0
  for (const file of files) {
    try {
      const { size } = await stat(file)
      total += size * ((await isGzip(file)) ? GZIP_RATIO : 1)
    } catch {
      return undefined
    }
  }
  return total
}

async function isGzip(file: string): Promise<boolean> {
  const handle = await open(file)
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await handle.close()
  }
}

/** What tells that a file is as it was; undefined where it is gone. */
async function stampOf(file: string): Promise<string | undefined> {
  try {
    const { size, mtimeMs, ino } = await stat(file)
    return `${size} ${mtimeMs} ${ino}`
  } catch {
    return undefined
  }
}
