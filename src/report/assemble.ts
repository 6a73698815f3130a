import {
  addressesOf,
  type Bound,
  BoundsSolver,
  type DepositAccount,
  FEE_LEG,
  findReach,
  invariant,
  type Target,
  TO_BRIDGE,
  TO_FEE,
  TO_HORIZON,
  TO_MIXER,
  TO_OUTSIDE,
  TO_SERVICE,
  type Transaction,
} from '../../graph/index.ts'
import { engine } from '../engine.ts'
import type { Gap } from '../gaps.ts'
import { stopOfCategory } from '../tags/categories.ts'
import { compareTags, type Tag } from '../tags/tag.ts'
import { formatTime } from '../text.ts'
import type { ChainRun, MethodRun, Trace } from '../trace/trace.ts'
import { CERTIFICATE_LIMITS, type CertificateLimits, ProofBudget, type RunProofs, tellOmitted } from './certificates.ts'
import type {
  Attribution,
  ClusterRow,
  Conservation,
  Endpoint,
  Holding,
  Path,
  ReachRow,
  Report,
  SeedRow,
  ServiceRow,
  SinkSums,
  SnapshotRow,
  Traced,
} from './format.ts'
import { REPORT_SCHEMA } from './format.ts'
import { readTransactions } from './ledger-file.ts'
import { legFacts } from './leg-facts.ts'
import { drawPaths } from './paths.ts'
import { tellQuantum } from './quantum.ts'
import { rejectedOf } from './rejected.ts'
import { isCovered, restSink } from './rests.ts'
import { tellSensitivity } from './sensitivity.ts'

/** What is known only once the bundle's other files are written. */
export interface FileFacts {
  readonly ledger: { readonly sha256: string; readonly rows: number }
  readonly tags: { readonly sha256: string }
  readonly journal: { readonly sha256: string; readonly rows: number }
}

/** How many transactions of a rule's evidence a row lists. */
const EVIDENCE_SHOWN = 20
/** How many bounds are computed before the rest is skipped with a gap. */
const BOUNDS_MAX = 20_000
const ENDPOINT_SINKS: Readonly<Record<number, Endpoint['sink']>> = {
  [TO_SERVICE]: 'service',
  [TO_MIXER]: 'mixer',
  [TO_BRIDGE]: 'bridge',
}

/** Sums by seed number. */
type BySeed = Map<number, bigint>

/** What one method says of a run, added up: by leg that ends the trace, by pool at the end, by seed and asset. */
interface Sums {
  readonly key: string
  readonly legs: ReadonlyMap<number, BySeed>
  readonly rests: ReadonlyMap<number, BySeed>
  readonly fees: ReadonlyMap<string, bigint>
  readonly seeded: ReadonlyMap<string, bigint>
  readonly convertedIn: ReadonlyMap<string, bigint>
  readonly convertedOut: ReadonlyMap<string, bigint>
}

/** A case, told: the report, and what proves its floors and ceilings. */
export interface Told {
  readonly report: Report
  readonly proofs: readonly RunProofs[]
}

/** Tells a trace as a report. Pure: everything in it comes from the trace and the hashes of the bundle's other files. */
export function assembleReport(trace: Trace, files: FileFacts, limits: CertificateLimits = CERTIFICATE_LIMITS): Told {
  const gaps: Gap[] = []
  const budget = new ProofBudget(limits)
  const sums = new Map<ChainRun, readonly Sums[]>(
    trace.runs.map((run) => [run, run.methods.map((method) => addUp(trace, run, method))]),
  )
  const bounds = new Map<ChainRun, RunBounds>(
    trace.runs.map((run) => [run, boundRun(run, sums.get(run)!, budget, gaps)]),
  )
  const drafts = draftEndpoints(trace, sums)
  const paths = drawPaths(trace, drafts, gaps)
  const endpoints = tellEndpoints(trace, drafts, bounds, paths, gaps)
  const holdings = tellHoldings(trace, sums, bounds, gaps)
  const conservation = trace.runs.flatMap((run) => sums.get(run)!.flatMap((each) => conserve(trace, run, each)))
  invariant(
    conservation.every((row) => row.balanced),
    'every seed is accounted for under every method',
  )
  for (const run of trace.runs) tellGaps(trace, run, sums.get(run)!, gaps)
  const services = tellServices(trace, endpoints, bounds)
  const quantum = tellQuantum(trace, (run, pool, index, id) => {
    const known = bounds.get(run)!
    const bound = known.ofPool(pool)
    // What a holding's row proves is not proven twice.
    if (bound !== undefined && !known.pools.has(pool)) known.prove(bound, `/quantum/${index}`, id)
    return bound
  })
  const proofs = trace.runs.map((run) => bounds.get(run)!.proofs())
  gaps.push(...tellOmitted(proofs, limits))
  const sensitivity = tellSensitivity(trace, endpoints, gaps)
  const report: Report = {
    schema: REPORT_SCHEMA,
    engine: engine(),
    case: trace.request.case,
    request: trace.request.printed,
    snapshots: Object.keys(trace.request.pool)
      .sort()
      .map((chain) => tellSnapshot(trace, chain)),
    data: [{ name: 'ledger.ndjson.gz', ...files.ledger }],
    tagPacks: [{ name: 'tags.csv', sha256: files.tags.sha256, version: null }],
    seeds: trace.seeds.map(tellSeed),
    endpoints,
    services,
    reach: tellReach(trace, drafts),
    holdings,
    conservation,
    paths,
    quantum,
    sensitivity,
    clusters: tellClusters(trace),
    conversions: [],
    rejected: [...trace.ledgers.values()].flatMap((ledger) =>
      trace.request.pool[ledger.chain] === undefined ? [] : rejectedOf(trace, ledger).map(({ row }) => row),
    ),
    gaps: sortGaps(gaps),
    journal: { file: 'journal.ndjson.gz', ...files.journal },
  }
  return { report, proofs }
}

