import { Fault } from '../faults.ts'
import { type HttpSource, parseJson } from './http.ts'
import { asRecord, contradicts } from './source.ts'

/** One question to a node. */
export interface RpcCall {
  readonly method: string
  readonly params: readonly unknown[]
}

/** What a node answered instead of a result. */
export class RpcRefusal extends Error {
  readonly code: number | undefined

  constructor(code: number | undefined, message: string) {
    super(message)
    this.code = code
  }

  /** Whether the node says that it has no such method, or offers it to nobody who asks like this. */
  get notOffered(): boolean {
    return (
      this.code === -32601 ||
      this.code === -32004 ||
      /not (supported|found|available|enabled|allowed|implemented)|unsupported|does not exist|unknown method|whitelist/i.test(
        this.message,
      )
    )
  }

  /** Whether the node says that the question is too large, or that too many were asked. */
  get tooLarge(): boolean {
    return (
      this.code === -32005 ||
      /limit|range|too (many|large|wide)|exceed|more than|timed? ?out|response size|reduce|narrow/i.test(this.message)
    )
  }
}

/** A node that speaks JSON-RPC 2.0 over HTTP: each answer is held to its question. */
export class JsonRpc {
  readonly #http: HttpSource
  readonly #batchMax: number
  #asked = 0

  constructor(http: HttpSource, batchMax = 50) {
    this.#http = http
    this.#batchMax = batchMax
  }

  /** The result of one call. Faults `SOURCE_UNAVAILABLE`, `SOURCE_CONTRADICTS`. */
  async call(method: string, params: readonly unknown[]): Promise<unknown> {
    const result = await this.ask(method, params)
    if (result instanceof RpcRefusal) throw this.#refused(method, result)
    return result
  }

  /** The result of one call, or what the node said instead. */
  async ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const id = ++this.#asked
    const { status, body } = await this.#http.post(
      '',
      JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      [400, 404, 405, 413, 422, 501],
    )
    const answer = asRecord(parseJson(body))
    if (answer === undefined) {
      throw new Fault('SOURCE_UNAVAILABLE', `${method}: the node answered ${status} with no JSON object`)
    }
    return this.#settle(method, id, answer)
  }

  /** The results of many calls, in their order; they go out in groups. */
  async all(calls: readonly RpcCall[]): Promise<readonly unknown[]> {
    const results: unknown[] = []
    for (let start = 0; start < calls.length; start += this.#batchMax) {
      const group = calls.slice(start, start + this.#batchMax)
      const first = this.#asked + 1
      this.#asked += group.length
      const question = group.map(({ method, params }, i) => ({ jsonrpc: '2.0', id: first + i, method, params }))
      const { status, body } = await this.#http.post('', JSON.stringify(question), [400, 413])
      const answers = parseJson(body)
      if (!Array.isArray(answers)) {
        throw new Fault('SOURCE_UNAVAILABLE', `${group[0].method}: the node answered ${status} to a batch with no list`)
      }
      if (answers.length !== group.length) {
        throw contradicts(`${group[0].method}: ${group.length} were asked in a batch, ${answers.length} were answered`)
      }
      const byId = new Map<unknown, Readonly<Record<string, unknown>>>()
      for (const each of answers) {
        const answer = asRecord(each)
        if (answer !== undefined) byId.set(answer.id, answer)
      }
      for (const [i, { method }] of group.entries()) {
        const answer = byId.get(first + i)
        if (answer === undefined) throw contradicts(`${method}: a batch lacks the answer to question ${first + i}`)
        const result = this.#settle(method, first + i, answer)
        if (result instanceof RpcRefusal) throw this.#refused(method, result)
        results.push(result)
      }
    }
    return results
  }

  #settle(method: string, id: number, answer: Readonly<Record<string, unknown>>): unknown {
    const error = asRecord(answer.error)
    if (error !== undefined) {
      const message = this.#http.redact(String(error.message).slice(0, 300))
      return new RpcRefusal(typeof error.code === 'number' ? error.code : undefined, message)
    }
    if (answer.id !== id) throw contradicts(`${method}: the answer is to another question`)
    if (answer.result === undefined)
      throw contradicts(`${method}: the node answered with neither a result nor an error`)
    return answer.result
  }

  #refused(method: string, refusal: RpcRefusal): Fault {
    return new Fault('SOURCE_UNAVAILABLE', `${method}: the node refuses (${refusal.code ?? '?'}): ${refusal.message}`)
  }
}
