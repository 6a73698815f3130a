import {
  type Asset,
  type Chain,
  classifyCoinJoin,
  DEPOSIT_PARAMETERS,
  isUtxoChain,
  NATIVE,
  type Transaction,
  type UtxoTransaction,
  ZERO,
  ZERO_ADDRESSES,
} from '../../graph/index.ts'
import type { LedgerLine } from '../chains/dump/decode.ts'
import { Fault } from '../faults.ts'
import type { AccountRef, ChainFacts, ChainStore, OutputRef, Place, Snapshot } from '../store/chain-store.ts'
import { comparePlaces } from '../store/chain-store.ts'
import type { TagBook } from '../tags/tag.ts'
import { skeleton } from '../text.ts'
import type { Progress } from './follow.ts'
import type { Hands } from './hands.ts'
import { type ChainLedger, settleLedger } from './ledger.ts'
import type { AddressSeed, TraceRequest } from './request.ts'
import { resolveSeeds } from './resolve.ts'

export interface CollectOptions {
  readonly progress?: Progress
  readonly signal?: AbortSignal
  /** How many questions go out in one call. */
  readonly batch?: number
  /** How many transactions may be gathered; more are a fault `LIMIT_EXCEEDED`. */
  readonly transactionsMax?: number
  /** Whether accounts on the way are read in every asset they hold, for the rule on deposit accounts; default true. */
  readonly everyAsset?: boolean
}

/** What was gathered: a ledger a chain, as `settleLedger` gives it, and the states it was read at. */
export interface Collected {
  readonly ledgers: Map<Chain, ChainLedger>
  readonly snapshots: readonly Snapshot[]
}

const BATCH = 4_000
const PAGE = 10_000
const TRANSACTIONS_MAX = 5_000_000

/**
 * Gathers from a store what a request can need of it, so that following it gives the same trace, byte for byte, as following the
 * whole ledger: what the seeds' value can have reached, the full history of each account on the way, the
 * transaction at which the ledger ends, and what the ledger says of itself. More than is needed does no harm, since the
 * request's limits act later, on the ledger; so here each choice errs to the side of more.
 *
 * Two rules judge by more than value can reach, and see less here than in a whole ledger (docs/sources.md): clusters and
 * deposit accounts on UTXO chains, which hang together through transactions of others, and deposit accounts among those who only paid
 * into a balance on the way. Histories of accounts that value reached are read in every asset, so that figures stop where they should.
 *
 * A hop is one round of questions in batches of thousands, not one question an address. Memory grows with what was
 * reached, not with the store. Where a ledger mixes transactions with and without a place (heights, indexes), the part
 * gathered may not show it, and is then ordered by the places it has (DESIGN.md decision 2); a ledger of one kind
 * is ordered as the whole is.
 */
export async function collectLedgers(
  request: TraceRequest,
  store: ChainStore,
  book: TagBook,
  options: CollectOptions = {},
): Promise<Collected> {
  const lines: LedgerLine[] = []
  const snapshots: Snapshot[] = []
  for (const chain of Object.keys(request.pool).sort()) {
    const at = await store.snapshot(chain)
    if (at === undefined) continue
    snapshots.push(at)
    const facts = await store.facts(chain)
    const gathered = new Gathering(store, at, options)
    const collector = new Collector(request, book, gathered, facts, options.everyAsset ?? true)
    await collector.run()
    for (const row of (await store.last?.(chain, at)) ?? []) gathered.keep(row)

    for (const transaction of gathered.rows()) lines.push({ kind: 'transaction', transaction })
    // Facts may have been learnt while asking, so they are read once more.
    lines.push(...factLines(await store.facts(chain)))
  }
  return { ledgers: await settleLedger(lines), snapshots }
}

function* factLines(facts: ChainFacts): Generator<LedgerLine> {
  for (const asset of facts.assets) yield { kind: 'asset', asset }
  for (const coverage of facts.coverage) yield { kind: 'coverage', coverage }
  for (const opening of facts.openings) yield { kind: 'opening', opening }
}

/** No hands known yet: a seed inside a deposit account is refused when the gathered ledger is followed. */
const nobodysHands: Hands = {
  clusterOf: (_, address) => address,
  membersOf: (_, smallest) => [smallest],
  evidenceOf: () => undefined,
  depositOf: () => undefined,
  judged: () => new Set(),
  depositParameters: DEPOSIT_PARAMETERS,
}