/** One key for a seed and an asset, to add up by. */
const slot = (seed: number, asset: number): string => `${seed} ${asset}`

function plus<K>(sums: Map<K, bigint>, key: K, amount: bigint): void {
  sums.set(key, (sums.get(key) ?? 0n) + amount)
}

function addUp(trace: Trace, run: ChainRun, { key, taint }: MethodRun): Sums {
  const { entries, entryAsset, pools } = run.compiled
  const { journal } = taint
  const legs = new Map<number, BySeed>()
  const rests = new Map<number, BySeed>()
  const fees = new Map<string, bigint>()
  const seeded = new Map<string, bigint>()
  const convertedIn = new Map<string, bigint>()
  const convertedOut = new Map<string, bigint>()
  const touched = new Set<number>()
  for (let i = 0; i < journal.rows; i++) {
    const amount = BigInt(journal.amount[i])
    const seed = journal.seed[i]
    const entry = journal.entry[i]
    const here = slot(seed, entryAsset[entry])
    if (journal.side[i] === 2) {
      plus(seeded, here, amount)
      continue
    }
    if (journal.side[i] === 0) continue
    if (journal.leg[i] === FEE_LEG) {
      plus(fees, here, amount)
      continue
    }
    const pool = entries.outPool[journal.leg[i]]
    if (pool >= 0) touched.add(pool)
    else {
      invariant(pool !== TO_OUTSIDE && pool !== TO_FEE, 'a seed’s value leaves the trace only by a named sink')
      let bySeed = legs.get(journal.leg[i])
      if (bySeed === undefined) legs.set(journal.leg[i], (bySeed = new Map()))
      plus(bySeed, seed, amount)
    }
  }
  for (const pool of [...touched].sort((a, b) => a - b)) {
    invariant(pool < pools.length, 'a pool has a name')
    const bySeed: BySeed = new Map()
    for (const { origin, amount } of taint.held(pool)) {
      if (origin < trace.request.seeds.length && amount > 0n) plus(bySeed, origin, amount)
    }
    if (bySeed.size > 0) rests.set(pool, bySeed)
  }
  return { key, legs, rests, fees, seeded, convertedIn, convertedOut }
}

function traced(trace: Trace, bySeed: BySeed): Traced {
  let total = 0n
  const rows: [string, string][] = []
  for (const [seed, amount] of [...bySeed].sort(([a], [b]) => a - b)) {
    total += amount
    rows.push([trace.request.seeds[seed].id, amount.toString()])
  }
  return { total: total.toString(), bySeed: Object.fromEntries(rows) }
}

/**
 * Floors and ceilings of one run, by leg and by pool; a solver stays at hand for sums over several. `prove` says which row of
 * the report a bound is printed in, so that its certificates are written under that name.
 */
interface RunBounds {
  readonly legs: ReadonlyMap<number, Bound>
  readonly pools: ReadonlyMap<number, Bound>
  readonly together: (target: Target) => Bound | undefined
  /** Of any pool, told in the holdings or not. */
  readonly ofPool: (pool: number) => Bound | undefined
  readonly prove: (bound: Bound, row: string, id?: string) => void
  readonly proofs: () => RunProofs
}

