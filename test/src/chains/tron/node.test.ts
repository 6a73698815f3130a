import { createHash } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AskedBlocks } from '../../../../src/chains/asked-blocks.ts'
import { HttpSource } from '../../../../src/chains/http.ts'
import { TronGrid, TronNode, tronAddress } from '../../../../src/chains/tron/index.ts'
import { readMessage, writeMessage } from '../../../../src/chains/tron/protobuf.ts'

const TRANSFER = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest()
const twenty = (tag: number) => Buffer.alloc(20, tag)
const hex21 = (tag: number) => `41${twenty(tag).toString('hex')}`
const name = (tag: number) => tronAddress(twenty(tag))!
const TOKEN = 9

// biome-ignore lint/suspicious/noExplicitAny: printed as the node prints, to be broken at will
type Json = any

/** A block header of mainnet as its node printed it (height 62306449; 2024-06-05). */
const MAINNET = {
  blockID: '0000000003b6b891043be54ac0ae1ef579fad5e6e1732cb0ac4237a873b8453e',
  block_header: {
    raw_data: {
      number: 62306449,
      txTrieRoot: '7cb6ddff8ada79c91baf6667cc8ead757b39205a8dc8ae097298dbb0587bddb7',
      witness_address: '4114f2c09d3de3fe82a71960da65d4935a30b24e1f',
      parentHash: '0000000003b6b890d8e1d886520dcad1820f4313a435ad593a80c549ea883054',
      version: 30,
      timestamp: 1717563117000,
    },
  },
}

/** A transaction of mainnet: its bytes, and the id that the chain gave it (2023-09-04, 40 TRX). */
const REAL = {
  txID: '1abdaae882a5bd80bda189e8722705a4b7d110f580da3ad000d0fe53e61b469f',
  raw_data_hex:
    '0a02fa7322082b2f6684f998649540d0d4d3f9a5315a68080112640a2d747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c2e5472616e73666572436f6e747261637412330a154179309abcff2cf531070ca9222a1f72c4a5136874121541c6a137bb170cc0dd40fcb83f18b389fa9426ac461880b489137092b9f4f7a531',
}

function header(height: number, previous: string): { blockID: string; block_header: Json } {
  const raw = {
    number: height,
    txTrieRoot: '00'.repeat(32),
    witness_address: hex21(7),
    parentHash: previous,
    version: 30,
    timestamp: 1_700_000_000_000 + 3000 * height,
  }
  const bytes = writeMessage([
    [1, BigInt(raw.timestamp)],
    [2, Buffer.from(raw.txTrieRoot, 'hex')],
    [3, Buffer.from(previous, 'hex')],
    [7, BigInt(height)],
    [9, Buffer.from(raw.witness_address, 'hex')],
    [10, 30n],
  ])
  return {
    blockID: height.toString(16).padStart(16, '0') + sha256(bytes).toString('hex').slice(16),
    block_header: { raw_data: raw },
  }
}

function transaction(type: bigint, fields: [number, bigint | Buffer][], nonce: number): Json {
  const any = writeMessage([
    [1, Buffer.from('type.googleapis.com/protocol.X')],
    [2, writeMessage(fields)],
  ])
  const raw = writeMessage([
    [1, Buffer.of(nonce, 1)],
    [
      11,
      writeMessage([
        [1, type],
        [2, any],
      ]),
    ],
    [14, BigInt(nonce)],
  ])
  return { txID: sha256(raw).toString('hex'), raw_data_hex: raw.toString('hex'), ret: [{ contractRet: 'SUCCESS' }] }
}

const owner = (tag: number): [number, Buffer] => [1, Buffer.from(hex21(tag), 'hex')]
const to = (tag: number): [number, Buffer] => [2, Buffer.from(hex21(tag), 'hex')]
const pay = (from: number, taker: number, amount: bigint, nonce: number) =>
  transaction(1n, [owner(from), to(taker), [3, amount]], nonce)
const call = (from: number, contract: number, value: bigint, nonce: number) =>
  transaction(31n, [owner(from), to(contract), [3, value], [4, Buffer.of(1)]], nonce)
const log = (from: number, taker: number, amount: bigint, token = TOKEN) => ({
  address: twenty(token).toString('hex'),
  topics: [TRANSFER, ...[from, taker].map((tag) => `${'00'.repeat(12)}${twenty(tag).toString('hex')}`)],
  data: amount.toString(16).padStart(64, '0'),
})

