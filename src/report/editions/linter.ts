/**
 * The forty ways in which such a report is thrown out, each as a check with an id. What a machine can see it computes; the rest
 * are questions, which the author answers on the record in the case file. A failure is mended, never answered away.
 */
import { parseTime } from '../../text.ts'
import type { Endpoint } from '../format.ts'
import { lastDay, STATUTES } from './clocks.ts'
import { type Facts, tracedOf, valueOn } from './facts.ts'
import { packetsOf } from './packets.ts'

export interface Said {
  readonly ko: string
  readonly en: string
}

/** `answered`: a question that the author has answered on the record. */
export type CheckState = 'passes' | 'fails' | 'unanswered' | 'answered'

export interface CheckResult {
  readonly id: string
  readonly text: Said
  readonly state: CheckState
  readonly finding: Said
}

type Outcome = { readonly state: 'passes' | 'fails' | 'asks'; readonly finding: Said }

const passes = (ko: string, en: string): Outcome => ({ state: 'passes', finding: { ko, en } })
const fails = (ko: string, en: string): Outcome => ({ state: 'fails', finding: { ko, en } })
const asks = (ko: string, en: string): Outcome => ({ state: 'asks', finding: { ko, en } })

interface Check {
  readonly ko: string
  readonly en: string
  readonly check: (facts: Facts) => Outcome
}

/** Every check of the report. None of them changes it. */
export function lint(facts: Facts): CheckResult[] {
  return Object.entries(CHECKS).map(([id, { ko, en, check }]) => {
    const { state, finding } = check(facts)
    const answered = state === 'asks' && Object.hasOwn(facts.caseFile.answers, id)
    return { id, text: { ko, en }, state: state === 'asks' ? (answered ? 'answered' : 'unanswered') : state, finding }
  })
}

/** The checks that stand in the way of a final report. */
export function standing(results: readonly CheckResult[]): CheckResult[] {
  return results.filter(({ state }) => state === 'fails' || state === 'unanswered')
}

const reached = (facts: Facts): Endpoint[] =>
  facts.report.endpoints.filter((row) => tracedOf(row, facts.primary) !== '0')
const gapsOf = (facts: Facts, kind: string) => facts.report.gaps.filter((gap) => gap.kind === kind)
const some = (ids: readonly string[]): string =>
  `${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ` … (${ids.length})` : ''}`

