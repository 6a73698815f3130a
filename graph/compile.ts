import type { Amount } from './amount.ts'
import { ZERO } from './amount.ts'
import { invariant } from './check.ts'
import {
  type Amounts,
  type Entries,
  FROM_CLEAN,
  FROM_UNKNOWN,
  type SeedLeg,
  TO_BRIDGE,
  TO_BURNED,
  TO_FEE,
  TO_HORIZON,
  TO_MIXER,
  TO_OUTSIDE,
  TO_SERVICE,
} from './entries.ts'
import { type AccountTransaction, type Asset, NATIVE, type Transaction, type UtxoTransaction } from './ledger.ts'
import type { PoolKind } from './methods/index.ts'

/** A seed's payment, found in the ledger: which transaction, which output or transfer, how much of it. */
export interface SeedPlace {
  readonly seed: number
  /** Number of the transaction in the order of the ledger. */
  readonly transaction: number
  /** Output index, or transfer index. */
  readonly place: number
  readonly amount: Amount
}

export type HorizonKind = 'hops' | 'until' | 'transactions'

export interface CompileOptions {
  readonly pool: PoolKind
  /** The hand that an address belongs to, by its smallest member; used where pool is `cluster`. */
  readonly clusterOf: (address: string) => string
  /** Where value that arrives at an address at a time leaves the trace; undefined: it stays in. */
  readonly stopAt: (address: string, time: number) => 'service' | 'mixer' | 'bridge' | 'burned' | undefined
  /** Declared openings, base units: of an address, or of all members of the cluster named by that address. */
  readonly opening: (asset: Asset, address: string) => Amount
  /** Whether everything about a chain is known from its beginning: then value from untraced pools is clean. */
  readonly coversAll: boolean
  readonly seedCount: number
  readonly seeds: readonly SeedPlace[]
  /** On account chains, the assets that are traced. */
  readonly assets: ReadonlySet<Asset>
  readonly limits: {
    readonly hops: number
    readonly until: number | undefined
    readonly amount: Amount
    readonly transactions: number
  }
  /** What ties in the order two transactions have, where order was assumed: a key that is equal for both. */
  readonly tieKey: ((transaction: Transaction) => number) | undefined
}

/** A pool by its name: an output, an address, or a cluster's smallest address. */
export interface PoolName {
  readonly asset: Asset
  /** `<txid>:<n>`, the address, or `cluster:<smallest>`. */
  readonly name: string
  readonly address: string | undefined
  readonly transaction: string | undefined
  readonly output: number | undefined
}

/** The part of a ledger that the seeds can reach, as columns, with the names to read the answers by. */
export interface Compiled {
  readonly entries: Entries
  readonly seeds: readonly SeedLeg[]
  readonly transactions: readonly Transaction[]
  readonly pools: readonly PoolName[]
  /** For each out leg: its output index or transfer index. */
  readonly outPlace: Int32Array
  /** For each entry: the asset it moves (an index into `assets`). */
  readonly entryAsset: Uint16Array
  readonly assets: readonly Asset[]
  /** For each out leg: fewest transactions from a seed's payment to it; −1 where no seed reaches it. */
  readonly outHops: Int32Array
  /** For each pool: which limit kept its spends out of the trace, if any. */
  readonly closed: readonly (HorizonKind | undefined)[]
  /** For each pool of a balance: how much more it paid out than the data shows coming in. Nothing for outputs. */
  readonly overspent: ReadonlyMap<number, Amount>
  /** Pools in which two transactions of one time stand in an assumed order. */
  readonly orderAssumed: ReadonlySet<number>
  /** Numbers of the transactions that were read: followed, part of a pool's history, or found beyond a limit. */
  readonly read: ReadonlySet<number>
  /** How many transactions were followed. */
  readonly followed: number
}

const SINK_CODE = { service: TO_SERVICE, mixer: TO_MIXER, bridge: TO_BRIDGE, burned: TO_BURNED } as const

