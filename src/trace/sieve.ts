import {
  type AccountTransaction,
  type Chain,
  isUtxoChain,
  NATIVE,
  type Transaction,
  type UtxoTransaction,
  ZERO_ADDRESSES,
} from '../../graph/index.ts'
import type { LedgerLine } from '../chains/dump/decode.ts'
import { stopOfCategory } from '../tags/categories.ts'
import type { TagBook } from '../tags/tag.ts'
import { GrowingColumn, hashText, orderByKey, PairNumbers } from './columns.ts'
import type { ChainLedger } from './ledger.ts'
import type { AddressSeed, PaymentSeed, TraceRequest } from './request.ts'

/** What a line was noted as: never wanted, always wanted, or (from 2 on) wanted where transaction `mark - 2` is. */
export type Mark = number
const NEVER = 0
const ALWAYS = 1

/** What a sieve decided. */
export interface Sifted {
  /** How each sifted chain is ordered as a whole; chains that are kept whole are not in it. */
  readonly orders: ReadonlyMap<Chain, ChainLedger['order']>
  readonly wants: (mark: Mark) => boolean
  /** Different transactions seen on sifted chains, and how many of them are wanted. */
  readonly seen: number
  readonly wanted: number
}

/** Of a row: value passes from one node to the other once the first is reached … */
const MOVES = 1
/** … or in any case: a seed's own payment. */
const SEEDED = 2
/** A UTXO transaction spends output `detail` of another; a row between two transactions. */
const SPEND = 4

/** Of a transaction: its own line was seen, not only its name; what its lines say; it is wanted in any case; two share the id. */
const SEEN = 1
const HEIGHT = 2
const INDEX = 4
const COINBASE = 8
const KEPT = 16
const TWINS = 32

interface ChainPlan {
  readonly number: number
  readonly utxo: boolean
  readonly byOutput: boolean
  readonly byAddress: boolean
  readonly payments: ReadonlyMap<string, readonly PaymentSeed[]>
  readonly receivers: ReadonlyMap<string, readonly AddressSeed[]>
}

/**
 * Finds, in one pass over a ledger's lines, which of them a trace can need, and holds a few numbers a line to do so: no
 * text, no object. What it wants is never too little: whatever `compileLedger`, the rejected rows, the deposit rule and the
 * snapshot read is in it, so that the report is the same, byte for byte, as from the whole ledger.
 *
 * A seed's payment reaches its payee; in the ledger's order, whoever is reached reaches whom it pays, but for a payee whose
 * tag stops the trace at that time. Wanted is every transaction that names a reached address, or (pool `output`) spends a
 * reached output; for the deposit rule also the history of those named there who ever pay a tagged service; and the last
 * transactions of each chain. Names are known by 64-bit hashes: where two fall together, more is wanted and not less.
 * Where one transaction is told with two times or heights, everything is wanted, and settling the ledger says what is wrong.
 *
 * Chains on which structure hangs on the whole ledger are kept whole: UTXO chains by pool `cluster`, and UTXO chains under
 * the rule `depositSweep` where a service is tagged. What contradicts itself in lines that are not wanted stays unseen.
 */
export class Sieve {
  readonly #request: TraceRequest
  readonly #book: TagBook
  readonly #plans = new Map<Chain, ChainPlan | 'whole'>()
  readonly #planOf: ChainPlan[] = []
  readonly #chains: Chain[] = []
  /** Numbers of transactions (also of those only named by spends) and of addresses. */
  readonly #ids = new PairNumbers()
  readonly #addresses = new PairNumbers()
  /** By transaction. */
  readonly #time = new GrowingColumn(Float64Array)
  readonly #height = new GrowingColumn(Uint32Array)
  readonly #facts = new GrowingColumn(Uint8Array)
  readonly #chainOf = new GrowingColumn(Uint8Array)
  /** By address: whether it ever pays a tagged service. */
  readonly #paysService = new GrowingColumn(Uint8Array)
  /** By row. A node is twice the number of an address, or twice that of a transaction and one. */
  readonly #from = new GrowingColumn(Uint32Array)
  readonly #to = new GrowingColumn(Uint32Array)
  readonly #transaction = new GrowingColumn(Uint32Array)
  /** The output spent, or a hash of the asset moved. */
  readonly #detail = new GrowingColumn(Uint32Array)
  readonly #flags = new GrowingColumn(Uint8Array)
  readonly #tracedAssets = new Set<number>()
  /** Outputs (transaction, index) that leave the trace, and those that are seeded. */
  readonly #stoppedOutputs = new PairNumbers()
  readonly #seededOutputs = new PairNumbers()
  #contradicts = false

