import type { Endpoint, Holding, TracedBy } from '../format.ts'
import { type Evidence, methodsAsked } from './figures.ts'
import { isRecord } from './shape.ts'

const FILE = 'flow.svg'

/** What stands in the place of a symbol where the ledger describes no asset, in each language; the longest first. */
const BASE_UNITS: readonly string[] = ['기본 단위 base units', 'base units', '기본 단위']

/** A drawn thing that carries data: its attributes, and the text it shows, without the text of its title. */
interface Mark {
  readonly attributes: ReadonlyMap<string, string>
  readonly text: string
  readonly title: string | undefined
  readonly at: number
  readonly isRoot: boolean
}

/**
 * Holds the picture's figures against the report: each printed figure is the figure of the row it names, written exactly;
 * each row that the picture must show stands in it once, alone or among a fold's members; ribbons balance at every place.
 * Answers how many figures there were. Coordinates are not checked: they state nothing.
 */
export function checkPicture(svg: string, evidence: Evidence): number {
  const { findings, report } = evidence
  const marks = marksOf(svg)
  if (marks === undefined) {
    findings.add('picture', FILE, '', 'SVG whose elements close', 'something else')
    return 0
  }
  const { primary } = methodsAsked(report.request)
  const book = new Book(evidence, primary ?? '')
  const shown = new Map<string, number>()
  const sums = new Map<string, { into: bigint; out: bigint }>()
  let figures = 0
  for (const mark of marks) {
    const { attributes } = mark
    const where = `character ${mark.at}`
    if (mark.isRoot) {
      const name = cleaned(String(report.case))
      if (!mark.title?.includes(` ${name} `)) findings.add('picture', FILE, `${where}, title`, name, mark.title)
      continue
    }
    if (attributes.has('data-from') || attributes.has('data-node')) {
      if (attributes.has('data-from')) addRibbon(sums, attributes)
      checkTitle(book, mark, where, evidence)
      continue
    }
    if (attributes.has('data-label')) {
      checkLabel(book, mark, where, evidence)
      continue
    }
    const what = attributes.get('data-figure')
    const id = attributes.get('data-id')
    const amount = attributes.get('data-amount')
    if (what === undefined || id === undefined || amount === undefined) {
      if (/\d/.test(mark.text) && !attributes.has('data-plain')) {
        findings.add('picture', FILE, where, 'a figure with data-figure, data-id and data-amount', mark.text)
      }
      continue
    }
    figures++
    // A ribbon's text is held against the ribbon, when all of them are known.
    if (what === 'link') continue
    const members = attributes.get('data-members')?.split(' ') ?? []
    for (const row of what === 'sum' ? members : what === 'traced' ? [id] : [])
      shown.set(row, (shown.get(row) ?? 0) + 1)
    const expected = book.expected(what, id, members)
    if (expected === undefined) {
      findings.add('picture', FILE, `${where}, ${what} of ${id}`, 'a figure of the report', amount)
      continue
    }
    if (expected.amount !== undefined && expected.amount !== amount) {
      findings.add('picture', FILE, `${where}, ${what} of ${id}`, `${expected.amount}, as the report has it`, amount)
    }
    const written = expected.decimals === undefined ? mark.text : unitsOf(mark.text, expected.decimals)
    if (written !== amount)
      findings.add('picture', FILE, `${where}, ${what} of ${id}`, `${amount}, written exactly`, mark.text)
  }
  for (const { id, traced } of [...book.endpoints.values(), ...book.holdings.values()]) {
    const times = shown.get(id) ?? 0
    const total = primary === undefined || !Object.hasOwn(traced, primary) ? '0' : traced[primary].total
    if (times !== (total === '0' ? 0 : 1)) {
      findings.add(
        'picture',
        FILE,
        id,
        total === '0' ? 'nothing drawn for it' : 'drawn once, alone or in a fold',
        `${times} times`,
      )
    }
  }
  for (const id of shown.keys()) {
    if (!book.endpoints.has(id) && !book.holdings.has(id))
      findings.add('picture', FILE, id, 'a row of the report', 'none')
  }
  checkRibbons(sums, marks, evidence)
  return figures
}

