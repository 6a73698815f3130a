/**
 * Maximum flow into many small targets of one large network. Demand starts at the target and is pulled back towards the
 * supplies (push-relabel on the reversed network). Nodes are served in sweeps along the flow's own order, now backwards,
 * now forwards: demands that share a way meet before they travel it, so a chain with a demand at every node costs one
 * sweep. Labels start at the true distances, found once for all targets, and whatever one target touched is put back
 * afterwards: a target costs what its search touches, not the size of the network. Nothing recurses.
 */

/**
 * An amount inside the solver: at run time a number (whole, below 2^53) or a bigint, one kind in one network. Only
 * `+`, `−`, `<`, `>` and `===` are used on it and no literal ever, so that the same lines serve both kinds exactly.
 */
export type Quantity = number
export type Quantities = Quantity[] | Float64Array

/** A network without cycles whose nodes are numbered along the flow: every edge runs from a lower node to a higher. */
export interface FlowNetwork {
  readonly nodeCount: number
  /** The edges into node v are `inStart[v] … inStart[v + 1] − 1`. */
  readonly inStart: Uint32Array
  readonly tail: Uint32Array
  readonly head: Uint32Array
  /** The edges out of node v are `outEdge[outStart[v] … outStart[v + 1] − 1]`. */
  readonly outStart: Uint32Array
  readonly outEdge: Uint32Array
}

/** Groups edges by their heads; `order[e]` is the place in the input of the edge that became e. */
export function buildFlowNetwork(
  nodeCount: number,
  edgeCount: number,
  tails: Uint32Array,
  heads: Uint32Array,
): { network: FlowNetwork; order: Uint32Array } {
  const inStart = countStarts(nodeCount, edgeCount, heads)
  const order = new Uint32Array(edgeCount)
  const next = inStart.slice()
  for (let i = 0; i < edgeCount; i++) order[next[heads[i]]++] = i
  const tail = new Uint32Array(edgeCount)
  const head = new Uint32Array(edgeCount)
  for (let e = 0; e < edgeCount; e++) {
    tail[e] = tails[order[e]]
    head[e] = heads[order[e]]
  }
  const outStart = countStarts(nodeCount, edgeCount, tail)
  const outEdge = new Uint32Array(edgeCount)
  next.set(outStart)
  for (let e = 0; e < edgeCount; e++) outEdge[next[tail[e]]++] = e
  return { network: { nodeCount, inStart, tail, head, outStart, outEdge }, order }
}

function countStarts(nodeCount: number, edgeCount: number, ends: Uint32Array): Uint32Array {
  const start = new Uint32Array(nodeCount + 1)
  for (let i = 0; i < edgeCount; i++) start[ends[i] + 1]++
  for (let v = 0; v < nodeCount; v++) start[v + 1] += start[v]
  return start
}

/** What is asked of the network at one node: how much could the supplies deliver here, all demands together? */
export interface Demand {
  readonly node: number
  readonly amount: Quantity
}

/** How often relabelling by hand may go on before the labels are measured afresh. */
const RELABELS_MIN = 128

/** One network with its capacities and supplies, asked again and again. */
export class DemandFlow {
  readonly #network: FlowNetwork
  readonly #zero: Quantity
  readonly capacity: Quantities
  /** What each node can deliver of itself. May be lowered or raised between two questions, never from zero where `mayDeliver` denied it. */
  readonly supply: Quantities
  /** After `pull`: what flows on each edge, what each node delivered of itself, what each node asked for in vain. */
  readonly flow: Quantities
  readonly delivered: Quantities
  readonly excess: Quantities
  readonly #baseLabel: Int32Array
  readonly #label: Int32Array
  readonly #arc: Uint32Array
  readonly #touched: Uint8Array
  readonly #nodes: number[] = []
  readonly #edges: number[] = []
  /** 1 where a node waits in this sweep or the next. */
  readonly #waits: Uint8Array
  readonly #ahead = new NodeHeap()
  #later: number[] = []
  /** Marks of the searches, by number of search. */
  readonly #mark: Uint32Array
  #search = 0
  /** The direction of the sweep (−1 backwards), and the node it has come to. */
  #direction = -1
  #at = 0
  #relabels = 0
  /** Edges looked at since the network was made: the measure of effort. */
  effort = 0

