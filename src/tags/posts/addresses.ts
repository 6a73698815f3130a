/**
 * Addresses in free text. An address is found where its chain's checksum proves it; one of an EVM chain in a single letter case has no
 * checksum and is found by its form, and says so. What only looks like an address is a suspicion, with what it might have been: nothing
 * is ever corrected.
 */
import type { Chain } from '../../../graph/index.ts'
import { canonicalAddress, isTronAddress } from '../../chains/address.ts'
import { type Reading, RUN, readRun } from './glyphs.ts'

/**
 * What is unusual about how an address stands in the text. `invisible`: characters that show nothing lie inside it; `direction`: so do
 * characters that turn the direction, so that readers saw other letters; `split`: blanks, line ends or marks lie inside it; `embedded`:
 * it stands inside a longer run of letters.
 */
export type AddressDefect = 'invisible' | 'direction' | 'split' | 'embedded'

/** An address that stands in a text. */
export interface FoundAddress {
  readonly chain: Chain
  /** In the chain's canonical writing. */
  readonly address: string
  /** Where it begins in the text, and how many code units it takes there. */
  readonly at: number
  readonly length: number
  /** `checksum`: proved. `form`: 0x and 40 hexadecimal digits in one letter case, which nothing proves. */
  readonly proof: 'checksum' | 'form'
  /** Whether the words around it name the chain; where not, it is the first of those that share its writing. */
  readonly chainSaid: boolean
  /** Other chains whose checksum it passes. */
  readonly alsoOn: readonly Chain[]
  readonly defects: readonly AddressDefect[]
}

/** `damaged`: nearly an address, its checksum denies it; `homoglyph`: letters of another script in it; `letterCase`: its case is lost; `direction`: an address only if read backwards; `split`: pieces that nothing proves to belong together. */
export type SuspicionKind = 'damaged' | 'homoglyph' | 'letterCase' | 'direction' | 'split'

/** What looks like an address and is not proved. For a person to look at, never for a claim. */
export interface AddressSuspicion {
  readonly kind: SuspicionKind
  readonly at: number
  readonly length: number
  /** As it stands in the text, at most 128 code units. */
  readonly written: string
  /** Addresses it becomes by one misread letter (`damaged`), or by its look (`homoglyph`, `direction`). Never used. */
  readonly mightBe: readonly { readonly chain: Chain; readonly address: string }[]
}

export interface FoundAddresses {
  /** In the order of the text; the same address at two places is two rows. */
  readonly found: readonly FoundAddress[]
  readonly suspicions: readonly AddressSuspicion[]
}

/** Words that name a chain, folded to lower case, by chain: from the lexicon. */
export type ChainWords = ReadonlyMap<Chain, readonly string[]>

/** Longest run in which an address is looked for inside; longer ones are data, not writing. */
const EMBEDDED_RUN_MAX = 256
/** Pieces that are joined at most: an address in groups of four is eleven. */
const PIECES_MAX = 16
/** Checksums tried inside longer runs and on misreadings in one text, so that a text made to cost time costs little. */
const TRIES_MAX = 50_000
/** Suspicions kept of one text. */
const SUSPICIONS_MAX = 1_000
/** Where words that name the chain are looked for. */
const WORDS_BEFORE = 48
const WORDS_AFTER = 24

const BASE58_SHAPE = /^[13LMDA9T][1-9A-HJ-NP-Za-km-z]{25,34}$/
const SEGWIT_SHAPE = /^(?:(?:bc|ltc)1[02-9ac-hj-np-z]{8,87}|(?:BC|LTC)1[02-9AC-HJ-NP-Z]{8,87})$/
const CASH_SHAPE = /^(?:[qprz][02-9ac-hj-np-z]{41}|[QPRZ][02-9AC-HJ-NP-Z]{41})$/
const EVM_SHAPE = /^0x[0-9a-fA-F]{40}$/

/** Digits and both letter cases, as random Base58 has them and words have not. */
function isMixed(text: string): boolean {
  return /[0-9]/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text)
}

/**
 * The chains whose address this is, most usual first; empty where none proves it. What `chainsOfAddress` answers, by one checksum instead
 * of one for each chain: the first letters say which can be.
 */
function prove(text: string): readonly Chain[] {
  if (text.length < 14 || text.length > 90) return []
  if (text.startsWith('0x'))
    return EVM_SHAPE.test(text) && canonicalAddress('ethereum', text) !== undefined ? ['ethereum'] : []
  if (SEGWIT_SHAPE.test(text)) return provenOn(/^bc/i.test(text) ? ['bitcoin'] : ['litecoin'], text)
  if (CASH_SHAPE.test(text)) return provenOn(['bitcoin-cash'], text)
  if (!BASE58_SHAPE.test(text)) return []
  if (text[0] === 'T') return isTronAddress(text) ? ['tron'] : []
  // Writings that several chains share were Bitcoin's first; they share its checksum too.
  return provenOn(BASE58_CHAINS[text[0]], text)
}

