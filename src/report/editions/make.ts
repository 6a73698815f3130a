/** Draws the editions of a bundle into a sealed directory. */
import { Fault } from '../../faults.ts'
import { canonicalJson } from '../canonical.ts'
import { gexfOf } from '../report-views.ts'
import { annexCsv, annexesOf } from './annexes.ts'
import { type CaseFile, decodeCaseFile } from './case-file.ts'
import { caseGraph } from './case-uco.ts'
import { type Facts, readFacts } from './facts.ts'
import { fullDocument } from './full.ts'
import type { Status } from './full-front.ts'
import { renderGraphml } from './graphml.ts'
import { lint, standing } from './linter.ts'
import { ownTagPack } from './own-tags.ts'
import { packetDocument } from './packet-document.ts'
import { packetCsv, packetHeader, packetRows } from './packet-rows.ts'
import { packetsOf } from './packets.ts'
import { renderPdf } from './pdf.ts'
import { renderText } from './plain-text.ts'
import { writeEditions } from './seal.ts'
import { stixBundle } from './stix.ts'
import type { Language } from './words.ts'
import { writeXlsx } from './xlsx.ts'

export const EDITIONS = ['full', 'packets'] as const
export type Edition = (typeof EDITIONS)[number]

export interface MakeOptions {
  /** The finished bundle. */
  readonly directory: string
  readonly out: string
  readonly languages: readonly Language[]
  readonly editions: readonly Edition[]
  /** The case file as read, and its text for the hash; undefined where there is none. */
  readonly caseValue: unknown
  readonly caseText: string | null
  /** Refuse while a check fails. */
  readonly final: boolean
}

export interface Made {
  readonly files: readonly string[]
  readonly facts: Facts
  /** Checks that stand in the way of a final report. */
  readonly open: readonly string[]
}

type Write = (name: string, data: string | Uint8Array | Iterable<string>) => Promise<void>

/** Faults: CASE_INVALID, BUNDLE_INVALID, REPORT_NOT_FINAL, OUTPUT_EXISTS, LIMIT_EXCEEDED. */
export async function makeEditions(options: MakeOptions): Promise<Made> {
  const caseFile: CaseFile = decodeCaseFile(options.caseValue)
  const facts = await readFacts(options.directory, caseFile, options.caseText)
  if (options.languages.length === 0 || options.editions.length === 0) {
    throw new Fault('USAGE', 'at least one language and one edition are wanted')
  }
  const checks = lint(facts)
  const open = standing(checks)
  if (options.final && open.length > 0) {
    throw new Fault(
      'REPORT_NOT_FINAL',
      `${open.length} checks stand: ${open.map(({ id, finding }) => `${id} (${finding.en})`).join('; ')}`,
    )
  }
  const bundle = { manifestSha256: facts.hashes.manifest, caseFileSha256: facts.hashes.caseFile }
  const files = await writeEditions(options.out, bundle, async (write) => {
    await write('checks.json', `${JSON.stringify(checks, null, 2)}\n`)
    if (options.editions.includes('full'))
      await writeFull(facts, { final: options.final, checks }, options.languages, write)
    if (options.editions.includes('packets')) await writePackets(facts, options.languages, write)
  })
  return { files, facts, open: open.map(({ id }) => id) }
}

async function writeFull(facts: Facts, status: Status, languages: readonly Language[], write: Write): Promise<void> {
  const annexes = annexesOf(facts)
  for (const annex of annexes) await write(`${annex.name}.csv`, annexCsv(annex))
  await write(
    'report.xlsx',
    writeXlsx(annexes.map((annex) => ({ name: annex.name, header: annex.header, rows: annex.rows() }))),
  )
  await write('flow.gexf', gexfOf(facts.report))
  await write('flow.graphml', renderGraphml(facts.report))
  await write('stix.json', `${canonicalJson(stixBundle(facts))}\n`)
  await write('case.jsonld', `${canonicalJson(caseGraph(facts))}\n`)
  await write('tagpack.yaml', ownTagPack(facts))
  for (const language of languages) {
    await write(`report-${language}.pdf`, await renderPdf(fullDocument(facts, status, language)))
  }
}

async function writePackets(facts: Facts, languages: readonly Language[], write: Write): Promise<void> {
  for (const packet of packetsOf(facts)) {
    const name = `packet-${packet.slug}`
    await write(`${name}.csv`, packetCsv(facts, packet))
    await write(
      `${name}.xlsx`,
      writeXlsx([{ name: packet.name, header: packetHeader(packet), rows: packetRows(facts, packet) }]),
    )
    for (const language of languages) {
      await write(`${name}-${language}.txt`, renderText(packetDocument(facts, packet, language, { whole: true })))
      await write(`${name}-${language}.pdf`, await renderPdf(packetDocument(facts, packet, language)))
    }
  }
}
