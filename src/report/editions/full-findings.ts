/** The full edition's findings: endpoints, why linked, seeds, method (sections 2 to 5). */
import type { Endpoint } from '../format.ts'
import { type Block, type Cell, type Column, cell } from './document.ts'
import { type Facts, legKey, serviceNameOf, tracedOf, valueOn } from './facts.ts'
import { figureCell, symbolOf } from './money.ts'
import { idList, whyLinked } from './sentences.ts'
import { derivationWord, methodWord } from './terms.ts'
import { group, koreanTime, type Language, oneLine, percent, type Teller, teller } from './words.ts'

/** Rows of a table that are set in the PDF; the annexes hold all, and the table says so. */
export const ROWS_SET = 400
/** Endpoints whose three sentences are set. */
const TOLD_MAX = 100

/** What a cut table says below it. */
export function restNote(t: Teller, set: number, all: number, annex: string): Block[] {
  return all <= set
    ? []
    : [
        {
          kind: 'text',
          tone: 'strong',
          text: t(
            `${all}건 중 ${set}건을 실었다. 전부는 ${annex}에 있다.`,
            `${set} of ${all} rows are set here; all of them are in ${annex}.`,
          ),
        },
      ]
}

export function endpointPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const rows = facts.report.endpoints.filter((row) => tracedOf(row, facts.primary) !== '0')
  const untouched = facts.report.endpoints.length - rows.length
  const set = rows.slice(0, ROWS_SET)
  const blocks: Block[] = [
    { kind: 'heading', level: 1, text: t('2. 도달점(입금) 목록', '2. Endpoints: one row for each deposit') },
    {
      kind: 'text',
      text: t(
        `주 방법(${facts.primary})에서 추적 금액이 있는 ${rows.length}건. 추적 금액이 0인 입금 ${untouched}건은 endpoints.csv에 있다. 금액의 단위는 자산란의 표시단위이다.`,
        `${rows.length} payments that carry value under the primary method (${facts.primary}). ${untouched} that carry none are in endpoints.csv. Amounts are in the unit of the asset column.`,
      ),
    },
    {
      kind: 'table',
      columns: [
        { title: t('번호', 'Id'), width: 24 },
        { title: t('시각 UTC / KST', 'Time UTC / KST'), width: 98 },
        { title: t('입금액', 'Amount'), width: '*', align: 'right' },
        { title: t('추적 금액', 'Traced'), width: '*', align: 'right' },
        { title: t('비율 %', 'Share %'), width: 44, align: 'right' },
        { title: t('하한', 'Floor'), width: '*', align: 'right' },
        { title: t('상한', 'Ceiling'), width: '*', align: 'right' },
      ],
      rows: set.flatMap((row) => endpointRows(facts, row, t)),
    },
    ...restNote(t, set.length, rows.length, 'endpoints.csv'),
    ...valuePart(facts, set, language),
    ...derivationPart(facts, language),
    { kind: 'heading', level: 1, text: t('3. 연결 근거', '3. Why they are linked') },
  ]
  for (const row of rows.slice(0, TOLD_MAX)) {
    blocks.push({ kind: 'text', text: whyLinked(facts, row, language).join(' ') })
  }
  return [...blocks, ...restNote(t, Math.min(rows.length, TOLD_MAX), rows.length, 'packet-*.txt')]
}

/** Two rows an endpoint: who, where and which payment; when and how much. */
function endpointRows(facts: Facts, row: Endpoint, t: Teller): Cell[][] {
  const traced = tracedOf(row, facts.primary)
  const place = row.output ?? row.transfer
  const leg = facts.legs.get(legKey(row.chain, row.transaction, place))
  const block = row.height === null ? '' : `\n${t('블록', 'block')} ${row.height} ${leg?.blockHash ?? ''}`
  const others = leg === undefined ? 0 : leg.senders.length + leg.moreSenders - 1
  const sender =
    leg === undefined || leg.senders.length === 0 ? '' : `${leg.senders[0]}${others > 0 ? ` (+${others})` : ''} → `
  const kind = `${oneLine(serviceNameOf(row), 60)} (${row.service?.category ?? row.sink}) · ${row.chain} ${symbolOf(facts, row)}`
  return [
    [
      { text: row.id, bold: true },
      {
        text: `${kind}\n${sender}${row.address ?? ''}\n${row.transaction}:${place ?? ''}${block}`,
        span: 6,
        align: 'left',
      },
    ],
    [
      { text: t(`홉 ${row.hops}`, `${row.hops} h.`) },
      cell(`${row.time}\n${koreanTime(row.time)}`),
      figureCell(facts, row, row.amount, row.id, 'amount'),
      { ...figureCell(facts, row, traced, row.id, `traced/${facts.primary}/total`), bold: true },
      { text: percent(traced, row.amount), align: 'right' },
      figureCell(facts, row, row.floor, row.id, 'floor'),
      figureCell(facts, row, row.ceiling, row.id, 'ceiling'),
    ],
  ]
}

