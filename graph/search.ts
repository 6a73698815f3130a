import { invariant } from './check.ts'
import type { Amounts } from './entries.ts'

/**
 * Path search without a trace: ways by which value could have gone from some accounts to others, in the order of the
 * ledger and with at least a given amount on every transfer. It claims no method and divides nothing: `carried` is the
 * smallest transfer of a way, the most it could have carried whole. An answer always says what was read, what was left
 * out and why it stopped.
 *
 * The search opens the best way first and keeps, for each account, the ways that others do not beat: a way is given up
 * once `k` others reached the same account no later, with no more hops, and (where that is the order asked for) carrying
 * no less. So the first answer is the best there is within the limits; the others are the best that the search met.
 */
export interface SearchTransfer {
  /** The caller's own key: a leg, a row. */
  readonly id: number
  readonly from: number
  readonly to: number
  readonly amount: bigint
  /** Place in the ledger's order; a way uses transfers of growing position. */
  readonly position: number
  /** Seconds since 1970. */
  readonly time: number
}

/** Which transfers to read: those of a node beyond a position, in the direction of the search. */
export interface TransferRequest {
  readonly node: number
  /** Forward: transfers out of the node at a greater position. Backward: into the node at a smaller one. */
  readonly beyond: number
}

/** What a ledger must offer to be searched. */
export interface TransferSource {
  /**
   * For each request at most `limit` transfers, nearest to the position first, and whether there are more. Asked in
   * batches, so that a store can answer in one read.
   */
  transfers(
    requests: readonly TransferRequest[],
    direction: SearchDirection,
    limit: number,
  ): Promise<readonly { readonly transfers: readonly SearchTransfer[]; readonly more: boolean }[]>
}

export type SearchDirection = 'forward' | 'backward'

/** The order of the answers: most carried, fewest hops, or soonest (backward: latest). */
export type SearchOrder = 'carried' | 'hops' | 'time'

export interface SearchOptions {
  readonly direction: SearchDirection
  readonly order: SearchOrder
  /** How many ways to find. */
  readonly k: number
  readonly hopsMax: number
  /** How many transfers of one node to read from one position. */
  readonly fanOutMax: number
  /** How many transfers to look at in all. */
  readonly effortMax: number
  /** Transfers below this carry nothing worth finding. */
  readonly amountMin: bigint
  /** Seconds since 1970; both ends count. */
  readonly timeFrom?: number
  readonly timeUntil?: number
  /** How many nodes to read at once; 64 if unsaid. */
  readonly batchSize?: number
}

/** Where a search begins: `beyond` narrows it to what came after (backward: before) that position. */
export interface SearchStart {
  readonly node: number
  readonly beyond?: number
}

export interface FoundPath {
  /** In the order of the ledger, whatever the direction. */
  readonly transfers: readonly SearchTransfer[]
  readonly carried: bigint
}

export interface SearchResult {
  /** Best first. */
  readonly paths: readonly FoundPath[]
  /**
   * `found`: all k. `exhausted`: there are no more within the limits. `effort`: the effort allowed was used up; the ways
   * given are true ones, the best of those met, and better ones may exist.
   */
  readonly stopped: 'found' | 'exhausted' | 'effort'
  readonly searched: {
    /** Nodes whose transfers were read. */
    readonly nodes: number
    /** Transfers read from the source. */
    readonly transfers: number
    /** Ways considered. */
    readonly ways: number
  }
  /** How often a limit left something out. All zero and `exhausted`: there is nothing more to find at all. */
  readonly cut: {
    /** Ways that were long enough already. */
    readonly hops: number
    /** Nodes of which not all transfers were read, in the order met. */
    readonly fanOut: readonly number[]
    /** Transfers outside the time window. */
    readonly time: number
    /** Transfers below the smallest amount. */
    readonly amount: number
    /** Ways that ended at a node that may not be passed, such as a service. */
    readonly barriers: number
    /** Ways that `k` others beat. */
    readonly beaten: number
  }
}

const BATCH_SIZE = 64

