import { createHash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../../src/report/canonical.ts'
import { methodKeys, writeEndpointsCsv } from '../../src/report/csv.ts'
import { drawFlow } from '../../src/report/flow-svg.ts'
import type {
  Endpoint,
  Holding,
  JournalRow,
  Report,
  ServiceRow,
  SinkSums,
  Traced,
  TracedBy,
} from '../../src/report/format.ts'
import { gzipDeterministic } from '../../src/report/gzip.ts'

/**
 * A bundle drawn by hand, small enough to check with a pencil. Nothing here was computed by the engine.
 *
 *     bitcoin, pool output (and beside it, by fifo, pool address)          fifo                      lifo
 *     t0  buyer 1000  ->  vendor 900 (seed buy-1: the first 600), other 60   fee 40
 *     t1  vendor 900, clean 100  ->  mid 500                            buy-1 500                 buy-1 100
 *                                    exchange 480   [service]           buy-1 100                 buy-1 480
 *                                    fee 20                                                       buy-1 20
 *     t2  mid 500  ->  mixer 200  [mixer]                               buy-1 200                 buy-1 100
 *                      rest 290   [holding]                             buy-1 290
 *                      fee 10                                           buy-1 10
 *
 *     tron, USDT, pool address
 *     u0  payer -> vendor 1000 (seed deal-2: all)
 *     u1  clean -> vendor 500
 *     u2  vendor -> exchange 700   [service]                            deal-2 700                deal-2 200
 *         vendor -> friend 400                                          deal-2 300                deal-2 400
 *     u3  friend -> black hole 50  [burned]                             deal-2 50                 deal-2 50
 *     at the end: vendor holds 400 (covered: holding)                                             deal-2 400
 *                 friend holds 350 (not covered: unseen)                deal-2 250                deal-2 350
 *     u4  failed; u5  a transfer of nothing
 */
export interface BundleParts {
  readonly request: Record<string, unknown>
  /** Lines of ledger.ndjson, as values. */
  readonly ledger: Record<string, unknown>[]
  readonly tags: string
  /** Without `journal`, `data` and `tagPacks`, which sealing fills in. */
  readonly report: Mutable<Report>
  readonly journal: Mutable<JournalRow>[]
  readonly run: Record<string, unknown>
}

export type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Mutable<T[Key]> }
    : T

/** A transaction id that is easy to recognise when a test fails: the SHA-256 of its name. */
export const idOf = (name: string): string => createHash('sha256').update(name).digest('hex')

const USDT = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'
const at = (minute: number): string => `2020-01-01T00:${String(minute).padStart(2, '0')}:00Z`

const noSinks: SinkSums = {
  service: '0',
  holding: '0',
  mixer: '0',
  bridge: '0',
  burned: '0',
  fee: '0',
  horizon: { hops: '0', until: '0', amount: '0', transactions: '0' },
  unseen: '0',
}

const traced = (seed: string, figures: Record<string, string>): TracedBy =>
  Object.fromEntries(
    Object.entries(figures).map(([method, total]) => [
      method,
      { total, bySeed: total === '0' ? {} : { [seed]: total } },
    ]),
  )

const all = (...totals: string[]) => totals.map((total, index) => ({ endpoint: `endpoint-${index + 1}`, total }))

const moment = (transaction: string, height: number, minute: number) => ({ transaction, height, time: at(minute) })

const [t0, t1, t2] = ['t0', 't1', 't2'].map(idOf)
const [u0, u1, u2, u3, u4, u5] = ['u0', 'u1', 'u2', 'u3', 'u4', 'u5'].map(idOf)

