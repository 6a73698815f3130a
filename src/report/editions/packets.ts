/** One packet for each recipient: a service on one network, or a stablecoin's issuer. Only that recipient's rows are in it. */
import type { Endpoint } from '../format.ts'
import type { Recipient } from './case-file.ts'
import { type Facts, serviceNameOf, sha256, tracedOf } from './facts.ts'
import { STABLECOINS, stablecoinOf, type Target, targetsOf } from './stablecoins.ts'
import type { Language } from './words.ts'
import { teller } from './words.ts'

interface PacketBase {
  /** In file names and in the request number: letters, digits, hyphens. */
  readonly slug: string
  readonly requestId: string
  readonly name: string
  readonly chain: string
  readonly recipient: Recipient | undefined
}

/** Rows at one service on one network. */
export interface ServicePacket extends PacketBase {
  readonly kind: 'service'
  readonly endpoints: readonly Endpoint[]
  /** Payments into the service that carry nothing under the primary method: counted, not named. */
  readonly untouched: number
}

/** Addresses outside services that hold an issuer's token. */
export interface IssuerPacket extends PacketBase {
  readonly kind: 'issuer'
  readonly contract: string
  readonly symbol: string
  readonly targets: readonly Target[]
}

export type Packet = ServicePacket | IssuerPacket

/** The packets of a case, by slug. Mixers get none: there is nobody to ask. */
export function packetsOf(facts: Facts): Packet[] {
  const packets: Packet[] = []
  const services = new Map<string, Endpoint[]>()
  for (const endpoint of facts.report.endpoints) {
    if (endpoint.sink === 'mixer') continue
    const key = JSON.stringify([serviceNameOf(endpoint), endpoint.chain])
    services.set(key, [...(services.get(key) ?? []), endpoint])
  }
  const taken = new Set<string>()
  for (const [key, all] of [...services].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [name, chain] = JSON.parse(key) as [string, string]
    const endpoints = all.filter((endpoint) => tracedOf(endpoint, facts.primary) !== '0')
    if (endpoints.length === 0) continue
    packets.push({
      kind: 'service',
      ...baseOf(facts, name, chain, taken),
      endpoints,
      untouched: all.length - endpoints.length,
    })
  }
  const issued = new Map<string, Target[]>()
  for (const target of targetsOf(facts)) {
    const token = stablecoinOf(target.holding.chain, target.holding.asset)
    if (token === undefined || target.holding.address === null) continue
    const key = JSON.stringify([token.issuer, token.chain, target.holding.asset, token.symbol])
    issued.set(key, [...(issued.get(key) ?? []), target])
  }
  for (const [key, targets] of [...issued].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [issuer, chain, contract, symbol] = JSON.parse(key) as [string, string, string, string]
    packets.push({ kind: 'issuer', ...baseOf(facts, issuer, chain, taken, symbol), contract, symbol, targets })
  }
  return packets
}

