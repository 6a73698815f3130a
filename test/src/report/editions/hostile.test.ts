import { strFromU8, unzipSync } from 'fflate'
import { beforeAll, describe, expect, it } from 'vitest'
import { readCsv } from '../../../../src/csv.ts'
import { annexCsv, annexesOf } from '../../../../src/report/editions/annexes.ts'
import { decodeCaseFile } from '../../../../src/report/editions/case-file.ts'
import { caseGraph } from '../../../../src/report/editions/case-uco.ts'
import type { Facts } from '../../../../src/report/editions/facts.ts'
import { fullDocument } from '../../../../src/report/editions/full.ts'
import { renderGraphml } from '../../../../src/report/editions/graphml.ts'
import { lint } from '../../../../src/report/editions/linter.ts'
import { packetDocument } from '../../../../src/report/editions/packet-document.ts'
import { packetCsv, packetHeader, packetRows } from '../../../../src/report/editions/packet-rows.ts'
import { packetsOf } from '../../../../src/report/editions/packets.ts'
import { renderPdf } from '../../../../src/report/editions/pdf.ts'
import { renderText } from '../../../../src/report/editions/plain-text.ts'
import { stixBundle } from '../../../../src/report/editions/stix.ts'
import { writeXlsx } from '../../../../src/report/editions/xlsx.ts'
import type { Report } from '../../../../src/report/format.ts'
import type { Mutable } from '../../../support/bundle.ts'
import { drawnCase, drawnFacts } from '../../../support/editions.ts'
import { pdfText } from '../../../support/pdf-text.ts'

const HOSTILE = [
  '=cmd|"/c calc"!A1',
  '+1',
  '-1',
  '@SUM(1)',
  '\tx',
  'two\nlines\r\nand "quotes", commas',
  '<script>alert(1)</script>&amp;<!--',
  ']]><x a="',
  '\u202eesrever\u202c \u2066x',
  '거래소 😀👨‍👩‍👧 שלום',
  'x'.repeat(10_000),
  'nul\u0000 bell\u0007 _x0041_',
]

let facts: Facts
beforeAll(async () => {
  facts = (await drawnFacts()).facts
})

function withLabel(text: string): Facts {
  const report = structuredClone(facts.report) as Mutable<Report>
  for (const endpoint of report.endpoints) {
    endpoint.service = { entity: text, label: text, category: text }
    for (const claim of endpoint.attribution)
      Object.assign(claim, { label: text, source: text, evidence: text, entity: text })
  }
  for (const gap of report.gaps) gap.detail = text
  for (const service of report.services) if (!service.all) service.name = text
  const file = drawnCase()
  file.offence.summary = text
  return { ...facts, report: report as Report, caseFile: decodeCaseFile(file) }
}

/** What XML 1.0 forbids, and tags that do not close in order. */
function checkXml(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 forbids these
  expect(text).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/)
  const open: string[] = []
  for (const [, close, name, rest] of text
    .replace(/<\?xml[^>]*\?>/, '')
    .matchAll(/<(\/?)([A-Za-z][\w:.-]*)((?:[^<>"]|"[^"<]*")*)>/g)) {
    if (close === '/') expect(open.pop()).toBe(name)
    else if (!rest.endsWith('/')) open.push(name)
  }
  expect(open).toEqual([])
  expect(text.replace(/<\?xml[^>]*\?>/, '').replace(/<\/?[A-Za-z][\w:.-]*(?:[^<>"]|"[^"<]*")*>/g, '')).not.toMatch(
    /[<]/,
  )
}

describe('labels from strangers', () => {
  it.each(HOSTILE.map((text) => [JSON.stringify(text.slice(0, 30)), text]))('%s: tables', async (_, text) => {
    const hostile = withLabel(text)
    for (const packet of packetsOf(hostile)) {
      expect(packet.slug).toMatch(/^[0-9a-z][0-9a-z-]{0,70}$/)
      const rows: string[][] = []
      const csv = [...packetCsv(hostile, packet)].join('')
      for await (const { cells } of readCsv(Buffer.from(csv), { name: 'x', fault: 'TAGS_INVALID', guarded: true }))
        rows.push([...cells])
      expect(rows.slice(1)).toEqual(packetRows(hostile, packet))
      const sheet = strFromU8(
        unzipSync(writeXlsx([{ name: packet.name, header: packetHeader(packet), rows: packetRows(hostile, packet) }]))[
          'xl/worksheets/sheet1.xml'
        ],
      )
      checkXml(sheet)
      // Only text cells: nothing that a spreadsheet would run or round.
      expect(sheet).not.toMatch(/<f>|<v>|t="n"|t="str"/)
      for (const line of renderText(packetDocument(hostile, packet, 'ko', { whole: true })))
        expect(line).toMatch(/^[^\r\u202e]*\n$/)
    }
    for (const annex of annexesOf(hostile)) {
      for (const line of annexCsv(annex)) expect(line).not.toMatch(/(^|,)"?[=+@-](?!\d*,)/)
    }
  })

  it.each(HOSTILE.map((text) => [JSON.stringify(text.slice(0, 30)), text]))('%s: graphs', (_, text) => {
    const hostile = withLabel(text)
    checkXml([...renderGraphml(hostile.report)].join(''))
    expect(JSON.parse(JSON.stringify(stixBundle(hostile))).type).toBe('bundle')
    expect(JSON.parse(JSON.stringify(caseGraph(hostile)))['@graph'].length).toBeGreaterThan(10)
  })

  it('in a PDF: what no font has is written by its number, and nothing turns the line around', async () => {
    const hostile = withLabel(
      HOSTILE.slice(5)
        .map((text) => text.slice(0, 90))
        .join(' '),
    )
    const full = fullDocument(hostile, { final: false, checks: lint(hostile) }, 'ko')
    const document = { ...full, blocks: full.blocks.filter(({ kind }) => kind !== 'picture') }
    const text = pdfText(await renderPdf(document, { compress: false })).replaceAll(/\s/g, '')
    expect(text).toContain('<script>alert(1)</script>&amp;<!--')
    expect(text).toContain('【U+1F600U+1F468')
    expect(text).not.toMatch(/[\u202e]/)
  })
})

describe('a workbook', () => {
  it('is the same bytes at every time of day, and keeps text as text', () => {
    const sheet = { name: "a/b:c'*", header: ['h'], rows: [['00123'], ['1e9'], ['2020-01-01'], ['']] }
    expect(Buffer.from(writeXlsx([sheet, sheet])).equals(writeXlsx([sheet, sheet]))).toBe(true)
    const files = unzipSync(writeXlsx([sheet, sheet]))
    expect(strFromU8(files['xl/workbook.xml'])).toMatch(/name="a b c' " .*name="a b c' {2}2"/)
    expect(strFromU8(files['xl/worksheets/sheet1.xml'])).toContain(
      '<c r="A2" s="2" t="inlineStr"><is><t xml:space="preserve">00123</t></is></c>',
    )
  })
})
