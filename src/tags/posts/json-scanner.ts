/**
 * Finds the posts inside one large JSON document without holding it: elements of every array called `messages`, or of the array that is the
 * document itself. Bytes in, one element's bytes out; a Telegram export of many gigabytes needs the memory of its longest message.
 */
import { Fault } from '../../faults.ts'

/** An element, as bytes; undefined where it was longer than allowed and only its place is known. */
export interface JsonElement {
  readonly bytes: Buffer | undefined
  /** Counts from 1 over the document. */
  readonly ordinal: number
  /** Short texts and figures of the object that holds the array, as far as they stood before it: `name`, `type`, `id`. */
  readonly around: Readonly<Record<string, string>>
}

interface Frame {
  readonly isArray: boolean
  readonly scalars: Record<string, string>
  key: string
  wantsKey: boolean
}

const QUOTE = 34
const COMMA = 44
const COLON = 58
const BACKSLASH = 92
const OPEN_ARRAY = 91
const CLOSE_ARRAY = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125
/** Deepest nesting outside messages; an export has five levels. */
const DEPTH_MAX = 64
/** Longest key or text outside messages that is kept. */
const SHORT_MAX = 1_024

/** Faults `TAGS_INVALID` for what cannot be JSON, `LIMIT_EXCEEDED` for its depth, `FILE_TRUNCATED` where it ends too early. */
export class JsonScanner {
  readonly #name: string
  readonly #bytesMax: number
  readonly #frames: Frame[] = []
  #inString = false
  #escaped = false
  #short: number[] | undefined
  #literal = ''
  #element: Buffer[] | undefined
  #elementBytes = 0
  #elementDepth = 0
  #ordinal = 0
  #began = false
  #ended = false

  constructor(options: { readonly name: string; readonly bytesMax: number }) {
    this.#name = options.name
    this.#bytesMax = options.bytesMax
  }

  push(chunk: Buffer): JsonElement[] {
    const out: JsonElement[] = []
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === BACKSLASH) this.#escaped = true
        else if (byte === QUOTE) {
          this.#inString = false
          if (this.#elementDepth === 0) this.#endString()
          continue
        }
        if (this.#short && this.#short.length <= SHORT_MAX) this.#short.push(byte)
        continue
      }
      if (byte === QUOTE) {
        if (this.#ended) throw this.#fault('text after the end of the document')
        this.#inString = true
        if (this.#elementDepth === 0) this.#short = []
        continue
      }
      if (byte <= 32) continue
      if (this.#elementDepth > 0) {
        if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) this.#elementDepth++
        else if ((byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) && --this.#elementDepth === 0) {
          this.#keep(chunk.subarray(from, i + 1))
          out.push(this.#takeElement())
          from = i + 1
        }
        continue
      }
      if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
        if (this.#ended) throw this.#fault('a second document; one is wanted')
        const top = this.#frames[this.#frames.length - 1]
        const isRoot = top === undefined
        if (byte === OPEN_OBJECT && this.#holdsPosts()) {
          this.#element = []
          this.#elementBytes = 0
          this.#elementDepth = 1
          from = i
        } else {
          if (this.#frames.length === DEPTH_MAX) {
            throw new Fault('LIMIT_EXCEEDED', `${this.#name}: nested over ${DEPTH_MAX} deep`)
          }
          this.#frames.push({ isArray: byte === OPEN_ARRAY, scalars: {}, key: '', wantsKey: byte === OPEN_OBJECT })
          if (isRoot) this.#began = true
        }
      } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
        this.#endLiteral()
        const frame = this.#frames.pop()
        if (!frame || frame.isArray !== (byte === CLOSE_ARRAY)) throw this.#fault('a bracket that closes nothing')
        if (this.#frames.length === 0) this.#ended = true
      } else if (byte === COMMA) {
        this.#endLiteral()
        const top = this.#frames[this.#frames.length - 1]
        if (!top) throw this.#fault('a comma outside of everything')
        top.wantsKey = !top.isArray
      } else if (byte !== COLON) {
        if (this.#frames.length === 0) throw this.#fault('it does not begin as JSON')
        if (this.#literal.length < 64) this.#literal += String.fromCharCode(byte)
      }
    }
    if (this.#elementDepth > 0) this.#keep(chunk.subarray(from))
    return out
  }

  /** To be called after the last chunk. */
  end(): void {
    if (!this.#began) throw this.#fault('the document is empty')
    if (!this.#ended)
      throw new Fault('FILE_TRUNCATED', `${this.#name}: the JSON ends early, after post ${this.#ordinal}`)
  }

  #holdsPosts(): boolean {
    const top = this.#frames[this.#frames.length - 1]
    if (top?.isArray !== true) return false
    return this.#frames.length === 1 || this.#frames[this.#frames.length - 2].key === 'messages'
  }

  #keep(piece: Buffer): void {
    this.#elementBytes += piece.length
    // A copy: the chunk is the reader's to use again.
    if (this.#elementBytes <= this.#bytesMax) this.#element?.push(Buffer.from(piece))
    else this.#element = undefined
  }

  #takeElement(): JsonElement {
    const bytes = this.#element && Buffer.concat(this.#element)
    this.#element = undefined
    this.#ordinal++
    const holder = this.#frames[this.#frames.length - 2]
    return { bytes, ordinal: this.#ordinal, around: holder?.scalars ?? {} }
  }

  #endString(): void {
    const top = this.#frames[this.#frames.length - 1]
    const bytes = this.#short ?? []
    this.#short = undefined
    if (!top || bytes.length > SHORT_MAX) {
      if (top && !top.isArray && top.wantsKey) {
        top.key = ''
        top.wantsKey = false
      }
      return
    }
    let text: string
    try {
      text = JSON.parse(`"${Buffer.from(bytes).toString('utf8')}"`) as string
    } catch {
      throw this.#fault(`a text near post ${this.#ordinal + 1} is not JSON`)
    }
    if (top.isArray) return
    if (top.wantsKey) {
      top.key = text
      top.wantsKey = false
    } else this.#scalar(top, text)
  }

  #endLiteral(): void {
    const top = this.#frames[this.#frames.length - 1]
    if (top && !top.isArray && /^-?[0-9]+$/.test(this.#literal)) this.#scalar(top, this.#literal)
    this.#literal = ''
  }

  #scalar(frame: Frame, text: string): void {
    if (frame.key === 'name' || frame.key === 'type' || frame.key === 'id') frame.scalars[frame.key] = text
  }

  #fault(what: string): Fault {
    return new Fault('TAGS_INVALID', `${this.#name}: ${what}`)
  }
}
