import type { Attribution, Conservation, Digits, Endpoint, Holding, Path, SeedRow, TracedBy } from '../format.ts'
import type { Findings } from './findings.ts'
import { ENDPOINT_SINKS, type JournalSums, keyOf, type PoolOf, type TracedSums } from './journal.ts'
import { comesAfter, type Ledger, type LedgerRow, legOf } from './ledger.ts'
import { checkQuantum } from './quantum.ts'
import type { ReportRows, Row } from './report-shape.ts'
import { checkSensitivity } from './sensitivity.ts'
import { escapePointer, METHOD_KEY, secondsOf } from './shape.ts'

const FILE = 'report.json'

/** What the report's figures are held against. */
export interface Evidence {
  readonly report: ReportRows
  readonly ledger: Ledger
  readonly sums: JournalSums
  readonly poolOf: PoolOf
  /** Transactions that the report lists as conversions. */
  readonly converting: ReadonlySet<string>
  /** Whether a gap says that bounds were not computed. */
  readonly boundsSkipped: boolean
  /** Networks whose pools were walked, as `chain pool`: what they held is known exactly. */
  readonly networks: ReadonlySet<string>
  readonly findings: Findings
}

/** Holds every figure of the report against the journal and the ledger. */
export function checkFigures(evidence: Evidence): void {
  checkSnapshots(evidence)
  checkSeeds(evidence)
  checkConservation(evidence)
  checkEndpoints(evidence)
  checkServices(evidence)
  checkReach(evidence)
  checkHoldings(evidence)
  checkQuantum(evidence)
  checkSensitivity(evidence)
  checkTotals(evidence)
  checkPaths(evidence)
  checkRejected(evidence)
  checkGaps(evidence)
}

/** Which method a request asks for, and which others beside it. */
export function methodsAsked(request: Readonly<Record<string, unknown>>): {
  primary: string | undefined
  compare: string[]
} {
  const method = request.method
  const primary = typeof method === 'object' && method !== null ? (method as { primary?: unknown }).primary : undefined
  const compare = Array.isArray(request.compare) ? request.compare.filter((each) => typeof each === 'string') : []
  return { primary: typeof primary === 'string' ? primary : undefined, compare }
}

function checkSnapshots({ report, ledger, findings }: Evidence): void {
  const chains = new Set<string>()
  for (const { index, value } of report.rows('snapshots')) {
    const { chain, height, blockHash, time } = value
    const where = `/snapshots/${index}`
    if (chains.has(chain)) findings.add('snapshot', FILE, `${where}/chain`, 'one snapshot for each chain', chain)
    chains.add(chain)
    const last = ledger.last.get(chain)
    if (last === undefined) continue
    if (height !== null && last.height > height) {
      findings.add('snapshot', FILE, `${where}/height`, `at least ${last.height}, the ledger's last`, height)
    }
    if (last.seconds > secondsOf(time)!) {
      const expected = `no earlier than ${new Date(last.seconds * 1000).toISOString()}, the ledger's last`
      findings.add('snapshot', FILE, `${where}/time`, expected, time)
    }
    const known = height === null ? undefined : ledger.blockHashes.get(`${chain}\0${height}`)
    if (known !== undefined) findings.same('snapshot', FILE, `${where}/blockHash`, known, blockHash)
  }
  for (const { index, value } of report.rows('seeds')) {
    if (!chains.has(value.chain))
      findings.add('snapshot', FILE, `/seeds/${index}/chain`, 'a chain with a snapshot', value.chain)
  }
}

/** Height, time, address, asset and amount of a row that names a payment, against the ledger. The transaction if it is there. */
function checkPayment(
  evidence: Evidence,
  where: string,
  row: SeedRow | Endpoint,
  amountIs: 'whole' | 'part',
): LedgerRow | undefined {
  const { ledger, findings } = evidence
  const transaction = ledger.get(row.chain, row.transaction, 'height' in row ? row.height : undefined)
  if (transaction === undefined) {
    findings.add('ledger', FILE, `${where}/transaction`, `a ${row.chain} transaction of the ledger`, row.transaction)
    return undefined
  }
  const member = transaction.utxo ? 'output' : 'transfer'
  const other = transaction.utxo ? 'transfer' : 'output'
  const place = row[member]
  if (row[other] !== undefined)
    findings.add('ledger', FILE, `${where}/${other}`, `${member} on ${row.chain}`, row[other])
  findings.same('ledger', FILE, `${where}/time`, transaction.time, row.time)
  if ('height' in row) findings.same('ledger', FILE, `${where}/height`, transaction.height, row.height)
  const leg = place === undefined ? undefined : legOf(transaction, place)
  if (leg === undefined) {
    findings.add('ledger', FILE, `${where}/${member}`, `one of ${transaction.id}`, place)
    return transaction
  }
  findings.same('ledger', FILE, `${where}/address`, leg.address, row.address)
  findings.same('ledger', FILE, `${where}/asset`, leg.asset, row.asset)
  const amount = BigInt(row.amount)
  if (amountIs === 'whole' ? amount !== leg.amount : amount > leg.amount) {
    const expected = amountIs === 'whole' ? `${leg.amount}` : `at most ${leg.amount}, the payment`
    findings.add('ledger', FILE, `${where}/amount`, expected, row.amount)
  }
  return transaction
}

