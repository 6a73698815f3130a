import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalJson } from '../../../src/report/canonical.ts'
import type { BoundRow, CertificateRow, EdgeRow, EntryRow, Report } from '../../../src/report/format.ts'
import { gzipDeterministic } from '../../../src/report/gzip.ts'
import { writeManifest } from '../../../src/report/manifest.ts'
import { verifyBundle } from '../../../src/report/verify.ts'
import { replayBundle } from '../../../src/work/replay.ts'
import { runTrace } from '../../../src/work/run.ts'
import {
  coinAddress,
  type DrawnFiles,
  idOf,
  randomCoinCase,
  randomTokenCase,
  TOKEN,
  tokenAddress,
} from '../../support/random-case.ts'

type Loose<T> = T extends readonly (infer Item)[]
  ? Loose<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Loose<T[Key]> }
    : T

let home: string
let number = 0
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'certificates-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

/** Traces a drawn case into a bundle and answers where it is. */
async function trace({ request, ledger, tags }: DrawnFiles): Promise<string> {
  const directory = join(home, String(number++))
  await mkdir(directory)
  await writeFile(join(directory, 'ledger.ndjson'), ledger.map((line) => `${JSON.stringify(line)}\n`).join(''))
  await writeFile(join(directory, 'tags.csv'), tags)
  const out = join(directory, 'bundle')
  await runTrace({
    request,
    ledgers: [join(directory, 'ledger.ndjson')],
    tags: [join(directory, 'tags.csv')],
    out,
    run: { by: null, startedAt: '2026-01-01T00:00:00Z', host: null },
  })
  return out
}

const certificatesOf = async (bundle: string): Promise<Loose<CertificateRow>[]> =>
  gunzipSync(await readFile(join(bundle, 'certificates.ndjson.gz')))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** Puts these certificates into the bundle, with a manifest that fits them: a lie that no hash gives away. */
async function replaceCertificates(bundle: string, rows: readonly unknown[]): Promise<void> {
  const text = rows.map((row) => `${canonicalJson(row)}\n`).join('')
  await writeFile(join(bundle, 'certificates.ndjson.gz'), await gzipDeterministic(text))
  await rm(join(bundle, 'manifest.json'))
  await writeManifest(bundle)
}

const told = async (bundle: string): Promise<string[]> =>
  (await verifyBundle(bundle)).findings.map(
    ({ rule, file, where, expected, found }) => `${rule}: ${file} ${where}: expected ${expected}; found ${found}`,
  )

/**
 *     t0  -> vendor 100 (seed 60)      t2  vendor 100, other 50 -> mid 90, shop 58      fee 2
 *     t1  -> other 50                  t3  mid 90 -> shop 70, rest 20
 */
const DRAWN: DrawnFiles = (() => {
  const [t0, t1, t2, t3] = ['t0', 't1', 't2', 't3'].map(idOf)
  const utxo = (
    id: string,
    height: number,
    inputs: [string, number, string, number][],
    outputs: [string, number][],
  ) => ({
    ...{ chain: 'bitcoin', id, height, index: 1, time: `2022-01-01T00:00:0${height}Z` },
    inputs: inputs.map(([transaction, output, name, amount]) => ({
      ...{ transaction, output, address: coinAddress(name), amount: String(amount) },
    })),
    outputs: outputs.map(([name, amount]) => ({ address: coinAddress(name), amount: String(amount) })),
  })
  return {
    request: {
      case: 'drawn',
      method: { primary: 'fifo', reason: 'drawn' },
      seeds: [{ id: 'buy', chain: 'bitcoin', transaction: t0, output: 0, amount: '60', reason: 'drawn' }],
      compare: ['lifo'],
    },
    ledger: [
      { chain: 'bitcoin', covers: 'all' },
      utxo(t0, 1, [[idOf('x'), 0, 'buyer', 100]], [['vendor', 100]]),
      utxo(t1, 2, [[idOf('y'), 0, 'payer', 50]], [['other', 50]]),
      utxo(t2, 3, [[t0, 0, 'vendor', 100], [t1, 0, 'other', 50]], [['mid', 90], ['shop', 58]]), // biome-ignore format: as drawn
      utxo(t3, 4, [[t2, 0, 'mid', 90]], [['shop', 70], ['rest', 20]]), // biome-ignore format: as drawn
    ],
    tags: `chain,address,label,category,source\nbitcoin,${coinAddress('shop')},Shop,exchange,list\n`,
  }
})()

