import { parseUnits } from '../../../graph/amount.ts'
import { canonicalJson } from '../canonical.ts'
import type { BoundRow, CertificateRow, EntryRow } from '../format.ts'
import type { Evidence } from './figures.ts'
import { readLines, type VerifyLimits } from './files.ts'
import { Findings } from './findings.ts'
import { keyOf } from './journal.ts'
import { comesAfter, type LedgerRow, ledgerRow } from './ledger.ts'
import { type Entry, Network, type Problem, poolKey, type Side } from './network.ts'
import { quantumPlace } from './quantum.ts'
import type { Row } from './report-shape.ts'
import { Retracing } from './retracing.ts'
import { arrayOf, count, digits, isRecord, object, oneOf, optional, text } from './shape.ts'

const FILE = 'certificates.ndjson.gz'

const pool = oneOf('output', 'address', 'cluster')
const edges = arrayOf(
  object({
    edge: oneOf('seed', 'opening', 'minted', 'converted', 'in', 'out', 'paid', 'carry', 'rest', 'fee', 'given'),
    amount: digits,
    entry: optional(count),
    in: optional(count),
    leg: optional(count),
    at: optional(text),
    asset: optional(text),
  }),
)
const SHAPES = {
  network: object({ kind: oneOf('network'), network: count, chain: text, pool, assets: arrayOf(text) }),
  opening: object({ kind: oneOf('opening'), network: count, asset: text, at: text, amount: digits }),
  entry: object({
    kind: oneOf('entry'),
    network: count,
    entry: count,
    transaction: text,
    asset: text,
    into: optional(text),
    in: arrayOf(object({ at: optional(text), from: optional(oneOf('clean', 'unknown')), amount: digits })),
    out: arrayOf(
      object({
        leg: count,
        at: optional(text),
        sink: optional(oneOf('outside', 'service', 'mixer', 'bridge', 'burned', 'horizon.amount')),
        amount: digits,
        seeds: optional(arrayOf(object({ seed: text, amount: digits }))),
      }),
    ),
  }),
  bound: object({
    kind: oneOf('bound'),
    network: count,
    row: optional(text),
    id: optional(text),
    conversion: optional(count),
    side: oneOf('floor', 'ceiling'),
    inflow: digits,
    value: digits,
    cut: edges,
    flow: edges,
  }),
  omitted: object({ kind: oneOf('omitted'), chain: text, pool, rows: arrayOf(text) }),
}

/** A network as its lines say it, and as it is laid out once they are all read. */
interface Table {
  readonly line: number
  readonly chain: string
  readonly pool: 'output' | 'address' | 'cluster'
  readonly assets: readonly string[]
  readonly openings: Map<string, bigint>
  readonly entries: Entry[]
  network: Network | undefined
}

/** A row of the report that has floor and ceiling. */
interface Bounded {
  readonly floor: string
  readonly ceiling: string
  readonly chain: string
  readonly id: string | undefined
  readonly targetIn: (table: Table) => readonly number[] | undefined
  /** Whether some method by this kind of pool found anything in the row. */
  readonly isTracedBy: (pool: string) => boolean
  readonly pool: string | undefined
}

/** How many certificates were checked, in how many networks. */
export interface CertificatesChecked {
  readonly networks: number
  readonly certificates: number
}

/**
 * Checks certificates.ndjson.gz: that each network is what the ledger says, movement by movement; that every floor and
 * ceiling of the report is proven in one, or is said to have no proof here; and that each proof holds. Nothing is solved:
 * a cut is checked by walking backwards, a flow by adding.
 */
export async function checkCertificates(
  directory: string,
  limits: VerifyLimits,
  evidence: Evidence,
  tagged: ReadonlySet<string>,
): Promise<CertificatesChecked> {
  const check = new CertificateCheck(evidence)
  await readLines(directory, FILE, limits, evidence.findings, (line, number) => check.take(line, number))
  check.close()
  for (const table of check.tables) checkBalances(table, evidence)
  await checkTables(directory, limits, evidence, check.tables, tagged)
  return { networks: check.tables.length, certificates: check.certificates }
}

class CertificateCheck {
  readonly tables: Table[] = []
  certificates = 0
  readonly #evidence: Evidence
  readonly #findings: Findings
  readonly #rows = new Map<string, Bounded>()
  readonly #proven = new Set<string>()
  readonly #omitted = new Set<string>()

  constructor(evidence: Evidence) {
    this.#evidence = evidence
    this.#findings = evidence.findings
    this.#gatherRows()
  }

