/**
 * Comma-separated text by RFC 4180: the one reader and the one writer of this service. Cells in quotes may hold commas,
 * line ends and doubled quotes; a byte-order mark and CRLF are read, never written. Input may come in pieces of any
 * size: memory holds one row. What is not RFC 4180 is refused with its line: a quote inside an unquoted cell, text
 * after a closing quote, a quote never closed, bytes that are not UTF-8.
 */
import { Fault, type FaultCode } from './faults.ts'

/** Bytes as they come from a file, a request body or memory. */
export type ByteSource = Uint8Array | AsyncIterable<Uint8Array>

/** One row: the line of the text it begins on (from 1), and its cells. */
export interface CsvRow {
  readonly line: number
  readonly cells: readonly string[]
}

export interface CsvOptions {
  /** What the text is called in faults: a file name. */
  readonly name: string
  /** The code of faults about the text: `TAGS_INVALID`, `LEDGER_INVALID` … */
  readonly fault: FaultCode
  /** Longest cell in characters; beyond it `LIMIT_EXCEEDED`. Default 65,536. */
  readonly cellMax?: number
  /** Most cells in a row; default 1,024. */
  readonly cellsMax?: number
  /** Most rows, header included; default 20,000,000. */
  readonly rowsMax?: number
  /** Take one guarding `'` off cells that `writeCsvRow` guarded. Default false: cells as they stand. */
  readonly guarded?: boolean
}

const QUOTE = 34
const COMMA = 44
const LF = 10
const CR = 13

/**
 * Turns text that comes in pieces into rows. `push` answers the rows completed so far, `end` the last one. Empty lines
 * are passed over. Faults: the option's code for a broken form, `LIMIT_EXCEEDED` for a size.
 */
export class CsvReader {
  readonly #options: CsvOptions
  readonly #cellMax: number
  readonly #cellsMax: number
  readonly #rowsMax: number
  #cells: string[] = []
  #cell = ''
  #state: 'start' | 'plain' | 'quoted' | 'closed' = 'start'
  #line = 1
  #rowLine = 1
  #rows = 0
  #heldCr = false
  #first = true
  #rowQuoted = false

  constructor(options: CsvOptions) {
    this.#options = options
    this.#cellMax = options.cellMax ?? 65_536
    this.#cellsMax = options.cellsMax ?? 1_024
    this.#rowsMax = options.rowsMax ?? 20_000_000
  }

