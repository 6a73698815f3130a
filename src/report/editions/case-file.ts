/**
 * The case file, `case.json`: what the ledger cannot know and only the author can say. Every field may be missing; what is
 * missing is said in the report and never made up. The form is closed: a field that we do not know is refused by name.
 */
import { parseAmount, parseUnits } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { formatTime, parseTime, show } from '../../text.ts'
import { STATUTES } from './clocks.ts'

export const CASE_SCHEMA = 'proceeds-case/1'

/** What a recipient is asked to do: keep data, hold value, disclose records, attach a claim, blacklist an address. */
export const ACTIONS = ['preserve', 'hold', 'disclose', 'attach', 'blacklist'] as const
export type Action = (typeof ACTIONS)[number]

/** What a lot is in the words of the law (마약거래방지법 2(3)–(5)). */
export const DERIVATIONS = ['direct', 'reward', 'exchanged', 'fruit', 'mixed'] as const
export type Derivation = (typeof DERIVATIONS)[number]

export const SEED_SOURCES = ['controlledBuy', 'device', 'post', 'court', 'label', 'other'] as const

export interface LegalBasis {
  /** An id of statutes.json, or the statute's name as the author writes it. */
  readonly statute: string
  readonly article?: string
  readonly order?: string
  readonly court?: string
  readonly date?: string
  /** A request that nobody is bound to follow. */
  readonly voluntary?: boolean
}

export interface Recipient {
  /** The service's name as the report has it: its entity, or its label; or a stablecoin issuer's. */
  readonly service: string
  readonly chain?: string
  readonly legalEntity?: string
  readonly brand?: string
  readonly jurisdiction?: string
  readonly contact?: string
  /** Where the legal entity was looked up, and on which day. */
  readonly source?: string
  readonly checkedOn?: string
  readonly actions: readonly Action[]
  readonly expiresOn?: string
  readonly periodFrom?: string
  readonly periodUntil?: string
  readonly records: readonly string[]
  readonly accounts: readonly { readonly address: string; readonly account: string; readonly holder?: string }[]
}

/** One unit of an asset in a currency on one Korean calendar day. */
export interface Price {
  readonly chain: string
  readonly asset: string
  readonly currency: 'KRW' | 'USD'
  /** Decimal, exact: `1193.5`. */
  readonly price: string
  readonly day: string
  readonly source: string
}

export interface KnownBalance {
  readonly chain: string
  readonly asset: string
  readonly address: string
  readonly amount: string
  readonly at: string
  readonly source: string
  readonly blacklisted?: boolean
}

export interface SeedFact {
  readonly seed: string
  readonly how?: (typeof SEED_SOURCES)[number]
  readonly exhibit?: string
  readonly captureSha256?: string
  readonly who?: string
  readonly when?: string
  readonly role?: 'sellerReceipt' | 'buyerPayment'
  readonly drug?: string
  readonly order?: string
  readonly priceKrw?: string
}

export interface CaseFile {
  readonly report: {
    readonly id?: string
    readonly version?: string
    readonly replaces?: string
    /** The day on which the author issues the report; nothing here reads a clock. */
    readonly issuedOn?: string
  }
  readonly agency: {
    readonly name?: string
    readonly unit?: string
    readonly officer?: string
    readonly email?: string
    readonly phone?: string
    readonly reply?: string
    readonly confidential?: boolean
  }
  readonly caseNumber?: string
  readonly author: {
    readonly name?: string
    readonly role?: string
    readonly competence?: string
    readonly conflicts?: string
    readonly duty?: string
    readonly steps: readonly { readonly who: string; readonly did: string }[]
  }
  readonly legalBasis: readonly LegalBasis[]
  readonly offence: {
    readonly title?: string
    readonly provision?: string
    readonly summary?: string
    readonly from?: string
    readonly until?: string
    readonly accused?: string
    readonly accusedUnknown?: string
    readonly confiscationProvision?: string
  }
  readonly recipients: readonly Recipient[]
  readonly prices: readonly Price[]
  readonly balances: readonly KnownBalance[]
  readonly seeds: readonly SeedFact[]
  readonly derivations: readonly { readonly row: string; readonly class: Derivation; readonly why: string }[]
  readonly clocks: readonly {
    readonly clock: string
    readonly start: string
    readonly extended: number
    readonly about?: string
  }[]
  readonly custody: readonly { readonly at: string; readonly who: string; readonly what: string }[]
  readonly alternatives: readonly { readonly explanation: string; readonly examined: string; readonly result: string }[]
  readonly thirdParties: readonly {
    readonly address: string
    readonly since?: string
    readonly value?: string
    readonly knowledge?: string
    readonly notice?: string
  }[]
  readonly overlaps: readonly { readonly case: string; readonly rows: readonly string[]; readonly handled: string }[]
  readonly notClaimed?: string
  /** The author's answers on the record to the linter's questions, by check id. */
  readonly answers: Readonly<Record<string, string>>
}

