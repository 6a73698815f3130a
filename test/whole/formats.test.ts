/**
 * The formats of DESIGN.md 4.1 to 4.5, to the letter, through the built command line. Each case is a small dump whose
 * answer was worked out by hand; the comment beside it says how.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { address } from 'bitcoinjs-lib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Conservation, Report } from '../../src/report/format.ts'
import { Desk, type Given, ndjson, proceeds, readJournal, readReport, TAG_HEADER, traceOn } from '../support/cli.ts'

let desk: Desk
beforeEach(() => {
  desk = new Desk()
})
afterEach(() => {
  desk.close()
})

/** Addresses with true checksums, each from one repeated byte. */
const btc = (byte: number) => address.toBase58Check(new Uint8Array(20).fill(byte), 0)
const tron = (byte: number) => address.toBase58Check(new Uint8Array(20).fill(byte), 0x41)
const eth = (byte: number) => `0x${byte.toString(16).padStart(2, '0').repeat(20)}`
const id = (number: number) => number.toString(16).padStart(64, '0')
const time = (height: number) => new Date(Date.UTC(2022, 0, 1) + height * 60_000).toISOString().replace('.000Z', 'Z')
const USDT = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'

/** A Bitcoin dump that fills its inputs in from the outputs it made. */
class Coins {
  readonly lines: object[]
  readonly chain: string
  private readonly made = new Map<string, { address: string | null; amount: string }>()

  constructor(covers: 'all' | string[] | null = 'all', chain = 'bitcoin') {
    this.chain = chain
    this.lines = covers === null ? [] : [{ chain, covers }]
  }

  private put(
    number: number,
    height: number,
    more: object,
    outputs: readonly (readonly [string | null, number | string])[],
  ) {
    const outs = outputs.map(([to, amount]) => ({ address: to, amount: amount.toString() }))
    for (const [i, out] of outs.entries()) this.made.set(`${number}:${i}`, out)
    const place = { chain: this.chain, id: id(number), height, index: 0, time: time(height) }
    this.lines.push({ ...place, ...more, outputs: outs })
    return this
  }

  mint(number: number, height: number, to: string, amount: number | string): this {
    return this.put(number, height, { coinbase: true, inputs: [] }, [[to, amount]])
  }

  /** Spends outputs `[transaction, output]`. */
  tx(
    number: number,
    height: number,
    spent: readonly (readonly [number, number])[],
    outputs: readonly (readonly [string | null, number | string])[],
  ): this {
    const inputs = spent.map(([from, output]) => ({
      transaction: id(from),
      output,
      ...(this.made.get(`${from}:${output}`) ?? {}),
    }))
    return this.put(number, height, { inputs }, outputs)
  }
}

const tokenFact = { chain: 'tron', asset: USDT, symbol: 'USDT', decimals: 6 }

/** One token transfer on an account chain, alone in its transaction and in its block. */
function pay(
  number: number,
  height: number,
  from: string,
  to: string,
  amount: number | string,
  more: object = {},
): object {
  return {
    chain: 'tron',
    id: id(number),
    height,
    index: 0,
    time: time(height),
    status: 'success',
    transfers: [{ index: 0, asset: USDT, from, to, amount: amount.toString() }],
    ...more,
  }
}

const coinSeed = (number: number, more: object = {}) => ({
  id: 's',
  chain: 'bitcoin',
  transaction: id(number),
  output: 0,
  reason: 'controlled purchase',
  ...more,
})

const tokenSeed = (number: number, more: object = {}) => ({
  id: 's',
  chain: 'tron',
  asset: USDT,
  transaction: id(number),
  transfer: 0,
  reason: 'controlled purchase',
  ...more,
})

const asking = (primary: string, seeds: object[], more: object = {}) => ({
  case: 'test-1',
  method: { primary, reason: 'the rule this test is about' },
  seeds,
  ...more,
})

const tag = (chain: string, at: string, category: string, from = '', to = '') =>
  `${chain},${at},${category} of the test,${category},Entity ${category},test,,${from},${to},`

/** Traces, expects success and a report that closes. */
function traced(given: Given, out = 'out'): Report {
  const { status, stderr } = traceOn(desk, given, out)
  expect(stderr === '' || status === 0, stderr).toBe(true)
  expect(status, stderr).toBe(0)
  const report = readReport(desk, out)
  closes(report)
  return report
}

const sinksOf = (sinks: Conservation['sinks']) =>
  [
    sinks.service,
    sinks.holding,
    sinks.mixer,
    sinks.bridge,
    sinks.burned,
    sinks.fee,
    sinks.horizon.hops,
    sinks.horizon.until,
    sinks.horizon.amount,
    sinks.horizon.transactions,
    sinks.unseen,
  ].map(BigInt)

const sum = (amounts: readonly bigint[]) => amounts.reduce((a, b) => a + b, 0n)

/** Every seed under every method closes like a ledger, and the rows of the report are what its sinks say. */
function closes(report: Report): void {
  expect(report.conservation.length).toBeGreaterThan(0)
  for (const row of report.conservation) {
    const { seed, method, seeded, convertedIn = '0', convertedOut = '0', sinks, balanced } = row
    expect(balanced).toBe(true)
    expect(BigInt(seeded) + BigInt(convertedIn)).toBe(sum(sinksOf(sinks)) + BigInt(convertedOut))
    const mine = (
      rows: readonly { sink: string; chain: string; asset: string; traced: Report['endpoints'][number]['traced'] }[],
      sink: string,
    ) =>
      sum(
        rows
          .filter((each) => each.sink === sink && each.chain === row.chain && each.asset === row.asset)
          .map((each) => BigInt(each.traced[method]?.bySeed[seed] ?? '0')),
      )
    for (const sink of ['service', 'mixer', 'bridge'] as const) {
      expect(mine(report.endpoints, sink), `${sink} of ${seed} under ${method}`).toBe(BigInt(sinks[sink]))
    }
    for (const sink of ['holding', 'unseen'] as const) {
      expect(mine(report.holdings, sink), `${sink} of ${seed} under ${method}`).toBe(BigInt(sinks[sink]))
    }
  }
  for (const row of [...report.endpoints, ...report.holdings]) {
    for (const { total, bySeed } of Object.values(row.traced)) {
      expect(sum(Object.values(bySeed).map(BigInt))).toBe(BigInt(total))
      expect(BigInt(total) <= BigInt(row.amount)).toBe(true)
    }
  }
}

/** The sinks of one seed under one method that are not nothing, by name. */
function ended(report: Report, method: string, seed = 's'): Record<string, string> {
  const row = report.conservation.find((each) => each.method === method && each.seed === seed)
  if (!row) throw new Error(`no conservation of ${seed} under ${method}`)
  const { horizon, ...plain } = row.sinks
  const all = {
    ...plain,
    ...Object.fromEntries(Object.entries(horizon).map(([key, value]) => [`horizon.${key}`, value])),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '0'))
}