/** Value sent here is gone, on every chain of that kind: nobody holds a key to the zero address. */
export const ZERO_ADDRESSES: ReadonlySet<string> = new Set([
  '0x0000000000000000000000000000000000000000',
  'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb',
])

interface Draft {
  /** Pools by name, numbered as they are reached. */
  readonly numberOf: Map<string, number>
  readonly names: PoolName[]
  readonly hops: number[]
  /** The transaction in which a pool was last reached by fewer hops: value may pass on within it. */
  readonly reachedIn: number[]
  /** When a pool was reached and closed: the transaction's number, or on account chains a running count of movements. */
  readonly reachedAt: number[]
  readonly closedAt: number[]
  readonly closed: (HorizonKind | undefined)[]
}

/**
 * Finds what the seeds' value can have touched, in one pass in chain order, and writes it down as columns: the pools
 * reached, every movement of theirs, and where each leg goes. Limits act here, on the ledger and not on a method's
 * figures, so that every method sees the same entries:
 *
 * - `hops`: a pool as many transactions away from a seed's payment does not spend on;
 * - `until`: a transaction dated later moves nothing;
 * - `transactions`: so many are followed, in chain order;
 * - `amount`: a leg of less comes to rest where it arrives, in the bucket of that name (a seed's own payment never does).
 *
 * A pool whose spend a limit kept out is closed from there on. What lies in it at the end was not followed.
 */
export function compileLedger(transactions: readonly Transaction[], options: CompileOptions): Compiled {
  const utxo = transactions.length > 0 && transactions[0].kind === 'utxo'
  const compiler = new Compiler(transactions, options)
  if (utxo) compiler.reachOutputs()
  else compiler.reachTransfers()
  if (utxo) compiler.writeUtxo()
  else compiler.writeAccounts()
  return compiler.close()
}

class Compiler {
  private readonly transactions: readonly Transaction[]
  private readonly options: CompileOptions
  private readonly seedsOf = new Map<number, SeedPlace[]>()
  private readonly draft: Draft = {
    numberOf: new Map(),
    names: [],
    hops: [],
    reachedIn: [],
    reachedAt: [],
    closedAt: [],
    closed: [],
  }
  private readonly followedSet = new Set<number>()
  private readonly read = new Set<number>()
  /** For each followed UTXO transaction: how many transactions it is from a seed's payment. */
  private readonly hopsOf = new Map<number, number>()
  private readonly writer = new EntryWriter()
  private readonly assets: Asset[] = []
  private readonly assetNumber = new Map<Asset, number>()

  constructor(transactions: readonly Transaction[], options: CompileOptions) {
    this.transactions = transactions
    this.options = options
    for (const seed of options.seeds) {
      const there = this.seedsOf.get(seed.transaction)
      if (there === undefined) this.seedsOf.set(seed.transaction, [seed])
      else there.push(seed)
    }
    for (const asset of [...options.assets].sort()) {
      this.assetNumber.set(asset, this.assets.length)
      this.assets.push(asset)
    }
  }

  private get byOutput(): boolean {
    return this.options.pool === 'output'
  }

  /** The name of the pool in which value paid to an address waits. */
  private poolName(asset: Asset, address: string | null, transaction: string, place: number): string {
    if (this.byOutput || address === null) return `${transaction}:${place}`
    const holder = this.options.pool === 'cluster' ? this.options.clusterOf(address) : address
    return this.assets.length > 1 ? `${asset} ${holder}` : holder
  }

  private reach(name: string, describe: () => PoolName, hops: number, transaction: number, at: number): number {
    const { numberOf, names, hops: hopsOf, reachedIn, reachedAt, closedAt, closed } = this.draft
    const known = numberOf.get(name)
    if (known !== undefined) {
      if (hops <= hopsOf[known]) {
        hopsOf[known] = hops
        reachedIn[known] = transaction
      }
      return known
    }
    const pool = names.length
    numberOf.set(name, pool)
    names.push(describe())
    hopsOf.push(hops)
    reachedIn.push(transaction)
    reachedAt.push(at)
    closedAt.push(Number.POSITIVE_INFINITY)
    closed.push(undefined)
    return pool
  }

