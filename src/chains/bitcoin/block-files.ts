import { type FileHandle, open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Chain, invariant, type UtxoTransaction } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { type DecodedBlock, decodeBlock, hashText, provesWork, workOf } from './block.ts'
import { doubleSha256 } from './hash.ts'
import { type ChainParams, getChainParams } from './params.ts'
import { type AssumedAmount, type MissingAmounts, toTransactions } from './transactions.ts'
import { decodeBlockUndo, type Prevouts } from './undo.ts'

/** A block of the chain that has been read: where reading can go on. */
export interface BlockPosition {
  readonly height: number
  readonly hash: string
}

/** One block of the best chain, ready for a store. */
export interface ReadBlock extends BlockPosition {
  readonly chain: Chain
  readonly previous: string | undefined
  /** Seconds since the epoch. */
  readonly time: number
  readonly transactions: readonly UtxoTransaction[]
  readonly assumed: readonly AssumedAmount[]
}

/** What a directory of block files holds. */
export interface BlockFilesSummary {
  /** Blocks of the best chain: the one with the most work, of two the one that was written first. */
  readonly count: number
  readonly first: BlockPosition
  readonly tip: BlockPosition
  /** Blocks that link to the best chain and are not on it: branches that were left. */
  readonly stale: number
  /** Blocks that link to nothing here. */
  readonly unlinked: number
  /** Copies of blocks already seen; a node may write one twice. */
  readonly repeated: number
  /** Whether the last file ends in the middle of a record, as it does while a node writes. */
  readonly cut: boolean
}

export interface BlockFilesOptions {
  readonly chain: Chain
  /** Height of the oldest block here, where that is not the first of its chain and its coinbase does not say. */
  readonly firstHeight?: number
  /** What to do where undo data is not there; see `toTransactions`. */
  readonly missing?: MissingAmounts
}

const RECORD_HEAD_BYTES = 8
const HEADER_BYTES = 80
const CHECKSUM_BYTES = 32
const OPEN_FILES_MAX = 8
/** As much as undo data of one block can be: every input of it spends a script as long as a script can be kept. */
const UNDO_BYTES_MAX = 512 * 1024 * 1024

/** Where a record's content lies: the number of its file, its first byte, its length. */
interface Span {
  readonly file: number
  readonly start: number
  readonly length: number
}

interface Entry extends Span {
  /** How many were found before it. */
  readonly order: number
  readonly hash: string
  readonly previous: string
  readonly work: bigint
}

/** Undo records for equally many transactions, as they stand in a file, and the place at which to look next. */
interface UndoGroup {
  readonly spans: Span[]
  next: number
}

/**
 * Bitcoin Core's block directory (`blocks/`: `blk*.dat`, `rev*.dat`, and `xor.dat` where the node obscures its files):
 * scanned once by its headers, then read block by block in the order of the chain, whatever order the node wrote them in. The
 * headers are linked; of branches the one with the most work counts. Undo records join their blocks by checksum, so
 * every amount spent is known. One reader at a time. Zeros that a node sets aside at the end of a file are passed over.
 *
 * Faults: `FILE_UNREADABLE`, `FILE_TRUNCATED` (a file that ends within a record, other than the last), `BLOCK_INVALID`,
 * `UNDO_INVALID`, each naming the file and the byte or the block.
 */
export class BlockFiles {
  readonly summary: BlockFilesSummary
  readonly #files: Files
  readonly #params: ChainParams
  readonly #options: BlockFilesOptions
  readonly #best: readonly Entry[]
  readonly #undo = new Map<number, Map<number, UndoGroup>>()

  private constructor(
    files: Files,
    params: ChainParams,
    options: BlockFilesOptions,
    best: readonly Entry[],
    summary: BlockFilesSummary,
  ) {
    this.#files = files
    this.#params = params
    this.#options = options
    this.#best = best
    this.summary = summary
  }

