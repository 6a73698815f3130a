import { canonicalJson } from '../canonical.ts'
import { type Attribution, ENDPOINT_COLUMNS, type Endpoint } from '../format.ts'
import { type Evidence, methodsAsked } from './figures.ts'
import { isRecord, secondsOf } from './shape.ts'

/** A CSV file as records of cells (RFC 4180; LF or CRLF). Undefined where a quoted cell does not end, or is followed by text. */
export function parseCsv(text: string): string[][] | undefined {
  const records: string[][] = []
  let record: string[] = []
  let at = 0
  while (at < text.length) {
    let cell: string
    if (text[at] === '"') {
      cell = ''
      for (;;) {
        const end = text.indexOf('"', at + 1)
        if (end < 0) return undefined
        cell += text.slice(at + 1, end)
        at = end + 1
        if (text[at] !== '"') break
        cell += '"'
      }
      if (at < text.length && text[at] !== ',' && text[at] !== '\n' && !text.startsWith('\r\n', at)) return undefined
    } else {
      let end = at
      while (end < text.length && text[end] !== ',' && text[end] !== '\n') end++
      cell = text[end] === '\n' && text[end - 1] === '\r' ? text.slice(at, end - 1) : text.slice(at, end)
      at = end
    }
    record.push(cell)
    if (text[at] === ',') {
      at++
      // A comma at the very end opens one more, empty, cell.
      if (at === text.length) record.push('')
      continue
    }
    at += text.startsWith('\r\n', at) ? 2 : 1
    records.push(record)
    record = []
  }
  if (record.length > 0) records.push(record)
  return records
}

/** A text as a cell shows it: what a spreadsheet would run is held down by an apostrophe. */
const shown = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)

/** endpoints.csv is the report's endpoints, cell by cell, in the report's order. */
export function checkEndpointsCsv(text: string, { report, ledger, findings }: Evidence): void {
  const file = 'endpoints.csv'
  const records = parseCsv(text)
  if (records === undefined || records.length === 0) {
    findings.add(
      'table',
      file,
      '',
      'CSV (RFC 4180) with a header',
      records === undefined ? 'quotes that do not pair' : 'nothing',
    )
    return
  }
  if (!text.endsWith('\n')) findings.add('table', file, '', 'a line feed at its end', 'none')
  const [header, ...lines] = records
  const endpoints = report.rows('endpoints')
  const methods = new Set<string>()
  for (const { value } of endpoints) for (const method of Object.keys(value.traced)) methods.add(method)
  const columns: string[] = [...ENDPOINT_COLUMNS]
  for (const [index, column] of columns.entries()) {
    if (header[index] !== column) findings.add('table', file, `line 1, column ${index + 1}`, column, header[index])
  }
  const traced = header.slice(columns.length)
  for (const column of traced) {
    const method = column.slice('traced_'.length)
    const known = methods.has(method) || report.rows('conservation').some(({ value }) => value.method === method)
    if (!column.startsWith('traced_') || !known)
      findings.add('table', file, 'line 1', 'traced_ with a method of the report', column)
  }
  if (new Set(traced).size < traced.length) findings.add('table', file, 'line 1', 'each column once', traced.join())
  for (const method of methods) {
    if (!traced.includes(`traced_${method}`)) findings.add('table', file, 'line 1', `a column traced_${method}`, 'none')
  }
  if (lines.length !== endpoints.length) {
    findings.add('table', file, '', `${endpoints.length} rows, one for each endpoint`, `${lines.length}`)
  }
  for (const [index, { value: endpoint }] of endpoints.entries()) {
    const line = lines[index]
    if (line === undefined) break
    const where = `row ${index + 1}`
    if (line.length !== header.length) findings.add('table', file, where, `${header.length} cells`, `${line.length}`)
    const expected = cellsOf(endpoint, ledger.assets.get(`${endpoint.chain}\0${endpoint.asset}`))
    for (const [place, column] of header.entries()) {
      const cell = column.startsWith('traced_')
        ? (endpoint.traced[column.slice('traced_'.length)]?.total ?? '0')
        : shown(expected.get(column) ?? '')
      if (line[place] !== cell)
        findings.add('table', file, `${where}, ${column}`, `${cell} (report.json /endpoints/${index})`, line[place])
    }
  }
}

function cellsOf(
  endpoint: Endpoint,
  fact: { readonly symbol: string; readonly decimals: number } | undefined,
): Map<string, string> {
  const cell = (value: string | number | null | undefined): string =>
    value === null || value === undefined ? '' : String(value)
  const { service, output, transfer } = endpoint
  const cells = new Map<string, string>()
  for (const name of ['id', 'sink', 'chain', 'asset', 'address', 'transaction', 'height', 'time', 'amount'] as const) {
    cells.set(name, cell(endpoint[name]))
  }
  for (const name of ['floor', 'ceiling', 'hops'] as const) cells.set(name, cell(endpoint[name]))
  for (const name of ['entity', 'label', 'category'] as const) cells.set(name, cell(service?.[name]))
  cells.set('symbol', cell(fact?.symbol))
  cells.set('decimals', cell(fact?.decimals))
  cells.set('place', cell(output ?? transfer))
  return cells
}