  push(piece: string): CsvRow[] {
    const rows: CsvRow[] = []
    let text = piece
    if (this.#first && text.length > 0) {
      this.#first = false
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1)
    }
    // A carriage return at the end of a piece waits for what follows it.
    if (this.#heldCr) text = `\r${text}`
    this.#heldCr = false
    let from = 0
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (this.#state === 'quoted') {
        if (code === QUOTE) {
          this.#add(text.slice(from, i))
          this.#state = 'closed'
        } else if (code === LF) this.#line++
        continue
      }
      if (code === CR && i === text.length - 1) {
        if (this.#state === 'plain') this.#add(text.slice(from, i))
        this.#heldCr = true
        return rows
      }
      const lineEnd = code === LF || (code === CR && text.charCodeAt(i + 1) === LF)
      if (code === COMMA || lineEnd) {
        if (this.#state === 'plain') this.#add(text.slice(from, i))
        this.#endCell()
        if (lineEnd) {
          if (code === CR) i++
          this.#endRow(rows)
        }
      } else if (this.#state === 'closed') {
        if (code !== QUOTE) throw this.#fault('text after a closing quote; double a quote that belongs to the cell')
        this.#add('"')
        this.#state = 'quoted'
        from = i + 1
      } else if (code === QUOTE) {
        if (this.#state === 'plain') throw this.#fault('a quote inside an unquoted cell; put the cell in quotes')
        this.#state = 'quoted'
        this.#rowQuoted = true
        from = i + 1
      } else if (this.#state === 'start') {
        if (code === CR) throw this.#fault('a carriage return without a line feed')
        this.#state = 'plain'
        from = i
      } else if (code === CR) throw this.#fault('a carriage return without a line feed')
    }
    if (this.#state === 'plain' || this.#state === 'quoted') {
      this.#add(text.slice(from))
    }
    return rows
  }

  end(): CsvRow[] {
    const rows: CsvRow[] = []
    if (this.#heldCr) throw this.#fault('a carriage return without a line feed')
    if (this.#state === 'quoted') throw this.#fault(`the quote of the row on line ${this.#rowLine} is never closed`)
    if (this.#state !== 'start' || this.#cells.length > 0) {
      this.#endCell()
      this.#endRow(rows)
    }
    return rows
  }

  #add(text: string): void {
    this.#cell += text
    if (this.#cell.length > this.#cellMax) {
      throw new Fault(
        'LIMIT_EXCEEDED',
        `${this.#options.name} line ${this.#line}: a cell of over ${this.#cellMax} characters`,
      )
    }
  }

  #endCell(): void {
    if (this.#cells.length === this.#cellsMax) {
      throw new Fault(
        'LIMIT_EXCEEDED',
        `${this.#options.name} line ${this.#line}: over ${this.#cellsMax} cells in a row`,
      )
    }
    this.#cells.push(this.#options.guarded === true ? unguardCell(this.#cell) : this.#cell)
    this.#cell = ''
    this.#state = 'start'
  }

  #endRow(rows: CsvRow[]): void {
    const empty = this.#cells.length === 1 && this.#cells[0] === '' && !this.#rowQuoted
    if (!empty) {
      if (++this.#rows > this.#rowsMax) {
        throw new Fault('LIMIT_EXCEEDED', `${this.#options.name}: over ${this.#rowsMax} rows`)
      }
      rows.push({ line: this.#rowLine, cells: this.#cells })
    }
    this.#cells = []
    this.#rowQuoted = false
    this.#line++
    this.#rowLine = this.#line
  }

  #fault(what: string): Fault {
    return new Fault(this.#options.fault, `${this.#options.name} line ${this.#line}: ${what}`)
  }
}

/** Reads rows from bytes as they come. Faults as `CsvReader`, and the option's code where bytes are not UTF-8. */
export async function* readCsv(source: ByteSource, options: CsvOptions): AsyncGenerator<CsvRow> {
  const reader = new CsvReader(options)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
    } catch (cause) {
      throw new Fault(options.fault, `${options.name}: the bytes are not UTF-8; save the file as UTF-8`, { cause })
    }
  }
  for await (const bytes of source instanceof Uint8Array ? slices(source) : source) yield* reader.push(decode(bytes))
  yield* reader.push(decode())
  yield* reader.end()
}

/** Memory in pieces, so that a large buffer never becomes one large string. */
function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  const size = 1 << 16
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Cells that a spreadsheet would run as a formula, after any guards they already have. */
const RUNS_AS_FORMULA = /^'*[=+\-@\t\r]/
const GUARDED = /^'+[=+\-@\t\r]/

/**
 * Puts one `'` before a cell that a spreadsheet would run as a formula (`=`, `+`, `-`, `@`, tab, carriage return), and
 * before one that already looks guarded, so that `unguardCell` gives every cell back unchanged.
 */
export function guardCell(cell: string): string {
  return RUNS_AS_FORMULA.test(cell) ? `'${cell}` : cell
}

/** Takes off the one `'` that `guardCell` put there. */
export function unguardCell(cell: string): string {
  return GUARDED.test(cell) ? cell.slice(1) : cell
}

/** Writes one row with its line feed: cells guarded, quoted only where they must be. */
export function writeCsvRow(cells: readonly string[]): string {
  const written = cells.map((cell) => {
    const guarded = guardCell(cell)
    return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded
  })
  // A row of one empty cell would be an empty line, which readers pass over.
  return written.length === 1 && written[0] === '' ? '""\n' : `${written.join(',')}\n`
}
