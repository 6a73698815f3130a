import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openClaims } from '../../../src/tags/store.ts'
import { finished, get, makeService, type TestService } from '../../support/service.ts'
import { tag } from '../tags/support.ts'

const A = '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'
const B = '12cbQLTFMXRnSzktFkuoG3eHoMeFtpTu3S'
const C = '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2'
const LONE = '3P14159f73E4gFr7JterCCQh9QjiTjiZrG'
const T1 = 'TWd7KM71dbERdzyRwcowHEDwjmPYPcwTvn'
const HOT = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'

let folder: string
let service: TestService
let trace: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'proceeds-desk-'))
  const at = (hour: number) => `2022-01-01T${String(hour).padStart(2, '0')}:00:00Z`
  const spend = (id: string, height: number, from: readonly string[], to: string) => ({
    ...{ chain: 'bitcoin', id: id.repeat(64), height, index: 1, time: at(height) },
    inputs: from.map((address, output) => ({
      transaction: 'f'.repeat(64),
      output: height * 10 + output,
      address,
      amount: '5',
    })),
    outputs: [{ address: to, amount: String(5 * from.length) }],
  })
  const pay = (id: string, height: number, from: string, to: string, amount: string) => ({
    ...{ chain: 'tron', id, height, index: 0, time: at(height), status: 'success' },
    transfers: [{ index: 0, asset: 'native', from, to, amount }],
  })
  const rows = [
    spend('a', 1, [A, B], LONE),
    spend('b', 2, [B, C], LONE),
    pay('p1', 1, HOT, T1, '100'),
    pay('p2', 2, T1, HOT, '100'),
    pay('p3', 3, HOT, T1, '50'),
    pay('p4', 4, T1, HOT, '50'),
    { chain: 'tron', covers: 'all' },
  ]
  const ledger = join(folder, 'ledger.ndjson')
  writeFileSync(ledger, rows.map((row) => JSON.stringify(row)).join('\n'))
  const tags = join(folder, 'tags.csv')
  writeFileSync(
    tags,
    `chain,address,label,category,entity,source,validTo\nbitcoin,${A},Hydra,market,hydra,list,\nbitcoin,${C},Some,exchange,some,list,2021-01-01\ntron,${HOT},Some hot,exchange,some,list,\n`,
  )
  const store = join(folder, 'store')
  const claims = await openClaims(store)
  claims.append(
    [
      {
        tag: tag({ chain: 'bitcoin', address: A, label: 'Other', category: 'exchange', entity: 'other', source: 'us' }),
        capture: undefined,
      },
    ],
    1_700_000_000,
  )
  await claims.close()
  service = await makeService({ config: { ledgers: [ledger], tags: [tags], store } })
  trace = await finished(service)
})
afterAll(async () => {
  await service.close()
  rmSync(folder, { recursive: true, force: true })
})

const look = async (chain: string, address: string, query = '') => {
  const answer = await get(service, `/v1/addresses/${chain}/${address}${query}`)
  expect(answer.statusCode, answer.body).toBe(200)
  return answer.json()
}
const post = (body: unknown) =>
  service.server.inject({ method: 'POST', url: '/v1/addresses/lookup', payload: body as object })

