import { describe, expect, it } from 'vitest'
import {
  type FoundPath,
  MemoryTransfers,
  type SearchDirection,
  type SearchOptions,
  type SearchOrder,
  type SearchTransfer,
  searchPaths,
  type TransferColumns,
  type TransferSource,
} from '../../graph/search.ts'
import { randomStream } from './bounds-support.ts'

const OPTIONS: SearchOptions = {
  direction: 'forward',
  order: 'carried',
  k: 1,
  hopsMax: 20,
  fanOutMax: 1_000,
  effortMax: 1_000_000,
  amountMin: 1n,
}

function columns(transfers: readonly (readonly [from: number, to: number, amount: number])[]): TransferColumns {
  return {
    nodeCount: 1 + Math.max(0, ...transfers.map(([from, to]) => Math.max(from, to))),
    from: Uint32Array.from(transfers, ([from]) => from),
    to: Uint32Array.from(transfers, ([, to]) => to),
    amount: Float64Array.from(transfers, ([, , amount]) => amount),
    time: Float64Array.from(transfers, (_, i) => 1000 + 10 * i),
  }
}

const never = () => false

/** All ways without a repeated node, by trying every one. */
function everyWay(
  { from, to, amount }: TransferColumns,
  start: number,
  isTarget: (node: number) => boolean,
  isBarrier: (node: number) => boolean,
  { direction, hopsMax, amountMin }: SearchOptions,
): { way: number[]; carried: number }[] {
  const found: { way: number[]; carried: number }[] = []
  const open: { node: number; way: number[]; seen: number[] }[] = [{ node: start, way: [], seen: [start] }]
  for (let at = open.pop(); at; at = open.pop()) {
    if (at.way.length > 0 && isTarget(at.node)) {
      found.push({ way: at.way, carried: Math.min(...at.way.map((i) => Number(amount[i]))) })
      continue
    }
    if (at.way.length === hopsMax || (at.way.length > 0 && isBarrier(at.node))) continue
    for (let i = 0; i < from.length; i++) {
      const [here, next] = direction === 'forward' ? [from[i], to[i]] : [to[i], from[i]]
      const last = at.way.at(-1)
      const inTime = last === undefined || (direction === 'forward' ? i > last : i < last)
      if (here !== at.node || !inTime || at.seen.includes(next) || BigInt(amount[i]) < amountMin) continue
      open.push({ node: next, way: [...at.way, i], seen: [...at.seen, next] })
    }
  }
  return found
}

const rank: Record<SearchOrder, (path: FoundPath, direction: SearchDirection) => number> = {
  carried: ({ carried }) => -Number(carried),
  hops: ({ transfers }) => transfers.length,
  time: ({ transfers }, direction) =>
    direction === 'forward' ? transfers[transfers.length - 1].position : -transfers[0].position,
}