const placeOf = (row: { readonly output?: number; readonly transfer?: number }): number | undefined =>
  row.output ?? row.transfer

/** The report's seeds are payments of the ledger, and under each method the journal declares exactly them. */
function checkSeeds(evidence: Evidence): void {
  const { report, sums, findings } = evidence
  const overlaps = report.rows('gaps').filter(({ value }) => value.kind === 'SEED_OVERLAP')
  /** What is seeded at each leg, by seed: several rows may have one id (an address seed is every payment received). */
  const wanted = new Map<string, { amount: bigint; where: string; seed: SeedRow }>()
  const perLeg = new Map<string, bigint>()
  for (const { index, value: seed } of report.rows('seeds')) {
    const where = `/seeds/${index}`
    checkPayment(evidence, where, seed, 'part')
    const key = keyOf(seed.id, seed.chain, seed.transaction, placeOf(seed) ?? '')
    const known = wanted.get(key)
    if (known === undefined) wanted.set(key, { amount: BigInt(seed.amount), where, seed })
    else known.amount += BigInt(seed.amount)
    const leg = keyOf(seed.chain, seed.transaction, placeOf(seed) ?? '')
    perLeg.set(leg, (perLeg.get(leg) ?? 0n) + BigInt(seed.amount))
  }
  const methods = methodsOf(evidence)
  for (const { amount, where, seed } of wanted.values()) {
    const overlapping = overlaps.some(({ value }) =>
      [seed.id, seed.transaction].some((name) => value.where.includes(name)),
    )
    for (const method of methods) {
      if (!isTracedBy(evidence, method, seed)) continue
      const declared = sums.declared.get(keyOf(method, seed.id, seed.chain, seed.transaction, placeOf(seed) ?? ''))
      const found = declared?.amount ?? 0n
      if (found === amount || (overlapping && found < amount)) continue
      const rows = declared === undefined ? 'no seed row in the journal' : `${found} (journal row ${declared.row})`
      findings.add('seed', FILE, `${where}/amount`, `${amount}, declared under ${method}`, rows)
    }
  }
  for (const [key, { amount, row, method }] of sums.declared) {
    if (!wanted.has(key.slice(method.length + 1))) {
      findings.add('seed', 'journal.ndjson.gz', `row ${row}`, 'a seed of the report at this leg', `${amount} declared`)
    }
  }
}

/** Every key under which figures stand: those of the journal, of the conservation rows and of the request. */
function methodsOf({ report, sums }: Evidence): Set<string> {
  const methods = new Set(sums.methods)
  for (const { value } of report.rows('conservation')) methods.add(value.method)
  const { primary, compare } = methodsAsked(report.request)
  for (const method of [primary, ...compare]) if (method !== undefined && METHOD_KEY.test(method)) methods.add(method)
  return methods
}

/** Whether a method must say something about a seed: methods that have no meaning for its chain's pool do not. */
function isTracedBy({ report, ledger, poolOf }: Evidence, method: string, seed: SeedRow): boolean {
  const [, name, beside] = METHOD_KEY.exec(method) ?? []
  if (beside !== undefined) {
    const pools: unknown = report.request.pool
    const named: unknown =
      typeof pools === 'object' && pools !== null ? (pools as Record<string, unknown>)[seed.chain] : undefined
    // A second pool is asked for chain by chain.
    if (!Array.isArray(named) || named.indexOf(beside) < 1) return false
  }
  const pool = poolOf(method, seed.chain, ledger.utxoChains.has(seed.chain))
  if (name === 'ownFirst' || name === 'proceedsFirst') return pool !== 'output'
  return name === 'tiho' ? pool === 'output' : true
}

const SINK_MEMBERS = ['service', 'holding', 'mixer', 'bridge', 'burned', 'fee', 'unseen'] as const
const HORIZON_MEMBERS = ['hops', 'until', 'amount', 'transactions'] as const

/** Every sink of a conservation row with the journal's name for it. */
function* sinksOf(row: Conservation): Generator<{ name: string; pointer: string; amount: Digits }> {
  for (const name of SINK_MEMBERS) yield { name, pointer: `sinks/${name}`, amount: row.sinks[name] }
  for (const name of HORIZON_MEMBERS) {
    yield { name: `horizon.${name}`, pointer: `sinks/horizon/${name}`, amount: row.sinks.horizon[name] }
  }
}