function valuePart(facts: Facts, rows: readonly Endpoint[], language: Language): Block[] {
  const t = teller(language)
  if (facts.caseFile.prices.length === 0) {
    return [
      {
        kind: 'text',
        tone: 'note',
        text: t(
          '원화·달러 환산: 작성자가 일자별 시세를 제출하지 않아 환산하지 않았다.',
          'No value in KRW or USD: no dated prices were supplied.',
        ),
      },
    ]
  }
  const found = rows.flatMap((row) =>
    (['KRW', 'USD'] as const).flatMap((currency) => {
      const worth = valueOn(
        facts,
        { chain: row.chain, asset: row.asset, units: tracedOf(row, facts.primary), time: row.time },
        currency,
      )
      return worth === undefined
        ? []
        : [
            [
              cell(row.id),
              cell(worth.price.day),
              cell(`${worth.price.price} ${currency}`),
              { text: `${group(worth.value)} ${currency}`, align: 'right' as const },
              cell(oneLine(worth.price.source, 200)),
            ],
          ]
    }),
  )
  return [
    { kind: 'heading', level: 2, text: t('입금 당시 환산액(추적 금액)', 'Value at the deposit (traced amount)') },
    {
      kind: 'table',
      columns: [
        { title: t('번호', 'Id'), width: 40 },
        { title: t('일자(KST)', 'Day (KST)'), width: 70 },
        { title: t('시세', 'Price'), width: 100 },
        { title: t('환산액(버림)', 'Value (cut)'), width: 120, align: 'right' },
        { title: t('시세 출처', 'Source of the price'), width: '*' },
      ],
      rows: found,
    },
    {
      kind: 'text',
      tone: 'note',
      text: t(
        `해당 일자의 시세가 제출된 ${found.length}건만 환산하였다.`,
        `Only the ${found.length} rows with a price of their day are valued.`,
      ),
    },
  ]
}

function derivationPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { derivations } = facts.caseFile
  const blocks: Block[] = [
    {
      kind: 'heading',
      level: 2,
      text: t('재산의 구분(마약거래방지법 제2조 제3항~제5항)', 'Derivation class (Drug Trafficking Act art. 2(3)–(5))'),
    },
  ]
  if (derivations.length === 0) {
    return [
      ...blocks,
      {
        kind: 'text',
        tone: 'note',
        text: t(
          '작성자가 구분하지 않았다. 법적 구분은 체인 자료에서 나오지 않으므로 자동으로 정하지 않는다.',
          'The author has not classified them. The class is a question of law; it is not derived from chain data.',
        ),
      },
    ]
  }
  return [
    ...blocks,
    {
      kind: 'table',
      columns: [
        { title: t('번호', 'Row'), width: 60 },
        { title: t('구분', 'Class'), width: 120 },
        { title: t('이유', 'Why'), width: '*' },
      ],
      rows: derivations.map((each) => [
        cell(each.row),
        cell(derivationWord(each.class, language)),
        cell(oneLine(each.why, 1000)),
      ]),
    },
  ]
}

