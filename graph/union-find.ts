import { invariant } from './check.ts'

/**
 * Disjoint sets over dense numbers 0 … size − 1, each named by its smallest member. Grows on demand; four bytes a member.
 * The smaller root always takes the larger, so the name needs no second column; halving the paths on every look keeps
 * them short (amortised O(log n), in practice a step or two).
 */
export class UnionFind {
  #parent: Uint32Array
  #size: number

  constructor(size = 0) {
    this.#size = size
    this.#parent = new Uint32Array(Math.max(size, 16))
    for (let member = 0; member < size; member++) this.#parent[member] = member
  }

  /** How many members there are, each in a set of its own until joined. */
  get size(): number {
    return this.#size
  }

  /** Makes room so that members up to `size − 1` exist. Never shrinks. */
  grow(size: number): void {
    if (size <= this.#size) return
    if (size > this.#parent.length) {
      const roomier = new Uint32Array(Math.max(size, this.#parent.length * 2))
      roomier.set(this.#parent.subarray(0, this.#size))
      this.#parent = roomier
    }
    for (let member = this.#size; member < size; member++) this.#parent[member] = member
    this.#size = size
  }

  /** The smallest member of the set that holds `member`. */
  find(member: number): number {
    if (!(member >= 0 && member < this.#size)) invariant(false, `no member ${member} among ${this.#size}`)
    const parent = this.#parent
    let at = member
    for (;;) {
      const up = parent[at]
      if (up === at) return at
      // Halving: each look points a member at its grandparent, which is never larger.
      const upper = parent[up]
      parent[at] = upper
      at = upper
    }
  }

  /** Joins two sets; true where they were two. The joined set is named by the smaller of the two names. */
  union(one: number, other: number): boolean {
    const first = this.find(one)
    const second = this.find(other)
    if (first === second) return false
    if (first < second) this.#parent[second] = first
    else this.#parent[first] = second
    return true
  }

  /** An independent copy. */
  clone(): UnionFind {
    const copy = new UnionFind()
    copy.#parent = this.#parent.slice()
    copy.#size = this.#size
    return copy
  }
}
