import type { FastifyRequest } from 'fastify'
import { canonicalAddress, explainAddress } from '../chains/address.ts'
import { Fault } from '../faults.ts'
import type { Records } from '../store/records.ts'
import type { FinishedReport, LookAnswer, ToldAddress } from '../work/desk.ts'
import type { DeskRunner } from '../work/desk-runner.ts'
import type { TraceQueue } from '../work/queue.ts'
import type { Handlers } from './routes.ts'

/** Finished traces whose reports are searched for an address: the latest. */
const REPORTS_MAX = 1_000
/** Traces to a page while listing them. */
const PAGE = 500

const FOUND =
  'What was found is listed with its sources. It says what sources claim and what rules and traces give, nothing more.'
const NOT_FOUND = 'Nothing was found in what was looked at. That is not a finding that the address is clean.'

/** What is claimed and known of addresses. */
export function addressHandlers(deps: {
  readonly records: Records
  readonly queue: TraceQueue
  readonly desk: DeskRunner
}): Handlers {
  const { records, queue, desk } = deps

  const finishedReports = (): { reports: FinishedReport[]; leftOut: number } => {
    const reports: FinishedReport[] = []
    let leftOut = 0
    let before: string | undefined
    for (;;) {
      const page = records.list({ before, limit: PAGE, state: 'done' })
      for (const { id, case: name } of page.records) {
        if (reports.length < REPORTS_MAX) reports.push({ trace: id, case: name, file: queue.file(id, 'report.json') })
        else leftOut++
      }
      before = page.records.at(-1)?.id
      if (!page.more || before === undefined) return { reports, leftOut }
    }
  }

  const look = (
    asked: readonly { chain: string; address: string }[],
    times: { readonly asOf?: string; readonly at?: string },
  ): Promise<LookAnswer> => {
    const { reports, leftOut } = finishedReports()
    const [known, time] = [secondsOf(times.asOf), secondsOf(times.at)]
    return desk.ask<'look'>({ kind: 'look', asked, reports, reportsLeftOut: leftOut, known, time })
  }

  return {
    async getAddress(request) {
      const asked = askedAddress(request)
      const { answers, lookedAt } = await look([asked], request.query as { asOf?: string; at?: string })
      const [address] = answers
      return { address, statement: address.found ? FOUND : NOT_FOUND, lookedAt }
    },

    async lookUpAddresses(request) {
      const { addresses, ...times } = request.body as {
        addresses: { chain: string; address: string }[]
        asOf?: string
        at?: string
      }
      const proved = addresses.map(({ chain, address }) => canonicalAddress(chain, address))
      const asked = addresses.flatMap(({ chain }, i) => {
        const address = proved[i]
        return address === undefined ? [] : [{ chain, address }]
      })
      const { answers, lookedAt } = await look(asked, times)
      let next = 0
      const rows = addresses.map(({ chain, address }, i): object => {
        if (proved[i] === undefined) return { chain, address, problem: explainAddress(chain, address), answer: null }
        const answer: ToldAddress = answers[next++]
        return { chain, address, problem: null, answer }
      })
      return { answers: rows, statement: `${FOUND} Where \`found\` is false: ${NOT_FOUND}`, lookedAt }
    },

    async listTags(request) {
      const { cursor, limit, asOf, chain, category, entity, source } = request.query as Partial<
        Record<string, string>
      > & { limit: number }
      const filter = Object.fromEntries(
        Object.entries({ chain, category, entity, source }).filter(([, value]) => value !== undefined),
      )
      const page = { filter, known: secondsOf(asOf), from: readCursor(cursor), limit }
      const { tags, next } = await desk.ask<'claims'>({ kind: 'claims', ...page })
      return { tags, next: next === null ? null : `p${next}` }
    },

    async getCluster(request) {
      const { cursor, limit } = request.query as { cursor?: string; limit: number }
      const asked = askedAddress(request)
      const answer = await desk.ask<'cluster'>({ kind: 'cluster', asked, from: readCursor(cursor), limit })
      return { ...answer, next: answer.next === null ? null : `p${answer.next}` }
    },

    async explainCluster(request) {
      const { chain } = request.params as { chain: string }
      const { a, b } = request.query as { a: string; b: string }
      return desk.ask<'explain'>({ kind: 'explain', chain, a: proveAddress(chain, a), b: proveAddress(chain, b) })
    },
  }
}

function askedAddress(request: FastifyRequest): { chain: string; address: string } {
  const { chain, address } = request.params as { chain: string; address: string }
  return { chain, address: proveAddress(chain, address) }
}

function proveAddress(chain: string, address: string): string {
  const canonical = canonicalAddress(chain, address)
  if (canonical === undefined) throw new Fault('ADDRESS_INVALID', explainAddress(chain, address))
  return canonical
}

/** A time of the contract's form, to whole seconds. */
function secondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Math.floor(Date.parse(time) / 1000)
}

function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  const place = /^p([0-9]{1,15})$/.exec(cursor)?.[1]
  if (place === undefined) throw new Fault('REQUEST_INVALID', 'query cursor: is not one that this service gave')
  return Number(place)
}
