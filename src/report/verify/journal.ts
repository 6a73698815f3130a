import { canonicalJson } from '../canonical.ts'
import type { JournalRow } from '../format.ts'
import { type LinesRead, readLines, type VerifyLimits } from './files.ts'
import type { Findings } from './findings.ts'
import { comesAfter, type Ledger, type LedgerRow, legOf } from './ledger.ts'
import { count, digits, METHOD_KEY, methodKey, object, oneOf, optional, text } from './shape.ts'

const FILE = 'journal.ndjson.gz'

/** Sinks that take a leg: the value lies in no holding any more. */
export const LEG_SINKS = ['service', 'mixer', 'bridge', 'burned', 'fee'] as const
export const OUT_SINKS: readonly string[] = [...LEG_SINKS, 'horizon.amount']
export const REST_SINKS: readonly string[] = [
  'holding',
  'unseen',
  'horizon.hops',
  'horizon.until',
  'horizon.transactions',
]
export const ENDPOINT_SINKS: readonly string[] = ['service', 'mixer', 'bridge']

const members = { row: count, method: methodKey, chain: text, asset: text, seed: text, amount: digits }
const SHAPES = {
  in: object({ ...members, entry: count, transaction: text, kind: oneOf('in'), at: text }),
  seed: object({ ...members, entry: count, transaction: text, kind: oneOf('seed'), at: optional(text), leg: count }),
  out: object({
    ...members,
    entry: count,
    transaction: text,
    kind: oneOf('out'),
    at: optional(text),
    leg: optional(count),
    sink: optional(oneOf(...OUT_SINKS)),
  }),
  rest: object({ ...members, kind: oneOf('rest'), at: text, sink: oneOf(...REST_SINKS) }),
}

/** Key of a sum: parts that cannot hold the separator's character run into each other. */
export const keyOf = (...parts: readonly (string | number)[]): string => parts.join('\0')

/** What the journal speaks of: gathered in a first reading, so that the ledger need not be held whole. */
export interface JournalNames {
  readonly read: LinesRead
  readonly transactions: Set<string>
  /** Outputs that value is said to rest in. */
  readonly resting: Set<string>
}

const OUTPUT_HOLDING = /^(.+):(0|[1-9]\d{0,9})$/

/** `<txid>:<n>` as its two parts; undefined where `at` is an address or a cluster. */
export function outputOf(at: string): { readonly transaction: string; readonly output: number } | undefined {
  if (at.startsWith('cluster:')) return undefined
  const match = OUTPUT_HOLDING.exec(at)
  return match === null ? undefined : { transaction: match[1], output: Number(match[2]) }
}

/** First reading: every line proved to be canonical, of its shape and rightly numbered. */
export async function readJournalNames(
  directory: string,
  limits: VerifyLimits,
  findings: Findings,
): Promise<JournalNames> {
  const transactions = new Set<string>()
  const resting = new Set<string>()
  const read = await readLines(directory, FILE, limits, findings, (line, number) => {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (failure) {
      findings.add('shape', FILE, `row ${number}`, 'JSON', (failure as Error).message)
      return
    }
    if (!isCanonical(value, line)) findings.add('canonical', FILE, `row ${number}`, 'canonical JSON', line)
    const row = provedRow(value, (pointer, expected, found) => {
      findings.add('shape', FILE, `row ${number} ${pointer}`, expected, found)
    })
    if (row === undefined) return
    findings.same('numbering', FILE, `row ${number} /row`, number, row.row)
    if (row.transaction !== undefined) transactions.add(row.transaction)
    if (row.kind === 'rest') {
      const output = outputOf(row.at!)
      if (output !== undefined) {
        resting.add(row.at!)
        transactions.add(output.transaction)
      }
    }
  })
  return { read, transactions, resting }
}

function isCanonical(value: unknown, line: string): boolean {
  try {
    return canonicalJson(value) === line
  } catch {
    return false
  }
}

