import type { Amounts } from './entries.ts'

/** A column of amounts that the kernel reads and writes by index. */
export interface Column<A> {
  [index: number]: A
  readonly length: number
}

/**
 * What the kernel does with amounts, once for numbers and once for bigints, so that one source serves both and neither
 * path pays for the other. Every operation is exact: the number path is taken only where every figure and every balance
 * of the ledger is below 2^53.
 */
export interface Arithmetic<A> {
  readonly zero: A
  add(a: A, b: A): A
  subtract(a: A, b: A): A
  less(a: A, b: A): boolean
  isZero(a: A): boolean
  /** ⌊amount × part ÷ whole⌋; the remainder of the division is left in `remainder`. `whole` is above zero. */
  share(amount: A, part: A, whole: A): A
  remainder: A
  column(length: number): Column<A>
  /** The same column with room for `length` figures. */
  grow(column: Column<A>, length: number): Column<A>
  cut(column: Column<A>, length: number): Amounts
  toBigint(a: A): bigint
  fromBigint(a: bigint): A
}

const SPLIT = 2 ** 27 + 1
/** Below this, a quotient's error stays so small that the correction below is exact. */
const DIVISOR_MAX = 2 ** 51

/** The number path. Exact for whole numbers below 2^53. */
export class NumberArithmetic implements Arithmetic<number> {
  readonly zero = 0
  remainder = 0

  add(a: number, b: number): number {
    return a + b
  }

  subtract(a: number, b: number): number {
    return a - b
  }

  less(a: number, b: number): boolean {
    return a < b
  }

  isZero(a: number): boolean {
    return a === 0
  }

  /**
   * The product may need 106 bits. It is held as a sum of two doubles, exactly (Dekker 1971, with Veltkamp's split); the
   * quotient is guessed in floating point and corrected by the exact remainder.
   */
  share(amount: number, part: number, whole: number): number {
    const product = amount * part
    if (product <= Number.MAX_SAFE_INTEGER) {
      const quotient = Math.floor(product / whole)
      const remainder = product - quotient * whole
      // The division is rounded once, so the guess can be one too high next to a whole number, never too low by more than one.
      if (remainder < 0) {
        this.remainder = remainder + whole
        return quotient - 1
      }
      if (remainder >= whole) {
        this.remainder = remainder - whole
        return quotient + 1
      }
      this.remainder = remainder
      return quotient
    }
    if (whole >= DIVISOR_MAX) return this.shareByBigint(amount, part, whole)
    let quotient = Math.floor(product / whole)
    const again = quotient * whole
    let remainder = product - again + (errorOfProduct(amount, part, product) - errorOfProduct(quotient, whole, again))
    while (remainder < 0) {
      remainder += whole
      quotient -= 1
    }
    while (remainder >= whole) {
      remainder -= whole
      quotient += 1
    }
    this.remainder = remainder
    return quotient
  }

  private shareByBigint(amount: number, part: number, whole: number): number {
    const product = BigInt(amount) * BigInt(part)
    this.remainder = Number(product % BigInt(whole))
    return Number(product / BigInt(whole))
  }

  column(length: number): Column<number> {
    return new Float64Array(length)
  }

  grow(column: Column<number>, length: number): Column<number> {
    const larger = new Float64Array(length)
    larger.set(column as Float64Array)
    return larger
  }

  cut(column: Column<number>, length: number): Amounts {
    return (column as Float64Array).slice(0, length)
  }

  toBigint(a: number): bigint {
    return BigInt(a)
  }

  fromBigint(a: bigint): number {
    return Number(a)
  }
}

/** a × b − fl(a × b), exactly. */
function errorOfProduct(a: number, b: number, product: number): number {
  const aBig = SPLIT * a
  const aHigh = aBig - (aBig - a)
  const aLow = a - aHigh
  const bBig = SPLIT * b
  const bHigh = bBig - (bBig - b)
  const bLow = b - bHigh
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow)
}

/** The bigint path: any size. */
export class BigintArithmetic implements Arithmetic<bigint> {
  readonly zero = 0n
  remainder = 0n

  add(a: bigint, b: bigint): bigint {
    return a + b
  }

  subtract(a: bigint, b: bigint): bigint {
    return a - b
  }

  less(a: bigint, b: bigint): boolean {
    return a < b
  }

  isZero(a: bigint): boolean {
    return a === 0n
  }

  share(amount: bigint, part: bigint, whole: bigint): bigint {
    const product = amount * part
    const quotient = product / whole
    this.remainder = product - quotient * whole
    return quotient
  }

  column(length: number): Column<bigint> {
    return new Array<bigint>(length).fill(0n)
  }

  grow(column: Column<bigint>, length: number): Column<bigint> {
    const larger = column as bigint[]
    for (let i = larger.length; i < length; i++) larger.push(0n)
    return larger
  }

  cut(column: Column<bigint>, length: number): Amounts {
    return (column as bigint[]).slice(0, length)
  }

  toBigint(a: bigint): bigint {
    return a
  }

  fromBigint(a: bigint): bigint {
    return a
  }
}