/** What the report says of everything that a picture can name. */
class Book {
  readonly endpoints: ReadonlyMap<string, Endpoint>
  readonly holdings: ReadonlyMap<string, Holding>
  private readonly evidence: Evidence
  private readonly method: string

  constructor(evidence: Evidence, method: string) {
    this.evidence = evidence
    this.method = method
    this.endpoints = new Map(evidence.report.rows('endpoints').map(({ value }) => [value.id, value]))
    this.holdings = new Map(evidence.report.rows('holdings').map(({ value }) => [value.id, value]))
  }

  /** A figure by its name and row: the amount, undefined where the report does not hold it; decimals where it is money. */
  expected(
    what: string,
    id: string,
    members: readonly string[],
  ): { readonly amount: string | undefined; readonly decimals: number | undefined } | undefined {
    const row = this.endpoints.get(id) ?? this.holdings.get(id)
    if (what === 'traced' || what === 'floor' || what === 'ceiling') {
      if (row === undefined) return undefined
      const amount = what === 'traced' ? this.tracedOf(row.traced).toString() : (row[what] ?? undefined)
      return amount === undefined ? undefined : { amount, decimals: this.decimals(row.chain, row.asset) }
    }
    if (what === 'sum') {
      const rows = members.map((each) => this.endpoints.get(each) ?? this.holdings.get(each))
      let sum = 0n
      for (const each of rows) sum += each === undefined ? 0n : this.tracedOf(each.traced)
      return rows[0] === undefined
        ? undefined
        : { amount: sum.toString(), decimals: this.decimals(rows[0].chain, rows[0].asset) }
    }
    if (['count', 'hops', 'places', 'services'].includes(what)) return { amount: undefined, decimals: undefined }
    return this.sumOf(what, id)
  }

  /** A seed's or a sink's sum over one chain and asset. */
  private sumOf(what: string, id: string): { amount: string; decimals: number | undefined } | undefined {
    const parts = /^(?:seed:(.*)\|)?([^|]+)\|([^|]+)$/.exec(id)
    if (parts === null) return undefined
    const [, seed, chain, asset] = parts
    if (what === 'untouched') {
      let count = 0
      for (const { chain: c, asset: a, traced } of this.endpoints.values()) {
        if (c === chain && a === asset && this.tracedOf(traced) === 0n) count++
      }
      return { amount: String(count), decimals: undefined }
    }
    let sum = 0n
    for (const { value: row } of this.evidence.report.rows('conservation')) {
      if (row.method !== this.method || row.chain !== chain || row.asset !== asset) continue
      if (seed !== undefined && row.seed !== seed) continue
      // The sum that opens a panel is all that came in; a seed's own figure is what was seeded.
      if (what === 'seeded') sum += BigInt(row.seeded) + (seed === undefined ? BigInt(row.convertedIn ?? '0') : 0n)
      else if (what === 'convertedIn') sum += BigInt(row.convertedIn ?? '0')
      else if (what === 'convertedOut') sum += BigInt(row.convertedOut ?? '0')
      else {
        const [head, tail] = what.split('.')
        const sinks: unknown = row.sinks
        const sink = isRecord(sinks) && Object.hasOwn(sinks, head) ? sinks[head] : undefined
        const amount = tail === undefined ? sink : isRecord(sink) && Object.hasOwn(sink, tail) ? sink[tail] : undefined
        if (typeof amount !== 'string') return undefined
        sum += BigInt(amount)
      }
    }
    return { amount: sum.toString(), decimals: this.decimals(chain, asset) }
  }

  tracedOf(traced: TracedBy): bigint {
    return Object.hasOwn(traced, this.method) ? BigInt(traced[this.method].total) : 0n
  }

