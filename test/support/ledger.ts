/**
 * Drawn ledgers: a case written as text that a lawyer can check by hand, and the answer printed in the same form.
 *
 *     open wallet 10                                   unknown value that stands first in a pool
 *     seed theft 10                                    10 units arrive in a pool `theft`, all of them seed `theft`
 *     seed theft 10 -> wallet                          the same, into a pool that may hold other value
 *     tx t1  theft 10, salary 10  ->  a 12, b 7  fee 1 a balanced entry; `salary` never arrived: it is opened
 *     tx t2  a 5  ->  b 3 [buy 2], @binance 2          the first 2 units of b are seed `buy`; `@binance` is a service
 *     tx t3  @clean 4, @unknown 2  ->  b 6             value from outside
 *     tx t4  ->  miner 50                              coinbase: clean
 *     swap t5  a 10  ->  a/eth 7                       another asset: the lots carry over in proportion
 *
 * Sinks: `@mixer`, `@bridge`, `@burned`, `@outside`, `@horizon`; any other `@name` is a service. `#` starts a remark.
 */
import {
  type Amounts,
  type Entries,
  FEE_LEG,
  FROM_CLEAN,
  FROM_UNKNOWN,
  type Lot,
  type MethodName,
  type SeedLeg,
  type Taint,
  TO_BRIDGE,
  TO_BURNED,
  TO_HORIZON,
  TO_MIXER,
  TO_OUTSIDE,
  TO_SERVICE,
} from '../../graph/index.ts'

/** A leg into an entry: a pool's name, `@clean` or `@unknown`. */
export interface DrawnIn {
  readonly from: string
  readonly amount: bigint
}

/** A leg out of an entry: a pool's name or `@sink`; `seeds` are declared at it, in order of seed id. */
export interface DrawnOut {
  readonly to: string
  readonly amount: bigint
  readonly seeds: readonly { readonly seed: string; readonly amount: bigint }[]
}

export interface DrawnEntry {
  readonly name: string
  readonly ins: readonly DrawnIn[]
  readonly outs: readonly DrawnOut[]
  readonly fee: bigint
  readonly conversion: boolean
}

/** A ledger as drawn, before it becomes columns. Pools and seeds are known by name. */
export interface Drawing {
  /** `output`: each pool is paid once and spent whole, and transactions mix. `address`: balances mix, entries pass on. */
  readonly pools: 'output' | 'address'
  readonly openings: ReadonlyMap<string, bigint>
  readonly entries: readonly DrawnEntry[]
}

/** A drawing as the columns that the engine reads, and the names to read its answer by. */
export interface Built {
  readonly drawing: Drawing
  readonly entries: Entries
  readonly seedLegs: readonly SeedLeg[]
  readonly seedCount: number
  /** Seed ids by number. */
  readonly seeds: readonly string[]
  /** Pool names by number. */
  readonly pools: readonly string[]
  /** Where each out leg goes, by name: a pool or a sink such as `@binance`. */
  readonly legNames: readonly string[]
  /** What every amount was multiplied by. */
  readonly times: bigint
}

export interface BuildOptions {
  /** Float64Array columns or bigint columns. */
  readonly amounts?: 'number' | 'bigint'
  /** Every amount times this. */
  readonly times?: bigint
}

/** One run of one seed's value, as a journal row; adjacent rows of the same run are one. */
export interface Row {
  readonly entry: number
  readonly side: number
  readonly seed: number
  readonly leg: number
  readonly amount: bigint
}

/** What a method said of a ledger, in a shape in which the engine and the oracle can be compared. */
export interface Told {
  /** By pool: lots, next to leave first; adjacent lots of one origin are one, empty ones are none. */
  readonly held: readonly (readonly Lot[])[]
  readonly rows: readonly Row[]
}

const SINK_CODES: Readonly<Record<string, number>> = {
  '@outside': TO_OUTSIDE,
  '@mixer': TO_MIXER,
  '@bridge': TO_BRIDGE,
  '@burned': TO_BURNED,
  '@horizon': TO_HORIZON,
}