const TEXT_MAX = 10_000
const LIST_MAX = 10_000

type Row = Record<string, unknown>

/** Proves a case file. Fault CASE_INVALID names the field as a JSON pointer. `undefined` is an empty case file. */
export function decodeCaseFile(value: unknown): CaseFile {
  const row = value === undefined ? {} : record(value, '')
  closed(row, '', [
    'schema',
    'report',
    'agency',
    'caseNumber',
    'author',
    'legalBasis',
    'offence',
    'recipients',
    'prices',
    'balances',
    'seeds',
    'derivations',
    'clocks',
    'custody',
    'alternatives',
    'thirdParties',
    'overlaps',
    'notClaimed',
    'answers',
  ])
  if (row.schema !== undefined && row.schema !== CASE_SCHEMA) refuse('/schema', `is not ${CASE_SCHEMA}`)
  const author = record(row.author ?? {}, '/author')
  const { steps, ...authorTexts } = author
  return {
    report: texts(record(row.report ?? {}, '/report'), '/report', ['id', 'version', 'replaces'], ['issuedOn']),
    agency: {
      ...texts<'name' | 'unit' | 'officer' | 'email' | 'phone' | 'reply'>(
        without(record(row.agency ?? {}, '/agency'), 'confidential'),
        '/agency',
        ['name', 'unit', 'officer', 'email', 'phone', 'reply'],
      ),
      ...flag(record(row.agency ?? {}, '/agency'), 'confidential', '/agency'),
    },
    ...text(row, 'caseNumber', ''),
    author: {
      ...texts(authorTexts, '/author', ['name', 'role', 'competence', 'conflicts', 'duty']),
      steps: list(steps, '/author/steps').map((each, i) => strings(each, `/author/steps/${i}`, ['who', 'did'])),
    },
    legalBasis: list(row.legalBasis, '/legalBasis').map((each, i) => {
      const at = `/legalBasis/${i}`
      const fields = record(each, at)
      const basis = texts(without(fields, 'voluntary'), at, ['statute', 'article', 'order', 'court'], ['date'])
      return { ...basis, statute: need(basis, 'statute', at), ...flag(fields, 'voluntary', at) }
    }),
    offence: texts(
      record(row.offence ?? {}, '/offence'),
      '/offence',
      ['title', 'provision', 'summary', 'accused', 'accusedUnknown', 'confiscationProvision'],
      ['from', 'until'],
    ),
    recipients: list(row.recipients, '/recipients').map((each, i) => recipient(each, `/recipients/${i}`)),
    prices: list(row.prices, '/prices').map((each, i) => price(each, `/prices/${i}`)),
    balances: list(row.balances, '/balances').map((each, i) => balance(each, `/balances/${i}`)),
    seeds: list(row.seeds, '/seeds').map((each, i) => seedFact(each, `/seeds/${i}`)),
    derivations: list(row.derivations, '/derivations').map((each, i) => {
      const at = `/derivations/${i}`
      const { row: about, class: kind, why } = strings(each, at, ['row', 'class', 'why'])
      return { row: about, class: oneOf(kind, DERIVATIONS, `${at}/class`), why }
    }),
    clocks: list(row.clocks, '/clocks').map((each, i) => clock(each, `/clocks/${i}`)),
    custody: list(row.custody, '/custody').map((each, i) => {
      const entry = strings(each, `/custody/${i}`, ['at', 'who', 'what'])
      return { ...entry, at: instant(entry.at, `/custody/${i}/at`) }
    }),
    alternatives: list(row.alternatives, '/alternatives').map((each, i) =>
      strings(each, `/alternatives/${i}`, ['explanation', 'examined', 'result']),
    ),
    thirdParties: list(row.thirdParties, '/thirdParties').map((each, i) => {
      const at = `/thirdParties/${i}`
      const party = texts(record(each, at), at, ['address', 'value', 'knowledge', 'notice'], ['since'])
      return { ...party, address: need(party, 'address', at) }
    }),
    overlaps: list(row.overlaps, '/overlaps').map((each, i) => {
      const at = `/overlaps/${i}`
      const fields = record(each, at)
      closed(fields, at, ['case', 'rows', 'handled'])
      return {
        ...strings(without(fields, 'rows'), at, ['case', 'handled']),
        rows: list(fields.rows, `${at}/rows`).map((id, n) => string(id, `${at}/rows/${n}`)),
      }
    }),
    ...text(row, 'notClaimed', ''),
    answers: answers(row.answers),
  }
}

