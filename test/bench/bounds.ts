import { type Bounds, boundTaint, type Target } from '../../graph/bounds.ts'
import { type Entries, FROM_CLEAN, type SeedLeg, TO_SERVICE } from '../../graph/entries.ts'

/** A flow graph to be bounded: the ledger, its seeds, and one target for each payment into a service. */
export interface FlowGraph {
  readonly entries: Entries
  readonly seeds: readonly SeedLeg[]
  readonly targets: readonly Target[]
}

/** Writes entries leg by leg. */
export class EntriesWriter {
  readonly #inStart = [0]
  readonly #inPool: number[] = []
  readonly #inAmount: number[] = []
  readonly #outStart = [0]
  readonly #outPool: number[] = []
  readonly #outAmount: number[] = []

  /** Answers the number of the first output leg. */
  add(ins: readonly (readonly [number, number])[], outs: readonly (readonly [number, number])[]): number {
    const first = this.#outPool.length
    for (const [pool, amount] of ins) {
      this.#inPool.push(pool)
      this.#inAmount.push(amount)
    }
    for (const [pool, amount] of outs) {
      this.#outPool.push(pool)
      this.#outAmount.push(amount)
    }
    this.#inStart.push(this.#inPool.length)
    this.#outStart.push(this.#outPool.length)
    return first
  }

  get legCount(): number {
    return this.#inPool.length + this.#outPool.length
  }

  build(opening: readonly number[] | number): Entries {
    const count = this.#inStart.length - 1
    const openings = typeof opening === 'number' ? new Float64Array(opening) : Float64Array.from(opening)
    return {
      count,
      poolCount: openings.length,
      transaction: Uint32Array.from({ length: count }, (_, entry) => entry),
      inStart: Uint32Array.from(this.#inStart),
      inPool: Int32Array.from(this.#inPool),
      inAmount: Float64Array.from(this.#inAmount),
      outStart: Uint32Array.from(this.#outStart),
      outPool: Int32Array.from(this.#outPool),
      outAmount: Float64Array.from(this.#outAmount),
      conversion: new Uint8Array(count),
      opening: openings,
      poolSpace: new Uint32Array(openings.length),
    }
  }
}

/** The same numbers on every run, from 0 to below `below`. */
function randomStream(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 4294967296) * below)
  }
}

/**
 * Wallets that pay one another at random, circles and all: 64 seeds and other money flow in, and a share of the
 * payments ends at services. About `edgeCount` legs, exactly `endpointCount` endpoints.
 */
export function drawFlowGraph(edgeCount: number, endpointCount: number, seedOfDraw = 7): FlowGraph {
  const random = randomStream(seedOfDraw)
  const writer = new EntriesWriter()
  const poolCount = Math.ceil(edgeCount / 20)
  const balance = Array.from({ length: poolCount }, () => 1 + random(1_000_000))
  const opening = [...balance]
  const seeds: SeedLeg[] = []
  for (let seed = 0; seed < 64; seed++) {
    const pool = random(poolCount)
    const amount = 100_000 + random(5_000_000)
    seeds.push({ seed, leg: writer.add([[FROM_CLEAN, amount]], [[pool, amount]]), amount: BigInt(amount) })
    balance[pool] += amount
  }
  const targets: Target[] = []
  const warmUp = edgeCount / 4
  while (writer.legCount < edgeCount || targets.length < endpointCount) {
    const from = random(poolCount)
    if (balance[from] < 2) continue
    const amount = 1 + random(balance[from])
    balance[from] -= amount
    const due = ((writer.legCount - warmUp) / (edgeCount - warmUp)) * endpointCount
    if (targets.length < due && targets.length < endpointCount) {
      targets.push({ legs: [writer.add([[from, amount]], [[TO_SERVICE, amount]])] })
      continue
    }
    const to = random(poolCount)
    const change = random(3) === 0 ? random(amount) : 0
    balance[to] += amount - change
    balance[from] += change
    writer.add(
      [[from, amount]],
      change > 0
        ? [
            [to, amount - change],
            [from, change],
          ]
        : [[to, amount]],
    )
  }
  return { entries: writer.build(opening), seeds, targets }
}

/** One seed peeled `hops` times: each hop pays a service and passes the rest on. All payments together are the last target. */
export function drawPeelChain(hops: number): FlowGraph {
  const writer = new EntriesWriter()
  const first = writer.add([[FROM_CLEAN, hops + 1]], [[0, hops + 1]])
  const legs: number[] = []
  for (let hop = 0; hop < hops; hop++) {
    legs.push(
      writer.add(
        [[hop, hops + 1 - hop]],
        [
          [TO_SERVICE, 1],
          [hop + 1, hops - hop],
        ],
      ),
    )
  }
  const seeds = [{ seed: 0, leg: first, amount: BigInt(Math.ceil(hops / 2)) }]
  return { entries: writer.build(hops + 1), seeds, targets: [{ pools: [hops] }, { legs: [legs[hops - 1]] }, { legs }] }
}

/** A wallet with `deposits` payments in, every other a seed's, each followed by a payment to a service. */
export function drawBusyWallet(deposits: number): FlowGraph {
  const writer = new EntriesWriter()
  const seeds: SeedLeg[] = []
  const legs: number[] = []
  for (let i = 0; i < deposits; i++) {
    const leg = writer.add([[FROM_CLEAN, 10]], [[0, 10]])
    if (i % 2 === 0) seeds.push({ seed: seeds.length, leg, amount: 7n })
    legs.push(writer.add([[0, 9]], [[TO_SERVICE, 9]]))
  }
  return { entries: writer.build(1), seeds, targets: [{ legs }, { pools: [0] }, { legs: [legs[deposits - 1]] }] }
}

function timed(graph: FlowGraph): { milliseconds: number; bounds: Bounds } {
  const start = performance.now()
  const bounds = boundTaint(graph.entries, graph.seeds, graph.targets)
  return { milliseconds: Math.round(performance.now() - start), bounds }
}

/** Floor and ceiling at size (DESIGN.md section 5), and how the time grows from n to 2n. */
export async function benchBounds(): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {}
  for (const [edgeCount, endpointCount] of [
    [50_000, 1_000],
    [100_000, 1_000],
    [200_000, 1_000],
  ]) {
    const { milliseconds, bounds } = timed(drawFlowGraph(edgeCount, endpointCount))
    const answered = bounds.targets.filter(({ floor, ceiling }) => floor !== undefined && ceiling !== undefined).length
    const between = bounds.targets.filter(({ inflow, ceiling }) => ceiling! > 0n && ceiling! < inflow).length
    const certain = bounds.targets.filter(({ floor }) => floor! > 0n).length
    results[`endpoints ${endpointCount}, edges ${edgeCount}`] = {
      milliseconds,
      answered,
      between,
      certain,
      effort: bounds.effort,
    }
  }
  for (const size of [50_000, 100_000, 200_000]) {
    results[`peel chain of ${size}, all its payments`] = timed(drawPeelChain(size)).milliseconds
    results[`wallet with ${size} deposits, all its payments`] = timed(drawBusyWallet(size)).milliseconds
  }
  return results
}
