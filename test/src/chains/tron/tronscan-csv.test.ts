import { readFileSync } from 'node:fs'
import { gunzipSync, strFromU8, strToU8 } from 'fflate'
import { describe, expect, test } from 'vitest'
import { readTronscanCsv } from '../../../../src/chains/tron/tronscan-csv.ts'
import { Fault } from '../../../../src/faults.ts'
import { buildTagBook } from '../../../../src/tags/book.ts'
import { readTagsCsv } from '../../../../src/tags/csv.ts'
import { serviceOfLabel } from '../../../../src/tags/service-names.ts'
import type { Tag } from '../../../../src/tags/tag.ts'
import { makeTronSample } from '../../../support/tron-sample.ts'

const USDT = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'
const A = 'TDX3tFFdWFwhBP7Cf5gJRpADpUNxQsys6m'
const B = 'TRWpS2JarmZShhQLTfHafnzkQdNKUh1ozK'
const HOT = 'TV6MuMXfmLbBqPZvBHdwFsDnQeVfnmiuSi'
const SPAM = 'TJ7C9ajLYi5TD6zcuHWxGsLXLHfEpQV1m4'
const ID = 'a'.repeat(64)
const HEADER =
  'wallet,timestamp,tx_id,risk_tx,status,from_address,from_tag,to_address,to_tag,quant,token_id,token_abbr,token_decimal,contract_return,result0,1,2,,\n'

interface Cells {
  wallet?: string
  time?: string
  id?: string
  status?: string
  from?: string
  fromTag?: string
  to?: string
  toTag?: string
  quant?: string
  token?: string
  symbol?: string
  decimals?: string
  outcome?: string
}
const row = (cells: Cells): string =>
  [
    cells.wallet ?? A,
    cells.time ?? '1650176103000',
    cells.id ?? ID,
    'False',
    cells.status ?? '0',
    cells.from ?? B,
    cells.fromTag ?? '',
    cells.to ?? A,
    cells.toTag ?? '',
    cells.quant ?? '5',
    cells.token ?? USDT,
    cells.symbol ?? 'USDT',
    cells.decimals ?? '6',
    cells.outcome ?? 'SUCCESS',
    'SUCCESS',
  ].join(',')
const read = (...rows: string[]) => readTronscanCsv(strToU8(`${HEADER}${rows.join('\n')}\n`), { name: 't.csv' })

describe('Tronscan listings', () => {
  test('unnamed and numbered trailing columns are passed over; time is in milliseconds', async () => {
    const { transactions, assets } = await read(row({}))
    expect(transactions).toEqual([
      {
        kind: 'account',
        chain: 'tron',
        id: ID,
        height: undefined,
        index: undefined,
        time: 1650176103,
        blockHash: undefined,
        status: 'success',
        transfers: [{ index: 0, asset: USDT, from: B, to: A, amount: 5n }],
        fee: undefined,
      },
    ])
    expect(assets).toEqual([{ chain: 'tron', asset: USDT, symbol: 'USDT', decimals: 6 }])
  })

  test('a transfer on both sides’ pages is one; twice on one page is one and is said', async () => {
    const both = await read(row({ wallet: A }), row({ wallet: B }))
    expect([both.transactions[0].transfers.length, both.duplicates, both.rejected]).toEqual([1, 1, []])
    const twice = await read(row({ wallet: A }), row({ wallet: A }))
    expect(twice.transactions[0].transfers).toHaveLength(1)
    expect(twice.rejected).toEqual([{ line: 3, reason: expect.stringMatching(/counted once, as no log index/) }])
  })

  test('different transfers of one transaction are numbered the same way in any order of rows', async () => {
    const rows = [
      row({ quant: '7' }),
      row({ quant: '5' }),
      row({ to: HOT }),
      row({ token: SPAM, symbol: 'x.com', decimals: '18' }),
    ]
    const one = await read(...rows)
    const other = await read(...rows.reverse())
    expect(one.transactions).toEqual(other.transactions)
    expect(one.transactions[0].transfers.map(({ index, amount, to }) => [index, amount, to])).toEqual([
      [0, 5n, A],
      [1, 5n, A],
      [2, 7n, A],
      [3, 5n, HOT],
    ])
  })

  test('a look-alike is another asset with its own decimals', async () => {
    const { assets, transactions } = await read(
      row({}),
      row({ token: SPAM, decimals: '18', quant: '1000000000000000000', id: 'b'.repeat(64) }),
    )
    expect(assets.map(({ asset, decimals }) => [asset, decimals])).toEqual([
      [SPAM, 18],
      [USDT, 6],
    ])
    expect(transactions.map(({ transfers }) => transfers[0].asset).sort()).toEqual([SPAM, USDT])
  })

  test('failure is what the contract returned, not the risk status', async () => {
    expect((await read(row({ status: '2' }))).transactions[0].status).toBe('success')
    expect((await read(row({ status: '2' }))).flagged).toBe(1)
    expect((await read(row({ outcome: 'OUT_OF_ENERGY' }))).transactions[0].status).toBe('failed')
  })

  test('labels become claims; only known names become services', async () => {
    const { tags } = await read(row({ fromTag: 'Mystery Shop', to: HOT, toTag: 'Binance-Hot 2' }))
    expect(tags.map(({ address, label, category, entity }) => [address, label, category, entity])).toEqual([
      [B, 'Mystery Shop', 'unknown', undefined],
      [HOT, 'Binance-Hot 2', 'exchange', 'binance'],
    ])
    expect(serviceOfLabel('AscendEX (Bitmax)')?.entity).toBe('bitmax')
    expect(serviceOfLabel('Okex 1')?.entity).toBe('okex')
    for (const label of ['Fake_Binance', 'Binance Scammer', 'Hot 1', '(Binance)', 'wallet', 'constructor', '']) {
      expect(serviceOfLabel(label)).toBeUndefined()
    }
  })

  test.each([
    [{ id: 'ab' }, /tx_id/],
    [{ time: '1650176103' }, /timestamp: "1650176103" is not milliseconds/],
    [{ from: B.toLowerCase() }, /from_address: .* lower-cased base58/],
    [{ quant: 'NaN' }, /quant: "NaN" is not a whole number/],
    [{ quant: '1e18' }, /quant/],
    [{ quant: '-5' }, /quant/],
    [{ decimals: '' }, /token_decimal/],
    [{ token: 'TRX' }, /token_id/],
  ])('%j is listed as rejected', async (cells, says) => {
    const { rejected, transactions } = await read(row({ id: 'c'.repeat(64) }), row(cells))
    expect(rejected).toEqual([{ line: 3, reason: expect.stringMatching(says) }])
    expect(transactions).toHaveLength(1)
  })

  test('contradictions and broken headers are faults', async () => {
    await expect(read(row({}), row({ time: '1650176104000', quant: '6' }))).rejects.toMatchObject({
      code: 'LEDGER_CONTRADICTS',
    })
    await expect(read(row({}), row({ decimals: '18', quant: '6' }))).rejects.toMatchObject({
      code: 'LEDGER_CONTRADICTS',
    })
    for (const text of ['', 'a,b\n', HEADER.replace('quant', 'tx_id')]) {
      await expect(readTronscanCsv(strToU8(text), { name: 't' })).rejects.toBeInstanceOf(Fault)
    }
  })
})