/** What has been read of one chain so far, and the asking for more in batches. */
class Gathering {
  readonly at: Snapshot
  readonly #store: ChainStore
  readonly #kept = new Map<string, Transaction>()
  readonly #options: CollectOptions
  readonly #transactionsMax: number

  constructor(store: ChainStore, at: Snapshot, options: CollectOptions) {
    this.#store = store
    this.at = at
    this.#options = options
    this.#transactionsMax = options.transactionsMax ?? TRANSACTIONS_MAX
  }

  rows(): Iterable<Transaction> {
    return this.#kept.values()
  }

  /** Keeps a transaction once; answers with the copy that is kept. */
  keep(row: Transaction): Transaction {
    const key = `${row.id} ${row.height ?? ''}`
    const known = this.#kept.get(key)
    if (known !== undefined) return known
    if (this.#kept.size >= this.#transactionsMax) {
      throw new Fault(
        'LIMIT_EXCEEDED',
        `more than ${this.#transactionsMax} transactions of ${this.at.chain} can have to do with the seeds; tag the services on the way, or lower limits.hops, limits.until or limits.transactions`,
      )
    }
    this.#kept.set(key, row)
    return row
  }

  async transactions(ids: readonly string[]): Promise<Transaction[]> {
    const found: Transaction[] = []
    for (const part of this.#parts(ids)) {
      for (const rows of await this.#store.transactions(this.at.chain, part, this.at)) {
        for (const row of rows) found.push(this.keep(row))
      }
      this.#tell()
    }
    return found
  }

  async spenders(outputs: readonly OutputRef[]): Promise<Transaction[]> {
    const ids = new Set<string>()
    for (const part of this.#parts(outputs)) {
      for (const id of await this.#store.spendersOf(this.at.chain, part, this.at)) if (id !== undefined) ids.add(id)
    }
    return this.transactions([...ids])
  }

  async received(claims: readonly AddressSeed[]): Promise<Transaction[]> {
    const found: Transaction[] = []
    for (const { address, from, until } of claims) {
      const [rows] = await this.#store.outputsOf(this.at.chain, [address], { from, until }, this.at)
      for (const row of rows) found.push(this.keep(row))
    }
    return found
  }

  /** The whole history of each account, in the order of the store. */
  /** The assets in which each address was ever paid. */
  async assetsPaid(addresses: readonly string[]): Promise<Set<Asset>[]> {
    const found: Set<Asset>[] = []
    for (const part of this.#parts(addresses)) {
      const all = await this.#store.outputsOf(this.at.chain, part, { from: undefined, until: undefined }, this.at)
      all.forEach((rows, i) => {
        const assets = new Set<Asset>()
        for (const row of rows) {
          if (row.kind !== 'account') continue
          for (const { asset, to } of row.transfers) if (to === part[i]) assets.add(asset)
        }
        found.push(assets)
      })
    }
    return found
  }

  async histories(accounts: readonly AccountRef[]): Promise<Transaction[][]> {
    const found: Transaction[][] = accounts.map(() => [])
    let open = accounts.map((account, i): { account: AccountRef; i: number; from: Place | undefined } => ({
      account,
      i,
      from: undefined,
    }))
    while (open.length > 0) {
      const next: typeof open = []
      for (const part of this.#parts(open)) {
        const asked = part.map(({ account, from }) => ({ ...account, from }))
        const pages = await this.#store.entriesOf(this.at.chain, asked, PAGE, this.at)
        pages.forEach((page, n) => {
          const { account, i } = part[n]
          for (const row of page.transactions) found[i].push(this.keep(row))
          if (page.next !== undefined) next.push({ account, i, from: page.next })
        })
        this.#tell()
      }
      open = next
    }
    return found
  }

  *#parts<Each>(all: readonly Each[]): Generator<readonly Each[]> {
    const { signal, batch = BATCH } = this.#options
    for (let start = 0; start < all.length; start += batch) {
      if (signal?.aborted === true) {
        throw signal.reason instanceof Error ? signal.reason : new Fault('TIME_LIMIT', 'the trace was stopped')
      }
      yield all.slice(start, start + batch)
    }
  }