/** Finds the `k` best ways from the starts to nodes that are targets, never through a target or a barrier. */
export async function searchPaths(
  source: TransferSource,
  starts: readonly SearchStart[],
  isTarget: (node: number) => boolean,
  isBarrier: (node: number) => boolean,
  options: SearchOptions,
): Promise<SearchResult> {
  for (const [name, limit] of Object.entries({
    k: options.k,
    hopsMax: options.hopsMax,
    fanOutMax: options.fanOutMax,
  })) {
    invariant(Number.isSafeInteger(limit) && limit > 0, `${name} is a count above zero`)
  }
  const search = new Search(options, starts)
  for (let way = search.best(); way >= 0; way = search.best()) {
    if (search.isEnd(way, isTarget)) {
      if (search.foundCount === options.k) return search.result('found')
      continue
    }
    if (!search.mayPass(way, isBarrier)) continue
    if (search.isSpent) {
      search.gather(isTarget)
      return search.result('effort')
    }
    if (!search.isRead(way)) {
      const wanted = search.wanted(way, isTarget, isBarrier)
      search.keep(wanted, await source.transfers(wanted, options.direction, options.fanOutMax))
    }
    search.extend(way)
  }
  return search.result('exhausted')
}

/** The ways found so far, as columns: way w reached `node[w]` by `transfer[w]`, coming from way `parent[w]`. */
class Search {
  readonly #options: SearchOptions
  readonly #isForward: boolean
  readonly #node: number[] = []
  readonly #position: number[] = []
  readonly #carried: bigint[] = []
  readonly #hops: number[] = []
  readonly #parent: number[] = []
  readonly #transfer: (SearchTransfer | undefined)[] = []
  /** Ways still to be opened, the best on top. */
  readonly #heap: number[] = []
  /** By node: the ways opened there. */
  readonly #opened = new Map<number, number[]>()
  /** By node: what was read of it, and from which position on. */
  readonly #read = new Map<
    number,
    { readonly beyond: number; readonly transfers: readonly SearchTransfer[]; readonly more: boolean }
  >()
  readonly #found: number[] = []
  readonly #fanOut = new Set<number>()
  readonly #cut = { hops: 0, time: 0, amount: 0, barriers: 0, beaten: 0 }
  #transfersRead = 0
  #looked = 0

  constructor(options: SearchOptions, starts: readonly SearchStart[]) {
    this.#options = options
    this.#isForward = options.direction === 'forward'
    const before = this.#isForward ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
    for (const { node, beyond } of starts) this.#add(node, beyond ?? before, -1n, 0, -1, undefined)
  }

  get foundCount(): number {
    return this.#found.length
  }

  get isSpent(): boolean {
    return this.#looked >= this.#options.effortMax
  }