  private decimals(chain: string, asset: string): number {
    return this.evidence.ledger.assets.get(`${chain}\0${asset}`)?.decimals ?? 0
  }

  /** The text of a row that a label shows; undefined where the report has no such row. */
  label(id: string, kind: string): string | undefined {
    const endpoint = this.endpoints.get(id)
    if (kind === 'service')
      return endpoint?.service?.entity ?? endpoint?.service?.label ?? endpoint?.address ?? endpoint?.transaction
    if (kind === 'case') return typeof this.evidence.report.case === 'string' ? this.evidence.report.case : undefined
    if (kind === 'chain')
      return this.evidence.report.rows('conservation').some(({ value }) => value.chain === id) ? id : undefined
    if (kind === 'unit') {
      const [chain, asset] = [id.slice(0, id.indexOf('|')), id.slice(id.indexOf('|') + 1)]
      return this.evidence.ledger.assets.get(`${chain}\0${asset}`)?.symbol ?? BASE_UNITS[0]
    }
    if (kind === 'id') return this.evidence.report.rows('seeds').some(({ value }) => value.id === id) ? id : undefined
    if (endpoint !== undefined) return endpoint.address ?? undefined
    const holding = this.holdings.get(id)
    if (holding !== undefined) return holding.address ?? `${holding.transaction}:${holding.output}`
    const drawn = this.evidence.report.rows('paths').some(({ value }) => value.steps.some(({ to }) => to === id))
    return drawn ? id : undefined
  }
}

/** A label is the text of its row, whole or cut; what has no place in XML or turns text around is shown as U+FFFD. */
function checkLabel(book: Book, { attributes, text, title }: Mark, where: string, { findings }: Evidence): void {
  const id = attributes.get('data-label') ?? ''
  const kind = attributes.get('data-text') ?? ''
  const whole = book.label(id, kind)
  if (whole === undefined) {
    findings.add('picture', FILE, where, 'a text of the report', `${kind} of ${id}`)
    return
  }
  const node = attributes.get('node') ?? ''
  if (/^(end|held):/.test(node) && kind !== 'unit') {
    findings.same('picture', FILE, where, node.slice(node.indexOf(':') + 1), id)
  }
  const shown = text.replace(/[\u2068\u2069]/g, '')
  const [head, tail] = shown.split('…')
  const clean = cleaned(whole)
  const fits =
    (kind === 'unit' && whole === BASE_UNITS[0] && BASE_UNITS.includes(shown)) ||
    shown === clean ||
    (tail !== undefined && clean.startsWith(head) && clean.endsWith(tail))
  if (!fits) findings.add('picture', FILE, where, `${whole}, whole or cut`, shown)
  if (title !== undefined && title !== clean) findings.add('picture', FILE, `${where}, title`, whole, title)
}

/** The title of a ribbon or a place says its amount exactly, and of an end where it lies. */
function checkTitle(book: Book, { attributes, title }: Mark, where: string, { findings, ledger }: Evidence): void {
  const panel = attributes.get('panel') ?? ''
  const decimals = ledger.assets.get(panel.replace('|', '\0'))?.decimals ?? 0
  const amount = attributes.get('data-amount') ?? ''
  const units = ledger.assets.has(panel.replace('|', '\0'))
    ? [cleaned(ledger.assets.get(panel.replace('|', '\0'))!.symbol)]
    : BASE_UNITS
  const unit = units.find((each) => title?.endsWith(` ${each}`)) ?? ''
  const head = (title ?? '').slice(0, -unit.length - 1)
  const written = head.slice(head.lastIndexOf(' ') + 1)
  if (unitsOf(written, decimals) !== amount)
    findings.add('picture', FILE, `${where}, title`, `${amount}, written exactly`, title)
  for (const text of textsOfNode(book, attributes.get('data-node') ?? '')) {
    if (!title?.includes(text)) findings.add('picture', FILE, `${where}, title`, text, title)
  }
}

