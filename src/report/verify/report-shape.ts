import type { Report } from '../format.ts'
import { REPORT_SCHEMA } from '../format.ts'
import type { Findings } from './findings.ts'
import {
  anything,
  arrayOf,
  count,
  digits,
  flag,
  isRecord,
  mapOf,
  methodKey,
  nullable,
  object,
  oneOf,
  optional,
  record,
  type Shape,
  sha256,
  text,
  time,
} from './shape.ts'

const traced = mapOf(methodKey, object({ total: digits, bySeed: mapOf(text, digits) }))

const attribution = object({
  label: text,
  category: text,
  entity: nullable(text),
  source: text,
  confidence: nullable(text),
  validFrom: nullable(time),
  validTo: nullable(time),
  evidence: nullable(text),
  basis: text,
  transactions: optional(arrayOf(text)),
})

const moment = { transaction: text, time, height: nullable(count) }

const ROWS: Readonly<Record<string, Shape>> = {
  snapshots: object({
    chain: text,
    height: nullable(count),
    blockHash: nullable(text),
    time,
    finalityDepth: count,
  }),
  data: object({ name: text, sha256, rows: count }),
  tagPacks: object({ name: text, sha256, version: nullable(text) }),
  seeds: object({
    id: text,
    chain: text,
    asset: text,
    transaction: text,
    output: optional(count),
    transfer: optional(count),
    address: nullable(text),
    amount: digits,
    time,
  }),
  endpoints: object({
    id: text,
    sink: oneOf('service', 'mixer', 'bridge'),
    service: nullable(object({ entity: nullable(text), label: text, category: text })),
    attribution: arrayOf(attribution),
    chain: text,
    asset: text,
    address: nullable(text),
    transaction: text,
    output: optional(count),
    transfer: optional(count),
    height: nullable(count),
    time,
    amount: digits,
    traced,
    floor: nullable(digits),
    ceiling: nullable(digits),
    hops: count,
    paths: arrayOf(text),
  }),
  services: object({
    all: flag,
    sink: nullable(oneOf('service', 'mixer', 'bridge')),
    name: nullable(text),
    chain: text,
    asset: text,
    endpoints: arrayOf(text),
    amount: digits,
    traced,
    floor: nullable(digits),
    ceiling: nullable(digits),
  }),
  reach: object({
    seed: text,
    chain: text,
    pool: oneOf('output', 'address', 'cluster'),
    endpoints: arrayOf(text),
    payments: count,
    holdings: count,
  }),
  holdings: object({
    id: text,
    sink: oneOf('holding', 'unseen'),
    pool: oneOf('output', 'address', 'cluster'),
    chain: text,
    asset: text,
    address: nullable(text),
    transaction: optional(text),
    output: optional(count),
    amount: digits,
    traced,
    floor: nullable(digits),
    ceiling: nullable(digits),
  }),
  conservation: object({
    seed: text,
    method: methodKey,
    chain: text,
    asset: text,
    seeded: digits,
    convertedIn: optional(digits),
    convertedOut: optional(digits),
    sinks: object({
      service: digits,
      holding: digits,
      mixer: digits,
      bridge: digits,
      burned: digits,
      fee: digits,
      horizon: object({ hops: digits, until: digits, amount: digits, transactions: digits }),
      unseen: digits,
    }),
    balanced: flag,
  }),
  paths: object({
    id: text,
    seed: text,
    endpoint: text,
    amount: digits,
    steps: arrayOf(
      object({
        transaction: text,
        from: text,
        to: text,
        amount: digits,
        carried: digits,
        height: nullable(count),
        time,
      }),
    ),
  }),
  quantum: object({
    id: text,
    chain: text,
    pool: oneOf('output', 'address', 'cluster'),
    asset: text,
    address: nullable(text),
    transaction: optional(text),
    output: optional(count),
    covered: flag,
    since: object(moment),
    mixedIn: traced,
    left: digits,
    lowest: object({ amount: digits, ...moment }),
    quantum: mapOf(methodKey, digits),
    shortfall: mapOf(methodKey, digits),
    floor: nullable(digits),
    ceiling: nullable(digits),
  }),
  sensitivity: object({
    without: oneOf('tagSource', 'seed', 'rule'),
    name: text,
    method: methodKey,
    endpoints: arrayOf(object({ endpoint: text, total: digits })),
  }),
  clusters: anything,
  conversions: anything,
  rejected: object({
    chain: text,
    transaction: text,
    transfer: optional(count),
    asset: optional(text),
    reason: oneOf('failed', 'zero', 'lookAlike'),
    detail: text,
  }),
  gaps: object({ kind: text, where: text, amount: optional(digits), detail: text }),
}

const HEAD: Readonly<Record<string, Shape>> = {
  schema: oneOf(REPORT_SCHEMA),
  engine: object({ name: text, version: text, sourceDigest: text }),
  case: text,
  request: record,
  journal: object({ file: oneOf('journal.ndjson.gz'), sha256, rows: count }),
}

/** A report's rows keep the index they have in the file, so that a finding can point to them. */
export interface Row<T> {
  readonly index: number
  readonly value: T
}

/** The rows of a report that hold to the format; those that do not have become findings. */
export interface ReportRows {
  readonly case: unknown
  readonly request: Readonly<Record<string, unknown>>
  readonly journal: Report['journal'] | undefined
  readonly rows: <K extends RowName>(name: K) => readonly Row<Report[K][number]>[]
}

export type RowName =
  | 'snapshots'
  | 'data'
  | 'tagPacks'
  | 'seeds'
  | 'endpoints'
  | 'services'
  | 'reach'
  | 'holdings'
  | 'conservation'
  | 'paths'
  | 'quantum'
  | 'sensitivity'
  | 'clusters'
  | 'conversions'
  | 'rejected'
  | 'gaps'

/** Proves the shape of report.json, row by row. */
export function readReport(value: unknown, findings: Findings): ReportRows {
  const problem = (pointer: string, expected: string, found: unknown): void =>
    findings.add('shape', 'report.json', pointer, expected, found)
  const report = isRecord(value) ? value : {}
  if (!isRecord(value)) problem('', 'an object', value)
  const proved = new Map<string, Row<unknown>[]>()
  for (const [name, shape] of Object.entries(ROWS)) {
    const rows: Row<unknown>[] = []
    const list = report[name]
    if (Array.isArray(list)) {
      for (let index = 0; index < list.length; index++) {
        if (shape(list[index], `/${name}/${index}`, problem)) rows.push({ index, value: list[index] })
      }
    } else problem(`/${name}`, 'an array', list)
    proved.set(name, rows)
  }
  const head = new Map<string, boolean>()
  for (const [name, shape] of Object.entries(HEAD)) head.set(name, shape(report[name], `/${name}`, problem))
  for (const name of Object.keys(report)) {
    if (!Object.hasOwn(ROWS, name) && !Object.hasOwn(HEAD, name)) problem(`/${name}`, 'no such member', report[name])
  }
  return {
    case: report.case,
    request: isRecord(report.request) ? report.request : {},
    journal: head.get('journal') === true ? (report.journal as Report['journal']) : undefined,
    rows: <K extends RowName>(name: K) => proved.get(name) as readonly Row<Report[K][number]>[],
  }
}
