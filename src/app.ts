import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import { fastifyOpenapiGlue } from 'fastify-openapi-glue'
import type { Config } from './config.ts'
import { FAULTS, Fault } from './faults.ts'
import { identify, isLoopback, permit } from './http/access.ts'
import { addressHandlers } from './http/addresses.ts'
import { bodyChecker, type Contract, makeAjv, requestFault } from './http/contract.ts'
import { Metrics } from './http/metrics.ts'
import { languageOf, toFault, toProblem } from './http/problems.ts'
import { resultHandlers } from './http/results.ts'
import type { Handlers } from './http/routes.ts'
import { serviceHandlers } from './http/service.ts'
import { traceHandlers } from './http/traces.ts'
import type { Records } from './store/records.ts'
import type { DeskRunner } from './work/desk-runner.ts'
import { TraceQueue } from './work/queue.ts'
import type { TraceRunner } from './work/runner.ts'
import type { ViewRunner } from './work/view-runner.ts'

/** Everything the service is made of; `buildApp` joins it and starts nothing but what `ready()` starts. */
export interface AppDeps {
  readonly config: Config
  readonly contract: Contract
  readonly records: Records
  readonly runner: TraceRunner
  readonly views: ViewRunner
  /** Where questions about addresses are answered. */
  readonly desk: DeskRunner
  /** The engine's own check of a request, as far as it needs no ledger. Throws faults. */
  readonly checkRequest: (request: unknown) => void
  readonly now: () => Date
  readonly version: string
  /** This machine's name, for `run.json`. */
  readonly hostName: string | null
  /** Where log lines go; standard output if not given. */
  readonly logTo?: { write(line: string): void }
}

export interface App {
  readonly server: FastifyInstance
  readonly queue: TraceQueue
  readonly metrics: Metrics
  /** Every route that is served, the documentation's own included. */
  readonly routes: readonly { readonly method: string; readonly url: string }[]
}

/** What a page of `/docs` may load: this service, and the styles and pictures it carries in itself. */
const PAGE_POLICY = {
  'default-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
  'img-src': ["'self'", 'data:'],
  'object-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
}

/** Joins the parts into a server that is not listening yet. Closing it closes queue, threads and records. */
export async function buildApp(deps: AppDeps): Promise<App> {
  const { config, contract, records } = deps
  const server = makeServer(deps)
  const served: { method: string; url: string }[] = []
  server.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) served.push({ method: each, url })
  })
  let metrics: Metrics | undefined
  const queue = new TraceQueue({
    ...{ records, runner: deps.runner, data: config.data, ledgers: config.ledgers, tags: config.tags },
    claims: config.store,
    ...{ concurrency: config.concurrency, queueMax: config.queueMax, traceTimeoutMs: config.traceTimeoutMs },
    ...{ host: deps.hostName, now: deps.now },
    failed: (trace, error) => server.log.error({ trace, err: error }, 'a trace failed through our fault'),
    ended: (record) => {
      metrics?.traceEnded(record)
      server.log.info({ trace: record.id, state: record.state, code: record.problem?.code }, 'trace ended')
    },
  })
  metrics = new Metrics(() => queue.counts)

  await guard(server, deps, metrics)
  await documentation(server, contract)
  const { heartbeatMs, streamsMax } = config
  await routes(server, contract, config.strictAnswers, {
    ...traceHandlers({ records, queue, checkRequest: deps.checkRequest, heartbeatMs, streamsMax }),
    ...resultHandlers({ records, queue, views: deps.views, ledgers: config.ledgers, tags: config.tags }),
    ...addressHandlers({ records, queue, desk: deps.desk }),
    ...serviceHandlers({ records, contract, metrics, version: deps.version }),
  })

  server.addHook('onReady', () => queue.start())
  // Open event streams end first, so that closing the listener does not wait for them.
  server.addHook('preClose', () => queue.close())
  server.addHook('onClose', async () => {
    await deps.views.close()
    await deps.desk.close()
    await records.close()
  })
  return { server, queue, metrics, routes: served }
}

