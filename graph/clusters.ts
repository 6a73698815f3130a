import { invariant } from './check.ts'
import { Column } from './columns.ts'
import type { Chain, Transaction, UtxoTransaction } from './ledger.ts'
import { type AddressHistory, CHANGE_RULES, type ChangeRuleName, changeOutput } from './rules/change.ts'
import { commonInputs, type Exclusion, inputAddresses } from './rules/common-input.ts'
import { TextNumbers, Texts } from './texts.ts'
import { UnionFind } from './union-find.ts'

/** Which rules may join addresses. Everything but common inputs is off unless named. */
export interface ClusterRules {
  readonly commonInput: boolean
  /** Named change rules combine by intersection (`changeOutput`). */
  readonly change: readonly ChangeRuleName[]
  /** Leave out transactions that might have two payers: PayJoins and Stonewalls. True unless said otherwise. */
  readonly guard?: boolean
}

export type LinkRule = 'commonInput' | 'change'

/**
 * How sure common inputs are taken to be, beside `CHANGE_RULES`: below GraphSense's certainty (100) of an output that
 * pays its own input. It orders evidence and is never multiplied.
 */
export const COMMON_INPUT_CONFIDENCE = 90

/** Two addresses one rule joins directly, with every transaction that does so, sorted by id. */
export interface Link {
  readonly from: string
  readonly to: string
  readonly rule: LinkRule
  /** The change rules that all agreed; empty for common inputs. */
  readonly changeRules: readonly ChangeRuleName[]
  readonly confidence: number
  readonly transactions: readonly string[]
}

/** Why two addresses are in one cluster: links end to end from one to the other, and the one to attack first. */
export interface Explanation {
  readonly cluster: string
  readonly links: readonly Link[]
  /** Least confidence; then fewest transactions; then first on the way. */
  readonly weakest: Link
}

/** A cluster with the links that hold it together: enough of them to join all members and not one more. */
export interface ClusterEvidence {
  readonly cluster: string
  readonly members: readonly string[]
  readonly forest: readonly Link[]
  /** How many transactions support the cluster in all, by rule. */
  readonly transactions: Readonly<Record<LinkRule, number>>
}

/** What a cluster falls into when something is unlinked. Parts of one address are listed too. */
export interface Split {
  readonly cluster: string
  readonly parts: readonly { readonly name: string; readonly members: readonly string[] }[]
}

/** A transaction whose inputs were not joined, and the shape that forbade it. */
export interface ExcludedTransaction {
  readonly transaction: string
  readonly reason: Exclusion
}

/** Text compared by code units, as everywhere in this product: no locale. */
function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Addresses in sets, each set listable from any member and named by its smallest text. */
class Partition {
  readonly #names: TextNumbers
  #sets = new UnionFind()
  /** The members of a set in a ring: each row is the next member. */
  #ring = new Column()
  /** At a set's root: the member whose text is smallest. */
  #smallest = new Column()

  constructor(names: TextNumbers) {
    this.#names = names
  }

  grow(size: number): void {
    this.#sets.grow(size)
    for (let member = this.#ring.length; member < size; member++) {
      this.#ring.push(member)
      this.#smallest.push(member)
    }
  }

  find(member: number): number {
    return this.#sets.find(member)
  }

  union(one: number, other: number): void {
    const first = this.#sets.find(one)
    const second = this.#sets.find(other)
    if (!this.#sets.union(first, second)) return
    const root = first < second ? first : second
    const a = this.#smallest.at(first)
    const b = this.#smallest.at(second)
    this.#smallest.set(root, this.#names.texts.compare(a, b) < 0 ? a : b)
    // Swapping the successors of one member of each makes one ring of two.
    const after = this.#ring.at(first)
    this.#ring.set(first, this.#ring.at(second))
    this.#ring.set(second, after)
  }

  nameOf(member: number): string {
    return this.#names.texts.at(this.#smallest.at(this.#sets.find(member)))
  }

