import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { Fault, type FaultCode } from '../faults.ts'

/** `queued` and `running` traces are begun again after a restart; the other three are final. */
export const TRACE_STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const
export type TraceState = (typeof TRACE_STATES)[number]

export function isFinal(state: TraceState): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}

export interface TraceProgress {
  readonly stage: string
  readonly done: number
  readonly total: number | null
}

/** Why a trace failed, as the caller may read it. */
export interface TraceProblem {
  readonly code: FaultCode
  readonly detail: string
}

/** A file of a finished bundle; `manifest.json` is among them. */
export interface BundleFile {
  readonly name: string
  readonly sha256: string
  readonly bytes: number
}

export interface TraceResult {
  readonly reportSha256: string
  readonly balanced: boolean
  readonly summary: { readonly endpoints: number; readonly holdings: number; readonly gaps: number }
  readonly files: readonly BundleFile[]
}

/** A trace as the service remembers it. Times are ISO 8601. The request lies beside it, so that lists stay light. */
export interface TraceRecord {
  readonly id: string
  readonly state: TraceState
  readonly case: string | null
  readonly method: string
  readonly seeds: number
  /** Name and id of the key that posted it; both null where the service has no keys. */
  readonly by: { readonly key: string | null; readonly name: string | null }
  readonly createdAt: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
  readonly attempts: number
  readonly progress: TraceProgress | null
  readonly problem: TraceProblem | null
  readonly result: TraceResult | null
  /** How many events were written; the next has this plus one as its id. */
  readonly events: number
}

export interface TraceEvent {
  /** Counts from 1 within a trace. */
  readonly id: number
  readonly kind: 'state' | 'progress'
  readonly state: TraceState
  readonly progress: TraceProgress | null
  readonly problem: TraceProblem | null
}

/** A bearer key without its secret: only the secret's hash is kept. */
export interface KeyRecord {
  readonly id: string
  readonly name: string
  readonly role: KeyRole
  /** SHA-256 of the secret, hex. */
  readonly hash: string
  readonly createdAt: string
  readonly revokedAt: string | null
}

export const KEY_ROLES = ['viewer', 'investigator'] as const
export type KeyRole = (typeof KEY_ROLES)[number]

/** A post that names itself, so that a repeated post starts nothing. */
export interface Idempotency {
  readonly owner: string | null
  readonly key: string
  /** SHA-256 of the body; another body under the same name is a fault CONFLICT. */
  readonly digest: string
}

/** Progress events older than this many are forgotten; state events stay. */
export const PROGRESS_EVENTS_KEPT = 1000

interface Remembered {
  readonly trace: string
  readonly digest: string
}

type Draft = Omit<
  TraceRecord,
  'state' | 'startedAt' | 'finishedAt' | 'attempts' | 'progress' | 'problem' | 'result' | 'events'
>

/**
 * Traces, their events and the keys, in one LMDB environment: other processes (`proceeds keys`) may read and write it
 * while the service runs. What a promise of this class resolves is on disk.
 */
export class Records {
  private readonly root: RootDatabase
  private readonly traces: Database<TraceRecord, string>
  /** Ids by state, so that neither a list of one state nor a start reads every trace there ever was. */
  private readonly states: Database<true, [string, string]>
  private readonly requests: Database<unknown, string>
  private readonly eventLog: Database<TraceEvent, [string, number]>
  private readonly idempotency: Database<Remembered, string[]>
  private readonly keyBook: Database<KeyRecord, string>