  /** Scans a directory. The object holds files open until `close`. */
  static async open(directory: string, options: BlockFilesOptions): Promise<BlockFiles> {
    const params = getChainParams(options.chain)
    const files = await Files.open(directory)
    try {
      const { entries, repeated, cut } = await scan(files, params)
      const { best, stale, unlinked } = linkBest(entries, directory)
      const first = await firstHeight(files, params, options, best[0])
      const summary = {
        count: best.length,
        first: { height: first, hash: best[0].hash },
        tip: { height: first + best.length - 1, hash: best[best.length - 1].hash },
        stale,
        unlinked,
        repeated,
        cut,
      }
      return new BlockFiles(files, params, options, best, summary)
    } catch (error) {
      await files.close()
      throw error
    }
  }

  /** Whether a block is on the best chain. Where one that was read is not, go back to the newest that is. */
  isOnBestChain(position: BlockPosition): boolean {
    return this.#best[position.height - this.summary.first.height]?.hash === position.hash
  }

  /**
   * The blocks of the best chain after a position (from the first where none is given), oldest first. Fault
   * `SOURCE_CONTRADICTS` where the position is not on the best chain: the chain was reorganised since.
   */
  async *blocks(after?: BlockPosition): AsyncGenerator<ReadBlock> {
    if (after !== undefined && !this.isOnBestChain(after)) {
      throw new Fault(
        'SOURCE_CONTRADICTS',
        `block ${after.hash} at height ${after.height} is not on the best chain of ${this.#files.directory}; roll back to the newest block that is, and read on from there`,
      )
    }
    const base = this.summary.first.height
    for (let place = after === undefined ? 0 : after.height - base + 1; place < this.#best.length; place++) {
      yield await this.#read(this.#best[place], base + place)
    }
  }

  async close(): Promise<void> {
    await this.#files.close()
  }

  async #read(entry: Entry, height: number): Promise<ReadBlock> {
    const { chain, missing } = this.#options
    const bytes = await this.#files.read('blk', entry)
    const block = decodeBlock(bytes, { chain, height })
    invariant(block.hash === entry.hash, 'a block is where its header was')
    // A block that spends nothing needs no undo data, and the first block of a chain has none.
    const prevouts = block.inputOffset.length > 0 ? await this.#prevouts(entry, block) : undefined
    if (prevouts === undefined && block.inputOffset.length > 0 && missing !== 'assumeNoFee') {
      throw new Fault(
        'UNDO_INVALID',
        `${this.#files.name('rev', entry.file)} holds no undo record for block ${entry.hash} (height ${height}); without it the amounts it spends are not known`,
      )
    }
    const { transactions, assumed } = toTransactions(block, prevouts, missing === undefined ? {} : { missing })
    const previous = height === 0 ? undefined : block.previous
    return { chain, height, hash: block.hash, previous, time: block.time, transactions, assumed }
  }

  /**
   * What a block spends, by the record in the undo file of the same number that fits it: for as many transactions, with a
   * checksum that holds, and with scripts that the block's inputs open. Records stand about in the order of the chain, so the
   * one after the last that fitted is nearly always it.
   */
  async #prevouts(entry: Entry, block: DecodedBlock): Promise<Prevouts | undefined> {
    let byCount = this.#undo.get(entry.file)
    if (byCount === undefined) {
      byCount = await scanUndo(this.#files, this.#params, entry.file)
      // Blocks come roughly file by file; what was needed of far older files is read again if it must.
      if (this.#undo.size >= OPEN_FILES_MAX) this.#undo.delete(this.#undo.keys().next().value!)
      this.#undo.set(entry.file, byCount)
    }
    let unfit: Fault | undefined
    const group = byCount.get(block.transactionCount - 1)
    const count = group?.spans.length ?? 0
    const first = group?.next ?? 0
    for (let step = 0; group !== undefined && step < count; step++) {
      const place = (first + step) % count
      const record = await this.#files.read('rev', group.spans[place])
      const body = record.subarray(0, record.length - CHECKSUM_BYTES)
      const checksum = doubleSha256(Buffer.concat([block.bytes.subarray(4, 36), body]))
      if (checksum.compare(record, body.length) !== 0) continue
      try {
        const prevouts = decodeBlockUndo(record, block)
        group.next = (place + 1) % count
        return prevouts
      } catch (error) {
        // The record of a rival at the same height has a checksum that holds here; another may fit.
        if (!(error instanceof Fault)) throw error
        unfit = error
      }
    }
    if (unfit !== undefined) throw unfit
    return undefined
  }
}