function provedRow(
  value: unknown,
  problem: (pointer: string, expected: string, found: unknown) => void,
): JournalRow | undefined {
  const kind = typeof value === 'object' && value !== null ? (value as { kind?: unknown }).kind : undefined
  const shape =
    typeof kind === 'string' && Object.hasOwn(SHAPES, kind) ? SHAPES[kind as keyof typeof SHAPES] : undefined
  if (shape === undefined) {
    problem('/kind', 'in, seed, out or rest', kind)
    return undefined
  }
  return shape(value, '', problem) ? (value as JournalRow) : undefined
}

/** Sums of one seed's value under one method in one asset, by the name of the sink. */
export interface SeedSums {
  readonly method: string
  readonly seed: string
  readonly chain: string
  readonly asset: string
  seeded: bigint
  convertedIn: bigint
  convertedOut: bigint
  readonly sinks: Map<string, bigint>
}

/** By method, then by seed. */
export type TracedSums = Map<string, Map<string, bigint>>

/** A payment into a service, mixer or bridge, as the journal has it. */
export interface LegSums {
  readonly chain: string
  readonly asset: string
  readonly transaction: string
  readonly leg: number | undefined
  readonly sink: string
  readonly row: number
  readonly traced: TracedSums
  /** Fewest transactions from a seed, by method: the seed's own payment not counted. */
  readonly hops: Map<string, number>
}

/** What rests in one holding, as the journal has it. */
export interface RestSums {
  readonly chain: string
  readonly asset: string
  readonly at: string
  readonly pool: string
  readonly sink: string
  readonly row: number
  readonly traced: TracedSums
}

/** The journal, added up anew. */
export interface JournalSums {
  readonly seeds: Map<string, SeedSums>
  /** Seed rows by (method, seed, chain, transaction, leg). */
  readonly declared: Map<
    string,
    { amount: bigint; readonly row: number; readonly method: string; readonly seed: string }
  >
  readonly endpoints: Map<string, LegSums>
  readonly holdings: Map<string, RestSums>
  /** What came into each holding, by (method, chain, asset, at), then by seed. */
  readonly arrivals: Map<string, Map<string, bigint>>
  /** The first entry that brought something, under any method of the pool, by (pool, chain, asset, at). */
  readonly firstArrivals: Map<string, { readonly entry: number; readonly transaction: string }>
  /** What rests in each place, by sink, then by method: all seeds together, horizons too. */
  readonly rests: Map<string, Map<string, bigint>>
  readonly methods: Set<string>
}

/** Which pool a method's key traces by on a chain; undefined where the request does not say, or says nonsense. */
export type PoolOf = (method: string, chain: string, utxo: boolean) => string

/** The request's pools, defaults included (DESIGN.md decision 6). */
export function poolReader(request: Readonly<Record<string, unknown>>): PoolOf {
  const pools =
    typeof request.pool === 'object' && request.pool !== null ? (request.pool as Record<string, unknown>) : {}
  return (method, chain, utxo) => {
    const beside = METHOD_KEY.exec(method)?.[2]
    if (beside !== undefined) return beside
    const named = Object.hasOwn(pools, chain) ? pools[chain] : undefined
    const first: unknown = Array.isArray(named) ? named[0] : named
    return typeof first === 'string' ? first : utxo ? 'output' : 'address'
  }
}

/** Everything in a group of rows that is one entry under one method. */
interface Group {
  readonly method: string
  readonly entry: number
  readonly rows: JournalRow[]
}

/**
 * Second reading: each row against the ledger, each entry against itself, each holding against what it took; and the sums
 * that the report must equal.
 */