function checkConservation(evidence: Evidence): void {
  const { report, sums, findings } = evidence
  const seen = new Map<string, number>()
  for (const { index, value: row } of report.rows('conservation')) {
    const where = `/conservation/${index}`
    const key = keyOf(row.seed, row.method, row.chain, row.asset)
    const other = seen.get(key)
    if (other !== undefined)
      findings.add('conservation', FILE, where, 'one row for each seed, method and asset', `as row ${other}`)
    seen.set(key, index)
    const mine = sums.seeds.get(key)
    sameAmount(findings, `${where}/seeded`, mine?.seeded, row.seeded)
    sameAmount(findings, `${where}/convertedIn`, mine?.convertedIn, row.convertedIn ?? '0')
    sameAmount(findings, `${where}/convertedOut`, mine?.convertedOut, row.convertedOut ?? '0')
    let into = BigInt(row.seeded) + BigInt(row.convertedIn ?? '0')
    for (const { name, pointer, amount } of sinksOf(row)) {
      sameAmount(findings, `${where}/${pointer}`, mine?.sinks.get(name), amount)
      into -= BigInt(amount)
    }
    into -= BigInt(row.convertedOut ?? '0')
    findings.same('conservation', FILE, `${where}/balanced`, into === 0n, row.balanced)
    if (into !== 0n) {
      findings.add(
        'conservation',
        FILE,
        where,
        'seeded and converted in = sinks and converted out',
        `a difference of ${into}`,
      )
    }
  }
  for (const [key, mine] of sums.seeds) {
    if (seen.has(key)) continue
    const expected = `a row for seed ${mine.seed}, ${mine.method}, ${mine.chain} ${mine.asset}`
    findings.add('conservation', FILE, '/conservation', expected, 'none, though the journal moves it')
  }
  const methods = methodsOf(evidence)
  for (const { index, value: seed } of report.rows('seeds')) {
    for (const method of methods) {
      if (!isTracedBy(evidence, method, seed) || seen.has(keyOf(seed.id, method, seed.chain, seed.asset))) continue
      findings.add(
        'conservation',
        FILE,
        '/conservation',
        `a row for seed ${seed.id} under ${method} (/seeds/${index})`,
        'none',
      )
    }
  }
}

function sameAmount(findings: Findings, where: string, mine: bigint | undefined, found: Digits): void {
  const expected = (mine ?? 0n).toString()
  if (expected !== found) findings.add('conservation', FILE, where, `${expected}, the journal's sum`, found)
}

function checkEndpoints(evidence: Evidence): void {
  const { report, sums, findings } = evidence
  const seen = new Map<string, number>()
  const ids = new Set<string>()
  for (const row of report.rows('endpoints')) {
    const { index, value: endpoint } = row
    const where = `/endpoints/${index}`
    if (ids.has(endpoint.id)) findings.add('endpoint', FILE, `${where}/id`, 'an id of its own', endpoint.id)
    ids.add(endpoint.id)
    checkPayment(evidence, where, endpoint, 'whole')
    checkBounds(evidence, where, endpoint)
    checkAttribution(findings, where, endpoint)
    const key = keyOf(endpoint.chain, endpoint.transaction, placeOf(endpoint) ?? '')
    const other = seen.get(key)
    if (other !== undefined)
      findings.add('endpoint', FILE, where, 'one row for each payment', `the payment of /endpoints/${other}`)
    seen.set(key, index)
    const mine = sums.endpoints.get(key)
    if (mine !== undefined) findings.same('endpoint', FILE, `${where}/sink`, mine.sink, endpoint.sink)
    checkTraced(findings, 'endpoint', where, mine?.traced, endpoint.traced)
    checkHops(evidence, where, endpoint, mine?.hops)
  }
  for (const [key, mine] of sums.endpoints) {
    if (seen.has(key)) continue
    const expected = `a row for the payment ${mine.transaction}:${mine.leg} into a ${mine.sink}`
    findings.add('endpoint', FILE, '/endpoints', expected, `none, though journal row ${mine.row} pays it`)
  }
}

/**
 * Each service's row is its endpoints added up: amounts, and every method's figures. Every endpoint stands in one row of a
 * service and in the row of all, of its own chain and asset.
 */
function checkServices({ report, findings, boundsSkipped }: Evidence): void {
  const endpoints = new Map(report.rows('endpoints').map(({ value }) => [value.id, value]))
  const told = new Map<string, number>()
  for (const { index, value: service } of report.rows('services')) {
    const where = `/services/${index}`
    const rows = service.endpoints.flatMap((id) => {
      const endpoint = endpoints.get(id)
      if (endpoint === undefined) findings.add('endpoint', FILE, `${where}/endpoints`, 'ids of endpoints', id)
      const key = keyOf(id, String(service.all))
      told.set(key, (told.get(key) ?? 0) + 1)
      return endpoint ?? []
    })
    for (const endpoint of rows) {
      const name = endpoint.service?.entity ?? endpoint.service?.label ?? endpoint.address ?? ''
      const mine = service.all ? null : name
      const sink = service.all ? null : endpoint.sink
      findings.same('endpoint', FILE, `${where}/name`, mine, service.name)
      findings.same('endpoint', FILE, `${where}/sink`, sink, service.sink)
      findings.same('endpoint', FILE, `${where}/chain`, endpoint.chain, service.chain)
      findings.same('endpoint', FILE, `${where}/asset`, endpoint.asset, service.asset)
    }
    findings.same(
      'endpoint',
      FILE,
      `${where}/amount`,
      sum(rows.map((row) => BigInt(row.amount))).toString(),
      service.amount,
    )
    const sums: TracedSums = new Map()
    for (const { traced } of rows) {
      for (const [method, { bySeed }] of Object.entries(traced)) {
        const figures = sums.get(method) ?? new Map<string, bigint>()
        sums.set(method, figures)
        for (const [seed, amount] of Object.entries(bySeed))
          figures.set(seed, (figures.get(seed) ?? 0n) + BigInt(amount))
      }
    }
    checkTraced(findings, 'endpoint', where, sums, service.traced)
    checkBounds({ findings, boundsSkipped }, where, service)
  }
  for (const id of endpoints.keys()) {
    for (const all of [true, false]) {
      findings.same(
        'endpoint',
        FILE,
        '/services',
        `${id} once`,
        `${id} ${told.get(keyOf(id, String(all))) === 1 ? 'once' : 'not once'}`,
      )
    }
  }
}