describe('certificates of a drawn case', () => {
  it('prove what a pencil finds', async () => {
    const bundle = await trace(DRAWN)
    expect(await told(bundle)).toEqual([])
    const report: Report = JSON.parse(await readFile(join(bundle, 'report.json'), 'utf8'))
    // Of 128 paid to the shop, 90 is not proceeds at most; 20 and 2 can hold 22 of the 60: at least 38 is.
    expect(report.services.map(({ floor, ceiling, amount }) => [floor, ceiling, amount])).toEqual([
      ['38', '60', '128'],
      ['38', '60', '128'],
    ])
    const rows = await certificatesOf(bundle)
    const bounds = rows.filter((row): row is Loose<BoundRow> => row.kind === 'bound')
    const all = bounds.filter(({ row }) => row === '/services/0')
    expect(all.map(({ side, inflow, value }) => [side, inflow, value])).toEqual([
      ['floor', '128', '38'],
      ['ceiling', '128', '60'],
    ])
    for (const { side, inflow, value, cut } of all) {
      const sum = cut.reduce((total, { amount }) => total + Number(amount), 0)
      expect(sum).toBe(side === 'ceiling' ? Number(value) : Number(inflow) - Number(value))
    }
  })
})

type Plant = (rows: Loose<CertificateRow>[]) => number

const isBound =
  (row: string, side: 'floor' | 'ceiling') =>
  (each: Loose<CertificateRow>): each is Loose<BoundRow> =>
    each.kind === 'bound' && each.row === row && each.side === side

/** Changes a bound's line; answers its number. */
const inBound =
  (row: string, side: 'floor' | 'ceiling', change: (bound: Loose<BoundRow>) => void): Plant =>
  (rows) => {
    const at = rows.findIndex(isBound(row, side))
    change(rows[at] as Loose<BoundRow>)
    return at + 1
  }
const inEntry =
  (entry: number, change: (entry: Loose<EntryRow>) => void): Plant =>
  (rows) => {
    const at = rows.findIndex((each) => each.kind === 'entry' && each.entry === entry)
    change(rows[at] as Loose<EntryRow>)
    return at + 1
  }
const more = (edge: Loose<EdgeRow> | undefined, by = 1) => {
  edge!.amount = String(Number(edge!.amount) + by)
}

/** Every lie is told with a manifest that fits it. */
const LIES: [name: string, plant: Plant][] = [
  ['a cut with an edge left out', inBound('/services/0', 'ceiling', ({ cut }) => cut.pop())],
  [
    'a cut with an edge left out and the sum made up by another',
    inBound('/endpoints/1', 'floor', ({ cut }) => more(cut[0], Number(cut.pop()!.amount))),
  ],
  ['a cut with more room than its edge has', inBound('/endpoints/0', 'ceiling', ({ cut }) => more(cut[0]))],
  ['a cut that names an edge twice', inBound('/endpoints/0', 'ceiling', ({ cut }) => cut.push({ ...cut[0] }))],
  [
    'a cut elsewhere in the network with the right sum',
    inBound('/endpoints/0', 'ceiling', (bound) => {
      bound.cut = [{ edge: 'rest', at: `${idOf('t3')}:1`, asset: 'native', amount: bound.value }]
    }),
  ],
  ['an edge that is not in the network', inBound('/services/0', 'floor', ({ cut }) => (cut[0].entry = 99))],
  ['a flow with an edge left out', inBound('/services/0', 'ceiling', ({ flow }) => flow.shift())],
  ['a flow that carries more than it can', inBound('/services/0', 'floor', ({ flow }) => more(flow[0], 1000))],
  [
    'a flow that carries nothing',
    inBound('/services/0', 'floor', ({ flow }) => more(flow[0], -Number(flow[0].amount))),
  ],
  ['a flow out of nowhere', inBound('/endpoints/1', 'ceiling', (bound) => (bound.flow = bound.flow.slice(-1)))],
  [
    'a flow out of the other colour',
    inBound('/endpoints/1', 'ceiling', ({ flow }) => {
      const seed = flow.findIndex(({ edge }) => edge === 'seed')
      flow[seed] = { edge: 'in', entry: 1, in: 1, amount: flow[seed].amount }
    }),
  ],
  [
    'a flow that ends elsewhere',
    inBound('/endpoints/1', 'ceiling', ({ flow }) => {
      flow.push({ edge: 'rest', at: `${idOf('t3')}:1`, asset: 'native', amount: '1' })
    }),
  ],
  ['a figure that is not the report’s', inBound('/endpoints/0', 'floor', (bound) => (bound.value = '1'))],
  ['another inflow', inBound('/endpoints/0', 'floor', (bound) => (bound.inflow = '59'))],
  ['a proof of another row', inBound('/endpoints/0', 'floor', (bound) => (bound.row = '/endpoints/1'))],
  ['a proof of no row', inBound('/endpoints/0', 'floor', (bound) => (bound.row = '/endpoints/7'))],
  ['another id', inBound('/endpoints/0', 'floor', (bound) => (bound.id = 'E9'))],
  ['a proof under another network', inBound('/endpoints/0', 'floor', (bound) => (bound.network = 1))],
  ['an entry that moves more', inEntry(1, (entry) => (entry.out[1].amount = '59'))],
  ['an entry that takes from elsewhere', inEntry(1, (entry) => (entry.in[1] = { from: 'clean', amount: '49' }))],
  ['an entry whose pool was made clean', inEntry(1, (entry) => (entry.in[0] = { from: 'clean', amount: '100' }))],
  ['an entry of another transaction', inEntry(1, (entry) => (entry.transaction = idOf('t1')))],
  [
    'a payment on the way said to end the trace',
    (rows) => inEntry(1, (entry) => (entry.out[0] = { leg: 0, sink: 'service', amount: '90' }))(rows) + 1,
  ],
  [
    'a payment at its end said to go to a service',
    inEntry(2, (entry) => (entry.out[1] = { leg: 1, sink: 'service', amount: '20' })),
  ],
  ['a seed made smaller', inEntry(0, (entry) => (entry.out[0].seeds = [{ seed: 'buy', amount: '50' }]))],
  ['a seed left out', inEntry(0, (entry) => delete entry.out[0].seeds)],
  [
    'an opening that nobody declared',
    (rows) => {
      rows.splice(1, 0, { kind: 'opening', network: 0, asset: 'native', at: `${idOf('t0')}:0`, amount: '5' })
      return 1
    },
  ],
  [
    'a movement left out',
    (rows) => {
      const at = rows.findIndex((each) => each.kind === 'entry' && each.entry === 2)
      rows.splice(at, 1)
      return 1
    },
  ],
  [
    'a movement that never was',
    (rows) => {
      const at = rows.findIndex((each) => each.kind === 'entry' && each.entry === 2)
      rows.splice(at + 1, 0, { ...(rows[at] as EntryRow), entry: 3 } as Loose<EntryRow>)
      return at + 2
    },
  ],
  [
    'a proof left out',
    (rows) => {
      rows.splice(rows.findIndex(isBound('/services/0', 'floor')), 1)
      return 0
    },
  ],
  [
    'proofs omitted without a gap',
    (rows) => {
      rows.unshift({ kind: 'omitted', chain: 'bitcoin', pool: 'output', rows: ['/holdings/0'] })
      return 1
    },
  ],
]

