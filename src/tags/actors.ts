/**
 * Who the entity of a tag is: the brand, the legal person behind it, where it is registered or licensed, what it does, and
 * how to reach it. Facts with a date and a source, from a data file; an agency adds its own file with the contacts it has proved.
 */
import { isMap, isScalar, isSeq, LineCounter, type YAMLMap } from 'yaml'
import { Fault } from '../faults.ts'
import { readTagData } from './categories.ts'
import type { RejectedTag } from './tag.ts'
import { parsePackYaml } from './tagpack.ts'
import { parseTime } from './time.ts'

/** One actor as one list describes it. What a list does not say is undefined or empty, never guessed. */
export interface Actor {
  /** The name tags use: a GraphSense actor id. */
  readonly id: string
  /** The brand. */
  readonly label: string
  readonly legalEntity: string | undefined
  /** ISO 3166 codes of the countries the list names, as it names them. */
  readonly jurisdictions: readonly string[]
  /** Categories of `categories.json`, as far as it has them. */
  readonly kinds: readonly string[]
  readonly website: string | undefined
  readonly aliases: readonly string[]
  /** Where a request is sent: an address or a form. Only where a list's author has proved it. */
  readonly contact: string | undefined
}

/** Actors as they stood on a day, and who says so. */
export interface ActorList {
  readonly name: string
  /** The day, `2026-05-12`. */
  readonly asOf: string
  readonly source: string
  readonly actors: readonly Actor[]
}

/** An actor with the list that describes it. */
export interface FoundActor extends Actor {
  readonly list: Pick<ActorList, 'name' | 'asOf' | 'source'>
}

export interface ActorBook {
  /** The actor of that id, alias or brand, letter case aside; undefined where none or more than one has it. */
  findActor(name: string): FoundActor | undefined
}

/** The list that is shipped: the services of GraphSense's actor pack. It has no contacts. */
export function shippedActors(): ActorList {
  return readActorList(readTagData('actors.json'), 'actors.json')
}

const TEXT_MAX = 1024
const ITEMS_MAX = 256

/** Proves a list of actors as JSON: `{ name, asOf, source, actors: [{ id, label, … }] }`. Fault `TAGS_INVALID` by row and field. */
export function readActorList(value: unknown, name: string): ActorList {
  const wrong = (what: string): Fault => new Fault('TAGS_INVALID', `${name}: ${what}`)
  if (!isRecord(value) || !Array.isArray(value.actors)) throw wrong('a list has name, asOf, source and actors')
  for (const key of Object.keys(value)) {
    if (!['name', 'asOf', 'source', 'note', 'actors'].includes(key))
      throw wrong(`${JSON.stringify(key)} is not a field of a list`)
  }
  const text = (from: Readonly<Record<string, unknown>>, key: string, where: string): string | undefined => {
    const found = from[key]
    if (found === undefined || found === null) return undefined
    if (typeof found !== 'string' || found === '' || found.length > TEXT_MAX)
      throw wrong(`${where}${key}: text is wanted`)
    return found
  }
  const needed = (from: Readonly<Record<string, unknown>>, key: string, where: string): string => {
    const found = text(from, key, where)
    if (found === undefined) throw wrong(`${where}${key}: it is missing`)
    return found
  }
  const texts = (from: Readonly<Record<string, unknown>>, key: string, where: string): readonly string[] => {
    const found = from[key] ?? []
    const isList = Array.isArray(found) && found.length <= ITEMS_MAX
    if (!isList || found.some((item) => typeof item !== 'string' || item === '' || item.length > TEXT_MAX)) {
      throw wrong(`${where}${key}: a list of at most ${ITEMS_MAX} texts is wanted`)
    }
    return found
  }
  const asOf = needed(value, 'asOf', '')
  if (!/^\d{4}-\d{2}-\d{2}$/.test(asOf) || parseTime(asOf) === undefined) throw wrong('asOf: a day such as 2026-05-12')
  const seen = new Set<string>()
  const actors = (value.actors as unknown[]).map((row, i): Actor => {
    const where = `actors[${i}].`
    if (!isRecord(row)) throw wrong(`${where.slice(0, -1)}: an object is wanted`)
    for (const key of Object.keys(row)) {
      if (!FIELDS.includes(key)) throw wrong(`${where}${key} is not a field of an actor; they are ${FIELDS.join(', ')}`)
    }
    const id = needed(row, 'id', where)
    if (seen.has(id)) throw wrong(`${where}id: ${id} stands there twice`)
    seen.add(id)
    return {
      id,
      label: needed(row, 'label', where),
      legalEntity: text(row, 'legalEntity', where),
      jurisdictions: texts(row, 'jurisdictions', where),
      kinds: texts(row, 'kinds', where),
      website: text(row, 'website', where),
      aliases: texts(row, 'aliases', where),
      contact: text(row, 'contact', where),
    }
  })
  return { name: needed(value, 'name', ''), asOf, source: needed(value, 'source', ''), actors }
}

