/** The two languages of every edition, and how figures and times are written in them. Nothing here knows a case. */
import { formatAmount } from '../../../graph/index.ts'

export const LANGUAGES = ['ko', 'en'] as const
export type Language = (typeof LANGUAGES)[number]

/** Chooses between two texts that stand side by side in the source, so that neither is changed without the other. */
export type Teller = (ko: string, en: string) => string

export function teller(language: Language): Teller {
  return language === 'ko' ? (ko) => ko : (_, en) => en
}

/**
 * An article as it is cited: `215의2` is 제215조의2, `33(3)` 제33조 제3항, `시행령 17(6)` 시행령 제17조 제6항. What already names its 조 or is
 * no number is left as it stands.
 */
export function articleText(article: string, language: Language): string {
  if (language === 'en')
    return `art. ${article.replace('시행령', 'Enforcement Decree').replace(/(\d+)의(\d+)/g, '$1-$2')}`
  if (/[조항]/.test(article)) return article
  return article.replace(
    /(\d+)(의\d+)?(?:\((\d+)\))?/g,
    (_, number, branch = '', paragraph) =>
      `제${number}조${branch}${paragraph === undefined ? '' : ` 제${paragraph}항`}`,
  )
}

/** Digits with commas between thousands; what follows the point is left as it is: 330,743.165474. */
export function group(digits: string): string {
  const [whole, rest] = digits.split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return rest === undefined ? grouped : `${grouped}.${rest}`
}

/** Base units as people read them, exact, with commas. */
export function readable(units: string, decimals: number): string {
  return group(formatAmount(BigInt(units), decimals))
}

/** A share in per cent with five decimals, cut and not rounded: a share must never be stated above what it is. Empty of nothing. */
export function percent(part: string, whole: string): string {
  const all = BigInt(whole)
  if (all === 0n) return ''
  const scaled = (BigInt(part) * 10_000_000n) / all
  return `${scaled / 100_000n}.${(scaled % 100_000n).toString().padStart(5, '0')}`
}

/** An instant in Korea, ISO 8601 with its offset: 2021-03-11T07:36:18+09:00. Korea has kept UTC+9 since 1988. */
export function koreanTime(utc: string): string {
  const shifted = new Date(Date.parse(utc) + 9 * 3_600_000).toISOString()
  return `${shifted.slice(0, 19)}+09:00`
}

/** The calendar day in Korea of an instant. */
export function koreanDay(utc: string): string {
  return koreanTime(utc).slice(0, 10)
}

/** Text from strangers on one line, without controls and direction marks, cut to a length that says that it was cut. */
export function oneLine(text: string, lengthMax = 300): string {
  const plain = text
    .replace(/[\s\u0085\u2028\u2029]+/gu, ' ')
    .replace(/[\p{Cc}\p{Surrogate}\ufffe\uffff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
    .trim()
  const points = [...plain]
  return points.length <= lengthMax ? plain : `${points.slice(0, lengthMax).join('')}… (${points.length})`
}
