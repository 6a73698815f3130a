/** The full edition's first pages: cover and one-page result (sections 0 and 1). */
import type { Conservation, Endpoint } from '../format.ts'
import { lastDay, STATUTES } from './clocks.ts'
import { type Block, type Cell, cell } from './document.ts'
import { type Facts, serviceNameOf, tracedOf } from './facts.ts'
import type { CheckResult } from './linter.ts'
import { money } from './money.ts'
import { basisText } from './packet-document.ts'
import { methodWord, SINKS, sinkWord } from './terms.ts'
import { articleText, type Language, oneLine, teller } from './words.ts'

export interface Status {
  readonly final: boolean
  readonly checks: readonly CheckResult[]
}

export function cover(facts: Facts, status: Status, language: Language): Block[] {
  const t = teller(language)
  const { caseFile, report } = facts
  const { agency } = caseFile
  const missing = t('(기재되지 않음)', '(not stated)')
  const rows: (readonly [string, string | undefined])[] = [
    [
      t('보고서 번호', 'Report'),
      `${facts.id}${caseFile.report.version === undefined ? '' : ` v${caseFile.report.version}`}`,
    ],
    [t('대체하는 보고서', 'Replaces'), caseFile.report.replaces],
    [t('상태', 'Status'), status.final ? t('최종', 'final') : t('초안', 'draft')],
    [t('작성일', 'Issued on'), caseFile.report.issuedOn],
    [t('사건번호', 'Case number'), caseFile.caseNumber],
    [t('추적 요청의 사건명', 'Case in the trace request'), report.case],
    [t('기관·부서', 'Agency, unit'), [agency.name, agency.unit].filter(Boolean).join(', ') || undefined],
    [t('담당관', 'Officer'), agency.officer],
    [t('이메일·전화', 'E-mail, telephone'), [agency.email, agency.phone].filter(Boolean).join(', ') || undefined],
    [
      t('법적 근거', 'Legal basis'),
      caseFile.legalBasis.map((each) => basisText(each, language)).join('; ') || undefined,
    ],
  ]
  return [
    {
      kind: 'title',
      text: t('가상자산 자금흐름 보고서', 'Flow report on virtual assets'),
      below: t('몰수·추징보전용 전문(P)', 'Full edition for the asset-recovery team (P)'),
    },
    {
      kind: 'facts',
      rows: rows.map(([label, value]) => [
        label,
        cell(value === undefined || value === '' ? missing : oneLine(value, 1500)),
      ]),
    },
    { kind: 'heading', level: 2, text: t('자료 기준', 'Data as of') },
    {
      kind: 'table',
      columns: [
        { title: t('체인', 'Chain'), width: 50 },
        { title: t('높이', 'Height'), width: 54 },
        { title: t('블록 해시', 'Block hash'), width: '*' },
        { title: t('시각 (UTC)', 'Time (UTC)'), width: 84 },
        { title: t('확정 깊이', 'Finality'), width: 40 },
      ],
      rows: report.snapshots.map((row) => [
        cell(row.chain),
        cell(row.height === null ? t('자료에 없음', 'not in the data') : String(row.height)),
        cell(row.blockHash ?? t('자료에 없음', 'not in the data')),
        cell(row.time),
        cell(String(row.finalityDepth)),
      ]),
    },
    ...lintCover(status, language),
  ]
}

function lintCover(status: Status, language: Language): Block[] {
  const t = teller(language)
  const failing = status.checks.filter((check) => check.state === 'fails')
  const asked = status.checks.filter((check) => check.state === 'unanswered')
  const good = status.checks.length - failing.length - asked.length
  return [
    { kind: 'heading', level: 2, text: t('점검 결과(40항목)', 'Checks (forty)') },
    {
      kind: 'text',
      tone: failing.length + asked.length > 0 ? 'warning' : 'plain',
      text: t(
        `통과 ${good}, 불통과 ${failing.length}, 작성자의 답이 없는 질문 ${asked.length}. 하나라도 남아 있으면 최종으로 확정할 수 없다.`,
        `${good} pass, ${failing.length} fail, ${asked.length} questions to the author are unanswered. While one stands the report cannot be final.`,
      ),
    },
    {
      kind: 'list',
      items: [...failing, ...asked].map((check) => `${check.id} ${check.text[language]} — ${check.finding[language]}`),
    },
  ]
}

