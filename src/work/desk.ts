/**
 * Questions about one address: what is claimed of it, which addresses share its hand, whether it is a service's deposit account, what
 * finished traces sent there, and what the ledger knows. Structure and attribution stay two answers; a cluster's tags are shown as its
 * members', never as the address's own. Whoever is not found is not said to be clean: every answer says what was looked at.
 */
import { readFile, stat } from 'node:fs/promises'
import {
  type Amount,
  addressesOf,
  type Chain,
  type Clusters,
  clusterAddresses,
  DEPOSIT_PARAMETERS,
  type DepositAccount,
  findDepositAccounts,
  HUB_PARAMETERS,
  isUtxoChain,
  looksLikeService,
  type Transaction,
  ZERO,
} from '../../graph/index.ts'
import type { LedgerLine } from '../chains/dump/decode.ts'
import { readLedgerFile } from '../chains/ledger-files.ts'
import { Fault } from '../faults.ts'
import type { Report } from '../report/format.ts'
import { buildTagBook, standsAt } from '../tags/book.ts'
import { stopOfCategory } from '../tags/categories.ts'
import { type Claim, ClaimStore, claimId, memoryClaimTable } from '../tags/claims.ts'
import { loadTags } from '../tags/load.ts'
import { hasClaims, openClaims } from '../tags/store.ts'
import type { StopSink, Tag, TagBook } from '../tags/tag.ts'
import { formatTime } from '../tags/time.ts'
import { type ChainLedger, settleLedger } from '../trace/ledger.ts'

/** What a desk answers from. */
export interface DeskSources {
  readonly ledgers: readonly string[]
  readonly tags: readonly string[]
  /** A store whose claims count as well. */
  readonly store: string | undefined
}

/** A finished trace's report, as far as the desk needs it: it never changes. */
export interface FinishedReport {
  readonly trace: string
  readonly case: string | null
  readonly file: string
}

export interface AskedAddress {
  readonly chain: Chain
  /** In canonical writing. */
  readonly address: string
}

/** A claim as it is told. */
export interface ToldClaim extends AskedAddress {
  /** The claim's name: the SHA-256 of its content. */
  readonly claim: string
  readonly label: string
  readonly category: string
  readonly entity: string | null
  readonly source: string
  readonly confidence: string | null
  readonly validFrom: string | null
  readonly validTo: string | null
  readonly evidence: string | null
  readonly capture: { readonly url: string; readonly captured: string; readonly sha256: string } | null
  /** When it was recorded in the store; null where it comes from a tag file of the service. */
  readonly recorded: string | null
  /** Whether it counts at the time asked for. */
  readonly standing: boolean
  /** The sink in which a trace ends there on this claim; null where it goes on. */
  readonly stops: StopSink | null
}

export interface ToldConflict {
  readonly kind: 'entity' | 'sink'
  readonly claims: readonly string[]
}

export interface ToldLink {
  readonly from: string
  readonly to: string
  readonly rule: string
  readonly changeRules: readonly string[]
  readonly confidence: number
  readonly transactions: readonly string[]
  /** How many support it in all. */
  readonly transactionCount: number
}

export interface ToldCluster {
  /** Its smallest member. */
  readonly name: string
  readonly size: number
  readonly rules: { readonly commonInput: boolean; readonly change: readonly string[]; readonly guard: boolean }
  /** How many transactions support it, by rule. */
  readonly transactions: { readonly commonInput: number; readonly change: number }
  readonly members: readonly string[]
  /** Claims about other members: they speak of those addresses, not of this one. */
  readonly memberClaims: readonly ToldClaim[]
  readonly memberClaimCount: number
}

export interface ToldExposure {
  readonly trace: string
  readonly case: string | null
  readonly row: 'endpoint' | 'holding'
  readonly id: string
  readonly sink: string
  readonly asset: string
  readonly amount: string
  /** Under the trace's primary method. */
  readonly method: string
  readonly traced: string
  readonly floor: string | null
  readonly ceiling: string | null
}

