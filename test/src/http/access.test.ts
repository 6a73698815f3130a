import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKey, revokeKey } from '../../../src/store/keys.ts'
import { finished, get, makeService, post, REQUEST, type TestService } from '../../support/service.ts'

const now = new Date('2026-01-01T00:00:00Z')

describe('without keys', () => {
  let service: TestService
  beforeAll(async () => {
    service = await makeService()
  })
  afterAll(() => service.close())

  it('answers on loopback names only, so that a page cannot reach it by a name of its own', async () => {
    for (const host of ['localhost', '127.0.0.1:8627', '[::1]:8627']) {
      expect((await get(service, '/v1/traces', { host })).statusCode, host).toBe(200)
    }
    for (const host of ['evil.example', '127.0.0.1.evil.example', '10.0.0.1']) {
      expect((await get(service, '/v1/traces', { host })).json().code, host).toBe('FORBIDDEN')
    }
    expect((await get(service, '/v1/traces', { 'x-forwarded-for': '10.0.0.1' })).json().code).toBe('FORBIDDEN')
    const foreign = await post(service, REQUEST, { origin: 'https://evil.example' })
    expect(foreign.json().code).toBe('FORBIDDEN')
    const own = await post(service, REQUEST, { host: 'localhost:1', origin: 'http://localhost:1' })
    expect(own.statusCode).toBe(202)
  })

  it('asks everyone for a key from the moment there is one, and still when it is revoked', async () => {
    const late = await makeService()
    expect((await get(late, '/v1/traces')).statusCode).toBe(200)
    const { key } = await createKey(late.records, { role: 'viewer', name: 'first', now })
    expect((await get(late, '/v1/traces')).statusCode).toBe(401)
    await revokeKey(late.records, key.id, now)
    expect((await get(late, '/v1/traces')).statusCode).toBe(401)
    await late.close()
  })
})

describe('with keys', () => {
  let service: TestService
  let viewer: string
  let investigator: string
  let id: string
  const by = (bearer: string) => ({ authorization: `Bearer ${bearer}` })
  beforeAll(async () => {
    service = await makeService({
      prepare: async (records) => {
        viewer = (await createKey(records, { role: 'viewer', name: 'analyst', now })).bearer
        investigator = (await createKey(records, { role: 'investigator', name: 'Kim', now })).bearer
      },
    })
    const posted = await post(service, REQUEST, by(investigator))
    expect(posted.json().by).toBe('Kim')
    id = posted.json().id
  })
  afterAll(() => service.close())

  it('refuses whoever has none, in one way', async () => {
    const [, keyId] = viewer.split('_')
    const wrong = [
      '',
      'Bearer',
      'Bearer x',
      `Basic ${viewer}`,
      `Bearer ${viewer}x`,
      `Bearer prc_${keyId}_${'A'.repeat(43)}`,
    ]
    for (const authorization of wrong) {
      const answer = await get(service, '/v1/traces', authorization === '' ? {} : { authorization })
      expect([answer.statusCode, answer.json().code], authorization).toEqual([401, 'UNAUTHORIZED'])
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="proceeds"')
    }
  })

  it('lets a viewer read and an investigator act', async () => {
    expect((await get(service, `/v1/traces/${id}`, by(viewer))).statusCode).toBe(200)
    expect((await get(service, '/metrics', by(viewer))).statusCode).toBe(200)
    expect((await post(service, REQUEST, by(viewer))).json().code).toBe('FORBIDDEN')
    const cancel = { method: 'DELETE', url: `/v1/traces/${id}` } as const
    expect((await service.server.inject({ ...cancel, headers: by(viewer) })).json().code).toBe('FORBIDDEN')
    expect((await service.server.inject({ ...cancel, headers: by(investigator) })).statusCode).toBeLessThan(410)
  })

  it('refuses before it reads a body', async () => {
    const answer = await post(service, { nonsense: true })
    expect(answer.json().code).toBe('UNAUTHORIZED')
  })

  it('keeps every key’s Idempotency-Key apart', async () => {
    const other = (await createKey(service.records, { role: 'investigator', name: 'Lee', now })).bearer
    const first = await post(service, REQUEST, { ...by(investigator), 'idempotency-key': 'same' })
    const second = await post(service, REQUEST, { ...by(other), 'idempotency-key': 'same' })
    expect(second.json().id).not.toBe(first.json().id)
  })

  it('counts a revoked key no longer', async () => {
    const { key, bearer } = await createKey(service.records, { role: 'viewer', name: 'left', now })
    expect((await get(service, '/v1/traces', by(bearer))).statusCode).toBe(200)
    await revokeKey(service.records, key.id, now)
    expect((await get(service, '/v1/traces', by(bearer))).statusCode).toBe(401)
  })

  it('needs no key for health, contract and page', async () => {
    for (const url of ['/healthz', '/openapi.yaml', '/docs/'])
      expect((await get(service, url)).statusCode, url).toBe(200)
  })

  it('writes no key, address, case or body into the log', async () => {
    await get(service, `/v1/traces/${id}/paths?seed=Tsecretaddress`, by(viewer))
    await get(service, '/v1/Tsecretaddress', by(viewer))
    const log = service.log.join('')
    expect(log).toContain('"route":"/v1/traces/:id/paths"')
    for (const secret of [
      viewer.slice(21),
      investigator.slice(21),
      'Tsecretaddress',
      'Tvendor',
      '형제',
      'seized phone',
    ]) {
      expect(log).not.toContain(secret)
    }
  })
})

