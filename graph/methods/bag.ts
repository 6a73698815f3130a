import type { Arithmetic, Column } from '../arithmetic.ts'
import { invariant } from '../check.ts'
import { FEE_LEG } from '../journal.ts'
import type { Pools, Setting } from './pools.ts'

const NONE = -1
/** Up to so many legs the next largest remainder is looked for; beyond, the remainders are sorted. */
const LEGS_LOOKED_THROUGH = 8

/**
 * Pools in which value lies loose: one lot an origin, and every leg takes its share of each (rolling pro rata, *Barlow
 * Clowes* [1991]). Shares are dealt in whole units at every entry as `dealProRata` in amount.ts says: largest remainder, ties
 * to the lowest leg, never more than the leg still has room for, seeds before unknown before clean.
 */
export class Bag<A> implements Pools<A> {
  private readonly setting: Setting<A>
  private readonly math: Arithmetic<A>
  private readonly one: A
  /** A pool's lots are a chain through these columns, by origin. */
  private readonly first: Int32Array
  private readonly balance: Column<A>
  private origin = new Int32Array(1024)
  private amount: Column<A>
  private next = new Int32Array(1024)
  private used = 0
  private free = NONE
  /** What met in the transaction: by origin, and which origins these are. */
  private readonly met: Column<A>
  private readonly metOrigins: Int32Array
  private metCount = 0
  private metTotal: A
  /** Scratch: what each origin gives each leg, row by row; what a deal left over; what room the legs have. */
  private given: Column<A>
  private remainder: Column<A>
  private room: Column<A>

  constructor(setting: Setting<A>) {
    const { math, poolCount, seedCount } = setting
    this.setting = setting
    this.math = math
    this.one = math.fromBigint(1n)
    this.first = new Int32Array(poolCount).fill(NONE)
    this.balance = math.column(poolCount)
    this.amount = math.column(1024)
    this.met = math.column(seedCount + 2)
    this.metOrigins = new Int32Array(seedCount + 2)
    this.metTotal = math.zero
    this.given = math.column(64)
    this.remainder = math.column(16)
    this.room = math.column(16)
  }

  private make(origin: number, amount: A, next: number): number {
    let lot = this.free
    if (lot !== NONE) this.free = this.next[lot]
    else {
      lot = this.used++
      if (lot === this.origin.length) {
        const length = lot * 2
        const origins = new Int32Array(length)
        origins.set(this.origin)
        this.origin = origins
        const nexts = new Int32Array(length)
        nexts.set(this.next)
        this.next = nexts
        this.amount = this.math.grow(this.amount, length)
      }
    }
    this.origin[lot] = origin
    this.amount[lot] = amount
    this.next[lot] = next
    return lot
  }

  /** Adds to a pool; `after` is the lot to look from, when origins come in order. Answers the lot that was added to. */
  private put(pool: number, origin: number, amount: A, after: number): number {
    const { math } = this
    if (math.isZero(amount)) return after
    this.balance[pool] = math.add(this.balance[pool], amount)
    let before = after
    let lot = after === NONE ? this.first[pool] : this.next[after]
    while (lot !== NONE && this.origin[lot] < origin) {
      before = lot
      lot = this.next[lot]
    }
    if (lot !== NONE && this.origin[lot] === origin) {
      this.amount[lot] = math.add(this.amount[lot], amount)
      return lot
    }
    const made = this.make(origin, amount, lot)
    if (before === NONE) this.first[pool] = made
    else this.next[before] = made
    return made
  }

  open(pool: number, origin: number, amount: A): void {
    this.put(pool, origin, amount, NONE)
  }

  bring(origin: number, amount: A): void {
    const { math } = this
    if (math.isZero(amount)) return
    if (math.isZero(this.met[origin])) this.metOrigins[this.metCount++] = origin
    this.met[origin] = math.add(this.met[origin], amount)
    this.metTotal = math.add(this.metTotal, amount)
  }

  spend(entry: number, leg: number, pool: number, amount: A): void {
    const { math } = this
    const { journal, seedCount, mixing } = this.setting
    const balance = this.balance[pool]
    invariant(!math.less(balance, amount), 'a pool gives no more than it holds')
    if (mixing === 'transaction') invariant(!math.less(amount, balance), 'an output is spent whole')
    const staying = math.subtract(balance, amount)
    let goingRoom = amount
    let stayingRoom = staying
    let before = NONE
    for (let lot = this.first[pool]; lot !== NONE; ) {
      const held = this.amount[lot]
      let going = held
      if (!math.isZero(staying)) {
        going = this.halve(held, amount, balance, goingRoom, stayingRoom)
        stayingRoom = math.subtract(stayingRoom, math.subtract(held, going))
      }
      goingRoom = math.subtract(goingRoom, going)
      const origin = this.origin[lot]
      if (origin < seedCount) journal.write(entry, 0, origin, leg, going)
      this.bring(origin, going)
      const after = this.next[lot]
      const left = math.subtract(held, going)
      if (math.isZero(left)) {
        if (before === NONE) this.first[pool] = after
        else this.next[before] = after
        this.next[lot] = this.free
        this.free = lot
      } else {
        this.amount[lot] = left
        before = lot
      }
      lot = after
    }
    this.balance[pool] = staying
  }