const FIELDS = ['id', 'label', 'legalEntity', 'jurisdictions', 'kinds', 'website', 'aliases', 'contact']

/**
 * Lists joined into one book: of two that describe an actor the later speaks, whole, so that a row is never half of one day
 * and half of another. On the same day the list named first does.
 */
export function buildActorBook(lists: readonly ActorList[]): ActorBook {
  const byId = new Map<string, FoundActor>()
  const latestFirst = [...lists].sort((a, b) => (a.asOf < b.asOf ? 1 : a.asOf > b.asOf ? -1 : 0))
  for (const { name, asOf, source, actors } of latestFirst) {
    for (const actor of actors) {
      const key = actor.id.toLowerCase()
      if (!byId.has(key)) byId.set(key, { ...actor, list: { name, asOf, source } })
    }
  }
  /** Aliases and brands; null where two actors share one. An id is always its own actor's. */
  const byName = new Map<string, FoundActor | null>()
  for (const actor of byId.values()) {
    for (const name of new Set([actor.label, ...actor.aliases].map((text) => text.toLowerCase()))) {
      byName.set(name, byName.has(name) ? null : actor)
    }
  }
  return {
    findActor: (name) => byId.get(name.toLowerCase()) ?? byName.get(name.toLowerCase()) ?? undefined,
  }
}

/**
 * Reads a GraphSense actor pack: YAML with `title`, `creator`, `lastmod` and `actors`. What packs say of looks, ratings and
 * social media is passed over. A row without id or label, or an id that stands there twice, is listed in `rejected`.
 */
export function parseActorPack(
  text: string,
  options: { readonly name: string; readonly source: string; readonly asOf?: string },
): { readonly list: ActorList; readonly rejected: readonly RejectedTag[] } {
  const { name } = options
  const lines = new LineCounter()
  const root = parsePackYaml(text, name, lines)?.contents
  if (!isMap(root)) throw new Fault('TAGS_INVALID', `${name} line 1: an actor pack is a map with the field actors`)
  const rows = root.get('actors', true)
  if (!isSeq(rows)) throw new Fault('TAGS_INVALID', `${name} line 1: actors: a list is wanted`)
  const asOf = options.asOf ?? textAt(root, 'lastmod') ?? ''
  if (parseTime(asOf) === undefined)
    throw new Fault('TAGS_INVALID', `${name}: lastmod is not a day; say as of when it holds`)
  const rejected: RejectedTag[] = []
  const seen = new Set<string>()
  const actors: Actor[] = []
  for (const row of rows.items) {
    const line = isMap(row) && row.range ? lines.linePos(row.range[0]).line : 1
    const id = isMap(row) ? textAt(row, 'id') : undefined
    const label = isMap(row) ? textAt(row, 'label') : undefined
    if (!isMap(row) || id === undefined || label === undefined) {
      rejected.push({ name, line, reason: 'an actor has id and label' })
      continue
    }
    if (seen.has(id)) {
      rejected.push({ name, line, reason: `id: ${id} stands there twice` })
      continue
    }
    seen.add(id)
    const context = row.get('context', true)
    actors.push({
      id,
      label,
      legalEntity: isMap(context) ? textAt(context, 'legal_name') : undefined,
      jurisdictions: textsAt(row, 'jurisdictions'),
      kinds: textsAt(row, 'categories'),
      website: textAt(row, 'uri'),
      aliases: textsAt(row, 'aliases'),
      contact: undefined,
    })
  }
  return { list: { name, asOf: asOf.slice(0, 10), source: options.source, actors }, rejected }
}

/** A scalar as it was written: `NO` is Norway, not a negation. */
function written(node: unknown): string | undefined {
  if (!isScalar(node) || node.value === null || node.value === '') return undefined
  const text = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
  return text.length > TEXT_MAX ? undefined : text
}

function textAt(map: YAMLMap, key: string): string | undefined {
  return written(map.get(key, true))
}

function textsAt(map: YAMLMap, key: string): readonly string[] {
  const list = map.get(key, true)
  if (!isSeq(list)) return []
  return list.items.map(written).filter((text) => text !== undefined)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
