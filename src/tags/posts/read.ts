/**
 * Posts out of the files that monitoring systems write: Telegram Desktop's JSON export (one chat or all), a JSON array, JSON lines, CSV with a
 * header, or a plain text, each also as gzip. Read as they come: memory holds one post.
 */
import { createHash, hash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { readBytes } from '../../chains/dump/read.ts'
import { readCsv } from '../../csv.ts'
import { Fault } from '../../faults.ts'
import type { RejectedTag } from '../tag.ts'
import { parseTime } from '../time.ts'
import { JsonScanner } from './json-scanner.ts'

/** One message of a channel, or one page of a forum or market, as somebody captured it. It names no person. */
export interface Post {
  /** The chat, channel, forum or market; the file's name where nothing says. */
  readonly channel: string
  /** The post's own number or name in its channel, where it has one. */
  readonly id: string | undefined
  /** Seconds since the epoch, when it was posted; undefined where nothing says. */
  readonly time: number | undefined
  readonly url: string | undefined
  readonly text: string
  /** Where it stands in the file: `result.json#812`, a post's number from 1 (JSON) or a line (others). */
  readonly reference: string
  /** SHA-256 of the text as UTF-8: by it the same advertisement in a thousand channels is known as one. */
  readonly sha256: string
}

/** A file of posts with what it takes to find it again: the hash of its bytes as stored. */
export interface PostFile {
  readonly path: string
  readonly name: string
  readonly sha256: string
  readonly bytes: number
  /** When the file was last written, seconds since the epoch: the latest moment at which it can have been captured. */
  readonly captured: number
}

export interface ReadPostsOptions {
  /** Posts that were not taken, with their place and why. */
  readonly rejected: RejectedTag[]
  /** Bytes of one post; default 10 MiB. Longer ones are rejected, the rest of the file is read. */
  readonly postBytesMax?: number
  /** Fields of JSON and CSV posts that are called otherwise than we know: `{ text: 'corpus' }`. */
  readonly fields?: Readonly<Partial<Record<PostField, string>>>
}

/** What a post has, and the names under which crawlers write it, first match wins. */
const FIELDS = {
  text: ['text', 'message', 'content', 'body', 'post', 'description', 'raw_text', 'full_text', 'listing', 'msg'],
  channel: [
    'channel',
    'chat',
    'channel_name',
    'chat_title',
    'group',
    'forum',
    'market',
    'marketplace',
    'board',
    'site',
    'domain',
    'source',
    'peer',
  ],
  id: ['id', 'post_id', 'message_id', 'msg_id', 'uuid'],
  time: ['time', 'date', 'timestamp', 'posted', 'posted_at', 'created_at', 'published', 'datetime', 'date_unixtime'],
  url: ['url', 'link', 'permalink', 'href'],
} as const
export type PostField = keyof typeof FIELDS
export const POST_FIELDS = Object.keys(FIELDS) as readonly PostField[]

export const POST_BYTES_MAX = 10 * 1024 * 1024

/** Hashes a file as it is stored. Fault `FILE_UNREADABLE`. */
export async function openPostFile(path: string): Promise<PostFile> {
  const { createReadStream } = await import('node:fs')
  try {
    const { size, mtimeMs } = await stat(path)
    const digest = createHash('sha256')
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) digest.update(chunk as Buffer)
    return {
      path,
      name: basename(path),
      sha256: digest.digest('hex'),
      bytes: size,
      captured: Math.floor(mtimeMs / 1000),
    }
  } catch (cause) {
    throw new Fault('FILE_UNREADABLE', `${path}: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
}

/**
 * Reads the posts of a file, told apart by its first bytes. A post without text is passed over; one that is too long or does not hold
 * is listed in `rejected`. Faults: `FILE_UNREADABLE`, `FILE_TRUNCATED`, `TAGS_INVALID` where the file as a whole is of no kind we read.
 */
export async function* readPosts(file: PostFile, options: ReadPostsOptions): AsyncGenerator<Post> {
  const kind = await kindOf(file)
  if (kind === 'document') yield* readDocument(file, options)
  else if (kind === 'lines') yield* readLines(file, options)
  else if (kind === 'csv') yield* readTable(file, options)
  else if (kind === 'text') yield* readText(file, options)
}

type Kind = 'document' | 'lines' | 'csv' | 'text' | 'empty'

const START_BYTES = 65_536

async function kindOf(file: PostFile): Promise<Kind> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const chunk of readBytes(file.path)) {
    pieces.push(chunk)
    if ((length += chunk.length) >= START_BYTES) break
  }
  const bytes = Buffer.concat(pieces)
  if (bytes.length === 0) return 'empty'
  const start = bytes.toString('utf8').replace(/^\ufeff/, '')
  const trimmed = start.trimStart()
  if (trimmed[0] === '[') return 'document'
  const [line] = trimmed.split('\n', 1)
  if (trimmed[0] === '{') {
    // A record of its own on the first line: JSON lines, unless it is an export written on one line.
    const isRecord = line.trimEnd().endsWith('}') && isJson(line) && !/"(?:messages|chats)"\s*:\s*[[{]/.test(line)
    if (isRecord) return 'lines'
    return line.length < start.length || /"(?:messages|chats)"/.test(trimmed) ? 'document' : 'lines'
  }
  const header = line.split(',').map((cell) => cell.trim().replace(/^"|"$/g, '').toLowerCase())
  const known = new Set<string>(Object.values(FIELDS).flat())
  return header.length > 1 && header.filter((cell) => known.has(cell)).length > 1 ? 'csv' : 'text'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

async function* readDocument(file: PostFile, options: ReadPostsOptions): AsyncGenerator<Post> {
  const scanner = new JsonScanner({ name: file.name, bytesMax: options.postBytesMax ?? POST_BYTES_MAX })
  let first = true
  for await (const chunk of readBytes(file.path)) {
    const isMarked = first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf
    first = false
    for (const { bytes, ordinal, around } of scanner.push(isMarked ? chunk.subarray(3) : chunk)) {
      const reject = (reason: string): void => void options.rejected.push({ name: file.name, line: ordinal, reason })
      if (bytes === undefined) {
        reject(`the post is longer than ${options.postBytesMax ?? POST_BYTES_MAX} bytes`)
        continue
      }
      const record = parseRecord(bytes)
      if (typeof record === 'string') reject(record)
      else {
        const post = toPost(record, file, ordinal, options, around)
        if (post) yield post
      }
    }
  }
  scanner.end()
}

async function* readLines(file: PostFile, options: ReadPostsOptions): AsyncGenerator<Post> {
  const bytesMax = options.postBytesMax ?? POST_BYTES_MAX
  let pending: Buffer[] = []
  let length = 0
  let number = 0
  const take = (): Post | undefined => {
    number++
    const bytes = length > bytesMax ? undefined : Buffer.concat(pending)
    pending = []
    length = 0
    const reject = (reason: string): undefined => void options.rejected.push({ name: file.name, line: number, reason })
    if (bytes === undefined) return reject(`the line is longer than ${bytesMax} bytes`)
    if (bytes.every((byte) => byte <= 32)) return undefined
    const record = parseRecord(bytes)
    return typeof record === 'string' ? reject(record) : toPost(record, file, number, options, {})
  }
  for await (const chunk of readBytes(file.path)) {
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      length += end - start
      if (length <= bytesMax) pending.push(chunk.subarray(start, end))
      start = end + 1
      const post = take()
      if (post) yield post
    }
    length += chunk.length - start
    if (length <= bytesMax) pending.push(Buffer.from(chunk.subarray(start)))
    else pending = []
  }
  if (length > 0) {
    const post = take()
    if (post) yield post
  }
}

async function* readTable(file: PostFile, options: ReadPostsOptions): AsyncGenerator<Post> {
  const bytesMax = options.postBytesMax ?? POST_BYTES_MAX
  let header: readonly string[] | undefined
  const rows = readCsv(readBytes(file.path), {
    name: file.name,
    fault: 'TAGS_INVALID',
    cellMax: bytesMax,
    rowsMax: Number.MAX_SAFE_INTEGER,
  })
  for await (const { line, cells } of rows) {
    if (header === undefined) {
      header = cells.map((cell) => cell.trim())
      continue
    }
    if (cells.length !== header.length) {
      const reason = `${cells.length} cells, but the header names ${header.length}`
      options.rejected.push({ name: file.name, line, reason })
      continue
    }
    const record: Record<string, unknown> = Object.create(null)
    for (let i = 0; i < cells.length; i++) if (cells[i] !== '') record[header[i]] = cells[i]
    const post = toPost(record, file, line, options, {})
    if (post) yield post
  }
}

/** A plain text is one post: what stands together was captured together. */
async function* readText(file: PostFile, options: ReadPostsOptions): AsyncGenerator<Post> {
  const bytesMax = options.postBytesMax ?? POST_BYTES_MAX
  const pieces: Buffer[] = []
  let length = 0
  for await (const chunk of readBytes(file.path)) {
    if ((length += chunk.length) > bytesMax) {
      const reason = `the text is longer than ${bytesMax} bytes; split it into posts`
      options.rejected.push({ name: file.name, line: 1, reason })
      return
    }
    pieces.push(chunk)
  }
  const text = decode(Buffer.concat(pieces))
  if (text === undefined) {
    options.rejected.push({ name: file.name, line: 1, reason: 'the bytes are not UTF-8; save the file as UTF-8' })
    return
  }
  const post = toPost({ text }, file, 1, options, {})
  if (post) yield post
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function parseRecord(bytes: Buffer): Readonly<Record<string, unknown>> | string {
  const text = decode(bytes)
  if (text === undefined) return 'the bytes are not UTF-8'
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    return 'a post is an object'
  } catch (error) {
    return `not JSON: ${(error as Error).message.slice(0, 80)}`
  }
}

function toPost(
  record: Readonly<Record<string, unknown>>,
  file: PostFile,
  place: number,
  { fields }: ReadPostsOptions,
  around: Readonly<Record<string, string>>,
): Post | undefined {
  const get = (field: PostField): unknown => {
    const named = fields?.[field]
    if (named !== undefined) return record[named]
    for (const name of FIELDS[field]) {
      const value = record[name]
      if (value !== undefined && value !== null && value !== '') return value
    }
    return undefined
  }
  const text = flattenText(get('text'))
  if (text.trim() === '') return undefined
  const id = scalar(get('id'))
  const channel = scalar(get('channel')) ?? around.name ?? around.id ?? file.name
  const isChannel = /channel|supergroup/.test(around.type ?? '')
  return {
    channel: channel.slice(0, 256),
    id: id?.slice(0, 256),
    // Telegram writes its own clock beside a local one without a zone.
    time: timeOf(record.date_unixtime ?? get('time')),
    url:
      scalar(get('url'))?.slice(0, 2_048) ??
      (isChannel && around.id !== undefined && id !== undefined ? `https://t.me/c/${around.id}/${id}` : undefined),
    text,
    reference: `${file.name}#${place}`,
    sha256: hash('sha256', text, 'hex'),
  }
}

function scalar(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
}

/** Seconds or milliseconds since the epoch, or a written time; a time without a zone is taken as UTC. */
function timeOf(value: unknown): number | undefined {
  const text = scalar(value)?.trim()
  if (text === undefined) return undefined
  if (/^[0-9]{9,10}(?:\.[0-9]+)?$/.test(text)) return Math.floor(Number(text))
  if (/^[0-9]{12,13}$/.test(text)) return Math.floor(Number(text) / 1000)
  return parseTime(text.length > 64 ? '' : text)
}

/** Texts that a text may be made of, whatever their nesting. */
const PARTS_MAX = 1_000_000

/**
 * A text as one string: plain, or Telegram's list of strings and entities (`{type, text, href}`), nested as deep as it likes. A link's
 * target follows its text, because an address may stand there alone.
 */
export function flattenText(value: unknown): string {
  if (typeof value === 'string') return value
  const out: string[] = []
  const waiting: unknown[] = [value]
  for (let parts = 0; waiting.length > 0 && parts < PARTS_MAX; parts++) {
    const part = waiting.pop()
    if (typeof part === 'string') out.push(part)
    else if (Array.isArray(part)) for (let i = part.length - 1; i >= 0; i--) waiting.push(part[i])
    else if (typeof part === 'object' && part !== null) {
      const { text, href } = part as { text?: unknown; href?: unknown }
      if (typeof href === 'string' && href !== text) waiting.push(` (${href}) `)
      if (text !== undefined) waiting.push(text)
    }
  }
  return out.join('')
}
