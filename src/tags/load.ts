/** Tag files of every kind we read, told apart by what is in them. */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { CsvReader } from '../csv.ts'
import { Fault } from '../faults.ts'
import { readTagsCsv } from './csv.ts'
import {
  isExplorerJson,
  type LabelShape,
  labelShapeOf,
  readExplorerJson,
  readLabelCsv,
  readSeizureReleases,
  type SeizureReleases,
} from './label-lists.ts'
import { delistedOfacTags, isNarcoticsHeader, readAddressList, readOfacJson, readOfacNarcoticsCsv } from './ofac.ts'
import type { RejectedTag, Tag } from './tag.ts'
import { parseTagPack, tagsOfTagPack } from './tagpack.ts'

/** A file already in memory; `name` is what packs, faults and rejects call it. */
export interface TagFile {
  readonly name: string
  readonly bytes: Uint8Array
  /** For a plain list `sanctioned_addresses_<ASSET>.txt`: the day of that list, so that later delistings can be told. */
  readonly listedOn?: string
  /** The name of the directory it lies in: some lists say the chain there. */
  readonly folder?: string
}

/** A file that tags came from: its name, the SHA-256 of its bytes as given, and the version it says it has. */
export interface TagPackRow {
  readonly name: string
  readonly sha256: string
  readonly version: string | null
}

export interface LoadedTags {
  /** As the files give them, file by file; `buildTagBook` orders them and drops what is said twice. */
  readonly tags: readonly Tag[]
  /** By name, then hash: one row for each file. */
  readonly packs: readonly TagPackRow[]
  /** Always empty where `strict`. */
  readonly rejected: readonly RejectedTag[]
}

export interface LoadOptions {
  /**
   * Refuse a file with a line that does not hold. Default true: a trace must not lose a claim in silence. An import says
   * false and shows `rejected`.
   */
  readonly strict?: boolean
  /** Bytes of one file, before and after decompression; default 1 GiB. */
  readonly bytesMax?: number
}

type Kind = 'tagPack' | 'csv' | 'ofacJson' | 'ofacNarcotics' | 'list' | 'explorerJson' | LabelShape

interface OpenFile {
  readonly name: string
  readonly sha256: string
  readonly bytes: Uint8Array
  readonly listedOn: string | undefined
  readonly folder: string | undefined
  readonly kind: Kind
}

/**
 * Loads tag files: our CSV, GraphSense TagPacks, the OFAC feed, the table of narcotics designations, plain lists of
 * addresses, and the label lists of `label-lists.ts`; each also as `.gz`. Lists and tables loaded together give the OFAC feed its letter case and its days back; a plain
 * list of one asset with `listedOn` also tells what was delisted since. Faults: `FILE_UNREADABLE`, `TAGS_INVALID` with file and
 * line, `LIMIT_EXCEEDED`.
 */
export async function loadTags(files: readonly (string | TagFile)[], options: LoadOptions = {}): Promise<LoadedTags> {
  const strict = options.strict ?? true
  const bytesMax = options.bytesMax ?? 1 << 30
  const opened: OpenFile[] = []
  for (const file of files) opened.push(await openFile(file, bytesMax))
  opened.sort((a, b) => compareText(a.name, b.name) || compareText(a.sha256, b.sha256))

  const tags: Tag[] = []
  const rejected: RejectedTag[] = []
  const versions = new Map<OpenFile, string>()
  const letterCase: string[] = []
  const designatedOn = new Map<string, string>()
  const earlier: { file: OpenFile; code: string; addresses: readonly string[] }[] = []

  // The dates of seizure orders stand in a table of their own.
  const releases: SeizureReleases = new Map(
    (
      await Promise.all(
        opened
          .filter(({ kind }) => kind === 'seizureReleases')
          .map(({ bytes, name }) => readSeizureReleases(bytes, name)),
      )
    ).flatMap((each) => [...each]),
  )
  // One by one: a million arguments to a single push would overflow the stack.
  const addAll = (more: readonly Tag[]): void => {
    for (const tag of more) tags.push(tag)
  }
  const rejectAll = (more: readonly RejectedTag[]): void => {
    for (const reject of more) rejected.push(reject)
  }
  for (const file of opened) {
    const { name, bytes, kind } = file
    if (kind === 'csv') {
      for await (const tag of readTagsCsv(bytes, strict ? { name } : { name, rejected })) tags.push(tag)
    } else if (kind === 'tagPack') {
      const read = parseTagPack(textOf(file), { name })
      const made = tagsOfTagPack(read.pack, name)
      addAll(made.tags)
      rejectAll([...read.rejected, ...made.rejected].sort((a, b) => a.line - b.line))
      if (typeof read.pack.header.lastmod === 'string') versions.set(file, read.pack.header.lastmod)
    } else if (kind === 'ofacNarcotics') {
      const read = await readOfacNarcoticsCsv(bytes, { name })
      addAll(read.tags)
      rejectAll(read.rejected)
      for (const address of read.addresses) letterCase.push(address)
      for (const [uid, day] of read.designatedOn) designatedOn.set(uid, day)
    } else if (kind === 'list') {
      const addresses = readAddressList(textOf(file)) ?? []
      for (const address of addresses) letterCase.push(address)
      const code = /^sanctioned_addresses_([A-Z0-9]{2,8})\.txt(\.gz)?$/.exec(name)?.[1]
      if (code !== undefined && file.listedOn !== undefined) earlier.push({ file, code, addresses })
    } else if (kind === 'explorerJson') {
      const read = readExplorerJson(textOf(file), name)
      addAll(read.tags)
      rejectAll(read.rejected)
    } else if (kind !== 'ofacJson') {
      const read = await readLabelCsv(bytes, { name, shape: kind, folder: file.folder, releases })
      addAll(read.tags)
      rejectAll(read.rejected)
    }
  }
  // The feed comes last: it needs the letters and the days of the others.
  for (const file of opened) {
    if (file.kind !== 'ofacJson') continue
    const read = readOfacJson(textOf(file), { name: file.name, letterCase: new Set(letterCase), designatedOn })
    addAll(read.tags)
    rejectAll(read.rejected)
    if (read.listedOn === undefined) continue
    versions.set(file, read.listedOn)
    for (const listedOn of new Set(earlier.map((list) => list.file.listedOn as string))) {
      if (!(listedOn < read.listedOn)) continue
      const lists = earlier.filter((list) => list.file.listedOn === listedOn)
      const ended = delistedOfacTags({ name: 'list', listedOn, lists }, { listedOn: read.listedOn, tags: read.tags })
      addAll(ended.tags)
      rejectAll(ended.rejected)
      for (const list of lists) versions.set(list.file, listedOn)
    }
  }
  if (strict && rejected.length > 0) {
    const [first] = rejected
    throw new Fault('TAGS_INVALID', `${first.name} line ${first.line}: ${first.reason}`)
  }
  return {
    tags,
    packs: opened.map((file) => ({ name: file.name, sha256: file.sha256, version: versions.get(file) ?? null })),
    rejected,
  }
}

