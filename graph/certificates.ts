/**
 * The rules by which a bound's certificates are checked: by adding and by walking, without solving anything. This file
 * shares with bounds.ts only the types and the words for edges, and works entry by entry on the ledger itself.
 */
import type { Bound, Certificate, ConversionBound, Edge, EdgeKind, Target } from './bounds.ts'
import { invariant } from './check.ts'
import type { Entries, SeedLeg } from './entries.ts'
import type { Journal } from './journal.ts'

/** Which colour a certificate follows: proceeds for a ceiling, everything else for a floor. */
export type Side = 'ceiling' | 'floor'

/** What the checks need to know beside the certificate. */
export interface Claim {
  readonly side: Side
  readonly target: Target
  /** The conversions' own bounds, themselves checked before. */
  readonly conversions?: readonly ConversionBound[]
}

/** What is wrong with a bound, in words; undefined where floor and ceiling are both proven. */
export function checkBound(
  entries: Entries,
  seeds: readonly SeedLeg[],
  target: Target,
  bound: Bound,
  conversions: readonly ConversionBound[] = [],
): string | undefined {
  const { floor, ceiling, inflow, floorProof, ceilingProof } = bound
  if (floor === undefined || ceiling === undefined || !floorProof || !ceilingProof) return 'the bound has no proof'
  return (
    checkCeiling(entries, seeds, target, ceiling, ceilingProof, conversions) ??
    checkFloor(entries, seeds, target, { inflow, floor }, floorProof, conversions)
  )
}

/** What is wrong with a ceiling's certificate, in words; undefined where it proves the ceiling. */
export function checkCeiling(
  entries: Entries,
  seeds: readonly SeedLeg[],
  target: Target,
  ceiling: bigint,
  certificate: Certificate,
  conversions: readonly ConversionBound[] = [],
): string | undefined {
  return checkTotals(new Checker(entries, seeds, { side: 'ceiling', target, conversions }), ceiling, certificate)
}

/** What is wrong with a floor's certificate, in words; undefined where it proves the floor. */
export function checkFloor(
  entries: Entries,
  seeds: readonly SeedLeg[],
  target: Target,
  claimed: { readonly inflow: bigint; readonly floor: bigint },
  certificate: Certificate,
  conversions: readonly ConversionBound[] = [],
): string | undefined {
  const checker = new Checker(entries, seeds, { side: 'floor', target, conversions })
  const inflow = checker.inflow()
  if (inflow !== claimed.inflow) return `${inflow} came to the target, not ${claimed.inflow}`
  return checkTotals(checker, inflow - claimed.floor, certificate)
}

function checkTotals(checker: Checker, value: bigint, { cut, flow }: Certificate): string | undefined {
  const room = cut.reduce((all, edge) => all + edge.amount, 0n)
  if (room !== value) return `the cut adds up to ${room}, not ${value}`
  const wrongCut = checker.checkCut(cut)
  if (wrongCut !== undefined) return `the cut: ${wrongCut}`
  const walked = checker.checkFlow(flow)
  if (typeof walked === 'string') return `the flow: ${walked}`
  return walked === value ? undefined : `the flow brings ${walked}, not ${value}`
}

/**
 * A ceiling's flow as the journal of the allocation that reaches it, all seeds as one (number 0): `flowPaths` draws it
 * as the paths whose amounts add up to the ceiling. Value that comes out of a change of asset begins there. The target
 * must be of legs and pools; an implied fee has no leg to write.
 */
export function journalOfCeiling(entries: Entries, { flow }: Certificate): Journal {
  interface Row {
    readonly entry: number
    readonly side: number
    readonly leg: number
    readonly amount: bigint
  }
  const rows: Row[] = []
  const paid = new Set(flow.filter(({ kind }) => kind === 'paid').map(({ index }) => index))
  for (const { kind, index, entry, amount } of flow) {
    invariant(kind !== 'fee' && kind !== 'given', 'the target of a drawn ceiling is of legs and pools')
    const isLast = kind === 'paid' || (kind === 'out' && !paid.has(index))
    if (kind === 'in') rows.push({ entry, side: 0, leg: index, amount })
    if (kind === 'seed') rows.push({ entry, side: 2, leg: index, amount })
    if (kind === 'out' && entries.conversion[entry] === 1) rows.push({ entry, side: 2, leg: index, amount })
    if (isLast) rows.push({ entry, side: 1, leg: index, amount })
  }
  const order = [0, 2, 1]
  rows.sort((a, b) => a.entry - b.entry || order[a.side] - order[b.side] || a.leg - b.leg)
  return {
    rows: rows.length,
    entry: Uint32Array.from(rows, ({ entry }) => entry),
    side: Uint8Array.from(rows, ({ side }) => side),
    seed: new Uint32Array(rows.length),
    leg: Uint32Array.from(rows, ({ leg }) => leg),
    amount: rows.map(({ amount }) => amount),
  }
}

