/** The words of law and trade that several editions share, in both languages. */
import type { Action, Derivation } from './case-file.ts'
import type { Language } from './words.ts'

type Pair = readonly [ko: string, en: string]

const ACTION_WORDS: Readonly<Record<Action, Pair>> = {
  preserve: ['자료 보전(삭제·변경 금지)', 'Preserve data (no deletion or change)'],
  hold: ['출금 정지 및 자산 보류', 'Hold: stop withdrawals and keep the assets'],
  disclose: ['자료 제공', 'Disclose records'],
  attach: [
    '몰수·추징보전명령의 집행(출급·반환청구권의 보전)',
    'Attach: execution of a preservation order on the claim against you',
  ],
  blacklist: ['주소 차단(발행사 동결)', 'Blacklist the addresses (issuer freeze)'],
}

const DERIVATION_WORDS: Readonly<Record<Derivation, Pair>> = {
  direct: ['불법수익', 'direct proceeds'],
  reward: ['범죄의 보수', 'reward of the crime'],
  exchanged: ['유래재산(교환)', 'property obtained in exchange'],
  fruit: ['유래재산(과실)', 'fruit'],
  mixed: ['혼합재산', 'mixed property'],
}

const METHOD_WORDS: Readonly<Record<string, Pair>> = {
  fifo: ['선입선출법', 'first in, first out'],
  lifo: ['후입선출법', 'last in, first out'],
  proRata: ['비례배분법', 'pro rata'],
  ownFirst: ['자기자금 우선사용(최저 중간잔액)', 'own money first (lowest intermediate balance)'],
  proceedsFirst: ['불법수익 우선사용', 'proceeds first'],
  tiho: ['거래 내 순차배분', 'taint in, highest out'],
}

const SINK_WORDS: Readonly<Record<string, Pair>> = {
  service: ['거래소 등 사업자', 'at services'],
  holding: ['지갑에 남아 있음', 'still held'],
  mixer: ['믹서', 'mixer'],
  bridge: ['브리지', 'bridge'],
  burned: ['소각', 'burned'],
  fee: ['수수료', 'fee'],
  'horizon/hops': ['한도: 단계 수', 'limit: hops'],
  'horizon/until': ['한도: 시각', 'limit: time'],
  'horizon/amount': ['한도: 금액', 'limit: amount'],
  'horizon/transactions': ['한도: 거래 수', 'limit: transactions'],
  unseen: ['자료 밖(미확인)', 'unseen: outside the data'],
}

const pick = (pair: Pair | undefined, language: Language, otherwise: string): string =>
  pair === undefined ? otherwise : pair[language === 'ko' ? 0 : 1]

export function actionWord(action: Action, language: Language): string {
  return pick(ACTION_WORDS[action], language, action)
}

export function derivationWord(derivation: Derivation, language: Language): string {
  return pick(DERIVATION_WORDS[derivation], language, derivation)
}

/** `fifo (선입선출법)`; a second pool's key keeps its `@pool`. */
export function methodWord(key: string, language: Language): string {
  const words = METHOD_WORDS[key.split('@')[0]]
  return words === undefined ? key : `${key} (${pick(words, language, key)})`
}

export function sinkWord(sink: string, language: Language): string {
  return pick(SINK_WORDS[sink], language, sink)
}

/** The sinks of a conservation row, in the order in which they are printed. */
export const SINKS = Object.keys(SINK_WORDS)
