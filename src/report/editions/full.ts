/** The full edition as a document: all sections in reading order. */
import type { Document } from './document.ts'
import type { Facts } from './facts.ts'
import { freezePart, recordsPart, thirdPartyPart } from './full-action.ts'
import { auditPart, flowPart, picturePart } from './full-audit.ts'
import { alternativesPart, attributionPart, backPart, custodyPart, limitsPart } from './full-back.ts'
import { endpointPart, methodPart, seedPart } from './full-findings.ts'
import { cover, onePage, type Status } from './full-front.ts'
import { type Language, oneLine, teller } from './words.ts'

export function fullDocument(facts: Facts, status: Status, language: Language): Document {
  const t = teller(language)
  const draft = status.final ? '' : t('초안 · ', 'DRAFT · ')
  return {
    language,
    title: t(`가상자산 자금흐름 보고서 ${facts.id}`, `Flow report on virtual assets ${facts.id}`),
    subject: oneLine(facts.caseFile.caseNumber ?? facts.report.case, 200),
    author: oneLine(facts.caseFile.author.name ?? facts.caseFile.agency.name ?? '', 200),
    header: `${draft}${facts.id} · ${oneLine(facts.caseFile.caseNumber ?? facts.report.case, 80)}`,
    footer: `report.json SHA-256 ${facts.hashes.report}`,
    date: facts.asOf,
    blocks: [
      ...cover(facts, status, language),
      ...onePage(facts, language),
      ...endpointPart(facts, language),
      ...seedPart(facts, language),
      ...methodPart(facts, language),
      ...flowPart(facts, language),
      ...auditPart(facts, language),
      ...picturePart(facts, language),
      ...freezePart(facts, language),
      ...recordsPart(facts, language),
      ...thirdPartyPart(facts, language),
      ...attributionPart(facts, language),
      ...alternativesPart(facts, language),
      ...limitsPart(facts, language),
      ...custodyPart(facts, language),
      ...backPart(facts, language),
    ],
  }
}