const keyOf = (kind: EdgeKind, index: number, entry = -1) =>
  kind === 'carry' ? `carry ${index} ${entry}` : `${kind} ${index}`
const nameOf = ({ kind, index, entry }: Edge) => `edge ${kind} ${index} at entry ${entry}`

/** The ledger with one question. Each check walks the entries once. */
class Checker {
  readonly #entries: Entries
  readonly #claim: Claim
  readonly #seeded = new Map<number, bigint>()
  readonly #carried = new Map<number, bigint>()
  readonly #targetLegs: Set<number>
  readonly #targetPools: Set<number>
  readonly #targetFees: Set<number>
  readonly #targetConversions: Set<number>

  constructor(entries: Entries, seeds: readonly SeedLeg[], claim: Claim) {
    this.#entries = entries
    this.#claim = claim
    for (const { leg, amount } of seeds) {
      const whole = (this.#seeded.get(leg) ?? 0n) + amount
      const most = BigInt(entries.outAmount[leg])
      this.#seeded.set(leg, whole < most ? whole : most)
    }
    for (const { entry, floor, ceiling } of claim.conversions ?? []) {
      this.#carried.set(entry, claim.side === 'ceiling' ? ceiling : this.#out(entry) - floor)
    }
    this.#targetLegs = new Set(claim.target.legs)
    this.#targetPools = new Set(claim.target.pools)
    this.#targetFees = new Set(claim.target.fees)
    this.#targetConversions = new Set(claim.target.conversions)
  }

  #in(entry: number): bigint {
    let all = 0n
    for (let leg = this.#entries.inStart[entry]; leg < this.#entries.inStart[entry + 1]; leg++) {
      all += BigInt(this.#entries.inAmount[leg])
    }
    return all
  }

  #out(entry: number): bigint {
    let all = 0n
    for (let leg = this.#entries.outStart[entry]; leg < this.#entries.outStart[entry + 1]; leg++) {
      all += BigInt(this.#entries.outAmount[leg])
    }
    return all
  }

  #converts(entry: number): boolean {
    return this.#entries.conversion[entry] === 1 && this.#in(entry) > 0n && this.#out(entry) > 0n
  }

