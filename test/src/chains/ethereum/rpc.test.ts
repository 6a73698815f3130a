import { readdirSync, readFileSync } from 'node:fs'
import { getAddress } from 'ethers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { EvmRpc } from '../../../../src/chains/ethereum/rpc.ts'
import { internalsOfCallTree, internalsOfTraceList } from '../../../../src/chains/ethereum/traces.ts'
import { INTERNAL_FIRST } from '../../../../src/chains/ethereum/transfers.ts'
import { HttpSource } from '../../../../src/chains/http.ts'
import { FakeRpc, Refuse } from '../fake-rpc.ts'

const folder = new URL('../../../fixtures/ethereum/', import.meta.url)
// biome-ignore lint/suspicious/noExplicitAny: recorded answers, to be broken at will
const read = (name: string): any => JSON.parse(readFileSync(new URL(name, folder), 'utf8')).result
const receipts = new Map(
  readdirSync(folder)
    .filter((name) => name.startsWith('receipt-'))
    .map((name) => [read(name).transactionHash, name]),
)

const none = new Refuse(-32601, 'the method does not exist/is not available')

/** Mainnet as three of its blocks. */
function mainnet(method: string, params: unknown[]): unknown {
  switch (method) {
    case 'eth_chainId':
      return '0x1'
    case 'eth_getBlockByNumber': {
      const height = params[0] === 'latest' ? 1755635 : Number(params[0])
      if (![483920, 1755634, 1755635].includes(height)) return null
      // Nodes of those days printed no mixHash; it is in the header all the same.
      return read(`block-${height}.json`)
    }
    case 'eth_getTransactionReceipt':
      return read(receipts.get(params[0])!)
    default:
      return none
  }
}

let node: FakeRpc
beforeAll(async () => {
  node = await new FakeRpc(mainnet).start()
})
afterAll(() => node.stop())
beforeEach(() => {
  node.tell = mainnet
  node.asked.length = 0
})

const rpc = (options: { chain?: string; traces?: boolean } = {}) =>
  new EvmRpc({
    chain: options.chain ?? 'ethereum',
    traces: options.traces ?? true,
    http: new HttpSource({
      baseUrl: node.url,
      now: () => new Date(),
      pauseMs: 1,
      triesMax: 2,
      requestsPerSecond: 10_000,
    }),
  })

describe('a block of mainnet', () => {
  test('comes proven, with its token transfers by log index and its fees', async () => {
    const block = await rpc().block(1755635)
    expect(block).toMatchObject({
      chain: 'ethereum',
      height: 1755635,
      hash: '0x1dec87ec1ba8e65b7773bb6f62249468948a28a427efd3d896a2ff7d7c591a67',
      previous: '0xa06fc36a7144c4bbb1f7ab13b541144414fa7808c119e8a4635e392ea544c178',
      time: 1466669562,
    })
    expect(
      block!.transactions.map((each) => each.kind === 'account' && [each.status, each.transfers, each.fee]),
    ).toEqual([
      [
        'success',
        [
          {
            index: 1,
            asset: '0xBB9bc244D798123fDe783fCc1C72d3Bb8C189413',
            from: getAddress('0x6498077292a0921c8804924fdf47b5e91e2a215f'),
            to: getAddress('0x8b3b3b624c3c0397d3da8fd861512393d51dcbac'),
            amount: 5_000_000_000_000_000_000n,
          },
        ],
        { from: getAddress('0xed059bc543141c8c93031d545079b3da0233b27f'), amount: 36418n * 20_000_000_000n },
      ],
      [
        'success',
        [
          {
            index: 0,
            asset: 'native',
            from: getAddress('0x3763e6e1228bfeab94191c856412d1bb0a8e6996'),
            to: getAddress('0xec1ebac9da3430213281c80fa6d46378341a96ae'),
            amount: 405_738_107_000_000_000n,
          },
        ],
        { from: getAddress('0x3763e6e1228bfeab94191c856412d1bb0a8e6996'), amount: 21000n * 20_000_000_000n },
      ],
    ])
    // The node offers no traces, and one of the transactions calls code.
    expect(block!.gaps).toMatchObject([{ kind: 'TRACES_UNAVAILABLE', where: 'ethereum block 1755635' }])
  })

  test('with failed receipts, an empty one, and one from before receipts had a status', async () => {
    const source = rpc()
    expect((await source.block(1755634))!.transactions).toEqual([])
    const old = (await source.block(483920))!.transactions
    expect(
      old.map((each) => each.kind === 'account' && [each.status, each.transfers.map(({ index }) => index)]),
    ).toEqual([
      ['success', [1]],
      ['success', [2]],
      ['success', [0]],
      ['success', [0]],
    ])
    expect(await source.block(9)).toBeUndefined()
    // What was asked once is not asked again.
    const before = node.asked.length
    await source.block(483920)
    expect(node.asked.length).toBe(before)
  })
})

