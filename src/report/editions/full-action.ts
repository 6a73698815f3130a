/** The full edition's freeze plan, forms, records and third parties (sections 9 to 11). */
import { STATUTES } from './clocks.ts'
import { type Block, cell } from './document.ts'
import { type Facts, tracedOf } from './facts.ts'
import { restNote } from './full-findings.ts'
import { assetsOf, sumsOf } from './full-front.ts'
import { contractOf, figureCell, money, symbolOf } from './money.ts'
import { lackingOf, type Packet, packetsOf, recordsWanted } from './packets.ts'
import { STABLECOINS, stablecoinOf, targetsOf } from './stablecoins.ts'
import { actionWord } from './terms.ts'
import { articleText, type Language, oneLine, teller } from './words.ts'

const TARGETS_SET = 300

export function freezePart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const packets = packetsOf(facts)
  const targets = targetsOf(facts)
  const set = targets.slice(0, TARGETS_SET)
  const unknown = t('모름', 'not known')
  return [
    { kind: 'heading', level: 1, text: t('9. 동결·보전 계획', '9. Freeze plan') },
    { kind: 'heading', level: 2, text: t('사업자(제3채무자)에 대한 조치', 'Services (third-party debtors)') },
    {
      kind: 'text',
      text: t(
        '보전의 대상은 주소가 아니라 계정 명의인이 사업자 법인에 대하여 가지는 출급·반환청구권이다. 명령에는 법인명과 계정을 적고, 주소와 거래 해시는 그 계정을 특정하는 데 쓴다.',
        'What is preserved is the account holder’s claim against the service’s legal entity, not the address. The order names the entity and the account; address and transaction identify it.',
      ),
    },
    {
      kind: 'table',
      columns: [
        { title: t('사업자 · 네트워크', 'Service · network'), width: '*' },
        { title: t('법인', 'Legal entity'), width: 90 },
        { title: t('조치', 'Action'), width: 90 },
        { title: t('추적 금액', 'Traced'), width: 84, align: 'right' },
        { title: t('건수', 'Rows'), width: 30, align: 'right' },
        { title: t('만료일', 'Expires'), width: 56 },
        { title: t('빠진 항목', 'Lacking'), width: 36, align: 'right' },
      ],
      rows: packets.flatMap((packet) => planRows(facts, packet, language)),
    },
    { kind: 'heading', level: 2, text: t('사업자 밖의 지갑', 'Wallets outside services') },
    {
      kind: 'table',
      columns: [
        { title: t('번호', 'Id'), width: 24 },
        { title: t('주소 · 자산', 'Address · asset'), width: '*' },
        { title: t('추적 금액', 'Traced'), width: 62, align: 'right' },
        { title: t('하한', 'Floor'), width: 50, align: 'right' },
        { title: t('상한', 'Ceiling'), width: 52, align: 'right' },
        { title: t('현재 잔액', 'Balance'), width: 52, align: 'right' },
        { title: t('초과분', 'Excess'), width: 46, align: 'right' },
        { title: t('동결', 'Freezable'), width: 42 },
      ],
      rows: set.map(({ holding, traced, balance, excess }) => {
        const issuer = stablecoinOf(holding.chain, holding.asset)?.issuer
        return [
          cell(holding.id),
          cell(
            `${holding.address ?? `${holding.transaction}:${holding.output}`}\n${holding.chain} ${symbolOf(facts, holding)} · ${holding.sink === 'holding' ? t('남아 있음', 'still held') : t('자료 밖', 'outside the data')}`,
          ),
          figureCell(facts, holding, traced, holding.id, `traced/${facts.primary}/total`),
          figureCell(facts, holding, holding.floor, holding.id, 'floor'),
          figureCell(facts, holding, holding.ceiling, holding.id, 'ceiling'),
          { text: balance === null ? unknown : money(facts, holding, balance.units), align: 'right' },
          { text: excess === null ? unknown : money(facts, holding, excess), align: 'right' },
          cell(issuer ?? t('개인키 필요', 'key needed')),
        ]
      }),
    },
    ...restNote(t, set.length, targets.length, 'holdings.csv'),
    {
      kind: 'text',
      tone: 'note',
      text: t(
        `발행사 동결은 주소 잔액 전부에 미치므로 초과분을 적었다. 토큰 계약 목록: ${STABLECOINS.name} ${STABLECOINS.version}.`,
        `An issuer’s freeze covers the whole balance, hence the excess. List of token contracts: ${STABLECOINS.name} ${STABLECOINS.version}.`,
      ),
    },
    ...quantumPart(facts, language),
    ...formsPart(facts, packets, language),
    ...overlapPart(facts, language),
  ]
}

