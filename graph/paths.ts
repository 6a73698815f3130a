import { invariant } from './check.ts'
import type { Entries } from './entries.ts'
import type { Journal } from './journal.ts'
import type { Quantities, Quantity } from './max-flow.ts'
import type { MethodName } from './methods/index.ts'

/**
 * The journal drawn as threads: every unit of a seed found at an endpoint, back to the leg where it was declared.
 *
 * A journal says how much of a seed moved, not which unit. The drawing follows the units by one rule: what one seed has
 * in a pool waits in a line, and leaves newest first under `lifo`, oldest first under every other method; inside an
 * entry it stands in the order in which the input legs brought it, and the output legs are served in theirs. Under
 * `fifo`, `lifo` and the two-line methods this is the method itself, seen by one seed. A bag (`proRata`) has no threads
 * of its own: there the rule is a way of drawing, and the sums are the finding.
 *
 * Memory grows with the journal's rows: a unit's way is kept as a reference to the parcel it came out of, never copied.
 * A path's steps are found when they are asked for, since 100,000 payments of one peel chain have five thousand million.
 */
export interface FlowPathOptions {
  readonly method: MethodName
  /** How many paths to list for each seed at each endpoint; the rest is counted and summed. */
  readonly kMax: number
}

/** One hop of a thread. */
export interface PathStep {
  readonly entry: number
  /** Index into `inPool`; −1 on the first step, where the value is declared proceeds at its output leg. */
  readonly inLeg: number
  /** Index into `outPool`. */
  readonly outLeg: number
  /** What of the path's value left by the output leg. Constant along a path except through a change of asset. */
  readonly carried: bigint
}

/** A run of units of one seed that went the same way. */
export interface FlowPath {
  readonly seed: number
  /** In units of the endpoint. */
  readonly amount: bigint
  /** From the declaration to the endpoint. None is skipped. */
  steps(): PathStep[]
}

/** All of one seed's value at one endpoint: `amount` = the paths + the rest. */
export interface PathSet {
  readonly seed: number
  /** The leg into a sink, an index into `outPool`; −1 where the value rests in a pool. */
  readonly leg: number
  /** The pool in which it rests; −1 where it went into a sink. */
  readonly pool: number
  readonly amount: bigint
  /** The largest, at most `kMax`; of equal ones the earlier declared, then the earlier arrived, comes first. */
  readonly paths: readonly FlowPath[]
  /** The paths not listed. */
  readonly rest: { readonly count: number; readonly amount: bigint }
}

/** Reads a journal (of one method) into threads. */
export function flowPaths(entries: Entries, journal: Journal, options: FlowPathOptions): FlowPaths {
  invariant(Number.isSafeInteger(options.kMax) && options.kMax >= 0, 'kMax is a count')
  return new FlowPaths(entries, journal, options)
}

/** The threads of one journal, by endpoint. */
export class FlowPaths {
  readonly #kMax: number
  readonly #threads: Threads

  constructor(entries: Entries, journal: Journal, { method, kMax }: FlowPathOptions) {
    this.#kMax = kMax
    this.#threads = new Threads(entries, journal, method === 'lifo')
  }

