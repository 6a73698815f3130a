import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  BitcoinRpc,
  decodeBlock,
  decodeSpentOutputs,
  toTransactions,
  transactionId,
} from '../../../../src/chains/bitcoin/index.ts'
import { HttpSource } from '../../../../src/chains/http.ts'
import { BLOCKS, BUSY, CHAIN, SWEEP, TRANSACTIONS } from './fake-chain.ts'
import { fixture } from './fixtures.ts'

// A node played from a drawn chain and from one real block with its undo data.

let server: FastifyInstance
let baseUrl: string
type Lie = (method: string, params: readonly unknown[], result: unknown) => unknown
let lie: Lie = (_, __, result) => result
/** Sent instead of a whole answer, where there is one. */
let reply: ((id: unknown) => { status: number; body: string }) | undefined

const coins = (amount: bigint): string => `${amount / 100_000_000n}.${String(amount % 100_000_000n).padStart(8, '0')}`

function refuse(code: number, message: string): never {
  throw Object.assign(new Error(message), { code })
}

/** What a node says of the drawn chain. Amounts are marked, since they go out as JSON numbers with eight decimals. */
function tell(method: string, params: readonly unknown[]): unknown {
  const block = BLOCKS.find(({ hash }) => hash === params[0])
  const found = TRANSACTIONS.get(String(params[0]))
  switch (method) {
    case 'getblockchaininfo':
      return { chain: 'regtest', blocks: 5, bestblockhash: BLOCKS[5].hash }
    case 'getblockhash':
      return BLOCKS[params[0] as number]?.hash ?? refuse(-8, 'Block height out of range')
    case 'getblockheader':
      return block?.header.toString('hex') ?? refuse(-5, 'Block not found')
    case 'getblock': {
      if (block === undefined) return refuse(-5, 'Block not found')
      if (params[1] === 0) return block.bytes.toString('hex')
      const { hash, transactions } = block
      if (params[1] === 1) return { hash, height: BLOCKS.indexOf(block), tx: transactions.map(({ id }) => id) }
      return {
        hash,
        tx: transactions.map(({ id, raw }) => ({
          txid: id,
          vin: raw.inputs.map(({ transaction, output }) => {
            const { amount, script } = TRANSACTIONS.get(transaction)!.raw.outputs[output]
            const prevout = { value: `#${coins(amount)}#`, scriptPubKey: { hex: script.toString('hex') } }
            return { txid: transaction, vout: output, prevout }
          }),
        })),
      }
    }
    case 'getrawtransaction': {
      if (found === undefined) return refuse(-5, 'No such mempool or blockchain transaction. Use -txindex')
      const hex = found.bytes.toString('hex')
      return params[1] === true ? { hex, txid: found.id, blockhash: BLOCKS[found.height].hash, confirmations: 2 } : hex
    }
    default:
      return refuse(-32601, 'Method not found')
  }
}

beforeAll(async () => {
  server = Fastify({ bodyLimit: 1e6 })
  server.post('/', async (request, response) => {
    const { id, method, params } = request.body as { id: number; method: string; params: unknown[] }
    response.type('application/json')
    if (reply !== undefined) {
      const { status, body } = reply(id)
      return response.code(status).send(body)
    }
    try {
      const result = lie(method, params, structuredClone(tell(method, params)))
      return JSON.stringify({ result, error: null, id }).replace(/"#([^"]*)#"/g, '$1')
    } catch (error) {
      const { code, message } = error as { code: number; message: string }
      return response
        .code(code === -32601 ? 404 : 500)
        .send(JSON.stringify({ result: null, error: { code, message }, id }))
    }
  })
  baseUrl = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => server.close())
beforeEach(() => {
  lie = (_, __, result) => result
  reply = undefined
})

const rpc = (chain = CHAIN, proveInputs = false): BitcoinRpc =>
  new BitcoinRpc({
    chain,
    proveInputs,
    http: new HttpSource({
      baseUrl: baseUrl.replace('http://', 'http://node:hunter2@'),
      now: () => new Date(0),
      requestsPerSecond: 100_000,
      triesMax: 2,
      pauseMs: 1,
    }),
  })

