import type { Column } from '../arithmetic.ts'
import { invariant } from '../check.ts'
import { FEE_LEG } from '../journal.ts'
import type { Pools, Service, Setting } from './pools.ts'

const NONE = -1

/**
 * Pools in which value lies loose: one lot an origin, and every leg takes its share of each (rolling pro rata, *Barlow
 * Clowes* [1991]). Shares are dealt in whole units at every entry as `dealProRata` in amount.ts says: largest remainder, ties
 * to the lowest leg, never more than the leg still has room for, seeds before unknown before clean.
 */
export class Bag<A> implements Pools<A> {
  private readonly setting: Setting<A>
  /** A pool's lots are a chain through these columns, by origin. */
  private readonly first: Int32Array
  private readonly balance: Column<A>
  private origin = new Int32Array(1024)
  private amount: Column<A>
  private next = new Int32Array(1024)
  private used = 0
  private free = NONE
  private readonly meeting: number
  /** Scratch, one place a leg: what an origin's deal left over, and the room the leg still has. */
  private remainder: Column<A>
  private room: Column<A>

  constructor(setting: Setting<A>) {
    const { math, poolCount } = setting
    this.setting = setting
    this.meeting = poolCount
    this.first = new Int32Array(poolCount + 1).fill(NONE)
    this.balance = math.column(poolCount + 1)
    this.amount = math.column(1024)
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
        this.amount = this.setting.math.grow(this.amount, length)
      }
    }
    this.origin[lot] = origin
    this.amount[lot] = amount
    this.next[lot] = next
    return lot
  }

  private put(pool: number, origin: number, amount: A): void {
    const { math } = this.setting
    if (math.isZero(amount)) return
    this.balance[pool] = math.add(this.balance[pool], amount)
    let before = NONE
    let lot = this.first[pool]
    while (lot !== NONE && this.origin[lot] < origin) {
      before = lot
      lot = this.next[lot]
    }
    if (lot !== NONE && this.origin[lot] === origin) {
      this.amount[lot] = math.add(this.amount[lot], amount)
      return
    }
    const made = this.make(origin, amount, lot)
    if (before === NONE) this.first[pool] = made
    else this.next[before] = made
  }

  open(pool: number, origin: number, amount: A): void {
    this.put(pool, origin, amount)
  }

  bring(origin: number, amount: A): void {
    this.put(this.meeting, origin, amount)
  }

  spend(entry: number, leg: number, pool: number, amount: A): void {
    const { math, journal, seedCount, mixing } = this.setting
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
      this.put(this.meeting, origin, going)
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
    const { math } = this.setting
    const exact = math.share(held, amount, balance)
    const remainder = math.remainder
    let going = math.less(goingRoom, exact) ? goingRoom : exact
    const floorStaying = math.subtract(held, math.isZero(remainder) ? exact : math.add(exact, this.one))
    let staying = math.less(stayingRoom, floorStaying) ? stayingRoom : floorStaying
    let rest = math.subtract(math.subtract(held, going), staying)
    if (math.isZero(rest)) return going
    // The unit that both shares rounded away goes to the larger remainder, then to whoever has room.
    const goingFirst = !math.less(remainder, math.isZero(remainder) ? remainder : math.subtract(balance, remainder))
    for (const leg of goingFirst ? ['going', 'staying'] : ['staying', 'going']) {
      if (math.isZero(rest)) break
      if (leg === 'going' && math.less(going, goingRoom)) {
        going = math.add(going, this.one)
        rest = math.subtract(rest, this.one)
      } else if (leg === 'staying' && math.less(staying, stayingRoom)) {
        staying = math.add(staying, this.one)
        rest = math.subtract(rest, this.one)
      }
    }
    const more = math.subtract(goingRoom, going)
    return math.add(going, math.less(more, rest) ? more : rest)
  }

  private get one(): A {
    return this.setting.math.fromBigint(1n)
  }

  convert(total: A, wanted: A): void {
    const { math } = this.setting
    let given = math.zero
    const lots: { lot: number; remainder: A }[] = []
    for (let lot = this.first[this.meeting]; lot !== NONE; lot = this.next[lot]) {
      this.amount[lot] = math.share(this.amount[lot], wanted, total)
      lots.push({ lot, remainder: math.remainder })
      given = math.add(given, this.amount[lot])
    }
    lots.sort((a, b) => (math.less(b.remainder, a.remainder) ? -1 : math.less(a.remainder, b.remainder) ? 1 : 0))
    for (const { lot } of lots) {
      if (!math.less(given, wanted)) break
      this.amount[lot] = math.add(this.amount[lot], this.one)
      given = math.add(given, this.one)
    }
    this.balance[this.meeting] = wanted
  }

  serve(entry: number, legs: readonly Service<A>[], legCount: number, fee: A): void {
    const { math } = this.setting
    const whole = this.balance[this.meeting]
    const count = math.isZero(fee) ? legCount : legCount + 1
    if (this.room.length < count) {
      this.room = math.column(count * 2)
      this.remainder = math.column(count * 2)
    }
    let asked = fee
    for (let i = 0; i < legCount; i++) {
      this.room[i] = legs[i].amount
      asked = math.add(asked, legs[i].amount)
    }
    if (count > legCount) this.room[legCount] = fee
    invariant(!math.less(whole, asked) && !math.less(asked, whole), 'a transaction gives out what it takes in')
    // A leg's rows are written together, so a leg that declares seeds waits until every origin is dealt.
    const shares: { origin: number; given: Column<A> }[] = []
    const direct = count === 1
    for (let lot = this.first[this.meeting]; lot !== NONE; ) {
      const held = this.amount[lot]
      if (!math.isZero(held)) {
        if (direct) {
          const given = math.column(1)
          given[0] = held
          shares.push({ origin: this.origin[lot], given })
        } else {
          const last = this.next[lot] === NONE
          shares.push({
            origin: this.origin[lot],
            given: last ? this.takeRooms(count) : this.deal(held, legs, legCount, fee, whole, count),
          })
        }
      }
      const after = this.next[lot]
      this.next[lot] = this.free
      this.free = lot
      lot = after
    }
    this.first[this.meeting] = NONE
    this.balance[this.meeting] = math.zero
    for (let i = 0; i < count; i++) {
      if (i < legCount) this.settle(entry, legs[i], shares, i)
      else for (const { origin, given } of shares) this.tell(entry, 1, origin, FEE_LEG, given[i])
    }
  }

  /** The last origin takes what room is left: rows and columns both add up. */
  private takeRooms(count: number): Column<A> {
    const given = this.setting.math.column(count)
    for (let i = 0; i < count; i++) given[i] = this.room[i]
    return given
  }

  private deal(held: A, legs: readonly Service<A>[], legCount: number, fee: A, whole: A, count: number): Column<A> {
    const { math } = this.setting
    const given = math.column(count)
    let rest = held
    for (let i = 0; i < count; i++) {
      const share = math.share(held, i < legCount ? legs[i].amount : fee, whole)
      this.remainder[i] = math.remainder
      given[i] = math.less(this.room[i], share) ? this.room[i] : share
      rest = math.subtract(rest, given[i])
    }
    if (!math.isZero(rest)) {
      const order = Array.from({ length: count }, (_, i) => i)
      order.sort((a, b) => {
        if (math.less(this.remainder[b], this.remainder[a])) return -1
        return math.less(this.remainder[a], this.remainder[b]) ? 1 : a - b
      })
      for (const i of order) {
        if (math.isZero(rest)) break
        if (math.less(given[i], this.room[i])) {
          given[i] = math.add(given[i], this.one)
          rest = math.subtract(rest, this.one)
        }
      }
      for (let i = 0; !math.isZero(rest); i++) {
        invariant(i < count, 'the legs have room for what is dealt')
        const space = math.subtract(this.room[i], given[i])
        const more = math.less(space, rest) ? space : rest
        given[i] = math.add(given[i], more)
        rest = math.subtract(rest, more)
      }
    }
    for (let i = 0; i < count; i++) this.room[i] = math.subtract(this.room[i], given[i])
    return given
  }

  private settle(
    entry: number,
    service: Service<A>,
    shares: readonly { origin: number; given: Column<A> }[],
    i: number,
  ): void {
    const { math, seedCount } = this.setting
    const { leg, to, seeds } = service
    if (seeds === undefined) {
      for (const { origin, given } of shares) this.rest(entry, leg, to, origin, given[i])
      return
    }
    const labels: { seed: number; amount: A }[] = []
    for (const { seed, amount } of seeds) {
      let left = amount
      for (const { origin, given } of shares) {
        if (origin < seedCount) continue
        const taken = math.less(left, given[i]) ? left : given[i]
        given[i] = math.subtract(given[i], taken)
        left = math.subtract(left, taken)
      }
      labels.push({ seed, amount: math.subtract(amount, left) })
      this.tell(entry, 2, seed, leg, math.subtract(amount, left))
    }
    for (const { seed, amount } of labels) this.rest(entry, leg, to, seed, amount)
    for (const { origin, given } of shares) this.rest(entry, leg, to, origin, given[i])
  }

  /** One origin's share of a leg comes to rest where the leg goes. */
  private rest(entry: number, leg: number, to: number, origin: number, amount: A): void {
    this.tell(entry, 1, origin, leg, amount)
    if (to >= 0) this.put(to, origin, amount)
  }

  private tell(entry: number, side: number, origin: number, leg: number, amount: A): void {
    if (origin < this.setting.seedCount) this.setting.journal.write(entry, side, origin, leg, amount)
  }

  held(pool: number): { origin: number; amount: bigint }[] {
    const found: { origin: number; amount: bigint }[] = []
    for (let lot = this.first[pool]; lot !== NONE; lot = this.next[lot]) {
      found.push({ origin: this.origin[lot], amount: this.setting.math.toBigint(this.amount[lot]) })
    }
    return found
  }
}