function recipient(value: unknown, at: string): Recipient {
  const row = record(value, at)
  const { actions, records, accounts, ...rest } = row
  const fields = texts(
    rest,
    at,
    ['service', 'chain', 'legalEntity', 'brand', 'jurisdiction', 'contact', 'source'],
    ['checkedOn', 'expiresOn', 'periodFrom', 'periodUntil'],
  )
  return {
    ...fields,
    service: need(fields, 'service', at),
    actions: [...new Set(list(actions, `${at}/actions`).map((each, i) => oneOf(each, ACTIONS, `${at}/actions/${i}`)))],
    records: list(records, `${at}/records`).map((each, i) => string(each, `${at}/records/${i}`)),
    accounts: list(accounts, `${at}/accounts`).map((each, i) => {
      const where = `${at}/accounts/${i}`
      const account = texts(record(each, where), where, ['address', 'account', 'holder'])
      return { ...account, address: need(account, 'address', where), account: need(account, 'account', where) }
    }),
  }
}

function price(value: unknown, at: string): Price {
  const row = strings(value, at, ['chain', 'asset', 'currency', 'price', 'day', 'source'])
  if (parseAmount(row.price, 18) === undefined) {
    refuse(`${at}/price`, 'must be a decimal number as text, such as "1193.5"')
  }
  return {
    ...row,
    currency: oneOf(row.currency, ['KRW', 'USD'] as const, `${at}/currency`),
    day: day(row.day, `${at}/day`),
  }
}

function balance(value: unknown, at: string): KnownBalance {
  const row = record(value, at)
  const fields = strings(without(row, 'blacklisted'), at, ['chain', 'asset', 'address', 'amount', 'at', 'source'])
  if (parseUnits(fields.amount) === undefined) refuse(`${at}/amount`, 'must be base units as digits in text')
  return { ...fields, at: instant(fields.at, `${at}/at`), ...flag(row, 'blacklisted', at) }
}

function seedFact(value: unknown, at: string): SeedFact {
  const row = record(value, at)
  const fields = texts(without(without(row, 'how'), 'role'), at, [
    'seed',
    'exhibit',
    'captureSha256',
    'who',
    'when',
    'drug',
    'order',
    'priceKrw',
  ])
  if (fields.captureSha256 !== undefined && !/^[0-9a-f]{64}$/.test(fields.captureSha256)) {
    refuse(`${at}/captureSha256`, 'must be a SHA-256 in lower-case hex')
  }
  if (fields.priceKrw !== undefined && parseUnits(fields.priceKrw) === undefined) {
    refuse(`${at}/priceKrw`, 'must be whole won as digits in text')
  }
  if (fields.when !== undefined) instant(fields.when, `${at}/when`)
  return {
    ...fields,
    seed: need(fields, 'seed', at),
    ...(row.how === undefined ? {} : { how: oneOf(row.how, SEED_SOURCES, `${at}/how`) }),
    ...(row.role === undefined
      ? {}
      : { role: oneOf(row.role, ['sellerReceipt', 'buyerPayment'] as const, `${at}/role`) }),
  }
}

function clock(value: unknown, at: string): CaseFile['clocks'][number] {
  const row = record(value, at)
  const fields = texts(without(row, 'extended'), at, ['clock', 'start', 'about'])
  const name = need(fields, 'clock', at)
  if (!Object.hasOwn(STATUTES.clocks, name)) {
    refuse(`${at}/clock`, `${show(name)} is not known; known are ${Object.keys(STATUTES.clocks).join(', ')}`)
  }
  const extended = row.extended ?? 0
  const most = STATUTES.clocks[name].extensions
  if (!Number.isInteger(extended) || (extended as number) < 0 || (extended as number) > most) {
    refuse(`${at}/extended`, `must be a whole number from 0 to ${most}: the law allows no more`)
  }
  return {
    clock: name,
    start: instant(need(fields, 'start', at), `${at}/start`),
    extended: extended as number,
    ...(fields.about === undefined ? {} : { about: fields.about }),
  }
}

