/**
 * Files of posts, scanned into a table of proposals. What was read is written down as it goes (`<out>.progress`), so a scan of tens of
 * thousands of channels can be stopped at any moment, taken up where it was, and given more files later.
 */
import { createReadStream, existsSync } from 'node:fs'
import { type FileHandle, open, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setImmediate as breathe } from 'node:timers/promises'
import { Fault } from '../../faults.ts'
import { CATEGORIES } from '../categories.ts'
import type { RejectedTag, TagBook } from '../tag.ts'
import { type Lexicon, shippedLexicon } from './lexicon.ts'
import { proposalsToCsv, suspicionsToCsv } from './proposals-csv.ts'
import { examinePost, type PostFindings, ProposalBook } from './propose.ts'
import { openPostFile, type PostField, type PostFile, readPosts } from './read.ts'

export interface ScanOptions {
  readonly out: string
  /** Also write what only looks like an address. */
  readonly suspicions?: string
  readonly lexicon?: Lexicon
  readonly fields?: Readonly<Partial<Record<PostField, string>>>
  readonly postBytesMax?: number
  /** Claims that stand already: an exchange's address is then proposed with a warning. */
  readonly book?: TagBook
  /** Forget what an earlier scan into `out` wrote down. */
  readonly fresh?: boolean
  readonly progress?: (done: { readonly file: string; readonly posts: number }) => void
  /** Ends the scan; what was read stays written down. */
  readonly signal?: AbortSignal
}

export interface ScanResult {
  readonly files: number
  /** Files that an earlier scan had read to their end. */
  readonly filesKnown: number
  readonly posts: number
  /** Posts whose text had been seen before. */
  readonly repeated: number
  readonly proposals: number
  readonly passedOver: number
  readonly suspicions: number
  readonly rejected: readonly RejectedTag[]
}

/** Between two records of how far the scan is, in posts. */
const STEP = 2_000
const FORMAT = 'proceeds-posts-progress/1'

/** One line of the progress file. */
interface Step {
  readonly file: string
  /** Posts of the file that are done. */
  readonly posts: number
  readonly done: boolean
  readonly repeated: number
  /** Hashes of texts that gave nothing, shortened: only to know them again. */
  readonly plain: readonly string[]
  readonly findings: readonly PostFindings[]
  /** Repeated texts: where each was seen again. */
  readonly again: readonly { readonly text: string; readonly post: PostFindings['post'] }[]
  readonly rejected: readonly RejectedTag[]
}

/** Shortened hash of a text: 72 bits are enough to tell posts apart, and half the memory. */
const shorten = (sha256: string): string => Buffer.from(sha256.slice(0, 18), 'hex').toString('base64')

/**
 * Scans files. Each text is read once, however many channels carry it; its other places are counted. The table is put in place whole, at the
 * end. Faults: as `readPosts`; `CONFLICT` where `<out>.progress` was written with another lexicon; `TIME_LIMIT` where `signal` ended it.
 */