const gapsOf = (report: Report, kind: string) => report.gaps.filter((gap) => gap.kind === kind)

/** Refused: a named fault on stderr, exit 1, nothing written. */
function refused(given: Given, fault: string, saying: readonly string[] = []): void {
  const { status, stderr } = traceOn(desk, given)
  expect(stderr).toContain(fault)
  for (const word of saying) expect(stderr).toContain(word)
  expect(status).toBe(1)
  expect(desk.holds('out')).toBe(false)
}

/** The case of STYLE.md: theft 10 and salary 10 go in; 12 to an exchange, 7 to somebody, 1 in fees. */
const mixed = () =>
  new Coins()
    .mint(1, 1, btc(1), 10)
    .mint(2, 2, btc(2), 10)
    .tx(
      3,
      3,
      [
        [1, 0],
        [2, 0],
      ],
      [
        [btc(3), 12],
        [btc(4), 7],
      ],
    )
const EXCHANGE_3 = tag('bitcoin', btc(3), 'exchange')

/** A wallet that held 4, gets 6 of proceeds, and pays 5 to an exchange. */
const wallet = () => [
  tokenFact,
  { chain: 'tron', covers: [tron(2)] },
  { chain: 'tron', asset: USDT, address: tron(2), opening: '4' },
  pay(1, 1, tron(1), tron(2), 6),
  pay(2, 2, tron(2), tron(3), 5),
]
const EXCHANGE_T3 = tag('tron', tron(3), 'exchange')

describe('methods', () => {
  test.each([
    // As STYLE.md draws it.
    ['fifo', { service: '10' }, '10', undefined],
    ['lifo', { service: '2', holding: '7', fee: '1' }, '2', '7'],
    ['proRata', { service: '6', holding: '4' }, '6', '4'],
    ['tiho', { service: '10' }, '10', undefined],
  ])('outputs: %s', (primary, sinks, service, held) => {
    const compare = ['fifo', 'lifo', 'proRata', 'tiho'].filter((method) => method !== primary)
    const request = asking(primary, [coinSeed(1)], { compare })
    const report = traced({ ledger: mixed().lines, tags: [EXCHANGE_3], request })
    expect(ended(report, primary)).toEqual(sinks)
    expect(report.endpoints).toHaveLength(1)
    const [endpoint] = report.endpoints
    expect(endpoint).toMatchObject({ sink: 'service', chain: 'bitcoin', asset: 'native', address: btc(3), hops: 1 })
    expect(endpoint).toMatchObject({ transaction: id(3), output: 0, height: 3, time: time(3), amount: '12' })
    expect(endpoint.service).toEqual({ entity: 'Entity exchange', label: 'exchange of the test', category: 'exchange' })
    expect(endpoint.traced[primary]).toEqual({ total: service, bySeed: { s: service } })
    // All of the methods asked for are beside it, each with its own figure.
    expect(endpoint.traced.lifo.total).toBe('2')
    expect(endpoint.traced.proRata.total).toBe('6')
    // Any rule puts at least 2 of the 10 in the 12 (7 + 1 hold 8 at most), and at most 10.
    expect(endpoint).toMatchObject({ floor: '2', ceiling: '10' })
    const holding = report.holdings.find((row) => row.address === btc(4))
    // A row that another method fills says nothing was traced there by this one.
    expect(holding?.traced[primary]?.total).toBe(held ?? '0')
  })

  test.each([
    ['fifo', '1', '5'], // the 4 held before stand first
    ['lifo', '5', '1'],
    ['proRata', '3', '3'], // 5 × 6/10
    ['ownFirst', '1', '5'],
    ['proceedsFirst', '5', '1'],
  ])('balances: %s', (primary, service, held) => {
    const compare = ['fifo', 'lifo', 'proRata', 'ownFirst', 'proceedsFirst'].filter((method) => method !== primary)
    const request = asking(primary, [tokenSeed(1)], { compare })
    const report = traced({ ledger: wallet(), tags: [EXCHANGE_T3], request })
    expect(ended(report, primary)).toEqual({ service, holding: held })
    expect(report.endpoints[0]).toMatchObject({
      address: tron(3),
      asset: USDT,
      transaction: id(2),
      transfer: 0,
      amount: '5',
    })
    expect(report.holdings[0]).toMatchObject({ sink: 'holding', address: tron(2), pool: 'address', amount: '5' })
    // In one balance the floor is what proceeds are paid when own money goes first, the ceiling when proceeds do.
    expect(report.endpoints[0]).toMatchObject({ floor: '1', ceiling: '5' })
  })

  test('a token’s gas is another asset and touches no token', () => {
    const gas = { fee: { from: tron(2), amount: '345000' } }
    const ledger = [...wallet().slice(0, 4), pay(2, 2, tron(2), tron(3), 5, gas)]
    const report = traced({ ledger, tags: [EXCHANGE_T3], request: asking('fifo', [tokenSeed(1)]) })
    expect(ended(report, 'fifo')).toEqual({ service: '1', holding: '5' })
  })

  test('outputs as balances beside outputs: the second pool has keys and rows of its own', () => {
    // One address gets 10 of its own and 10 of proceeds and spends only the second: the coin says proceeds, the
    // balance, oldest first, says its own.
    const coins = new Coins()
      .mint(1, 1, btc(1), 10)
      .mint(2, 2, btc(1), 10)
      .tx(3, 3, [[2, 0]], [[btc(3), 10]])
    const request = asking('fifo', [coinSeed(2)], { pool: { bitcoin: ['output', 'address'] } })
    const report = traced({ ledger: coins.lines, tags: [EXCHANGE_3], request })
    expect(ended(report, 'fifo')).toEqual({ service: '10' })
    expect(ended(report, 'fifo@address')).toEqual({ holding: '10' })
    expect(report.holdings.filter((row) => row.traced['fifo@address'])).toMatchObject([
      { pool: 'address', address: btc(1) },
    ])
  })
})