/** No taint lies outside reach: an endpoint that any method traces a seed to is among those the seed could have touched. */
function checkReach({ report, findings }: Evidence): void {
  const reached = new Map(
    report
      .rows('reach')
      .map(({ index, value }) => [keyOf(value.seed, value.chain), { index, ids: new Set(value.endpoints) }]),
  )
  for (const { value: endpoint } of report.rows('endpoints')) {
    for (const [method, { bySeed }] of Object.entries(endpoint.traced)) {
      if (method.includes('@')) continue
      for (const [seed, amount] of Object.entries(bySeed)) {
        const row = reached.get(keyOf(seed, endpoint.chain))
        if (amount === '0' || row?.ids.has(endpoint.id)) continue
        const where = row === undefined ? '/reach' : `/reach/${row.index}/endpoints`
        findings.add('endpoint', FILE, where, `${endpoint.id}, which ${method} traces seed ${seed} to`, 'not there')
      }
    }
  }
  for (const { index, value } of report.rows('reach')) {
    if (value.payments < value.endpoints.length) {
      findings.add('endpoint', FILE, `/reach/${index}/payments`, `at least ${value.endpoints.length}`, value.payments)
    }
  }
}

/** traced of a row against the journal's sums: total, each seed, each method; nothing more and nothing less. */
function checkTraced(
  findings: Findings,
  rule: 'endpoint' | 'holding',
  where: string,
  mine: TracedSums | undefined,
  traced: TracedBy,
): void {
  const methods = new Set([...Object.keys(traced), ...(mine?.keys() ?? [])])
  for (const method of methods) {
    const pointer = `${where}/traced/${escapePointer(method)}`
    const sums = mine?.get(method)
    const figure = Object.hasOwn(traced, method) ? traced[method] : undefined
    const total = sum(sums?.values() ?? [])
    if ((figure?.total ?? '0') !== total.toString()) {
      findings.add(rule, FILE, `${pointer}/total`, `${total}, the journal's sum`, figure?.total ?? 'nothing')
    }
    for (const seed of new Set([...Object.keys(figure?.bySeed ?? {}), ...(sums?.keys() ?? [])])) {
      const expected = sums?.get(seed) ?? 0n
      const found = figure !== undefined && Object.hasOwn(figure.bySeed, seed) ? figure.bySeed[seed] : undefined
      if (found === expected.toString() || (found === undefined && expected === 0n)) continue
      findings.add(
        rule,
        FILE,
        `${pointer}/bySeed/${escapePointer(seed)}`,
        `${expected}, the journal's sum`,
        found ?? 'nothing',
      )
    }
  }
}

/** Floor ≤ each method ≤ ceiling ≤ the whole. Bounds are of the chain's first pool; a second pool mixes otherwise. */
function checkBounds(
  { findings, boundsSkipped }: Pick<Evidence, 'findings' | 'boundsSkipped'>,
  where: string,
  row: Pick<Endpoint | Holding, 'floor' | 'ceiling' | 'amount' | 'traced'>,
): void {
  const { floor, ceiling, amount, traced } = row
  if ((floor === null) !== (ceiling === null)) {
    findings.add('bounds', FILE, where, 'floor and ceiling together', floor === null ? 'no floor' : 'no ceiling')
  }
  if (floor === null || ceiling === null) {
    if (!boundsSkipped && 'hops' in row) {
      findings.add('gap', FILE, '/gaps', `BOUNDS_SKIPPED, which explains ${where}/floor`, 'none')
    }
  }
  if (floor !== null && ceiling !== null && BigInt(floor) > BigInt(ceiling)) {
    findings.add('bounds', FILE, `${where}/floor`, `at most the ceiling ${ceiling}`, floor)
  }
  if (ceiling !== null && BigInt(ceiling) > BigInt(amount)) {
    findings.add('bounds', FILE, `${where}/ceiling`, `at most the amount ${amount}`, ceiling)
  }
  for (const [method, { total }] of Object.entries(traced)) {
    const pointer = `${where}/traced/${escapePointer(method)}/total`
    if (BigInt(total) > BigInt(amount)) findings.add('capacity', FILE, pointer, `at most the amount ${amount}`, total)
    if (method.includes('@')) continue
    if (floor !== null && BigInt(total) < BigInt(floor))
      findings.add('bounds', FILE, pointer, `at least the floor ${floor}`, total)
    if (ceiling !== null && BigInt(total) > BigInt(ceiling)) {
      findings.add('bounds', FILE, pointer, `at most the ceiling ${ceiling}`, total)
    }
  }
}