export async function scanPosts(paths: readonly string[], options: ScanOptions): Promise<ScanResult> {
  const lexicon = options.lexicon ?? shippedLexicon()
  const journal = `${options.out}.progress`
  if (options.fresh === true) await rm(journal, { force: true })
  const book = new ProposalBook(lexicon)
  const plain = new Set<string>()
  const byText = new Map<string, PostFindings>()
  const reached = new Map<string, { posts: number; done: boolean }>()
  const rejected: RejectedTag[] = []
  let posts = 0
  let repeated = 0
  const apply = (step: Step): void => {
    for (const text of step.plain) plain.add(text)
    for (const findings of step.findings) {
      byText.set(shorten(findings.post.textSha256), findings)
      book.add(findings)
    }
    for (const { text, post } of step.again) {
      const known = byText.get(text)
      // The suspicion is one, wherever its text is repeated.
      if (known) book.add({ ...known, post, suspicions: [] })
    }
    for (const reject of step.rejected) rejected.push(reject)
    posts += step.posts - (reached.get(step.file)?.posts ?? 0)
    repeated += step.repeated
    reached.set(step.file, { posts: step.posts, done: step.done })
  }
  const handle = await takeUp(journal, `${lexicon.name} ${lexicon.version}`, apply)
  let filesKnown = 0
  try {
    const files: PostFile[] = []
    for (const path of paths) files.push(await openPostFile(path))
    for (const file of files) {
      const before = reached.get(file.sha256)
      if (before?.done === true) {
        filesKnown++
        continue
      }
      await scanFile(file, before?.posts ?? 0)
    }
  } finally {
    await handle.close()
  }

  async function scanFile(file: PostFile, skip: number): Promise<void> {
    let step = emptyStep(file, skip)
    let done = 0
    const write = async (isDone: boolean): Promise<void> => {
      const whole = { ...step, posts: done, done: isDone }
      await handle.appendFile(`${JSON.stringify(whole)}\n`)
      apply(whole)
      step = emptyStep(file, done)
      options.progress?.({ file: file.name, posts: done })
    }
    // Rejects before the place that was reached are written down already.
    const rejects: RejectedTag[] = []
    const reading = readPosts(file, {
      rejected: rejects,
      ...(options.fields ? { fields: options.fields } : {}),
      ...(options.postBytesMax === undefined ? {} : { postBytesMax: options.postBytesMax }),
    })
    let taken = 0
    for await (const post of reading) {
      done++
      if (done <= skip) {
        taken = rejects.length
        continue
      }
      const text = shorten(post.sha256)
      if (plain.has(text)) step.repeated++
      else {
        const known = byText.get(text)
        if (known) {
          step.repeated++
          const { reference, channel, id, time, url } = post
          const place = { reference, channel, id, time, url, textSha256: post.sha256 }
          step.again.push({ text, post: { ...place, fileSha256: file.sha256, captured: file.captured } })
        } else {
          const findings = examinePost(post, file, lexicon)
          if (findings) {
            step.findings.push(findings)
            byText.set(text, findings)
          } else {
            step.plain.push(text)
            plain.add(text)
          }
        }
      }
      if (done % STEP === 0) {
        step.rejected.push(...rejects.slice(taken))
        taken = rejects.length
        await write(false)
        await breathe()
        if (options.signal?.aborted) {
          throw new Fault('TIME_LIMIT', `stopped at post ${done} of ${file.name}; run it again to go on from there`)
        }
      }
    }
    step.rejected.push(...rejects.slice(taken))
    await write(true)
  }

  const answer = book.answer(options.book)
  for (const { category } of answer.proposals) if (!CATEGORIES.has(category)) throw new Fault('INTERNAL', category)
  await putInPlace(options.out, proposalsToCsv(answer.proposals))
  if (options.suspicions !== undefined) {
    await putInPlace(options.suspicions, suspicionsToCsv(answer.suspicions, answer.passedOver))
  }
  return {
    files: paths.length,
    filesKnown,
    posts,
    repeated,
    proposals: answer.proposals.length,
    passedOver: answer.passedOver.length,
    suspicions: answer.suspicions.length,
    rejected,
  }
}

interface OpenStep {
  readonly file: string
  posts: number
  repeated: number
  readonly plain: string[]
  readonly findings: PostFindings[]
  readonly again: { text: string; post: PostFindings['post'] }[]
  readonly rejected: RejectedTag[]
}

function emptyStep(file: PostFile, posts: number): OpenStep {
  return { file: file.sha256, posts, repeated: 0, plain: [], findings: [], again: [], rejected: [] }
}

/** Reads what an earlier scan wrote down and opens it for more. A last line that was cut off is taken away: its posts are read again. */
async function takeUp(journal: string, lexicon: string, apply: (step: Step) => void): Promise<FileHandle> {
  const head = JSON.stringify({ format: FORMAT, lexicon })
  if (existsSync(journal)) {
    let whole = 0
    let number = 0
    const { size } = await stat(journal)
    for await (const line of createInterface({
      input: createReadStream(journal),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      const end = whole + Buffer.byteLength(line) + 1
      if (end > size) break
      number++
      if (number === 1 && line !== head) {
        throw new Fault(
          'CONFLICT',
          `${journal} was written with another lexicon or version; add --fresh to begin again, or scan into another file`,
        )
      }
      if (number > 1) {
        try {
          apply(JSON.parse(line) as Step)
        } catch (cause) {
          throw new Fault('TAGS_INVALID', `${journal} line ${number}: not what a scan wrote; add --fresh`, { cause })
        }
      }
      whole = end
    }
    if (whole < size) await truncate(journal, whole)
    if (whole > 0) return open(journal, 'a')
  }
  await writeFile(journal, `${head}\n`)
  return open(journal, 'a')
}

async function putInPlace(path: string, text: string): Promise<void> {
  const half = `${path}.half`
  await writeFile(half, text)
  await rename(half, path)
}