describe('seeds', () => {
  test('several keep labels of their own', () => {
    const report = traced({
      ledger: mixed().lines,
      tags: [EXCHANGE_3],
      request: asking('fifo', [coinSeed(1, { id: 'a' }), coinSeed(2, { id: 'b' })]),
    })
    // 12 = a 10 and b 2; then b 7 and b 1 in the fee.
    expect(report.endpoints[0].traced.fifo).toEqual({ total: '12', bySeed: { a: '10', b: '2' } })
    expect(ended(report, 'fifo', 'a')).toEqual({ service: '10' })
    expect(ended(report, 'fifo', 'b')).toEqual({ service: '2', holding: '7', fee: '1' })
    expect(report.seeds.map((seed) => seed.id)).toEqual(['a', 'b'])
  })

  test('part of a payment stands first in it', () => {
    const coins = new Coins().mint(1, 1, btc(1), 10).tx(
      2,
      2,
      [[1, 0]],
      [
        [btc(3), 4],
        [btc(4), 6],
      ],
    )
    const report = traced({
      ledger: coins.lines,
      tags: [EXCHANGE_3],
      request: asking('fifo', [coinSeed(1, { amount: '5' })]),
    })
    expect(ended(report, 'fifo')).toEqual({ service: '4', holding: '1' })
    expect(report.seeds).toMatchObject([
      { id: 's', amount: '5', transaction: id(1), output: 0, address: btc(1), time: time(1) },
    ])
  })

  test('two claims on one payment never exceed it, and the report says so', () => {
    const request = asking('fifo', [coinSeed(1, { id: 'b' }), coinSeed(1, { id: 'a' })])
    const report = traced({ ledger: mixed().lines, tags: [EXCHANGE_3], request })
    expect(report.endpoints[0].traced.fifo).toEqual({ total: '10', bySeed: { a: '10' } })
    expect(gapsOf(report, 'SEED_OVERLAP')).not.toEqual([])
  })

  test('an address is every payment it got in the window, both ends included', () => {
    const ledger = [
      tokenFact,
      { chain: 'tron', covers: [tron(2)] },
      ...[1, 2, 4, 8, 16].map((amount, i) => pay(i + 1, i + 1, tron(1), tron(2), amount)),
    ]
    const seed = { id: 's', chain: 'tron', asset: USDT, address: tron(2), reason: 'address in a seized phone' }
    // Payments 2, 3 and 4 lie in the window: 2 + 4 + 8.
    const request = asking('fifo', [{ ...seed, from: time(2), until: time(4) }])
    const report = traced({ ledger, request })
    expect(ended(report, 'fifo')).toEqual({ holding: '14' })
    expect(report.seeds.map((row) => row.amount)).toEqual(['2', '4', '8'])
    // Without a window all of them: 31.
    const whole = traced({ ledger, request: asking('fifo', [seed]) }, 'whole')
    expect(ended(whole, 'fifo')).toEqual({ holding: '31' })
  })

  test('an address on a chain of outputs', () => {
    const coins = new Coins().mint(1, 1, btc(1), 10).mint(2, 2, btc(1), 20).mint(3, 3, btc(1), 40)
    const seed = { id: 's', chain: 'bitcoin', address: btc(1), from: time(2), until: time(2), reason: 'vendor' }
    expect(ended(traced({ ledger: coins.lines, request: asking('fifo', [seed]) }), 'fifo')).toEqual({ holding: '20' })
  })
})

describe('limits', () => {
  /** 10 of proceeds go 1 → 2 → 3 → 4, whole, the last into an exchange. */
  const line = () =>
    new Coins()
      .mint(1, 1, btc(1), 10)
      .tx(2, 2, [[1, 0]], [[btc(11), 10]])
      .tx(3, 3, [[2, 0]], [[btc(12), 10]])
      .tx(4, 4, [[3, 0]], [[btc(3), 10]])
  const limited = (limits: object) =>
    traced({ ledger: line().lines, tags: [EXCHANGE_3], request: asking('fifo', [coinSeed(1)], { limits }) })

  test('hops: the transaction after the last hop is not followed', () => {
    const report = limited({ hops: 2 })
    expect(ended(report, 'fifo')).toEqual({ 'horizon.hops': '10' })
    expect(gapsOf(report, 'HORIZON_HOPS')).not.toEqual([])
  })

  test('hops: as many as the way is long are enough', () => {
    const report = limited({ hops: 3 })
    expect(ended(report, 'fifo')).toEqual({ service: '10' })
    expect(report.endpoints[0].hops).toBe(3)
  })

  test('until: what happens later is not followed, what happens then is', () => {
    const report = limited({ until: time(3) })
    expect(ended(report, 'fifo')).toEqual({ 'horizon.until': '10' })
    expect(gapsOf(report, 'HORIZON_UNTIL')).not.toEqual([])
  })

  test('until: the last second counts', () => {
    expect(ended(limited({ until: time(4) }), 'fifo')).toEqual({ service: '10' })
  })

  test('transactions', () => {
    const report = limited({ transactions: 1 })
    expect(ended(report, 'fifo')).toEqual({ 'horizon.transactions': '10' })
    expect(gapsOf(report, 'HORIZON_TRANSACTIONS')).not.toEqual([])
  })

  test('amount: smaller payments are not followed, those of that size are', () => {
    const coins = new Coins().mint(1, 1, btc(1), 10).tx(
      2,
      2,
      [[1, 0]],
      [
        [btc(11), 1],
        [btc(12), 2],
        [btc(3), 7],
      ],
    )
    const request = asking('fifo', [coinSeed(1)], { limits: { amount: '2' } })
    const report = traced({ ledger: coins.lines, tags: [EXCHANGE_3], request })
    expect(ended(report, 'fifo')).toEqual({ service: '7', holding: '2', 'horizon.amount': '1' })
    expect(gapsOf(report, 'HORIZON_AMOUNT')).not.toEqual([])
  })
})

