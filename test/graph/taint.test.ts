import { describe, expect, test } from 'vitest'
import { METHOD_NAMES, type MethodName, traceTaint } from '../../graph/index.ts'
import { DRAWN_CASES } from '../support/drawn-cases.ts'
import { type BuildOptions, build, draw, mixingFor, show, tell } from '../support/ledger.ts'

const lines = (text: string) =>
  text
    .split(/[\n|]/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .sort()

function answer(text: string, method: MethodName, options?: BuildOptions): string[] {
  const drawing = draw(text)
  const built = build(drawing, { mixing: mixingFor(drawing, method), ...options })
  return lines(show(tell(traceTaint(built.entries, built.seedLegs, built.seedCount, method), built), built, method))
}

for (const amounts of ['number', 'bigint'] as const) {
  describe(`drawn cases, amounts as ${amounts}`, () => {
    for (const { shows, ledger: text, says } of DRAWN_CASES) {
      for (const method of METHOD_NAMES) {
        const expected = says[method] ?? (method === 'tiho' ? undefined : says.all)
        if (expected === undefined) continue
        test(`${method}: ${shows}`, () => {
          expect(answer(text, method, { amounts })).toEqual(lines(expected))
        })
      }
    }
  })
}

describe('sizes', () => {
  test('nothing at all is a ledger, and its journal is empty', () => {
    for (const method of METHOD_NAMES) {
      const built = build(draw(''), { mixing: mixingFor(draw(''), method) })
      const taint = traceTaint(built.entries, built.seedLegs, built.seedCount, method)
      expect(taint.journal.rows).toBe(0)
    }
  })

  test('without seeds nothing is written, and balances are still told', () => {
    for (const method of METHOD_NAMES) {
      const text = 'tx t  a 5 -> b 3, c 2'
      const built = build(draw(text), { mixing: mixingFor(draw(text), method) })
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
    for (const method of METHOD_NAMES) {
      // 2^255 of proceeds and 1 of salary; one unit short of all goes to a.
      const drawing = draw(`seed s ${half}\n tx t  s ${half}, x 1 -> a ${half}, b 1`)
      const built = build(drawing, { amounts: 'bigint', mixing: mixingFor(drawing, method) })
      const told = tell(traceTaint(built.entries, built.seedLegs, built.seedCount, method), built)
      const sum = told.held.flat().filter((lot) => lot.origin === 0)
      expect(sum.reduce((all, lot) => all + lot.amount, 0n)).toBe(1n << 255n)
    }
  })

  test('a peel chain of 20,000 hops needs no stack, and pays its last unit out', () => {
    const hops = 20_000
    let text = `seed s ${hops}\n`
    let from = 's'
    for (let i = 1; i <= hops; i++) {
      const left = hops - i
      text += `tx t${i}  ${from} ${left + 1} -> c${i} ${left}, @binance 1\n`
      from = `c${i}`
    }
    for (const method of METHOD_NAMES) expect(answer(text, method)).toEqual([`@binance: s ${hops}`])
  })
})
