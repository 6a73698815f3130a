/** The full edition's ledger, audit and picture (sections 6 to 8). */

import { drawFlow } from '../flow-svg.ts'
import type { Path } from '../format.ts'
import { type Block, type Cell, cell } from './document.ts'
import type { Facts } from './facts.ts'
import { restNote } from './full-findings.ts'
import { conservationKey, sinkAmount } from './full-front.ts'
import { figureCell, symbolOf } from './money.ts'
import { methodWord, SINKS, sinkWord } from './terms.ts'
import { type Language, oneLine, teller } from './words.ts'

/** Steps that are set in the PDF; paths.csv holds all. */
const STEPS_SET = 600
const GAPS_SET = 300

export function flowPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { paths } = facts.report
  const assets = new Map(facts.report.endpoints.map((row) => [row.id, { chain: row.chain, asset: row.asset }]))
  const rows: Cell[][] = []
  let all = 0
  for (const path of paths) {
    all += path.steps.length
    if (rows.length < STEPS_SET) rows.push(...stepRows(facts, path, assets))
  }
  return [
    { kind: 'heading', level: 1, text: t('6. 자금흐름 원장', '6. Flow ledger') },
    {
      kind: 'text',
      text: t(
        `시드에서 도달점까지 ${paths.length}개 경로의 모든 거래. 금액은 그 거래가 옮긴 전액이고, 경로분은 그중 이 경로에 속하는 금액이다. 자산별 이동의 전부는 journal.ndjson.gz에 있다.`,
        `Every transaction of ${paths.length} paths from seed to endpoint. The amount is what the transaction moved in all; carried is this path’s part of it. Every move of every lot is in journal.ndjson.gz.`,
      ),
    },
    {
      kind: 'table',
      columns: [
        { title: t('행', 'Row'), width: 34 },
        { title: t('보낸 곳 → 받은 곳 · 거래 해시', 'From → to · transaction'), width: '*' },
        { title: t('시각 UTC', 'Time UTC'), width: 76 },
        { title: t('금액', 'Amount'), width: 64, align: 'right' },
        { title: t('경로분', 'Carried'), width: 64, align: 'right' },
      ],
      rows: rows.slice(0, STEPS_SET),
    },
    ...restNote(t, Math.min(rows.length, STEPS_SET), all, 'paths.csv'),
  ]
}

function stepRows(facts: Facts, path: Path, assets: ReadonlyMap<string, { chain: string; asset: string }>): Cell[][] {
  const of = assets.get(path.endpoint) ?? { chain: '', asset: '' }
  return path.steps.map((step, i) => [
    cell(`${path.id}.${i + 1}`),
    cell(`${step.from} →\n${step.to}\n${step.transaction}${step.height === null ? '' : ` @${step.height}`}`),
    cell(step.time),
    figureCell(facts, of, step.amount, path.id, `steps/${i}/amount`),
    figureCell(facts, of, step.carried, path.id, `steps/${i}/carried`),
  ])
}

