import type { Digits, Endpoint, Path, Report, TracedBy } from './format.ts'

/** Where value ends, as the picture sorts and colours it. */
export const END_KINDS = [
  'service',
  'mixer',
  'bridge',
  'holding',
  'unseen',
  'horizon',
  'burned',
  'fee',
  'converted',
] as const
export type EndKind = (typeof END_KINDS)[number]

/** How much is drawn one by one before it is folded. What is folded is counted and summed, never left out. */
export interface FlowLimits {
  /** Endpoints of a panel drawn one by one, the largest first. */
  readonly endpoints: number
  /** Services of a panel into which the others are folded; beyond it they are one node. */
  readonly services: number
  /** Holdings of a panel drawn one by one, of each sink. */
  readonly holdings: number
  /** Columns between the seeds and the ends. */
  readonly columns: number
  /** Places drawn one by one in a column. */
  readonly places: number
}

export const FLOW_LIMITS: FlowLimits = { endpoints: 20, services: 10, holdings: 6, columns: 4, places: 10 }

/** A place in the picture. `members` are the report's rows that it stands for; `amount` is the sum of their traced figures. */
export type FlowNode = { readonly key: string; readonly amount: bigint } & (
  | { readonly kind: 'seed' | 'convertedIn'; readonly seed: string }
  | { readonly kind: 'via'; readonly address: string }
  | {
      readonly kind: 'chain'
      readonly hops: number
      readonly first: string
      readonly last: string
      readonly peels: boolean
    }
  | { readonly kind: 'places'; readonly places: number }
  | { readonly kind: 'deep'; readonly hops: number }
  | { readonly kind: 'endpoint'; readonly end: EndKind; readonly endpoint: Endpoint }
  | {
      readonly kind: 'folded'
      readonly end: EndKind
      /** Undefined where several services, or holdings, are in one node. */
      readonly service: string | undefined
      readonly services: ReadonlySet<string>
      readonly members: readonly string[]
    }
  | { readonly kind: 'held'; readonly end: EndKind; readonly id: string; readonly address: string }
  | { readonly kind: 'sink'; readonly end: EndKind; readonly sink: string }
)

export interface FlowLink {
  readonly from: string
  readonly to: string
  /** Where this value ends, which colours it all the way. */
  readonly end: EndKind
  readonly amount: bigint
}

/** One asset's flow: amounts of two assets are never drawn to one scale. */
export interface FlowPanel {
  readonly chain: string
  readonly asset: string
  /** Seeded and converted in. */
  readonly total: bigint
  readonly nodes: ReadonlyMap<string, FlowNode>
  readonly columns: ReadonlyMap<string, number>
  readonly lastColumn: number
  readonly links: readonly FlowLink[]
  /** The ends in the order in which they stand. */
  readonly ends: readonly string[]
  /** Every sink with its sum, in order, as the ledger of the trace closes. */
  readonly sums: readonly { readonly sink: string; readonly end: EndKind; readonly amount: bigint }[]
  /** Payments into services that carry nothing under this method. */
  readonly untouched: number
  /** Value whose way is not drawn step by step: it ended in no service, or its paths were cut. */
  readonly direct: boolean
}

/** One thread: from a seed through places to an end. */
interface Thread {
  readonly source: string
  via: string[]
  readonly end: string
  readonly kind: EndKind
  readonly amount: bigint
}

/** The panels of a report under one method, one for each chain and asset in the order of the report. */
export function flowPanels(report: Report, method: string, limits: FlowLimits): FlowPanel[] {
  const panels = new Map<string, { chain: string; asset: string }>()
  for (const row of report.conservation) {
    if (row.method === method) panels.set(`${row.chain}\0${row.asset}`, { chain: row.chain, asset: row.asset })
  }
  return [...panels.values()].map(({ chain, asset }) => panelOf(report, method, chain, asset, limits))
}