function boundRun(run: ChainRun, sums: readonly Sums[], budget: ProofBudget, gaps: Gap[]): RunBounds {
  const { entries, seeds, outPlace, transactions } = run.compiled
  const rows: { row: string; id: string | undefined; bound: Bound }[] = []
  const omitted: string[] = []
  const legs = new Set<number>()
  const pools = new Set<number>()
  for (const each of sums) {
    for (const leg of each.legs.keys()) if (ENDPOINT_SINKS[entries.outPool[leg]] !== undefined) legs.add(leg)
    for (const pool of each.rests.keys()) if (run.compiled.closed[pool] === undefined) pools.add(pool)
  }
  if (legs.size + pools.size > BOUNDS_MAX) {
    gaps.push({
      kind: 'BOUNDS_SKIPPED',
      where: `${run.chain} ${run.pool}`,
      detail: `${legs.size + pools.size} endpoints and holdings; floors and ceilings are computed for at most ${BOUNDS_MAX}`,
    })
    return {
      legs: new Map(),
      pools: new Map(),
      together: () => undefined,
      ofPool: () => undefined,
      prove: () => {},
      proofs: () => ({ run, conversions: [], rows, omitted }),
    }
  }
  const proving = budget.isOpen(run)
  const solver = new BoundsSolver(entries, seeds, { certificates: proving })
  // Proof costs more than the figure: once its budget is spent, the rest is solved without.
  let plain: BoundsSolver | undefined
  const solve = (target: Target): Bound => {
    if (!proving || budget.isOpen(run)) return budget.keep(solver.bound(target))
    plain ??= new BoundsSolver(entries, seeds)
    return plain.bound(target)
  }
  const others = new Map<number, Bound>()
  let skipped = false
  const knownOrGap = (bound: Bound, where: string): Bound => {
    if (bound.floor === undefined || bound.ceiling === undefined) {
      gaps.push({
        kind: 'BOUNDS_SKIPPED',
        where,
        detail: 'the network is larger than the effort allowed for one figure',
      })
    }
    return bound
  }
  const legBounds = new Map<number, Bound>()
  for (const leg of [...legs].sort((a, b) => a - b)) {
    const { id } = transactions[entries.transaction[entryOfLeg(entries.outStart, leg)]]
    legBounds.set(leg, knownOrGap(solve({ legs: [leg] }), `${id}:${outPlace[leg]}`))
  }
  const poolBounds = new Map<number, Bound>()
  for (const pool of [...pools].sort((a, b) => a - b)) {
    poolBounds.set(pool, knownOrGap(solve({ pools: [pool] }), run.compiled.pools[pool].name))
  }
  return {
    legs: legBounds,
    pools: poolBounds,
    together: solve,
    ofPool: (pool) => {
      const known = poolBounds.get(pool) ?? others.get(pool)
      if (known !== undefined) return known
      if (others.size + poolBounds.size > BOUNDS_MAX) {
        if (!skipped) {
          skipped = true
          gaps.push({
            kind: 'BOUNDS_SKIPPED',
            where: `${run.chain} ${run.pool}`,
            detail: `more wallets than ${BOUNDS_MAX}; of the rest of them no floor and ceiling is computed`,
          })
        }
        return undefined
      }
      const bound = knownOrGap(solve({ pools: [pool] }), run.compiled.pools[pool].name)
      others.set(pool, bound)
      return bound
    },
    prove: (bound, row, id) => {
      if (bound.floor === undefined || bound.ceiling === undefined) return
      if (bound.floorProof === undefined || bound.ceilingProof === undefined) omitted.push(row)
      else rows.push({ row, id, bound })
    },
    proofs: () => ({ run, conversions: solver.conversions, rows, omitted }),
  }
}

/** Which entry an out leg belongs to. */
export function entryOfLeg(starts: Uint32Array, leg: number): number {
  let low = 0
  let high = starts.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (starts[middle] <= leg) low = middle
    else high = middle - 1
  }
  return low
}

/** A payment into a sink before it is told: its row's id, and where it lies in the run that found it. */
export interface EndpointDraft {
  readonly id: string
  readonly run: ChainRun
  readonly leg: number
  readonly transaction: Transaction
  readonly number: number
  readonly place: number
  readonly asset: string
  readonly traced: Map<string, Traced>
  readonly hops: number
}

