import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/faults.ts'
import {
  get,
  makeService,
  post,
  REQUEST,
  reach,
  type TestService,
  type TestServiceOptions,
} from '../../support/service.ts'

let service: TestService
let plain: TestService | undefined
/** A service of the test's own where it asks for something; otherwise one that all such tests share. */
const open = async (options?: TestServiceOptions) => {
  if (options) service = await makeService(options)
  else service = plain ??= await makeService()
}
afterEach(async () => {
  if (service !== plain) await service.close()
})
afterAll(() => plain?.close())

describe('a trace, from post to done', () => {
  it('is accepted, runs, and tells its result', async () => {
    await open()
    const posted = await post(service)
    expect(posted.statusCode).toBe(202)
    const { id } = posted.json()
    expect(posted.headers.location).toBe(`/v1/traces/${id}`)
    expect(posted.json()).toMatchObject({
      state: 'queued',
      case: '2026-형제-00001',
      method: 'fifo',
      seeds: 3,
      by: null,
    })
    await reach(service, id, 'done')
    const done = (await get(service, `/v1/traces/${id}`)).json()
    expect(done).toMatchObject({ state: 'done', attempts: 1, problem: null })
    expect(done.result).toMatchObject({ balanced: true, endpoints: 2, holdings: 0, gaps: 0 })
    expect(readdirSync(join(service.config.data, 'work'))).toEqual([])
  })

  it('hands the engine the request as it was posted', async () => {
    await open()
    const { id } = (await post(service)).json()
    await reach(service, id, 'done')
    expect((await get(service, `/v1/traces/${id}/request.json`)).json()).toEqual(REQUEST)
  })

  it('fails with the engine’s own fault', async () => {
    await open({ work: { fails: () => new Fault('SEED_NOT_FOUND', 'buy-1 names aa:0, which is not in the ledger') } })
    const { id } = (await post(service)).json()
    await reach(service, id, 'failed')
    const failed = (await get(service, `/v1/traces/${id}`, { 'accept-language': 'ko-KR,en;q=0.5' })).json()
    expect(failed.problem).toMatchObject({ code: 'SEED_NOT_FOUND', status: 422, title: '시드가 원장에 없습니다' })
    expect(failed.problem.instance).toBe(`urn:proceeds:trace:${id}`)
    expect((await get(service, `/v1/traces/${id}/report.json`)).json().code).toBe('NOT_READY')
  })

  it('tells nothing of the house where the failure is ours, and logs it', async () => {
    await open({ work: { fails: () => new Error('secret path /srv/x') } })
    const { id } = (await post(service)).json()
    await reach(service, id, 'failed')
    const { problem } = (await get(service, `/v1/traces/${id}`)).json()
    expect(problem.code).toBe('INTERNAL')
    expect(problem.detail).not.toContain('/srv/x')
    expect(service.log.join('')).toContain('/srv/x')
  })

  it('ends at its time limit', async () => {
    await open({ work: { workMs: 10_000 }, config: { traceTimeoutMs: 30 } })
    const { id } = (await post(service)).json()
    await reach(service, id, 'failed')
    expect(service.records.get(id)?.problem?.code).toBe('TIME_LIMIT')
  })

  it('refuses what the engine’s check refuses, and keeps nothing of it', async () => {
    const checkRequest = () => {
      throw new Fault('ADDRESS_INVALID', 'seeds[2].address: the checksum does not fit')
    }
    await open({ deps: { checkRequest } })
    const refused = await post(service)
    expect(refused.statusCode).toBe(400)
    expect(refused.json().code).toBe('ADDRESS_INVALID')
    expect((await get(service, '/v1/traces')).json()).toEqual({ traces: [], next: null })
  })
})

