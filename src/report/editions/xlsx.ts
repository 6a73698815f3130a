/**
 * Spreadsheets (Office Open XML, ISO/IEC 29500) with the same bytes every time. Every cell is inline text: no number is
 * ever handed to a program that would round it or guess a date, and text cells are not run as formulas.
 */
import { strToU8, zipSync } from 'fflate'

export interface Sheet {
  /** At most 31 characters; the ones that sheets may not hold are taken out. */
  readonly name: string
  readonly header: readonly string[]
  readonly rows: Iterable<readonly string[]>
}

/** A cell's limit in every spreadsheet program. */
const CELL_MAX = 32_767
/** A sheet's limit; what is beyond it is in the CSV, and the last row says so. */
export const ROWS_MAX = 1_048_575

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
/** 1980-01-01, the first day that a ZIP can name. */
const DAY = new Date(1980, 0, 1)

/** Text as XML can hold it: markup escaped, and characters that XML forbids written as OOXML writes them. */
function cellText(text: string): string {
  const cut = text.length <= CELL_MAX ? text : `${text.slice(0, CELL_MAX - 40)}… (${text.length} characters)`
  return cut
    .toWellFormed()
    .replace(/_x[0-9A-Fa-f]{4}_/g, (literal) => `_x005F${literal}`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\p{Cc}\ufffe\uffff]/gu, (c) =>
      c === '\n' || c === '\t' ? c : `_x${c.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}_`,
    )
}

function columnName(index: number): string {
  let name = ''
  for (let n = index + 1; n > 0; n = Math.floor((n - 1) / 26)) name = String.fromCharCode(65 + ((n - 1) % 26)) + name
  return name
}

function rowXml(number: number, cells: readonly string[], style: number): string {
  const written = cells.map((text, i) =>
    text === ''
      ? ''
      : `<c r="${columnName(i)}${number}" s="${style}" t="inlineStr"><is><t xml:space="preserve">${cellText(text)}</t></is></c>`,
  )
  return `<row r="${number}">${written.join('')}</row>`
}

function sheetXml({ header, rows }: Sheet): string {
  const parts: string[] = []
  let number = 1
  for (const row of rows) {
    if (++number > ROWS_MAX) break
    parts.push(rowXml(number, row, 2))
  }
  return (
    `${HEAD}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">` +
    `<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>` +
    `<cols><col min="1" max="${Math.max(1, header.length)}" width="22" customWidth="1"/></cols>` +
    `<sheetData>${rowXml(1, header, 1)}${parts.join('')}</sheetData>` +
    `<autoFilter ref="A1:${columnName(Math.max(0, header.length - 1))}${Math.max(1, parts.length + 1)}"/></worksheet>`
  )
}

/** A workbook of sheets. Figures and identifiers are text, so a sum needs VALUE(); the exact sums are in the report. */
export function writeXlsx(sheets: readonly Sheet[]): Uint8Array {
  const names = new Set<string>()
  const named = sheets.map((sheet, i) => {
    let name =
      sheet.name
        .replace(/[[\]:*?/\\]/g, ' ')
        .replace(/^'|'$/g, '')
        .slice(0, 31) || `Sheet${i + 1}`
    if (names.has(name.toLowerCase())) name = `${name.slice(0, 26)} ${i + 1}`
    names.add(name.toLowerCase())
    return { ...sheet, name }
  })
  const relations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
  const packageRelations = 'http://schemas.openxmlformats.org/package/2006/relationships'
  const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
  const files: Record<string, string> = {
    '[Content_Types].xml':
      `${HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
      `<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
      `<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>` +
      named
        .map(
          (_, i) =>
            `<Override PartName="/xl/worksheets/sheet${i + 1}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`,
        )
        .join('') +
      '</Types>',
    '_rels/.rels': `${HEAD}<Relationships xmlns="${packageRelations}"><Relationship Id="rId1" Type="${relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    'xl/workbook.xml':
      `${HEAD}<workbook xmlns="${main}" xmlns:r="${relations}"><sheets>` +
      named.map(({ name }, i) => `<sheet name="${cellText(name)}" sheetId="${i + 1}" r:id="rId${i + 1}"/>`).join('') +
      '</sheets></workbook>',
    'xl/_rels/workbook.xml.rels':
      `${HEAD}<Relationships xmlns="${packageRelations}">` +
      named
        .map(
          (_, i) =>
            `<Relationship Id="rId${i + 1}" Type="${relations}/worksheet" Target="worksheets/sheet${i + 1}.xml"/>`,
        )
        .join('') +
      `<Relationship Id="rId${named.length + 1}" Type="${relations}/styles" Target="styles.xml"/></Relationships>`,
    // Format 49 is "@": text, also after somebody edits the cell.
    'xl/styles.xml':
      `${HEAD}<styleSheet xmlns="${main}"><fonts count="2"><font><sz val="10"/><name val="Malgun Gothic"/></font><font><b/><sz val="10"/><name val="Malgun Gothic"/></font></fonts>` +
      '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>' +
      '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>' +
      '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>',
  }
  for (const [i, sheet] of named.entries()) files[`xl/worksheets/sheet${i + 1}.xml`] = sheetXml(sheet)
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])), {
    level: 6,
    mtime: DAY,
    os: 3,
  })
}
