const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.0{1,9})?Z$/

/** ISO 8601 in UTC, whole seconds, to seconds since the epoch; undefined for anything else, and for days that no calendar has. */
export function parseTime(value: unknown): number | undefined {
  if (typeof value !== 'string' || !TIME.test(value)) return undefined
  const seconds = Date.parse(value) / 1000
  if (!Number.isInteger(seconds) || seconds < 0) return undefined
  return formatTime(seconds).slice(0, 19) === value.slice(0, 19) ? seconds : undefined
}

/** Seconds since the epoch as ISO 8601 in UTC: 2017-08-03T03:07:11Z. */
export function formatTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}

/** A value as a fault quotes it: short, and on one line. */
export function show(value: unknown): string {
  let text: string | undefined
  try {
    text = typeof value === 'bigint' ? `${value}` : JSON.stringify(value)
  } catch {
    text = typeof value
  }
  if (text === undefined) return value === undefined ? 'nothing' : typeof value
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

/** Capital and small letters, and the signs that look alike, are one: a token named USDТ with a Cyrillic letter looks like USDT. */
export function skeleton(symbol: string): string {
  const alike: Readonly<Record<string, string>> = {
    А: 'A',
    В: 'B',
    С: 'C',
    Е: 'E',
    Н: 'H',
    І: 'I',
    К: 'K',
    М: 'M',
    О: 'O',
    Р: 'P',
    Ѕ: 'S',
    Т: 'T',
    Х: 'X',
    Υ: 'Y',
    Α: 'A',
    Β: 'B',
    Ε: 'E',
    Ζ: 'Z',
    Η: 'H',
    Ι: 'I',
    Κ: 'K',
    Μ: 'M',
    Ν: 'N',
    Ο: 'O',
    Ρ: 'P',
    Τ: 'T',
    Χ: 'X',
    '₮': 'T',
    '0': 'O',
    '1': 'I',
    '5': 'S',
  }
  return [...symbol.normalize('NFKC').toUpperCase()]
    .map((letter) => alike[letter] ?? letter)
    .join('')
    .replace(/[^\p{L}\p{N}]/gu, '')
}