function panelOf(report: Report, method: string, chain: string, asset: string, limits: FlowLimits): FlowPanel {
  const drafts = new Map<string, FlowNode>()
  const threads: Thread[] = []
  const here = (row: { readonly chain: string; readonly asset: string }): boolean =>
    row.chain === chain && row.asset === asset
  const rows = report.conservation.filter((row) => here(row) && row.method === method)
  const sums = new Map<string, { end: EndKind; amount: bigint }>()
  const addSum = (sink: string, end: EndKind, amount: bigint): void => {
    const sum = sums.get(sink) ?? { end, amount: 0n }
    sum.amount += amount
    sums.set(sink, sum)
  }

  let total = 0n
  for (const row of rows) {
    const seeded = BigInt(row.seeded)
    const converted = BigInt(row.convertedIn ?? '0')
    total += seeded + converted
    if (seeded > 0n)
      drafts.set(`seed:${row.seed}`, { key: `seed:${row.seed}`, kind: 'seed', seed: row.seed, amount: seeded })
    if (converted > 0n) {
      drafts.set(`in:${row.seed}`, { key: `in:${row.seed}`, kind: 'convertedIn', seed: row.seed, amount: converted })
    }
  }
  const sourceOf = (seed: string): string => (drafts.has(`seed:${seed}`) ? `seed:${seed}` : `in:${seed}`)

  const endpoints = report.endpoints.filter(here)
  const reached = endpoints.filter(({ traced }) => totalOf(traced, method) > 0n)
  const endOf = foldEndpoints(reached, method, limits, drafts)
  const paths = new Map<string, Path[]>()
  for (const path of report.paths) {
    const known = paths.get(path.endpoint)
    if (known === undefined) paths.set(path.endpoint, [path])
    else known.push(path)
  }
  const own = seedTransactions(report, here)
  let direct = false
  for (const endpoint of reached) {
    const end = endOf.get(endpoint.id)!
    addSum(endpoint.sink, endpoint.sink, totalOf(endpoint.traced, method))
    const left = new Map(Object.entries(endpoint.traced[method].bySeed).map(([seed, amount]) => [seed, BigInt(amount)]))
    for (const path of paths.get(endpoint.id) ?? []) {
      const amount = BigInt(path.amount)
      const rest = left.get(path.seed) ?? 0n
      if (amount > rest) continue
      left.set(path.seed, rest - amount)
      threads.push({
        source: sourceOf(path.seed),
        via: placesOf(path, own.get(path.seed)),
        end,
        kind: endpoint.sink,
        amount,
      })
    }
    for (const [seed, amount] of left) {
      if (amount === 0n) continue
      direct = true
      threads.push({ source: sourceOf(seed), via: [], end, kind: endpoint.sink, amount })
    }
  }

  for (const kind of ['holding', 'unseen'] as const) {
    const held = report.holdings.filter((row) => here(row) && row.sink === kind && totalOf(row.traced, method) > 0n)
    held.sort((a, b) => byAmount(totalOf(a.traced, method), totalOf(b.traced, method)) || byText(a.id, b.id))
    const drawn = held.length <= limits.holdings + 1 ? held.length : limits.holdings
    for (const [index, holding] of held.entries()) {
      const amount = totalOf(holding.traced, method)
      addSum(kind, kind, amount)
      const key = index < drawn ? `held:${holding.id}` : `held:${kind}`
      const address = holding.address ?? `${holding.transaction ?? ''}:${holding.output ?? ''}`
      if (index < drawn) drafts.set(key, { key, kind: 'held', end: kind, id: holding.id, address, amount })
      else fold(drafts, key, kind, undefined, { id: holding.id, amount })
      for (const [seed, part] of Object.entries(holding.traced[method].bySeed)) {
        direct = true
        threads.push({ source: sourceOf(seed), via: [], end: key, kind, amount: BigInt(part) })
      }
    }
  }
  for (const row of rows) {
    const { burned, fee, horizon } = row.sinks
    const others: [sink: string, end: EndKind, amount: Digits][] = [
      ['horizon.hops', 'horizon', horizon.hops],
      ['horizon.until', 'horizon', horizon.until],
      ['horizon.amount', 'horizon', horizon.amount],
      ['horizon.transactions', 'horizon', horizon.transactions],
      ['burned', 'burned', burned],
      ['fee', 'fee', fee],
      ['convertedOut', 'converted', row.convertedOut ?? '0'],
    ]
    for (const [sink, end, digits] of others) {
      const amount = BigInt(digits)
      if (amount === 0n) continue
      addSum(sink, end, amount)
      const key = `sink:${sink}`
      drafts.set(key, { key, kind: 'sink', end, sink, amount: (drafts.get(key)?.amount ?? 0n) + amount })
      direct = true
      threads.push({ source: sourceOf(row.seed), via: [], end: key, kind: end, amount })
    }
  }

  foldChains(threads, drafts)
  let columns = columnsOf(threads)
  foldDepth(threads, columns, drafts, limits.columns)
  columns = columnsOf(threads)
  foldWidth(threads, columns, drafts, limits.places)
  columns = columnsOf(threads)

  const ends = [...new Set(threads.map(({ end }) => end))].sort((a, b) => byEnd(drafts.get(a)!, drafts.get(b)!))
  const lastColumn = Math.max(0, ...columns.values()) + 1
  for (const end of ends) columns.set(end, lastColumn)
  for (const { source } of threads) columns.set(source, 0)
  const order = [...sums.entries()].map(([sink, sum]) => ({ sink, ...sum }))
  order.sort((a, b) => END_KINDS.indexOf(a.end) - END_KINDS.indexOf(b.end) || byText(a.sink, b.sink))
  return {
    chain,
    asset,
    total,
    nodes: drafts,
    columns,
    lastColumn,
    links: linksOf(threads),
    ends,
    sums: order,
    untouched: endpoints.length - reached.length,
    direct,
  }
}

