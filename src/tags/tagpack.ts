/** GraphSense TagPacks: YAML read with limits, kept field by field, written again; and the tags they make. */
import { Composer, CST, type Document, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, Parser } from 'yaml'
import { Fault } from '../faults.ts'
import { TAG_TEXT_MAX } from './csv.ts'
import { codeOfChain, placeAddress } from './networks.ts'
import { compareTags, type RejectedTag, type Tag } from './tag.ts'
import { formatTime, parseTime } from './time.ts'

/** A field as the pack writes it. Figures and dates are kept as their text; only `true` and `false` are not text. */
export type TagPackValue = string | boolean | readonly string[]

/** The fields of one entry or of the header, in the order in which they were written. */
export type TagPackFields = Readonly<Record<string, TagPackValue>>

/** An entry with the line it begins on. */
export interface TagPackEntry {
  readonly line: number
  readonly fields: TagPackFields
}

/** A pack as it was written: nothing inherited yet. */
export interface TagPack {
  readonly header: TagPackFields
  readonly tags: readonly TagPackEntry[]
}

export interface TagPackLimits {
  /** Bytes of text; default 64 MiB. */
  readonly bytesMax?: number
  /** Entries; default 1,000,000. */
  readonly tagsMax?: number
}

const HEADER_FIELDS = new Set(['title', 'creator', 'description', 'owner', 'is_public', 'tags'])
const TAG_FIELDS = new Set([
  'address',
  'tx_hash',
  'label',
  'source',
  'currency',
  'network',
  'asset',
  'context',
  'confidence',
  'is_cluster_definer',
  'lastmod',
  'category',
  'abuse',
  'actor',
  'concepts',
  'tag_type',
])

/**
 * Reads a pack field by field. Faults: `TAGS_INVALID` where it is not YAML, has a second document, an alias, a field
 * twice, or one that packs do not have; `LIMIT_EXCEEDED` for size, number or depth. An entry whose own form is wrong is left
 * out and listed in `rejected`.
 */
export function parseTagPack(
  text: string,
  options: { readonly name: string; readonly limits?: TagPackLimits },
): { readonly pack: TagPack; readonly rejected: readonly RejectedTag[] } {
  const { name } = options
  const bytesMax = options.limits?.bytesMax ?? 64 * 1024 * 1024
  if (text.length > bytesMax) throw new Fault('LIMIT_EXCEEDED', `${name}: over ${bytesMax} characters of YAML`)
  const lines = new LineCounter()
  const document = parsePackYaml(text, name, lines)
  const lineOf = (node: unknown): number => {
    const range = (node as Node | null)?.range
    return range ? lines.linePos(range[0]).line : 1
  }
  const fault = (line: number, what: string): Fault => new Fault('TAGS_INVALID', `${name} line ${line}: ${what}`)

  const root = document.contents
  if (!isMap(root)) throw fault(1, 'a tag pack is a map with the fields title, creator and tags')

  const header: Record<string, TagPackValue> = {}
  const rejected: RejectedTag[] = []
  let tags: TagPackEntry[] | undefined
  for (const { key, value } of root.items) {
    const field = fieldName(key)
    const line = lineOf(key)
    if (field === undefined || !(HEADER_FIELDS.has(field) || TAG_FIELDS.has(field))) {
      throw fault(line, `${JSON.stringify(field ?? String(key))} is not a field of a tag pack`)
    }
    if (Object.hasOwn(header, field) || (field === 'tags' && tags)) throw fault(line, `${field} stands there twice`)
    if (field === 'tags') {
      if (!isSeq(value)) throw fault(line, 'tags: a list is wanted')
      const tagsMax = options.limits?.tagsMax ?? 1_000_000
      if (value.items.length > tagsMax)
        throw new Fault('LIMIT_EXCEEDED', `${name}: over ${tagsMax} tags; split the pack`)
      tags = []
      for (const item of value.items) {
        const entry = readEntry(item)
        if (typeof entry === 'string') rejected.push({ name, line: lineOf(item), reason: entry })
        else tags.push({ line: lineOf(item), fields: entry })
      }
      continue
    }
    const read = readValue(field, value)
    if (read instanceof Error) throw fault(line, read.message)
    if (read !== undefined) header[field] = read
  }
  if (tags === undefined) throw fault(1, 'tags is missing')
  return { pack: { header, tags }, rejected }
}

