import type { Chain, Transaction } from '../../graph/index.ts'
import { invariant, ZERO } from '../../graph/index.ts'
import type {
  AccountRef,
  ChainFacts,
  ChainStore,
  EntryPage,
  LedgerBatch,
  OutputRef,
  Place,
  Snapshot,
  StoreOptions,
} from './chain-store.ts'
import { comparePlaces, isVisible } from './chain-store.ts'
import {
  accountKey,
  type Block,
  blockTime,
  checkSnapshot,
  compareText,
  emptyFacts,
  type FactBook,
  factsInOrder,
  outputKey,
  touchesOf,
} from './rules.ts'
import { type Change, type Held, weighBatch } from './weigh.ts'

/** What one chain holds. Histories are sorted when first read after a change. */
interface ChainMemory {
  /** By id; two only where BIP-30 let two coinbases share one, oldest first. */
  readonly transactions: Map<string, Transaction[]>
  /** By output key, the id of the spender. */
  readonly spenders: Map<string, string>
  /** By account key, every transaction that names the account. */
  readonly histories: Map<string, Transaction[]>
  /** By address, its assets. */
  readonly assetsOf: Map<string, Set<string>>
  readonly blocks: Map<number, Block>
  readonly facts: FactBook
  /** The latest time of a transaction without a height; −1: there is none. */
  latestUnplaced: number
  /** Account keys whose history is not in order. */
  readonly unsorted: Set<string>
}

