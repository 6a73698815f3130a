import { FLOW_VIEW_EDGES_MAX, type FlowRow, fewestHops, mergeFlowRows } from '../../graph/index.ts'
import { Fault } from '../faults.ts'
import type { Endpoint, Path, PathStep, Report, SeedRow } from './format.ts'
import { type HoldingNote, renderGexf } from './gexf.ts'

export interface PathsView {
  readonly paths: readonly Path[]
  /** False where the report lists not every thread into the endpoints asked for (gap PATHS_OMITTED). */
  readonly complete: boolean
  /** The `from` of the next page; undefined on the last. */
  readonly next: number | undefined
}

export interface ShortestView {
  readonly seed: string
  readonly service: string
  /** Transactions on the way; null where there is none. */
  readonly hops: number | null
  /** False where the report lists not every thread into the service: a shorter way may be in the journal. */
  readonly complete: boolean
  readonly steps: readonly Pick<PathStep, 'transaction' | 'from' | 'to' | 'carried' | 'height' | 'time'>[]
}

/** A page of the report's paths, in its order, of one seed or into one endpoint where asked. */
export function pathsOf(
  report: Report,
  ask: { seed: string | undefined; endpoint: string | undefined; from: number; limit: number },
): PathsView {
  if (ask.seed !== undefined) getSeed(report, ask.seed)
  if (ask.endpoint !== undefined && !report.endpoints.some((endpoint) => endpoint.id === ask.endpoint)) {
    throw new Fault('NOT_FOUND', `the report has no endpoint "${ask.endpoint}"`)
  }
  const complete = listsAll(report, ask.endpoint === undefined ? undefined : new Set([ask.endpoint]))
  const paths: Path[] = []
  for (let place = ask.from; place < report.paths.length; place++) {
    const path = report.paths[place]
    if (ask.seed !== undefined && path.seed !== ask.seed) continue
    if (ask.endpoint !== undefined && path.endpoint !== ask.endpoint) continue
    if (paths.length === ask.limit) return { paths, complete, next: place }
    paths.push(path)
  }
  return { paths, complete, next: undefined }
}

/** The flow of the primary method as GEXF. */
export function gexfOf(report: Report): string {
  const rows = flowRows(report, report.paths)
  const notes = new Map<string, HoldingNote>()
  const chains = chainsOfSeeds(report)
  const endpoints = new Map(report.endpoints.map((endpoint) => [endpoint.id, endpoint]))
  for (const path of report.paths) {
    const chain = chains.get(path.seed) ?? ''
    for (const step of path.steps) {
      for (const holding of [step.from, step.to]) {
        const key = holdingKey(chain, holding)
        if (!notes.has(key)) notes.set(key, { label: holding, chain, kind: 'holding', entity: null })
      }
    }
  }
  for (const path of report.paths) {
    const chain = chains.get(path.seed) ?? ''
    const first = path.steps.at(0)
    const last = path.steps.at(-1)
    const endpoint = endpoints.get(path.endpoint)
    if (first) notes.set(holdingKey(chain, first.from), { label: first.from, chain, kind: 'seed', entity: null })
    if (last && endpoint) {
      const entity = endpoint.service ? (endpoint.service.entity ?? endpoint.service.label) : null
      const label = entity === null ? last.to : `${entity}: ${last.to}`
      notes.set(holdingKey(chain, last.to), { label, chain, kind: endpoint.sink, entity })
    }
  }
  const some = 'Some of the flow: the report does not list every thread (PATHS_OMITTED). Amounts are base units.'
  const all = 'The flow of the primary method into every endpoint. Amounts are base units.'
  return renderGexf(rows, notes, listsAll(report, undefined) ? all : some)
}

