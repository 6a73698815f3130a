/**
 * What text hides: characters that show nothing, that turn its direction, and letters of other scripts that look Latin. Used to see
 * what a reader saw without ever trusting what a character only looks like.
 */

/** Nothing to see, or what turns the direction of text (Unicode Default_Ignorable and bidirectional controls, as met in posts). */
const INVISIBLE_CLASS =
  '\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0'
const INVISIBLE = new RegExp(`[${INVISIBLE_CLASS}]`)
/** Embedding, override and isolate: after these a reader sees letters in another order than they are copied. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/

/** Letters of other scripts that print like a Latin one in common fonts (Unicode confusables, single letters only). */
const LOOKS_LIKE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    А: 'A',
    В: 'B',
    Е: 'E',
    К: 'K',
    М: 'M',
    Н: 'H',
    О: 'O',
    Р: 'P',
    С: 'C',
    Т: 'T',
    Х: 'X',
    У: 'Y',
    Ѕ: 'S',
    І: 'I',
    Ј: 'J',
    а: 'a',
    е: 'e',
    о: 'o',
    р: 'p',
    с: 'c',
    х: 'x',
    у: 'y',
    ѕ: 's',
    і: 'i',
    ј: 'j',
    һ: 'h',
    ԁ: 'd',
    ԛ: 'q',
    ԝ: 'w',
    Α: 'A',
    Β: 'B',
    Ε: 'E',
    Ζ: 'Z',
    Η: 'H',
    Ι: 'I',
    Κ: 'K',
    Μ: 'M',
    Ν: 'N',
    Ο: 'O',
    Ρ: 'P',
    Τ: 'T',
    Υ: 'Y',
    Χ: 'X',
    ο: 'o',
    ν: 'v',
    ɡ: 'g',
    ı: 'i',
  }),
)
const LOOKS_LIKE_CLASS = [...LOOKS_LIKE.keys()].join('')

/** Runs of letters and digits, of what looks like them, and of what hides among them. */
export const RUN = new RegExp(
  `[0-9A-Za-z${INVISIBLE_CLASS}${LOOKS_LIKE_CLASS}\\uff10-\\uff19\\uff21-\\uff3a\\uff41-\\uff5a\\u{1d400}-\\u{1d7ff}\\u{e0000}-\\u{e007f}]+`,
  'gu',
)

/** A run as its letters: what was hidden in it taken out, what only looks Latin written as what it looks like. */
export interface Reading {
  /** ASCII letters and digits only. */
  readonly letters: string
  /** For each letter, its index in the text; the last entry is where the run ends. */
  readonly places: readonly number[]
  readonly invisible: boolean
  readonly direction: boolean
  readonly homoglyph: boolean
}

const PLAIN = /^[0-9A-Za-z]+$/

/** Reads a run that begins at `start` of a text. Most runs are plain, and cost nothing. */
export function readRun(run: string, start: number): Reading {
  if (PLAIN.test(run)) {
    return {
      letters: run,
      places: plainPlaces(run.length, start),
      invisible: false,
      direction: false,
      homoglyph: false,
    }
  }
  let letters = ''
  const places: number[] = []
  let invisible = false
  let direction = false
  let homoglyph = false
  let end = 0
  let at = 0
  for (const character of run) {
    const here = at
    at += character.length
    if (isInvisible(character)) {
      // Before the first letter it hides in nothing.
      if (letters !== '') invisible = true
      if (DIRECTION.test(character)) direction = true
      continue
    }
    const looksLike = /^[0-9A-Za-z]$/.test(character)
      ? character
      : (LOOKS_LIKE.get(character) ?? character.normalize('NFKC'))
    if (looksLike !== character) homoglyph = true
    // A style of letter that folds to more than one, or to none of ours, ends nothing: it is kept as no letter at all.
    if (!/^[0-9A-Za-z]$/.test(looksLike)) continue
    letters += looksLike
    places.push(start + here)
    end = at
  }
  places.push(start + end)
  // What stands after the last letter hides in nothing either.
  if (invisible && letters !== '' && !isHiddenInside(run, end)) invisible = false
  return { letters, places, invisible, direction, homoglyph }
}

function isHiddenInside(run: string, end: number): boolean {
  const inside = [...run.slice(0, end)]
  const first = inside.findIndex((character) => !isInvisible(character))
  return inside.slice(first).some(isInvisible)
}

function plainPlaces(length: number, start: number): number[] {
  const places = new Array<number>(length + 1)
  for (let i = 0; i <= length; i++) places[i] = start + i
  return places
}

/** Whether a character (one code point) shows nothing. */
export function isInvisible(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return code >= 0xe0000 ? code <= 0xe007f : INVISIBLE.test(character)
}

/** Text for a person's eyes: what shows nothing or turns the direction is written out as `\u{200b}`; line ends become spaces. */
export function showHidden(text: string): string {
  let out = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (isInvisible(character) || (code < 0x20 && !/\s/.test(character)) || (code >= 0x7f && code < 0xa0)) {
      out += `\\u{${code.toString(16)}}`
    } else out += /\s/.test(character) ? ' ' : character
  }
  return out.replace(/ {2,}/g, ' ').trim()
}

/** Text made comparable, with the way back. */
export interface Folded {
  readonly text: string
  /** For each code unit of `text`, its index in the original; the last entry is the original's length. */
  readonly places: Uint32Array
}

const HANGUL = /[\uac00-\ud7a3]/
/** What writers put between the syllables of a word to hide it. */
const SPACER = /[.\-_*·~♥♡☆★|/^'"]/

/**
 * Folds text for the lexicon: compatibility forms and conjoining jamo composed (NFKC), lower case, what shows nothing dropped, and a
 * single mark between two Hangul syllables dropped (던.지.기).
 */
export function foldText(text: string): Folded {
  const out: string[] = []
  const places: number[] = []
  const put = (piece: string, at: number): void => {
    for (let i = 0; i < piece.length; i++) places.push(at)
    out.push(piece)
  }
  let at = 0
  let last = ''
  while (at < text.length) {
    const code = text.codePointAt(at) as number
    if (code < 0x80 || (code >= 0xac00 && code <= 0xd7a3)) {
      const character = text[at]
      const next = text[at + 1]
      const hides = next !== undefined && HANGUL.test(last) && SPACER.test(character) && HANGUL.test(next)
      if (!hides) put((last = character.toLowerCase()), at)
      at++
      continue
    }
    let end = at + (code > 0xffff ? 2 : 1)
    // Jamo compose only together.
    while (code >= 0x1100 && code <= 0x11ff && end < text.length && text[end] >= '\u1100' && text[end] <= '\u11ff')
      end++
    const piece = text.slice(at, end)
    if (!isInvisible(piece)) {
      const folded = piece.normalize('NFKC').toLowerCase()
      const next = text[end]
      const hides = next !== undefined && HANGUL.test(last) && SPACER.test(piece) && HANGUL.test(next)
      if (!hides) {
        put(folded, at)
        last = folded.slice(-1)
      }
    }
    at = end
  }
  places.push(text.length)
  return { text: out.join(''), places: Uint32Array.from(places) }
}
