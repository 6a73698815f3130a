/** What `proceeds posts` and `proceeds tags` do: claims into a store, out of it, taken back; never without a name or a source. */
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { canonicalAddress, chainsOfAddress, explainAddress } from '../chains/address.ts'
import { readBytes } from '../chains/dump/read.ts'
import { Fault } from '../faults.ts'
import { buildTagBook } from './book.ts'
import { stopOfCategory } from './categories.ts'
import { type Claim, type ClaimContent, claimId } from './claims.ts'
import { tagsToCsv } from './csv.ts'
import { countCategories, loadTags } from './load.ts'
import { readLexicon, shippedLexicon } from './posts/lexicon.ts'
import { readDecisions } from './posts/proposals-csv.ts'
import { POST_FIELDS, type PostField } from './posts/read.ts'
import { scanPosts } from './posts/scan.ts'
import { openClaims } from './store.ts'
import type { RejectedTag, Tag } from './tag.ts'
import { tagPackOf, writeTagPack } from './tagpack.ts'
import { formatTime, parseTime } from './time.ts'

/** Where a command writes, and its clock. */
export interface CommandIo {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly now: () => Date
}

/** A store's clock never goes back: two commands in one second, or a clock set back by less than a day, record at the last moment. */
function recordAt(now: Date): number {
  return Math.floor(now.getTime() / 1000)
}

/** Rejected lines printed one by one; every one goes into the file given by `--rejected`, or is printed where none is. */
function printRejected(rejected: readonly RejectedTag[], io: CommandIo): void {
  for (const { name, line, reason } of rejected) io.err(`rejected  ${name} line ${line}: ${reason}\n`)
}

/** `proceeds posts …`. Answers the exit code. Fault `USAGE` for what is not understood. */
export async function runPosts(args: readonly string[], io: CommandIo): Promise<number> {
  const [verb, ...rest] = args
  if (verb === 'scan') return scan(rest, io)
  if (verb === 'accept') return accept(rest, io)
  throw new Fault('USAGE', verb === undefined ? 'scan or accept is wanted' : `there is no \`posts ${verb}\``)
}

async function scan(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args, {
    out: { type: 'string' },
    suspicions: { type: 'string' },
    lexicon: { type: 'string' },
    field: { type: 'string', multiple: true },
    store: { type: 'string' },
    fresh: { type: 'boolean' },
  })
  const { out } = values
  if (typeof out !== 'string') throw new Fault('USAGE', '--out PROPOSALS.csv is wanted')
  if (positionals.length === 0) throw new Fault('USAGE', 'at least one file of posts is wanted')
  const fields: Partial<Record<PostField, string>> = {}
  for (const each of (values.field ?? []) as string[]) {
    const at = each.indexOf('=')
    const field = POST_FIELDS.find((name) => name === each.slice(0, at))
    if (field === undefined)
      throw new Fault('USAGE', `--field ${each}: write one of ${POST_FIELDS.join(', ')}, =, and its name`)
    fields[field] = each.slice(at + 1)
  }
  const lexicon = typeof values.lexicon === 'string' ? await readOwnLexicon(values.lexicon) : shippedLexicon()
  const claims = typeof values.store === 'string' ? await openClaims(values.store) : undefined
  try {
    const result = await scanPosts(positionals, {
      ...{ out, lexicon, fields, fresh: values.fresh === true },
      ...(typeof values.suspicions === 'string' ? { suspicions: values.suspicions } : {}),
      ...(claims ? { book: buildTagBook(claims.tags()) } : {}),
    })
    printRejected(result.rejected, io)
    const { files, filesKnown, posts, repeated, proposals, passedOver, suspicions } = result
    io.out(
      `${files} files (${filesKnown} read before), ${posts} posts, ${repeated} of them with a text seen before, ${result.rejected.length} rejected\n` +
        `${proposals} proposals in ${out}; ${passedOver} addresses not proposed; ${suspicions} only look like an address\n` +
        `Nothing is a tag yet: write accept or reject into the column decision, then run proceeds posts accept ${out}\n`,
    )
    return 0
  } finally {
    await claims?.close()
  }
}

