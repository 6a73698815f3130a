/** The two faces that every PDF embeds, and which characters they can draw. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { invariant } from '../../../graph/index.ts'

const folder = new URL('../fonts/', import.meta.url)
export const FONT_FOLDER = fileURLToPath(folder)
export const FONTS = {
  Pretendard: {
    normal: fileURLToPath(new URL('Pretendard-Regular.ttf', folder)),
    bold: fileURLToPath(new URL('Pretendard-Bold.ttf', folder)),
  },
}

/** Tables by which a font changes letters for their neighbours' sake, and moves them. */
const SHAPING = new Set(['GSUB', 'GPOS'])

/**
 * A face whose shaping tables are hidden, in memory only: letters stay the letters that they are (“0x” must not become “0×”
 * in an address), and a long table is set ten times as fast.
 */
export function plainFont(file: string): Buffer {
  const font = readFileSync(file)
  for (let i = 0; i < font.readUInt16BE(4); i++) {
    const at = 12 + i * 16
    if (SHAPING.has(font.toString('latin1', at, at + 4))) font.write('X', at, 'latin1')
  }
  return font
}

let known: ReadonlySet<number> | undefined

/** The code points that both faces have a glyph for. */
export function drawable(): ReadonlySet<number> {
  if (known === undefined) {
    const regular = codePoints(readFileSync(FONTS.Pretendard.normal))
    const bold = codePoints(readFileSync(FONTS.Pretendard.bold))
    known = new Set([...regular].filter((point) => bold.has(point)))
  }
  return known
}

/**
 * Text that the fonts can draw whole. A character that they cannot (an emoji, Hebrew) is written by its number, 【U+1F600】: an
 * archive must show what was there, and an empty box shows nothing.
 */
export function drawableText(text: string): string {
  const can = drawable()
  let drawn = ''
  let missing: string[] = []
  const flush = () => {
    if (missing.length > 0)
      drawn += `【${missing.slice(0, 8).join(' ')}${missing.length > 8 ? ` … ${missing.length}` : ''}】`
    missing = []
  }
  for (const character of text) {
    const point = character.codePointAt(0)!
    if (can.has(point) || character === '\n') {
      flush()
      drawn += character
    } else missing.push(`U+${point.toString(16).toUpperCase().padStart(4, '0')}`)
  }
  flush()
  return drawn
}

/** Code points of a TrueType font's Unicode map, in format 12 or 4 (OpenType, `cmap`). */
function codePoints(font: Buffer): Set<number> {
  const tables = font.readUInt16BE(4)
  let cmap = 0
  for (let i = 0; i < tables; i++) {
    const at = 12 + i * 16
    if (font.toString('latin1', at, at + 4) === 'cmap') cmap = font.readUInt32BE(at + 8)
  }
  invariant(cmap > 0, 'the font has a cmap table')
  const points = new Set<number>()
  for (let i = 0; i < font.readUInt16BE(cmap + 2); i++) {
    const at = cmap + font.readUInt32BE(cmap + 4 + i * 8 + 4)
    const format = font.readUInt16BE(at)
    if (format === 12) {
      for (let group = 0; group < font.readUInt32BE(at + 12); group++) {
        const entry = at + 16 + group * 12
        for (let point = font.readUInt32BE(entry); point <= font.readUInt32BE(entry + 4); point++) points.add(point)
      }
    } else if (format === 4) {
      const doubled = font.readUInt16BE(at + 6)
      for (let segment = 0; segment < doubled; segment += 2) {
        const end = font.readUInt16BE(at + 14 + segment)
        const start = font.readUInt16BE(at + 16 + doubled + segment)
        const delta = font.readUInt16BE(at + 16 + doubled * 2 + segment)
        const rangeAt = at + 16 + doubled * 3 + segment
        const range = font.readUInt16BE(rangeAt)
        for (let point = start; point <= end && point < 0xffff; point++) {
          const glyph =
            range === 0 ? (point + delta) & 0xffff : font.readUInt16BE(rangeAt + range + (point - start) * 2)
          if (glyph !== 0) points.add(point)
        }
      }
    }
  }
  return points
}
