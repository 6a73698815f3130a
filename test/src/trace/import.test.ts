import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getAddress } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readBitcoinEtl, readEthereumEtl } from '../../../src/chains/dump/etl.ts'
import { EvmRpc } from '../../../src/chains/ethereum/index.ts'
import { main } from '../../../src/cli.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import { openStore } from '../../../src/store/open.ts'
import { importFiles } from '../../../src/trace/import.ts'
import { drawCase, dumpText } from './random-dump.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'import-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function command(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await main(args, { out: (text) => (out += text), err: (text) => (err += text) })
  return { code, out, err }
}

async function all<Each>(rows: AsyncIterable<Each>): Promise<Each[]> {
  const found: Each[] = []
  for await (const row of rows) found.push(row)
  return found
}

describe('bitcoin-etl', () => {
  test('enriched rows are transactions; rows that do not say what they spend are refused', async () => {
    const rows = await all(readBitcoinEtl([fixture('bitcoin-etl/bitcoin-50001-50002-enriched.json')], 'bitcoin'))
    expect(
      rows.map(({ height, index, coinbase, inputs, outputs }) => [height, index, coinbase, inputs.length, outputs]),
    ).toEqual([
      [50001, 0, true, 0, [{ address: '1PkqKGbNLDdDJGveCcNUMV9CEFH77ADrPQ', amount: 5_000_000_000n }]],
      [50001, 1, false, 2, [{ address: '1HaHTfmvoUW6i6nhJf8jJs6tU4cHNmBQHQ', amount: 10_000_000_000n }]],
      [50001, 2, false, 1, [{ address: '1HaHTfmvoUW6i6nhJf8jJs6tU4cHNmBQHQ', amount: 5_000_000_000n }]],
      [50002, 0, true, 0, [{ address: '1CvMvWyKJvfg6wQSGdHraoJ7NFu8KaTL1u', amount: 5_000_000_000n }]],
    ])
    expect(rows[1].inputs[0]).toEqual({
      transaction: '76a8d70a757be5055f60be076b683897cadaad6b7bdf78c43e39b9d59cb4a6ea',
      output: 0,
      address: '1DoQeKfU3dYhN9bxMpFFcVUnufCPDqSPae',
      amount: 5_000_000_000n,
    })
    const plain = all(readBitcoinEtl([fixture('bitcoin-etl/bitcoin-50001-50002.json')], 'bitcoin'))
    await expect(plain).rejects.toThrow(/LEDGER_INVALID.*enrich_transactions/)
  })

  test('other chains of the kind', async () => {
    const [doge] = await all(readBitcoinEtl([fixture('bitcoin-etl/dogecoin-2.json')], 'dogecoin'))
    expect(doge).toMatchObject({ chain: 'dogecoin', height: 2, coinbase: true })
    expect(doge.outputs[0].address).toMatch(/^D/)
    const [cash] = await all(readBitcoinEtl([fixture('bitcoin-etl/bitcoin-cash-91722.json')], 'bitcoin-cash'))
    expect(cash).toMatchObject({ chain: 'bitcoin-cash', height: 91722, coinbase: true })
  })
})

