import { getAddress } from 'ethers'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AccountApi, EvmIndex } from '../../../../src/chains/ethereum/index.ts'
import { HttpSource } from '../../../../src/chains/http.ts'
import { RpcRefusal } from '../../../../src/chains/json-rpc.ts'

const me = getAddress(`0x${'11'.repeat(20)}`)
const other = getAddress(`0x${'22'.repeat(20)}`)
const token = getAddress(`0x${'33'.repeat(20)}`)
const KEY = 'SECRETKEY123'

interface Row {
  blockNumber: string
  hash: string
  from: string
  to: string
  value: string
  contractAddress: string
}
type Words = Record<string, string>

let server: FastifyInstance
let url: string
let rows: Row[] = []
let asked: Words[] = []
let answer: (words: Words, found: Row[]) => unknown

/** As these services do: rows from a block on, oldest first, by pages, and none behind the ten thousandth. */
function honest(words: Words, found: Row[]): unknown {
  const page = found.slice((Number(words.page) - 1) * Number(words.offset), Number(words.page) * Number(words.offset))
  if (Number(words.page) * Number(words.offset) > 10_000)
    return { status: '0', message: 'NOTOK', result: 'Result window is too large' }
  return page.length > 0
    ? { status: '1', message: 'OK', result: page }
    : { status: '0', message: 'No transactions found', result: [] }
}

function row(block: number, more: Partial<Row> = {}): Row {
  const hash = `0x${(rows.length + 1).toString(16).padStart(64, '0')}`
  return {
    blockNumber: String(block),
    hash,
    from: me.toLowerCase(),
    to: other.toLowerCase(),
    value: '1',
    contractAddress: token.toLowerCase(),
    ...more,
  }
}

beforeAll(async () => {
  server = Fastify()
  server.get('/api', async (request) => {
    const words = request.query as Words
    asked.push(words)
    const within = rows.filter(
      ({ blockNumber }) =>
        Number(blockNumber) >= Number(words.startblock) && Number(blockNumber) <= Number(words.endblock),
    )
    return answer(words, within)
  })
  url = `${await server.listen({ host: '127.0.0.1', port: 0 })}/api`
})
afterAll(() => server.close())
beforeEach(() => {
  rows = []
  asked = []
  answer = honest
})

const api = (more: object = {}) =>
  new AccountApi({
    chain: 'ethereum',
    apiKey: KEY,
    http: new HttpSource({
      baseUrl: url,
      now: () => new Date(),
      requestsPerSecond: 10_000,
      triesMax: 1,
      secrets: [KEY],
    }),
    pageRows: 10,
    wait: async () => {},
    ...more,
  })

