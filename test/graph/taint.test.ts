import { describe, expect, test } from 'vitest'
import { METHOD_NAMES, type MethodName, methodFits, traceTaint } from '../../graph/index.ts'
import { DRAWN_CASES, saidOf, sortedLines } from '../support/drawn-cases.ts'
import { type BuildOptions, type Drawing, ledger, show, tell } from '../support/ledger.ts'

function answer(text: string, pools: Drawing['pools'], method: MethodName, options?: BuildOptions): string[] {
  const built = ledger(text, pools, options)
  const taint = traceTaint(built.entries, built.seedLegs, built.seedCount, method)
  return sortedLines(show(tell(taint, built), built, method))
}

for (const amounts of ['number', 'bigint'] as const) {
  describe(`drawn cases, amounts as ${amounts}`, () => {
    for (const each of DRAWN_CASES) {
      for (const method of METHOD_NAMES) {
        const said = saidOf(each, method)
        if (said === undefined) continue
        test(`${method}: ${each.shows}`, () => {
          expect(answer(each.ledger, each.pools, method, { amounts })).toEqual(said)
        })
      }
    }
  })
}

/** Each method with pools that it fits. */
const FITTING = METHOD_NAMES.map((method) => {
  const pools: Drawing['pools'] = methodFits(method, 'output') ? 'output' : 'address'
  return { method, pools }
})

describe('sizes', () => {
  test('nothing at all is a ledger, and its journal is empty', () => {
    for (const { method, pools } of FITTING) {
      const built = ledger('', pools)
      const taint = traceTaint(built.entries, built.seedLegs, built.seedCount, method)
      expect(taint.journal.rows).toBe(0)
    }
  })

  test('without seeds nothing is written, and balances are still told', () => {
    for (const { method, pools } of FITTING) {
      const built = ledger('tx t  a 5 -> b 3, c 2', pools)
      const taint = traceTaint(built.entries, built.seedLegs, 0, method)
      expect(taint.journal.rows).toBe(0)
      expect(built.pools.map((_, pool) => taint.held(pool))).toEqual([
        [],
        [{ origin: 0, amount: 3n }],
        [{ origin: 0, amount: 2n }],
      ])
    }
  })

  test('amounts of 2^255 are whole', () => {
    const half = (1n << 255n).toString()
    for (const { method, pools } of FITTING) {
      // 2^255 of proceeds and 1 of salary.
      const built = ledger(`seed s ${half}\n tx t  s ${half}, x 1 -> a ${half}, b 1`, pools, { amounts: 'bigint' })
      const told = tell(traceTaint(built.entries, built.seedLegs, built.seedCount, method), built)
      const sum = told.held.flat().filter((lot) => lot.origin === 0)
      expect(sum.reduce((all, lot) => all + lot.amount, 0n)).toBe(1n << 255n)
    }
  })

  test('a peel chain of 10,000 hops needs no stack, and pays its last unit out', () => {
    const hops = 10_000
    let text = `seed s ${hops}\n`
    let from = 's'
    for (let i = 1; i <= hops; i++) {
      const left = hops - i
      text += `tx t${i}  ${from} ${left + 1} -> c${i} ${left}, @binance 1\n`
      from = `c${i}`
    }
    for (const { method, pools } of FITTING) expect(answer(text, pools, method)).toEqual([`@binance: s ${hops}`])
  })
})
