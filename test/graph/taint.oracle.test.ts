/** The engine against the coins: every method, lot by lot in the pools and run by run in the journal. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Lot, METHOD_NAMES, type MethodName, methodFits, traceTaint } from '../../graph/index.ts'
import {
  type Built,
  build,
  type Drawing,
  type DrawnEntry,
  joinRows,
  proceedsFirst,
  type Row,
  type Told,
  tell,
} from '../support/ledger.ts'
import { oracle } from '../support/oracle.ts'
import { type LedgerShape, randomLedger } from '../support/random-ledger.ts'

const told = (built: Built, method: MethodName): Told =>
  tell(traceTaint(built.entries, built.seedLegs, built.seedCount, method), built)

/**
 * What no rule fixes is put in one order. An output is spent whole, so in which order its lots went in says nothing; and
 * tiho says how much of a leg is whose, not where in it the proceeds stand, what fills the rest, or which leg is served
 * when.
 */
function comparable({ held, rows }: Told, method: MethodName, { drawing, seedCount }: Built): Told {
  const whole = drawing.pools === 'output'
  const place = (row: Row) => (method === 'tiho' && row.side > 0 ? row.leg * 2 + (row.side === 2 ? 0 : 1) : 0)
  const sorted = [...rows].sort(
    (a, b) =>
      a.entry - b.entry ||
      Math.min(a.side, 1) - Math.min(b.side, 1) ||
      (a.side > 0 ? place(a) - place(b) : whole ? a.leg - b.leg || a.seed - b.seed : 0),
  )
  if (method !== 'tiho') return { held, rows: joinRows(sorted) }
  const others = (lots: readonly Lot[]) => lots.map((lot) => ({ ...lot, origin: Math.min(lot.origin, seedCount) }))
  return { held: held.map((lots) => proceedsFirst(others(lots), seedCount)), rows: joinRows(sorted) }
}

function agrees(drawing: Drawing, method: MethodName, amounts: 'number' | 'bigint'): void {
  const built = build(drawing, { amounts })
  const expected = oracle(drawing, built, method)
  const given = told(built, method)
  expect(comparable(given, method, built)).toEqual(comparable(expected, method, built))
}

const SHAPES: readonly { readonly name: string; readonly shape: LedgerShape }[] = [
  { name: 'outputs, spent whole', shape: { pools: 'output' } },
  { name: 'balances, paid and paying again and again', shape: { pools: 'address' } },
  { name: 'balances and conversions', shape: { pools: 'address', conversions: true } },
  { name: 'a long run of tiny amounts', shape: { pools: 'address', amountMax: 3n, steps: 40 } },
]

for (const { name, shape } of SHAPES) {
  describe(name, () => {
    for (const method of METHOD_NAMES) {
      if (!methodFits(method, shape.pools)) continue
      test(`${method} answers as the coins do`, () => {
        fc.assert(
          fc.property(randomLedger(shape), fc.constantFrom('number', 'bigint'), (drawing, amounts) =>
            agrees(drawing, method, amounts),
          ),
          { numRuns: 250 },
        )
      })
    }
  })
}

describe('pro rata where a product of two amounts is beyond what a double holds', () => {
  // The deal multiplies amount by leg before it divides: at 2^52 the product has 104 bits.
  for (const [size, amountMax] of [
    ['2^48', 1n << 48n],
    ['2^252', 1n << 252n],
  ] as const) {
    test(`amounts up to ${size}`, () => {
      const amounts =
        amountMax < 1n << 53n ? fc.constantFrom('number' as const, 'bigint' as const) : fc.constant('bigint' as const)
      fc.assert(
        fc.property(randomLedger({ pools: 'address', amountMax, steps: 10 }), amounts, (drawing, kind) =>
          agrees(drawing, 'proRata', kind),
        ),
        { numRuns: 200 },
      )
      fc.assert(
        fc.property(randomLedger({ pools: 'output', amountMax, steps: 10 }), amounts, (drawing, kind) =>
          agrees(drawing, 'proRata', kind),
        ),
        { numRuns: 200 },
      )
    })
  }
})

test('pro rata: a long run of deals on one balance near 2^53 never loses a unit to a double', () => {
  // Shares that fall next to a whole number are where a guessed quotient is one off; most of these deals are such.
  const near = fc.bigInt({ min: (1n << 51n) - 64n, max: (1n << 51n) + 64n })
  const parts = fc.array(fc.tuple(fc.bigInt({ min: 1n, max: 40n }), fc.bigInt({ min: -2n, max: 2n })), {
    minLength: 30,
    maxLength: 60,
  })
  fc.assert(
    fc.property(near, near, near, parts, (anna, bora, own, steps) => {
      const arrive = (amount: bigint, seed?: string) => ({
        name: 'in',
        ins: [{ from: '@clean', amount }],
        outs: [{ to: 'W', amount, seeds: seed === undefined ? [] : [{ seed, amount }] }],
        fee: 0n,
        conversion: false,
      })
      let held = anna + bora + own
      const entries: DrawnEntry[] = [arrive(anna, 'anna'), arrive(own), arrive(bora, 'bora')]
      for (const [divisor, off] of steps) {
        const wanted = held / divisor + off
        const amount = wanted < 0n ? 0n : wanted > held ? held : wanted
        held -= amount
        // What leaves comes back at once, so that the balance stays large.
        entries.push({
          name: 'out',
          ins: [{ from: 'W', amount }],
          outs: [
            { to: 'V', amount: amount / 2n, seeds: [] },
            { to: 'W', amount: amount - amount / 2n, seeds: [] },
          ],
          fee: 0n,
          conversion: false,
        })
        held += amount - amount / 2n
      }
      agrees({ pools: 'address', openings: new Map(), entries }, 'proRata', 'number')
    }),
    { numRuns: 100 },
  )
})
