import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getAddress } from 'ethers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EvmRpc } from '../../src/chains/ethereum/index.ts'
import { HttpSource } from '../../src/chains/http.ts'
import { main } from '../../src/cli.ts'
import type { Report } from '../../src/report/format.ts'
import { transactionRow } from '../../src/report/ledger-file.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { openStore } from '../../src/store/open.ts'
import { type FollowStep, followChain } from '../../src/trace/follow-chain.ts'
import { Anvil, FORWARDER_CODE, forwardInput, TOKEN_CODE, transferInput } from '../support/anvil.ts'

const CHAIN = 'eip155:31337'
let anvil: Anvil
let home: string
let accounts: string[]
let token: string
let forwarder: string
/** Ids of the payments that are seeds. */
const paid: { token: string; coin: string } = { token: '', coin: '' }

const rpc = () =>
  new EvmRpc({
    chain: CHAIN,
    http: new HttpSource({ baseUrl: anvil.url, now: () => new Date(), requestsPerSecond: 10_000 }),
  })

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'anvil-'))
  anvil = await Anvil.start()
  accounts = (await anvil.call<string[]>('eth_accounts')).map((each) => getAddress(each))
  const [maker, buyer, vendor, wallet, exchange] = accounts
  token = getAddress(await anvil.deploy(maker, TOKEN_CODE))
  forwarder = getAddress(await anvil.deploy(maker, FORWARDER_CODE))
  const pay = (from: string, to: string, amount: bigint) =>
    anvil.send({ from, to: token, data: transferInput(to, amount) })
  await pay(maker, buyer, 1_000_000n)
  await pay(maker, vendor, 300n)
  // Two in one block, so that logs are numbered on through it.
  await anvil.call('evm_setAutomine', false)
  await pay(maker, wallet, 40n)
  paid.token = await pay(buyer, vendor, 500n)
  await anvil.call('evm_mine')
  await anvil.call('evm_setAutomine', true)
  await pay(vendor, wallet, 600n)
  await pay(wallet, exchange, 450n)
  // More than it has: the transaction fails and moves nothing.
  await anvil.send({ from: wallet, to: token, data: transferInput(exchange, 10n ** 18n), gas: 100_000 })
  await pay(wallet, vendor, 0n)
  paid.coin = await anvil.send({ from: buyer, to: vendor, value: 5n * 10n ** 18n })
  await anvil.send({ from: vendor, to: forwarder, value: 4n * 10n ** 18n, data: forwardInput(exchange) })
})
afterAll(async () => {
  await anvil?.stop()
  await rm(home, { recursive: true, force: true })
})

async function command(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await main(args, { out: (text) => (out += text), err: (text) => (err += text) })
  return { code, out, err }
}

async function dump(): Promise<string> {
  const file = join(home, 'dump.ndjson')
  const source = rpc()
  const rows: unknown[] = []
  const named = new Set<string>()
  const { height } = await source.tip()
  for (let at = 0; at <= height; at++) {
    for (const row of (await source.block(at))!.transactions) {
      rows.push(transactionRow(row))
      if (row.kind === 'account') for (const { from, to } of row.transfers) named.add(from).add(to)
    }
  }
  for (const asset of [token, 'native']) rows.push(await source.asset(asset))
  rows.push({ chain: CHAIN, covers: [...named].sort() })
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'))
  return file
}

test('a node’s blocks are proven: transfers, internal transfers, fees, failures', async () => {
  const source = rpc()
  const { height } = await source.tip()
  const [, buyer, vendor, wallet, exchange] = accounts
  const last = (await source.block(height))!
  expect(last.gaps).toEqual([])
  expect(last.transactions[0]).toMatchObject({
    transfers: [
      { index: 0, asset: 'native', from: vendor, to: forwarder, amount: 4n * 10n ** 18n },
      { index: 2 ** 25, asset: 'native', from: forwarder, to: exchange, amount: 4n * 10n ** 18n },
    ],
  })
  const [, second] = (await source.block(5))!.transactions
  expect(second).toMatchObject({
    id: paid.token,
    transfers: [{ index: 2, asset: token, from: buyer, to: vendor, amount: 500n }],
  })
  const failed = (await source.block(8))!.transactions[0]
  expect(failed).toMatchObject({ status: 'failed', transfers: [], fee: { from: wallet } })
  expect(await source.asset(token)).toMatchObject({ symbol: 'TOK', decimals: 6 })
})

