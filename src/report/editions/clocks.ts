/** Statutes and time limits, from a dated data file: never from code, so that a change of law is a change of data. */
import { readFileSync } from 'node:fs'
import { koreanTime } from './words.ts'

/** A span of time as a statute gives it: exactly one of the fields. */
export type Span =
  | { readonly hours: number }
  | { readonly days: number }
  | { readonly businessDays: number }
  | { readonly months: number }
  | { readonly years: number }

export interface Statute {
  readonly ko: string
  readonly en: string
  readonly version: string
  readonly source: string
}

export interface ClockRule {
  readonly statute: string
  readonly article: string
  readonly length: Span
  readonly extension?: Span
  readonly extensions: number
  readonly ko: string
  readonly en: string
  readonly start: { readonly ko: string; readonly en: string }
}

interface StatutesFile {
  readonly name: string
  readonly version: string
  readonly note: { readonly ko: string; readonly en: string }
  readonly statutes: Readonly<Record<string, Statute>>
  readonly clocks: Readonly<Record<string, ClockRule>>
  readonly forms: Readonly<
    Record<string, { readonly statute: string; readonly article: string; readonly ko: string; readonly en: string }>
  >
}

/** Reads a data file that stands beside the report's code. */
export function readReportData(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../data/${name}`, import.meta.url), 'utf8'))
}

export const STATUTES = readReportData('statutes.json') as StatutesFile

/** A clock that runs in a case: when it began, and how often it was extended. */
export interface RunningClock {
  readonly clock: string
  /** ISO 8601 in UTC. */
  readonly start: string
  readonly extended: number
}

/**
 * The last moment of a clock, as Korea writes it: a calendar day, or an instant where the law counts hours. The first day is
 * not counted (초일불산입); a month ends on the day of the same number, or on the last day of a shorter month. Saturdays and
 * Sundays are not counted as business days; public holidays are not known here and are not taken into account.
 */
export function lastDay(clock: RunningClock): string {
  const rule = STATUTES.clocks[clock.clock]
  const begun = koreanTime(clock.start)
  if ('hours' in rule.length) {
    const end = Date.parse(clock.start) + rule.length.hours * 3_600_000
    return koreanTime(`${new Date(end).toISOString().slice(0, 19)}Z`)
  }
  let day = begun.slice(0, 10)
  day = addSpan(day, rule.length)
  for (let time = 0; time < clock.extended && rule.extension !== undefined; time++) day = addSpan(day, rule.extension)
  return day
}

function addSpan(day: string, span: Span): string {
  const [year, month, date] = day.split('-').map(Number)
  if ('days' in span) return dayOf(Date.UTC(year, month - 1, date + span.days))
  if ('businessDays' in span) {
    let left = span.businessDays
    let at = Date.UTC(year, month - 1, date)
    while (left > 0) {
      at += 86_400_000
      const weekday = new Date(at).getUTCDay()
      if (weekday !== 0 && weekday !== 6) left--
    }
    return dayOf(at)
  }
  const months = 'months' in span ? span.months : 'years' in span ? span.years * 12 : 0
  const target = new Date(Date.UTC(year, month - 1 + months, 1))
  const length = new Date(Date.UTC(target.getUTCFullYear(), target.getUTCMonth() + 1, 0)).getUTCDate()
  return dayOf(Date.UTC(target.getUTCFullYear(), target.getUTCMonth(), Math.min(date, length)))
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
