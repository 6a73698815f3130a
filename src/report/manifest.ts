import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../faults.ts'
import { canonicalJson } from './canonical.ts'
import { BUNDLE_FILES, type Manifest } from './format.ts'

export const MANIFEST_FILE = 'manifest.json'
export const MANIFEST_SCHEMA = 'proceeds-manifest/1'
/** A manifest of every name allowed is a few kilobytes; what is larger is not one. */
const MANIFEST_BYTES_MAX = 1 << 20

/** Files that a bundle may hold beside those of `BUNDLE_FILES`: drawn from the report, for people. */
export const EXTRA_FILES = ['report.pdf', 'report.html', 'graph.gexf', 'paths.csv', 'holdings.csv'] as const
/** What seals a manifest, beside it and not in it: a signature, a timestamp's request and its answer. */
export const SEAL_FILES = ['manifest.sig.json', 'manifest.tsq', 'manifest.tsr'] as const
/** One packet for each recipient. */
const PACKET = /^packet-[0-9a-z][0-9a-z-]{0,63}\.(pdf|json)$/

/** Whether a bundle may hold a file of this name. The list is closed: no separators, no dots in front, no surprises. */
export function isBundleName(name: string): boolean {
  return (
    (BUNDLE_FILES as readonly string[]).includes(name) ||
    (EXTRA_FILES as readonly string[]).includes(name) ||
    PACKET.test(name)
  )
}

/** Something that is not as the manifest says. `file` is a name in the bundle, cleaned for printing. */
export interface ManifestFinding {
  readonly file: string
  readonly where: string
  readonly expected: string
  readonly found: string
}

/**
 * Opens a plain file of a bundle for reading. Links are not followed: a bundle from a stranger must not make us read, or
 * tell the hash of, a file outside it. Faults: NOT_FOUND, FILE_UNREADABLE.
 */
export async function openBundleFile(
  directory: string,
  name: string,
): Promise<{ readonly handle: FileHandle; readonly bytes: number }> {
  let handle: FileHandle
  try {
    // Not blocking: opening a named pipe that nobody writes to would wait for ever.
    handle = await open(join(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (failure) {
    const { code } = failure as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new Fault('NOT_FOUND', `${name} is not in the bundle`, { cause: failure })
    if (code === 'ELOOP')
      throw new Fault('FILE_UNREADABLE', `${name} is a link; a bundle holds plain files`, { cause: failure })
    throw new Fault('FILE_UNREADABLE', `${name} cannot be opened (${code ?? String(failure)})`, { cause: failure })
  }
  let stats: Stats
  try {
    stats = await handle.stat()
  } catch (failure) {
    await handle.close()
    throw new Fault('FILE_UNREADABLE', `${name} cannot be examined`, { cause: failure })
  }
  if (!stats.isFile()) {
    await handle.close()
    throw new Fault('FILE_UNREADABLE', `${name} is not a plain file`)
  }
  return { handle, bytes: stats.size }
}

/** The bytes of a file of a bundle as they are read. Faults as `openBundleFile`. */
export async function* readBundleFile(directory: string, name: string): AsyncGenerator<Uint8Array, void, undefined> {
  const { handle } = await openBundleFile(directory, name)
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(1 << 18))
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } catch (failure) {
    if (failure instanceof Fault) throw failure
    throw new Fault('FILE_UNREADABLE', `${name} cannot be read`, { cause: failure })
  } finally {
    await handle.close()
  }
}

/** SHA-256 (lower-case hex) and byte count of a file of a bundle, read as a stream. */
export async function hashBundleFile(
  directory: string,
  name: string,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of readBundleFile(directory, name)) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { sha256: hash.digest('hex'), bytes }
}

/**
 * Hashes every file of a bundle and writes manifest.json, whole or not at all. Every name in the directory must be one
 * that a bundle may hold, and every file of `BUNDLE_FILES` must be there. Fault: BUNDLE_INVALID.
 */
export async function writeManifest(directory: string): Promise<Manifest> {
  const beside: readonly string[] = [MANIFEST_FILE, ...SEAL_FILES]
  const names = (await readdir(directory)).filter((name) => !beside.includes(name)).sort()
  const strange = names.find((name) => !isBundleName(name))
  if (strange !== undefined) throw new Fault('BUNDLE_INVALID', `${printable(strange)} is no file of a bundle`)
  const missing = BUNDLE_FILES.find((name) => !names.includes(name))
  if (missing !== undefined) throw new Fault('BUNDLE_INVALID', `${missing} is missing from the bundle`)
  const files: { name: string; sha256: string; bytes: number }[] = []
  for (const name of names) files.push({ name, ...(await hashBundleFile(directory, name)) })
  const manifest: Manifest = { schema: MANIFEST_SCHEMA, files }
  const temporary = join(directory, `.${MANIFEST_FILE}.part`)
  try {
    const handle = await open(temporary, 'wx')
    try {
      await handle.writeFile(canonicalJson(manifest))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, join(directory, MANIFEST_FILE))
  } catch (failure) {
    await rm(temporary, { force: true })
    throw failure
  }
  return manifest
}