  #poolOf(method: string, chain: string): string {
    const { poolOf, ledger } = this.#evidence
    return poolOf(method, chain, ledger.utxoChains.has(chain))
  }

  #add(line: number, where: string, expected: unknown, found: unknown): void {
    this.#findings.add('certificate', FILE, `line ${line}${where === '' ? '' : ` ${where}`}`, expected, found)
  }

  /** Every row of the report with floor and ceiling, and where its value comes to rest in a network. */
  #gatherRows(): void {
    const { report } = this.#evidence
    const legs = new Map<string, (table: Table) => number | undefined>()
    const keep = (row: string, value: { floor: string | null; ceiling: string | null }, more: Omit<Bounded, Side>) => {
      const { floor, ceiling } = value
      if (floor !== null && ceiling !== null) this.#rows.set(row, { floor, ceiling, ...more })
    }
    for (const { index, value } of report.rows('endpoints')) {
      const { transaction, asset, chain, sink, id } = value
      const place = value.output ?? value.transfer
      const leg = (table: Table) => {
        const found = place === undefined ? undefined : table.network?.leg(transaction, place, asset)
        return found?.sink === sink ? found.edge : undefined
      }
      legs.set(id, leg)
      const targetIn = (table: Table) => {
        const edge = leg(table)
        return edge === undefined ? undefined : [edge]
      }
      const isTracedBy = (kind: string) =>
        Object.entries(value.traced).some(([key, { total }]) => total !== '0' && this.#poolOf(key, chain) === kind)
      keep(`/endpoints/${index}`, value, { chain, id, targetIn, isTracedBy, pool: undefined })
    }
    for (const { index, value } of report.rows('services')) {
      const targetIn = (table: Table) => {
        const found = value.endpoints.map((id) => legs.get(id)?.(table))
        return found.every((edge) => edge !== undefined) ? found : undefined
      }
      const primary = this.#poolOf('', value.chain)
      const isTracedBy = (kind: string) => kind === primary
      keep(`/services/${index}`, value, { chain: value.chain, id: undefined, targetIn, isTracedBy, pool: undefined })
    }
    const held = new Set<string>()
    for (const { index, value } of report.rows('holdings')) {
      held.add(keyOf(value.pool, value.chain, value.asset, quantumPlace(value)))
      const { chain, asset, id } = value
      const at = quantumPlace(value)
      const targetIn = (table: Table) => {
        const edge = table.network?.rest(asset, at)
        return edge === undefined ? [] : [edge]
      }
      keep(`/holdings/${index}`, value, { chain, id, targetIn, isTracedBy: () => false, pool: value.pool })
    }
    for (const { index, value } of report.rows('quantum')) {
      const { chain, asset, id, pool: kind } = value
      const at = quantumPlace(value)
      // The row of a holding proves for both; of nothing there is nothing to prove.
      if (value.left === '0' || held.has(keyOf(kind, chain, asset, at))) continue
      const targetIn = (table: Table) => {
        const edge = table.network?.rest(asset, at)
        return edge === undefined ? undefined : [edge]
      }
      keep(`/quantum/${index}`, value, { chain, id, targetIn, isTracedBy: () => false, pool: kind })
    }
  }

  take(line: string, number: number): void {
    let value: unknown
    try {
      value = JSON.parse(line)
      if (canonicalJson(value) !== line) this.#findings.add('canonical', FILE, `line ${number}`, 'canonical JSON', line)
    } catch (failure) {
      this.#findings.add('shape', FILE, `line ${number}`, 'JSON', (failure as Error).message)
      return
    }
    const kind = isRecord(value) ? value.kind : undefined
    if (typeof kind !== 'string' || !Object.hasOwn(SHAPES, kind)) {
      this.#findings.add('shape', FILE, `line ${number} /kind`, Object.keys(SHAPES).join(' or '), kind)
      return
    }
    const problem = (pointer: string, expected: string, found: unknown) =>
      this.#findings.add('shape', FILE, `line ${number} ${pointer}`, expected, found)
    if (!SHAPES[kind as keyof typeof SHAPES](value, '', problem)) return
    this.#takeRow(value as CertificateRow, number)
  }

  #takeRow(row: CertificateRow, line: number): void {
    if (row.kind === 'omitted') {
      const where = `${row.chain} ${row.pool}`
      const gaps = this.#evidence.report.rows('gaps')
      if (!gaps.some(({ value }) => value.kind === 'CERTIFICATES_OMITTED' && value.where === where)) {
        this.#add(line, '', `the gap CERTIFICATES_OMITTED at ${where} in report.json`, 'none')
      }
      for (const each of row.rows) {
        if (!this.#rows.has(each)) this.#add(line, '/rows', 'rows of the report with floor and ceiling', each)
        this.#omitted.add(each)
      }
      return
    }
    if (row.kind === 'network') {
      if (row.network !== this.tables.length) this.#add(line, '/network', this.tables.length, row.network)
      const { chain, pool: kind, assets } = row
      this.tables.push({ line, chain, pool: kind, assets, openings: new Map(), entries: [], network: undefined })
      return
    }
    const table = this.tables.at(-1)
    if (table === undefined || row.network !== this.tables.length - 1) {
      this.#add(line, '/network', `${this.tables.length - 1}, the network that these lines are of`, row.network)
      return
    }
    if (row.kind === 'bound') this.#bound(row, line, table)
    else if (table.network !== undefined) this.#add(line, '/kind', 'bound: the network is closed', row.kind)
    else if (row.kind === 'opening') table.openings.set(poolKey(row.asset, row.at), BigInt(row.amount))
    else this.#entry(row, line, table)
  }

  #entry(row: EntryRow, line: number, table: Table): void {
    if (row.entry !== table.entries.length) this.#add(line, '/entry', table.entries.length, row.entry)
    for (const [place, leg] of row.in.entries()) {
      if ((leg.at === undefined) === (leg.from === undefined)) this.#add(line, `/in/${place}`, 'at or from', 'not one')
    }
    for (const [place, leg] of row.out.entries()) {
      if ((leg.at === undefined) === (leg.sink === undefined)) this.#add(line, `/out/${place}`, 'at or sink', 'not one')
    }
    table.entries.push({
      line,
      transaction: row.transaction,
      asset: row.asset,
      into: row.into,
      in: row.in.map((leg) => ({ ...leg, amount: BigInt(leg.amount) })),
      out: row.out.map((leg) => ({
        ...leg,
        amount: BigInt(leg.amount),
        seeds: leg.seeds?.map((seed) => ({ ...seed, amount: BigInt(seed.amount) })),
      })) as Entry['out'],
    })
  }

  #layOut(table: Table): Network {
    if (table.network === undefined) {
      table.network = new Network(table.openings, table.entries)
      const { problem } = table.network
      if (problem !== undefined) this.#add(problem.line, '/in', `no more than ${problem.pool} holds`, 'more')
    }
    return table.network
  }

  #bound(row: BoundRow, line: number, table: Table): void {
    const network = this.#layOut(table)
    if (network.problem !== undefined) return
    const { side } = row
    const target = row.conversion === undefined ? this.#targetOf(row, line, table) : network.conversion(row.conversion)
    if (target === undefined) {
      if (row.conversion !== undefined) this.#add(line, '/conversion', 'an entry that is a conversion', row.conversion)
      return
    }
    const ends = typeof target === 'number' ? [target] : target
    const inflow = network.amount(ends)
    const value = BigInt(row.value)
    if (inflow !== BigInt(row.inflow)) this.#add(line, '/inflow', `${inflow}, all that came to the row`, row.inflow)
    if (value > inflow) this.#add(line, '/value', `at most ${inflow}, all that came to the row`, row.value)
    const sum = side === 'ceiling' ? value : inflow - value
    const tell = (list: 'cut' | 'flow', problem: Problem | undefined) => {
      if (problem === undefined) return
      const where = problem.place === undefined ? `/${list}` : `/${list}/${problem.place}`
      this.#add(line, where, problem.expected, problem.found)
    }
    const leaks = network.checkCut(side, ends, row.cut, sum)
    tell('cut', leaks)
    tell('flow', network.checkFlow(side, ends, row.flow, sum))
    if (row.conversion !== undefined && leaks === undefined) network.carryOver(row.conversion, side, value)
    this.certificates++
  }

  /** The ends of a row's value in the network, after all that its line says of it. */
  #targetOf(row: BoundRow, line: number, table: Table): readonly number[] | undefined {
    const known = row.row === undefined ? undefined : this.#rows.get(row.row)
    if (row.row === undefined || known === undefined) {
      this.#add(line, '/row', 'a row of the report with floor and ceiling', row.row)
      return undefined
    }
    const key = `${row.side} ${row.row}`
    if (this.#proven.has(key)) this.#add(line, '', `one proof of the ${row.side} of ${row.row}`, 'another')
    this.#proven.add(key)
    if (row.value !== known[row.side]) {
      this.#add(line, '/value', `${known[row.side]} (report.json ${row.row}/${row.side})`, row.value)
    }
    if (row.id !== known.id) this.#add(line, '/id', known.id ?? 'none', row.id)
    const target = known.chain === table.chain ? known.targetIn(table) : undefined
    if (target === undefined || (known.pool !== undefined && known.pool !== table.pool)) {
      this.#add(line, '/network', `a network in which ${row.row} is`, `${table.chain} by ${table.pool}`)
      return undefined
    }
    const earlier = this.tables.find(
      (each) => each !== table && each.chain === table.chain && known.isTracedBy(each.pool) && known.targetIn(each),
    )
    if (earlier !== undefined) {
      this.#add(line, '/network', `${this.tables.indexOf(earlier)}, the first in which ${row.row} is`, row.network)
    }
    return target
  }

  close(): void {
    for (const [row, { chain }] of this.#rows) {
      for (const side of ['floor', 'ceiling'] as const) {
        if (this.#proven.has(`${side} ${row}`) || this.#omitted.has(row)) continue
        this.#findings.add('certificate', FILE, '', `a proof of the ${side} of ${row} (${chain})`, 'none')
      }
    }
  }
}

