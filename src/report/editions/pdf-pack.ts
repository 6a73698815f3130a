import { zlibSync } from 'fflate'
import { invariant } from '../../../graph/index.ts'

/**
 * Deflates the plain streams of a PDF and writes its cross-reference table anew. Node's own zlib is built differently for
 * different processors and versions, and its output with it; fflate is one text that gives one answer, so that a PDF has the
 * same bytes everywhere. The file must be as pdfkit writes it: objects one after another, one table, one trailer.
 */
export function packPdf(plain: Uint8Array): Uint8Array {
  const text = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
  const xref = Number(/startxref\n(\d+)\n%%EOF\n?$/.exec(text.toString('latin1', text.length - 64))?.[1])
  const table = text.toString('latin1', xref)
  const entries = [...table.matchAll(/^(\d{10}) (\d{5}) ([nf]) ?$/gm)].map(([, at]) => Number(at))
  const trailer = table.indexOf('trailer')
  invariant(entries.length > 1 && trailer > 0, 'pdfkit wrote a cross-reference table')
  const order = entries
    .map((at, number) => ({ at, number }))
    .slice(1)
    .sort((a, b) => a.at - b.at)
  const parts: Buffer[] = [text.subarray(0, order[0].at)]
  let length = order[0].at
  const places = new Map<number, number>()
  for (const [index, { at, number }] of order.entries()) {
    const packed = packObject(text.subarray(at, order[index + 1]?.at ?? xref))
    places.set(number, length)
    parts.push(packed)
    length += packed.length
  }
  const rows = entries.slice(1).map((_, i) => `${String(places.get(i + 1)).padStart(10, '0')} 00000 n \n`)
  const closing = table.slice(trailer).replace(/startxref\n\d+/, `startxref\n${length}`)
  parts.push(Buffer.from(`xref\n0 ${entries.length}\n0000000000 65535 f \n${rows.join('')}${closing}`, 'latin1'))
  return Buffer.concat(parts)
}

const STREAM = Buffer.from('\nstream\n')
const END = Buffer.from('\nendstream')
/** Shorter streams do not get shorter. */
const SHORT = 64

function packObject(object: Buffer): Buffer {
  const begin = object.indexOf(STREAM)
  if (begin < 0) return object
  const head = object.toString('latin1', 0, begin)
  // A file's metadata must stay plain text (ISO 19005-2, 6.6.2.1).
  if (head.includes('/Filter') || head.includes('/Metadata')) return object
  const end = object.lastIndexOf(END)
  const stream = object.subarray(begin + STREAM.length, end)
  if (stream.length < SHORT) return object
  const packed = zlibSync(stream, { level: 9 })
  const told = head.replace(/\/Length \d+/, `/Length ${packed.length}\n/Filter /FlateDecode`)
  return Buffer.concat([Buffer.from(`${told}\nstream\n`, 'latin1'), packed, object.subarray(end)])
}