describe('the queue', () => {
  it('refuses when full, and still answers a repeated post', async () => {
    await open({ work: { workMs: 10_000 }, config: { queueMax: 1 } })
    const first = await post(service, REQUEST, { 'idempotency-key': 'one' })
    await post(service)
    const full = await post(service)
    expect(full.statusCode).toBe(503)
    expect(full.json().code).toBe('QUEUE_FULL')
    expect(full.headers['retry-after']).toBeDefined()
    const again = await post(service, REQUEST, { 'idempotency-key': 'one' })
    expect(again.statusCode).toBe(202)
    expect(again.json().id).toBe(first.json().id)
  })

  it('starts nothing twice under one Idempotency-Key, not even at once', async () => {
    await open()
    const both = await Promise.all([1, 2, 3].map(() => post(service, REQUEST, { 'idempotency-key': 'k' })))
    expect(new Set(both.map((each) => each.json().id)).size).toBe(1)
    const [newest, before] = (await get(service, '/v1/traces?limit=2')).json().traces
    expect(newest.id).toBe(both[0].json().id)
    expect(before?.id).not.toBe(newest.id)
    const other = await post(service, { ...REQUEST, case: 'other' }, { 'idempotency-key': 'k' })
    expect(other.json().code).toBe('CONFLICT')
  })

  it('runs as many as it may and in the order in which they came', async () => {
    await open({ work: { workMs: 30 }, config: { concurrency: 2 } })
    const ids = []
    for (let n = 0; n < 5; n++) ids.push((await post(service)).json().id)
    await reach(service, ids[0], 'running')
    expect(service.queue.counts.running).toBeLessThanOrEqual(2)
    for (const id of ids) await reach(service, id, 'done')
    const starts = ids.map((id) => service.records.get(id)!.startedAt!)
    expect([...starts].sort()).toEqual(starts)
  })

  it('cancels what waits and what runs, and leaves no file', async () => {
    await open({ work: { workMs: 10_000 } })
    const running = (await post(service)).json().id
    const waiting = (await post(service)).json().id
    await reach(service, running, 'running')
    for (const id of [waiting, running, running]) {
      const cancelled = await service.server.inject({ method: 'DELETE', url: `/v1/traces/${id}` })
      expect(cancelled.statusCode).toBe(200)
      expect(cancelled.json().state).toBe('cancelled')
      expect(existsSync(join(service.config.data, 'traces', id))).toBe(false)
    }
    expect(readdirSync(join(service.config.data, 'work'))).toEqual([])
    expect(service.queue.counts).toEqual({ queued: 0, running: 0 })
  })

  it('does not cancel what is done', async () => {
    await open()
    const { id } = (await post(service)).json()
    await reach(service, id, 'done')
    const late = await service.server.inject({ method: 'DELETE', url: `/v1/traces/${id}` })
    expect(late.json().code).toBe('CONFLICT')
    expect(service.records.get(id)?.state).toBe('done')
  })

  it('leaves what runs queued when it closes, and ends it after the next start', async () => {
    await open({ work: { workMs: 10_000 } })
    const ids = [(await post(service)).json().id, (await post(service)).json().id]
    await reach(service, ids[0], 'running')
    const { data } = service.config
    await service.close({ keepData: true })
    await open({ config: { data } })
    for (const id of ids) await reach(service, id, 'done')
    expect(service.records.get(ids[0])?.attempts).toBe(1)
  })

  it('begins again what ran when the process was killed', async () => {
    const asIfKilled = { state: 'running', attempts: 1, startedAt: '2026-01-01T00:00:00.000Z' } as const
    await open({
      prepare: async (records) => {
        const by = { key: null, name: null }
        const draft = { id: '0'.repeat(26), case: null, method: 'fifo', seeds: 3, by, createdAt: asIfKilled.startedAt }
        await records.create(draft, REQUEST, undefined)
        await records.update(draft.id, 'state', () => asIfKilled)
      },
    })
    await reach(service, '0'.repeat(26), 'done')
    expect(service.records.get('0'.repeat(26))).toMatchObject({ attempts: 2, state: 'done' })
  })

  it('does not begin for ever what brings it down', async () => {
    await open({ work: { workMs: 10_000 } })
    const { id } = (await post(service)).json()
    await reach(service, id, 'running')
    const { data } = service.config
    await service.close({ keepData: true })
    const asIfKilled = { state: 'running', attempts: 3 } as const
    await open({ config: { data }, prepare: (records) => records.update(id, 'state', () => asIfKilled) })
    expect(service.records.get(id)).toMatchObject({ state: 'failed', problem: { code: 'INTERNAL' } })
  })
})