function totalOf(traced: TracedBy, method: string): bigint {
  return Object.hasOwn(traced, method) ? BigInt(traced[method].total) : 0n
}

/** The largest endpoints one by one; the others folded by service, the small services into one. Which endpoint went where. */
function foldEndpoints(
  reached: readonly Endpoint[],
  method: string,
  limits: FlowLimits,
  drafts: Map<string, FlowNode>,
): Map<string, string> {
  const order = [...reached].sort(
    (a, b) => byAmount(totalOf(a.traced, method), totalOf(b.traced, method)) || byText(a.id, b.id),
  )
  const drawn = order.length <= limits.endpoints + 1 ? order.length : limits.endpoints
  const endOf = new Map<string, string>()
  const drawAlone = (endpoint: Endpoint): void => {
    const key = `end:${endpoint.id}`
    drafts.set(key, { key, kind: 'endpoint', end: endpoint.sink, endpoint, amount: totalOf(endpoint.traced, method) })
    endOf.set(endpoint.id, key)
  }
  for (const endpoint of order.slice(0, drawn)) drawAlone(endpoint)
  const services = new Map<string, { rows: Endpoint[]; amount: bigint }>()
  for (const endpoint of order.slice(drawn)) {
    const key = `${endpoint.sink}:${serviceName(endpoint)}`
    const service = services.get(key) ?? { rows: [], amount: 0n }
    service.rows.push(endpoint)
    service.amount += totalOf(endpoint.traced, method)
    services.set(key, service)
  }
  const bySize = [...services.entries()].sort((a, b) => byAmount(a[1].amount, b[1].amount) || byText(a[0], b[0]))
  const named = bySize.length <= limits.services + 1 ? bySize.length : limits.services
  for (const [index, [name, { rows }]] of bySize.entries()) {
    // A fold of one would say less in the same room.
    if (index < named && rows.length === 1) drawAlone(rows[0])
    else
      for (const endpoint of rows) {
        const key = index < named ? `fold:${name}` : `fold:${endpoint.sink}`
        const service = serviceName(endpoint)
        const row = { id: endpoint.id, amount: totalOf(endpoint.traced, method), service }
        fold(drafts, key, endpoint.sink, index < named ? service : undefined, row)
        endOf.set(endpoint.id, key)
      }
  }
  return endOf
}

/** Adds one row to a folded end. */
function fold(
  drafts: Map<string, FlowNode>,
  key: string,
  end: EndKind,
  service: string | undefined,
  row: { readonly id: string; readonly amount: bigint; readonly service?: string },
): void {
  const known = drafts.get(key) as Extract<FlowNode, { kind: 'folded' }> | undefined
  const services = (known?.services ?? new Set()) as Set<string>
  const members = (known?.members ?? []) as string[]
  if (row.service !== undefined) services.add(row.service)
  members.push(row.id)
  drafts.set(key, { key, kind: 'folded', end, service, services, members, amount: (known?.amount ?? 0n) + row.amount })
}

