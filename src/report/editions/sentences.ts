/** Why a payment is linked to the case, in three sentences a language. Templates and rows, nothing else: no model wrote them. */
import type { Endpoint } from '../format.ts'
import { type Facts, serviceNameOf, tracedOf } from './facts.ts'
import { money } from './money.ts'
import { type Language, oneLine, percent, teller } from './words.ts'

/** A list of row ids, cut and counted: the whole list is in endpoints.csv. */
export function idList(ids: readonly string[], most = 12): string {
  return ids.length <= most ? ids.join(', ') : `${ids.slice(0, most).join(', ')} … (${ids.length})`
}

/** Three sentences, each ending in the rows it rests on. */
export function whyLinked(facts: Facts, endpoint: Endpoint, language: Language): readonly [string, string, string] {
  const t = teller(language)
  const { primary } = facts
  const traced = tracedOf(endpoint, primary)
  const amount = money(facts, endpoint, endpoint.amount)
  const share = percent(traced, endpoint.amount)
  const seeds = Object.keys(endpoint.traced[primary]?.bySeed ?? {})
  const first = t(
    `${endpoint.time}에 ${endpoint.address === null ? '주소 없는 출력' : `주소 ${endpoint.address}`}에 입금된 ${amount} 중 ${money(facts, endpoint, traced)}(${share}%)은 추적방법 ${primary}에 의하면 시드 ${idList(seeds)}에서 나온 것이다.`,
    `Of the ${amount} paid to ${endpoint.address ?? 'an output without address'} at ${endpoint.time}, ${money(facts, endpoint, traced)} (${share} %) descends from seed ${idList(seeds)} under the method ${primary}.`,
  )
  const second =
    endpoint.paths.length === 0
      ? t(
          '이 입금 자체가 시드이거나, 경로가 목록에 실리지 않았다(gaps의 PATHS_OMITTED 참조).',
          'The payment is itself a seed, or its paths are not listed (see PATHS_OMITTED among the gaps).',
        )
      : t(
          `시드에서 이 입금까지 최소 ${endpoint.hops}건의 거래를 거쳤고, 각 거래는 경로 ${idList(endpoint.paths)}에 빠짐없이 적혀 있다.`,
          `It took at least ${endpoint.hops} ${endpoint.hops === 1 ? 'transaction' : 'transactions'} from a seed to this payment; each of them is listed in path ${idList(endpoint.paths)}.`,
        )
  const claim = endpoint.attribution[0]
  const bounds =
    endpoint.floor === null || endpoint.ceiling === null
      ? t('하한과 상한은 계산하지 않았다', 'floor and ceiling were not computed')
      : t(
          `어떤 회계방법에 의하더라도 시드에서 나온 금액은 최소 ${money(facts, endpoint, endpoint.floor)}, 최대 ${money(facts, endpoint, endpoint.ceiling)}이다`,
          `under any conserving accounting rule at least ${money(facts, endpoint, endpoint.floor)} and at most ${money(facts, endpoint, endpoint.ceiling)} descends from the seeds`,
        )
  const name = oneLine(serviceNameOf(endpoint), 80)
  const named =
    claim === undefined
      ? t('주소의 귀속 근거는 보고서에 없다', 'the report holds no attribution of the address')
      : t(
          `이 주소가 ${name}에 속한다는 근거는 ${oneLine(claim.source, 80)}의 표지 "${oneLine(claim.label, 80)}"(등급 ${claim.confidence ?? '없음'})이다`,
          `that the address belongs to ${name} is said by ${oneLine(claim.source, 80)} (label “${oneLine(claim.label, 80)}”, grade ${claim.confidence ?? 'none'})`,
        )
  return [
    `${first} [${endpoint.id}]`,
    `${second} [${endpoint.paths.length === 0 ? endpoint.id : idList(endpoint.paths)}]`,
    language === 'ko'
      ? `${named}. 또한 ${bounds}. [${endpoint.id}/attribution/0, ${endpoint.id}/floor, ${endpoint.id}/ceiling]`
      : `${named[0].toUpperCase()}${named.slice(1)}; ${bounds}. [${endpoint.id}/attribution/0, ${endpoint.id}/floor, ${endpoint.id}/ceiling]`,
  ]
}