describe('an account API', () => {
  test('tells an account’s blocks over pages, each once', async () => {
    for (let i = 0; i < 35; i++) rows.push(row(Math.floor(i / 3)))
    expect(await api().heightsOf(token, me, 10)).toEqual({ heights: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], whole: true })
    expect(
      asked.every(
        ({ action, contractaddress, chainid }) => action === 'tokentx' && contractaddress === token && chainid === '1',
      ),
    ).toBe(true)
    expect(asked).toHaveLength(4)
    asked = []
    expect((await api().heightsOf('native', me, 3)).heights).toEqual([0, 1, 2, 3])
    expect(new Set(asked.map(({ action }) => action))).toEqual(new Set(['txlist', 'txlistinternal']))
    rows = []
    expect(await api().heightsOf(token, me, 10)).toEqual({ heights: [], whole: true })
  })

  test('goes on behind the ten thousandth row by blocks', async () => {
    for (let i = 0; i < 12_000; i++) rows.push(row(Math.floor(i / 7)))
    const { heights } = await api({ pageRows: 1000 }).heightsOf(token, me, 1_000_000)
    expect(heights).toHaveLength(Math.ceil(12_000 / 7))
    rows = Array.from({ length: 10_500 }, (_, i) => row(5, { hash: `0x${i.toString(16).padStart(64, '0')}` }))
    await expect(api({ pageRows: 1000 }).heightsOf(token, me, 9)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
    // One page over and over, in a block of its own, comes to the same end.
    answer = (words, found) => honest({ ...words, page: '1' }, found.slice(0, 1000))
    await expect(api({ pageRows: 1000 }).heightsOf(token, me, 9)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
    answer = honest
    await expect(api({ pageRows: 1000, rowsMax: 3000 }).heightsOf(token, me, 9)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    })
  })

  test('waits where it is told to slow down, and says what it is told', async () => {
    rows.push(row(4))
    let refusals = 2
    answer = (words, found) =>
      refusals-- > 0
        ? { status: '0', message: 'NOTOK', result: 'Max calls per sec rate limit reached (5/sec)' }
        : honest(words, found)
    expect((await api().heightsOf(token, me, 9)).heights).toEqual([4])
    refusals = 99
    await expect(api().heightsOf(token, me, 9)).rejects.toThrow(/SOURCE_UNAVAILABLE.*rate limit/)
    answer = () => ({ status: '0', message: 'NOTOK', result: `Invalid API Key ${KEY}` })
    const refused = await api()
      .heightsOf(token, me, 9)
      .catch((error: Error) => error.message)
    expect(refused).toContain('Invalid API Key')
    expect(refused).not.toContain(KEY)
  })

  test.each([
    ['a page twice', (words: Words, found: Row[]) => honest({ ...words, page: '1' }, found), /not in order|came twice/],
    ['rows in no order', (words: Words, found: Row[]) => honest(words, [...found].reverse()), /not in order/],
    [
      'another account',
      (words: Words, found: Row[]) =>
        honest(
          words,
          found.map((each) => ({ ...each, from: other, to: other })),
        ),
      /another account/,
    ],
    [
      'another token',
      (words: Words, found: Row[]) =>
        honest(
          words,
          found.map((each) => ({ ...each, contractAddress: other })),
        ),
      /moves 0x/,
    ],
    [
      'a row without a block',
      (words: Words, found: Row[]) =>
        honest(
          words,
          found.map((each) => ({ ...each, blockNumber: 'x' })),
        ),
      /no block/,
    ],
    ['more rows than were asked for', (_: Words, found: Row[]) => ({ status: '1', result: found }), /rows came of/],
    [
      'a block behind the end',
      (words: Words, found: Row[]) =>
        honest(
          words,
          found.map((each) => ({ ...each, blockNumber: '999' })),
        ),
      /not in order/,
    ],
  ])('that lies: %s', async (_, say, says) => {
    for (let i = 0; i < 25; i++) rows.push(row(i))
    answer = say
    const failing = api().heightsOf(token, me, 50)
    await expect(failing).rejects.toMatchObject({ code: 'SOURCE_CONTRADICTS' })
    await expect(failing).rejects.toThrow(says)
  })
})

describe('logs as an index', () => {
  const fake = (limit: number, at: number[]) => {
    const ranges: [number, number][] = []
    return {
      ranges,
      transferHeights: async (_: string, __: string, from: number, to: number) => {
        ranges.push([from, to])
        if (to - from + 1 > limit) return new RpcRefusal(-32005, 'query returned more than 10000 results')
        return at.filter((height) => height >= from && height <= to)
      },
    }
  }

  test('halves its ranges until the node takes them, and sees every block once', async () => {
    const at = [0, 5, 17, 99, 100, 4_321, 9_999]
    for (const limit of [1, 7, 1000, 20_000]) {
      const rpc = fake(limit, at)
      const index = new EvmIndex({ rpc: rpc as never, questionsMax: 50_000 })
      expect(await index.heightsOf(token, me, 9_999)).toEqual({ heights: at, whole: true })
      const taken = rpc.ranges.filter(([from, to]) => to - from + 1 <= limit)
      expect(taken.reduce((sum, [from, to]) => sum + to - from + 1, 0)).toBe(10_000)
    }
  })

  test('is bounded, and knows a refusal that no smaller range will mend', async () => {
    const index = new EvmIndex({ rpc: fake(2, []) as never, questionsMax: 20 })
    await expect(index.heightsOf(token, me, 9_999)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
    const rpc = { transferHeights: async () => new RpcRefusal(-32000, 'header not found') }
    await expect(new EvmIndex({ rpc: rpc as never }).heightsOf(token, me, 5)).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
    })
    await expect(new EvmIndex({ rpc: rpc as never, blocksMax: 3 }).heightsOf('native', me, 5)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    })
    const late = new EvmIndex({ rpc: fake(99, [50]) as never, from: 10 })
    expect(await late.heightsOf(token, me, 99)).toEqual({ heights: [50], whole: false })
  })
})
