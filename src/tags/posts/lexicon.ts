/** The words of drug sales, with what else they may mean: data, not code, open to whoever must answer for a proposal. */
import { canonicalAddress } from '../../chains/address.ts'
import { Fault } from '../../faults.ts'
import { readTagData } from '../categories.ts'
import type { ChainWords } from './addresses.ts'
import { foldText } from './glyphs.ts'

/** What a term speaks of; `drop` is the dead drop. `buyer` and `report` speak against a seller's post, all others for it. */
export const TERM_KINDS = [
  'drug',
  'sale',
  'drop',
  'delivery',
  'payment',
  'quantity',
  'market',
  'courier',
  'desk',
  'precursor',
  'buyer',
  'report',
] as const
export type TermKind = (typeof TERM_KINDS)[number]

/** How a term stands in the text: anywhere; by itself; right after a figure. */
export type TermMatch = 'part' | 'word' | 'afterNumber'

export interface Term {
  /** Its spellings, folded as `foldText` folds. The first names it. */
  readonly texts: readonly string[]
  readonly language: string
  readonly kind: TermKind
  /** Points, a whole number above zero. */
  readonly weight: number
  readonly meaning: string
  readonly match: TermMatch
  /** Counts only beside other evidence: the word means something else to most people. */
  readonly ambiguous: boolean
  /** What else it may mean, with phrases in which it does, folded. */
  readonly innocent: readonly { readonly reading: string; readonly phrases: readonly string[] }[]
}

export interface Lexicon {
  readonly name: string
  readonly version: string
  /** The score from which a post's addresses are proposed, and from which the post is called strong. */
  readonly propose: number
  readonly strong: number
  /** The most points that one kind may give. */
  readonly caps: Readonly<Record<TermKind, number>>
  /** Words that name a chain. */
  readonly networks: ChainWords
  /** Addresses that posts name without being paid there: token contracts and the like. */
  readonly notSeeds: ReadonlyMap<string, string>
  readonly terms: readonly Term[]
}

const TERMS_MAX = 20_000
const TEXT_MAX = 200

let shipped: Lexicon | undefined

/** The lexicon that is shipped, `lexicon.json`. */
export function shippedLexicon(): Lexicon {
  shipped ??= readLexicon(readTagData('lexicon.json'), 'lexicon.json')
  return shipped
}

/** Proves a lexicon as JSON, closed like every format of ours. Fault `TAGS_INVALID` by field. */
export function readLexicon(value: unknown, name: string): Lexicon {
  const wrong = (where: string, what: string): Fault => new Fault('TAGS_INVALID', `${name}: ${where}: ${what}`)
  const record = (from: unknown, where: string, keys: readonly string[]): Readonly<Record<string, unknown>> => {
    if (typeof from !== 'object' || from === null || Array.isArray(from)) throw wrong(where, 'an object is wanted')
    for (const key of Object.keys(from)) {
      if (!keys.includes(key)) throw wrong(where, `${JSON.stringify(key)} is not a field; they are ${keys.join(', ')}`)
    }
    return from as Readonly<Record<string, unknown>>
  }
  const text = (from: unknown, where: string): string => {
    if (typeof from !== 'string' || from === '' || from.length > 10 * TEXT_MAX) throw wrong(where, 'text is wanted')
    return from
  }
  const list = (from: unknown, where: string, itemsMax: number): readonly unknown[] => {
    if (!Array.isArray(from) || from.length > itemsMax) throw wrong(where, `a list of at most ${itemsMax} is wanted`)
    return from
  }
  const points = (from: unknown, where: string): number => {
    if (!Number.isSafeInteger(from) || (from as number) <= 0 || (from as number) > 1_000) {
      throw wrong(where, 'a whole number from 1 to 1000 is wanted')
    }
    return from as number
  }
  const folded = (from: unknown, where: string): string => {
    const found = foldText(text(from, where)).text
    if (found.trim() === '' || found.length > TEXT_MAX)
      throw wrong(where, `1 to ${TEXT_MAX} visible letters are wanted`)
    return found
  }
  const root = record(value, 'the lexicon', [
    'name',
    'version',
    'note',
    'propose',
    'strong',
    'caps',
    'networks',
    'notSeeds',
    'terms',
  ])
  const caps = record(root.caps, 'caps', TERM_KINDS)
  const networks = new Map<string, readonly string[]>()
  for (const [chain, words] of Object.entries((root.networks ?? {}) as object)) {
    networks.set(
      chain,
      list(words, `networks.${chain}`, 100).map((word) => text(word, `networks.${chain}`).toLowerCase()),
    )
  }
  const notSeeds = new Map<string, string>()
  for (const [i, row] of list(root.notSeeds ?? [], 'notSeeds', 100_000).entries()) {
    const where = `notSeeds[${i}]`
    const { chain, address, what } = record(row, where, ['chain', 'address', 'what'])
    const canonical = canonicalAddress(text(chain, `${where}.chain`), text(address, `${where}.address`))
    if (canonical === undefined) throw wrong(`${where}.address`, 'the chain’s checksum denies it')
    notSeeds.set(`${chain} ${canonical}`, text(what, `${where}.what`))
  }
  const terms = list(root.terms, 'terms', TERMS_MAX).map((row, i): Term => {
    const where = `terms[${i}]`
    const found = record(row, where, [
      'texts',
      'language',
      'kind',
      'weight',
      'meaning',
      'match',
      'ambiguous',
      'innocent',
    ])
    const kind = TERM_KINDS.find((each) => each === found.kind)
    if (kind === undefined) throw wrong(`${where}.kind`, `one of ${TERM_KINDS.join(', ')} is wanted`)
    const match = (['part', 'word', 'afterNumber'] as const).find((each) => each === (found.match ?? 'part'))
    if (match === undefined) throw wrong(`${where}.match`, 'part, word or afterNumber is wanted')
    if (found.ambiguous !== undefined && typeof found.ambiguous !== 'boolean') {
      throw wrong(`${where}.ambiguous`, 'true or false is wanted')
    }
    const texts = list(found.texts, `${where}.texts`, 100).map((each, at) => folded(each, `${where}.texts[${at}]`))
    if (texts.length === 0) throw wrong(`${where}.texts`, 'a term has at least one spelling')
    return {
      texts,
      language: text(found.language, `${where}.language`),
      kind,
      weight: points(found.weight, `${where}.weight`),
      meaning: text(found.meaning, `${where}.meaning`),
      match,
      ambiguous: found.ambiguous === true,
      innocent: list(found.innocent ?? [], `${where}.innocent`, 100).map((each, at) => {
        const inside = `${where}.innocent[${at}]`
        const { reading, phrases } = record(each, inside, ['reading', 'phrases'])
        return {
          reading: text(reading, `${inside}.reading`),
          phrases: list(phrases, `${inside}.phrases`, 1_000).map((phrase) => folded(phrase, `${inside}.phrases`)),
        }
      }),
    }
  })
  const propose = points(root.propose, 'propose')
  const strong = points(root.strong, 'strong')
  if (strong < propose) throw wrong('strong', 'it is below propose')
  return {
    name: text(root.name, 'name'),
    version: text(root.version, 'version'),
    propose,
    strong,
    caps: Object.fromEntries(TERM_KINDS.map((kind) => [kind, points(caps[kind], `caps.${kind}`)])) as Record<
      TermKind,
      number
    >,
    networks,
    notSeeds,
    terms,
  }
}
