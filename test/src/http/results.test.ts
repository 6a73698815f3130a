import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { MultiDirectedGraph } from 'graphology'
import { parse } from 'graphology-gexf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUNDLE_FILES, type Path } from '../../../src/report/format.ts'
import { gexfOf, pathsOf, shortestOf } from '../../../src/report/report-views.ts'
import { finished, get, makeService, post, REQUEST, type TestService } from '../../support/service.ts'
import { smallReport } from '../../support/small-run.ts'

let service: TestService
let id: string
beforeAll(async () => {
  service = await makeService()
  id = await finished(service)
})
afterAll(() => service.close())
const ask = (path: string, headers?: Record<string, string>) => get(service, `/v1/traces/${id}/${path}`, headers)

describe('the bundle', () => {
  it('lists and hands out every file, byte for byte, under its hash', async () => {
    const { files, trace } = (await ask('bundle')).json()
    expect(trace).toBe(id)
    expect(files.map((file: { name: string }) => file.name)).toEqual([...BUNDLE_FILES, 'manifest.json'].sort())
    for (const { name, sha256, bytes, href } of files) {
      const answer = await get(service, href)
      expect(answer.statusCode, name).toBe(200)
      expect(createHash('sha256').update(answer.rawPayload).digest('hex'), name).toBe(sha256)
      expect(answer.headers['content-length'], name).toBe(String(bytes))
      expect(answer.headers.etag).toBe(`"${sha256}"`)
      expect(answer.headers['content-encoding']).toBeUndefined()
    }
    expect(gunzipSync((await ask('journal.ndjson.gz')).rawPayload).toString()).toBe('{"row":1}\n')
  })

  it('sends nothing to who has it', async () => {
    const { etag } = (await ask('report.json')).headers
    for (const held of [String(etag), `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await ask('report.json', { 'if-none-match': held })
      expect([answer.statusCode, answer.body, answer.headers.etag]).toEqual([304, '', etag])
    }
    expect((await ask('report.json', { 'if-none-match': '"other"' })).statusCode).toBe(200)
  })

  it('lets a picture do nothing but be seen', async () => {
    const { headers } = await ask('flow.svg')
    expect(headers['content-type']).toContain('image/svg+xml')
    expect(headers['content-security-policy']).toContain('sandbox')
    expect(headers['x-content-type-options']).toBe('nosniff')
  })

  it('does not hand out a file that was changed in the data directory', async () => {
    const other = await finished(service)
    writeFileSync(service.queue.file(other, 'endpoints.csv'), 'forged')
    const answer = await get(service, `/v1/traces/${other}/endpoints.csv`)
    expect([answer.statusCode, answer.json().code]).toEqual([500, 'INTERNAL'])
    expect(answer.headers.etag).toBeUndefined()
  })

  it('does not exist for a trace that does not', async () => {
    const answer = await get(service, `/v1/traces/${'0'.repeat(26)}/report.json`)
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'NOT_FOUND'])
    for (const wild of ['..%2f..%2fetc', '%00', 'x'])
      expect((await get(service, `/v1/traces/${wild}/report.json`)).statusCode).toBe(400)
  })
})

describe('paths', () => {
  it('pages through all, and through those of a seed or an endpoint', async () => {
    const pages = async (query: string) => {
      const found: Path[] = []
      let cursor: string | null = ''
      for (let n = 0; cursor !== null && n < 10; n++) {
        const page: { paths: Path[]; next: string | null } = (
          await ask(`paths?limit=2${query}${cursor && `&cursor=${cursor}`}`)
        ).json()
        found.push(...page.paths)
        cursor = page.next
      }
      return found.map((path) => path.id)
    }
    const all = ['buy-1-p1', 'buy-1-p2', 'buy-2-p1', 'buy-2-p2', 'vendor-p1', 'vendor-p2']
    expect(await pages('')).toEqual(all)
    expect(await pages('&seed=buy-2')).toEqual(['buy-2-p1', 'buy-2-p2'])
    expect(await pages('&endpoint=e2')).toEqual(['buy-1-p2', 'buy-2-p2', 'vendor-p2'])
    expect(await pages('&endpoint=e2&seed=vendor')).toEqual(['vendor-p2'])
  })

  it('says what the report does not have', async () => {
    expect((await ask('paths?seed=nobody')).json().code).toBe('NOT_FOUND')
    expect((await ask('paths?endpoint=e9')).json().code).toBe('NOT_FOUND')
    expect((await ask('paths?cursor=x1')).json().code).toBe('REQUEST_INVALID')
    const misspelt = await ask('paths?sede=buy-1')
    expect([misspelt.statusCode, misspelt.json().errors[0].pointer]).toEqual([400, 'query sede'])
  })
})

describe('the graph', () => {
  it('is GEXF that others read, with exact amounts', async () => {
    const answer = await ask('graph.gexf')
    expect(answer.headers['content-type']).toContain('application/gexf+xml')
    const graph = parse(MultiDirectedGraph as never, answer.body)
    // Three seeds, `Tmid` and two services; three transactions a seed.
    expect([graph.order, graph.size]).toEqual([6, 9])
    const carried = graph.mapEdges((_edge, attributes) => attributes.carried)
    expect(carried.sort()).toEqual(['30', '30', '30', '60', '60', '60', '60', '60', '60'])
    const kinds = graph.mapNodes((_node, attributes) => attributes.kind)
    expect(kinds.filter((kind) => kind === 'service')).toHaveLength(2)
    expect((await ask('graph.gexf')).body).toBe(answer.body)
    expect((await ask('graph.gexf', { 'if-none-match': String(answer.headers.etag) })).statusCode).toBe(304)
  })
})

describe('the fewest hops', () => {
  it('are found by entity, by label and by endpoint', async () => {
    for (const service of ['Alpha', 'Alpha%20hot%20wallet', 'e1']) {
      const { hops, steps } = (await ask(`shortest?seed=buy-1&service=${service}`)).json()
      expect(hops).toBe(2)
      expect(steps.map((step: { transaction: string }) => step.transaction)).toEqual(['a-buy-1', 'b-buy-1'])
      expect(steps[0]).toMatchObject({ from: 'Tbuy-1', to: 'Tmid', carried: '60' })
    }
    expect((await ask('shortest?seed=vendor&service=Beta')).json().hops).toBe(1)
  })

  it('say where the report does not list every thread', () => {
    const report = smallReport(REQUEST)
    const gaps = [{ kind: 'PATHS_OMITTED', where: 'e1', amount: '5', detail: 'more' }] as const
    expect(shortestOf(report, 'buy-1', 'Alpha').complete).toBe(true)
    expect(shortestOf({ ...report, gaps }, 'buy-1', 'Alpha').complete).toBe(false)
    expect(shortestOf({ ...report, gaps }, 'buy-1', 'Beta').complete).toBe(true)
    const page = { seed: undefined, endpoint: undefined, from: 0, limit: 1 }
    expect(pathsOf({ ...report, gaps }, page).complete).toBe(false)
    expect(pathsOf({ ...report, gaps }, { ...page, endpoint: 'e2' }).complete).toBe(true)
    expect(gexfOf({ ...report, gaps })).toContain('PATHS_OMITTED')
    expect(gexfOf(report)).not.toContain('PATHS_OMITTED')
  })

  it('do not go back in time', () => {
    const report = smallReport({ seeds: [{ id: 's' }] })
    // `Tmid` paid the exchange before it was paid: only by way of `Tlate` could the value have come.
    const step = (from: string, to: string, day: string) => {
      return {
        transaction: `${from}${to}`,
        from,
        to,
        amount: '1',
        carried: '1',
        height: null,
        time: `2022-04-${day}T00:00:00Z`,
      }
    }
    const path = (id: string, steps: Path['steps']): Path => ({ id, seed: 's', endpoint: 'e1', amount: '1', steps })
    const late = path('p2', [step('Ts', 'Ta', '01'), step('Ta', 'Tmid', '02'), step('Tmid', 'TAlpha', '03')])
    const early = path('p1', [
      step('Ts', 'Tmid', '09'),
      step('Tmid', 'Tx', '10'),
      step('Tx', 'Ty', '11'),
      step('Ty', 'TAlpha', '12'),
    ])
    const way = shortestOf({ ...report, paths: [early, late] }, 's', 'Alpha')
    expect(way.steps.map((each) => each.transaction)).toEqual(['TsTa', 'TaTmid', 'TmidTAlpha'])
  })

  it('are not there for what the report does not have', async () => {
    expect((await ask('shortest?seed=nobody&service=Alpha')).json().code).toBe('NOT_FOUND')
    expect((await ask('shortest?seed=buy-1&service=Gamma')).json().code).toBe('NOT_FOUND')
    expect((await ask('shortest?seed=buy-1')).json().errors[0].pointer).toBe('query service')
  })
})

it('has no result before the end', async () => {
  const slow = await makeService({ work: { workMs: 10_000 } })
  const waiting = (await post(slow)).json().id
  for (const path of ['report.json', 'bundle', 'paths', 'graph.gexf', 'shortest?seed=a&service=b']) {
    const answer = await get(slow, `/v1/traces/${waiting}/${path}`)
    expect([answer.statusCode, answer.json().code], path).toEqual([409, 'NOT_READY'])
  }
  await slow.close()
})
