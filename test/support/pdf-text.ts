/**
 * The text of a PDF as pdfkit writes it without compression, by its fonts' ToUnicode maps, as any reader selects it: page
 * contents in order, one line for each text object. For tests only.
 */
export function pdfText(bytes: Uint8Array): string {
  const file = Buffer.from(bytes).toString('latin1')
  const objects = new Map<number, string>()
  for (const match of file.matchAll(/(?:^|\n)(\d+) 0 obj\n([\s\S]*?)\nendobj/g)) objects.set(Number(match[1]), match[2])
  const maps = new Map<number, Map<string, string>>()
  for (const [number, body] of objects) {
    const to = /\/ToUnicode (\d+) 0 R/.exec(body)
    if (to !== null) maps.set(number, readMap(objects.get(Number(to[1])) ?? ''))
  }
  // Resources name the fonts /F1, /F2 … for the whole document.
  const fonts = new Map<string, Map<string, string>>()
  for (const body of objects.values()) {
    for (const [, name, number] of body.matchAll(/\/(F\d+) (\d+) 0 R/g)) {
      const map = maps.get(Number(number))
      if (map !== undefined) fonts.set(name, map)
    }
  }
  const lines: string[] = []
  for (const body of objects.values()) {
    if (!/\bBT\b/.test(body)) continue
    let font: Map<string, string> | undefined
    for (const [, name, array, end] of body.matchAll(/\/(F\d+) [\d.]+ Tf|\[((?:<[0-9a-f]*>|[-\d. ])*)\] TJ|(ET)/g)) {
      if (name !== undefined) font = fonts.get(name)
      else if (array !== undefined) {
        const codes = [...array.matchAll(/<([0-9a-f]*)>/g)].map(([, hex]) => hex).join('')
        lines.push((codes.match(/.{4}/g) ?? []).map((code) => font?.get(code) ?? '\ufffd').join(''))
      } else if (end !== undefined) lines.push('\n')
    }
  }
  return lines.join('').replace(/\n+/g, '\n')
}

function readMap(stream: string): Map<string, string> {
  const map = new Map<string, string>()
  const text = (hex: string): string => Buffer.from(hex, 'hex').swap16().toString('utf16le')
  for (const [, block] of stream.matchAll(/beginbfrange\n([\s\S]*?)endbfrange/g)) {
    for (const [, first, , list] of block.matchAll(/<([0-9a-f]{4})> <([0-9a-f]{4})> \[([^\]]*)\]/g)) {
      let code = Number.parseInt(first, 16)
      for (const [, hex] of list.matchAll(/<([0-9a-f]*)>/g)) map.set((code++).toString(16).padStart(4, '0'), text(hex))
    }
  }
  return map
}