function planRows(facts: Facts, packet: Packet, language: Language) {
  const t = teller(language)
  const rows = packet.kind === 'service' ? packet.endpoints : packet.targets.map(({ holding }) => holding)
  return [...new Set(rows.map((row) => row.asset))].sort().map((asset) => {
    const mine = rows.filter((row) => row.asset === asset)
    const sum = mine.reduce((total, row) => total + BigInt(tracedOf(row, facts.primary)), 0n)
    return [
      cell(
        `${oneLine(packet.name, 60)} · ${packet.chain}${packet.kind === 'issuer' ? t(' (발행사)', ' (issuer)') : ''}`,
      ),
      cell(oneLine(packet.recipient?.legalEntity ?? t('확인 필요', 'to be found'), 120)),
      cell(
        packet.recipient?.actions.map((each) => actionWord(each, language)).join('; ') ||
          t('정하지 않음', 'not decided'),
      ),
      { text: money(facts, { chain: packet.chain, asset }, `${sum}`), align: 'right' as const },
      { text: String(mine.length), align: 'right' as const },
      cell(packet.recipient?.expiresOn ?? '–'),
      { text: String(lackingOf(facts, packet, language).length), align: 'right' as const },
    ]
  })
}

function quantumPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const blocks: Block[] = [
    {
      kind: 'heading',
      level: 2,
      text: t('혼합재산에서 불법재산에 상당하는 부분과 부족분', 'Quantum out of mixed property, and the shortfall'),
    },
    {
      kind: 'text',
      text: t(
        '마약거래방지법 제14조: 혼합재산 중 혼합에 관여된 불법재산의 금액·수량에 상당하는 부분만 몰수할 수 있다. 지갑 전체를 청구하지 않는다. 부족분은 추징의 후보이다.',
        'Act art. 14: out of mixed property only the part corresponding to the illegal property that took part in the mixing. The whole wallet is not claimed. The shortfall is a candidate for collection.',
      ),
    },
  ]
  for (const of of assetsOf(facts.report.conservation)) {
    const sums = sumsOf(facts.report.conservation, facts.primary, of.chain, of.asset)
    const held = sums.sinks.get('holding') ?? 0n
    const service = sums.sinks.get('service') ?? 0n
    const short = sums.seeded - held - service
    blocks.push({
      kind: 'facts',
      rows: [
        [t('자산', 'Asset'), cell(`${of.chain} ${symbolOf(facts, of)}`)],
        [t('시드 합계(A)', 'Seeded (A)'), cell(money(facts, of, `${sums.seeded}`))],
        [t('사업자에 도달(B)', 'At services (B)'), cell(money(facts, of, `${service}`))],
        [t('지갑에 남음(C)', 'Still held (C)'), cell(money(facts, of, `${held}`))],
        [t('부족분(A−B−C)', 'Shortfall (A−B−C)'), cell(money(facts, of, `${short > 0n ? short : 0n}`))],
      ],
    })
  }
  blocks.push({
    kind: 'text',
    tone: 'note',
    text: t(
      '부족분에는 자료 밖으로 나간 금액(미확인)이 들어 있다. 그 금액은 없어진 것이 아니라 보이지 않는 것이다.',
      'The shortfall includes what went outside the data (unseen): it is not gone, only not seen.',
    ),
  })
  const { quantum } = facts.report
  const { primary } = facts
  const set = quantum.filter((row) => (row.mixedIn[primary]?.total ?? '0') !== '0')
  if (set.length === 0) return blocks
  return [
    ...blocks,
    {
      kind: 'table',
      columns: [
        { title: t('번호', 'Id'), width: 24 },
        { title: t('혼합된 지갑', 'Mixed wallet'), width: '*' },
        { title: t('혼입액', 'Mixed in'), width: 68, align: 'right' },
        { title: t('남은 잔액', 'Left'), width: 64, align: 'right' },
        { title: t('최저 잔액', 'Lowest'), width: 60, align: 'right' },
        { title: t('몰수 한도', 'Quantum'), width: 68, align: 'right' },
        { title: t('부족분', 'Shortfall'), width: 68, align: 'right' },
      ],
      rows: set
        .slice(0, TARGETS_SET)
        .map((row) => [
          cell(row.id),
          cell(
            `${row.address ?? `${row.transaction}:${row.output}`}\n${row.chain} ${symbolOf(facts, row)}${row.covered ? '' : t(' · 자료 밖', ' · outside the data')}`,
          ),
          figureCell(facts, row, row.mixedIn[primary]?.total ?? null, row.id, `mixedIn/${primary}/total`),
          figureCell(facts, row, row.left, row.id, 'left'),
          figureCell(facts, row, row.lowest.amount, row.id, 'lowest/amount'),
          figureCell(facts, row, row.quantum[primary] ?? null, row.id, `quantum/${primary}`),
          figureCell(facts, row, row.shortfall[primary] ?? null, row.id, `shortfall/${primary}`),
        ]),
    },
    ...restNote(t, Math.min(set.length, TARGETS_SET), set.length, 'report.json'),
  ]
}