describe('ethereum-etl', () => {
  const etl = (name: string) => fixture(`ethereum/etl/${name}`)

  test('JSON lines give what the same blocks give through a node', async () => {
    const files = ['transactions.json', 'logs.json', 'token_transfers.json', 'blocks.json'].map(etl)
    const { transactions, traced } = await readEthereumEtl(files, 'ethereum')
    expect(traced).toBe(false)
    const { FakeRpc } = await import('../chains/fake-rpc.ts')
    const { HttpSource } = await import('../../../src/chains/http.ts')
    const { readdirSync, readFileSync } = await import('node:fs')
    const folder = fixture('ethereum/')
    const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')).result
    const receipts = new Map(
      readdirSync(folder)
        .filter((name) => name.startsWith('receipt'))
        .map((name) => [read(name).transactionHash, read(name)]),
    )
    const { Refuse } = await import('../chains/fake-rpc.ts')
    const node = await new FakeRpc((method, params) => {
      if (method === 'eth_chainId') return '0x1'
      if (method === 'eth_getBlockByNumber') return read(`block-${Number(params[0])}.json`)
      if (method === 'eth_getTransactionReceipt') return receipts.get(params[0])
      return new Refuse(-32601, 'unknown method')
    }).start()
    try {
      const rpc = new EvmRpc({ chain: 'ethereum', http: new HttpSource({ baseUrl: node.url, now: () => new Date() }) })
      expect(transactions).toEqual((await rpc.block(1755635))!.transactions)
      const csv = await readEthereumEtl(
        ['transactions.csv', 'receipts.csv', 'token_transfers.csv', 'logs.csv'].map(etl),
        'ethereum',
      )
      // The export has the receipts of all four.
      expect(csv.transactions).toEqual((await rpc.block(483920))!.transactions)
    } finally {
      await node.stop()
    }
  })

  test('traces are numbered in call order, and only what moved counts', async () => {
    const id = `0x${'ab'.repeat(32)}`
    const [a, b] = [`0x${'11'.repeat(20)}`, `0x${'22'.repeat(20)}`]
    const file = join(home, 'traces.json')
    const trace = (path: number[], value: number, more: object = {}) => ({
      trace_type: 'call',
      call_type: 'call',
      transaction_hash: id,
      from_address: a,
      to_address: b,
      trace_address: path,
      value,
      status: 1,
      ...more,
    })
    const transaction = {
      type: 'transaction',
      hash: id,
      nonce: 1,
      transaction_index: 0,
      from_address: a,
      to_address: b,
      value: 9,
      gas: 100000,
      gas_price: 2,
      block_timestamp: 1600000000,
      block_number: 7,
      block_hash: id,
      receipt_gas_used: 50000,
      receipt_status: 1,
    }
    const rows = [
      trace([1], 5),
      trace([], 9),
      trace([0, 1], 3),
      trace([0], 2),
      trace([2], 7, { status: 0 }),
      trace([3], 8, { call_type: 'delegatecall' }),
      trace([10], 4, { trace_type: 'suicide', call_type: null }),
      transaction,
    ]
    await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'))
    const { transactions, traced } = await readEthereumEtl([file], 'ethereum')
    expect(traced).toBe(true)
    const [row] = transactions
    expect(row.kind === 'account' && row.transfers.map(({ index, amount }) => [index, amount])).toEqual([
      [0, 9n],
      [2 ** 25, 2n],
      [2 ** 25 + 1, 3n],
      [2 ** 25 + 2, 5n],
      [2 ** 25 + 3, 4n],
    ])
    expect(row.kind === 'account' && row.transfers[0].from).toBe(getAddress(a))
  })

  test.each([
    ['an amount that went through a float', { value: '4.2E+18' }, 'AMOUNT_INVALID'],
    ['no receipt', { receipt_gas_used: null }, 'LEDGER_INVALID'],
    ['no account', { from_address: '0x12' }, 'ADDRESS_INVALID'],
    ['no time', { block_timestamp: 'yesterday' }, 'LEDGER_INVALID'],
  ])('refuses %s', async (_, change, code) => {
    const { readFileSync } = await import('node:fs')
    const [line] = readFileSync(etl('transactions.json'), 'utf8').split('\n')
    const file = join(home, 'broken.json')
    await writeFile(file, JSON.stringify({ ...JSON.parse(line), ...change }))
    await expect(readEthereumEtl([file], 'ethereum')).rejects.toMatchObject({ code })
  })

  test('a transfer without its transaction is refused', async () => {
    await expect(readEthereumEtl([etl('token_transfers.json')], 'ethereum')).rejects.toThrow(/no row of its own/)
  })
})