/** Walks the entries of a network and holds what quantum rows say of balances against what its pools held. */
function checkBalances({ chain, pool: kind, openings, entries }: Table, { report, findings }: Evidence): void {
  const rows = report.rows('quantum').filter(({ value }) => value.chain === chain && value.pool === kind)
  if (rows.length === 0) return
  const balance = new Map(openings)
  const waiting = new Map<string, { since: string; lowest: bigint | undefined; entry: number }>()
  for (const { value } of rows) {
    const key = poolKey(value.asset, quantumPlace(value))
    waiting.set(key, { since: value.since.transaction, lowest: undefined, entry: -1 })
  }
  const begun = new Set<string>()
  for (const [number, { transaction, asset, into, in: taken, out: given }] of entries.entries()) {
    const touched = new Set<string>()
    const move = (of: string, at: string | undefined, amount: bigint, comes: boolean) => {
      if (at === undefined) return
      const key = poolKey(of, at)
      const watched = waiting.get(key)
      if (watched === undefined) return
      balance.set(key, (balance.get(key) ?? 0n) + amount)
      touched.add(key)
      if (comes && watched.since === transaction) begun.add(key)
    }
    for (const { at, amount } of taken) move(asset, at, -amount, false)
    for (const { at, amount } of given) move(into ?? asset, at, amount, true)
    for (const key of touched) {
      const watched = waiting.get(key)!
      const held = balance.get(key)!
      if (!begun.has(key) || (watched.lowest !== undefined && held >= watched.lowest)) continue
      watched.lowest = held
      watched.entry = number
    }
  }
  for (const { index, value } of rows) {
    const key = poolKey(value.asset, quantumPlace(value))
    const { lowest, entry } = waiting.get(key)!
    const where = `/quantum/${index}`
    const left = balance.get(key) ?? 0n
    findings.same('quantum', 'report.json', `${where}/left`, left.toString(), value.left)
    if (lowest === undefined) {
      findings.add('quantum', 'report.json', `${where}/since/transaction`, 'a payment into it', value.since.transaction)
      continue
    }
    // One transaction may bring proceeds in more than one movement: the lowest is then at most what it was after the first.
    findings.same('quantum', 'report.json', `${where}/lowest/amount`, lowest.toString(), value.lowest.amount)
    findings.same(
      'quantum',
      'report.json',
      `${where}/lowest/transaction`,
      entries[entry].transaction,
      value.lowest.transaction,
    )
  }
}

