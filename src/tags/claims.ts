/**
 * The claim store: who said what about an address, when we came to know it, on what evidence, and who took it back.
 * Nothing is ever changed or removed. A claim is known by the hash of its content, so the same claim a million times is
 * one; a retraction is a further record with its reason; and the store answers as of any day, so that a report of last
 * year can be made again from what was known then.
 */
import { hash } from 'node:crypto'
import type { Chain } from '../../graph/index.ts'
import { canonicalAddress, explainAddress } from '../chains/address.ts'
import { Fault } from '../faults.ts'
import { standsAt } from './book.ts'
import { stopOfCategory } from './categories.ts'
import { compareTags, type StopSink, type Tag } from './tag.ts'
import { formatTime, parseTime } from './time.ts'

/** A copy of the source as it was seen: where, when (seconds since the epoch), and the SHA-256 of the bytes kept. */
export interface Capture {
  readonly url: string
  readonly captured: number
  readonly sha256: string
}

/** What a claim says. `tag.confidence` is its source's grade, `tag.validFrom` and `validTo` when it counts. */
export interface ClaimContent {
  readonly tag: Tag
  readonly capture: Capture | undefined
}

/** What happened to a claim: it was made, taken back, or made again. `recorded` is when we came to know it. */
export interface ClaimEvent {
  readonly kind: 'claim' | 'retraction'
  readonly recorded: number
  /** On retractions: why, and who took it back. */
  readonly reason?: string
  readonly by?: string
}

/** A claim with its name and its life. */
export interface Claim extends ClaimContent {
  /** SHA-256 of the canonical content, in hexadecimal. */
  readonly id: string
  /** In the order in which they were recorded; the first is always `claim`. */
  readonly events: readonly ClaimEvent[]
}

/** Two or more claims about one address that cannot all be so. */
export interface ClaimConflict {
  readonly chain: Chain
  readonly address: string
  /** `entity`: they name different firms or persons. `sink`: they end a trace in different sinks. */
  readonly kind: 'entity' | 'sink'
  /** In canonical order. */
  readonly claims: readonly Claim[]
}

/** The end of the log: how many records it has, the hash of the last line, and when that was recorded. */
export interface LogHead {
  readonly records: number
  readonly hash: string
  readonly recorded: number
}

export const EMPTY_HEAD: LogHead = { records: 0, hash: '0'.repeat(64), recorded: Number.NEGATIVE_INFINITY }

/**
 * Where claims are kept: in memory or by LMDB. A table knows nothing of what claims mean. `write` runs all of its
 * callback or none of it, and has made it durable when it returns.
 */
export interface ClaimTable {
  get(id: string): Claim | undefined
  put(claim: Claim): void
  /** Ids of every claim about an address, in order of id. */
  idsOf(chain: Chain, address: string): readonly string[]
  /** Every claim, by chain, address and id. */
  all(): Iterable<Claim>
  count(): number
  head(): LogHead
  appendLine(line: string, head: LogHead): void
  /** The log, line by line from the first record. */
  lines(): Iterable<string>
  write(work: () => void): void
  close(): Promise<void>
}

const TAG_KEYS = ['address', 'category', 'chain', 'confidence', 'entity', 'evidence', 'label', 'source'] as const

/** A claim's content as JSON values, keys in code-unit order, what is missing undefined (so left out), times as ISO 8601. */
function contentJson({ tag, capture }: ClaimContent): Readonly<Record<string, unknown>> {
  return {
    address: tag.address,
    capture: capture && { captured: formatTime(capture.captured), sha256: capture.sha256, url: capture.url },
    category: tag.category,
    chain: tag.chain,
    confidence: tag.confidence,
    entity: tag.entity,
    evidence: tag.evidence,
    label: tag.label,
    source: tag.source,
    validFrom: tag.validFrom === undefined ? undefined : formatTime(tag.validFrom),
    validTo: tag.validTo === undefined ? undefined : formatTime(tag.validTo),
  }
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex')
}

/** The name of a claim: the SHA-256 of its canonical content. */
export function claimId(content: ClaimContent): string {
  return sha256(JSON.stringify(contentJson(content)))
}

/** Whether a claim stood, as far as was known at a moment (seconds since the epoch, inclusive). */
function stoodAt(claim: Claim, known: number): boolean {
  let stands = false
  for (const event of claim.events) {
    if (event.recorded > known) break
    stands = event.kind === 'claim'
  }
  return stands
}

/**
 * Claims over a table. `recorded` never goes back: a record earlier than the last one is refused (`CONFLICT`), or an
 * answer as of a day already given could change.
 */
export class ClaimStore {
  readonly #table: ClaimTable

  constructor(table: ClaimTable) {
    this.#table = table
  }