  #tell(): void {
    this.#options.progress?.({ stage: `gather ${this.at.chain}`, done: this.#kept.size, total: null })
  }
}

/** A balance that value can have reached: by how few transactions, and since when at the earliest. */
interface Reached {
  readonly asset: Asset
  readonly address: string
  hops: number
  /** The lowest height and the earliest time of an arrival; what is not before either of them may spend it. */
  height: number
  time: number
}

class Collector {
  readonly #request: TraceRequest
  readonly #book: TagBook
  readonly #gathering: Gathering
  readonly #facts: ChainFacts
  readonly #chain: Chain
  readonly #everyAsset: boolean

  constructor(request: TraceRequest, book: TagBook, gathering: Gathering, facts: ChainFacts, everyAsset: boolean) {
    this.#everyAsset = everyAsset
    this.#request = request
    this.#book = book
    this.#gathering = gathering
    this.#facts = facts
    this.#chain = gathering.at.chain
  }

  async run(): Promise<void> {
    const request = this.#request
    const claims = request.seeds.filter((seed) => seed.chain === this.#chain)
    const ids = claims.flatMap((claim) =>
      claim.kind === 'payment' ? [claim.transaction, claim.transaction.toLowerCase()] : [],
    )
    const found = await this.#gathering.transactions([...new Set(ids)])
    found.push(
      ...(await this.#gathering.received(claims.flatMap((claim) => (claim.kind === 'address' ? [claim] : [])))),
    )
    const lines = [...new Set(found)].map((transaction): LedgerLine => ({ kind: 'transaction', transaction }))
    // Which payments are seeds is said in one place; it is asked of the little ledger that has them all.
    const little = await settleLedger(lines)
    if (!little.has(this.#chain)) return
    const seeds = resolveSeeds({ ...request, seeds: claims }, little, this.#book, nobodysHands)
    const assets = [...new Set(seeds.map((seed) => seed.asset))]
    for (const pool of request.pool[this.#chain]) {
      if (pool === 'output') await this.#followOutputs(seeds.map(({ payment, place }) => ({ payment, place })))
      else await this.#followBalances(seeds, assets, pool === 'cluster')
    }
  }

  /** Whether value that arrives so waits somewhere, to be followed on. */
  #waits(address: string | null, amount: bigint, time: number): boolean {
    if (amount === ZERO || amount < this.#request.limits.amount) return false
    if (address === null) return true
    return !ZERO_ADDRESSES.has(address) && this.#book.stopAt(this.#chain, address, time) === undefined
  }

  #isBeyond(row: Transaction, hops: number): boolean {
    const { limits } = this.#request
    return hops > limits.hops || (limits.until !== undefined && row.time > limits.until)
  }

  /**
   * Outputs from spend to spend, a hop a round. What is followed here is what the limits on hops and time allow; of
   * these the first so many in chain order, as the limit on transactions says, so that nothing behind the last of them
   * need be asked about.
   */
  async #followOutputs(seeded: readonly { payment: Transaction; place: number }[]): Promise<void> {
    const first = new Firsts(this.#request.limits.transactions)
    const followed = new Set<Transaction>()
    /** Addresses whose reached outputs were spent to a service: they may be its deposit accounts, by their whole history. */
    const judged = new Set<string>()
    let frontier: OutputRef[] = seeded.map(({ payment, place }) => ({ transaction: payment.id, output: place }))
    for (let hops = 1; frontier.length > 0; hops++) {
      const next: OutputRef[] = []
      for (const row of await this.#gathering.spenders(frontier)) {
        if (row.kind !== 'utxo' || followed.has(row) || this.#isBeyond(row, hops)) continue
        followed.add(row)
        if (
          this.#request.rules.depositSweep &&
          row.outputs.some((output) => this.#isService(output.address, row.time))
        ) {
          for (const { address } of row.inputs) if (address !== null) judged.add(address)
        }
        if (!first.admits(row)) continue
        row.outputs.forEach(({ address, amount }, output) => {
          if (this.#waits(address, amount, row.time)) next.push({ transaction: row.id, output })
        })
      }
      frontier = next
    }
    await this.#gathering.histories([...judged].map((address) => ({ asset: NATIVE, address })))
  }

  #isService(address: string | null, time: number): boolean {
    return address !== null && this.#book.stopAt(this.#chain, address, time)?.sink === 'service'
  }

  /** Balances from payment to payment, each with its whole history in the assets that are traced. */
  async #followBalances(
    seeds: readonly { payment: Transaction; place: number; address: string | null; asset: Asset }[],
    assets: readonly Asset[],
    byCluster: boolean,
  ): Promise<void> {
    const walk = new BalanceWalk(isUtxoChain(this.#chain))
    const told = this.#assetsToTell(assets)
    const histories = new Map<string, Transaction[]>()
    let outputs: OutputRef[] = []
    for (const { payment, place, address, asset } of seeds) {
      if (address === null) outputs.push({ transaction: payment.id, output: place })
      else {
        walk.reach({ asset, address }, payment, 0)
        if (payment.kind === 'account') this.#passOn(walk, payment, new Map([[`${asset}\n${address}`, 0]]), place)
      }
    }
    /** Spends of outputs without an address: by the transaction, how few hops. */
    let bare = new Map<OutputRef, number>(outputs.map((output) => [output, 0]))
    while (walk.waiting > 0 || bare.size > 0) {
      const fresh = walk.take()
      const unread = [...new Set(fresh.map(({ address }) => address))].filter((address) => !histories.has(address))
      const more =
        this.#everyAsset && this.#request.rules.depositSweep && !isUtxoChain(this.#chain)
          ? await this.#gathering.assetsPaid(unread)
          : []
      const accounts = unread.flatMap((address, i) => {
        const wanted = more[i] === undefined ? told : new Set([...told, NATIVE, ...more[i]])
        return [...wanted].map((asset) => ({ asset, address }))
      })
      const read = await this.#gathering.histories(accounts)
      for (const address of unread) histories.set(address, [])
      accounts.forEach(({ address }, i) => {
        const history = histories.get(address)!
        for (const row of read[i]) history.push(row)
      })
      outputs = []
      const nextBare = new Map<OutputRef, number>()
      const spend = (row: UtxoTransaction, hops: number) => {
        if (this.#isBeyond(row, hops)) return
        row.outputs.forEach(({ address, amount }, output) => {
          if (!this.#waits(address, amount, row.time)) return
          if (address !== null) walk.reach({ asset: NATIVE, address }, row, hops)
          else nextBare.set({ transaction: row.id, output }, hops)
        })
      }
      for (const [output, hops] of bare) {
        for (const row of await this.#gathering.spenders([output])) if (row.kind === 'utxo') spend(row, hops + 1)
      }
      for (const reached of fresh) {
        const { address, hops } = reached
        for (const row of histories.get(address)!) {
          const isMember = row.kind === 'utxo' && row.inputs.some((input) => input.address === address)
          if (byCluster && isMember) this.#reachPartners(walk, row, reached)
          if (!walk.maySpend(reached, row)) continue
          if (row.kind === 'account') this.#passOn(walk, row, new Map([[`${reached.asset}\n${address}`, hops + 1]]))
          else if (isMember && walk.isNew(row, hops + 1)) spend(row, hops + 1)
        }
      }
      bare = nextBare
    }
  }

  /** Whose inputs are spent together may be one hand, whatever the rule says in the end; a CoinJoin's are many. */
  #reachPartners(walk: BalanceWalk, row: UtxoTransaction, reached: Reached): void {
    if (!walk.isNew(row, reached.hops, 'partners') || classifyCoinJoin(row) !== undefined) return
    for (const { address } of row.inputs) {
      if (address !== null) walk.reachAs({ asset: NATIVE, address }, reached)
    }
  }

  /** Moves along one account transaction, in its order: value may pass through several hands within it. */
  #passOn(walk: BalanceWalk, row: Transaction, holding: Map<string, number>, after = -1): void {
    if (row.kind !== 'account' || row.status === 'failed') return
    for (const { index, asset, from, to, amount } of row.transfers) {
      const hops = holding.get(`${asset}\n${from}`)
      if (hops === undefined || index <= after || from === to || this.#isBeyond(row, hops)) continue
      if (!this.#waits(to, amount, row.time)) continue
      const key = `${asset}\n${to}`
      if (hops < (holding.get(key) ?? Number.POSITIVE_INFINITY)) holding.set(key, hops)
      walk.reach({ asset, address: to }, row, hops)
    }
  }

  /** The traced assets, and those whose symbol looks like that of one: their rows are listed as rejected. */
  #assetsToTell(assets: readonly Asset[]): readonly Asset[] {
    if (isUtxoChain(this.#chain)) return [NATIVE]
    const symbols = new Set<string>()
    for (const { asset, symbol } of this.#facts.assets) if (assets.includes(asset)) symbols.add(skeleton(symbol))
    const alike = this.#facts.assets.filter(({ symbol }) => symbols.has(skeleton(symbol))).map(({ asset }) => asset)
    return [...new Set([...assets, ...alike])].sort()
  }
}

/** The balances reached, and those of them that wait to be walked from. */
class BalanceWalk {
  readonly #utxo: boolean
  readonly #reached = new Map<string, Reached>()
  readonly #waiting = new Set<Reached>()
  /** For each transaction the fewest hops it was walked with: again with as many brings nothing. */
  readonly #walked = new Map<string, number>()

  constructor(utxo: boolean) {
    this.#utxo = utxo
  }

  get waiting(): number {
    return this.#waiting.size
  }

  reach(account: AccountRef, by: Transaction, hops: number): void {
    this.reachAs(account, { hops, height: by.height ?? -1, time: by.time })
  }

  reachAs({ asset, address }: AccountRef, { hops, height, time }: Pick<Reached, 'hops' | 'height' | 'time'>): void {
    const key = `${asset}\n${address}`
    const known = this.#reached.get(key)
    if (known === undefined) {
      const reached = { asset, address, hops, height, time }
      this.#reached.set(key, reached)
      this.#waiting.add(reached)
      return
    }
    if (known.hops <= hops && known.height <= height && known.time <= time) return
    known.hops = Math.min(known.hops, hops)
    known.height = Math.min(known.height, height)
    known.time = Math.min(known.time, time)
    this.#waiting.add(known)
  }

  take(): Reached[] {
    const taken = [...this.#waiting]
    this.#waiting.clear()
    return taken
  }

  /** Whether a transaction may stand behind the first arrival, by height or by time: which of them counts is not known here. */
  maySpend(reached: Reached, row: Transaction): boolean {
    return row.time >= reached.time || (row.height !== undefined && row.height >= reached.height)
  }

  /** Whether a UTXO transaction has not been walked with so few hops yet; one spends for all its inputs. */
  isNew(row: Transaction, hops: number, as = 'spend'): boolean {
    if (!this.#utxo) return true
    const key = `${as} ${row.id} ${row.height ?? ''}`
    const before = this.#walked.get(key)
    if (before !== undefined && before <= hops) return false
    this.#walked.set(key, hops)
    return true
  }
}

/** The first so many of transactions in chain order, told one by one: a heap whose top is the last of them. */
class Firsts {
  readonly #max: number
  readonly #heap: Transaction[] = []

  constructor(max: number) {
    this.#max = max
  }

  /** Takes note of a transaction; whether it is among the first of all told so far. */
  admits(row: Transaction): boolean {
    const heap = this.#heap
    if (this.#max === 0) return false
    if (heap.length < this.#max) {
      heap.push(row)
      for (let i = heap.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1
        if (coarse(heap[parent], heap[i]) >= 0) break
        ;[heap[parent], heap[i]] = [heap[i], heap[parent]]
        i = parent
      }
      return true
    }
    // Of those that tie, any may be first under an order that is assumed: they are admitted.
    if (coarse(row, heap[0]) > 0) return false
    heap[0] = row
    for (let i = 0; ; ) {
      let largest = i
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && coarse(heap[child], heap[largest]) > 0) largest = child
      }
      if (largest === i) return true
      ;[heap[largest], heap[i]] = [heap[i], heap[largest]]
      i = largest
    }
  }
}

/** Chain order as far as every way of ordering agrees on it: by height and index, or by time; else a tie. */
function coarse(a: Transaction, b: Transaction): number {
  if (a.height !== undefined && b.height !== undefined) {
    if (a.height !== b.height) return a.height - b.height
    return a.index !== undefined && b.index !== undefined ? a.index - b.index : 0
  }
  if (a.height === undefined && b.height === undefined) return a.time - b.time
  return comparePlaces(a, b)
}