export function seedPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { seeds } = facts.report
  const claims = facts.report.request.seeds as readonly {
    readonly id: string
    readonly reason: string
    readonly exhibit?: string
  }[]
  const set = seeds.slice(0, ROWS_SET)
  const missing = t('(기재되지 않음)', '(not stated)')
  return [
    { kind: 'heading', level: 1, text: t('4. 시드(추적의 출발점)', '4. Seeds') },
    ...claims.flatMap((claim): Block[] => {
      const fact = facts.caseFile.seeds.find((each) => each.seed === claim.id)
      const payments = seeds.filter((row) => row.id === claim.id).length
      return [
        { kind: 'heading', level: 2, text: oneLine(claim.id, 80) },
        {
          kind: 'facts',
          rows: [
            [t('이유(요청서)', 'Reason (request)'), cell(oneLine(claim.reason, 1500))],
            [t('입금 건수', 'Payments'), cell(String(payments))],
            [t('취득 경위', 'How obtained'), cell(fact?.how === undefined ? missing : seedSource(fact.how, t))],
            [t('증거번호', 'Exhibit'), cell(fact?.exhibit ?? claim.exhibit ?? missing)],
            [t('채증 해시(SHA-256)', 'Hash of the capture'), cell(fact?.captureSha256 ?? missing)],
            [t('채증자·시각', 'By whom, when'), cell([fact?.who, fact?.when].filter(Boolean).join(', ') || missing)],
            [
              t('판매대금인지 구매대금인지', 'Seller’s receipt or buyer’s payment'),
              cell(
                fact?.role === undefined
                  ? missing
                  : fact.role === 'sellerReceipt'
                    ? t('판매대금(수령)', 'seller’s receipt')
                    : t('구매대금(지급)', 'buyer’s payment'),
              ),
            ],
            [
              t('약물·주문·대금(원)', 'Drug, order, price (KRW)'),
              cell(
                [fact?.drug, fact?.order, fact?.priceKrw === undefined ? undefined : `₩${group(fact.priceKrw)}`]
                  .filter(Boolean)
                  .join(', ') || missing,
              ),
            ],
          ],
        },
      ]
    }),
    {
      kind: 'table',
      columns: [
        { title: t('시드', 'Seed'), width: 46 },
        { title: t('체인·자산', 'Chain, asset'), width: 42 },
        { title: t('주소 · 거래 해시:순번', 'Address · transaction:index'), width: '*' },
        { title: t('시각 UTC', 'Time UTC'), width: 78 },
        { title: t('금액', 'Amount'), width: 68, align: 'right' },
      ],
      rows: set.map((row) => [
        cell(oneLine(row.id, 40)),
        cell(`${row.chain} ${symbolOf(facts, row)}`),
        cell(`${row.address ?? ''}\n${row.transaction}:${row.output ?? row.transfer ?? ''}`),
        cell(row.time),
        figureCell(facts, row, row.amount, `seeds/${seeds.indexOf(row)}`, 'amount'),
      ]),
    },
    ...restNote(t, set.length, seeds.length, 'report.json'),
  ]
}

function seedSource(how: string, t: Teller): string {
  const words: Record<string, string> = {
    controlledBuy: t('통제구매(위장수사)', 'controlled purchase'),
    device: t('압수한 기기에서 확인', 'found on a seized device'),
    post: t('판매자가 게시한 주소', 'posted by the vendor'),
    court: t('법원이 확정', 'established by a court'),
    label: t('상용 표지', 'commercial label'),
    other: t('기타', 'other'),
  }
  return words[how] ?? how
}

