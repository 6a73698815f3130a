/** A packet as a document: what a compliance officer acts on, in reading order, with what is lacking under its own heading. */

import { STATUTES } from './clocks.ts'
import { type Block, type Cell, cell, type Document } from './document.ts'
import { type Facts, legKey, tracedOf } from './facts.ts'
import { contractOf, displayUnits, money, symbolOf } from './money.ts'
import { type IssuerPacket, issuerNote, lackingOf, type Packet, recordsWanted, type ServicePacket } from './packets.ts'
import { whyLinked } from './sentences.ts'
import { STABLECOINS } from './stablecoins.ts'
import { actionWord, methodWord } from './terms.ts'
import { articleText, koreanTime, type Language, oneLine, percent, type Teller, teller } from './words.ts'

/** Payments told one by one in the PDF; the text and the CSV hold all. */
const TOLD_MAX = 200

/** `whole`: every payment is told one by one, however many there are (the text file). */
export function packetDocument(
  facts: Facts,
  packet: Packet,
  language: Language,
  options: { readonly whole?: boolean } = {},
): Document {
  const t = teller(language)
  const name = oneLine(packet.recipient?.legalEntity ?? packet.name, 80)
  const title = t(
    `가상자산 ${packet.kind === 'issuer' ? '동결' : '보전·자료제공'} 요청서 – ${name}`,
    `Request concerning virtual assets – ${name}`,
  )
  const blocks: Block[] = [
    { kind: 'title', text: title, below: `Request No. ${packet.requestId}` },
    ...lacking(facts, packet, language),
    { kind: 'heading', level: 1, text: t('1. 요청', '1. Request') },
    { kind: 'facts', rows: request(facts, packet, language) },
    { kind: 'heading', level: 1, text: t('2. 합계', '2. Totals') },
    { kind: 'facts', rows: totals(facts, packet, language) },
    ...(packet.kind === 'service'
      ? servicePart(facts, packet, language, options.whole === true)
      : issuerPart(facts, packet, language)),
    { kind: 'heading', level: 1, text: t('4. 제공을 요청하는 자료', '4. Records wanted') },
    { kind: 'text', text: period(packet, t) },
    { kind: 'list', items: recordsWanted(packet, language) },
    { kind: 'heading', level: 1, text: t('5. 이 금액이 뜻하는 것', '5. What the figures mean') },
    {
      kind: 'list',
      items: [
        t(
          `추적방법은 ${methodWord(facts.primary, language)}이며 추적을 시작하기 전에 정하였다. 모든 거래 단계에 같은 방법을 적용하였다.`,
          `The tracing method is ${methodWord(facts.primary, language)}, declared before the trace; the same method is used at every hop.`,
        ),
        t(
          '하한은 가치를 보존하는 어떤 회계방법으로도 그 이하가 될 수 없는 금액, 상한은 그 이상이 될 수 없는 금액이다.',
          'The floor is what no value-conserving accounting rule can go below, the ceiling what none can exceed.',
        ),
        t(
          '금액은 재산에 관한 것이며 누구의 범의나 책임에 관한 것이 아니다. 주소의 명의인은 귀사의 자료로만 확인된다.',
          'The figures are about value, not about anybody’s intent or guilt. Who holds the account only your records can say.',
        ),
        t(
          `금액 기준시각: ${facts.asOf} (UTC). 기준 자료의 해시(report.json, SHA-256): ${facts.hashes.report}`,
          `Data as of ${facts.asOf} (UTC). Hash of the data set (report.json, SHA-256): ${facts.hashes.report}`,
        ),
      ],
    },
  ]
  return {
    language,
    title,
    subject: packet.requestId,
    author: facts.caseFile.agency.name ?? facts.caseFile.author.name ?? '',
    header: `Request No. ${packet.requestId}`,
    footer: confidentiality(facts, t),
    date: facts.asOf,
    blocks,
  }
}

function confidentiality(facts: Facts, t: Teller): string {
  return facts.caseFile.agency.confidential === false
    ? t('이 문서의 사본은 이 수신인의 거래만 담고 있다', 'This document holds this recipient’s rows only')
    : t(
        '대외비 – 계정 명의인에게 요청 사실을 알리지 말 것',
        'Confidential – do not inform the account holder of this request',
      )
}

