import fc from 'fast-check'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Acquisition, type HttpOptions, HttpSource, parseJson } from '../../../src/chains/http.ts'

const NOW = new Date('2026-01-02T03:04:05Z')
let server: FastifyInstance
let baseUrl: string
const asked = new Map<string, number>()

/** How often a path has been asked, this time included. */
const count = (path: string): number => {
  asked.set(path, (asked.get(path) ?? 0) + 1)
  return asked.get(path)!
}

beforeAll(async () => {
  server = Fastify()
  server.get('/fine', async () => 'fine')
  server.get('/busy', async (_, reply) => (count('busy') < 3 ? reply.code(500).send('no') : 'at last'))
  server.get('/later', async (_, reply) =>
    count('later') < 2 ? reply.code(429).header('retry-after', '1').send() : 'ok',
  )
  server.get('/on-date', async (_, reply) =>
    count('date') < 2
      ? reply
          .code(503)
          .header('retry-after', new Date(NOW.getTime() + 1000).toUTCString())
          .send()
      : 'ok',
  )
  server.get('/much-later', async (_, reply) => reply.code(429).header('retry-after', '86400').send())
  server.get('/never', async (_, reply) => {
    count('never')
    return reply.code(503).send()
  })
  server.get('/refused', async (_, reply) => {
    count('refused')
    return reply.code(403).send('you used key hunter2!')
  })
  server.get('/none', async (_, reply) => reply.code(404).send('none'))
  server.get('/away', async (_, reply) => reply.redirect('/fine'))
  server.get('/cut', (_, reply) => {
    reply.hijack()
    if (count('cut') < 2) {
      reply.raw.writeHead(200, { 'content-length': 1000 })
      reply.raw.write('half')
      setTimeout(() => reply.raw.destroy(), 20)
    } else reply.raw.end('whole')
  })
  server.get('/endless', (_, reply) => {
    reply.hijack()
    reply.raw.writeHead(200)
    const chunk = Buffer.alloc(65_536, 'x')
    let sent = 0
    const more = (): void => {
      while (!reply.raw.destroyed && sent < 1e9) {
        sent += chunk.length
        if (!reply.raw.write(chunk)) {
          reply.raw.once('drain', more)
          return
        }
      }
    }
    reply.raw.on('close', () => asked.set('endless', sent))
    more()
  })
  server.get('/silent', (_, reply) => {
    reply.hijack()
    reply.raw.writeHead(200)
    reply.raw.write('.')
  })
  server.post('/echo', async (request) => ({ got: request.body, key: request.headers.authorization }))
  baseUrl = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  server.server.closeAllConnections()
  await server.close()
})

const source = (options: Partial<HttpOptions> = {}): HttpSource =>
  new HttpSource({ baseUrl, now: () => NOW, pauseMs: 1, pauseMaxMs: 2000, requestsPerSecond: 1000, ...options })

describe('an answer', () => {
  test('is kept with what was asked, when, and its hash', async () => {
    const kept: Acquisition[] = []
    const { body } = await source({ onAcquisition: (each) => kept.push(each) }).get('/fine')
    expect(body.toString()).toBe('fine')
    expect(kept).toEqual([
      {
        method: 'GET',
        url: `${baseUrl}/fine`,
        requestSha256: undefined,
        status: 200,
        time: '2026-01-02T03:04:05.000Z',
        sha256: 'd14a58bae804a2b80b5b76a010239c88ffca1fc7951a90f8e9131beda1e23c1b',
        bytes: 4,
      },
    ])
  })

  test.concurrent.each(['/busy', '/later', '/on-date', '/cut'])('comes at last from %s', async (path) => {
    const { status } = await source().get(path)
    expect(status).toBe(200)
  })

  test('may be 404 where that says something', async () => {
    expect((await source().get('/none', [404])).status).toBe(404)
    await expect(source().get('/none')).rejects.toThrow(/SOURCE_UNAVAILABLE.*\/none: it answered 404/)
  })
})

