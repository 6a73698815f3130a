/**
 * From posts to proposals: an address, what it is thought to be, the sentence it stood in, and every reason for and against. A proposal
 * is a question to a person. It becomes a claim only where somebody accepts it by name.
 */
import { hash } from 'node:crypto'
import type { Chain } from '../../../graph/index.ts'
import { CATEGORIES, stopOfCategory } from '../categories.ts'
import type { TagBook } from '../tag.ts'
import { type AddressDefect, type AddressSuspicion, findAddresses, findLookAlikes } from './addresses.ts'
import { showHidden } from './glyphs.ts'
import { type Lexicon, shippedLexicon } from './lexicon.ts'
import type { Post } from './read.ts'
import { type PostRole, weighPost } from './weigh.ts'

/** Where a proposal's sentence stands. */
export interface PostReference {
  readonly reference: string
  readonly channel: string
  readonly id: string | undefined
  readonly time: number | undefined
  readonly url: string | undefined
  /** Of the post's text. */
  readonly textSha256: string
  /** Of the file the post was read from, and when that file was last written (seconds since the epoch). */
  readonly fileSha256: string
  readonly captured: number
}

/** A proposed claim. */
export interface Proposal {
  /** Sixteen hexadecimal digits of the hash of chain, address and category. */
  readonly id: string
  readonly chain: Chain
  readonly address: string
  readonly category: string
  /**
   * Admiralty code. The letter is F: who writes in such a channel cannot be judged. The figure is 2 where two different strong posts
   * agree, 3 where one strong post says it, 4 where the post is weaker or something about the address is unusual.
   */
  readonly grade: string
  /** Of the post shown. */
  readonly score: number
  readonly sentence: string
  readonly post: PostReference
  /** The terms that counted in the post shown, in its order. */
  readonly terms: readonly string[]
  readonly reasons: readonly string[]
  /** What speaks against, or asks for a second look. */
  readonly warnings: readonly string[]
  /** How often it was seen: posts with it, different texts, channels, and the first and last time they say. */
  readonly seen: {
    readonly posts: number
    readonly texts: number
    readonly channels: number
    readonly first: number | undefined
    readonly last: number | undefined
  }
}

/** An address that was found and is not proposed, and why. */
export interface PassedOver {
  readonly chain: Chain
  readonly address: string
  readonly reason: string
  readonly post: PostReference
  readonly posts: number
}

/** A suspicion with where it stands. */
export interface PostSuspicion extends AddressSuspicion {
  readonly post: PostReference
}

/** What one post gave: plain JSON, so that a scan can be written down and taken up again. */
export interface PostFindings {
  readonly post: PostReference
  readonly role: PostRole
  readonly score: number
  readonly category: string
  readonly terms: readonly string[]
  readonly addresses: readonly {
    readonly chain: Chain
    readonly address: string
    readonly proved: boolean
    readonly chainSaid: boolean
    readonly alsoOn: readonly Chain[]
    readonly defects: readonly AddressDefect[]
    readonly sentence: string
  }[]
  readonly suspicions: readonly AddressSuspicion[]
}

/** Addresses of one post that are kept; a list of more is a data file, not an advertisement. */
export const POST_ADDRESSES_MAX = 10_000
const SENTENCE_MAX = 240

/** Reads one post: its addresses, and how much it reads like a sale. Undefined where it holds neither address nor suspicion. */
export function examinePost(
  post: Post,
  file: { readonly sha256: string; readonly captured: number },
  lexicon: Lexicon = shippedLexicon(),
): PostFindings | undefined {
  const { found, suspicions } = findAddresses(post.text, lexicon.networks)
  if (found.length === 0 && suspicions.length === 0) return undefined
  const weighed = weighPost(post.text, lexicon)
  const addresses = new Map<string, PostFindings['addresses'][number]>()
  for (const each of found) {
    const key = `${each.chain} ${each.address}`
    if (addresses.has(key) || addresses.size === POST_ADDRESSES_MAX) continue
    const { chain, address, chainSaid, alsoOn, defects } = each
    const sentence = sentenceAround(post.text, each.at, each.length)
    addresses.set(key, { chain, address, proved: each.proof === 'checksum', chainSaid, alsoOn, defects, sentence })
  }
  const { reference, channel, id, time, url } = post
  return {
    post: {
      ...{ reference, channel, id, time, url },
      ...{ textSha256: post.sha256, fileSha256: file.sha256, captured: file.captured },
    },
    role: weighed.role,
    score: weighed.score,
    category: weighed.category,
    terms: weighed.terms
      .filter(({ passedOver }) => passedOver === undefined)
      .map(({ text, kind }) => `${text} (${kind})`),
    addresses: [...addresses.values()],
    suspicions,
  }
}

