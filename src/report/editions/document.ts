/**
 * A document as data, before it is a PDF: headings, sentences, tables, a picture. Each figure remembers the row of
 * report.json and the field that it came from, so that a test can hold every one of them against the report.
 */

/** Where a figure came from. `units` are the base units that report.json holds; `text` beside it is how they are written. */
export interface Figure {
  /** A row's id (`E1`, `H3`, `P7`), or the key of a sum: `conservation/<seed>/<method>/<chain>/<asset>`, `services/<number>`. */
  readonly row: string
  /** A path in the row: `amount`, `floor`, `traced/fifo/total`, `sinks/service`. */
  readonly field: string
  readonly units: string
}

export interface Cell {
  readonly text: string
  readonly figure?: Figure
  readonly bold?: boolean
  readonly align?: 'left' | 'right'
  /** Columns that the cell takes; the row's list leaves the others out. */
  readonly span?: number
}

export interface Column {
  readonly title: string
  /** Points, or what is left. */
  readonly width: number | '*'
  readonly align?: 'left' | 'right'
}

export type Block =
  | { readonly kind: 'title'; readonly text: string; readonly below?: string }
  | { readonly kind: 'heading'; readonly text: string; readonly level: 1 | 2 }
  | { readonly kind: 'text'; readonly text: string; readonly tone?: 'plain' | 'note' | 'warning' | 'strong' }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'facts'; readonly rows: readonly (readonly [label: string, value: Cell])[] }
  | { readonly kind: 'table'; readonly columns: readonly Column[]; readonly rows: readonly (readonly Cell[])[] }
  /** Stands on a page that lies down. */
  | { readonly kind: 'picture'; readonly svg: string }
  /** From here on a new page, lying down where it says so. */
  | { readonly kind: 'page'; readonly landscape?: boolean }

export interface Document {
  readonly language: 'ko' | 'en'
  readonly title: string
  readonly subject: string
  readonly author: string
  /** At the head and foot of each page. */
  readonly header: string
  readonly footer: string
  /** ISO 8601: the date that the file carries. */
  readonly date: string
  readonly blocks: readonly Block[]
}

export function cell(text: string, figure?: Figure): Cell {
  return figure === undefined ? { text } : { text, figure }
}

/** Every figure of a document, in order. */
export function* figuresOf(document: Document): Generator<Cell & { readonly figure: Figure }> {
  for (const block of document.blocks) {
    const cells =
      block.kind === 'table' ? block.rows.flat() : block.kind === 'facts' ? block.rows.map(([, value]) => value) : []
    for (const each of cells) if (each.figure !== undefined) yield each as Cell & { readonly figure: Figure }
  }
}