/** By first letter, the chains whose old writing it begins. */
const BASE58_CHAINS: Readonly<Record<string, readonly Chain[]>> = {
  1: ['bitcoin', 'bitcoin-cash'],
  3: ['bitcoin', 'bitcoin-cash', 'litecoin'],
  L: ['litecoin'],
  M: ['litecoin'],
  D: ['dogecoin'],
  A: ['dogecoin'],
  9: ['dogecoin'],
}

function provenOn(chains: readonly Chain[], text: string): readonly Chain[] {
  return canonicalAddress(chains[0], text) === undefined
    ? []
    : chains.filter((chain) => canonicalAddress(chain, text) !== undefined)
}

/** Whether joined pieces have the shape of an address, and letters as chance mixes them. */
function looksWhole(letters: string): boolean {
  return BASE58_SHAPE.test(letters)
    ? isMixed(letters)
    : EVM_SHAPE.test(letters) || SEGWIT_SHAPE.test(letters) || CASH_SHAPE.test(letters)
}

function isOneCase(text: string): boolean {
  const digits = text.slice(2)
  return digits === digits.toLowerCase() || digits === digits.toUpperCase()
}

/**
 * Finds the addresses of every chain whose writing we can prove. Linear in the text. `words` tell chains apart that share a writing
 * (EVM chains; Bitcoin, Bitcoin Cash and old Litecoin): the word nearest before the address, else the nearest after it.
 */
export function findAddresses(text: string, words: ChainWords = new Map()): FoundAddresses {
  const found: FoundAddress[] = []
  const suspicions: AddressSuspicion[] = []
  const tries = { left: TRIES_MAX }
  const suspect = (kind: SuspicionKind, reading: Reading, mightBe: readonly string[]): void => {
    if (suspicions.length === SUSPICIONS_MAX) return
    const at = reading.places[0]
    const length = reading.places[reading.places.length - 1] - at
    suspicions.push({
      kind,
      at,
      length,
      written: text.slice(at, at + Math.min(length, 128)),
      mightBe: mightBe.map((address) => placeIn(text, at, length, address, prove(address), words)),
    })
  }
  const find = (
    reading: Reading,
    from: number,
    to: number,
    chains: readonly Chain[],
    more: readonly AddressDefect[],
  ) => {
    const at = reading.places[from]
    const length = reading.places[to] - at
    const letters = reading.letters.slice(from, to)
    const defects: AddressDefect[] = [...more]
    if (reading.direction) defects.push('direction')
    if (reading.invisible) defects.push('invisible')
    found.push({
      ...placeIn(text, at, length, letters, chains, words),
      at,
      length,
      proof: chains.includes('ethereum') && isOneCase(letters) ? 'form' : 'checksum',
      defects,
    })
  }

  // Runs that were not addresses by themselves, as long as only little stands between them.
  let pieces: Reading[] = []
  const settle = (): void => {
    if (pieces.length > 1) joinPieces(pieces)
    pieces = []
  }
  const joinPieces = (waiting: readonly Reading[]): void => {
    for (let first = 0; first < waiting.length; first++) {
      if (!/^(?:0x|bc1|ltc1|BC1|LTC1|[13LMDA9TqpQP])/.test(waiting[first].letters)) continue
      let letters = waiting[first].letters
      for (let last = first + 1; last < waiting.length && last - first < PIECES_MAX && letters.length < 64; last++) {
        letters += waiting[last].letters
        if (letters.length < 26 || !looksWhole(letters)) continue
        if (tries.left-- <= 0) return
        const chains = prove(letters)
        if (chains.length === 0) continue
        const joined = waiting.slice(first, last + 1).reduce(joinReadings)
        if (joined.homoglyph) suspect('homoglyph', joined, [letters])
        else if (chains.includes('ethereum') && isOneCase(letters)) suspect('split', joined, [])
        else find(joined, 0, letters.length, chains, ['split'])
        first = last
        break
      }
    }
  }

  let end = 0
  for (const match of text.matchAll(RUN)) {
    if (pieces.length > 0 && !/^[\s.\-_*|/,·]{1,3}$/.test(text.slice(end, Math.min(match.index, end + 4)))) settle()
    end = match.index + match[0].length
    const reading = readRun(match[0], match.index)
    const { letters } = reading
    if (letters === '') continue
    if (letters.length < 14) {
      pieces.push(reading)
      if (pieces.length >= 2 * PIECES_MAX) settle()
      continue
    }
    const chains = prove(letters)
    if (chains.length > 0) {
      settle()
      if (reading.homoglyph) suspect('homoglyph', reading, [letters])
      else find(reading, 0, letters.length, chains, [])
      continue
    }
    if (reading.direction) {
      const backwards = [...letters].reverse().join('')
      if (prove(backwards).length > 0) {
        settle()
        suspect('direction', reading, [backwards])
        continue
      }
    }
    if (letters.length < EMBEDDED_RUN_MAX && !reading.homoglyph) {
      const inside = findInside(letters, tries)
      if (inside.length > 0) {
        settle()
        for (const { from, to, chains: own } of inside) find(reading, from, to, own, ['embedded'])
        continue
      }
    }
    if (looksDamaged(letters)) {
      settle()
      const mightBe: string[] = []
      if (!reading.homoglyph) {
        for (const candidate of misreadings(letters)) {
          if (tries.left-- <= 0) break
          if (prove(candidate).length > 0 && !(EVM_SHAPE.test(candidate) && isOneCase(candidate)))
            mightBe.push(candidate)
        }
      }
      suspect(reading.homoglyph ? 'homoglyph' : 'damaged', reading, mightBe)
    } else if (/^t[1-9a-z]{33}$/.test(letters) && (letters.match(/[0-9]/g)?.length ?? 0) > 2) {
      settle()
      suspect('letterCase', reading, [])
    } else pieces.push(reading)
  }
  settle()
  found.sort((a, b) => a.at - b.at)
  suspicions.sort((a, b) => a.at - b.at)
  return { found, suspicions }
}

