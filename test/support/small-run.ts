import { createHash } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { BUNDLE_FILES, type Conservation, type Endpoint, type Path, type Report } from '../../src/report/format.ts'
import type { RunInput, RunResult } from '../../src/work/run.ts'

/** How a stand-in for the engine behaves; the bundle it writes is whole and small. */
export interface SmallRunOptions {
  /** How long it works, telling progress every few milliseconds. */
  readonly workMs?: number
  /** Thrown in the middle of the work. */
  readonly fails?: () => Error
}

const T0 = '2022-04-17T06:25:03Z'
const T1 = '2022-04-18T06:25:03Z'
const T2 = '2022-04-19T06:25:03Z'

/** A stand-in for the engine: every seed pays 60 of 100 to an exchange in two hops by `mid`, 30 directly, and keeps 10. */
export function smallRun(options: SmallRunOptions = {}): (input: RunInput) => Promise<RunResult> {
  return async ({ request, out, signal, progress, run }) => {
    const end = performance.now() + (options.workMs ?? 0)
    progress?.({ stage: 'reading', done: 0, total: null })
    for (let done = 0; performance.now() < end; done++) {
      await wait(5, undefined, signal ? { signal } : {})
      progress?.({ stage: 'tracing', done, total: 100 })
    }
    if (options.fails) throw options.fails()
    signal?.throwIfAborted()

    const report = smallReport(request)
    const journal = gzipSync(`${JSON.stringify({ row: 1 })}\n`)
    const texts: Record<(typeof BUNDLE_FILES)[number], string | Buffer> = {
      'request.json': JSON.stringify(request),
      'ledger.ndjson.gz': gzipSync('{"chain":"tron","covers":"all"}\n'),
      'tags.csv': 'chain,address,label,category,source\n',
      'report.json': JSON.stringify({ ...report, journal: { ...report.journal, sha256: sha256(journal) } }),
      'journal.ndjson.gz': journal,
      'certificates.ndjson.gz': gzipSync(''),
      'endpoints.csv': 'id,sink\n',
      'flow.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
      'run.json': JSON.stringify(run),
    }
    const files = [...BUNDLE_FILES].sort().map((name) => {
      const bytes = Buffer.from(texts[name])
      return { name, sha256: sha256(bytes), bytes: bytes.length }
    })
    const temporary = `${out}.part`
    await mkdir(temporary, { recursive: true })
    for (const name of BUNDLE_FILES) await writeFile(`${temporary}/${name}`, texts[name])
    await writeFile(`${temporary}/manifest.json`, JSON.stringify({ schema: 'proceeds-manifest/1', files }))
    await rename(temporary, out)
    const summary = { endpoints: report.endpoints.length, holdings: 0, gaps: 0 }
    return { directory: out, reportSha256: sha256(texts['report.json']), balanced: true, summary }
  }
}

/** The report that goes with it, for each seed of the request. */
export function smallReport(request: unknown): Report {
  const { case: number, seeds } = request as { case?: string; seeds: { id?: string }[] }
  const ids = seeds.map((seed, place) => seed.id ?? `seed-${place + 1}`)
  const chain = { chain: 'tron', asset: 'USDT' }
  const step = (transaction: string, from: string, to: string, carried: string, time: string) => {
    return { transaction, from, to, amount: carried, carried, height: 1, time }
  }
  const endpoint = (id: string, entity: string, hops: number, paths: string[], amount: string): Endpoint => ({
    ...{ id, sink: 'service', service: { entity, label: `${entity} hot wallet`, category: 'exchange' } },
    attribution: [],
    ...{ ...chain, address: `T${entity}`, transaction: `pay-${id}`, transfer: 0, height: 1, time: T2, amount },
    traced: { fifo: { total: amount, bySeed: {} } },
    ...{ floor: '0', ceiling: amount, hops, paths },
  })
  const paths = ids.flatMap((seed): Path[] => [
    {
      ...{ id: `${seed}-p1`, seed, endpoint: 'e1', amount: '60' },
      steps: [step(`a-${seed}`, `T${seed}`, 'Tmid', '60', T1), step(`b-${seed}`, 'Tmid', 'TAlpha', '60', T2)],
    },
    { id: `${seed}-p2`, seed, endpoint: 'e2', amount: '30', steps: [step(`c-${seed}`, `T${seed}`, 'TBeta', '30', T1)] },
  ])
  const ofEndpoint = (id: string) => paths.filter((path) => path.endpoint === id).map((path) => path.id)
  const sinks = { service: '90', holding: '10', mixer: '0', bridge: '0', burned: '0', fee: '0', unseen: '0' }
  const horizon = { hops: '0', until: '0', amount: '0', transactions: '0' }
  const conservation = ids.map((seed): Conservation => {
    return { seed, method: 'fifo', ...chain, seeded: '100', sinks: { ...sinks, horizon }, balanced: true }
  })
  return {
    schema: 'proceeds-report/1',
    engine: { name: 'small', version: '0', sourceDigest: '0' },
    case: number ?? '',
    request: request as Record<string, unknown>,
    snapshots: [{ chain: 'tron', height: null, blockHash: null, time: T2, finalityDepth: 0 }],
    data: [],
    tagPacks: [],
    seeds: ids.map((id) => ({
      id,
      ...chain,
      transaction: 's',
      transfer: 0,
      address: `T${id}`,
      amount: '100',
      time: T0,
    })),
    endpoints: [endpoint('e1', 'Alpha', 2, ofEndpoint('e1'), '60'), endpoint('e2', 'Beta', 1, ofEndpoint('e2'), '30')],
    ...{
      services: [],
      reach: [],
      holdings: [],
      conservation,
      paths,
      quantum: [],
      sensitivity: [],
      clusters: [],
      conversions: [],
      rejected: [],
      gaps: [],
    },
    journal: { file: 'journal.ndjson.gz', sha256: '', rows: 1 },
  }
}

function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