describe('an address', () => {
  it('is told with every claim, from files and store, and what contradicts what', async () => {
    const { address, lookedAt } = await look('bitcoin', A)
    expect(address.claims.map(({ label, source, stops }: Record<string, string>) => [label, source, stops])).toEqual([
      ['Other', 'us', 'service'],
      ['Hydra', 'list', null],
    ])
    const ids = address.claims.map(({ claim }: { claim: string }) => claim).sort()
    expect(address.conflicts.map(({ kind }: { kind: string }) => kind)).toEqual(['entity'])
    expect([...address.conflicts[0].claims].sort()).toEqual(ids)
    expect(address.claims[0].recorded).toBe('2023-11-14T22:13:20Z')
    expect(lookedAt).toMatchObject({ claims: 4, tagFiles: 1, claimRecords: 1, traces: 1, tracesLeftOut: 0 })
    expect(lookedAt.ledgers).toMatchObject([
      { chain: 'bitcoin', transactions: 2, coversAll: false },
      { chain: 'tron', transactions: 4, coversAll: true },
    ])
  })

  it('as of a day before the store knew of it, and at a time at which a claim no longer counts', async () => {
    const before = await look('bitcoin', A, '?asOf=2023-01-01T00:00:00Z')
    expect(before.address.claims.map(({ label }: { label: string }) => label)).toEqual(['Hydra'])
    expect(before.lookedAt.asOf).toBe('2023-01-01T00:00:00Z')
    const later = await look('bitcoin', C, '?at=2022-06-01T00:00:00Z')
    expect(later.address.claims).toMatchObject([{ label: 'Some', standing: false, validTo: '2021-01-01T00:00:00Z' }])
  })

  it('has its cluster with the evidence; its members’ claims are theirs', async () => {
    const { address } = await look('bitcoin', B)
    expect(address.claims).toEqual([])
    expect(address.cluster).toMatchObject({
      name: B < A ? B : A,
      size: 3,
      transactions: { commonInput: 2, change: 0 },
      memberClaimCount: 2,
    })
    expect(address.cluster.memberClaims.map((each: { address: string }) => each.address)).not.toContain(B)
    const cluster = (await get(service, `/v1/clusters/bitcoin/${A}?limit=1`)).json()
    expect([cluster.cluster.members.length, cluster.links.length, cluster.next]).toEqual([1, 1, 'p1'])
    const rest = (await get(service, `/v1/clusters/bitcoin/${A}?limit=2&cursor=p1`)).json()
    expect([rest.cluster.members.length, rest.links.length, rest.next]).toEqual([2, 1, null])
    const way = (await get(service, `/v1/clusters/bitcoin/explain?a=${A}&b=${C}`)).json()
    expect(way.links.map(({ transactions }: { transactions: string[] }) => transactions[0][0])).toEqual(['a', 'b'])
    expect(way.weakest.confidence).toBe(90)
    const none = (await get(service, `/v1/clusters/bitcoin/explain?a=${A}&b=${LONE}`)).json()
    expect([none.cluster, none.links, none.weakest]).toEqual([null, [], null])
  })

  it('has its history and whose deposit account it is', async () => {
    const { address } = await look('tron', T1)
    expect(address.depositAccount).toMatchObject({ entity: 'some', basis: 'sweep', sweeps: 2 })
    expect(address.history).toEqual({
      ...{ transactions: 4, first: '2022-01-01T01:00:00Z', last: '2022-01-01T04:00:00Z' },
      assets: [{ asset: 'native', received: '150', sent: '150' }],
    })
    expect(address.covered).toBe(true)
  })

  it('that nobody knows is not clean: the answer says what was looked at', async () => {
    const { address, statement, lookedAt } = await look('litecoin', 'LaMT348PWRnrqeeWArpwQPbuanpXDZGEUz')
    expect(address).toMatchObject({ found: false, claims: [], cluster: null, history: null, covered: false })
    expect(statement).toMatch(/not a finding that the address is clean/)
    expect(lookedAt.claims).toBe(4)
  })

  it('is refused by name where its chain denies it', async () => {
    const answer = await get(service, `/v1/addresses/tron/${T1.slice(0, -1)}z`)
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'ADDRESS_INVALID'])
    expect((await get(service, `/v1/addresses/tron/${T1}?asof=2023-01-01T00:00:00Z`)).statusCode).toBe(400)
    expect((await get(service, `/v1/addresses/tron/${T1}?asOf=yesterday`)).statusCode).toBe(400)
    expect((await get(service, `/v1/clusters/bitcoin/explain?a=${A}`)).statusCode).toBe(400)
    expect((await get(service, `/v1/clusters/bitcoin/${A}?cursor=x`)).statusCode).toBe(400)
  })
})

