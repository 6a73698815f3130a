/**
 * Canonical JSON, RFC 8785 (JCS): one value has one text, so that equal reports are equal bytes and one hash proves them.
 * Members are sorted by the UTF-16 code units of their names, numbers are written as ECMAScript writes them, strings carry
 * the fewest escapes, and there is no white space. Loops, not recursion: depth is bounded by memory alone.
 */

/** A value that has no canonical text. `pointer` (RFC 6901) says where it stands. */
export class NotCanonical extends TypeError {
  override name = 'NotCanonical'
  readonly pointer: string

  constructor(pointer: string, problem: string) {
    super(`${pointer === '' ? 'The value' : pointer} ${problem}`)
    this.pointer = pointer
  }
}

/** How long a chunk of `writeCanonical` grows before it is handed on, in UTF-16 code units. */
const CHUNK_LENGTH = 1 << 16

interface Frame {
  readonly source: object
  /** The member names in order; undefined for an array. */
  readonly names: readonly string[] | undefined
  readonly items: readonly unknown[] | undefined
  readonly iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined
  index: number
}

type Asked = { readonly chunk: string } | { readonly next: Promise<IteratorResult<unknown>> }

/**
 * The canonical text of a value of JSON: null, booleans, finite numbers, well-formed strings, arrays and plain objects.
 * Members that are undefined are left out. Throws `NotCanonical` for everything else: NaN and infinities, lone surrogates,
 * undefined in arrays, bigint (amounts are digit strings), dates, maps and other objects of a class, cycles.
 */
export function canonicalJson(value: unknown): string {
  let text = ''
  for (const asked of pieces(value, Number.POSITIVE_INFINITY, false)) text += 'chunk' in asked ? asked.chunk : ''
  return text
}

/**
 * The same text as UTF-8 chunks, for reports too large to hold. Where the value has an iterable or async iterable in the
 * place of an array, its items are written as they come and none is kept.
 */
export async function* writeCanonical(
  value: unknown,
  options: { readonly chunkLength?: number } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder()
  const asking = pieces(value, options.chunkLength ?? CHUNK_LENGTH, true)
  let answer: IteratorResult<unknown> | undefined
  for (;;) {
    const { done, value: asked } = asking.next(answer)
    if (done) return
    answer = undefined
    if ('next' in asked) answer = await asked.next
    else yield encoder.encode(asked.chunk)
  }
}

/** Writes text until a chunk is full, then hands it on; asks its driver for the next item where only a promise has it. */
function* pieces(
  value: unknown,
  chunkLength: number,
  streaming: boolean,
): Generator<Asked, void, IteratorResult<unknown> | undefined> {
  const frames: Frame[] = []
  const open = new Set<object>()
  let text = ''

  /** Writes a scalar whole, or the opening of an array or object, whose members follow. */
  const begin = (item: unknown): void => {
    if (typeof item !== 'object' || item === null) {
      text += scalar(item, () => pointerOf(frames))
      return
    }
    if (open.has(item)) throw new NotCanonical(pointerOf(frames), 'contains itself')
    const frame = frameOf(item, streaming, () => pointerOf(frames))
    open.add(item)
    frames.push(frame)
    text += frame.names === undefined ? '[' : '{'
  }

  begin(value)
  while (frames.length > 0) {
    const frame = frames[frames.length - 1]
    if (text.length >= chunkLength) {
      yield { chunk: text }
      text = ''
    }
    if (frame.names !== undefined) {
      if (frame.index < frame.names.length) {
        const name = frame.names[frame.index]
        text += `${frame.index > 0 ? ',' : ''}${quote(name, () => pointerOf(frames))}:`
        frame.index++
        begin((frame.source as Record<string, unknown>)[name])
        continue
      }
    } else {
      let item: unknown
      let more = true
      if (frame.items !== undefined) {
        more = frame.index < frame.items.length
        if (more) item = frame.items[frame.index]
      } else {
        const asked = frame.iterator!.next()
        const result = asked instanceof Promise ? yield { next: asked } : asked
        more = result?.done !== true
        item = result?.value
      }
      if (more) {
        if (frame.index > 0) text += ','
        frame.index++
        begin(item)
        continue
      }
    }
    text += frame.names === undefined ? ']' : '}'
    open.delete(frame.source)
    frames.pop()
  }
  yield { chunk: text }
}

function frameOf(source: object, streaming: boolean, where: () => string): Frame {
  const frame = { source, names: undefined, items: undefined, iterator: undefined, index: 0 }
  if (Array.isArray(source)) return { ...frame, items: source }
  const prototype: unknown = Object.getPrototypeOf(source)
  if (prototype === Object.prototype || prototype === null) {
    // The default order of strings is the order of their UTF-16 code units, which is what RFC 8785 section 3.2.3 asks for.
    const names = Object.keys(source).filter((name) => (source as Record<string, unknown>)[name] !== undefined)
    return { ...frame, names: names.sort() }
  }
  if (streaming && Symbol.asyncIterator in source) {
    return { ...frame, iterator: (source as AsyncIterable<unknown>)[Symbol.asyncIterator]() }
  }
  if (streaming && Symbol.iterator in source && !(source instanceof Map) && !ArrayBuffer.isView(source)) {
    return { ...frame, iterator: (source as Iterable<unknown>)[Symbol.iterator]() }
  }
  throw new NotCanonical(where(), 'is an object of a class, which JSON does not have')
}

function scalar(item: unknown, where: () => string): string {
  switch (typeof item) {
    case 'string':
      return quote(item, where)
    case 'number':
      if (!Number.isFinite(item)) throw new NotCanonical(where(), `is ${item}, which JSON cannot write`)
      // ECMAScript's own Number::toString is the algorithm of RFC 8785 section 3.2.2.3; minus zero is written 0.
      return String(item === 0 ? 0 : item)
    case 'boolean':
      return item ? 'true' : 'false'
    case 'object':
      return 'null'
    case 'bigint':
      throw new NotCanonical(where(), 'is a bigint; amounts are written as digit strings')
    default:
      throw new NotCanonical(where(), `is ${typeof item}, which JSON does not have`)
  }
}

function quote(text: string, where: () => string): string {
  if (/\p{Surrogate}/u.test(text)) throw new NotCanonical(where(), 'holds a lone surrogate')
  return JSON.stringify(text)
}

/** RFC 6901 pointer to the member being written. */
function pointerOf(frames: readonly Frame[]): string {
  let pointer = ''
  for (const { names, index } of frames) {
    const step = names === undefined ? String(index - 1) : (names[index - 1] ?? names[index] ?? '')
    pointer += `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`
  }
  return pointer
}
