/** The full edition's annexes in the document: attribution, alternatives, limits, custody, reproduction, author (12 to 18). */
import { type Block, cell } from './document.ts'
import type { Facts } from './facts.ts'
import { restNote } from './full-findings.ts'
import { type Language, oneLine, teller } from './words.ts'

const CLAIMS_SET = 300

export function attributionPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const claims = new Map<string, { address: string; text: string[]; rows: string[] }>()
  for (const endpoint of facts.report.endpoints) {
    for (const claim of endpoint.attribution) {
      const key = JSON.stringify([
        endpoint.chain,
        endpoint.address,
        claim.source,
        claim.label,
        claim.category,
        claim.basis,
      ])
      const found = claims.get(key)
      if (found !== undefined) found.rows.push(endpoint.id)
      else {
        claims.set(key, {
          address: endpoint.address ?? '',
          text: [
            `${oneLine(claim.entity ?? '–', 60)}\n${oneLine(claim.label, 100)}\n${claim.category}`,
            `${oneLine(claim.source, 100)}\n${claim.confidence ?? '–'}\n${claim.validFrom ?? '–'} / ${claim.validTo ?? '–'}`,
            `${oneLine(claim.evidence ?? '–', 240)} (${claim.basis})`,
          ],
          rows: [endpoint.id],
        })
      }
    }
  }
  const all = [...claims.values()]
  const conflicts = facts.report.gaps.filter((gap) => gap.kind === 'TAG_CONFLICT')
  return [
    { kind: 'heading', level: 1, text: t('12. 귀속(표지) 부록', '12. Attribution annex') },
    {
      kind: 'text',
      text: t(
        '구조(누가 함께 쓰는가)와 귀속(누구인가)은 별개이다. 아래는 출처가 있는 귀속 주장이며, 신뢰도를 곱하지 않는다.',
        'Structure and attribution are two layers. These are sourced claims; confidences are never multiplied.',
      ),
    },
    {
      kind: 'table',
      columns: [
        { title: t('주소 · 행', 'Address · rows'), width: 132 },
        { title: t('주체 · 표지 · 유형', 'Entity · label · category'), width: 96 },
        { title: t('출처 · 등급 · 유효기간', 'Source · grade · validity'), width: 96 },
        { title: t('근거', 'Evidence'), width: '*' },
      ],
      rows: all
        .slice(0, CLAIMS_SET)
        .map(({ address, text, rows }) => [
          cell(`${address}\n${rows.slice(0, 6).join(' ')}${rows.length > 6 ? ` … (${rows.length})` : ''}`),
          ...text.map((each) => cell(each)),
        ]),
    },
    ...restNote(t, Math.min(all.length, CLAIMS_SET), all.length, 'tags.csv'),
    {
      kind: 'list',
      items:
        conflicts.length === 0
          ? [t('서로 모순되는 표지 없음.', 'No claims contradict each other.')]
          : conflicts.map((gap) => `${gap.where}: ${oneLine(gap.detail, 600)}`),
    },
  ]
}

export function alternativesPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { alternatives } = facts.caseFile
  return [
    { kind: 'heading', level: 1, text: t('13. 다른 설명의 검토', '13. Alternative explanations') },
    alternatives.length === 0
      ? {
          kind: 'text',
          tone: 'warning',
          text: t('작성자가 검토한 다른 설명을 기재하지 않았다.', 'The author has stated none that were examined.'),
        }
      : {
          kind: 'table',
          columns: [
            { title: t('다른 설명', 'Explanation'), width: 160 },
            { title: t('검토한 것', 'What was examined'), width: '*' },
            { title: t('결과', 'Result'), width: 160 },
          ],
          rows: alternatives.map((each) => [
            cell(oneLine(each.explanation, 800)),
            cell(oneLine(each.examined, 1500)),
            cell(oneLine(each.result, 800)),
          ]),
        },
  ]
}

export function limitsPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { report } = facts
  const kinds = new Map<string, number>()
  for (const { kind } of report.gaps) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  const heightless = report.snapshots.filter((row) => row.height === null).map((row) => row.chain)
  return [
    { kind: 'heading', level: 1, text: t('14. 한계', '14. Limits') },
    {
      kind: 'list',
      items: [
        t(
          `본 체인: ${report.snapshots.map((row) => row.chain).join(', ')}. 다른 체인은 보지 않았다.`,
          `Chains read: ${report.snapshots.map((row) => row.chain).join(', ')}. No other was looked at.`,
        ),
        ...(heightless.length === 0
          ? []
          : [
              t(
                `${heightless.join(', ')}: 자료에 블록 높이가 없어 순서를 시각으로 정하였다.`,
                `${heightless.join(', ')}: the data has no block heights; order is by time.`,
              ),
            ]),
        ...[...kinds]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([kind, count]) => t(`${kind}: ${count}건`, `${kind}: ${count}`)),
        t('찾지 못했다는 것은 깨끗하다는 뜻이 아니다.', 'Not found is not clean.'),
        t(
          '표지는 그것을 수집한 날의 것이다. 표지가 없는 사업자는 지갑으로 나타난다.',
          'Labels are of the day on which they were collected. An unlabelled service appears as a wallet.',
        ),
        t(
          '금액의 원화 환산은 제출된 시세가 있는 경우에만, 참고로만 적었다.',
          'Values in KRW are given only where a price was supplied, and for information.',
        ),
      ],
    },
  ]
}

