import type { Endpoint, Holding, Path, Report, SinkSums } from '../../src/report/format.ts'
import { idOf } from './bundle.ts'

/** What a drawn flow should be like. */
export interface FlowWish {
  readonly endpoints: number
  /** Hops of each path; the longest are peel chains that pay endpoints as they go. */
  readonly peel?: number
  readonly services?: readonly string[]
  readonly holdings?: number
}

const SERVICES = [
  '업비트',
  'Binance',
  '빗썸',
  'Kraken',
  '코인원',
  'OKX',
  'Huobi',
  '코빗',
  'KuCoin',
  'Gate.io',
  'Bybit',
  '고팍스',
]

/** A report that closes, made of numbers drawn from a fixed sequence: for pictures, not for verification. */
export function flowReport(wish: FlowWish): Report {
  let state = 12345
  const draw = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return Math.floor((state / 0x80000000) * below)
  }
  const address = (name: string): string => `bc1q${idOf(name).slice(0, 38)}`
  const services = wish.services ?? SERVICES
  const time = '2022-04-17T06:25:03Z'
  const seeds = ['구매-1', '구매-2', 'vendor'].map((id, index) => ({
    id,
    chain: 'bitcoin',
    asset: 'native',
    transaction: idOf(`seed ${id}`),
    output: index,
    address: address(id),
    amount: '0',
    time,
  }))
  const seeded = new Map<string, bigint>()
  const sums = new Map<string, Map<keyof SinkSums, bigint>>()
  const give = (seed: string, sink: keyof SinkSums, amount: bigint): void => {
    seeded.set(seed, (seeded.get(seed) ?? 0n) + amount)
    const bySink = sums.get(seed) ?? new Map()
    bySink.set(sink, (bySink.get(sink) ?? 0n) + amount)
    sums.set(seed, bySink)
  }
  const endpoints: Endpoint[] = []
  const paths: Path[] = []
  for (let index = 0; index < wish.endpoints; index++) {
    const seed = seeds[index % 3 === 2 ? 1 : index % 5 === 0 ? 2 : 0]
    const amount = BigInt(1 + draw(10) ** 6 * 137 + draw(100000))
    const label = services[draw(services.length) % services.length]
    const sink = index % 17 === 9 ? 'mixer' : index % 23 === 11 ? 'bridge' : 'service'
    const id = `endpoint-${index + 1}`
    const isPeel = wish.peel !== undefined && seed === seeds[0] && index % 2 === 0
    const hops = isPeel ? 1 + ((index * 7) % wish.peel!) : 1 + draw(4)
    const steps: Path['steps'][number][] = []
    let from = seed.address
    for (let hop = 1; hop <= hops; hop++) {
      const to = isPeel ? address(`peel ${hop}`) : address(`way ${seed.id} ${hop} ${draw(hop === 1 ? 3 : 8)}`)
      steps.push({
        transaction: idOf(`t ${from} ${to}`),
        from,
        to,
        amount: `${amount}`,
        carried: `${amount}`,
        height: 1,
        time,
      })
      from = to
    }
    const last = address(`${id} deposit`)
    steps.push({
      transaction: idOf(`t ${id}`),
      from,
      to: last,
      amount: `${amount}`,
      carried: `${amount}`,
      height: 1,
      time,
    })
    paths.push({ id: `path-${index + 1}`, seed: seed.id, endpoint: id, amount: `${amount}`, steps })
    endpoints.push({
      id,
      sink,
      service: { entity: sink === 'service' ? label : null, label: sink === 'service' ? label : sink, category: sink },
      attribution: [],
      chain: 'bitcoin',
      asset: 'native',
      address: last,
      transaction: idOf(`t ${id}`),
      output: 0,
      height: 1,
      time,
      amount: `${amount * 3n}`,
      traced: { fifo: { total: `${amount}`, bySeed: { [seed.id]: `${amount}` } } },
      floor: `${amount / 2n}`,
      ceiling: `${amount * 2n}`,
      hops: hops + 1,
      paths: [`path-${index + 1}`],
    })
    give(seed.id, sink, amount)
  }
  const holdings: Holding[] = []
  for (let index = 0; index < (wish.holdings ?? 4); index++) {
    const amount = BigInt(1000 + draw(9) ** 7 * 11)
    const sink = index % 3 === 2 ? 'unseen' : 'holding'
    holdings.push({
      id: `holding-${index + 1}`,
      sink,
      pool: 'output',
      chain: 'bitcoin',
      asset: 'native',
      address: address(`holding ${index}`),
      transaction: idOf(`h ${index}`),
      output: index,
      amount: `${amount}`,
      traced: { fifo: { total: `${amount}`, bySeed: { vendor: `${amount}` } } },
      floor: '0',
      ceiling: `${amount}`,
    })
    give('vendor', sink, amount)
  }
  give('구매-1', 'fee', 12345n)
  give('vendor', 'fee', 777n)
  give('vendor', 'burned', 500000n)
  const sumOf = (seed: string, sink: keyof SinkSums): string => String(sums.get(seed)?.get(sink) ?? 0n)
  return {
    schema: 'proceeds-report/1',
    engine: { name: 'proceeds', version: '0', sourceDigest: '' },
    case: '2026-형제-00001',
    request: { method: { primary: 'fifo', reason: '' } },
    snapshots: [],
    data: [],
    tagPacks: [],
    seeds: seeds.map((seed) => ({ ...seed, amount: String(seeded.get(seed.id) ?? 0n) })),
    endpoints,
    services: [],
    reach: [],
    holdings,
    conservation: [...seeded.keys()].map((seed) => ({
      seed,
      method: 'fifo',
      chain: 'bitcoin',
      asset: 'native',
      seeded: String(seeded.get(seed)),
      sinks: {
        service: sumOf(seed, 'service'),
        holding: sumOf(seed, 'holding'),
        mixer: sumOf(seed, 'mixer'),
        bridge: sumOf(seed, 'bridge'),
        burned: sumOf(seed, 'burned'),
        fee: sumOf(seed, 'fee'),
        horizon: { hops: '0', until: '0', amount: '0', transactions: '0' },
        unseen: sumOf(seed, 'unseen'),
      },
      balanced: true,
    })),
    paths,
    quantum: [],
    sensitivity: [],
    clusters: [],
    conversions: [],
    rejected: [],
    gaps: [],
    journal: { file: 'journal.ndjson.gz', sha256: '', rows: 0 },
  }
}