describe('search without a trace', () => {
  it('the first is the best of all ways, and all are true ways, on random ledgers', async () => {
    let compared = 0
    for (let draw = 0; draw < 600; draw++) {
      const random = randomStream(draw)
      const nodeCount = 2 + random(7)
      const drawn = Array.from({ length: random(24) }, () => [random(nodeCount), random(nodeCount), random(6)] as const)
      const ledger = columns([...drawn, [nodeCount - 1, 0, 0]])
      const targets = new Set([nodeCount - 1, random(nodeCount)])
      const barrier = random(nodeCount * 2)
      const options: SearchOptions = {
        ...OPTIONS,
        direction: draw % 2 === 0 ? 'forward' : 'backward',
        order: (['carried', 'hops', 'time'] as const)[draw % 3],
        k: 1 + random(4),
        hopsMax: 1 + random(6),
        batchSize: 1 + random(4),
        amountMin: BigInt(1 + random(2)),
      }
      const isTarget = (node: number) => targets.has(node)
      const isBarrier = (node: number) => node === barrier
      const source = new MemoryTransfers(ledger)
      const { paths, stopped, cut } = await searchPaths(source, [{ node: 0 }], isTarget, isBarrier, options)
      const every = everyWay(ledger, 0, isTarget, isBarrier, options)
      const truth = new Map(
        every.map(({ way, carried }) => [way.toSorted((a, b) => a - b).join(), BigInt(carried)] as const),
      )
      const keys = paths.map(({ transfers }) => transfers.map(({ id }) => id).join())
      expect(new Set(keys).size).toBe(keys.length)
      for (const [i, key] of keys.entries()) expect(paths[i].carried, `ledger ${draw}`).toBe(truth.get(key))
      const ranks = paths.map((path) => rank[options.order](path, options.direction))
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b))
      expect(paths.length === 0, `ledger ${draw}`).toBe(truth.size === 0)
      if (truth.size > 0) {
        compared++
        const asPath = ({ way, carried }: (typeof every)[number]) => ({
          carried: BigInt(carried),
          transfers: way.toSorted((a, b) => a - b).map((position) => ({ position }) as SearchTransfer),
        })
        const best = Math.min(...every.map((each) => rank[options.order](asPath(each), options.direction)))
        expect(ranks[0], `ledger ${draw}`).toBe(best)
      }
      expect(stopped).toBe(paths.length === options.k ? 'found' : 'exhausted')
      if (stopped === 'exhausted' && cut.beaten === 0) expect(keys.length).toBe(truth.size)
    }
    expect(compared).toBeGreaterThan(150)
  })

  it('prefers the order asked for', async () => {
    // 0 → 3 three ways: straight and small, by 1 and wide, by 1 and 2 and soonest.
    const source = new MemoryTransfers(
      columns([
        [0, 1, 50],
        [1, 2, 40],
        [2, 3, 30],
        [1, 3, 45],
        [0, 3, 5],
      ]),
    )
    const ask = async (order: SearchOrder) => {
      const { paths } = await searchPaths(source, [{ node: 0 }], (node) => node === 3, never, { ...OPTIONS, order })
      return paths[0].transfers.map(({ id }) => id)
    }
    expect(await ask('carried')).toEqual([0, 3])
    expect(await ask('hops')).toEqual([4])
    expect(await ask('time')).toEqual([0, 1, 2])
  })

  it('keeps a narrow early way where the wide one comes too late', async () => {
    const source = new MemoryTransfers(
      columns([
        [0, 1, 5],
        [1, 2, 7],
        [0, 1, 9],
      ]),
    )
    const { paths } = await searchPaths(source, [{ node: 0 }], (node) => node === 2, never, OPTIONS)
    expect(paths).toMatchObject([{ carried: 5n, transfers: [{ id: 0 }, { id: 1 }] }])
  })

  it('says what each limit cut off', async () => {
    const chain = columns(Array.from({ length: 30 }, (_, i) => [i, i + 1, 100 - i] as const))
    const source = new MemoryTransfers(chain)
    const isEnd = (node: number) => node === 30
    const ask = (options: Partial<SearchOptions>, isBarrier: (node: number) => boolean = never) =>
      searchPaths(source, [{ node: 0 }], isEnd, isBarrier, { ...OPTIONS, hopsMax: 40, ...options })
    expect(await ask({})).toMatchObject({ stopped: 'found', paths: [{ carried: 71n }] })
    expect(await ask({ hopsMax: 29 })).toMatchObject({ stopped: 'exhausted', paths: [], cut: { hops: 1 } })
    expect(await ask({ amountMin: 72n })).toMatchObject({ stopped: 'exhausted', cut: { amount: 1 } })
    expect(await ask({ timeUntil: 1200 })).toMatchObject({ stopped: 'exhausted', cut: { time: 1 } })
    expect(await ask({ effortMax: 10 })).toMatchObject({ stopped: 'effort', paths: [] })
    expect(await ask({}, (node) => node === 9)).toMatchObject({ stopped: 'exhausted', cut: { barriers: 1 } })
    const fan = new MemoryTransfers(columns(Array.from({ length: 50 }, (_, i) => [0, i + 1, 1] as const)))
    const cut = await searchPaths(fan, [{ node: 0 }], (node) => node === 50, never, { ...OPTIONS, fanOutMax: 49 })
    expect(cut).toMatchObject({ stopped: 'exhausted', paths: [], cut: { fanOut: [0] }, searched: { transfers: 49 } })
  })

  it('begins where it is told to, backwards too', async () => {
    const source = new MemoryTransfers(
      columns([
        [0, 1, 9],
        [1, 2, 8],
        [0, 1, 7],
        [1, 2, 6],
      ]),
    )
    const forward = await searchPaths(source, [{ node: 0, beyond: 0 }], (node) => node === 2, never, OPTIONS)
    expect(forward.paths[0].transfers.map(({ id }) => id)).toEqual([2, 3])
    const backward = await searchPaths(source, [{ node: 2, beyond: 3 }], (node) => node === 0, never, {
      ...OPTIONS,
      direction: 'backward',
    })
    expect(backward.paths[0].transfers.map(({ id }) => id)).toEqual([0, 1])
  })

  it('reads in batches, and a long chain without a stack', async () => {
    const hops = 3_000
    const memory = new MemoryTransfers(columns(Array.from({ length: hops }, (_, i) => [i, i + 1, 5] as const)))
    let asked = 0
    const counted: TransferSource = {
      transfers(requests, direction, limit) {
        asked++
        expect(requests.length).toBeLessThanOrEqual(8)
        return memory.transfers(requests, direction, limit)
      },
    }
    const options = { ...OPTIONS, hopsMax: hops, batchSize: 7 }
    const { paths } = await searchPaths(counted, [{ node: 0 }], (node) => node === 3_000, never, options)
    expect(paths[0].transfers.length).toBe(3_000)
    expect(asked).toBe(3_000)
    const wide = new MemoryTransfers(
      columns([
        ...Array.from({ length: 100 }, (_, i) => [0, i + 1, 5] as const),
        ...Array.from({ length: 100 }, (_, i) => [i + 1, 101, 5] as const),
      ]),
    )
    asked = 0
    const wideSource: TransferSource = {
      transfers(requests, direction, limit) {
        asked++
        return wide.transfers(requests, direction, limit)
      },
    }
    const all = { ...OPTIONS, k: 100, batchSize: 63 }
    const found = await searchPaths(wideSource, [{ node: 0 }], (node) => node === 101, never, all)
    expect(found.paths.length).toBe(100)
    expect(asked).toBeLessThan(10)
  })
})