/** A service is named by one of the claims that stood when it was paid. */
function checkAttribution(findings: Findings, where: string, endpoint: Endpoint): void {
  const { service, attribution, time } = endpoint
  // A tag carried here by a rule stood for the wallet that was swept into, when it was; its row names the sweeps.
  const standing = attribution.filter((claim) => claim.basis !== 'tag' || standsAt(claim, secondsOf(time)!))
  if (standing.length === 0) {
    findings.add(
      'attribution',
      FILE,
      `${where}/attribution`,
      `a claim that stood at ${time}`,
      `${attribution.length} that did not`,
    )
  }
  if (service === null) {
    if (endpoint.sink === 'service') findings.add('attribution', FILE, `${where}/service`, 'the service', 'null')
    return
  }
  const named = standing.some(
    ({ label, category, entity }) =>
      label === service.label && category === service.category && (entity === service.entity || entity === null),
  )
  if (!named && standing.length > 0) {
    findings.add(
      'attribution',
      FILE,
      `${where}/service`,
      'what a standing claim says',
      `${service.label} (${service.category})`,
    )
  }
}

function standsAt({ validFrom, validTo }: Attribution, seconds: number): boolean {
  return (validFrom === null || secondsOf(validFrom)! <= seconds) && (validTo === null || seconds < secondsOf(validTo)!)
}

/**
 * hops: no more than the journal's shortest way. A way in the ledger may be shorter than any that carries value, and the
 * journal counts movements, of which one transaction can have several; so there is no least.
 */
function checkHops(
  { report, findings }: Evidence,
  where: string,
  endpoint: Endpoint,
  mine: ReadonlyMap<string, number> | undefined,
): void {
  if (mine === undefined || mine.size === 0) return
  const { primary } = methodsAsked(report.request)
  const most = (primary === undefined ? undefined : mine.get(primary)) ?? Math.max(...mine.values())
  if (Number.isFinite(most) && endpoint.hops > most) {
    findings.add('path', FILE, `${where}/hops`, `at most ${most}, the journal's shortest way`, endpoint.hops)
  }
}

/** The name that the journal has for a holding of the report. */
export function holdingPlace(holding: Holding): string {
  const { pool, address, transaction, output } = holding
  if (transaction !== undefined && (pool === 'output' || address === null)) return `${transaction}:${output ?? ''}`
  if (pool === 'cluster' && address !== null && !address.startsWith('cluster:')) return `cluster:${address}`
  return address ?? ''
}

function checkHoldings(evidence: Evidence): void {
  const { report, sums, findings, ledger } = evidence
  const seen = new Map<string, number>()
  const ids = new Set<string>()
  for (const { index, value: holding } of report.rows('holdings')) {
    const where = `/holdings/${index}`
    if (ids.has(holding.id)) findings.add('holding', FILE, `${where}/id`, 'an id of its own', holding.id)
    ids.add(holding.id)
    const { chain, asset, pool } = holding
    checkBounds(evidence, where, holding)
    const key = keyOf(pool, chain, asset, holdingPlace(holding))
    const other = seen.get(key)
    if (other !== undefined)
      findings.add('holding', FILE, where, 'one row for each holding', `the holding of /holdings/${other}`)
    seen.set(key, index)
    const mine = sums.holdings.get(key)
    if (mine !== undefined) findings.same('holding', FILE, `${where}/sink`, mine.sink, holding.sink)
    checkTraced(findings, 'holding', where, mine?.traced, holding.traced)
    if (holding.transaction !== undefined) checkOutputHolding(evidence, where, holding)
    else if (pool === 'address' && holding.address !== null && !evidence.networks.has(`${chain} ${pool}`)) {
      const { final, followed } = ledger.balance(chain, asset, holding.address)
      const amount = BigInt(holding.amount)
      if (amount !== final && amount !== followed) {
        findings.add(
          'ledger',
          FILE,
          `${where}/amount`,
          `${final}, the ledger's balance of ${holding.address}`,
          holding.amount,
        )
      }
    }
  }
  for (const [key, mine] of sums.holdings) {
    if (seen.has(key)) continue
    findings.add(
      'holding',
      FILE,
      '/holdings',
      `a row for ${mine.at}`,
      `none, though journal row ${mine.row} rests there`,
    )
  }
}

function checkOutputHolding({ ledger, findings }: Evidence, where: string, holding: Holding): void {
  const { chain, transaction, output, address, amount } = holding
  const made = ledger.get(chain, transaction!)
  const leg = made === undefined || output === undefined ? undefined : legOf(made, output)
  if (made === undefined) {
    findings.add('ledger', FILE, `${where}/transaction`, `a ${chain} transaction of the ledger`, transaction)
  } else if (leg === undefined) findings.add('ledger', FILE, `${where}/output`, `an output of ${transaction}`, output)
  else {
    findings.same('ledger', FILE, `${where}/address`, leg.address, address)
    if (BigInt(amount) !== leg.amount && holding.pool === 'output') {
      findings.add('ledger', FILE, `${where}/amount`, `${leg.amount}`, amount)
    }
  }
}