/** Reads manifest.json and proves its shape. Faults: NOT_FOUND, FILE_UNREADABLE, LIMIT_EXCEEDED, BUNDLE_INVALID. */
export async function readManifest(directory: string): Promise<Manifest> {
  const { handle, bytes } = await openBundleFile(directory, MANIFEST_FILE)
  let text: string
  try {
    if (bytes > MANIFEST_BYTES_MAX) {
      throw new Fault('LIMIT_EXCEEDED', `${MANIFEST_FILE} has ${bytes} bytes; at most ${MANIFEST_BYTES_MAX} are read`)
    }
    text = decodeUtf8(await handle.readFile(), MANIFEST_FILE)
  } finally {
    await handle.close()
  }
  let value: unknown
  try {
    value = JSON.parse(text)
    if (canonicalJson(value) !== text) throw new Fault('BUNDLE_INVALID', `${MANIFEST_FILE} is not canonical JSON`)
  } catch (failure) {
    if (failure instanceof Fault) throw failure
    throw new Fault('BUNDLE_INVALID', `${MANIFEST_FILE} is not JSON: ${(failure as Error).message}`, { cause: failure })
  }
  return provedManifest(value)
}

function provedManifest(value: unknown): Manifest {
  const refuse = (where: string, problem: string): never => {
    throw new Fault('BUNDLE_INVALID', `${MANIFEST_FILE} ${where}: ${problem}`)
  }
  const { schema, files, ...others } = (isRecord(value) ? value : refuse('', 'is no object')) as Record<string, unknown>
  if (schema !== MANIFEST_SCHEMA) refuse('/schema', `is not ${MANIFEST_SCHEMA}`)
  if (Object.keys(others).length > 0) refuse(`/${printable(Object.keys(others)[0])}`, 'is unknown')
  if (!Array.isArray(files)) return refuse('/files', 'is no array')
  let previous = ''
  for (const [index, file] of (files as unknown[]).entries()) {
    const where = `/files/${index}`
    if (!isRecord(file) || Object.keys(file).sort().join() !== 'bytes,name,sha256') {
      return refuse(where, 'must have name, sha256 and bytes, and nothing else')
    }
    const { name, sha256, bytes } = file
    if (typeof name !== 'string' || !isBundleName(name))
      return refuse(`${where}/name`, `${printable(name)} is no file of a bundle`)
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
      refuse(`${where}/sha256`, 'is no SHA-256 in lower-case hex')
    if (!Number.isSafeInteger(bytes) || (bytes as number) < 0) refuse(`${where}/bytes`, 'is no count of bytes')
    if (name <= previous) refuse(`${where}/name`, 'must come after the name before it')
    previous = name
  }
  return value as Manifest
}

/** Compares a bundle with its manifest: every hash and byte count, nothing missing, nothing unlisted, no links. All findings. */
export async function checkManifest(directory: string, manifest: Manifest): Promise<ManifestFinding[]> {
  const findings: ManifestFinding[] = []
  const listed = new Map(manifest.files.map((file) => [file.name, file]))
  for (const name of BUNDLE_FILES) {
    if (!listed.has(name)) findings.push({ file: MANIFEST_FILE, where: '/files', expected: name, found: 'not listed' })
  }
  for (const name of (await readdir(directory)).sort()) {
    if (name === MANIFEST_FILE || listed.has(name) || (SEAL_FILES as readonly string[]).includes(name)) continue
    const kind = (await lstat(join(directory, name))).isFile() ? 'a file' : 'a link, directory or device'
    findings.push({ file: printable(name), where: '', expected: 'only files that the manifest lists', found: kind })
  }
  for (const [index, { name, sha256, bytes }] of manifest.files.entries()) {
    try {
      const found = await hashBundleFile(directory, name)
      if (found.bytes !== bytes) {
        findings.push({
          file: name,
          where: 'size',
          expected: `${bytes} bytes (manifest /files/${index})`,
          found: `${found.bytes} bytes`,
        })
      }
      if (found.sha256 !== sha256) {
        findings.push({
          file: name,
          where: 'SHA-256',
          expected: `${sha256} (manifest /files/${index})`,
          found: found.sha256,
        })
      }
    } catch (failure) {
      if (!(failure instanceof Fault)) throw failure
      findings.push({
        file: name,
        where: '',
        expected: `a plain file (manifest /files/${index})`,
        found: failure.detail,
      })
    }
  }
  return findings
}

/** Text from a stranger, safe to print on a terminal and in a log: no control or direction characters, not endless. */
export function printable(value: unknown, lengthMax = 200): string {
  const text = typeof value === 'string' ? value : value === undefined ? 'nothing' : scalarText(value)
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax)}… (${text.length} characters)` : text
  return cut.replace(/[\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029]/gu, (character) => {
    return `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`
  })
}

function scalarText(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}

/** UTF-8 text, strictly: a byte order mark stays in the text, where it is no JSON. Fault: FILE_UNREADABLE. */
export function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (failure) {
    throw new Fault('FILE_UNREADABLE', `${name} is not UTF-8`, { cause: failure })
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
