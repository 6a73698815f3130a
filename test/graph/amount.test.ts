import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AMOUNT_MAX, dealProRata, formatAmount, parseAmount, parseUnits, sum } from '../../graph/index.ts'
import { dealSlowly } from '../support/oracle.ts'

const units = fc.bigInt({ min: 0n, max: AMOUNT_MAX })

describe('parseUnits reads digit strings and nothing else', () => {
  test.each([
    ['0', 0n],
    ['1', 1n],
    ['873261636', 873261636n],
    [AMOUNT_MAX.toString(), AMOUNT_MAX],
    [(1n << 255n).toString(), 1n << 255n],
  ])('%s', (text, amount) => {
    expect(parseUnits(text)).toBe(amount)
  })

  test.each([
    [''],
    [' 1'],
    ['1 '],
    ['1\n'],
    ['01'],
    ['00'],
    ['-1'],
    ['-0'],
    ['+1'],
    ['1.0'],
    ['1,000'],
    ['1_000'],
    ['1e3'],
    ['0x10'],
    ['NaN'],
    ['Infinity'],
    ['१'],
    ['１'],
    [(AMOUNT_MAX + 1n).toString()],
    ['9'.repeat(78)],
    ['1'.repeat(100_000)],
    [1],
    [1n],
    [null],
    [undefined],
    [['1']],
    [{ toString: () => '1' }],
  ])('refuses %o', (value) => {
    expect(parseUnits(value)).toBeUndefined()
  })

  test('every amount comes back from its digits', () => {
    fc.assert(fc.property(units, (amount) => parseUnits(amount.toString()) === amount))
  })

  test('whatever it is given it answers with an amount or nothing', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const amount = parseUnits(value)
        return amount === undefined || (typeof amount === 'bigint' && amount.toString() === value)
      }),
    )
  })
})

describe('parseAmount reads decimal figures', () => {
  test.each([
    ['0.1', 8, 10000000n],
    ['0', 8, 0n],
    ['1', 0, 1n],
    ['1.', 8, undefined],
    ['.1', 8, undefined],
    ['1.10', 1, 11n], // zeros at the end say nothing
    ['1.000', 0, 1n],
    ['0.123456789', 8, undefined], // more decimals than the asset has
    ['65.29', 6, 65290000n],
    ['1,5', 6, undefined],
    ['-1', 6, undefined],
    ['1e6', 6, undefined],
    ['NaN', 6, undefined],
    ['', 6, undefined],
    [AMOUNT_MAX.toString(), 0, AMOUNT_MAX],
    [AMOUNT_MAX.toString(), 1, undefined],
  ] as const)('%s with %d decimals', (text, decimals, amount) => {
    expect(parseAmount(text, decimals)).toBe(amount)
  })

  test('and formatAmount writes them: there and back is the same amount', () => {
    fc.assert(
      fc.property(units, fc.nat(30), (amount, decimals) => {
        expect(parseAmount(formatAmount(amount, decimals), decimals)).toBe(amount)
      }),
    )
  })

  test.each([
    [10000000n, 8, '0.1'],
    [0n, 8, '0'],
    [1n, 18, '0.000000000000000001'],
    [100n, 2, '1'],
    [65290000n, 6, '65.29'],
    [5n, 0, '5'],
    [AMOUNT_MAX, 0, AMOUNT_MAX.toString()],
  ] as const)('formatAmount(%s, %d) is %s', (amount, decimals, text) => {
    expect(formatAmount(amount, decimals)).toBe(text)
  })
})

test('sum is exact where floats are not', () => {
  expect(sum([])).toBe(0n)
  expect(sum([9007199254740993n, 1n, 1n])).toBe(9007199254740995n)
})

describe('dealProRata', () => {
  test.each([
    {
      shows: 'the example of STYLE.md',
      held: [5n, 5n],
      legs: [3n, 7n],
      dealt: [
        [2n, 3n],
        [1n, 4n],
      ],
    },
    {
      shows: 'ties go to the lowest leg',
      held: [1n, 1n],
      legs: [1n, 1n],
      dealt: [
        [1n, 0n],
        [0n, 1n],
      ],
    },
    {
      shows: 'a full leg is passed by',
      held: [1n, 1n, 1n],
      legs: [1n, 2n],
      dealt: [
        [0n, 1n],
        [0n, 1n],
        [1n, 0n],
      ],
    },
    {
      shows: 'D26',
      held: [100n, 200n],
      legs: [101n, 99n, 97n, 3n],
      dealt: [
        [34n, 33n, 32n, 1n],
        [67n, 66n, 65n, 2n],
      ],
    },
    {
      shows: 'nothing over legs of nothing',
      held: [0n, 0n],
      legs: [0n, 0n, 0n],
      dealt: [
        [0n, 0n, 0n],
        [0n, 0n, 0n],
      ],
    },
    { shows: 'no legs and nothing to deal', held: [0n], legs: [], dealt: [[]] },
    { shows: 'nobody holds anything', held: [], legs: [0n], dealt: [] },
    {
      shows: 'a leg of nothing gets nothing',
      held: [3n, 4n],
      legs: [0n, 7n],
      dealt: [
        [0n, 3n],
        [0n, 4n],
      ],
    },
  ])('$shows', ({ held, legs, dealt }) => {
    expect(dealProRata(held, legs)).toEqual(dealt)
  })

  test('refuses to deal what the legs do not hold', () => {
    expect(() => dealProRata([1n], [2n])).toThrow()
    expect(() => dealProRata([2n], [1n])).toThrow()
  })

  /** Legs and holders of one whole, cut at random places; some cuts fall together, so that nothings occur. */
  const deal = fc
    .record({
      whole: fc.oneof(fc.bigInt(0n, 30n), fc.bigInt(0n, (1n << 53n) - 1n), fc.bigInt(0n, AMOUNT_MAX)),
      heldCuts: fc.array(fc.bigInt(0n, 1n << 64n), { maxLength: 5 }),
      legCuts: fc.array(fc.bigInt(0n, 1n << 64n), { maxLength: 5 }),
    })
    .map(({ whole, heldCuts, legCuts }) => {
      const parts = (cuts: readonly bigint[]) => {
        const at = [0n, ...cuts.map((cut) => (cut * whole) >> 64n).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)), whole]
        return at.slice(1).map((end, i) => end - at[i])
      }
      return { held: parts(heldCuts), legs: parts(legCuts) }
    })

  test('rows and columns both add up', () => {
    fc.assert(
      fc.property(deal, ({ held, legs }) => {
        const dealt = dealProRata(held, legs)
        expect(dealt.map((row) => sum(row))).toEqual(held)
        expect(legs.map((_, j) => sum(dealt.map((row) => row[j])))).toEqual(legs)
        expect(dealt.flat().every((share) => share >= 0n)).toBe(true)
      }),
    )
  })

  test('the first origin is within one unit of its exact share of every leg', () => {
    fc.assert(
      fc.property(deal, ({ held, legs }) => {
        const whole = sum(legs)
        dealProRata(held, legs)[0].forEach((share, j) => {
          const distance = share * whole - held[0] * legs[j]
          expect(whole === 0n ? distance === 0n : distance < whole && distance > -whole).toBe(true)
        })
      }),
    )
  })

  test('is what the rule says, read a second time', () => {
    const same = fc.property(deal, ({ held, legs }) => {
      expect(dealProRata(held, legs)).toEqual(dealSlowly(held, legs))
    })
    fc.assert(same, { numRuns: 500 })
  })
})
