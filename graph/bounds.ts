import { invariant } from './check.ts'
import type { Amounts, Entries, SeedLeg } from './entries.ts'
import {
  buildFlowNetwork,
  type Demand,
  DemandFlow,
  type FlowNetwork,
  type Quantities,
  type Quantity,
} from './max-flow.ts'

/**
 * Floor and ceiling: the least and the most proceeds that any conserving method could put in a target (DOMAIN.md 2.5).
 *
 * **The network.** Each entry is a node; each pool is a node for every run of arrivals followed by departures. Edges are
 * the legs, and what a pool still held when the next arrival came (a carry). Capacities are the ledger's own amounts,
 * so the ledger itself is a flow that fills every edge. A method that conserves, whatever its rule, splits that full
 * flow in two: proceeds and the rest, each a flow of its own. Inside one entry value mixes freely.
 *
 * **Why the greatest flow is the true ceiling.** Any flow of proceeds to the target, however partial, leaves capacities
 * that are again a conserving flow; that remainder breaks up into threads from the sources, each with its source's
 * colour, and is the rest of a full lawful allocation. So every flow is part of some allocation and every allocation
 * contains a flow: the maxima agree. The same holds with the colours exchanged, and the floor is what the most of
 * everything else leaves over.
 *
 * **Seeds on value that may already be proceeds.** A seed of `a` labels the first `a` units of its leg that carry no
 * label yet: with `t` labelled units arriving on a leg of `L`, `min(L, t + a)` leave. For the ceiling that is an edge
 * of `a` into the leg beside the edge of `L` from the entry, exactly. For the floor the units that become proceeds must
 * first be spent, which no flow can say; the edge from the entry is held to `L − a`, which is exact where no proceeds
 * reach the entry or the seed is the whole leg, and otherwise can only set the floor too low (`overlap`).
 *
 * **Conversions** change the asset and the number of units. Each is bounded as a target of its own, in the order of
 * the ledger, and passes on `⌈ceiling × out ÷ in⌉` at most and `⌊floor × out ÷ in⌋` at least. Each step is sound, so
 * the result is; two conversions fed by one seed are each given their most, so it may be wider than the truth
 * (`converted`).
 */
export interface Target {
  /** Legs into sinks: indexes into `outPool`, each once. */
  readonly legs?: readonly number[]
  /** Pools of which the final balance counts, each once. */
  readonly pools?: readonly number[]
  /** Entries of which the part that no leg takes (an implied fee) counts, each once. */
  readonly fees?: readonly number[]
  /** Conversions of which all that they take in counts, each once. */
  readonly conversions?: readonly number[]
}

/** The kinds of edges, in the order in which they are numbered. */
export const EDGE_KINDS = [
  'seed',
  'opening',
  'minted',
  'converted',
  'in',
  'out',
  'paid',
  'carry',
  'rest',
  'fee',
  'given',
] as const
export type EdgeKind = (typeof EDGE_KINDS)[number]

/**
 * An edge of the network by its place in the ledger, with an amount: its capacity in a cut, what runs over it in a flow.
 *
 * | kind | from → to | `index` | capacity |
 * |---|---|---|---|
 * | `seed` | declared proceeds → a seeded leg | leg in `outPool` | what is declared of it |
 * | `opening` | outside → a pool, before any entry | pool | its opening |
 * | `minted` | outside → an entry that gives more than it takes | entry | the difference |
 * | `converted` | a conversion → its output side | entry | the bound carried over |
 * | `in` | a pool, or outside → an entry | leg in `inPool` | the leg |
 * | `out` | an entry → where the leg goes; to the leg itself where it is seeded | leg in `outPool` | the leg; less the seed, in a floor |
 * | `paid` | a seeded leg → where it goes | leg in `outPool` | the leg |
 * | `carry` | a pool → itself, past the input legs of `entry` and before its output legs | pool | what it held there |
 * | `rest` | a pool → its final balance | pool | that balance |
 * | `fee` | an entry → what no leg takes | entry | that amount |
 * | `given` | an entry → what a conversion takes in | entry | all its input legs |
 */
