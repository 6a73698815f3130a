/**
 * The disclosure edition: report.json row by row, some rows withheld, under one root. The other side sees that a row is
 * withheld and where, that what it was given is what the root was made of, and that nothing else was changed or left out.
 */
import { createHmac } from 'node:crypto'
import { Fault } from '../../faults.ts'
import { canonicalJson } from '../canonical.ts'
import type { Report } from '../format.ts'
import { leafHash, merkleRoot } from './merkle.ts'

export const DISCLOSURE_SCHEMA = 'proceeds-disclosure/1'
export const DISCLOSURE_FILE = 'disclosure.json'

/** A row given: its salt proves with the root that it is the row it was. */
export interface GivenRow {
  readonly at: string
  readonly salt: string
  readonly row: unknown
}

/** A row withheld: its leaf alone. */
export interface WithheldRow {
  readonly at: string
  readonly leaf: string
}

export interface Disclosure {
  readonly schema: typeof DISCLOSURE_SCHEMA
  /** Hex; what the agency signs or states before anything is withheld. */
  readonly root: string
  readonly rows: readonly (GivenRow | WithheldRow)[]
}

/** What is withheld: rows by id, or every row that names one of these texts (addresses, services, transactions). */
export interface Withheld {
  readonly rows: readonly string[]
  readonly naming: readonly string[]
}

/** Secrets shorter than this could be searched. */
const SECRET_BYTES_MIN = 32

/** The rows of a report in the order of the tree: lists row by row, everything else whole. `at` is a JSON pointer. */
export function* reportRows(report: Report): Generator<{ readonly at: string; readonly row: unknown }> {
  for (const name of Object.keys(report).sort() as (keyof Report)[]) {
    const value: unknown = report[name]
    if (!Array.isArray(value)) yield { at: `/${name}`, row: value }
    else {
      // The count is a row of its own: a row cannot be taken from the end unseen.
      yield { at: `/${name}`, row: { count: value.length } }
      for (const [i, row] of value.entries()) yield { at: `/${name}/${i}`, row }
    }
  }
}

/** A row's salt, from a secret that stays with the agency: salts of withheld rows cannot be worked out from the others. */
function saltOf(secret: Uint8Array, at: string): Buffer {
  return createHmac('sha256', secret).update(`proceeds-disclosure ${at}`).digest()
}

/** Draws a disclosure. With nothing withheld its root is the one to be signed. Fault USAGE for a weak secret or a row that is not there. */
export function disclose(report: Report, secret: Uint8Array, withheld: Withheld): Disclosure {
  if (secret.length < SECRET_BYTES_MIN)
    throw new Fault(
      'USAGE',
      `the secret has ${secret.length} bytes; at least ${SECRET_BYTES_MIN} are wanted (openssl rand 32)`,
    )
  const ids = new Set(withheld.rows)
  const leaves: Buffer[] = []
  const rows: (GivenRow | WithheldRow)[] = []
  const found = new Set<string>()
  for (const { at, row } of reportRows(report)) {
    const salt = saltOf(secret, at)
    const text = canonicalJson({ at, row })
    const leaf = leafHash(salt, text)
    leaves.push(leaf)
    const id = (row as { id?: unknown } | null)?.id
    const named = [at, typeof id === 'string' ? id : ''].find((name) => ids.has(name))
    if (named !== undefined) found.add(named)
    const hidden =
      named !== undefined || withheld.naming.some((name) => text.includes(JSON.stringify(name).slice(1, -1)))
    rows.push(hidden ? { at, leaf: leaf.toString('hex') } : { at, salt: salt.toString('hex'), row })
  }
  const missing = withheld.rows.find((id) => !found.has(id))
  if (missing !== undefined) throw new Fault('USAGE', `the report has no row ${missing}`)
  return { schema: DISCLOSURE_SCHEMA, root: merkleRoot(leaves).toString('hex'), rows }
}

/** What is wrong with a disclosure; empty: every row given is under the root, in its place, and each count fits. */
export function checkDisclosure(value: unknown): string[] {
  const disclosure = value as Disclosure | null
  if (
    typeof disclosure !== 'object' ||
    disclosure === null ||
    disclosure.schema !== DISCLOSURE_SCHEMA ||
    !Array.isArray(disclosure.rows)
  ) {
    return [`not a ${DISCLOSURE_SCHEMA}`]
  }
  const problems: string[] = []
  const leaves: Buffer[] = []
  const counts = new Map<string, number>()
  const seen = new Map<string, number>()
  let previous = ''
  for (const [i, each] of (disclosure.rows as readonly Partial<GivenRow & WithheldRow>[]).entries()) {
    if (typeof each !== 'object' || each === null || typeof each.at !== 'string') return [`rows/${i}: no row`]
    const list = /^(\/[^/]+)\/(\d+)$/.exec(each.at)
    if (list !== null) {
      const next = seen.get(list[1]) ?? 0
      if (Number(list[2]) !== next) problems.push(`${each.at}: out of its place`)
      seen.set(list[1], next + 1)
    } else if (each.at <= previous) problems.push(`${each.at}: out of its place`)
    else previous = each.at
    if (each.leaf !== undefined) {
      if (!/^[0-9a-f]{64}$/.test(each.leaf)) return [`${each.at}: no leaf`]
      leaves.push(Buffer.from(each.leaf, 'hex'))
      continue
    }
    if (typeof each.salt !== 'string' || !/^[0-9a-f]{64}$/.test(each.salt)) return [`${each.at}: no salt`]
    const count = (each.row as { count?: unknown } | null)?.count
    if (list === null && typeof count === 'number') counts.set(each.at, count)
    leaves.push(leafHash(Buffer.from(each.salt, 'hex'), canonicalJson({ at: each.at, row: each.row })))
  }
  for (const [name, count] of counts) {
    if ((seen.get(name) ?? 0) !== count)
      problems.push(`${name}: ${count} rows were committed, ${seen.get(name) ?? 0} are here`)
  }
  if (merkleRoot(leaves).toString('hex') !== disclosure.root) problems.push('the rows do not give the root')
  return problems
}