// Scanning ----------------------------------------------------------------------------------------------------------

/** What stands at a place in a file: a record of so many bytes, nothing more but zeros, or the cut end of one. */
type Found =
  | { readonly kind: 'record'; readonly length: number; readonly content: Buffer }
  | { readonly kind: 'end' }
  | { readonly kind: 'cut' }

/** Reads the head of the record at a place and the first bytes of its content. `trailer` is what follows its stated length. */
async function findRecord(
  files: Files,
  params: ChainParams,
  kind: FileKind,
  file: number,
  at: number,
  trailer: number,
): Promise<Found> {
  const size = await files.size(kind, file)
  if (at === size) return { kind: 'end' }
  const head = await files.read(kind, {
    file,
    start: at,
    length: Math.min(RECORD_HEAD_BYTES + HEADER_BYTES, size - at),
  })
  const where = `${files.name(kind, file)}, byte ${at}`
  const known = head.length >= RECORD_HEAD_BYTES && params.magics.includes(head.readUInt32LE(0))
  if (!known) {
    if (await files.isBlankFrom(kind, file, at)) return { kind: 'end' }
    if (head.length < RECORD_HEAD_BYTES) return { kind: 'cut' }
    throw new Fault(
      'BLOCK_INVALID',
      `${where}: ${head.toString('hex', 0, 4)} does not begin a record of ${params.chain}; is it another chain, or is xor.dat missing?`,
    )
  }
  const length = head.readUInt32LE(4)
  const most = kind === 'blk' ? params.blockBytesMax : UNDO_BYTES_MAX
  if (length > most || (kind === 'blk' && length < HEADER_BYTES + 1) || length === 0) {
    throw new Fault('BLOCK_INVALID', `${where}: a record of ${length} bytes cannot be`)
  }
  if (at + RECORD_HEAD_BYTES + length + trailer > size) return { kind: 'cut' }
  return { kind: 'record', length, content: head.subarray(RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + length + trailer) }
}

async function scan(
  files: Files,
  params: ChainParams,
): Promise<{ entries: Map<string, Entry>; repeated: number; cut: boolean }> {
  const entries = new Map<string, Entry>()
  let repeated = 0
  let cut = false
  for (const [place, file] of files.numbers.entries()) {
    for (let at = 0; ; ) {
      const found = await findRecord(files, params, 'blk', file, at, 0)
      if (found.kind === 'end') break
      if (found.kind === 'cut') {
        if (place < files.numbers.length - 1) {
          throw new Fault(
            'FILE_TRUNCATED',
            `${files.name('blk', file)} ends within the record at byte ${at}; copy it again`,
          )
        }
        cut = true
        break
      }
      const start = at + RECORD_HEAD_BYTES
      const header = found.content
      const bits = header.readUInt32LE(72)
      // Scrypt takes a millisecond a header, and proofs of merged mining stand behind it: those are held to it when read.
      if (params.checkWork && params.work === 'doubleSha256' && !provesWork(params, header, bits)) {
        throw new Fault(
          'BLOCK_INVALID',
          `${files.name('blk', file)}, byte ${start}: the header does not prove its work`,
        )
      }
      const hash = hashText(doubleSha256(header), 0)
      const previous = hashText(header, 4)
      if (entries.has(hash)) repeated++
      else {
        entries.set(hash, {
          file,
          start,
          length: found.length,
          order: entries.size,
          hash,
          // One text for both blocks that name it, where the older was found first.
          previous: entries.get(previous)?.hash ?? previous,
          work: workOf(bits),
        })
      }
      at = start + found.length
    }
  }
  return { entries, repeated, cut }
}