export interface ToldAddress extends AskedAddress {
  readonly found: boolean
  readonly claims: readonly ToldClaim[]
  readonly conflicts: readonly ToldConflict[]
  readonly cluster: ToldCluster | null
  readonly depositAccount: {
    readonly entity: string
    readonly basis: string
    readonly sweeps: number
    readonly shares: readonly { readonly asset: string; readonly received: string; readonly swept: string }[]
    readonly reasons: readonly string[]
  } | null
  /** Untagged and busy as a service is; null where it is not. */
  readonly looksLikeService: {
    readonly payers: number
    readonly payees: number
    readonly reasons: readonly string[]
  } | null
  readonly exposure: readonly ToldExposure[]
  readonly exposureCount: number
  readonly history: {
    readonly transactions: number
    readonly first: string
    readonly last: string
    readonly assets: readonly { readonly asset: string; readonly received: string; readonly sent: string }[]
  } | null
  /** Whether the ledger says that it holds this address's whole history. */
  readonly covered: boolean
}

export interface LookedAt {
  readonly claims: number
  readonly tagFiles: number
  readonly claimRecords: number
  readonly ledgers: readonly {
    readonly chain: string
    readonly transactions: number
    readonly first: string | null
    readonly last: string | null
    readonly coversAll: boolean
  }[]
  readonly traces: number
  readonly tracesLeftOut: number
  readonly asOf: string | null
  readonly time: string | null
}

export interface LookAnswer {
  readonly answers: readonly ToldAddress[]
  readonly lookedAt: LookedAt
}

export interface ClusterAnswer {
  readonly chain: string
  readonly address: string
  readonly cluster: ToldCluster | null
  /** Links that join all members and not one more; of this page. */
  readonly links: readonly ToldLink[]
  readonly next: number | null
  readonly lookedAt: LookedAt
}

export interface ExplainAnswer {
  readonly chain: string
  readonly a: string
  readonly b: string
  readonly cluster: string | null
  readonly links: readonly ToldLink[]
  readonly weakest: ToldLink | null
  readonly lookedAt: LookedAt
}

export interface ClaimPage {
  readonly tags: readonly ToldClaim[]
  readonly next: number | null
}

/** A question to the desk; times are seconds since the epoch. */
export type DeskQuestion =
  | {
      readonly kind: 'look'
      readonly asked: readonly AskedAddress[]
      readonly reports: readonly FinishedReport[]
      readonly reportsLeftOut: number
      readonly known: number | undefined
      readonly time: number | undefined
    }
  | { readonly kind: 'cluster'; readonly asked: AskedAddress; readonly from: number; readonly limit: number }
  | { readonly kind: 'explain'; readonly chain: Chain; readonly a: string; readonly b: string }
  | {
      readonly kind: 'claims'
      readonly filter: Partial<Record<'chain' | 'category' | 'entity' | 'source', string>>
      readonly known: number | undefined
      readonly from: number
      readonly limit: number
    }

export interface DeskAnswers {
  readonly look: LookAnswer
  readonly cluster: ClusterAnswer
  readonly explain: ExplainAnswer
  readonly claims: ClaimPage
}

/** Rows of one address that are listed; their count is always told. */
const MEMBERS_SHOWN = 20
const EXPOSURE_SHOWN = 100
/** Transactions of a link that are listed. */
const LINK_TRANSACTIONS_SHOWN = 20
/** A report larger than this is not read for exposure. */
const REPORT_BYTES_MAX = 256 * 1024 * 1024
/** Transactions of one address that the hub rule reads. */
const HUB_TRANSACTIONS_MAX = 200_000

interface ChainView {
  readonly ledger: ChainLedger
  /** Transactions by address, as places in the ledger's order. */
  readonly places: ReadonlyMap<string, readonly number[]>
  clusters: Clusters | undefined
  /** By state of the claims they were judged with. */
  deposits: { readonly state: string; readonly accounts: ReadonlyMap<string, DepositAccount> } | undefined
}

/** Reads its sources once, at the first question that needs them, and the store's claims again whenever they changed. */
export class Desk {
  readonly #sources: DeskSources
  #files: Promise<TagBook> | undefined
  #chains: Promise<ReadonlyMap<Chain, ChainView>> | undefined
  #claims: { readonly state: string; readonly files: TagBook; readonly book: TagBook } | undefined
  #kept: ClaimStore | undefined
  readonly #reports = new Map<string, ReadonlyMap<string, readonly ToldExposure[]>>()