export class JournalCheck {
  readonly sums: JournalSums = {
    seeds: new Map(),
    declared: new Map(),
    endpoints: new Map(),
    holdings: new Map(),
    arrivals: new Map(),
    firstArrivals: new Map(),
    rests: new Map(),
    methods: new Set(),
  }
  private readonly ledger: Ledger
  private readonly findings: Findings
  private readonly poolOf: PoolOf
  private readonly seedIds: ReadonlySet<string>
  private readonly converting: ReadonlySet<string>
  /** What each seed has in each holding, by (method, seed, chain, asset, at). */
  private readonly balances = new Map<string, { amount: bigint; row: number }>()
  /** Fewest transactions from a seed to a holding, by (method, chain, asset, at); with what of all seeds lies there. */
  private readonly distances = new Map<string, { hops: number; held: bigint }>()
  private readonly lastEntry = new Map<string, { entry: number; transaction: LedgerRow | undefined }>()
  private readonly entered = new Set<string>()
  private readonly clusterOf = new Map<string, string>()
  private group: Group | undefined

  constructor(options: {
    readonly ledger: Ledger
    readonly findings: Findings
    readonly poolOf: PoolOf
    readonly seedIds: ReadonlySet<string>
    /** Transactions that the report lists as conversions: their two sides are two assets. */
    readonly converting: ReadonlySet<string>
  }) {
    this.ledger = options.ledger
    this.findings = options.findings
    this.poolOf = options.poolOf
    this.seedIds = options.seedIds
    this.converting = options.converting
  }

  async run(directory: string, limits: VerifyLimits, silent: Findings): Promise<JournalSums> {
    // The first reading has said what is wrong with a line; here such lines are passed over.
    await readLines(directory, FILE, limits, silent, (line) => {
      let value: unknown
      try {
        value = JSON.parse(line)
      } catch {
        return
      }
      const row = provedRow(value, () => {})
      if (row !== undefined) this.take(row)
    })
    this.closeGroup()
    for (const [key, { amount, row }] of this.balances) {
      if (amount === 0n) continue
      const [method, seed, chain, asset, at] = key.split('\0')
      this.findings.add(
        'balance',
        FILE,
        `row ${row}`,
        `all of seed ${seed} in ${at} (${chain} ${asset}, ${method}) leaves or rests`,
        `${amount} neither leaves nor rests`,
      )
    }
    return this.sums
  }

  private take(row: JournalRow): void {
    this.sums.methods.add(row.method)
    if (!this.seedIds.has(row.seed)) {
      this.findings.add('seed', FILE, `row ${row.row} /seed`, 'a seed of the report', row.seed)
    }
    if (row.kind === 'rest') {
      this.closeGroup()
      this.rest(row)
      return
    }
    if (this.group === undefined || this.group.method !== row.method || this.group.entry !== row.entry) {
      this.closeGroup()
      this.group = { method: row.method, entry: row.entry!, rows: [] }
    }
    this.group.rows.push(row)
  }

  private closeGroup(): void {
    const { group } = this
    this.group = undefined
    if (group === undefined) return
    const first = group.rows[0]
    const transaction = this.transactionOf(group)
    this.checkOrder(group, first, transaction)
    this.checkBalance(group)
    if (transaction !== undefined) {
      this.checkInSide(group, transaction)
      this.checkOutSide(group, transaction)
      this.checkOnce(group, transaction)
    }
    this.move(group, transaction)
  }

  /** The one ledger transaction of a group; a row of another transaction is a finding. */
  private transactionOf(group: Group): LedgerRow | undefined {
    const first = group.rows[0]
    let transaction: LedgerRow | undefined
    for (const row of group.rows) {
      const found = this.ledgerRowOf(row, group)
      if (found === undefined) {
        this.findings.add(
          'ledger',
          FILE,
          `row ${row.row} /transaction`,
          `a ${row.chain} transaction of the ledger`,
          row.transaction,
        )
        continue
      }
      if (row.transaction !== first.transaction && !this.isConverting(row)) {
        const expected = `${first.transaction}, as row ${first.row} of entry ${group.entry}`
        this.findings.add('entry', FILE, `row ${row.row} /transaction`, expected, row.transaction)
      }
      transaction ??= found
    }
    return transaction
  }

