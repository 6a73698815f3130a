import { invariant } from './check.ts'
import { Column } from './columns.ts'

/**
 * Texts kept as code units and asked for by number: a third of what strings take, and nothing for the garbage collector
 * to walk. A byte a character, as addresses and transaction ids have it; two once a text with any other character comes.
 */
export class Texts {
  #codes: Uint8Array | Uint16Array = new Uint8Array(1024)
  /** Where text n begins; one row more than texts, for the last one's end. */
  readonly #start = new Column()

  constructor() {
    this.#start.push(0)
  }

  get length(): number {
    return this.#start.length - 1
  }

  /** Keeps a text and answers with its number. */
  append(text: string): number {
    const from = this.#start.at(this.length)
    const end = from + text.length
    invariant(end < 2 ** 32, 'all texts together are below 2^32 characters')
    if (end > this.#codes.length) {
      const room = Math.max(end, this.#codes.length * 2)
      const roomier = this.#codes instanceof Uint8Array ? new Uint8Array(room) : new Uint16Array(room)
      roomier.set(this.#codes)
      this.#codes = roomier
    }
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code > 255 && this.#codes instanceof Uint8Array) this.#codes = Uint16Array.from(this.#codes)
      this.#codes[from + at] = code
    }
    this.#start.push(end)
    return this.length - 1
  }

  at(number: number): string {
    const end = this.#start.at(number + 1)
    let text = ''
    // In pieces: a call takes only so many arguments, and a text from outside may be of any length.
    for (let from = this.#start.at(number); from < end; from += 4096) {
      text += String.fromCharCode(...this.#codes.subarray(from, Math.min(from + 4096, end)))
    }
    return text
  }

  is(number: number, text: string): boolean {
    const from = this.#start.at(number)
    if (this.#start.at(number + 1) - from !== text.length) return false
    for (let at = 0; at < text.length; at++) if (this.#codes[from + at] !== text.charCodeAt(at)) return false
    return true
  }

  /** Order by code units, as `<` has it for strings. */
  compare(one: number, other: number): number {
    if (one === other) return 0
    let from = this.#start.at(one)
    let against = this.#start.at(other)
    const end = this.#start.at(one + 1)
    const endAgainst = this.#start.at(other + 1)
    for (; from < end && against < endAgainst; from++, against++) {
      const difference = this.#codes[from] - this.#codes[against]
      if (difference !== 0) return difference
    }
    return end - from - (endAgainst - against)
  }

  clear(): void {
    this.#start.clear()
    this.#start.push(0)
  }
}

/** Texts to dense numbers and back: each text once. A `Map` ends at 2^24 entries, a chain does not. */
export class TextNumbers {
  readonly texts = new Texts()
  /** Pairs of a hash and a number + 1; nought where empty. Never more than half full. */
  #table = new Uint32Array(2048)
  #mask = 1023

  get size(): number {
    return this.texts.length
  }

  find(text: string): number | undefined {
    const slot = this.#slotOf(text, hashOf(text))
    const found = this.#table[2 * slot + 1]
    return found === 0 ? undefined : found - 1
  }

  /** The text's number; a new one if it has none. */
  intern(text: string): number {
    const hash = hashOf(text)
    const slot = this.#slotOf(text, hash)
    const found = this.#table[2 * slot + 1]
    if (found !== 0) return found - 1
    const number = this.texts.append(text)
    this.#table[2 * slot] = hash
    this.#table[2 * slot + 1] = number + 1
    if (2 * this.texts.length > this.#mask) this.#widen()
    return number
  }

  /** Where the text is, or where it would be put. There is always an empty slot, so the walk ends. */
  #slotOf(text: string, hash: number): number {
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const found = this.#table[2 * slot + 1]
      if (found === 0) return slot
      if (this.#table[2 * slot] === hash && this.texts.is(found - 1, text)) return slot
    }
  }

  #widen(): void {
    const old = this.#table
    const slots = 2 * (this.#mask + 1)
    this.#table = new Uint32Array(2 * slots)
    this.#mask = slots - 1
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue
      let slot = old[at] & this.#mask
      while (this.#table[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask
      this.#table[2 * slot] = old[at]
      this.#table[2 * slot + 1] = old[at + 1]
    }
  }
}

/** FNV-1a over code units, stirred at the end so that the low bits, which choose the slot, depend on all of them. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
