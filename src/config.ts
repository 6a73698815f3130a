import { cpus } from 'node:os'
import { delimiter } from 'node:path'
import { Fault } from './faults.ts'

/** Everything about the service that whoever runs it may choose. */
export interface Config {
  /** Address to listen on. Beyond loopback at least one key must exist. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Directory of records, keys and bundles. */
  readonly data: string
  /** Ledger dumps that every trace of this service reads. */
  readonly ledgers: readonly string[]
  /** Tag files that every trace of this service reads. */
  readonly tags: readonly string[]
  /** A store whose claims every trace and look-up of this service reads beside the tag files. */
  readonly store: string | undefined
  /** Traces run at the same time, each in a thread of its own. */
  readonly concurrency: number
  /** Traces that may wait; more are refused with QUEUE_FULL. */
  readonly queueMax: number
  /** A trace that runs longer fails with TIME_LIMIT. */
  readonly traceTimeoutMs: number
  /** Memory of one trace's thread, in MiB of heap. */
  readonly traceMemoryMib: number
  /** Requests a minute from one key, or from one address without a key. */
  readonly requestsPerMinute: number
  /** Largest request body. */
  readonly bodyBytesMax: number
  /** Longest time a request may take to arrive, and an idle connection to last. */
  readonly requestTimeoutMs: number
  /** Between comment lines that keep an event stream open. */
  readonly heartbeatMs: number
  /** Event streams open at the same time. */
  readonly streamsMax: number
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  /** Whether an answer that breaks the contract is a failure (tests) or logged and sent (production). */
  readonly strictAnswers: boolean
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/**
 * Reads the environment; nothing else in the product does. Names and defaults:
 *
 * `PROCEEDS_HOST` 127.0.0.1 · `PROCEEDS_PORT` 8627 · `PROCEEDS_DATA` ./proceeds-data · `PROCEEDS_LEDGER` and `PROCEEDS_TAGS`
 * none (several files apart by the system's path separator) · `PROCEEDS_STORE` none · `PROCEEDS_CONCURRENCY` cores − 1, at least 1 · `PROCEEDS_QUEUE` 100 ·
 * `PROCEEDS_TRACE_SECONDS` 3600 · `PROCEEDS_TRACE_MEMORY_MIB` 4096 · `PROCEEDS_REQUESTS_PER_MINUTE` 600 · `PROCEEDS_BODY_BYTES` 8388608 ·
 * `PROCEEDS_REQUEST_SECONDS` 30 · `PROCEEDS_HEARTBEAT_SECONDS` 15 · `PROCEEDS_STREAMS` 100 · `PROCEEDS_LOG` info ·
 * `PROCEEDS_STRICT_ANSWERS` false
 *
 * Fault USAGE names the variable that cannot be read.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const text = (name: string, otherwise: string) => {
    const value = environment[name]
    return value === undefined || value === '' ? otherwise : value
  }
  const whole = (name: string, otherwise: number, least: number, most: number) => {
    const written = text(name, String(otherwise))
    const value = /^[0-9]{1,15}$/.test(written) ? Number(written) : Number.NaN
    if (!(value >= least && value <= most)) {
      throw new Fault('USAGE', `${name} is "${written}"; it must be a whole number from ${least} to ${most}`)
    }
    return value
  }
  const files = (name: string) =>
    text(name, '')
      .split(delimiter)
      .filter((file) => file !== '')
  const logLevel = LOG_LEVELS.find((level) => level === text('PROCEEDS_LOG', 'info'))
  if (!logLevel) throw new Fault('USAGE', `PROCEEDS_LOG must be one of ${LOG_LEVELS.join(', ')}`)
  const strict = text('PROCEEDS_STRICT_ANSWERS', 'false')
  if (strict !== 'true' && strict !== 'false') throw new Fault('USAGE', 'PROCEEDS_STRICT_ANSWERS must be true or false')
  return {
    host: text('PROCEEDS_HOST', '127.0.0.1'),
    port: whole('PROCEEDS_PORT', 8627, 0, 65_535),
    data: text('PROCEEDS_DATA', 'proceeds-data'),
    ledgers: files('PROCEEDS_LEDGER'),
    tags: files('PROCEEDS_TAGS'),
    store: text('PROCEEDS_STORE', '') || undefined,
    concurrency: whole('PROCEEDS_CONCURRENCY', Math.max(1, cpus().length - 1), 1, 256),
    queueMax: whole('PROCEEDS_QUEUE', 100, 0, 100_000),
    traceTimeoutMs: whole('PROCEEDS_TRACE_SECONDS', 3600, 1, 2_000_000) * 1000,
    traceMemoryMib: whole('PROCEEDS_TRACE_MEMORY_MIB', 4096, 64, 1_048_576),
    requestsPerMinute: whole('PROCEEDS_REQUESTS_PER_MINUTE', 600, 1, 1_000_000),
    bodyBytesMax: whole('PROCEEDS_BODY_BYTES', 8_388_608, 1024, 67_108_864),
    requestTimeoutMs: whole('PROCEEDS_REQUEST_SECONDS', 30, 1, 3600) * 1000,
    heartbeatMs: whole('PROCEEDS_HEARTBEAT_SECONDS', 15, 1, 3600) * 1000,
    streamsMax: whole('PROCEEDS_STREAMS', 100, 1, 100_000),
    logLevel,
    strictAnswers: strict === 'true',
  }
}

/** Keys of services that are asked for chain data. Each goes into its questions and is printed nowhere. */
export interface SourceKeys {
  /** `PROCEEDS_ETHERSCAN_KEY` */
  readonly accountApi: string | undefined
  /** `PROCEEDS_TRONGRID_KEY` */
  readonly tronGrid: string | undefined
}

/** The keys that the environment holds; an empty one is none. */
export function readSourceKeys(env: Readonly<Record<string, string | undefined>> = process.env): SourceKeys {
  return {
    accountApi: env.PROCEEDS_ETHERSCAN_KEY || undefined,
    tronGrid: env.PROCEEDS_TRONGRID_KEY || undefined,
  }
}