  private describe(asset: Asset, address: string | null, transaction: string, place: number): PoolName {
    if (this.byOutput || address === null) {
      return { asset, name: `${transaction}:${place}`, address: address ?? undefined, transaction, output: place }
    }
    if (this.options.pool === 'cluster') {
      const smallest = this.options.clusterOf(address)
      return { asset, name: `cluster:${smallest}`, address: smallest, transaction: undefined, output: undefined }
    }
    return { asset, name: address, address, transaction: undefined, output: undefined }
  }

  /** Where a leg to an address goes besides a pool. */
  private sinkOf(address: string | null, amount: Amount, time: number, seeded: boolean): number | undefined {
    if (address !== null) {
      if (ZERO_ADDRESSES.has(address)) return TO_BURNED
      const stop = this.options.stopAt(address, time)
      if (stop !== undefined) return SINK_CODE[stop]
    }
    return amount < this.options.limits.amount && !seeded ? TO_HORIZON : undefined
  }

  /** Which limit keeps a transaction out that would be so many hops from a seed's payment; undefined: none. */
  private limitOn(transaction: number, hops: number): HorizonKind | undefined {
    const { limits } = this.options
    if (limits.until !== undefined && this.transactions[transaction].time > limits.until) return 'until'
    if (hops > limits.hops) return 'hops'
    if (!this.followedSet.has(transaction) && this.followedSet.size >= limits.transactions) return 'transactions'
    return undefined
  }

  private shutPool(pool: number, limit: HorizonKind, at: number, transaction: number): void {
    if (this.draft.closed[pool] !== undefined) return
    this.draft.closed[pool] = limit
    this.draft.closedAt[pool] = at
    this.read.add(transaction)
  }

  reachOutputs(): void {
    const { draft } = this
    for (let t = 0; t < this.transactions.length; t++) {
      const transaction = this.transactions[t] as UtxoTransaction
      const seeds = this.seedsOf.get(t)
      let hops = Number.POSITIVE_INFINITY
      const spent: number[] = []
      for (const input of transaction.inputs) {
        const pool = draft.numberOf.get(this.poolName(NATIVE, input.address, input.transaction, input.output))
        if (pool === undefined || draft.closed[pool] !== undefined) continue
        spent.push(pool)
        if (draft.hops[pool] + 1 < hops) hops = draft.hops[pool] + 1
      }
      const limit = spent.length > 0 ? this.limitOn(t, hops) : undefined
      const followed = spent.length > 0 && limit === undefined
      if (limit !== undefined) for (const pool of spent) this.shutPool(pool, limit, t, t)
      if (!followed && seeds === undefined) continue
      if (followed) {
        this.followedSet.add(t)
        this.hopsOf.set(t, hops)
      }
      this.read.add(t)
      transaction.outputs.forEach((output, place) => {
        const seeded = seeds?.some((seed) => seed.place === place) ?? false
        if ((!followed && !seeded) || output.amount === ZERO) return
        if (this.sinkOf(output.address, output.amount, transaction.time, seeded) !== undefined) return
        this.reach(
          this.poolName(NATIVE, output.address, transaction.id, place),
          () => this.describe(NATIVE, output.address, transaction.id, place),
          seeded ? 0 : hops,
          t,
          t,
        )
      })
    }
  }

  reachTransfers(): void {
    const { draft, options } = this
    let at = 0
    for (let t = 0; t < this.transactions.length; t++) {
      const transaction = this.transactions[t] as AccountTransaction
      const seeds = this.seedsOf.get(t)
      for (const step of movements(transaction, options.assets)) {
        at++
        const from = draft.numberOf.get(this.poolName(step.asset, step.from, transaction.id, step.place))
        const seeded = seeds?.some((seed) => seed.place === step.place) ?? false
        let hops = Number.POSITIVE_INFINITY
        if (from !== undefined && draft.closed[from] === undefined) {
          if (step.to !== undefined && this.sameHolder(step.from, step.to)) continue
          hops = draft.hops[from] + (draft.reachedIn[from] === t ? 0 : 1)
          const limit = this.limitOn(t, hops)
          if (limit !== undefined) {
            this.shutPool(from, limit, at, t)
            hops = Number.POSITIVE_INFINITY
          } else this.followedSet.add(t)
        }
        const followed = hops !== Number.POSITIVE_INFINITY
        if (!followed && !seeded) continue
        this.read.add(t)
        if (step.to === undefined) continue
        if (this.sinkOf(step.to, step.amount, transaction.time, seeded) !== undefined) continue
        const { to } = step
        this.reach(
          this.poolName(step.asset, to, transaction.id, step.place),
          () => this.describe(step.asset, to, transaction.id, step.place),
          seeded ? 0 : hops,
          t,
          at,
        )
      }
    }
  }