export function onePage(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { report, caseFile, primary } = facts
  const none = t('(기재되지 않음)', '(not stated)')
  const blocks: Block[] = [
    { kind: 'page' },
    { kind: 'heading', level: 1, text: t('1. 결과 요약', '1. Result on one page') },
    {
      kind: 'facts',
      rows: [
        [t('죄명', 'Offence'), cell(oneLine(caseFile.offence.title ?? none, 400))],
        [t('범죄사실 요지', 'Facts in brief'), cell(oneLine(caseFile.offence.summary ?? none, 1200))],
        [t('주 추적방법', 'Primary method'), cell(methodWord(primary, language))],
        [t('선택 이유(추적 전 기재)', 'Reason, recorded before the run'), cell(oneLine(facts.reason, 1500))],
      ],
    },
  ]
  const all = report.services.map((row, number) => ({ row, number })).filter(({ row }) => row.all)
  for (const { chain, asset } of assetsOf(report.conservation)) {
    const of = { chain, asset }
    const sums = sumsOf(report.conservation, primary, chain, asset)
    blocks.push({
      kind: 'heading',
      level: 2,
      text: `${chain} · ${facts.assetOf(chain, asset)?.symbol ?? asset}${asset === 'native' ? '' : ` (${asset})`}`,
    })
    const rows: (readonly [string, Cell])[] = [
      [t('시드 합계', 'Seeded'), cell(`${money(facts, of, `${sums.seeded}`)}`)],
    ]
    for (const sink of SINKS) {
      const amount = sums.sinks.get(sink) ?? 0n
      if (amount > 0n) rows.push([sinkWord(sink, language), cell(money(facts, of, `${amount}`))])
    }
    const together = all.find(({ row }) => row.chain === chain && row.asset === asset)
    if (together !== undefined) {
      const { row, number } = together
      const ran = facts.methods.filter((method) => row.traced[method] !== undefined)
      const range = ran.map((method) => BigInt(row.traced[method].total))
      const [least, most] = [range.reduce((a, b) => (b < a ? b : a)), range.reduce((a, b) => (b > a ? b : a))]
      if (row.floor !== null && row.ceiling !== null) {
        rows.push([
          t('사업자 도달액의 하한', 'Floor of what reached services'),
          {
            text: money(facts, of, row.floor),
            figure: { row: `services/${number}`, field: 'floor', units: row.floor },
          },
        ])
        rows.push([
          t('사업자 도달액의 상한', 'Ceiling of what reached services'),
          {
            text: money(facts, of, row.ceiling),
            figure: { row: `services/${number}`, field: 'ceiling', units: row.ceiling },
          },
        ])
        if (row.floor === '0')
          rows.push([
            t('주의', 'Note'),
            cell(
              t(
                '하한이 0이다: 회계방법에 따라서는 도달액이 없다고 볼 수도 있다',
                'the floor is zero: under some accounting rule nothing reached a service',
              ),
            ),
          ])
      }
      rows.push([
        t(`${ran.length}개 방법의 범위`, `Range over ${ran.length} methods`),
        cell(`${money(facts, of, `${least}`)} – ${money(facts, of, `${most}`)}`),
      ])
    }
    blocks.push({ kind: 'facts', rows })
    blocks.push({ kind: 'text', text: largest(facts, of, language) })
  }
  blocks.push({ kind: 'heading', level: 2, text: t('주장하지 않는 것', 'What is not claimed') })
  blocks.push({
    kind: 'list',
    items: [
      ...(caseFile.notClaimed === undefined ? [] : [oneLine(caseFile.notClaimed, 2000)]),
      t(
        '이 보고서의 금액은 재산의 흐름에 관한 것이며 누구의 고의·책임을 뜻하지 않는다.',
        'The figures are about value. They say nothing about anybody’s intent or guilt.',
      ),
      t(
        '체인 자료만으로 어떤 사람을 주소의 소유자로 특정하지 않았다.',
        'No person is named as owner of an address on chain data alone.',
      ),
      t('목록에 없는 주소가 무관하다는 뜻은 아니다.', 'That an address is not listed does not mean that it is clean.'),
    ],
  })
  blocks.push(...dates(facts, language))
  return blocks
}

