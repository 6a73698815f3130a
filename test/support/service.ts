import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { LightMyRequestResponse } from 'fastify'
import { type App, type AppDeps, buildApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { readContract } from '../../src/http/contract.ts'
import { Records } from '../../src/store/records.ts'
import { ownThreadDesk } from '../../src/work/desk-runner.ts'
import { ownThreadRunner } from '../../src/work/runner.ts'
import { ownThreadViews } from '../../src/work/view-runner.ts'
import { type SmallRunOptions, smallRun } from './small-run.ts'

const contract = readContract()

export interface TestService extends App {
  readonly records: Records
  readonly config: Config
  readonly log: string[]
  close(options?: { keepData?: boolean }): Promise<void>
}

export interface TestServiceOptions {
  readonly config?: Partial<Config>
  readonly work?: SmallRunOptions
  readonly deps?: Partial<AppDeps>
  readonly prepare?: (records: Records) => Promise<unknown>
}

/** A service in this process, over a directory of its own, that listens nowhere unless told to. */
export async function makeService(options: TestServiceOptions = {}): Promise<TestService> {
  const data = options.config?.data ?? mkdtempSync(join(tmpdir(), 'proceeds-http-'))
  const log: string[] = []
  const config = { ...readConfig({}), data, port: 0, strictAnswers: true, concurrency: 1, ...options.config }
  const records = new Records(data)
  await options.prepare?.(records)
  const app = await buildApp({
    ...{ config, records, contract },
    runner: ownThreadRunner(smallRun(options.work)),
    views: ownThreadViews(),
    desk: ownThreadDesk({ ledgers: config.ledgers, tags: config.tags, store: config.store }),
    checkRequest: () => {},
    now: () => new Date(),
    ...{ version: '0.0.0', hostName: null, logTo: { write: (line: string) => log.push(line) } },
    ...options.deps,
  })
  await app.server.ready()
  return {
    ...{ ...app, records, config, log },
    async close({ keepData = false } = {}) {
      await app.server.close()
      if (!keepData) rmSync(data, { recursive: true, force: true })
    },
  }
}

/** A request that the contract accepts. */
export const REQUEST = {
  case: '2026-형제-00001',
  method: { primary: 'fifo', reason: 'the rule this court has used' },
  seeds: [
    { id: 'buy-1', chain: 'tron', transaction: 'aa', transfer: 0, reason: 'controlled purchase' },
    { id: 'buy-2', chain: 'bitcoin', transaction: 'bb', output: 1, amount: '100', reason: 'controlled purchase' },
    {
      id: 'vendor',
      chain: 'tron',
      address: 'Tvendor',
      from: '2022-01-01T00:00:00Z',
      reason: 'address in a seized phone',
    },
  ],
}

export async function post(service: App, body: unknown = REQUEST, headers: Record<string, string> = {}) {
  return service.server.inject({ method: 'POST', url: '/v1/traces', payload: body as object, headers })
}

export async function get(
  service: App,
  url: string,
  headers: Record<string, string> = {},
): Promise<LightMyRequestResponse> {
  return service.server.inject({ method: 'GET', url, headers })
}

/** Waits until a trace is in a state; a final state other than that is a failure. */
export async function reach(service: TestService, id: string, state: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const now = service.records.get(id)?.state
    if (now === state) return
    if (now === 'done' || now === 'failed' || now === 'cancelled') throw new Error(`the trace is ${now}, not ${state}`)
    await wait(5)
  }
  throw new Error(`the trace did not become ${state} in time`)
}

/** Posts a request and waits for its end; answers with the trace's id. */
export async function finished(service: TestService, body: unknown = REQUEST): Promise<string> {
  const id = (await post(service, body)).json().id
  await reach(service, id, 'done')
  return id
}