async function readOwnLexicon(path: string) {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new Fault('FILE_UNREADABLE', `${path}: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
  try {
    return readLexicon(JSON.parse(text), path)
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('TAGS_INVALID', `${path}: not JSON`, { cause })
  }
}

async function accept(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args, {
    store: { type: 'string' },
    by: { type: 'string' },
    all: { type: 'boolean' },
  })
  const { store, by } = values
  if (positionals.length !== 1) throw new Fault('USAGE', 'one table of proposals is wanted')
  if (typeof store !== 'string') throw new Fault('USAGE', '--store DIR is wanted')
  if (typeof by !== 'string' || by.trim() === '')
    throw new Fault('USAGE', '--by NAME is wanted: whoever accepts answers for it')
  const [name] = positionals
  const decisions = await readDecisions(readBytes(name), { name, by: by.trim(), all: values.all === true })
  const claims = await openClaims(store)
  try {
    for (const { tag } of decisions.accepted) {
      const services = claims
        .claimsOf(tag.chain, tag.address)
        .filter((claim) => stopOfCategory(claim.tag.category) !== undefined)
      for (const { tag: other } of services) {
        io.err(
          `warning   ${tag.address}: ${other.source} says ${other.label} [${other.category}]; both claims stand, and a trace ends there\n`,
        )
      }
    }
    const { added, known } = claims.append(decisions.accepted, recordAt(io.now()))
    printRejected(decisions.invalid, io)
    io.out(
      `${added} claims recorded, ${known} stood already; ${decisions.rejectedByPerson} rejected, ${decisions.undecided} undecided, ${decisions.invalid.length} do not hold\n`,
    )
    if (decisions.accepted.length === 0 && decisions.undecided > 0) {
      io.out(
        'Write accept into the column decision of those you accept, or add --all for every one you did not reject.\n',
      )
    }
    return decisions.invalid.length > 0 ? 1 : 0
  } finally {
    await claims.close()
  }
}

/** `proceeds tags …`. Answers the exit code. Fault `USAGE` for what is not understood. */
export async function runTags(args: readonly string[], io: CommandIo): Promise<number> {
  const [verb, ...rest] = args
  if (verb === 'import') return importTags(rest, io)
  if (verb === 'export') return exportTags(rest, io)
  if (verb === 'list') return listTags(rest, io)
  if (verb === 'retract') return retract(rest, io)
  throw new Fault(
    'USAGE',
    verb === undefined ? 'import, export, list or retract is wanted' : `there is no \`tags ${verb}\``,
  )
}

async function importTags(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args, { store: { type: 'string' }, revive: { type: 'boolean' } })
  if (typeof values.store !== 'string') throw new Fault('USAGE', '--store DIR is wanted')
  if (positionals.length === 0) throw new Fault('USAGE', 'at least one tag file is wanted')
  const { tags, packs, rejected } = await loadTags(positionals, { strict: false })
  const claims = await openClaims(values.store)
  try {
    const recorded = recordAt(io.now())
    // A list that is imported again must not bring back what somebody took back for a reason.
    let withdrawn = 0
    const contents = function* (): Generator<ClaimContent> {
      for (const tag of tags) {
        const content = { tag, capture: undefined }
        const isWithdrawn =
          values.revive !== true && claims.findClaim(claimId(content))?.events.at(-1)?.kind === 'retraction'
        if (isWithdrawn) withdrawn++
        else yield content
      }
    }
    const { added, known } = claims.append(contents(), recorded)
    printRejected(rejected, io)
    for (const [category, count] of countCategories(tags)) io.out(`${String(count).padStart(9)}  ${category}\n`)
    for (const { name, sha256, version } of packs) io.out(`file      ${name}  ${sha256}  ${version ?? 'no version'}\n`)
    io.out(
      `${tags.length} claims from ${packs.length} files: ${added} recorded, ${known} stood already; ${rejected.length} lines rejected\n`,
    )
    if (withdrawn > 0) io.out(`${withdrawn} were taken back before and stay so; --revive brings them back\n`)
    return 0
  } finally {
    await claims.close()
  }
}

async function exportTags(args: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parse(args, {
    store: { type: 'string' },
    format: { type: 'string' },
    out: { type: 'string' },
    'as-of': { type: 'string' },
    title: { type: 'string' },
    creator: { type: 'string' },
  })
  const { store, format, out } = values
  if (typeof store !== 'string') throw new Fault('USAGE', '--store DIR is wanted')
  if (format !== 'tagpack' && format !== 'csv') throw new Fault('USAGE', '--format tagpack or --format csv is wanted')
  const claims = await openClaims(store)
  try {
    const tags = [...claims.tags(asOf(values['as-of']))]
    const text =
      format === 'csv'
        ? tagsToCsv(tags)
        : writeTagPack(
            tagPackOf(tags, {
              title: typeof values.title === 'string' ? values.title : 'Proceeds export',
              creator: typeof values.creator === 'string' ? values.creator : 'proceeds',
            }),
          )
    if (typeof out === 'string') {
      await writeFile(out, text)
      io.out(`${tags.length} tags in ${out}\n`)
    } else io.out(text)
    return 0
  } finally {
    await claims.close()
  }
}