describe('the truth', () => {
  test('the tip and each block, by the node’s undo data or by the makers’ bytes', async () => {
    expect(await rpc().tip()).toEqual({ height: 5, hash: BLOCKS[5].hash, time: BLOCKS[5].time })
    for (const [height, drawn] of BLOCKS.entries()) {
      const told = await rpc().block(height)
      expect(told).toMatchObject({ height, hash: drawn.hash, time: drawn.time, assumed: [] })
      expect(told?.previous).toBe(height === 0 ? undefined : drawn.previous)
      expect(told?.transactions.map(({ id }) => id)).toEqual(drawn.transactions.map(({ id }) => id))
      expect(await rpc(CHAIN, true).block(height)).toEqual(told)
    }
    expect(await rpc().block(6)).toBeUndefined()
  })

  test('an older node that prints no spent outputs is asked for their makers', async () => {
    const told = await rpc().block(5)
    lie = (method, params, result) => {
      if (method !== 'getblock' || params[1] !== 3) return result
      for (const { vin } of (result as { tx: { vin: { prevout?: unknown }[] }[] }).tx) {
        for (const input of vin) delete input.prevout
      }
      return result
    }
    expect(await rpc().block(5)).toEqual(told)
  })

  test('a transaction with its place', async () => {
    const transaction = await rpc().transaction(SWEEP.id)
    expect(transaction).toEqual((await rpc().block(5))?.transactions[1])
    expect(transaction?.inputs[2]).toMatchObject({ address: BUSY, amount: 990_002n })
    expect(await rpc().transaction('ab'.repeat(32))).toBeUndefined()
    await expect(rpc().transaction('x')).rejects.toThrow('REQUEST_INVALID')
  })

  test('one that waits for a block is not there yet', async () => {
    lie = (method, _, result) =>
      method === 'getrawtransaction' && typeof result === 'object' ? { ...result, blockhash: undefined } : result
    expect(await rpc().transaction(SWEEP.id)).toBeUndefined()
  })

  test('a real block, its amounts never as floats', async () => {
    const raw = fixture('testnet3-block1087400.raw')
    const block = decodeBlock(raw, { chain: 'bitcoin-testnet' })
    const prevouts = decodeSpentOutputs(fixture('testnet3-block1087400-undo.raw'), block)
    const answer: Lie = (method, params) => {
      if (method === 'getblockhash') return block.hash
      if (params[1] === 0) return raw.toString('hex')
      return {
        hash: block.hash,
        tx: Array.from({ length: block.transactionCount }, (_, t) => ({
          txid: transactionId(block, t),
          vin: Array.from({ length: block.inputStart[t + 1] - block.inputStart[t] }, (_, i) => {
            const input = block.inputStart[t] + i
            const at = block.inputOffset[input]
            const script = prevouts.bytes.subarray(prevouts.scriptStart[input], prevouts.scriptEnd[input])
            return {
              txid: Buffer.from(raw.subarray(at, at + 32))
                .reverse()
                .toString('hex'),
              vout: raw.readUInt32LE(at + 32),
              prevout: {
                value: `#${coins(prevouts.amount[input])}#`,
                scriptPubKey: { hex: Buffer.from(script).toString('hex') },
              },
            }
          }),
        })),
      }
    }
    const read = await readReal(answer)
    expect(read?.transactions).toEqual(toTransactions(block, prevouts).transactions)
  })
})

/** Reads height 1087400 from a server that answers by `answer` alone. */
async function readReal(answer: Lie): ReturnType<BitcoinRpc['block']> {
  const real = Fastify()
  real.post('/', async (request, response) => {
    const { id, method, params } = request.body as { id: number; method: string; params: unknown[] }
    response.type('application/json')
    return JSON.stringify({ result: answer(method, params, undefined), error: null, id }).replace(/"#([^"]*)#"/g, '$1')
  })
  const url = await real.listen({ host: '127.0.0.1', port: 0 })
  try {
    const http = new HttpSource({ baseUrl: url, now: () => new Date(0), requestsPerSecond: 1000 })
    return await new BitcoinRpc({ chain: 'bitcoin-testnet', http }).block(1_087_400)
  } finally {
    await real.close()
  }
}

