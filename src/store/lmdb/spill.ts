import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { invariant } from '../../../graph/index.ts'

/** How many records, and how many bytes of them, are sorted at a time in memory. */
const RUN_RECORDS_MAX = 1 << 20
const RUN_BYTES_MAX = 48 * 2 ** 20
const READ_BYTES = 1 << 18

/**
 * Records too many for memory, sorted by key: runs are sorted in memory and written to files in the store's directory, then
 * merged as they are read back. Records of one key come in the order in which they were added.
 */
export class Spill {
  readonly #folder: string
  readonly #name: string
  /** Where in a key the bytes begin that differ between most records: a run whose keys begin alike is sorted by those. */
  readonly #telling: number
  readonly #runs: string[] = []
  readonly #runBytesMax: number
  #arena: Buffer
  #length = 0
  readonly #starts = new Uint32Array(RUN_RECORDS_MAX)
  #count = 0

  constructor(folder: string, name: string, telling: number, runBytesMax: number = RUN_BYTES_MAX) {
    this.#runBytesMax = runBytesMax
    this.#folder = folder
    this.#name = name
    this.#telling = telling
    this.#arena = Buffer.allocUnsafe(1 << 20)
    mkdirSync(folder, { recursive: true })
  }

  /** Adds a record; both parts are copied. Each may be at most 65,535 bytes long. */
  add(key: Buffer, value: Buffer): void {
    invariant(key.length < 65_536 && value.length < 65_536, 'a record too long to spill')
    const size = 4 + key.length + value.length
    if (this.#count === RUN_RECORDS_MAX || this.#length + size > this.#runBytesMax) this.#writeRun()
    if (this.#length + size > this.#arena.length) {
      const wider = Buffer.allocUnsafe(Math.max(this.#arena.length * 2, this.#length + size))
      this.#arena.copy(wider, 0, 0, this.#length)
      this.#arena = wider
    }
    this.#starts[this.#count++] = this.#length
    this.#arena.writeUInt16LE(key.length, this.#length)
    this.#arena.writeUInt16LE(value.length, this.#length + 2)
    this.#arena.set(key, this.#length + 4)
    this.#arena.set(value, this.#length + 4 + key.length)
    this.#length += size
  }

  /** Every record, in order of key. */
  *sorted(): Generator<{ readonly key: Buffer; readonly value: Buffer }> {
    this.#writeRun()
    const heap: Run[] = []
    for (const [number, path] of this.#runs.entries()) {
      const run = new Run(path, number)
      if (run.next()) heap.push(run)
      else run.close()
    }
    try {
      heap.sort(compareRuns)
      while (heap.length > 0) {
        const run = heap[0]
        yield run
        if (!run.next()) {
          run.close()
          const last = heap.pop()!
          if (heap.length === 0) return
          if (last !== run) heap[0] = last
        }
        sink(heap)
      }
    } finally {
      for (const run of heap) run.close()
    }
  }

  /** Removes the files. */
  remove(): void {
    for (const path of this.#runs) rmSync(path, { force: true })
    this.#runs.length = 0
  }

  #keyAt(record: number): Buffer {
    const start = this.#starts[record]
    return this.#arena.subarray(start + 4, start + 4 + this.#arena.readUInt16LE(start))
  }

  /** Whether the keys of the run in memory are alike before the telling bytes. */
  #beginsAlike(): boolean {
    const first = this.#keyAt(0).subarray(0, this.#telling)
    for (let record = 1; record < this.#count; record++) {
      const start = this.#starts[record] + 4
      for (let i = 0; i < first.length; i++) if (this.#arena[start + i] !== first[i]) return false
      if (this.#arena.readUInt16LE(start - 4) < first.length) return false
    }
    return true
  }

  /** The telling bytes of a key, 44 bits of them, above the record's number: 64 bits that a machine sorts by itself. */
  #order(): Uint32Array {
    const packed = new BigUint64Array(this.#count)
    const words = new Uint32Array(packed.buffer)
    const telling = this.#beginsAlike() ? this.#telling : 0
    for (let record = 0; record < this.#count; record++) {
      const start = this.#starts[record] + 4 + telling
      const end = this.#starts[record] + 4 + this.#arena.readUInt16LE(this.#starts[record])
      let [high, low] = [0, 0]
      for (let i = 0; i < 4; i++) high = high * 256 + (start + i < end ? this.#arena[start + i] : 0)
      for (let i = 4; i < 6; i++) low = low * 256 + (start + i < end ? this.#arena[start + i] : 0)
      words[2 * record] = ((low >>> 4) * 2 ** 20 + record) >>> 0
      words[2 * record + 1] = high
    }
    packed.sort()
    const order = new Uint32Array(this.#count)
    for (let i = 0; i < this.#count; i++) order[i] = words[2 * i] % 2 ** 20
    // Runs of equal telling bytes are put in order whole, unless they came so.
    const isSame = (i: number, j: number) =>
      words[2 * i + 1] === words[2 * j + 1] && words[2 * i] >>> 20 === words[2 * j] >>> 20
    for (let from = 0; from < this.#count; ) {
      let to = from + 1
      let isOrdered = true
      while (to < this.#count && isSame(from, to)) {
        isOrdered &&= Buffer.compare(this.#keyAt(order[to - 1]), this.#keyAt(order[to])) <= 0
        to++
      }
      if (!isOrdered) {
        const group = [...order.subarray(from, to)]
        group.sort((a, b) => Buffer.compare(this.#keyAt(a), this.#keyAt(b)) || a - b)
        order.set(group, from)
      }
      from = to
    }
    return order
  }

  #writeRun(): void {
    if (this.#count === 0) return
    const sorted = Buffer.allocUnsafe(this.#length)
    let at = 0
    for (const record of this.#order()) {
      const start = this.#starts[record]
      const size = 4 + this.#arena.readUInt16LE(start) + this.#arena.readUInt16LE(start + 2)
      at += this.#arena.copy(sorted, at, start, start + size)
    }
    const path = join(this.#folder, `${this.#name}-${this.#runs.length}`)
    const file = openSync(path, 'w')
    for (let written = 0; written < at; ) written += writeSync(file, sorted, written, at - written)
    closeSync(file)
    this.#runs.push(path)
    this.#count = 0
    this.#length = 0
  }
}

/** One sorted file, read in order; `key` and `value` are those of the record it stands at, good until `next`. */
class Run {
  key: Buffer = EMPTY
  value: Buffer = EMPTY
  readonly number: number
  readonly #file: number
  #bytes = Buffer.allocUnsafe(READ_BYTES)
  #at = 0
  #end = 0

  constructor(path: string, number: number) {
    this.#file = openSync(path, 'r')
    this.number = number
  }

  /** Goes to the next record; false: there is none. */
  next(): boolean {
    if (!this.#fill(4)) return false
    const keyLength = this.#bytes.readUInt16LE(this.#at)
    const size = 4 + keyLength + this.#bytes.readUInt16LE(this.#at + 2)
    invariant(this.#fill(size), 'a spill file ends before it should')
    this.key = this.#bytes.subarray(this.#at + 4, this.#at + 4 + keyLength)
    this.value = this.#bytes.subarray(this.#at + 4 + keyLength, this.#at + size)
    this.#at += size
    return true
  }

  close(): void {
    closeSync(this.#file)
  }

  /** Sees to it that so many bytes lie ahead; false at the end of the file. */
  #fill(wanted: number): boolean {
    if (this.#end - this.#at >= wanted) return true
    // Into other bytes: the record given out last may still be looked at.
    const fresh = Buffer.allocUnsafe(Math.max(READ_BYTES, wanted))
    this.#bytes.copy(fresh, 0, this.#at, this.#end)
    this.#end -= this.#at
    this.#at = 0
    this.#bytes = fresh
    while (this.#end < wanted) {
      const read = readSync(this.#file, fresh, this.#end, fresh.length - this.#end, null)
      if (read === 0) return false
      this.#end += read
    }
    return true
  }
}
const EMPTY = Buffer.alloc(0)

function compareRuns(a: Run, b: Run): number {
  return Buffer.compare(a.key, b.key) || a.number - b.number
}

/** Puts the first of a heap where it belongs. */
function sink(heap: Run[]): void {
  for (let at = 0; ; ) {
    let least = at
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && compareRuns(heap[child], heap[least]) < 0) least = child
    }
    if (least === at) return
    ;[heap[at], heap[least]] = [heap[least], heap[at]]
    at = least
  }
}