  /**
   * Records claims, all or none. One that stands already changes nothing; one that was taken back stands again from
   * here. Faults: `TAGS_INVALID` for an address, a capture or a window that does not hold; `CONFLICT` for time going back.
   */
  append(contents: Iterable<ClaimContent>, recorded: number): { readonly added: number; readonly known: number } {
    let added = 0
    let known = 0
    this.#table.write(() => {
      for (const content of contents) {
        checkContent(content)
        const id = claimId(content)
        const claim = this.#table.get(id)
        if (claim && claim.events[claim.events.length - 1].kind === 'claim') {
          known++
          continue
        }
        this.#log({ claim: contentJson(content), id, kind: 'claim' }, recorded)
        const event: ClaimEvent = { kind: 'claim', recorded }
        this.#table.put(
          claim
            ? { ...claim, events: [...claim.events, event] }
            : { id, tag: content.tag, capture: content.capture, events: [event] },
        )
        added++
      }
    })
    return { added, known }
  }

  /** Takes a claim back, with a reason and who says so. Faults: `NOT_FOUND`; `CONFLICT` where it does not stand; `TAGS_INVALID`. */
  retract(id: string, why: { readonly reason: string; readonly by: string }, recorded: number): void {
    if (why.reason.trim() === '' || why.by.trim() === '') {
      throw new Fault('TAGS_INVALID', `claim ${id}: a retraction needs a reason and who takes it back`)
    }
    this.#table.write(() => {
      const claim = this.#table.get(id)
      if (!claim) throw new Fault('NOT_FOUND', `there is no claim ${id}`)
      if (claim.events[claim.events.length - 1].kind === 'retraction') {
        throw new Fault('CONFLICT', `claim ${id} has been taken back already`)
      }
      this.#log({ by: why.by, id, kind: 'retraction', reason: why.reason }, recorded)
      const event: ClaimEvent = { kind: 'retraction', recorded, reason: why.reason, by: why.by }
      this.#table.put({ ...claim, events: [...claim.events, event] })
    })
  }

  /** A claim by its name, with its life; standing or not. */
  findClaim(id: string): Claim | undefined {
    return this.#table.get(id)
  }

  /** The claims about an address that stood as known at a moment; all that stand now where it is left out. Canonical order. */
  claimsOf(chain: Chain, address: string, known: number = Number.POSITIVE_INFINITY): readonly Claim[] {
    const claims: Claim[] = []
    for (const id of this.#table.idsOf(chain, address)) {
      const claim = this.#table.get(id)
      if (claim && stoodAt(claim, known)) claims.push(claim)
    }
    return claims.sort(compareClaims)
  }

  /** The tags of every claim that stood as known at a moment: what `buildTagBook` takes. */
  *tags(known: number = Number.POSITIVE_INFINITY): Generator<Tag> {
    for (const claim of this.#table.all()) if (stoodAt(claim, known)) yield claim.tag
  }

  /** What contradicts what about an address: claims that stood as known, and count at a time where one is given. */
  conflictsOf(
    chain: Chain,
    address: string,
    at: { readonly known?: number; readonly time?: number } = {},
  ): readonly ClaimConflict[] {
    const { time } = at
    const claims = this.claimsOf(chain, address, at.known).filter(
      ({ tag }) => time === undefined || standsAt(tag, time),
    )
    return conflictsAmong(chain, address, claims)
  }

  /** Every conflict of the store, address by address. Claims whose windows never meet do not contradict each other. */
  *conflicts(known: number = Number.POSITIVE_INFINITY): Generator<ClaimConflict> {
    let group: Claim[] = []
    const flush = (): readonly ClaimConflict[] =>
      group.length < 2 ? [] : conflictsAmong(group[0].tag.chain, group[0].tag.address, group.sort(compareClaims))
    for (const claim of this.#table.all()) {
      const [first] = group
      if (first && (first.tag.chain !== claim.tag.chain || first.tag.address !== claim.tag.address)) {
        yield* flush()
        group = []
      }
      if (stoodAt(claim, known)) group.push(claim)
    }
    yield* flush()
  }

  /** Where the log ends: by the hash of its last line a state of the store is named. */
  head(): LogHead {
    return this.#table.head()
  }

  /** How many claims there are, standing or not, and how many records made them. */
  count(): { readonly claims: number; readonly records: number } {
    return { claims: this.#table.count(), records: this.#table.head().records }
  }

  /**
   * The log as NDJSON, a record a line: `{"claim":{…},"id":…,"kind":"claim","previous":…,"recorded":…}` and
   * `{"by":…,"id":…,"kind":"retraction","previous":…,"reason":…,"recorded":…}`. `previous` is the SHA-256 of the line before
   * (64 zeros on the first), so a line that is changed, dropped or moved shows.
   */
  *lines(): Generator<string> {
    yield* this.#table.lines()
  }

  close(): Promise<void> {
    return this.#table.close()
  }

  #log(record: Readonly<Record<string, unknown>>, recorded: number): void {
    const head = this.#table.head()
    if (!Number.isSafeInteger(recorded)) throw new Fault('TAGS_INVALID', `${recorded} is not a whole number of seconds`)
    if (recorded < head.recorded) {
      throw new Fault(
        'CONFLICT',
        `a record of ${formatTime(recorded)} is earlier than the last one, of ${formatTime(head.recorded)}; the past stays`,
      )
    }
    const { claim, by, id, kind, reason } = record
    const line = JSON.stringify({ by, claim, id, kind, previous: head.hash, reason, recorded: formatTime(recorded) })
    this.#table.appendLine(line, { records: head.records + 1, hash: sha256(line), recorded })
  }
}

