import { parseUnits } from '../../../graph/amount.ts'
import { canonicalJson } from '../canonical.ts'
import type { Evidence } from './figures.ts'
import type { LedgerRow } from './ledger.ts'
import { type Entry, poolKey } from './network.ts'
import { isRecord, secondsOf } from './shape.ts'

const FILE = 'certificates.ndjson.gz'
/** Nobody holds a key to these: value sent there is burned. */
const ZERO_ADDRESSES = new Set(['0x0000000000000000000000000000000000000000', 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb'])
const STOPS: readonly string[] = ['service', 'mixer', 'bridge', 'burned']

export interface Retraced {
  readonly line: number
  readonly chain: string
  readonly pool: 'output' | 'address' | 'cluster'
  readonly assets: readonly string[]
  readonly openings: ReadonlyMap<string, bigint>
  readonly entries: readonly Entry[]
}

/** An entry as the ledger would have it, amounts still to be written out. */
interface Drawn {
  readonly asset: string
  readonly in: { at?: string; from?: string; amount: bigint }[]
  readonly out: { leg: number; at?: string; sink?: string; amount: bigint; seeds?: readonly unknown[] }[]
}

/**
 * Draws a network's entries again from the ledger and the request, transaction by transaction, and holds them against the
 * lines. Which addresses end a trace is taken from the lines, each held against the tags; everything else is the ledger's:
 * what pools hold, what a limit kept out, in which order. Its own reading of DESIGN.md sections 2 and 4.3, shared with no
 * other part of the product.
 */
export class Retracing {
  readonly #table: Retraced
  readonly #evidence: Evidence
  readonly #tagged: ReadonlySet<string>
  readonly #pools = new Set<string>()
  readonly #clusterOf = new Map<string, string>()
  readonly #seeds = new Map<string, Map<number, { seed: string; amount: bigint }[]>>()
  readonly #limits: { hops: number; until: number | undefined; amount: bigint; transactions: number }
  readonly #outside: 'clean' | 'unknown'
  /** Pools that proceeds have reached so far: by how many transactions, and in which ledger line last. */
  readonly #reached = new Map<string, { hops: number; line: number }>()
  readonly #closed = new Set<string>()
  /** Addresses that end the trace without a tag: they must have paid a tagged one. */
  readonly #untagged = new Map<string, number>()
  readonly #sweepers = new Set<string>()
  #followed = 0
  #lastFollowed = -1
  #next = 0
  #broken = false

  constructor(table: Retraced, evidence: Evidence, tagged: ReadonlySet<string>) {
    this.#table = table
    this.#evidence = evidence
    this.#tagged = tagged
    for (const { asset, into, in: taken, out: given } of table.entries) {
      for (const { at } of taken) if (at !== undefined) this.#pools.add(poolKey(asset, at))
      for (const { at } of given) if (at !== undefined) this.#pools.add(poolKey(into ?? asset, at))
    }
    const { report, ledger } = evidence
    for (const { value } of report.rows('seeds')) {
      if (value.chain !== table.chain) continue
      const there = this.#seeds.get(value.transaction) ?? new Map<number, { seed: string; amount: bigint }[]>()
      this.#seeds.set(value.transaction, there)
      const place = value.output ?? value.transfer ?? -1
      there.set(place, [...(there.get(place) ?? []), { seed: value.id, amount: BigInt(value.amount) }])
    }
    for (const { value } of report.rows('clusters') as readonly { value: unknown }[]) {
      if (!isRecord(value) || value.chain !== table.chain || !Array.isArray(value.members)) continue
      for (const member of value.members) this.#clusterOf.set(String(member), String(value.cluster))
    }
    this.#outside = ledger.coversAll.has(table.chain) ? 'clean' : 'unknown'
    const limits = isRecord(report.request.limits) ? report.request.limits : {}
    const whole = (value: unknown) => (typeof value === 'number' ? value : Number.POSITIVE_INFINITY)
    this.#limits = {
      hops: whole(limits.hops),
      until: secondsOf(limits.until),
      amount: parseUnits(limits.amount) ?? 0n,
      transactions: whole(limits.transactions),
    }
  }

  #add(line: number, expected: string, found: string): void {
    this.#evidence.findings.add('certificate', FILE, `line ${line}`, expected, found)
  }

  get #byOutput(): boolean {
    return this.#table.pool === 'output'
  }

  #poolName(address: string | null, output: string): string {
    if (this.#byOutput || address === null) return output
    return this.#table.pool === 'cluster' ? `cluster:${this.#clusterOf.get(address) ?? address}` : address
  }

  take(row: LedgerRow): void {
    if (row.chain !== this.#table.chain) return
    for (const { from, to } of row.transfers) if (this.#isTagged(to)) this.#sweepers.add(from)
    if (row.utxo && row.outputs.some(({ address }) => address !== null && this.#isTagged(address))) {
      for (const { address } of row.inputs) if (address !== null) this.#sweepers.add(address)
    }
    if (this.#broken) return
    if (row.utxo) this.#takeUtxo(row)
    else this.#takeAccount(row)
  }

  #isTagged(address: string): boolean {
    return this.#tagged.has(`${this.#table.chain}\0${address}`)
  }

  #isLate(row: LedgerRow): boolean {
    return this.#limits.until !== undefined && row.seconds > this.#limits.until
  }

  /** Whether a limit keeps out a transaction that would be so many hops from a seed. */
  #isOver(row: LedgerRow, hops: number): boolean {
    if (this.#isLate(row) || hops > this.#limits.hops) return true
    return this.#lastFollowed !== row.line && this.#followed >= this.#limits.transactions
  }

  #follow(row: LedgerRow): void {
    if (this.#lastFollowed === row.line) return
    this.#lastFollowed = row.line
    this.#followed++
  }

  #reach(pool: string, hops: number, line: number): void {
    const known = this.#reached.get(pool)
    if (known === undefined || hops < known.hops) this.#reached.set(pool, { hops, line })
  }

  /** The next entry of the table, if it is this transaction's and, where one is named, at this leg. */
  #peek(row: LedgerRow, leg?: { readonly asset: string; readonly place: number | undefined }): Entry | undefined {
    const entry = this.#table.entries[this.#next]
    if (entry === undefined || entry.transaction !== row.id) return undefined
    if (leg !== undefined && (entry.asset !== leg.asset || entry.out[0]?.leg !== leg.place)) return undefined
    return entry
  }

  /** The sink that the line gives a leg, held against the tags; undefined where it stays in the trace. */
  #stopOf(entry: Entry | undefined, leg: number, address: string | null): string | undefined {
    const sink = entry?.out.find((each) => each.leg === leg)?.sink
    if (address !== null && ZERO_ADDRESSES.has(address)) return 'burned'
    if (sink === undefined || !STOPS.includes(sink)) return undefined
    if (address === null) this.#add(entry!.line, `no ${sink}: leg ${leg} has no address`, sink)
    else if (!this.#isTagged(address)) this.#untagged.set(address, entry!.line)
    return sink
  }

  /** Compares the next entry with what the ledger has. */
  #expect(row: LedgerRow, drawn: Drawn): void {
    if (this.#broken) return
    const found = this.#table.entries[this.#next]
    const expected = written(drawn)
    const text =
      found === undefined || found.transaction !== row.id || found.into !== undefined ? 'none' : written(found)
    if (text === expected) {
      this.#next++
      return
    }
    this.#broken = true
    const line = found?.line ?? this.#table.line
    this.#add(line, `an entry of ${row.id} (ledger line ${row.line}): ${expected}`, text)
  }

  #takeUtxo(row: LedgerRow): void {
    const key = (name: string) => poolKey('native', name)
    const inputs = row.inputs.map((input) => ({
      pool: key(this.#poolName(input.address, `${input.transaction}:${input.output}`)),
      at: this.#poolName(input.address, `${input.transaction}:${input.output}`),
      amount: input.amount,
    }))
    const seeds = this.#seeds.get(row.id)
    const spent = new Set<string>()
    let hops = Number.POSITIVE_INFINITY
    for (const { pool } of inputs) {
      const reached = this.#reached.get(pool)
      if (reached === undefined || this.#closed.has(pool)) continue
      spent.add(pool)
      hops = Math.min(hops, reached.hops + 1)
    }
    const over = spent.size > 0 && this.#isOver(row, hops)
    const followed = spent.size > 0 && !over
    if (over) for (const pool of spent) this.#closed.add(pool)
    if (followed) this.#follow(row)

    const isWritten = followed || seeds !== undefined || (!this.#byOutput && this.#touches(row))
    const entry = isWritten ? this.#peek(row) : undefined
    const outs = row.outputs.map((output, place) => {
      const at = this.#poolName(output.address, `${row.id}:${place}`)
      const here = seeds?.get(place)
      const inside = this.#pools.has(key(at))
      const stop = this.#stopOf(entry, place, output.address)
      const small = stop === undefined && output.amount < this.#limits.amount && here === undefined
      if ((followed || here !== undefined) && output.amount > 0n && stop === undefined && !small) {
        if (!inside) this.#lack(entry, row, place)
        this.#reach(key(at), here !== undefined ? 0 : hops, row.line)
      }
      const sink = stop ?? (small && followed ? 'horizon.amount' : inside ? undefined : 'outside')
      return { leg: place, at, inside, sink, amount: output.amount, seeds: here }
    })
    if (!isWritten || (seeds === undefined && this.#isLate(row))) return

    const ins = new Map<string, { at?: string; from?: string; amount: bigint }>()
    for (const [place, { pool, at, amount }] of inputs.entries()) {
      const inside = this.#pools.has(pool) && !this.#closed.has(pool)
      const slot = inside ? pool : String(place)
      const known = ins.get(slot)
      if (known !== undefined) known.amount += amount
      else ins.set(slot, inside ? { at, amount } : { from: this.#outside, amount })
    }
    // What a balance gets back from its own payment never left it.
    for (const out of this.#byOutput ? [] : outs) {
      const paid = ins.get(key(out.at))
      if (paid === undefined || out.sink !== undefined || out.seeds !== undefined) continue
      const back = paid.amount < out.amount ? paid.amount : out.amount
      paid.amount -= back
      out.amount -= back
    }
    this.#expect(row, {
      asset: 'native',
      in: [...ins.values()].filter(({ amount }) => amount > 0n),
      out: outs
        .filter(({ amount }) => amount > 0n)
        .map(({ leg, at, sink, amount, seeds: here }) => ({
          leg,
          ...(sink === undefined ? { at } : { sink }),
          amount,
          ...(here === undefined ? {} : { seeds: here }),
        })),
    })
    for (const { leg, at, inside, sink, amount } of outs) {
      if (sink === 'horizon.amount' && inside && amount > 0n && !this.#byOutput)
        this.#expectRestock(row, 'native', leg, at, amount)
    }
  }

  /** What the limit on amounts cut off is in the balance all the same, of unknown origin. */
  #expectRestock(row: LedgerRow, asset: string, leg: number, at: string, amount: bigint): void {
    this.#expect(row, { asset, in: [{ from: 'unknown', amount }], out: [{ leg, at, amount }] })
  }

  #lack(entry: Entry | undefined, row: LedgerRow, place: number): void {
    if (this.#broken) return
    this.#add(entry?.line ?? this.#table.line, `leg ${place} of ${row.id} in a pool or a sink`, 'outside')
  }

  #touches(row: LedgerRow): boolean {
    const touched = (address: string | null) =>
      address !== null && this.#pools.has(poolKey('native', this.#poolName(address, '')))
    return row.inputs.some(({ address }) => touched(address)) || row.outputs.some(({ address }) => touched(address))
  }

  #takeAccount(row: LedgerRow): void {
    const seeds = this.#seeds.get(row.id)
    const late = this.#isLate(row)
    for (const { asset, from, to, amount, place } of this.#movementsOf(row)) {
      const here = place === undefined ? undefined : seeds?.get(place)
      const giver = this.#poolName(from, '')
      const pool = poolKey(asset, giver)
      if (to !== undefined && this.#poolName(to, '') === giver && here === undefined) continue
      const before = this.#closed.has(pool) ? undefined : this.#reached.get(pool)
      const own = to !== undefined && this.#poolName(to, '') === giver
      let hops = Number.POSITIVE_INFINITY
      if (before !== undefined && !own) {
        hops = before.hops + (before.line === row.line ? 0 : 1)
        if (this.#isOver(row, hops)) {
          this.#closed.add(pool)
          hops = Number.POSITIVE_INFINITY
        } else this.#follow(row)
      }
      const followed = hops !== Number.POSITIVE_INFINITY
      const entry = this.#peek(row, { asset, place })
      const stop = to === undefined ? undefined : this.#stopOf(entry, place!, to)
      const small = stop === undefined && to !== undefined && amount < this.#limits.amount && here === undefined
      const at = to === undefined ? '' : this.#poolName(to, '')
      const inside = to !== undefined && this.#pools.has(poolKey(asset, at))
      if ((followed || here !== undefined) && to !== undefined && stop === undefined && !small && !(own && followed)) {
        if (!inside) this.#lack(entry, row, place!)
        this.#reach(poolKey(asset, at), here !== undefined ? 0 : hops, row.line)
      }
      if (late && here === undefined) continue
      const known = this.#pools.has(pool)
      const gives = known && !this.#closed.has(pool)
      if (known && !gives && here === undefined) continue
      const reached = gives && before !== undefined
      const sink = stop ?? (small && reached ? 'horizon.amount' : inside ? undefined : 'outside')
      if (!gives && here === undefined && (to === undefined || sink !== undefined)) continue
      // A payment from outside into a pool may end in a stop instead: then it is no movement of the trace.
      if (!gives && here === undefined && entry === undefined && this.#isTagged(to!)) continue
      this.#expect(row, {
        asset,
        in: [gives ? { at: giver, amount } : { from: this.#outside, amount }],
        out:
          to === undefined
            ? []
            : [
                {
                  leg: place!,
                  ...(sink === undefined ? { at } : { sink }),
                  amount,
                  ...(here === undefined ? {} : { seeds: here }),
                },
              ],
      })
      if (sink === 'horizon.amount' && inside) this.#expectRestock(row, asset, place!, at, amount)
    }
  }

  /** What an account transaction moves, in order: its transfers, then its fee. A failed one moves its fee alone. */
  *#movementsOf(
    row: LedgerRow,
  ): Generator<{ asset: string; from: string; to: string | undefined; amount: bigint; place: number | undefined }> {
    const { assets } = this.#table
    for (const { index, asset, from, to, amount } of row.failed ? [] : row.transfers) {
      if (assets.includes(asset) && amount > 0n) yield { asset, from, to, amount, place: index }
    }
    const { fee } = row
    if (fee !== undefined && fee.from !== null && fee.amount > 0n && assets.includes('native')) {
      yield { asset: 'native', from: fee.from, to: undefined, amount: fee.amount, place: undefined }
    }
  }

  /** After the last transaction: nothing is left over, openings are what the ledger says, stops have a reason. */
  close(openings: ReadonlyMap<string, bigint>): void {
    const { entries, chain, line } = this.#table
    for (const [address, where] of this.#untagged) {
      if (this.#sweepers.has(address)) continue
      this.#add(
        where,
        `a tag that says why the trace ends at ${address}, or payments on to a tagged address`,
        'neither',
      )
    }
    if (this.#broken) return
    if (this.#next < entries.length) {
      const entry = entries[this.#next]
      this.#add(entry.line, 'a movement of the ledger, in its order', `an entry of ${entry.transaction} that is none`)
      return
    }
    const declared = new Map<string, bigint>()
    for (const [key, amount] of this.#byOutput ? [] : openings) {
      const [of, asset, address] = key.split('\0')
      if (of !== chain) continue
      const pool = poolKey(asset, this.#poolName(address, ''))
      if (this.#pools.has(pool)) declared.set(pool, (declared.get(pool) ?? 0n) + amount)
    }
    const balance = new Map(declared)
    const lowest = new Map<string, bigint>()
    for (const { asset, into, in: taken, out: given } of entries) {
      for (const { at, amount } of taken) {
        if (at === undefined) continue
        const pool = poolKey(asset, at)
        const left = (balance.get(pool) ?? 0n) - amount
        balance.set(pool, left)
        if (left < (lowest.get(pool) ?? 0n)) lowest.set(pool, left)
      }
      for (const { at, amount } of given) {
        if (at === undefined) continue
        const pool = poolKey(into ?? asset, at)
        balance.set(pool, (balance.get(pool) ?? 0n) + amount)
      }
    }
    for (const pool of new Set([...this.#table.openings.keys(), ...declared.keys(), ...lowest.keys()])) {
      const expected = (declared.get(pool) ?? 0n) - (lowest.get(pool) ?? 0n)
      const found = this.#table.openings.get(pool) ?? 0n
      if (expected !== found) this.#add(line, `an opening of ${expected} for ${pool.replace('\0', ' ')}`, `${found}`)
    }
  }
}

/** An entry as one text, to be compared. */
function written({ asset, in: taken, out: given }: Drawn | Entry): string {
  return canonicalJson({
    asset,
    in: taken.map(({ at, from, amount }) => ({ at, from, amount: amount.toString() })),
    out: given.map(({ leg, at, sink, amount, seeds }) => ({
      leg,
      at,
      sink,
      amount: amount.toString(),
      seeds: (seeds as readonly { seed: string; amount: bigint }[] | undefined)?.map((each) => ({
        seed: each.seed,
        amount: each.amount.toString(),
      })),
    })),
  })
}
