/**
 * The digital-currency addresses of the sanctions list that OFAC publishes (SDN), from the shapes in which it is passed
 * on: a JSON feed whose addresses have lost their letter case, a plain list that kept it, lists of one asset, and a table
 * of the narcotics programmes. A sanction stops no trace: it says whose address it is, since when, and who says so.
 */
import { hasAddressRule } from '../chains/address.ts'
import { type ByteSource, readCsv } from '../csv.ts'
import { Fault } from '../faults.ts'
import { chainOfCode, placeAddress } from './networks.ts'
import type { RejectedTag, Tag } from './tag.ts'
import { parseTime } from './time.ts'

export const OFAC_SOURCE = 'OFAC SDN list'

/** What an OFAC file gives. `listedOn` is the day of the list as `2026-08-20`, where the file says it. */
export interface OfacTags {
  readonly tags: readonly Tag[]
  readonly rejected: readonly RejectedTag[]
  readonly listedOn: string | undefined
}

/** One designation of one address under one asset code. */
interface Designation {
  readonly line: number
  readonly address: string
  readonly code: string
  readonly entity: string
  readonly programmes: string
  readonly uid: string
  readonly designatedOn: string | undefined
  readonly firstSeenOn: string | undefined
}

/**
 * Reads the JSON feed: `{ metadata, addresses: { <address in lower case>: { entries: [{ entity, program, type, uid }] } } }`.
 * `letterCase` are addresses as first published; each lower-cased one gets its letters back from them, and one that has
 * two possible writings, or none where the chain needs it, is listed in `rejected`. One address is one tag for each chain
 * and designee; the assets it is listed under stand in the evidence. `designatedOn` gives the day for an SDN uid.
 * Faults `TAGS_INVALID`: not JSON (a bare NaN is not), or not this shape.
 */
export function readOfacJson(
  text: string,
  options: {
    readonly name: string
    readonly letterCase?: Iterable<string>
    readonly designatedOn?: ReadonlyMap<string, string>
  },
): OfacTags {
  const { name } = options
  const wrong = (what: string): Fault => new Fault('TAGS_INVALID', `${name}: ${what}`)
  const feed = parseJson(text, name)
  if (!isObject(feed) || !isObject(feed.addresses)) throw wrong('the feed has no object `addresses`')
  const metadata = isObject(feed.metadata) ? feed.metadata : {}
  const published = /^(\d{2})\/(\d{2})\/(\d{4})$/.exec(String(metadata.sdnListDate ?? ''))
  const listedOn = published ? `${published[3]}-${published[1]}-${published[2]}` : undefined

  const originals = letterCaseIndex(options.letterCase ?? [])
  const rejected: RejectedTag[] = []
  const designations: Designation[] = []
  const lineOf = lineFinder(text)
  for (const [key, value] of Object.entries(feed.addresses)) {
    if (!isObject(value) || !Array.isArray(value.entries)) throw wrong(`addresses.${key}.entries: a list is wanted`)
    const line = lineOf(key)
    for (const entry of value.entries as unknown[]) {
      if (!isObject(entry)) throw wrong(`addresses.${key}.entries: an object is wanted`)
      const { entity, program, type, uid } = entry
      for (const [field, found] of Object.entries({ entity, program, type, uid })) {
        if (typeof found !== 'string') throw wrong(`addresses.${key}: ${field} is not text`)
      }
      const code = /^Digital Currency Address - ([A-Z0-9]{2,8})$/.exec(type as string)?.[1]
      if (code === undefined) throw wrong(`addresses.${key}: type ${JSON.stringify(type)} names no asset`)
      const address = restoreCase(key, code, originals)
      if (address instanceof Error) {
        rejected.push({ name, line, reason: `address: ${address.message}` })
        continue
      }
      designations.push({
        line,
        address,
        code,
        entity: entity as string,
        programmes: program as string,
        uid: uid as string,
        designatedOn: options.designatedOn?.get(uid as string),
        firstSeenOn: undefined,
      })
    }
  }
  return { ...toTags(designations, name, listedOn, rejected), listedOn }
}

/** Columns of the narcotics table that are read; others are passed over. */
const NARCOTICS_COLUMNS = [
  'address',
  'ofac_asset_code',
  'sdn_name',
  'programme',
  'sdn_uid',
  'designation_date_treasury',
  'first_seen_in_public_git_snapshots',
] as const

/** Whether a CSV header is that of the table of narcotics designations. */
export function isNarcoticsHeader(cells: readonly string[]): boolean {
  return NARCOTICS_COLUMNS.every((column) => cells.includes(column))
}

