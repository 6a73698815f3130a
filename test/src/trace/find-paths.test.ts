import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/faults.ts'
import { findPathsInFiles, type PathQuery } from '../../../src/work/find-paths.ts'
import { tellPaths } from '../../../src/work/tell-paths.ts'
import { coinAddress, idOf, TOKEN, tokenAddress } from '../../support/random-case.ts'
import { get, makeService } from '../../support/service.ts'

let home: string
const file = (name: string) => join(home, name)

/**
 *     token    u0 a → b 100    u1 b → c 60, b → shop 30    u2 c → shop 50    u3 shop → d 500    u4 d → bank 5
 *     coins    t0 → alice 100    t1 alice 100, bob 40 → carol 90, bob 45    t2 carol 90 → shop 80, nobody 10
 */
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'paths-'))
  const token = (height: number, transfers: [string, string, number][]) => ({
    ...{ chain: 'ethereum', id: `0x${idOf(`u${height}`)}`, height, index: 0, time: `2022-01-01T00:00:0${height}Z` },
    status: 'success',
    transfers: transfers.map(([from, to, amount], index) => ({
      ...{ index, asset: TOKEN, from: tokenAddress(from), to: tokenAddress(to), amount: String(amount) },
    })),
  })
  const coin = (height: number, inputs: [string, number, string, number][], outputs: [string | null, number][]) => ({
    ...{ chain: 'bitcoin', id: idOf(`t${height}`), height, index: 0, time: `2022-01-01T00:00:0${height}Z` },
    inputs: inputs.map(([made, output, name, amount]) => ({
      ...{ transaction: idOf(made), output, address: coinAddress(name), amount: String(amount) },
    })),
    outputs: outputs.map(([name, amount]) => ({ address: name && coinAddress(name), amount: String(amount) })),
  })
  const lines = [
    token(0, [['a', 'b', 100]]),
    token(1, [
      ['b', 'c', 60],
      ['b', 'shop', 30],
    ]),
    token(2, [['c', 'shop', 50]]),
    token(3, [['shop', 'd', 500]]),
    token(4, [['d', 'bank', 5]]),
    coin(0, [['x', 0, 'payer', 100]], [['alice', 100]]),
    coin(
      1,
      [
        ['t0', 0, 'alice', 100],
        ['y', 1, 'bob', 40],
      ],
      [
        ['carol', 90],
        ['bob', 45],
      ],
    ),
    coin(
      2,
      [['t1', 0, 'carol', 90]],
      [
        ['shop', 80],
        [null, 10],
      ],
    ),
  ]
  await writeFile(file('ledger.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  await writeFile(
    file('tags.csv'),
    [
      'chain,address,label,category,entity,source,validFrom',
      `ethereum,${tokenAddress('shop')},Shop,exchange,Shop Inc,list,`,
      `ethereum,${tokenAddress('bank')},Bank,exchange/fiat,Bank,list,2023-01-01`,
      `bitcoin,${coinAddress('shop')},Shop,exchange,Shop Inc,list,`,
      '',
    ].join('\n'),
  )
})
afterAll(() => rm(home, { recursive: true, force: true }))

const find = (query: PathQuery) =>
  findPathsInFiles(query, { ledgers: [file('ledger.ndjson')], tags: [file('tags.csv')] })
const tokens = (query: PathQuery) =>
  find({ chain: 'ethereum', from: tokenAddress('a'), to: 'entity:shop inc', ...query })
const ways = async (query: PathQuery) =>
  (await tokens(query)).paths.map(({ carried, hops, steps }) => `${carried} ${hops} ${steps.map((s) => s.amount)}`)

