import { readFileSync } from 'node:fs'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  decodeBlock,
  decodeRawTransaction,
  Esplora,
  toTransactions,
  transactionId,
} from '../../../../src/chains/bitcoin/index.ts'
import { type Acquisition, HttpSource } from '../../../../src/chains/http.ts'
import { Fault } from '../../../../src/faults.ts'
import { compactSize } from './build.ts'
import {
  BLOCKS,
  BUSY,
  branchOf,
  CHAIN,
  printTransaction,
  QUIET,
  SWEEP,
  TRANSACTIONS,
  transactionsOf,
} from './fake-chain.ts'
import { fixture } from './fixtures.ts'

const PAGE = 10
let server: FastifyInstance
let baseUrl: string
/** What the server makes of a true answer before it sends it. */
let lie: (path: string, answer: unknown) => unknown = (_, answer) => answer
let kept: Acquisition[] = []

/** A true answer; undefined: 404. */
function tell(path: string): unknown {
  const [, kind, name, what, more, last] = path.split('/')
  const block = BLOCKS.find(({ hash }) => hash === name)
  const found = TRANSACTIONS.get(name)
  if (path === '/blocks/tip/hash') return BLOCKS[BLOCKS.length - 1].hash
  if (kind === 'block' && block !== undefined) {
    if (what === 'header') return block.header.toString('hex')
    const height = BLOCKS.indexOf(block)
    return { id: block.hash, height, timestamp: block.time, previousblockhash: block.previous }
  }
  if (kind === 'tx' && found !== undefined) {
    if (what === 'hex') return found.bytes.toString('hex')
    if (what === 'merkle-proof') {
      return { block_height: found.height, merkle: branchOf(BLOCKS[found.height], found.index), pos: found.index }
    }
    return printTransaction(found)
  }
  if (kind === 'address') {
    const all = transactionsOf(name).map(printTransaction) as {
      txid: string
      vin: { prevout: { value: number; scriptpubkey_address?: string } | null }[]
      vout: { value: number; scriptpubkey_address?: string }[]
    }[]
    if (what === 'txs' && more === 'chain') {
      const from = last === undefined ? 0 : all.findIndex(({ txid }) => txid === last) + 1
      return all.slice(from, from + PAGE)
    }
    const sum = (legs: ({ value: number; scriptpubkey_address?: string } | null)[]): number =>
      legs.reduce((total, leg) => total + (leg?.scriptpubkey_address === name ? leg.value : 0), 0)
    return {
      address: name,
      chain_stats: {
        tx_count: all.length,
        funded_txo_sum: sum(all.flatMap(({ vout }) => vout)),
        spent_txo_sum: sum(all.flatMap(({ vin }) => vin.map(({ prevout }) => prevout))),
      },
    }
  }
  return undefined
}