function lacking(facts: Facts, packet: Packet, language: Language): Block[] {
  const t = teller(language)
  const items = lackingOf(facts, packet, language)
  if (items.length === 0) return []
  return [
    { kind: 'heading', level: 1, text: t('빠진 항목', 'What this packet lacks') },
    {
      kind: 'text',
      tone: 'warning',
      text: t(
        '다음 항목이 없어 수신인이 조치하지 못할 수 있다. 없는 것을 지어내지 않았다.',
        'The recipient may be unable to act without the following. Nothing has been made up in their place.',
      ),
    },
    { kind: 'list', items },
  ]
}

function request(facts: Facts, packet: Packet, language: Language): (readonly [string, Cell])[] {
  const t = teller(language)
  const { caseFile } = facts
  const { agency } = caseFile
  const { recipient } = packet
  const missing = t('(기재되지 않음)', '(not stated)')
  const rows: (readonly [string, string | undefined])[] = [
    [t('수신', 'Addressed to'), recipient?.legalEntity],
    [t('서비스', 'Service'), oneLine(packet.name, 120)],
    [
      t('법인 확인 출처', 'Entity looked up in'),
      [recipient?.source, recipient?.checkedOn].filter(Boolean).join(', ') || undefined,
    ],
    [t('네트워크', 'Network'), packet.chain],
    [t('요청하는 조치', 'Requested action'), recipient?.actions.map((each) => actionWord(each, language)).join('; ')],
    [t('요청 만료일', 'Request expires on'), recipient?.expiresOn],
    [t('요청기관', 'Requesting agency'), [agency.name, agency.unit].filter(Boolean).join(', ') || undefined],
    [t('담당관', 'Officer'), agency.officer],
    [t('이메일', 'E-mail'), agency.email],
    [t('전화', 'Telephone'), agency.phone],
    [t('사건번호', 'Case number'), caseFile.caseNumber],
    [
      t('법적 근거', 'Legal basis'),
      caseFile.legalBasis.map((each) => basisText(each, language)).join('; ') || undefined,
    ],
    [t('사건 개요', 'Facts in brief'), caseFile.offence.summary],
    [t('회신 방법', 'Reply to'), agency.reply],
    [t('비밀유지', 'Confidentiality'), confidentiality(facts, t)],
  ]
  return rows.map(([label, value]) => [
    label,
    cell(value === undefined || value === '' ? missing : oneLine(value, 2000)),
  ])
}

/** A legal basis as it is cited, with the version of the law that the data file holds. */
export function basisText(basis: Facts['caseFile']['legalBasis'][number], language: Language): string {
  const t = teller(language)
  const statute = Object.hasOwn(STATUTES.statutes, basis.statute) ? STATUTES.statutes[basis.statute] : undefined
  const named = statute === undefined ? basis.statute : `${statute[language]} (${statute.version})`
  const parts = [
    named,
    basis.article === undefined ? '' : articleText(basis.article, language),
    basis.court ?? '',
    basis.order ?? '',
    basis.date ?? '',
    basis.voluntary === true ? t('임의협조 요청', 'voluntary request') : '',
  ]
  return parts.filter((part) => part !== '').join(' ')
}

function period(packet: Packet, t: Teller): string {
  const from = packet.recipient?.periodFrom
  const until = packet.recipient?.periodUntil
  return from === undefined && until === undefined
    ? t(
        '기간: 계정 개설일부터 회신일까지(따로 정하지 않음).',
        'Period: from the opening of the account until your reply (none was stated).',
      )
    : t(`기간: ${from ?? '개설일'} ~ ${until ?? '회신일'}`, `Period: ${from ?? 'opening'} to ${until ?? 'your reply'}`)
}

