import { formatAmount, METHOD_NAMES } from '../../graph/index.ts'
import type { AssetLookup } from './csv.ts'
import {
  type EndKind,
  endKind,
  FLOW_LIMITS,
  type FlowLimits,
  type FlowNode,
  type FlowPanel,
  flowPanels,
  serviceName,
} from './flow-graph.ts'
import { type Layout, layoutFlow, type PlacedLink, type PlacedNode } from './flow-layout.ts'
import type { Report } from './format.ts'

export type { FlowLimits } from './flow-graph.ts'
export { FLOW_LIMITS } from './flow-graph.ts'

export interface FlowOptions {
  /** How amounts are written: exactly, with the asset's decimals. Where it answers undefined, base units are written. */
  readonly assetOf: AssetLookup
  /** Default: both, Korean first. */
  readonly language?: 'ko' | 'en' | 'both'
  readonly limits?: Partial<FlowLimits>
}

const WIDTH = 1600
const MARGIN = 28
const SIZES = { nodeWidth: 14, left: 236, right: WIDTH - 480, slotEnd: 38, slot: 26, gap: 10 } as const
const FONT = "'Noto Sans KR','Noto Sans CJK KR',Pretendard,'Malgun Gothic',sans-serif"
/** Longer labels are cut; the whole text stands in the title. In units of half an em. */
const LABEL_UNITS = 44

/** Okabe and Ito's palette, told apart with any colour vision; on paper by lightness, and every node says its kind. */
const COLOURS: Readonly<Record<EndKind | 'seed' | 'via', string>> = {
  seed: '#b23a00',
  via: '#3d4a5c',
  service: '#0072b2',
  mixer: '#b0468a',
  bridge: '#d08700',
  holding: '#00805f',
  unseen: '#8a8000',
  horizon: '#3f8fc4',
  burned: '#1d1d1d',
  fee: '#7a7a7a',
  converted: '#7a5ab5',
}

const WORDS = {
  title: ['자금 흐름', 'Flow of proceeds'],
  case: ['사건', 'case'],
  method: ['추적 방법', 'method'],
  primary: ['주 방법', 'primary'],
  seed: ['시드', 'Seed'],
  convertedIn: ['전환 유입', 'Converted in'],
  via: ['경유', 'Through'],
  end: ['도착', 'Where it ended'],
  service: ['서비스', 'Service'],
  mixer: ['믹서', 'Mixer'],
  bridge: ['브리지', 'Bridge'],
  holding: ['보유', 'Held'],
  unseen: ['미확인', 'Unseen'],
  burned: ['소각', 'Burned'],
  fee: ['수수료', 'Fees'],
  converted: ['전환 유출', 'Converted'],
  'horizon.hops': ['한도: 홉', 'Limit: hops'],
  'horizon.until': ['한도: 시각', 'Limit: time'],
  'horizon.amount': ['한도: 금액', 'Limit: amount'],
  'horizon.transactions': ['한도: 거래 수', 'Limit: transactions'],
  convertedOut: ['전환 유출', 'Converted'],
  seeded: ['시드 합계', 'Seeded'],
  bounds: ['하한–상한', 'floor–ceiling'],
  peeled: ['{}홉 연속 분할', '{} hops peeled'],
  passed: ['{}홉 연속 이체', '{} hops in a row'],
  deeper: ['최대 {}홉 더', 'up to {} more hops'],
  places: ['주소 {}개 합침', '{} more addresses'],
  payments: ['{}건', '{} payments'],
  holdings: ['{}곳', '{} places'],
  services: ['{}개 서비스', '{} services'],
  others: ['기타', 'Others'],
  units: ['기본 단위', 'base units'],
  nothing: ['시드에서 추적된 금액이 없습니다', 'Nothing was traced from a seed'],
  scale: [
    '띠의 폭은 추적 금액에 비례(가는 띠는 최소 폭)',
    'Ribbon width is in proportion to the traced amount (thin ones have a least width)',
  ],
  direct: [
    '서비스에 이르지 않은 금액은 단계별로 그리지 않음',
    'value that reached no service is not drawn step by step',
  ],
  folded: ['합쳐 그린 항목의 건수와 합계는 모두 표시됨', 'what is folded is stated with its count and exact sum'],
  untouched: [
    '이 방법에서 추적액이 없는 입금 {}건은 그리지 않음',
    '{} payments carry nothing under this method and are not drawn',
  ],
} as const satisfies Record<string, readonly [ko: string, en: string]>