function formsPart(facts: Facts, packets: readonly Packet[], language: Language): Block[] {
  const t = teller(language)
  const { offence, legalBasis } = facts.caseFile
  const missing = t('(기재되지 않음)', '(not stated)')
  const property = packets
    .filter((packet) => packet.kind === 'service')
    .flatMap((packet) =>
      [...new Set(packet.endpoints.map((row) => row.asset))].map((asset) => {
        const sum = packet.endpoints
          .filter((row) => row.asset === asset)
          .reduce((total, row) => total + BigInt(tracedOf(row, facts.primary)), 0n)
        const of = { chain: packet.chain, asset }
        return t(
          `${packet.recipient?.legalEntity ?? `${oneLine(packet.name, 60)}(법인 확인 필요)`}에 대한 가상자산 출급·반환청구권 중 ${money(facts, of, `${sum}`)} 상당(${packet.chain}, 토큰 계약 ${contractOf(asset, language)}, 입금 ${packet.endpoints.filter((row) => row.asset === asset).length}건)`,
          `of the claim for withdrawal or return against ${packet.recipient?.legalEntity ?? `${oneLine(packet.name, 60)} (entity to be found)`}, the part of ${money(facts, of, `${sum}`)} (${packet.chain}, contract ${contractOf(asset, language)}, ${packet.endpoints.filter((row) => row.asset === asset).length} deposits)`,
        )
      }),
    )
  const accused =
    offence.accused ??
    (offence.accusedUnknown === undefined
      ? missing
      : t(`성명불상 – ${offence.accusedUnknown}`, `name unknown – ${offence.accusedUnknown}`))
  const holders = packets.flatMap(
    (packet) => packet.recipient?.accounts.map((each) => each.holder ?? each.account) ?? [],
  )
  const holder =
    holders.length > 0
      ? holders.join(', ')
      : t('회신 전이라 명의인을 알 수 없음(사업자의 자료로 특정)', 'not known before the service’s reply')
  const common: (readonly [string, string])[] = [
    [t('피의자·피고인', 'Accused'), accused],
    [t('죄명', 'Offence'), offence.title ?? missing],
    [t('사실의 요지', 'Gist of the facts'), offence.summary ?? missing],
    [t('적용 법조', 'Provision'), offence.provision ?? missing],
  ]
  const head = (form: string) => {
    const { statute, article, ...names } = STATUTES.forms[form]
    return `${names[language]} (${STATUTES.statutes[statute][language]} ${articleText(article, language)})`
  }
  const table = (rows: readonly (readonly [string, string])[]): Block => ({
    kind: 'facts',
    rows: rows.map(([label, value]) => [label, cell(oneLine(value, 3000))]),
  })
  return [
    {
      kind: 'heading',
      level: 1,
      text: t('9의2. 국내 서식 기재사항(초안, 서명 전)', '9-2. Fields of the Korean forms (draft, unsigned)'),
    },
    { kind: 'text', tone: 'note', text: `${STATUTES.name} ${STATUTES.version}. ${STATUTES.note[language]}` },
    { kind: 'heading', level: 2, text: head('confiscation') },
    table([
      ...common,
      [t('몰수 근거 조문', 'Confiscation provision'), offence.confiscationProvision ?? missing],
      [t('처분을 금지하는 재산', 'Property whose disposal is prohibited'), property.join('; ') || t('없음', 'none')],
      [t('재산을 가진 사람', 'Holder'), holder],
      [
        t('근거가 되는 영장·명령', 'Orders'),
        legalBasis.map((each) => [each.statute, each.order, each.date].filter(Boolean).join(' ')).join('; ') || missing,
      ],
    ]),
    { kind: 'heading', level: 2, text: head('collection') },
    table([
      ...common,
      [
        t('추징보전액', 'Amount to be preserved'),
        t(
          '원화 금액은 검사가 정한다. 위 부족분과 일자별 시세를 기초로 한다.',
          'The KRW amount is for the prosecutor to fix, from the shortfall above and dated prices.',
        ),
      ],
      [t('대상 재산', 'Property'), property.join('; ') || t('없음', 'none')],
      [t('추징보전해방금', 'Release deposit'), missing],
    ]),
    { kind: 'heading', level: 2, text: head('thirdParty') },
    table([
      [t('사건·피고인', 'Case, accused'), `${facts.caseFile.caseNumber ?? missing}, ${accused}`],
      [
        t('물건의 이름·수량과 특정에 필요한 사항', 'Item, quantity, identifying matters'),
        property.join('; ') || t('없음', 'none'),
      ],
      [t('참가할 수 있는 기간', 'Period'), t('고지받은 날부터 14일(제24조)', '14 days from the notice (art. 24)')],
    ]),
    { kind: 'heading', level: 2, text: head('independent') },
    table([
      [t('1호 재산', '(1) property'), property.join('; ') || t('없음', 'none')],
      [
        t('2호 사실·조문·죄명', '(2) facts, provisions, charge'),
        [offence.summary, offence.provision, offence.title].filter(Boolean).join(' / ') || missing,
      ],
      [t('3호 독립몰수의 필요', '(3) why independent confiscation'), offence.accusedUnknown ?? missing],
      [
        t(
          '4·5호 상대방의 성명·주소 또는 특정할 수 없는 이유',
          '(4)(5) respondent’s name and address, or why not identified',
        ),
        offence.accusedUnknown ?? holder,
      ],
      [
        t('6호 재산의 소재와 보전 상태', '(6) location of the property, preservation status'),
        t(`기준시각 ${facts.asOf}의 위치는 제2절과 제9절과 같다`, `as in sections 2 and 9, as of ${facts.asOf}`),
      ],
    ]),
  ]
}

function overlapPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { overlaps } = facts.caseFile
  const own = facts.report.gaps.filter((gap) => gap.kind === 'SEED_OVERLAP')
  return [
    { kind: 'heading', level: 2, text: t('다른 사건·공범과의 중복', 'The same value in other cases') },
    {
      kind: 'list',
      items: [
        ...overlaps.map(
          (each) => `${oneLine(each.case, 120)}: ${each.rows.join(', ')} – ${oneLine(each.handled, 500)}`,
        ),
        ...own.map((gap) => `${gap.where}: ${gap.detail}${gap.amount === undefined ? '' : ` (${gap.amount})`}`),
        ...(overlaps.length + own.length === 0
          ? [
              t(
                '작성자가 기재한 중복 없음. 한 사건 안의 시드 중복 없음. 공범별 금액을 더하지 않는다.',
                'None stated by the author, none between this case’s seeds. Co-offenders’ amounts are not added up.',
              ),
            ]
          : []),
      ],
    },
  ]
}

export function recordsPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  return [
    { kind: 'heading', level: 1, text: t('10. 수신인에게 요청할 자료', '10. Records wanted from recipients') },
    ...packetsOf(facts).flatMap((packet): Block[] => [
      {
        kind: 'heading',
        level: 2,
        text: `${oneLine(packet.recipient?.legalEntity ?? packet.name, 80)} · ${packet.chain}`,
      },
      { kind: 'list', items: recordsWanted(packet, language) },
    ]),
  ]
}

export function thirdPartyPart(facts: Facts, language: Language): Block[] {
  const t = teller(language)
  const { thirdParties } = facts.caseFile
  return [
    { kind: 'heading', level: 1, text: t('11. 제3자', '11. Third parties') },
    thirdParties.length === 0
      ? {
          kind: 'text',
          text: t(
            '작성자가 기재한 제3자가 없다. 제3자의 취득 경위와 인식(제15조)은 체인 자료에서 나오지 않는다.',
            'The author has stated none. How a third party acquired the property and what it knew (art. 15) is not in chain data.',
          ),
        }
      : {
          kind: 'table',
          columns: [
            { title: t('주소', 'Address'), width: 180 },
            { title: t('취득일', 'Since'), width: 60 },
            { title: t('대가', 'Value given'), width: 90 },
            { title: t('인식에 관한 사정', 'Knowledge'), width: '*' },
            { title: t('고지', 'Notice'), width: 80 },
          ],
          rows: thirdParties.map((each) => [
            cell(each.address),
            cell(each.since ?? '–'),
            cell(oneLine(each.value ?? '–')),
            cell(oneLine(each.knowledge ?? '–', 800)),
            cell(oneLine(each.notice ?? '–')),
          ]),
        },
  ]
}
