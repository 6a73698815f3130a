import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import PQueue from 'p-queue'
import { Fault } from '../faults.ts'

/** One answer as it came: enough to say later what was asked of whom and when, and to know the same bytes again. */
export interface Acquisition {
  readonly method: 'GET' | 'POST'
  /** Secrets are written as `***`. */
  readonly url: string
  /** SHA-256 of the body sent; undefined where there was none. */
  readonly requestSha256: string | undefined
  readonly status: number
  /** When the answer was whole: RFC 3339, UTC. */
  readonly time: string
  readonly sha256: string
  readonly bytes: number
}

export interface HttpOptions {
  /** What each path is put behind. Must be http or https. A user and password in it go out as basic authorization. */
  readonly baseUrl: string
  readonly headers?: Readonly<Record<string, string>>
  /** Texts that must never be printed: keys in paths or queries. Those in `baseUrl` and of headers are known already. */
  readonly secrets?: readonly string[]
  /** For one try, body included. */
  readonly timeoutMs?: number
  /** Largest answer. */
  readonly bytesMax?: number
  /** How often one question is asked at most. */
  readonly triesMax?: number
  readonly requestsPerSecond?: number
  readonly concurrency?: number
  /** First pause before asking again; each further one is twice as long. */
  readonly pauseMs?: number
  /** Longest pause, also where the server asks for more. */
  readonly pauseMaxMs?: number
  readonly now: () => Date
  /** Told of each answer that was used. */
  readonly onAcquisition?: (acquisition: Acquisition) => void
  /** Stops everything, pauses included. */
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly body: Buffer
}

const DEFAULTS = {
  timeoutMs: 30_000,
  bytesMax: 64 * 1024 * 1024,
  triesMax: 5,
  requestsPerSecond: 10,
  concurrency: 4,
  pauseMs: 500,
  pauseMaxMs: 60_000,
}

/** A try that may be made again. */
class Passing extends Error {
  readonly pauseMs: number | undefined

  constructor(message: string, pauseMs?: number) {
    super(message)
    this.pauseMs = pauseMs
  }
}

/**
 * One server, asked politely and within bounds: at most so many questions a second and at once, each answer limited in
 * time and size, a refusal for now (429, 5xx, a broken connection) asked again after a pause that grows or that the server
 * names. It follows no redirect, since that would carry a key elsewhere. Every failure is a fault
 * `SOURCE_UNAVAILABLE` that names the question and never a secret.
 */
export class HttpSource {
  readonly #options: HttpOptions & typeof DEFAULTS
  readonly #headers: Record<string, string>
  readonly #base: string
  readonly #secrets: readonly string[]
  readonly #queue: PQueue