describe('where a trace ends', () => {
  test('at a service, a mixer, a bridge, a burn, each under its own name', () => {
    const coins = new Coins().mint(1, 1, btc(1), 20).tx(
      2,
      2,
      [[1, 0]],
      [
        [btc(3), 1],
        [btc(4), 2],
        [btc(5), 4],
        [btc(6), 8],
      ],
    )
    const tags = [
      EXCHANGE_3,
      tag('bitcoin', btc(4), 'mixer'),
      tag('bitcoin', btc(5), 'bridge'),
      tag('bitcoin', btc(6), 'burn'),
    ]
    const report = traced({ ledger: coins.lines, tags, request: asking('fifo', [coinSeed(1)]) })
    expect(ended(report, 'fifo')).toEqual({ service: '1', mixer: '2', bridge: '4', burned: '8', fee: '5' })
    expect(report.endpoints.map((row) => row.sink).sort()).toEqual(['bridge', 'mixer', 'service'])
    expect(gapsOf(report, 'BRIDGE_UNMATCHED')).not.toEqual([])
  })

  test('nothing passes through a service', () => {
    const coins = mixed().tx(4, 4, [[3, 0]], [[btc(9), 12]])
    const report = traced({ ledger: coins.lines, tags: [EXCHANGE_3], request: asking('fifo', [coinSeed(1)]) })
    expect(ended(report, 'fifo')).toEqual({ service: '10' })
    expect(JSON.stringify(report.holdings)).not.toContain(btc(9))
  })

  test.each([
    // The payment comes at minute 3; validFrom counts, validTo no longer does.
    ['from that second on', time(3), '', { service: '10' }],
    ['until that second', '', time(3), { holding: '10' }],
    ['until the second after', '', time(3).replace('00Z', '01Z'), { service: '10' }],
    ['from the second after', time(3).replace('00Z', '01Z'), '', { holding: '10' }],
  ])('a tag counts within its validity: %s', (_, from, to, sinks) => {
    const tags = [tag('bitcoin', btc(3), 'exchange', from, to)]
    const report = traced({ ledger: mixed().lines, tags, request: asking('fifo', [coinSeed(1)]) })
    expect(ended(report, 'fifo')).toEqual(sinks)
  })

  test('a tag of a vendor stops nothing', () => {
    const tags = [tag('bitcoin', btc(3), 'drug_sale/darknet_market')]
    const report = traced({ ledger: mixed().lines, tags, request: asking('fifo', [coinSeed(1)]) })
    expect(ended(report, 'fifo')).toEqual({ holding: '10' })
  })

  test('a tag of another chain stops nothing', () => {
    const tags = [tag('litecoin', address.toBase58Check(new Uint8Array(20).fill(3), 0x30), 'exchange')]
    const report = traced({ ledger: mixed().lines, tags, request: asking('fifo', [coinSeed(1)]) })
    expect(ended(report, 'fifo')).toEqual({ holding: '10' })
  })

  test.each([
    ['all is covered', 'all' as const, { holding: '10' }],
    ['the address is covered', [btc(1), btc(3)], { holding: '10' }],
    ['another address is covered', [btc(1)], { unseen: '10' }],
    ['nothing is covered', null, { unseen: '10' }],
  ])('a dump’s silence is a balance only where it covers: %s', (_, covers, sinks) => {
    const coins = new Coins(covers).mint(1, 1, btc(1), 10).tx(2, 2, [[1, 0]], [[btc(3), 10]])
    const report = traced({ ledger: coins.lines, request: asking('fifo', [coinSeed(1)]) })
    expect(ended(report, 'fifo')).toEqual(sinks)
  })
})

describe('what the dump does not show', () => {
  /** 6 of proceeds arrive and 10 leave: 4 must have been there before. */
  const overspent = (...facts: object[]) => [
    tokenFact,
    ...facts,
    pay(1, 1, tron(1), tron(2), 6),
    pay(2, 2, tron(2), tron(3), 7),
    pay(3, 3, tron(2), tron(4), 3),
  ]

  test('an overspend is filled by unknown value that stood first, and is a gap', () => {
    const given = { ledger: overspent(), tags: [EXCHANGE_T3], request: asking('fifo', [tokenSeed(1)]) }
    const report = traced(given)
    // The 4 unknown go first: 7 = 4 + 3 of the seed; the other 3 of the seed go to an address nobody covers.
    expect(ended(report, 'fifo')).toEqual({ service: '3', unseen: '3' })
    const gaps = gapsOf(report, 'OPENING_UNKNOWN')
    expect(gaps).toHaveLength(1)
    expect(gaps[0].where).toContain(tron(2))
    expect(gaps[0].amount).toBe('4')
  })

  test('an opening that says so is no gap', () => {
    const opening = { chain: 'tron', asset: USDT, address: tron(2), opening: '4' }
    const report = traced({ ledger: overspent(opening), tags: [EXCHANGE_T3], request: asking('fifo', [tokenSeed(1)]) })
    expect(ended(report, 'fifo')).toEqual({ service: '3', unseen: '3' })
    expect(gapsOf(report, 'OPENING_UNKNOWN')).toEqual([])
  })

  test('without an overspend the gap says that the beginning was taken to be empty', () => {
    const ledger = [tokenFact, pay(1, 1, tron(1), tron(2), 6), pay(2, 2, tron(2), tron(3), 5)]
    const report = traced({ ledger, tags: [EXCHANGE_T3], request: asking('fifo', [tokenSeed(1)]) })
    // Had anything stood there first, fifo would send less of the seed to the service: the figure depends on it.
    expect(gapsOf(report, 'OPENING_UNKNOWN').map(({ amount }) => amount)).toEqual(['0'])
    expect(ended(report, 'fifo')).toEqual({ service: '5', unseen: '1' })
  })

  /** Without heights: the seed's 6, then 4 of somebody else's, then 5 out, at the minutes given. */
  const unplaced = (minutes: readonly number[]) => {
    const loose = (number: number, from: string, to: string, amount: number) => {
      const {
        height: _,
        index: __,
        ...rest
      } = pay(number, minutes[number - 1], from, to, amount) as Record<string, unknown>
      return rest
    }
    return [tokenFact, loose(1, tron(1), tron(2), 6), loose(2, tron(9), tron(2), 4), loose(3, tron(2), tron(3), 5)]
  }

  test('order from times is sound where no two events share one', () => {
    const report = traced({ ledger: unplaced([1, 2, 3]), tags: [EXCHANGE_T3], request: asking('lifo', [tokenSeed(1)]) })
    expect(gapsOf(report, 'ORDER_ASSUMED')).toEqual([])
    expect(ended(report, 'lifo')).toEqual({ service: '1', unseen: '5' })
  })

  test('order from ids within one time is a gap', () => {
    const report = traced({ ledger: unplaced([2, 2, 3]), tags: [EXCHANGE_T3], request: asking('lifo', [tokenSeed(1)]) })
    expect(
      gapsOf(report, 'ORDER_ASSUMED')
        .map((gap) => gap.where)
        .join(),
    ).toContain(tron(2))
    // Ids decide: 1 comes before 2, so the other's 4 are the newest.
    expect(ended(report, 'lifo')).toEqual({ service: '1', unseen: '5' })
  })
})