/** From the report alone: endpoints, holdings and the other sinks together are what was seeded. */
function checkTotals({ report, findings, ledger, poolOf }: Evidence): void {
  const totals = new Map<string, bigint>()
  const add = (traced: TracedBy, sink: string, chain: string, asset: string): void => {
    for (const [method, { bySeed }] of Object.entries(traced)) {
      for (const [seed, amount] of Object.entries(bySeed)) {
        const key = keyOf(seed, method, chain, asset, sink)
        totals.set(key, (totals.get(key) ?? 0n) + BigInt(amount))
      }
    }
  }
  const checkSum = (where: string, { traced }: Endpoint | Holding): void => {
    for (const [method, { total, bySeed }] of Object.entries(traced)) {
      const seeds = sum(Object.values(bySeed).map(BigInt))
      if (seeds.toString() === total) continue
      findings.add(
        'conservation',
        FILE,
        `${where}/traced/${escapePointer(method)}/total`,
        `${seeds}, the sum of bySeed`,
        total,
      )
    }
  }
  for (const { index, value } of report.rows('endpoints')) {
    checkSum(`/endpoints/${index}`, value)
    add(value.traced, value.sink, value.chain, value.asset)
  }
  for (const { index, value } of report.rows('holdings')) {
    checkSum(`/holdings/${index}`, value)
    for (const method of Object.keys(value.traced)) {
      const pool = poolOf(method, value.chain, ledger.utxoChains.has(value.chain))
      const pointer = `/holdings/${index}/traced/${escapePointer(method)}`
      if (pool !== value.pool)
        findings.add('holding', FILE, pointer, `a method traced by pool ${value.pool}`, `${method}, by ${pool}`)
    }
    add(value.traced, value.sink, value.chain, value.asset)
  }
  for (const { index, value: row } of report.rows('conservation')) {
    for (const sink of [...ENDPOINT_SINKS, 'holding', 'unseen'] as (
      | 'service'
      | 'mixer'
      | 'bridge'
      | 'holding'
      | 'unseen'
    )[]) {
      const rows = totals.get(keyOf(row.seed, row.method, row.chain, row.asset, sink)) ?? 0n
      if (rows.toString() === row.sinks[sink]) continue
      const list = sink === 'holding' || sink === 'unseen' ? 'holdings' : 'endpoints'
      findings.add(
        'conservation',
        FILE,
        `/conservation/${index}/sinks/${sink}`,
        `${rows}, the sum over /${list}`,
        row.sinks[sink],
      )
    }
  }
}

function checkPaths(evidence: Evidence): void {
  const { report, findings } = evidence
  const seeds = new Map<string, SeedRow[]>()
  for (const { value } of report.rows('seeds')) {
    const known = seeds.get(value.id)
    if (known === undefined) seeds.set(value.id, [value])
    else known.push(value)
  }
  const { primary } = methodsAsked(report.request)
  const endpoints = new Map(report.rows('endpoints').map((row) => [row.value.id, row]))
  const paths = new Map<string, Row<Path>>()
  const drawn = new Map<string, Map<string, bigint>>()
  /** What all threads together carry through one step. */
  const carried = new Map<string, { amount: bigint; room: bigint; where: string }>()
  for (const row of report.rows('paths')) {
    const { index, value: path } = row
    const where = `/paths/${index}`
    if (paths.has(path.id)) findings.add('path', FILE, `${where}/id`, 'an id of its own', path.id)
    paths.set(path.id, row)
    const endpoint = endpoints.get(path.endpoint)
    if (endpoint === undefined) {
      findings.add('path', FILE, `${where}/endpoint`, 'an endpoint of the report', path.endpoint)
      continue
    }
    if (!endpoint.value.paths.includes(path.id)) {
      findings.add('path', FILE, `/endpoints/${endpoint.index}/paths`, `${path.id}, which leads here`, 'not listed')
    }
    const bySeed = drawn.get(path.endpoint) ?? new Map<string, bigint>()
    bySeed.set(path.seed, (bySeed.get(path.seed) ?? 0n) + BigInt(path.amount))
    drawn.set(path.endpoint, bySeed)
    checkPath(evidence, where, { path, seeds: seeds.get(path.seed) ?? [], endpoint: endpoint.value }, carried)
  }
  for (const { amount, room, where } of carried.values()) {
    if (amount > room)
      findings.add('path', FILE, where, `at most ${room}, what the step moved, over all paths`, `${amount}`)
  }
  for (const { index, value: endpoint } of report.rows('endpoints')) {
    for (const [place, id] of endpoint.paths.entries()) {
      const path = paths.get(id)
      const where = `/endpoints/${index}/paths/${place}`
      if (path === undefined) findings.add('path', FILE, where, 'a path of the report', id)
      else if (path.value.endpoint !== endpoint.id)
        findings.add('path', FILE, where, 'a path that leads here', `${id} leads to ${path.value.endpoint}`)
    }
    const bySeed =
      primary !== undefined && Object.hasOwn(endpoint.traced, primary) ? endpoint.traced[primary].bySeed : {}
    const drawnHere = drawn.get(endpoint.id)
    for (const seed of new Set([...Object.keys(bySeed), ...(drawnHere?.keys() ?? [])])) {
      const sumDrawn = drawnHere?.get(seed) ?? 0n
      const traced = BigInt(Object.hasOwn(bySeed, seed) ? bySeed[seed] : '0')
      if (sumDrawn === traced || (sumDrawn < traced && remainderDeclared(evidence, endpoint.id, traced - sumDrawn)))
        continue
      findings.add(
        'path',
        FILE,
        `/endpoints/${index}/paths`,
        `paths of seed ${seed} that add up to ${traced}`,
        `${sumDrawn}`,
      )
    }
  }
}

