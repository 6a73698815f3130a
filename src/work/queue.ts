import { createHash, randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../faults.ts'
import { BUNDLE_FILES } from '../report/format.ts'
import { type BundleFile, isFinal, type Records, type TraceProgress, type TraceRecord } from '../store/records.ts'
import type { RunResult } from './run.ts'
import type { TraceRunner } from './runner.ts'
import { asFault } from './threads.ts'

/** A trace begun this often without coming to an end brings the service down; it is not begun again. */
export const ATTEMPTS_MAX = 3

/** Between two progress events of one trace. */
const PROGRESS_MS = 250

export interface QueueOptions {
  readonly records: Records
  readonly runner: TraceRunner
  /** Data directory: bundles in `traces/<id>/`, unfinished ones in `work/`. */
  readonly data: string
  readonly ledgers: readonly string[]
  readonly tags: readonly string[]
  /** A store whose claims count beside the tag files. */
  readonly claims?: string | undefined
  readonly concurrency: number
  readonly queueMax: number
  readonly traceTimeoutMs: number
  readonly host: string | null
  readonly now: () => Date
  /** Told of failures that are ours, with the trace's id; never of requests. */
  readonly failed: (id: string, error: unknown) => void
  /** Told of each trace that came to a final state. */
  readonly ended?: (record: TraceRecord) => void
}

export interface Posted {
  readonly request: {
    readonly case?: string
    readonly method: { readonly primary: string }
    readonly seeds: readonly unknown[]
  }
  readonly by: TraceRecord['by']
  readonly idempotencyKey: string | undefined
}

type StopReason = 'cancel' | 'time' | 'close'

class Stopped extends Error {
  readonly why: StopReason
  constructor(why: StopReason) {
    super(`the trace was stopped: ${why}`)
    this.why = why
  }
}

interface Running {
  readonly abort: AbortController
  readonly ended: Promise<void>
}

/**
 * The traces of a service: waiting in the order in which they came, a few running at a time, each remembered in the
 * records at every step. Whatever is not final when the process ends, however it ends, is begun again by `start`.
 */
export class TraceQueue {
  private readonly options: QueueOptions
  private readonly waiting: string[] = []
  private readonly running = new Map<string, Running>()
  private readonly changes = new EventEmitter().setMaxListeners(0)
  private closing = false
  private lastStamp = 0

  constructor(options: QueueOptions) {
    this.options = options
  }

  /** Clears what an earlier process left unfinished, and begins again. */
  async start(): Promise<void> {
    const { records, data } = this.options
    await rm(join(data, 'work'), { recursive: true, force: true })
    await mkdir(join(data, 'work'), { recursive: true })
    await mkdir(join(data, 'traces'), { recursive: true })
    // A bundle whose trace is not done was moved into place just before the process ended: it is traced again.
    for (const name of await readdir(join(data, 'traces'))) {
      if (records.get(name)?.state !== 'done') await rm(join(data, 'traces', name), { recursive: true, force: true })
    }
    for (const record of records.unfinished()) {
      if (record.attempts >= ATTEMPTS_MAX) {
        const detail = `the service ended ${record.attempts} times while this trace ran; it is not begun again`
        await this.finish(record.id, 'failed', { problem: { code: 'INTERNAL', detail } })
        continue
      }
      if (record.state === 'running') await this.requeue(record.id)
      this.waiting.push(record.id)
    }
    this.next()
  }

  /** Accepts a trace: on disk when this resolves. Faults QUEUE_FULL, CONFLICT, STORE_UNAVAILABLE. */
  async post(posted: Posted): Promise<{ record: TraceRecord; created: boolean }> {
    if (this.closing) throw new Fault('STORE_UNAVAILABLE', 'the service is closing; post again when it is back')
    const { records, queueMax, now } = this.options
    const { request, by, idempotencyKey } = posted
    const idempotency =
      idempotencyKey === undefined ? undefined : { owner: by.key, key: idempotencyKey, digest: digest(request) }
    const full = this.waiting.length >= queueMax && this.running.size >= this.options.concurrency
    // A repeated post of an accepted trace is answered even when nothing new can be accepted.
    if (full && !(idempotency && records.remembers(idempotency))) {
      throw new Fault('QUEUE_FULL', `${this.waiting.length} traces wait already; post again later`)
    }
    const at = now()
    const draft = {
      id: this.newId(at),
      case: request.case ?? null,
      method: request.method.primary,
      seeds: request.seeds.length,
      by,
      createdAt: at.toISOString(),
    }
    const { record, created } = await records.create(draft, request, idempotency)
    if (created) {
      this.waiting.push(record.id)
      this.next()
    }
    return { record, created }
  }

  /** Stops a trace for good; resolves when nothing of it runs any more. Faults NOT_FOUND, CONFLICT. */
  async cancel(id: string): Promise<TraceRecord> {
    const { records } = this.options
    const place = this.waiting.indexOf(id)
    if (place >= 0) {
      this.waiting.splice(place, 1)
      await this.finish(id, 'cancelled', {})
    }
    const running = this.running.get(id)
    if (running) {
      running.abort.abort(new Stopped('cancel'))
      await running.ended
    }
    const record = records.get(id)
    if (!record) throw new Fault('NOT_FOUND', `there is no trace ${id}`)
    if (record.state !== 'cancelled')
      throw new Fault('CONFLICT', `the trace is ${record.state}; only a queued or running one can be cancelled`)
    return record
  }

  /** Calls `listener` after each event of a trace; answers with a function that ends that. */
  watch(id: string, listener: () => void): () => void {
    this.changes.on(id, listener)
    return () => this.changes.off(id, listener)
  }

  /** Calls `listener` once when the queue begins to close. */
  onClose(listener: () => void): () => void {
    this.changes.once('close', listener)
    return () => this.changes.off('close', listener)
  }

  get counts(): { readonly queued: number; readonly running: number } {
    return { queued: this.waiting.length, running: this.running.size }
  }

  /** Where a finished bundle's file lies. */
  file(id: string, name: string): string {
    return join(this.options.data, 'traces', id, name)
  }

  /** Stops what runs and leaves it queued for the next start. */
  async close(): Promise<void> {
    this.closing = true
    this.changes.emit('close')
    for (const { abort } of this.running.values()) abort.abort(new Stopped('close'))
    await Promise.all([...this.running.values()].map((running) => running.ended))
    await this.options.runner.close()
  }

  private next(): void {
    while (!this.closing && this.running.size < this.options.concurrency && this.waiting.length > 0) {
      const id = this.waiting.shift()!
      const abort = new AbortController()
      const ended = this.work(id, abort).finally(() => {
        this.running.delete(id)
        this.next()
      })
      this.running.set(id, { abort, ended })
    }
  }

  /** One trace from `running` to its end. Never rejects: whatever happens is the trace's state. */
  private async work(id: string, abort: AbortController): Promise<void> {
    const { records, runner, data, ledgers, tags, claims, traceTimeoutMs, host, now, failed } = this.options
    const room = join(data, 'work', id)
    const timer = setTimeout(() => abort.abort(new Stopped('time')), traceTimeoutMs)
    try {
      const startedAt = now().toISOString()
      const record = await this.change(id, 'state', (before) =>
        before.state === 'queued' ? { state: 'running', startedAt, attempts: before.attempts + 1 } : undefined,
      )
      if (!record) return
      abort.signal.throwIfAborted()
      await mkdir(room, { recursive: true })
      const job = {
        request: records.request(id),
        ledgers,
        tags,
        ...(claims === undefined ? {} : { claims }),
        out: join(room, 'bundle'),
        run: { by: record.by.name, startedAt, host },
      }
      const result = await runner.run(job, { signal: abort.signal, progress: this.progressOf(id) })
      const files = await listFiles(job.out)
      abort.signal.throwIfAborted()
      await rename(job.out, join(data, 'traces', id))
      await rm(room, { recursive: true, force: true })
      await this.finish(id, 'done', { result: { ...pick(result), files } })
    } catch (error) {
      await this.settle(id, abort.signal.aborted ? abort.signal.reason : error).catch((cause) => failed(id, cause))
    } finally {
      clearTimeout(timer)
      await rm(room, { recursive: true, force: true }).catch((cause) => failed(id, cause))
    }
  }

  private async settle(id: string, error: unknown): Promise<void> {
    if (error instanceof Stopped && error.why === 'close') return this.requeue(id)
    if (error instanceof Stopped && error.why === 'cancel') return this.finish(id, 'cancelled', {})
    const limit = `the trace ran longer than ${this.options.traceTimeoutMs / 1000} s; narrow it with \`limits\``
    const fault = error instanceof Stopped ? new Fault('TIME_LIMIT', limit) : asFault(error)
    if (fault.code === 'INTERNAL' || fault.cause !== undefined) this.options.failed(id, fault.cause ?? fault)
    return this.finish(id, 'failed', { problem: { code: fault.code, detail: fault.detail } })
  }

  /** Back to the queue; being stopped by us is not an attempt that failed. */
  private async requeue(id: string): Promise<void> {
    const back = this.closing ? 1 : 0
    await this.change(id, 'state', (before) => ({
      state: 'queued',
      startedAt: null,
      progress: null,
      attempts: before.attempts - back,
    }))
  }

  private async finish(
    id: string,
    state: 'done' | 'failed' | 'cancelled',
    more: Pick<Partial<TraceRecord>, 'problem' | 'result'>,
  ): Promise<void> {
    await this.change(id, 'state', () => ({ ...more, state, finishedAt: this.options.now().toISOString() }))
  }

  private async change(
    id: string,
    kind: 'state' | 'progress',
    change: (before: TraceRecord) => Partial<TraceRecord> | undefined,
  ): Promise<TraceRecord | undefined> {
    const changed = await this.options.records.update(id, kind, change)
    if (changed) this.changes.emit(id)
    if (changed && isFinal(changed.state)) this.options.ended?.(changed)
    return changed
  }

  /** Writes progress to the records a few times a second at most; the last word of a stage may be skipped, a new stage never. */
  private progressOf(id: string): (progress: TraceProgress) => void {
    let last = Number.NEGATIVE_INFINITY
    let stage = ''
    return ({ stage: name, done, total }) => {
      if (name === stage && performance.now() - last < PROGRESS_MS) return
      stage = name
      last = performance.now()
      const progress = { stage: name, done, total }
      this.change(id, 'progress', (before) => (before.state === 'running' ? { progress } : undefined)).catch((error) =>
        this.options.failed(id, error),
      )
    }
  }

  /** 48 bits of time and 80 of chance in Crockford's base 32: sorts by time, strictly so within one process. */
  private newId(at: Date): string {
    this.lastStamp = Math.max(at.getTime(), this.lastStamp + 1)
    const digits = '0123456789abcdefghjkmnpqrstvwxyz'
    let number = (BigInt(this.lastStamp) << 80n) | BigInt(`0x${randomBytes(10).toString('hex')}`)
    let id = ''
    for (let place = 0; place < 26; place++, number >>= 5n) id = digits[Number(number & 31n)] + id
    return id
  }
}

function digest(request: unknown): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex')
}

