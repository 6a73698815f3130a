/** The most rows a column can number: what is over has no room in 32 bits. */
const ROWS_MAX = 0xfffffffe

type Cells = Uint8Array | Uint32Array | Float64Array

/** A column of numbers that grows as it is written: no object a row. Cells that were never set read as 0. */
export class GrowingColumn<T extends Cells> {
  /** The cells themselves, longer than what was written; not to be kept across a write. */
  cells: T
  length = 0
  readonly #make: new (
    length: number,
  ) => T

  constructor(make: new (length: number) => T) {
    this.#make = make
    this.cells = new make(1024)
  }

  push(value: number): void {
    if (this.length === this.cells.length) this.#grow(this.length + 1)
    this.cells[this.length++] = value
  }

  set(row: number, value: number): void {
    if (row >= this.cells.length) this.#grow(row + 1)
    this.cells[row] = value
    if (row >= this.length) this.length = row + 1
  }

  #grow(length: number): void {
    const roomier = new this.#make(Math.min(ROWS_MAX, Math.max(length, this.cells.length * 2)))
    roomier.set(this.cells)
    this.cells = roomier
  }
}

/**
 * Numbers pairs of 32-bit words 0, 1, 2 … in the order in which they first come: an open-addressing table over typed
 * arrays, at most three quarters full.
 */
export class PairNumbers {
  readonly #high = new GrowingColumn(Uint32Array)
  readonly #low = new GrowingColumn(Uint32Array)
  /** Number and one; 0 where a slot is free. */
  #slots = new Uint32Array(2048)

  get count(): number {
    return this.#high.length
  }

  /** The number of a pair, which may be new. */
  numberOf(high: number, low: number): number {
    let slot = this.#find(high, low)
    if (this.#slots[slot] !== 0) return this.#slots[slot] - 1
    const number = this.#high.length
    this.#high.push(high)
    this.#low.push(low)
    if (number * 4 >= this.#slots.length * 3) {
      this.#slots = new Uint32Array(this.#slots.length * 2)
      for (let i = 0; i < number; i++) {
        this.#slots[this.#find(this.#high.cells[i], this.#low.cells[i])] = i + 1
      }
      slot = this.#find(high, low)
    }
    this.#slots[slot] = number + 1
    return number
  }

  has(high: number, low: number): boolean {
    return this.#slots[this.#find(high, low)] !== 0
  }

  /** The slot of a pair, or the free one where it belongs. */
  #find(high: number, low: number): number {
    const mask = this.#slots.length - 1
    const highs = this.#high.cells
    const lows = this.#low.cells
    let slot = mixed(high, low) & mask
    for (let held = this.#slots[slot]; held !== 0; held = this.#slots[slot]) {
      if (highs[held - 1] === high >>> 0 && lows[held - 1] === low >>> 0) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }
}

function mixed(high: number, low: number): number {
  let state = Math.imul(high ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(low, 0xc2b2ae35)
  state ^= state >>> 13
  state = Math.imul(state, 0x27d4eb2f)
  return state ^ (state >>> 16)
}

/** Two 32-bit words out of a text; equal texts have equal words, and of 2^32 different ones about one pair is expected to. */
export function hashText(text: string, salt: number): readonly [number, number] {
  let one = 0x9e3779b9 ^ salt
  let two = 0x41c6ce57 ^ Math.imul(salt, 0x85ebca6b)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    one = Math.imul(one ^ code, 0x9e3779b1)
    one = (one << 13) | (one >>> 19)
    two = Math.imul(two ^ code, 0x5f356495)
    two = (two << 15) | (two >>> 17)
  }
  one ^= text.length
  one = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(two ^ (two >>> 13), 0xc2b2ae35)
  two = Math.imul(two ^ (two >>> 16), 0x85ebca6b) ^ Math.imul(one ^ (one >>> 13), 0xc2b2ae35)
  return [one >>> 0, two >>> 0]
}

/** The rows in ascending order of their keys (not negative, below 2^53), each row after the equal ones before it. */
export function orderByKey(count: number, keyOf: (row: number) => number): Uint32Array<ArrayBuffer> {
  let order: Uint32Array<ArrayBuffer> = new Uint32Array(count)
  let sorted = true
  let lowest = Number.POSITIVE_INFINITY
  let highest = 0
  let last = 0
  for (let row = 0; row < count; row++) {
    const key = keyOf(row)
    if (key < last) sorted = false
    last = key
    if (key < lowest) lowest = key
    if (key > highest) highest = key
    order[row] = row
  }
  if (sorted) return order
  // Sixteen bits at a time, from the lowest.
  let other: Uint32Array<ArrayBuffer> = new Uint32Array(count)
  for (let unit = 1; unit <= highest - lowest; unit *= 65_536) {
    const starts = new Uint32Array(65_537)
    const digit = (row: number) => Math.floor((keyOf(row) - lowest) / unit) % 65_536
    for (let i = 0; i < count; i++) starts[digit(order[i]) + 1]++
    for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1]
    for (let i = 0; i < count; i++) other[starts[digit(order[i])]++] = order[i]
    ;[order, other] = [other, order]
  }
  return order
}