  private sameHolder(a: string, b: string): boolean {
    if (a === b) return true
    return this.options.pool === 'cluster' && this.options.clusterOf(a) === this.options.clusterOf(b)
  }

  private outside(): number {
    return this.options.coversAll ? FROM_CLEAN : FROM_UNKNOWN
  }

  writeUtxo(): void {
    const { draft, writer } = this
    for (let t = 0; t < this.transactions.length; t++) {
      const transaction = this.transactions[t] as UtxoTransaction
      const followed = this.followedSet.has(t)
      const seeds = this.seedsOf.get(t)
      if (!followed && seeds === undefined && (this.byOutput || !this.touchesBalance(transaction))) continue
      if (seeds === undefined && this.isLate(transaction)) continue
      this.read.add(t)
      const ins = new Map<string, { pool: number; amount: Amount }>()
      transaction.inputs.forEach((input, i) => {
        const name = this.poolName(NATIVE, input.address, input.transaction, input.output)
        const known = draft.numberOf.get(name)
        // A pool that a limit closed gives nothing from there on; what spends there comes from outside the trace.
        const pool = known === undefined || t >= draft.closedAt[known] ? this.outside() : known
        const key = pool >= 0 ? name : `outside ${i}`
        const leg = ins.get(key)
        if (leg === undefined) ins.set(key, { pool, amount: input.amount })
        else leg.amount += input.amount
      })
      const outs = transaction.outputs.map((output, place) => {
        const here = (seeds ?? []).filter((seed) => seed.place === place)
        const name = this.poolName(NATIVE, output.address, transaction.id, place)
        const pool = draft.numberOf.get(name) ?? TO_OUTSIDE
        const sink = this.sinkOf(output.address, output.amount, transaction.time, here.length > 0)
        return { place, name, pool: this.target(sink, pool, followed), rest: pool, amount: output.amount, seeds: here }
      })
      // Value that a balance gets back from its own payment never left it.
      if (!this.byOutput) {
        for (const out of outs) {
          const paid = ins.get(out.name)
          if (paid === undefined || out.pool < 0 || out.seeds.length > 0) continue
          const back = paid.amount < out.amount ? paid.amount : out.amount
          paid.amount -= back
          out.amount -= back
        }
      }
      const hops = this.hopsOf.get(t) ?? -1
      writer.open(t, 0)
      for (const { pool, amount } of ins.values()) if (amount > ZERO) writer.give(pool, amount)
      for (const { pool, amount, place, seeds: here } of outs) {
        if (amount === ZERO) continue
        writer.take(pool, amount, place, here.length > 0 ? 0 : hops, here)
      }
      writer.shut()
      for (const { pool, rest, amount, place } of outs) this.restock(t, 0, pool, rest, amount, place)
    }
  }

  /** Where a leg goes that a sink or a limit claims: dust is cut off only where it may carry a seed. */
  private target(sink: number | undefined, pool: number, followed: boolean): number {
    if (sink === TO_HORIZON && !followed) return pool
    return sink ?? pool
  }

  /** A balance has received what the limit on amounts cut off: the same amount of unknown origin takes its place there. */
  private restock(transaction: number, asset: number, to: number, pool: number, amount: Amount, place: number): void {
    if (to !== TO_HORIZON || pool < 0 || amount === ZERO || this.byOutput) return
    this.writer.open(transaction, asset)
    this.writer.give(FROM_UNKNOWN, amount)
    this.writer.take(pool, amount, place, -1, [])
    this.writer.shut()
  }

