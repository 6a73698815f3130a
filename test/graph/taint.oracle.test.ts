/** The engine against the coins: every method, lot by lot in the pools and run by run in the journal. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { METHOD_NAMES, type MethodName, methodFits, traceTaint } from '../../graph/index.ts'
import { type Built, build, type Drawing, mixingFor, proceedsFirst, type Told, tell } from '../support/ledger.ts'
import { oracle } from '../support/oracle.ts'
import { type LedgerShape, randomLedger } from '../support/random-ledger.ts'

const told = (built: Built, method: MethodName): Told =>
  tell(traceTaint(built.entries, built.seedLegs, built.seedCount, method), built)

/** tiho says how much proceeds a leg has, and whose; not where in it they stand, nor which other value fills the rest. */
function comparable({ held, rows }: Told, method: MethodName, seedCount: number): Told {
  if (method !== 'tiho') return { held, rows }
  const proceedsOnly = (lots: Told['held'][number]) =>
    proceedsFirst(lots, seedCount).filter((lot) => lot.origin < seedCount)
  // Rows stand as the legs were served, the largest first; a pencil goes from the first leg to the last.
  const byLeg = rows.toSorted((a, b) => a.entry - b.entry || Number(a.side > 0) - Number(b.side > 0) || a.leg - b.leg)
  return { held: held.map(proceedsOnly), rows: byLeg }
}

function agrees(drawing: Drawing, method: MethodName, amounts: 'number' | 'bigint'): void {
  const built = build(drawing, { amounts, mixing: mixingFor(drawing, method) })
  const expected = oracle(drawing, built, method)
  const given = told(built, method)
  expect(comparable(given, method, built.seedCount)).toEqual(comparable(expected, method, built.seedCount))
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