const TAG_COLUMNS = [
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
]

/** Every claim that the report leans on is in tags.csv, word for word. */
export function checkTags(text: string, { report, findings }: Evidence): void {
  const file = 'tags.csv'
  const records = parseCsv(text)
  if (records === undefined || records.length === 0) {
    findings.add(
      'attribution',
      file,
      '',
      'CSV (RFC 4180) with a header',
      records === undefined ? 'quotes that do not pair' : 'nothing',
    )
    return
  }
  const [header, ...lines] = records
  for (const column of ['chain', 'address', 'label', 'category', 'source']) {
    if (!header.includes(column)) findings.add('attribution', file, 'line 1', `a column ${column}`, header.join())
  }
  for (const column of header) {
    if (!TAG_COLUMNS.includes(column)) findings.add('attribution', file, 'line 1', TAG_COLUMNS.join(), column)
  }
  const claims = new Set<string>()
  const elsewhere = new Set<string>()
  for (const [index, line] of lines.entries()) {
    if (line.length !== header.length) {
      findings.add('attribution', file, `row ${index + 1}`, `${header.length} cells`, `${line.length}`)
      continue
    }
    const cells = new Map(header.map((column, place) => [column, bare(line[place])]))
    const key = claimKey(cells)
    claims.add(key)
    elsewhere.add(key.slice(key.indexOf('\0', key.indexOf('\0') + 1)))
  }
  for (const { index, value: endpoint } of report.rows('endpoints')) {
    for (const [place, claim] of endpoint.attribution.entries()) {
      const key = claimKey(cellsOfClaim(endpoint, claim))
      // A rule carries a tag from another address to this one; the claim itself is unchanged.
      const known =
        claim.basis === 'tag' ? claims.has(key) : elsewhere.has(key.slice(key.indexOf('\0', key.indexOf('\0') + 1)))
      if (known) continue
      const found = `${claim.label} (${claim.category}, ${claim.source}) is not there`
      const where = `(report.json /endpoints/${index}/attribution/${place})`
      findings.add('attribution', file, where, 'the claim that the report leans on', found)
    }
  }
}

function cellsOfClaim(endpoint: Endpoint, claim: Attribution): Map<string, string> {
  const { label, category, entity, source, confidence, validFrom, validTo, evidence } = claim
  const cells = {
    chain: endpoint.chain,
    address: endpoint.address,
    label,
    category,
    entity,
    source,
    confidence,
    validFrom,
    validTo,
    evidence,
  }
  return new Map(Object.entries(cells).map(([name, value]) => [name, bare(value ?? '')]))
}

/** A text without the apostrophes that may hold it down, on either side of a comparison. */
const bare = (text: string): string => text.replace(/^'+(?=[=+\-@\t\r])/, '')

function claimKey(cells: ReadonlyMap<string, string>): string {
  return TAG_COLUMNS.map((column) => {
    const cell = cells.get(column) ?? ''
    return column.startsWith('valid') ? instant(cell) : cell
  }).join('\0')
}

/** A date or a time as seconds: tags say 2020-01-01 where a report says 2020-01-01T00:00:00Z. */
function instant(cell: string): string {
  const seconds = secondsOf(/^\d{4}-\d{2}-\d{2}$/.test(cell) ? `${cell}T00:00:00Z` : cell)
  return seconds === undefined ? cell : String(seconds)
}

/** request.json is the request that the report prints, and it names a primary method and why. */
export function checkRequest(value: unknown, { report, findings }: Evidence): void {
  const file = 'request.json'
  if (!isRecord(value)) {
    findings.add('request', file, '', 'an object', value)
    return
  }
  for (const name of new Set([...Object.keys(value), ...Object.keys(report.request)])) {
    const mine = Object.hasOwn(value, name) ? textOf(value[name]) : undefined
    const printed = Object.hasOwn(report.request, name) ? textOf(report.request[name]) : undefined
    if (mine === printed) continue
    findings.add('request', file, `/${name} (report.json /request/${name})`, printed ?? 'nothing', mine ?? 'nothing')
  }
  findings.same('request', 'report.json', '/case', value.case, report.case)
  if (methodsAsked(report.request).primary === undefined) {
    findings.add('request', 'report.json', '/request/method/primary', 'the primary method', 'none')
  }
}

function textOf(value: unknown): string {
  try {
    return canonicalJson(value)
  } catch (failure) {
    return (failure as Error).message
  }
}