  constructor(
    network: FlowNetwork,
    capacity: Quantities,
    supply: Quantities,
    mayDeliver: Uint8Array,
    zero: Quantity,
    blank: (length: number) => Quantities,
  ) {
    const { nodeCount } = network
    this.#network = network
    this.#zero = zero
    this.capacity = capacity
    this.supply = supply
    this.flow = blank(capacity.length)
    this.delivered = blank(nodeCount)
    this.excess = blank(nodeCount)
    this.#baseLabel = this.#distances(mayDeliver)
    this.#label = this.#baseLabel.slice()
    this.#arc = new Uint32Array(nodeCount)
    this.#touched = new Uint8Array(nodeCount)
    this.#waits = new Uint8Array(nodeCount)
    this.#mark = new Uint32Array(nodeCount)
  }

  /**
   * Pulls as much as can be delivered to the demands (distinct nodes). Answers whether it finished within the effort.
   * What stays in `excess` cannot be delivered. Call `reset` before the next question.
   */
  pull(demands: readonly Demand[], effortMax: number): boolean {
    const effortEnd = this.effort + effortMax
    for (const { node, amount } of demands) {
      this.#touch(node)
      this.excess[node] = this.excess[node] + amount
      if (amount > this.#zero) this.#defer(node)
    }
    this.#direction = 1
    let relabelsMax = RELABELS_MIN
    while (this.#later.length > 0) {
      this.#turn()
      while (this.#ahead.size > 0) {
        const node = Math.abs(this.#ahead.pop())
        this.#waits[node] = 0
        this.#at = node
        this.#discharge(node)
        if (this.effort > effortEnd) return false
      }
      if (this.#relabels > relabelsMax) {
        relabelsMax = Math.max(RELABELS_MIN, this.#measureLabels() >>> 1)
        this.#relabels = 0
      }
    }
    return true
  }

  /** Every node from whose demand a search may still draw and that no supply can reach: the far side of a least cut. Empty where all was delivered. */
  starved(): number[] {
    return this.#reachable(this.#nodes.filter((node) => this.excess[node] > this.#zero))
  }

  /** Turns what was pulled in vain back to the demands, so that `flow` conserves at every node; afterwards `excess` is what each demand lacks. */
  settle(demands: readonly Demand[]): void {
    const { outStart, outEdge, head } = this.#network
    const zero = this.#zero
    const asked = new Map(demands.map(({ node, amount }) => [node, amount]))
    for (const node of this.#nodes.sort((a, b) => a - b)) {
      let back = this.excess[node]
      if (!(back > zero)) continue
      const own = asked.get(node) ?? zero
      const kept = own < back ? own : back
      back = back - kept
      this.excess[node] = kept
      for (let i = outStart[node]; i < outStart[node + 1] && back > zero; i++) {
        const edge = outEdge[i]
        const part = this.flow[edge] < back ? this.flow[edge] : back
        if (!(part > zero)) continue
        this.flow[edge] = this.flow[edge] - part
        this.excess[head[edge]] = this.excess[head[edge]] + part
        back = back - part
      }
    }
  }

  /** The edges that carry flow, in order; each once. */
  carrying(): number[] {
    const carrying = this.#edges.filter((edge) => this.flow[edge] > this.#zero)
    carrying.sort((a, b) => a - b)
    return carrying.filter((edge, i) => i === 0 || carrying[i - 1] !== edge)
  }

  /** The nodes that delivered something of their own, in order. */
  delivering(): number[] {
    return this.#nodes.filter((node) => this.delivered[node] > this.#zero).sort((a, b) => a - b)
  }

  /** Puts back everything the last question touched. */
  reset(): void {
    const zero = this.#zero
    for (const edge of this.#edges) this.flow[edge] = zero
    for (const node of this.#nodes) {
      this.#label[node] = this.#baseLabel[node]
      this.#arc[node] = 0
      this.#touched[node] = 0
      this.#waits[node] = 0
      this.delivered[node] = zero
      this.excess[node] = zero
    }
    this.#ahead.clear()
    this.#later.length = 0
    this.#edges.length = 0
    this.#nodes.length = 0
    this.#relabels = 0
  }

  #touch(node: number): void {
    if (this.#touched[node] === 1) return
    this.#touched[node] = 1
    this.#nodes.push(node)
  }

  /** Lets a node wait for the next sweep. */
  #defer(node: number): void {
    if (this.#waits[node] === 1 || this.#label[node] > this.#network.nodeCount) return
    this.#waits[node] = 1
    this.#later.push(node)
  }

  /** Begins the next sweep, the other way. The heap gives the least first: backwards, nodes stand in it negated. */
  #turn(): void {
    this.#direction = -this.#direction
    const waiting = this.#later
    this.#later = []
    for (const node of waiting) this.#ahead.push(this.#direction * node)
  }

  /** Moves a node's demand one step nearer to the supplies, relabelling until it is gone or nothing can help. */
  #discharge(node: number): void {
    const { inStart, tail, head, outStart, outEdge, nodeCount } = this.#network
    const { capacity, flow, excess } = this
    const label = this.#label
    const zero = this.#zero
    const inFirst = inStart[node]
    const inCount = inStart[node + 1] - inFirst
    const outFirst = outStart[node]
    const arcCount = inCount + outStart[node + 1] - outFirst
    let left = excess[node]
    const room = this.supply[node] - this.delivered[node]
    if (room > zero) {
      // A node with a supply of its own to spare is as near to a supply as can be: nothing to weigh.
      const part = room < left ? room : left
      this.delivered[node] = this.delivered[node] + part
      left = left - part
    }
    let arc = this.#arc[node]
    let looked = 0
    while (left > zero) {
      if (arc === arcCount) {
        this.#relabels++
        looked += arcCount
        let nearest = nodeCount
        for (let e = inFirst; e < inFirst + inCount; e++) {
          if (label[tail[e]] < nearest && flow[e] < capacity[e]) nearest = label[tail[e]]
        }
        for (let i = outFirst; i < outFirst + arcCount - inCount; i++) {
          const e = outEdge[i]
          if (label[head[e]] < nearest && flow[e] > zero) nearest = label[head[e]]
        }
        label[node] = nearest + 1
        arc = 0
        if (label[node] > nodeCount) break
        continue
      }
      looked++
      if (arc < inCount) {
        const edge = inFirst + arc
        const from = tail[edge]
        if (label[from] === label[node] - 1) {
          const spare = capacity[edge] - flow[edge]
          if (spare > zero) {
            const part = spare < left ? spare : left
            if (flow[edge] === zero) this.#edges.push(edge)
            flow[edge] = flow[edge] + part
            left = left - part
            this.#hand(from, part)
            if (!(left > zero)) break
          }
        }
      } else {
        const edge = outEdge[outFirst + arc - inCount]
        const to = head[edge]
        if (label[to] === label[node] - 1 && flow[edge] > zero) {
          const part = flow[edge] < left ? flow[edge] : left
          flow[edge] = flow[edge] - part
          left = left - part
          this.#hand(to, part)
          if (!(left > zero)) break
        }
      }
      arc++
    }
    this.#arc[node] = arc
    this.effort += looked + 1
    excess[node] = left
  }

  #hand(node: number, amount: Quantity): void {
    this.#touch(node)
    this.excess[node] = this.excess[node] + amount
    if (this.#waits[node] === 1 || this.#label[node] > this.#network.nodeCount) return
    this.#waits[node] = 1
    const isAhead = this.#direction < 0 ? node < this.#at : node > this.#at
    if (isAhead) this.#ahead.push(this.#direction * node)
    else this.#later.push(node)
  }

  /** How many edges lie between each node and the nearest supply, from 1; beyond the node count where there is none. */
  #distances(mayDeliver: Uint8Array): Int32Array {
    const { nodeCount, outStart, outEdge, head } = this.#network
    const distance = new Int32Array(nodeCount).fill(nodeCount + 1)
    const queue = new Uint32Array(nodeCount)
    let end = 0
    for (let node = 0; node < nodeCount; node++) {
      if (mayDeliver[node] !== 1) continue
      distance[node] = 1
      queue[end++] = node
    }
    for (let i = 0; i < end; i++) {
      const node = queue[i]
      for (let j = outStart[node]; j < outStart[node + 1]; j++) {
        const edge = outEdge[j]
        if (distance[head[edge]] <= nodeCount || !(this.capacity[edge] > this.#zero)) continue
        distance[head[edge]] = distance[node] + 1
        queue[end++] = head[edge]
      }
    }
    return distance
  }

  /** All nodes to which demand could still move from the given ones, marked with the number of this search. */
  #reachable(from: readonly number[]): number[] {
    const { inStart, tail, head, outStart, outEdge } = this.#network
    const search = ++this.#search
    const found = [...from]
    for (const node of found) this.#mark[node] = search
    for (let i = 0; i < found.length; i++) {
      const node = found[i]
      for (let e = inStart[node]; e < inStart[node + 1]; e++) {
        if (this.#mark[tail[e]] === search || !(this.flow[e] < this.capacity[e])) continue
        this.#mark[tail[e]] = search
        found.push(tail[e])
      }
      for (let j = outStart[node]; j < outStart[node + 1]; j++) {
        const e = outEdge[j]
        if (this.#mark[head[e]] === search || !(this.flow[e] > this.#zero)) continue
        this.#mark[head[e]] = search
        found.push(head[e])
      }
      this.effort += outStart[node + 1] - outStart[node] + inStart[node + 1] - inStart[node]
    }
    return found
  }

  /** Sets the labels of all nodes the open demands could reach to their true distances. Answers how many those are. */
  #measureLabels(): number {
    const { nodeCount, inStart, tail, head, outStart, outEdge } = this.#network
    const zero = this.#zero
    const label = this.#label
    const open = this.#nodes.filter((node) => this.excess[node] > zero && label[node] <= nodeCount)
    const found = this.#reachable(open)
    const search = this.#search
    for (const node of this.#later) this.#waits[node] = 0
    this.#later.length = 0
    const queue: number[] = []
    for (const node of found) {
      this.#touch(node)
      this.#arc[node] = 0
      if (this.supply[node] > this.delivered[node]) {
        label[node] = 1
        queue.push(node)
      } else {
        label[node] = nodeCount + 1
      }
    }
    for (let i = 0; i < queue.length; i++) {
      const node = queue[i]
      const distance = label[node] + 1
      for (let j = outStart[node]; j < outStart[node + 1]; j++) {
        const e = outEdge[j]
        const to = head[e]
        if (this.#mark[to] !== search || label[to] <= nodeCount || !(this.flow[e] < this.capacity[e])) continue
        label[to] = distance
        queue.push(to)
      }
      for (let e = inStart[node]; e < inStart[node + 1]; e++) {
        const from = tail[e]
        if (this.#mark[from] !== search || label[from] <= nodeCount || !(this.flow[e] > zero)) continue
        label[from] = distance
        queue.push(from)
      }
    }
    this.effort += found.length
    for (const node of open) this.#defer(node)
    return found.length
  }
}

/** Numbers, the least first. */
class NodeHeap {
  readonly #items: number[] = []

  get size(): number {
    return this.#items.length
  }

  push(item: number): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (items[parent] <= item) break
      items[at] = items[parent]
      at = parent
    }
    items[at] = item
  }

  /** Takes out the least; there must be one. */
  pop(): number {
    const items = this.#items
    const least = items[0]
    const last = items.pop() as number
    const size = items.length
    if (size === 0) return least
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && items[child + 1] < items[child]) child++
      if (items[child] >= last) break
      items[at] = items[child]
      at = child
    }
    items[at] = last
    return least
  }

  clear(): void {
    this.#items.length = 0
  }
}