  constructor(sources: DeskSources) {
    this.#sources = sources
  }

  /** Answers a question. Faults: of the files and stores it reads. */
  async answer<K extends DeskQuestion['kind']>(question: Extract<DeskQuestion, { kind: K }>): Promise<DeskAnswers[K]> {
    const asked = question as DeskQuestion
    if (asked.kind === 'look') return (await this.#look(asked)) as DeskAnswers[K]
    if (asked.kind === 'cluster') return (await this.#cluster(asked)) as DeskAnswers[K]
    if (asked.kind === 'explain') return (await this.#explain(asked)) as DeskAnswers[K]
    return (await this.#list(asked)) as DeskAnswers[K]
  }

  async close(): Promise<void> {
    await this.#kept?.close()
    this.#kept = undefined
  }

  async #look(question: Extract<DeskQuestion, { kind: 'look' }>): Promise<LookAnswer> {
    const { asked, reports, known, time } = question
    const claims = await this.#readClaims()
    const chains = await this.#readLedgers()
    let leftOut = question.reportsLeftOut
    for (const report of reports) if (!(await this.#readReport(report))) leftOut++
    const answers = asked.map(({ chain, address }): ToldAddress => {
      const view = chains.get(chain)
      const told = this.#claimsOf(chain, address, known).map((claim) => tellClaim(claim, time))
      const exposure = reports.flatMap(({ trace }) => this.#reports.get(trace)?.get(`${chain} ${address}`) ?? [])
      const history = view ? tellHistory(view, address) : null
      const cluster = view ? this.#tellCluster(view, chain, address, 0, MEMBERS_SHOWN, known, time) : null
      const deposit = view ? this.#depositsOf(view, chain).get(address) : undefined
      const hub = told.length === 0 && view ? hubOf(view, address) : null
      return {
        ...{ chain, address },
        found: told.length > 0 || history !== null || exposure.length > 0 || cluster !== null,
        claims: told,
        conflicts: this.#conflictsOf(chain, address, known, time),
        cluster,
        depositAccount: deposit ? tellDeposit(deposit) : null,
        looksLikeService: hub,
        exposure: exposure.slice(0, EXPOSURE_SHOWN),
        exposureCount: exposure.length,
        history,
        covered: view !== undefined && (view.ledger.coversAll || view.ledger.covered.has(address)),
      }
    })
    const lookedAt = this.#tellLookedAt(
      claims.count,
      chains,
      reports.length - (leftOut - question.reportsLeftOut),
      leftOut,
      known,
      time,
    )
    return { answers, lookedAt: { ...lookedAt, tagFiles: this.#sources.tags.length } }
  }

  async #cluster({ asked, from, limit }: Extract<DeskQuestion, { kind: 'cluster' }>): Promise<ClusterAnswer> {
    const { chain, address } = asked
    const claims = await this.#readClaims()
    const chains = await this.#readLedgers()
    const view = chains.get(chain)
    const cluster = view ? this.#tellCluster(view, chain, address, from, limit, undefined, undefined) : null
    const forest = view && cluster ? (this.#clustersOf(view, chain)?.evidence(address)?.forest ?? []) : []
    const links = forest.slice(from, from + limit).map(tellLink)
    const end = Math.max(forest.length, cluster?.size ?? 0)
    return {
      ...{ chain, address, cluster, links },
      next: from + limit < end ? from + limit : null,
      lookedAt: this.#tellLookedAt(claims.count, chains, 0, 0, undefined, undefined),
    }
  }

  async #explain({ chain, a, b }: Extract<DeskQuestion, { kind: 'explain' }>): Promise<ExplainAnswer> {
    const claims = await this.#readClaims()
    const chains = await this.#readLedgers()
    const view = chains.get(chain)
    const found = view ? this.#clustersOf(view, chain)?.explain(a, b) : undefined
    return {
      ...{ chain, a, b },
      cluster: found?.cluster ?? null,
      links: (found?.links ?? []).map(tellLink),
      weakest: found ? tellLink(found.weakest) : null,
      lookedAt: this.#tellLookedAt(claims.count, chains, 0, 0, undefined, undefined),
    }
  }

  async #list({ filter, known, from, limit }: Extract<DeskQuestion, { kind: 'claims' }>): Promise<ClaimPage> {
    await this.#readClaims()
    const { files, book } = this.#standing()
    const all = known === undefined ? book : buildTagBook([...files.all, ...(this.#kept?.tags(known) ?? [])])
    const wanted = Object.entries(filter) as [keyof typeof filter, string][]
    const fits = (tag: Tag): boolean => wanted.every(([field, value]) => tag[field] === value)
    const rows: ToldClaim[] = []
    let passed = 0
    let last = ''
    for (const tag of all.all) {
      const place = `${tag.chain} ${tag.address}`
      if (place === last || !fits(tag)) continue
      last = place
      for (const claim of this.#claimsOf(tag.chain, tag.address, known)) {
        if (!fits(claim.tag)) continue
        if (rows.length === limit) return { tags: rows, next: from + limit }
        if (passed++ >= from) rows.push(tellClaim(claim, undefined))
      }
    }
    return { tags: rows, next: null }
  }

  /** Reads the tag files once, and the store's claims whenever its log has grown. */
  async #readClaims(): Promise<{ readonly count: number }> {
    this.#files ??= loadTags(this.#sources.tags).then(({ tags }) => buildTagBook(tags))
    const files = await this.#files.catch((error: unknown) => {
      this.#files = undefined
      throw oursToMend('tag files', error)
    })
    const { store } = this.#sources
    if (this.#kept === undefined && store !== undefined && hasClaims(store)) this.#kept = await openClaims(store)
    const state = this.#kept?.head().hash ?? 'none'
    if (this.#claims?.state !== state) {
      const book = this.#kept ? buildTagBook([...files.all, ...this.#kept.tags()]) : files
      this.#claims = { state, files, book }
    }
    return { count: this.#claims.book.all.length }
  }

  #standing(): { readonly state: string; readonly files: TagBook; readonly book: TagBook } {
    if (this.#claims === undefined) throw new Error('claims are read before they are asked')
    return this.#claims
  }

  #claimsOf(chain: Chain, address: string, known: number | undefined): readonly Claim[] {
    const kept = this.#kept?.claimsOf(chain, address, known) ?? []
    const ids = new Set(kept.map(({ id }) => id))
    const own = this.#standing().files.claimsOf(chain, address).map(fileClaim)
    return [...kept, ...own.filter(({ id }) => !ids.has(id))]
  }

  #conflictsOf(chain: Chain, address: string, known: number | undefined, time: number | undefined): ToldConflict[] {
    const claims = this.#claimsOf(chain, address, known)
    if (claims.length < 2) return []
    // Both sources at one table, so that a file's claim and the store's can contradict each other.
    const table = new ClaimStore(memoryClaimTable())
    table.append(
      claims.map(({ tag, capture }) => ({ tag, capture })),
      0,
    )
    return table
      .conflictsOf(chain, address, time === undefined ? {} : { time })
      .map(({ kind, claims: torn }) => ({ kind, claims: torn.map(({ id }) => id) }))
  }

  #readLedgers(): Promise<ReadonlyMap<Chain, ChainView>> {
    this.#chains ??= (async () => {
      const ledgers = await settleLedger(readAll(this.#sources.ledgers))
      return new Map([...ledgers].map(([chain, ledger]) => [chain, viewOf(ledger)]))
    })()
    return this.#chains.catch((error: unknown) => {
      this.#chains = undefined
      throw oursToMend('ledger', error)
    })
  }

  #clustersOf(view: ChainView, chain: Chain): Clusters | undefined {
    if (!isUtxoChain(chain)) return undefined
    view.clusters ??= clusterAddresses(view.ledger.transactions, { commonInput: true, change: [] })
    return view.clusters
  }

  #depositsOf(view: ChainView, chain: Chain): ReadonlyMap<string, DepositAccount> {
    const { state, book } = this.#standing()
    if (view.deposits?.state !== state) {
      const entityOf = (_: Chain, address: string, time: number): string | undefined => {
        const stop = book.stopAt(chain, address, time)
        if (stop?.sink !== 'service') return undefined
        const tag = stop.tags.find((each) => stopOfCategory(each.category) === 'service')
        return tag?.entity ?? tag?.label
      }
      const { accounts } = findDepositAccounts(view.ledger.transactions, { entityOf }, DEPOSIT_PARAMETERS)
      view.deposits = { state, accounts: new Map(accounts.map((account) => [account.address, account])) }
    }
    return view.deposits.accounts
  }