export interface Edge {
  readonly kind: EdgeKind
  readonly index: number
  /** The entry at which it stands; the number of entries for a final balance, 0 for an opening. */
  readonly entry: number
  readonly amount: bigint
}

/**
 * Shows one bound twice over: `flow` is an allocation that reaches it, listed edge by edge so that anyone can replay it
 * by adding; `cut` is a set of edges through which all value of that colour must pass, with no more room than that.
 * Ceiling: colour proceeds, `Σ cut = ceiling`. Floor: colour not proceeds, `Σ cut = inflow − floor`.
 * `checkCut` and `checkFlow` in certificates.ts are the rules of checking.
 */
export interface Certificate {
  readonly flow: readonly Edge[]
  readonly cut: readonly Edge[]
}

export interface Bound {
  /** All that came to the target. */
  readonly inflow: bigint
  /** Both undefined where the effort allowed was not enough (the caller's gap BOUNDS_SKIPPED): never a guess. */
  readonly floor: bigint | undefined
  readonly ceiling: bigint | undefined
  /** Behind a seed laid on value that may already be proceeds: the floor may be too low, never too high. */
  readonly overlap: boolean
  /** Behind a change of asset: both figures hold, and may be wider than the truth. */
  readonly converted: boolean
  /** Where asked for. */
  readonly floorProof?: Certificate
  readonly ceilingProof?: Certificate
}

/** What a change of asset was found to carry over, in units of its output side. */
export interface ConversionBound {
  readonly entry: number
  /** Of the input side, in its own units. */
  readonly input: Bound
  readonly floor: bigint
  readonly ceiling: bigint
}

export interface BoundsOptions {
  /** How many edges may be looked at for each figure; 200 million if unsaid. */
  readonly effortMax?: number
  /** How many for all figures together; 20 times that of one if unsaid. */
  readonly effortTotalMax?: number
  /** Whether each bound comes with its certificates. */
  readonly certificates?: boolean
}

export interface Bounds {
  /** In the order of the targets. */
  readonly targets: readonly Bound[]
  /** The changes of asset that proceeds may have passed, in the order of the ledger. */
  readonly conversions: readonly ConversionBound[]
  /** Edges looked at. */
  readonly effort: number
}

const EFFORT_MAX = 200_000_000

/** Floor and ceiling of every target. Amounts of one target must be of one space; the caller sees to it. */
export function boundTaint(
  entries: Entries,
  seeds: readonly SeedLeg[],
  targets: readonly Target[],
  options: BoundsOptions = {},
): Bounds {
  const solver = new BoundsSolver(entries, seeds, options)
  const bounds = targets.map((target) => solver.bound(target))
  return { targets: bounds, conversions: solver.conversions, effort: solver.effort }
}

/** The same, one target at a time, for callers who do not want all certificates in memory at once. */
export class BoundsSolver {
  readonly #entries: Entries
  readonly #network: Network
  readonly #proceeds: DemandFlow
  readonly #rest: DemandFlow
  readonly #options: Required<BoundsOptions>
  readonly conversions: readonly ConversionBound[]
  /** All proceeds there are: no demand for them need be greater. */
  #proceedsTotal = 0n

