import { invariant } from '../check.ts'
import { TO_FEE } from '../entries.ts'
import { NO_LOT } from '../lots.ts'
import { Line } from './line.ts'
import type { Setting } from './pools.ts'

/**
 * Pools with two lines, one of proceeds and one of everything else; one goes first, each by its oldest end.
 * `ownFirst`: Re Hallett (1880), and on the balance the lowest intermediate balance rule. `proceedsFirst`: the direction of
 * Re Oatway (1903). `tiho` is the second inside one transaction, its legs served from the largest down.
 */
export class TwoLines<A> extends Line<A> {
  private readonly first: 'own' | 'proceeds'

  constructor(setting: Setting<A>, first: 'own' | 'proceeds') {
    // Line p holds a pool's other value, line poolCount + p its proceeds; the last pair is the transaction's.
    super(setting, 'oldest', 2 * setting.poolCount + 2)
    this.first = first
  }

  private lineOf(pool: number, origin: number): number {
    return origin < this.setting.seedCount ? this.setting.poolCount + pool : pool
  }

  override open(pool: number, origin: number, amount: A): void {
    this.lots.put(this.lineOf(pool, origin), origin, amount, false)
  }

  override spend(entry: number, leg: number, pool: number, amount: A): void {
    const own = pool
    const proceeds = this.setting.poolCount + pool
    if (this.setting.mixing === 'transaction') {
      this.tellAll(entry, leg, proceeds)
      this.lots.join(this.meetingOf('own'), own, false)
      this.lots.join(this.meetingOf('proceeds'), proceeds, false)
      return
    }
    const [first, second] = this.first === 'own' ? [own, proceeds] : [proceeds, own]
    this.passToMeeting(entry, leg, second, this.passToMeeting(entry, leg, first, amount))
  }

  private meetingOf(kind: 'own' | 'proceeds'): number {
    return 2 * this.setting.poolCount + (kind === 'own' ? 0 : 1)
  }

  override bring(origin: number, amount: A): void {
    const line = this.setting.mixing === 'transaction' ? this.meetingOf('own') : this.meeting
    this.lots.put(line, origin, amount, false)
  }

  override serve(entry: number, first: number, end: number, fee: A): void {
    if (this.setting.mixing === 'balance') {
      super.serve(entry, first, end, fee)
      return
    }
    // tiho: all proceeds before all else, and the largest legs first; they fill with proceeds, the rest with what remains.
    const { math, outAmount, outPool } = this.setting
    this.lots.join(this.meeting, this.meetingOf('proceeds'), false)
    this.lots.join(this.meeting, this.meetingOf('own'), false)
    const order = Array.from({ length: end - first }, (_, i) => first + i).sort((a, b) => {
      if ((outPool[a] === TO_FEE) !== (outPool[b] === TO_FEE)) return outPool[a] === TO_FEE ? 1 : -1
      return math.less(outAmount[b], outAmount[a]) ? -1 : math.less(outAmount[a], outAmount[b]) ? 1 : a - b
    })
    for (const leg of order) this.serveLeg(entry, leg)
    this.serveFee(entry, fee)
  }

  protected override settle(line: number, pool: number, wanted: A): A {
    const lot = this.lots.head[line]
    invariant(lot !== NO_LOT, 'a lot settles only from a line that has one')
    return this.lots.pass(line, this.lineOf(pool, this.lots.origin[lot]), wanted, false)
  }

  override held(pool: number): { origin: number; amount: bigint }[] {
    const own = this.list(pool)
    const proceeds = this.list(this.setting.poolCount + pool)
    return this.first === 'own' ? [...own, ...proceeds] : [...proceeds, ...own]
  }
}