  /** BIP-30 left two pairs of transactions with one id; the one that stands next in order is meant. */
  private ledgerRowOf(row: JournalRow, group: Group): LedgerRow | undefined {
    const rows = this.ledger.all(row.chain, row.transaction!)
    if (rows.length < 2) return rows[0]
    const last = this.lastEntry.get(keyOf(group.method, row.chain))
    const later = rows.filter((each) => last?.transaction === undefined || !comesAfter(last.transaction, each))
    return later.sort((a, b) => (a.height ?? 0) - (b.height ?? 0))[0] ?? rows[0]
  }

  private isConverting(row: JournalRow): boolean {
    return row.transaction !== undefined && this.converting.has(row.transaction)
  }

  private checkOrder(group: Group, first: JournalRow, transaction: LedgerRow | undefined): void {
    const key = keyOf(group.method, first.chain)
    const last = this.lastEntry.get(key)
    if (last !== undefined) {
      if (group.entry <= last.entry) {
        this.findings.add('numbering', FILE, `row ${first.row} /entry`, `an entry after ${last.entry}`, group.entry)
      }
      if (transaction !== undefined && last.transaction !== undefined && comesAfter(last.transaction, transaction)) {
        const expected = `a transaction not before ${last.transaction.id}, the one before it`
        this.findings.add('numbering', FILE, `row ${first.row} /transaction`, expected, transaction.id)
      }
    }
    this.lastEntry.set(key, { entry: group.entry, transaction: transaction ?? last?.transaction })
  }

  /** in + seed = out, for each seed; a conversion gives in one asset and takes in another. */
  private checkBalance(group: Group): void {
    const sides = new Map<string, { into: bigint; out: bigint; row: JournalRow }>()
    for (const row of group.rows) {
      const key = keyOf(row.seed, row.chain, row.asset)
      const side = sides.get(key) ?? { into: 0n, out: 0n, row }
      if (row.kind === 'out') side.out += BigInt(row.amount)
      else side.into += BigInt(row.amount)
      sides.set(key, side)
    }
    for (const side of sides.values()) {
      if (side.into === side.out) continue
      const { row } = side
      if (this.isConverting(row) && this.convertsElsewhere(row, sides)) {
        const sums = this.seedSums(row)
        if (side.into > side.out) sums.convertedOut += side.into - side.out
        else sums.convertedIn += side.out - side.into
        continue
      }
      const rows = group.rows.length === 1 ? `row ${row.row}` : `rows ${group.rows[0].row} to ${group.rows.at(-1)!.row}`
      this.findings.add(
        'entry',
        FILE,
        `${rows} (entry ${group.entry}, ${group.method}, seed ${row.seed})`,
        `${side.into} ${row.asset} out, as much as in and seeded`,
        `${side.out} out`,
      )
    }
  }

  /** A conversion's other side: the same seed, another asset, the other sign. */
  private convertsElsewhere(
    row: JournalRow,
    sides: Map<string, { into: bigint; out: bigint; row: JournalRow }>,
  ): boolean {
    const own = sides.get(keyOf(row.seed, row.chain, row.asset))!
    for (const other of sides.values()) {
      if (other.row.seed === row.seed && other !== own && own.into > own.out !== other.into > other.out) return true
    }
    return false
  }

  /** What the in rows take from each holding must be there to take: the transaction's inputs, or its payer's transfer. */
  private checkInSide(group: Group, transaction: LedgerRow): void {
    const taken = new Map<string, { amount: bigint; row: JournalRow }>()
    for (const row of group.rows) {
      if (row.kind !== 'in') continue
      const key = keyOf(row.chain, row.asset, row.at!)
      const sum = taken.get(key) ?? { amount: 0n, row }
      sum.amount += BigInt(row.amount)
      taken.set(key, sum)
    }
    for (const { amount, row } of taken.values()) {
      const gives = this.given(row, transaction, group)
      if (gives === undefined) {
        this.findings.add('place', FILE, `row ${row.row} /at`, `a holding that ${transaction.id} takes from`, row.at)
      } else if (amount > gives) {
        this.findings.add(
          'capacity',
          FILE,
          `row ${row.row} /amount`,
          `at most ${gives}, what ${transaction.id} takes from ${row.at}`,
          `${amount}`,
        )
      }
    }
  }