function totals(facts: Facts, packet: Packet, language: Language): (readonly [string, Cell])[] {
  const t = teller(language)
  const rows: (readonly [string, Cell])[] = []
  const kinds = packet.kind === 'service' ? packet.endpoints : packet.targets.map(({ holding }) => holding)
  for (const asset of [...new Set(kinds.map((row) => row.asset))].sort()) {
    const of = { chain: packet.chain, asset }
    const mine = kinds.filter((row) => row.asset === asset)
    const traced = mine.reduce((sum, row) => sum + BigInt(tracedOf(row, facts.primary)), 0n)
    rows.push([t('자산', 'Asset'), cell(`${symbolOf(facts, of)} (${contractOf(asset, language)})`)])
    rows.push([t('건수', 'Rows'), cell(String(mine.length))])
    rows.push([
      t('추적 금액 합계', 'Traced, in all'),
      cell(`${money(facts, of, traced.toString())} (${baseUnits(traced, t)})`),
    ])
    if (packet.kind === 'service') {
      const amount = mine.reduce((sum, row) => sum + BigInt(row.amount), 0n)
      rows.push([
        t('입금액 합계', 'Paid in, in all'),
        cell(`${money(facts, of, amount.toString())} (${baseUnits(amount, t)})`),
      ])
      const service = facts.report.services.find(
        (row) => !row.all && row.chain === packet.chain && row.asset === asset && row.name === packet.name,
      )
      if (service?.floor != null && service.ceiling != null) {
        rows.push([
          t('합계의 하한·상한', 'Floor and ceiling of the sum'),
          cell(`${money(facts, of, service.floor)} – ${money(facts, of, service.ceiling)}`),
        ])
      }
    }
  }
  if (packet.kind === 'service' && packet.untouched > 0) {
    rows.push([
      t('제외한 입금', 'Payments left out'),
      cell(
        t(
          `같은 서비스로의 다른 입금 ${packet.untouched}건은 주 방법에서 추적 금액이 0이므로 싣지 않았다`,
          `${packet.untouched} other payments into this service carry nothing under the primary method and are not listed`,
        ),
      ),
    ])
  }
  return rows
}

function servicePart(facts: Facts, packet: ServicePacket, language: Language, whole: boolean): Block[] {
  const t = teller(language)
  const blocks: Block[] = [
    { kind: 'heading', level: 1, text: t('3. 입금 내역과 연결 근거', '3. The payments, and why they are linked') },
  ]
  const told = whole ? packet.endpoints : packet.endpoints.slice(0, TOLD_MAX)
  for (const endpoint of told) {
    const place = endpoint.output ?? endpoint.transfer
    const leg = facts.legs.get(legKey(endpoint.chain, endpoint.transaction, place))
    const traced = tracedOf(endpoint, facts.primary)
    const none = t('(자료에 없음)', '(not in the data)')
    blocks.push({ kind: 'heading', level: 2, text: `${endpoint.id}` })
    blocks.push({
      kind: 'facts',
      rows: [
        [t('입금 주소', 'Deposit address'), cell(endpoint.address ?? none)],
        [t('거래 해시', 'Transaction'), cell(endpoint.transaction)],
        [
          endpoint.output === undefined ? t('이체 순번(거래 내)', 'Transfer index') : t('출력 순번', 'Output index'),
          cell(String(place ?? none)),
        ],
        [t('시각 (UTC)', 'Time (UTC)'), cell(endpoint.time)],
        [t('시각 (KST)', 'Time (KST)'), cell(koreanTime(endpoint.time))],
        [
          t('블록', 'Block'),
          cell(endpoint.height === null ? none : `${endpoint.height} ${leg?.blockHash ?? ''}`.trim()),
        ],
        [
          t('보낸 주소', 'Sender'),
          cell(
            leg === undefined || leg.senders.length === 0
              ? none
              : `${leg.senders.join(' ')}${leg.moreSenders > 0 ? ` (+${leg.moreSenders})` : ''}`,
          ),
        ],
        [
          t('자산·토큰 계약', 'Asset, token contract'),
          cell(`${symbolOf(facts, endpoint)} ${contractOf(endpoint.asset, language)}`),
        ],
        [
          t('입금액', 'Amount paid'),
          {
            ...money2(t, facts, endpoint, endpoint.amount),
            figure: { row: endpoint.id, field: 'amount', units: endpoint.amount },
          },
        ],
        [
          t(`추적 금액(${facts.primary})`, `Traced (${facts.primary})`),
          {
            text: `${money2(t, facts, endpoint, traced).text} = ${percent(traced, endpoint.amount)} %`,
            figure: { row: endpoint.id, field: `traced/${facts.primary}/total`, units: traced },
          },
        ],
        ...(endpoint.floor === null || endpoint.ceiling === null
          ? []
          : ([
              [
                t('하한', 'Floor'),
                {
                  ...money2(t, facts, endpoint, endpoint.floor),
                  figure: { row: endpoint.id, field: 'floor', units: endpoint.floor },
                },
              ],
              [
                t('상한', 'Ceiling'),
                {
                  ...money2(t, facts, endpoint, endpoint.ceiling),
                  figure: { row: endpoint.id, field: 'ceiling', units: endpoint.ceiling },
                },
              ],
            ] as const)),
      ],
    })
    for (const sentence of whyLinked(facts, endpoint, language)) blocks.push({ kind: 'text', text: sentence })
  }
  if (told.length < packet.endpoints.length) {
    blocks.push({
      kind: 'text',
      tone: 'strong',
      text: t(
        `이 문서에는 ${packet.endpoints.length}건 중 ${told.length}건을 풀어 적었다. 전부는 함께 보낸 CSV·XLSX·TXT에 있다.`,
        `${told.length} of ${packet.endpoints.length} payments are told here; all of them are in the CSV, XLSX and TXT that come with this.`,
      ),
    })
  }
  return blocks
}