describe('a planted error in the certificates', () => {
  it.each(LIES)('%s is found, and its line is named', async (_, plant) => {
    const bundle = await trace(DRAWN)
    const rows = await certificatesOf(bundle)
    const line = plant(rows)
    await replaceCertificates(bundle, rows)
    const findings = await told(bundle)
    expect(findings.join('\n')).toMatch(
      line === 0 ? /certificate: .*proof of the floor/ : `certificates.ndjson.gz line ${line}`,
    )
    expect(findings.every((each) => /^(certificate|shape)/.test(each))).toBe(true)
  })

  it('of a figure, in any line, is found', async () => {
    const bundle = await trace(DRAWN)
    const rows = await certificatesOf(bundle)
    let tried = 0
    for (let line = 0; line < rows.length; line++) {
      const text = canonicalJson(rows[line])
      for (const match of text.matchAll(/"(?:amount|value|inflow)":"(\d+)"/g)) {
        const at = match.index + match[0].lastIndexOf('"', match[0].length - 2) + 1
        const changed = `${text.slice(0, at)}${Number(match[1]) + 1}${text.slice(at + match[1].length)}`
        if (tried++ % 7 > 0) continue
        await replaceCertificates(bundle, rows.with(line, JSON.parse(changed)))
        const { findings } = await verifyBundle(bundle)
        expect(
          findings.map(({ rule }) => rule),
          `line ${line + 1}: ${changed}`,
        ).toContain('certificate')
      }
    }
  })
})

/**
 *     t0  payer  -> wallet 100 (seed buy: all)     t2  wallet -> shop 130    (50 left)
 *     t1  friend -> wallet  80                     t3  friend -> wallet 40   (90 left)
 */
const MIXED: DrawnFiles = {
  request: {
    case: 'mixed',
    method: { primary: 'fifo', reason: 'drawn' },
    seeds: [
      { id: 'buy', chain: 'ethereum', asset: TOKEN, transaction: `0x${idOf('m0')}`, transfer: 0, reason: 'drawn' },
    ],
    compare: ['ownFirst', 'proceedsFirst'],
  },
  ledger: [
    { chain: 'ethereum', covers: 'all' },
    ...[
      ['payer', 'wallet', '100'],
      ['friend', 'wallet', '80'],
      ['wallet', 'shop', '130'],
      ['friend', 'wallet', '40'],
    ].map(([from, to, amount], height) => ({
      ...{ chain: 'ethereum', id: `0x${idOf(`m${height}`)}`, height, index: 0, time: `2022-01-01T00:00:0${height}Z` },
      status: 'success',
      transfers: [{ index: 0, asset: TOKEN, from: tokenAddress(from), to: tokenAddress(to), amount }],
    })),
  ],
  tags: `chain,address,label,category,source\nethereum,${tokenAddress('shop')},Shop,exchange,list\n`,
}