describe('no answer', () => {
  test('is a fault after so many tries', async () => {
    await expect(source({ triesMax: 3 }).get('/never')).rejects.toThrow(/answered 503 \(asked 3 times\)/)
    expect(asked.get('never')).toBe(3)
    await expect(source().get('/refused')).rejects.toThrow(/answered 403$/)
    expect(asked.get('refused')).toBe(1)
  })

  test('is a fault at once where the server asks for too long a wait', async () => {
    await expect(source().get('/much-later')).rejects.toThrow(/asked 1 times; it asks to wait 86400 s/)
  })

  test('is a fault where nobody is there, where it takes too long, where it leads elsewhere', async () => {
    const nobody = source({ baseUrl: 'http://127.0.0.1:1', triesMax: 2 })
    await expect(nobody.get('/')).rejects.toThrow(/SOURCE_UNAVAILABLE.*asked 2 times/)
    await expect(source({ timeoutMs: 50, triesMax: 1 }).get('/silent')).rejects.toThrow(/no whole answer within 50 ms/)
    await expect(source({ triesMax: 1 }).get('/away')).rejects.toThrow(/SOURCE_UNAVAILABLE/)
  })

  test('without end is cut off at the limit', async () => {
    await expect(source({ bytesMax: 1_000_000 }).get('/endless')).rejects.toThrow(
      /larger than the limit of 1000000 bytes/,
    )
    await expect.poll(() => asked.get('endless') ?? Number.POSITIVE_INFINITY).toBeLessThan(50_000_000)
  })

  test('can be told to stop', async () => {
    const stop = new AbortController()
    const waiting = source({ signal: stop.signal, pauseMaxMs: 10_000, pauseMs: 10_000 }).get('/never')
    setTimeout(() => stop.abort(), 30)
    await expect(waiting).rejects.toThrow(/SOURCE_UNAVAILABLE/)
  })
})

test('no secret is ever printed', async () => {
  const kept: Acquisition[] = []
  const withUser = baseUrl.replace('http://', 'http://alice:hunter2%21@')
  const http = source({
    baseUrl: `${withUser}/`,
    headers: { 'x-key': 'topsecret' },
    secrets: ['pathkey'],
    triesMax: 1,
    onAcquisition: (each) => kept.push(each),
  })
  const { body } = await http.post('/echo', '{"a":1}')
  const basic = Buffer.from('alice:hunter2!').toString('base64')
  expect(parseJson(body)).toEqual({ got: { a: 1 }, key: `Basic ${basic}` })
  const messages = [JSON.stringify(kept)]
  for (const path of ['/none?apikey=pathkey', '/v3/pathkey/never', '/refused']) {
    await http.get(path).catch((error: Error) => messages.push(error.message, String(error.stack)))
  }
  messages.push(http.redact(`alice:hunter2! ${basic} topsecret pathkey`))
  expect(messages.length).toBe(8)
  for (const secret of ['hunter2!', 'hunter2%21', basic, 'topsecret', 'pathkey']) {
    expect(messages.join('\n')).not.toContain(secret)
  }
  for (const wrong of ['nothing', 'file:///etc/passwd', 'ftp://a']) {
    expect(() => source({ baseUrl: wrong })).toThrow('REQUEST_INVALID')
  }
})

test('no more is asked at once than agreed', async () => {
  let now = 0
  let most = 0
  const crowd = Fastify()
  crowd.get('/', async () => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setTimeout(resolve, 10))
    now--
    return ''
  })
  const url = await crowd.listen({ host: '127.0.0.1', port: 0 })
  const http = source({ baseUrl: url, concurrency: 3 })
  await Promise.all(Array.from({ length: 12 }, () => http.get('/')))
  await crowd.close()
  expect(most).toBe(3)
})

describe('parseJson', () => {
  const parse = (text: string): unknown => parseJson(Buffer.from(text))

  test.each([
    ['{"value":0.00000001}', { value: '0.00000001' }],
    ['[20999999.9769, 1e-8, -2.5E+3, 5]', ['20999999.9769', '1e-8', '-2.5E+3', 5]],
    ['[9007199254740991,9007199254740993]', [9007199254740991, '9007199254740993']],
    ['{"a\\"1.5":"x 2.5 \\\\","b":[true,null]}', { 'a"1.5': 'x 2.5 \\', b: [true, null] }],
    ['01', undefined],
    ['1.', undefined],
    ['[1.5', undefined],
    ['"open', undefined],
    ['', undefined],
  ])('%s', (text, wanted) => {
    expect(parse(text)).toEqual(wanted)
  })

  test('reads what JSON.parse reads, numbers aside', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const loose = JSON.parse(
          JSON.stringify(value, (_, each) =>
            typeof each === 'number' && !Number.isSafeInteger(each) ? String(each) : each,
          ),
        )
        expect(parse(JSON.stringify(value))).toEqual(loose)
      }),
    )
    expect(parseJson(Buffer.of(0x22, 0xff, 0x22))).toBeUndefined()
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void parseJson(bytes)))
  })

  test('megabytes of text in one string are no trouble', () => {
    const long = 'ab'.repeat(5_000_000)
    expect(parse(`{"raw":"${long}"}`)).toEqual({ raw: long })
  })
})