/** With base units beside it: a packet's figures are typed into other systems. */
function money2(t: Teller, facts: Facts, of: { chain: string; asset: string }, units: string): Cell {
  return cell(`${money(facts, of, units)} (${baseUnits(units, t)})`)
}

function baseUnits(units: string | bigint, t: Teller): string {
  return t(`기본단위 ${units}`, `${units} base units`)
}

function issuerPart(facts: Facts, packet: IssuerPacket, language: Language): Block[] {
  const t = teller(language)
  const unknown = t('모름', 'not known')
  return [
    { kind: 'heading', level: 1, text: t('3. 동결 대상 주소', '3. Addresses to be frozen') },
    { kind: 'text', text: issuerNote(packet, language) },
    {
      kind: 'text',
      tone: 'warning',
      text: t(
        '발행사 동결은 주소의 잔액 전부에 미친다. 추적 금액을 넘는 부분(초과분)은 이 사건의 금액이 아니다.',
        'An issuer’s freeze covers the whole balance of an address. What exceeds the traced amount is not claimed in this case.',
      ),
    },
    ...packet.targets.flatMap(({ holding, traced, balance, excess, missing, blacklisted }): Block[] => [
      { kind: 'heading', level: 2, text: holding.id },
      {
        kind: 'facts',
        rows: [
          [t('주소', 'Address'), cell(holding.address ?? '')],
          [
            t('네트워크·토큰 계약', 'Network, token contract'),
            cell(`${packet.chain} ${packet.contract} (${packet.symbol})`),
          ],
          [
            t('추적 금액', 'Traced'),
            {
              ...money2(t, facts, holding, traced),
              figure: { row: holding.id, field: `traced/${facts.primary}/total`, units: traced },
            },
          ],
          [
            t('하한', 'Floor'),
            holding.floor === null
              ? cell(unknown)
              : {
                  ...money2(t, facts, holding, holding.floor),
                  figure: { row: holding.id, field: 'floor', units: holding.floor },
                },
          ],
          [
            t('상한', 'Ceiling'),
            holding.ceiling === null
              ? cell(unknown)
              : {
                  ...money2(t, facts, holding, holding.ceiling),
                  figure: { row: holding.id, field: 'ceiling', units: holding.ceiling },
                },
          ],
          [
            t('현재 잔액', 'Current balance'),
            cell(
              balance === null
                ? t(
                    '모름 – 원장 자료 밖. 발송 전에 조회할 것',
                    'not known – outside the ledger data; look it up before sending',
                  )
                : `${money(facts, holding, balance.units)} (${baseUnits(balance.units, t)}), ${balance.at}, ${oneLine(balance.source)}`,
            ),
          ],
          [
            t('전액 동결 시 초과분', 'Excess a whole-address freeze would catch'),
            cell(
              excess === null
                ? unknown
                : `${displayUnits(facts, holding, excess)} ${packet.symbol} (${baseUnits(excess, t)})`,
            ),
          ],
          ...(missing === null || missing === '0'
            ? []
            : [
                [
                  t('이미 옮겨진 금액', 'Moved on already'),
                  cell(`${displayUnits(facts, holding, missing)} ${packet.symbol} (${baseUnits(missing, t)})`),
                ] as const,
              ]),
          [
            t('이미 차단되었는지', 'Blacklisted already'),
            cell(blacklisted === undefined ? unknown : blacklisted ? t('예', 'yes') : t('아니오', 'no')),
          ],
        ],
      },
    ]),
    {
      kind: 'text',
      tone: 'note',
      text: `${t('토큰 계약 출처', 'Token contracts from')}: ${STABLECOINS.name} ${STABLECOINS.version}. ${STABLECOINS.source}`,
    },
  ]
}