/** The drawn bundle's parts, new at each call, to be changed and sealed by a test. */
export function drawnBundle(): BundleParts {
  const request = {
    case: '2026-형제-00001',
    method: { primary: 'fifo', reason: 'the order in which the account was used' },
    seeds: [
      {
        id: 'buy-1',
        chain: 'bitcoin',
        transaction: t0,
        output: 0,
        amount: '600',
        reason: 'controlled purchase',
        exhibit: 'EX-1',
      },
      { id: 'deal-2', chain: 'tron', asset: USDT, transaction: u0, transfer: 0, reason: 'seized phone' },
    ],
    pool: { bitcoin: ['output', 'address'], tron: ['address'] },
    limits: { hops: 100, amount: '0', transactions: 1000000 },
    compare: ['lifo'],
    rules: { commonInput: true, change: [], depositSweep: true },
  }

  const utxo = (
    id: string,
    height: number,
    inputs: [transaction: string, output: number, address: string, amount: string][],
    outputs: [address: string | null, amount: string][],
  ) => ({
    chain: 'bitcoin',
    id,
    height,
    index: height - 599990,
    time: at(height - 600000),
    inputs: inputs.map(([transaction, output, address, amount]) => ({ transaction, output, address, amount })),
    outputs: outputs.map(([address, amount]) => ({ address, amount })),
  })
  const account = (
    id: string,
    height: number,
    transfers: [from: string, to: string, amount: string][],
    status: 'success' | 'failed' = 'success',
  ) => ({
    chain: 'tron',
    id,
    height,
    index: 3,
    time: at(height - 40000000),
    status,
    transfers: transfers.map(([from, to, amount], index) => ({ index, asset: USDT, from, to, amount })),
    fee: { from: transfers[0][0], amount: '345000' },
  })
  const ledger: Record<string, unknown>[] = [
    { chain: 'bitcoin', asset: 'native', symbol: 'BTC', decimals: 8 },
    { chain: 'tron', asset: USDT, symbol: 'USDT', decimals: 6 },
    { chain: 'bitcoin', covers: 'all' },
    { chain: 'tron', covers: ['T-vendor'] },
    utxo(
      t0,
      600001,
      [[idOf('before'), 0, '1-buyer', '1000']],
      [
        ['1-vendor', '900'],
        ['1-other', '60'],
      ],
    ),
    utxo(
      t1,
      600002,
      [
        [t0, 0, '1-vendor', '900'],
        [idOf('clean'), 3, '1-clean', '100'],
      ],
      [
        ['1-mid', '500'],
        ['1-exchange', '480'],
      ],
    ),
    utxo(
      t2,
      600003,
      [[t1, 0, '1-mid', '500']],
      [
        ['1-mixer', '200'],
        ['1-rest', '290'],
      ],
    ),
    account(u0, 40000001, [['T-payer', 'T-vendor', '1000']]),
    account(u1, 40000002, [['T-clean', 'T-vendor', '500']]),
    account(u2, 40000003, [
      ['T-vendor', 'T-exchange', '700'],
      ['T-vendor', 'T-friend', '400'],
    ]),
    account(u3, 40000004, [['T-friend', 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb', '50']]),
    account(u4, 40000005, [['T-vendor', 'T-friend', '99']], 'failed'),
    account(u5, 40000006, [['T-vendor', 'T-poison', '0']]),
  ]

  const journal: Mutable<JournalRow>[] = []
  const write = (method: string, chain: string, asset: string, seed: string) => ({
    entry: (entry: number, transaction: string, rows: Partial<Mutable<JournalRow>>[]) => {
      for (const row of rows) {
        journal.push({
          row: journal.length + 1,
          method,
          entry,
          transaction,
          chain,
          asset,
          seed,
          ...row,
        } as Mutable<JournalRow>)
      }
    },
    rest: (place: string, sink: string, amount: string) => {
      journal.push({ row: journal.length + 1, method, kind: 'rest', chain, asset, at: place, sink, seed, amount })
    },
  })
  for (const method of ['fifo', 'fifo@address', 'lifo']) {
    const place = (output: string, address: string): string => (method === 'fifo@address' ? address : output)
    const vendor = place(`${t0}:0`, '1-vendor')
    const mid = place(`${t1}:0`, '1-mid')
    const bitcoin = write(method, 'bitcoin', 'native', 'buy-1')
    bitcoin.entry(1, t0, [
      { kind: 'seed', leg: 0, amount: '600' },
      { kind: 'out', at: vendor, leg: 0, amount: '600' },
    ])
    if (method === 'lifo') {
      bitcoin.entry(2, t1, [
        { kind: 'in', at: vendor, amount: '600' },
        { kind: 'out', at: mid, leg: 0, amount: '100' },
        { kind: 'out', leg: 1, sink: 'service', amount: '480' },
        { kind: 'out', sink: 'fee', amount: '20' },
      ])
      bitcoin.entry(3, t2, [
        { kind: 'in', at: mid, amount: '100' },
        { kind: 'out', leg: 0, sink: 'mixer', amount: '100' },
      ])
    } else {
      bitcoin.entry(2, t1, [
        { kind: 'in', at: vendor, amount: '600' },
        { kind: 'out', at: mid, leg: 0, amount: '500' },
        { kind: 'out', leg: 1, sink: 'service', amount: '100' },
      ])
      const rest = place(`${t2}:1`, '1-rest')
      bitcoin.entry(3, t2, [
        { kind: 'in', at: mid, amount: '500' },
        { kind: 'out', leg: 0, sink: 'mixer', amount: '200' },
        { kind: 'out', at: rest, leg: 1, amount: '290' },
        { kind: 'out', sink: 'fee', amount: '10' },
      ])
      bitcoin.rest(rest, 'holding', '290')
    }
    if (method === 'fifo@address') continue
    const tron = write(method, 'tron', USDT, 'deal-2')
    const [toExchange, toFriend] = method === 'fifo' ? ['700', '300'] : ['200', '400']
    tron.entry(4, u0, [
      { kind: 'seed', leg: 0, amount: '1000' },
      { kind: 'out', at: 'T-vendor', leg: 0, amount: '1000' },
    ])
    tron.entry(8, u2, [
      { kind: 'in', at: 'T-vendor', amount: toExchange },
      { kind: 'out', leg: 0, sink: 'service', amount: toExchange },
    ])
    tron.entry(9, u2, [
      { kind: 'in', at: 'T-vendor', amount: toFriend },
      { kind: 'out', at: 'T-friend', leg: 1, amount: toFriend },
    ])
    tron.entry(11, u3, [
      { kind: 'in', at: 'T-friend', amount: '50' },
      { kind: 'out', leg: 0, sink: 'burned', amount: '50' },
    ])
    if (method === 'lifo') tron.rest('T-vendor', 'holding', '400')
    tron.rest('T-friend', 'unseen', method === 'fifo' ? '250' : '350')
  }

  const claim = (label: string, category: string, entity: string | null) => ({
    label,
    category,
    entity,
    source: 'list-7',
    confidence: 'B2',
    validFrom: '2019-05-04T00:00:00Z',
    validTo: null,
    evidence: 'https://example.org/list/7#3',
    basis: 'tag',
  })
  const tags = [
    'chain,address,label,category,entity,source,confidence,validFrom,validTo,evidence',
    'bitcoin,1-exchange,"Exchange, hot",exchange,exchange-24,list-7,B2,2019-05-04,,https://example.org/list/7#3',
    'bitcoin,1-mixer,Mixer,mixer,,list-7,B2,2019-05-04,,https://example.org/list/7#3',
    'tron,T-exchange,Börse 거래소,exchange,exchange-24,list-7,B2,2019-05-04,,https://example.org/list/7#3',
    '',
  ].join('\n')

  const endpoints: Endpoint[] = [
    {
      id: 'endpoint-1',
      sink: 'service',
      service: { entity: 'exchange-24', label: 'Exchange, hot', category: 'exchange' },
      attribution: [claim('Exchange, hot', 'exchange', 'exchange-24')],
      chain: 'bitcoin',
      asset: 'native',
      address: '1-exchange',
      transaction: t1,
      output: 1,
      height: 600002,
      time: at(2),
      amount: '480',
      traced: traced('buy-1', { fifo: '100', 'fifo@address': '100', lifo: '480' }),
      floor: '80',
      ceiling: '480',
      hops: 1,
      paths: ['path-1'],
    },
    {
      id: 'endpoint-2',
      sink: 'mixer',
      service: { entity: null, label: 'Mixer', category: 'mixer' },
      attribution: [claim('Mixer', 'mixer', null)],
      chain: 'bitcoin',
      asset: 'native',
      address: '1-mixer',
      transaction: t2,
      output: 0,
      height: 600003,
      time: at(3),
      amount: '200',
      traced: traced('buy-1', { fifo: '200', 'fifo@address': '200', lifo: '100' }),
      floor: '0',
      ceiling: '200',
      hops: 2,
      paths: ['path-2'],
    },
    {
      id: 'endpoint-3',
      sink: 'service',
      service: { entity: 'exchange-24', label: 'Börse 거래소', category: 'exchange' },
      attribution: [claim('Börse 거래소', 'exchange', 'exchange-24')],
      chain: 'tron',
      asset: USDT,
      address: 'T-exchange',
      transaction: u2,
      transfer: 0,
      height: 40000003,
      time: at(3),
      amount: '700',
      traced: traced('deal-2', { fifo: '700', lifo: '200' }),
      floor: '200',
      ceiling: '700',
      hops: 1,
      paths: ['path-3'],
    },
  ]
  const holdings: Holding[] = [
    {
      id: 'holding-1',
      sink: 'holding',
      pool: 'output',
      chain: 'bitcoin',
      asset: 'native',
      address: '1-rest',
      transaction: t2,
      output: 1,
      amount: '290',
      traced: traced('buy-1', { fifo: '290' }),
      floor: '0',
      ceiling: '290',
    },
    {
      id: 'holding-2',
      sink: 'holding',
      pool: 'address',
      chain: 'bitcoin',
      asset: 'native',
      address: '1-rest',
      amount: '290',
      traced: traced('buy-1', { 'fifo@address': '290' }),
      floor: null,
      ceiling: null,
    },
    {
      id: 'holding-3',
      sink: 'holding',
      pool: 'address',
      chain: 'tron',
      asset: USDT,
      address: 'T-vendor',
      amount: '400',
      traced: traced('deal-2', { lifo: '400' }),
      floor: '0',
      ceiling: '400',
    },
    {
      id: 'holding-4',
      sink: 'unseen',
      pool: 'address',
      chain: 'tron',
      asset: USDT,
      address: 'T-friend',
      amount: '350',
      traced: traced('deal-2', { fifo: '250', lifo: '350' }),
      floor: '0',
      ceiling: '350',
    },
  ]
  const closes = (seed: 'buy-1' | 'deal-2', method: string, sinks: Partial<SinkSums>) => ({
    seed,
    method,
    chain: seed === 'buy-1' ? 'bitcoin' : 'tron',
    asset: seed === 'buy-1' ? 'native' : USDT,
    seeded: seed === 'buy-1' ? '600' : '1000',
    sinks: { ...noSinks, ...sinks },
    balanced: true,
  })
  const report: Report = {
    schema: 'proceeds-report/1',
    engine: { name: 'proceeds', version: '0.1.0', sourceDigest: idOf('source') },
    case: '2026-형제-00001',
    request,
    snapshots: [
      { chain: 'bitcoin', height: 600003, blockHash: null, time: at(3), finalityDepth: 0 },
      { chain: 'tron', height: 40000006, blockHash: null, time: at(6), finalityDepth: 0 },
    ],
    data: [],
    tagPacks: [],
    seeds: [
      {
        id: 'buy-1',
        chain: 'bitcoin',
        asset: 'native',
        transaction: t0,
        output: 0,
        address: '1-vendor',
        amount: '600',
        time: at(1),
      },
      {
        id: 'deal-2',
        chain: 'tron',
        asset: USDT,
        transaction: u0,
        transfer: 0,
        address: 'T-vendor',
        amount: '1000',
        time: at(1),
      },
    ],
    endpoints,
    services: servicesOf(endpoints),
    reach: [
      ...new Set(
        endpoints.flatMap((each) =>
          Object.values(each.traced).flatMap((row) => Object.keys(row.bySeed).map((seed) => `${seed} ${each.chain}`)),
        ),
      ),
    ].map((key) => {
      const [seed, chain] = key.split(' ')
      const ids = endpoints.filter((each) => each.chain === chain).map((each) => each.id)
      return {
        seed,
        chain,
        pool: chain === 'tron' ? 'address' : 'output',
        endpoints: ids,
        payments: ids.length,
        holdings: 3,
      }
    }),
    holdings,
    conservation: [
      closes('buy-1', 'fifo', { service: '100', mixer: '200', holding: '290', fee: '10' }),
      closes('buy-1', 'fifo@address', { service: '100', mixer: '200', holding: '290', fee: '10' }),
      closes('buy-1', 'lifo', { service: '480', mixer: '100', fee: '20' }),
      closes('deal-2', 'fifo', { service: '700', burned: '50', unseen: '250' }),
      closes('deal-2', 'lifo', { service: '200', burned: '50', holding: '400', unseen: '350' }),
    ],
    paths: [
      {
        id: 'path-1',
        seed: 'buy-1',
        endpoint: 'endpoint-1',
        amount: '100',
        steps: [
          {
            transaction: t1,
            from: '1-vendor',
            to: '1-exchange',
            amount: '480',
            carried: '100',
            height: 600002,
            time: at(2),
          },
        ],
      },
      {
        id: 'path-2',
        seed: 'buy-1',
        endpoint: 'endpoint-2',
        amount: '200',
        steps: [
          {
            transaction: t1,
            from: '1-vendor',
            to: '1-mid',
            amount: '500',
            carried: '200',
            height: 600002,
            time: at(2),
          },
          { transaction: t2, from: '1-mid', to: '1-mixer', amount: '200', carried: '200', height: 600003, time: at(3) },
        ],
      },
      {
        id: 'path-3',
        seed: 'deal-2',
        endpoint: 'endpoint-3',
        amount: '700',
        steps: [
          {
            transaction: u2,
            from: 'T-vendor',
            to: 'T-exchange',
            amount: '700',
            carried: '700',
            height: 40000003,
            time: at(3),
          },
        ],
      },
    ],
    quantum: [
      {
        ...{ id: 'wallet-1', chain: 'bitcoin', pool: 'output', asset: 'native', address: '1-rest' },
        ...{ transaction: t2, output: 1, covered: true, since: moment(t2, 600003, 3) },
        mixedIn: traced('buy-1', { fifo: '290', lifo: '0' }),
        ...{ left: '290', lowest: { amount: '290', ...moment(t2, 600003, 3) } },
        ...{ quantum: { fifo: '290', lifo: '0' }, shortfall: { fifo: '0', lifo: '0' }, floor: '0', ceiling: '290' },
      },
      {
        ...{ id: 'wallet-2', chain: 'tron', pool: 'address', asset: USDT, address: 'T-vendor', covered: true },
        since: moment(u0, 40000001, 1),
        mixedIn: traced('deal-2', { fifo: '1000', lifo: '1000' }),
        ...{ left: '400', lowest: { amount: '400', ...moment(u2, 40000003, 3) } },
        quantum: { fifo: '400', lifo: '400' },
        ...{ shortfall: { fifo: '600', lifo: '600' }, floor: '0', ceiling: '400' },
      },
      {
        ...{ id: 'wallet-3', chain: 'tron', pool: 'address', asset: USDT, address: 'T-friend', covered: false },
        since: moment(u2, 40000003, 3),
        mixedIn: traced('deal-2', { fifo: '300', lifo: '400' }),
        ...{ left: '350', lowest: { amount: '350', ...moment(u3, 40000004, 4) } },
        quantum: { fifo: '300', lifo: '350' },
        ...{ shortfall: { fifo: '0', lifo: '50' }, floor: '0', ceiling: '350' },
      },
    ],
    sensitivity: [
      { without: 'tagSource', name: 'list-7', method: 'fifo', endpoints: all('0', '0', '0') },
      { without: 'seed', name: 'buy-1', method: 'fifo', endpoints: all('0', '0') },
      { without: 'seed', name: 'deal-2', method: 'fifo', endpoints: [{ endpoint: 'endpoint-3', total: '0' }] },
    ],
    clusters: [],
    conversions: [],
    rejected: [
      { chain: 'tron', transaction: u4, transfer: 0, asset: USDT, reason: 'failed', detail: 'the contract reverted' },
      { chain: 'tron', transaction: u5, transfer: 0, asset: USDT, reason: 'zero', detail: 'moves nothing' },
    ],
    gaps: [
      { kind: 'UNSEEN', where: 'T-friend', amount: '250', detail: 'the dump does not cover T-friend' },
      { kind: 'CERTIFICATES_OMITTED', where: 'bitcoin output', detail: 'drawn by hand' },
      { kind: 'CERTIFICATES_OMITTED', where: 'tron address', detail: 'drawn by hand' },
      { kind: 'FEE_MINTED', where: t2, amount: '10', detail: 'paid to a miner' },
    ],
    journal: { file: 'journal.ndjson.gz', sha256: '', rows: 0 },
  }
  return {
    request,
    ledger,
    tags,
    report: report as Mutable<Report>,
    journal,
    run: { at: '2026-11-22T23:00:00Z', who: 'test' },
  }
}

/** The files of a bundle, by name, as they would be written: gzip files stand here uncompressed, as `….ndjson`. */
export type BundleTexts = Record<BundleText, string>
export type BundleText =
  | 'request.json'
  | 'ledger.ndjson'
  | 'tags.csv'
  | 'report.json'
  | 'journal.ndjson'
  | 'certificates.ndjson'
  | 'endpoints.csv'
  | 'flow.svg'
  | 'run.json'

/** Each service's endpoints added up, and all of a chain and asset; bounds as far as one endpoint alone tells them. */
function servicesOf(endpoints: readonly Endpoint[]): ServiceRow[] {
  const groups = new Map<string, Endpoint[]>()
  for (const endpoint of endpoints) {
    const { chain, asset, sink, service, address } = endpoint
    for (const key of [
      [chain, asset, null, null],
      [chain, asset, sink, service?.entity ?? service?.label ?? address],
    ]) {
      const text = JSON.stringify(key)
      groups.set(text, [...(groups.get(text) ?? []), endpoint])
    }
  }
  return [...groups].map(([key, group]): ServiceRow => {
    const [chain, asset, sink, name] = JSON.parse(key) as [string, string, ServiceRow['sink'], string | null]
    const traced: Record<string, Traced> = {}
    for (const method of new Set(group.flatMap((each) => Object.keys(each.traced)))) {
      const bySeed: Record<string, string> = {}
      for (const each of group) {
        for (const [seed, amount] of Object.entries(each.traced[method]?.bySeed ?? {})) {
          bySeed[seed] = (BigInt(bySeed[seed] ?? '0') + BigInt(amount)).toString()
        }
      }
      const total = Object.values(bySeed)
        .reduce((all, amount) => all + BigInt(amount), 0n)
        .toString()
      traced[method] = { total, bySeed }
    }
    const amount = group.reduce((all, each) => all + BigInt(each.amount), 0n).toString()
    const [only] = group
    const bounds = group.length === 1 ? { floor: only.floor, ceiling: only.ceiling } : { floor: '0', ceiling: amount }
    return {
      all: sink === null,
      sink,
      name,
      chain,
      asset,
      endpoints: group.map((each) => each.id),
      amount,
      traced,
      ...bounds,
    }
  })
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')
const lines = (rows: readonly unknown[]): string => rows.map((row) => `${canonicalJson(row)}\n`).join('')

const ASSETS = new Map([
  ['bitcoin', { symbol: 'BTC', decimals: 8 }],
  ['tron', { symbol: 'USDT', decimals: 6 }],
])
const drawBundleFlow = (report: Report): string => drawFlow(report, { assetOf: (chain) => ASSETS.get(chain) })

/** Parts as texts, with the hashes that the report holds of the others. `draw` makes flow.svg from the report. */
export function bundleTexts(parts: BundleParts, draw: (report: Report) => string = drawBundleFlow): BundleTexts {
  const ledger = lines(parts.ledger)
  const journal = lines(parts.journal)
  const report = sealedReport(parts.report as Report, {
    'ledger.ndjson': ledger,
    'journal.ndjson': journal,
    'tags.csv': parts.tags,
  })
  const facts = new Map(
    parts.ledger.filter((line) => 'symbol' in line).map((line) => [`${line.chain} ${line.asset}`, line as never]),
  )
  const table = writeEndpointsCsv({
    endpoints: report.endpoints,
    methods: methodKeys(report),
    assetOf: (chain, asset) => facts.get(`${chain} ${asset}`),
  })
  return {
    'request.json': canonicalJson(parts.request),
    'ledger.ndjson': ledger,
    'tags.csv': parts.tags,
    'report.json': canonicalJson(report),
    'journal.ndjson': journal,
    'certificates.ndjson': lines(omittedRows(report)),
    'endpoints.csv': [...table].join(''),
    'flow.svg': draw(report),
    'run.json': canonicalJson(parts.run),
  }
}

/** The drawn bundle proves nothing of its bounds, and says so. */
function omittedRows(report: Report): unknown[] {
  const bounded = (list: 'endpoints' | 'services' | 'holdings', chain: string): string[] =>
    report[list].flatMap((row, index) => (row.chain === chain && row.floor !== null ? [`/${list}/${index}`] : []))
  return [
    ['bitcoin', 'output'],
    ['tron', 'address'],
  ].map(([chain, pool]) => ({
    kind: 'omitted',
    chain,
    pool,
    rows: (['endpoints', 'services', 'holdings'] as const).flatMap((list) => bounded(list, chain)),
  }))
}

/** The report with the hashes and row counts of these contents. */
export function sealedReport(
  report: Report,
  contents: Pick<BundleTexts, 'ledger.ndjson' | 'journal.ndjson' | 'tags.csv'>,
): Report {
  const rowsOf = (content: string): number => content.split('\n').length - 1
  const ledger = contents['ledger.ndjson']
  const journal = contents['journal.ndjson']
  return {
    ...report,
    data: [{ name: 'ledger.ndjson.gz', sha256: sha256(gzipDeterministic(ledger)), rows: rowsOf(ledger) }],
    tagPacks: [{ name: 'tags.csv', sha256: sha256(contents['tags.csv']), version: null }],
    journal: { file: 'journal.ndjson.gz', sha256: sha256(gzipDeterministic(journal)), rows: rowsOf(journal) },
  }
}

/** Writes texts as a bundle, with a manifest that fits them. Whatever the directory held is gone. */
export async function writeBundle(directory: string, texts: BundleTexts): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  const files: { name: string; sha256: string; bytes: number }[] = []
  for (const [name, text] of Object.entries(texts)) {
    const packed = name.endsWith('.ndjson')
    const content = packed ? await gzipDeterministic(text) : Buffer.from(text)
    const file = packed ? `${name}.gz` : name
    await writeFile(join(directory, file), content)
    files.push({ name: file, sha256: sha256(content), bytes: content.length })
  }
  files.sort((a, b) => (a.name < b.name ? -1 : 1))
  await writeFile(join(directory, 'manifest.json'), canonicalJson({ schema: 'proceeds-manifest/1', files }))
}
