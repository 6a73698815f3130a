import type { BoundRow, EdgeRow } from '../format.ts'

/** An entry of a network as its line says it, amounts read. */
export interface Entry {
  readonly line: number
  readonly transaction: string
  readonly asset: string
  /** A conversion: the asset of what goes out. */
  readonly into: string | undefined
  readonly in: readonly { readonly at?: string; readonly from?: string; readonly amount: bigint }[]
  readonly out: readonly {
    readonly leg: number
    readonly at?: string
    readonly sink?: string
    readonly amount: bigint
    readonly seeds?: readonly { readonly seed: string; readonly amount: bigint }[]
  }[]
}

/** A pool's key: one name may hold several assets. */
export const poolKey = (asset: string, at: string): string => `${asset}\0${at}`

export type Side = BoundRow['side']

/** Where an edge comes from that comes out of no node, and where it goes that goes to none. */
const FROM_REST = -1
const FROM_PROCEEDS = -2
const FROM_CONVERSION = -3
const TO_END = -4

/** What a certificate's edge is called within its network. */
function nameOf(edge: EdgeRow): string {
  const { edge: kind, entry, at, asset, leg } = edge
  switch (kind) {
    case 'opening':
    case 'rest':
      return `${kind}\0${poolKey(asset ?? '', at ?? '')}`
    case 'carry':
      return `carry\0${entry}\0${poolKey(asset ?? '', at ?? '')}`
    case 'in':
      return `in\0${entry}\0${edge.in}`
    case 'seed':
    case 'out':
    case 'paid':
      return `${kind}\0${entry}\0${leg}`
    default:
      return `${kind}\0${entry}`
  }
}

/**
 * The network of a bundle's entries, laid out in time: a node for each entry, for each seeded leg, and for a pool between
 * one run of payments out of it and the next. The ledger itself fills every edge: proceeds and the rest share them.
 *
 * It is built from the lines of the bundle alone and knows nothing of how the figures were found. A cut is checked by
 * walking backwards from the row, a flow by adding at each node.
 */
export class Network {
  /** Where value came out of a pool that did not hold it; such a network proves nothing. */
  readonly problem: { readonly line: number; readonly pool: string } | undefined
  readonly #tail: number[] = []
  readonly #head: number[] = []
  readonly #room: bigint[] = []
  /** Of the edge's room, what declared proceeds leave to the rest. */
  readonly #roomRest: bigint[] = []
  readonly #byName = new Map<string, number>()
  readonly #legs = new Map<string, { readonly edge: number; readonly sink: string }>()
  readonly #conversions = new Map<number, { readonly edge: number; readonly given: number; readonly output: bigint }>()
  readonly #inStart: Uint32Array
  readonly #inEdges: Uint32Array
  /** By node: whether proceeds can come there at all. */
  readonly #reached: Uint8Array
  #nodes = 0

  constructor(openings: ReadonlyMap<string, bigint>, entries: readonly Entry[]) {
    this.problem = this.#lay(openings, entries)
    const { starts, edges } = grouped(this.#head, this.#nodes)
    this.#inStart = starts
    this.#inEdges = edges
    this.#reached = this.#findReached()
  }

  #edge(name: string, tail: number, head: number, room: bigint, roomRest = room): number {
    const edge = this.#tail.length
    this.#byName.set(name, edge)
    this.#tail.push(tail)
    this.#head.push(head)
    this.#room.push(room)
    this.#roomRest.push(roomRest)
    return edge
  }