  /** What a transaction takes from a holding in all; undefined where it does not touch it. */
  private given(row: JournalRow, transaction: LedgerRow, group: Group): bigint | undefined {
    const at = row.at!
    const pool = this.poolOf(row.method, row.chain, transaction.utxo)
    if (transaction.utxo) {
      if (row.asset !== 'native') return undefined
      let sum: bigint | undefined
      for (const input of transaction.inputs) {
        const output = `${input.transaction}:${input.output}`
        const belongs =
          pool === 'output' || input.address === null
            ? at === output
            : pool === 'address'
              ? at === input.address
              : at.startsWith('cluster:') && (this.clusterOf.get(keyOf(row.chain, input.address)) ?? at) === at
        if (belongs) sum = (sum ?? 0n) + input.amount
      }
      return sum
    }
    const belongs = (address: string): boolean =>
      pool === 'cluster'
        ? at.startsWith('cluster:') && (this.clusterOf.get(keyOf(row.chain, address)) ?? at) === at
        : at === address
    // One entry is one transfer: where the group names its leg and it is no conversion, that leg alone gives.
    const legs = new Set(group.rows.filter(({ kind }) => kind !== 'in').map(({ leg }) => leg))
    if (legs.size === 1 && !this.isConverting(row)) {
      const leg = legOf(transaction, [...legs][0])
      return leg !== undefined && leg.from !== null && leg.asset === row.asset && belongs(leg.from)
        ? leg.amount
        : undefined
    }
    let sum: bigint | undefined
    for (const { asset, from, amount } of transaction.failed ? [] : transaction.transfers) {
      if (asset === row.asset && belongs(from)) sum = (sum ?? 0n) + amount
    }
    return sum
  }

  /** Each out row at its leg: where the pool says, no more than the leg holds, no less than is seeded there. */
  private checkOutSide(group: Group, transaction: LedgerRow): void {
    const legs = new Map<
      string,
      { amount: bigint; row: JournalRow; bySeed: Map<string, { seeded: bigint; out: bigint }> }
    >()
    for (const row of group.rows) {
      if (row.kind === 'in') continue
      const where = `row ${row.row}`
      const leg = legOf(transaction, row.leg)
      if (leg === undefined) {
        this.findings.add('ledger', FILE, `${where} /leg`, `a leg of ${transaction.id}`, row.leg ?? 'the fee')
        continue
      }
      this.findings.same('ledger', FILE, `${where} /asset`, leg.asset, row.asset)
      if (row.kind === 'out' && (row.leg === undefined) !== (row.sink === 'fee')) {
        this.findings.add(
          'place',
          FILE,
          `${where} /sink`,
          row.leg === undefined ? 'fee' : 'no fee: the row names a leg',
          row.sink,
        )
      }
      if (row.kind === 'out') this.checkPlace(row, transaction, leg.address)
      const sum = legs.get(String(row.leg)) ?? { amount: 0n, row, bySeed: new Map() }
      const mine = sum.bySeed.get(row.seed) ?? { seeded: 0n, out: 0n }
      if (row.kind === 'seed') mine.seeded += BigInt(row.amount)
      else {
        mine.out += BigInt(row.amount)
        sum.amount += BigInt(row.amount)
      }
      sum.bySeed.set(row.seed, mine)
      legs.set(String(row.leg), sum)
    }
    for (const { amount, row, bySeed } of legs.values()) {
      const leg = legOf(transaction, row.leg)!
      if (amount > leg.amount) {
        const expected = `at most ${leg.amount}, the amount of the leg`
        this.findings.add('capacity', FILE, `row ${row.row} /amount`, expected, `${amount} of all seeds`)
      }
      for (const [seed, { seeded, out }] of bySeed) {
        if (seeded > out) {
          this.findings.add(
            'entry',
            FILE,
            `row ${row.row}`,
            `at least ${seeded} of seed ${seed}, which is seeded at this leg`,
            `${out}`,
          )
        }
      }
    }
  }