describe('the sample of seized wallets', () => {
  const file = (name: string): Buffer =>
    readFileSync(new URL(`../../../../samples/tron-usdt-seized-wallets/${name}`, import.meta.url))

  test('is what its sources give, line for line', async () => {
    const transfersGz = file('source/trc20_xfers.csv.gz')
    const made = await makeTronSample({
      transfersGz,
      wallets: file('source/tron_wallets.csv'),
      orders: file('source/aso_inventory.csv'),
    })
    expect(strFromU8(gunzipSync(file('ledger.ndjson.gz'))) === made.ledger).toBe(true)
    expect(made.tags).toBe(file('tags.csv').toString())
    expect(made.counts).toEqual({
      rows: 7072,
      duplicates: 5,
      rejected: 0,
      flagged: 327,
      transactions: 7067,
      tokens: 23,
      labels: 31,
    })
    expect([made.covered.length, made.uncovered.length]).toEqual([19, 7])

    // The dust that Tronscan flags did arrive: without it this wallet paid out more than it held.
    const { transactions } = made
    const flaggedIds = new Set(
      strFromU8(gunzipSync(transfersGz))
        .split('\n')
        .map((line) => line.split(','))
        .filter((cells) => cells[4] !== '0')
        .map((cells) => cells[2]),
    )
    const left = (keep: (id: string) => boolean): bigint => {
      let balance = 0n
      for (const { id, transfers } of transactions) {
        for (const { asset, from, to, amount } of transfers) {
          if (asset !== USDT || !keep(id)) continue
          if (to === B) balance += amount
          if (from === B) balance -= amount
        }
      }
      return balance
    }
    expect(left(() => true)).toBe(0n)
    expect(left((id) => !flaggedIds.has(id))).toBe(-250_100n)
  })

  test('its seeds are there, and lead on to tagged exchange wallets', async () => {
    const tags: Tag[] = []
    for await (const tag of readTagsCsv(file('tags.csv'), { name: 'tags.csv' })) tags.push(tag)
    const book = buildTagBook(tags)
    const request = JSON.parse(file('request.json').toString())
    const lines = strFromU8(gunzipSync(file('ledger.ndjson.gz')))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const paidBy = new Map<string, string[]>()
    for (const line of lines) {
      for (const { from, to } of (line.transfers ?? []) as { from: string; to: string }[]) {
        const recipients = paidBy.get(from)
        if (recipients) recipients.push(to)
        else paidBy.set(from, [to])
      }
    }
    for (const seed of request.seeds) {
      const paid = lines.filter((line) =>
        seed.transaction
          ? line.id === seed.transaction
          : line.transfers?.some(
              (t: { to: string; asset: string }) => t.to === seed.address && t.asset === seed.asset,
            ) &&
            line.time >= seed.from &&
            line.time <= seed.until,
      )
      expect(paid.length).toBeGreaterThan(0)
      // From the seed's wallet, directly or over one wallet, to a service.
      const wallet = seed.address ?? paid[0].transfers[seed.transfer].to
      const next = (from: string): string[] => paidBy.get(from) ?? []
      const reached = next(wallet).flatMap((to) => [to, ...next(to)])
      expect(reached.some((to) => book.stopAt('tron', to, 1_650_000_000)?.sink === 'service')).toBe(true)
      expect(book.stopAt('tron', wallet, 1_650_000_000)).toBeUndefined()
    }
  })
})