/**
 * Replays a log into an empty store and proves it on the way: each line's `previous`, each claim's name, each time.
 * Fault `TAGS_INVALID` with the line; what came before it is kept, so a torn end costs the torn line.
 */
export function replayClaims(lines: Iterable<string>, into: ClaimStore, name: string): void {
  if (into.count().records > 0) throw new Fault('CONFLICT', 'the store is not empty; replay a log into a new one')
  let number = 0
  let previous = EMPTY_HEAD.hash
  for (const text of lines) {
    number++
    const wrong = (what: string): Fault => new Fault('TAGS_INVALID', `${name} line ${number}: ${what}`)
    let record: Record<string, unknown>
    try {
      record = JSON.parse(text)
    } catch (cause) {
      throw new Fault('TAGS_INVALID', `${name} line ${number}: not JSON`, { cause })
    }
    if (typeof record !== 'object' || record === null) throw wrong('a record is an object')
    if (record.previous !== previous) throw wrong('the line before it is not the one it was written after')
    previous = sha256(text)
    const recorded = typeof record.recorded === 'string' ? parseTime(record.recorded) : undefined
    if (recorded === undefined) throw wrong('recorded is not a time')
    if (record.kind === 'claim') {
      const content = readContent(record.claim, wrong)
      if (claimId(content) !== record.id) throw wrong('the claim does not have the hash it is named by')
      if (into.append([content], recorded).added !== 1) throw wrong('the claim stands already')
    } else if (record.kind === 'retraction') {
      const { id, reason, by } = record
      if (typeof id !== 'string' || typeof reason !== 'string' || typeof by !== 'string') {
        throw wrong('a retraction has id, reason and by')
      }
      into.retract(id, { reason, by }, recorded)
    } else throw wrong(`kind ${JSON.stringify(record.kind)} is neither claim nor retraction`)
  }
}

const HASH = /^[0-9a-f]{64}$/

function checkContent({ tag, capture }: ClaimContent): void {
  const wrong = (what: string): Fault => new Fault('TAGS_INVALID', `${tag.chain} ${tag.address}: ${what}`)
  const canonical = canonicalAddress(tag.chain, tag.address)
  if (canonical === undefined) throw wrong(explainAddress(tag.chain, tag.address))
  if (canonical !== tag.address) throw wrong(`the canonical writing is ${canonical}`)
  for (const key of ['label', 'category', 'source'] as const) if (tag[key] === '') throw wrong(`${key} is empty`)
  if (tag.validFrom !== undefined && tag.validTo !== undefined && tag.validFrom >= tag.validTo) {
    throw wrong('the claim ends before it begins')
  }
  if (capture && (!HASH.test(capture.sha256) || capture.url === '' || !Number.isSafeInteger(capture.captured))) {
    throw wrong('a capture has a url, a time in whole seconds and the SHA-256 of what was kept')
  }
}

function readContent(value: unknown, wrong: (what: string) => Fault): ClaimContent {
  if (typeof value !== 'object' || value === null) throw wrong('claim is not an object')
  const fields = value as Readonly<Record<string, unknown>>
  const known = new Set<string>([...TAG_KEYS, 'validFrom', 'validTo', 'capture'])
  for (const key of Object.keys(fields))
    if (!known.has(key)) throw wrong(`${JSON.stringify(key)} is not a field of a claim`)
  const text = (key: string): string | undefined => {
    const found = fields[key]
    if (found !== undefined && typeof found !== 'string') throw wrong(`${key} is not text`)
    return found
  }
  const needed = (key: string): string => {
    const found = text(key)
    if (found === undefined) throw wrong(`${key} is missing`)
    return found
  }
  const time = (key: string, from: string | undefined): number | undefined => {
    const found = from === undefined ? undefined : parseTime(from)
    if (from !== undefined && found === undefined) throw wrong(`${key} is not a time`)
    return found
  }
  let capture: Capture | undefined
  if (fields.capture !== undefined) {
    const { url, captured, sha256: kept } = (fields.capture ?? {}) as Record<string, unknown>
    const when = time('captured', typeof captured === 'string' ? captured : '')
    if (typeof url !== 'string' || typeof kept !== 'string' || when === undefined) throw wrong('capture is not whole')
    capture = { url, captured: when, sha256: kept }
  }
  return {
    tag: {
      chain: needed('chain'),
      address: needed('address'),
      label: needed('label'),
      category: needed('category'),
      entity: text('entity'),
      source: needed('source'),
      confidence: text('confidence'),
      validFrom: time('validFrom', text('validFrom')),
      validTo: time('validTo', text('validTo')),
      evidence: text('evidence'),
    },
    capture,
  }
}