type Word = keyof typeof WORDS

/**
 * A picture of where the value went under the report's primary method: seeds at the left, the way of each thread, and every
 * end at the right, so that it closes as the ledger does. One panel for each asset, each with its own scale. It is drawn from
 * the report alone: equal reports are equal bytes.
 *
 * Every figure printed carries `data-id` (a row of the report, a seed, or a sink), `data-figure` (which of its figures) and
 * `data-amount` (base units), which `verifyBundle` holds against the report.
 */
export function drawFlow(report: Report, options: FlowOptions): string {
  const pen = new Pen(options)
  const method = primaryOf(report)
  const panels = flowPanels(report, method, { ...FLOW_LIMITS, ...options.limits })
  let y = MARGIN + 26
  const body: string[] = []
  for (const panel of panels) {
    const drawn = drawPanel(panel, pen, y)
    body.push(drawn.svg)
    y = drawn.bottom + 34
  }
  if (panels.length === 0) {
    body.push(`<text x="${MARGIN}" y="${y + 30}" font-size="16">${pen.say('nothing')}</text>`)
    y += 60
  }
  const notes = drawNotes(panels, options, y - 10)
  body.push(notes.svg)
  const height = Math.ceil(notes.bottom + 14)
  const title = `${pen.plain('title')} — ${clean(report.case)} — ${clean(method)}`
  // Without figures: those stand once, as text that can be read out, each with its data.
  const ends = [...new Set(panels.flatMap(({ sums }) => sums.map(({ sink }) => pen.plain(sink as Word))))]
  const description = `${pen.plain('seed')} → ${pen.plain('via')} → ${pen.plain('end')}: ${ends.join(', ')}`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="flow-title flow-desc" font-family="${FONT}" fill="#1b2430">`,
    `<title id="flow-title">${escapeXml(title)}</title><desc id="flow-desc">${escapeXml(description)}</desc>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="${MARGIN + 8}" font-size="20" font-weight="700">${pen.say('title')}`,
    `<tspan dx="14" font-size="13" font-weight="400" fill="#4a5563">${pen.say('case')} ${pen.named('case', 'case', report.case, 60)} · ${pen.say('method')} ${escapeXml(clean(method))} (${pen.say('primary')})</tspan></text>`,
    ...body,
    '</svg>\n',
  ].join('')
}

function primaryOf(report: Report): string {
  const method = report.request.method
  const primary = typeof method === 'object' && method !== null ? (method as { primary?: unknown }).primary : undefined
  if (typeof primary === 'string' && (METHOD_NAMES as readonly string[]).includes(primary)) return primary
  return report.conservation[0]?.method ?? ''
}

function drawPanel(panel: FlowPanel, pen: Pen, top: number): { svg: string; bottom: number } {
  const out: string[] = []
  const id = `${panel.chain}|${panel.asset}`
  out.push(`<g data-panel="${escapeXml(clean(id))}">`)
  out.push(`<line x1="${MARGIN}" y1="${top}" x2="${WIDTH - MARGIN}" y2="${top}" stroke="#c9d0d9"/>`)
  const headings = drawEquation(panel, pen, top + 22)
  out.push(...headings.lines)
  const bodyTop = headings.bottom + 42
  const heading = (x: number, anchor: string, word: Word): string =>
    `<text x="${x}" y="${bodyTop - 16}" font-size="12" font-weight="700" fill="#4a5563" text-anchor="${anchor}">${pen.say(word)}</text>`
  const layout = layoutFlow(panel, SIZES)
  out.push(heading(SIZES.left + SIZES.nodeWidth, 'end', 'seed'))
  if (panel.lastColumn > 1) out.push(heading((SIZES.left + SIZES.right) / 2, 'middle', 'via'))
  out.push(heading(SIZES.right, 'start', 'end'))
  for (const placed of layout.links) out.push(drawRibbon(placed, panel, pen, bodyTop))
  for (const placed of layout.links) out.push(drawRibbonAmount(placed, layout, panel, pen, bodyTop))
  for (const [key, node] of panel.nodes) {
    const placed = layout.nodes.get(key)
    if (placed !== undefined) out.push(drawNode(node, placed, panel, pen, bodyTop))
  }
  let bottom = bodyTop + layout.height + 26
  if (panel.untouched > 0) {
    const words = pen.counted('untouched', 'untouched', id, panel.untouched)
    out.push(`<text x="${MARGIN}" y="${round(bottom)}" font-size="10.5" fill="#5b6673">${words}</text>`)
    bottom += 4
  } else bottom -= 14
  out.push('</g>')
  return { svg: out.join(''), bottom }
}

/** What a reader must know to read the ribbons, a line for each language. */
function drawNotes(
  panels: readonly FlowPanel[],
  { language = 'both' }: FlowOptions,
  top: number,
): { svg: string; bottom: number } {
  const words: Word[] = panels.some(({ direct }) => direct) ? ['scale', 'folded', 'direct'] : ['scale', 'folded']
  const lines = language === 'both' ? [0, 1] : [language === 'ko' ? 0 : 1]
  const svg = lines.map((index, line) => {
    const text = words.map((word) => WORDS[word][index]).join(' · ')
    return `<text x="${MARGIN}" y="${round(top + line * 16)}" font-size="10.5" fill="#5b6673">${escapeXml(text)}</text>`
  })
  return { svg: svg.join(''), bottom: top + (lines.length - 1) * 16 }
}

/** The ledger of the trace in one line: seeded = every sink, to the unit. It breaks where it must. */
function drawEquation(panel: FlowPanel, pen: Pen, top: number): { lines: string[]; bottom: number } {
  const id = `${panel.chain}|${panel.asset}`
  const unit = pen.unit(panel)
  const parts: { svg: string; units: number }[] = []
  const total = pen.amount(panel, panel.total)
  parts.push({
    svg: `<tspan font-weight="700">${pen.named(panel.chain, 'chain', panel.chain, 40)} · ${pen.named(id, 'unit', unit, 24)}</tspan><tspan dx="16">${pen.say('seeded')}</tspan><tspan dx="6" font-weight="700">${figure('seeded', id, panel.total.toString(), total)}</tspan>`,
    units: unitsOf(`${panel.chain} ${unit} ${pen.plain('seeded')} ${total}`) + 6,
  })
  for (const [index, { sink, end, amount }] of panel.sums.entries()) {
    const text = pen.amount(panel, amount)
    const sign = index === 0 ? '=' : '+'
    parts.push({
      svg: `<tspan dx="7">${sign}</tspan><tspan dx="7" fill="${COLOURS[end]}" font-weight="700">${pen.say(sink as Word)}</tspan>\u00a0${figure(sink, id, amount.toString(), text)}`,
      units: unitsOf(`${sign} ${pen.plain(sink as Word)} ${text}`) + 3,
    })
  }
  const lines: string[] = []
  const limit = ((WIDTH - 2 * MARGIN) / 13) * 2.05
  let y = top
  let line = ''
  let units = 0
  const flush = (): void => {
    if (line !== '') lines.push(`<text x="${MARGIN}" y="${y}" font-size="13">${line.trimStart()}</text>`)
  }
  for (const part of parts) {
    if (units > 0 && units + part.units > limit) {
      flush()
      y += 20
      line = ''
      units = 0
    }
    line += part.svg
    units += part.units
  }
  flush()
  return { lines, bottom: y }
}

function drawRibbon({ link, thickness, points }: PlacedLink, panel: FlowPanel, pen: Pen, top: number): string {
  const edge = (lift: number): { x: number; y: number }[] =>
    points.flatMap(({ x, y, width }) =>
      width === 0
        ? [{ x, y: y + lift }]
        : [
            { x, y: y + lift },
            { x: x + width, y: y + lift },
          ],
    )
  const upper = edge(top)
  const lower = edge(top + thickness).reverse()
  const curve = (line: { x: number; y: number }[], start: 'M' | 'L'): string =>
    line
      .map(({ x, y }, index) => {
        if (index === 0) return `${start}${round(x)} ${round(y)}`
        const before = line[index - 1]
        const bend = round((before.x + x) / 2)
        return `C${bend} ${round(before.y)} ${bend} ${round(y)} ${round(x)} ${round(y)}`
      })
      .join('')
  const title = `${pen.amount(panel, link.amount)} ${pen.unit(panel)}`
  return (
    `<path d="${curve(upper, 'M')}${curve(lower, 'L')}Z" fill="${COLOURS[link.end]}" fill-opacity="0.3" stroke="${COLOURS[link.end]}" stroke-opacity="0.45" stroke-width="0.5" ` +
    `data-from="${escapeXml(clean(link.from))}" data-to="${escapeXml(clean(link.to))}" data-end="${link.end}" data-amount="${link.amount}">` +
    `<title>${escapeXml(clean(title))}</title></path>`
  )
}

/** The amount on a ribbon, where the ribbon is thick enough to bear it and its ends do not say it already. */
function drawRibbonAmount(
  { link, thickness, points }: PlacedLink,
  layout: Layout,
  panel: FlowPanel,
  pen: Pen,
  top: number,
): string {
  if (thickness < 13) return ''
  const [a, b] = points
  const text = pen.amount(panel, link.amount)
  const right = b.x
  const room = ((right - a.x) / 10.5) * 1.8
  if (layout.nodes.size === 0 || unitsOf(text) > room) return ''
  // Beside the source, where ribbons still run level one above the other.
  const x = a.x + 8
  const y = a.y + (b.y - a.y) * LEVEL + thickness / 2 + top + 4
  const id = `${link.from}→${link.to}`
  return (
    `<text x="${round(x)}" y="${round(y)}" font-size="10.5" ${HALO}>` +
    `${figure('link', id, link.amount.toString(), text, link.end)}</text>`
  )
}

/** How far a ribbon has turned by the middle of its label. */
const LEVEL = 0.06

const HALO = 'stroke="#ffffff" stroke-width="3" stroke-opacity="0.85" stroke-linejoin="round" paint-order="stroke"'

function drawNode(node: FlowNode, { x, y, height }: PlacedNode, panel: FlowPanel, pen: Pen, top: number): string {
  const isEnd = panel.columns.get(node.key) === panel.lastColumn
  const colour = isEnd
    ? COLOURS[endKind(node)]
    : COLOURS[node.kind === 'seed' || node.kind === 'convertedIn' ? 'seed' : 'via']
  const out = [
    `<g data-node="${escapeXml(clean(node.key))}" data-amount="${node.amount}"><title>${escapeXml(clean(`${nameOf(node, pen)}: ${pen.amount(panel, node.amount)} ${pen.unit(panel)}`))}</title>`,
    `<rect x="${round(x)}" y="${round(y + top)}" width="${SIZES.nodeWidth}" height="${round(height)}" fill="${colour}" rx="1.5"/>`,
  ]
  if (isEnd) out.push(drawEnd(node, x + SIZES.nodeWidth + 9, y + top, panel, pen, colour))
  else if (node.kind === 'seed' || node.kind === 'convertedIn') {
    const middle = y + top + height / 2
    const word = node.kind === 'seed' ? '' : `${pen.say('convertedIn')} `
    const anchor = `x="${round(x - 10)}" text-anchor="end"`
    out.push(
      `<text ${anchor} y="${round(middle - 3)}" font-size="13" font-weight="700">${word}${pen.named(node.seed, 'id', node.seed, 26)}</text>`,
      `<text ${anchor} y="${round(middle + 14)}" font-size="12">${figure(node.kind === 'seed' ? 'seeded' : 'convertedIn', `seed:${node.seed}|${panel.chain}|${panel.asset}`, node.amount.toString(), pen.amount(panel, node.amount))} ${pen.named(`${panel.chain}|${panel.asset}`, 'unit', pen.unit(panel), 24)}</text>`,
    )
  } else out.push(drawWay(node, x, y + top, pen))
  out.push('</g>')
  return out.join('')
}

function drawWay(node: FlowNode, x: number, y: number, pen: Pen): string {
  const words = ((): string => {
    switch (node.kind) {
      case 'via':
        return pen.named(node.address, 'address', node.address, 15)
      case 'chain': {
        return `<tspan font-weight="700">${pen.counted(node.peels ? 'peeled' : 'passed', 'hops', node.key, node.hops)}</tspan>`
      }
      case 'deep':
        return pen.counted('deeper', 'hops', node.key, node.hops)
      case 'places':
        return pen.counted('places', 'places', node.key, node.places)
      default:
        return ''
    }
  })()
  const middle = x + SIZES.nodeWidth / 2
  return `<text x="${round(middle)}" y="${round(y - 4)}" font-size="10.5" text-anchor="middle" ${HALO}>${words}</text>`
}

/** What stands beside an end: who it is, how much reached it, and between which bounds. */
function drawEnd(node: FlowNode, x: number, y: number, panel: FlowPanel, pen: Pen, colour: string): string {
  const unit = pen.named(`${panel.chain}|${panel.asset}`, 'unit', pen.unit(panel), 24)
  const amount = (id: string, what: string): string =>
    `<tspan font-weight="700">${figure(what, id, node.amount.toString(), pen.amount(panel, node.amount))}</tspan> ${unit}`
  const kindTag = (word: Word): string => `<tspan fill="${colour}" font-weight="700">${pen.say(word)}</tspan>`
  const lines: string[] = []
  switch (node.kind) {
    case 'endpoint': {
      const { endpoint } = node
      const { floor, ceiling } = endpoint
      const name = serviceName(endpoint)
      const address = endpoint.address ?? ''
      const deposit = address === '' || address === name ? '' : pen.named(endpoint.id, 'address', address, 17)
      lines.push(
        `${kindTag(endpoint.sink)} ${pen.named(endpoint.id, 'service', name, LABEL_UNITS - 20)}` +
          `\u00a0\u00a0<tspan fill="#5b6673" font-size="10.5">${deposit}</tspan>`,
      )
      let second = amount(endpoint.id, 'traced')
      if (floor !== null && ceiling !== null) {
        const low = figure('floor', endpoint.id, floor, pen.amount(panel, BigInt(floor)))
        const high = figure('ceiling', endpoint.id, ceiling, pen.amount(panel, BigInt(ceiling)))
        second += `<tspan dx="9" fill="#5b6673" font-size="10.5">${pen.say('bounds')} ${low}–${high}</tspan>`
      }
      lines.push(second)
      break
    }
    case 'folded': {
      const isHolding = node.end === 'holding' || node.end === 'unseen'
      const name =
        node.service !== undefined
          ? pen.named(node.members[0], 'service', node.service, LABEL_UNITS - 20)
          : isHolding
            ? pen.say('others')
            : `${pen.say('others')} (${pen.counted('services', 'services', node.key, node.services.size)})`
      const count = pen.counted(isHolding ? 'holdings' : 'payments', 'count', node.key, node.members.length)
      lines.push(`${kindTag(node.end as Word)} ${name}`)
      const members = escapeXml(clean(node.members.join(' ')))
      const total = `<tspan data-members="${members}" ${attributes('sum', node.key, node.amount.toString())}>${escapeXml(pen.amount(panel, node.amount))}</tspan>`
      lines.push(`<tspan font-weight="700">${total}</tspan> ${unit}\u00a0\u00a0<tspan fill="#5b6673">${count}</tspan>`)
      break
    }
    case 'held':
      lines.push(`${kindTag(node.end as Word)}  ${pen.named(node.id, 'address', node.address, LABEL_UNITS - 14)}`)
      lines.push(amount(node.id, 'traced'))
      break
    case 'sink':
      lines.push(kindTag(node.sink as Word))
      lines.push(amount(`${panel.chain}|${panel.asset}`, node.sink))
      break
    default:
      break
  }
  return lines
    .map(
      (line, index) =>
        `<text x="${round(x)}" y="${round(y + 11 + index * 16)}" font-size="${index === 0 ? 12.5 : 12}">${line}</text>`,
    )
    .join('')
}

function nameOf(node: FlowNode, pen: Pen): string {
  switch (node.kind) {
    case 'seed':
    case 'convertedIn':
      return `${pen.plain(node.kind)} ${node.seed}`
    case 'via':
      return node.address
    case 'chain':
      return `${pen.plainCounted(node.peels ? 'peeled' : 'passed', node.hops)}: ${node.first} … ${node.last}`
    case 'places':
      return pen.plainCounted('places', node.places)
    case 'deep':
      return pen.plainCounted('deeper', node.hops)
    case 'endpoint': {
      const { endpoint } = node
      const place = endpoint.output ?? endpoint.transfer ?? ''
      return `${endpoint.id} ${serviceName(endpoint)} ${endpoint.address ?? ''} ${endpoint.transaction}:${place} ${endpoint.time}`
    }
    case 'folded':
      return `${node.service ?? pen.plain('others')}: ${node.members.length}`
    case 'held':
      return `${node.id} ${node.address}`
    case 'sink':
      return pen.plain(node.sink as Word)
  }
}

/** Writes words, labels and amounts for one picture. */
class Pen {
  private readonly options: FlowOptions

  constructor(options: FlowOptions) {
    this.options = options
  }

  /** A word of ours as plain text. */
  plain(word: Word): string {
    const [ko, en] = WORDS[word]
    const language = this.options.language ?? 'both'
    const joint = ko.includes('{}') ? ' · ' : ' '
    return language === 'ko' ? ko : language === 'en' ? en : `${ko}${joint}${en}`
  }

  /** The same, escaped for XML. */
  say(word: Word): string {
    return escapeXml(this.plain(word))
  }

  /** A phrase about a number, with the number as a figure in it. */
  counted(word: Word, what: string, id: string, count: number): string {
    const written = figure(what, id, String(count), String(count))
    return this.say(word).replaceAll('{}', written)
  }

  /** The same as plain text. */
  plainCounted(word: Word, count: number): string {
    return this.plain(word).replaceAll('{}', String(count))
  }

  unit({ chain, asset }: FlowPanel): string {
    return this.options.assetOf(chain, asset)?.symbol ?? this.plain('units')
  }

  amount({ chain, asset }: FlowPanel, units: bigint): string {
    return formatAmount(units, this.options.assetOf(chain, asset)?.decimals ?? 0)
  }

  /**
   * A text that the report holds, cut, cleaned and kept from turning its surroundings around. `data-label`
   * names the row, `data-text` which of its texts; the whole of what is cut stands in the title.
   */
  named(
    id: string,
    textKind: 'id' | 'address' | 'service' | 'case' | 'chain' | 'unit',
    text: string,
    unitsMax: number,
  ): string {
    const shown = shorten(clean(text), unitsMax)
    const title = shown === clean(text) ? '' : `<title>${escapeXml(clean(text))}</title>`
    return `<tspan data-label="${escapeXml(clean(id))}" data-text="${textKind}">${title}${isolate(escapeXml(shown), text)}</tspan>`
  }
}

function attributes(what: string, id: string, amount: string): string {
  return `data-figure="${escapeXml(what)}" data-id="${escapeXml(clean(id))}" data-amount="${escapeXml(amount)}"`
}

function figure(what: string, id: string, amount: string, text: string, end?: string): string {
  return `<tspan ${attributes(what, id, amount)}${end === undefined ? '' : ` data-end="${end}"`}>${escapeXml(text)}</tspan>`
}

/** Text that XML can hold and that cannot turn what stands around it: controls and direction marks become U+FFFD. */
export function clean(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Surrogate}\ufffe\uffff\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    '\ufffd',
  )
}

/** XML text or an attribute's value. */
export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** Right-to-left text between isolates, so that the amount after it stays after it. */
function isolate(escaped: string, text: string): string {
  return /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(text)
    ? `\u2068${escaped}\u2069`
    : escaped
}

/** Cut in the middle where both ends of an address say who it is; graphemes of ours are code points. */
export function shorten(text: string, unitsMax: number): string {
  if (text.length <= unitsMax && unitsOf(text) <= unitsMax) return text
  const points = [...text.slice(0, unitsMax + 2), ...text.slice(-unitsMax - 2)]
  const isName = /\s|[^\x21-\x7e]/.test(text)
  const tailMax = isName ? 0 : Math.floor((unitsMax - 2) * 0.35)
  let head = ''
  let units = 1
  for (const point of points) {
    units += unitsOf(point)
    if (units > unitsMax - tailMax) break
    head += point
  }
  return `${head}…${tailMax === 0 ? '' : text.slice(-Math.floor(tailMax))}`
}

/** Width in half ems: wide scripts take two, everything else about one. */
function unitsOf(text: string): number {
  let units = 0
  for (const point of text) units += point >= '\u1100' ? 2 : 1
  return units
}

/** A coordinate with one decimal, the same digits on every machine. */
function round(value: number): string {
  return String(Math.round(value * 10) / 10)
}