  constructor(options: HttpOptions) {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
    this.#options = { ...DEFAULTS, ...options, ...given } as HttpOptions & typeof DEFAULTS
    const secrets = [...(options.secrets ?? []), ...Object.values(options.headers ?? {})]
    this.#headers = { ...options.headers }
    let url: URL
    try {
      url = new URL(options.baseUrl)
    } catch {
      throw new Fault('REQUEST_INVALID', 'the address of a source is not a URL')
    }
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new Fault('REQUEST_INVALID', `a source is asked by http or https, not by ${url.protocol}`)
    }
    if (url.username !== '' || url.password !== '') {
      const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
      const basic = Buffer.from(user).toString('base64')
      this.#headers.authorization = `Basic ${basic}`
      secrets.push(url.username, url.password, decodeURIComponent(url.password), basic)
      url.username = ''
      url.password = ''
    }
    this.#base = url.href.replace(/\/+$/, '')
    this.#secrets = secrets.filter((secret) => secret !== '').sort((a, b) => b.length - a.length)
    this.#queue = new PQueue({
      concurrency: this.#options.concurrency,
      interval: 1000,
      intervalCap: this.#options.requestsPerSecond,
    })
  }

  /** Asks for a path. `answers` are statuses beside 200 that are answers too (404: there is none). */
  get(path: string, answers: readonly number[] = []): Promise<Answer> {
    return this.#ask('GET', path, undefined, answers)
  }

  /** Sends JSON. */
  post(path: string, body: string, answers: readonly number[] = []): Promise<Answer> {
    return this.#ask('POST', path, body, answers)
  }

  /** Takes known secrets out of a text. */
  redact(text: string): string {
    let clean = text
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '***')
    return clean
  }

  async #ask(
    method: 'GET' | 'POST',
    path: string,
    body: string | undefined,
    answers: readonly number[],
  ): Promise<Answer> {
    const url = this.#base + path
    const { triesMax, pauseMs, pauseMaxMs, signal } = this.#options
    for (let tries = 1; ; tries++) {
      try {
        const answer = await this.#queue.add(() => this.#try(method, url, body, answers))
        return answer as Answer
      } catch (error) {
        if (error instanceof Fault) throw error
        const why = this.redact(error instanceof Error ? error.message : String(error))
        if (!(error instanceof Passing)) {
          throw new Fault('SOURCE_UNAVAILABLE', `${method} ${this.redact(url)}: ${why}`)
        }
        const pause = error.pauseMs ?? Math.min(pauseMaxMs, pauseMs * 2 ** (tries - 1))
        if (tries >= triesMax || pause > pauseMaxMs || signal?.aborted === true) {
          const last = pause > pauseMaxMs ? `; it asks to wait ${Math.ceil(pause / 1000)} s` : ''
          throw new Fault('SOURCE_UNAVAILABLE', `${method} ${this.redact(url)}: ${why} (asked ${tries} times${last})`)
        }
        await delay(pause, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
      }
    }
  }

  async #try(
    method: 'GET' | 'POST',
    url: string,
    body: string | undefined,
    answers: readonly number[],
  ): Promise<Answer> {
    const { timeoutMs, bytesMax, now, onAcquisition, signal } = this.#options
    const timeout = AbortSignal.timeout(timeoutMs)
    const headers = body === undefined ? this.#headers : { ...this.#headers, 'content-type': 'application/json' }
    let response: Response
    let bytes: Buffer
    try {
      response = await fetch(url, {
        method,
        headers,
        redirect: 'error',
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
        ...(body === undefined ? {} : { body }),
      })
      bytes = await readBody(response, bytesMax)
    } catch (error) {
      if (error instanceof Fault) throw new Fault(error.code, `${method} ${this.redact(url)}: ${error.detail}`)
      if (signal?.aborted === true) throw new Error('stopped')
      if (timeout.aborted) throw new Passing(`no whole answer within ${timeoutMs} ms`)
      const cause = (error as Error).cause
      throw new Passing(
        cause instanceof Error ? `${(error as Error).message}: ${cause.message}` : (error as Error).message,
      )
    }
    const { status } = response
    if (status !== 200 && !answers.includes(status)) {
      if (status === 429 || status >= 500) {
        throw new Passing(`it answered ${status}`, retryAfterMs(response.headers.get('retry-after'), now()))
      }
      throw new Error(`it answered ${status}`)
    }
    onAcquisition?.({
      method,
      url: this.redact(url),
      requestSha256: body === undefined ? undefined : createHash('sha256').update(body).digest('hex'),
      status,
      time: now().toISOString(),
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.length,
    })
    return { status, body: bytes }
  }
}

/** Reads a body to its end or to the limit, whatever length was announced. */
async function readBody(response: Response, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    // Leaving the loop cancels the stream, and with it the connection.
    if (length > bytesMax)
      throw new Fault('SOURCE_UNAVAILABLE', `its answer is larger than the limit of ${bytesMax} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts, length)
}

/** What a Retry-After header asks for: seconds, or a date. Undefined where it says nothing that can be read. */
function retryAfterMs(text: string | null, now: Date): number | undefined {
  if (text === null) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime())
}

/**
 * JSON with every number kept as it was written: whole numbers that a double holds stay numbers, all others (fractions,
 * exponents, larger ones) become their text, so that no amount passes through a float. Undefined where it is no JSON.
 */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const quoted = quoteNumbers(text)
    return JSON.parse(quoted)
  } catch {
    return undefined
  }
}

/** Puts quotes around each number outside a string that a double may not hold as written. */
function quoteNumbers(text: string): string {
  const parts: string[] = []
  let copied = 0
  const number = /-?\d[\d.eE+-]*/y
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      at = endOfString(text, at)
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      number.lastIndex = at
      const token = number.exec(text)?.[0] ?? text[at]
      const whole = /^-?\d+$/.test(token)
      if (whole ? !Number.isSafeInteger(Number(token)) : /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(token)) {
        parts.push(text.slice(copied, at), '"', token, '"')
        copied = at + token.length
      }
      at += token.length
    } else at++
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(copied)
}

/** The place behind a string that begins at `start`; the end of the text where it does not end. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
    if (slashes % 2 === 0) return at + 1
  }
  return text.length
}
