/**
 * Court-shaped examples with exact results (test/fixtures/accounting/SOURCE.md).
 *
 * Where they and DESIGN.md differ:
 *
 * - Their pro rata is exact to the fraction; ours deals whole units at every entry (decision 5). So each example with
 *   fractions is told twice: once scaled by the common denominator, where every step is whole and the result must be
 *   equal; and once in the units it is written in, where each figure must lie within one unit for each deal made so far
 *   and the figures must add up.
 * - Their `POISON` is reach (decision 4), a yes or no, and no method here. Their `bounds` are not a method's either.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { FEE_LEG, type MethodName, traceTaint } from '../../graph/index.ts'
import { type Built, build, type Drawing, type DrawnEntry, tell } from '../support/ledger.ts'

interface Event {
  readonly type: 'in' | 'out'
  readonly amount: string
  readonly taint?: Readonly<Record<string, string>>
  readonly to?: string
}
interface PoolResult {
  readonly out: readonly { readonly to: string; readonly taint: Readonly<Record<string, string>> }[]
  readonly balance: string
  readonly taint_left: Readonly<Record<string, string>>
}
interface PoolExample {
  readonly id: string
  readonly name: string
  readonly events: readonly Event[]
  readonly results: Readonly<Record<string, PoolResult>>
}
interface UtxoExample {
  readonly id: string
  readonly name: string
  readonly inputs: readonly { readonly value: number; readonly taint: number }[]
  readonly outputs: readonly number[]
  readonly fee: number
  readonly results: Readonly<Record<string, readonly number[]>>
}
interface MultiExample {
  readonly id: string
  readonly name: string
  readonly pools: Readonly<Record<string, readonly (readonly [string, number])[]>>
  readonly moves: readonly (readonly [string, string, number])[]
  readonly results: Readonly<Record<string, Readonly<Record<string, number>>>>
}

const examples: {
  readonly pool: readonly PoolExample[]
  readonly utxo: readonly UtxoExample[]
  readonly multi: readonly MultiExample[]
} = JSON.parse(readFileSync(new URL('../fixtures/accounting/worked-examples.json', import.meta.url), 'utf8'))

const METHOD_OF: Readonly<Record<string, MethodName | undefined>> = {
  FIFO: 'fifo',
  LIFO: 'lifo',
  PRORATA: 'proRata',
  OWN_FIRST: 'ownFirst',
  PROCEEDS_FIRST: 'proceedsFirst',
  TIHO: 'tiho',
}

interface Fraction {
  readonly over: bigint
  readonly under: bigint
}

function fraction(text: string): Fraction {
  const [over, under] = text.split('/')
  return { over: BigInt(over), under: BigInt(under ?? '1') }
}

const gcd = (a: bigint, b: bigint): bigint => {
  let [x, y] = [a, b]
  while (y > 0n) [x, y] = [y, x % y]
  return x
}
const lcm = (numbers: readonly bigint[]) => numbers.reduce((a, b) => (a / gcd(a, b)) * b, 1n)

/** What a fraction is in units of 1/scale; whole, or the scale is wrong. */
function scaled(text: string, scale: bigint): bigint {
  const { over, under } = fraction(text)
  if ((over * scale) % under !== 0n) throw new Error(`${text} is not whole at scale ${scale}`)
  return (over * scale) / under
}

/** One balance `W`: value arrives from outside, each withdrawal goes to a pool of its own. */
function drawPool(events: readonly Event[], scale: bigint): Drawing {
  const entries = events.map(({ type, amount, taint, to }, i): DrawnEntry => {
    const units = scaled(amount, scale)
    const seeds = Object.entries(taint ?? {}).map(([seed, part]) => ({ seed, amount: scaled(part, scale) }))
    return {
      name: `e${i}`,
      ins: [{ from: type === 'in' ? '@clean' : 'W', amount: units }],
      outs: [{ to: type === 'in' ? 'W' : `out ${to}`, amount: units, seeds }],
      fee: 0n,
      conversion: false,
    }
  })
  return { pools: 'address', openings: new Map(), entries }
}

/** How much of each seed lies in a pool, by seed id; seeds with nothing are left out. */
function traced(built: Built, method: MethodName, pool: string): Record<string, bigint> {
  const { held } = tell(traceTaint(built.entries, built.seedLegs, built.seedCount, method), built)
  const sums: Record<string, bigint> = {}
  for (const { origin, amount } of held[built.pools.indexOf(pool)]) {
    if (origin < built.seedCount) sums[built.seeds[origin]] = (sums[built.seeds[origin]] ?? 0n) + amount
  }
  return sums
}

function balanceOf(built: Built, method: MethodName, pool: string): bigint {
  const { held } = tell(traceTaint(built.entries, built.seedLegs, built.seedCount, method), built)
  return held[built.pools.indexOf(pool)].reduce((all, lot) => all + lot.amount, 0n)
}

/** Every figure of a result as text, to find the denominators in it. */
const figures = ({ out, balance, taint_left }: PoolResult) => [
  balance,
  ...Object.values(taint_left),
  ...out.flatMap((each) => Object.values(each.taint)),
]

