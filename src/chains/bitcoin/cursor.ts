import { Fault, type FaultCode } from '../../faults.ts'

/**
 * A place in bytes from outside. Every step is held to what is left, so a count can never claim more than there is; what
 * fails is a fault that names the byte.
 */
export class Cursor {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
  readonly code: FaultCode
  readonly what: string

  constructor(bytes: Uint8Array, code: FaultCode, what: string) {
    this.bytes = bytes
    this.at = 0
    this.end = bytes.length
    this.code = code
    this.what = what
  }

  /** A fault about this input at a byte: at the place the cursor stands, unless said otherwise. */
  fault(detail: string, at: number = this.at): Fault {
    return new Fault(this.code, `${this.what}, byte ${at}: ${detail}`)
  }

  skip(count: number): void {
    if (count > this.end - this.at) throw this.fault(`${count} bytes were to follow, ${this.end - this.at} are left`)
    this.at += count
  }

  byte(): number {
    if (this.at >= this.end) throw this.fault('one byte was to follow, none is left')
    return this.bytes[this.at++]
  }

  uint32(): number {
    const at = this.at
    this.skip(4)
    const bytes = this.bytes
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
  }

  /**
   * A compact size (1, 3, 5 or 9 bytes) that counts things of at least `bytesEach` bytes, all of which must still fit.
   * As nodes do, it refuses a number written longer than it needs: two spellings would be two hashes of one meaning.
   */
  count(bytesEach: number): number {
    const start = this.at
    const first = this.byte()
    let value = first
    if (first >= 0xfd) {
      if (first === 0xfd) {
        this.skip(2)
        value = this.bytes[start + 1] | (this.bytes[start + 2] << 8)
        if (value < 0xfd) throw this.fault(`the count ${value} is written longer than it needs`, start)
      } else {
        value = this.uint32()
        if (first === 0xfe) {
          if (value <= 0xffff) throw this.fault(`the count ${value} is written longer than it needs`, start)
        } else {
          const high = this.uint32()
          if (high === 0) throw this.fault(`the count ${value} is written longer than it needs`, start)
          value += high * 2 ** 32
        }
      }
    }
    if (value * bytesEach > this.end - this.at) {
      throw this.fault(
        `a count of ${value} needs at least ${value * bytesEach} bytes, ${this.end - this.at} are left`,
        start,
      )
    }
    return value
  }
}
