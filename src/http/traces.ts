import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '../faults.ts'
import type { Records, TraceRecord, TraceState } from '../store/records.ts'
import type { Posted, TraceQueue } from '../work/queue.ts'
import { streamEvents } from './events.ts'
import { type Language, toProblem } from './problems.ts'
import type { Handlers } from './routes.ts'

export interface TraceDeps {
  readonly records: Records
  readonly queue: TraceQueue
  /** The engine's own check of a request, as far as it needs no ledger: checksums, names, windows. Throws faults. */
  readonly checkRequest: (request: unknown) => void
  readonly heartbeatMs: number
  readonly streamsMax: number
}

/** Starting, watching and cancelling traces. */
export function traceHandlers(deps: TraceDeps): Handlers {
  const { records, queue } = deps
  let streams = 0

  return {
    async postTrace(request, reply) {
      const body = request.body as Posted['request']
      deps.checkRequest(body)
      const idempotencyKey = request.headers['idempotency-key'] as string | undefined
      const { key, name } = request.principal!
      const { record } = await queue.post({ request: body, by: { key, name }, idempotencyKey })
      return reply.code(202).header('location', `/v1/traces/${record.id}`).send(toTrace(record, request.language))
    },

    async listTraces(request) {
      const { cursor, limit, state } = request.query as { cursor?: string; limit: number; state?: TraceState }
      if (cursor !== undefined && !records.get(cursor))
        throw new Fault('REQUEST_INVALID', 'query cursor: is not one that this service gave')
      const { records: page, more } = records.list({ before: cursor, limit, state })
      return { traces: page.map((record) => toTrace(record, request.language)), next: more ? page.at(-1)!.id : null }
    },

    async getTrace(request) {
      return toTrace(getRecord(records, request), request.language)
    },

    async cancelTrace(request) {
      const { id } = getRecord(records, request)
      return toTrace(await queue.cancel(id), request.language)
    },

    async streamEvents(request, reply) {
      const { id } = getRecord(records, request)
      if (streams >= deps.streamsMax)
        throw new Fault('RATE_LIMITED', `${streams} event streams are open; poll instead, or come later`)
      streams += 1
      const gone = new AbortController()
      const after = Number(request.headers['last-event-id'] ?? 0)
      const events = streamEvents({
        ...{ records, queue, id, after },
        ...{ heartbeatMs: deps.heartbeatMs, language: request.language, signal: gone.signal },
      })
      const stream = Readable.from(events, { objectMode: false })
      // `close` comes whether the stream was read to its end or its reader went away.
      stream.once('close', () => {
        streams -= 1
        gone.abort()
      })
      request.raw.once('close', () => request.raw.destroyed && gone.abort())
      return sendStream(reply, stream)
    },
  }
}

function sendStream(reply: FastifyReply, stream: Readable): FastifyReply {
  reply.raw.once('close', () => stream.destroy())
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .send(stream)
}

/** The trace a request names. Fault NOT_FOUND. */
export function getRecord(records: Records, request: FastifyRequest): TraceRecord {
  const { id } = request.params as { id: string }
  const record = records.get(id)
  if (!record) throw new Fault('NOT_FOUND', 'there is no trace of this id')
  return record
}

/** A record as the contract's `Trace`. */
export function toTrace(record: TraceRecord, language: Language): Record<string, unknown> {
  const { id, state, seeds, method, createdAt, startedAt, finishedAt, attempts, progress, problem, result } = record
  const told = problem && toProblem(problem, `urn:proceeds:trace:${id}`, language)
  const summed = result && { reportSha256: result.reportSha256, balanced: result.balanced, ...result.summary }
  const times = { createdAt, startedAt, finishedAt }
  return {
    id,
    state,
    case: record.case,
    method,
    seeds,
    by: record.by.name,
    ...times,
    attempts,
    progress,
    problem: told,
    result: summed,
  }
}