/** The sentence or line around a place, at most 240 characters, hidden characters written out. */
function sentenceAround(text: string, at: number, length: number): string {
  const room = Math.max(40, SENTENCE_MAX - length)
  const low = Math.max(0, at - Math.floor(room / 2))
  const high = Math.min(text.length, at + length + Math.ceil(room / 2))
  const before = text.slice(low, at)
  const after = text.slice(at + length, high)
  const begins = Math.max(before.lastIndexOf('\n\n'), before.search(/[.!?。]\s(?!.*[.!?。]\s)/s))
  const ends = after.search(/\n\n|[.!?。](?:\s|$)/)
  const from = begins < 0 ? low : low + begins + 1
  const to = ends < 0 ? high : at + length + ends + 1
  // Half of a surrogate pair is no character.
  return showHidden(text.slice(from, to).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, ''))
}

interface Case {
  readonly chain: Chain
  readonly address: string
  best: PostFindings
  posts: number
  readonly sellers: Map<string, PostFindings>
  readonly texts: Set<string>
  readonly channels: Set<string>
  roles: Record<PostRole, number>
  proved: boolean
  chainSaid: boolean
  readonly defects: Set<AddressDefect>
  readonly alsoOn: Set<Chain>
  first: number | undefined
  last: number | undefined
}

/** Texts and channels that are counted one by one for an address; beyond that "at least". */
const COUNTED_MAX = 10_000

/** Gathers findings into proposals. The answer does not depend on the order in which findings come. */
export class ProposalBook {
  readonly #lexicon: Lexicon
  readonly #cases = new Map<string, Case>()
  readonly #suspicions: PostSuspicion[] = []

  constructor(lexicon: Lexicon = shippedLexicon()) {
    this.#lexicon = lexicon
  }

  /** Adds what a post gave. */
  add(findings: PostFindings): void {
    for (const suspicion of findings.suspicions) this.#suspicions.push({ ...suspicion, post: findings.post })
    for (const { chain, address, proved, chainSaid, alsoOn, defects } of findings.addresses) {
      const key = `${chain} ${address}`
      let own = this.#cases.get(key)
      if (!own) {
        own = {
          ...{ chain, address, best: findings, posts: 0, proved: false, chainSaid: false },
          ...{
            sellers: new Map(),
            texts: new Set(),
            channels: new Set(),
            defects: new Set(defects),
            alsoOn: new Set(),
          },
          roles: { seller: 0, buyer: 0, report: 0, unclear: 0 },
          ...{ first: undefined, last: undefined },
        }
        this.#cases.set(key, own)
      }
      own.posts++
      own.roles[findings.role]++
      own.proved ||= proved
      own.chainSaid ||= chainSaid
      for (const chain of alsoOn) own.alsoOn.add(chain)
      // Once it stood there whole, how it stood elsewhere is no matter.
      for (const defect of [...own.defects]) if (!defects.includes(defect)) own.defects.delete(defect)
      if (isBetter(findings, own.best)) own.best = findings
      if (findings.role === 'seller' && own.sellers.size < COUNTED_MAX) {
        const before = own.sellers.get(findings.post.textSha256)
        if (!before || isBetter(findings, before)) own.sellers.set(findings.post.textSha256, findings)
      }
      if (own.texts.size < COUNTED_MAX) own.texts.add(findings.post.textSha256)
      if (own.channels.size < COUNTED_MAX) own.channels.add(findings.post.channel)
      const { time } = findings.post
      if (time !== undefined) {
        own.first = Math.min(own.first ?? time, time)
        own.last = Math.max(own.last ?? time, time)
      }
    }
  }