  private checkPlace(row: JournalRow, transaction: LedgerRow, address: string | null): void {
    const where = `row ${row.row} /at`
    if (row.sink !== undefined && (LEG_SINKS as readonly string[]).includes(row.sink)) {
      if (row.at !== undefined) this.findings.add('place', FILE, where, `no holding: ${row.sink} takes the leg`, row.at)
      return
    }
    if (row.at === undefined) {
      if (row.sink === undefined) this.findings.add('place', FILE, where, 'a holding or a sink', 'neither')
      return
    }
    const pool = this.poolOf(row.method, row.chain, transaction.utxo)
    const output = `${transaction.id}:${row.leg}`
    if (pool === 'output') this.findings.same('place', FILE, where, output, row.at)
    else if (address === null) this.findings.same('place', FILE, where, output, row.at)
    else if (pool === 'address') this.findings.same('place', FILE, where, address, row.at)
    else {
      const key = keyOf(row.chain, address)
      const known = this.clusterOf.get(key)
      if (!row.at.startsWith('cluster:')) this.findings.add('place', FILE, where, `the cluster of ${address}`, row.at)
      else if (known !== undefined) this.findings.same('place', FILE, where, known, row.at)
      else this.clusterOf.set(key, row.at)
    }
  }

  /** A transaction, or a transfer of one, is one entry under one method: twice would carry more than it holds. */
  private checkOnce(group: Group, transaction: LedgerRow): void {
    const legs = transaction.utxo
      ? ['all']
      : new Set(group.rows.filter(({ kind }) => kind !== 'in').map(({ leg }) => String(leg)))
    for (const leg of legs) {
      const key = keyOf(group.method, transaction.chain, transaction.line, leg)
      if (this.entered.has(key)) {
        const expected = `one entry for ${transaction.id}${leg === 'all' ? '' : `, leg ${leg}`}`
        this.findings.add('capacity', FILE, `row ${group.rows[0].row} /entry`, expected, 'another entry for it')
      }
      this.entered.add(key)
    }
  }

  /** Moves the value: out of the holdings, into the holdings and sinks. */
  private move(group: Group, transaction: LedgerRow | undefined): void {
    /** Fewest transactions from a seed to this entry, by seed. */
    const before = new Map<string, number>()
    const touched: JournalRow[] = []
    for (const row of group.rows) {
      if (row.kind !== 'in') continue
      const distance = this.distances.get(keyOf(row.method, row.chain, row.asset, row.at!))
      const hops = distance?.hops ?? 0
      before.set(row.seed, Math.min(before.get(row.seed) ?? Number.POSITIVE_INFINITY, hops))
      this.leave(row, distance)
      touched.push(row)
    }
    const seededLegs = new Set<string>()
    for (const row of group.rows) {
      if (row.kind !== 'seed') continue
      seededLegs.add(keyOf(row.seed, row.leg ?? ''))
      this.seedSums(row).seeded += BigInt(row.amount)
      const key = keyOf(row.method, row.seed, row.chain, row.transaction!, row.leg ?? '')
      const declared = this.sums.declared.get(key) ?? { amount: 0n, row: row.row, method: row.method, seed: row.seed }
      declared.amount += BigInt(row.amount)
      this.sums.declared.set(key, declared)
    }
    for (const row of group.rows) {
      if (row.kind !== 'out') continue
      const through = (before.get(row.seed) ?? Number.POSITIVE_INFINITY) + 1
      const hops = seededLegs.has(keyOf(row.seed, row.leg ?? '')) ? 0 : through
      if (row.sink !== undefined) {
        const { sinks } = this.seedSums(row)
        sinks.set(row.sink, (sinks.get(row.sink) ?? 0n) + BigInt(row.amount))
        if (ENDPOINT_SINKS.includes(row.sink)) this.arriveAtEndpoint(row, hops)
      } else if (row.at !== undefined) this.arrive(row, hops)
    }
    if (transaction?.utxo) this.checkSpentWhole(touched, transaction)
  }

