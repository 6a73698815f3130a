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
      mixing: 'balance',
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

/**
 * A ceiling as a linear programme in the LP text format, for a solver that knows nothing of networks: one variable for
 * each leg and one for what each pool carries from event to event.
 */
export function ceilingProgramme({ entries, seeds }: FlowGraph, target: Target): string {
  const { count, inStart, inPool, inAmount, outStart, outPool, outAmount } = entries
  const rows: string[] = []
  const limits: string[] = []
  const declared = new Map<number, bigint>(seeds.map(({ leg, amount }) => [leg, amount]))
  /** By pool: the variable of what it carries now, and all it holds. */
  const carried: (string | undefined)[] = new Array(entries.poolCount)
  const balance = Array.from<number | bigint, number>(entries.opening, Number)
  let carries = 0
  const carry = (pool: number, event: string) => {
    const name = `h${carries++}`
    rows.push(` ${name} ${carried[pool] === undefined ? '' : `- ${carried[pool]}`} ${event} = 0`)
    limits.push(` 0 <= ${name} <= ${balance[pool]}`)
    carried[pool] = name
  }
  for (let entry = 0; entry < count; entry++) {
    const terms: string[] = []
    for (let leg = inStart[entry]; leg < inStart[entry + 1]; leg++) {
      const pool = inPool[leg]
      if (pool < 0) continue
      balance[pool] -= Number(inAmount[leg])
      limits.push(` 0 <= i${leg} <= ${inAmount[leg]}`)
      carry(pool, `+ i${leg}`)
      terms.push(`+ i${leg}`)
    }
    for (let leg = outStart[entry]; leg < outStart[entry + 1]; leg++) {
      const pool = outPool[leg]
      limits.push(` 0 <= o${leg} <= ${outAmount[leg]}`)
      terms.push(`- o${leg}`)
      const seed = declared.get(leg)
      if (seed !== undefined) {
        limits.push(` 0 <= s${leg} <= ${seed}`)
        terms.push(`+ s${leg}`)
      }
      if (pool < 0) continue
      balance[pool] += Number(outAmount[leg])
      carry(pool, `- o${leg}`)
    }
    rows.push(` ${terms.join(' ')} = 0`)
  }
  const goal = (target.legs ?? []).map((leg) => `o${leg}`).join(' + ')
  return `Maximize\n ${goal}\nSubject To\n${rows.join('\n')}\nBounds\n${limits.join('\n')}\nEnd\n`
}

/** What the rival must offer: the npm package `highs` does. */
interface LinearSolver {
  solve(problem: string): { readonly Status: string; readonly ObjectiveValue: number }
}

/** Ceilings of a few endpoints by an independent solver, set against ours; says so where the package is not installed. */
async function benchRival(graph: FlowGraph, sampleSize: number): Promise<Record<string, unknown>> {
  const name: string = 'highs'
  let solver: LinearSolver
  try {
    solver = await ((await import(name)) as { default: () => Promise<LinearSolver> }).default()
  } catch {
    return { rival: `the package ${name} is not installed` }
  }
  const every = Math.floor(graph.targets.length / sampleSize)
  const sample = graph.targets.filter((_, i) => i % every === every - 1)
  const start = performance.now()
  const theirs = sample.map((target) => {
    const { Status, ObjectiveValue } = solver.solve(ceilingProgramme(graph, target))
    return Status === 'Optimal' ? BigInt(Math.round(ObjectiveValue)) : undefined
  })
  const theirMilliseconds = (performance.now() - start) / sample.length
  const ourStart = performance.now()
  const ours = boundTaint(graph.entries, graph.seeds, graph.targets).targets
  const ourMilliseconds = (performance.now() - ourStart) / graph.targets.length
  const agree = sample.every((target, i) => ours[graph.targets.indexOf(target)].ceiling === theirs[i])
  return {
    rival: name,
    sample: sample.length,
    agree,
    theirMillisecondsEach: Math.round(theirMilliseconds),
    ourMillisecondsEach: Number(ourMilliseconds.toFixed(3)),
    timesFaster: Math.round(theirMilliseconds / ourMilliseconds),
  }
}

/** Floor and ceiling at size (DESIGN.md section 5), a rival on the same graph, and how the time grows from n to 2n. */
export async function benchBounds(): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {}
  for (const edgeCount of [50_000, 100_000, 200_000]) {
    const graph = drawFlowGraph(edgeCount, 1_000)
    const { milliseconds, bounds } = timed(graph)
    const start = performance.now()
    boundTaint(graph.entries, graph.seeds, graph.targets, { certificates: true })
    const certified = Math.round(performance.now() - start)
    const answered = bounds.targets.filter(({ floor, ceiling }) => floor !== undefined && ceiling !== undefined).length
    const between = bounds.targets.filter(({ inflow, ceiling }) => ceiling! > 0n && ceiling! < inflow).length
    const certain = bounds.targets.filter(({ floor }) => floor! > 0n).length
    results[`1000 endpoints, ${edgeCount} edges`] = { milliseconds, certified, answered, between, certain }
  }
  for (const size of [50_000, 100_000, 200_000]) {
    results[`peel chain of ${size}, all its payments, ms`] = timed(drawPeelChain(size)).milliseconds
  }
  for (const size of [10_000, 20_000, 40_000]) {
    results[`wallet with ${size} deposits, all its payments, ms`] = timed(drawBusyWallet(size)).milliseconds
  }
  results.rival = await benchRival(drawFlowGraph(20_000, 1_000), 3)
  return results
}