  #tellCluster(
    view: ChainView,
    chain: Chain,
    address: string,
    from: number,
    limit: number,
    known: number | undefined,
    time: number | undefined,
  ): ToldCluster | null {
    const clusters = this.#clustersOf(view, chain)
    const name = clusters?.clusterOf(address)
    if (clusters === undefined || name === undefined) return null
    const members = clusters.members(address)
    const evidence = clusters.evidence(address)
    const { commonInput, change, guard } = clusters.rules
    const tagged = members.filter(
      (member) => member !== address && this.#standing().book.claimsOf(chain, member).length > 0,
    )
    return {
      ...{ name, size: members.length },
      rules: { commonInput, change, guard: guard !== false },
      transactions: evidence?.transactions ?? { commonInput: 0, change: 0 },
      members: members.slice(from, from + limit),
      memberClaims: tagged.slice(0, MEMBERS_SHOWN).flatMap((member) =>
        this.#claimsOf(chain, member, known)
          .slice(0, 5)
          .map((claim) => tellClaim(claim, time)),
      ),
      memberClaimCount: tagged.length,
    }
  }

  #tellLookedAt(
    count: number,
    chains: ReadonlyMap<Chain, ChainView>,
    traces: number,
    tracesLeftOut: number,
    known: number | undefined,
    time: number | undefined,
  ): LookedAt {
    return {
      claims: count,
      tagFiles: this.#sources.tags.length,
      claimRecords: this.#kept?.count().records ?? 0,
      ledgers: [...chains].map(([chain, { ledger }]) => {
        const { transactions, coversAll } = ledger
        const [first, last] = [transactions.at(0), transactions.at(-1)]
        return {
          ...{ chain, transactions: transactions.length, coversAll },
          first: first ? formatTime(first.time) : null,
          last: last ? formatTime(last.time) : null,
        }
      }),
      ...{ traces, tracesLeftOut },
      asOf: known === undefined ? null : formatTime(known),
      time: time === undefined ? null : formatTime(time),
    }
  }

  /** Reads a report's rows once; false where it is too large or gone. */
  async #readReport({ trace, case: name, file }: FinishedReport): Promise<boolean> {
    if (this.#reports.has(trace)) return true
    const size = await stat(file).then(
      (found) => found.size,
      () => Number.POSITIVE_INFINITY,
    )
    if (size > REPORT_BYTES_MAX) return false
    // Our own file, written whole and checked against its hash when the trace finished.
    const report = JSON.parse(await readFile(file, 'utf8')) as Report
    const rows = new Map<string, ToldExposure[]>()
    const method = primaryOf(report)
    const add = (row: ToldExposure, chain: string, address: string | null): void => {
      if (address === null) return
      const key = `${chain} ${address}`
      const before = rows.get(key)
      if (before) before.push(row)
      else rows.set(key, [row])
    }
    for (const [kind, list] of [
      ['endpoint', report.endpoints],
      ['holding', report.holdings],
    ] as const) {
      for (const { id, sink, chain, asset, address, amount, traced, floor, ceiling } of list) {
        const total = traced[method]?.total
        if (total === undefined) continue
        const row = { trace, case: name, row: kind, id, sink, asset, amount, method, traced: total, floor, ceiling }
        add(row, chain, address)
      }
    }
    this.#reports.set(trace, rows)
    return true
  }
}