function pick({ reportSha256, balanced, summary }: RunResult) {
  return { reportSha256, balanced, summary }
}

/** The files of a bundle with their hashes as its manifest says; a bundle that lacks one was not written whole. */
async function listFiles(directory: string): Promise<BundleFile[]> {
  const bytes = await readFile(join(directory, 'manifest.json'))
  const manifest: unknown = JSON.parse(bytes.toString('utf8'))
  const listed = new Map<string, BundleFile>()
  const rows = typeof manifest === 'object' && manifest !== null && 'files' in manifest ? manifest.files : undefined
  for (const row of Array.isArray(rows) ? rows : []) {
    const { name, sha256, bytes: size } = row as Partial<Record<string, unknown>>
    if (typeof name === 'string' && typeof sha256 === 'string' && typeof size === 'number') {
      listed.set(name, { name, sha256, bytes: size })
    }
  }
  for (const name of BUNDLE_FILES) {
    const file = listed.get(name)
    if (!file || !existsSync(join(directory, name)) || (await stat(join(directory, name))).size !== file.bytes) {
      throw new Error(`the bundle's ${name} is missing, or not as its manifest says`)
    }
  }
  const own = { name: 'manifest.json', sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }
  return [...BUNDLE_FILES.map((name) => listed.get(name)!), own].sort((a, b) => (a.name < b.name ? -1 : 1))
}