export function custodyPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { report, run, caseFile, hashes } = facts
  const inputs = Array.isArray(run.inputs) ? (run.inputs as readonly Record<string, unknown>[]) : []
  const missing = t('(기재되지 않음)', '(not stated)')
  const text = (value: unknown) => (typeof value === 'string' ? oneLine(value, 400) : missing)
  return [
    { kind: 'heading', level: 1, text: t('15. 자료의 취득과 보관', '15. Acquisition and custody') },
    {
      kind: 'table',
      columns: [
        { title: t('파일', 'File'), width: '*' },
        { title: 'SHA-256', width: 260 },
        { title: t('행', 'Rows'), width: 50, align: 'right' },
      ],
      rows: [
        ...inputs.map((input) => [
          cell(`${t('입력', 'input')}: ${baseName(text(input.name))}`),
          cell(text(input.sha256)),
          cell(''),
        ]),
        ...report.data.map((row) => [cell(row.name), cell(row.sha256), cell(String(row.rows))]),
        ...report.tagPacks.map((row) => [cell(row.name), cell(row.sha256), cell('')]),
        [cell(report.journal.file), cell(report.journal.sha256), cell(String(report.journal.rows))],
        [cell('report.json'), cell(hashes.report), cell('')],
        [cell(t('manifest.json (묶음)', 'manifest.json (bundle)')), cell(hashes.manifest), cell('')],
        ...(hashes.caseFile === null ? [] : [[cell(t('사건 파일', 'case file')), cell(hashes.caseFile), cell('')]]),
      ],
    },
    {
      kind: 'facts',
      rows: [
        [t('실행자(run.json)', 'Run by (run.json)'), cell(text(run.by))],
        [
          t('시작·종료(run.json)', 'Started, finished (run.json)'),
          cell(`${text(run.startedAt)} – ${text(run.finishedAt)}`),
        ],
      ],
    },
    caseFile.custody.length === 0
      ? {
          kind: 'text',
          tone: 'warning',
          text: t('보관 기록(누가, 언제, 무엇을)이 기재되지 않았다.', 'No custody log (who, when, what) was stated.'),
        }
      : {
          kind: 'table',
          columns: [
            { title: t('시각', 'When'), width: 100 },
            { title: t('누가', 'Who'), width: 120 },
            { title: t('무엇을', 'What'), width: '*' },
          ],
          rows: caseFile.custody.map((each) => [
            cell(each.at),
            cell(oneLine(each.who, 200)),
            cell(oneLine(each.what, 1000)),
          ]),
        },
  ]
}

/** The last part of a path: where a file lay on somebody’s machine is nobody’s business. */
function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path
}

export function backPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { report, caseFile, hashes } = facts
  const { author } = caseFile
  const missing = t('(기재되지 않음)', '(not stated)')
  return [
    { kind: 'heading', level: 1, text: t('16. 재현', '16. Reproduce') },
    {
      kind: 'facts',
      rows: [
        [t('엔진', 'Engine'), cell(`${report.engine.name} ${report.engine.version}`)],
        [t('원시코드 해시', 'Source digest'), cell(report.engine.sourceDigest)],
        [t('다시 계산하는 명령', 'To work it again'), cell('proceeds replay DIR')],
        [t('검산하는 명령', 'To re-add it'), cell('proceeds verify DIR')],
        [t('나와야 할 report.json 해시', 'Expected hash of report.json'), cell(hashes.report)],
      ],
    },
    { kind: 'heading', level: 1, text: t('17. 작성자', '17. Author') },
    {
      kind: 'facts',
      rows: [
        [t('성명', 'Name'), cell(author.name ?? missing)],
        [t('직위', 'Role'), cell(author.role ?? missing)],
        [t('전문성', 'Competence'), cell(oneLine(author.competence ?? missing, 1500))],
        [t('이해관계', 'Conflicts'), cell(oneLine(author.conflicts ?? missing, 800))],
        [t('의무의 확인', 'Duty'), cell(oneLine(author.duty ?? missing, 1500))],
        [
          t('단계별 수행자', 'Who did what'),
          cell(author.steps.map((each) => `${each.who}: ${each.did}`).join('; ') || missing),
        ],
        [t('서명', 'Signature'), cell('')],
      ],
    },
    ...answersPart(facts, language),
    { kind: 'heading', level: 1, text: t('18. 첨부', '18. Annexes') },
    {
      kind: 'list',
      items: [
        'report.xlsx',
        'endpoints.csv',
        'holdings.csv',
        'paths.csv',
        'conservation.csv',
        'gaps.csv',
        'flow.graphml',
        'flow.gexf',
        'case.jsonld',
        'stix.json',
        'tagpack.yaml',
        'checks.json',
        'manifest.json',
      ],
    },
    {
      kind: 'text',
      tone: 'note',
      text: t(
        '이 문서의 문장은 정해진 틀과 보고서의 행으로 만들어졌고, 언어모델을 쓰지 않았다.',
        'Every sentence here comes from a fixed template and the report’s rows; no language model was used.',
      ),
    },
  ]
}

function answersPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const answers = Object.entries(facts.caseFile.answers).sort(([a], [b]) => (a < b ? -1 : 1))
  if (answers.length === 0) return []
  return [
    { kind: 'heading', level: 2, text: t('점검 질문에 대한 작성자의 답', 'The author’s answers to the checks') },
    { kind: 'facts', rows: answers.map(([id, answer]) => [id, cell(oneLine(answer, 3000))]) },
  ]
}