test.each(['token', 'coin'] as const)(
  'a live seed is traced through the node as through a dump of it: %s',
  async (kind) => {
    const [, , , , exchange] = accounts
    const request = join(home, `${kind}.json`)
    const tags = join(home, 'tags.csv')
    const seed = { chain: CHAIN, transaction: paid[kind], transfer: kind === 'token' ? 2 : 0, reason: 'r' }
    await writeFile(
      request,
      JSON.stringify({ case: kind, method: { primary: 'fifo', reason: 'r' }, compare: ['proRata'], seeds: [seed] }),
    )
    await writeFile(tags, `chain,address,label,category,source\n${CHAIN},${exchange},Some exchange,exchange,test\n`)
    const common = [request, '--tags', tags]
    const [live, dumped, stored] = ['live', 'dumped', 'stored'].map((name) => join(home, `${kind}-${name}`))
    expect(
      await command(
        'trace',
        ...common,
        '--evm-rpc',
        anvil.url,
        '--chain',
        CHAIN,
        '--requests-per-second',
        '5000',
        '--out',
        live,
      ),
    ).toMatchObject({ code: 0 })
    const file = await dump()
    expect(await command('trace', ...common, '--ledger', file, '--out', dumped)).toMatchObject({ code: 0 })
    const read = async (directory: string): Promise<Report> =>
      JSON.parse(await readFile(join(directory, 'report.json'), 'utf8'))
    const [one, two] = [await read(live), await read(dumped)]
    for (const part of ['seeds', 'endpoints', 'conservation', 'snapshots', 'paths', 'rejected'] as const)
      expect(one[part], part).toEqual(two[part])
    const figure = one.endpoints[0].traced.fifo.total
    // Of the token, 300 of the vendor's 800 stood first, and the wallet's 40 before what came from it. The coin went on whole.
    expect(one.endpoints).toHaveLength(1)
    expect(figure).toBe(kind === 'token' ? String(450 - 40 - 300) : String(4n * 10n ** 18n))
    const verified = await command('verify', live)
    expect(verified.err).toBe('')
    expect(verified.code).toBe(0)
    // And through a store that follows the node.
    const store = join(home, `${kind}-store`)
    expect(await command('follow', '--store', store, '--evm-rpc', anvil.url, '--chain', CHAIN, '--once')).toMatchObject(
      { code: 0 },
    )
    expect(await command('trace', ...common, '--store', store, '--out', stored)).toMatchObject({ code: 0 })
    const three = await read(stored)
    expect(three.endpoints).toEqual(two.endpoints)
  },
)

test('following goes back to the fork when the chain is reorganised, and forward again', async () => {
  const [maker, buyer, vendor] = accounts
  const memory = new MemoryStore()
  const lmdb = await openStore(join(home, 'follow'))
  const source = rpc()
  const steps: FollowStep[] = []
  const follow = (store: typeof lmdb) =>
    followChain(store, source, { chain: CHAIN, once: true, onStep: (step) => steps.push(step) })
  const before = await anvil.call('evm_snapshot')
  const fork = (await source.tip()).height
  for (let i = 1; i <= 5; i++) await anvil.send({ from: maker, to: vendor, value: BigInt(i) })
  for (const store of [memory, lmdb]) await follow(store)
  const old = (await lmdb.snapshot(CHAIN))!
  expect(old.height).toBe(fork + 5)
  await anvil.call('evm_revert', before)
  for (let i = 1; i <= 7; i++) await anvil.send({ from: maker, to: buyer, value: BigInt(100 + i) })
  steps.length = 0
  await follow(lmdb)
  expect(steps.filter(({ kind }) => kind === 'rolledBack')).toEqual([{ kind: 'rolledBack', to: fork, from: fork + 5 }])
  await follow(memory)
  // A snapshot taken before is told that its block is gone.
  await expect(lmdb.transactions(CHAIN, [], old)).rejects.toMatchObject({ code: 'LEDGER_CONTRADICTS' })
  const at = (await lmdb.snapshot(CHAIN))!
  expect(at.height).toBe(fork + 7)
  expect(await memory.snapshot(CHAIN)).toEqual(at)
  const fresh = new MemoryStore()
  await follow(fresh as unknown as typeof lmdb)
  const asked = [maker, buyer, vendor].map((address) => ({ asset: 'native', address }))
  const told = await fresh.entriesOf(CHAIN, asked, 1000, at)
  expect(await lmdb.entriesOf(CHAIN, asked, 1000, at)).toEqual(told)
  expect(await memory.entriesOf(CHAIN, asked, 1000, at)).toEqual(told)
  await lmdb.close()
})
