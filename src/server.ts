import { existsSync } from 'node:fs'
import { access, constants, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { Fault } from './faults.ts'
import { isLoopback } from './http/access.ts'
import { readContract, topFile } from './http/contract.ts'
import { anyKey } from './store/keys.ts'
import { Records } from './store/records.ts'
import { ownThreadDesk, threadDesk } from './work/desk-runner.ts'
import { type TraceRunner, threadRunner } from './work/runner.ts'
import { ownThreadViews, threadViews } from './work/view-runner.ts'

export interface ServerOptions {
  readonly config: Config
  /** The engine's own check of a request, as far as it needs no ledger. Throws faults. */
  readonly checkRequest: (request: unknown) => void
  /** Where traces run, if not in worker threads of the built product. */
  readonly runner?: TraceRunner
  readonly logTo?: { write(line: string): void }
}

export interface RunningServer {
  /** Where it answers, as a URL without a slash at its end. */
  readonly url: string
  /** Stops listening, ends streams, leaves running traces queued for the next start. */
  close(): Promise<void>
}

/**
 * Starts the service. Faults: FILE_UNREADABLE for a ledger or tag file, STORE_UNAVAILABLE for the data directory,
 * FORBIDDEN for listening beyond loopback without a key, USAGE for an address that cannot be listened on.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const config = await readable(options.config)
  const records = new Records(config.data)
  const release = await hold(config.data).catch(async (error) => {
    await records.close()
    throw error
  })
  try {
    if (!isLoopback(config.host) && !anyKey(records)) {
      throw new Fault(
        'FORBIDDEN',
        `without a key the service listens on loopback only, not on ${config.host}; make one with \`proceeds keys create --role investigator --name NAME --data ${config.data}\``,
      )
    }
    const { server, metrics } = await buildApp({
      ...{ config, records, checkRequest: options.checkRequest },
      contract: readContract(),
      runner:
        options.runner ??
        threadRunner({
          file: built('./work/worker.js'),
          threads: config.concurrency,
          memoryMib: config.traceMemoryMib,
        }),
      views: threadFile('./work/view-worker.js')
        ? threadViews({ file: built('./work/view-worker.js'), memoryMib: config.traceMemoryMib })
        : ownThreadViews(),
      desk: threadFile('./work/desk-worker.js')
        ? threadDesk(deskSources(config), { file: built('./work/desk-worker.js'), memoryMib: config.traceMemoryMib })
        : ownThreadDesk(deskSources(config)),
      now: () => new Date(),
      version: version(),
      hostName: hostname(),
      ...(options.logTo ? { logTo: options.logTo } : {}),
    })
    metrics.watchProcess()
    const url = await server.listen({ host: config.host, port: config.port }).catch(async (cause) => {
      await server.close()
      throw new Fault('USAGE', `cannot listen on ${config.host} port ${config.port}: ${cause.message}`, { cause })
    })
    if (!isLoopback(config.host)) server.log.warn('keys and reports travel as plain HTTP: put TLS in front')
    const close = async () => {
      await server.close()
      await release()
    }
    return { url: url.replace(/\/$/, ''), close }
  } catch (error) {
    await records.close()
    await release()
    throw error
  }
}

/** Directories this process serves: in a container, a process that was killed had the same number as this one. */
const held = new Set<string>()

/**
 * Holds a data directory for this process: two services would each begin the other's traces again. The mark of a process
 * that is gone, however it went, holds nothing. Answers with what lets go. Fault CONFLICT.
 */
async function hold(data: string): Promise<() => Promise<void>> {
  const mark = join(data, 'service.pid')
  for (let tries = 0; tries < 2; tries++) {
    try {
      await writeFile(mark, String(process.pid), { flag: 'wx' })
      held.add(data)
      return async () => {
        held.delete(data)
        await rm(mark, { force: true })
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const holder = Number(await readFile(mark, 'utf8').catch(() => ''))
    if (holder !== process.pid && isAlive(holder)) {
      throw new Fault(
        'CONFLICT',
        `process ${holder} serves ${data} already; if it is no service of ours, remove ${mark}`,
      )
    }
    if (holder === process.pid && held.has(data)) throw new Fault('CONFLICT', `this process serves ${data} already`)
    await rm(mark, { force: true })
  }
  throw new Fault('CONFLICT', `another process begins to serve ${data} at this moment`)
}

function isAlive(id: number): boolean {
  if (!Number.isSafeInteger(id) || id <= 0) return false
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    // It is there, but another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Closes the server when the process is told to end, and ends it; a second signal ends it at once. */
export function closeOnSignals(server: RunningServer): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close().then(
        () => process.exit(0),
        () => process.exit(1),
      )
    })
  }
}

/** Paths made absolute: threads and log lines must not depend on where the process stands. Every file must open. */
async function readable(config: Config): Promise<Config> {
  const files = (names: readonly string[]) => names.map((name) => resolve(name))
  const absolute = {
    ...config,
    data: resolve(config.data),
    ledgers: files(config.ledgers),
    tags: files(config.tags),
    store: config.store === undefined ? undefined : resolve(config.store),
  }
  for (const file of [...absolute.ledgers, ...absolute.tags]) {
    await access(file, constants.R_OK).catch((cause) => {
      throw new Fault('FILE_UNREADABLE', `${file}: ${cause.message}`, { cause })
    })
  }
  return absolute
}

function deskSources({ ledgers, tags, store }: Config) {
  return { ledgers, tags, store }
}

function threadFile(path: string): boolean {
  return existsSync(new URL(path, import.meta.url))
}

/** A thread's entry; worker threads cannot load TypeScript, so it is there in the built product only. */
function built(path: string): URL {
  if (!threadFile(path)) throw new Fault('FILE_UNREADABLE', `${path} is missing; run \`npm run build\``)
  return new URL(path, import.meta.url)
}

function version(): string {
  const { version } = JSON.parse(topFile('package.json')) as { version: string }
  return version
}