function joinReadings(left: Reading, right: Reading): Reading {
  return {
    letters: left.letters + right.letters,
    places: [...left.places.slice(0, -1), ...right.places],
    invisible: left.invisible || right.invisible,
    direction: left.direction || right.direction,
    homoglyph: left.homoglyph || right.homoglyph,
  }
}

/** Addresses inside a longer run. Only what a checksum proves: there is no telling 40 hexadecimal digits out of 64. */
function findInside(
  letters: string,
  tries: { left: number },
): { from: number; to: number; chains: readonly Chain[] }[] {
  const inside: { from: number; to: number; chains: readonly Chain[] }[] = []
  for (const [start, lengths] of [
    [/0x/g, [42]],
    [/T/g, [34]],
    [/[13LMDA9]/g, [34, 33, 32]],
    [/(?:bc|ltc)1/g, [62, 63, 42, 43]],
  ] as const) {
    for (const { index } of letters.matchAll(start)) {
      if (inside.some(({ from, to }) => index < to && index >= from)) continue
      for (const length of lengths) {
        if (index + length > letters.length) continue
        const part = letters.slice(index, index + length)
        if (EVM_SHAPE.test(part) && (isOneCase(part) || /[0-9a-fA-F]/.test(letters[index + length] ?? ''))) continue
        if (BASE58_SHAPE.test(part) && !isMixed(part)) continue
        if (tries.left-- <= 0) return inside
        const chains = prove(part)
        if (chains.length === 0) continue
        inside.push({ from: index, to: index + length, chains })
        break
      }
    }
  }
  return inside.sort((a, b) => a.from - b.from)
}

/** Whether a run that is no address has the length and the letters of one, give or take what a scanner or a hand gets wrong. */
function looksDamaged(letters: string): boolean {
  if (/^0[xX][0-9a-zA-Z]{39,41}$/.test(letters)) return (letters.match(/[^0-9a-fA-F]/g)?.length ?? 0) <= 4
  if (/^(?:bc1|ltc1)[0-9a-z]{38,40}$/.test(letters) || /^(?:bc1|ltc1)[0-9a-z]{58,60}$/.test(letters)) return true
  if (/^T[0-9A-Za-z]{32,34}$/.test(letters)) return isMixed(letters)
  return /^[13LD][0-9A-Za-z]{32,34}$/.test(letters) && isMixed(letters)
}

/** Letters that scanners, screenshots and hands take for each other. */
const MISREAD: ReadonlyMap<string, string> = new Map(
  [
    '0OoQD',
    '1IlLij',
    '2Zz',
    '5Ss',
    '6Gb',
    '8B',
    '9gq',
    'Uu',
    'Vv',
    'Ww',
    'Cc',
    'Kk',
    'Pp',
    'Xx',
    'Yy',
    'uv',
    'nh',
    'ce',
    'MN',
    'EF',
  ].reduce((all, group) => {
    for (const letter of group) all.set(letter, (all.get(letter) ?? '') + group.replace(letter, ''))
    return all
  }, new Map<string, string>()),
)

