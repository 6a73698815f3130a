/** A directory of editions: written whole or not at all, and sealed with a manifest that names the bundle it was drawn from. */
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Fault } from '../../faults.ts'
import { canonicalJson } from '../canonical.ts'
import {
  decodeUtf8,
  hashBundleFile,
  MANIFEST_FILE,
  type ManifestFinding,
  openBundleFile,
  printable,
  SEAL_FILES,
} from '../manifest.ts'

export const EDITIONS_SCHEMA = 'proceeds-editions/1'

export interface EditionsManifest {
  readonly schema: typeof EDITIONS_SCHEMA
  /** SHA-256 of the manifest.json of the bundle, and of the case file (null where there was none). */
  readonly bundle: { readonly manifestSha256: string; readonly caseFileSha256: string | null }
  readonly files: readonly { readonly name: string; readonly sha256: string; readonly bytes: number }[]
}

/** Names that a directory of editions may hold. */
const NAME = /^[0-9a-z][0-9a-z-]{0,90}\.(pdf|txt|csv|xlsx|json|jsonld|gexf|graphml|svg|yaml)$/

/** Fault OUTPUT_EXISTS where the name is taken by anything but earlier editions or an empty directory. */
export async function writeEditions(
  directory: string,
  bundle: EditionsManifest['bundle'],
  fill: (write: (name: string, data: string | Uint8Array | Iterable<string>) => Promise<void>) => Promise<void>,
): Promise<string[]> {
  const target = resolve(directory)
  await refuseForeign(target)
  await mkdir(dirname(target), { recursive: true })
  const draft = await mkdtemp(join(dirname(target), `.${basename(target)}-`))
  const files: { name: string; sha256: string; bytes: number }[] = []
  try {
    await fill(async (name, data) => {
      if (!NAME.test(name)) throw new Fault('BUNDLE_INVALID', `${printable(name)} is no name for an edition’s file`)
      const hash = createHash('sha256')
      let bytes = 0
      function* pieces(): Generator<Uint8Array> {
        for (const piece of typeof data === 'string' || data instanceof Uint8Array ? [data] : data) {
          const chunk = Buffer.from(piece)
          hash.update(chunk)
          bytes += chunk.length
          yield chunk
        }
      }
      await writeFile(join(draft, name), pieces(), { flag: 'wx' })
      files.push({ name, sha256: hash.digest('hex'), bytes })
    })
    files.sort((a, b) => (a.name < b.name ? -1 : 1))
    await writeFile(join(draft, MANIFEST_FILE), canonicalJson({ schema: EDITIONS_SCHEMA, bundle, files }), {
      flag: 'wx',
    })
    await chmod(draft, 0o755)
    await rm(target, { recursive: true, force: true })
    await rename(draft, target)
    return files.map(({ name }) => name)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

async function refuseForeign(target: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw new Fault('OUTPUT_EXISTS', `${target} is no directory that can be read; name another`)
  }
  if (names.length > 0 && !(await isEditions(target))) {
    throw new Fault('OUTPUT_EXISTS', `${target} holds something else than earlier editions; name another directory`)
  }
}

/** Whether a directory holds sealed editions: its manifest says so. */
export async function isEditions(directory: string): Promise<boolean> {
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, MANIFEST_FILE), 'utf8'))
    return (value as { schema?: unknown } | null)?.schema === EDITIONS_SCHEMA
  } catch {
    return false
  }
}

/** Reads the manifest of editions and proves its shape. Fault BUNDLE_INVALID. */
export async function readEditions(directory: string): Promise<EditionsManifest> {
  const { handle } = await openBundleFile(directory, MANIFEST_FILE)
  let text: string
  try {
    text = decodeUtf8(await handle.readFile(), MANIFEST_FILE)
  } finally {
    await handle.close()
  }
  const refuse = (problem: string): never => {
    throw new Fault('BUNDLE_INVALID', `${MANIFEST_FILE}: ${problem}`)
  }
  let value: EditionsManifest
  try {
    value = JSON.parse(text) as EditionsManifest
  } catch {
    return refuse('is not JSON')
  }
  if (value === null || typeof value !== 'object' || value.schema !== EDITIONS_SCHEMA)
    refuse(`is not ${EDITIONS_SCHEMA}`)
  if (canonicalJson(value) !== text) refuse('is not canonical JSON')
  if (typeof value.bundle !== 'object' || value.bundle === null || !/^[0-9a-f]{64}$/.test(value.bundle.manifestSha256))
    refuse('/bundle is not whole')
  if (!Array.isArray(value.files)) refuse('/files is no list')
  let previous = ''
  for (const [index, file] of value.files.entries()) {
    const whole =
      typeof file === 'object' &&
      file !== null &&
      NAME.test(file.name) &&
      /^[0-9a-f]{64}$/.test(file.sha256) &&
      Number.isSafeInteger(file.bytes)
    if (!whole || file.name <= previous) refuse(`/files/${index} is not a name, a SHA-256 and a size, in order of name`)
    previous = file.name
  }
  return value
}

/** Holds every file against the manifest: all findings. */
export async function checkEditions(directory: string): Promise<ManifestFinding[]> {
  const manifest = await readEditions(directory)
  const findings: ManifestFinding[] = []
  const listed = new Set(manifest.files.map(({ name }) => name))
  for (const name of (await readdir(directory)).sort()) {
    if (name === MANIFEST_FILE || listed.has(name) || (SEAL_FILES as readonly string[]).includes(name)) continue
    findings.push({ file: printable(name), where: '', expected: 'only files that the manifest lists', found: 'a file' })
  }
  for (const { name, sha256, bytes } of manifest.files) {
    try {
      const found = await hashBundleFile(directory, name)
      if (found.bytes !== bytes)
        findings.push({ file: name, where: 'size', expected: `${bytes} bytes`, found: `${found.bytes} bytes` })
      if (found.sha256 !== sha256)
        findings.push({ file: name, where: 'SHA-256', expected: sha256, found: found.sha256 })
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      findings.push({ file: name, where: '', expected: 'a plain file', found: error.detail })
    }
  }
  return findings
}
