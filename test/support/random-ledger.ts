/** Random ledgers for fast-check: always balanced, never overspent, full of the things that break tracers. */
import fc from 'fast-check'
import type { Drawing, DrawnEntry, DrawnIn, DrawnOut } from './ledger.ts'

/** One step in raw numbers; what they mean depends on the balances when the step is reached, so that any step is valid. */
interface Step {
  readonly kind: number
  readonly ins: readonly { readonly pool: number; readonly part: number; readonly whole: boolean }[]
  readonly outs: readonly { readonly pool: number; readonly cut: number; readonly sink: number }[]
  readonly feeCut: number
  readonly paysFee: boolean
  readonly seed: { readonly name: number; readonly leg: number; readonly part: number; readonly whole: boolean } | null
  readonly minted: number
}

export interface LedgerShape {
  /** `output`: every pool is paid once and spent whole. `address`: pools are paid and pay as often as they like. */
  readonly pools: 'output' | 'address'
  /** The largest amount that comes in from outside in one step. */
  readonly amountMax?: bigint
  readonly steps?: number
  readonly conversions?: boolean
  /** Whether seeds may be less than the payment they name. */
  readonly partial?: boolean
}

const PART = 1 << 20
const SINKS = ['@binance', '@mixer', '@bridge', '@burned', '@outside', '@horizon', '@kraken']
const SEEDS = ['anna', 'bora', 'cato']

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.nat(19),
  ins: fc.array(fc.record({ pool: fc.nat(7), part: fc.nat(PART), whole: fc.boolean() }), { maxLength: 3 }),
  outs: fc.array(fc.record({ pool: fc.nat(7), cut: fc.nat(PART), sink: fc.nat(20) }), { maxLength: 4 }),
  feeCut: fc.nat(PART),
  paysFee: fc.boolean(),
  seed: fc.option(fc.record({ name: fc.nat(2), leg: fc.nat(3), part: fc.nat(PART), whole: fc.boolean() }), {
    freq: 3,
  }),
  minted: fc.nat(PART),
})

const share = (whole: bigint, part: number) => (whole * BigInt(part)) / BigInt(PART)

/** Plays the steps against running balances. */
function play(steps: readonly Step[], openings: readonly number[], shape: LedgerShape): Drawing {
  const amountMax = shape.amountMax ?? 20n
  const names = openings.map((_, i) => `p${i}`)
  const balances = new Map<string, bigint>()
  const opened = new Map<string, bigint>()
  for (const [i, part] of openings.entries()) {
    const amount = share(amountMax, part)
    if (shape.pools === 'address' || amount > 0n) opened.set(names[i], amount)
    balances.set(names[i], amount)
  }
  let outputs = 0
  const entries: DrawnEntry[] = []
  for (const [number, raw] of steps.entries()) {
    const conversion = shape.conversions === true && raw.kind > 15 && raw.outs.length > 0
    const ins: DrawnIn[] = []
    for (const { pool, part, whole } of conversion ? raw.ins.slice(0, 1) : raw.ins) {
      const live = [...balances.keys()]
      if (live.length === 0) continue
      const from = live[pool % live.length]
      const held = balances.get(from)!
      const amount = shape.pools === 'output' || whole ? held : share(held, part)
      ins.push({ from, amount })
      if (shape.pools === 'output') balances.delete(from)
      else balances.set(from, held - amount)
    }
    const minted = share(amountMax, raw.minted)
    if (!conversion && raw.kind < 8) ins.push({ from: raw.kind < 3 ? '@clean' : '@unknown', amount: minted })
    if (ins.length === 0 && (conversion || raw.outs.length === 0)) continue
    // What is shared out: everything taken in; a coinbase's own amount; the other asset's figure.
    const taken = ins.reduce((all, leg) => all + leg.amount, 0n)
    const given = ins.length === 0 ? minted : conversion ? (taken === 0n ? 0n : minted + 1n) : taken
    const fee = ins.length === 0 || conversion || !raw.paysFee ? 0n : share(given, raw.feeCut % (PART / 4))
    const count = raw.outs.length
    const cuts = raw.outs
      .slice(1)
      .map((out) => share(given - fee, out.cut))
      .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    const ends = [...cuts, given - fee]
    const outs: DrawnOut[] = raw.outs.map((out, i) => {
      const amount = ends[i] - (i === 0 ? 0n : ends[i - 1])
      const pool = shape.pools === 'output' ? `o${outputs++}` : names[out.pool % names.length]
      const to = out.sink < SINKS.length ? SINKS[out.sink] : pool
      const claim = raw.seed !== null && raw.seed.leg % count === i ? raw.seed : null
      const seeds =
        claim === null
          ? []
          : [
              {
                seed: SEEDS[claim.name],
                amount: claim.whole || shape.partial === false ? amount : share(amount, claim.part),
              },
            ]
      return { to, amount, seeds }
    })
    for (const { to, amount } of outs) if (!to.startsWith('@')) balances.set(to, (balances.get(to) ?? 0n) + amount)
    const unpaid = count === 0 ? given : fee
    entries.push({ name: `t${number}`, ins, outs, fee: unpaid, conversion })
  }
  return { pools: shape.pools, openings: opened, entries }
}

/** Ledgers of a shape. Addresses pay themselves and each other round and round; seeds fall on any leg, sinks included. */
export function randomLedger(shape: LedgerShape): fc.Arbitrary<Drawing> {
  const count = shape.steps ?? 16
  return fc
    .record({
      steps: fc.array(step, { minLength: 2, maxLength: count, size: 'max' }),
      openings: fc.array(fc.nat(PART), { minLength: 1, maxLength: 4 }),
    })
    .map(({ steps, openings }) => play(steps, openings, shape))
}