describe('a path search', () => {
  it('finds the ways that could carry most, the shortest, and the soonest', async () => {
    expect(await ways({})).toEqual(['50 3 100,60,50', '30 2 100,30'])
    expect(await ways({ order: 'hops' })).toEqual(['30 2 100,30', '50 3 100,60,50'])
    expect(await ways({ order: 'time', k: '1' })).toEqual(['30 2 100,30'])
    expect(await ways({ amount: '40' })).toEqual(['50 3 100,60,50'])
    expect(await ways({ hops: '2' })).toEqual(['30 2 100,30'])
    expect(await ways({ until: '2022-01-01T00:00:01Z' })).toEqual(['30 2 100,30'])
  })

  it('never goes through a service, and says so', async () => {
    const answer = await tokens({ to: tokenAddress('d') })
    expect(answer.paths).toEqual([])
    expect(answer.stopped).toBe('exhausted')
    expect(answer.cut.services).toBeGreaterThan(0)
    expect([...tellPaths(answer)].join('\n')).toMatch(/No way was found[\s\S]*ended in a service[\s\S]*no more ways/)
  })

  it('takes a category with all below it, and says which claims did not stand then', async () => {
    const { paths } = await tokens({ from: tokenAddress('d'), to: 'category:exchange' })
    expect(paths.map(({ reached }) => reached.tags.map(({ label, stood }) => [label, stood]))).toEqual([
      [['Bank', false]],
    ])
    expect((await tokens({ to: 'category:exch' })).paths).toEqual([])
  })

  it('goes backward to where value came from', async () => {
    const { paths } = await tokens({ from: tokenAddress('shop'), to: tokenAddress('a'), direction: 'backward' })
    expect(paths.map(({ carried, reached }) => [carried, reached.address])).toEqual([
      ['50', tokenAddress('a')],
      ['30', tokenAddress('a')],
    ])
  })

  it('reads outputs as payments: each payer paid each other output, never more than it gave', async () => {
    const coins = (query: PathQuery) => find({ chain: 'bitcoin', to: coinAddress('shop'), ...query })
    const amounts = async (query: PathQuery) =>
      (await coins(query)).paths.map(({ carried, steps }) => [carried, ...steps.map(({ from, to }) => `${from}>${to}`)])
    const [bob, alice, carol, shop] = ['bob', 'alice', 'carol', 'shop'].map(coinAddress)
    expect(await amounts({ from: bob })).toEqual([['40', `${bob}>${carol}`, `${carol}>${shop}`]])
    expect(await amounts({ from: alice })).toEqual([['80', `${alice}>${carol}`, `${carol}>${shop}`]])
    const output = `${idOf('t0')}:0`
    expect(await amounts({ from: output })).toEqual([['80', `${output}>${carol}`, `${carol}>${shop}`]])
    expect(await amounts({ from: `${idOf('t1')}:1` })).toEqual([])
    const back = await coins({ from: `${idOf('t1')}:1`, to: coinAddress('alice'), direction: 'backward' })
    expect(back.paths.map(({ carried }) => carried)).toEqual(['45'])
  })

  it('says that effort ran out rather than that there is nothing', async () => {
    expect((await tokens({ effort: '1' })).stopped).toBe('effort')
  })

  it.each([
    [{ from: undefined }, 'REQUEST_INVALID', 'from'],
    [{ to: undefined }, 'REQUEST_INVALID', 'to'],
    [{ chain: undefined }, 'REQUEST_INVALID', 'bitcoin, ethereum'],
    [{ chain: 'tron' }, 'NOT_FOUND', 'bitcoin, ethereum'],
    [{ from: 'nobody' }, 'ADDRESS_INVALID', 'from'],
    [{ from: tokenAddress('stranger') }, 'NOT_FOUND', tokenAddress('stranger')],
    [{ from: `${idOf('t1')}:0` }, 'REQUEST_INVALID', 'outputs'],
    [{ to: 'nobody' }, 'ADDRESS_INVALID', 'to'],
    [{ asset: 'native' }, 'REQUEST_INVALID', 'asset'],
    [{ k: '0' }, 'REQUEST_INVALID', 'k'],
    [{ order: 'best' }, 'REQUEST_INVALID', 'order'],
    [{ amount: '1.5' }, 'REQUEST_INVALID', 'amount'],
    [{ until: 'yesterday' }, 'REQUEST_INVALID', 'until'],
    [{ chain: 'bitcoin', from: `${idOf('t9')}:0` }, 'NOT_FOUND', 'output'],
  ] as [Record<string, string | undefined>, string, string][])('refuses %j by name', async (query, code, named) => {
    const failure = await tokens(query as PathQuery).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Fault)
    expect(failure).toMatchObject({ code })
    expect((failure as Fault).detail).toContain(named)
  })
})

describe('GET /v1/paths', () => {
  it('answers as the command does, and refuses what the contract does not know', async () => {
    const service = await makeService({ config: { ledgers: [file('ledger.ndjson')], tags: [file('tags.csv')] } })
    try {
      const query = `chain=ethereum&from=${tokenAddress('a')}&to=category:exchange&k=1`
      const answer = await get(service, `/v1/paths?${query}`)
      expect(answer.statusCode).toBe(200)
      const asked = await tokens({ to: 'category:exchange', k: '1' })
      const { query: _, ...told } = answer.json()
      const { query: __, ...found } = asked
      expect(told).toEqual(JSON.parse(JSON.stringify(found)))
      for (const wrong of ['best=1', 'k=0', 'order=best', 'amount=-1']) {
        expect((await get(service, `/v1/paths?${query.replace('&k=1', '')}&${wrong}`)).statusCode, wrong).toBe(400)
      }
      expect((await get(service, '/v1/paths?to=category:exchange')).statusCode).toBe(400)
      expect((await get(service, `/v1/paths?${query.replace('ethereum', 'tron')}`)).json().code).toBe('NOT_FOUND')
    } finally {
      await service.close()
    }
  })
})