  private isLate(transaction: Transaction): boolean {
    const { until } = this.options.limits
    return until !== undefined && transaction.time > until
  }

  private touchesBalance(transaction: UtxoTransaction): boolean {
    const { numberOf } = this.draft
    const touched = (address: string | null) => address !== null && numberOf.has(this.poolName(NATIVE, address, '', 0))
    return (
      transaction.inputs.some((input) => touched(input.address)) ||
      transaction.outputs.some((output) => touched(output.address))
    )
  }

  writeAccounts(): void {
    const { draft, writer, options } = this
    let at = 0
    for (let t = 0; t < this.transactions.length; t++) {
      const transaction = this.transactions[t] as AccountTransaction
      const seeds = this.seedsOf.get(t)
      const late = this.isLate(transaction)
      for (const step of movements(transaction, options.assets)) {
        at++
        const here = (seeds ?? []).filter((seed) => seed.place === step.place)
        if (late && here.length === 0) continue
        if (step.to !== undefined && this.sameHolder(step.from, step.to) && here.length === 0) continue
        const known = draft.numberOf.get(this.poolName(step.asset, step.from, transaction.id, step.place))
        const from = known === undefined || at >= draft.closedAt[known] ? undefined : known
        if (known !== undefined && from === undefined && here.length === 0) continue
        const reached = from !== undefined && at > draft.reachedAt[from]
        let to = TO_FEE
        let rest = TO_OUTSIDE
        if (step.to !== undefined) {
          rest = draft.numberOf.get(this.poolName(step.asset, step.to, transaction.id, step.place)) ?? TO_OUTSIDE
          to = this.target(this.sinkOf(step.to, step.amount, transaction.time, here.length > 0), rest, reached)
        }
        if (from === undefined && to < 0 && here.length === 0) continue
        this.read.add(t)
        const hops = reached ? draft.hops[from!] + (draft.reachedIn[from!] === t ? 0 : 1) : -1
        const asset = this.assetNumber.get(step.asset)!
        writer.open(t, asset)
        writer.give(from ?? this.outside(), step.amount)
        if (step.to !== undefined) writer.take(to, step.amount, step.place, here.length > 0 ? 0 : hops, here)
        writer.shut()
        this.restock(t, asset, to, rest, step.amount, step.place)
      }
    }
  }

