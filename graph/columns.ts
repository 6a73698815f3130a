/** A column of whole numbers below 2^32 that grows as it is written: four bytes a row, no objects. */
export class Column {
  #rows: Uint32Array
  #length = 0

  constructor(room = 64) {
    this.#rows = new Uint32Array(room)
  }

  get length(): number {
    return this.#length
  }

  /** The rows themselves, longer than `length`; not to be kept across a `push`. */
  get rows(): Uint32Array {
    return this.#rows
  }

  at(row: number): number {
    return this.#rows[row]
  }

  set(row: number, value: number): void {
    this.#rows[row] = value
  }

  /** Adds a row and answers with its number. */
  push(value: number): number {
    if (this.#length === this.#rows.length) {
      const roomier = new Uint32Array(this.#rows.length * 2)
      roomier.set(this.#rows)
      this.#rows = roomier
    }
    this.#rows[this.#length] = value
    return this.#length++
  }

  clear(): void {
    this.#length = 0
  }

  clone(): Column {
    const copy = new Column(1)
    copy.#rows = this.#rows.slice()
    copy.#length = this.#length
    return copy
  }
}
