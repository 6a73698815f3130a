import type { Document } from './document.ts'
import { oneLine } from './words.ts'

/** A document as copyable text, UTF-8 with LF: every identifier stands alone on its line, tables are tab-separated. */
export function* renderText(document: Document): Generator<string> {
  const line = (text: string) => `${oneLine(text, 4000)}\n`
  for (const block of document.blocks) {
    switch (block.kind) {
      case 'title':
        yield line(block.text)
        yield `${'='.repeat(72)}\n`
        if (block.below !== undefined) yield line(block.below)
        break
      case 'heading':
        yield `\n${line(block.text)}${(block.level === 1 ? '-' : '.').repeat(72)}\n`
        break
      case 'text':
        yield line(block.text)
        break
      case 'list':
        for (const item of block.items) yield `- ${line(item)}`
        break
      case 'facts':
        for (const [label, value] of block.rows) yield `${oneLine(label)}: ${line(value.text)}`
        yield '\n'
        break
      case 'table':
        yield `${block.columns.map(({ title }) => oneLine(title)).join('\t')}\n`
        for (const row of block.rows) yield `${row.map((each) => oneLine(each.text, 4000)).join('\t')}\n`
        break
      default:
        break
    }
  }
}