/** The chain store of dumps and tests: everything in maps, nothing kept after it closes. */
export class MemoryStore implements ChainStore {
  readonly #chains = new Map<Chain, ChainMemory>()
  readonly #finalityDepth: (chain: Chain) => number
  readonly #held: Held = {
    transactions: (chain, id) => this.#chains.get(chain)?.transactions.get(id) ?? [],
    spender: (chain, id, output) => this.#chains.get(chain)?.spenders.get(outputKey(id, output)),
    block: (chain, height) => this.#chains.get(chain)?.blocks.get(height),
    asset: (chain, asset) => this.#chains.get(chain)?.facts.assets.get(asset),
    opening: (chain, asset, address) => this.#chains.get(chain)?.facts.openings.get(accountKey(asset, address)),
  }

  constructor(options: StoreOptions = {}) {
    this.#finalityDepth = options.finalityDepth ?? (() => 0)
  }

  async chains(): Promise<readonly Chain[]> {
    return [...this.#chains.keys()].sort(compareText)
  }

  async snapshot(chain: Chain): Promise<Snapshot | undefined> {
    const memory = this.#chains.get(chain)
    if (memory === undefined) return undefined
    const finalityDepth = this.#finalityDepth(chain)
    let tip = -1
    for (const height of memory.blocks.keys()) if (height > tip) tip = height
    let height = -1
    for (const each of memory.blocks.keys()) if (each <= tip - finalityDepth && each > height) height = each
    const block = memory.blocks.get(height)
    if (block === undefined) {
      return tip >= 0 || memory.latestUnplaced < 0
        ? undefined
        : { chain, height: undefined, blockHash: undefined, time: memory.latestUnplaced, finalityDepth }
    }
    return {
      chain,
      height,
      blockHash: block.hash,
      time: Math.max(memory.latestUnplaced, blockTime(block)),
      finalityDepth,
    }
  }

  async transactions(chain: Chain, ids: readonly string[], at: Snapshot): Promise<readonly (readonly Transaction[])[]> {
    const memory = this.#read(chain, at)
    return ids.map((id) => (memory?.transactions.get(id) ?? []).filter((each) => isVisible(each, at)))
  }

  async spendersOf(
    chain: Chain,
    outputs: readonly OutputRef[],
    at: Snapshot,
  ): Promise<readonly (string | undefined)[]> {
    const memory = this.#read(chain, at)
    return outputs.map(({ transaction, output }) => {
      const spender = memory?.spenders.get(outputKey(transaction, output))
      if (memory === undefined || spender === undefined) return undefined
      return memory.transactions.get(spender)?.some((each) => isVisible(each, at)) ? spender : undefined
    })
  }

  async entriesOf(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly from?: Place | undefined })[],
    limit: number,
    at: Snapshot,
  ): Promise<readonly EntryPage[]> {
    invariant(Number.isSafeInteger(limit) && limit > 0, `a page of ${limit} transactions`)
    const memory = this.#read(chain, at)
    return accounts.map(({ asset, address, from }) => {
      const history = historyOf(memory, accountKey(asset, address))
      const page: Transaction[] = []
      for (let i = from === undefined ? 0 : firstFrom(history, from); i < history.length; i++) {
        if (!isVisible(history[i], at)) continue
        if (page.length === limit) return { transactions: page, next: history[i] }
        page.push(history[i])
      }
      return { transactions: page, next: undefined }
    })
  }

  async outputsOf(
    chain: Chain,
    addresses: readonly string[],
    window: { readonly from: number | undefined; readonly until: number | undefined },
    at: Snapshot,
  ): Promise<readonly (readonly Transaction[])[]> {
    const memory = this.#read(chain, at)
    return addresses.map((address) => {
      const paying = new Set<Transaction>()
      for (const asset of memory?.assetsOf.get(address) ?? []) {
        for (const each of historyOf(memory, accountKey(asset, address))) {
          if (window.from !== undefined && each.time < window.from) continue
          if (window.until !== undefined && each.time > window.until) continue
          if (!isVisible(each, at)) continue
          if (touchesOf(each).some((touch) => touch.address === address && touch.taken > ZERO)) paying.add(each)
        }
      }
      return [...paying].sort(comparePlaces)
    })
  }

  async balanceBefore(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly before: Place })[],
    at: Snapshot,
  ): Promise<readonly bigint[]> {
    const memory = this.#read(chain, at)
    return accounts.map(({ asset, address, before }) => {
      const key = accountKey(asset, address)
      const history = historyOf(memory, key)
      let balance = memory?.facts.openings.get(key)?.amount ?? ZERO
      const end = firstFrom(history, before)
      for (let i = 0; i < end; i++) {
        if (!isVisible(history[i], at)) continue
        for (const touch of touchesOf(history[i])) {
          if (touch.asset === asset && touch.address === address) balance += touch.taken - touch.given
        }
      }
      return balance
    })
  }

  async blockHashes(chain: Chain, heights: readonly number[]): Promise<readonly (string | undefined)[]> {
    const memory = this.#chains.get(chain)
    return heights.map((height) => memory?.blocks.get(height)?.hash)
  }

  async last(chain: Chain, at: Snapshot): Promise<readonly Transaction[]> {
    const memory = this.#read(chain, at)
    let placed: Transaction[] = []
    let unplaced: Transaction[] = []
    for (const rows of memory?.transactions.values() ?? []) {
      for (const row of rows) {
        if (!isVisible(row, at)) continue
        const { height, time } = row
        if (height === undefined) {
          if (unplaced.length === 0 || time > unplaced[0].time) unplaced = [row]
          else if (time === unplaced[0].time) unplaced.push(row)
        } else if (placed.length === 0 || height > placed[0].height!) placed = [row]
        else if (height === placed[0].height) placed.push(row)
      }
    }
    return [...placed, ...unplaced].sort(comparePlaces)
  }

  async facts(chain: Chain): Promise<ChainFacts> {
    return factsInOrder(chain, this.#chains.get(chain)?.facts ?? emptyFacts())
  }

  async append(batch: LedgerBatch): Promise<void> {
    // Everything is held against the store first; only then is anything written.
    for (const [chain, change] of weighBatch(batch, this.#held)) this.#apply(chain, change)
  }

  async load(
    batches: AsyncIterable<LedgerBatch> | Iterable<LedgerBatch>,
    onKept: (transactions: number) => void = () => {},
  ): Promise<void> {
    let count = 0
    for await (const batch of batches) {
      await this.append(batch)
      onKept((count += batch.transactions.length))
    }
  }

  async rollback(chain: Chain, height: number): Promise<void> {
    const memory = this.#chains.get(chain)
    if (memory === undefined) return
    const isAbove = (each: Transaction) => each.height !== undefined && each.height > height
    for (const [id, rows] of memory.transactions) {
      if (!rows.some(isAbove)) continue
      const kept = rows.filter((each) => !isAbove(each))
      if (kept.length > 0) memory.transactions.set(id, kept)
      else memory.transactions.delete(id)
    }
    for (const [output, spender] of memory.spenders) {
      if (!memory.transactions.has(spender)) memory.spenders.delete(output)
    }
    for (const [account, history] of memory.histories) {
      if (history.some(isAbove)) {
        memory.histories.set(
          account,
          history.filter((each) => !isAbove(each)),
        )
      }
    }
    for (const each of memory.blocks.keys()) if (each > height) memory.blocks.delete(each)
  }

  async close(): Promise<void> {
    this.#chains.clear()
  }

  #read(chain: Chain, at: Snapshot): ChainMemory | undefined {
    invariant(at.chain === chain, `a snapshot of ${at.chain} asked about ${chain}`)
    const memory = this.#chains.get(chain)
    if (at.height !== undefined) checkSnapshot(at, memory?.blocks.get(at.height)?.hash)
    return memory
  }

  #apply(chain: Chain, change: Change): void {
    let memory = this.#chains.get(chain)
    if (memory === undefined) {
      memory = {
        transactions: new Map(),
        spenders: new Map(),
        histories: new Map(),
        assetsOf: new Map(),
        blocks: new Map(),
        facts: emptyFacts(),
        latestUnplaced: -1,
        unsorted: new Set(),
      }
      this.#chains.set(chain, memory)
    }
    for (const row of change.added) {
      const rows = memory.transactions.get(row.id)
      if (rows === undefined) memory.transactions.set(row.id, [row])
      else rows.splice(firstFrom(rows, row), 0, row)
      this.#enter(memory, row)
      if (row.height === undefined && row.time > memory.latestUnplaced) memory.latestUnplaced = row.time
    }
    for (const { before, after } of change.replaced) {
      const rows = memory.transactions.get(before.id)!
      rows[rows.indexOf(before)] = after
      for (const { asset, address } of touchesOf(before)) {
        const key = accountKey(asset, address)
        historyOf(memory, key)
        const history = memory.histories.get(key)!
        history[firstFrom(history, before)] = after
      }
    }
    for (const [output, { spender }] of change.spenders) memory.spenders.set(output, spender)
    for (const [height, block] of change.blocks) memory.blocks.set(height, block)
    for (const [asset, fact] of change.facts.assets) memory.facts.assets.set(asset, fact)
    for (const [account, opening] of change.facts.openings) memory.facts.openings.set(account, opening)
    for (const address of change.facts.covered) memory.facts.covered.add(address)
    memory.facts.coversAll ||= change.facts.coversAll
  }

  #enter(memory: ChainMemory, row: Transaction): void {
    for (const { asset, address } of touchesOf(row)) {
      const key = accountKey(asset, address)
      let history = memory.histories.get(key)
      if (history === undefined) {
        memory.histories.set(key, (history = []))
        const assets = memory.assetsOf.get(address)
        if (assets === undefined) memory.assetsOf.set(address, new Set([asset]))
        else assets.add(asset)
      }
      if (history.length > 0 && comparePlaces(history[history.length - 1], row) > 0) memory.unsorted.add(key)
      history.push(row)
    }
  }
}

/** An account's transactions in chain order. */
function historyOf(memory: ChainMemory | undefined, account: string): readonly Transaction[] {
  const history = memory?.histories.get(account) ?? []
  if (memory?.unsorted.delete(account)) history.sort(comparePlaces)
  return history
}

/** The index of the first transaction at or after a place. */
function firstFrom(history: readonly Transaction[], from: Place): number {
  let low = 0
  let high = history.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (comparePlaces(history[middle], from) < 0) low = middle + 1
    else high = middle
  }
  return low
}