export const CHECKS: Readonly<Record<string, Check>> = {
  B01: {
    ko: '추적방법과 이유를 결과보다 먼저 밝혔는가',
    en: 'The method and its reason are stated before the results',
    check: ({ primary, reason }) =>
      reason.trim() === ''
        ? fails('이유가 없다', 'no reason is given')
        : passes(`요청서에 ${primary}와 이유가 있다`, `the request names ${primary} and why`),
  },
  B02: {
    ko: '모든 단계에 같은 방법을 적용하였는가',
    en: 'One method is used at every hop',
    check: ({ report, primary }) => {
      const seeds = [...new Set(report.seeds.map(({ id }) => id))]
      const without = seeds.filter(
        (id) => !report.conservation.some((row) => row.seed === id && row.method === primary),
      )
      return without.length === 0
        ? passes('모든 시드가 주 방법의 등식을 가진다', 'every seed has its equation under the primary method')
        : fails(
            `주 방법의 등식이 없는 시드: ${some(without)}`,
            `seeds without an equation under the primary method: ${some(without)}`,
          )
    },
  },
  B03: {
    ko: '접촉(poison)을 금액으로 제시하지 않았는가',
    en: 'Poison is not presented as an amount',
    check: ({ methods }) => {
      const poison = methods.filter((method) => /poison|reach/i.test(method))
      return poison.length === 0
        ? passes('금액은 배분 방법으로만 계산하였다', 'amounts come from allocating methods only')
        : fails(poison.join(', '), poison.join(', '))
    },
  },
  B04: {
    ko: '합계가 맞고 시드 금액을 넘지 않는가',
    en: 'The numbers sum, and no total exceeds what was seeded',
    check: ({ report, verified }) => {
      const wrong = report.conservation.filter((row) => !row.balanced).map((row) => `${row.seed}/${row.method}`)
      return wrong.length === 0 && verified.ok
        ? passes('모든 등식이 맞고 검증기가 통과하였다', 'every equation balances and the verifier passed')
        : fails(`맞지 않는 등식: ${some(wrong)}`, `unbalanced: ${some(wrong)}`)
    },
  },
  B05: {
    ko: '건너뛰거나 합친 단계가 없는가',
    en: 'No hop is skipped or merged without a ledger row',
    check: (facts) => {
      const omitted = gapsOf(facts, 'PATHS_OMITTED')
      return omitted.length === 0
        ? passes('모든 경로가 빠짐없이 적혀 있다', 'every path is listed in full')
        : asks(
            `경로를 다 싣지 못한 도달점 ${omitted.length}건(이동 기록에는 있음)`,
            `${omitted.length} endpoints whose paths are not all listed (the journal has them)`,
          )
    },
  },
  B06: {
    ko: '거래소·믹서·교환기를 통과하여 추적하지 않았는가',
    en: 'Nothing is traced through an exchange, mixer or swapper',
    check: ({ report }) => {
      const stops = new Set(report.endpoints.map((row) => `${row.chain} ${row.address}`))
      const chains = new Map(report.seeds.map((seed) => [seed.id, seed.chain]))
      const through = report.paths.filter((path) =>
        path.steps.slice(0, -1).some((step) => stops.has(`${chains.get(path.seed)} ${step.to}`)),
      )
      return through.length === 0
        ? passes('도달점 주소를 지나는 경로가 없다', 'no path goes on from an address at which another ended')
        : asks(
            `도달점 주소를 지나는 경로: ${some(through.map(({ id }) => id))}. 표지의 유효기간 때문인지 설명`,
            `paths through an address at which others end: ${some(through.map(({ id }) => id))}; say why (validity of the tag?)`,
          )
    },
  },
  B07: {
    ko: '잔액이 줄어든 계정에 최저 중간잔액을 적용하였는가',
    en: 'The lowest intermediate balance is applied where a balance dipped',
    check: ({ methods }) =>
      methods.some((method) => method.startsWith('ownFirst'))
        ? passes('ownFirst(최저 중간잔액)를 계산하였다', 'ownFirst (lowest intermediate balance) was computed')
        : asks(
            'ownFirst를 계산하지 않았다. 필요하지 않은 이유를 적을 것',
            'ownFirst was not computed; say why it is not needed',
          ),
  },
  B08: {
    ko: '대체 재산을 근거 없이 원래 재산으로 주장하지 않았는가',
    en: 'Replacement assets are not claimed as the original without evidence',
    check: ({ report }) =>
      report.conversions.length === 0
        ? passes('전환 없음', 'no conversions')
        : asks(`전환 ${report.conversions.length}건의 근거`, `evidence for ${report.conversions.length} conversions`),
  },
  B09: {
    ko: '같은 가치를 두 번 세지 않았는가(순환, 시드 중복, 공범, 다른 사건)',
    en: 'The same value is not counted twice (cycles, overlapping seeds, co-offenders, other cases)',
    check: (facts) =>
      asks(
        `사건 안의 중복은 계산으로 배제하였다(SEED_OVERLAP ${gapsOf(facts, 'SEED_OVERLAP').length}건). 다른 사건과 공범을 확인하였는가`,
        `within the case excluded by computation (${gapsOf(facts, 'SEED_OVERLAP').length} SEED_OVERLAP); were other cases and co-offenders checked?`,
      ),
  },
  B10: {
    ko: '순서를 체인의 순서로 정하였는가',
    en: 'Order is chain order, not a guess from timestamps',
    check: (facts) => {
      const assumed = gapsOf(facts, 'ORDER_ASSUMED')
      const heightless = facts.report.snapshots.filter((row) => row.height === null)
      return assumed.length + heightless.length === 0
        ? passes('블록 높이와 순번에 따랐다', 'by block height and index')
        : asks(
            `블록 높이가 없는 체인 ${heightless.length}개, 순서를 가정한 곳 ${assumed.length}곳. 결과에 미치는 영향`,
            `${heightless.length} chains without heights, ${assumed.length} places where order was assumed; what does it change?`,
          )
    },
  },
  B11: {
    ko: '기초 잔액과 잘린 이력을 밝혔는가',
    en: 'Opening balances and cut histories are stated',
    check: (facts) =>
      passes(
        `기초 잔액 미상 ${gapsOf(facts, 'OPENING_UNKNOWN').length}곳을 한계에 적었다`,
        `${gapsOf(facts, 'OPENING_UNKNOWN').length} unknown openings are among the limits`,
      ),
  },
  B12: {
    ko: '금액이 정수이고 소수 자릿수와 토큰 계약이 맞는가',
    en: 'Amounts are whole, decimals right, one symbol is one token',
    check: ({ report, assetOf }) => {
      const assets = [...new Set(report.conservation.map((row) => JSON.stringify([row.chain, row.asset])))].map(
        (key) => JSON.parse(key) as [string, string],
      )
      const nameless = assets.filter(([chain, asset]) => assetOf(chain, asset) === undefined)
      if (nameless.length > 0)
        return asks(
          `소수 자릿수를 모르는 자산: ${some(nameless.map((each) => each.join(' ')))}`,
          `decimals unknown: ${some(nameless.map((each) => each.join(' ')))}`,
        )
      const symbols = assets.map(([chain, asset]) => `${chain} ${assetOf(chain, asset)?.symbol}`)
      const twice = symbols.filter((symbol, i) => symbols.indexOf(symbol) !== i)
      return twice.length === 0
        ? passes('자산마다 계약과 자릿수가 하나이다', 'each asset has one contract and its decimals')
        : asks(`이름이 같은 자산: ${some(twice)}`, `assets of one name: ${some(twice)}`)
    },
  },
  B13: {
    ko: '반올림으로 단위가 생기거나 없어지지 않는가',
    en: 'Rounding loses or creates no unit',
    check: ({ report }) =>
      report.conservation.every((row) => row.balanced)
        ? passes('최소단위까지 일치한다', 'equal to the last base unit')
        : fails('등식 불일치', 'unbalanced'),
  },
  B14: {
    ko: '실패·금액 0·가짜 토큰 이체가 흐름에 없는가',
    en: 'No failed, zero-value or fake-token transfer is in the flow',
    check: ({ report }) => {
      const failed = new Set(report.rejected.filter((row) => row.reason === 'failed').map((row) => row.transaction))
      const hit = report.paths
        .filter((path) => path.steps.some((step) => failed.has(step.transaction)))
        .map(({ id }) => id)
      return hit.length === 0
        ? passes(
            `제외한 거래 ${report.rejected.length}건을 적었다`,
            `${report.rejected.length} rejected ones are listed`,
          )
        : fails(`실패한 거래가 든 경로: ${some(hit)}`, `paths with a failed transaction: ${some(hit)}`)
    },
  },
  B15: {
    ko: '수수료를 셈하였는가',
    en: 'Fees are accounted for',
    check: () => passes('수수료가 등식의 한 항목이다', 'fees are a term of every equation'),
  },
  B16: {
    ko: '확정되지 않았거나 재편될 수 있는 블록이 없는가',
    en: 'No reorged or unconfirmed block',
    check: ({ report }) => {
      const shallow = report.snapshots
        .filter((row) => row.height === null || row.blockHash === null || row.finalityDepth < 1)
        .map((row) => row.chain)
      return shallow.length === 0
        ? passes('확정 깊이 아래에서 읽었다', 'read below the finality depth')
        : asks(
            `확정 여부를 자료가 보이지 않는 체인: ${some(shallow)}`,
            `chains whose data do not show finality: ${some(shallow)}`,
          )
    },
  },
  B17: {
    ko: '군집화를 사실로 제시하지 않고 규칙과 오류를 밝혔는가',
    en: 'Clustering is not presented as fact; rules and their errors are given',
    check: ({ report }) =>
      report.clusters.length === 0
        ? passes('군집을 쓰지 않았다', 'no clusters were used')
        : asks(
            `군집 ${report.clusters.length}개의 규칙과 오류율`,
            `rules and error rates of ${report.clusters.length} clusters`,
          ),
  },
  B18: {
    ko: '코인조인을 통한 잘못된 병합이 없는가',
    en: 'No cluster is merged through a coinjoin',
    check: ({ report }) =>
      report.clusters.length === 0
        ? passes('군집을 쓰지 않았다', 'no clusters were used')
        : asks('코인조인 배제를 확인하였는가', 'was the exclusion of coinjoins checked?'),
  },
  B19: {
    ko: '표지에 출처와 등급이 있고 모순을 드러냈는가',
    en: 'Labels have a source and a grade; conflicts are shown',
    check: (facts) => {
      const rows = reached(facts)
      const unsourced = rows
        .filter((row) => row.attribution.length === 0 || row.attribution.some((claim) => claim.source === ''))
        .map(({ id }) => id)
      if (unsourced.length > 0)
        return fails(`출처 없는 도달점: ${some(unsourced)}`, `endpoints without a source: ${some(unsourced)}`)
      const ungraded = rows
        .filter((row) => row.attribution.every((claim) => claim.confidence === null))
        .map(({ id }) => id)
      if (ungraded.length > 0)
        return fails(`등급 없는 도달점: ${some(ungraded)}`, `endpoints without a grade: ${some(ungraded)}`)
      const conflicts = gapsOf(facts, 'TAG_CONFLICT')
      return conflicts.length === 0
        ? passes('모든 도달점에 출처와 등급이 있다', 'every endpoint has a source and a grade')
        : asks(
            `모순되는 표지 ${conflicts.length}건을 어떻게 판단하였는가`,
            `${conflicts.length} conflicting labels: how were they judged?`,
          )
    },
  },
  B20: {
    ko: '통계적 유사성을 식별로 쓰지 않았는가',
    en: 'Statistical resemblance is not used as identification',
    check: (facts) => {
      const weak = reached(facts)
        .filter(
          (row) =>
            row.attribution.length > 0 &&
            row.attribution.every((claim) => claim.confidence === 'heuristic' || claim.confidence === 'unknown'),
        )
        .map(({ id }) => id)
      return weak.length === 0
        ? passes('추정만으로 이름 붙인 도달점이 없다', 'no endpoint is named by a heuristic alone')
        : asks(`추정 표지만 있는 도달점: ${some(weak)}`, `endpoints named by a heuristic alone: ${some(weak)}`)
    },
  },
  B21: {
    ko: '주소를 근거 없이 사람과 동일시하지 않았는가',
    en: 'No address is taken for a person without evidence of control',
    check: ({ caseFile }) => {
      const held = caseFile.recipients.flatMap((each) => each.accounts).filter((each) => each.holder !== undefined)
      return held.length === 0
        ? passes('명의인을 적은 주소가 없다', 'no address has a named holder')
        : asks(
            `명의인을 적은 주소 ${held.length}개의 지배 증거`,
            `evidence of control for ${held.length} addresses with a named holder`,
          )
    },
  },
  B22: {
    ko: '표지를 유효기간 밖에 적용하지 않았는가',
    en: 'No tag is applied outside its validity',
    check: (facts) => {
      const stands = (row: Endpoint) =>
        row.attribution.some((claim) => {
          const time = parseTime(row.time) ?? 0
          return (
            (claim.validFrom === null || (parseTime(claim.validFrom) ?? 0) <= time) &&
            (claim.validTo === null || time < (parseTime(claim.validTo) ?? 0))
          )
        })
      const stale = reached(facts)
        .filter((row) => row.attribution.length > 0 && !stands(row))
        .map(({ id }) => id)
      if (stale.length > 0)
        return fails(`유효기간 밖의 표지: ${some(stale)}`, `tags outside their validity: ${some(stale)}`)
      const undated = reached(facts).filter((row) =>
        row.attribution.every((claim) => claim.validFrom === null && claim.validTo === null),
      ).length
      return undated === 0
        ? passes('모두 유효기간 안이다', 'all within their validity')
        : asks(
            `유효기간이 적히지 않은 표지의 도달점 ${undated}건. 입금 당시에도 맞는 표지인가`,
            `${undated} endpoints whose tags state no validity: did they hold at the time of the payment?`,
          )
    },
  },
  B23: {
    ko: '찾지 못한 것을 깨끗하다고 하지 않았는가',
    en: '“No hit” is not reported as clean',
    check: () => passes('보고서가 이를 명시한다', 'the report says so'),
  },
  B24: {
    ko: '다른 설명을 검토하였는가',
    en: 'Alternative explanations were examined',
    check: ({ caseFile }) =>
      caseFile.alternatives.length === 0
        ? fails('case.json의 alternatives가 비어 있다', 'alternatives in the case file is empty')
        : passes(`${caseFile.alternatives.length}건 검토`, `${caseFile.alternatives.length} examined`),
  },
  B25: {
    ko: '약물 가액이나 구매자의 돈을 수익으로 세지 않았는가',
    en: 'Neither drug value nor a buyer’s money is counted as proceeds',
    check: ({ report, caseFile }) => {
      const ids = [...new Set(report.seeds.map(({ id }) => id))]
      const role = (id: string) => caseFile.seeds.find((each) => each.seed === id)?.role
      const buyers = ids.filter((id) => role(id) === 'buyerPayment')
      if (buyers.length > 0)
        return fails(`구매자의 지급인 시드: ${some(buyers)}`, `seeds that are a buyer’s payment: ${some(buyers)}`)
      const untold = ids.filter((id) => role(id) === undefined)
      return untold.length === 0
        ? passes('모든 시드가 판매대금이다', 'every seed is a seller’s receipt')
        : fails(
            `판매대금인지 밝히지 않은 시드: ${some(untold)}`,
            `seeds not said to be a seller’s receipt: ${some(untold)}`,
          )
    },
  },
  B26: {
    ko: '혼합 지갑 전체가 아니라 해당 부분만 청구하는가',
    en: 'Only the quantum is claimed, not the whole mixed wallet',
    check: ({ report, primary }) => {
      const over = [...report.endpoints, ...report.holdings]
        .filter((row) => BigInt(tracedOf(row, primary)) > BigInt(row.amount))
        .map(({ id }) => id)
      return over.length === 0
        ? passes('청구는 추적 금액에 한정된다', 'claims are limited to what is traced')
        : fails(`있는 것보다 많은 청구: ${some(over)}`, `more claimed than there is: ${some(over)}`)
    },
  },
  B27: {
    ko: '상대방이 주소가 아니라 사업자 법인과 계정인가',
    en: 'The addressee is the legal entity and account, not an address',
    check: (facts) => {
      const without = packetsOf(facts)
        .filter((packet) => packet.recipient?.legalEntity === undefined)
        .map((packet) => packet.slug)
      return without.length === 0
        ? passes('모든 수신인의 법인명이 있다', 'every recipient has its legal entity')
        : fails(`법인명이 없는 수신인: ${some(without)}`, `recipients without a legal entity: ${some(without)}`)
    },
  },
  B28: {
    ko: '제3자의 인식을 다루었는가',
    en: 'Third parties’ knowledge is addressed',
    check: ({ caseFile }) => {
      const silent = caseFile.thirdParties.filter((each) => each.knowledge === undefined).map((each) => each.address)
      if (silent.length > 0)
        return fails(
          `인식을 적지 않은 제3자: ${some(silent)}`,
          `third parties whose knowledge is not addressed: ${some(silent)}`,
        )
      return caseFile.thirdParties.length === 0
        ? asks('제3자가 없는지 확인하였는가', 'was it checked that there are none?')
        : passes('모두 기재', 'all stated')
    },
  },
  B29: {
    ko: '기한을 넘기지 않았는가',
    en: 'No time limit is missed',
    check: ({ caseFile }) => {
      const { issuedOn } = caseFile.report
      if (issuedOn === undefined)
        return fails(
          'report.issuedOn(작성일)이 없어 기한을 볼 수 없다',
          'without report.issuedOn the clocks cannot be read',
        )
      const late = caseFile.clocks.filter((clock) => lastDay(clock).slice(0, 10) < issuedOn)
      if (late.length > 0)
        return fails(
          `지난 기한: ${late.map((clock) => `${STATUTES.clocks[clock.clock].ko} ${lastDay(clock)}`).join('; ')}`,
          `expired: ${late.map((clock) => `${STATUTES.clocks[clock.clock].en} ${lastDay(clock)}`).join('; ')}`,
        )
      const expired = caseFile.recipients
        .filter((each) => each.expiresOn !== undefined && each.expiresOn < issuedOn)
        .map((each) => each.service)
      if (expired.length > 0)
        return fails(`만료된 요청: ${some(expired)}`, `requests that have expired: ${some(expired)}`)
      return caseFile.clocks.length === 0
        ? asks('진행 중인 기한이 없는가', 'are there no clocks that run?')
        : passes('모든 기한이 남아 있다', 'every clock still runs')
    },
  },
  B30: {
    ko: '법적 근거와 법률의 시점을 적었는가',
    en: 'The legal basis is stated, with the version of the law',
    check: ({ caseFile }) => {
      if (caseFile.legalBasis.length === 0) return fails('법적 근거가 없다', 'no legal basis is stated')
      if (caseFile.offence.provision === undefined)
        return fails('적용 법조가 없다', 'the provision of the offence is not stated')
      const unknown = caseFile.legalBasis
        .filter(
          (each) =>
            STATUTES.statutes[each.statute] === undefined || STATUTES.statutes[each.statute].version === 'not checked',
        )
        .map((each) => each.statute)
      return unknown.length === 0
        ? passes('법률과 시점이 자료파일에 있다', 'statute and version are in the data file')
        : asks(`시점을 확인할 법률: ${some(unknown)}`, `statutes whose version must be checked: ${some(unknown)}`)
    },
  },
  B31: {
    ko: '원화 환산과 시세 출처가 있는가',
    en: 'Value in KRW and the source of the price are given where required',
    check: (facts) => {
      const without = reached(facts).filter(
        (row) =>
          valueOn(
            facts,
            { chain: row.chain, asset: row.asset, units: tracedOf(row, facts.primary), time: row.time },
            'KRW',
          ) === undefined,
      ).length
      return without === 0
        ? passes('모든 행에 시세와 출처가 있다', 'every row has a price and its source')
        : asks(
            `원화 시세가 없는 행 ${without}건. 환산이 필요하지 않은 이유`,
            `${without} rows without a KRW price; why is none needed?`,
          )
    },
  },
  B32: {
    ko: '취득부터 증거까지 해시가 이어지는가',
    en: 'There is a hash chain from acquisition to exhibit',
    check: ({ caseFile, report }) =>
      caseFile.custody.length === 0
        ? fails('보관 기록(custody)이 없다', 'the custody log is empty')
        : report.data.every((row) => /^[0-9a-f]{64}$/.test(row.sha256))
          ? passes('자료의 해시와 보관 기록이 있다', 'data hashes and a custody log')
          : fails('자료의 해시가 없다', 'data without a hash'),
  },
  B33: {
    ko: '다른 분석자가 같은 수치를 얻을 수 있는가',
    en: 'Another analyst gets the same numbers',
    check: ({ verified }) =>
      verified.ok
        ? passes(
            '입력이 묶음에 있고 독립 검증기가 통과하였다',
            'the bundle holds the inputs; the independent verifier passed',
          )
        : fails('검증 실패', 'verification failed'),
  },
  B34: {
    ko: '화면 사진이나 고친 그림이 아니라 자료인가',
    en: 'Data, not screenshots; the diagram matches the ledger',
    check: ({ verified }) =>
      passes(
        `그림의 수치 ${verified.checked.figuresInPicture}개를 원장과 맞추었다`,
        `${verified.checked.figuresInPicture} figures of the picture were held against the report`,
      ),
  },
  B35: {
    ko: '내보낸 뒤 바뀌지 않았음을 보일 수 있는가',
    en: 'It can be shown that nothing changed after export: manifest and signature',
    check: ({ signed }) =>
      signed
        ? passes('묶음의 manifest에 유효한 서명이 있다', 'the bundle’s manifest has a valid signature')
        : fails('묶음에 서명이 없다(proceeds sign)', 'the bundle is not signed (proceeds sign)'),
  },
  B36: {
    ko: '작성자가 누구이고 누가 무엇을 하였는지 적었는가',
    en: 'The author, their competence and who did what are stated',
    check: ({ caseFile: { author } }) => {
      const lacking = [
        ...(['name', 'role', 'competence'] as const).filter((field) => author[field] === undefined),
        ...(author.steps.length === 0 ? ['steps'] : []),
      ]
      return lacking.length === 0
        ? passes('기재됨', 'stated')
        : fails(`author에 없는 것: ${lacking.join(', ')}`, `author lacks: ${lacking.join(', ')}`)
    },
  },
  B37: {
    ko: '위법하거나 과도한 개인정보, 다른 수신인의 행이 없는가',
    en: 'No unlawful or excess personal data, no other recipient’s rows',
    check: () =>
      asks(
        '수신인별 문서에는 그 수신인의 행만 있다. 개인정보의 범위를 확인하였는가',
        'packets hold their recipient’s rows only; was the personal data in the case file checked?',
      ),
  },
  B38: {
    ko: '행 번호 없이 언어모델이 쓴 문장이 없는가',
    en: 'No text by a language model without row references',
    check: () => passes('문장은 틀과 행 번호로 만들어진다', 'sentences are templates with row ids'),
  },
  B39: {
    ko: '밝히지 않은 조건이나 자료가 없는가',
    en: 'No parameter or data is withheld from the defence',
    check: ({ report }) =>
      Object.keys(report.request).length > 0
        ? passes('요청서와 한도와 표지가 모두 묶음에 있다', 'request, limits and tags are all in the bundle')
        : fails('요청서가 없다', 'the request is missing'),
  },
  B40: {
    ko: '고의·인식·책임 등 도구를 넘는 주장이 없는가',
    en: 'No claim beyond the tool: intent, knowledge, guilt',
    check: () =>
      asks(
        '작성자가 적은 문장(사건 개요 등)에 그런 주장이 없는가',
        'do the author’s own texts (facts in brief and others) make none?',
      ),
  },
}