  /** The whole ledger's balances after its last entry. */
  #finalBalances(): bigint[] {
    const { count, inStart, inPool, inAmount, outStart, outPool, outAmount, opening } = this.#entries
    const balance = Array.from<number | bigint, bigint>(opening, (amount) => BigInt(amount))
    for (let entry = 0; entry < count; entry++) {
      for (let leg = inStart[entry]; leg < inStart[entry + 1]; leg++) {
        if (inPool[leg] >= 0) balance[inPool[leg]] -= BigInt(inAmount[leg])
      }
      for (let leg = outStart[entry]; leg < outStart[entry + 1]; leg++) {
        if (outPool[leg] >= 0) balance[outPool[leg]] += BigInt(outAmount[leg])
      }
    }
    return balance
  }

  inflow(): bigint {
    const balance = this.#finalBalances()
    let all = 0n
    for (const leg of this.#targetLegs) all += BigInt(this.#entries.outAmount[leg])
    for (const pool of this.#targetPools) all += balance[pool]
    for (const entry of this.#targetFees) all += this.#in(entry) - this.#out(entry)
    for (const entry of this.#targetConversions) all += this.#in(entry)
    return all
  }

  /** What a leg can take from its entry of this certificate's colour. */
  #room(leg: number): bigint {
    const amount = BigInt(this.#entries.outAmount[leg])
    return this.#claim.side === 'floor' ? amount - (this.#seeded.get(leg) ?? 0n) : amount
  }

  /**
   * Walks from the target backwards through the ledger and never crosses the cut: no source of the colour may be met.
   * `open[pool]`: from what the pool holds at this moment the target can still be reached.
   */
  checkCut(cut: readonly Edge[]): string | undefined {
    const { count, poolCount, inStart, inPool, inAmount, outStart, outPool, outAmount, opening } = this.#entries
    const ofRest = this.#claim.side === 'floor'
    const claimed = new Map<string, Edge>()
    for (const edge of cut) {
      const key = keyOf(edge.kind, edge.index, edge.entry)
      if (claimed.has(key)) return `${nameOf(edge)} is counted twice`
      claimed.set(key, edge)
    }
    let wrong: string | undefined
    let seen = 0
    /** Whether an edge is in the cut; its capacity is compared on the way. */
    const isCut = (kind: EdgeKind, index: number, entry: number, capacity: bigint) => {
      const edge = claimed.get(keyOf(kind, index, entry))
      if (!edge) return false
      seen++
      if (edge.amount !== capacity) wrong ??= `${nameOf(edge)} has room for ${capacity}, not ${edge.amount}`
      return true
    }
    /** A source of the colour that is neither empty nor cut off is the end of the proof. */
    const meet = (kind: EdgeKind, index: number, entry: number, capacity: bigint, open: boolean) => {
      const off = isCut(kind, index, entry, capacity)
      if (open && !off && capacity > 0n) wrong ??= `the target can be reached from ${kind} ${index} at entry ${entry}`
    }
    const balance = this.#finalBalances()
    const open = new Uint8Array(poolCount)
    for (let pool = 0; pool < poolCount; pool++) {
      const off = this.#targetPools.has(pool) && isCut('rest', pool, count, balance[pool])
      if (this.#targetPools.has(pool) && !off && balance[pool] > 0n) open[pool] = 1
    }
    for (let entry = count - 1; entry >= 0 && wrong === undefined; entry--) {
      let reaches = false
      const arrivals = new Set<number>()
      for (let leg = outStart[entry]; leg < outStart[entry + 1]; leg++) {
        const pool = outPool[leg]
        const amount = BigInt(outAmount[leg])
        const seed = this.#seeded.get(leg) ?? 0n
        let onward = pool < 0 ? this.#targetLegs.has(leg) : open[pool] === 1
        if (pool >= 0) {
          arrivals.add(pool)
          balance[pool] -= amount
        }
        if (amount === 0n) continue
        if (seed > 0n) {
          if (isCut('paid', leg, entry, amount)) onward = false
          if (!ofRest) meet('seed', leg, entry, seed, onward)
        }
        const off = isCut('out', leg, entry, this.#room(leg))
        if (onward && !off && this.#room(leg) > 0n) reaches = true
      }
      for (const pool of arrivals) {
        const off = isCut('carry', pool, entry, balance[pool])
        if (off || balance[pool] === 0n) open[pool] = 0
      }
      const taken = this.#in(entry)
      const given = this.#out(entry)
      if (this.#converts(entry)) {
        // Without a bound of its own a conversion is out of reach of any seed, and wholly of the rest.
        const carried = this.#carried.get(entry) ?? (ofRest ? given : 0n)
        meet('converted', entry, entry, carried, reaches)
        reaches = this.#targetConversions.has(entry) && !isCut('given', entry, entry, taken)
      } else if (given > taken) {
        if (ofRest) meet('minted', entry, entry, given - taken, reaches)
      } else if (this.#targetFees.has(entry) && taken > given) {
        if (!isCut('fee', entry, entry, taken - given)) reaches = true
      }
      for (let leg = inStart[entry + 1] - 1; leg >= inStart[entry]; leg--) {
        const pool = inPool[leg]
        const amount = BigInt(inAmount[leg])
        if (pool < 0) {
          if (ofRest) meet('in', leg, entry, amount, reaches)
          continue
        }
        balance[pool] += amount
        if (!isCut('in', leg, entry, amount) && reaches && amount > 0n) open[pool] = 1
      }
    }
    for (let pool = 0; pool < poolCount && wrong === undefined && ofRest; pool++) {
      meet('opening', pool, 0, BigInt(opening[pool]), open[pool] === 1)
    }
    return (
      wrong ?? (seen === cut.length ? undefined : 'an edge of it is not in the ledger, or not on this colour’s way')
    )
  }

  /**
   * Replays the flow entry by entry: no edge carries more than it can, no more leaves than came, nothing comes but from
   * sources of the colour. Answers how much reaches the target, or what is wrong. What comes from a pool that cannot
   * hold proceeds at that moment is wholly of the rest, and its way there need not be listed.
   */
  checkFlow(flow: readonly Edge[]): bigint | string {
    const { count, poolCount, inStart, inPool, inAmount, outStart, outPool, outAmount, opening } = this.#entries
    const ofRest = this.#claim.side === 'floor'
    const amounts = new Map<string, bigint>()
    for (const edge of flow) {
      const key = keyOf(edge.kind, edge.index, edge.entry)
      if (amounts.has(key)) return `${nameOf(edge)} is listed twice`
      if (edge.amount <= 0n) return `${nameOf(edge)} carries nothing`
      amounts.set(key, edge.amount)
    }
    let wrong: string | undefined
    let used = 0
    const take = (kind: EdgeKind, index: number, entry: number, capacity: bigint) => {
      const amount = amounts.get(keyOf(kind, index, entry))
      if (amount === undefined) return 0n
      used++
      if (amount > capacity) wrong ??= `${kind} ${index} at entry ${entry} has room for ${capacity}, not ${amount}`
      return amount
    }
    const whole = Array.from<number | bigint, bigint>(opening, (amount) => BigInt(amount))
    const held = new Array<bigint>(poolCount).fill(0n)
    const mayHoldProceeds = new Uint8Array(poolCount)
    for (let pool = 0; pool < poolCount; pool++) if (ofRest) held[pool] = take('opening', pool, 0, whole[pool])
    let arrived = 0n
    for (let entry = 0; entry < count && wrong === undefined; entry++) {
      let came = 0n
      let reached = false
      for (let leg = inStart[entry]; leg < inStart[entry + 1]; leg++) {
        const pool = inPool[leg]
        const capacity = BigInt(inAmount[leg])
        const part = pool >= 0 || ofRest ? take('in', leg, entry, capacity) : 0n
        came += part
        if (pool < 0 || capacity === 0n) continue
        whole[pool] -= capacity
        if (mayHoldProceeds[pool] === 1) reached = true
        if (mayHoldProceeds[pool] === 1 || !ofRest) held[pool] -= part
        if (held[pool] < 0n) wrong ??= `pool ${pool} gives more at entry ${entry} than came to it`
        if (whole[pool] === 0n) mayHoldProceeds[pool] = 0
      }
      const taken = this.#in(entry)
      const given = this.#out(entry)
      if (this.#converts(entry)) {
        if (this.#targetConversions.has(entry)) {
          const part = take('given', entry, entry, taken)
          came -= part
          // All of it is of the rest where no proceeds can come in, and no way there need be listed.
          if (ofRest && !reached) came = 0n
          arrived += part
        }
        if (came < 0n) wrong ??= `entry ${entry} gives more than came to it`
        came = take('converted', entry, entry, this.#carried.get(entry) ?? (ofRest ? given : 0n))
      } else if (given > taken && ofRest) {
        came += take('minted', entry, entry, given - taken)
      }
      const arrivals = new Set(outPool.subarray(outStart[entry], outStart[entry + 1]))
      for (const pool of arrivals) {
        if (pool < 0) continue
        const carry = take('carry', pool, entry, whole[pool])
        if (ofRest && mayHoldProceeds[pool] === 0) held[pool] += carry
        if (carry > held[pool] || held[pool] > whole[pool]) {
          wrong ??= `pool ${pool} keeps more before entry ${entry} than came to it`
        }
      }
      // An entry that proceeds cannot reach gives out nothing but the rest.
      const unlisted = ofRest && !reached
      for (let leg = outStart[entry]; leg < outStart[entry + 1]; leg++) {
        const pool = outPool[leg]
        const capacity = BigInt(outAmount[leg])
        const seed = this.#seeded.get(leg) ?? 0n
        const isTarget = pool < 0 && this.#targetLegs.has(leg)
        if (capacity === 0n) continue
        let part = 0n
        if (pool >= 0 || isTarget || seed > 0n) {
          part = take('out', leg, entry, this.#room(leg))
          if (!unlisted) came -= part
        }
        if (seed > 0n) {
          const declared = ofRest ? 0n : take('seed', leg, entry, seed)
          const paid = pool >= 0 || isTarget ? take('paid', leg, entry, capacity) : 0n
          if (paid > part + declared) wrong ??= `leg ${leg} pays more than came to it`
          part = paid
        }
        if (isTarget) arrived += part
        if (pool < 0) continue
        whole[pool] += capacity
        held[pool] += part
        if (reached || seed > 0n) mayHoldProceeds[pool] = 1
      }
      if (this.#targetFees.has(entry) && taken > given) {
        const part = take('fee', entry, entry, taken - given)
        if (!unlisted) came -= part
        arrived += part
      }
      if (came < 0n) wrong ??= `entry ${entry} gives more than came to it`
    }
    for (const pool of this.#targetPools) {
      const part = take('rest', pool, count, whole[pool])
      if (part > held[pool] && (!ofRest || mayHoldProceeds[pool] === 1)) {
        wrong ??= `pool ${pool} keeps more at the end than came to it`
      }
      arrived += part
    }
    return wrong ?? (used === flow.length ? arrived : 'an edge of it is not in the ledger, or not on this colour’s way')
  }
}