/** The undo records of a file by the number of transactions they are for. Empty where there is no such file. */
async function scanUndo(files: Files, params: ChainParams, file: number): Promise<Map<number, UndoGroup>> {
  const byCount = new Map<number, UndoGroup>()
  if (!files.has('rev', file)) return byCount
  for (let at = 0; ; ) {
    const found = await findRecord(files, params, 'rev', file, at, CHECKSUM_BYTES)
    if (found.kind !== 'record') return byCount
    const start = at + RECORD_HEAD_BYTES
    const length = found.length + CHECKSUM_BYTES
    const head = found.content
    const count = head[0] < 0xfd ? head[0] : head[0] === 0xfd ? head.readUInt16LE(1) : head.readUInt32LE(1)
    let alike = byCount.get(count)
    if (alike === undefined) byCount.set(count, (alike = { spans: [], next: 0 }))
    alike.spans.push({ file, start, length })
    at = start + length
  }
}

/** Links headers into trees and picks the branch with the most work, of two the one written first. */
function linkBest(entries: Map<string, Entry>, directory: string): { best: Entry[]; stale: number; unlinked: number } {
  const children = new Map<string, Entry[]>()
  const roots: Entry[] = []
  for (const entry of entries.values()) {
    if (!entries.has(entry.previous)) roots.push(entry)
    else {
      const siblings = children.get(entry.previous)
      if (siblings === undefined) children.set(entry.previous, [entry])
      else siblings.push(entry)
    }
  }
  // Work is summed from each root on; a header cannot be its own ancestor, so the walk ends.
  let tip: { readonly entry: Entry; readonly work: bigint } | undefined
  let bestRoot: Entry | undefined
  let bestTreeSize = 0
  for (const root of roots) {
    let size = 0
    let better = false
    const waiting = [{ entry: root, work: root.work }]
    while (waiting.length > 0) {
      const { entry, work } = waiting.pop()!
      size++
      if (tip === undefined || work > tip.work || (work === tip.work && entry.order < tip.entry.order)) {
        tip = { entry, work }
        better = true
      }
      for (const child of children.get(entry.hash) ?? []) waiting.push({ entry: child, work: work + child.work })
    }
    if (better) {
      bestRoot = root
      bestTreeSize = size
    }
  }
  if (tip === undefined || bestRoot === undefined) {
    throw new Fault('FILE_UNREADABLE', `${directory} holds no block`)
  }
  const best: Entry[] = []
  for (let entry: Entry | undefined = tip.entry; entry !== undefined; entry = entries.get(entry.previous)) {
    invariant(best.length < entries.size, 'a chain of headers is no longer than their number')
    best.push(entry)
  }
  best.reverse()
  return { best, stale: bestTreeSize - best.length, unlinked: entries.size - bestTreeSize }
}

/** The height of the oldest block of the best chain: 0 where nothing stands before it, else as its coinbase or the caller says. */
async function firstHeight(
  files: Files,
  params: ChainParams,
  options: BlockFilesOptions,
  first: Entry,
): Promise<number> {
  if (/^0+$/.test(first.previous)) return 0
  if (options.firstHeight !== undefined) return options.firstHeight
  const { height } = decodeBlock(await files.read('blk', first), { chain: params.chain })
  if (height === undefined) {
    throw new Fault(
      'BLOCK_INVALID',
      `${files.name('blk', first.file)}: the oldest block here, ${first.hash}, does not say its height; give it (firstHeight)`,
    )
  }
  return height
}

// Files -------------------------------------------------------------------------------------------------------------

type FileKind = 'blk' | 'rev'

/** The numbered files of a directory, read by place, a few open at a time, with the node's key taken off. */
class Files {
  readonly directory: string
  /** Numbers of the block files, ascending. */
  readonly numbers: readonly number[]
  readonly #names: ReadonlyMap<string, string>
  readonly #key: Uint8Array | undefined
  readonly #open = new Map<string, { readonly handle: FileHandle; readonly size: number }>()