function draftEndpoints(trace: Trace, sums: ReadonlyMap<ChainRun, readonly Sums[]>): EndpointDraft[] {
  const drafts = new Map<string, Omit<EndpointDraft, 'id'> & { hops: number }>()
  for (const run of trace.runs) {
    const { entries, outPlace, outHops, assets, entryAsset, transactions } = run.compiled
    for (const each of sums.get(run)!) {
      for (const [leg, bySeed] of each.legs) {
        if (ENDPOINT_SINKS[entries.outPool[leg]] === undefined) continue
        const entry = entryOfLeg(entries.outStart, leg)
        const number = entries.transaction[entry]
        const shared = `${run.chain} ${number} ${outPlace[leg]} ${assets[entryAsset[entry]]}`
        let draft = drafts.get(shared)
        if (draft === undefined) {
          draft = {
            run,
            leg,
            transaction: transactions[number],
            number,
            place: outPlace[leg],
            asset: assets[entryAsset[entry]],
            traced: new Map(),
            hops: outHops[leg],
          }
          drafts.set(shared, draft)
        }
        draft.traced.set(each.key, traced(trace, bySeed))
        draft.hops = Math.min(draft.hops, outHops[leg])
      }
    }
  }
  const rows = [...drafts.values()].sort(
    (a, b) =>
      (a.run.chain < b.run.chain ? -1 : a.run.chain > b.run.chain ? 1 : 0) || a.number - b.number || a.place - b.place,
  )
  return rows.map((row, i) => ({ id: `E${i + 1}`, ...row }))
}

function tellEndpoints(
  trace: Trace,
  drafts: readonly EndpointDraft[],
  bounds: ReadonlyMap<ChainRun, RunBounds>,
  paths: readonly Path[],
  gaps: Gap[],
): Endpoint[] {
  const keys = methodKeys(trace)
  const pathsOf = new Map<string, string[]>()
  for (const { id, endpoint } of paths) {
    const known = pathsOf.get(endpoint)
    if (known === undefined) pathsOf.set(endpoint, [id])
    else known.push(id)
  }
  return drafts.map((draft, index): Endpoint => {
    const { id, run, leg, transaction, place } = draft
    const { address, amount } = legFacts(transaction, place)
    const sink = ENDPOINT_SINKS[run.compiled.entries.outPool[leg]]
    const claims = address === null ? [] : trace.book.standing(run.chain, address, transaction.time)
    const deciding = address === null ? undefined : trace.book.stopAt(run.chain, address, transaction.time)?.tags[0]
    const deposit = deciding === undefined && address !== null ? trace.hands.depositOf(run.chain, address) : undefined
    const named = deposit === undefined ? deciding : carriedTag(trace, run.chain, deposit)
    const bound = bounds.get(run)!.legs.get(leg)
    if (bound !== undefined) bounds.get(run)!.prove(bound, `/endpoints/${index}`, id)
    tellConflict(claims, `${run.chain} ${address}`, gaps)
    if (sink === 'bridge') {
      gaps.push({
        kind: 'BRIDGE_UNMATCHED',
        where: `${transaction.id}:${place}`,
        amount: amount.toString(),
        detail: `what entered ${address} was not followed to another chain`,
      })
    }
    return {
      id,
      sink,
      service:
        named === undefined ? null : { entity: named.entity ?? null, label: named.label, category: named.category },
      attribution: [...claims.map(attribution), ...(deposit === undefined ? [] : [carried(deposit, named!)])],
      chain: run.chain,
      asset: draft.asset,
      address,
      transaction: transaction.id,
      ...(transaction.kind === 'utxo' ? { output: place } : { transfer: place }),
      height: transaction.height ?? null,
      time: formatTime(transaction.time),
      amount: amount.toString(),
      traced: inKeyOrder(draft.traced, keys),
      floor: bound?.floor?.toString() ?? null,
      ceiling: bound?.ceiling?.toString() ?? null,
      hops: draft.hops,
      paths: pathsOf.get(id) ?? [],
    }
  })
}

function methodKeys(trace: Trace): string[] {
  return [...new Set(trace.runs.flatMap((run) => run.methods.map((method) => method.key)))]
}

/** Every method that ran gets a figure: nothing traced is a finding, not a blank. */
function inKeyOrder(found: ReadonlyMap<string, Traced>, keys: readonly string[]): Record<string, Traced> {
  return Object.fromEntries(keys.map((key) => [key, found.get(key) ?? { total: '0', bySeed: {} }]))
}

/**
 * The tag of the wallet that a deposit account is swept into, or spent beside: it speaks for the account by the rule, and
 * keeps its own source and grade. Where no sweep names a tagged wallet (several were spent together), the first claim in
 * canonical order that names the service among the addresses the trace read.
 */
function carriedTag(trace: Trace, chain: string, deposit: DepositAccount): Tag {
  const names = (tag: Tag) => stopOfCategory(tag.category) === 'service' && (tag.entity ?? tag.label) === deposit.entity
  for (const { paidOut } of deposit.sweeps) {
    if (paidOut.counterparty === null || paidOut.time === undefined) continue
    const tag = trace.book.stopAt(chain, paidOut.counterparty, paidOut.time)?.tags.find(names)
    if (tag !== undefined) return tag
  }
  let first: Tag | undefined
  for (const transaction of readTransactions(trace, chain)) {
    for (const address of addressesOf(transaction)) {
      const tag = trace.book.claimsOf(chain, address).find(names)
      if (tag !== undefined && (first === undefined || compareTags(tag, first) < 0)) first = tag
    }
  }
  invariant(
    first !== undefined,
    `a tag names ${deposit.entity}, whose deposit account ${deposit.address} is said to be`,
  )
  return first
}