/** What is wrong with the service's own files is not the caller's to mend, and where they lie is not theirs to know. */
function oursToMend(what: string, error: unknown): unknown {
  if (!(error instanceof Fault)) return error
  const detail = `the service's ${what} cannot be read (${error.code}); whoever runs it sees why with \`proceeds trace\` over the same files`
  return new Fault('STORE_UNAVAILABLE', detail, { cause: error })
}

async function* readAll(files: readonly string[]): AsyncGenerator<LedgerLine> {
  // A raw block does not say its chain; a service is started with Bitcoin's.
  for (const file of files) yield* readLedgerFile(file, ['bitcoin'])
}

function viewOf(ledger: ChainLedger): ChainView {
  const places = new Map<string, number[]>()
  for (const [place, transaction] of ledger.transactions.entries()) {
    for (const address of new Set(addressesOf(transaction))) {
      const own = places.get(address)
      if (own) own.push(place)
      else places.set(address, [place])
    }
  }
  return { ledger, places, clusters: undefined, deposits: undefined }
}

function hubOf({ ledger, places }: ChainView, address: string): ToldAddress['looksLikeService'] {
  const own = places.get(address) ?? []
  if (own.length < HUB_PARAMETERS.payersMin) return null
  const transactions = own.slice(0, HUB_TRANSACTIONS_MAX).map((place) => ledger.transactions[place])
  const { isHub, payers, payees, reasons } = looksLikeService(address, transactions)
  return isHub ? { payers, payees, reasons } : null
}