/**
 * Reads the table of narcotics designations. A claim stands from the day of designation, or, where only that is known,
 * from the day the designee was first seen on a public copy of the list. Fault `TAGS_INVALID` for a broken header or text.
 */
export async function readOfacNarcoticsCsv(
  source: ByteSource,
  options: { readonly name: string },
): Promise<OfacTags & { readonly designatedOn: ReadonlyMap<string, string>; readonly addresses: readonly string[] }> {
  const { name } = options
  const rejected: RejectedTag[] = []
  const designations: Designation[] = []
  const designatedOn = new Map<string, string>()
  let header: readonly string[] | undefined
  for await (const { line, cells } of readCsv(source, { name, fault: 'TAGS_INVALID' })) {
    if (header === undefined) {
      header = cells
      if (!isNarcoticsHeader(cells)) {
        throw new Fault('TAGS_INVALID', `${name} line ${line}: columns wanted are ${NARCOTICS_COLUMNS.join(', ')}`)
      }
      continue
    }
    if (cells.length !== header.length) {
      rejected.push({ name, line, reason: `${cells.length} cells, but the header names ${header.length}` })
      continue
    }
    const columns = header
    const cell = (column: (typeof NARCOTICS_COLUMNS)[number]): string => cells[columns.indexOf(column)]
    const day = cell('designation_date_treasury')
    const seen = cell('first_seen_in_public_git_snapshots')
    const badDay = [day, seen].find((text) => text !== '' && !/^\d{4}-\d{2}-\d{2}$/.test(text))
    if (badDay !== undefined || parseTime(day || seen || '2000-01-01') === undefined) {
      rejected.push({
        name,
        line,
        reason: `${JSON.stringify(badDay ?? (day || seen))} is not a day such as 2022-11-09`,
      })
      continue
    }
    if (day !== '') designatedOn.set(cell('sdn_uid'), day)
    designations.push({
      line,
      address: cell('address'),
      code: cell('ofac_asset_code'),
      entity: cell('sdn_name'),
      programmes: cell('programme'),
      uid: cell('sdn_uid'),
      designatedOn: day || undefined,
      firstSeenOn: seen || undefined,
    })
  }
  const made = toTags(designations, name, undefined, rejected)
  return { ...made, listedOn: undefined, designatedOn, addresses: designations.map(({ address }) => address) }
}

/** A plain list: one address a line, `#` before a remark. `undefined` where a line holds anything else. */
export function readAddressList(text: string): readonly string[] | undefined {
  const addresses: string[] = []
  for (const line of text.replace(/^\ufeff/, '').split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue
    if (!/^[A-Za-z0-9:_-]{8,128}$/.test(line)) return undefined
    addresses.push(line)
  }
  return addresses.length === 0 ? undefined : addresses
}

/**
 * Claims that have ended: addresses on an earlier list that a later one has no more. Nobody says the day of the delisting,
 * so the claim stands until the later list at most, and the evidence says between which two lists it ended.
 */
export function delistedOfacTags(
  earlier: {
    readonly name: string
    /** The day of the list, `2024-09-27`. */
    readonly listedOn: string
    readonly lists: readonly { readonly code: string; readonly addresses: readonly string[] }[]
  },
  later: { readonly listedOn: string; readonly tags: readonly Tag[] },
): OfacTags {
  const still = new Set(later.tags.map(({ chain, address }) => `${chain} ${address}`))
  const validTo = parseTime(later.listedOn)
  if (validTo === undefined || !(earlier.listedOn < later.listedOn)) {
    throw new Fault('TAGS_INVALID', `the list of ${earlier.listedOn} is not earlier than the list of ${later.listedOn}`)
  }
  const rejected: RejectedTag[] = []
  const ended = new Map<string, { tag: Tag; codes: Set<string> }>()
  for (const { code, addresses } of earlier.lists) {
    for (const [i, text] of addresses.entries()) {
      const placed = placeAddress(text, { currency: code, network: undefined })
      if (typeof placed === 'string') {
        rejected.push({ name: `${earlier.name} ${code}`, line: i + 1, reason: `address: ${placed}` })
        continue
      }
      const key = `${placed.chain} ${placed.address}`
      if (still.has(key)) continue
      const codes = ended.get(key)?.codes ?? new Set<string>()
      codes.add(code)
      ended.set(key, {
        codes,
        tag: {
          chain: placed.chain,
          address: placed.address,
          label: 'Formerly on the OFAC SDN list',
          category: 'sanction',
          entity: undefined,
          source: OFAC_SOURCE,
          confidence: 'authority_data',
          validFrom: undefined,
          validTo,
          evidence: `on the list of ${earlier.listedOn} under ${[...codes].sort().join(', ')}; not on the list of ${later.listedOn}`,
        },
      })
    }
  }
  return { tags: [...ended.values()].map(({ tag }) => tag), rejected, listedOn: earlier.listedOn }
}

