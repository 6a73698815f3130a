import { existsSync, readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHANGE_RULE_NAMES, METHOD_NAMES, POOL_KINDS } from '../../graph/index.ts'
import { FAULTS } from '../../src/faults.ts'
import { GAPS } from '../../src/gaps.ts'
import { makeAjv, readContract } from '../../src/http/contract.ts'
import { KEY_ROLES, TRACE_STATES } from '../../src/store/records.ts'
import { decodeRequest } from '../../src/trace/decode-request.ts'
import { finished, get, makeService, post, REQUEST, type TestService } from '../support/service.ts'
import { smallReport } from '../support/small-run.ts'

type Schema = Record<string, unknown>

const contract = readContract()
const schemas = (contract.document.components as { schemas: Record<string, Schema> }).schemas
const checker = makeAjv({ coerce: false })
checker.addVocabulary(Object.keys(contract.document))
checker.addSchema(contract.document, 'contract')
const holds = (name: string) => checker.compile({ $ref: `contract#/components/schemas/${name}` })

let service: TestService
let finishedId: string

beforeAll(async () => {
  service = await makeService({ config: { requestsPerMinute: 1_000_000, queueMax: 100_000 } })
  finishedId = await finished(service)
})
afterAll(() => service.close())

describe('the contract and the code say the same', () => {
  it('has every fault, gap, method, pool, state and role, and no other', () => {
    expect(schemas.FaultCode.enum).toEqual(Object.keys(FAULTS))
    expect(schemas.GapKind.enum).toEqual(Object.keys(GAPS))
    expect(schemas.MethodName.enum).toEqual([...METHOD_NAMES])
    expect(schemas.PoolName.enum).toEqual([...POOL_KINDS])
    expect(schemas.TraceState.enum).toEqual([...TRACE_STATES])
    expect(schemas.ChangeRule.enum).toEqual([...CHANGE_RULE_NAMES])
    const roles = new Set([...contract.operations.values()].map((operation) => operation.role))
    expect([...roles].filter((role) => role !== undefined).sort()).toEqual([...KEY_ROLES].sort())
  })

  it('has every route, and every route has it', () => {
    for (const { method, path } of contract.operations.values()) {
      const url = path.replace(/\{(\w+)\}/g, ':$1')
      const known = service.server.hasRoute({ method: method as 'GET', url }) || (path === '/docs' && hasDocs())
      expect(known, `${method} ${path}`).toBe(true)
    }
    const named = new Set(
      [...contract.operations.values()].map(({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    )
    for (const { method, url } of service.routes) {
      if (url === '/docs' || url.startsWith('/docs/')) continue
      expect(named.has(`${method} ${url}`), `${method} ${url} is served but not in openapi.yaml`).toBe(true)
    }
    expect(service.routes.length).toBeGreaterThan(named.size)
  })

  it('closes every object, but for the two files and the report part that others shape', () => {
    const open: string[] = []
    const waiting: { at: string; node: unknown }[] = [{ at: '#', node: contract.document }]
    while (waiting.length > 0) {
      const { at, node } = waiting.pop()!
      if (typeof node !== 'object' || node === null) continue
      const { type, additionalProperties } = node as Schema
      if (type === 'object' && (additionalProperties === undefined || additionalProperties === true)) open.push(at)
      for (const [key, value] of Object.entries(node)) waiting.push({ at: `${at}/${key}`, node: value })
    }
    expect(open.sort()).toEqual([
      '#/components/schemas/Report/properties/request',
      '#/paths//v1/traces/{id}/request.json/get/responses/200/content/application/json/schema',
      '#/paths//v1/traces/{id}/run.json/get/responses/200/content/application/json/schema',
    ])
  })

  it('answers every operation with a role to nobody without a key, once there is one', () => {
    for (const { id, role, path } of contract.operations.values()) {
      expect(role === undefined, id).toBe(['/healthz', '/docs', '/openapi.yaml'].includes(path))
    }
  })

  it('describes the report that a bundle holds', async () => {
    const report = holds('Report')
    const sent = (await get(service, `/v1/traces/${finishedId}/report.json`)).json()
    expect(report(sent), checker.errorsText(report.errors)).toBe(true)
    for (const key of Object.keys(sent)) {
      const { [key]: _, ...less } = sent
      expect(report(less), `without ${key}`).toBe(false)
    }
    expect(report({ ...sent, verdict: 'guilty' })).toBe(false)
    const [first, ...rest] = smallReport(REQUEST).endpoints
    expect(report({ ...sent, endpoints: [{ ...first, amount: 60 }, ...rest] })).toBe(false)
    expect(report({ ...sent, endpoints: [{ ...first, amount: '6.0' }, ...rest] })).toBe(false)
    const manifest = holds('Manifest')
    expect(manifest((await get(service, `/v1/traces/${finishedId}/manifest.json`)).json())).toBe(true)
  })

  it('accepts the requests of the samples, as the engine does, and what the engine prints of them', () => {
    const isRequest = holds('TraceRequest')
    const requests = readdirSync('samples').map((name) => `samples/${name}/request.json`)
    const there = requests.filter((file) => existsSync(file))
    expect(there.length).toBeGreaterThan(0)
    for (const file of there) {
      const request = JSON.parse(readFileSync(file, 'utf8'))
      expect(isRequest(request), `${file}: ${checker.errorsText(isRequest.errors)}`).toBe(true)
      const { printed } = decodeRequest(request)
      expect(isRequest(printed), `${file}, printed: ${checker.errorsText(isRequest.errors)}`).toBe(true)
    }
  })

  it('describes the reports of the samples', () => {
    const isReport = holds('Report')
    for (const name of readdirSync('samples')) {
      const file = `samples/${name}/report.json`
      if (!existsSync(file)) continue
      expect(isReport(JSON.parse(readFileSync(file, 'utf8'))), `${file}: ${checker.errorsText(isReport.errors)}`).toBe(
        true,
      )
    }
  })

  function hasDocs(): boolean {
    return service.routes.some(({ method, url }) => method === 'GET' && (url === '/docs' || url === '/docs/'))
  }
})

describe('requests drawn from the contract’s own schema', () => {
  const isRequest = holds('TraceRequest')
  const isTrace = holds('Trace')
  const isProblem = holds('Problem')

  it('accepts what the schema accepts and refuses the rest, always with an answer of the contract', async () => {
    await fc.assert(
      fc.asyncProperty(requests(), mutations(), async (request, mutate) => {
        const body = mutate(request)
        const answer = await post(service, body as object)
        if (isRequest(body)) {
          expect(answer.statusCode, answer.body).toBe(202)
          expect(isTrace(answer.json())).toBe(true)
        } else {
          expect(answer.statusCode).toBe(400)
          expect(isProblem(answer.json()), answer.body).toBe(true)
          expect(answer.json().errors.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('names a misspelt field wherever it stands', async () => {
    await fc.assert(
      fc.asyncProperty(requests(), fc.nat(), async (request, pick) => {
        const places = objectsOf(request)
        const { at, object } = places[pick % places.length]
        object.methd = 'lifo'
        const answer = await post(service, request)
        expect(answer.statusCode).toBe(400)
        const pointers = answer.json().errors.map((error: { pointer: string }) => error.pointer)
        // In `pool` every name is a chain's: there the value is wrong, not the name.
        expect(pointers).toContain(`${at}/methd`)
      }),
      { numRuns: 60 },
    )
  })

  it('refuses a hundred thousand wrong seeds without labouring over each', async () => {
    const before = performance.now()
    const answer = await post(service, { ...REQUEST, seeds: Array.from({ length: 100_000 }, () => ({})) })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors[0].pointer).toMatch(/^#\/seeds\/0\//)
    const many = await post(service, { ...REQUEST, seeds: Array.from({ length: 1000 }, () => ({})) })
    expect(many.json().errors).toHaveLength(20)
    // Each costs milliseconds; an explanation that compared all with all would take minutes.
    expect(performance.now() - before).toBeLessThan(10_000)
  })

  it('takes any bytes as a body and answers with a problem', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        async (bytes) => {
          const headers = { 'content-type': 'application/json' }
          const answer = await service.server.inject({
            method: 'POST',
            url: '/v1/traces',
            payload: Buffer.from(bytes),
            headers,
          })
          expect(answer.statusCode).toBe(400)
          expect(isProblem(answer.json()), answer.body).toBe(true)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('takes any path and query and answers as the contract says', async () => {
    const path = fc.oneof(
      fc.webPath(),
      fc.tuple(fc.constantFrom(...contract.operations.values()), fc.webQueryParameters()).map(([{ path }, query]) => {
        return `${path.replace('{id}', finishedId)}?${query}`
      }),
    )
    await fc.assert(
      fc.asyncProperty(path, async (url) => {
        const answer = await get(service, url.startsWith('/') ? url : `/${url}`)
        expect(answer.statusCode).toBeLessThan(500)
        if (answer.statusCode >= 400) expect(isProblem(answer.json()), `${url}: ${answer.body}`).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})

/** Values the schema `TraceRequest` accepts. Written from the schema's own limits, so that a change there is met here. */
function requests(): fc.Arbitrary<Record<string, unknown>> {
  return draw({ $ref: '#/components/schemas/TraceRequest' }) as fc.Arbitrary<Record<string, unknown>>
}

/** Draws values that a schema of the contract accepts. */
function draw(schema: Schema): fc.Arbitrary<unknown> {
  if (typeof schema.$ref === 'string') return draw(schemas[schema.$ref.replace('#/components/schemas/', '')])
  if (Array.isArray(schema.oneOf)) return fc.oneof(...schema.oneOf.map((each) => draw(each)))
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum)
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'integer') {
    return fc.integer({ min: Number(schema.minimum), max: Math.min(Number(schema.maximum), 2 ** 31 - 1) })
  }
  if (schema.type === 'string') return drawText(schema)
  if (schema.type === 'array') {
    const range = { minLength: Number(schema.minItems ?? 0), maxLength: Math.min(Number(schema.maxItems), 4) }
    const items = draw(schema.items as Schema)
    return schema.uniqueItems === true ? fc.uniqueArray(items, range) : fc.array(items, range)
  }
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') {
    const names = draw(schema.propertyNames as Schema) as fc.Arbitrary<string>
    return fc.dictionary(names, draw(schema.additionalProperties as Schema), { maxKeys: 3, noNullPrototype: true })
  }
  if (schema.type === 'object') {
    const properties = schema.properties as Record<string, Schema>
    const model = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, draw(each)]))
    return fc.record(model, { requiredKeys: (schema.required ?? []) as never[], noNullPrototype: true })
  }
  throw new Error(`nothing draws ${JSON.stringify(schema)}`)
}

function drawText(schema: Schema): fc.Arbitrary<string> {
  if (schema.format === 'date-time') {
    const range = { noInvalidDate: true, min: new Date('2009-01-03T00:00:00Z'), max: new Date('2100-01-01T00:00:00Z') }
    return fc.date(range).map((date) => date.toISOString())
  }
  if (typeof schema.pattern === 'string') return fc.stringMatching(new RegExp(schema.pattern), { maxLength: 40 })
  return fc.string({
    minLength: Number(schema.minLength),
    maxLength: Math.min(Number(schema.maxLength), 20),
    unit: 'grapheme-composite',
  })
}

/** Ways to leave a request as it is, or to spoil one value in it. Whether it is spoilt the schema says. */
function mutations(): fc.Arbitrary<(request: Record<string, unknown>) => unknown> {
  const values = fc.constantFrom<unknown>(
    null,
    '',
    0,
    -1,
    1.5,
    '1.5',
    '01',
    true,
    [],
    {},
    'FIFO',
    'lifo ',
    1e300,
    '9'.repeat(79),
  )
  const spoil = fc
    .tuple(fc.nat(), fc.nat(), values)
    .map(([where, which, value]) => (request: Record<string, unknown>) => {
      const places = objectsOf(request)
      const { object } = places[where % places.length]
      const keys = Object.keys(object)
      if (keys.length > 0) object[keys[which % keys.length]] = value
      return request
    })
  const drop = fc.tuple(fc.nat(), fc.nat()).map(([where, which]) => (request: Record<string, unknown>) => {
    const places = objectsOf(request)
    const { object } = places[where % places.length]
    const keys = Object.keys(object)
    if (keys.length > 0) delete object[keys[which % keys.length]]
    return request
  })
  return fc.oneof(
    fc.constant((request: Record<string, unknown>) => request),
    spoil,
    drop,
  )
}

/** Every object in a value, with its JSON Pointer; `pool`, whose names are free, left out. */
function objectsOf(value: unknown): { at: string; object: Record<string, unknown> }[] {
  const found: { at: string; object: Record<string, unknown> }[] = []
  const waiting = [{ at: '#', node: value }]
  while (waiting.length > 0) {
    const { at, node } = waiting.pop()!
    if (typeof node !== 'object' || node === null) continue
    if (!Array.isArray(node) && at !== '#/pool') found.push({ at, object: node as Record<string, unknown> })
    for (const [key, inner] of Object.entries(node)) waiting.push({ at: `${at}/${key}`, node: inner })
  }
  return found
}