/** The clusters behind the pools that were traced by cluster, with enough links to join all members and not one more. */
function tellClusters(trace: Trace): ClusterRow[] {
  const rows: ClusterRow[] = []
  for (const run of trace.runs) {
    if (run.pool !== 'cluster') continue
    const names = new Set(run.compiled.pools.flatMap((pool) => pool.address ?? []))
    for (const name of [...names].sort()) {
      const evidence = trace.hands.evidenceOf(run.chain, name)
      if (evidence === undefined || evidence.members.length < 2) continue
      rows.push({
        chain: run.chain,
        cluster: evidence.cluster,
        members: evidence.members,
        links: evidence.forest.map(({ from, to, rule, changeRules, confidence, transactions }) => ({
          from,
          to,
          rule,
          changeRules,
          confidence,
          transactions: transactions.slice(0, EVIDENCE_SHOWN),
          transactionCount: transactions.length,
        })),
      })
    }
  }
  return rows
}

function carried(deposit: DepositAccount, tag: Tag): Attribution {
  const transactions = [...new Set(deposit.sweeps.map((sweep) => sweep.paidOut.transaction))].slice(0, EVIDENCE_SHOWN)
  return { ...attribution(tag), basis: 'depositSweep', transactions }
}

function attribution(tag: Tag): Attribution {
  return {
    label: tag.label,
    category: tag.category,
    entity: tag.entity ?? null,
    source: tag.source,
    confidence: tag.confidence ?? null,
    validFrom: tag.validFrom === undefined ? null : formatTime(tag.validFrom),
    validTo: tag.validTo === undefined ? null : formatTime(tag.validTo),
    evidence: tag.evidence ?? null,
    basis: 'tag',
  }
}

/** Claims that send value to different sinks, or name different services, are shown as what they are: a contradiction. */
function tellConflict(claims: readonly Tag[], where: string, gaps: Gap[]): void {
  const stops = claims.filter((tag) => stopOfCategory(tag.category) !== undefined)
  const names = new Set(
    stops.map((tag) => `${stopOfCategory(tag.category)} ${(tag.entity ?? tag.label).toLowerCase()}`),
  )
  if (names.size < 2) return
  const said = stops.map((tag) => `${tag.entity ?? tag.label} (${tag.category}, ${tag.source})`).join('; ')
  if (!gaps.some((gap) => gap.kind === 'TAG_CONFLICT' && gap.where === where)) {
    gaps.push({ kind: 'TAG_CONFLICT', where, detail: said })
  }
}

/** Each service together: its endpoints, and what is certain of their sum. */
function tellServices(
  trace: Trace,
  endpoints: readonly Endpoint[],
  bounds: ReadonlyMap<ChainRun, RunBounds>,
): ServiceRow[] {
  const groups = new Map<string, Endpoint[]>()
  for (const endpoint of endpoints) {
    const name = endpoint.service?.entity ?? endpoint.service?.label ?? endpoint.address ?? ''
    for (const key of [
      canonicalKey(endpoint.chain, endpoint.asset, endpoint.sink, name),
      canonicalKey(endpoint.chain, endpoint.asset, '', ''),
    ]) {
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [endpoint])
      else group.push(endpoint)
    }
  }
  const keys = methodKeys(trace)
  const rows = [...groups.keys()].sort()
  return rows.map((key, index): ServiceRow => {
    const group = groups.get(key)!
    const [chain, asset, sink, name] = JSON.parse(key) as [string, string, string, string]
    const run = trace.runs.find((each) => each.chain === chain && each.primary)!
    const legs = legsOf(run, group)
    const bound =
      legs === undefined || group.some((endpoint) => endpoint.floor === null)
        ? undefined
        : bounds.get(run)!.together({ legs })
    if (bound !== undefined) bounds.get(run)!.prove(bound, `/services/${index}`)
    const totals = new Map<string, Traced>(
      keys.map((method) => {
        const bySeed: BySeed = new Map()
        trace.request.seeds.forEach((seed, number) => {
          for (const endpoint of group) {
            const amount = endpoint.traced[method]?.bySeed[seed.id]
            if (amount !== undefined) plus(bySeed, number, BigInt(amount))
          }
        })
        return [method, traced(trace, bySeed)]
      }),
    )
    return {
      all: sink === '',
      sink: sink === '' ? null : (sink as Endpoint['sink']),
      name: sink === '' ? null : name,
      chain,
      asset,
      endpoints: group.map((endpoint) => endpoint.id),
      amount: group.reduce((total, endpoint) => total + BigInt(endpoint.amount), 0n).toString(),
      traced: Object.fromEntries(totals),
      floor: bound?.floor?.toString() ?? null,
      ceiling: bound?.ceiling?.toString() ?? null,
    }
  })
}