/** Designations as tags: one for each chain, address and designee, with every asset it is listed under. */
function toTags(
  designations: readonly Designation[],
  name: string,
  listedOn: string | undefined,
  rejected: RejectedTag[],
): { readonly tags: readonly Tag[]; readonly rejected: readonly RejectedTag[] } {
  const groups = new Map<
    string,
    { first: Designation; chain: string; address: string; codes: Set<string>; notes: Set<string> }
  >()
  for (const designation of designations) {
    const { address, code, uid, line } = designation
    if (designation.entity === '' || uid === '' || designation.programmes === '') {
      rejected.push({ name, line, reason: 'the designee’s name, uid or programme is empty' })
      continue
    }
    const placed = placeAddress(address, { currency: code, network: undefined })
    if (typeof placed === 'string') {
      rejected.push({ name, line, reason: `address: ${placed}` })
      continue
    }
    const key = `${placed.chain} ${placed.address} ${uid}`
    const group = groups.get(key) ?? {
      first: designation,
      chain: placed.chain,
      address: placed.address,
      codes: new Set<string>(),
      notes: new Set<string>(),
    }
    group.codes.add(code)
    if (placed.note !== undefined) group.notes.add(placed.note)
    groups.set(key, group)
  }
  const tags = [...groups.values()].map(({ first, chain, address, codes, notes }): Tag => {
    const since = first.designatedOn ?? first.firstSeenOn
    const evidence = [
      `SDN uid ${first.uid}`,
      `programmes ${first.programmes}`,
      `listed under ${[...codes].sort().join(', ')}`,
      first.designatedOn ? `designated ${first.designatedOn}` : undefined,
      first.designatedOn === undefined && first.firstSeenOn ? `first seen on the list ${first.firstSeenOn}` : undefined,
      listedOn ? `list of ${listedOn}` : undefined,
      ...[...notes].sort(),
    ]
    return {
      chain,
      address,
      label: `${first.entity} (${first.programmes})`,
      category: 'sanction',
      entity: first.entity,
      source: OFAC_SOURCE,
      confidence: 'authority_data',
      validFrom: since === undefined ? undefined : parseTime(since),
      validTo: undefined,
      evidence: evidence.filter((part) => part !== undefined).join('; '),
    }
  })
  return { tags, rejected }
}

/** Lower-cased writing to the original ones; more than one means that the case cannot be told. */
function letterCaseIndex(originals: Iterable<string>): Map<string, Set<string>> {
  const index = new Map<string, Set<string>>()
  for (const original of originals) {
    const lower = original.toLowerCase()
    const known = index.get(lower)
    if (known) known.add(original)
    else index.set(lower, new Set([original]))
  }
  return index
}

function restoreCase(text: string, code: string, originals: Map<string, Set<string>>): string | Error {
  if (text !== text.toLowerCase()) return text
  const found = originals.get(text)
  if (found !== undefined) {
    if (found.size > 1)
      return new Error(`${text} could be ${[...found].sort().join(' or ')}; their letter case differs`)
    return [...found][0]
  }
  const chain = chainOfCode(code)
  // Hexadecimal and bech32 lose nothing; where we have a checksum it decides; elsewhere a lower-cased address would
  // pass as one that never existed.
  if (/^(0x[0-9a-f]{40}|(bc|ltc)1[0-9a-z]+)$/.test(text) || (chain !== undefined && hasAddressRule(chain))) return text
  return new Error(`${text} is in lower case and the ${code} list with its letters is not given; add the original list`)
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const bare = /(^|[\s,:[])(NaN|-?Infinity)(?=[\s,}\]]|$)/.exec(text)
    const line = bare ? ` line ${text.slice(0, bare.index + bare[1].length).split('\n').length}` : ''
    const why = bare
      ? `${bare[2]} is not JSON; write null or a digit string`
      : `not JSON: ${cause instanceof Error ? cause.message : ''}`
    throw new Fault('TAGS_INVALID', `${name}${line}: ${why}`, { cause })
  }
}

/** Finds the line on which a key stands, for keys asked in the order of the text. */
function lineFinder(text: string): (key: string) => number {
  let at = 0
  let line = 1
  return (key) => {
    const found = text.indexOf(JSON.stringify(key), at)
    if (found < 0) return line
    for (let i = at; i < found; i++) if (text.charCodeAt(i) === 10) line++
    at = found
    return line
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