/** Paths may be cut off at a limit; then a gap names the endpoint and the exact rest. */
function remainderDeclared({ report }: Evidence, endpoint: string, rest: bigint): boolean {
  return report.rows('gaps').some(({ value }) => value.where === endpoint && value.amount === rest.toString())
}

function checkPath(
  evidence: Evidence,
  where: string,
  drawn: { readonly path: Path; readonly seeds: readonly SeedRow[]; readonly endpoint: Endpoint },
  carried: Map<string, { amount: bigint; room: bigint; where: string }>,
): void {
  const { findings, ledger } = evidence
  const { path, seeds, endpoint } = drawn
  if (seeds.length === 0) findings.add('path', FILE, `${where}/seed`, 'a seed of the report', path.seed)
  if (path.steps.length === 0) {
    findings.add('path', FILE, `${where}/steps`, 'at least one step', 'none')
    return
  }
  let before: { row: LedgerRow; chain: string } | undefined
  for (const [index, step] of path.steps.entries()) {
    const pointer = `${where}/steps/${index}`
    const rows = ledger.found.get(step.transaction) ?? []
    const row = rows.find((each) => each.height === step.height && each.time === step.time) ?? rows[0]
    if (row === undefined) {
      findings.add('path', FILE, `${pointer}/transaction`, 'a transaction of the ledger', step.transaction)
      continue
    }
    findings.same('path', FILE, `${pointer}/height`, row.height, step.height)
    findings.same('path', FILE, `${pointer}/time`, row.time, step.time)
    if (before !== undefined && before.chain === row.chain && comesAfter(before.row, row)) {
      findings.add(
        'path',
        FILE,
        `${pointer}/transaction`,
        'a transaction not before the step before it',
        step.transaction,
      )
    }
    before = { row, chain: row.chain }
    const previous = path.steps[index - 1]
    // Inside a cluster value goes from one of its addresses to another without a payment.
    const pool = evidence.poolOf(
      methodsAsked(evidence.report.request).primary ?? '',
      row.chain,
      ledger.utxoChains.has(row.chain),
    )
    const isPassed = pool === 'cluster' || evidence.converting.has(step.transaction)
    if (previous !== undefined && previous.to !== step.from && !isPassed) {
      findings.add('path', FILE, `${pointer}/from`, `${previous.to}, where the step before it ended`, step.from)
    }
    const moved = movedBetween(row, step.from, step.to)
    if (moved.most === 0n) {
      findings.add('path', FILE, pointer, `${step.transaction} to pay ${step.to} out of ${step.from}`, 'it does not')
      continue
    }
    if (!moved.figures.has(step.amount)) {
      findings.add('path', FILE, `${pointer}/amount`, [...moved.figures].join(' or '), step.amount)
    }
    if (BigInt(step.carried) > BigInt(step.amount)) {
      findings.add('path', FILE, `${pointer}/carried`, `at most the amount ${step.amount}`, step.carried)
    }
    if (step.carried !== path.amount && evidence.converting.size === 0) {
      findings.add('path', FILE, `${pointer}/carried`, `${path.amount}, the thread of the path`, step.carried)
    }
    const key = keyOf(row.line, step.from, step.to)
    const thread = carried.get(key) ?? { amount: 0n, room: moved.most, where: `${pointer}/carried` }
    thread.amount += BigInt(step.carried)
    carried.set(key, thread)
  }
  const first = path.steps[0]
  const starts = seeds.some((seed) => {
    const output = `${seed.transaction}:${placeOf(seed)}`
    return first.transaction === seed.transaction
      ? first.to === (seed.address ?? output)
      : first.from === (seed.address ?? output)
  })
  if (!starts && seeds.length > 0) {
    findings.add('path', FILE, `${where}/steps/0/from`, `the payment of seed ${path.seed}`, first.from)
  }
  const last = path.steps.at(-1)!
  const pointer = `${where}/steps/${path.steps.length - 1}`
  findings.same('path', FILE, `${pointer}/transaction`, endpoint.transaction, last.transaction)
  findings.same(
    'path',
    FILE,
    `${pointer}/to`,
    endpoint.address ?? `${endpoint.transaction}:${placeOf(endpoint)}`,
    last.to,
  )
  if (last.carried !== path.amount) {
    findings.add('path', FILE, `${pointer}/carried`, `${path.amount}, the path's amount`, last.carried)
  }
  // The seed's own payment is no hop; several movements of one transaction are one.
  const starting = seeds.some((seed) => seed.transaction === first.transaction) ? 1 : 0
  const steps = new Set(path.steps.map(({ transaction }) => transaction)).size - starting
  if (endpoint.hops > steps)
    findings.add('path', FILE, `${where}/steps`, `at least ${endpoint.hops}, the endpoint's hops`, `${steps}`)
}