/** What the title of a place must say: the row, its payment and time; the place's own address. */
function textsOfNode(book: Book, node: string): string[] {
  const key = node.slice(node.indexOf(':') + 1)
  if (node.startsWith('seed:')) return [` ${key}: `]
  if (node.startsWith('via:')) return [`${key.slice(key.indexOf(':') + 1)}: `]
  const endpoint = node.startsWith('end:') ? book.endpoints.get(key) : undefined
  if (endpoint !== undefined) {
    const { id, transaction, output, transfer, time, address } = endpoint
    const name = book.label(id, 'service') ?? ''
    return [`${id} ${name} ${address ?? ''} ${transaction}:${output ?? transfer ?? ''} ${time}: `].map(cleaned)
  }
  const holding = node.startsWith('held:') ? book.holdings.get(key) : undefined
  return holding === undefined ? [] : [cleaned(`${holding.id} ${book.label(holding.id, 'address') ?? ''}: `)]
}

/** A text as pictures show it: what has no place in XML, or turns text around, is U+FFFD. */
function cleaned(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Surrogate}\ufffe\uffff\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    '\ufffd',
  )
}

function addRibbon(sums: Map<string, { into: bigint; out: bigint }>, attributes: ReadonlyMap<string, string>): void {
  const amount = attributes.get('data-amount') ?? ''
  if (!/^\d{1,78}$/.test(amount)) return
  const panel = attributes.get('panel') ?? ''
  const of = (key: string): { into: bigint; out: bigint } => {
    const name = `${panel}\0${key}`
    const sum = sums.get(name) ?? { into: 0n, out: 0n }
    sums.set(name, sum)
    return sum
  }
  of(attributes.get('data-from') ?? '').out += BigInt(amount)
  of(attributes.get('data-to') ?? '').into += BigInt(amount)
}

/** What flows into a place flows out; what leaves a seed is its sum; what ends is the end's. Ribbons' own texts are theirs. */
function checkRibbons(
  sums: Map<string, { into: bigint; out: bigint }>,
  marks: readonly Mark[],
  { findings, ledger }: Evidence,
): void {
  for (const [key, { into, out }] of sums) {
    if (into === out || into === 0n || out === 0n) continue
    findings.add('picture', FILE, key.split('\0')[1], `${into} out, as much as flows in`, `${out}`)
  }
  const ribbons = new Map<string, string>()
  for (const { attributes } of marks) {
    if (!attributes.has('data-from')) continue
    const name = [
      attributes.get('panel'),
      `${attributes.get('data-from')}→${attributes.get('data-to')}`,
      attributes.get('data-end'),
    ]
    ribbons.set(name.join('\0'), attributes.get('data-amount') ?? '')
  }
  for (const { attributes, text, at } of marks) {
    const key = attributes.get('data-node')
    const amount = attributes.get('data-amount')
    const panel = attributes.get('panel') ?? ''
    if (key !== undefined) {
      const sum = sums.get(`${panel}\0${key}`)
      const flow = sum === undefined ? undefined : sum.into === 0n ? sum.out : sum.into
      findings.same('picture', FILE, `character ${at}, ${key}`, flow?.toString(), amount)
      continue
    }
    const id = attributes.get('data-id')
    const what = attributes.get('data-figure')
    if (id === undefined || amount === undefined) continue
    const where = `character ${at}, ${what} of ${id}`
    const decimals = ledger.assets.get(panel.replace('|', '\0'))?.decimals ?? 0
    if (what === 'link') {
      findings.same('picture', FILE, where, ribbons.get([panel, id, attributes.get('data-end')].join('\0')), amount)
      if (unitsOf(text, decimals) !== amount) findings.add('picture', FILE, where, `${amount}, written exactly`, text)
      continue
    }
    const node = what === 'sum' ? id : undefined
    const seed = /^seed:(.*)\|[^|]+\|[^|]+$/.exec(id)?.[1]
    const flow =
      node !== undefined
        ? sums.get(`${panel}\0${node}`)?.into
        : what === 'seeded' && seed !== undefined
          ? sums.get(`${panel}\0seed:${seed}`)?.out
          : what === 'traced'
            ? (sums.get(`${panel}\0end:${id}`) ?? sums.get(`${panel}\0held:${id}`))?.into
            : undefined
    const drawn = node !== undefined || what === 'traced' || (what === 'seeded' && seed !== undefined)
    if (drawn && flow?.toString() !== amount)
      findings.add('picture', FILE, where, `ribbons that add up to ${amount}`, flow?.toString() ?? 'none')
    if (what === 'count') {
      const fold = marks.find(
        (mark) =>
          mark.attributes.get('data-id') === id &&
          mark.attributes.has('data-members') &&
          mark.attributes.get('panel') === panel,
      )
      const members = fold?.attributes.get('data-members')?.split(' ').length
      findings.same('picture', FILE, where, members === undefined ? undefined : String(members), amount)
    }
  }
}

