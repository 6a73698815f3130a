import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '../faults.ts'
import type { BundleFile, Records, TraceRecord } from '../store/records.ts'
import type { TraceQueue } from '../work/queue.ts'
import type { ViewRunner } from '../work/view-runner.ts'
import type { Handlers } from './routes.ts'
import { getRecord } from './traces.ts'

export interface ResultDeps {
  readonly records: Records
  readonly queue: TraceQueue
  readonly views: ViewRunner
  /** The files that every trace of this service reads, which path searches read too. */
  readonly ledgers: readonly string[]
  readonly tags: readonly string[]
}

/** Which file of a bundle an operation hands out, and as what. */
const FILES = {
  getReport: { name: 'report.json', type: 'application/json; charset=utf-8' },
  getEndpoints: { name: 'endpoints.csv', type: 'text/csv; charset=utf-8' },
  getJournal: { name: 'journal.ndjson.gz', type: 'application/gzip' },
  getCertificates: { name: 'certificates.ndjson.gz', type: 'application/gzip' },
  getLedger: { name: 'ledger.ndjson.gz', type: 'application/gzip' },
  getTags: { name: 'tags.csv', type: 'text/csv; charset=utf-8' },
  getFlow: { name: 'flow.svg', type: 'image/svg+xml; charset=utf-8' },
  getManifest: { name: 'manifest.json', type: 'application/json; charset=utf-8' },
  getRequest: { name: 'request.json', type: 'application/json; charset=utf-8' },
  getRun: { name: 'run.json', type: 'application/json; charset=utf-8' },
} as const

/** A picture may style itself and nothing more: labels in it come from tags, which come from outside. */
const FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox"

/** The bundle of a finished trace, and views of its report. */
export function resultHandlers({ records, queue, views, ledgers, tags }: ResultDeps): Handlers {
  const sendFile = async (request: FastifyRequest, reply: FastifyReply, name: string, type: string) => {
    const record = getFinished(records, request)
    const file = record.result.files.find((each) => each.name === name)
    if (!file) throw new Error(`a finished trace has no ${name}`)
    const etag = `"${file.sha256}"`
    if (isHeld(request, etag)) return reply.code(304).header('etag', etag).send()
    const handle = await open(queue.file(record.id, name)).catch((cause) => {
      throw new Error(`${name} of trace ${record.id} is gone from the data directory`, { cause })
    })
    if ((await handle.stat()).size !== file.bytes) {
      await handle.close()
      throw new Error(`${name} of trace ${record.id} was changed in the data directory`)
    }
    return reply
      .header('etag', etag)
      .header('cache-control', 'private, no-cache')
      .header('content-type', type)
      .header('content-length', file.bytes)
      .header('content-disposition', `inline; filename="${record.id}-${name}"`)
      .header('content-security-policy', FILE_POLICY)
      .send(handle.createReadStream())
  }

  const files: Handlers = {}
  for (const [operation, { name, type }] of Object.entries(FILES)) {
    files[operation] = (request, reply) => sendFile(request, reply, name, type)
  }

  return {
    ...files,

    async listBundle(request) {
      const record = getFinished(records, request)
      const href = (file: BundleFile) => `/v1/traces/${record.id}/${file.name}`
      return { trace: record.id, files: record.result.files.map((file) => ({ ...file, href: href(file) })) }
    },

    async listPaths(request) {
      const record = getFinished(records, request)
      const { seed, endpoint, cursor, limit } = request.query as Partial<Record<string, string>> & { limit: number }
      const from = readCursor(cursor)
      const file = queue.file(record.id, 'report.json')
      const { paths, complete, next } = await views.ask<'paths'>({ kind: 'paths', file, seed, endpoint, from, limit })
      return { paths, complete, next: next === undefined ? null : `p${next}` }
    },

    async getGraph(request, reply) {
      const record = getFinished(records, request)
      const etag = `"${createHash('sha256').update(`gexf ${record.result.reportSha256}`).digest('hex')}"`
      if (isHeld(request, etag)) return reply.code(304).header('etag', etag).send()
      const gexf = await views.ask<'gexf'>({ kind: 'gexf', file: queue.file(record.id, 'report.json') })
      return reply
        .header('etag', etag)
        .header('cache-control', 'private, no-cache')
        .header('content-type', 'application/gexf+xml; charset=utf-8')
        .header('content-disposition', `inline; filename="${record.id}-graph.gexf"`)
        .send(gexf)
    },

    async searchPaths(request) {
      const query = request.query as Record<string, string | number>
      if (ledgers.length === 0) throw new Fault('NOT_FOUND', 'this service was started without a ledger to search')
      return views.ask<'search'>({
        kind: 'search',
        query: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])),
        ledgers,
        tags,
      })
    },

    async findShortest(request) {
      const record = getFinished(records, request)
      const { seed, service } = request.query as { seed: string; service: string }
      return views.ask<'shortest'>({ kind: 'shortest', file: queue.file(record.id, 'report.json'), seed, service })
    },
  }
}

function getFinished(
  records: Records,
  request: FastifyRequest,
): TraceRecord & { result: NonNullable<TraceRecord['result']> } {
  const record = getRecord(records, request)
  const { result, state } = record
  if (result) return { ...record, result }
  const why = state === 'queued' || state === 'running' ? 'come back when it is done' : 'it never will have a result'
  throw new Fault('NOT_READY', `the trace is ${state}; ${why}`)
}

/** Whether the caller's copy is the same: weak comparison, a list, or `*` (RFC 9110, 13.1.2). */
function isHeld(request: FastifyRequest, etag: string): boolean {
  const held = request.headers['if-none-match']
  if (held === undefined) return false
  return held.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === etag)
}

function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  const place = /^p([0-9]{1,15})$/.exec(cursor)?.[1]
  if (place === undefined) throw new Fault('REQUEST_INVALID', 'query cursor: is not one that this service gave')
  return Number(place)
}