/** What a transaction paid from one place to another: each leg's amount and their sum, which readers may call its amount. */
function movedBetween(row: LedgerRow, from: string, to: string): { most: bigint; figures: Set<string> } {
  const figures = new Set<string>()
  let most = 0n
  const add = (amount: bigint): void => {
    if (amount === 0n) return
    figures.add(amount.toString())
    most += amount
  }
  if (row.utxo) {
    let gives = 0n
    for (const { transaction, output, address, amount } of row.inputs) {
      if (from === address || from === `${transaction}:${output}`) gives += amount
    }
    const mints =
      row.coinbase || row.outputs.some(({ address }, index) => from === address || from === `${row.id}:${index}`)
    if (gives > 0n || mints) {
      for (const [index, { address, amount }] of row.outputs.entries()) {
        if (to === address || to === `${row.id}:${index}`) add(amount)
      }
    }
    figures.add(most.toString())
    // Where several pay several, "from A to B" is at most what A gave.
    if (gives > 0n && gives < most) figures.add(gives.toString())
    return { most, figures }
  }
  for (const transfer of row.failed ? [] : row.transfers) {
    if (transfer.from === from && transfer.to === to) add(transfer.amount)
  }
  figures.add(most.toString())
  return { most, figures }
}

function checkRejected({ report, ledger, findings }: Evidence): void {
  for (const { index, value } of report.rows('rejected')) {
    const where = `/rejected/${index}`
    const row = ledger.get(value.chain, value.transaction)
    if (row === undefined) {
      findings.add(
        'rejected',
        FILE,
        `${where}/transaction`,
        `a ${value.chain} transaction of the ledger`,
        value.transaction,
      )
      continue
    }
    if (value.reason === 'failed' && !row.failed)
      findings.add('rejected', FILE, `${where}/reason`, 'a transaction that failed', 'it succeeded')
    if (value.transfer === undefined) continue
    const transfer = row.transfers.find((each) => each.index === value.transfer)
    if (transfer === undefined) {
      findings.add('rejected', FILE, `${where}/transfer`, `a transfer of ${value.transaction}`, value.transfer)
      continue
    }
    if (value.asset !== undefined) findings.same('rejected', FILE, `${where}/asset`, transfer.asset, value.asset)
    if (value.reason === 'zero' && transfer.amount !== 0n) {
      findings.add('rejected', FILE, `${where}/reason`, 'a transfer of nothing', `it moves ${transfer.amount}`)
    }
  }
}

const SINK_GAPS: readonly (readonly [sink: string, kind: string])[] = [
  ['unseen', 'UNSEEN'],
  ['horizon.hops', 'HORIZON_HOPS'],
  ['horizon.until', 'HORIZON_UNTIL'],
  ['horizon.amount', 'HORIZON_AMOUNT'],
  ['horizon.transactions', 'HORIZON_TRANSACTIONS'],
]

/** What a limit cut off, or could not be seen, has a gap that says so. */
function checkGaps({ report, sums, findings }: Evidence): void {
  const kinds = new Set(report.rows('gaps').map(({ value }) => value.kind as string))
  for (const { index, value } of report.rows('gaps')) {
    if (!/^[A-Z]+(_[A-Z]+)*$/.test(value.kind))
      findings.add('shape', FILE, `/gaps/${index}/kind`, 'the name of a gap', value.kind)
  }
  const places = new Map(report.rows('holdings').map(({ value }) => [value.id, holdingPlace(value)]))
  for (const { index, value } of report.rows('gaps')) {
    const name = SINK_GAPS.find(([, kind]) => kind === value.kind)?.[0]
    if (name === undefined || value.amount === undefined) continue
    const rests = sums.rests.get(keyOf(places.get(value.where) ?? value.where, name))
    if (rests === undefined || [...rests.values()].some((amount) => amount.toString() === value.amount)) continue
    const expected = `${[...new Set(rests.values())].join(' or ')}, what rests at ${value.where}`
    findings.add('gap', FILE, `/gaps/${index}/amount`, expected, value.amount)
  }
  for (const [name, kind] of SINK_GAPS) {
    if (kinds.has(kind)) continue
    for (const { index, value: row } of report.rows('conservation')) {
      const sink = [...sinksOf(row)].find((each) => each.name === name)!
      if (sink.amount === '0') continue
      findings.add('gap', FILE, '/gaps', `${kind}, which explains /conservation/${index}/${sink.pointer}`, 'none')
      break
    }
  }
}

function sum(amounts: Iterable<bigint>): bigint {
  let total = 0n
  for (const amount of amounts) total += amount
  return total
}