  constructor(request: TraceRequest, book: TagBook) {
    this.#request = request
    this.#book = book
    for (const [chain, kinds] of Object.entries(request.pool)) {
      const utxo = isUtxoChain(chain)
      const hangsTogether =
        utxo &&
        (kinds.includes('cluster') ||
          (request.rules.depositSweep &&
            book.all.some((tag) => tag.chain === chain && stopOfCategory(tag.category) === 'service')))
      // A byte a transaction holds its chain's number; who asks for more chains gets them whole.
      if (hangsTogether || this.#planOf.length === 256) {
        this.#plans.set(chain, 'whole')
        continue
      }
      const seeds = request.seeds.filter((seed) => seed.chain === chain)
      const payments = seeds.filter((seed) => seed.kind === 'payment')
      const plan: ChainPlan = {
        number: this.#planOf.length,
        utxo,
        byOutput: utxo && kinds.includes('output'),
        byAddress: utxo && kinds.includes('address'),
        payments: grouped([
          ...payments.map((seed) => [seed.transaction, seed] as const),
          ...payments.map((seed) => [seed.transaction.toLowerCase(), seed] as const),
        ]),
        receivers: grouped(seeds.flatMap((seed) => (seed.kind === 'address' ? [[seed.address, seed] as const] : []))),
      }
      this.#plans.set(chain, plan)
      this.#planOf.push(plan)
      this.#chains.push(chain)
    }
  }

  /** Whether any chain of the request can be sifted at all. */
  get canSift(): boolean {
    return this.#planOf.length > 0
  }

  /** Notes a line, and answers with the mark to ask `wants` by once all lines are noted. */
  note(line: LedgerLine): Mark {
    if (line.kind !== 'transaction') return this.#plans.has(chainOf(line)) ? ALWAYS : NEVER
    const { transaction } = line
    const plan = this.#plans.get(transaction.chain)
    if (plan === undefined) return NEVER
    if (plan === 'whole' || this.#contradicts) return ALWAYS
    const number = this.#place(transaction, plan)
    const payments = plan.payments.get(transaction.id)
    if (payments !== undefined) this.#keep(number)
    if (transaction.kind === 'utxo') this.#noteUtxo(transaction, number, plan, payments)
    else this.#noteAccount(transaction, number, plan, payments)
    return number + 2
  }

  #place(transaction: Transaction, plan: ChainPlan): number {
    const { id, time, height, index } = transaction
    const number = this.#numberOfId(id, plan)
    const coinbase = transaction.kind === 'utxo' && transaction.coinbase
    const before = this.#facts.cells[number]
    let facts =
      before |
      SEEN |
      (height === undefined ? 0 : HEIGHT) |
      (index === undefined ? 0 : INDEX) |
      (coinbase ? COINBASE : 0)
    const knownHeight = (before & HEIGHT) === 0 ? undefined : this.#height.cells[number]
    const sameHeight = height === undefined || knownHeight === undefined || height === knownHeight
    if ((before & SEEN) === 0) {
      this.#time.cells[number] = time
      if (height !== undefined) this.#height.cells[number] = height
    } else if ((before & TWINS) !== 0 || (coinbase && (before & COINBASE) !== 0 && !sameHeight)) {
      // BIP-30: two coinbases with one id. Both are kept, and stand where the first does.
      facts |= TWINS | KEPT
      if (!coinbase || index === undefined || (before & INDEX) === 0) this.#contradicts = true
      if (time < this.#time.cells[number]) this.#time.cells[number] = time
      if (height !== undefined && height < this.#height.cells[number]) this.#height.cells[number] = height
    } else if (!sameHeight || time !== this.#time.cells[number]) {
      this.#contradicts = true
    } else if (height !== undefined) {
      this.#height.cells[number] = height
    }
    this.#facts.cells[number] = facts
    return number
  }

  #numberOfId(id: string, plan: ChainPlan): number {
    const [high, low] = hashText(id, plan.number)
    const number = this.#ids.numberOf(high, low)
    if (number === this.#facts.length) {
      this.#facts.push(0)
      this.#time.push(0)
      this.#height.push(0)
      this.#chainOf.push(plan.number)
    }
    return number
  }

  #nodeOfAddress(address: string, plan: ChainPlan): number {
    const [high, low] = hashText(address, plan.number)
    return this.#addresses.numberOf(high, low) * 2
  }