describe('one balance', () => {
  test('all eighteen are here', () => {
    expect(examples.pool).toHaveLength(18)
  })

  for (const { id, name, events, results } of examples.pool) {
    for (const [code, result] of Object.entries(results)) {
      const method = METHOD_OF[code]
      if (method === undefined) continue
      const scale = lcm(
        [...events.map((event) => event.amount), ...figures(result)].map((text) => fraction(text).under),
      )

      test(`${id} ${code}: ${name}${scale > 1n ? `, exact in units of 1/${scale}` : ''}`, () => {
        const built = build(drawPool(events, scale), { amounts: scale > 1_000n ? 'bigint' : 'number' })
        for (const { to, taint } of result.out) {
          const expected = Object.entries(taint).map(([seed, part]) => [seed, scaled(part, scale)])
          expect(traced(built, method, `out ${to}`), `paid to ${to}`).toEqual(Object.fromEntries(expected))
        }
        const left = Object.entries(result.taint_left).map(([seed, part]) => [seed, scaled(part, scale)])
        expect(traced(built, method, 'W'), 'left').toEqual(Object.fromEntries(left))
        expect(balanceOf(built, method, 'W')).toBe(scaled(result.balance, scale))
      })

      const base = lcm(events.map((event) => fraction(event.amount).under))
      if (scale === base) continue
      test(`${id} ${code}: ${name}, in whole units within the largest remainder`, () => {
        const built = build(drawPool(events, base))
        const near = (given: bigint, exact: string, deals: number) => {
          // |given − exact × base| < deals, without leaving whole numbers.
          const { over, under } = fraction(exact)
          const distance = given * under - over * base
          const most = BigInt(deals) * under
          expect(distance < most && distance > -most, `${given} for ${exact} × ${base}`).toBe(true)
        }
        const seeds = new Set(result.out.flatMap(({ taint }) => Object.keys(taint)))
        const sums: Record<string, bigint> = {}
        for (const [i, { to, taint }] of result.out.entries()) {
          const given = traced(built, method, `out ${to}`)
          for (const seed of seeds) {
            near(given[seed] ?? 0n, taint[seed] ?? '0', i + 1)
            sums[seed] = (sums[seed] ?? 0n) + (given[seed] ?? 0n)
          }
        }
        const left = traced(built, method, 'W')
        for (const seed of seeds) {
          near(left[seed] ?? 0n, result.taint_left[seed] ?? '0', result.out.length)
          const seeded = events.reduce((all, event) => all + scaled(event.taint?.[seed] ?? '0', base), 0n)
          expect(sums[seed] + (left[seed] ?? 0n), `all of ${seed}`).toBe(seeded)
        }
      })
    }
  }
})

describe('one transaction', () => {
  test('all three are here', () => {
    expect(examples.utxo).toHaveLength(3)
  })

  for (const { id, name, inputs, outputs, fee, results } of examples.utxo) {
    for (const [code, result] of Object.entries(results)) {
      const method = METHOD_OF[code]
      if (method === undefined) continue
      test(`${id} ${code}: ${name}`, () => {
        const entries = inputs.map(({ value, taint }, i): DrawnEntry => {
          const seeds = taint > 0 ? [{ seed: 'T', amount: BigInt(taint) }] : []
          const amount = BigInt(value)
          return {
            name: `in${i}`,
            ins: [{ from: '@clean', amount }],
            outs: [{ to: `in${i}`, amount, seeds }],
            fee: 0n,
            conversion: false,
          }
        })
        entries.push({
          name: 'spend',
          ins: inputs.map(({ value }, i) => ({ from: `in${i}`, amount: BigInt(value) })),
          outs: outputs.map((amount, i) => ({ to: `out${i}`, amount: BigInt(amount), seeds: [] })),
          fee: BigInt(fee),
          conversion: false,
        })
        const built = build({ pools: 'output', openings: new Map(), entries })
        const { rows } = tell(traceTaint(built.entries, built.seedLegs, built.seedCount, method), built)
        const spend = entries.length - 1
        const first = built.entries.outStart[spend]
        const given = result.map((_, i) =>
          rows
            .filter(
              (row) =>
                row.entry === spend && row.side === 1 && row.leg === (i === outputs.length ? FEE_LEG : first + i),
            )
            .reduce((all, row) => all + Number(row.amount), 0),
        )
        expect(given).toEqual(result)
      })
    }
  }
})

describe('two balances', () => {
  test('the one is here', () => {
    expect(examples.multi).toHaveLength(1)
  })

  for (const { id, name, pools, moves, results } of examples.multi) {
    for (const [code, result] of Object.entries(results)) {
      const method = METHOD_OF[code]
      if (method === undefined) continue
      // LIFO is the one that tells whether a payment keeps the order in which the payer's balance gave its lots
      // (decision 7): A gives T 1000, then clean 500; B gets them in that order, so clean 500 is its newest, and of the
      // 1200 that leave B the seed's part is 700. Were the payment turned round on its way through, it would be 1000.
      test(`${id} ${code}: ${name}`, () => {
        const entries: DrawnEntry[] = []
        const put = (from: string, to: string, amount: bigint, seed: boolean) =>
          entries.push({
            name: `e${entries.length}`,
            ins: [{ from, amount }],
            outs: [{ to, amount, seeds: seed ? [{ seed: 'T', amount }] : [] }],
            fee: 0n,
            conversion: false,
          })
        for (const [pool, lots] of Object.entries(pools)) {
          for (const [label, amount] of lots) put('@clean', pool, BigInt(amount), label === 'T')
        }
        for (const [from, to, amount] of moves) put(from, to, BigInt(amount), false)
        const built = build({ pools: 'address', openings: new Map(), entries })
        const { rows } = tell(traceTaint(built.entries, built.seedLegs, built.seedCount, method), built)
        const given: Record<string, number> = {}
        for (const [i, [from, to]] of moves.entries()) {
          const entry = entries.length - moves.length + i
          const paid = rows.filter((row) => row.entry === entry && row.side === 1)
          given[`${from}->${to}`] = paid.reduce((all, row) => all + Number(row.amount), 0)
          given[`left_${from}`] = Number(traced(built, method, from).T ?? 0n)
        }
        expect(given).toEqual(result)
      })
    }
  }
})
