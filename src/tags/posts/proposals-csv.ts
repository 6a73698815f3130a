/** Proposals as a table that a person goes through: `decision` is theirs to fill in. */
import { canonicalAddress, explainAddress } from '../../chains/address.ts'
import { type ByteSource, readCsv, writeCsvRow } from '../../csv.ts'
import { Fault } from '../../faults.ts'
import { CATEGORIES } from '../categories.ts'
import type { ClaimContent } from '../claims.ts'
import type { RejectedTag } from '../tag.ts'
import { formatTime, parseTime } from '../time.ts'
import type { PassedOver, PostSuspicion, Proposal } from './propose.ts'

export const PROPOSAL_COLUMNS = [
  'decision',
  'id',
  'chain',
  'address',
  'category',
  'grade',
  'score',
  'sentence',
  'channel',
  'post',
  'time',
  'url',
  'terms',
  'reasons',
  'warnings',
  'posts',
  'texts',
  'channels',
  'first',
  'last',
  'textSha256',
  'fileSha256',
  'captured',
] as const
type ProposalColumn = (typeof PROPOSAL_COLUMNS)[number]

const time = (seconds: number | undefined): string => (seconds === undefined ? '' : formatTime(seconds))

/** Writes proposals, best grade and score first. */
export function proposalsToCsv(proposals: readonly Proposal[]): string {
  const sorted = [...proposals].sort((a, b) => (a.grade < b.grade ? -1 : a.grade > b.grade ? 1 : b.score - a.score))
  const rows = sorted.map((each) =>
    writeCsvRow([
      '',
      each.id,
      each.chain,
      each.address,
      each.category,
      each.grade,
      String(each.score),
      each.sentence,
      each.post.channel,
      each.post.reference,
      time(each.post.time),
      each.post.url ?? '',
      each.terms.join('; '),
      each.reasons.join('; '),
      each.warnings.join('; '),
      String(each.seen.posts),
      String(each.seen.texts),
      String(each.seen.channels),
      time(each.seen.first),
      time(each.seen.last),
      each.post.textSha256,
      each.post.fileSha256,
      time(each.post.captured),
    ]),
  )
  return writeCsvRow(PROPOSAL_COLUMNS) + rows.join('')
}

/** Writes what looks like an address and is none, then addresses that were not proposed. */
export function suspicionsToCsv(suspicions: readonly PostSuspicion[], passedOver: readonly PassedOver[]): string {
  const rows = [writeCsvRow(['kind', 'written', 'mightBe', 'reason', 'channel', 'post', 'time'])]
  for (const { kind, written, mightBe, post } of suspicions) {
    const named = mightBe.map(({ chain, address }) => `${chain} ${address}`).join('; ')
    rows.push(writeCsvRow([kind, written, named, SUSPICION_WORDS[kind], post.channel, post.reference, time(post.time)]))
  }
  for (const { chain, address, reason, post } of passedOver) {
    const row = ['not proposed', `${chain} ${address}`, '', reason, post.channel, post.reference, time(post.time)]
    rows.push(writeCsvRow(row))
  }
  return rows.join('')
}

const SUSPICION_WORDS: Readonly<Record<PostSuspicion['kind'], string>> = {
  damaged: 'nearly an address: its checksum or a letter is wrong; compare with the original picture or page',
  homoglyph: 'letters of another script look like Latin ones: whoever copies it does not get the address',
  letterCase: 'lower-cased: its letter case is lost and cannot be computed',
  direction: 'an address only if read backwards: the text turns its direction',
  split: 'pieces that together have the form of an address; nothing proves that they belong together',
}

/** Proposals that were decided on. */
export interface Decisions {
  readonly accepted: readonly ClaimContent[]
  readonly rejectedByPerson: number
  readonly undecided: number
  /** Rows that do not hold any more. */
  readonly invalid: readonly RejectedTag[]
}

const HEX64 = /^[0-9a-f]{64}$/

/**
 * Reads a table of proposals back and makes claims of those accepted: `decision` says `accept`, or `all` and it says nothing. A person may
 * have changed category and grade; everything is proved again. A buyer's wallet is refused whatever the decision. Faults as `readCsv`.
 */
export async function readDecisions(
  source: ByteSource,
  options: { readonly name: string; readonly by: string; readonly all?: boolean },
): Promise<Decisions> {
  const { name, by } = options
  const accepted: ClaimContent[] = []
  const invalid: RejectedTag[] = []
  let rejectedByPerson = 0
  let undecided = 0
  let columns: readonly string[] | undefined
  for await (const { line, cells } of readCsv(source, {
    name,
    fault: 'TAGS_INVALID',
    guarded: true,
    cellMax: 1 << 20,
  })) {
    if (columns === undefined) {
      const missing = PROPOSAL_COLUMNS.find((column) => !cells.includes(column))
      if (missing !== undefined) {
        throw new Fault(
          'TAGS_INVALID',
          `${name} line ${line}: column ${missing} is missing; is it a table of proposals?`,
        )
      }
      columns = cells
      continue
    }
    const row = new Map(columns.map((column, i) => [column, cells[i] ?? '']))
    const cell = (column: ProposalColumn): string => row.get(column) ?? ''
    const decision = cell('decision').trim().toLowerCase()
    if (decision === 'reject') rejectedByPerson++
    else if (decision === '' && options.all !== true) undecided++
    else {
      const content = toClaim(cell, decision, by)
      if (typeof content === 'string') invalid.push({ name, line, reason: content })
      else accepted.push(content)
    }
  }
  if (columns === undefined)
    throw new Fault('TAGS_INVALID', `${name}: the file is empty; a table of proposals is wanted`)
  return { accepted, rejectedByPerson, undecided, invalid }
}

function toClaim(cell: (column: ProposalColumn) => string, decision: string, by: string): ClaimContent | string {
  if (decision !== 'accept' && decision !== '')
    return `decision: ${JSON.stringify(decision)} is neither accept nor reject`
  const chain = cell('chain')
  const address = canonicalAddress(chain, cell('address'))
  if (address === undefined) return `address: ${explainAddress(chain, cell('address'))}`
  const category = cell('category')
  if (!category.startsWith('drug_sale') || !CATEGORIES.has(category)) {
    return `category: ${JSON.stringify(category)} is not one of the drug_sale tree`
  }
  if (category === 'drug_sale/buyer_wallet') return 'category: a buyer’s wallet is never a seed of proceeds'
  const grade = cell('grade')
  if (!/^[A-F][1-6]$/.test(grade)) return `grade: ${JSON.stringify(grade)} is not an Admiralty grade such as F3`
  const captured = parseTime(cell('captured'))
  if (captured === undefined || !HEX64.test(cell('fileSha256')) || !HEX64.test(cell('textSha256'))) {
    return 'captured, fileSha256, textSha256: they say what was captured, and are not for editing'
  }
  const validFrom = cell('first') === '' ? undefined : parseTime(cell('first'))
  if (cell('first') !== '' && validFrom === undefined) return 'first: it is not a time'
  const channel = cell('channel')
  const post = cell('post')
  const sentence = cell('sentence')
  return {
    tag: {
      ...{ chain, address, category },
      label: `posted in ${channel}`.slice(0, 300),
      entity: undefined,
      source: `post in ${channel}`.slice(0, 300),
      confidence: grade,
      validFrom,
      validTo: undefined,
      evidence: `${post}, text SHA-256 ${cell('textSha256')}: “${sentence}”; accepted by ${by}`,
    },
    capture: { url: cell('url') === '' ? `file:${post}` : cell('url'), captured, sha256: cell('fileSha256') },
  }
}