function answers(value: unknown): Record<string, string> {
  const row = record(value ?? {}, '/answers')
  return Object.fromEntries(
    Object.entries(row).map(([id, answer]) => {
      if (!/^B(0[1-9]|[123][0-9]|40)$/.test(id)) refuse(`/answers/${show(id)}`, 'is no check; they are B01 to B40')
      return [id, string(answer, `/answers/${id}`)]
    }),
  )
}

function refuse(at: string, problem: string): never {
  throw new Fault('CASE_INVALID', `case file ${at === '' ? '(top)' : at}: ${problem}`)
}

function record(value: unknown, at: string): Row {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse(at, `an object is wanted, not ${show(value)}`)
  return value as Row
}

function closed(row: Row, at: string, known: readonly string[]): void {
  for (const name of Object.keys(row)) {
    if (!known.includes(name)) refuse(`${at}/${name.slice(0, 80)}`, `is unknown; known are ${known.join(', ')}`)
  }
}

function list(value: unknown, at: string): unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) refuse(at, `a list is wanted, not ${show(value)}`)
  if ((value as unknown[]).length > LIST_MAX) refuse(at, `has more than ${LIST_MAX} items`)
  return value as unknown[]
}

function string(value: unknown, at: string): string {
  if (typeof value !== 'string' || value.trim() === '') refuse(at, `text is wanted, not ${show(value)}`)
  const given = value as string
  if (given.length > TEXT_MAX) refuse(at, `has more than ${TEXT_MAX} characters`)
  if (!given.isWellFormed()) refuse(at, 'holds half a character (a lone surrogate)')
  return given
}

function strings<K extends string>(value: unknown, at: string, names: readonly K[]): Record<K, string> {
  const row = record(value, at)
  closed(row, at, names)
  return Object.fromEntries(names.map((name) => [name, string(row[name], `${at}/${name}`)])) as Record<K, string>
}

/** Texts and calendar days, each of which may be missing. */
function texts<K extends string, D extends string = never>(
  row: Row,
  at: string,
  names: readonly K[],
  days: readonly D[] = [],
): { readonly [name in K | D]?: string } {
  closed(row, at, [...names, ...days])
  const found: Record<string, string> = {}
  for (const name of names) if (row[name] !== undefined) found[name] = string(row[name], `${at}/${name}`)
  for (const name of days) if (row[name] !== undefined) found[name] = day(row[name], `${at}/${name}`)
  return found as { readonly [name in K | D]?: string }
}

function text<K extends string>(row: Row, name: K, at: string): { readonly [name in K]?: string } {
  return (row[name] === undefined ? {} : { [name]: string(row[name], `${at}/${name}`) }) as { [name in K]?: string }
}

function flag<K extends string>(row: Row, name: K, at: string): { readonly [name in K]?: boolean } {
  const value = row[name]
  if (value === undefined) return {}
  if (typeof value !== 'boolean') refuse(`${at}/${name}`, 'true or false is wanted')
  return { [name]: value } as { [name in K]?: boolean }
}

function need(row: { readonly [name: string]: string | undefined }, name: string, at: string): string {
  return row[name] ?? refuse(`${at}/${name}`, 'is wanted')
}

function without(row: Row, name: string): Row {
  const { [name]: _, ...rest } = row
  return rest
}

function oneOf<T extends string>(value: unknown, known: readonly T[], at: string): T {
  if (!known.includes(value as T)) refuse(at, `${show(value)} is not one of ${known.join(', ')}`)
  return value as T
}

function day(value: unknown, at: string): string {
  const given = string(value, at)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(given) || parseTime(`${given}T00:00:00Z`) === undefined) {
    refuse(at, `${show(value)} is no day; write 2026-11-23`)
  }
  return given
}

function instant(value: unknown, at: string): string {
  const seconds = parseTime(value)
  if (seconds === undefined) refuse(at, `${show(value)} is no time; write 2026-11-23T09:00:00Z`)
  return formatTime(seconds as number)
}