function baseOf(facts: Facts, name: string, chain: string, taken: Set<string>, symbol = ''): PacketBase {
  const plain = `${name}-${symbol === '' ? '' : `${symbol}-`}${chain}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  const readable = /^[\x20-\x7e]+$/.test(name) && plain.length <= 48
  let slug = readable ? plain : `${plain.slice(0, 32).replace(/-+$/, '')}-${sha256(name).slice(0, 8)}`.replace(/^-/, '')
  if (taken.has(slug)) slug = `${slug}-${sha256(`${name}\0${chain}`).slice(0, 8)}`
  taken.add(slug)
  return { slug, requestId: `${facts.id}-${slug}`, name, chain, recipient: recipientOf(facts, name, chain) }
}

function recipientOf(facts: Facts, name: string, chain: string): Recipient | undefined {
  const of = facts.caseFile.recipients.filter((each) => each.service === name)
  return of.find((each) => each.chain === chain) ?? of.find((each) => each.chain === undefined)
}

/** What a recipient needs and this packet does not have, in the words of the one who reads it. Empty: nothing is lacking. */
export function lackingOf(facts: Facts, packet: Packet, language: Language): string[] {
  const t = teller(language)
  const { caseFile } = facts
  const { agency } = caseFile
  const lacking: string[] = []
  const need = (there: unknown, ko: string, en: string) => {
    if (there === undefined || there === '' || (Array.isArray(there) && there.length === 0)) lacking.push(t(ko, en))
  }
  need(agency.name, '요청기관 명칭', 'requesting agency')
  need(agency.officer, '담당관 성명', 'officer in charge')
  need(
    agency.email,
    '기관 도메인 이메일(민간 메일은 접수되지 않는 곳이 많음)',
    'government e-mail address (public mail is refused by most)',
  )
  need(agency.phone, '담당관 전화번호', 'officer’s phone number')
  need(caseFile.caseNumber, '사건번호', 'case number')
  need(
    caseFile.legalBasis,
    '법적 근거(법률·조문·영장 또는 명령 번호, 임의협조 여부)',
    'legal basis (statute, article, order number; or that it is voluntary)',
  )
  need(packet.recipient?.legalEntity, '수신 법인명(상호가 아니라 법인)', 'legal entity addressed (not the brand)')
  need(packet.recipient?.actions, '요청하는 조치', 'requested action')
  need(packet.recipient?.expiresOn, '요청의 만료일', 'day on which the request expires')
  need(agency.reply, '회신 방법', 'how to reply')
  if (packet.kind === 'service') {
    const heightless = packet.endpoints.filter((row) => row.height === null).length
    if (heightless > 0)
      lacking.push(
        t(`블록 높이: ${heightless}건(자료원에 없음)`, `block height of ${heightless} payments (the source had none)`),
      )
    const addressless = packet.endpoints.filter((row) => row.address === null).length
    if (addressless > 0)
      lacking.push(
        t(
          `입금 주소: ${addressless}건(주소로 적을 수 없는 출력)`,
          `deposit address of ${addressless} payments (outputs that have none)`,
        ),
      )
    const unnamed = packet.endpoints.filter((row) => facts.assetOf(row.chain, row.asset) === undefined).length
    if (unnamed > 0)
      lacking.push(
        t(
          `자산의 소수 자릿수: ${unnamed}건(기본단위로만 표시)`,
          `decimals of the asset in ${unnamed} payments (base units only)`,
        ),
      )
    need(packet.recipient?.accounts, '계정 식별자(회신으로 특정됨)', 'account identifiers (your reply will name them)')
  } else {
    const unknown = packet.targets.filter((target) => target.balance === null).length
    if (unknown > 0)
      lacking.push(
        t(
          `현재 잔액 증명: ${unknown}개 주소(원장 자료가 미치지 않음. 발송 전에 조회하여 case.json의 balances에 기재)`,
          `current balance proof of ${unknown} addresses (outside the ledger data; look them up before sending and enter them under balances in case.json)`,
        ),
      )
    const unchecked = packet.targets.filter((target) => target.blacklisted === undefined).length
    if (unchecked > 0)
      lacking.push(
        t(`이미 차단되었는지 여부: ${unchecked}개 주소`, `whether ${unchecked} addresses are blacklisted already`),
      )
  }
  return lacking
}

/** The records to ask a service for (특금법·이용자보호법의 보존 항목), in the order in which they are usually given. */
export function recordsWanted(packet: Packet, language: Language): string[] {
  if (packet.recipient !== undefined && packet.recipient.records.length > 0) return [...packet.recipient.records]
  const t = teller(language)
  if (packet.kind === 'issuer') {
    return [
      t(
        '차단 여부와 차단 시각, 차단 거래 해시',
        'whether, when and by which transaction the addresses were blacklisted',
      ),
      t(
        '해당 주소의 발행·상환 내역과 상대방 계정',
        'issuance and redemption involving the addresses, with the counterparty accounts',
      ),
    ]
  }
  return [
    t(
      '각 입금이 귀속된 계정의 명의인 신원확인 자료와 계정 개설일',
      'identity documents of the holder of the account to which each deposit was credited, and the day it was opened',
    ),
    t(
      '해당 계정에 부여된 모든 입금 주소와 그 유효기간',
      'all deposit addresses assigned to the account, with the times of their validity',
    ),
    t(
      '내부 원장: 입금 식별번호, 입금 반영 시각, 내부이체, 매매, 출금(거래 해시 포함)',
      'internal ledger: deposit credit id and time, internal transfers, trades, withdrawals with transaction hashes',
    ),
    t('조치 시점의 자산별 잔액', 'balances by asset at the time of the hold'),
    t('접속 IP와 단말 기록', 'login IP addresses and device log'),
    t('연결된 은행 계좌', 'linked bank accounts'),
    t('트래블룰 정보(송신인·수취인)', 'Travel Rule records, both ways'),
    t('보전·동결 조치의 확인(시각과 범위)', 'confirmation of the hold with its time and scope'),
  ]
}

export function issuerNote(packet: IssuerPacket, language: Language): string {
  return STABLECOINS.issuers[packet.name]?.[language] ?? ''
}