/** What a damaged writing may have been: letters the alphabet does not have replaced, then one more letter, or one doubled letter less. */
function* misreadings(letters: string): Generator<string> {
  const isBase58 = /^[13LDT]/.test(letters)
  const alien = isBase58 ? /[0OIl]/ : /^0/.test(letters) ? /[^0-9a-fA-FxX]/ : /[1bio]/
  const head = isBase58 ? 1 : letters.startsWith('ltc1') ? 4 : letters.startsWith('bc1') ? 3 : 2
  let forced = [letters]
  for (let at = head; at < letters.length; at++) {
    if (!alien.test(letters[at])) continue
    const options = [...(MISREAD.get(letters[at]) ?? '')].filter((letter) => !alien.test(letter))
    forced = forced.flatMap((text) => options.map((letter) => text.slice(0, at) + letter + text.slice(at + 1)))
    // So many misread letters prove nothing any more.
    if (forced.length > 64) return
  }
  for (const text of forced) if (text !== letters) yield text
  for (const text of forced) {
    for (let at = head; at < text.length; at++) {
      for (const letter of MISREAD.get(text[at]) ?? '') {
        if (!alien.test(letter)) yield text.slice(0, at) + letter + text.slice(at + 1)
      }
      if (text[at] === text[at - 1]) yield text.slice(0, at) + text.slice(at + 1)
    }
  }
}

/** The chain of a proved writing, told apart by the words around it where several chains share it. */
function placeIn(
  text: string,
  at: number,
  length: number,
  letters: string,
  chains: readonly Chain[],
  words: ChainWords,
): Pick<FoundAddress, 'chain' | 'address' | 'chainSaid' | 'alsoOn'> {
  const before = text.slice(Math.max(0, at - WORDS_BEFORE), at).toLowerCase()
  const after = text.slice(at + length, at + length + WORDS_AFTER).toLowerCase()
  const could = (chain: Chain): boolean => canonicalAddress(chain, letters) !== undefined
  let said: { chain: Chain; distance: number } | undefined
  for (const [chain, own] of words) {
    if (!could(chain)) continue
    for (const word of own) {
      const behind = lastWord(before, word)
      const ahead = firstWord(after, word)
      for (const distance of [
        behind < 0 ? undefined : before.length - behind - word.length,
        // What stands before an address names it; what stands after may name the next one.
        ahead < 0 ? undefined : ahead + WORDS_BEFORE,
      ]) {
        if (distance !== undefined && (said === undefined || distance < said.distance)) said = { chain, distance }
      }
    }
  }
  const chain = said?.chain ?? chains[0]
  return {
    chain,
    address: canonicalAddress(chain, letters) as string,
    chainSaid: said !== undefined || (chains.length === 1 && chain !== 'ethereum'),
    alsoOn: chains.filter((other) => other !== chain && other !== 'ethereum'),
  }
}

/** Latin words must stand alone: `bch` is not in `watch`. */
function isWordAt(text: string, word: string, at: number): boolean {
  if (!/^[a-z0-9]/.test(word)) return true
  return !/[a-z0-9]/.test(text[at - 1] ?? '') && !/[a-z0-9]/.test(text[at + word.length] ?? '')
}

function lastWord(text: string, word: string): number {
  for (let at = text.lastIndexOf(word); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(word, at - 1)) {
    if (isWordAt(text, word, at)) return at
  }
  return -1
}

function firstWord(text: string, word: string): number {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) if (isWordAt(text, word, at)) return at
  return -1
}

/** How much of two addresses must be the same for the one to pass for the other in a list that shows only the ends. */
export const LOOK_ALIKE = { prefix: 3, suffix: 4 } as const

/** An address in the form in which ends are compared: without what all addresses of its kind begin with, in one case for EVM. */
function endsOf(chain: Chain, address: string): { body: string; kind: string } {
  if (address.startsWith('0x')) return { body: address.slice(2).toLowerCase(), kind: 'evm' }
  const body = address.replace(/^(?:bc1[qp]|ltc1[qp]|bitcoincash:[qp]|[13LMDA9T])/, '')
  return { body, kind: chain }
}

/**
 * Groups of different addresses that begin and end alike, as those made to poison a history do: at least three letters after what all of
 * a kind share, and the last four. Both sides are named; which one is the forgery the letters do not say. Groups in canonical order.
 */
export function findLookAlikes(
  addresses: Iterable<{ readonly chain: Chain; readonly address: string }>,
): readonly (readonly string[])[] {
  const groups = new Map<string, Set<string>>()
  for (const { chain, address } of addresses) {
    const { body, kind } = endsOf(chain, address)
    if (body.length < 20) continue
    const key = `${kind} ${body.slice(0, LOOK_ALIKE.prefix)} ${body.slice(-LOOK_ALIKE.suffix)}`
    const group = groups.get(key)
    if (group) group.add(address)
    else groups.set(key, new Set([address]))
  }
  return [...groups.values()]
    .filter((group) => group.size > 1)
    .map((group) => [...group].sort())
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
}
