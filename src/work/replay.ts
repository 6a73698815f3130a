import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../faults.ts'
import { BUNDLE_FILES } from '../report/format.ts'
import { runTrace } from './run.ts'

/** What replay found: the files whose bytes came again, and those whose bytes did not. */
export interface Replay {
  readonly same: readonly string[]
  readonly different: readonly { readonly file: string; readonly at: number }[]
}

/**
 * Works the case of a bundle again from nothing but the bundle: its request, its ledger, its tags. Every file but `run.json`
 * must come again byte for byte.
 */
export async function replayBundle(directory: string): Promise<Replay> {
  const request = await readJson(join(directory, 'request.json'))
  const scratch = await mkdtemp(join(tmpdir(), 'proceeds-replay-'))
  try {
    const out = join(scratch, 'bundle')
    await runTrace({
      request,
      ledgers: [join(directory, 'ledger.ndjson.gz')],
      tags: [join(directory, 'tags.csv')],
      out,
      run: { by: null, startedAt: new Date().toISOString(), host: null },
    })
    const same: string[] = []
    const different: { file: string; at: number }[] = []
    for (const file of BUNDLE_FILES) {
      if (file === 'run.json') continue
      const [before, after] = [await readWhole(join(directory, file)), await readFile(join(out, file))]
      const at = firstDifference(before, after)
      if (at === undefined) same.push(file)
      else different.push({ file, at })
    }
    return { same, different }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Where two files part: the first byte that differs, or the end of the shorter; undefined where they are the same. */
function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i
  return a.length === b.length ? undefined : length
}

async function readWhole(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new Fault('BUNDLE_INVALID', `${file}: ${(error as Error).message}`)
  }
}

/** A JSON file of a bundle or a request; FILE_UNREADABLE or REQUEST_INVALID says what is wrong with it. */
export async function readJson(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Fault(
      'FILE_UNREADABLE',
      `${file}: ${code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`,
    )
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new Fault('REQUEST_INVALID', `${file} is not JSON: ${(error as Error).message}`)
  }
}