describe('what moves nothing', () => {
  test('failed transactions, payments of nothing and look-alikes are listed and not followed', () => {
    const lookAlike = tron(77)
    const spam = { transfers: [{ index: 0, asset: lookAlike, from: tron(2), to: tron(3), amount: '5' }] }
    const ledger = [
      tokenFact,
      { chain: 'tron', asset: lookAlike, symbol: 'USDT', decimals: 18 },
      { chain: 'tron', covers: [tron(2)] },
      pay(1, 1, tron(1), tron(2), 6),
      pay(2, 2, tron(2), tron(3), 5, { status: 'failed' }),
      pay(3, 3, tron(2), tron(3), 0),
      pay(4, 4, tron(2), tron(3), 5, spam),
    ]
    const report = traced({ ledger, tags: [EXCHANGE_T3], request: asking('fifo', [tokenSeed(1)]) })
    expect(ended(report, 'fifo')).toEqual({ holding: '6' })
    expect(report.endpoints).toEqual([])
    const rejected = report.rejected.map(({ transaction, reason }) => `${transaction} ${reason}`).sort()
    expect(rejected).toEqual([`${id(2)} failed`, `${id(3)} zero`, `${id(4)} lookAlike`])
  })

  test('a row that comes twice is one row', () => {
    const once = traced({ ledger: wallet(), tags: [EXCHANGE_T3], request: asking('fifo', [tokenSeed(1)]) }, 'once')
    const ledger = [...wallet(), ...wallet().slice(3)]
    const twice = traced({ ledger, tags: [EXCHANGE_T3], request: asking('fifo', [tokenSeed(1)]) }, 'twice')
    expect(twice).toEqual(once)
  })
})

describe('the bundle', () => {
  const FILES = [
    'certificates.ndjson.gz',
    'endpoints.csv',
    'flow.svg',
    'journal.ndjson.gz',
    'ledger.ndjson.gz',
    'manifest.json',
    'report.json',
    'request.json',
    'run.json',
    'tags.csv',
  ]
  const given = (): Given => ({
    ledger: mixed().lines,
    tags: [EXCHANGE_3],
    request: asking('lifo', [coinSeed(1, { id: 'a' }), coinSeed(2, { id: 'b' })], {
      compare: ['fifo', 'proRata', 'tiho'],
    }),
  })

  test('holds the files of DESIGN.md 4.4 and no other', () => {
    traced(given())
    expect(readdirSync(join(desk.path, 'out')).sort()).toEqual(FILES)
    const { files } = JSON.parse(readFileSync(join(desk.path, 'out', 'manifest.json'), 'utf8'))
    expect(files.map((file: { name: string }) => file.name)).toEqual(FILES.filter((name) => name !== 'manifest.json'))
    for (const { name, sha256, bytes } of files) {
      const data = readFileSync(join(desk.path, 'out', name))
      expect({ sha256: createHash('sha256').update(data).digest('hex'), bytes: data.length }).toEqual({ sha256, bytes })
    }
  })

  test('the report has the keys of DESIGN.md 4.4, and is written canonically', () => {
    const report = traced(given())
    const relied = [
      ...['schema', 'engine', 'case', 'request', 'snapshots', 'data', 'tagPacks', 'seeds', 'endpoints', 'holdings'],
      ...['conservation', 'paths', 'quantum', 'clusters', 'conversions', 'rejected', 'gaps', 'journal'],
    ]
    expect(relied.filter((key) => !(key in report))).toEqual([])
    // What the report says beyond DESIGN.md 4.4: sums a service, what a seed could have touched, what a figure hangs on.
    const more = Object.keys(report).filter((key) => !relied.includes(key))
    expect(more.filter((key) => !['services', 'reach', 'sensitivity', 'validation'].includes(key))).toEqual([])
    expect(report.schema).toBe('proceeds-report/1')
    expect(report.case).toBe('test-1')
    expect(Object.keys(report.engine).sort()).toEqual(['name', 'sourceDigest', 'version'])
    expect(Object.keys(report.conservation[0].sinks).sort()).toEqual([
      'bridge',
      'burned',
      'fee',
      'holding',
      'horizon',
      'mixer',
      'service',
      'unseen',
    ])
    // RFC 8785: keys sorted by UTF-16, no space between them; of this report's values JSON.stringify writes the rest.
    const sorted = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(sorted)
      if (value === null || typeof value !== 'object') return value
      const row = value as Record<string, unknown>
      return Object.fromEntries(
        Object.keys(row)
          .sort()
          .map((key) => [key, sorted(row[key])]),
      )
    }
    const text = readFileSync(join(desk.path, 'out', 'report.json'), 'utf8')
    expect(text.trimEnd()).toBe(JSON.stringify(sorted(report)))
  })

  test('paths end at endpoints, step by step, and add up to what was traced there', () => {
    const report = traced(given())
    for (const endpoint of report.endpoints) {
      const paths = report.paths.filter((path) => path.endpoint === endpoint.id)
      expect(paths.map((path) => path.id).sort()).toEqual([...endpoint.paths].sort())
      expect(sum(paths.map((path) => BigInt(path.amount)))).toBe(BigInt(endpoint.traced.lifo.total))
      for (const { amount, steps } of paths) {
        expect(steps.length).toBeGreaterThan(0)
        for (const step of steps) expect(BigInt(step.carried)).toBe(BigInt(amount))
        for (const [i, step] of steps.slice(1).entries()) expect(step.from).toBe(steps[i].to)
      }
    }
  })

  test('the journal balances in every entry, seed by seed and method by method', () => {
    const report = traced(given())
    const rows = readJournal(desk)
    expect(rows).toHaveLength(report.journal.rows)
    expect(rows.map((row) => row.row)).toEqual(rows.map((_, i) => i + 1))
    const flow = new Map<string, bigint>()
    for (const { kind, method, entry, seed, amount } of rows) {
      if (kind === 'rest') continue
      const key = `${method} ${entry} ${seed}`
      flow.set(key, (flow.get(key) ?? 0n) + (kind === 'out' ? -BigInt(amount) : BigInt(amount)))
    }
    expect([...flow.values()].filter((rest) => rest !== 0n)).toEqual([])
    expect(flow.size).toBeGreaterThan(0)
  })

  test('endpoints.csv has a line for each endpoint', () => {
    const report = traced(given())
    const [header, ...lines] = readFileSync(join(desk.path, 'out', 'endpoints.csv'), 'utf8')
      .trimEnd()
      .split('\n')
    expect(
      header.startsWith('id,sink,entity,label,category,chain,asset,symbol,decimals,address,transaction,place,'),
    ).toBe(true)
    expect(header).toContain('traced_lifo')
    expect(lines).toHaveLength(report.endpoints.length)
    expect(lines[0]).toContain(btc(3))
  })

  test('the order in which lines, tags, seeds and methods come changes no byte', () => {
    const tags = [EXCHANGE_3, tag('bitcoin', btc(4), 'drug_sale/darknet_market')]
    const seeds = [coinSeed(1, { id: 'a' }), coinSeed(2, { id: 'b' })]
    const compare = ['fifo', 'proRata']
    traced({ ledger: mixed().lines, tags, request: asking('lifo', seeds, { compare }) }, 'straight')
    const request = { ...asking('lifo', [...seeds].reverse(), { compare: [...compare].reverse() }) }
    traced({ ledger: [...mixed().lines].reverse(), tags: [...tags].reverse(), request }, 'turned')
    for (const name of FILES.filter((each) => each !== 'run.json' && each !== 'manifest.json')) {
      const straight = readFileSync(join(desk.path, 'straight', name))
      expect(readFileSync(join(desk.path, 'turned', name)).equals(straight), name).toBe(true)
    }
  })

  test('verify and replay find nothing to say', () => {
    traced(given())
    const out = join(desk.path, 'out')
    for (const command of ['verify', 'replay']) {
      const { status, stderr } = proceeds([command, out])
      expect(status, `${command}: ${stderr}`).toBe(0)
    }
  })

  /** The text of a file, in its packing, with its last digit made another. */
  function flip(path: string): void {
    const packed = path.endsWith('.gz')
    const data = readFileSync(path)
    const text = (packed ? gunzipSync(data) : data).toString('utf8')
    const at = text.search(/[0-9](?=[^0-9]*$)/)
    expect(at).toBeGreaterThan(-1)
    const turned = `${text.slice(0, at)}${(Number(text[at]) + 1) % 10}${text.slice(at + 1)}`
    writeFileSync(path, packed ? gzipSync(turned) : turned)
  }

  test.each(FILES)('one digit of %s is enough for verify to refuse and name it', (name) => {
    traced(given())
    flip(join(desk.path, 'out', name))
    const { status, stdout, stderr } = proceeds(['verify', join(desk.path, 'out')])
    expect(status).toBe(1)
    expect(stdout + stderr).toContain(name)
  })

  test('a figure changed with its hash made to fit still does not add up', () => {
    const report = traced(given())
    const path = join(desk.path, 'out', 'report.json')
    const text = readFileSync(path, 'utf8')
    const before = `"total":"${report.endpoints[0].traced.lifo.total}"`
    expect(text).toContain(before)
    const lie = text.replace(before, '"total":"11"')
    expect(lie).not.toBe(text)
    writeFileSync(path, lie)
    const manifestPath = join(desk.path, 'out', 'manifest.json')
    const sha = (data: string) => createHash('sha256').update(data).digest('hex')
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'))
    for (const file of manifest.files) {
      if (file.name !== 'report.json') continue
      file.sha256 = sha(lie)
      file.bytes = Buffer.byteLength(lie)
    }
    writeFileSync(manifestPath, JSON.stringify(manifest))
    expect(proceeds(['verify', join(desk.path, 'out')]).status).toBe(1)
  })

  test('a file too few or too many is refused', () => {
    traced(given())
    desk.write('out/more.txt', 'more')
    expect(proceeds(['verify', join(desk.path, 'out')]).status).toBe(1)
  })

  test('a directory that holds something else is not written over', () => {
    proceeds(['trace', 'nothing'], desk.path)
    traced(given(), 'first')
    desk.write('first/notes.txt', 'mine')
    const again = traceOn(desk, given(), 'first')
    expect(again.status).toBe(1)
    expect(again.stderr).toContain('OUTPUT_EXISTS')
    expect(readFileSync(join(desk.path, 'first', 'notes.txt'), 'utf8')).toBe('mine')
  })
})

