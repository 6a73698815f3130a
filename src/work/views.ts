import { readFile, stat } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { Fault } from '../faults.ts'
import type { Report } from '../report/format.ts'
import { gexfOf, type PathsView, pathsOf, type ShortestView, shortestOf } from '../report/report-views.ts'
import { findPathsInFiles, type PathAnswer, type PathQuery } from './find-paths.ts'

/** The largest report that is parsed whole to be queried; a larger one is to be downloaded. */
export const REPORT_BYTES_MAX = 256 * 1024 * 1024

/** A question to a finished report. `file` is its path; a finished report never changes. */
export type ViewRequest =
  | {
      readonly kind: 'paths'
      readonly file: string
      readonly seed: string | undefined
      readonly endpoint: string | undefined
      /** Where to go on: how many of the report's paths to pass over. */
      readonly from: number
      readonly limit: number
    }
  | { readonly kind: 'gexf'; readonly file: string }
  | {
      /** A question to the service's own ledgers rather than to a report. */
      readonly kind: 'search'
      readonly query: PathQuery
      readonly ledgers: readonly string[]
      readonly tags: readonly string[]
    }
  | { readonly kind: 'shortest'; readonly file: string; readonly seed: string; readonly service: string }

export interface ViewAnswers {
  readonly paths: PathsView
  readonly gexf: string
  readonly search: PathAnswer
  readonly shortest: ShortestView
}

const parsed = new LRUCache<string, Report>({ maxSize: REPORT_BYTES_MAX, max: 8 })

/** Answers a question to a report. Faults: NOT_FOUND for a seed or service the report does not have, LIMIT_EXCEEDED. */
export async function answerView(view: ViewRequest): Promise<ViewAnswers[ViewRequest['kind']]> {
  if (view.kind === 'search') return findPathsInFiles(view.query, view)
  const report = await readReport(view.file)
  if (view.kind === 'paths') return pathsOf(report, view)
  if (view.kind === 'gexf') return gexfOf(report)
  return shortestOf(report, view.seed, view.service)
}

async function readReport(file: string): Promise<Report> {
  const held = parsed.get(file)
  if (held) return held
  const { size } = await stat(file)
  if (size > REPORT_BYTES_MAX) {
    throw new Fault(
      'LIMIT_EXCEEDED',
      `the report has ${size} bytes, queries end at ${REPORT_BYTES_MAX}; download report.json`,
    )
  }
  // Our own file, written whole and checked against its hash when the trace finished.
  const report = JSON.parse(await readFile(file, 'utf8')) as Report
  parsed.set(file, report, { size: Math.max(1, size) })
  return report
}