/** Deepest nesting that is read. A pack has three levels. */
const DEPTH_MAX = 32
/** Widest indentation that is read, in columns: as many levels can hang on it. */
const INDENT_MAX = 256

/**
 * The parser's tokens of a text, as long as it stays in what a pack needs. Nesting and aliases are refused at the lexer,
 * which does not descend: what comes after it descends once for each level, and a file of a few thousand brackets would end
 * the process, not the parse.
 */
function* packTokens(text: string, name: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine)
  lines.addNewLine(0)
  let flow = 0
  let indicators = 0
  let lineStart = true
  let isContent = false
  for (const token of new Lexer().lex(text)) {
    const first = token[0]
    const refuse = (code: 'LIMIT_EXCEEDED' | 'TAGS_INVALID', what: string): Fault =>
      new Fault(code, `${name} line ${lines.lineStarts.length}: ${what}`)
    if (isContent) isContent = false
    else if (token === CST.SCALAR) {
      isContent = true
      indicators = 0
      lineStart = false
    } else if (first === '\n' || first === '\r') {
      lineStart = true
      indicators = 0
    } else if (first === ' ') {
      if (lineStart && token.length > INDENT_MAX) {
        throw refuse('LIMIT_EXCEEDED', `indented by over ${INDENT_MAX} columns`)
      }
    } else {
      lineStart = false
      if (first === '*') throw refuse('TAGS_INVALID', `the alias ${token}: write the value out`)
      if (token === '[' || token === '{') flow++
      else if (token === ']' || token === '}') flow--
      if (token === '-' || token === '?' || token === ':') indicators++
      else indicators = 0
      if (flow > DEPTH_MAX || indicators > DEPTH_MAX) {
        throw refuse('LIMIT_EXCEEDED', `nested over ${DEPTH_MAX} deep; a pack has three levels`)
      }
    }
    yield* parser.next(token)
  }
  yield* parser.end()
}

/**
 * Parses the YAML of a pack under the limits of packs: no alias, no deep nesting, one document. Keys that stand twice are
 * the caller's to refuse. Faults `TAGS_INVALID` and `LIMIT_EXCEEDED` with the line.
 */
export function parsePackYaml(text: string, name: string, lines: LineCounter): Document.Parsed {
  // Keys are checked for doubles where they are read, level by level: the parser's own check is quadratic in a map's size.
  const composer = new Composer({ schema: 'core', uniqueKeys: false, merge: false })
  const documents: Document.Parsed[] = []
  for (const document of composer.compose(packTokens(text, name, lines), true, text.length)) {
    const [error] = document.errors
    if (error) {
      const line = lines.linePos(error.pos[0]).line
      throw new Fault('TAGS_INVALID', `${name} line ${line}: not YAML: ${error.message.split('\n')[0]}`)
    }
    documents.push(document as Document.Parsed)
    if (documents.length === 2) {
      const line = lines.linePos(document.range[0]).line
      throw new Fault('TAGS_INVALID', `${name} line ${line}: a second document; a pack is one`)
    }
  }
  return documents[0]
}

function fieldName(key: unknown): string | undefined {
  return isScalar(key) && typeof key.value === 'string' ? key.value : undefined
}