describe('a node that lies', () => {
  // biome-ignore lint/suspicious/noExplicitAny: recorded answers, to be broken at will
  type Lie = [what: string, method: string, change: (answer: any) => any, says: RegExp]
  const lies: Lie[] = [
    ['another network', 'eth_chainId', () => '0x38', /bsc, which is not ethereum/],
    ['no network', 'eth_chainId', () => null, /no chain/],
    ['another height', 'eth_getBlockByNumber', (b) => ({ ...b, number: '0x1' }), /was asked for/],
    ['another time', 'eth_getBlockByNumber', (b) => ({ ...b, timestamp: '0x1' }), /its header gives/],
    ['another predecessor', 'eth_getBlockByNumber', (b) => ({ ...b, parentHash: b.hash }), /its header gives/],
    ['a header cut short', 'eth_getBlockByNumber', ({ miner: _, ...b }) => b, /miner/],
    [
      'an amount',
      'eth_getBlockByNumber',
      (b) => ({ ...b, transactions: b.transactions.map((t: object) => ({ ...t, value: '0x1' })) }),
      /its bytes are/,
    ],
    [
      'a sender',
      'eth_getBlockByNumber',
      (b) => ({ ...b, transactions: b.transactions.map((t: object) => ({ ...t, from: `0x${'11'.repeat(20)}` })) }),
      /its signature is/,
    ],
    [
      'a transaction left out',
      'eth_getBlockByNumber',
      (b) => ({ ...b, transactions: b.transactions.slice(1) }),
      /root in its header/,
    ],
    ['a log left out', 'eth_getTransactionReceipt', (r) => ({ ...r, logs: r.logs.slice(1) }), /receipts do not give/],
    [
      'a token amount',
      'eth_getTransactionReceipt',
      (r) => ({ ...r, logs: r.logs.map((l: object) => ({ ...l, data: `0x${'00'.repeat(31)}01` })) }),
      /receipts do not give/,
    ],
    [
      'a log index',
      'eth_getTransactionReceipt',
      (r) => ({ ...r, logs: r.logs.map((l: object) => ({ ...l, logIndex: '0x7' })) }),
      /says it is number/,
    ],
    ['gas', 'eth_getTransactionReceipt', (r) => ({ ...r, gasUsed: '0x1' }), /running total/],
    ['a price', 'eth_getTransactionReceipt', (r) => ({ ...r, effectiveGasPrice: '0x1' }), /its receipt says 1/],
    ['another receipt', 'eth_getTransactionReceipt', (r) => ({ ...r, transactionHash: r.blockHash }), /is not of/],
  ]
  test.each(lies)('about %s is found out', async (_, method, change, says) => {
    node.tell = (asked, params) => {
      const answer = mainnet(asked, params)
      return asked === method ? change(answer) : answer
    }
    const failing = rpc().block(1755635)
    await expect(failing).rejects.toMatchObject({ code: 'SOURCE_CONTRADICTS' })
    await expect(failing).rejects.toThrow(says)
  })

  test('a refusal is named', async () => {
    node.tell = () => new Refuse(-32000, 'execution aborted')
    await expect(rpc().block(1)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  })

  test('an answer to another question, a batch too short', async () => {
    const { JsonRpc } = await import('../../../../src/chains/json-rpc.ts')
    const http = {
      post: async () => ({ status: 200, body: Buffer.from('{"id":99,"result":1}') }),
      redact: (t: string) => t,
    }
    await expect(new JsonRpc(http as never).call('eth_chainId', [])).rejects.toThrow(/another question/)
    const short = { ...http, post: async () => ({ status: 200, body: Buffer.from('[]') }) }
    await expect(new JsonRpc(short as never).all([{ method: 'm', params: [] }])).rejects.toThrow(/0 were answered/)
    const garbage = { ...http, post: async () => ({ status: 200, body: Buffer.from('<html>') }) }
    await expect(new JsonRpc(garbage as never).call('m', [])).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  })
})

describe('what moved inside a transaction', () => {
  test.each(['create', 'error', 'subtraces'])('both forms of traces agree: %s', (kind) => {
    const parity = read(`parity-traces-${kind}.json`) as { transactionHash: string | null; type: string }[]
    const geth = read(`geth-traces-${kind}.json`) as { result: unknown }[]
    const ids = [...new Set(parity.filter((each) => each.type !== 'reward').map((each) => each.transactionHash!))]
    const flat = internalsOfTraceList(parity, kind)
    geth.forEach(({ result }, i) => {
      expect(internalsOfCallTree(result, kind)).toEqual(flat.get(ids[i]) ?? [])
    })
  })

  test('a self-destruction pays what is left; a trace that does not say how much is refused', () => {
    const [[move]] = internalsOfTraceList(read('parity-traces-suicide.json'), 'here').values()
    expect(move).toEqual({
      from: getAddress('0x474faa5018639791952fae334e2911700ac7fe9b'),
      to: getAddress('0x83973747eec131bf9a08ac64fb1a518e891bdf4b'),
      amount: 50_000_000_000_000_000n,
    })
    const [{ result }] = read('geth-traces-suicide.json')
    expect(() => internalsOfCallTree(result, 'here')).toThrow(/no value that can be/)
  })

  test('calls under a failed one move nothing; delegates repeat, and are not counted; order is that of the calls', () => {
    const a = `0x${'aa'.repeat(20)}`
    const call = (type: string, value: string, more: object = {}) => ({ type, from: a, to: a, value, ...more })
    const tree = call('CALL', '0x9', {
      calls: [
        call('CALL', '0x1', { calls: [call('CALL', '0x2'), call('DELEGATECALL', '0x1')] }),
        call('CALL', '0x3', { error: 'reverted', calls: [call('CALL', '0x4')] }),
        call('CREATE2', '0x5'),
        call('SELFDESTRUCT', '0x6'),
        call('STATICCALL', '0x0'),
      ],
    })
    expect(internalsOfCallTree(tree, 'here').map(({ amount }) => amount)).toEqual([1n, 2n, 5n, 6n])
    expect(internalsOfCallTree({ ...tree, error: 'out of gas' }, 'here')).toEqual([])
    let deep: object = call('CALL', '0x1')
    for (let i = 0; i < 5_000; i++) deep = call('CALL', '0x1', { calls: [deep] })
    expect(internalsOfCallTree(deep, 'deep')).toHaveLength(5_000)
  })

  test('are numbered far above every log', async () => {
    node.tell = (method, params) => {
      if (method !== 'debug_traceBlockByHash') return mainnet(method, params)
      const inner = { type: 'CALL', from: `0x${'11'.repeat(20)}`, to: `0x${'22'.repeat(20)}`, value: '0x7' }
      return [{ result: { type: 'CALL', calls: [inner] } }, { result: { type: 'CALL' } }]
    }
    const block = (await rpc().block(1755635))!
    expect(block.gaps).toEqual([])
    const [first] = block.transactions
    expect(first.kind === 'account' && first.transfers.map(({ index, amount }) => [index, amount])).toEqual([
      [1, 5_000_000_000_000_000_000n],
      [INTERNAL_FIRST, 7n],
    ])
  })
})

test('trie roots of more than sixteen and more than 128 entries', async () => {
  const { listRoot } = await import('../../../../src/chains/ethereum/trie.ts')
  // Ethereum's empty root; what an empty block's header says.
  expect(listRoot([])).toBe('0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421')
  expect(read('block-1755634.json').transactionsRoot).toBe(listRoot([]))
  const long = Array.from({ length: 300 }, (_, i) => `0x${(i + 1000).toString(16).padStart(80, '0')}`)
  expect(new Set(Array.from({ length: 300 }, (_, i) => listRoot(long.slice(0, i)))).size).toBe(300)
})
