import Fastify, { type FastifyInstance } from 'fastify'

/** An error a node would answer with. */
export class Refuse {
  readonly code: number
  readonly message: string
  constructor(code: number, message: string) {
    this.code = code
    this.message = message
  }
}

/** A node of one's own on the loopback: `tell` answers each call, and may lie. */
export class FakeRpc {
  readonly server: FastifyInstance = Fastify({ bodyLimit: 1 << 26 })
  readonly asked: { method: string; params: unknown[] }[] = []
  tell: (method: string, params: unknown[]) => unknown
  url = ''

  constructor(tell: (method: string, params: unknown[]) => unknown) {
    this.tell = tell
  }

  async start(): Promise<this> {
    this.server.post('/', async (request) => {
      const one = (call: { id: number; method: string; params: unknown[] }) => {
        this.asked.push({ method: call.method, params: call.params })
        const result = this.tell(call.method, call.params)
        if (result instanceof Refuse) return { jsonrpc: '2.0', id: call.id, error: { ...result } }
        return { jsonrpc: '2.0', id: call.id, result: result ?? null }
      }
      const body = request.body as Parameters<typeof one>[0] | Parameters<typeof one>[0][]
      return Array.isArray(body) ? body.map(one) : one(body)
    })
    this.url = await this.server.listen({ port: 0, host: '127.0.0.1' })
    return this
  }

  count(method: string): number {
    return this.asked.filter((each) => each.method === method).length
  }

  async stop(): Promise<void> {
    await this.server.close()
  }
}