export function serviceName({ service, address, transaction }: Endpoint): string {
  return service?.entity ?? service?.label ?? address ?? transaction
}

/** The seeds of a panel: the transactions that pay them, by seed. */
function seedTransactions(
  report: Report,
  here: (row: { chain: string; asset: string }) => boolean,
): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const seed of report.seeds) if (here(seed)) connect(found, seed.id, seed.transaction)
  return found
}

/** The places between a seed and an endpoint, each with its depth: one address passed twice is two places. */
function placesOf(path: Path, seedTransactions: ReadonlySet<string> | undefined): string[] {
  // A path that began in another asset has steps of that asset; here it comes out of the conversion.
  if (seedTransactions === undefined) return []
  const steps = path.steps.slice(0, -1)
  const own = steps.length > 0 && seedTransactions.has(steps[0].transaction)
  return steps.slice(own ? 1 : 0).map(({ to }, depth) => `via:${depth}:${to}`)
}

const depthOf = (key: string): number => Number(key.split(':', 2)[1])
const addressOf = (key: string): string => key.slice(key.indexOf(':', 4) + 1)

/** Runs of places with one way in and one way on are one node: a peel chain is one hand's walk, not thirty facts. */
function foldChains(threads: Thread[], drafts: Map<string, FlowNode>): void {
  const before = new Map<string, Set<string>>()
  const after = new Map<string, Set<string>>()
  const paying = new Set<string>()
  const through = new Map<string, bigint>()
  for (const { source, via, amount } of threads) {
    let previous = source
    for (const place of via) {
      connect(before, place, previous)
      connect(after, previous, place)
      through.set(place, (through.get(place) ?? 0n) + amount)
      previous = place
    }
    if (via.length > 0) paying.add(previous)
  }
  const folded = new Map<string, string>()
  const places = [...through.keys()].sort((a, b) => depthOf(a) - depthOf(b) || byText(a, b))
  for (const first of places) {
    if (folded.has(first)) continue
    const run = [first]
    for (;;) {
      const next = [...(after.get(run[run.length - 1]) ?? [])]
      if (next.length !== 1 || before.get(next[0])!.size !== 1 || folded.has(next[0])) break
      run.push(next[0])
    }
    const amount = through.get(first)!
    if (run.length < 3) {
      drafts.set(first, { key: first, kind: 'via', address: addressOf(first), amount })
      folded.set(first, first)
      continue
    }
    const key = `chain:${depthOf(first)}:${addressOf(first)}`
    const peels = run.slice(0, -1).some((place) => paying.has(place))
    drafts.set(key, {
      key,
      kind: 'chain',
      hops: run.length,
      first: addressOf(first),
      last: addressOf(run.at(-1)!),
      peels,
      amount,
    })
    for (const place of run) folded.set(place, key)
  }
  renamePlaces(threads, folded)
}

function connect(map: Map<string, Set<string>>, from: string, to: string): void {
  const known = map.get(from)
  if (known === undefined) map.set(from, new Set([to]))
  else known.add(to)
}

function renamePlaces(threads: Thread[], names: ReadonlyMap<string, string>): void {
  for (const thread of threads) {
    const renamed: string[] = []
    for (const place of thread.via) {
      const name = names.get(place) ?? place
      if (renamed.at(-1) !== name) renamed.push(name)
    }
    thread.via = renamed
  }
}

/** The column of each place: one more than the furthest place before it. Places only ever lead deeper, so this ends. */
function columnsOf(threads: readonly Thread[]): Map<string, number> {
  const columns = new Map<string, number>()
  for (let changed = true; changed; ) {
    changed = false
    for (const { via } of threads) {
      let column = 0
      for (const place of via) {
        column = Math.max(column + 1, columns.get(place) ?? 0)
        if (columns.get(place) !== column) {
          columns.set(place, column)
          changed = true
        }
      }
    }
  }
  return columns
}

