/** Tags as CSV (DESIGN.md 4.2): read row by row from a stream, written in canonical order. */
import { canonicalAddress, explainAddress } from '../chains/address.ts'
import { type ByteSource, readCsv, writeCsvRow } from '../csv.ts'
import { Fault } from '../faults.ts'
import { compareTags, type RejectedTag, type Tag } from './tag.ts'
import { formatTime, parseTime } from './time.ts'

export const TAG_COLUMNS = [
  'chain',
  'address',
  'label',
  'category',
  'entity',
  'source',
  'confidence',
  'validFrom',
  'validTo',
  'evidence',
] as const
export type TagColumn = (typeof TAG_COLUMNS)[number]
const REQUIRED: readonly TagColumn[] = ['chain', 'address', 'label', 'category', 'source']

/** Longest text of a tag's field, in characters. */
export const TAG_TEXT_MAX = 8192

export interface TagsCsvOptions {
  /** What the file is called in faults and rejects. */
  readonly name: string
  /** Where rows that do not hold are collected. Left out: the first such row is a fault. */
  readonly rejected?: RejectedTag[]
  /** Most tags; default 10,000,000. Beyond it `LIMIT_EXCEEDED`. */
  readonly tagsMax?: number
}

/**
 * Reads tags as they come. Columns may stand in any order; an unknown, doubled or missing one is a fault, as is text
 * that is not RFC 4180. A row with a wrong address, time or blank is a fault `TAGS_INVALID` naming line and column, or
 * is collected in `rejected`. Cells guarded against spreadsheets (`guardCell`) are read back as they were.
 */
export async function* readTagsCsv(source: ByteSource, options: TagsCsvOptions): AsyncGenerator<Tag> {
  const { name, rejected } = options
  const tagsMax = options.tagsMax ?? 10_000_000
  let columns: readonly TagColumn[] | undefined
  let count = 0
  for await (const { line, cells } of readCsv(source, {
    name,
    fault: 'TAGS_INVALID',
    cellsMax: 64,
    guarded: true,
    rowsMax: Number.MAX_SAFE_INTEGER,
  })) {
    if (columns === undefined) {
      columns = readHeader(cells, name, line)
      continue
    }
    const read = readRow(columns, cells)
    if (typeof read === 'string') {
      if (rejected === undefined) throw new Fault('TAGS_INVALID', `${name} line ${line}: ${read}`)
      rejected.push({ name, line, reason: read })
      continue
    }
    if (++count > tagsMax) throw new Fault('LIMIT_EXCEEDED', `${name}: over ${tagsMax} tags; split the file`)
    yield read
  }
  if (columns === undefined) throw new Fault('TAGS_INVALID', `${name}: the file is empty; a header line is wanted`)
}

function readHeader(cells: readonly string[], name: string, line: number): readonly TagColumn[] {
  const known = new Set<string>(TAG_COLUMNS)
  const seen = new Set<string>()
  for (const [i, cell] of cells.entries()) {
    if (!known.has(cell)) {
      throw new Fault(
        'TAGS_INVALID',
        `${name} line ${line}: column ${i + 1} is called ${JSON.stringify(cell)}; the columns are ${TAG_COLUMNS.join(', ')}`,
      )
    }
    if (seen.has(cell)) throw new Fault('TAGS_INVALID', `${name} line ${line}: column ${cell} stands there twice`)
    seen.add(cell)
  }
  for (const column of REQUIRED) {
    if (!seen.has(column)) throw new Fault('TAGS_INVALID', `${name} line ${line}: column ${column} is missing`)
  }
  return cells as readonly TagColumn[]
}

/** A tag, or the sentence that says which column is wrong. */
function readRow(columns: readonly TagColumn[], cells: readonly string[]): Tag | string {
  if (cells.length !== columns.length) return `${cells.length} cells, but the header names ${columns.length}`
  const row: Partial<Record<TagColumn, string>> = {}
  for (let i = 0; i < columns.length; i++) {
    if (cells[i].length > TAG_TEXT_MAX) return `${columns[i]}: over ${TAG_TEXT_MAX} characters`
    if (cells[i] !== '') row[columns[i]] = cells[i]
  }
  for (const column of REQUIRED) if (row[column] === undefined) return `${column}: it is empty`
  const { chain, address, label, category, source } = row as Record<TagColumn, string>
  if (!/^[a-z0-9][a-z0-9:_-]{0,63}$/.test(chain)) {
    return `chain: ${JSON.stringify(chain)} is not a chain's name, such as bitcoin, tron or eip155:1`
  }
  const canonical = canonicalAddress(chain, address)
  if (canonical === undefined) return `address: ${explainAddress(chain, address)}`
  const times: Record<'validFrom' | 'validTo', number | undefined> = { validFrom: undefined, validTo: undefined }
  for (const column of ['validFrom', 'validTo'] as const) {
    const text = row[column]
    if (text === undefined) continue
    times[column] = parseTime(text)
    if (times[column] === undefined) {
      return `${column}: ${JSON.stringify(text.slice(0, 40))} is not a time such as 2022-01-31 or 2022-01-31T09:00:00Z`
    }
  }
  if (times.validFrom !== undefined && times.validTo !== undefined && times.validFrom >= times.validTo) {
    return 'validTo: the claim ends before it begins'
  }
  return {
    chain,
    address: canonical,
    label,
    category,
    entity: row.entity,
    source,
    confidence: row.confidence,
    validFrom: times.validFrom,
    validTo: times.validTo,
    evidence: row.evidence,
  }
}

/**
 * Writes tags as CSV: all columns, canonical order, each claim once, LF, times in UTC, UTF-8 without a mark. Cells that
 * a spreadsheet would run as a formula get one `'` before them, which `readTagsCsv` takes off again.
 */
export function tagsToCsv(tags: Iterable<Tag>): string {
  const sorted = [...tags].sort(compareTags)
  const rows = [writeCsvRow(TAG_COLUMNS)]
  for (let i = 0; i < sorted.length; i++) {
    if (i > 0 && compareTags(sorted[i - 1], sorted[i]) === 0) continue
    const tag = sorted[i]
    rows.push(
      writeCsvRow([
        tag.chain,
        tag.address,
        tag.label,
        tag.category,
        tag.entity ?? '',
        tag.source,
        tag.confidence ?? '',
        tag.validFrom === undefined ? '' : formatTime(tag.validFrom),
        tag.validTo === undefined ? '' : formatTime(tag.validTo),
        tag.evidence ?? '',
      ]),
    )
  }
  return rows.join('')
}