/** The fields of an entry, or the sentence that says what is wrong with it. */
function readEntry(item: unknown): TagPackFields | string {
  if (!isMap(item)) return 'a tag is a map of fields'
  const fields: Record<string, TagPackValue> = {}
  for (const { key, value } of item.items) {
    const field = fieldName(key)
    if (field === undefined || !TAG_FIELDS.has(field)) {
      return `${JSON.stringify(field ?? String(key))} is not a field of a tag`
    }
    if (Object.hasOwn(fields, field)) return `${field} stands there twice`
    const read = readValue(field, value)
    if (read instanceof Error) return read.message
    if (read !== undefined) fields[field] = read
  }
  return fields
}

/** A field's value; undefined for an empty one; an Error that says what was wanted. */
function readValue(field: string, value: unknown): TagPackValue | undefined | Error {
  if (value === null) return undefined
  if (isScalar(value)) {
    if (value.value === null) return undefined
    if (typeof value.value === 'boolean' && (field === 'is_cluster_definer' || field === 'is_public'))
      return value.value
    // `label: 0123` is text, not a figure: the characters that were written count.
    const text = typeof value.value === 'string' ? value.value : (value.source ?? String(value.value))
    if (text.length > TAG_TEXT_MAX) return new Error(`${field}: over ${TAG_TEXT_MAX} characters`)
    return field === 'concepts' ? [text] : text
  }
  if (isSeq(value) && field === 'concepts') {
    const items = value.items.map((item) => (isScalar(item) ? (item.source ?? String(item.value)) : undefined))
    if (items.length > 64) return new Error('concepts: over 64 of them')
    return items.includes(undefined) ? new Error('concepts: a list of names is wanted') : (items as string[])
  }
  return new Error(`${field}: ${field === 'concepts' ? 'a list of names' : 'text'} is wanted`)
}

/** What our own export puts into `context`: the parts of a tag that a pack has no field for. */
interface OwnContext {
  readonly validFrom?: string
  readonly validTo?: string
  readonly evidence?: string
  readonly confidence?: null
  readonly entity?: string
}

/**
 * The tags a pack makes. Fields of the header hold for every entry that does not say otherwise. Each of `category`, `concepts`
 * and `abuse` is a claim of its own: an exchange's address used in a scam is both. `lastmod` is when the pack's author looked,
 * not since when it holds, so it goes into the evidence with the context and bounds nothing. Entries whose address does not
 * prove itself, that name a transaction, or that lack a label are listed in `rejected` with their line.
 */
export function tagsOfTagPack(
  pack: TagPack,
  name: string,
): { readonly tags: readonly Tag[]; readonly rejected: readonly RejectedTag[] } {
  const tags: Tag[] = []
  const rejected: RejectedTag[] = []
  const title = textOf(pack.header.title) ?? name
  const evidences = new Map<string, string>()
  for (const { line, fields } of pack.tags) {
    const field = (key: string): string | undefined => textOf(fields[key] ?? pack.header[key])
    const reject = (reason: string): void => void rejected.push({ name, line, reason })
    const text = field('address')
    if (text === undefined) {
      reject(fields.tx_hash === undefined ? 'address: it is missing' : 'tx_hash: a tag here is about an address')
      continue
    }
    const label = field('label')
    if (label === undefined) {
      reject('label: it is missing, in the tag and in the header')
      continue
    }
    const placed = placeAddress(text, { currency: field('currency'), network: field('network') })
    if (typeof placed === 'string') {
      reject(`address: ${placed}`)
      continue
    }
    const own = ownContext(field('context'))
    const validFrom = own?.validFrom === undefined ? undefined : parseTime(own.validFrom)
    const validTo = own?.validTo === undefined ? undefined : parseTime(own.validTo)
    const noted = [
      `tag pack ${title}`,
      field('lastmod') && `lastmod ${field('lastmod')}`,
      field('context'),
      placed.note,
    ]
    const evidence = noted.filter((part) => part !== undefined).join('; ')
    // Most entries of a pack say the same: keep one string for all of them.
    if (!evidences.has(evidence)) evidences.set(evidence, evidence)
    const concepts = fields.concepts ?? pack.header.concepts ?? []
    const categories = [field('category'), ...(Array.isArray(concepts) ? concepts : []), field('abuse')]
    const distinct = [
      ...new Set(categories.filter((category) => category !== undefined && category !== '')),
    ] as string[]
    for (const category of distinct.length === 0 ? ['unknown'] : distinct) {
      tags.push({
        chain: placed.chain,
        address: placed.address,
        label,
        category,
        entity: own ? own.entity : field('actor'),
        source: field('source') ?? title,
        confidence: own?.confidence === null ? undefined : field('confidence'),
        validFrom,
        validTo,
        evidence: own ? own.evidence : evidences.get(evidence),
      })
    }
  }
  return { tags, rejected }
}