describe('what comes in', () => {
  test('a packed dump is a dump', () => {
    const request = desk.write('request.json', JSON.stringify(asking('fifo', [coinSeed(1)])))
    const dump = desk.write('ledger.ndjson.gz', gzipSync(ndjson(mixed().lines)))
    const tags = desk.write('tags.csv', `${TAG_HEADER}\n${EXCHANGE_3}\n`)
    const { status, stderr } = proceeds([
      'trace',
      request,
      '--ledger',
      dump,
      '--tags',
      tags,
      '--out',
      join(desk.path, 'out'),
    ])
    expect(status, stderr).toBe(0)
    const packed = readReport(desk)
    closes(packed)
    expect(packed).toEqual(
      traced({ ledger: mixed().lines, tags: [EXCHANGE_3], request: asking('fifo', [coinSeed(1)]) }, 'plain'),
    )
  })

  test('several dumps are one ledger', () => {
    const { lines } = mixed()
    const request = desk.write('request.json', JSON.stringify(asking('fifo', [coinSeed(1)])))
    const one = desk.write('one.ndjson', ndjson(lines.slice(0, 2)))
    const two = desk.write('two.ndjson', ndjson(lines.slice(2)))
    const out = join(desk.path, 'out')
    const { status, stderr } = proceeds(['trace', request, '--ledger', one, '--ledger', two, '--out', out])
    expect(status, stderr).toBe(0)
    expect(ended(readReport(desk), 'fifo')).toEqual({ holding: '10' })
  })

  test('tags need five columns and no more', () => {
    const request = desk.write('request.json', JSON.stringify(asking('fifo', [coinSeed(1)])))
    const dump = desk.write('ledger.ndjson', ndjson(mixed().lines))
    const tags = desk.write(
      'tags.csv',
      `chain,address,label,category,source\nbitcoin,${btc(3)},Example,exchange,test\n`,
    )
    const { status, stderr } = proceeds([
      'trace',
      request,
      '--ledger',
      dump,
      '--tags',
      tags,
      '--out',
      join(desk.path, 'out'),
    ])
    expect(status, stderr).toBe(0)
    expect(ended(readReport(desk), 'fifo')).toEqual({ service: '10' })
  })

  test('amounts of 2^255 are whole', () => {
    const half = 1n << 255n
    const ledger = [
      { chain: 'tron', covers: 'all' },
      tokenFact,
      pay(1, 1, tron(1), tron(2), half.toString()),
      pay(2, 2, tron(2), tron(3), (half - 1n).toString()),
    ]
    const report = traced({
      ledger: ledger.slice(1),
      tags: [EXCHANGE_T3],
      request: asking('proRata', [tokenSeed(1)], { compare: ['fifo', 'lifo', 'ownFirst', 'proceedsFirst'] }),
    })
    for (const method of ['proRata', 'fifo', 'lifo', 'ownFirst', 'proceedsFirst']) {
      expect(ended(report, method)).toEqual({ service: (half - 1n).toString(), unseen: '1' })
    }
  })

  test('a chain by its CAIP-2 id, with balances', () => {
    const chain = 'eip155:1'
    const transfer = (number: number, from: string, to: string, amount: string) => ({
      chain,
      id: `0x${id(number)}`,
      height: number,
      index: 0,
      time: time(number),
      status: 'success',
      transfers: [{ index: 0, asset: 'native', from, to, amount }],
    })
    const ledger = [{ chain, covers: [eth(2)] }, transfer(1, eth(1), eth(2), '6'), transfer(2, eth(2), eth(3), '5')]
    const seed = { id: 's', chain, asset: 'native', transaction: `0x${id(1)}`, transfer: 0, reason: 'purchase' }
    const tags = [tag(chain, eth(3), 'exchange')]
    const report = traced({ ledger, tags, request: asking('fifo', [seed]) })
    expect(ended(report, 'fifo')).toEqual({ service: '5', holding: '1' })
    expect(report.endpoints[0].chain).toBe(chain)
    expect(report.endpoints[0].address?.toLowerCase()).toBe(eth(3))
  })

  test('a test network goes with its chain', () => {
    const at = (byte: number) => address.toBase58Check(new Uint8Array(20).fill(byte), 0x6f)
    const coins = new Coins('all', 'bitcoin-regtest').mint(1, 1, at(1), 10).tx(2, 2, [[1, 0]], [[at(3), 9]])
    const seed = coinSeed(1, { chain: 'bitcoin-regtest' })
    expect(ended(traced({ ledger: coins.lines, request: asking('tiho', [seed]) }), 'tiho')).toEqual({
      holding: '9',
      fee: '1',
    })
  })

  test('an output without an address is a holding like any other', () => {
    const coins = new Coins().mint(1, 1, btc(1), 10).tx(
      2,
      2,
      [[1, 0]],
      [
        [null, 4],
        [btc(4), 6],
      ],
    )
    const report = traced({ ledger: coins.lines, request: asking('fifo', [coinSeed(1)]) })
    expect(sum(report.holdings.map((row) => BigInt(row.traced.fifo.total)))).toBe(10n)
    expect(report.holdings).toContainEqual(
      expect.objectContaining({ address: null, transaction: id(2), output: 0, amount: '4' }),
    )
  })

  test('a balance in the chain’s own coin pays its gas with it', () => {
    const native = (number: number, from: string, to: string, amount: string, fee?: object) => ({
      ...pay(number, number, from, to, amount),
      transfers: [{ index: 0, asset: 'native', from, to, amount }],
      ...(fee ? { fee } : {}),
    })
    const ledger = [
      { chain: 'tron', covers: [tron(2)] },
      native(1, tron(1), tron(2), '10'),
      native(2, tron(2), tron(3), '6', { from: tron(2), amount: '1' }),
    ]
    const report = traced({ ledger, tags: [EXCHANGE_T3], request: asking('fifo', [tokenSeed(1, { asset: 'native' })]) })
    expect(ended(report, 'fifo')).toEqual({ service: '6', fee: '1', holding: '3' })
  })
})