  isSingle(member: number): boolean {
    return this.#ring.at(member) === member
  }

  /** All members of the set, sorted by text. */
  membersOf(member: number): number[] {
    const members = [member]
    for (let at = this.#ring.at(member); at !== member; at = this.#ring.at(at)) members.push(at)
    return members.sort((one, other) => this.#names.texts.compare(one, other))
  }

  /** One member of each set that has more than one. */
  *sets(): Generator<number> {
    for (let member = 0; member < this.#ring.length; member++) {
      if (this.#ring.at(member) !== member && this.#sets.find(member) === member) yield member
    }
  }

  clone(): Partition {
    const copy = new Partition(this.#names)
    copy.#sets = this.#sets.clone()
    copy.#ring = this.#ring.clone()
    copy.#smallest = this.#smallest.clone()
    return copy
  }
}

const NONE = 0xffff_ffff

/**
 * What rules said, transaction by transaction: each row joins two or more addresses. Nothing is thrown away when the
 * addresses were joined already, so every supporting transaction can be counted and named.
 */
class LinkRows {
  readonly transactions = new Texts()
  readonly #start = new Column()
  readonly #member = new Column()
  /** The row a slot belongs to, and the next slot of the same address. */
  readonly #row = new Column()
  readonly #next = new Column()
  readonly #head = new Column()

  get length(): number {
    return this.transactions.length
  }

  add(transaction: string, members: readonly number[]): void {
    const row = this.transactions.append(transaction)
    this.#start.push(this.#member.length)
    for (const member of members) {
      while (this.#head.length <= member) this.#head.push(NONE)
      const slot = this.#member.push(member)
      this.#row.push(row)
      this.#next.push(this.#head.at(member))
      this.#head.set(member, slot)
    }
  }

  membersOf(row: number): number[] {
    const end = row + 1 < this.#start.length ? this.#start.at(row + 1) : this.#member.length
    const members: number[] = []
    for (let slot = this.#start.at(row); slot < end; slot++) members.push(this.#member.at(slot))
    return members
  }

  /** Rows that join this address to others, last written first. */
  rowsOf(member: number): number[] {
    const rows: number[] = []
    if (member >= this.#head.length) return rows
    for (let slot = this.#head.at(member); slot !== NONE; slot = this.#next.at(slot)) rows.push(this.#row.at(slot))
    return rows
  }

  clear(): void {
    this.transactions.clear()
    for (const column of [this.#start, this.#member, this.#row, this.#next, this.#head]) column.clear()
  }
}

/** Chain order. What has no height stands after all that has one, by time and then id (DESIGN decision 2). */
function comparePlaces(one: UtxoTransaction, other: UtxoTransaction): number {
  const height = (one.height ?? Number.POSITIVE_INFINITY) - (other.height ?? Number.POSITIVE_INFINITY)
  if (height < 0 || height > 0) return height
  if (one.height !== undefined && one.index !== undefined && other.index !== undefined && one.index !== other.index) {
    return one.index - other.index
  }
  return one.time - other.time || byText(one.id, other.id)
}

/** What change rules need to know of each address. Kept as facts that do not depend on the order of arrival. */
class Appearances {
  readonly #first = new Map<string, UtxoTransaction>()
  readonly #received = new Map<string, string | true>()
  readonly #paid = new Map<string, string | true>()

  note(transaction: UtxoTransaction): void {
    for (const { address } of transaction.inputs) {
      if (address !== null) this.#see(address, transaction, this.#paid)
    }
    for (const { address } of transaction.outputs) {
      if (address !== null) this.#see(address, transaction, this.#received)
    }
  }

  #see(address: string, transaction: UtxoTransaction, side: Map<string, string | true>): void {
    const first = this.#first.get(address)
    if (first === undefined || comparePlaces(transaction, first) < 0) this.#first.set(address, transaction)
    // BIP 30: two coinbases may share an id, so the height goes along. The same transaction again changes nothing.
    const key = `${transaction.id}@${transaction.height ?? ''}`
    const known = side.get(address)
    if (known === undefined) side.set(address, key)
    else if (known !== key) side.set(address, true)
  }

  seenBefore(address: string, transaction: UtxoTransaction): boolean {
    const first = this.#first.get(address)
    return first !== undefined && comparePlaces(first, transaction) < 0
  }

  reused(address: string): boolean {
    return this.#received.get(address) === true || this.#paid.get(address) === true
  }
}

function isStruck({ transactions }: LinkRows, row: number, { transaction }: Unlinked): boolean {
  return transaction !== undefined && transactions.is(row, transaction)
}

/** Which link, of which rule. */
interface Row {
  readonly links: LinkRows
  readonly row: number
}

/** What to leave out when asking what would change. */
export interface Unlinked {
  readonly rule?: 'commonInput' | ChangeRuleName
  readonly transaction?: string
}

/**
 * Addresses of one UTXO chain under one hand, as deterministic rules say, with the transactions that say so. Structure
 * only: who the hand belongs to is a tag's claim about one address and stays there.
 *
 * The same transactions give the same clusters, explanations and splits, in whatever blocks and order they were added.
 * Common inputs join at once, since a later block can only join more. Change rules ask what came *earlier in the chain* and
 * whether an address was used again, which a block may still alter; so their conclusions are drawn anew from the facts
 * (first place in chain order, use by more than one transaction) at the first question after a block, and a conclusion
 * that no longer stands is gone. A cluster of one address is not stored.
 */
export class Clusters {
  readonly #rules: ClusterRules
  readonly #names = new TextNumbers()
  readonly #inputLinks = new LinkRows()
  readonly #changeLinks = new LinkRows()
  /** By common inputs alone. */
  readonly #base: Partition = new Partition(this.#names)
  #full: Partition = this.#base
  #chain: Chain | undefined
  readonly #excludedIds = new Texts()
  readonly #excludedReasons: Exclusion[] = []
  /** Only with change rules. */
  readonly #appearances = new Appearances()
  readonly #candidates: UtxoTransaction[] = []
  #concluded: UtxoTransaction[] = []
  #stale = false

  constructor(rules: ClusterRules) {
    this.#rules = { ...rules, guard: rules.guard ?? true }
  }

  /** The rules as a report prints them, the guard's default written out. */
  get rules(): ClusterRules {
    return this.#rules
  }

  /** How much is kept: addresses that some rule joined, and the transactions that joined them (repeats counted). */
  get size(): { readonly addresses: number; readonly transactions: number } {
    this.#settle()
    return {
      addresses: this.#names.size,
      transactions: this.#inputLinks.length + this.#changeLinks.length,
    }
  }

  /** Adds a block's transactions, or any batch. Account-chain transactions join nothing; a second UTXO chain is our mistake. */
  addBlock(transactions: readonly Transaction[]): void {
    for (const transaction of transactions) {
      if (transaction.kind !== 'utxo') continue
      this.#chain ??= transaction.chain
      if (this.#chain !== transaction.chain) {
        invariant(false, `clusters of ${this.#chain} were given ${transaction.id} of ${transaction.chain}`)
      }
      this.#add(transaction)
    }
  }

  #add(transaction: UtxoTransaction): void {
    if (this.#rules.change.length > 0) {
      this.#appearances.note(transaction)
      if (!transaction.coinbase && transaction.outputs.length > 1) this.#candidates.push(transaction)
      this.#stale = true
    }
    if (!this.#rules.commonInput) return
    const verdict = commonInputs(transaction, this.#rules.guard ?? true)
    if (verdict === undefined) return
    if (verdict.joined === undefined) {
      this.#excludedIds.append(transaction.id)
      this.#excludedReasons.push(verdict.excluded)
      return
    }
    this.#join(this.#base, this.#inputLinks, transaction.id, verdict.joined)
  }

  #join(partition: Partition, links: LinkRows, transaction: string, addresses: readonly string[]): void {
    const members = addresses.map((address) => this.#names.intern(address))
    partition.grow(this.#names.size)
    links.add(transaction, members)
    for (let at = 1; at < members.length; at++) partition.union(members[0], members[at])
  }

  /** Draws the change conclusions anew if a block came since they were last asked for. */
  #settle(): void {
    if (!this.#stale) return
    this.#stale = false
    const history = this.#history(this.#base)
    this.#changeLinks.clear()
    this.#concluded = []
    this.#full = this.#base.clone()
    for (const transaction of this.#candidates) {
      const pair = this.#changePair(transaction, this.#rules.commonInput, this.#rules.change, history)
      if (pair === undefined) continue
      this.#join(this.#full, this.#changeLinks, transaction.id, pair)
      this.#concluded.push(transaction)
    }
    this.#base.grow(this.#names.size)
    this.#full.grow(this.#names.size)
  }

  #history(base: Partition): AddressHistory {
    return {
      seenBefore: (address, transaction) => this.#appearances.seenBefore(address, transaction),
      reused: (address) => this.#appearances.reused(address),
      spentTogether: (one, other) => {
        const first = this.#names.find(one)
        const second = this.#names.find(other)
        return first !== undefined && second !== undefined && base.find(first) === base.find(second)
      },
    }
  }

  /**
   * The payer and its change, where the rules conclude. Several paying addresses count as one payer only if common
   * inputs say so; of a CoinJoin's payers nobody knows whose the change is.
   */
  #changePair(
    transaction: UtxoTransaction,
    commonInput: boolean,
    rules: readonly ChangeRuleName[],
    history: AddressHistory,
  ): readonly [string, string] | undefined {
    const index = changeOutput(transaction, rules, history)
    if (index === undefined) return undefined
    const change = transaction.outputs[index].address
    const payers = inputAddresses(transaction)
    if (change === null || payers.length === 0 || payers.includes(change)) return undefined
    if (payers.length > 1) {
      if (!commonInput || !commonInputs(transaction, this.#rules.guard ?? true)?.joined) return undefined
    }
    return [payers[0], change]
  }

  #find(address: string): number | undefined {
    this.#settle()
    const member = this.#names.find(address)
    return member === undefined || this.#full.isSingle(member) ? undefined : member
  }

  /** The name of the address's cluster: its smallest member by code units. Undefined: no rule joins it to any other. */
  clusterOf(address: string): string | undefined {
    const member = this.#find(address)
    return member === undefined ? undefined : this.#full.nameOf(member)
  }

  /** All addresses of the cluster that holds this one (a cluster's name is one of them), sorted; just itself where it has none. */
  members(address: string): readonly string[] {
    const member = this.#find(address)
    return member === undefined ? [address] : this.#texts(this.#full.membersOf(member))
  }

  /** Every cluster of two or more: its name and its members, sorted by name. */
  list(): { readonly name: string; readonly members: readonly string[] }[] {
    this.#settle()
    const clusters = [...this.#full.sets()].map((member) => {
      const members = this.#texts(this.#full.membersOf(member))
      return { name: members[0], members }
    })
    return clusters.sort((one, other) => byText(one.name, other.name))
  }

  /** Transactions with several paying addresses that joined none, sorted by id. */
  excluded(): ExcludedTransaction[] {
    const reasons = new Map<string, Exclusion>()
    for (let at = 0; at < this.#excludedIds.length; at++)
      reasons.set(this.#excludedIds.at(at), this.#excludedReasons[at])
    return [...reasons]
      .map(([transaction, reason]) => ({ transaction, reason }))
      .sort((one, other) => byText(one.transaction, other.transaction))
  }

  /**
   * The chain of links that makes two addresses one cluster. Of all chains it is one whose least confident rule is as
   * confident as can be, and of those a shortest; ties go to the smallest texts. Undefined: they are not in one cluster.
   */
  explain(one: string, other: string): Explanation | undefined {
    const from = this.#find(one)
    const to = this.#find(other)
    if (from === undefined || to === undefined || from === to) return undefined
    if (this.#full.find(from) !== this.#full.find(to)) return undefined
    const levels = [this.#inputLinks, this.#changeLinks]
      .filter((links) => links.length > 0)
      .map((links) => this.#confidenceOf(links))
      .sort((low, high) => high - low)
    for (const level of levels) {
      const way = this.#shortestWay(from, to, level)
      if (way === undefined) continue
      const links = way.slice(1).map((step, at) => this.#linkBetween(way[at].member, step.member, step.links!))
      let weakest = links[0]
      for (const link of links) {
        const weaker = link.confidence - weakest.confidence || link.transactions.length - weakest.transactions.length
        if (weaker < 0) weakest = link
      }
      return { cluster: this.#full.nameOf(from), links, weakest }
    }
    invariant(false, `${one} and ${other} are in one cluster and no links join them`)
  }

  /** Breadth first over addresses and the rows that join them, by rules of at least this confidence. */
  #shortestWay(from: number, to: number, confidence: number): { member: number; links?: LinkRows }[] | undefined {
    const { texts } = this.#names
    const reachedBy = new Map<number, { from: number; links: LinkRows } | undefined>([[from, undefined]])
    const used = new Map<LinkRows, Set<number>>()
    let frontier = [from]
    while (frontier.length > 0 && !reachedBy.has(to)) {
      const reached: number[] = []
      for (const member of frontier) {
        for (const { links, row } of this.#rowsOf(member)) {
          if (this.#confidenceOf(links) < confidence) continue
          let rows = used.get(links)
          if (rows === undefined) used.set(links, (rows = new Set()))
          if (rows.has(row)) continue
          rows.add(row)
          for (const next of links.membersOf(row)) {
            if (reachedBy.has(next)) continue
            reachedBy.set(next, { from: member, links })
            reached.push(next)
          }
        }
      }
      frontier = reached.sort((a, b) => texts.compare(a, b))
    }
    if (!reachedBy.has(to)) return undefined
    const way: { member: number; links?: LinkRows }[] = []
    for (let at = to; ; ) {
      const step = reachedBy.get(at)
      if (step === undefined) {
        way.push({ member: at })
        return way.reverse()
      }
      way.push({ member: at, links: step.links })
      at = step.from
    }
  }

  /** Rows about an address: the more confident rule first. */
  #rowsOf(member: number): Row[] {
    return this.#linksByConfidence().flatMap((links) => links.rowsOf(member).map((row) => ({ links, row })))
  }

  #linksByConfidence(): LinkRows[] {
    const both = [this.#inputLinks, this.#changeLinks]
    return this.#confidenceOf(both[0]) < this.#confidenceOf(both[1]) ? both.reverse() : both
  }

  /** Rules that agree are as sure as the surest of them: each can only rule out more. */
  #confidenceOf(links: LinkRows): number {
    if (links === this.#inputLinks) return COMMON_INPUT_CONFIDENCE
    return Math.max(0, ...this.#rules.change.map((name) => CHANGE_RULES[name].confidence))
  }

  #linkBetween(one: number, other: number, links: LinkRows): Link {
    const rows = new Set(links.rowsOf(one))
    const shared = links.rowsOf(other).filter((row) => rows.has(row))
    const { texts } = this.#names
    return {
      from: texts.at(one),
      to: texts.at(other),
      rule: links === this.#inputLinks ? 'commonInput' : 'change',
      changeRules: links === this.#inputLinks ? [] : this.#rules.change,
      confidence: this.#confidenceOf(links),
      transactions: [...new Set(shared.map((row) => links.transactions.at(row)))].sort(byText),
    }
  }

  /** What holds a cluster together: the most confident links first, then by transaction id, each only where it joins two parts. */
  evidence(address: string): ClusterEvidence | undefined {
    const start = this.#find(address)
    if (start === undefined) return undefined
    const members = this.#full.membersOf(start)
    const { texts } = this.#names
    const place = new Map(members.map((member, at) => [member, at]))
    const sets = new UnionFind(members.length)
    const forest: Link[] = []
    const transactions = { commonInput: 0, change: 0 }
    for (const links of this.#linksByConfidence()) {
      const rows = [...new Set(members.flatMap((member) => links.rowsOf(member)))]
      rows.sort((a, b) => links.transactions.compare(a, b))
      transactions[links === this.#inputLinks ? 'commonInput' : 'change'] = new Set(
        rows.map((row) => links.transactions.at(row)),
      ).size
      for (const row of rows) {
        const [first, ...rest] = links.membersOf(row).sort((a, b) => texts.compare(a, b))
        for (const next of rest) {
          if (sets.union(place.get(first)!, place.get(next)!)) forest.push(this.#linkBetween(first, next, links))
        }
      }
    }
    invariant(forest.length === members.length - 1, `the links of ${address} do not hold its cluster together`)
    return { cluster: texts.at(members[0]), members: this.#texts(members), forest, transactions }
  }

  /**
   * What would fall apart if one rule or one transaction were struck: the clusters that split, each with its parts. A change
   * conclusion stands on all the rules named for it; with one of them struck it is kept only if the others conclude the
   * same, and no new conclusion is drawn. Changes nothing.
   */
  without(unlinked: Unlinked): Split[] {
    this.#settle()
    const base = this.#baseWithout(unlinked)
    const full = base.clone()
    const commonInput = this.#rules.commonInput && unlinked.rule !== 'commonInput'
    const rules = this.#rules.change.filter((name) => name !== unlinked.rule)
    const history = this.#history(base)
    for (let row = 0; row < this.#changeLinks.length; row++) {
      if (isStruck(this.#changeLinks, row, unlinked)) continue
      const [payer, change] = this.#changeLinks.membersOf(row)
      const pair = this.#changePair(this.#concluded[row], commonInput, rules, history)
      if (pair === undefined) continue
      invariant(pair[1] === this.#names.texts.at(change), `striking a rule drew a new conclusion from ${pair[1]}`)
      full.union(payer, change)
    }
    const splits: Split[] = []
    for (const start of this.#full.sets()) {
      const members = this.#full.membersOf(start)
      const parts = new Map<number, number[]>()
      for (const member of members) {
        const root = full.find(member)
        const part = parts.get(root)
        if (part) part.push(member)
        else parts.set(root, [member])
      }
      if (parts.size === 1) continue
      splits.push({
        cluster: this.#names.texts.at(members[0]),
        // Members come sorted, so parts are in the order of their smallest and named by it.
        parts: [...parts.values()].map((part) => ({ name: this.#names.texts.at(part[0]), members: this.#texts(part) })),
      })
    }
    return splits.sort((one, other) => byText(one.cluster, other.cluster))
  }

  #baseWithout(unlinked: Unlinked): Partition {
    const base = new Partition(this.#names)
    base.grow(this.#names.size)
    if (unlinked.rule === 'commonInput') return base
    for (let row = 0; row < this.#inputLinks.length; row++) {
      if (isStruck(this.#inputLinks, row, unlinked)) continue
      const [first, ...rest] = this.#inputLinks.membersOf(row)
      for (const next of rest) base.union(first, next)
    }
    return base
  }

  #texts(members: readonly number[]): string[] {
    return members.map((member) => this.#names.texts.at(member))
  }
}

/** The clusters that these transactions and rules make. One UTXO chain at a time. */
export function clusterAddresses(transactions: readonly Transaction[], rules: ClusterRules): Clusters {
  const clusters = new Clusters(rules)
  clusters.addBlock(transactions)
  return clusters
}
