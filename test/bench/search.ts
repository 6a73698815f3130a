import { MemoryTransfers, type SearchOptions, searchPaths, type TransferColumns } from '../../graph/search.ts'

/** Random payments between accounts of which a few are much busier than the rest. */
function drawTransfers(count: number): TransferColumns {
  const nodeCount = Math.ceil(count / 10)
  let state = 12345
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
  // The cube leans to small numbers: the busiest account has a thousand times the payments of most.
  const account = () => Math.floor(random() ** 3 * nodeCount)
  const from = new Uint32Array(count)
  const to = new Uint32Array(count)
  const amount = new Float64Array(count)
  const time = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    from[i] = account()
    to[i] = account()
    amount[i] = Math.floor(1e6 / (0.001 + random()))
    time[i] = 1_600_000_000 + i
  }
  return { nodeCount, from, to, amount, time }
}

/** Path search over 10 million transfers in memory, and how it grows from n to 2n. */
export async function benchSearch(): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {}
  for (const count of [5_000_000, 10_000_000]) {
    const columns = drawTransfers(count)
    const groupStart = performance.now()
    const source = new MemoryTransfers(columns)
    const grouped = Math.round(performance.now() - groupStart)
    const { nodeCount } = columns
    const options: SearchOptions = {
      direction: 'forward',
      order: 'carried',
      k: 10,
      hopsMax: 8,
      fanOutMax: 2_000,
      effortMax: 200_000,
      amountMin: 1n,
    }
    // One account in a thousand is an exchange's; the searches begin at quiet accounts.
    const isTarget = (node: number) => node % 1000 === 999
    for (const direction of ['forward', 'backward'] as const) {
      for (const order of ['carried', 'hops', 'time'] as const) {
        const start = performance.now()
        let found = 0
        let read = 0
        const searches = 8
        for (let i = 0; i < searches; i++) {
          const node = Math.floor(nodeCount * (0.5 + i / (2 * searches)))
          const result = await searchPaths(source, [{ node }], isTarget, () => false, { ...options, direction, order })
          found += result.paths.length
          read += result.searched.transfers
        }
        results[`${count} transfers, ${direction}, by ${order}`] = {
          millisecondsEach: Number(((performance.now() - start) / searches).toFixed(1)),
          readEach: Math.round(read / searches),
          found: `${found} of ${searches * options.k}`,
        }
      }
    }
    results[`${count} transfers, grouped by account, ms`] = grouped
  }
  return results
}