  private constructor(directory: string, names: ReadonlyMap<string, string>, key: Uint8Array | undefined) {
    this.directory = directory
    this.#names = names
    this.#key = key
    this.numbers = [...names.keys()]
      .filter((name) => name.startsWith('blk'))
      .map((name) => Number(name.slice(3)))
      .sort((a, b) => a - b)
  }

  static async open(directory: string): Promise<Files> {
    const names = new Map<string, string>()
    let key: Uint8Array | undefined
    try {
      for (const name of await readdir(directory)) {
        const match = /^(blk|rev)(\d{5,8})\.dat$/.exec(name)
        if (match !== null) names.set(`${match[1]}${Number(match[2])}`, name)
        else if (name === 'xor.dat') key = await readFile(join(directory, name))
      }
    } catch (cause) {
      throw new Fault('FILE_UNREADABLE', `${directory}: ${(cause as Error).message}`, { cause })
    }
    if (key !== undefined && key.length !== 8) {
      throw new Fault('FILE_UNREADABLE', `${join(directory, 'xor.dat')} has ${key.length} bytes; a key has 8`)
    }
    // A key of zeros is how a node says that its files are plain.
    const plain = key === undefined || key.every((byte) => byte === 0)
    const files = new Files(directory, names, plain ? undefined : key)
    if (files.numbers.length === 0) throw new Fault('FILE_UNREADABLE', `${directory} has no file blk*.dat`)
    return files
  }

  has(kind: FileKind, file: number): boolean {
    return this.#names.has(`${kind}${file}`)
  }

  /** The path of a file, for people. */
  name(kind: FileKind, file: number): string {
    return join(this.directory, this.#names.get(`${kind}${file}`) ?? `${kind}${String(file).padStart(5, '0')}.dat`)
  }

  async size(kind: FileKind, file: number): Promise<number> {
    return (await this.#handle(kind, file)).size
  }

  /** A range of a file, plain. Fault `FILE_TRUNCATED` where the file has become shorter. */
  async read(kind: FileKind, span: Span): Promise<Buffer> {
    const bytes = await this.#readRaw(kind, span)
    const key = this.#key
    if (key !== undefined) for (let i = 0; i < bytes.length; i++) bytes[i] ^= key[(span.start + i) % 8]
    return bytes
  }

  /** Whether from a place on there are only zeros: room set aside, which no key was laid over. */
  async isBlankFrom(kind: FileKind, file: number, at: number): Promise<boolean> {
    const size = await this.size(kind, file)
    for (let start = at; start < size; ) {
      // Nearly always the first bytes decide.
      const length = Math.min(start === at ? RECORD_HEAD_BYTES : 1 << 20, size - start)
      const bytes = await this.#readRaw(kind, { file, start, length })
      if (bytes.some((byte) => byte !== 0)) return false
      start += length
    }
    return true
  }

  async close(): Promise<void> {
    for (const { handle } of this.#open.values()) await handle.close()
    this.#open.clear()
  }

  async #readRaw(kind: FileKind, { file, start, length }: Span): Promise<Buffer> {
    const { handle } = await this.#handle(kind, file)
    const bytes = Buffer.allocUnsafe(length)
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(bytes, done, length - done, start + done)
      if (bytesRead === 0) {
        throw new Fault(
          'FILE_TRUNCATED',
          `${this.name(kind, file)} ends at byte ${start + done}; it became shorter while read`,
        )
      }
      done += bytesRead
    }
    return bytes
  }

  async #handle(kind: FileKind, file: number): Promise<{ readonly handle: FileHandle; readonly size: number }> {
    const key = `${kind}${file}`
    const known = this.#open.get(key)
    if (known !== undefined) return known
    if (this.#open.size >= OPEN_FILES_MAX) {
      const [oldest, { handle }] = this.#open.entries().next().value!
      this.#open.delete(oldest)
      await handle.close()
    }
    try {
      const handle = await open(this.name(kind, file))
      const opened = { handle, size: (await handle.stat()).size }
      this.#open.set(key, opened)
      return opened
    } catch (cause) {
      throw new Fault('FILE_UNREADABLE', `${this.name(kind, file)}: ${(cause as Error).message}`, { cause })
    }
  }
}
