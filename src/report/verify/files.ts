import { createHash } from 'node:crypto'
import { Fault } from '../../faults.ts'
import { gunzipLimited } from '../gzip.ts'
import { decodeUtf8, openBundleFile, readBundleFile } from '../manifest.ts'
import type { Findings } from './findings.ts'

/** What a verification reads at most; beyond it the answer is a finding, never a crash. */
export interface VerifyLimits {
  /** Bytes of report.json, request.json, tags.csv, endpoints.csv, flow.svg, each. They are held in memory. */
  readonly fileBytes: number
  /** Bytes that the ledger and the journal unfold to, each. They are read as streams. */
  readonly contentBytes: number
  /** Bytes of one line of the ledger or the journal. */
  readonly lineBytes: number
  /** Findings kept; the rest are counted. */
  readonly findings: number
}

export const VERIFY_LIMITS: VerifyLimits = {
  fileBytes: 400 * 2 ** 20,
  contentBytes: 256 * 2 ** 30,
  lineBytes: 64 * 2 ** 20,
  findings: 10_000,
}

/** A text file of the bundle, whole. Undefined where it cannot be read: a finding says why. */
export async function readText(
  directory: string,
  name: string,
  limits: VerifyLimits,
  findings: Findings,
): Promise<string | undefined> {
  try {
    const { handle, bytes } = await openBundleFile(directory, name)
    try {
      if (bytes > limits.fileBytes) {
        throw new Fault('LIMIT_EXCEEDED', `${name} has ${bytes} bytes; at most ${limits.fileBytes} are read`)
      }
      return decodeUtf8(await handle.readFile(), name)
    } finally {
      await handle.close()
    }
  } catch (failure) {
    unreadable(name, '', failure, findings)
    return undefined
  }
}

/** A JSON file of the bundle and its text. Undefined where it is none: a finding says why. */
export async function readJson(
  directory: string,
  name: string,
  limits: VerifyLimits,
  findings: Findings,
): Promise<{ readonly text: string; readonly value: unknown } | undefined> {
  const text = await readText(directory, name, limits, findings)
  if (text === undefined) return undefined
  try {
    return { text, value: JSON.parse(text) }
  } catch (failure) {
    findings.add('readable', name, '', 'JSON', (failure as Error).message)
    return undefined
  }
}

/** A fault of reading becomes a finding; anything else is ours and goes on up. */
export function unreadable(name: string, where: string, failure: unknown, findings: Findings): void {
  if (failure instanceof Fault) findings.add('readable', name, where, 'a file that can be read in full', failure.detail)
  else throw failure
}

/** What a stream of lines came to. `whole` is false where reading stopped early. */
export interface LinesRead {
  readonly sha256: string
  readonly rows: number
  readonly whole: boolean
}

const LINE_FEED = 10

/**
 * Unfolds a `.ndjson.gz` file of the bundle and hands on its lines, numbered from 1, without their line feeds; hashes what
 * it unfolds. What cannot be read becomes findings. Memory: one line.
 */
export async function readLines(
  directory: string,
  name: string,
  limits: VerifyLimits,
  findings: Findings,
  take: (line: string, number: number) => void,
): Promise<LinesRead> {
  const hash = createHash('sha256')
  let rows = 0
  let held: Uint8Array[] = []
  let heldBytes = 0
  let whole = true
  const finish = (part: Uint8Array): void => {
    const bytes = heldBytes === 0 ? part : Buffer.concat([...held, part])
    held = []
    heldBytes = 0
    rows++
    take(decodeUtf8(bytes, `${name}, line ${rows},`), rows)
  }
  const hold = (part: Uint8Array): void => {
    if (part.length === 0) return
    held.push(part)
    heldBytes += part.length
    if (heldBytes > limits.lineBytes) {
      throw new Fault('LIMIT_EXCEEDED', `${name}, line ${rows + 1}, has more than ${limits.lineBytes} bytes`)
    }
  }
  try {
    const content = gunzipLimited(readBundleFile(directory, name), { name, bytesMax: limits.contentBytes })
    for await (const chunk of content) {
      hash.update(chunk)
      let start = 0
      for (;;) {
        const end = chunk.indexOf(LINE_FEED, start)
        if (end < 0) break
        finish(chunk.subarray(start, end))
        start = end + 1
      }
      hold(chunk.subarray(start))
    }
    if (heldBytes > 0) {
      findings.add('canonical', name, `line ${rows + 1}`, 'a line feed at its end', 'none')
      finish(new Uint8Array(0))
    }
  } catch (failure) {
    unreadable(name, `after line ${rows}`, failure, findings)
    whole = false
  }
  return { sha256: hash.digest('hex'), rows, whole }
}