/** Holds every network against the ledger: what could have moved, moved in an entry; what an entry says, happened. */
async function checkTables(
  directory: string,
  limits: VerifyLimits,
  evidence: Evidence,
  tables: readonly Table[],
  tagged: ReadonlySet<string>,
): Promise<void> {
  if (tables.length === 0) return
  const { findings, report } = evidence
  const openings = new Map<string, bigint>()
  let retracings: Retracing[] | undefined
  const last = new Map<string, LedgerRow>()
  // What is wrong with a line of the ledger was said when it was first read.
  const silent = new Findings(0)
  await readLines(directory, 'ledger.ndjson.gz', limits, silent, (line, number) => {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      return
    }
    if (!isRecord(value)) return
    if (!('id' in value)) {
      const { chain, asset, address } = value
      const amount = parseUnits(value.opening)
      if (amount !== undefined) openings.set(`${chain}\0${asset}\0${address}`, amount)
      return
    }
    const row = ledgerRow(value, number, silent)
    if (row === undefined) return
    const before = last.get(row.chain)
    if (before !== undefined && comesAfter(before, row)) {
      findings.add(
        'certificate',
        'ledger.ndjson.gz',
        `line ${number}`,
        'transactions in order',
        `${row.id} comes earlier`,
      )
    }
    last.set(row.chain, row)
    retracings ??= tables.map((table) => new Retracing(table, evidence, tagged))
    for (const retracing of retracings) retracing.take(row)
  })
  for (const retracing of retracings ?? []) retracing.close(openings)
  const seeded = new Set(report.rows('seeds').map(({ value }: Row<{ chain: string }>) => value.chain))
  for (const { chain, line } of tables) {
    if (!seeded.has(chain)) findings.add('certificate', FILE, `line ${line} /chain`, 'a chain with a seed', chain)
  }
}