function makeServer({ config, logTo }: AppDeps): FastifyInstance {
  const text = makeAjv({ coerce: true })
  const server = Fastify({
    bodyLimit: config.bodyBytesMax,
    requestTimeout: config.requestTimeoutMs,
    connectionTimeout: Math.max(config.requestTimeoutMs, config.heartbeatMs * 2),
    keepAliveTimeout: Math.min(config.requestTimeoutMs, 30_000),
    http: { headersTimeout: config.requestTimeoutMs, maxHeaderSize: 16_384 },
    routerOptions: { maxParamLength: 160 },
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    // A request's id is ours: one from outside could forge lines of the log.
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    trustProxy: false,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' }),
    logger: {
      level: config.logLevel,
      redact: { paths: ['req', 'res', 'headers', 'authorization', '*.authorization', '*.headers'], remove: true },
      // Of an error the log keeps what it is and where, not the request it happened in.
      serializers: { err: writeError },
      ...(logTo ? { stream: logTo } : {}),
    },
    frameworkErrors: (error, request, reply) => {
      prepare(request)
      sendProblem(error, request, reply)
    },
    clientErrorHandler: refuseRaw,
  })
  // A body in another form would be read without its schema.
  server.removeContentTypeParser('text/plain')
  server.setValidatorCompiler(({ schema, httpPart }) =>
    httpPart === 'body' ? bodyChecker(schema as object) : text.compile(schema as object),
  )
  // Answers are checked against the contract, not trimmed to it.
  server.setSerializerCompiler(() => (data) => JSON.stringify(data))
  server.setSchemaErrorFormatter((errors, part) => requestFault(SHORT_PARTS[part] ?? part, errors as never))
  server.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  return server
}

const SHORT_PARTS: Readonly<Record<string, string>> = { querystring: 'query', params: 'path', headers: 'header' }

function writeError(error: Error) {
  const { name, message, stack, cause } = error
  return {
    type: name,
    message,
    stack: stack ?? '',
    ...(cause instanceof Error ? { cause: cause.stack ?? cause.message } : {}),
  }
}