function textOf(value: TagPackValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function ownContext(context: string | undefined): OwnContext | undefined {
  if (context === undefined || !context.startsWith('{"proceeds":')) return undefined
  try {
    const own: unknown = (JSON.parse(context) as { proceeds: unknown }).proceeds
    if (typeof own !== 'object' || own === null) return undefined
    for (const [key, value] of Object.entries(own)) {
      if (key === 'confidence' ? value !== null : typeof value !== 'string') return undefined
    }
    return own as OwnContext
  } catch {
    return undefined
  }
}

/**
 * Tags as a pack: one entry a tag in canonical order, validity and evidence in `context`, so that `tagsOfTagPack` gives
 * the same tags back and GraphSense's own tools can read the rest.
 */
export function tagPackOf(tags: Iterable<Tag>, header: { readonly title: string; readonly creator: string }): TagPack {
  const sorted = [...tags].sort(compareTags)
  return {
    header: { title: header.title, creator: header.creator },
    tags: sorted.map((tag, i) => {
      const own: Record<string, string | null> = {}
      if (tag.validFrom !== undefined) own.validFrom = formatTime(tag.validFrom)
      if (tag.validTo !== undefined) own.validTo = formatTime(tag.validTo)
      if (tag.evidence !== undefined) own.evidence = tag.evidence
      if (tag.entity !== undefined) own.entity = tag.entity
      if (tag.confidence === undefined) own.confidence = null
      const code = codeOfChain(tag.chain)
      const fields: Record<string, TagPackValue> = {
        address: tag.address,
        currency: code,
        network: code,
        label: tag.label,
        source: tag.source,
        confidence: tag.confidence ?? 'unknown',
        category: tag.category,
      }
      if (tag.entity !== undefined) fields.actor = tag.entity
      fields.context = JSON.stringify({ proceeds: own })
      return { line: i, fields }
    }),
  }
}

/** Writes a pack as YAML. What `parseTagPack` read from it comes back field by field; so does it in a YAML 1.1 reader. */
export function writeTagPack(pack: TagPack): string {
  const out: string[] = []
  for (const [field, value] of Object.entries(pack.header)) out.push(`${field}: ${writeValue(field, value)}\n`)
  if (pack.tags.length === 0) out.push('tags: []\n')
  else out.push('tags:\n')
  for (const { fields } of pack.tags) {
    let mark = '- '
    for (const [field, value] of Object.entries(fields)) {
      out.push(`${mark}${field}: ${writeValue(field, value)}\n`)
      mark = '  '
    }
    if (mark === '- ') out.push('- {}\n')
  }
  return out.join('')
}

/** Words that some YAML reader takes for something else than text. */
const NOT_TEXT = /^(true|false|yes|no|on|off|null|y|n|nan|inf)$/i

function writeValue(field: string, value: TagPackValue): string {
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'string') return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
  // GraphSense wants a date there, which quotes would make text.
  if (field === 'lastmod' && /^\d{4}-\d{2}-\d{2}$/.test(value)) return value
  if (/^[A-Za-z][A-Za-z0-9_./-]*$/.test(value) && !NOT_TEXT.test(value)) return value
  // A JSON string is a YAML double-quoted scalar; the three line ends that only YAML knows are escaped as well.
  return JSON.stringify(value).replace(
    /[\u0085\u2028\u2029\ufeff\u007f-\u009f]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