  #lay(openings: ReadonlyMap<string, bigint>, entries: readonly Entry[]): { line: number; pool: string } | undefined {
    const current = new Map<string, number>()
    const balance = new Map<string, bigint>()
    const departed = new Set<string>()
    for (const [pool, amount] of openings) {
      if (amount === 0n) continue
      const node = this.#nodes++
      current.set(pool, node)
      balance.set(pool, amount)
      this.#edge(`opening\0${pool}`, FROM_REST, node, amount)
    }
    for (const [number, entry] of entries.entries()) {
      const node = this.#nodes++
      let taken = 0n
      for (const [place, { at, amount }] of entry.in.entries()) {
        taken += amount
        if (amount === 0n) continue
        const name = `in\0${number}\0${place}`
        if (at === undefined) {
          this.#edge(name, FROM_REST, node, amount)
          continue
        }
        const pool = poolKey(entry.asset, at)
        const held = balance.get(pool) ?? 0n
        if (held < amount) return { line: entry.line, pool: at }
        balance.set(pool, held - amount)
        departed.add(pool)
        this.#edge(name, current.get(pool)!, node, amount)
      }
      let given = 0n
      for (const { amount } of entry.out) given += amount
      let outNode = node
      if (entry.into !== undefined && taken > 0n && given > 0n) {
        outNode = this.#nodes++
        const end = this.#edge(`given\0${number}`, node, TO_END, taken)
        // Until its own bound is proven, all it gives out may be proceeds, and all of it may be anything else.
        const edge = this.#edge(`converted\0${number}`, FROM_CONVERSION, outNode, given)
        this.#conversions.set(number, { edge, given: end, output: given })
      } else if (given > taken) this.#edge(`minted\0${number}`, FROM_REST, node, given - taken)
      else if (taken > given) this.#edge(`fee\0${number}`, node, TO_END, taken - given)
      for (const { leg, at, sink, amount, seeds } of entry.out) {
        if (amount === 0n) continue
        let seeded = 0n
        for (const seed of seeds ?? []) seeded += seed.amount
        if (seeded > amount) seeded = amount
        let tail = outNode
        let kind = 'out'
        if (seeded > 0n) {
          tail = this.#nodes++
          kind = 'paid'
          this.#edge(`out\0${number}\0${leg}`, outNode, tail, amount, amount - seeded)
          this.#edge(`seed\0${number}\0${leg}`, FROM_PROCEEDS, tail, seeded)
        }
        const name = `${kind}\0${number}\0${leg}`
        const asset = entry.into ?? entry.asset
        if (at === undefined) {
          const edge = this.#edge(name, tail, TO_END, amount)
          this.#legs.set(`${entry.transaction}\0${leg}\0${asset}`, { edge, sink: sink ?? '' })
          continue
        }
        const pool = poolKey(asset, at)
        let there = current.get(pool)
        const held = balance.get(pool) ?? 0n
        if (there === undefined || departed.has(pool)) {
          const next = this.#nodes++
          if (there !== undefined && held > 0n) this.#edge(`carry\0${number}\0${pool}`, there, next, held)
          current.set(pool, next)
          departed.delete(pool)
          there = next
        }
        balance.set(pool, held + amount)
        this.#edge(name, tail, there, amount)
      }
    }
    for (const [pool, node] of current) {
      const held = balance.get(pool)!
      if (held > 0n) this.#edge(`rest\0${pool}`, node, TO_END, held)
    }
    return undefined
  }

  #findReached(): Uint8Array {
    const reached = new Uint8Array(this.#nodes)
    const { starts, edges } = grouped(this.#tail, this.#nodes)
    const convertsTo = new Map<number, number>()
    for (const { edge, given } of this.#conversions.values()) convertsTo.set(this.#tail[given], this.#head[edge])
    const waiting: number[] = []
    const reach = (node: number) => {
      if (reached[node] === 1) return
      reached[node] = 1
      waiting.push(node)
    }
    for (let edge = 0; edge < this.#tail.length; edge++) if (this.#tail[edge] === FROM_PROCEEDS) reach(this.#head[edge])
    while (waiting.length > 0) {
      const node = waiting.pop()!
      for (let at = starts[node]; at < starts[node + 1]; at++) {
        const head = this.#head[edges[at]]
        if (head >= 0) reach(head)
      }
      const converted = convertsTo.get(node)
      if (converted !== undefined) reach(converted)
    }
    for (const { edge } of this.#conversions.values()) {
      // No proceeds go in, so none come out.
      if (reached[this.#head[edge]] === 0) this.#room[edge] = 0n
    }
    return reached
  }

  /** The edge of a payment that leaves the trace, and the sink it is said to go to. */
  leg(transaction: string, leg: number, asset: string): { readonly edge: number; readonly sink: string } | undefined {
    return this.#legs.get(`${transaction}\0${leg}\0${asset}`)
  }

  /** The edge of what rests in a pool at the end. */
  rest(asset: string, at: string): number | undefined {
    return this.#byName.get(`rest\0${poolKey(asset, at)}`)
  }

  /** The edge of all that a conversion takes in. */
  conversion(entry: number): number | undefined {
    return this.#conversions.get(entry)?.given
  }

  /** What a bound of a conversion's input side, once proven, says of its output side: rounded so that it stays true. */
  carryOver(entry: number, side: Side, value: bigint): void {
    const { edge, given, output } = this.#conversions.get(entry)!
    const input = this.#room[given]
    if (side === 'ceiling') this.#room[edge] = (value * output + input - 1n) / input
    else this.#roomRest[edge] = output - (value * output) / input
  }

  amount(edges: readonly number[]): bigint {
    let sum = 0n
    for (const edge of edges) sum += this.#room[edge]
    return sum
  }

  #capacity(edge: number, side: Side): bigint {
    return side === 'floor' ? this.#roomRest[edge] : this.#room[edge]
  }

  /** The edges that a certificate lists, each once and each in the network; what is wrong is told by its place in the list. */
  #find(listed: readonly EdgeRow[]): Map<number, bigint> | Problem {
    const found = new Map<number, bigint>()
    for (const [place, row] of listed.entries()) {
      const edge = this.#byName.get(nameOf(row))
      if (edge === undefined) return { place, expected: 'an edge of the network', found: described(row) }
      if (found.has(edge)) return { place, expected: 'each edge once', found: described(row) }
      found.set(edge, BigInt(row.amount))
    }
    return found
  }

  /** Whether a cut holds all value of a colour off the target, with no more room than its sum says. */
  checkCut(side: Side, target: readonly number[], listed: readonly EdgeRow[], sum: bigint): Problem | undefined {
    const cut = this.#find(listed)
    if (!(cut instanceof Map)) return cut
    let all = 0n
    let place = 0
    for (const [edge, amount] of cut) {
      const room = this.#capacity(edge, side)
      if (amount !== room) return { place, expected: `room for ${room}`, found: `${amount}` }
      all += amount
      place++
    }
    if (all !== sum) return { expected: `edges that add up to ${sum}`, found: `${all}` }
    const seen = new Uint8Array(this.#nodes)
    const waiting: number[] = []
    /** Follows an edge backwards; false where it leads to a source of the colour. */
    const follow = (edge: number): boolean => {
      if (cut.has(edge) || this.#capacity(edge, side) === 0n) return true
      const tail = this.#tail[edge]
      if (tail === FROM_REST) return side === 'ceiling'
      if (tail === FROM_PROCEEDS) return side === 'floor'
      if (tail === FROM_CONVERSION) return false
      // What no proceeds can reach holds nothing but the rest.
      if (this.#reached[tail] === 0) return side === 'ceiling'
      if (seen[tail] === 0) {
        seen[tail] = 1
        waiting.push(tail)
      }
      return true
    }
    for (const edge of target) if (!follow(edge)) return this.#leak(side, edge)
    while (waiting.length > 0) {
      const node = waiting.pop()!
      for (let at = this.#inStart[node]; at < this.#inStart[node + 1]; at++) {
        if (!follow(this.#inEdges[at])) return this.#leak(side, this.#inEdges[at])
      }
    }
    return undefined
  }

  #leak(side: Side, edge: number): Problem {
    let name = ''
    for (const [each, number] of this.#byName) if (number === edge) name = each.replaceAll('\0', ' ')
    const colour = side === 'ceiling' ? 'proceeds' : 'value that is not proceeds'
    return { expected: `a cut that keeps all ${colour} off the row`, found: `a way past it, by ${name}` }
  }

  /** Whether a flow is one that the network can carry, out of sources of its colour, and brings its sum to the target. */
  checkFlow(side: Side, target: readonly number[], listed: readonly EdgeRow[], sum: bigint): Problem | undefined {
    const flow = this.#find(listed)
    if (!(flow instanceof Map)) return flow
    const ends = new Set(target)
    const kept = new Map<number, bigint>()
    let arrived = 0n
    let place = 0
    for (const [edge, amount] of flow) {
      const room = this.#capacity(edge, side)
      if (amount === 0n || amount > room) return { place, expected: `from 1 to ${room}`, found: `${amount}` }
      const tail = this.#tail[edge]
      const head = this.#head[edge]
      if (tail === (side === 'ceiling' ? FROM_REST : FROM_PROCEEDS)) {
        return { place, expected: 'a source of its own colour', found: described(listed[place]) }
      }
      if (head === TO_END) {
        if (!ends.has(edge)) return { place, expected: 'no edge that ends elsewhere', found: described(listed[place]) }
        arrived += amount
      } else kept.set(head, (kept.get(head) ?? 0n) + amount)
      if (tail >= 0) kept.set(tail, (kept.get(tail) ?? 0n) - amount)
      place++
    }
    for (const [node, amount] of kept) {
      // What no proceeds can reach gives of the rest whatever its edges can carry; its own ways there need not be listed.
      if (amount === 0n || (side === 'floor' && this.#reached[node] === 0)) continue
      const by = listed.findIndex((row) => {
        const edge = this.#byName.get(nameOf(row))!
        return this.#tail[edge] === node || this.#head[edge] === node
      })
      return { place: by, expected: 'as much out of its node as came there', found: `a difference of ${amount}` }
    }
    return arrived === sum ? undefined : { expected: `${sum} brought to the row`, found: `${arrived}` }
  }
}

/** What is wrong with a list of edges: with the one at `place`, or with all together. */
export interface Problem {
  readonly place?: number
  readonly expected: string
  readonly found: string
}

const described = (row: EdgeRow): string => nameOf(row).replaceAll('\0', ' ')

/** Edges by one of their ends, for those that end in a node. */
function grouped(ends: readonly number[], nodes: number): { starts: Uint32Array; edges: Uint32Array } {
  const starts = new Uint32Array(nodes + 1)
  for (const end of ends) if (end >= 0) starts[end + 1]++
  for (let node = 0; node < nodes; node++) starts[node + 1] += starts[node]
  const next = starts.slice()
  const edges = new Uint32Array(starts[nodes])
  for (let edge = 0; edge < ends.length; edge++) if (ends[edge] >= 0) edges[next[ends[edge]]++] = edge
  return { starts, edges }
}