describe('bad input has a name, and leaves nothing behind', () => {
  const good = (): { ledger: object[]; tags: string[]; request: Record<string, unknown> } => ({
    ledger: mixed().lines,
    tags: [EXCHANGE_3],
    request: asking('fifo', [coinSeed(1)]),
  })
  const lastLine = () => JSON.parse(JSON.stringify(mixed().lines.at(-1)))
  const asked = (request: object) => ({ ...good(), request })

  test('the good request is good', () => {
    traced(good())
  })

  test.each([
    ['a seed whose transaction is not in the ledger', [coinSeed(99)], 'SEED_NOT_FOUND', ['s', id(99)]],
    ['a seed whose output the transaction does not have', [coinSeed(1, { output: 7 })], 'SEED_NOT_FOUND', ['7']],
    ['a seed larger than its payment', [coinSeed(1, { amount: '11' })], 'SEED_EXCEEDS_PAYMENT', ['11', '10']],
    ['a seed that lies inside a service', [coinSeed(3)], 'SEED_INSIDE_SERVICE', []],
    ['a seed amount with a decimal point', [coinSeed(1, { amount: '1.5' })], 'AMOUNT_INVALID', ['1.5']],
    ['a seed amount that is a number', [coinSeed(1, { amount: 5 })], 'AMOUNT_INVALID', []],
    ['a seed without a reason', [coinSeed(1, { reason: undefined })], 'REQUEST_INVALID', ['reason']],
    ['a seed with a misspelt field', [coinSeed(1, { ouput: 0 })], 'REQUEST_INVALID', ['ouput']],
    ['two seeds of one id', [coinSeed(1), coinSeed(2)], 'REQUEST_INVALID', []],
    ['no seeds', [], 'REQUEST_INVALID', ['seeds']],
    [
      'a seed address with a wrong checksum',
      [
        {
          id: 's',
          chain: 'bitcoin',
          address: `${btc(1).slice(0, -1)}${btc(1).endsWith('1') ? '2' : '1'}`,
          reason: 'x',
        },
      ],
      'ADDRESS_INVALID',
      [],
    ],
    [
      'a lower-cased seed address',
      [{ id: 's', chain: 'bitcoin', address: btc(1).toLowerCase(), reason: 'x' }],
      'ADDRESS_INVALID',
      [],
    ],
  ] as [string, object[], string, string[]][])('%s', (_, seeds, fault, saying) => {
    refused(asked(asking('fifo', seeds)), fault, saying)
  })

  test.each([
    ['an unknown method', { method: { primary: 'hifo', reason: 'x' } }, 'METHOD_UNKNOWN', ['hifo']],
    ['an unknown method to compare', { compare: ['poison'] }, 'METHOD_UNKNOWN', ['poison']],
    ['own money first on outputs', { method: { primary: 'ownFirst', reason: 'x' } }, 'METHOD_UNFIT', ['ownFirst']],
    ['proceeds first beside, on outputs', { compare: ['proceedsFirst'] }, 'METHOD_UNFIT', ['proceedsFirst']],
    ['a misspelt method field', { method: { primary: 'fifo', reson: 'x' } }, 'REQUEST_INVALID', ['reson']],
    ['no method', { method: undefined }, 'REQUEST_INVALID', ['method']],
    ['a method without a reason', { method: { primary: 'fifo' } }, 'REQUEST_INVALID', ['reason']],
    ['an unknown field', { methd: 'lifo' }, 'REQUEST_INVALID', ['methd']],
    ['an unknown limit', { limits: { hopz: 1 } }, 'REQUEST_INVALID', ['hopz']],
    ['a limit below nothing', { limits: { hops: -1 } }, 'REQUEST_INVALID', ['hops']],
    ['a limit that is text', { limits: { hops: '1' } }, 'REQUEST_INVALID', ['hops']],
    ['an unknown pool', { pool: { bitcoin: 'purse' } }, 'REQUEST_INVALID', ['purse']],
  ] as [string, object, string, string[]][])('%s', (_, more, fault, saying) => {
    refused(asked(asking('fifo', [coinSeed(1)], more)), fault, saying)
  })

  test('method and seeds are all that must be there; the report prints the rest', () => {
    const { method, seeds } = good().request
    const { request } = traced({ ...good(), request: { method, seeds } })
    expect(request).toMatchObject({ method, pool: { bitcoin: 'output' }, compare: [], limits: { amount: '0' } })
    expect(request).toHaveProperty('rules')
  })

  test.each([
    ['is no JSON', '{', 'REQUEST_INVALID'],
    ['is a list', '[]', 'REQUEST_INVALID'],
    ['is nothing', '', 'REQUEST_INVALID'],
    ['says NaN', '{"case":NaN}', 'REQUEST_INVALID'],
  ])('a request that %s', (_, request, fault) => {
    refused({ ...good(), request }, fault)
  })

  test.each([
    ['an amount with a decimal point', { outputs: [{ address: btc(3), amount: '12.0' }] }, 'AMOUNT_INVALID', ['12.0']],
    ['a negative amount', { outputs: [{ address: btc(3), amount: '-12' }] }, 'AMOUNT_INVALID', ['-12']],
    ['an amount that is a number', { outputs: [{ address: btc(3), amount: 12 }] }, 'AMOUNT_INVALID', []],
    [
      'an address with a wrong checksum',
      { outputs: [{ address: `${btc(3).slice(0, -1)}${btc(3).endsWith('1') ? '2' : '1'}`, amount: '12' }] },
      'ADDRESS_INVALID',
      [],
    ],
    ['more out than in', { outputs: [{ address: btc(3), amount: '21' }] }, 'LEDGER_UNBALANCED', [id(3)]],
    ['no time', { time: undefined }, 'LEDGER_INVALID', ['time']],
    ['no id', { id: undefined }, 'LEDGER_INVALID', ['id']],
    ['an unknown field', { outptus: [] }, 'LEDGER_INVALID', ['outptus']],
  ] as [string, object, string, string[]][])('a line with %s', (_, more, fault, saying) => {
    const ledger = [...mixed().lines.slice(0, -1), { ...lastLine(), ...more }]
    refused({ ...good(), ledger }, fault, [...saying, '4'])
  })

  test.each([
    ['is no JSON', '{"chain":'],
    ['says NaN', '{"chain":"bitcoin","id":NaN}'],
    ['is a list', '[]'],
    ['says nothing known', '{"chain":"bitcoin"}'],
  ])('a line that %s', (_, line) => {
    refused({ ...good(), ledger: [...mixed().lines, line] }, 'LEDGER_INVALID', ['5'])
  })

  test('one transaction told in two ways', () => {
    const other = {
      ...lastLine(),
      outputs: [
        { address: btc(3), amount: '13' },
        { address: btc(4), amount: '6' },
      ],
    }
    refused({ ...good(), ledger: [...mixed().lines, other] }, 'LEDGER_CONTRADICTS', [id(3)])
  })

  const run = (files: { request?: string; ledger?: string }) => {
    const request = files.request ?? desk.write('request.json', JSON.stringify(good().request))
    const ledger = files.ledger ?? desk.write('ledger.ndjson', ndjson(mixed().lines))
    return proceeds(['trace', request, '--ledger', ledger, '--out', join(desk.path, 'out')])
  }

  test('a truncated gzip', () => {
    // Lines that do not pack away to nothing, so that the cut falls inside them.
    const coins = mixed()
    for (let i = 100; i < 300; i++) coins.mint(i, i, btc(i % 250), i * 7919)
    const whole = gzipSync(ndjson(coins.lines))
    for (const end of [whole.length - 1, whole.length >> 1, 12]) {
      const { status, stderr } = run({ ledger: desk.write('cut.ndjson.gz', whole.subarray(0, end)) })
      expect(stderr).toContain('FILE_TRUNCATED')
      expect(status).toBe(1)
      expect(desk.holds('out')).toBe(false)
    }
  })

  test.each(['request', 'ledger'] as const)('a %s that is not there', (which) => {
    const { status, stderr } = run({ [which]: join(desk.path, 'nowhere') })
    expect(stderr).toContain('FILE_UNREADABLE')
    expect(status).toBe(1)
    expect(desk.holds('out')).toBe(false)
  })

  test.each([
    ['a wrong checksum', `bitcoin,${btc(3).toLowerCase()},x,exchange,x,test,,,,`, 'TAGS_INVALID'],
    ['too few columns', `bitcoin,${btc(3)}`, 'TAGS_INVALID'],
    ['a validity that is no time', `bitcoin,${btc(3)},x,exchange,x,test,,yesterday,,`, 'TAGS_INVALID'],
  ])('a tag with %s is refused or left out, but never in silence', (_, line, fault) => {
    // A pack from outside may be worth its good rows; a row that was dropped unsaid is an exchange that was not seen.
    const { stderr } = traceOn(desk, { ...good(), tags: [EXCHANGE_3, line] })
    expect(stderr).toContain(fault)
    expect(stderr).toMatch(/\b3\b/)
  })

  test('a bundle that is none', () => {
    for (const command of ['verify', 'replay']) {
      const { status, stderr } = proceeds([command, desk.path])
      expect(stderr).toMatch(/BUNDLE_INVALID|FILE_UNREADABLE/)
      expect(status).toBe(1)
    }
  })
})