/** How many tags there are of each category, most first, then by name: what an import prints. */
export function countCategories(tags: Iterable<Tag>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { category } of tags) counts.set(category, (counts.get(category) ?? 0) + 1)
  return new Map([...counts].sort((a, b) => b[1] - a[1] || compareText(a[0], b[0])))
}

async function openFile(file: string | TagFile, bytesMax: number): Promise<OpenFile> {
  const name = typeof file === 'string' ? basename(file) : file.name
  const stored = typeof file === 'string' ? await readWhole(file, bytesMax) : file.bytes
  if (stored.length > bytesMax) throw new Fault('LIMIT_EXCEEDED', `${name}: over ${bytesMax} bytes`)
  const bytes = stored[0] === 0x1f && stored[1] === 0x8b ? unzip(stored, name, bytesMax) : stored
  return {
    name,
    sha256: createHash('sha256').update(stored).digest('hex'),
    bytes,
    listedOn: typeof file === 'string' ? undefined : file.listedOn,
    folder: typeof file === 'string' ? basename(dirname(file)) : file.folder,
    kind: kindOf(bytes, name),
  }
}

async function readWhole(path: string, bytesMax: number): Promise<Uint8Array> {
  try {
    const { size } = await stat(path)
    if (size > bytesMax) throw new Fault('LIMIT_EXCEEDED', `${path}: over ${bytesMax} bytes`)
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('FILE_UNREADABLE', `${path}: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
}

function unzip(bytes: Uint8Array, name: string, bytesMax: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: bytesMax })
  } catch (cause) {
    const code = (cause as { code?: string }).code
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new Fault('LIMIT_EXCEEDED', `${name}: over ${bytesMax} bytes unpacked`)
    throw new Fault('FILE_TRUNCATED', `${name}: the gzip stream is broken or cut off`, { cause })
  }
}

function textOf(file: OpenFile): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file.bytes)
  } catch (cause) {
    throw new Fault('TAGS_INVALID', `${file.name}: the bytes are not UTF-8`, { cause })
  }
}

/** What kind of file it is, by its first lines; its name decides nothing but `.yaml`. */
function kindOf(bytes: Uint8Array, name: string): Kind {
  const start = new TextDecoder('utf-8').decode(bytes.subarray(0, 65_536))
  if (/^\s*\{/.test(start)) return isExplorerJson(start) ? 'explorerJson' : 'ofacJson'
  if (/\.ya?ml(\.gz)?$/.test(name) || /^(%YAML|---|title:|creator:|tags:)/m.test(start)) return 'tagPack'
  const complete = bytes.length > 65_536 ? start.slice(0, start.lastIndexOf('\n') + 1) : start
  if (readAddressList(complete) !== undefined) return 'list'
  const firstLine = `${start.split('\n', 1)[0].replace(/\r$/, '')}\n`
  const [header] = new CsvReader({ name, fault: 'TAGS_INVALID' }).push(firstLine)
  if (header === undefined) {
    throw new Fault(
      'TAGS_INVALID',
      `${name}: not a tag file we read: CSV, TagPack YAML, OFAC JSON or a list of addresses`,
    )
  }
  return isNarcoticsHeader(header.cells) ? 'ofacNarcotics' : (labelShapeOf(header.cells) ?? 'csv')
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