describe('proceeds import', () => {
  test('tells formats, fills a store, and run again changes nothing', async () => {
    const store = join(home, 'store')
    const bitcoin = await command('import', fixture('bitcoin-etl/bitcoin-50001-50002-enriched.json'), '--store', store)
    expect(bitcoin).toMatchObject({ code: 0 })
    expect(bitcoin.out).toContain('4 transactions of format bitcoin-etl')
    expect(bitcoin.out).toContain('bitcoin: to height 50002')
    const ethereum = await command(
      'import',
      ...['transactions', 'receipts', 'token_transfers'].map((name) => fixture(`ethereum/etl/${name}.csv`)),
      '--store',
      store,
    )
    expect(ethereum).toMatchObject({ code: 0 })
    expect(ethereum.out).toContain('4 transactions of format ethereum-etl')
    expect(ethereum.err).toContain('TRACES_UNAVAILABLE')
    const look = async () => {
      const open = await openStore(store)
      try {
        const at = (await open.snapshot('bitcoin'))!
        return [
          at,
          await open.entriesOf('bitcoin', [{ asset: 'native', address: '1HaHTfmvoUW6i6nhJf8jJs6tU4cHNmBQHQ' }], 10, at),
          await open.last!('bitcoin', at),
        ]
      } finally {
        await open.close()
      }
    }
    const before = await look()
    expect(
      (await command('import', fixture('bitcoin-etl/bitcoin-50001-50002-enriched.json'), '--store', store)).code,
    ).toBe(0)
    expect(await look()).toEqual(before)
  })

  test('a dump in batches of a few lines is the dump; views of one transaction are joined', async () => {
    for (const seed of [3, 8, 11, 20]) {
      const drawn = drawCase(seed)
      const file = join(home, `${seed}.ndjson`)
      await writeFile(file, dumpText(drawn.lines))
      const [one, two] = [new MemoryStore(), new MemoryStore()]
      await importFiles(one, [file], { format: 'auto' })
      const { transactions, format } = await importFiles(two, [file, file], { format: 'auto', batch: 7 })
      expect(format).toBe('dump')
      const [chain] = await one.chains()
      const rows = drawn.lines.filter(({ kind }) => kind === 'transaction').length
      expect(transactions).toBe(2 * rows)
      const at = (await one.snapshot(chain))!
      expect(await two.snapshot(chain)).toEqual(at)
      expect(await two.facts(chain)).toEqual(await one.facts(chain))
      const ids = drawn.lines.flatMap((line) => (line.kind === 'transaction' ? [line.transaction.id] : []))
      expect(await two.transactions(chain, ids, at)).toEqual(await one.transactions(chain, ids, at))
    }
    const view = (index: number) => ({
      chain: 'drawn-chain',
      id: 'x',
      height: 5,
      index: 1,
      time: '2020-01-01T00:00:00Z',
      status: 'success',
      transfers: [{ index, asset: 'coin', from: 'a', to: 'b', amount: '1' }],
    })
    const file = join(home, 'views.ndjson')
    await writeFile(file, [view(0), view(4)].map((row) => JSON.stringify(row)).join('\n'))
    const store = new MemoryStore()
    await importFiles(store, [file], { format: 'dump' })
    const [[row]] = await store.transactions('drawn-chain', ['x'], (await store.snapshot('drawn-chain'))!)
    expect(row).toMatchObject({ height: 5, index: 1, transfers: [{ index: 0 }, { index: 4 }] })
  })

  test('says what is wrong', async () => {
    expect(await command('import', 'x')).toMatchObject({ code: 2 })
    expect(await command('import', '--store', join(home, 'none'))).toMatchObject({ code: 2 })
    expect(await command('import', join(home, 'not-there'), '--store', join(home, 'none'))).toMatchObject({ code: 1 })
    const file = join(home, 'odd.txt')
    await writeFile(file, 'name,colour\nx,red\n')
    const odd = await command('import', file, '--store', join(home, 'none'))
    expect(odd.code).toBe(1)
    expect(odd.err).toContain('--format')
    await writeFile(file, '{"chain":"bitcoin","id":')
    expect((await command('import', file, '--store', join(home, 'none'))).code).toBe(1)
    const both = await command('trace', fixture('ethereum/block-483920.json'), '--out', join(home, 'o'))
    expect(both.code).toBe(2)
  })
})