  private leave(row: JournalRow, distance: { hops: number; held: bigint } | undefined): void {
    const amount = BigInt(row.amount)
    if (distance !== undefined) {
      distance.held -= amount
      if (distance.held <= 0n) this.distances.delete(keyOf(row.method, row.chain, row.asset, row.at!))
    }
    const key = keyOf(row.method, row.seed, row.chain, row.asset, row.at!)
    const balance = this.balances.get(key)
    const held = balance?.amount ?? 0n
    if (amount > held) {
      this.findings.add(
        'balance',
        FILE,
        `row ${row.row} /amount`,
        `at most ${held}, what ${row.at} holds of seed ${row.seed}`,
        row.amount,
      )
    }
    // What was never there cannot be owed: the balance stands at nothing, so that one fault is told once.
    const left = amount > held ? 0n : held - amount
    if (left === 0n) this.balances.delete(key)
    else this.balances.set(key, { amount: left, row: balance!.row })
  }

  private arrive(row: JournalRow, hops: number): void {
    const amount = BigInt(row.amount)
    if (amount === 0n) return
    const key = keyOf(row.method, row.seed, row.chain, row.asset, row.at!)
    const balance = this.balances.get(key)
    if (balance === undefined) this.balances.set(key, { amount, row: row.row })
    else balance.amount += amount
    const place = keyOf(row.method, row.chain, row.asset, row.at!)
    const arrivals = this.sums.arrivals.get(place) ?? new Map<string, bigint>()
    this.sums.arrivals.set(place, arrivals)
    arrivals.set(row.seed, (arrivals.get(row.seed) ?? 0n) + amount)
    const pool = this.poolOf(row.method, row.chain, this.ledger.utxoChains.has(row.chain))
    const holder = keyOf(pool, row.chain, row.asset, row.at!)
    const first = this.sums.firstArrivals.get(holder)
    if (first === undefined || row.entry! < first.entry) {
      this.sums.firstArrivals.set(holder, { entry: row.entry!, transaction: row.transaction! })
    }
    const distance = this.distances.get(place)
    if (distance === undefined) this.distances.set(place, { hops, held: amount })
    else {
      distance.hops = Math.min(distance.hops, hops)
      distance.held += amount
    }
  }

  private arriveAtEndpoint(row: JournalRow, hops: number): void {
    const key = keyOf(row.chain, row.transaction!, row.leg ?? '')
    let sums = this.sums.endpoints.get(key)
    if (sums === undefined) {
      sums = {
        chain: row.chain,
        asset: row.asset,
        transaction: row.transaction!,
        leg: row.leg,
        sink: row.sink!,
        row: row.row,
        traced: new Map(),
        hops: new Map(),
      }
      this.sums.endpoints.set(key, sums)
    }
    this.findings.same('endpoint', FILE, `row ${row.row} /sink`, sums.sink, row.sink)
    addTraced(sums.traced, row)
    sums.hops.set(row.method, Math.min(sums.hops.get(row.method) ?? Number.POSITIVE_INFINITY, hops))
  }

  /** A transaction spends an output whole, so all that a seed had in it leaves with it. */
  private checkSpentWhole(rows: readonly JournalRow[], transaction: LedgerRow): void {
    for (const row of rows) {
      if (this.poolOf(row.method, row.chain, true) !== 'output') continue
      const left = this.balances.get(keyOf(row.method, row.seed, row.chain, row.asset, row.at!))
      if (left === undefined) continue
      this.findings.add(
        'spent',
        FILE,
        `row ${row.row} /amount`,
        `all of seed ${row.seed} in ${row.at}, which ${transaction.id} spends whole`,
        `${left.amount} stays behind`,
      )
    }
  }

