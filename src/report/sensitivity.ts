import { FEE_LEG, isUtxoChain, TO_BRIDGE, TO_MIXER, TO_SERVICE } from '../../graph/index.ts'
import type { Gap } from '../gaps.ts'
import { buildTagBook } from '../tags/book.ts'
import { followSeeds } from '../trace/follow.ts'
import { findHands } from '../trace/hands.ts'
import type { ChainLedger } from '../trace/ledger.ts'
import type { TraceRequest } from '../trace/request.ts'
import type { Trace } from '../trace/trace.ts'
import type { Endpoint, SensitivityRow } from './format.ts'
import { readTransactions } from './ledger-file.ts'

/** How many assumptions are tried, and how many transactions are read in trying them. */
export const SENSITIVITY_LIMITS = { assumptions: 64, transactions: 10_000_000 } as const

const ENDPOINT_SINKS: ReadonlySet<number> = new Set([TO_SERVICE, TO_MIXER, TO_BRIDGE])

interface Assumption {
  readonly kind: SensitivityRow['without']
  readonly name: string
  readonly request: TraceRequest
  readonly keepsTag: (source: string) => boolean
}

/**
 * Takes away one assumption at a time and traces again by the primary method: every source whose tags name an endpoint,
 * every seed, every rule that was used. Each row says which endpoints' figures change, and to what: zero where the payment
 * no longer counts as one into a service. It is traced within the bundle's own ledger, so that a replay gives the same
 * rows; where value would run on beyond it, only the endpoints known are told.
 */
export function tellSensitivity(trace: Trace, endpoints: readonly Endpoint[], gaps: Gap[]): SensitivityRow[] {
  const ledgers = new Map<string, ChainLedger>()
  let size = 0
  for (const chain of Object.keys(trace.request.pool)) {
    const ledger = trace.ledgers.get(chain)
    if (ledger === undefined) continue
    const transactions = readTransactions(trace, chain)
    size += transactions.length
    ledgers.set(chain, { ...ledger, transactions })
  }
  const assumptions = assumptionsOf(trace, endpoints)
  const most = Math.min(SENSITIVITY_LIMITS.assumptions, Math.floor(SENSITIVITY_LIMITS.transactions / Math.max(1, size)))
  if (assumptions.length > most) {
    gaps.push({
      kind: 'SENSITIVITY_OMITTED',
      where: 'sensitivity',
      detail: `${assumptions.length - most} of ${assumptions.length} assumptions were not taken away one by one; at most ${SENSITIVITY_LIMITS.assumptions}, and ${SENSITIVITY_LIMITS.transactions} transactions in all`,
    })
  }
  return assumptions.slice(0, most).map((assumption): SensitivityRow => {
    const { kind, name } = assumption
    const found = retrace(trace, ledgers, assumption)
    const changed = endpoints.flatMap((endpoint) => {
      const total = (found.get(keyOf(endpoint)) ?? 0n).toString()
      const before = endpoint.traced[trace.request.primary]?.total ?? '0'
      return total === before ? [] : [{ endpoint: endpoint.id, total }]
    })
    return { without: kind, name, method: trace.request.primary, endpoints: changed }
  })
}

const keyOf = (endpoint: Endpoint): string =>
  `${endpoint.chain} ${endpoint.transaction} ${endpoint.output ?? endpoint.transfer} ${endpoint.asset}`

function assumptionsOf({ request, runs }: Trace, endpoints: readonly Endpoint[]): Assumption[] {
  const all = () => true
  const claims = endpoints.flatMap(({ attribution }) => attribution)
  const sources = [...new Set(claims.map(({ source }) => source))].sort()
  const clustered = runs.some((run) => run.primary && run.pool === 'cluster' && isUtxoChain(run.chain))
  const { rules } = request
  const withRules = (changed: Partial<TraceRequest['rules']>) => ({ ...request, rules: { ...rules, ...changed } })
  const found: Assumption[] = sources.map((name) => ({
    kind: 'tagSource',
    name,
    request,
    keepsTag: (source) => source !== name,
  }))
  const rule = (name: string, changed: Partial<TraceRequest['rules']>) =>
    found.push({ kind: 'rule', name, request: withRules(changed), keepsTag: all })
  if (rules.depositSweep && claims.some(({ basis }) => basis === 'depositSweep')) {
    rule('depositSweep', { depositSweep: false })
  }
  if (clustered && rules.commonInput) rule('commonInput', { commonInput: false })
  for (const each of clustered ? rules.change : []) {
    rule(each, { change: rules.change.filter((other) => other !== each) })
  }
  for (const { id } of request.seeds) {
    const seeds = request.seeds.filter((other) => other.id !== id)
    found.push({ kind: 'seed', name: id, request: { ...request, seeds }, keepsTag: all })
  }
  return found
}

/** What the primary method finds at each payment into a service, mixer or bridge, with one assumption less. */
function retrace(
  trace: Trace,
  ledgers: ReadonlyMap<string, ChainLedger>,
  { request, keepsTag }: Assumption,
): Map<string, bigint> {
  const found = new Map<string, bigint>()
  const chains = new Set(request.seeds.map((seed) => seed.chain))
  if (chains.size === 0) return found
  const pool = Object.fromEntries(
    Object.entries(request.pool).flatMap(([chain, kinds]) => (chains.has(chain) ? [[chain, kinds.slice(0, 1)]] : [])),
  )
  const book = buildTagBook(trace.book.all.filter(({ source }) => keepsTag(source)))
  const alone: TraceRequest = { ...request, compare: [], pool }
  const hands = findHands(alone, ledgers, book)
  for (const run of followSeeds(alone, ledgers, book, hands).runs) {
    const { entries, transactions, outPlace, assets, entryAsset } = run.compiled
    for (const { taint } of run.methods) {
      const { journal } = taint
      for (let i = 0; i < journal.rows; i++) {
        const leg = journal.leg[i]
        if (journal.side[i] !== 1 || leg === FEE_LEG || !ENDPOINT_SINKS.has(entries.outPool[leg])) continue
        const entry = journal.entry[i]
        const { id } = transactions[entries.transaction[entry]]
        const key = `${run.chain} ${id} ${outPlace[leg]} ${assets[entryAsset[entry]]}`
        found.set(key, (found.get(key) ?? 0n) + BigInt(journal.amount[i]))
      }
    }
  }
  return found
}