  constructor(entries: Entries, seeds: readonly SeedLeg[], options: BoundsOptions = {}) {
    const effortMax = options.effortMax ?? EFFORT_MAX
    this.#options = {
      effortMax,
      effortTotalMax: options.effortTotalMax ?? 20 * effortMax,
      certificates: options.certificates ?? false,
    }
    this.#entries = entries
    const network = buildNetwork(entries, seeds)
    this.#network = network
    const { flow, zero, blank } = network
    this.#proceeds = new DemandFlow(flow, network.capacity, network.proceeds, network.mayProceeds, zero, blank)
    this.#rest = new DemandFlow(flow, network.capacityRest, network.rest, network.mayRest, zero, blank)
    for (const node of network.sourceNodes) this.#proceedsTotal += BigInt(network.proceeds[node])
    this.conversions = this.#boundConversions()
  }

  get effort(): number {
    return this.#proceeds.effort + this.#rest.effort
  }

  bound(target: Target): Bound {
    return this.#boundPlaces(this.#places(target))
  }

  #boundConversions(): ConversionBound[] {
    const network = this.#network
    const found: ConversionBound[] = []
    for (const { entry, outNode, input, output } of network.conversions) {
      const bound = this.bound({ conversions: [entry] })
      // Where the effort did not suffice, all and nothing are bounds as well.
      const most = bound.ceiling ?? input
      const least = bound.floor ?? 0n
      const ceiling = (most * output + input - 1n) / input
      const floor = (least * output) / input
      network.proceeds[outNode] = network.quantity(ceiling)
      network.rest[outNode] = network.quantity(output - floor)
      this.#proceedsTotal += ceiling
      found.push({ entry, input: bound, floor, ceiling })
    }
    return found
  }

  #places(target: Target): Place[] {
    const { outPool, outStart, poolCount, count } = this.#entries
    const network = this.#network
    const places: Place[] = []
    for (const leg of target.legs ?? []) {
      invariant(outPool[leg] < 0, `leg ${leg} of a target ends in a sink`)
      const entry = entryOf(outStart, leg)
      const seeded = network.seeded.get(leg)
      const node = seeded ? seeded.node : network.outNodeOf(entry)
      const kind = seeded ? 'paid' : 'out'
      places.push({ kind, index: leg, entry, node, amount: this.#entries.outAmount[leg] as Quantity })
    }
    for (const pool of target.pools ?? []) {
      invariant(pool >= 0 && pool < poolCount, `pool ${pool} of a target exists`)
      const node = network.lastNode[pool]
      places.push({ kind: 'rest', index: pool, entry: count, node, amount: network.finalBalance[pool] })
    }
    for (const entry of target.fees ?? []) {
      invariant(entry >= 0 && entry < count, `entry ${entry} of a target exists`)
      const node = network.outNodeOf(entry)
      places.push({ kind: 'fee', index: entry, entry, node, amount: network.unclaimed(entry) })
    }
    for (const entry of target.conversions ?? []) {
      invariant(this.#entries.conversion[entry] === 1, `entry ${entry} of a target is a conversion`)
      places.push({ kind: 'given', index: entry, entry, node: network.nodeOf(entry), amount: network.taken(entry) })
    }
    return places.map((place) => ({ ...place, amount: network.quantity(BigInt(place.amount)) }))
  }

  #boundPlaces(places: readonly Place[]): Bound {
    const { flags } = this.#network
    let inflow = 0n
    let outside = 0n
    let flag = 0
    const asked = new Map<number, Quantity>()
    for (const { node, amount } of places) {
      inflow += BigInt(amount)
      if (node < 0) outside += BigInt(amount)
      else {
        asked.set(node, amount + (asked.get(node) ?? this.#network.zero))
        flag |= flags[node]
      }
    }
    const demands = [...asked].map(([node, amount]) => ({ node, amount }))
    const ceiling = this.#pull(this.#proceeds, places, demands, true)
    const rest = this.#pull(this.#rest, places, demands, false)
    return {
      inflow,
      ceiling: ceiling?.value,
      floor: rest && inflow - outside - rest.value,
      overlap: (flag & OVERLAP) !== 0,
      converted: (flag & CONVERTED) !== 0,
      ...(ceiling?.proof && { ceilingProof: ceiling.proof }),
      ...(rest?.proof && { floorProof: rest.proof }),
    }
  }

  #pull(
    side: DemandFlow,
    places: readonly Place[],
    demands: readonly Demand[],
    ofProceeds: boolean,
  ): { value: bigint; proof?: Certificate } | undefined {
    const { quantity } = this.#network
    const { effortMax, effortTotalMax, certificates } = this.#options
    let wanted = demands
    let held = false
    // One demand for more than there is of proceeds would search everywhere for what cannot be found.
    if (ofProceeds && demands.length === 1 && BigInt(demands[0].amount) > this.#proceedsTotal) {
      wanted = [{ node: demands[0].node, amount: quantity(this.#proceedsTotal) }]
      held = true
    }
    const finished = side.pull(wanted, Math.min(effortMax, effortTotalMax - this.effort))
    if (!finished) {
      side.reset()
      return undefined
    }
    const starved = side.starved()
    let value = 0n
    for (const { amount } of wanted) value += BigInt(amount)
    for (const node of starved) value -= BigInt(side.excess[node])
    let proof: Certificate | undefined
    if (certificates) {
      const allDelivered = held && starved.length === 0
      const cut = allDelivered ? this.#allSeeds() : this.#cut(side, places, new Set(starved), ofProceeds)
      side.settle(wanted)
      const lacking = new Map(demands.map(({ node }) => [node, side.excess[node]]))
      if (held) {
        const { node, amount } = demands[0]
        lacking.set(node, side.excess[node] + amount - wanted[0].amount)
      }
      proof = { flow: this.#flow(side, places, lacking, ofProceeds), cut }
    }
    side.reset()
    invariant(value >= 0n, 'no more is starved than was asked')
    return proof ? { value, proof } : { value }
  }

  /** The cut through every source of proceeds. */
  #allSeeds(): Edge[] {
    const network = this.#network
    const cut: Edge[] = []
    for (const node of network.sourceNodes) {
      if (network.proceeds[node] > network.zero) cut.push(network.sourceEdge(node, network.proceeds[node]))
    }
    return cut
  }

  /** All edges from where supplies still reach to the starved nodes, and the places that were filled. */
  #cut(side: DemandFlow, places: readonly Place[], starved: Set<number>, ofProceeds: boolean): Edge[] {
    const network = this.#network
    const { inStart, tail } = network.flow
    const cut: Edge[] = []
    for (const node of [...starved].sort((a, b) => a - b)) {
      if (ofProceeds) {
        if (side.supply[node] > network.zero) cut.push(network.sourceEdge(node, side.supply[node]))
      } else {
        cut.push(...network.sourcesOfRest(node, side.supply[node]))
      }
      for (let edge = inStart[node]; edge < inStart[node + 1]; edge++) {
        if (starved.has(tail[edge]) || !(side.capacity[edge] > network.zero)) continue
        cut.push(network.edge(edge, side.capacity[edge]))
      }
    }
    for (const place of places) {
      if (starved.has(place.node) || !(place.amount > network.zero)) continue
      // A place that proceeds cannot reach is outside the network of proceeds, and wholly of the rest.
      if (place.node < 0 && ofProceeds) continue
      cut.push(placeEdge(place, place.amount))
    }
    return cut
  }

  #flow(side: DemandFlow, places: readonly Place[], lacking: Map<number, Quantity>, ofProceeds: boolean): Edge[] {
    const network = this.#network
    const flow: Edge[] = []
    for (const node of side.delivering()) {
      if (ofProceeds) flow.push(network.sourceEdge(node, side.delivered[node]))
      else flow.push(...network.sourcesOfRest(node, side.delivered[node]))
    }
    for (const edge of side.carrying()) flow.push(network.edge(edge, side.flow[edge]))
    for (const place of places) {
      if (place.node < 0) {
        if (!ofProceeds && place.amount > network.zero) flow.push(placeEdge(place, place.amount))
        continue
      }
      const lacks = lacking.get(place.node) ?? network.zero
      const part = lacks < place.amount ? lacks : place.amount
      lacking.set(place.node, lacks - part)
      if (place.amount > part) flow.push(placeEdge(place, place.amount - part))
    }
    return flow
  }
}

/** One place of a target: the edge that ends there. Node −1: proceeds cannot reach it. */
interface Place {
  readonly kind: EdgeKind
  readonly index: number
  readonly entry: number
  readonly node: number
  readonly amount: Quantity
}

function placeEdge(place: Place, amount: Quantity): Edge {
  return { kind: place.kind, index: place.index, entry: place.entry, amount: BigInt(amount) }
}

/** The entry whose legs include this one. */
function entryOf(starts: Uint32Array, leg: number): number {
  let low = 0
  let high = starts.length - 1
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (starts[middle] <= leg) low = middle
    else high = middle
  }
  // Entries without legs share their start with the next: the last of them holds the leg.
  return low
}

const REACHED = 1
const CONVERTED = 2
const OVERLAP = 4

const CODE = Object.fromEntries(EDGE_KINDS.map((kind, code) => [kind, code])) as Record<EdgeKind, number>

interface Seeded {
  /** The leg's node; −1 until it is known, or where the leg is empty. */
  node: number
  amount: bigint
}

interface Network {
  readonly flow: FlowNetwork
  readonly zero: Quantity
  readonly quantity: (amount: bigint) => Quantity
  readonly blank: (length: number) => Quantities
  readonly capacity: Quantities
  readonly capacityRest: Quantities
  readonly proceeds: Quantities
  readonly rest: Quantities
  /** Seeded legs and the output sides of conversions, in order. */
  readonly sourceNodes: readonly number[]
  readonly mayProceeds: Uint8Array
  readonly mayRest: Uint8Array
  /** By node. */
  readonly flags: Uint8Array
  readonly seeded: ReadonlyMap<number, Seeded>
  readonly conversions: readonly Conversion[]
  /** By pool: the node whose value rests there at the end, −1 where proceeds cannot reach it. */
  readonly lastNode: Int32Array
  readonly finalBalance: Quantities
  nodeOf(entry: number): number
  outNodeOf(entry: number): number
  taken(entry: number): Quantity
  unclaimed(entry: number): Quantity
  edge(edge: number, amount: Quantity): Edge
  sourceEdge(node: number, amount: Quantity): Edge
  /** What the node has from where no proceeds can be, up to an amount, source by source. */
  sourcesOfRest(node: number, amount: Quantity): Edge[]
}

interface Conversion {
  readonly entry: number
  readonly outNode: number
  readonly input: bigint
  readonly output: bigint
}

/** Edges as they are found, before nodes have their final numbers. */
class EdgeList {
  count = 0
  readonly tail: Uint32Array
  readonly head: Uint32Array
  readonly kind: Uint8Array
  readonly index: Uint32Array
  readonly entry: Uint32Array
  readonly capacity: Quantities

  constructor(room: number, blank: (length: number) => Quantities) {
    this.tail = new Uint32Array(room)
    this.head = new Uint32Array(room)
    this.kind = new Uint8Array(room)
    this.index = new Uint32Array(room)
    this.entry = new Uint32Array(room)
    this.capacity = blank(room)
  }

  push(kind: EdgeKind, tail: number, head: number, index: number, entry: number, capacity: Quantity): void {
    const at = this.count++
    this.tail[at] = tail
    this.head[at] = head
    this.kind[at] = CODE[kind]
    this.index[at] = index
    this.entry[at] = entry
    this.capacity[at] = capacity
  }
}

/** The tail of an edge from where no proceeds can be. */
const OUTSIDE = 0xffffffff

/** Whether every sum a node can come to is a whole number that a float holds. */
function fitsNumbers(entries: Entries): boolean {
  if (Array.isArray(entries.inAmount) || Array.isArray(entries.outAmount) || Array.isArray(entries.opening))
    return false
  const balance = new Float64Array(entries.opening)
  for (let entry = 0; entry < entries.count; entry++) {
    let taken = 0
    let given = 0
    for (let leg = entries.inStart[entry]; leg < entries.inStart[entry + 1]; leg++) {
      taken += entries.inAmount[leg]
      if (entries.inPool[leg] >= 0) balance[entries.inPool[leg]] -= entries.inAmount[leg]
    }
    for (let leg = entries.outStart[entry]; leg < entries.outStart[entry + 1]; leg++) {
      given += entries.outAmount[leg]
      const pool = entries.outPool[leg]
      if (pool >= 0 && (balance[pool] += entries.outAmount[leg]) > Number.MAX_SAFE_INTEGER) return false
    }
    if (taken > Number.MAX_SAFE_INTEGER || given > Number.MAX_SAFE_INTEGER) return false
  }
  return true
}

const toBigints = (amounts: Amounts): bigint[] =>
  Array.from<number | bigint, bigint>(amounts, (amount) => BigInt(amount))

/** The part of the time-expanded network that proceeds can reach; what enters it from elsewhere is supply of the rest. */
function buildNetwork(entries: Entries, seeds: readonly SeedLeg[]): Network {
  const { count, poolCount, inStart, inPool, outStart, outPool, conversion } = entries
  const asNumbers = fitsNumbers(entries)
  const column = (amounts: Amounts) => (asNumbers ? amounts : toBigints(amounts)) as Quantities
  const quantity = (amount: bigint) => (asNumbers ? Number(amount) : amount) as Quantity
  const zero = quantity(0n)
  const blank = (length: number) =>
    asNumbers ? new Float64Array(length) : (new Array<bigint>(length).fill(0n) as unknown as Quantities)
  const inAmount = column(entries.inAmount)
  const outAmount = column(entries.outAmount)
  const opening = column(entries.opening)

  const sumOf = (amounts: Quantities, start: number, end: number) => {
    let all = zero
    for (let at = start; at < end; at++) all = all + amounts[at]
    return all
  }

  const seeded = new Map<number, Seeded>()
  for (const { leg, amount } of seeds) {
    const most = BigInt(outAmount[leg])
    const whole = amount + (seeded.get(leg)?.amount ?? 0n)
    if (whole > 0n) seeded.set(leg, { node: -1, amount: whole < most ? whole : most })
  }

  // Nodes under their first numbers. A pool's node is closed by its first departure: only then are all edges into it known.
  const nodeRoom = 2 * count + outPool.length + poolCount + seeded.size
  const flags = new Uint8Array(nodeRoom)
  const rank = new Int32Array(nodeRoom).fill(-1)
  const rankEntry = new Uint32Array(nodeRoom)
  let nodeCount = 0
  let reachedCount = 0
  const addNode = () => nodeCount++
  const close = (node: number, entry: number) => {
    if (rank[node] >= 0 || (flags[node] & REACHED) === 0) return
    rankEntry[node] = entry
    rank[node] = reachedCount++
  }
  const edges = new EdgeList(inPool.length + 3 * outPool.length + poolCount + count + seeded.size, blank)
  const connect = (kind: EdgeKind, tail: number, head: number, index: number, entry: number, capacity: Quantity) => {
    if (!(capacity > zero)) return
    edges.push(kind, tail, head, index, entry, capacity)
    if (tail !== OUTSIDE) flags[head] |= flags[tail]
  }

  const current = new Int32Array(poolCount).fill(-1)
  const departed = new Uint8Array(poolCount)
  const balance = blank(poolCount)
  const entryNode = new Int32Array(count)
  const entryOutNode = new Int32Array(count)
  const unclaimed = blank(count)
  const found: Omit<Conversion, 'outNode'>[] = []
  for (let pool = 0; pool < poolCount; pool++) {
    if (!(opening[pool] > zero)) continue
    current[pool] = addNode()
    balance[pool] = opening[pool]
    connect('opening', OUTSIDE, current[pool], pool, 0, opening[pool])
  }
  for (let entry = 0; entry < count; entry++) {
    const node = addNode()
    let taken = zero
    for (let leg = inStart[entry]; leg < inStart[entry + 1]; leg++) {
      const pool = inPool[leg]
      const amount = inAmount[leg]
      taken = taken + amount
      if (pool < 0) {
        connect('in', OUTSIDE, node, leg, entry, amount)
        continue
      }
      invariant(!(balance[pool] < amount), `pool ${pool} holds what entry ${entry} takes from it`)
      if (!(amount > zero)) continue
      balance[pool] = balance[pool] - amount
      departed[pool] = 1
      close(current[pool], entry)
      connect('in', current[pool], node, leg, entry, amount)
    }
    const given = sumOf(outAmount, outStart[entry], outStart[entry + 1])
    let outNode = node
    if (conversion[entry] === 1 && taken > zero && given > zero) {
      close(node, entry)
      outNode = addNode()
      flags[outNode] |= flags[node] === 0 ? 0 : flags[node] | CONVERTED
      found.push({ entry, input: BigInt(taken), output: BigInt(given) })
    } else if (given > taken) {
      connect('minted', OUTSIDE, node, entry, entry, given - taken)
    } else {
      unclaimed[entry] = taken - given
    }
    entryNode[entry] = node
    entryOutNode[entry] = outNode
    close(node, entry)
    close(outNode, entry)
    for (let leg = outStart[entry]; leg < outStart[entry + 1]; leg++) {
      const pool = outPool[leg]
      const amount = outAmount[leg]
      if (!(amount > zero)) continue
      let tail = outNode
      const seed = seeded.get(leg)
      if (seed) {
        seed.node = addNode()
        connect('out', outNode, seed.node, leg, entry, amount)
        if ((flags[outNode] & REACHED) !== 0 && seed.amount < BigInt(amount)) flags[seed.node] |= OVERLAP
        flags[seed.node] |= REACHED
        close(seed.node, entry)
        tail = seed.node
      }
      if (pool < 0) continue
      const before = current[pool]
      if (before < 0 || departed[pool] === 1) {
        current[pool] = addNode()
        departed[pool] = 0
        if (before >= 0) connect('carry', before, current[pool], pool, entry, balance[pool])
      }
      balance[pool] = balance[pool] + amount
      connect(seed ? 'paid' : 'out', tail, current[pool], leg, entry, amount)
    }
  }
  for (let pool = 0; pool < poolCount; pool++) if (current[pool] >= 0) close(current[pool], count)

  // From here on only what proceeds can reach; edges into it from elsewhere become supplies of the rest.
  const inner: number[] = []
  const sources: number[] = []
  for (let i = 0; i < edges.count; i++) {
    if ((flags[edges.head[i]] & REACHED) === 0) continue
    if (edges.tail[i] !== OUTSIDE && (flags[edges.tail[i]] & REACHED) !== 0) inner.push(i)
    else sources.push(i)
  }
  const { network: flow, order } = buildFlowNetwork(
    reachedCount,
    inner.length,
    Uint32Array.from(inner, (i) => rank[edges.tail[i]]),
    Uint32Array.from(inner, (i) => rank[edges.head[i]]),
  )
  for (let edge = 0; edge < inner.length; edge++) order[edge] = inner[order[edge]]
  const capacity = blank(inner.length)
  const capacityRest = blank(inner.length)
  const proceeds = blank(reachedCount)
  const rest = blank(reachedCount)
  /** What a seed leaves of an edge to the value that came over it. */
  const besideSeed = (i: number) => {
    const seed = edges.kind[i] === CODE.out ? seeded.get(edges.index[i]) : undefined
    return seed ? edges.capacity[i] - quantity(seed.amount) : edges.capacity[i]
  }
  for (let edge = 0; edge < inner.length; edge++) {
    capacity[edge] = edges.capacity[order[edge]]
    capacityRest[edge] = besideSeed(order[edge])
  }
  const mayProceeds = new Uint8Array(reachedCount)
  const mayRest = new Uint8Array(reachedCount)
  const reachedFlags = new Uint8Array(reachedCount)
  const entryOfNode = new Uint32Array(reachedCount)
  for (let node = 0; node < nodeCount; node++) {
    if (rank[node] < 0) continue
    reachedFlags[rank[node]] = flags[node]
    entryOfNode[rank[node]] = rankEntry[node]
  }
  const sourceStart = new Uint32Array(reachedCount + 1)
  const sourceOrder = sources.sort((a, b) => rank[edges.head[a]] - rank[edges.head[b]] || a - b)
  for (const i of sourceOrder) {
    const head = rank[edges.head[i]]
    sourceStart[head + 1]++
    rest[head] = rest[head] + besideSeed(i)
    if (rest[head] > zero) mayRest[head] = 1
  }
  for (let node = 0; node < reachedCount; node++) sourceStart[node + 1] += sourceStart[node]
  const seedLegOf = new Map<number, number>()
  const sourceNodes: number[] = []
  for (const [leg, seed] of seeded) {
    if (seed.node < 0) continue
    seed.node = rank[seed.node]
    proceeds[seed.node] = quantity(seed.amount)
    mayProceeds[seed.node] = 1
    seedLegOf.set(seed.node, leg)
    sourceNodes.push(seed.node)
  }
  const conversions: Conversion[] = []
  const conversionOf = new Map<number, number>()
  for (const each of found) {
    const outNode = rank[entryOutNode[each.entry]]
    if (outNode < 0) continue
    mayProceeds[outNode] = 1
    mayRest[outNode] = 1
    conversionOf.set(outNode, each.entry)
    sourceNodes.push(outNode)
    conversions.push({ ...each, outNode })
  }
  const describe = (i: number, amount: Quantity): Edge => ({
    kind: EDGE_KINDS[edges.kind[i]],
    index: edges.index[i],
    entry: edges.entry[i],
    amount: BigInt(amount),
  })
  const converted = (node: number, amount: Quantity): Edge => {
    const entry = conversionOf.get(node)
    invariant(entry !== undefined, 'a source of proceeds is a seed or a conversion')
    return { kind: 'converted', index: entry, entry, amount: BigInt(amount) }
  }
  return {
    flow,
    zero,
    quantity,
    blank,
    capacity,
    capacityRest,
    proceeds,
    rest,
    sourceNodes: sourceNodes.sort((a, b) => a - b),
    mayProceeds,
    mayRest,
    flags: reachedFlags,
    seeded,
    conversions,
    lastNode: current.map((node) => (node < 0 ? -1 : rank[node])),
    finalBalance: balance,
    nodeOf: (entry) => rank[entryNode[entry]],
    outNodeOf: (entry) => rank[entryOutNode[entry]],
    taken: (entry) => sumOf(inAmount, inStart[entry], inStart[entry + 1]),
    unclaimed: (entry) => unclaimed[entry],
    edge: (edge, amount) => describe(order[edge], amount),
    sourceEdge(node, amount) {
      const leg = seedLegOf.get(node)
      if (leg === undefined) return converted(node, amount)
      return { kind: 'seed', index: leg, entry: entryOfNode[node], amount: BigInt(amount) }
    },
    sourcesOfRest(node, amount) {
      let left = amount
      const named: Edge[] = []
      for (let at = sourceStart[node]; at < sourceStart[node + 1] && left > zero; at++) {
        const i = sourceOrder[at]
        const room = besideSeed(i)
        const part = room < left ? room : left
        if (!(part > zero)) continue
        named.push(describe(i, part))
        left = left - part
      }
      if (left > zero) named.push(converted(node, left))
      return named
    },
  }
}