describe('quantum of mixed property', () => {
  it('is the lesser of what was mixed in and what is left, with the low point and the shortfall', async () => {
    const bundle = await trace(MIXED)
    expect(await told(bundle)).toEqual([])
    const report: Report = JSON.parse(await readFile(join(bundle, 'report.json'), 'utf8'))
    const [row] = report.quantum
    expect(report.quantum).toHaveLength(1)
    const all = { fifo: '100', ownFirst: '100', proceedsFirst: '100' }
    expect(Object.entries(row.mixedIn).map(([key, { total }]) => [key, total])).toEqual(Object.entries(all))
    expect(row).toMatchObject({
      ...{ address: tokenAddress('wallet'), left: '90', covered: true, floor: '0', ceiling: '50' },
      lowest: { amount: '50', transaction: `0x${idOf('m2')}`, height: 2 },
      since: { transaction: `0x${idOf('m0')}`, height: 0 },
      quantum: { fifo: '90', ownFirst: '90', proceedsFirst: '90' },
      shortfall: { fifo: '10', ownFirst: '10', proceedsFirst: '10' },
    })
  })

  it.each([
    ['what is left', (report: Loose<Report>) => (report.quantum[0].left = '91'), '/left'],
    ['the low point', (report: Loose<Report>) => (report.quantum[0].lowest.amount = '49'), '/lowest/amount'],
    [
      'where the low point was',
      (report: Loose<Report>) => Object.assign(report.quantum[0].lowest, report.quantum[0].since),
      '/lowest/transaction',
    ],
    ['the ceiling of what is left', (report: Loose<Report>) => (report.quantum[0].ceiling = '40'), '/ceiling'],
  ])('told wrong of %s is found', async (_, lie, where) => {
    const bundle = await trace(MIXED)
    const report = JSON.parse(await readFile(join(bundle, 'report.json'), 'utf8'))
    lie(report)
    await writeFile(join(bundle, 'report.json'), canonicalJson(report))
    await rm(join(bundle, 'manifest.json'))
    await writeManifest(bundle)
    expect((await told(bundle)).join('\n')).toContain(where)
  })
})

describe('sensitivity', () => {
  it('says which figures fall with which assumption', async () => {
    const two: DrawnFiles = {
      ...MIXED,
      request: {
        ...MIXED.request,
        compare: [],
        seeds: [
          ...(MIXED.request.seeds as unknown[]),
          { id: 'dust', chain: 'ethereum', asset: TOKEN, transaction: `0x${idOf('m1')}`, transfer: 0, reason: 'drawn' },
        ],
      },
    }
    const bundle = await trace(two)
    expect(await told(bundle)).toEqual([])
    const report: Report = JSON.parse(await readFile(join(bundle, 'report.json'), 'utf8'))
    expect(report.endpoints[0].traced.fifo).toEqual({ total: '130', bySeed: { buy: '100', dust: '30' } })
    expect(report.sensitivity).toEqual([
      { without: 'tagSource', name: 'list', method: 'fifo', endpoints: [{ endpoint: 'E1', total: '0' }] },
      { without: 'seed', name: 'buy', method: 'fifo', endpoints: [{ endpoint: 'E1', total: '30' }] },
      { without: 'seed', name: 'dust', method: 'fifo', endpoints: [{ endpoint: 'E1', total: '100' }] },
    ])
  })

  it('comes again when the bundle is replayed, though less of the ledger is in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1 << 30), fc.boolean(), async (seed, coins) => {
        const bundle = await trace(coins ? randomCoinCase(seed) : randomTokenCase(seed))
        expect((await replayBundle(bundle)).different).toEqual([])
      }),
      { numRuns: 12 },
    )
  })
})

describe('certificates of cases drawn by chance', () => {
  const check = async (files: DrawnFiles) => {
    const bundle = await trace(files)
    expect((await told(bundle)).filter((each) => /certificate|quantum/.test(each))).toEqual([])
    await rm(bundle, { recursive: true })
  }
  it('hold on coins, by output, address and cluster, with limits and openings', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1 << 30), (seed) => check(randomCoinCase(seed))),
      { numRuns: 12 },
    )
  })
  it('hold on accounts, in the coin and in tokens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1 << 30), (seed) => check(randomTokenCase(seed))),
      { numRuns: 12 },
    )
  })
})
