import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { Chain } from '../../graph/index.ts'
import { addressesOf } from '../../graph/index.ts'
import { engine } from '../engine.ts'
import { Fault } from '../faults.ts'
import { assembleReport } from '../report/assemble.ts'
import { refuseTaken, writeBundle, writeChunks, writeLinesGzip, writeText } from '../report/bundle.ts'
import { canonicalJson, writeCanonical } from '../report/canonical.ts'
import { certificateRows } from '../report/certificates.ts'
import { methodKeys, writeEndpointsCsv } from '../report/csv.ts'
import { drawFlow } from '../report/flow-svg.ts'
import { journalRows } from '../report/journal-file.ts'
import { ledgerLines, readTransactions } from '../report/ledger-file.ts'
import { MemoryStore } from '../store/memory.ts'
import { openStore } from '../store/open.ts'
import { buildTagBook } from '../tags/book.ts'
import { tagsToCsv } from '../tags/csv.ts'
import { loadTags } from '../tags/load.ts'
import { readStandingClaims } from '../tags/store.ts'
import type { Tag, TagBook } from '../tags/tag.ts'
import { AskingStore, type AskOptions } from '../trace/asking-store.ts'
import { collectLedgers } from '../trace/collect.ts'
import { decodeRequest } from '../trace/decode-request.ts'
import { followSeeds, type Progress } from '../trace/follow.ts'
import { findHands } from '../trace/hands.ts'
import type { ChainLedger } from '../trace/ledger.ts'
import { readLedgers } from '../trace/read-ledgers.ts'
import type { TraceRequest } from '../trace/request.ts'
import type { Trace } from '../trace/trace.ts'

/** One trace to be made: what to follow, through which files, into which directory. */
export interface RunInput {
  /** A trace request as it came, not yet proved. */
  readonly request: unknown
  /** Ledger dumps. */
  readonly ledgers: readonly string[]
  /** A chain store's directory, instead of dumps: only what the seeds can reach is read. */
  readonly store?: string
  /** Sources to ask for what the store, or without one a memory of this run, lacks. */
  readonly ask?: AskOptions
  /** Tag files. */
  readonly tags: readonly string[]
  /** A store's directory whose claims that stand now count beside the tag files. */
  readonly claims?: string
  /** The bundle's directory; it must be free. */
  readonly out: string
  /** From so many bytes of dumps on, only what the trace can need of them is held; see `readLedgers`. */
  readonly siftBytesMin?: number
  readonly signal?: AbortSignal
  readonly progress?: Progress
  /** What run.json says of this run: by whom, when, where. */
  readonly run: { readonly by: string | null; readonly startedAt: string; readonly host: string | null }
}

export interface RunResult {
  readonly directory: string
  readonly reportSha256: string
  readonly balanced: boolean
  readonly summary: { readonly endpoints: number; readonly holdings: number; readonly gaps: number }
}

/** Works a case from files and writes its bundle (DESIGN.md 4.4), whole or not at all. */
export async function runTrace(input: RunInput): Promise<RunResult> {
  const { signal, progress = () => {} } = input
  const request = decodeRequest(input.request)
  await refuseTaken(input.out)
  progress({ stage: 'read', done: 0, total: null })
  const { tags } = await loadTags(input.tags)
  const claims = input.claims === undefined ? undefined : await readStandingClaims(input.claims)
  const book = buildTagBook(claims === undefined ? tags : [...tags, ...claims.tags])
  const { ledgers, read: sources } = await gather(input, request, book, progress)
  const state = claims && { claims: { store: input.claims, records: claims.records, sha256: claims.hash } }
  const read = { ...sources, ...state }
  stopIfAborted(signal)
  const hands = findHands(request, ledgers, book)
  const trace = followSeeds(request, ledgers, book, hands, (told) => {
    stopIfAborted(signal)
    progress(told)
  })
  progress({ stage: 'write', done: 0, total: null })
  return writeBundle(input.out, (draft) => writeFiles(trace, draft, input, read))
}