const canonicalKey = (...parts: string[]): string => JSON.stringify(parts)

/** The legs of a group of endpoints in a run; undefined where the run did not see one of them. */
function legsOf(run: ChainRun, group: readonly Endpoint[]): number[] | undefined {
  const { entries, outPlace, transactions, assets, entryAsset } = run.compiled
  const wanted = new Set(
    group.map((endpoint) => `${endpoint.transaction} ${endpoint.output ?? endpoint.transfer} ${endpoint.asset}`),
  )
  const legs: number[] = []
  for (let entry = 0; entry < entries.count; entry++) {
    const { id } = transactions[entries.transaction[entry]]
    for (let leg = entries.outStart[entry]; leg < entries.outStart[entry + 1]; leg++) {
      if (ENDPOINT_SINKS[entries.outPool[leg]] === undefined) continue
      if (wanted.delete(`${id} ${outPlace[leg]} ${assets[entryAsset[entry]]}`)) legs.push(leg)
    }
  }
  return wanted.size === 0 ? legs : undefined
}

/** What each seed could have touched, in the pool the case is traced by. */
function tellReach(trace: Trace, drafts: readonly EndpointDraft[]): ReachRow[] {
  const rows: ReachRow[] = []
  for (const run of trace.runs) {
    if (!run.primary) continue
    const { entries, seeds } = run.compiled
    const idOf = new Map(drafts.filter((draft) => draft.run === run).map((draft) => [draft.leg, draft.id]))
    trace.request.seeds.forEach((seed, number) => {
      if (seed.chain !== run.chain) return
      const reach = findReach(entries, seeds, number)
      const endpoints: string[] = []
      let payments = 0
      for (let leg = 0; leg < reach.legs.length; leg++) {
        if (reach.legs[leg] === 0 || ENDPOINT_SINKS[entries.outPool[leg]] === undefined) continue
        payments++
        const id = idOf.get(leg)
        if (id !== undefined) endpoints.push(id)
      }
      const holdings = reach.pools.reduce((count, yes) => count + yes, 0)
      rows.push({ seed: seed.id, chain: run.chain, pool: run.pool, endpoints, payments, holdings })
    })
  }
  return rows
}

function tellHoldings(
  trace: Trace,
  sums: ReadonlyMap<ChainRun, readonly Sums[]>,
  bounds: ReadonlyMap<ChainRun, RunBounds>,
  gaps: Gap[],
): Holding[] {
  const rows: Holding[] = []
  for (const run of trace.runs) {
    const { pools, closed } = run.compiled
    const keys = run.methods.map((method) => method.key)
    const found = new Map<number, Map<string, Traced>>()
    for (const each of sums.get(run)!) {
      for (const [pool, bySeed] of each.rests) {
        if (closed[pool] !== undefined) continue
        let here = found.get(pool)
        if (here === undefined) found.set(pool, (here = new Map()))
        here.set(each.key, traced(trace, bySeed))
      }
    }
    for (const [pool, figures] of [...found].sort(([a], [b]) => a - b)) {
      const { asset, address, transaction, output } = pools[pool]
      const bound = bounds.get(run)!.pools.get(pool)
      if (bound !== undefined) bounds.get(run)!.prove(bound, `/holdings/${rows.length}`, `H${rows.length + 1}`)
      const sink = isCovered(trace, run, pool) ? 'holding' : 'unseen'
      const amount = run.methods[0].taint.held(pool).reduce((total, lot) => total + lot.amount, 0n)
      const [said, primary] = run.methods.flatMap(({ key }): [string, Traced][] => {
        const figure = figures.get(key)
        return figure === undefined ? [] : [[key, figure]]
      })[0]
      if (sink === 'unseen' && run.primary) {
        gaps.push({
          kind: 'UNSEEN',
          where: `${run.chain} ${pools[pool].name}`,
          amount: primary.total,
          detail: `the ledger does not cover it: the value may have moved on${said === run.methods[0].key ? '' : `, under ${said}`}`,
        })
      }
      rows.push({
        id: `H${rows.length + 1}`,
        sink,
        pool: run.pool,
        chain: run.chain,
        asset,
        address: address ?? null,
        ...(transaction === undefined ? {} : { transaction, output: output! }),
        amount: amount.toString(),
        traced: inKeyOrder(figures, keys),
        floor: bound?.floor?.toString() ?? null,
        ceiling: bound?.ceiling?.toString() ?? null,
      })
    }
  }
  return rows
}