/** Sets what every answer needs before the first hook may fail. */
function prepare(request: FastifyRequest): void {
  request.language = languageOf(request.headers['accept-language'])
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const fault = toFault(error)
  if (fault.status >= 500) request.log.error({ err: fault.cause ?? fault, code: fault.code }, 'request failed')
  const problem = toProblem(fault, `urn:proceeds:request:${request.id}`, request.language ?? 'en')
  reply
    .code(problem.status)
    .header('content-language', request.language ?? 'en')
    .header('vary', 'accept-language')
  reply.header('cache-control', 'no-store').removeHeader('content-length')
  for (const name of ['etag', 'content-disposition']) reply.removeHeader(name)
  if (fault.code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Bearer realm="proceeds"')
  if (fault.code === 'QUEUE_FULL' || fault.code === 'STORE_UNAVAILABLE') reply.header('retry-after', 30)
  return reply.type('application/problem+json').send(JSON.stringify(problem))
}

/** What is not HTTP, or came too slowly to become a request: answered on the bare connection. */
function refuseRaw(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const slow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const large = error.code === 'HPE_HEADER_OVERFLOW'
  const detail = slow
    ? 'send the request faster'
    : large
      ? 'the headers are larger than 16 KiB'
      : 'this is not a well-formed HTTP request'
  const fault = new Fault(slow ? 'REQUEST_TIMEOUT' : large ? 'LIMIT_EXCEEDED' : 'REQUEST_INVALID', detail)
  const body = JSON.stringify(toProblem(fault, `urn:proceeds:request:${randomUUID()}`, 'en'))
  const head = `HTTP/1.1 ${fault.status} ${FAULTS[fault.code].status}\r\ncontent-type: application/problem+json\r\nconnection: close`
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const

/** What stands before every route: headers, who asks, how often, one line of log. */
async function guard(server: FastifyInstance, deps: AppDeps, metrics: Metrics): Promise<void> {
  const { config, contract, records } = deps
  const open = isLoopback(config.host)
  const refusals = new WeakMap<FastifyRequest, Fault>()

  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    // TLS is the business of whoever stands in front; a header that asks for it on loopback only locks people out.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  })

  server.decorateRequest('principal', undefined)
  server.decorateRequest('language', 'en')
  server.addHook('onRequest', async (request, reply) => {
    prepare(request)
    reply.header('x-request-id', request.id)
    const { authorization, host, origin } = request.headers
    const forwarded = PROXY_HEADERS.some((name) => request.headers[name] !== undefined)
    const asked = identify(records, open, { authorization, host, origin, forwarded })
    if (asked instanceof Fault) refusals.set(request, asked)
    else request.principal = asked
  })

  // Counted by key once the key is proved, by address before: guessing keys is limited too.
  await server.register(rateLimit, {
    max: config.requestsPerMinute,
    timeWindow: 60_000,
    cache: 10_000,
    keyGenerator: (request) => request.principal?.key ?? request.ip,
    errorResponseBuilder: (_request, { after }) => new Fault('RATE_LIMITED', `wait ${after}`),
  })

  // After the limit was counted, before a body is read.
  server.addHook('preParsing', async (request) => {
    const operation = contract.operations.get(request.routeOptions.config.operation ?? '')
    if (!operation?.role) return
    if (!request.principal)
      throw refusals.get(request) ?? new Fault('UNAUTHORIZED', 'send `Authorization: Bearer prc_…`')
    permit(request.principal, operation.role)
  })

  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const { method } = request
    metrics.request(method, route, reply.statusCode, reply.elapsedTime / 1000)
    const [status, ms] = [reply.statusCode, Math.round(reply.elapsedTime)]
    request.log.info({ method, route, status, ms, key: request.principal?.key ?? null }, 'answered')
  })

  const shapes = [...contract.operations.values()].map(({ method, path }) => {
    return { method, shape: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`) }
  })
  server.setNotFoundHandler({ preHandler: server.rateLimit() }, async (request, reply) => {
    const path = request.url.split('?')[0]
    const allowed = shapes.filter(({ shape }) => shape.test(path)).map(({ method }) => method)
    if (allowed.length === 0) throw new Fault('NOT_FOUND', 'see /docs for what there is')
    reply.header('allow', allowed.join(', '))
    throw new Fault('METHOD_NOT_ALLOWED', `here the service answers ${allowed.join(' and ')}`)
  })
}

/** The contract as a page, from our own files. */
async function documentation(server: FastifyInstance, contract: Contract): Promise<void> {
  await server.register(swagger, {
    mode: 'static',
    specification: { document: structuredClone(contract.document) as never },
  })
  await server.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: PAGE_POLICY,
    theme: { title: 'Proceeds' },
    uiConfig: { validatorUrl: null, persistAuthorization: false },
  })
}

/** Binds the contract's operations to their handlers; one without the other stops the start. */
async function routes(server: FastifyInstance, contract: Contract, strict: boolean, handlers: Handlers): Promise<void> {
  for (const { id, bound } of contract.operations.values()) {
    if (bound && !handlers[id]) throw new Error(`openapi.yaml has ${id}, which nothing answers`)
  }
  for (const id of Object.keys(handlers)) {
    if (!contract.operations.get(id)?.bound) throw new Error(`${id} is answered, but openapi.yaml does not have it`)
  }
  server.addHook('onRoute', (route) => {
    if (route.config?.operation === undefined) return
    // An unknown query parameter is refused like an unknown field.
    const schema = (route.schema ??= {})
    schema.querystring = { type: 'object', ...(schema.querystring as object), additionalProperties: false }
    // A schema by media type is passed over where a request names none; this one is not.
    const body = schema.body as { content?: Record<string, { schema: unknown }> } | undefined
    if (body?.content) schema.body = body.content['application/json'].schema
  })
  server.addHook('preSerialization', async (request, reply, payload) => {
    const operation = request.routeOptions.config.operation
    const wrong = operation === undefined ? undefined : contract.checkAnswer(operation, reply.statusCode, payload)
    if (wrong !== undefined) {
      if (strict) throw new Error(wrong)
      request.log.error({ wrong }, 'an answer breaks the contract')
    }
    return payload
  })
  await server.register(fastifyOpenapiGlue, {
    specification: contract.withoutAnswers(),
    operationResolver: (id) => {
      const limits = id === 'getHealth' ? { rateLimit: false as const } : {}
      return { handler: handlers[id], config: { operation: id, ...limits } } as never
    },
  })
}
