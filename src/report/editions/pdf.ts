/** A document as PDF/A-2b: fonts embedded, no scripts, no links out, text that can be selected, the same bytes every time. */
import pdfmake from 'pdfmake'
import type { Block, Cell, Column, Document } from './document.ts'
import { drawableText, FONT_FOLDER, FONTS, plainFont } from './fonts.ts'
import { packPdf } from './pdf-pack.ts'

type Node = Record<string, unknown>

/** A4 without its margins, in points. */
const PAGE_WIDTH = 515
/** The same lying down. */
const PAGE_LENGTH = 760
const PADDING = 3

const INK = '#1b2430'
const GREY = '#5b6673'
const RULE = '#c3cad3'
const SHADE = '#eef1f5'
const RED = '#a11212'

let ready = false

function prepare(): void {
  if (ready) return
  pdfmake.setFonts(FONTS)
  for (const file of Object.values(FONTS.Pretendard)) pdfmake.virtualfs.writeFileSync(file, plainFont(file))
  pdfmake.setUrlAccessPolicy(() => false)
  pdfmake.setLocalAccessPolicy((path) => path.startsWith(FONT_FOLDER))
  ready = true
}

/** `compress: false` leaves the streams readable, for tests. */
export async function renderPdf(
  document: Document,
  options: { readonly compress?: boolean } = {},
): Promise<Uint8Array> {
  prepare()
  const plain = await pdfmake.createPdf(definitionOf(document)).getBuffer()
  return options.compress === false ? plain : packPdf(plain)
}

/** The definition that pdfmake sets: plain data. */
export function definitionOf(document: Document): Node {
  const date = new Date(document.date)
  return {
    version: '1.7',
    subset: 'PDF/A-2b',
    tagged: true,
    displayTitle: true,
    language: document.language,
    compress: false,
    pageSize: 'A4',
    pageMargins: [40, 52, 40, 48],
    info: {
      title: drawableText(document.title),
      subject: drawableText(document.subject),
      author: drawableText(document.author),
      creator: 'Proceeds',
      producer: 'Proceeds',
      creationDate: date,
      modDate: date,
    },
    defaultStyle: { font: 'Pretendard', fontSize: 9, lineHeight: 1.25, color: INK },
    header: () => ({
      columns: [{ text: drawableText(document.header), fontSize: 7, color: GREY }],
      margin: [40, 24, 40, 0],
    }),
    footer: (page: number, pages: number) => ({
      columns: [
        { text: drawableText(document.footer), fontSize: 7, color: GREY, width: '*' },
        { text: `${page} / ${pages}`, fontSize: 7, color: GREY, alignment: 'right', width: 60 },
      ],
      margin: [40, 14, 40, 0],
    }),
    content: contentOf(document.blocks),
  }
}

/** A small heading stays with the table it heads. */
function contentOf(blocks: readonly Block[]): Node[] {
  const nodes: Node[] = []
  for (let i = 0; i < blocks.length; i++) {
    const [block, next] = [blocks[i], blocks[i + 1]]
    if (block.kind === 'heading' && next?.kind === 'facts' && next.rows.length <= 20) {
      nodes.push({ stack: [nodeOf(block), nodeOf(next)], unbreakable: true })
      i++
    } else nodes.push(nodeOf(block))
  }
  return nodes
}

function nodeOf(block: Block): Node {
  switch (block.kind) {
    case 'title':
      return {
        stack: [
          { text: drawableText(block.text), fontSize: 20, bold: true },
          ...(block.below === undefined ? [] : [{ text: drawableText(block.below), fontSize: 10, color: GREY }]),
        ],
        margin: [0, 0, 0, 12],
      }
    case 'heading':
      return {
        text: drawableText(block.text),
        fontSize: block.level === 1 ? 13 : 10.5,
        bold: true,
        margin: block.level === 1 ? [0, 14, 0, 5] : [0, 9, 0, 3],
        headlineLevel: block.level,
      }
    case 'text':
      return {
        text: drawableText(block.text),
        margin: [0, 0, 0, 4],
        ...(block.tone === 'note' ? { fontSize: 7.5, color: GREY } : {}),
        ...(block.tone === 'warning' ? { color: RED, bold: true } : {}),
        ...(block.tone === 'strong' ? { fontSize: 11, bold: true } : {}),
      }
    case 'list':
      return { ul: block.items.map(drawableText), margin: [0, 0, 0, 5] }
    case 'facts':
      return {
        table: {
          widths: [132, '*'],
          body: block.rows.map(([label, value]) => [
            { text: drawableText(label), bold: true, fontSize: 8, fillColor: SHADE },
            { text: drawableText(value.text), fontSize: 8, bold: value.bold === true },
          ]),
        },
        layout: LINES,
        margin: [0, 2, 0, 7],
      }
    case 'table': {
      const alignments = block.columns.map((column) => column.align ?? 'left')
      return {
        table: {
          headerRows: 1,
          dontBreakRows: true,
          widths: widthsOf(block.columns),
          body: [
            block.columns.map((column, i) => ({
              text: drawableText(column.title),
              bold: true,
              fontSize: 7,
              fillColor: SHADE,
              alignment: alignments[i],
            })),
            ...block.rows.map((row) => rowNodes(row, alignments)),
          ],
        },
        layout: LINES,
        margin: [0, 2, 0, 7],
      }
    }
    case 'picture':
      return { svg: drawableSvg(block.svg), width: PAGE_LENGTH, margin: [0, 4, 0, 6] }
    case 'page':
      return {
        text: '',
        pageBreak: 'before',
        pageOrientation: block.landscape === true ? 'landscape' : 'portrait',
        fontSize: 1,
      }
  }
}

/** Every width in points: pdfmake would widen a column for a long identifier until the table leaves the page. */
function widthsOf(columns: readonly Column[]): number[] {
  const set = columns.reduce((sum, { width }) => sum + (width === '*' ? 0 : width), 0)
  const free = PAGE_WIDTH - set - columns.length * 2 * PADDING
  const stars = columns.filter(({ width }) => width === '*').length
  return columns.map(({ width }) => (width === '*' ? Math.floor(free / stars) : width))
}

function rowNodes(row: readonly Cell[], alignments: readonly string[]): Node[] {
  const nodes: Node[] = []
  for (const each of row) {
    nodes.push({
      ...cellNode(each, alignments[nodes.length]),
      ...(each.span === undefined ? {} : { colSpan: each.span }),
    })
    for (let more = 1; more < (each.span ?? 1); more++) nodes.push({})
  }
  return nodes
}

function cellNode(each: Cell, alignment: string): Node {
  return {
    text: drawableText(each.text),
    fontSize: 6.6,
    lineHeight: 1.15,
    alignment: each.align ?? alignment,
    bold: each.bold === true,
  }
}

const LINES = {
  hLineWidth: () => 0.4,
  vLineWidth: () => 0,
  hLineColor: () => RULE,
  paddingLeft: () => PADDING,
  paddingRight: () => PADDING,
  paddingTop: () => 2,
  paddingBottom: () => 2,
}

/** The picture in our fonts. Escaped text stays escaped: only characters that no font has are written by their numbers. */
function drawableSvg(svg: string): string {
  return drawableText(svg.replace(/^<\?xml[^>]*\?>\s*/, ''))
    .replace(/font-family="[^"]*"/, 'font-family="Pretendard"')
    .replaceAll('paint-order="stroke"', '')
    .replaceAll(/ stroke="#ffffff" stroke-width="3" stroke-opacity="0.85" stroke-linejoin="round"/g, '')
}