interface Made {
  block: Json
  infos: Json[]
}

function chainOf(blocks: { transaction: Json; info?: object }[][]): Made[] {
  const made: Made[] = []
  let previous = '00'.repeat(32)
  blocks.forEach((rows, height) => {
    const head = header(height, previous)
    previous = head.blockID
    const infos = rows.map(({ transaction: { txID }, info }) => ({ id: txID, blockNumber: height, ...info }))
    made.push({ block: { ...head, transactions: rows.map((row) => row.transaction) }, infos })
  })
  return made
}

const CHAIN = chainOf([
  [],
  [
    { transaction: pay(1, 2, 40_000_000n, 1), info: { fee: 1_100_000 } },
    {
      transaction: call(2, TOKEN, 0n, 2),
      info: { fee: 345_000, log: [log(2, 3, 7n, 5), log(2, 3, 65_290_000n), { ...log(2, 3, 1n), topics: [TRANSFER] }] },
    },
  ],
  [
    {
      transaction: { ...call(3, TOKEN, 5n, 3), ret: [{ contractRet: 'REVERT' }] },
      info: { result: 'FAILED', fee: 9, log: [log(3, 4, 1n)] },
    },
    {
      transaction: call(3, 8, 6n, 4),
      info: {
        internal_transactions: [
          { caller_address: hex21(8), transferTo_address: hex21(4), callValueInfo: [{ callValue: 6 }] },
          {
            caller_address: hex21(8),
            transferTo_address: hex21(5),
            callValueInfo: [{ callValue: 6, tokenId: '1002000' }],
          },
          { caller_address: hex21(8), transferTo_address: hex21(5), callValueInfo: [{ callValue: 2 }], rejected: true },
          { caller_address: hex21(8), transferTo_address: hex21(6), callValueInfo: [{}] },
        ],
      },
    },
  ],
  [{ transaction: call(3, TOKEN, 0n, 5), info: { log: [log(3, 4, 60_000_000n)] } }],
])

const PAGE = 1
let server: FastifyInstance
let url: string
let lie: (path: string, answer: Json) => Json = (_, answer) => answer

function tell(path: string, body: Json): Json {
  const words = new URL(path, 'http://x')
  switch (words.pathname) {
    case '/wallet/getnowblock':
      return CHAIN[CHAIN.length - 1].block
    case '/wallet/getblockbynum':
      return CHAIN[body.num]?.block ?? {}
    case '/wallet/gettransactioninfobyblocknum':
      return CHAIN[body.num].infos
    case '/wallet/gettransactioninfobyid':
      return CHAIN.flatMap(({ infos }) => infos).find(({ id }) => id === body.value) ?? {}
    case '/wallet/triggerconstantcontract':
      return {
        constant_result: [
          body.function_selector === 'decimals()'
            ? '6'.padStart(64, '0')
            : `${'20'.padStart(64, '0')}${'4'.padStart(64, '0')}${Buffer.from('USDT').toString('hex').padEnd(64, '0')}`,
        ],
      }
  }
  const [, , , account, list, kind] = words.pathname.split('/')
  const rows = CHAIN.flatMap(({ infos }, height) =>
    infos.flatMap((info) =>
      (info.log ?? [])
        .filter(
          (each: Json) =>
            each.topics.length === 3 && each.address === twenty(TOKEN).toString('hex') && info.result !== 'FAILED',
        )
        .map((each: Json) => ({
          transaction_id: info.id,
          block_timestamp: 1_700_000_000_000 + 3000 * height,
          from: tronAddress(Buffer.from(each.topics[1].slice(24), 'hex')),
          to: tronAddress(Buffer.from(each.topics[2].slice(24), 'hex')),
          token_info: { address: name(TOKEN), symbol: 'USDT', decimals: 6 },
        })),
    ),
  ).filter(({ from, to }) => from === account || to === account)
  if (kind !== 'trc20') return { data: list === 'transactions' ? [{ blockNumber: 1 }] : [], success: true, meta: {} }
  const start = Number(words.searchParams.get('fingerprint') ?? 0)
  const next = start + PAGE
  return { data: rows.slice(start, next), success: true, meta: next < rows.length ? { fingerprint: String(next) } : {} }
}