beforeAll(async () => {
  server = Fastify()
  server.get('/*', async (request, reply) => {
    const answer = lie(request.url, structuredClone(tell(request.url)))
    if (answer === undefined) return reply.code(404).send('Transaction not found')
    return typeof answer === 'string' ? reply.type('text/plain').send(answer) : answer
  })
  baseUrl = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => server.close())
beforeEach(() => {
  lie = (_, answer) => answer
  kept = []
})

const esplora = (): Esplora =>
  new Esplora({
    chain: CHAIN,
    transactionsMax: 500,
    http: new HttpSource({
      baseUrl,
      now: () => new Date(0),
      requestsPerSecond: 100_000,
      triesMax: 1,
      onAcquisition: (each) => kept.push(each),
    }),
  })

describe('the truth', () => {
  test('a transaction with its inputs and its place', async () => {
    const transaction = await esplora().transaction(SWEEP.id)
    const block = decodeBlock(BLOCKS[5].bytes, { chain: CHAIN, height: 5 })
    const wanted = toTransactions(block, undefined, { missing: 'assumeNoFee' }).transactions[1]
    expect(transaction).toMatchObject({ ...wanted, inputs: expect.anything() })
    expect(transaction?.inputs).toHaveLength(10)
    expect(transaction?.inputs[3]).toEqual({
      transaction: SWEEP.raw.inputs[3].transaction,
      output: 0,
      address: BUSY,
      amount: 990_003n,
    })
    expect(kept.some(({ url }) => url.endsWith(`/tx/${SWEEP.id}/merkle-proof`))).toBe(true)
  })

  test('a coinbase, an output to a bare key, a transaction nobody knows', async () => {
    expect(await esplora().transaction(BLOCKS[0].transactions[0].id)).toMatchObject({ coinbase: true, inputs: [] })
    expect(await esplora().transaction(BLOCKS[5].transactions[2].id)).toMatchObject({ index: 2 })
    expect(await esplora().transaction('ab'.repeat(32))).toBeUndefined()
    await expect(esplora().transaction('../tx')).rejects.toThrow('REQUEST_INVALID')
  })

  test('one that waits for a block is not there yet', async () => {
    lie = (path, answer) =>
      path === `/tx/${SWEEP.id}` ? { ...(answer as object), status: { confirmed: false } } : answer
    expect(await esplora().transaction(SWEEP.id)).toBeUndefined()
  })

  test('all of an address, over several pages', async () => {
    const transactions = await esplora().addressTransactions(BUSY)
    expect(transactions.map(({ id }) => id)).toEqual(transactionsOf(BUSY).map(({ id }) => id))
    expect(transactions).toHaveLength(25)
    expect(await esplora().addressTransactions(QUIET)).toEqual([])
    await expect(esplora().addressTransactions('1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa')).rejects.toThrow('ADDRESS_INVALID')
  })

  test('the tip', async () => {
    const { hash, time } = BLOCKS[5]
    expect(await esplora().tip()).toEqual({ height: 5, hash, time })
  })
})

type Tree = Record<string, never> & { [key: string]: Tree }

describe('a lie is a fault that says what', () => {
  const tx = `/tx/${SWEEP.id}`
  const changed = (change: (answer: Tree) => unknown) => (answer: unknown) => {
    const result = change(answer as Tree)
    return result === undefined ? answer : result
  }
  const set =
    (path: readonly (string | number)[], value: unknown): ((answer: unknown) => unknown) =>
    (answer) => {
      let at = answer as Tree
      for (const key of path.slice(0, -1)) at = at[key]
      ;(at as Record<string, unknown>)[path[path.length - 1]] = value
      return answer
    }
  const other = BLOCKS[3].transactions[4]
  const hexOf = (answer: unknown, at: number): string => {
    const bytes = Buffer.from(answer as string, 'hex')
    bytes[at] ^= 1
    return bytes.toString('hex')
  }

  test.each<[string, string, (answer: unknown) => unknown, string]>([
    ['another transaction', tx, () => printTransaction(other), `${other.id} came`],
    ['another id', tx, set(['txid'], 'ab'.repeat(32)), 'came'],
    ['the bytes of another', `${tx}/hex`, () => other.bytes.toString('hex'), `${other.id} came`],
    ['one wrong byte', `${tx}/hex`, (answer) => hexOf(answer, 90), 'came'],
    ['bytes cut in half', `${tx}/hex`, (answer) => (answer as string).slice(0, 300), 'byte'],
    ['no hexadecimal', `${tx}/hex`, () => 'hello', 'not hexadecimal'],
    ['another amount of an output', tx, set(['vout', 0, 'value'], 9_000_001), 'outputs printed'],
    ['another script', tx, set(['vout', 0, 'scriptpubkey'], '51'), 'outputs printed'],
    ['another address', tx, set(['vout', 0, 'scriptpubkey_address'], QUIET), `prints ${QUIET}`],
    ['one output less', tx, changed((answer) => void (answer.vout as unknown as unknown[]).pop()), 'outputs printed'],
    ['another input', tx, set(['vin', 0, 'vout'], 1), 'inputs printed'],
    ['another amount of an input', tx, set(['vin', 2, 'prevout', 'value'], 1), 'fee'],
    [
      'an amount and the fee to match',
      tx,
      (answer) => {
        set(['vin', 2, 'prevout', 'value'], 990_003)(answer)
        return set(['fee'], Number((answer as { fee: number }).fee) + 1)(answer)
      },
      'input 2: the server says 990003, the output it spends holds 990002',
    ],
    ['another fee', tx, set(['fee'], 1), 'fee'],
    ['a fraction of a unit', tx, set(['fee'], 0.5), 'fee is missing or is not'],
    ['a negative amount', tx, set(['vout', 0, 'value'], -1), 'vout[0].value'],
    ['an amount beyond 64 bits', tx, set(['vout', 0, 'value'], 1e30), 'vout[0].value'],
    ['no inputs', tx, set(['vin'], {}), 'vin'],
    ['another block', tx, set(['status', 'block_hash'], BLOCKS[4].hash), 'its time is not'],
    [
      'another block and its time',
      tx,
      (answer) => {
        set(['status', 'block_hash'], BLOCKS[4].hash)(answer)
        return set(['status', 'block_time'], BLOCKS[4].time)(answer)
      },
      'is not at place',
    ],
    ['another height', tx, set(['status', 'block_height'], 4), 'another height'],
    ['another place', `${tx}/merkle-proof`, set(['pos'], 0), 'is not at place 0'],
    ['a place that does not exist', `${tx}/merkle-proof`, set(['pos'], 5), 'is not at place 5'],
    ['a longer branch', `${tx}/merkle-proof`, set(['merkle'], Array(40).fill('00'.repeat(32))), '40 hashes'],
    [
      'a header of another block',
      `/block/${BLOCKS[5].hash}/header`,
      () => BLOCKS[4].header.toString('hex'),
      'came with the header of',
    ],
    ['nothing of use', tx, () => 'garbage', 'the transaction is missing'],
    ['an array', tx, () => [1, 2, 3], 'the transaction is missing'],
  ])('%s', async (_, where, change, detail) => {
    lie = (path, answer) => (path === where ? change(answer) : answer)
    const fault = await esplora()
      .transaction(SWEEP.id)
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    expect(fault).toBeInstanceOf(Fault)
    expect((fault as Fault).code).toBe('SOURCE_CONTRADICTS')
    expect((fault as Fault).detail).toContain(detail)
  })

  const list = `/address/${BUSY}/txs/chain`
  const all = transactionsOf(BUSY)
  test.each<[string, (path: string, answer: unknown) => unknown, string]>([
    ['a page served twice', (path, answer) => (path === `${list}/${all[9].id}` ? tell(list) : answer), 'came twice'],
    [
      'a cursor that loops',
      (path, answer) => (path === `${list}/${all[19].id}` ? tell(`${list}/${all[9].id}`) : answer),
      'came twice',
    ],
    ['a page left out', (path, answer) => (path === `${list}/${all[9].id}` ? [] : answer), '10 transactions came'],
    [
      'a transaction left out',
      (path, answer) => (path === list ? (answer as unknown[]).toSpliced(3, 1) : answer),
      '24 transactions came',
    ],
    [
      'another’s transaction',
      (path, answer) => (path === list ? [printTransaction(BLOCKS[1].transactions[0])] : answer),
      'is not its',
    ],
    [
      'a wrong order',
      (path, answer) => (path === list ? (answer as unknown[]).toReversed() : answer),
      'not newest first',
    ],
    [
      'a wrong count',
      (path, answer) => (path === `/address/${BUSY}` ? set(['chain_stats', 'tx_count'], 26)(answer) : answer),
      'counts 26',
    ],
    [
      'a wrong sum',
      (path, answer) => (path === `/address/${BUSY}` ? set(['chain_stats', 'funded_txo_sum'], 1)(answer) : answer),
      'the server counts 25, 1',
    ],
    ['no list', (path, answer) => (path === list ? { error: 'x' } : answer), 'not a list'],
    [
      'an address moved',
      (path, answer) => (path === list ? set([0, 'vin', 0, 'prevout', 'scriptpubkey_address'], QUIET)(answer) : answer),
      `prints ${QUIET}`,
    ],
  ])('of an address: %s', async (_, change, detail) => {
    lie = change
    await expect(esplora().addressTransactions(BUSY)).rejects.toThrow(
      expect.objectContaining({ code: 'SOURCE_CONTRADICTS', detail: expect.stringContaining(detail) }),
    )
  })

  test('more than the limit', async () => {
    const few = new Esplora({
      chain: CHAIN,
      transactionsMax: 12,
      http: new HttpSource({ baseUrl, now: () => new Date(0), requestsPerSecond: 100_000 }),
    })
    await expect(few.addressTransactions(BUSY)).rejects.toThrow('LIMIT_EXCEEDED')
  })

  test('a tip whose header is another’s', async () => {
    lie = (path, answer) => (path === `/block/${BLOCKS[5].hash}` ? set(['timestamp'], 1)(answer) : answer)
    await expect(esplora().tip()).rejects.toThrow(/its time is not the header's/)
  })
})

describe('real transactions', () => {
  interface Printed {
    txid: string
    version: number
    locktime: number
    vin: { txid: string; vout: number; scriptsig: string; sequence: number; witness?: string[]; prevout: Leg }[]
    vout: Leg[]
    fee: number
    status: { confirmed: boolean }
  }
  interface Leg {
    value: number
    scriptpubkey: string
    scriptpubkey_address?: string
  }
  const printed = JSON.parse(
    readFileSync(new URL('../../../fixtures/esplora/transactions.json', import.meta.url), 'utf8'),
  ) as Printed[]

  /** The bytes of a transaction from what is printed of it. */
  function assemble({ version, locktime, vin, vout }: Printed): Buffer {
    const number = (value: number): Buffer => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(value >>> 0)
      return bytes
    }
    const sized = (hex: string): Buffer => Buffer.concat([compactSize(hex.length / 2), Buffer.from(hex, 'hex')])
    const witnessed = vin.some(({ witness = [] }) => witness.length > 0)
    return Buffer.concat([
      number(version),
      witnessed ? Buffer.of(0, 1) : Buffer.alloc(0),
      compactSize(vin.length),
      ...vin.flatMap((input) => [
        Buffer.from(input.txid, 'hex').reverse(),
        number(input.vout),
        sized(input.scriptsig),
        number(input.sequence),
      ]),
      compactSize(vout.length),
      ...vout.flatMap(({ value, scriptpubkey }) => {
        const amount = Buffer.alloc(8)
        amount.writeBigUInt64LE(BigInt(value))
        return [amount, sized(scriptpubkey)]
      }),
      ...(witnessed ? vin.flatMap(({ witness = [] }) => [compactSize(witness.length), ...witness.map(sized)]) : []),
      number(locktime),
    ])
  }

  test.each(printed.map((each) => [each.txid, each] as const))('%s hashes and pays as it was printed', (id, each) => {
    const raw = decodeRawTransaction(assemble(each), 'bitcoin')
    expect(raw.id).toBe(id)
    expect(raw.outputs.map(({ address }) => address)).toEqual(
      each.vout.map(({ scriptpubkey, scriptpubkey_address }, o) =>
        // No address is printed for a bare key, an empty one for data by some.
        scriptpubkey.length === 70 || scriptpubkey.length === 134
          ? raw.outputs[o].address
          : scriptpubkey_address || null,
      ),
    )
  })

  test('are taken from a server that prints them so', async () => {
    const { txid } = printed[0]
    const bytes = new Map(printed.map((each) => [each.txid, assemble(each).toString('hex')]))
    lie = (path, _) => {
      const [, kind, id, what] = path.split('/')
      if (kind === 'tx' && what === undefined) return printed.find((each) => each.txid === id)
      return kind === 'tx' && what === 'hex' ? bytes.get(id) : undefined
    }
    const main = new Esplora({
      chain: 'bitcoin',
      http: new HttpSource({ baseUrl, now: () => new Date(0), requestsPerSecond: 1000, triesMax: 1 }),
    })
    // Most were recorded while they waited for a block.
    const waiting = printed.filter(({ status }) => !status.confirmed)
    expect(waiting.length).toBeGreaterThan(3)
    for (const each of waiting) expect(await main.transaction(each.txid)).toBeUndefined()
    // Said to be in a block, its amounts have to be proven, and the server does not give the makers.
    lie = (path) =>
      path === `/tx/${txid}`
        ? { ...printed[0], status: { confirmed: true, block_height: 1, block_hash: 'ab'.repeat(32), block_time: 1 } }
        : path === `/tx/${txid}/hex`
          ? bytes.get(txid)
          : undefined
    await expect(main.transaction(txid)).rejects.toThrow(/SOURCE_UNAVAILABLE.*cb8f206f.*404/)
  })

  test('of a real block are read one by one as the block’s reader reads them', () => {
    const raw = fixture('testnet3-block1087400.raw')
    const block = decodeBlock(raw, { chain: 'bitcoin-testnet' })
    const { transactions } = toTransactions(block, undefined, { missing: 'assumeNoFee' })
    for (let t = 0; t < block.transactionCount; t++) {
      const bytes = raw.subarray(block.transactionStart[t], block.transactionStart[t + 1])
      const single = decodeRawTransaction(bytes, 'bitcoin-testnet')
      expect(single.id).toBe(transactionId(block, t))
      expect(single.coinbase).toBe(t === 0)
      expect(single.inputs).toEqual(transactions[t].inputs.map(({ transaction, output }) => ({ transaction, output })))
      expect(single.outputs.map(({ address, amount }) => ({ address, amount }))).toEqual(transactions[t].outputs)
    }
  })
})