/** The equation of every seed and asset under one method. */
function conserve(trace: Trace, run: ChainRun, sums: Sums): Conservation[] {
  const { entries, entryAsset, assets, pools } = run.compiled
  const sinks = new Map<string, Map<string, bigint>>()
  const into = (key: string, sink: string, amount: bigint) => {
    let row = sinks.get(key)
    if (row === undefined) sinks.set(key, (row = new Map()))
    plus(row, sink, amount)
  }
  for (const [leg, bySeed] of sums.legs) {
    const asset = entryAsset[entryOfLeg(entries.outStart, leg)]
    const code = entries.outPool[leg]
    const sink = code === TO_HORIZON ? 'amount' : (ENDPOINT_SINKS[code] ?? 'burned')
    for (const [seed, amount] of bySeed) into(slot(seed, asset), sink, amount)
  }
  for (const [key, amount] of sums.fees) into(key, 'fee', amount)
  for (const [pool, bySeed] of sums.rests) {
    const sink = restSink(trace, run, pool).replace('horizon.', '')
    const asset = assets.indexOf(pools[pool].asset)
    for (const [seed, amount] of bySeed) into(slot(seed, asset), sink, amount)
  }
  const rows: Conservation[] = []
  trace.request.seeds.forEach((seed, number) => {
    if (seed.chain !== run.chain) return
    assets.forEach((asset, a) => {
      const key = slot(number, a)
      const found = sinks.get(key)
      if (
        found === undefined &&
        !sums.seeded.has(key) &&
        !trace.seeds.some((each) => each.seed === number && each.asset === asset)
      )
        return
      const at = (sink: string) => found?.get(sink) ?? 0n
      const seeded = sums.seeded.get(key) ?? 0n
      const given = [
        'service',
        'holding',
        'mixer',
        'bridge',
        'burned',
        'fee',
        'hops',
        'until',
        'amount',
        'transactions',
        'unseen',
      ]
      const total = given.reduce((sum, sink) => sum + at(sink), 0n)
      const text = (sink: string) => at(sink).toString()
      const row: SinkSums = {
        service: text('service'),
        holding: text('holding'),
        mixer: text('mixer'),
        bridge: text('bridge'),
        burned: text('burned'),
        fee: text('fee'),
        horizon: {
          hops: text('hops'),
          until: text('until'),
          amount: text('amount'),
          transactions: text('transactions'),
        },
        unseen: text('unseen'),
      }
      rows.push({
        seed: seed.id,
        method: sums.key,
        chain: run.chain,
        asset,
        seeded: seeded.toString(),
        sinks: row,
        balanced: total === seeded,
      })
    })
  })
  return rows
}

/** Of each place the figure of the first method that has one; `under` says which, where it is not the run's first. */
function firstToSay(
  sums: readonly Sums[],
  of: (sums: Sums) => ReadonlyMap<number, BySeed>,
): Map<number, { readonly bySeed: BySeed; readonly under: string }> {
  const found = new Map<number, { bySeed: BySeed; under: string }>()
  for (const [index, each] of sums.entries()) {
    const under = index === 0 ? '' : `, under ${each.key}`
    for (const [place, bySeed] of of(each)) if (!found.has(place)) found.set(place, { bySeed, under })
  }
  return found
}

/** What a run could not see, or was told not to follow: under its first method, and under others where that has nothing. */
function tellGaps(trace: Trace, run: ChainRun, sums: readonly Sums[], gaps: Gap[]): void {
  const { compiled, chain } = run
  const { entries, pools, outPlace, transactions, closed } = compiled
  const [first] = sums
  const where = (pool: number) => `${chain} ${pools[pool].name}`
  const total = (bySeed: BySeed) => [...bySeed.values()].reduce((sum, amount) => sum + amount, 0n)
  const beside = run.primary ? '' : ` (pool ${run.pool})`
  const LIMIT = { hops: 'HORIZON_HOPS', until: 'HORIZON_UNTIL', transactions: 'HORIZON_TRANSACTIONS' } as const
  for (const [pool, { bySeed, under }] of firstToSay(sums, ({ rests }) => rests)) {
    const limit = closed[pool]
    if (limit === undefined) continue
    gaps.push({
      kind: LIMIT[limit],
      where: where(pool),
      amount: total(bySeed).toString(),
      detail: `spent further, beyond the request’s limit on ${limit}${under}${beside}`,
    })
  }
  for (const [leg, { bySeed, under }] of firstToSay(sums, ({ legs }) => legs)) {
    if (entries.outPool[leg] !== TO_HORIZON) continue
    const { id } = transactions[entries.transaction[entryOfLeg(entries.outStart, leg)]]
    gaps.push({
      kind: 'HORIZON_AMOUNT',
      where: `${chain} ${id}:${outPlace[leg]}`,
      amount: total(bySeed).toString(),
      detail: `the payment is of less than ${trace.request.limits.amount} base units${under}${beside}`,
    })
  }
  const fees = new Map<string, bigint>()
  for (const [key, amount] of first.fees) plus(fees, compiled.assets[Number(key.split(' ')[1])], amount)
  for (const [asset, amount] of fees) {
    if (amount > 0n)
      gaps.push({
        kind: 'FEE_MINTED',
        where: `${chain} ${asset}`,
        amount: amount.toString(),
        detail: `paid to whoever made the blocks${beside}`,
      })
  }
  if (run.pool !== 'output') tellOpenings(trace, run, gaps, beside)
  tellOverlap(trace, run, sums, gaps)
}