  /** The best way not yet opened; −1 when none is left. */
  best(): number {
    while (this.#heap.length > 0) {
      const way = this.#pop()
      if (!this.#isBeaten(way)) return way
      this.#cut.beaten++
    }
    return -1
  }

  isEnd(way: number, isTarget: (node: number) => boolean): boolean {
    if (this.#parent[way] < 0 || !isTarget(this.#node[way])) return false
    this.#found.push(way)
    return true
  }

  /** The ways that wait at a target already, best first, up to k in all. */
  gather(isTarget: (node: number) => boolean): void {
    for (let way = this.best(); way >= 0 && this.#found.length < this.#options.k; way = this.best()) {
      this.isEnd(way, isTarget)
    }
  }

  mayPass(way: number, isBarrier: (node: number) => boolean): boolean {
    if (this.#parent[way] >= 0 && isBarrier(this.#node[way])) {
      this.#cut.barriers++
      return false
    }
    if (this.#hops[way] >= this.#options.hopsMax) {
      this.#cut.hops++
      return false
    }
    return true
  }

  /** Whether all that this way may go on by is known already. */
  isRead(way: number): boolean {
    const known = this.#read.get(this.#node[way])
    if (!known) return false
    if (known.beyond === this.#position[way]) return true
    const covers = this.#isForward ? known.beyond < this.#position[way] : known.beyond > this.#position[way]
    // Where not all was read, another position has other nearest transfers.
    return covers && !known.more
  }

  /** What to read for this way, and in the same batch for those likely to be opened next. */
  wanted(way: number, isTarget: (node: number) => boolean, isBarrier: (node: number) => boolean): TransferRequest[] {
    const wanted = new Map<number, number>([[this.#node[way], this.#position[way]]])
    const room = Math.min(this.#options.batchSize ?? BATCH_SIZE, this.#heap.length)
    for (let i = 0; i < room; i++) {
      const other = this.#heap[i]
      const node = this.#node[other]
      if (wanted.has(node) || this.#read.has(node) || this.#hops[other] >= this.#options.hopsMax) continue
      if (this.#parent[other] >= 0 && (isTarget(node) || isBarrier(node))) continue
      wanted.set(node, this.#position[other])
    }
    return [...wanted].map(([node, beyond]) => ({ node, beyond }))
  }

  keep(
    requests: readonly TransferRequest[],
    answers: readonly { readonly transfers: readonly SearchTransfer[]; readonly more: boolean }[],
  ): void {
    invariant(answers.length === requests.length, 'a source answers every request')
    for (const [i, { node, beyond }] of requests.entries()) {
      const { transfers, more } = answers[i]
      this.#read.set(node, { beyond, transfers, more })
      this.#transfersRead += transfers.length
    }
  }

  extend(way: number): void {
    const { amountMin, timeFrom = Number.NEGATIVE_INFINITY, timeUntil = Number.POSITIVE_INFINITY } = this.#options
    const node = this.#node[way]
    const opened = this.#opened.get(node)
    if (opened) opened.push(way)
    else this.#opened.set(node, [way])
    const known = this.#read.get(node)
    invariant(known !== undefined, 'a node is read before it is passed')
    if (known.more) this.#fanOut.add(node)
    const { transfers } = known
    for (let i = this.#firstBeyond(transfers, this.#position[way]); i < transfers.length; i++) {
      const transfer = transfers[i]
      const next = this.#isForward ? transfer.to : transfer.from
      this.#looked++
      if (this.#visits(way, next)) continue
      if (transfer.time < timeFrom || transfer.time > timeUntil) {
        this.#cut.time++
        continue
      }
      if (transfer.amount < amountMin || transfer.amount === 0n) {
        this.#cut.amount++
        continue
      }
      const before = this.#carried[way]
      const carried = before >= 0n && before < transfer.amount ? before : transfer.amount
      this.#add(next, transfer.position, carried, this.#hops[way] + 1, way, transfer)
    }
  }

  result(stopped: SearchResult['stopped']): SearchResult {
    const paths = this.#found.map((way) => {
      const transfers: SearchTransfer[] = []
      for (let at = way; at >= 0; at = this.#parent[at]) {
        const transfer = this.#transfer[at]
        if (transfer) transfers.push(transfer)
      }
      if (this.#isForward) transfers.reverse()
      return { transfers, carried: this.#carried[way] }
    })
    return {
      paths,
      stopped,
      searched: { nodes: this.#read.size, transfers: this.#transfersRead, ways: this.#node.length },
      cut: { ...this.#cut, fanOut: [...this.#fanOut] },
    }
  }

  /** Where in transfers, nearest first, those beyond a position begin. */
  #firstBeyond(transfers: readonly SearchTransfer[], position: number): number {
    let low = 0
    let high = transfers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const at = transfers[middle].position
      if (this.#isForward ? at > position : at < position) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Whether a way has been at a node before. */
  #visits(way: number, node: number): boolean {
    for (let at = way; at >= 0; at = this.#parent[at]) if (this.#node[at] === node) return true
    return false
  }

  /** Whether k ways opened at the same node leave this one nothing to win. */
  #isBeaten(way: number): boolean {
    let better = 0
    for (const other of this.#opened.get(this.#node[way]) ?? []) {
      const inTime = this.#isForward
        ? this.#position[other] <= this.#position[way]
        : this.#position[other] >= this.#position[way]
      if (!inTime || this.#hops[other] > this.#hops[way]) continue
      // A start carries no amount yet and is beaten by none.
      const isWider = this.#carried[other] < 0n || this.#carried[other] >= this.#carried[way]
      if (this.#options.order === 'carried' && !isWider) continue
      if (++better === this.#options.k) return true
    }
    return false
  }

  #add(node: number, position: number, carried: bigint, hops: number, parent: number, transfer?: SearchTransfer): void {
    const way = this.#node.length
    this.#node.push(node)
    this.#position.push(position)
    this.#carried.push(carried)
    this.#hops.push(hops)
    this.#parent.push(parent)
    this.#transfer.push(transfer)
    this.#push(way)
  }

  /** Whether way a is to be opened before way b: by the order asked for, then the other two, then the first found. */
  #isBefore(a: number, b: number): boolean {
    for (const order of ORDERS[this.#options.order]) {
      if (order === 'carried' && this.#carried[a] !== this.#carried[b]) {
        // −1 stands for a start, which limits nothing.
        if (this.#carried[a] < 0n || this.#carried[b] < 0n) return this.#carried[a] < 0n
        return this.#carried[a] > this.#carried[b]
      }
      if (order === 'hops' && this.#hops[a] !== this.#hops[b]) return this.#hops[a] < this.#hops[b]
      if (order === 'time' && this.#position[a] !== this.#position[b]) {
        return this.#position[a] < this.#position[b] === this.#isForward
      }
    }
    return a < b
  }

  #push(way: number): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(way)
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!this.#isBefore(way, heap[above])) break
      heap[at] = heap[above]
      at = above
    }
    heap[at] = way
  }

  #pop(): number {
    const heap = this.#heap
    const best = heap[0]
    const last = heap.pop() as number
    const size = heap.length
    if (size === 0) return best
    let at = 0
    for (let below = 1; below < size; below = 2 * at + 1) {
      if (below + 1 < size && this.#isBefore(heap[below + 1], heap[below])) below++
      if (!this.#isBefore(heap[below], last)) break
      heap[at] = heap[below]
      at = below
    }
    heap[at] = last
    return best
  }
}

const ORDERS: Record<SearchOrder, readonly SearchOrder[]> = {
  carried: ['carried', 'hops', 'time'],
  hops: ['hops', 'carried', 'time'],
  time: ['time', 'hops', 'carried'],
}

/** Transfers as columns, in the order of the ledger: the place in the columns is both id and position. */
export interface TransferColumns {
  readonly nodeCount: number
  readonly from: Uint32Array
  readonly to: Uint32Array
  readonly amount: Amounts
  readonly time: Float64Array
}

/** A source that holds all transfers in memory, grouped by node both ways. */
export class MemoryTransfers implements TransferSource {
  readonly #columns: TransferColumns
  readonly #outStart: Uint32Array
  readonly #out: Uint32Array
  readonly #inStart: Uint32Array
  readonly #in: Uint32Array

  constructor(columns: TransferColumns) {
    this.#columns = columns
    ;[this.#outStart, this.#out] = group(columns.nodeCount, columns.from)
    ;[this.#inStart, this.#in] = group(columns.nodeCount, columns.to)
  }

  async transfers(requests: readonly TransferRequest[], direction: SearchDirection, limit: number) {
    return requests.map((request) =>
      direction === 'forward' ? this.#after(request, limit) : this.#before(request, limit),
    )
  }

  #after({ node, beyond }: TransferRequest, limit: number) {
    const first = this.#bound(this.#out, this.#outStart[node], this.#outStart[node + 1], beyond)
    const end = this.#outStart[node + 1]
    const transfers: SearchTransfer[] = []
    for (let at = first; at < end && transfers.length < limit; at++) transfers.push(this.#transfer(this.#out[at]))
    return { transfers, more: end - first > limit }
  }

  #before({ node, beyond }: TransferRequest, limit: number) {
    const start = this.#inStart[node]
    // Positions are whole, so what is at least `beyond` begins where what is above `beyond − 1` does.
    const end = this.#bound(this.#in, start, this.#inStart[node + 1], beyond - 1)
    const transfers: SearchTransfer[] = []
    for (let at = end - 1; at >= start && transfers.length < limit; at--) transfers.push(this.#transfer(this.#in[at]))
    return { transfers, more: end - start > limit }
  }

  /** The first of a node's transfers whose position is above one. */
  #bound(positions: Uint32Array, start: number, end: number, position: number): number {
    let low = start
    let high = end
    while (low < high) {
      const middle = (low + high) >>> 1
      if (positions[middle] > position) high = middle
      else low = middle + 1
    }
    return low
  }

  #transfer(position: number): SearchTransfer {
    const { from, to, amount, time } = this.#columns
    const units = BigInt(amount[position])
    return { id: position, from: from[position], to: to[position], amount: units, position, time: time[position] }
  }
}

/** Edges by one of their ends, in their own order. */
function group(nodeCount: number, ends: Uint32Array): [start: Uint32Array, edges: Uint32Array] {
  const start = new Uint32Array(nodeCount + 1)
  for (const end of ends) start[end + 1]++
  for (let node = 0; node < nodeCount; node++) start[node + 1] += start[node]
  const next = start.slice()
  const edges = new Uint32Array(ends.length)
  for (let edge = 0; edge < ends.length; edge++) edges[next[ends[edge]]++] = edge
  return [start, edges]
}