describe('limits and manners', () => {
  let plain: TestService
  beforeAll(async () => {
    plain = await makeService({ config: { bodyBytesMax: 2000 } })
  })
  afterAll(() => plain.close())

  it('limits requests by key, apart from other keys, and by address before a key is proved', async () => {
    const keys: string[] = []
    const service = await makeService({
      config: { requestsPerMinute: 3 },
      prepare: async (records) => {
        for (const name of ['a', 'b']) keys.push((await createKey(records, { role: 'viewer', name, now })).bearer)
      },
    })
    const codes = async (headers: Record<string, string>) => {
      const seen = []
      for (let n = 0; n < 4; n++) seen.push((await get(service, '/v1/traces', headers)).statusCode)
      return seen
    }
    expect(await codes({ authorization: `Bearer ${keys[0]}` })).toEqual([200, 200, 200, 429])
    expect(await codes({ authorization: `Bearer ${keys[1]}` })).toEqual([200, 200, 200, 429])
    expect(await codes({ authorization: 'Bearer prc_guess' })).toEqual([401, 401, 401, 429])
    const limited = await get(service, '/v1/nowhere', {})
    expect(limited.json().code).toBe('RATE_LIMITED')
    expect(limited.headers['retry-after']).toBeDefined()
    expect((await get(service, '/healthz')).statusCode).toBe(200)
    await service.close()
  })

  it('tells every refusal of the framework as a problem of ours', async () => {
    const service = plain
    const send = (options: object) => service.server.inject({ method: 'POST', url: '/v1/traces', ...options } as never)
    const json = { 'content-type': 'application/json' }
    const cases: [number, string, object][] = [
      [404, 'NOT_FOUND', { method: 'GET', url: '/nowhere' }],
      [405, 'METHOD_NOT_ALLOWED', { method: 'PUT' }],
      [405, 'METHOD_NOT_ALLOWED', { url: '/healthz' }],
      [413, 'LIMIT_EXCEEDED', { payload: 'x'.repeat(3000), headers: json }],
      [
        415,
        'MEDIA_TYPE_UNSUPPORTED',
        { payload: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      ],
      [415, 'MEDIA_TYPE_UNSUPPORTED', { payload: '{}', headers: { 'content-type': 'text/plain' } }],
      [400, 'REQUEST_INVALID', { payload: '{"a":', headers: json }],
      [400, 'REQUEST_INVALID', { payload: '{"__proto__":{}}', headers: json }],
      [400, 'REQUEST_INVALID', { payload: '', headers: json }],
      [400, 'REQUEST_INVALID', {}],
      [400, 'REQUEST_INVALID', { method: 'GET', url: '/v1/traces/%' }],
      [400, 'REQUEST_INVALID', { method: 'GET', url: '/v1/traces?limit=0' }],
      [400, 'REQUEST_INVALID', { method: 'GET', url: '/v1/traces?limit=1&limit=2' }],
      [400, 'REQUEST_INVALID', { method: 'GET', url: '/healthz?verbose=1' }],
      [400, 'METHOD_UNKNOWN', { payload: { ...REQUEST, method: { primary: 'FIFO', reason: 'r' } } }],
      [400, 'METHOD_UNKNOWN', { payload: { ...REQUEST, compare: ['lifo', 'poison'] } }],
      [400, 'AMOUNT_INVALID', { payload: { ...REQUEST, limits: { amount: '1.5' } } }],
      [400, 'AMOUNT_INVALID', { payload: { ...REQUEST, seeds: [{ ...REQUEST.seeds[1], amount: 100 }] } }],
    ]
    for (const [status, code, options] of cases) {
      const answer = await send(options)
      expect([answer.statusCode, answer.json().code], JSON.stringify(options)).toEqual([status, code])
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
      expect(answer.json().status).toBe(status)
    }
    expect((await send({ method: 'PUT' })).headers.allow).toBe('GET, POST')
  })

  it('says what a misspelt field may have meant, in the branch the caller meant', async () => {
    const service = plain
    const errors = async (body: object) => (await post(service, body)).json().errors
    expect(await errors({ ...REQUEST, methd: 1 })).toEqual([
      { pointer: '#/methd', message: 'unknown field "methd"; did you mean "method"?' },
    ])
    const [transfer, output, address] = REQUEST.seeds
    const seed = async (each: object) =>
      (await errors({ ...REQUEST, seeds: [transfer, each] })).map((e: { pointer: string }) => e.pointer)
    expect(await seed({ ...output, amout: '1' })).toEqual(['#/seeds/1/amout'])
    expect(await seed({ ...address, form: '2022-01-01T00:00:00Z' })).toEqual(['#/seeds/1/form'])
    expect(await seed({ ...transfer, transfer: '0' })).toEqual(['#/seeds/1/transfer'])
    expect(await seed({ ...address, reason: undefined })).toEqual(['#/seeds/1/reason'])
    expect(await errors({ ...REQUEST, pool: { tron: 'adress' } })).toEqual([
      { pointer: '#/pool/tron', message: 'must be one of output, address, cluster' },
    ])
  })

  it('refuses what is not HTTP, and an answer that breaks its own contract', async () => {
    const service = plain
    await service.server.listen({ port: 0, host: '127.0.0.1' })
    const { port } = service.server.server.address() as { port: number }
    const raw = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(port, '127.0.0.1', () => socket.write('HELLO\r\n\r\n'))
      socket.on('data', (data) => (text += data)).on('close', () => resolve(text))
    })
    expect(raw).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*"code":"REQUEST_INVALID"/)
    const id = await finished(service)
    await service.records.update(id, 'state', () => ({ seeds: -1 }))
    const broken = await get(service, `/v1/traces/${id}`)
    expect([broken.statusCode, broken.json().code]).toEqual([500, 'INTERNAL'])
  })

  it('shows its page with nothing from elsewhere, and headers that keep it so', async () => {
    const service = plain
    const page = await get(service, '/docs/')
    expect(page.headers['content-security-policy']).toContain("script-src 'self'")
    expect(page.body).not.toMatch(/(src|href)="(https?:)?\/\//)
    for (const [, path] of page.body.matchAll(/(?:src|href)="\.?([^"]+)"/g)) {
      expect((await get(service, `/docs${path.replace(/^\/docs/, '')}`)).statusCode, path).toBe(200)
    }
    expect([200, 302]).toContain((await get(service, '/docs')).statusCode)
    const { headers } = await get(service, '/v1/traces')
    expect(headers['content-security-policy']).toBe("default-src 'none';frame-ancestors 'none'")
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers['x-powered-by']).toBeUndefined()
  })
})