  /** Opens or makes the records in `directory/records`. Fault STORE_UNAVAILABLE where that cannot be. */
  constructor(directory: string) {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      this.root = open({ path: join(directory, 'records'), encoding: 'json', maxDbs: 12, noSubdir: false })
      const named = <V, K extends string | [string, number] | string[]>(name: string) =>
        this.root.openDB<V, K>({ name, encoding: 'json' })
      this.traces = named('traces')
      this.states = named('states')
      this.requests = named('requests')
      this.eventLog = named('events')
      this.idempotency = named('idempotency')
      this.keyBook = named('keys')
    } catch (cause) {
      throw new Fault('STORE_UNAVAILABLE', `the records under ${directory} cannot be opened: ${String(cause)}`, {
        cause,
      })
    }
  }

  /** Adds a queued trace, or finds the one that the same post made before. Durable when it resolves. */
  async create(
    draft: Draft,
    request: unknown,
    idempotency: Idempotency | undefined,
  ): Promise<{ record: TraceRecord; created: boolean }> {
    const record: TraceRecord = {
      ...draft,
      state: 'queued',
      startedAt: null,
      finishedAt: null,
      attempts: 0,
      progress: null,
      problem: null,
      result: null,
      events: 1,
    }
    const answer = await this.commit(() => {
      const place = idempotency && [idempotency.owner ?? '', idempotency.key]
      const before = place && this.idempotency.get(place)
      if (before && idempotency) {
        const first = this.traces.get(before.trace)
        return first && before.digest === idempotency.digest ? { record: first, created: false } : undefined
      }
      this.traces.put(record.id, record)
      this.states.put(['queued', record.id], true)
      this.requests.put(record.id, request)
      this.eventLog.put([record.id, 1], { id: 1, kind: 'state', state: 'queued', progress: null, problem: null })
      if (place && idempotency) this.idempotency.put(place, { trace: record.id, digest: idempotency.digest })
      return { record, created: true }
    })
    if (!answer) {
      throw new Fault(
        'CONFLICT',
        'this Idempotency-Key was used before with another body; use a new one for a new request',
      )
    }
    return answer
  }

  /**
   * Changes a trace and writes an event of the change; undefined where there is no such trace or `change` declines by
   * answering undefined. `change` sees what is on disk and nothing comes between.
   */
  update(
    id: string,
    kind: TraceEvent['kind'],
    change: (record: TraceRecord) => Partial<TraceRecord> | undefined,
  ): Promise<TraceRecord | undefined> {
    return this.commit(() => {
      const record = this.traces.get(id)
      const changes = record && change(record)
      if (!record || !changes) return undefined
      const changed: TraceRecord = { ...record, ...changes, id, events: record.events + 1 }
      const { state, progress, problem, events } = changed
      this.traces.put(id, changed)
      if (state !== record.state) {
        this.states.remove([record.state, id])
        this.states.put([state, id], true)
      }
      this.eventLog.put([id, events], { id: events, kind, state, progress, problem })
      const old: [string, number] = [id, events - PROGRESS_EVENTS_KEPT]
      if (this.eventLog.get(old)?.kind === 'progress') this.eventLog.remove(old)
      return changed
    })
  }

  /** Whether a post of this name was accepted before. */
  remembers(idempotency: Idempotency): boolean {
    return this.idempotency.doesExist([idempotency.owner ?? '', idempotency.key])
  }

  get(id: string): TraceRecord | undefined {
    return this.traces.get(id)
  }

  request(id: string): unknown {
    return this.requests.get(id)
  }

  /** Newest first, `limit` at most, before (older than) the trace `before`. */
  list(page: { before: string | undefined; limit: number; state: TraceState | undefined }): {
    records: TraceRecord[]
    more: boolean
  } {
    const { before, limit, state } = page
    const records: TraceRecord[] = []
    for (const id of state === undefined ? this.idsBackwards(before) : this.idsOf(state, before)) {
      if (id === before) continue
      if (records.length === limit) return { records, more: true }
      const record = this.traces.get(id)
      if (record) records.push(record)
    }
    return { records, more: false }
  }

  private *idsBackwards(before: string | undefined): Generator<string> {
    yield* this.traces.getKeys({ reverse: true, ...(before === undefined ? {} : { start: before }) })
  }

  private *idsOf(state: TraceState, before: string | undefined): Generator<string> {
    // Ids are digits and lower-case letters; `~` comes after them all.
    const range = { reverse: true, start: [state, before ?? '~'], end: [state, ''] } as const
    for (const [, id] of this.states.getKeys(range as never)) yield id
  }

  /** Traces that are not final, oldest first. */
  unfinished(): TraceRecord[] {
    const ids = [...this.idsOf('queued', undefined), ...this.idsOf('running', undefined)].sort()
    return ids.map((id) => this.traces.get(id)).filter((record) => record !== undefined)
  }

  /** Events after an id, in order. */
  events(id: string, after: number): TraceEvent[] {
    return [...this.eventLog.getRange({ start: [id, after + 1], end: [id, Number.MAX_SAFE_INTEGER] })].map(
      (e) => e.value,
    )
  }

  key(id: string): KeyRecord | undefined {
    return this.keyBook.get(id)
  }

  keys(): KeyRecord[] {
    return [...this.keyBook.getRange({})].map((entry) => entry.value)
  }

  /** Whether a key was ever made, revoked or not: from then on the service asks everyone for one. */
  hasKeys(): boolean {
    for (const _ of this.keyBook.getRange({ limit: 1 })) return true
    return false
  }

  /** Durable when it resolves. */
  async putKey(key: KeyRecord): Promise<void> {
    await this.commit(() => {
      this.keyBook.put(key.id, key)
    })
  }

  async close(): Promise<void> {
    await this.root.close()
  }

  private async commit<T>(action: () => T): Promise<T> {
    const answer = await this.root.transaction(action)
    await this.root.flushed
    return answer
  }
}
