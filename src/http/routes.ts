import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from './access.ts'
import type { Language } from './problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set before anything else is done where the operation needs a key. */
    principal: Principal | undefined
    /** What titles of problems are written in. */
    language: Language
  }
  interface FastifyContextConfig {
    /** The contract's name of what the route does; undefined on the documentation's own routes. */
    operation?: string
  }
}

/** What answers an operation, by the contract's `operationId`. */
export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
export type Handlers = Record<string, Handler>