  close(): Compiled {
    const { draft, writer, options } = this
    const overspent = new Map<number, Amount>()
    const orderAssumed = new Set<number>()
    const openings = draft.names.map((pool) =>
      pool.output !== undefined || pool.address === undefined ? ZERO : options.opening(pool.asset, pool.address),
    )
    const balance = [...openings]
    const lowest = openings.map(() => ZERO)
    const lastKey = new Map<number, { key: number; transaction: number }>()
    const touch = (pool: number, transaction: number) => {
      if (options.tieKey === undefined) return
      const key = options.tieKey(this.transactions[transaction])
      const last = lastKey.get(pool)
      if (last !== undefined && last.key === key && last.transaction !== transaction) orderAssumed.add(pool)
      lastKey.set(pool, { key, transaction })
    }
    let largest = ZERO
    for (let entry = 0; entry < writer.count; entry++) {
      const transaction = writer.transaction[entry]
      let total = ZERO
      for (let leg = writer.inStart[entry]; leg < writer.inStart[entry + 1]; leg++) {
        const pool = writer.inPool[leg]
        total += writer.inAmount[leg]
        if (pool < 0) continue
        if (!this.byOutput) touch(pool, transaction)
        balance[pool] -= writer.inAmount[leg]
        if (balance[pool] < lowest[pool]) lowest[pool] = balance[pool]
      }
      let out = ZERO
      for (let leg = writer.outStart[entry]; leg < writer.outStart[entry + 1]; leg++) {
        const pool = writer.outPool[leg]
        out += writer.outAmount[leg]
        if (pool < 0) continue
        if (!this.byOutput) touch(pool, transaction)
        balance[pool] += writer.outAmount[leg]
        if (balance[pool] - lowest[pool] > largest) largest = balance[pool] - lowest[pool]
      }
      if (total > largest) largest = total
      if (out > largest) largest = out
    }
    const opened = openings.map((opening, pool) => {
      if (opening - lowest[pool] > largest) largest = opening - lowest[pool]
      if (lowest[pool] < ZERO) {
        invariant(!this.byOutput, 'an output is spent only once it is made')
        overspent.set(pool, -lowest[pool])
      }
      return opening - lowest[pool]
    })
    const small = largest <= BigInt(Number.MAX_SAFE_INTEGER)
    const column = (amounts: readonly Amount[]): Amounts => (small ? Float64Array.from(amounts, Number) : [...amounts])
    return {
      entries: {
        count: writer.count,
        mixing: this.byOutput ? 'transaction' : 'balance',
        poolCount: draft.names.length,
        transaction: Uint32Array.from(writer.transaction),
        inStart: Uint32Array.from(writer.inStart),
        inPool: Int32Array.from(writer.inPool),
        inAmount: column(writer.inAmount),
        outStart: Uint32Array.from(writer.outStart),
        outPool: Int32Array.from(writer.outPool),
        outAmount: column(writer.outAmount),
        conversion: new Uint8Array(writer.count),
        opening: column(opened),
        poolSpace: Uint32Array.from(draft.names, (pool) => this.assetNumber.get(pool.asset)!),
      },
      seeds: writer.seeds,
      transactions: this.transactions,
      pools: draft.names,
      outPlace: Int32Array.from(writer.outPlace),
      entryAsset: Uint16Array.from(writer.asset),
      assets: this.assets,
      outHops: Int32Array.from(writer.outHops),
      closed: draft.closed,
      overspent,
      orderAssumed,
      read: this.read,
      followed: this.followedSet.size,
    }
  }
}

/** What an account transaction moves, in order: its transfers, then its fee. A failed one moves its fee alone. */
function* movements(
  transaction: AccountTransaction,
  assets: ReadonlySet<Asset>,
): Generator<{ asset: Asset; from: string; to: string | undefined; amount: Amount; place: number }> {
  if (transaction.status === 'success') {
    for (const { asset, from, to, amount, index } of transaction.transfers) {
      if (assets.has(asset) && amount > ZERO) yield { asset, from, to, amount, place: index }
    }
  }
  if (transaction.fee !== undefined && assets.has(NATIVE) && transaction.fee.amount > ZERO) {
    yield { asset: NATIVE, from: transaction.fee.from, to: undefined, amount: transaction.fee.amount, place: -1 }
  }
}

/** Legs and entries as they are written, before the columns are cut. */
class EntryWriter {
  readonly transaction: number[] = []
  readonly asset: number[] = []
  readonly inStart: number[] = [0]
  readonly inPool: number[] = []
  readonly inAmount: Amount[] = []
  readonly outStart: number[] = [0]
  readonly outPool: number[] = []
  readonly outAmount: Amount[] = []
  readonly outPlace: number[] = []
  readonly outHops: number[] = []
  readonly seeds: SeedLeg[] = []

  get count(): number {
    return this.transaction.length
  }

  open(transaction: number, asset: number): void {
    this.transaction.push(transaction)
    this.asset.push(asset)
  }

  give(pool: number, amount: Amount): void {
    this.inPool.push(pool)
    this.inAmount.push(amount)
  }

  take(pool: number, amount: Amount, place: number, hops: number, seeds: readonly SeedPlace[]): void {
    for (const { seed, amount: declared } of seeds)
      this.seeds.push({ seed, leg: this.outPool.length, amount: declared })
    this.outPool.push(pool)
    this.outAmount.push(amount)
    this.outPlace.push(place)
    this.outHops.push(hops)
  }

  shut(): void {
    this.inStart.push(this.inPool.length)
    this.outStart.push(this.outPool.length)
  }
}