  /** What went out by a leg into a sink, seed by seed. */
  intoLeg(leg: number): PathSet[] {
    return (this.#threads.sinkParcels.get(leg) ?? []).map((parcel) => this.#setOfParcel(leg, parcel))
  }

  /** What rests in a pool at the end, seed by seed. */
  restingIn(pool: number): PathSet[] {
    return (this.#threads.linesOf(pool) ?? []).map((line) => this.#setOfLine(line))
  }

  /** Every endpoint that holds proceeds: legs in order, then pools in order. */
  *all(): Generator<PathSet> {
    for (const [leg, parcels] of this.#threads.sinkParcels) {
      for (const parcel of parcels) yield this.#setOfParcel(leg, parcel)
    }
    for (const line of this.#threads.restingLines()) yield this.#setOfLine(line)
  }

  #setOfParcel(leg: number, parcel: number): PathSet {
    const threads = this.#threads
    const seed = threads.parcelSeed[parcel]
    return { seed, leg, pool: -1, ...this.#pick(seed, [threads.whole(parcel)]) }
  }

  #setOfLine(line: number): PathSet {
    const threads = this.#threads
    const seed = threads.lines.seed[line]
    return { seed, leg: -1, pool: threads.lines.pool[line], ...this.#pick(seed, threads.waiting(line)) }
  }

  #pick(seed: number, spans: Iterable<Span>): Pick<PathSet, 'amount' | 'paths' | 'rest'> {
    const threads = this.#threads
    let amount = 0n
    let count = 0
    let listed: Ending[] = []
    const keep = () => {
      listed.sort((a, b) => compare(b.amount, a.amount) || a.declared - b.declared || a.place - b.place)
      listed = listed.slice(0, this.#kMax)
    }
    for (const ending of threads.endings(spans)) {
      amount += BigInt(ending.amount)
      listed.push({ ...ending, place: count++ })
      if (listed.length > 4 * this.#kMax + 64) keep()
    }
    keep()
    const paths = listed.map((ending) => ({
      seed,
      amount: BigInt(ending.amount),
      steps: () => threads.steps(ending.span),
    }))
    const shown = paths.reduce((all, path) => all + path.amount, 0n)
    return { amount, paths, rest: { count: count - paths.length, amount: amount - shown } }
  }
}

function compare(a: Quantity, b: Quantity): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Units `from` to below `to` of a parcel, on their way to an endpoint where they count as `amount`. */
interface Span {
  readonly parcel: number
  readonly from: Quantity
  readonly to: Quantity
  readonly amount: Quantity
  /** How many units of this parcel were found to lead to `next`: as many as here, or more if they were cut since. */
  readonly width: Quantity
  /** The span these units are next part of; undefined at the endpoint. */
  readonly next: Span | undefined
}

/** A thread found back to its declaration. */
interface Ending {
  /** The span of the parcel that was declared. */
  readonly span: Span
  readonly amount: Quantity
  readonly declared: number
  readonly place: number
}

/** What waits in each pool for each seed: segments of parcels, linked both ways. */
class Lines {
  readonly #byKey = new Map<number, number>()
  readonly #poolCount: number
  readonly pool: number[] = []
  readonly seed: number[] = []
  readonly first: number[] = []
  readonly last: number[] = []
  readonly parcel: number[] = []
  readonly from: Quantity[] = []
  readonly to: Quantity[] = []
  readonly next: number[] = []
  readonly previous: number[] = []

  constructor(poolCount: number) {
    this.#poolCount = poolCount
  }

  find(pool: number, seed: number): number | undefined {
    return this.#byKey.get(seed * this.#poolCount + pool)
  }

  append(pool: number, seed: number, parcel: number, from: Quantity, to: Quantity): void {
    const key = seed * this.#poolCount + pool
    let line = this.#byKey.get(key)
    if (line === undefined) {
      line = this.pool.length
      this.#byKey.set(key, line)
      this.pool.push(pool)
      this.seed.push(seed)
      this.first.push(-1)
      this.last.push(-1)
    }
    const segment = this.parcel.length
    this.parcel.push(parcel)
    this.from.push(from)
    this.to.push(to)
    this.next.push(-1)
    this.previous.push(this.last[line])
    if (this.last[line] >= 0) this.next[this.last[line]] = segment
    else this.first[line] = segment
    this.last[line] = segment
  }

  /** Takes the segment that is spent off its end of the line. */
  drop(line: number, newestFirst: boolean): void {
    if (newestFirst) {
      this.last[line] = this.previous[this.last[line]]
      if (this.last[line] >= 0) this.next[this.last[line]] = -1
      else this.first[line] = -1
    } else {
      this.first[line] = this.next[this.first[line]]
      if (this.first[line] >= 0) this.previous[this.first[line]] = -1
      else this.last[line] = -1
    }
  }
}

/** A run of one parcel's units brought into an entry by one leg. */
interface Brought {
  readonly parcel: number
  from: Quantity
  readonly inLeg: number
  length: Quantity
}

/**
 * The replay. A **parcel** is all of one seed's value that leaves one entry by one leg, its units numbered from zero. It
 * is made of **pieces**: units declared there, or a run of an earlier parcel's units and the leg that brought them.
 */
class Threads {
  readonly #entries: Entries
  readonly #zero: Quantity
  readonly #quantity: (amount: bigint) => Quantity
  readonly lines: Lines
  readonly sinkParcels = new Map<number, number[]>()
  readonly parcelSeed: number[] = []
  readonly #parcelEntry: number[] = []
  readonly #parcelLeg: number[] = []
  readonly #parcelLength: Quantity[] = []
  /** The pieces of parcel p: `pieceStart[p] … pieceStart[p + 1] − 1`. */
  readonly #pieceStart: number[] = [0]
  /** Where in its parcel a piece begins. */
  readonly #pieceAt: Quantity[] = []
  /** The parcel it comes out of; −1 where it was declared. */
  readonly #pieceParcel: number[] = []
  readonly #pieceFrom: Quantity[] = []
  readonly #pieceInLeg: number[] = []
  /** How many units of the earlier parcel it is; other than its own length only through a change of asset. */
  readonly #pieceBrought: Quantity[] = []
  /** The nearest earlier parcel that is not simply a run of another, and where in it this parcel begins. */
  readonly #origin: number[] = []
  readonly #originAt: Quantity[] = []
  #byPool: Map<number, number[]> | undefined

  constructor(entries: Entries, journal: Journal, newestFirst: boolean) {
    this.#entries = entries
    const asNumbers = !Array.isArray(journal.amount)
    this.#quantity = (amount) => (asNumbers ? Number(amount) : amount) as Quantity
    this.#zero = this.#quantity(0n)
    this.lines = new Lines(entries.poolCount)
    for (let start = 0, end = 0; start < journal.rows; start = end) {
      while (end < journal.rows && journal.entry[end] === journal.entry[start]) end++
      this.#replay(journal, start, end, newestFirst)
    }
  }

  whole(parcel: number): Span {
    const length = this.#parcelLength[parcel]
    return { parcel, from: this.#zero, to: length, amount: length, next: undefined, width: length }
  }

  linesOf(pool: number): number[] | undefined {
    if (!this.#byPool) {
      this.#byPool = new Map()
      for (const line of this.restingLines()) {
        const lines = this.#byPool.get(this.lines.pool[line])
        if (lines) lines.push(line)
        else this.#byPool.set(this.lines.pool[line], [line])
      }
    }
    return this.#byPool.get(pool)
  }

  /** Lines that still hold something, by pool, then seed. */
  restingLines(): number[] {
    const { first, pool, seed } = this.lines
    return [...first.keys()].filter((line) => first[line] >= 0).sort((a, b) => pool[a] - pool[b] || seed[a] - seed[b])
  }

  *waiting(line: number): Generator<Span> {
    const { parcel, from, to, next, first } = this.lines
    for (let at = first[line]; at >= 0; at = next[at]) {
      const length = to[at] - from[at]
      yield { parcel: parcel[at], from: from[at], to: to[at], amount: length, next: undefined, width: length }
    }
  }

  /** Follows spans back to their declarations, one thread after another, in the order of their units. */
  *endings(spans: Iterable<Span>): Generator<Ending> {
    for (const span of spans) {
      const open = [span]
      for (let at = open.pop(); at !== undefined; at = open.pop()) {
        const parts = this.#apart(at)
        for (let i = parts.length - 1; i >= 0; i--) {
          const { span: part, isDeclared } = parts[i]
          if (isDeclared && parts.length === 1) {
            yield { span: part, amount: part.amount, declared: this.#parcelLeg[part.parcel], place: 0 }
          } else {
            open.push(part)
          }
        }
      }
    }
  }

  /** The steps of a thread, from the span that was declared. */
  steps(declared: Span): PathStep[] {
    let carried = declared.to - declared.from
    const steps: PathStep[] = [this.#step(-1, declared.parcel, carried)]
    // Past the last change of asset the thread is counted as its endpoint counts it.
    let last = declared
    for (let at = declared; at.next !== undefined; at = at.next) {
      if (at.width !== at.next.to - at.next.from) last = at
    }
    let isPast = false
    for (let at = declared; at.next !== undefined; at = at.next) {
      // A span may have been cut further back since it was found to lead on: its share of what it led to then.
      const length = at.next.to - at.next.from
      if (at.width !== length) carried = at.width === this.#zero ? length : this.#share(length, carried, at.width)
      isPast ||= at === last
      if (isPast) carried = declared.amount
      // Between two spans lie the parcels that are simply runs of one another.
      const between: PathStep[] = []
      const until = at.parcel
      for (let parcel = at.next.parcel; parcel !== until; ) {
        const piece = this.#pieceLeading(parcel, at, at.next)
        between.push(this.#step(this.#pieceInLeg[piece], parcel, carried))
        parcel = this.#pieceParcel[piece]
      }
      for (let i = between.length - 1; i >= 0; i--) steps.push(between[i])
    }
    return steps
  }

  #step(inLeg: number, parcel: number, carried: Quantity): PathStep {
    return { entry: this.#parcelEntry[parcel], inLeg, outLeg: this.#parcelLeg[parcel], carried: BigInt(carried) }
  }

  /** Which piece of a parcel on the way between two spans holds the thread. */
  #pieceLeading(parcel: number, earlier: Span, later: Span): number {
    const start = this.#pieceStart[parcel]
    if (this.#pieceStart[parcel + 1] === start + 1) return start
    invariant(this.#origin[later.parcel] === parcel, 'only the last parcel between two spans has several pieces')
    return this.#pieceOf(parcel, later.from + this.#originAt[later.parcel], earlier)
  }

  /** The piece in which a span of a parcel begins; among pieces of one place, the one that comes from where it is known to. */
  #pieceOf(parcel: number, from: Quantity, earlier: Span | undefined): number {
    const at = this.#pieceAt
    let low = this.#pieceStart[parcel]
    let high = this.#pieceStart[parcel + 1]
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (at[middle] > from) high = middle
      else low = middle
    }
    invariant(earlier === undefined || this.#pieceParcel[low] === earlier.parcel, 'a thread comes from its own parcel')
    return low
  }

  /** One move back: the span cut where its units came from different places. A declared part stays where it is. */
  #apart(span: Span): { span: Span; isDeclared: boolean }[] {
    const parcel = this.#origin[span.parcel]
    const shift = this.#originAt[span.parcel]
    const from = span.from + shift
    const to = span.to + shift
    const end = this.#pieceStart[parcel + 1]
    const parts: { span: Span; isDeclared: boolean }[] = []
    let piece = this.#pieceOf(parcel, from, undefined)
    let left = from
    let given = this.#zero
    do {
      const begins = this.#pieceAt[piece]
      const ends = piece + 1 < end ? this.#pieceAt[piece + 1] : this.#parcelLength[parcel]
      const right = ends < to ? ends : to
      // What this part counts for at the endpoint, so that the parts add up to the whole whatever was rounded on the way.
      const due = right < to ? this.#share(span.amount, right - from, to - from) : span.amount
      const amount = due - given
      given = due
      const cut = { ...span, from: left - shift, to: right - shift, amount }
      const earlier = this.#pieceParcel[piece]
      const length = ends - begins
      const brought = this.#pieceBrought[piece]
      const first = this.#pieceFrom[piece]
      if (amount > this.#zero || span.from === span.to) {
        if (earlier < 0) {
          const origin =
            span.parcel === parcel ? cut : { parcel, from: left, to: right, amount, next: cut, width: right - left }
          parts.push({ span: origin, isDeclared: true })
        } else {
          const start = first + this.#share(brought, left - begins, length)
          const stop = first + this.#share(brought, right - begins, length)
          const came = { parcel: earlier, from: start, to: stop, amount, next: cut, width: stop - start }
          parts.push({ span: came, isDeclared: false })
        }
      }
      left = right
      piece++
    } while (left < to)
    return parts
  }

  /** The whole part of `amount × part ÷ whole`; without a rounding where they are equal. */
  #share(amount: Quantity, part: Quantity, whole: Quantity): Quantity {
    if (amount === whole) return part
    return this.#quantity((BigInt(amount) * BigInt(part)) / BigInt(whole))
  }

  #replay(journal: Journal, start: number, end: number, newestFirst: boolean): void {
    const amounts = journal.amount as Quantities
    const { outPool } = this.#entries
    const entry = journal.entry[start]
    const bySeed = new Map<number, { brought: Brought[]; declared: Map<number, Quantity>; leaving: number[] }>()
    for (let row = start; row < end; row++) {
      const seed = journal.seed[row]
      let own = bySeed.get(seed)
      if (!own) {
        own = { brought: [], declared: new Map(), leaving: [] }
        bySeed.set(seed, own)
      }
      if (!(amounts[row] > this.#zero)) continue
      if (journal.side[row] === 0) this.#take(own.brought, seed, journal.leg[row], amounts[row], newestFirst)
      else if (journal.side[row] === 1) own.leaving.push(row)
      else {
        const leg = journal.leg[row]
        own.declared.set(leg, (own.declared.get(leg) ?? this.#zero) + amounts[row])
      }
    }
    for (const [seed, { brought, declared, leaving }] of bySeed) {
      // Where the transaction itself is the pool, its newest value is its last input's.
      if (newestFirst && this.#entries.mixing === 'transaction') brought.sort((a, b) => b.inLeg - a.inLeg)
      // All of one leg is one parcel, in the order of its rows.
      const byLeg = new Map<number, Quantity>()
      for (const row of leaving) {
        const leg = journal.leg[row]
        byLeg.set(leg, (byLeg.get(leg) ?? this.#zero) + amounts[row])
      }
      const through = this.#carryOver(entry, brought, byLeg, declared)
      let next = 0
      for (const [leg, amount] of byLeg) {
        const parcel = this.#open(entry, leg, seed, amount)
        let at = this.#zero
        const own = declared.get(leg) ?? this.#zero
        invariant(!(own > amount), `entry ${entry}: what is declared at leg ${leg} leaves by it`)
        if (own > this.#zero) {
          this.#addPiece(at, -1, this.#zero, -1, own)
          at = at + own
        }
        while (at < amount) {
          invariant(next < through.length, `entry ${entry}: no more of seed ${seed} leaves than came`)
          const { parcel: from, at: first, inLeg, length, brought: units } = through[next]
          const room = amount - at
          const part = length < room ? length : room
          const used = this.#share(units, part, length)
          this.#addPiece(at, from, first, inLeg, used)
          at = at + part
          if (part < length) {
            through[next] = { parcel: from, at: first + used, inLeg, length: length - part, brought: units - used }
          } else next++
        }
        this.#close(parcel)
        const pool = outPool[leg]
        if (pool >= 0) this.lines.append(pool, seed, parcel, this.#zero, amount)
        else {
          const parcels = this.sinkParcels.get(leg)
          if (parcels) parcels.push(parcel)
          else this.sinkParcels.set(leg, [parcel])
        }
      }
      invariant(next === through.length, `entry ${entry}: all of seed ${seed} that came leaves`)
    }
  }

  /** Takes an amount of a seed out of a pool's line into an entry. */
  #take(brought: Brought[], seed: number, inLeg: number, amount: Quantity, newestFirst: boolean): void {
    const { lines } = this
    const line = lines.find(this.#entries.inPool[inLeg], seed)
    let left = amount
    while (left > this.#zero) {
      const segment = line === undefined ? -1 : newestFirst ? lines.last[line] : lines.first[line]
      invariant(line !== undefined && segment >= 0, `leg ${inLeg} takes no more of seed ${seed} than its pool holds`)
      const length = lines.to[segment] - lines.from[segment]
      const part = length < left ? length : left
      let from = lines.from[segment]
      if (newestFirst) {
        from = lines.to[segment] - part
        lines.to[segment] = from
      } else {
        lines.from[segment] = from + part
      }
      if (part === length) lines.drop(line, newestFirst)
      const last = brought.at(-1)
      const parcel = lines.parcel[segment]
      // Runs that the journal cut and that belong together are one run again.
      const joins = last && last.parcel === parcel && last.inLeg === inLeg
      if (joins && last.from + last.length === from) last.length = last.length + part
      else if (joins && from + part === last.from) {
        last.from = from
        last.length = last.length + part
      } else brought.push({ parcel, from, inLeg, length: part })
      left = left - part
    }
  }

  /**
   * What came, in units of what leaves. Through a change of asset each run gets its share in whole units; a run smaller
   * than one unit of the new asset is not drawn further.
   */
  #carryOver(
    entry: number,
    brought: readonly Brought[],
    byLeg: ReadonlyMap<number, Quantity>,
    declared: ReadonlyMap<number, Quantity>,
  ): { parcel: number; at: Quantity; inLeg: number; length: Quantity; brought: Quantity }[] {
    if (this.#entries.conversion[entry] !== 1) {
      return brought.map(({ parcel, from, inLeg, length }) => ({ parcel, at: from, inLeg, length, brought: length }))
    }
    let came = this.#zero
    for (const { length } of brought) came = came + length
    let leaves = this.#zero
    for (const amount of byLeg.values()) leaves = leaves + amount
    for (const amount of declared.values()) leaves = leaves - amount
    const through = []
    let before = this.#zero
    let done = this.#zero
    for (const { parcel, from, inLeg, length } of brought) {
      before = before + length
      const due = this.#share(leaves, before, came)
      if (due > done) through.push({ parcel, at: from, inLeg, length: due - done, brought: length })
      done = due
    }
    return through
  }

  #open(entry: number, leg: number, seed: number, length: Quantity): number {
    this.#parcelEntry.push(entry)
    this.#parcelLeg.push(leg)
    this.parcelSeed.push(seed)
    this.#parcelLength.push(length)
    return this.#parcelLength.length - 1
  }

  #addPiece(at: Quantity, parcel: number, from: Quantity, inLeg: number, brought: Quantity): void {
    this.#pieceAt.push(at)
    this.#pieceParcel.push(parcel)
    this.#pieceFrom.push(from)
    this.#pieceInLeg.push(inLeg)
    this.#pieceBrought.push(brought)
  }

  #close(parcel: number): void {
    const start = this.#pieceStart[parcel]
    const end = this.#pieceAt.length
    this.#pieceStart.push(end)
    const earlier = this.#pieceParcel[start]
    const isRun = end === start + 1 && earlier >= 0 && this.#pieceBrought[start] === this.#parcelLength[parcel]
    this.#origin.push(isRun ? this.#origin[earlier] : parcel)
    this.#originAt.push(isRun ? this.#originAt[earlier] + this.#pieceFrom[start] : this.#zero)
  }
}