function largest(facts: Facts, of: { chain: string; asset: string }, language: Language): string {
  const t = teller(language)
  const here = facts.report.endpoints.filter(
    (row) => row.chain === of.chain && row.asset === of.asset && tracedOf(row, facts.primary) !== '0',
  )
  const by = (a: Endpoint, b: Endpoint) => {
    const [x, y] = [BigInt(tracedOf(a, facts.primary)), BigInt(tracedOf(b, facts.primary))]
    return x > y ? -1 : x < y ? 1 : 0
  }
  const five = [...here].sort(by).slice(0, 5)
  const told = five.map(
    (row) => `${oneLine(serviceNameOf(row), 60)} ${money(facts, of, tracedOf(row, facts.primary))} [${row.id}]`,
  )
  return told.length === 0
    ? t('사업자에 도달한 금액이 없다.', 'Nothing reached a service.')
    : t(
        `금액이 큰 도달점 ${told.length}건: ${told.join('; ')}.`,
        `The ${told.length} largest endpoints: ${told.join('; ')}.`,
      )
}

function dates(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { caseFile } = facts
  const blocks: Block[] = [{ kind: 'heading', level: 2, text: t('주요 일자와 기한', 'Dates and clocks') }]
  const first = facts.report.endpoints.reduce<string | undefined>(
    (least, row) =>
      tracedOf(row, facts.primary) !== '0' && (least === undefined || row.time < least) ? row.time : least,
    undefined,
  )
  blocks.push({
    kind: 'facts',
    rows: [
      [
        t('범행 기간', 'Offence'),
        cell(
          caseFile.offence.from === undefined
            ? t('(기재되지 않음)', '(not stated)')
            : `${caseFile.offence.from} – ${caseFile.offence.until ?? ''}`,
        ),
      ],
      [t('최초 입금', 'First deposit'), cell(first ?? t('없음', 'none'))],
    ],
  })
  if (caseFile.clocks.length > 0) {
    blocks.push({
      kind: 'table',
      columns: [
        { title: t('기한', 'Clock'), width: '*' },
        { title: t('근거', 'Basis'), width: 120 },
        { title: t('기산점', 'Start'), width: 105 },
        { title: t('연장', 'Extended'), width: 40 },
        { title: t('마지막 날(KST)', 'Last day (KST)'), width: 105 },
      ],
      rows: caseFile.clocks.map((clock) => {
        const rule = STATUTES.clocks[clock.clock]
        return [
          cell(`${rule[language]}${clock.about === undefined ? '' : ` – ${oneLine(clock.about, 120)}`}`),
          cell(`${STATUTES.statutes[rule.statute][language]} ${articleText(rule.article, language)}`),
          cell(clock.start),
          cell(String(clock.extended)),
          { text: lastDay(clock), bold: true },
        ]
      }),
    })
  }
  blocks.push({
    kind: 'text',
    tone: 'note',
    text: `${STATUTES.name} ${STATUTES.version}: ${STATUTES.note[language]} ${t('첫날은 산입하지 않았고 공휴일은 고려하지 않았다.', 'The first day is not counted; public holidays are not considered.')}`,
  })
  return blocks
}

/** The chains and assets of a report, in its own order. */
export function assetsOf(rows: readonly Conservation[]): { chain: string; asset: string }[] {
  const found = new Map<string, { chain: string; asset: string }>()
  for (const { chain, asset } of rows) found.set(`${chain} ${asset}`, { chain, asset })
  return [...found.values()]
}

/** One sink's amount of a conservation row, by the names of `SINKS`. */
export function sinkAmount(row: Conservation, sink: string): string {
  const [first, second] = sink.split('/')
  return second === undefined
    ? (row.sinks as unknown as Record<string, string>)[first]
    : (row.sinks.horizon as unknown as Record<string, string>)[second]
}

export function sumsOf(
  rows: readonly Conservation[],
  method: string,
  chain: string,
  asset: string,
): { seeded: bigint; sinks: Map<string, bigint> } {
  const sinks = new Map<string, bigint>()
  let seeded = 0n
  for (const row of rows) {
    if (row.method !== method || row.chain !== chain || row.asset !== asset) continue
    seeded += BigInt(row.seeded)
    for (const sink of SINKS) sinks.set(sink, (sinks.get(sink) ?? 0n) + BigInt(sinkAmount(row, sink)))
  }
  return { seeded, sinks }
}

/** Where a conservation row's figures came from, for `Figure.row`. */
export function conservationKey(row: Conservation): string {
  return `conservation/${row.seed}/${row.method}/${row.chain}/${row.asset}`
}
