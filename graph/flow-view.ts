import { MultiDirectedGraph } from 'graphology'
import { bidirectional } from 'graphology-shortest-path'
import { type Amount, ZERO } from './amount.ts'
import { invariant } from './check.ts'

/** A finished flow is looked at whole only up to here; graphology costs some ten microseconds an edge. */
export const FLOW_VIEW_EDGES_MAX = 100_000

/** Value that one transaction carried from one holding to another. `order` ranks transactions: never back in order. */
export interface FlowRow {
  readonly from: string
  readonly to: string
  readonly transaction: string
  readonly amount: Amount
  readonly order: number
}

export interface FlowEdge extends Record<string, unknown> {
  transaction: string
  amount: Amount
  order: number
}

/** Holdings as nodes, a transaction's carriage between two of them as one edge. */
export type FlowView = MultiDirectedGraph<Record<string, unknown>, FlowEdge>

/** Rows of one transaction between the same two holdings become one row, in the order of their first appearance. */
export function mergeFlowRows(rows: Iterable<FlowRow>): FlowRow[] {
  const merged = new Map<string, FlowRow>()
  for (const row of rows) {
    const key = JSON.stringify([row.transaction, row.from, row.to])
    const before = merged.get(key)
    merged.set(key, before ? { ...before, amount: before.amount + row.amount } : row)
  }
  return [...merged.values()]
}

/**
 * The finished flow as a graphology graph, for queries, pictures and exports. Rows must be merged and at most
 * `FLOW_VIEW_EDGES_MAX`; edges are named by their row's number, so the same rows give the same graph.
 */
export function buildFlowView(rows: readonly FlowRow[]): FlowView {
  invariant(rows.length <= FLOW_VIEW_EDGES_MAX, `a flow view of ${rows.length} edges; callers refuse beforehand`)
  const graph: FlowView = new MultiDirectedGraph()
  for (const [number, row] of rows.entries()) {
    invariant(row.amount >= ZERO, 'an edge carries an amount')
    graph.mergeNode(row.from)
    graph.mergeNode(row.to)
    graph.addDirectedEdgeWithKey(`e${number}`, row.from, row.to, {
      transaction: row.transaction,
      amount: row.amount,
      order: row.order,
    })
  }
  return graph
}

/**
 * The way of fewest transactions from any of `sources` to any of `targets` that never goes back in order, as the rows it
 * takes; `undefined` where there is none. A source that is itself a target needs no row. Among ways of equal length,
 * the same rows always give the same one.
 *
 * The shortest way without regard to order is a lower bound; where its transactions can be taken in order it is the
 * answer. Where they cannot (value cannot leave before it came), ways are searched hop by hop with the earliest arrival
 * at each holding. Two transactions of equal order count as in order either way.
 */
export function fewestHops(
  rows: readonly FlowRow[],
  sources: ReadonlySet<string>,
  targets: ReadonlySet<string>,
): FlowRow[] | undefined {
  for (const source of sources) if (targets.has(source)) return []
  const graph = buildFlowView(rows)
  // One node before all sources and one behind all targets; names of holdings are never empty or a line feed.
  const start = '\n'
  const end = '\n\n'
  graph.addNode(start)
  graph.addNode(end)
  const joint = { transaction: '', amount: ZERO, order: 0 }
  for (const source of sources) if (graph.hasNode(source)) graph.addDirectedEdge(start, source, joint)
  for (const target of targets) if (graph.hasNode(target)) graph.addDirectedEdge(target, end, joint)
  const nodes = bidirectional(graph, start, end)
  if (!nodes) return undefined
  return inOrder(rows, nodes.slice(1, -1)) ?? earliestArrival(rows, sources, targets)
}

/** Takes for each step the earliest row that is not before the last one taken; undefined where a step has none. */
function inOrder(rows: readonly FlowRow[], nodes: readonly string[]): FlowRow[] | undefined {
  const steps = new Map<string, number>()
  for (let step = 0; step + 1 < nodes.length; step++) steps.set(JSON.stringify([nodes[step], nodes[step + 1]]), step)
  const choices: FlowRow[][] = Array.from({ length: nodes.length - 1 }, () => [])
  for (const row of rows) {
    const step = steps.get(JSON.stringify([row.from, row.to]))
    if (step !== undefined) choices[step].push(row)
  }
  const way: FlowRow[] = []
  let order = Number.NEGATIVE_INFINITY
  for (const choice of choices) {
    let best: FlowRow | undefined
    for (const row of choice) if (row.order >= order && (!best || row.order < best.order)) best = row
    if (!best) return undefined
    way.push(best)
    order = best.order
  }
  return way
}

interface Arrival {
  readonly row: FlowRow | undefined
  readonly order: number
  readonly before: Arrival | undefined
}

/** Hop by hop: after `n` hops each holding keeps its earliest arrival, which dominates every later one of as many hops. */
function earliestArrival(
  rows: readonly FlowRow[],
  sources: ReadonlySet<string>,
  targets: ReadonlySet<string>,
): FlowRow[] | undefined {
  const leaving = new Map<string, FlowRow[]>()
  for (const row of rows) {
    const list = leaving.get(row.from)
    if (list) list.push(row)
    else leaving.set(row.from, [row])
  }
  const best = new Map<string, number>()
  let frontier = new Map<string, Arrival>()
  for (const source of sources) {
    frontier.set(source, { row: undefined, order: Number.NEGATIVE_INFINITY, before: undefined })
    best.set(source, Number.NEGATIVE_INFINITY)
  }
  // Each round lowers the arrival of every holding it keeps, and arrivals are orders of rows: it ends.
  while (frontier.size > 0) {
    const next = new Map<string, Arrival>()
    for (const [holding, arrival] of frontier) {
      for (const row of leaving.get(holding) ?? []) {
        if (row.order < arrival.order || row.order >= (best.get(row.to) ?? Number.POSITIVE_INFINITY)) continue
        best.set(row.to, row.order)
        next.set(row.to, { row, order: row.order, before: arrival })
      }
    }
    for (const target of targets) {
      const arrival = next.get(target)
      if (arrival) return unwind(arrival)
    }
    frontier = next
  }
  return undefined
}

function unwind(arrival: Arrival): FlowRow[] {
  const way: FlowRow[] = []
  for (let at: Arrival | undefined = arrival; at?.row; at = at.before) way.push(at.row)
  return way.reverse()
}