/** What lies deeper than the picture has columns is one node for each place that leads there. */
function foldDepth(
  threads: Thread[],
  columns: ReadonlyMap<string, number>,
  drafts: Map<string, FlowNode>,
  limit: number,
): void {
  const leadingOn = new Set<string>()
  for (const { via } of threads) for (const place of via.slice(0, -1)) leadingOn.add(place)
  const isDeep = (place: string): boolean => {
    const column = columns.get(place)!
    return column > limit || (column === limit && leadingOn.has(place))
  }
  const sums = new Map<string, { amount: bigint; hops: number }>()
  for (const thread of threads) {
    const at = thread.via.findIndex(isDeep)
    if (at < 0) continue
    const key = `deep:${limit}:${thread.via[at - 1] ?? thread.source}`
    const hops = thread.via.slice(at).reduce((sum, place) => sum + hopsOf(drafts.get(place)!), 0)
    const known = sums.get(key) ?? { amount: 0n, hops: 0 }
    sums.set(key, { amount: known.amount + thread.amount, hops: Math.max(known.hops, hops) })
    thread.via = [...thread.via.slice(0, at), key]
  }
  for (const [key, { amount, hops }] of sums) drafts.set(key, { key, kind: 'deep', hops, amount })
}

function hopsOf(node: FlowNode): number {
  return node.kind === 'chain' || node.kind === 'deep' ? node.hops : 1
}

/** The largest places of a column one by one, the others as one. */
function foldWidth(
  threads: Thread[],
  columns: ReadonlyMap<string, number>,
  drafts: Map<string, FlowNode>,
  limit: number,
): void {
  const through = new Map<string, bigint>()
  for (const { via, amount } of threads)
    for (const place of via) through.set(place, (through.get(place) ?? 0n) + amount)
  const byColumn = new Map<number, string[]>()
  for (const place of through.keys()) {
    const column = columns.get(place)!
    byColumn.set(column, [...(byColumn.get(column) ?? []), place])
  }
  const names = new Map<string, string>()
  for (const [column, places] of byColumn) {
    if (places.length <= limit + 1) continue
    places.sort((a, b) => byAmount(through.get(a)!, through.get(b)!) || byText(a, b))
    const key = `more:${column}`
    let amount = 0n
    for (const place of places.slice(limit)) {
      names.set(place, key)
      amount += through.get(place)!
    }
    drafts.set(key, { key, kind: 'places', places: places.length - limit, amount })
  }
  renamePlaces(threads, names)
  // A place may have lost threads to a fold before it: its figure is what passes it as drawn.
  for (const [place, amount] of through) {
    const node = drafts.get(place)
    if (node !== undefined && node.amount !== amount) drafts.set(place, { ...node, amount })
  }
}

function linksOf(threads: readonly Thread[]): FlowLink[] {
  const links = new Map<string, { from: string; to: string; end: EndKind; amount: bigint }>()
  for (const { source, via, end, kind, amount } of threads) {
    let from = source
    for (const to of [...via, end]) {
      const key = `${from}\0${to}\0${kind}`
      const link = links.get(key) ?? { from, to, end: kind, amount: 0n }
      link.amount += amount
      links.set(key, link)
      from = to
    }
  }
  return [...links.entries()].sort((a, b) => byText(a[0], b[0])).map(([, link]) => link)
}

/** Ends by their kind, the largest first, what is folded after what is drawn. */
function byEnd(a: FlowNode, b: FlowNode): number {
  const kinds = END_KINDS.indexOf(endKind(a)) - END_KINDS.indexOf(endKind(b))
  const folds = foldRank(a) - foldRank(b)
  return kinds || folds || byAmount(a.amount, b.amount) || byText(a.key, b.key)
}

/** What is drawn alone, then what is folded by its service, then the rest of them. */
function foldRank(node: FlowNode): number {
  return node.kind !== 'folded' ? 0 : node.service !== undefined ? 1 : 2
}

/** The kind of an end node; what is no end counts as a service, and is never asked. */
export function endKind(node: FlowNode): EndKind {
  return 'end' in node ? node.end : 'service'
}

const byAmount = (a: bigint, b: bigint): number => (a === b ? 0 : a > b ? -1 : 1)
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