export function auditPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { report, verified, primary } = facts
  const rows = report.conservation.filter((row) => row.method === primary)
  const used = SINKS.filter((sink) => rows.some((row) => sinkAmount(row, sink) !== '0'))
  const unbalanced = report.conservation.filter((row) => !row.balanced).length
  const gaps = report.gaps.slice(0, GAPS_SET)
  const { checked } = verified
  return [
    { kind: 'heading', level: 1, text: t('7. 검산', '7. Audit') },
    {
      kind: 'text',
      text: t(
        `시드 금액 = 모든 귀결의 합. 방법·시드별 ${report.conservation.length}개 등식 중 불일치 ${unbalanced}개. 아래는 주 방법(${primary})이며 다른 방법은 conservation.csv에 있다.`,
        `Seeded = the sum of every end. ${report.conservation.length} equations by method and seed, ${unbalanced} unbalanced. Below: the primary method (${primary}); the others are in conservation.csv.`,
      ),
    },
    {
      kind: 'table',
      columns: [
        { title: t('시드 · 자산', 'Seed · asset'), width: 88 },
        { title: t('시드 금액', 'Seeded'), width: '*', align: 'right' },
        ...used.map((sink) => ({ title: sinkWord(sink, language), width: '*' as const, align: 'right' as const })),
        { title: t('일치', 'Balanced'), width: 38 },
      ],
      rows: rows.map((row) => [
        cell(`${oneLine(row.seed, 40)}\n${row.chain} ${symbolOf(facts, row)}`),
        figureCell(facts, row, row.seeded, conservationKey(row), 'seeded'),
        ...used.map((sink) => figureCell(facts, row, sinkAmount(row, sink), conservationKey(row), `sinks/${sink}`)),
        cell(row.balanced ? t('예', 'yes') : t('아니오', 'NO')),
      ]),
    },
    {
      kind: 'text',
      text: t(
        `독립 검증기(계산 엔진과 코드를 공유하지 않음)의 결과: 통과. 파일 ${checked.files}개, 거래 ${checked.transactions}건, 이동 ${checked.journalRows}행, 도달점 ${checked.endpoints}건, 보유 ${checked.holdings}건, 등식 ${checked.conservation}개, 경로 ${checked.paths}개를 다시 더하였다.`,
        `Independent verifier (shares no code with the engine): passed. It re-added ${checked.files} files, ${checked.transactions} transactions, ${checked.journalRows} journal rows, ${checked.endpoints} endpoints, ${checked.holdings} holdings, ${checked.conservation} equations, ${checked.paths} paths.`,
      ),
    },
    {
      kind: 'heading',
      level: 2,
      text: t('추적하지 못한 것과 그 금액', 'What was not seen or not followed, by amount'),
    },
    {
      kind: 'table',
      columns: [
        { title: t('종류', 'Kind'), width: 96 },
        { title: t('위치', 'Where'), width: 150 },
        { title: t('기본단위', 'Base units'), width: 80, align: 'right' },
        { title: t('내용(원문)', 'Detail'), width: '*' },
      ],
      rows: gaps.map((gap, i) => [
        cell(gap.kind),
        cell(oneLine(gap.where, 200)),
        gap.amount === undefined
          ? cell('–')
          : { text: gap.amount, align: 'right', figure: { row: `gaps/${i}`, field: 'amount', units: gap.amount } },
        cell(oneLine(gap.detail, 400)),
      ]),
    },
    ...restNote(t, gaps.length, report.gaps.length, 'gaps.csv'),
    {
      kind: 'text',
      text: t(
        `흐름에서 제외한 거래(실패, 금액 0, 유사 토큰): ${report.rejected.length}건. report.json의 rejected에 있다.`,
        `Transactions that moved nothing (failed, zero, look-alike): ${report.rejected.length}, listed under rejected in report.json.`,
      ),
    },
  ]
}

/** The picture of section 8: at most 25 places and ends in a panel. */
export const PICTURE_LIMITS = { endpoints: 7, services: 4, holdings: 2, columns: 2, places: 4 } as const

export function picturePart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const svg = drawFlow(facts.report, { assetOf: facts.assetOf, language, limits: PICTURE_LIMITS })
  return [
    { kind: 'page', landscape: true },
    { kind: 'heading', level: 1, text: t('8. 흐름도', '8. Diagram') },
    {
      kind: 'text',
      text: t(
        `원장에서 자동으로 그린 것이며 손으로 고치지 않았다. 방법: ${methodWord(facts.primary, language)}. 합쳐 그린 항목은 건수와 합계를 적었다.`,
        `Drawn from the ledger, not edited. Method: ${methodWord(facts.primary, language)}. What is folded is stated with its count and sum.`,
      ),
    },
    { kind: 'picture', svg },
    { kind: 'page' },
  ]
}