/**
 * Pools whose beginning was assumed, where a figure hangs on it: those out of which a seed's value went under some method.
 * What only lies in a pool lies there whatever stood first.
 */
function tellOpenings(trace: Trace, run: ChainRun, gaps: Gap[], beside: string): void {
  const { compiled, chain } = run
  const { entries, pools } = compiled
  const ledger = trace.ledgers.get(chain)!
  const passed = new Set<number>()
  for (const { taint } of run.methods) {
    const { journal } = taint
    for (let i = 0; i < journal.rows; i++) {
      if (journal.side[i] === 0) passed.add(entries.inPool[journal.leg[i]])
    }
  }
  for (const pool of [...passed].sort((a, b) => a - b)) {
    const { name, address, asset } = pools[pool]
    const missing = compiled.overspent.get(pool)
    const covered = isCovered(trace, run, pool)
    const opened = address !== undefined && ledger.openings.has(`${asset} ${address}`)
    if (covered || opened) {
      if (missing !== undefined) {
        gaps.push({
          kind: 'BALANCE_CONTRADICTS',
          where: `${chain} ${name}`,
          amount: missing.toString(),
          detail: `paid out so much more than the ledger, said to be whole, shows coming in; it was taken to have stood there first${beside}`,
        })
      }
    } else if (address !== undefined) {
      gaps.push({
        kind: 'OPENING_UNKNOWN',
        where: `${chain} ${name}`,
        amount: (missing ?? 0n).toString(),
        detail: `nothing says what it held before the ledger begins; it was taken to be ${missing === undefined ? 'empty' : `${missing}, what its payments prove at least`}${beside}`,
      })
    }
    if (compiled.orderAssumed.has(pool)) {
      const share = ledger.order === 'time' ? 'time' : 'block'
      gaps.push({
        kind: 'ORDER_ASSUMED',
        where: `${chain} ${name}`,
        detail: `two of its transactions share a ${share}; the smaller id was taken to come first${beside}`,
      })
    }
  }
}

/** Seeds part of whose payments carried another label already: by the first method that finds so. */
function tellOverlap(trace: Trace, run: ChainRun, sums: readonly Sums[], gaps: Gap[]): void {
  trace.request.seeds.forEach((seed, number) => {
    if (seed.chain !== run.chain) return
    const declared = trace.seeds.reduce((total, each) => (each.seed === number ? total + each.amount : total), 0n)
    for (const [index, each] of sums.entries()) {
      let labelled = 0n
      for (const [key, amount] of each.seeded) if (key.startsWith(`${number} `)) labelled += amount
      if (labelled >= declared) continue
      gaps.push({
        kind: 'SEED_OVERLAP',
        where: `seed ${seed.id}`,
        amount: (declared - labelled).toString(),
        detail: `already carried another seed’s label when it was paid, and keeps it${index === 0 ? '' : `, under ${each.key}`}${run.primary ? '' : ` (pool ${run.pool})`}`,
      })
      return
    }
  })
}

function tellSeed({ id, chain, asset, payment, place, address, amount }: Trace['seeds'][number]): SeedRow {
  return {
    id,
    chain,
    asset,
    transaction: payment.id,
    ...(payment.kind === 'utxo' ? { output: place } : { transfer: place }),
    address,
    amount: amount.toString(),
    time: formatTime(payment.time),
  }
}

function tellSnapshot(trace: Trace, chain: string): SnapshotRow {
  const last = trace.ledgers.get(chain)!.transactions.at(-1)!
  return {
    chain,
    height: last.height ?? null,
    blockHash: last.blockHash ?? null,
    time: formatTime(last.time),
    finalityDepth: 0,
  }
}

function sortGaps(gaps: readonly Gap[]): Gap[] {
  const key = (gap: Gap) => `${gap.kind}\u0000${gap.where}\u0000${gap.detail}`
  return [...gaps].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}