/** Fewest transactions from a seed to a service, over what carried that seed's value. */
export function shortestOf(report: Report, seed: string, service: string): ShortestView {
  getSeed(report, seed)
  const endpoints = report.endpoints.filter((endpoint) => isNamed(endpoint, service))
  if (endpoints.length === 0)
    throw new Fault('NOT_FOUND', `no endpoint of the report is "${service}", by entity, label or id`)
  const wanted = new Set(endpoints.map((endpoint) => endpoint.id))
  const complete = listsAll(report, wanted)
  const paths = report.paths.filter((path) => path.seed === seed)
  const chain = chainsOfSeeds(report).get(seed) ?? ''
  const sources = new Set<string>()
  const targets = new Set<string>()
  for (const path of paths) {
    // The seed's own payment went straight there.
    if (path.steps.length === 0 && wanted.has(path.endpoint))
      return { seed, service, hops: 0, complete: true, steps: [] }
    const first = path.steps.at(0)
    const last = path.steps.at(-1)
    if (first) sources.add(holdingKey(chain, first.from))
    if (last && wanted.has(path.endpoint)) targets.add(holdingKey(chain, last.to))
  }
  const way = fewestHops(flowRows(report, paths), sources, targets)
  if (!way) return { seed, service, hops: null, complete, steps: [] }
  const when = new Map<string, PathStep>()
  for (const path of paths) for (const step of path.steps) when.set(step.transaction, step)
  const steps = way.map((row) => {
    const { height, time } = when.get(row.transaction)!
    const [from, to] = [row.from.slice(chain.length + 1), row.to.slice(chain.length + 1)]
    return { transaction: row.transaction, from, to, carried: row.amount.toString(), height, time }
  })
  return { seed, service, hops: steps.length, complete, steps }
}

function isNamed(endpoint: Endpoint, service: string): boolean {
  return endpoint.id === service || endpoint.service?.entity === service || endpoint.service?.label === service
}

/** Whether the report lists every thread into some endpoints, or into all. */
function listsAll(report: Report, endpoints: ReadonlySet<string> | undefined): boolean {
  return !report.gaps.some((gap) => gap.kind === 'PATHS_OMITTED' && (!endpoints || endpoints.has(gap.where)))
}

function getSeed(report: Report, id: string): SeedRow {
  const seed = report.seeds.find((each) => each.id === id)
  if (!seed) throw new Fault('NOT_FOUND', `the report has no seed "${id}"`)
  return seed
}

/** A step does not say its chain; its path's seed does. One text may be an address on two chains. */
function chainsOfSeeds(report: Report): Map<string, string> {
  return new Map(report.seeds.map((seed) => [seed.id, seed.chain]))
}

function holdingKey(chain: string, holding: string): string {
  return `${chain} ${holding}`
}

/** The steps of paths as merged rows, ranked by time and then height. Fault LIMIT_EXCEEDED beyond what a view may hold. */
function flowRows(report: Report, paths: readonly Path[]): FlowRow[] {
  const chains = chainsOfSeeds(report)
  const moments = new Map<string, { time: number; height: number }>()
  const momentOf = (step: PathStep) => ({ time: Date.parse(step.time), height: step.height ?? 0 })
  for (const path of paths) for (const step of path.steps) moments.set(`${step.time} ${step.height}`, momentOf(step))
  const sorted = [...moments].sort(([, a], [, b]) => a.time - b.time || a.height - b.height)
  const ranks = new Map(sorted.map(([moment], rank) => [moment, rank]))
  const rows = mergeFlowRows(eachRow(paths, chains, ranks))
  if (rows.length > FLOW_VIEW_EDGES_MAX) {
    throw new Fault(
      'LIMIT_EXCEEDED',
      `the flow has ${rows.length} edges, a view holds ${FLOW_VIEW_EDGES_MAX}; read /paths or report.json`,
    )
  }
  return rows
}

function* eachRow(
  paths: readonly Path[],
  chains: ReadonlyMap<string, string>,
  ranks: ReadonlyMap<string, number>,
): Generator<FlowRow> {
  for (const path of paths) {
    const chain = chains.get(path.seed) ?? ''
    for (const step of path.steps) {
      yield {
        from: holdingKey(chain, step.from),
        to: holdingKey(chain, step.to),
        transaction: step.transaction,
        amount: BigInt(step.carried),
        order: ranks.get(`${step.time} ${step.height}`)!,
      }
    }
  }
}