  /** What of one origin goes when `amount` of `balance` goes: the deal over the two legs [going, staying]. */
  private halve(held: A, amount: A, balance: A, goingRoom: A, stayingRoom: A): A {
    const { math } = this
    const exact = math.share(held, amount, balance)
    const remainder = math.remainder
    let going = math.less(goingRoom, exact) ? goingRoom : exact
    const rounded = !math.isZero(remainder)
    const floorStaying = math.subtract(held, rounded ? math.add(exact, this.one) : exact)
    let staying = math.less(stayingRoom, floorStaying) ? stayingRoom : floorStaying
    let rest = math.subtract(math.subtract(held, going), staying)
    if (math.isZero(rest)) return going
    // The unit that both shares rounded away goes to the larger remainder, ties to going; then to whoever has room.
    const toGoing = !rounded || !math.less(remainder, math.subtract(balance, remainder))
    for (let turn = 0; turn < 2 && !math.isZero(rest); turn++) {
      if ((turn === 0) === toGoing) {
        if (!math.less(going, goingRoom)) continue
        going = math.add(going, this.one)
      } else {
        if (!math.less(staying, stayingRoom)) continue
        staying = math.add(staying, this.one)
      }
      rest = math.subtract(rest, this.one)
    }
    const more = math.subtract(goingRoom, going)
    return math.add(going, math.less(more, rest) ? more : rest)
  }

  convert(total: A, wanted: A): void {
    const { math } = this
    this.sortMet()
    let given = math.zero
    const remainders: { origin: number; remainder: A }[] = []
    for (let i = 0; i < this.metCount; i++) {
      const origin = this.metOrigins[i]
      this.met[origin] = math.share(this.met[origin], wanted, total)
      remainders.push({ origin, remainder: math.remainder })
      given = math.add(given, this.met[origin])
    }
    remainders.sort((a, b) => (math.less(b.remainder, a.remainder) ? -1 : math.less(a.remainder, b.remainder) ? 1 : 0))
    for (const { origin } of remainders) {
      if (!math.less(given, wanted)) break
      this.met[origin] = math.add(this.met[origin], this.one)
      given = math.add(given, this.one)
    }
    this.metTotal = wanted
  }

  /** The origins that met, in their order. They nearly always are already: pools keep theirs so. */
  private sortMet(): void {
    const { metOrigins } = this
    for (let i = 1; i < this.metCount; i++) {
      const origin = metOrigins[i]
      let at = i
      for (; at > 0 && metOrigins[at - 1] > origin; at--) metOrigins[at] = metOrigins[at - 1]
      metOrigins[at] = origin
    }
  }

  serve(entry: number, first: number, end: number, fee: A): void {
    const { math, metOrigins } = this
    const { outAmount, declaredOn } = this.setting
    this.sortMet()
    const hasFee = !math.isZero(fee)
    const legCount = end - first
    const count = hasFee ? legCount + 1 : legCount
    let asked = fee
    for (let leg = first; leg < end; leg++) asked = math.add(asked, outAmount[leg])
    invariant(
      !math.less(this.metTotal, asked) && !math.less(asked, this.metTotal),
      'a transaction gives out what it takes in',
    )
    if (legCount === 1 && !hasFee && declaredOn(first) === undefined) this.serveOne(entry, first)
    else {
      this.dealAll(first, legCount, fee, count)
      for (let i = 0; i < legCount; i++) this.settle(entry, first + i, i, count)
      if (hasFee) {
        for (let row = 0; row < this.metCount; row++) {
          this.tell(entry, 1, metOrigins[row], FEE_LEG, this.given[row * count + legCount])
        }
      }
    }
    for (let i = 0; i < this.metCount; i++) this.met[metOrigins[i]] = math.zero
    this.metCount = 0
    this.metTotal = math.zero
  }

  /** One leg takes all that met. */
  private serveOne(entry: number, leg: number): void {
    const to = this.setting.outPool[leg]
    let lot = NONE
    for (let i = 0; i < this.metCount; i++) {
      const origin = this.metOrigins[i]
      this.tell(entry, 1, origin, leg, this.met[origin])
      if (to >= 0) lot = this.put(to, origin, this.met[origin], lot)
    }
  }

