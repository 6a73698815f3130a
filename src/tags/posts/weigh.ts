/** How much a text reads like an advertisement for drugs, said term by term so that whoever reads it may disagree. */
import { foldText } from './glyphs.ts'
import { type Lexicon, shippedLexicon, type Term, type TermKind } from './lexicon.ts'

/** One term where it stands, and whether it counted. */
export interface FoundTerm {
  /** The spelling that was found. */
  readonly text: string
  readonly kind: TermKind
  readonly meaning: string
  readonly weight: number
  /** Where it begins in the text, in code units of the text as given. */
  readonly at: number
  /** Undefined where it counted; else why not: it stands in an innocent phrase, or is ambiguous and alone. */
  readonly passedOver: string | undefined
}

/** Whose post it seems to be. `unclear`: not enough speaks for anybody. */
export type PostRole = 'seller' | 'buyer' | 'report' | 'unclear'

export interface Weighed {
  readonly role: PostRole
  /** Points for a sale less points for a report; each term once, each kind up to its cap. */
  readonly score: number
  readonly points: Readonly<Partial<Record<TermKind, number>>>
  /** The first place of each spelling that was found, in the order of the text. */
  readonly terms: readonly FoundTerm[]
  /** The category that a seller's post suggests. */
  readonly category: string
}

const FOR_SALE: readonly TermKind[] = [
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
]

/** Places of one spelling that are looked at, so that a text of one word costs one pass. */
const PLACES_MAX = 64
const HANGUL = /[\uac00-\ud7a3]/
/** What may follow a Korean word that stands by itself: a particle, a verb of having or selling, or a figure. */
const PARTICLE =
  /^(?:은|는|이|가|을|를|도|만|과|와|랑|로|으로|의|에|류|있|없|팝|팔|판|구|삽|거래|드|가능|문의|입고|재고|좋|최)/

/** Weighs a text. Deterministic and linear: same text and lexicon, same answer. */
export function weighPost(text: string, lexicon: Lexicon = shippedLexicon()): Weighed {
  const folded = foldText(text)
  const found: { term: Term; text: string; at: number; innocent: string | undefined }[] = []
  for (const term of lexicon.terms) {
    for (const spelling of term.texts) {
      const place = findPlace(folded.text, term, spelling)
      if (place) found.push({ term, text: spelling, ...place })
    }
  }
  found.sort((a, b) => a.at - b.at || b.text.length - a.text.length || (a.text < b.text ? -1 : 1))
  // A short spelling inside a longer one of its kind says nothing more.
  const reach = new Map<TermKind, number>()
  const whole = found.filter(({ term, text: spelling, at }) => {
    const end = at + spelling.length
    if (end <= (reach.get(term.kind) ?? 0)) return false
    reach.set(term.kind, end)
    return true
  })

  const open = whole.filter(({ innocent }) => innocent === undefined)
  // Ambiguous words count beside a plain one: of what is sold, or of a way to hand over or to pay that ordinary trade does not know.
  const together = open.some(({ term }) => !term.ambiguous && !ORDINARY.has(term.kind))

  const terms: FoundTerm[] = []
  const points: Partial<Record<TermKind, number>> = {}
  const counted = new Set<Term | string>()
  for (const { term, text: spelling, at, innocent } of whole) {
    const passedOver =
      innocent ?? (term.ambiguous && !together ? `it may mean something else, and stands alone` : undefined)
    terms.push({
      text: spelling,
      kind: term.kind,
      meaning: term.meaning,
      weight: term.weight,
      at: folded.places[at],
      passedOver,
    })
    // A seller repeats one thing in many words; a report is known by how many of its words stand together.
    const unit = term.kind === 'buyer' || term.kind === 'report' ? spelling : term
    if (passedOver !== undefined || counted.has(unit)) continue
    counted.add(unit)
    points[term.kind] = Math.min(lexicon.caps[term.kind], (points[term.kind] ?? 0) + term.weight)
  }
  const of = (kind: TermKind): number => points[kind] ?? 0
  const forSale = FOR_SALE.reduce((sum, kind) => sum + of(kind), 0)
  const score = forSale - of('report')
  return { role: roleOf(of, score, lexicon.propose), score, points, terms, category: categoryOf(of) }
}

/** Kinds that say nothing by themselves: any trade has prices and quantities, and anybody may ask or report. */
const ORDINARY: ReadonlySet<TermKind> = new Set(['sale', 'quantity', 'buyer', 'report'])

function roleOf(of: (kind: TermKind) => number, score: number, propose: number): PostRole {
  const offer = of('sale') + of('drop') + of('delivery') + of('market')
  if (of('report') >= 4 && of('report') > offer) return 'report'
  if (of('buyer') > 0 && of('buyer') >= offer) return 'buyer'
  const something = of('drug') + of('precursor') + of('desk') + of('courier') > 0
  const handing = offer + of('payment') + of('quantity') + of('desk') + of('courier') > 0
  return something && handing && score >= propose ? 'seller' : 'unclear'
}

function categoryOf(of: (kind: TermKind) => number): string {
  const special = (
    [
      ['desk', 'drug_sale/payment_desk'],
      ['precursor', 'drug_sale/precursor_supplier'],
      ['drop', 'drug_sale/dead_drop_channel'],
      ['market', 'drug_sale/dnm_vendor'],
    ] as const
  ).find(([kind]) => of(kind) >= 2)
  return special?.[1] ?? 'drug_sale/telegram_vendor'
}

/** The first place where a spelling stands as its term asks and is not innocent; else the first innocent one. */
function findPlace(
  text: string,
  term: Term,
  spelling: string,
): { at: number; innocent: string | undefined } | undefined {
  let innocent: { at: number; innocent: string } | undefined
  let tries = 0
  for (let at = text.indexOf(spelling); at >= 0 && tries < PLACES_MAX; at = text.indexOf(spelling, at + 1)) {
    if (!fits(text, term.match, spelling, at)) continue
    tries++
    const reading = innocentReading(text, term, spelling, at)
    if (reading === undefined) return { at, innocent: undefined }
    innocent ??= { at, innocent: reading }
  }
  return innocent
}

function fits(text: string, match: TermMatchOf, spelling: string, at: number): boolean {
  if (match === 'part') return true
  const before = text[at - 1] ?? ''
  const after = text.slice(at + spelling.length, at + spelling.length + 3)
  const isHangul = HANGUL.test(spelling[spelling.length - 1])
  const endsAlone = isHangul
    ? !HANGUL.test(after[0] ?? '') || PARTICLE.test(after)
    : !/[a-z0-9]/.test(spelling[spelling.length - 1]) || !/[a-z0-9]/.test(after[0] ?? '')
  if (!endsAlone) return false
  if (match === 'afterNumber') return /[0-9]\s?$/.test(text.slice(Math.max(0, at - 2), at))
  return isHangul ? !HANGUL.test(before) : !/^[a-z0-9]/.test(spelling) || !/[a-z0-9]/.test(before)
}
type TermMatchOf = Term['match']

function innocentReading(text: string, term: Term, spelling: string, at: number): string | undefined {
  for (const { reading, phrases } of term.innocent) {
    for (const phrase of phrases) {
      for (let inside = phrase.indexOf(spelling); inside >= 0; inside = phrase.indexOf(spelling, inside + 1)) {
        if (text.startsWith(phrase, at - inside) && at >= inside) return `${reading} (${phrase})`
      }
    }
  }
  return undefined
}
