import type { Arithmetic, Column } from './arithmetic.ts'
import { invariant } from './check.ts'

const NONE = -1

/**
 * All lots of one trace, in columns, and the lines they stand in. A lot is an amount of one origin; a line is a run of
 * lots, the first to leave at its head. Lots are numbers into the columns, so that a lot that moves whole costs nothing.
 *
 * A line is entered at its tail, or at its head (`newestFirst`), and always left at its head. Neighbours of one origin
 * are one lot: they would leave one after the other anyway.
 */
export class Lots<A> {
  origin = new Int32Array(1024)
  amount: Column<A>
  next = new Int32Array(1024)
  readonly head: Int32Array
  readonly tail: Int32Array
  private used = 0
  private free = NONE
  private readonly math: Arithmetic<A>

  constructor(math: Arithmetic<A>, lineCount: number) {
    this.math = math
    this.amount = math.column(1024)
    this.head = new Int32Array(lineCount).fill(NONE)
    this.tail = new Int32Array(lineCount).fill(NONE)
  }

  isEmpty(line: number): boolean {
    return this.head[line] === NONE
  }

  private make(origin: number, amount: A): number {
    let lot = this.free
    if (lot !== NONE) this.free = this.next[lot]
    else {
      lot = this.used++
      if (lot === this.origin.length) this.grow()
    }
    this.origin[lot] = origin
    this.amount[lot] = amount
    this.next[lot] = NONE
    return lot
  }

  private grow(): void {
    const length = this.origin.length * 2
    const origin = new Int32Array(length)
    origin.set(this.origin)
    this.origin = origin
    const next = new Int32Array(length)
    next.set(this.next)
    this.next = next
    this.amount = this.math.grow(this.amount, length)
  }

  drop(lot: number): void {
    this.next[lot] = this.free
    this.free = lot
  }

  /** A new lot at the end of a line, or at its head. */
  put(line: number, origin: number, amount: A, atHead: boolean): void {
    if (this.math.isZero(amount)) return
    const neighbour = atHead ? this.head[line] : this.tail[line]
    if (neighbour !== NONE && this.origin[neighbour] === origin) {
      this.amount[neighbour] = this.math.add(this.amount[neighbour], amount)
      return
    }
    this.link(line, this.make(origin, amount), atHead)
  }

  private link(line: number, lot: number, atHead: boolean): void {
    if (this.head[line] === NONE) {
      this.next[lot] = NONE
      this.head[line] = lot
      this.tail[line] = lot
    } else if (atHead) {
      this.next[lot] = this.head[line]
      this.head[line] = lot
    } else {
      this.next[lot] = NONE
      this.next[this.tail[line]] = lot
      this.tail[line] = lot
    }
  }

  /** Sets a whole line, order kept, behind (or before) another; it is left empty. */
  join(to: number, from: number, atHead: boolean): void {
    if (this.head[from] === NONE) return
    if (this.head[to] === NONE) {
      this.head[to] = this.head[from]
      this.tail[to] = this.tail[from]
    } else if (atHead) {
      this.next[this.tail[from]] = this.head[to]
      this.head[to] = this.head[from]
    } else {
      this.next[this.tail[to]] = this.head[from]
      this.tail[to] = this.tail[from]
    }
    this.head[from] = NONE
    this.tail[from] = NONE
  }

  /** Moves the first lot of a line, or the first `wanted` of it, to another line; answers what it moved, zero from an empty line. */
  pass(from: number, to: number, wanted: A, atHead: boolean): A {
    const lot = this.head[from]
    if (lot === NONE) return this.math.zero
    const amount = this.amount[lot]
    if (this.math.less(wanted, amount)) {
      this.amount[lot] = this.math.subtract(amount, wanted)
      this.put(to, this.origin[lot], wanted, atHead)
      return wanted
    }
    this.head[from] = this.next[lot]
    if (this.head[from] === NONE) this.tail[from] = NONE
    const neighbour = atHead ? this.head[to] : this.tail[to]
    if (neighbour !== NONE && this.origin[neighbour] === this.origin[lot]) {
      this.amount[neighbour] = this.math.add(this.amount[neighbour], amount)
      this.drop(lot)
    } else this.link(to, lot, atHead)
    return amount
  }

  /** Takes the first lot of a line, or the first `wanted` of it, out of the trace; answers what went. */
  leave(from: number, wanted: A): A {
    const lot = this.head[from]
    if (lot === NONE) return this.math.zero
    const amount = this.amount[lot]
    if (this.math.less(wanted, amount)) {
      this.amount[lot] = this.math.subtract(amount, wanted)
      return wanted
    }
    this.head[from] = this.next[lot]
    if (this.head[from] === NONE) this.tail[from] = NONE
    this.drop(lot)
    return amount
  }

  clear(line: number): void {
    invariant(this.head[line] !== NONE, 'only a line with lots is cleared')
    this.next[this.tail[line]] = this.free
    this.free = this.head[line]
    this.head[line] = NONE
    this.tail[line] = NONE
  }
}

export { NONE as NO_LOT }