describe('many addresses', () => {
  it('are answered in the order asked, one by one as a single one is; a wrong one by its reason', async () => {
    const addresses = [
      { chain: 'tron', address: T1 },
      { chain: 'tron', address: 'Twrong' },
      { chain: 'bitcoin', address: A },
      { chain: 'tron', address: 'Tmid' },
    ]
    const answer = await post({ addresses })
    expect(answer.statusCode, answer.body).toBe(200)
    const { answers } = answer.json()
    expect(answers.map((row: { address: string }) => row.address)).toEqual(addresses.map(({ address }) => address))
    expect(answers[1].problem).toMatch(/not a tron address/)
    expect(answers[0].answer).toEqual((await look('tron', T1)).address)
    expect(answers[2].answer).toEqual((await look('bitcoin', A)).address)
  })

  it('ten thousand at once, and not one more', async () => {
    const addresses = Array.from({ length: 10_000 }, (_, i) => ({
      chain: 'ethereum',
      address: `0x${i.toString(16).padStart(40, '0')}`,
    }))
    const answer = await post({ addresses })
    expect(answer.statusCode).toBe(200)
    expect(answer.json().answers).toHaveLength(10_000)
    expect((await post({ addresses: [...addresses, addresses[0]] })).statusCode).toBe(400)
    expect((await post({ addresses: [] })).statusCode).toBe(400)
    expect((await post({ addresses: [{ ...addresses[0], chian: 'x' }] })).statusCode).toBe(400)
  })
})

describe('exposure and claims', () => {
  it('every row of a finished trace that names the address, under its primary method', async () => {
    const report = (await get(service, `/v1/traces/${trace}/report.json`)).json()
    const [endpoint] = report.endpoints
    // The stand-in's addresses are no real ones; a chain without an address rule takes them as they are.
    expect(endpoint.chain).toBe('tron')
    const own = await import('../../../src/work/desk.ts')
    const desk = new own.Desk({ ledgers: [], tags: [], store: undefined })
    const { answers, lookedAt } = await desk.answer<'look'>({
      ...{ kind: 'look', asked: [{ chain: endpoint.chain, address: endpoint.address }], reportsLeftOut: 2 },
      ...{ known: undefined, time: undefined },
      reports: [
        { trace, case: 'c', file: service.queue.file(trace, 'report.json') },
        { trace: 'gone', case: null, file: '/nowhere/report.json' },
      ],
    })
    const rows = report.endpoints.filter((each: { address: string }) => each.address === endpoint.address)
    expect(answers[0].exposureCount).toBe(rows.length)
    expect(answers[0].exposure[0]).toMatchObject({
      ...{ trace, case: 'c', row: 'endpoint', id: endpoint.id, amount: endpoint.amount, method: 'fifo' },
      traced: endpoint.traced.fifo.total,
    })
    expect(answers[0].found).toBe(true)
    expect([lookedAt.traces, lookedAt.tracesLeftOut]).toEqual([1, 3])
  })

  it('claims in pages, by what they say', async () => {
    const labels: string[] = []
    let cursor = ''
    for (let pages = 0; pages < 10; pages++) {
      const page = (await get(service, `/v1/tags?limit=1${cursor}`)).json()
      labels.push(...page.tags.map(({ label }: { label: string }) => label))
      if (page.next === null) break
      cursor = `&cursor=${page.next}`
    }
    expect(labels.sort()).toEqual(['Hydra', 'Other', 'Some', 'Some hot'])
    const some = (await get(service, '/v1/tags?entity=some&chain=tron')).json()
    expect(some.tags.map(({ label }: { label: string }) => label)).toEqual(['Some hot'])
    const early = (await get(service, '/v1/tags?source=us&asOf=2023-01-01T00:00:00Z')).json()
    expect(early.tags).toEqual([])
  })

  it('a ledger that cannot be read is the service’s trouble, and where it lies its secret', async () => {
    const broken = join(folder, 'broken.ndjson')
    writeFileSync(broken, '{"chain":"tron"')
    const other = await makeService({ config: { ledgers: [broken] } })
    const answer = await get(other, `/v1/addresses/tron/${T1}`)
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'STORE_UNAVAILABLE'])
    expect(answer.body).not.toContain(folder)
    await other.close()
  })

  it('a claim recorded while the service runs is seen at the next question', async () => {
    const claims = await openClaims(join(folder, 'store'))
    claims.append(
      [{ tag: tag({ chain: 'tron', address: T1, label: 'New', category: 'user', source: 'us' }), capture: undefined }],
      1_800_000_000,
    )
    await claims.close()
    expect((await look('tron', T1)).address.claims).toMatchObject([{ label: 'New' }])
  })
})