/** The ledger that a trace follows, and what run.json says of where it was read. */
async function gather(
  input: RunInput,
  request: TraceRequest,
  book: TagBook,
  progress: Progress,
): Promise<{ ledgers: Map<Chain, ChainLedger>; read: Record<string, unknown> }> {
  const { store: directory, ask, signal } = input
  if (directory === undefined && ask === undefined) {
    const ledgers = await readLedgers({
      files: input.ledgers,
      request,
      book,
      ...(input.siftBytesMin === undefined ? {} : { siftBytesMin: input.siftBytesMin }),
      onLines: (done) => {
        stopIfAborted(signal)
        progress({ stage: 'read', done, total: null })
      },
    })
    return { ledgers, read: {} }
  }
  if (input.ledgers.length > 0) {
    throw new Fault('USAGE', 'a trace reads dumps, or a store and sources, not both; import the dumps into the store')
  }
  const kept = directory === undefined ? new MemoryStore() : await openStore(directory, { readOnly: ask === undefined })
  try {
    const asking = ask === undefined ? undefined : await AskingStore.open(kept, ask, signal)
    const options = { progress, everyAsset: asking === undefined, ...(signal === undefined ? {} : { signal }) }
    const { ledgers, snapshots } = await collectLedgers(request, asking ?? kept, book, options)
    const sources = asking === undefined ? {} : { acquisitions: asking.acquisitions, sourceGaps: asking.gaps }
    return { ledgers, read: { ...(directory === undefined ? {} : { store: directory }), snapshots, ...sources } }
  } finally {
    await kept.close()
  }
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw signal.reason instanceof Error ? signal.reason : new Fault('TIME_LIMIT', 'the trace was stopped')
}

async function writeFiles(
  trace: Trace,
  draft: string,
  input: RunInput,
  read: Record<string, unknown>,
): Promise<RunResult> {
  const at = (name: string) => join(draft, name)
  const used = usedTags(trace)
  await writeText(at('request.json'), canonicalJson(trace.request.printed))
  const ledger = await writeLinesGzip(at('ledger.ndjson.gz'), ledgerLines(trace))
  const tags = await writeText(at('tags.csv'), tagsToCsv(used))
  const journal = await writeLinesGzip(at('journal.ndjson.gz'), canonicalLines(journalRows(trace)))
  const { report, proofs } = assembleReport(trace, { ledger, tags, journal })
  await writeLinesGzip(at('certificates.ndjson.gz'), canonicalLines(certificateRows(trace, proofs)))
  const hash = createHash('sha256')
  await writeChunks(at('report.json'), told(writeCanonical(report), hash))
  const assetOf = (chain: string, asset: string) => trace.ledgers.get(chain)?.assets.get(asset)
  await writeChunks(
    at('endpoints.csv'),
    writeEndpointsCsv({ endpoints: report.endpoints, methods: methodKeys(report), assetOf }),
  )
  await writeText(at('flow.svg'), drawFlow(report, { assetOf }))
  await writeText(at('run.json'), canonicalJson(await tellRun(input, read)))
  return {
    directory: input.out,
    reportSha256: hash.digest('hex'),
    balanced: report.conservation.every((row) => row.balanced),
    summary: { endpoints: report.endpoints.length, holdings: report.holdings.length, gaps: report.gaps.length },
  }
}

function* canonicalLines(rows: Iterable<unknown>): Generator<string> {
  for (const row of rows) yield `${canonicalJson(row)}\n`
}

async function* told(
  chunks: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}

/** Every claim about an address that a transaction read names: those that decided, and those that might have. */
function usedTags(trace: Trace): Tag[] {
  const used = new Set<Tag>()
  for (const chain of Object.keys(trace.request.pool)) {
    for (const transaction of readTransactions(trace, chain)) {
      for (const address of addressesOf(transaction)) {
        for (const tag of trace.book.claimsOf(chain, address)) used.add(tag)
      }
    }
  }
  return [...used]
}

/** Who ran what, when, where, on which files: the one file of a bundle with a clock in it. */
async function tellRun(input: RunInput, read: Record<string, unknown>): Promise<unknown> {
  const inputs: unknown[] = []
  for (const [kind, files] of [
    ['ledger', input.ledgers],
    ['tags', input.tags],
  ] as const) {
    for (const file of files) inputs.push({ kind, name: file, sha256: await hashFile(file) })
  }
  return {
    ...input.run,
    finishedAt: new Date().toISOString(),
    engine: engine(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    inputs,
    ...read,
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