function compareClaims(left: Claim, right: Claim): number {
  return compareTags(left.tag, right.tag) || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0)
}

/** Whether two claims ever count at the same time. */
function windowsMeet(left: Tag, right: Tag): boolean {
  const from = Math.max(left.validFrom ?? Number.NEGATIVE_INFINITY, right.validFrom ?? Number.NEGATIVE_INFINITY)
  const to = Math.min(left.validTo ?? Number.POSITIVE_INFINITY, right.validTo ?? Number.POSITIVE_INFINITY)
  return from < to
}

/** The claims of one address that contradict another of them: by entity, and by sink. Compared in pairs, so in square time of the distinct answers. */
function conflictsAmong(chain: Chain, address: string, claims: readonly Claim[]): readonly ClaimConflict[] {
  const conflicts: ClaimConflict[] = []
  const says: readonly (readonly [ClaimConflict['kind'], (tag: Tag) => string | StopSink | undefined])[] = [
    ['entity', (tag) => tag.entity?.toLowerCase()],
    ['sink', (tag) => stopOfCategory(tag.category)],
  ]
  for (const [kind, answer] of says) {
    const answers = new Map<string, Claim[]>()
    for (const claim of claims) {
      const said = answer(claim.tag)
      if (said === undefined) continue
      const same = answers.get(said)
      if (same) same.push(claim)
      else answers.set(said, [claim])
    }
    if (answers.size < 2) continue
    const groups = [...answers.values()]
    const torn = claims.filter((claim) => {
      const own = answer(claim.tag)
      if (own === undefined) return false
      return groups.some(
        (group) => answer(group[0].tag) !== own && group.some((other) => windowsMeet(claim.tag, other.tag)),
      )
    })
    if (torn.length > 0) conflicts.push({ chain, address, kind, claims: torn })
  }
  return conflicts
}

/** Claims in memory: for tests, for one run, and for a log that is read whole. */
export function memoryClaimTable(): ClaimTable {
  let claims = new Map<string, Claim>()
  let byAddress = new Map<string, string[]>()
  let log: string[] = []
  let head = EMPTY_HEAD
  // What a failed write has to put back: the claims it touched, as they were.
  let undo: Map<string, Claim | undefined> | undefined
  const keyOf = ({ chain, address }: Tag): string => `${chain} ${address}`
  return {
    get: (id) => claims.get(id),
    put(claim) {
      const before = claims.get(claim.id)
      if (undo && !undo.has(claim.id)) undo.set(claim.id, before)
      claims.set(claim.id, claim)
      if (before) return
      const key = keyOf(claim.tag)
      const ids = byAddress.get(key)
      if (ids) ids.push(claim.id)
      else byAddress.set(key, [claim.id])
    },
    idsOf: (chain, address) => [...(byAddress.get(`${chain} ${address}`) ?? [])].sort(),
    *all() {
      for (const key of [...byAddress.keys()].sort()) {
        for (const id of [...(byAddress.get(key) ?? [])].sort()) yield claims.get(id) as Claim
      }
    },
    count: () => claims.size,
    head: () => head,
    appendLine(line, next) {
      log.push(line)
      head = next
    },
    lines: () => log,
    write(work) {
      const before = { head, length: log.length }
      undo = new Map()
      try {
        work()
      } catch (error) {
        head = before.head
        log.length = before.length
        for (const [id, claim] of undo) {
          if (claim) claims.set(id, claim)
          else {
            const key = keyOf((claims.get(id) as Claim).tag)
            byAddress.set(
              key,
              (byAddress.get(key) ?? []).filter((other) => other !== id),
            )
            claims.delete(id)
          }
        }
        throw error
      } finally {
        undo = undefined
      }
    },
    async close() {
      claims = new Map()
      byAddress = new Map()
      log = []
      head = EMPTY_HEAD
    },
  }
}
