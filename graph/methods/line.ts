import { invariant } from '../check.ts'
import { FEE_LEG } from '../journal.ts'
import { Lots, NO_LOT } from '../lots.ts'
import type { Declared, Pools, Setting } from './pools.ts'

/**
 * Pools in which lots stand in line: `fifo` leaves by the oldest end (Clayton's Case, 1816), `lifo` by the newest.
 *
 * Where value mixes in the transaction, the inputs' lines are joined, and the outputs leave the joined line by its end.
 * Where it mixes in a balance, what the balance gives passes through the transaction in the order in which it left.
 */
export class Line<A> implements Pools<A> {
  protected readonly lots: Lots<A>
  protected readonly setting: Setting<A>
  /** The line of value in the transaction, and one to relabel a leg in. */
  protected readonly meeting: number
  protected readonly desk: number
  /** Lines are entered where they are left: the newest lot is the next to leave. */
  private readonly newestFirst: boolean
  private readonly meetingByHead: boolean

  constructor(setting: Setting<A>, end: 'oldest' | 'newest', lineCount = setting.poolCount) {
    this.setting = setting
    this.lots = new Lots(setting.math, lineCount + 2)
    this.meeting = lineCount
    this.desk = lineCount + 1
    this.newestFirst = end === 'newest'
    this.meetingByHead = this.newestFirst && setting.mixing === 'transaction'
  }

  open(pool: number, origin: number, amount: A): void {
    this.lots.put(pool, origin, amount, this.newestFirst)
  }

  spend(entry: number, leg: number, pool: number, amount: A): void {
    if (this.setting.mixing === 'transaction') {
      this.tellAll(entry, leg, pool)
      this.lots.join(this.meeting, pool, this.meetingByHead)
    } else this.passToMeeting(entry, leg, pool, amount)
  }

  /** Journals a line's seeds as they stand, first to leave first. */
  protected tellAll(entry: number, leg: number, line: number): void {
    const { lots } = this
    for (let lot = lots.head[line]; lot !== NO_LOT; lot = lots.next[lot]) {
      const origin = lots.origin[lot]
      if (origin < this.setting.seedCount) this.setting.journal.write(entry, 0, origin, leg, lots.amount[lot])
    }
  }

  /** Moves up to `wanted` from the head of a line into the transaction; answers what is still wanted. */
  protected passToMeeting(entry: number, leg: number, line: number, wanted: A): A {
    const { math, journal, seedCount } = this.setting
    while (!math.isZero(wanted) && !this.lots.isEmpty(line)) {
      const origin = this.lots.origin[this.lots.head[line]]
      const moved = this.lots.pass(line, this.meeting, wanted, false)
      if (origin < seedCount) journal.write(entry, 0, origin, leg, moved)
      wanted = math.subtract(wanted, moved)
    }
    return wanted
  }

  bring(origin: number, amount: A): void {
    this.lots.put(this.meeting, origin, amount, this.meetingByHead)
  }

  convert(total: A, wanted: A): void {
    this.convertLine(this.meeting, total, wanted)
  }

  /** Each lot ends where its end falls on the other asset's scale, rounded down; so the parts add up to the whole. */
  protected convertLine(line: number, total: A, wanted: A): void {
    const { math } = this.setting
    const kept = this.lots
    let before = math.zero
    let given = math.zero
    this.lots.join(this.desk, line, false)
    while (!kept.isEmpty(this.desk)) {
      const lot = kept.head[this.desk]
      const origin = kept.origin[lot]
      before = math.add(before, kept.leave(this.desk, kept.amount[lot]))
      const end = math.share(before, wanted, total)
      kept.put(line, origin, math.subtract(end, given), false)
      given = end
    }
  }

  serve(entry: number, first: number, end: number, fee: A): void {
    for (let leg = first; leg < end; leg++) this.serveLeg(entry, leg)
    this.serveFee(entry, fee)
  }

  protected serveLeg(entry: number, leg: number): void {
    const { outPool, outAmount, declaredOn } = this.setting
    const declared = declaredOn(leg)
    if (declared !== undefined) this.relabel(entry, leg, outAmount[leg], declared)
    this.serveFrom(declared === undefined ? this.meeting : this.desk, entry, leg, outPool[leg], outAmount[leg])
  }

  protected serveFee(entry: number, fee: A): void {
    if (!this.setting.math.isZero(fee)) this.serveFrom(this.meeting, entry, FEE_LEG, -1, fee)
    invariant(this.lots.isEmpty(this.meeting), 'a transaction gives out what it takes in')
  }

  protected serveFrom(line: number, entry: number, leg: number, to: number, wanted: A): void {
    const { math, journal, seedCount } = this.setting
    while (!math.isZero(wanted)) {
      const lot = this.lots.head[line]
      invariant(lot !== NO_LOT, 'a transaction gives out no more than it takes in')
      const origin = this.lots.origin[lot]
      const moved = to >= 0 ? this.settle(line, to, wanted) : this.lots.leave(line, wanted)
      if (origin < seedCount) journal.write(entry, 1, origin, leg, moved)
      wanted = math.subtract(wanted, moved)
    }
  }

  /** One lot, or the wanted part of it, comes to rest in a pool. */
  protected settle(line: number, pool: number, wanted: A): A {
    return this.lots.pass(line, pool, wanted, this.newestFirst)
  }

  /** Sets a leg's lots out on the desk with the declared seeds first. What carries a seed's label already keeps it. */
  private relabel(entry: number, leg: number, amount: A, seeds: readonly Declared<A>[]): void {
    const { math, journal, seedCount } = this.setting
    const arrived: { origin: number; amount: A }[] = []
    for (let wanted = amount; !math.isZero(wanted); ) {
      const lot = this.lots.head[this.meeting]
      invariant(lot !== NO_LOT, 'a transaction gives out no more than it takes in')
      const origin = this.lots.origin[lot]
      const moved = this.lots.leave(this.meeting, wanted)
      arrived.push({ origin, amount: moved })
      wanted = math.subtract(wanted, moved)
    }
    for (const { seed, amount: declared } of seeds) {
      let left = declared
      for (const lot of arrived) {
        if (lot.origin < seedCount || math.isZero(left)) continue
        const taken = math.less(left, lot.amount) ? left : lot.amount
        lot.amount = math.subtract(lot.amount, taken)
        left = math.subtract(left, taken)
      }
      const labelled = math.subtract(declared, left)
      journal.write(entry, 2, seed, leg, labelled)
      this.lots.put(this.desk, seed, labelled, false)
    }
    for (const lot of arrived) this.lots.put(this.desk, lot.origin, lot.amount, false)
  }

  held(pool: number): { origin: number; amount: bigint }[] {
    return this.list(pool)
  }

  protected list(line: number): { origin: number; amount: bigint }[] {
    const found: { origin: number; amount: bigint }[] = []
    for (let lot = this.lots.head[line]; lot !== NO_LOT; lot = this.lots.next[lot]) {
      found.push({ origin: this.lots.origin[lot], amount: this.setting.math.toBigint(this.lots.amount[lot]) })
    }
    return found
  }
}