  private rest(row: JournalRow): void {
    const at = row.at!
    const key = keyOf(row.method, row.seed, row.chain, row.asset, at)
    const held = this.balances.get(key)
    const amount = BigInt(row.amount)
    if (amount > (held?.amount ?? 0n)) {
      this.findings.add(
        'balance',
        FILE,
        `row ${row.row} /amount`,
        `at most ${held?.amount ?? 0n}, what ${at} holds of seed ${row.seed}`,
        row.amount,
      )
      this.balances.delete(key)
    } else if (held !== undefined) {
      held.amount -= amount
      if (held.amount === 0n) this.balances.delete(key)
    }
    const { sinks } = this.seedSums(row)
    sinks.set(row.sink!, (sinks.get(row.sink!) ?? 0n) + amount)
    const resting = this.sums.rests.get(keyOf(at, row.sink!)) ?? new Map<string, bigint>()
    resting.set(row.method, (resting.get(row.method) ?? 0n) + amount)
    this.sums.rests.set(keyOf(at, row.sink!), resting)
    const output = outputOf(at)
    const made = output === undefined ? undefined : this.ledger.get(row.chain, output.transaction)
    const pool = this.poolOf(row.method, row.chain, this.ledger.utxoChains.has(row.chain))
    this.checkRestingPlace(row, pool, output, made)
    if (row.sink !== 'holding' && row.sink !== 'unseen') return
    const place = keyOf(pool, row.chain, row.asset, at)
    let sums = this.sums.holdings.get(place)
    if (sums === undefined) {
      sums = { chain: row.chain, asset: row.asset, at, pool, sink: row.sink, row: row.row, traced: new Map() }
      this.sums.holdings.set(place, sums)
    }
    this.findings.same('holding', FILE, `row ${row.row} /sink`, sums.sink, row.sink)
    addTraced(sums.traced, row)
  }

  private checkRestingPlace(
    row: JournalRow,
    pool: string,
    output: { readonly transaction: string; readonly output: number } | undefined,
    made: LedgerRow | undefined,
  ): void {
    const where = `row ${row.row} /at`
    if (pool !== 'output') {
      if (
        row.sink === 'holding' &&
        pool === 'address' &&
        made === undefined &&
        !this.ledger.isCovered(row.chain, row.at!)
      ) {
        this.findings.add(
          'coverage',
          FILE,
          `row ${row.row} /sink`,
          `unseen: the ledger does not cover ${row.at}`,
          row.sink,
        )
      }
      return
    }
    const leg = output === undefined || made === undefined ? undefined : legOf(made, output.output)
    if (leg === undefined) {
      this.findings.add('place', FILE, where, 'an output of the ledger', row.at)
      return
    }
    if (row.sink !== 'holding' && row.sink !== 'unseen') return
    const spender = this.ledger.spenders.get(`${row.chain}\0${row.at}`)
    if (spender !== undefined) {
      this.findings.add(
        'spent',
        FILE,
        where,
        'an unspent output',
        `${spender.id} spends it (ledger line ${spender.line})`,
      )
    }
    if (row.sink === 'holding' && !this.ledger.isCovered(row.chain, leg.address)) {
      const expected = `unseen: the ledger does not cover ${leg.address ?? 'outputs without an address'}`
      this.findings.add('coverage', FILE, `row ${row.row} /sink`, expected, row.sink)
    }
  }

  private seedSums(row: JournalRow): SeedSums {
    const key = keyOf(row.seed, row.method, row.chain, row.asset)
    let sums = this.sums.seeds.get(key)
    if (sums === undefined) {
      const { method, seed, chain, asset } = row
      sums = { method, seed, chain, asset, seeded: 0n, convertedIn: 0n, convertedOut: 0n, sinks: new Map() }
      this.sums.seeds.set(key, sums)
    }
    return sums
  }
}

function addTraced(traced: TracedSums, row: JournalRow): void {
  const bySeed = traced.get(row.method) ?? new Map<string, bigint>()
  bySeed.set(row.seed, (bySeed.get(row.seed) ?? 0n) + BigInt(row.amount))
  traced.set(row.method, bySeed)
}
