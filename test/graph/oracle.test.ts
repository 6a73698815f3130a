import { describe, expect, test } from 'vitest'
import { METHOD_NAMES } from '../../graph/index.ts'
import { DRAWN_CASES, saidOf, sortedLines } from '../support/drawn-cases.ts'
import { draw, ledger, show } from '../support/ledger.ts'
import { dealSlowly, oracle } from '../support/oracle.ts'

describe('the oracle answers as a person with a pencil does', () => {
  for (const each of DRAWN_CASES) {
    const built = ledger(each.ledger, each.pools)
    for (const method of METHOD_NAMES) {
      const said = saidOf(each, method)
      if (said === undefined) continue
      test(`${method}: ${each.shows}`, () => {
        expect(sortedLines(show(oracle(built.drawing, built, method), built, method))).toEqual(said)
      })
    }
  }
})

describe('the slow dealer', () => {
  test('gives the example of STYLE.md', () => {
    expect(dealSlowly([5n, 5n], [3n, 7n])).toEqual([
      [2n, 3n],
      [1n, 4n],
    ])
  })
  test('passes a full leg by', () => {
    expect(dealSlowly([1n, 1n, 1n], [1n, 2n])).toEqual([
      [0n, 1n],
      [0n, 1n],
      [1n, 0n],
    ])
  })
})

describe('a drawing that does not add up is refused', () => {
  test.each([
    ['more out than in', 'tx t  a 5 -> b 6'],
    ['less out than in', 'tx t  a 5 -> b 4'],
    ['a pool pays what it never had', 'seed s 5\n tx t  s 6 -> b 6'],
    ['an opening after the first use', 'seed s 5 -> w\n open w 3'],
    ['value from a sink', 'tx t  @binance 5 -> b 5'],
    ['a line of no kind', 'pay a 5 -> b 5'],
    ['an amount with a point', 'seed s 0.5'],
  ])('%s', (_, text) => {
    expect(() => draw(text)).toThrow()
  })
})
