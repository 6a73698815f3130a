import type { Arithmetic, Column } from './arithmetic.ts'
import type { Journal } from './journal.ts'

/** Writes a journal row by row; neighbouring rows that differ only in amount become one. */
export class JournalWriter<A> {
  private rows = 0
  private entry = new Uint32Array(1024)
  private side = new Uint8Array(1024)
  private seed = new Uint32Array(1024)
  private leg = new Uint32Array(1024)
  private amount: Column<A>
  private readonly math: Arithmetic<A>

  constructor(math: Arithmetic<A>) {
    this.math = math
    this.amount = math.column(1024)
  }

  write(entry: number, side: number, seed: number, leg: number, amount: A): void {
    if (this.math.isZero(amount)) return
    const last = this.rows - 1
    if (
      last >= 0 &&
      this.leg[last] === leg &&
      this.side[last] === side &&
      this.seed[last] === seed &&
      this.entry[last] === entry
    ) {
      this.amount[last] = this.math.add(this.amount[last], amount)
      return
    }
    if (this.rows === this.entry.length) this.grow()
    const row = this.rows++
    this.entry[row] = entry
    this.side[row] = side
    this.seed[row] = seed
    this.leg[row] = leg
    this.amount[row] = amount
  }

  private grow(): void {
    const length = this.entry.length * 2
    this.entry = widen(this.entry, new Uint32Array(length))
    this.side = widen(this.side, new Uint8Array(length))
    this.seed = widen(this.seed, new Uint32Array(length))
    this.leg = widen(this.leg, new Uint32Array(length))
    this.amount = this.math.grow(this.amount, length)
  }

  close(): Journal {
    return {
      rows: this.rows,
      entry: this.entry.slice(0, this.rows),
      side: this.side.slice(0, this.rows),
      seed: this.seed.slice(0, this.rows),
      leg: this.leg.slice(0, this.rows),
      amount: this.math.cut(this.amount, this.rows),
    }
  }
}

function widen<T extends Uint32Array | Uint8Array>(narrow: T, wide: T): T {
  wide.set(narrow)
  return wide
}