beforeAll(async () => {
  server = Fastify()
  server.all('/*', async (request) => lie(request.url, structuredClone(tell(request.url, request.body))))
  url = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => server.close())
beforeEach(() => {
  lie = (_, answer) => answer
})

const http = () => new HttpSource({ baseUrl: url, now: () => new Date(), requestsPerSecond: 10_000, triesMax: 1 })
const node = () => new TronNode({ chain: 'tron', http: http() })
const grid = (more: object = {}) => {
  const http_ = http()
  const blocks = new TronNode({ chain: 'tron', http: http_ })
  const index = new TronGrid({ http: http_, node: blocks, pageRows: PAGE, ...more })
  return new AskedBlocks({ chain: 'tron', blocks, index, asset: (asset) => blocks.asset(asset) })
}

describe('blocks', () => {
  test('transfers, logs by their place, what contracts moved, fees, failures', async () => {
    const source = node()
    const rows = [...(await source.block(1))!.transactions, ...(await source.block(2))!.transactions]
    expect(rows.map((row) => row.kind === 'account' && [row.status, row.transfers, row.fee?.amount])).toEqual([
      ['success', [{ index: 0, asset: 'native', from: name(1), to: name(2), amount: 40_000_000n }], 1_100_000n],
      [
        'success',
        [
          { index: 1, asset: name(5), from: name(2), to: name(3), amount: 7n },
          { index: 2, asset: name(TOKEN), from: name(2), to: name(3), amount: 65_290_000n },
        ],
        345_000n,
      ],
      ['failed', [{ index: 0, asset: 'native', from: name(3), to: name(TOKEN), amount: 5n }], 9n],
      [
        'success',
        [
          { index: 0, asset: 'native', from: name(3), to: name(8), amount: 6n },
          { index: 2 ** 25, asset: 'native', from: name(8), to: name(4), amount: 6n },
        ],
        undefined,
      ],
    ])
    expect(await source.block(99)).toBeUndefined()
    expect((await source.tip()).height).toBe(3)
    expect(await source.asset(name(TOKEN))).toEqual({ chain: 'tron', asset: name(TOKEN), symbol: 'USDT', decimals: 6 })
  })

  test('the rules for ids hold for what mainnet wrote', async () => {
    lie = (path, answer) => (path === '/wallet/getnowblock' ? MAINNET : answer)
    expect(await node().tip()).toEqual({
      height: 62306449,
      hash: MAINNET.blockID,
      previous: MAINNET.block_header.raw_data.parentHash,
      time: 1717563117,
    })
    lie = (path, answer) => {
      if (path === '/wallet/getblockbynum') return { ...answer, transactions: [REAL] }
      return path.endsWith('blocknum') ? [{ id: REAL.txID, blockNumber: 0, fee: 1_000_000 }] : answer
    }
    const [row] = (await node().block(0))!.transactions
    expect(row.kind === 'account' && row.transfers).toEqual([
      {
        index: 0,
        asset: 'native',
        from: tronAddress(Buffer.from('4179309abcff2cf531070ca9222a1f72c4a5136874', 'hex')),
        to: tronAddress(Buffer.from('41c6a137bb170cc0dd40fcb83f18b389fa9426ac46', 'hex')),
        amount: 40_000_000n,
      },
    ])
    // USDT's contract, in both of its writings.
    expect(tronAddress(Buffer.from('a614f803b6fd780986a42c78ec9c7f77e6ded13c', 'hex'))).toBe(
      'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
    )
  })

  test('protobuf: what is written is read; what is cut is not', () => {
    const bytes = writeMessage([
      [1, 300n],
      [2, Buffer.from('ab')],
      [11, 2n ** 62n],
    ])
    expect(readMessage(bytes)).toEqual({
      numbers: new Map([
        [1, 300n],
        [11, 2n ** 62n],
      ]),
      bytes: new Map([[2, [Buffer.from('ab')]]]),
    })
    for (let end = 1; end < bytes.length; end++) {
      const part = readMessage(bytes.subarray(0, end))
      expect(part === undefined || part.numbers.get(11) === undefined).toBe(true)
    }
  })

  test.each([
    [
      'the header',
      '/wallet/getblockbynum',
      (a: Json) => ({ ...a, block_header: { raw_data: { ...a.block_header.raw_data, timestamp: 5 } } }),
      /its header gives/,
    ],
    ['the height', '/wallet/getblockbynum', () => CHAIN[2].block, /was asked for/],
    [
      'an id',
      '/wallet/getblockbynum',
      (a: Json) => ({ ...a, transactions: a.transactions.map((t: Json) => ({ ...t, txID: 'ab'.repeat(32) })) }),
      /its bytes are/,
    ],
    [
      'an amount',
      '/wallet/getblockbynum',
      (a: Json) => ({
        ...a,
        transactions: a.transactions.map((t: Json) => ({ ...t, raw_data_hex: `${t.raw_data_hex.slice(0, -2)}77` })),
      }),
      /its bytes are/,
    ],
    [
      'a transaction twice',
      '/wallet/getblockbynum',
      (a: Json) => ({ ...a, transactions: [a.transactions[0], a.transactions[0]] }),
      /result in its place|twice/,
    ],
    ['a result left out', '/wallet/gettransactioninfobyblocknum', (a: Json) => a.slice(1), /results of transactions/],
    [
      'results in another order',
      '/wallet/gettransactioninfobyblocknum',
      (a: Json) => [...a].reverse(),
      /is of another transaction/,
    ],
    ['a fee', '/wallet/gettransactioninfobyblocknum', (a: Json) => a.map((i: Json) => ({ ...i, fee: -1 })), /its fee/],
    ['no list', '/wallet/gettransactioninfobyblocknum', () => ({}), /no list/],
  ])('a node that lies about %s', async (_, where, change, says) => {
    lie = (path, answer) => (path === where ? change(answer) : answer)
    const failing = node().block(1)
    await expect(failing).rejects.toMatchObject({ code: 'SOURCE_CONTRADICTS' })
    await expect(failing).rejects.toThrow(says)
  })

  test('an error, garbage', async () => {
    lie = () => ({ Error: 'class java.lang.NullPointerException' })
    await expect(node().block(1)).rejects.toThrow(/SOURCE_UNAVAILABLE.*NullPointer/)
    lie = () => 'x'
    await expect(node().tip()).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  })
})

describe('TronGrid', () => {
  test('finds an account’s transfers page by page, and reads them from their blocks', async () => {
    const { transactions, whole } = await grid().history(name(TOKEN), name(3), 10)
    expect(whole).toBe(true)
    expect(transactions.map(({ height, index }) => [height, index])).toEqual([
      [1, 1],
      [3, 0],
    ])
    expect((await grid().history(name(TOKEN), name(3), 2)).transactions).toHaveLength(1)
    // Of TRX nothing is whole: staking moves it without a transfer.
    expect(await grid().history('native', name(1), 10)).toMatchObject({ whole: false, transactions: [{ height: 1 }] })
    const id = CHAIN[3].infos[0].id
    expect(await grid().transaction(id)).toMatchObject({ id, height: 3 })
    expect(await grid().transaction('ab'.repeat(32))).toBeUndefined()
  })

  test.each([
    ['a cursor that loops', (a: Json) => ({ ...a, meta: { fingerprint: '0' } }), /repeats|loops/],
    [
      'a page served twice',
      (_: Json, path: string) => ({
        ...tell(path.replace(/&fingerprint=.*/, ''), {}),
        meta: { fingerprint: String(Math.random()) },
      }),
      /a page repeats/,
    ],
    ['an empty page that goes on', (a: Json) => ({ ...a, data: [], meta: { fingerprint: '5' } }), /empty page/],
    [
      'another account’s row',
      (a: Json) => ({ ...a, data: a.data.map((r: Json) => ({ ...r, from: name(1), to: name(2) })) }),
      /another account/,
    ],
    [
      'another token’s row',
      (a: Json) => ({ ...a, data: a.data.map((r: Json) => ({ ...r, token_info: { address: name(5) } })) }),
      /another token/,
    ],
    [
      'a row of no transaction',
      (a: Json) => ({ ...a, data: a.data.map((r: Json) => ({ ...r, transaction_id: 'ab'.repeat(32) })) }),
      /does not know it/,
    ],
  ])('that lies: %s', async (_, change, says) => {
    lie = (path, answer) => (path.includes('/trc20') ? change(answer, path) : answer)
    const failing = grid().history(name(TOKEN), name(3), 10)
    await expect(failing).rejects.toMatchObject({ code: 'SOURCE_CONTRADICTS' })
    await expect(failing).rejects.toThrow(says)
  })

  test('is bounded, and says what it refuses', async () => {
    await expect(grid({ rowsMax: 1 }).history(name(TOKEN), name(3), 10)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    })
    lie = (path, answer) => (path.startsWith('/v1') ? { success: false, error: 'account not found' } : answer)
    await expect(grid().history(name(TOKEN), name(3), 10)).rejects.toThrow(/account not found/)
  })
})