export function methodPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { report, methods, primary } = facts
  const request = report.request as {
    readonly pool: Record<string, unknown>
    readonly limits: Record<string, unknown>
    readonly rules: Record<string, unknown>
  }
  const columns: Column[] = [
    { title: t('번호', 'Id'), width: 24 },
    ...methods.map((method): Column => ({ title: method, width: '*', align: 'right' })),
    { title: t('하한', 'Floor'), width: '*', align: 'right' },
    { title: t('상한', 'Ceiling'), width: '*', align: 'right' },
  ]
  const sensitive = report.endpoints.filter((row) => methods.some((method) => tracedOf(row, method) !== '0'))
  const set = sensitive.slice(0, ROWS_SET)
  return [
    { kind: 'heading', level: 1, text: t('5. 추적방법', '5. Method') },
    {
      kind: 'list',
      items: [
        t(
          `주 방법: ${methodWord(primary, language)}. 이유: ${oneLine(facts.reason, 800)}`,
          `Primary method: ${methodWord(primary, language)}. Reason: ${oneLine(facts.reason, 800)}`,
        ),
        t(
          `함께 계산한 방법: ${
            methods
              .slice(1)
              .map((each) => methodWord(each, language))
              .join(', ') || '없음'
          }. 결과를 보고 방법을 바꾸지 않는다.`,
          `Computed beside it: ${
            methods
              .slice(1)
              .map((each) => methodWord(each, language))
              .join(', ') || 'none'
          }. The method is not changed after seeing results.`,
        ),
        t(
          '금액은 자산의 최소단위 정수로만 계산하며 반올림이 없다. 순서는 체인의 위치(블록 높이, 블록 안의 순번)이고, 그것이 자료에 없으면 시각과 거래 해시이며 그 사실을 한계에 적는다.',
          'Amounts are whole base units; nothing is rounded. Order is position on the chain; where the data has none it is time, then transaction id, and the limits say so.',
        ),
        t(
          '사업자(거래소 등)에서 추적을 멈춘다. 사업자를 통과하여 추적하지 않았다.',
          'The trace stops at services. Nothing is traced through one.',
        ),
        t(
          '추적 전부터 있던 잔액은 불법수익이 아닌 것으로 보고 먼저 들어온 것으로 둔다.',
          'What an account held before the data begins counts as not proceeds and stands first.',
        ),
        t(
          '실패한 거래, 금액 0의 이체, 다른 계약의 동명 토큰은 흐름에서 제외하고 따로 적는다.',
          'Failed transactions, transfers of nothing and look-alike tokens move nothing; they are listed.',
        ),
      ],
    },
    {
      kind: 'facts',
      rows: [
        [t('혼합 단위(pool)', 'Pool'), cell(scalars(request.pool))],
        [t('한도', 'Limits'), cell(scalars(request.limits))],
        [t('군집 규칙', 'Rules'), cell(scalars(request.rules))],
        [t('군집 수', 'Clusters'), cell(String(report.clusters.length))],
      ],
    },
    { kind: 'heading', level: 2, text: t('방법별 추적 금액(민감도)', 'Traced amount by method (sensitivity)') },
    {
      kind: 'table',
      columns,
      rows: set.map((row) => [
        cell(row.id),
        // A method that did not run on this chain has no figure there, which is not the same as zero.
        ...methods.map((method) =>
          figureCell(facts, row, row.traced[method]?.total ?? null, row.id, `traced/${method}/total`),
        ),
        figureCell(facts, row, row.floor, row.id, 'floor'),
        figureCell(facts, row, row.ceiling, row.id, 'ceiling'),
      ]),
    },
    ...restNote(t, set.length, sensitive.length, 'endpoints.csv'),
    ...ablationPart(facts, language),
  ]
}

function scalars(record: Record<string, unknown>): string {
  return Object.entries(record)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('; ')
}

/** What each assumption carries: the endpoints that change without it. */
function ablationPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { sensitivity } = facts.report
  if (sensitivity.length === 0) return []
  const words = { tagSource: t('표지 출처', 'tag source'), seed: t('시드', 'seed'), rule: t('규칙', 'rule') }
  return [
    { kind: 'heading', level: 2, text: t('가정을 하나씩 뺀 결과', 'With one assumption less') },
    {
      kind: 'table',
      columns: [
        { title: t('뺀 것', 'Without'), width: 80 },
        { title: t('이름', 'Name'), width: 150 },
        { title: t('달라지는 도달점', 'Endpoints that change'), width: '*' },
        { title: t('0이 되는 것', 'Come to zero'), width: 70, align: 'right' },
      ],
      rows: sensitivity
        .slice(0, ROWS_SET)
        .map((row) => [
          cell(words[row.without]),
          cell(oneLine(row.name, 120)),
          cell(row.endpoints.length === 0 ? t('없음', 'none') : idList(row.endpoints.map(({ endpoint }) => endpoint))),
          { text: String(row.endpoints.filter(({ total }) => total === '0').length), align: 'right' },
        ]),
    },
    ...restNote(t, Math.min(sensitivity.length, ROWS_SET), sensitivity.length, 'report.json'),
  ]
}