describe('lists', () => {
  it('pages newest first, each trace once', async () => {
    await open()
    const ids: string[] = []
    for (let n = 0; n < 7; n++) ids.push((await post(service)).json().id)
    for (const id of ids) await reach(service, id, 'done')
    const seen: string[] = []
    let cursor: string | null = ''
    for (let pages = 0; cursor !== null && pages < 9 && seen.length < 7; pages++) {
      const page: { traces: { id: string }[]; next: string | null } = (
        await get(service, `/v1/traces?limit=3${cursor && `&cursor=${cursor}`}`)
      ).json()
      seen.push(...page.traces.map((trace) => trace.id))
      cursor = page.next
    }
    expect(seen.slice(0, 7)).toEqual([...ids].reverse())
    const last = (await get(service, '/v1/traces?limit=500')).json()
    expect([last.next, last.traces.length]).toEqual([
      null,
      new Set(last.traces.map((trace: { id: string }) => trace.id)).size,
    ])
    const done = (await get(service, '/v1/traces?state=done&limit=4')).json()
    const more = (await get(service, `/v1/traces?state=done&limit=3&cursor=${done.next}`)).json()
    expect([...done.traces, ...more.traces].map((trace: { id: string }) => trace.id)).toEqual([...ids].reverse())
    expect((await get(service, '/v1/traces?state=failed')).json().traces).toEqual([])
    expect((await get(service, '/v1/traces?cursor=nothing')).json().code).toBe('REQUEST_INVALID')
  })
})

describe('events', () => {
  const parse = (text: string) =>
    text
      .split('\n\n')
      .filter((block) => block.startsWith('id:'))
      .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2))))

  it('streams from queued to done, numbered, and ends', async () => {
    await open({ work: { workMs: 50 } })
    const { id } = (await post(service)).json()
    const stream = await get(service, `/v1/traces/${id}/events`)
    expect(stream.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    const events = parse(stream.body)
    expect(events.map((event) => Number(event.id))).toEqual(events.map((_, place) => place + 1))
    const states = events.filter((event) => event.event === 'state').map((event) => JSON.parse(event.data).state)
    expect(states).toEqual(['queued', 'running', 'done'])
    expect(
      events.some((event) => event.event === 'progress' && JSON.parse(event.data).progress.stage === 'tracing'),
    ).toBe(true)
  })

  it('goes on after Last-Event-ID, and ends at once where nothing can follow', async () => {
    await open()
    const { id } = (await post(service)).json()
    await reach(service, id, 'done')
    const all = parse((await get(service, `/v1/traces/${id}/events`)).body)
    const rest = parse((await get(service, `/v1/traces/${id}/events`, { 'last-event-id': '1' })).body)
    expect(rest).toEqual(all.slice(1))
    expect(parse((await get(service, `/v1/traces/${id}/events`, { 'last-event-id': '999' })).body)).toEqual([])
  })

  it('keeps the line open in silence, lets go when the reader leaves, and limits readers', async () => {
    await open({ work: { workMs: 10_000 }, config: { heartbeatMs: 20, streamsMax: 1 } })
    const url = await service.server.listen({ port: 0, host: '127.0.0.1' })
    const { id } = (await post(service)).json()
    const leave = new AbortController()
    const stream = await fetch(`${url}/v1/traces/${id}/events`, { signal: leave.signal })
    expect((await get(service, `/v1/traces/${id}/events`)).json().code).toBe('RATE_LIMITED')
    let text = ''
    const reader = stream.body!.getReader()
    while (!text.includes(': still here')) text += new TextDecoder().decode((await reader.read()).value)
    leave.abort()
    await expect(reader.read()).rejects.toThrow()
    // The place is free again as soon as the server has noticed.
    let again: Response | undefined
    for (let tries = 0; tries < 200 && again?.status !== 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      again = await fetch(`${url}/v1/traces/${id}/events`)
      if (again.status !== 200) await again.text()
    }
    expect(again?.status).toBe(200)
    // Closing the service ends the stream instead of waiting for it.
    const ended = again!.text()
    await service.queue.close()
    expect(await ended).toContain('event: state')
  })
})
