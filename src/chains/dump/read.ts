import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { Fault } from '../../faults.ts'
import { decodeLine, type LedgerLine } from './decode.ts'

/** One line may be a transaction with a million outputs; more than this is not a ledger. */
const LINE_BYTES_MAX = 400 * 1024 * 1024

/** How lines are read. */
export interface LineOptions {
  readonly lineBytesMax?: number
  /** Which lines, by their numbers from 1, are wanted at all; asked once for each line, in order. */
  readonly wants?: (line: number) => boolean
}

/**
 * Lines of a text file, decompressed where it is gzip, with their numbers from 1; memory is bounded by the longest line.
 * Lines that `wants` turns away are counted and not looked into.
 */
export async function* readLines(
  file: string,
  { lineBytesMax = LINE_BYTES_MAX, wants = () => true }: LineOptions = {},
): AsyncGenerator<{ text: string; line: number }> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let line = 0
  for await (const chunk of readBytes(file)) {
    let start = 0
    for (let end = chunk.indexOf(10, start); end !== -1; end = chunk.indexOf(10, start)) {
      line++
      const piece = chunk.subarray(start, end)
      const whole = pendingBytes === 0 ? piece : Buffer.concat([...pending, piece])
      pending = []
      pendingBytes = 0
      start = end + 1
      if (wants(line)) yield { text: textOf(whole, file, line), line }
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start))
      pendingBytes += chunk.length - start
      if (pendingBytes > lineBytesMax) {
        throw new Fault('LIMIT_EXCEEDED', `${file}: line ${line + 1} is longer than ${lineBytesMax} bytes`)
      }
    }
  }
  if (pendingBytes > 0 && wants(line + 1)) {
    yield { text: textOf(Buffer.concat(pending), file, line + 1), line: line + 1 }
  }
}

/** The bytes of a file, decompressed where they begin as gzip does, whatever the file is called. */
export async function* readBytes(file: string): AsyncGenerator<Buffer> {
  try {
    const { size } = await stat(file)
    if (size === 0) return
    const head = createReadStream(file, { end: 1 })
    let gzip = false
    for await (const bytes of head) gzip = (bytes as Buffer)[0] === 0x1f && (bytes as Buffer)[1] === 0x8b
    const raw = createReadStream(file, { highWaterMark: 1 << 20 })
    if (!gzip) {
      yield* raw as AsyncIterable<Buffer>
      return
    }
    const unzip = createGunzip({ chunkSize: 1 << 20 })
    raw.on('error', (error) => unzip.destroy(error))
    yield* raw.pipe(unzip) as AsyncIterable<Buffer>
  } catch (error) {
    throw fileFault(file, error)
  }
}

function fileFault(file: string, error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'Z_BUF_ERROR')
    return new Fault('FILE_TRUNCATED', `${file}: the gzip stream ends early; fetch the file again`)
  if (code?.startsWith('Z_')) return new Fault('FILE_UNREADABLE', `${file}: not whole gzip: ${error.message}`)
  if (code === 'ENOENT') return new Fault('FILE_UNREADABLE', `${file}: there is no such file`)
  if (code === 'EACCES' || code === 'EISDIR' || code === 'EPERM')
    return new Fault('FILE_UNREADABLE', `${file}: ${error.message}`)
  return error
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

function textOf(bytes: Uint8Array, file: string, line: number): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new Fault('LEDGER_INVALID', `${file}: line ${line} is not UTF-8 text`)
  }
}

/** The lines of a ledger dump, proved one by one. Blank lines are passed over. */
export async function* readDump(file: string): AsyncGenerator<LedgerLine> {
  for await (const { said } of readDumpLines(file)) yield said
}

/** The lines of a ledger dump that are wanted, proved one by one, with their numbers from 1. Blank lines are passed over. */
export async function* readDumpLines(
  file: string,
  wants: (line: number) => boolean = () => true,
): AsyncGenerator<{ said: LedgerLine; line: number }> {
  for await (const { text, line } of readLines(file, { wants })) {
    const where = `${file}: line ${line}`
    const trimmed = text.trim()
    if (trimmed === '') continue
    yield { said: decodeLine(parseJson(trimmed, where), where), line }
  }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const hint = /\bNaN\b|\bInfinity\b/.test(text) ? ' (NaN and Infinity are not JSON)' : ''
    throw new Fault('LEDGER_INVALID', `${where}: not JSON${hint}: ${(error as Error).message.slice(0, 120)}`)
  }
}