  /** What is proposed, what is not and why, and what is only suspicious; each in canonical order. `book`: claims that stand already. */
  answer(book?: TagBook): {
    readonly proposals: readonly Proposal[]
    readonly passedOver: readonly PassedOver[]
    readonly suspicions: readonly PostSuspicion[]
  } {
    const alike = new Map<string, readonly string[]>()
    for (const group of findLookAlikes([...this.#cases.values(), ...(book?.all ?? [])])) {
      for (const address of group) alike.set(address, group)
    }
    const proposals: Proposal[] = []
    const passedOver: PassedOver[] = []
    for (const key of [...this.#cases.keys()].sort()) {
      const own = this.#cases.get(key) as Case
      const { chain, address, posts } = own
      const reason = this.#reasonAgainst(own)
      if (reason !== undefined) passedOver.push({ chain, address, reason, post: own.best.post, posts })
      else proposals.push(this.#propose(own, alike.get(address) ?? [], book))
    }
    const suspicions = [...this.#suspicions].sort(
      (a, b) => compareText(a.post.reference, b.post.reference) || a.at - b.at || compareText(a.written, b.written),
    )
    return { proposals, passedOver, suspicions }
  }

  #reasonAgainst({ chain, address, roles, best }: Case): string | undefined {
    const known = this.#lexicon.notSeeds.get(`${chain} ${address}`)
    if (known !== undefined) return `it is ${known}`
    if (roles.seller > 0) return undefined
    if (roles.buyer > 0) return 'the post is a buyer’s; a buyer’s address is never a seed of proceeds'
    if (roles.report > 0) return 'the post reports on a case, warns or helps; it does not sell'
    return `its posts do not read like a sale: ${best.score} of the ${this.#lexicon.propose} points wanted`
  }

  #propose(own: Case, alike: readonly string[], book: TagBook | undefined): Proposal {
    const { chain, address } = own
    const sellers = [...own.sellers.values()].sort((a, b) => (isBetter(a, b) ? -1 : 1))
    const [shown] = sellers
    const strong = sellers.filter(({ score }) => score >= this.#lexicon.strong).length
    const category = shown.category
    const warnings: string[] = []
    for (const [defect, words] of DEFECT_WORDS) if (own.defects.has(defect)) warnings.push(words)
    if (!own.proved) warnings.push('in one letter case: no checksum proves it')
    if (!own.chainSaid) {
      warnings.push(`the post does not name the network; ${chain} is taken because the writing allows it`)
    }
    if (own.alsoOn.size > 0) warnings.push(`the same writing is an address of ${[...own.alsoOn].sort().join(', ')}`)
    const others = alike.filter((other) => other !== address)
    if (others.length > 0)
      warnings.push(`begins and ends like ${others.slice(0, 5).join(', ')}: one may be made to deceive`)
    if (own.roles.buyer > 0) warnings.push(`it also stands in ${own.roles.buyer} posts of buyers`)
    if (own.roles.report > 0) warnings.push(`it also stands in ${own.roles.report} posts that report or warn`)
    const standing = book?.claimsOf(chain, address) ?? []
    const services = standing.filter(({ category }) => stopOfCategory(category) !== undefined)
    for (const { label, category, source } of services.slice(0, 5)) {
      warnings.push(
        `${source} says ${label} (${CATEGORIES.get(category)?.en ?? category}): the holder may be its customer`,
      )
    }
    const unusual = own.defects.size > 0 || !own.proved || others.length > 0 || services.length > 0
    const reasons = [
      own.proved ? `its checksum proves it a ${chain} address` : `it has the form of a ${chain} address`,
      `the post scores ${shown.score} (proposed from ${this.#lexicon.propose}, strong from ${this.#lexicon.strong})`,
      `${own.posts} posts, ${own.texts.size} different texts, ${own.channels.size} channels`,
    ]
    if (standing.length > services.length) {
      reasons.push(
        `already claimed by ${[...new Set(standing.map(({ source }) => source))].sort().slice(0, 5).join(', ')}`,
      )
    }
    const found = shown.addresses.find((each) => each.chain === chain && each.address === address)
    return {
      id: hash('sha256', `${chain} ${address} ${category}`, 'hex').slice(0, 16),
      ...{ chain, address, category },
      grade: unusual || strong === 0 ? 'F4' : strong >= 2 ? 'F2' : 'F3',
      score: shown.score,
      sentence: found?.sentence ?? '',
      post: shown.post,
      terms: shown.terms,
      ...{ reasons, warnings },
      seen: {
        posts: own.posts,
        texts: own.texts.size,
        channels: own.channels.size,
        first: own.first,
        last: own.last,
      },
    }
  }
}

/** Reads posts and proposes, in memory: for tests and small sets. `scanPosts` does it for files. */
export function proposeTags(
  posts: Iterable<Post>,
  options: {
    readonly file?: { readonly sha256: string; readonly captured: number }
    readonly lexicon?: Lexicon
    readonly book?: TagBook
  } = {},
): ReturnType<ProposalBook['answer']> {
  const book = new ProposalBook(options.lexicon)
  const file = options.file ?? { sha256: '0'.repeat(64), captured: 0 }
  for (const post of posts) {
    const findings = examinePost(post, file, options.lexicon)
    if (findings) book.add(findings)
  }
  return book.answer(options.book)
}

const DEFECT_WORDS: readonly (readonly [AddressDefect, string])[] = [
  ['invisible', 'characters that show nothing lie inside it'],
  ['direction', 'characters that turn the direction lie inside it: readers saw other letters'],
  ['split', 'blanks, line ends or marks lie inside it'],
  ['embedded', 'it stands inside a longer run of letters'],
]

/** A seller's post before others, then the higher score, then the earlier, then by reference: total, so that order of reading is no matter. */
function isBetter(a: PostFindings, b: PostFindings): boolean {
  const sells = Number(b.role === 'seller') - Number(a.role === 'seller')
  const time = (findings: PostFindings): number => findings.post.time ?? Number.MAX_SAFE_INTEGER
  const order =
    sells ||
    b.score - a.score ||
    time(a) - time(b) ||
    compareText(a.post.reference, b.post.reference) ||
    compareText(a.post.fileSha256, b.post.fileSha256)
  return order < 0
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