  #keep(number: number): void {
    this.#facts.cells[number] |= KEPT
  }

  #row(from: number, to: number, transaction: number, detail: number, flags: number): void {
    this.#from.push(from)
    this.#to.push(to)
    this.#transaction.push(transaction)
    this.#detail.push(detail)
    this.#flags.push(flags)
  }

  #noteAccount(
    { chain, time, status, transfers, fee }: AccountTransaction,
    number: number,
    plan: ChainPlan,
    payments: readonly PaymentSeed[] | undefined,
  ): void {
    let payerNamed = false
    for (const { index, asset, from, to, amount } of transfers) {
      const payer = this.#nodeOfAddress(from, plan)
      const [, token] = hashText(asset, plan.number)
      let flags = 0
      if (status === 'success' && amount > 0n) {
        const stop = this.#book.stopAt(chain, to, time)?.sink
        if (stop === undefined && !ZERO_ADDRESSES.has(to)) flags |= MOVES
        if (stop === 'service' && from !== to) this.#paysService.set(payer / 2, 1)
        const received =
          from !== to && plan.receivers.get(to)?.some((seed) => seed.asset === asset && inWindow(seed, time)) === true
        if (received || payments?.some((seed) => seed.place === index) === true) {
          flags |= SEEDED
          this.#tracedAssets.add(token)
          this.#keep(number)
        }
      }
      this.#row(payer, this.#nodeOfAddress(to, plan), number, token, flags)
      if (from === fee?.from || to === fee?.from) payerNamed = true
    }
    if (fee !== undefined && !payerNamed) {
      const payer = this.#nodeOfAddress(fee.from, plan)
      this.#row(payer, payer, number, 0, 0)
    }
  }

  #noteUtxo(
    { chain, time, inputs, outputs }: UtxoTransaction,
    number: number,
    plan: ChainPlan,
    payments: readonly PaymentSeed[] | undefined,
  ): void {
    const node = number * 2 + 1
    const [, coin] = hashText(NATIVE, plan.number)
    this.#tracedAssets.add(coin)
    for (const { transaction, output, address } of inputs) {
      // By address, an output that has none is still a pool of its own.
      const moves = plan.byOutput || address === null ? MOVES : 0
      this.#row(this.#numberOfId(transaction, plan) * 2 + 1, node, number, output, SPEND | moves)
      if (plan.byAddress && address !== null) this.#row(this.#nodeOfAddress(address, plan), node, number, coin, MOVES)
    }
    outputs.forEach(({ address, amount }, place) => {
      const stopped = amount === 0n || (address !== null && this.#book.stopAt(chain, address, time)?.sink !== undefined)
      const received =
        address !== null &&
        plan.receivers.get(address)?.some((seed) => inWindow(seed, time)) === true &&
        !inputs.some((input) => input.address === address)
      const seeded = amount > 0n && (received || payments?.some((seed) => seed.place === place) === true)
      if (stopped) this.#stoppedOutputs.numberOf(number, place)
      if (seeded) {
        this.#seededOutputs.numberOf(number, place)
        this.#keep(number)
      }
      if (plan.byAddress && address !== null) {
        const flags = (stopped ? 0 : MOVES) | (seeded ? SEEDED : 0)
        this.#row(node, this.#nodeOfAddress(address, plan), number, coin, flags)
      }
    })
  }

  /** Decides. To be asked once, after the last line. */
  sift(): Sifted {
    const seen = this.#countSeen()
    if (this.#contradicts) {
      return { orders: new Map(), wants: (mark) => mark !== NEVER, seen, wanted: seen }
    }
    const orders = this.#findOrders()
    const wanted = new Uint8Array(this.#facts.length)
    for (let t = 0; t < wanted.length; t++) if ((this.#facts.cells[t] & KEPT) !== 0) wanted[t] = 1
    this.#wantLast(wanted)
    this.#wantReached(wanted)
    if (this.#request.rules.depositSweep) this.#wantJudged(wanted)
    if (this.#planOf.some(({ utxo, number }) => utxo && orders[number] !== 'position')) this.#wantTies(wanted)
    let count = 0
    for (let t = 0; t < wanted.length; t++) if (wanted[t] === 1 && (this.#facts.cells[t] & SEEN) !== 0) count++
    return {
      orders: new Map(this.#chains.map((chain, number) => [chain, orders[number]])),
      wants: (mark) => mark === ALWAYS || (mark !== NEVER && wanted[mark - 2] === 1),
      seen,
      wanted: count,
    }
  }

  #countSeen(): number {
    let count = 0
    for (let t = 0; t < this.#facts.length; t++) if ((this.#facts.cells[t] & SEEN) !== 0) count++
    return count
  }

  /** How each chain is ordered as a whole; from here on `#time` holds each transaction's key in that order. */
  #findOrders(): ChainLedger['order'][] {
    const common = this.#planOf.map(() => HEIGHT | INDEX)
    for (let t = 0; t < this.#facts.length; t++) {
      if ((this.#facts.cells[t] & SEEN) !== 0) common[this.#chainOf.cells[t]] &= this.#facts.cells[t]
    }
    for (let t = 0; t < this.#facts.length; t++) {
      if ((common[this.#chainOf.cells[t]] & HEIGHT) !== 0) this.#time.cells[t] = this.#height.cells[t]
    }
    return common.map((facts) => ((facts & HEIGHT) === 0 ? 'time' : (facts & INDEX) === 0 ? 'height' : 'position'))
  }

  /** The last transaction is the snapshot. Which of those that share the last key it is, the ids and spends decide. */
  #wantLast(wanted: Uint8Array): void {
    const facts = this.#facts.cells
    const key = this.#time.cells
    const last = this.#planOf.map(() => -1)
    for (let t = 0; t < wanted.length; t++) {
      const chain = this.#chainOf.cells[t]
      if ((facts[t] & SEEN) !== 0 && key[t] > last[chain]) last[chain] = key[t]
    }
    for (let t = 0; t < wanted.length; t++) {
      if ((facts[t] & SEEN) !== 0 && key[t] === last[this.#chainOf.cells[t]]) wanted[t] = 1
    }
  }

  #passes(row: number, reached: Uint8Array): boolean {
    const flags = this.#flags.cells[row]
    if ((flags & SEEDED) !== 0) return true
    if ((flags & MOVES) === 0) return false
    const from = this.#from.cells[row]
    const detail = this.#detail.cells[row]
    if ((flags & SPEND) === 0) return reached[from] === 1 && this.#tracedAssets.has(detail)
    const spent = (from - 1) / 2
    if (reached[from] === 1 && !this.#stoppedOutputs.has(spent, detail)) return true
    return this.#seededOutputs.has(spent, detail)
  }

  /** Goes through the rows in the ledger's order, those that share a key until nothing new is reached. */
  #wantReached(wanted: Uint8Array): void {
    const rows = this.#from.length
    const { cells: from } = this.#from
    const { cells: to } = this.#to
    const { cells: transaction } = this.#transaction
    const key = this.#time.cells
    const nodes = 2 * Math.max(this.#ids.count, this.#addresses.count)
    const reached = new Uint8Array(nodes)
    const order = orderByKey(rows, (row) => key[transaction[row]])
    /** For each node the first place in the order, and one, of its rows in this tie; for each place there the next. */
    const first = new Uint32Array(nodes)
    const next = new GrowingColumn(Uint32Array)
    const stack: number[] = []
    for (let start = 0; start < rows; ) {
      const here = key[transaction[order[start]]]
      let end = start
      let moving = false
      for (; end < rows && key[transaction[order[end]]] === here; end++) {
        if (!moving && reached[to[order[end]]] === 0) moving = this.#passes(order[end], reached)
      }
      if (moving) {
        for (let i = start; i < end; i++) {
          next.set(i - start, first[from[order[i]]])
          first[from[order[i]]] = i + 1
        }
        for (let i = start; i < end; i++) {
          const payee = to[order[i]]
          if (reached[payee] === 1 || !this.#passes(order[i], reached)) continue
          reached[payee] = 1
          stack.push(payee)
          for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
            for (let j = first[node]; j !== 0; j = next.cells[j - 1 - start]) {
              const further = to[order[j - 1]]
              if (reached[further] === 1 || !this.#passes(order[j - 1], reached)) continue
              reached[further] = 1
              stack.push(further)
            }
          }
        }
        for (let i = start; i < end; i++) first[from[order[i]]] = 0
      }
      start = end
    }
    for (let row = 0; row < rows; row++) {
      // Another spend of a transaction that was followed is wanted only where it passes value on: also one that stands
      // before it, which settling the ledger refuses.
      const named = (this.#flags.cells[row] & SPEND) === 0 ? reached[from[row]] === 1 : this.#passes(row, reached)
      if (named || reached[to[row]] === 1) wanted[transaction[row]] = 1
    }
  }

  /** The deposit rule judges by the whole history of whoever pays a tagged service, and the bundle keeps what it judged by. */
  #wantJudged(wanted: Uint8Array): void {
    const rows = this.#from.length
    const { cells: from } = this.#from
    const { cells: to } = this.#to
    const { cells: transaction } = this.#transaction
    const isAccount = (row: number) => !this.#planOf[this.#chainOf.cells[transaction[row]]].utxo
    const pays = this.#paysService
    const judged = new Uint8Array(this.#addresses.count)
    for (let row = 0; row < rows; row++) {
      if (wanted[transaction[row]] === 0 || !isAccount(row)) continue
      for (const node of [from[row], to[row]]) if (pays.cells[node / 2] === 1) judged[node / 2] = 1
    }
    for (let row = 0; row < rows; row++) {
      if (!isAccount(row)) continue
      if (judged[from[row] / 2] === 1 || judged[to[row] / 2] === 1) wanted[transaction[row]] = 1
    }
  }

  /**
   * UTXO transactions that share a place in the ledger's order stand by id, but after those whose outputs they spend.
   * Those must be there, so that the others stand as they do in the whole.
   */
  #wantTies(wanted: Uint8Array): void {
    const { cells: key } = this.#time
    const before = new Uint32Array(wanted.length)
    const next = new Uint32Array(this.#from.length)
    for (let row = 0; row < this.#from.length; row++) {
      if ((this.#flags.cells[row] & SPEND) === 0) continue
      const spender = this.#transaction.cells[row]
      const maker = (this.#from.cells[row] - 1) / 2
      if (key[maker] !== key[spender]) continue
      next[row] = before[spender]
      before[spender] = row + 1
    }
    const stack: number[] = []
    for (let t = 0; t < wanted.length; t++) if (wanted[t] === 1 && before[t] !== 0) stack.push(t)
    for (let spender = stack.pop(); spender !== undefined; spender = stack.pop()) {
      for (let row = before[spender]; row !== 0; row = next[row - 1]) {
        const maker = (this.#from.cells[row - 1] - 1) / 2
        if (wanted[maker] === 1) continue
        wanted[maker] = 1
        stack.push(maker)
      }
    }
  }
}

function inWindow(seed: AddressSeed, time: number): boolean {
  return (seed.from === undefined || time >= seed.from) && (seed.until === undefined || time <= seed.until)
}

function grouped<T>(pairs: readonly (readonly [string, T])[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const [key, value] of pairs) {
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [value])
    else group.push(value)
  }
  return groups
}

/** The chain that a line of a dump speaks of. */
export function chainOf(line: LedgerLine): Chain {
  switch (line.kind) {
    case 'transaction':
      return line.transaction.chain
    case 'asset':
      return line.asset.chain
    case 'coverage':
      return line.coverage.chain
    case 'opening':
      return line.opening.chain
  }
}
