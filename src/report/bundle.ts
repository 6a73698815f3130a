import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Fault } from '../faults.ts'
import { gzipStream } from './gzip.ts'
import { isBundleName, MANIFEST_FILE, SEAL_FILES, writeManifest } from './manifest.ts'

/** A file that was written: its SHA-256 and how many lines it holds. */
export interface Written {
  readonly sha256: string
  readonly rows: number
}

/**
 * Writes a directory whole or not at all: `fill` works in a hidden neighbour, which takes the name only when it is complete and
 * its manifest is written. Fault OUTPUT_EXISTS where the name is taken by anything but an earlier bundle or an empty directory.
 */
export async function writeBundle<T>(directory: string, fill: (draft: string) => Promise<T>): Promise<T> {
  const target = resolve(directory)
  await refuseTaken(target)
  await mkdir(dirname(target), { recursive: true })
  const draft = await mkdtemp(join(dirname(target), `.${basename(target)}-`))
  try {
    const filled = await fill(draft)
    await writeManifest(draft)
    await chmod(draft, 0o755)
    await rm(target, { recursive: true, force: true })
    await rename(draft, target)
    return filled
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

/** A directory is free if it is not there, is empty, or holds an earlier bundle and nothing else. */
export async function refuseTaken(target: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(target)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code === 'ENOTDIR')
      throw new Fault('OUTPUT_EXISTS', `${target} is a file; name a directory that does not exist yet`)
    throw new Fault('FILE_UNREADABLE', `${target}: ${(error as Error).message}`)
  }
  const beside: readonly string[] = [MANIFEST_FILE, ...SEAL_FILES]
  const strange = names.find((name) => !beside.includes(name) && !isBundleName(name))
  if (strange !== undefined || (names.length > 0 && !names.includes(MANIFEST_FILE))) {
    throw new Fault(
      'OUTPUT_EXISTS',
      `${target} holds files that are not a bundle; name another directory, or empty this one`,
    )
  }
}

/** Writes lines as deterministic gzip; answers the hash of the compressed file and the number of lines. */
export async function writeLinesGzip(file: string, lines: Iterable<string>): Promise<Written> {
  const hash = createHash('sha256')
  let rows = 0
  function* bytes(): Generator<Uint8Array> {
    let held: string[] = []
    let length = 0
    for (const line of lines) {
      rows++
      held.push(line)
      length += line.length
      if (length > 1 << 18) {
        yield Buffer.from(held.join(''))
        held = []
        length = 0
      }
    }
    if (held.length > 0) yield Buffer.from(held.join(''))
  }
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of gzipStream(bytes())) {
      hash.update(chunk)
      yield chunk
    }
  }
  await pipeline(Readable.from(hashed(), { objectMode: true }), createWriteStream(file, { flags: 'wx' }))
  return { sha256: hash.digest('hex'), rows }
}

/** Writes chunks of text or bytes as they come. */
export async function writeChunks(
  file: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<string | Uint8Array>,
): Promise<void> {
  await pipeline(Readable.from(chunks, { objectMode: true }), createWriteStream(file, { flags: 'wx' }))
}

/** Writes a text; answers its hash. */
export async function writeText(file: string, text: string): Promise<{ readonly sha256: string }> {
  await writeFile(file, text, { flag: 'wx' })
  return { sha256: createHash('sha256').update(text).digest('hex') }
}