async function listTags(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args, {
    store: { type: 'string' },
    chain: { type: 'string' },
    'as-of': { type: 'string' },
  })
  if (typeof values.store !== 'string') throw new Fault('USAGE', '--store DIR is wanted')
  if (positionals.length !== 1) throw new Fault('USAGE', 'one address is wanted')
  const [text] = positionals
  const chains = typeof values.chain === 'string' ? [values.chain] : chainsOfAddress(text)
  if (chains.length === 0) throw new Fault('ADDRESS_INVALID', explainAddress('bitcoin', text))
  const known = asOf(values['as-of'])
  const claims = await openClaims(values.store)
  try {
    let count = 0
    for (const chain of chains) {
      const address = canonicalAddress(chain, text)
      if (address === undefined) throw new Fault('ADDRESS_INVALID', explainAddress(chain, text))
      const found = claims.claimsOf(chain, address, known)
      count += found.length
      for (const claim of found) io.out(tell(claim))
      for (const { kind, claims: torn } of claims.conflictsOf(chain, address, known === undefined ? {} : { known })) {
        io.out(
          `conflict  ${kind}: ${torn.map(({ tag }) => `${tag.source} says ${tag.entity ?? tag.category}`).join('; ')}\n`,
        )
      }
    }
    if (count === 0) {
      const when = known === undefined ? '' : ` as of ${formatTime(known)}`
      io.out(
        `No claim about it on ${chains.join(', ')}${when}, among ${claims.count().claims} claims. That says what was looked at, not that it is clean.\n`,
      )
    }
    return 0
  } finally {
    await claims.close()
  }
}

function tell({ id, tag, capture, events }: Claim): string {
  const rows: (readonly [string, string | undefined])[] = [
    ['address', `${tag.chain} ${tag.address}`],
    ['says', `${tag.label} [${tag.category}]${tag.entity === undefined ? '' : `, ${tag.entity}`}`],
    ['source', tag.source],
    ['grade', tag.confidence],
    ['counts', window(tag)],
    ['evidence', tag.evidence],
    ['capture', capture && `${capture.url} at ${formatTime(capture.captured)}, SHA-256 ${capture.sha256}`],
    ['known', events.map(({ kind, recorded }) => `${kind} ${formatTime(recorded)}`).join(', ')],
  ]
  const told = rows.filter(([, value]) => value !== undefined).map(([name, value]) => `  ${name.padEnd(9)} ${value}\n`)
  return `claim ${id}\n${told.join('')}`
}

function window({ validFrom, validTo }: Tag): string | undefined {
  if (validFrom === undefined && validTo === undefined) return undefined
  return `${validFrom === undefined ? '' : `from ${formatTime(validFrom)}`}${validTo === undefined ? '' : ` until ${formatTime(validTo)}`}`.trim()
}

async function retract(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args, {
    store: { type: 'string' },
    reason: { type: 'string' },
    by: { type: 'string' },
  })
  const { store, reason, by } = values
  if (positionals.length !== 1) throw new Fault('USAGE', 'one claim is wanted, by the name that `tags list` shows')
  if (typeof store !== 'string') throw new Fault('USAGE', '--store DIR is wanted')
  if (typeof reason !== 'string' || typeof by !== 'string')
    throw new Fault('USAGE', '--reason TEXT and --by NAME are wanted')
  const claims = await openClaims(store)
  try {
    claims.retract(positionals[0], { reason, by }, recordAt(io.now()))
    io.out(
      `Claim ${positionals[0]} is taken back. It stays in the store, with the reason; older answers can still be given.\n`,
    )
    return 0
  } finally {
    await claims.close()
  }
}

function asOf(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const found = parseTime(value)
  if (found === undefined)
    throw new Fault('USAGE', `--as-of ${value}: a time such as 2026-01-31 or 2026-01-31T09:00:00Z`)
  return found
}

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>

function parse(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (cause) {
    throw new Fault('USAGE', (cause as Error).message, { cause })
  }
}