describe('the command line', () => {
  test.each([
    [[]],
    [['follow']],
    [['trace']],
    [['trace', 'request.json']],
    [['trace', 'request.json', '--ledger', 'ledger.ndjson']],
    [['trace', 'request.json', '--out', 'out', '--ledgr', 'ledger.ndjson']],
    [['trace', 'request.json', '--ledger', 'ledger.ndjson', '--out']],
    [['trace', 'one.json', 'two.json', '--ledger', 'ledger.ndjson', '--out', 'out']],
    [['verify']],
    [['verify', 'one', 'two']],
    [['replay']],
    [['verify', '--quietly', 'one']],
  ])('wrong usage %j exits with 2', (args) => {
    const { status, stdout, stderr } = proceeds(args, desk.path)
    expect(status).toBe(2)
    expect(stdout + stderr).toContain('proceeds')
    expect(readdirSync(desk.path)).toEqual([])
  })

  test.each([
    [['--help']],
    [['trace', '--help']],
    [['verify', '--help']],
    [['replay', '--help']],
    [['demo', '--help']],
    [['serve', '--help']],
  ])('%j explains and exits with 0', (args) => {
    const { status, stdout, stderr } = proceeds(args, desk.path)
    expect(status, stderr).toBe(0)
    expect(stdout).toContain('proceeds')
    if (args.length > 1) expect(stdout).toContain(args[0])
    else for (const command of ['demo', 'trace', 'verify', 'replay', 'serve']) expect(stdout).toContain(command)
  })

  test('trace --help names every option', () => {
    const { stdout } = proceeds(['trace', '--help'])
    for (const option of ['--ledger', '--tags', '--out']) expect(stdout).toContain(option)
  })
})