function tellHistory({ ledger, places }: ChainView, address: string): ToldAddress['history'] {
  const own = places.get(address)
  if (own === undefined) return null
  const sums = new Map<string, { received: Amount; sent: Amount }>()
  const of = (asset: string) => {
    let sum = sums.get(asset)
    if (!sum) sums.set(asset, (sum = { received: ZERO, sent: ZERO }))
    return sum
  }
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const place of own) {
    const transaction: Transaction = ledger.transactions[place]
    first = Math.min(first, transaction.time)
    last = Math.max(last, transaction.time)
    if (transaction.kind === 'utxo') {
      const sum = of('native')
      for (const input of transaction.inputs) if (input.address === address) sum.sent += input.amount
      for (const output of transaction.outputs) if (output.address === address) sum.received += output.amount
      continue
    }
    if (transaction.status === 'failed') continue
    for (const { asset, from, to, amount } of transaction.transfers) {
      if (to === address) of(asset).received += amount
      if (from === address) of(asset).sent += amount
    }
  }
  const assets = [...sums].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    transactions: own.length,
    first: formatTime(first),
    last: formatTime(last),
    assets: assets.map(([asset, { received, sent }]) => ({ asset, received: `${received}`, sent: `${sent}` })),
  }
}

function tellDeposit({ entity, basis, sweeps, shares, reasons }: DepositAccount): ToldAddress['depositAccount'] {
  return {
    ...{ entity, basis, reasons },
    sweeps: sweeps.length,
    shares: shares.map(({ asset, received, swept }) => ({ asset, received: `${received}`, swept: `${swept}` })),
  }
}

function tellLink(link: {
  readonly from: string
  readonly to: string
  readonly rule: string
  readonly changeRules: readonly string[]
  readonly confidence: number
  readonly transactions: readonly string[]
}): ToldLink {
  const { from, to, rule, changeRules, confidence, transactions } = link
  return {
    ...{ from, to, rule, changeRules, confidence },
    transactions: transactions.slice(0, LINK_TRANSACTIONS_SHOWN),
    transactionCount: transactions.length,
  }
}

function tellClaim({ id, tag, capture, events }: Claim, time: number | undefined): ToldClaim {
  const recorded = events.findLast(({ kind }) => kind === 'claim')?.recorded
  return {
    ...{ claim: id, chain: tag.chain, address: tag.address, label: tag.label, category: tag.category },
    entity: tag.entity ?? null,
    source: tag.source,
    confidence: tag.confidence ?? null,
    validFrom: tag.validFrom === undefined ? null : formatTime(tag.validFrom),
    validTo: tag.validTo === undefined ? null : formatTime(tag.validTo),
    evidence: tag.evidence ?? null,
    capture: capture ? { ...capture, captured: formatTime(capture.captured) } : null,
    recorded: recorded === undefined || recorded === 0 ? null : formatTime(recorded),
    standing: time === undefined || standsAt(tag, time),
    stops: stopOfCategory(tag.category) ?? null,
  }
}

/** A tag file's claim, named as the store would name it: the same words are the same claim. */
function fileClaim(tag: Tag): Claim {
  return { id: claimId({ tag, capture: undefined }), tag, capture: undefined, events: [{ kind: 'claim', recorded: 0 }] }
}

function primaryOf(report: Report): string {
  return (report.request.method as { readonly primary: string }).primary
}
