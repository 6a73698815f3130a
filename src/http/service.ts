import { Fault } from '../faults.ts'
import type { Records } from '../store/records.ts'
import type { Contract } from './contract.ts'
import type { Metrics } from './metrics.ts'
import type { Handlers } from './routes.ts'

/** What the service says of itself. */
export function serviceHandlers(deps: {
  readonly records: Records
  readonly contract: Contract
  readonly metrics: Metrics
  readonly version: string
}): Handlers {
  return {
    async getHealth() {
      try {
        deps.records.hasKeys()
      } catch (cause) {
        throw new Fault('STORE_UNAVAILABLE', 'the records cannot be read', { cause })
      }
      return { status: 'ok', version: deps.version }
    },

    async getMetrics(_request, reply) {
      return reply.header('content-type', deps.metrics.registry.contentType).send(await deps.metrics.registry.metrics())
    },

    async getContract(_request, reply) {
      return reply.header('content-type', 'application/yaml; charset=utf-8').send(deps.contract.text)
    },
  }
}