/** A decimal figure as base units, exactly; undefined where it is none or has more decimals than the asset. */
function unitsOf(text: string, decimals: number): string | undefined {
  const match = /^(0|[1-9]\d*)(?:\.(\d*[1-9]))?$/.exec(text)
  if (match === null || (match[2] ?? '').length > decimals) return undefined
  return BigInt(match[1] + (match[2] ?? '').padEnd(decimals, '0')).toString()
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const unescapeXml = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name])

interface Element {
  readonly name: string
  readonly attributes: Map<string, string>
  text: string
  title: string | undefined
  readonly at: number
  /** Of the nearest element around it that has one. */
  readonly panel: string
  readonly node: string
}

/**
 * Every element that carries data or shows text, with its panel. A small reader of the XML that pictures are written in:
 * elements, quoted attributes, text and the five entities. Undefined where it is not that.
 */
function marksOf(svg: string): Mark[] | undefined {
  const marks: Mark[] = []
  const open: Element[] = []
  const token = /<\?[^>]*\?>|<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|[^<]+/gy
  while (token.lastIndex < svg.length) {
    const at = token.lastIndex
    const match = token.exec(svg)
    if (match === null) return undefined
    const [whole, closing, name, list, empty] = match
    if (whole.startsWith('<?')) continue
    if (name === undefined) {
      const holder = open.at(-1)
      if (holder === undefined) {
        if (whole.trim() !== '') return undefined
      } else holder.text += unescapeXml(whole)
      continue
    }
    if (closing === '/') {
      const element = open.pop()
      if (element === undefined || element.name !== name) return undefined
      const holder = open.at(-1)
      if (name === 'title' && holder !== undefined) holder.title = element.text
      keep(marks, element)
      continue
    }
    const attributes = new Map<string, string>()
    for (const [, key, value] of (list ?? '').matchAll(/([\w:-]+)="([^"]*)"/g)) attributes.set(key, unescapeXml(value))
    const panel = attributes.get('data-panel') ?? open.at(-1)?.panel ?? ''
    const node = attributes.get('data-node') ?? open.at(-1)?.node ?? ''
    const element: Element = { name, attributes, text: '', title: undefined, at, panel, node }
    if (empty === '/') keep(marks, element)
    else open.push(element)
  }
  return open.length === 0 ? marks : undefined
}

function keep(marks: Mark[], { name, attributes, text, title, at, panel, node }: Element): void {
  if (name === 'title' || name === 'desc' || (name === 'g' && !attributes.has('data-node'))) return
  const carries = [...attributes.keys()].some((key) => key.startsWith('data-'))
  const isRoot = name === 'svg'
  if (!isRoot && !carries && text.trim() === '') return
  marks.push({ attributes: new Map([...attributes, ['panel', panel], ['node', node]]), text, title, at, isRoot })
}