const SOURCE_CODES: Readonly<Record<string, number>> = { '@clean': FROM_CLEAN, '@unknown': FROM_UNKNOWN }

const inOrder = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

const total = (amounts: Iterable<bigint>) => {
  let all = 0n
  for (const each of amounts) all += each
  return all
}

function words(text: string, line: string): { name: string; amount: bigint } {
  const match = /^(\S+)\s+([0-9]+)$/.exec(text.trim())
  if (!match) throw new Error(`not a name and an amount: '${text.trim()}' in '${line}'`)
  return { name: match[1], amount: BigInt(match[2]) }
}

function drawnIn(text: string, line: string): DrawnIn {
  const { name, amount } = words(text, line)
  if (name.startsWith('@') && !(name in SOURCE_CODES)) throw new Error(`nothing comes from ${name}: '${line}'`)
  return { from: name, amount }
}

function drawnOut(text: string, line: string): DrawnOut {
  const match = /^([^[]*)(?:\[(.*)\])?$/.exec(text.trim())
  if (!match) throw new Error(`not a leg: '${text}' in '${line}'`)
  const { name, amount } = words(match[1], line)
  const seeds = (match[2] ?? '')
    .split(';')
    .filter((each) => each.trim() !== '')
    .map((each) => words(each, line))
    .map((each) => ({ seed: each.name, amount: each.amount }))
    .sort((a, b) => inOrder(a.seed, b.seed))
  return { to: name, amount, seeds }
}

const list = (text: string) => text.split(',').filter((each) => each.trim() !== '')

/** Reads a drawing; refuses one that does not balance, or in which a pool pays what it never had. */
export function draw(text: string, pools: Drawing['pools'] = 'address'): Drawing {
  const openings = new Map<string, bigint>()
  const balances = new Map<string, bigint>()
  const entries: DrawnEntry[] = []
  const enter = (entry: DrawnEntry, line: string) => {
    for (const { from, amount } of entry.ins) {
      if (from.startsWith('@')) continue
      const held = balances.get(from)
      if (held === undefined) openings.set(from, amount)
      else if (held < amount || (pools === 'output' && held > amount)) {
        throw new Error(`${from} holds ${held}: '${line}'`)
      }
      balances.set(from, (held ?? amount) - amount)
    }
    for (const { to, amount } of entry.outs) {
      if (!to.startsWith('@')) balances.set(to, (balances.get(to) ?? 0n) + amount)
    }
    entries.push(entry)
  }
  for (const raw of text.split('\n')) {
    const line = raw.replace(/#.*$/, '').trim()
    if (line === '') continue
    const [kind] = line.split(/\s/, 1)
    const rest = line.slice(kind.length).trim()
    if (kind === 'open') {
      const { name, amount } = words(rest, line)
      if (balances.has(name)) throw new Error(`an opening stands before everything: '${line}'`)
      openings.set(name, amount)
      balances.set(name, amount)
    } else if (kind === 'seed') {
      const [what, pool] = rest.split('->')
      const { name, amount } = words(what, line)
      const to = pool?.trim() ?? name
      const outs = [{ to, amount, seeds: [{ seed: name, amount }] }]
      enter({ name, ins: [{ from: '@unknown', amount }], outs, fee: 0n, conversion: false }, line)
    } else if (kind === 'tx' || kind === 'swap') {
      const match = /^(\S+)\s*(.*?)\s*->\s*(.*?)(?:\s*\bfee\s+([0-9]+))?$/.exec(rest)
      if (!match) throw new Error(`not an entry: '${line}'`)
      const ins = list(match[2]).map((each) => drawnIn(each, line))
      const outs = list(match[3]).map((each) => drawnOut(each, line))
      const fee = BigInt(match[4] ?? '0')
      const taken = total(ins.map((leg) => leg.amount))
      const given = total(outs.map((leg) => leg.amount)) + fee
      const conversion = kind === 'swap'
      if (conversion ? fee > 0n || ins.length === 0 : ins.length > 0 && taken !== given) {
        throw new Error(`${taken} in, ${given} out: '${line}'`)
      }
      enter({ name: match[1], ins, outs, fee, conversion }, line)
    } else throw new Error(`not a line of a ledger: '${line}'`)
  }
  return { pools, openings, entries }
}

/** Turns a drawing into columns. Pools are numbered as they first appear, seeds in the order of their ids. */
export function build(drawing: Drawing, options: BuildOptions = {}): Built {
  const { amounts = 'number', times = 1n } = options
  const pools: string[] = []
  const numbers = new Map<string, number>()
  const poolOf = (name: string) => {
    let number = numbers.get(name)
    if (number === undefined) {
      number = pools.length
      numbers.set(name, number)
      pools.push(name)
    }
    return number
  }
  for (const name of drawing.openings.keys()) poolOf(name)
  const seeds = [...new Set(drawing.entries.flatMap((e) => e.outs.flatMap((o) => o.seeds.map((s) => s.seed))))].sort(
    inOrder,
  )
  const inStart = [0]
  const outStart = [0]
  const inPool: number[] = []
  const outPool: number[] = []
  const inAmount: bigint[] = []
  const outAmount: bigint[] = []
  const legNames: string[] = []
  const seedLegs: SeedLeg[] = []
  for (const entry of drawing.entries) {
    for (const { from, amount } of entry.ins) {
      inPool.push(SOURCE_CODES[from] ?? poolOf(from))
      inAmount.push(amount * times)
    }
    for (const { to, amount, seeds: declared } of entry.outs) {
      for (const each of declared) {
        seedLegs.push({ seed: seeds.indexOf(each.seed), leg: outPool.length, amount: each.amount * times })
      }
      outPool.push(to.startsWith('@') ? (SINK_CODES[to] ?? TO_SERVICE) : poolOf(to))
      outAmount.push(amount * times)
      legNames.push(to)
    }
    inStart.push(inPool.length)
    outStart.push(outPool.length)
  }
  const column = (values: readonly bigint[]): Amounts =>
    amounts === 'bigint' ? [...values] : Float64Array.from(values, Number)
  const spaces = [...new Set(pools.map((name) => name.split('/')[1] ?? ''))]
  const entries: Entries = {
    count: drawing.entries.length,
    mixing: drawing.pools === 'output' ? 'transaction' : 'balance',
    poolCount: pools.length,
    transaction: Uint32Array.from(drawing.entries, (_, i) => i),
    inStart: Uint32Array.from(inStart),
    inPool: Int32Array.from(inPool),
    inAmount: column(inAmount),
    outStart: Uint32Array.from(outStart),
    outPool: Int32Array.from(outPool),
    outAmount: column(outAmount),
    conversion: Uint8Array.from(drawing.entries, (entry) => (entry.conversion ? 1 : 0)),
    opening: column(pools.map((name) => (drawing.openings.get(name) ?? 0n) * times)),
    poolSpace: Uint32Array.from(pools, (name) => spaces.indexOf(name.split('/')[1] ?? '')),
  }
  return { drawing, entries, seedLegs, seedCount: seeds.length, seeds, pools, legNames, times }
}

/** Reads a drawing and turns it into columns. */
export const ledger = (text: string, pools: Drawing['pools'] = 'address', options?: BuildOptions): Built =>
  build(draw(text, pools), options)

/** Joins adjacent lots of one origin and drops empty ones: how finely lots are cut says nothing. */
export function joinLots(lots: Iterable<Lot>): Lot[] {
  const joined: Lot[] = []
  for (const lot of lots) {
    if (lot.amount === 0n) continue
    const last = joined.at(-1)
    if (last?.origin === lot.origin) joined[joined.length - 1] = { ...last, amount: last.amount + lot.amount }
    else joined.push({ origin: lot.origin, amount: lot.amount })
  }
  return joined
}

/** Joins adjacent rows of one run. Empty rows are kept: the journal must not have any. */
export function joinRows(rows: Iterable<Row>): Row[] {
  const joined: Row[] = []
  for (const row of rows) {
    const last = joined.at(-1)
    const same =
      last !== undefined &&
      row.amount > 0n &&
      last.entry === row.entry &&
      last.side === row.side &&
      last.seed === row.seed &&
      last.leg === row.leg
    if (same) joined[joined.length - 1] = { ...last, amount: last.amount + row.amount }
    else joined.push(row)
  }
  return joined
}

/** The engine's answer in comparable shape. */
export function tell(taint: Taint, { pools }: Built): Told {
  const { journal } = taint
  const rows: Row[] = []
  for (let i = 0; i < journal.rows; i++) {
    rows.push({
      entry: journal.entry[i],
      side: journal.side[i],
      seed: journal.seed[i],
      leg: journal.leg[i],
      amount: BigInt(journal.amount[i]),
    })
  }
  return { held: pools.map((_, pool) => joinLots(taint.held(pool))), rows: joinRows(rows) }
}

/** `tiho` says how much of a leg is proceeds, not where in the leg it stands: proceeds first, each kind in its order. */
export function proceedsFirst(lots: readonly Lot[], seedCount: number): Lot[] {
  return joinLots([
    ...lots.filter((lot) => lot.origin < seedCount),
    ...lots.filter((lot) => lot.origin === seedCount),
    ...lots.filter((lot) => lot.origin > seedCount),
  ])
}

function lotText(lots: readonly Lot[], seeds: readonly string[]): string {
  const origins = [...seeds, 'unknown', 'clean']
  return lots.map((lot) => `${origins[lot.origin]} ${lot.amount}`).join(', ')
}

/**
 * Prints an answer as it is drawn: a line for each pool that holds something, by name, its lots in the order in which
 * they came (two lines, a bag: in the order in which they leave); then a line for each service and other sink, and the
 * fee, where what is no seed's is `other`.
 */
export function show(told: Told, built: Built, method: MethodName): string {
  const lines: string[] = []
  for (const [pool, lots] of told.held.entries()) {
    if (lots.length === 0) continue
    const shown =
      method === 'lifo' ? [...lots].reverse() : method === 'tiho' ? proceedsFirst(lots, built.seedCount) : lots
    lines.push(`${built.pools[pool]}: ${lotText(shown, built.seeds)}`)
  }
  const paid = new Map<number, Row[]>()
  for (const row of told.rows) {
    if (row.side !== 1) continue
    const rows = paid.get(row.leg)
    if (rows) rows.push(row)
    else paid.set(row.leg, [row])
  }
  const ends = new Map<string, { amount: bigint; lots: Lot[] }>()
  const fees = (paid.get(FEE_LEG) ?? []).map((row) => ({ origin: row.seed, amount: row.amount }))
  const feesPaid = total(built.drawing.entries.map((entry) => entry.fee)) * built.times
  if (feesPaid > 0n) ends.set('fee', { amount: feesPaid, lots: fees })
  for (const [leg, name] of built.legNames.entries()) {
    if (built.entries.outPool[leg] >= 0) continue
    const end = ends.get(name) ?? { amount: 0n, lots: [] }
    end.amount += BigInt(built.entries.outAmount[leg])
    for (const row of paid.get(leg) ?? []) end.lots.push({ origin: row.seed, amount: row.amount })
    ends.set(name, end)
  }
  for (const [name, { amount, lots }] of ends) {
    const other = amount - total(lots.map((lot) => lot.amount))
    const seeds = lotText(joinLots(lots), built.seeds)
    const rest = other > 0n ? `other ${other}` : ''
    lines.push(`${name}: ${[seeds, rest].filter((part) => part !== '').join(', ')}`)
  }
  return lines.sort(inOrder).join('\n')
}