describe('a lie is a fault that says what', () => {
  const on =
    (method: string, which: unknown, change: (result: never) => unknown): Lie =>
    (asked, params, result) =>
      asked === method && (which === undefined || params[1] === which) ? change(result as never) : result
  type Printed = {
    hash: string
    height: number
    tx: { txid: string; vin: { vout: number; prevout: { value: unknown; scriptPubKey: { hex: unknown } } }[] }[]
  }
  const prevout = (change: (prevout: Printed['tx'][0]['vin'][0]['prevout']) => void): Lie =>
    on('getblock', 3, (result: Printed) => {
      change(result.tx[1].vin[2].prevout)
      return result
    })

  test.each<[string, Lie, RegExp]>([
    [
      'another hash',
      on('getblockhash', undefined, () => BLOCKS[4].hash),
      /(BLOCK_INVALID|SOURCE_CONTRADICTS).*height 5/,
    ],
    ['no hash', on('getblockhash', undefined, () => 5), /SOURCE_CONTRADICTS.*64 hexadecimal/],
    ['another block', on('getblock', 0, () => BLOCKS[4].bytes.toString('hex')), /height 5; its coinbase says 4/],
    ['half a block', on('getblock', 0, (hex: string) => hex.slice(0, 400)), /BLOCK_INVALID/],
    ['no block', on('getblock', 0, () => 'zz'), /SOURCE_CONTRADICTS.*hexadecimal/],
    [
      'transactions of another block',
      on('getblock', 3, (result: Printed) => ({ ...result, tx: result.tx.toReversed() })),
      /SOURCE_CONTRADICTS.*another id/,
    ],
    [
      'one transaction less',
      on('getblock', 3, (result: Printed) => ({ ...result, tx: result.tx.slice(1) })),
      /number of transactions/,
    ],
    [
      'another output spent',
      on('getblock', 3, (result: Printed) => {
        result.tx[1].vin[0].vout = 7
        return result
      }),
      /names another output/,
    ],
    [
      'a richer spent output',
      prevout((each) => (each.value = '#99999999.00000000#')),
      /no amount or script that can be/,
    ],
    ['a poorer one', prevout((each) => (each.value = '#0.00000000#')), /UNDO_INVALID.*gives out/],
    ['more decimals than there are', prevout((each) => (each.value = '#0.000000001#')), /no amount or script/],
    ['a negative one', prevout((each) => (each.value = '#-1.00000000#')), /no amount or script/],
    ['no script', prevout((each) => (each.scriptPubKey.hex = 5)), /no amount or script/],
  ])('of a block: %s', async (_, change, detail) => {
    lie = change
    await expect(rpc().block(5)).rejects.toThrow(detail)
  })

  const other = BLOCKS[3].transactions[2]
  type Told = { hex: string; blockhash: string }
  test.each<[string, Lie, RegExp]>([
    [
      'another transaction',
      on('getrawtransaction', true, (told: Told) => ({ ...told, hex: other.bytes.toString('hex') })),
      /came/,
    ],
    ['a maker that is not', on('getrawtransaction', false, () => other.bytes.toString('hex')), /came/],
    [
      'another block',
      on('getrawtransaction', true, (told: Told) => ({ ...told, blockhash: BLOCKS[4].hash })),
      /is not in block/,
    ],
    ['a list without it', on('getblock', 1, (told: Printed) => ({ ...told, tx: told.tx.slice(0, 1) })), /Merkle root/],
    ['a doubled list', on('getblock', 1, (told: Printed) => ({ ...told, tx: [...told.tx, told.tx[2]] })), /twice/],
    ['another height', on('getblock', 1, (told: Printed) => ({ ...told, height: 4 })), /where another block is/],
    [
      'a header of another block',
      on('getblockheader', undefined, () => BLOCKS[4].header.toString('hex')),
      /with the header of/,
    ],
    [
      'no index',
      (method, params, result) =>
        method === 'getrawtransaction' && params[1] === false ? refuse(-5, 'no index') : result,
      /SOURCE_UNAVAILABLE.*txindex/,
    ],
  ])('of a transaction: %s', async (_, change, detail) => {
    lie = change
    await expect(rpc().transaction(SWEEP.id)).rejects.toThrow(detail)
  })

  test('another network', async () => {
    await expect(rpc('bitcoin').tip()).rejects.toThrow(/SOURCE_CONTRADICTS.*"regtest", which is not bitcoin/)
  })

  test.each<[string, (id: unknown) => { status: number; body: string }, RegExp]>([
    [
      'an answer to another question',
      (id) => ({ status: 200, body: JSON.stringify({ id: Number(id) + 1, result: 1 }) }),
      /SOURCE_CONTRADICTS.*another question/,
    ],
    [
      'neither result nor error',
      (id) => ({ status: 200, body: JSON.stringify({ id, result: null, error: null }) }),
      /SOURCE_CONTRADICTS.*neither/,
    ],
    ['no JSON', () => ({ status: 500, body: '<html>' }), /SOURCE_UNAVAILABLE.*no JSON/],
    ['an array', () => ({ status: 200, body: '[]' }), /SOURCE_UNAVAILABLE.*no JSON object/],
    [
      'a node still loading',
      (id) => ({
        status: 500,
        body: JSON.stringify({ id, error: { code: -28, message: 'Loading block index hunter2' } }),
      }),
      /SOURCE_UNAVAILABLE.*-28\): Loading block index \*\*\*$/,
    ],
    [
      'a busy node',
      () => ({ status: 503, body: 'Work queue depth exceeded' }),
      /SOURCE_UNAVAILABLE.*503 \(asked 2 times/,
    ],
    ['a wrong password', () => ({ status: 401, body: '' }), /SOURCE_UNAVAILABLE.*401/],
  ])('%s', async (_, answer, detail) => {
    reply = answer
    await expect(rpc().tip()).rejects.toThrow(detail)
  })
})