  /** Deals every origin over all legs and the fee; the last takes what room is left, so rows and columns both add up. */
  private dealAll(first: number, legCount: number, fee: A, count: number): void {
    const { math } = this
    const { outAmount } = this.setting
    if (this.room.length < count) {
      this.room = math.column(count * 2)
      this.remainder = math.column(count * 2)
    }
    if (this.given.length < count * this.metCount) this.given = math.column(2 * count * this.metCount)
    for (let i = 0; i < legCount; i++) this.room[i] = outAmount[first + i]
    if (count > legCount) this.room[legCount] = fee
    for (let row = 0; row < this.metCount; row++) {
      const start = row * count
      if (row === this.metCount - 1) {
        for (let i = 0; i < count; i++) this.given[start + i] = this.room[i]
      } else this.deal(this.met[this.metOrigins[row]], first, legCount, fee, start, count)
    }
  }

  private deal(held: A, first: number, legCount: number, fee: A, start: number, count: number): void {
    const { math, given, room, remainder } = this
    const { outAmount } = this.setting
    let rest = held
    for (let i = 0; i < count; i++) {
      const share = math.share(held, i < legCount ? outAmount[first + i] : fee, this.metTotal)
      remainder[i] = math.remainder
      given[start + i] = math.less(room[i], share) ? room[i] : share
      rest = math.subtract(rest, given[start + i])
    }
    if (!math.isZero(rest)) {
      rest =
        count <= LEGS_LOOKED_THROUGH ? this.giveByLooking(rest, start, count) : this.giveBySorting(rest, start, count)
      for (let i = 0; !math.isZero(rest); i++) {
        invariant(i < count, 'the legs have room for what is dealt')
        const space = math.subtract(room[i], given[start + i])
        const more = math.less(space, rest) ? space : rest
        given[start + i] = math.add(given[start + i], more)
        rest = math.subtract(rest, more)
      }
    }
    for (let i = 0; i < count; i++) room[i] = math.subtract(room[i], given[start + i])
  }

  /** One unit a leg to the largest remainders that have room, ties to the lowest leg; answers what is left. */
  private giveByLooking(rest: A, start: number, count: number): A {
    const { math, given, room, remainder } = this
    let passed = 0
    for (let turn = 0; turn < count && !math.isZero(rest); turn++) {
      let best = NONE
      for (let i = 0; i < count; i++) {
        if ((passed & (1 << i)) !== 0) continue
        if (best === NONE || math.less(remainder[best], remainder[i])) best = i
      }
      passed |= 1 << best
      if (!math.less(given[start + best], room[best])) continue
      given[start + best] = math.add(given[start + best], this.one)
      rest = math.subtract(rest, this.one)
    }
    return rest
  }

  /** The same, for many legs. */
  private giveBySorting(rest: A, start: number, count: number): A {
    const { math, given, room, remainder } = this
    const order = Array.from({ length: count }, (_, i) => i)
    order.sort((a, b) => {
      if (math.less(remainder[b], remainder[a])) return -1
      return math.less(remainder[a], remainder[b]) ? 1 : a - b
    })
    for (const i of order) {
      if (math.isZero(rest)) break
      if (!math.less(given[start + i], room[i])) continue
      given[start + i] = math.add(given[start + i], this.one)
      rest = math.subtract(rest, this.one)
    }
    return rest
  }

  private settle(entry: number, leg: number, i: number, count: number): void {
    const { math, given, metOrigins } = this
    const { seedCount, outPool, declaredOn } = this.setting
    const to = outPool[leg]
    const seeds = declaredOn(leg)
    if (seeds !== undefined) {
      const labels: { seed: number; amount: A }[] = []
      for (const { seed, amount } of seeds) {
        let left = amount
        for (let row = 0; row < this.metCount; row++) {
          if (metOrigins[row] < seedCount) continue
          const at = row * count + i
          const taken = math.less(left, given[at]) ? left : given[at]
          given[at] = math.subtract(given[at], taken)
          left = math.subtract(left, taken)
        }
        labels.push({ seed, amount: math.subtract(amount, left) })
        this.tell(entry, 2, seed, leg, math.subtract(amount, left))
      }
      for (const { seed, amount } of labels) {
        this.tell(entry, 1, seed, leg, amount)
        if (to >= 0) this.put(to, seed, amount, NONE)
      }
    }
    let lot = NONE
    for (let row = 0; row < this.metCount; row++) {
      const amount = given[row * count + i]
      this.tell(entry, 1, metOrigins[row], leg, amount)
      if (to >= 0) lot = this.put(to, metOrigins[row], amount, lot)
    }
  }

  private tell(entry: number, side: number, origin: number, leg: number, amount: A): void {
    if (origin < this.setting.seedCount) this.setting.journal.write(entry, side, origin, leg, amount)
  }

  held(pool: number): { origin: number; amount: bigint }[] {
    const found: { origin: number; amount: bigint }[] = []
    for (let lot = this.first[pool]; lot !== NONE; lot = this.next[lot]) {
      found.push({ origin: this.origin[lot], amount: this.math.toBigint(this.amount[lot]) })
    }
    return found
  }
}
