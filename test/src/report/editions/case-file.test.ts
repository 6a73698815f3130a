import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Fault } from '../../../../src/faults.ts'
import { decodeCaseFile } from '../../../../src/report/editions/case-file.ts'
import { lastDay } from '../../../../src/report/editions/clocks.ts'
import { articleText, percent } from '../../../../src/report/editions/words.ts'
import { drawnCase } from '../../../support/editions.ts'

const faultOf = (value: unknown): string => {
  try {
    decodeCaseFile(value)
    return 'none'
  } catch (error) {
    if (error instanceof Fault) return `${error.code} ${error.detail}`
    throw error
  }
}

describe('a case file', () => {
  it('may be empty or whole', () => {
    expect(decodeCaseFile(undefined).recipients).toEqual([])
    expect(decodeCaseFile({}).legalBasis).toEqual([])
    expect(decodeCaseFile(drawnCase())).toMatchObject({ caseNumber: '2026-형제-00001', agency: { confidential: true } })
  })

  it.each<[string, unknown, RegExp]>([
    ['an unknown field', { legalBases: [] }, /\/legalBases: is unknown/],
    [
      'an unknown field deep inside',
      { recipients: [{ service: 'x', entity: 'y' }] },
      /\/recipients\/0\/entity: is unknown/,
    ],
    [
      'an unknown action',
      { recipients: [{ service: 'x', actions: ['seize'] }] },
      /\/actions\/0: "seize" is not one of/,
    ],
    [
      'a day that no calendar has',
      { report: { issuedOn: '2026-02-30' } },
      /\/report\/issuedOn: "2026-02-30" is no day/,
    ],
    [
      'an unknown clock',
      { clocks: [{ clock: 'x', start: '2026-01-01T00:00:00Z' }] },
      /\/clocks\/0\/clock: "x" is not known/,
    ],
    [
      'more extensions than the law has',
      { clocks: [{ clock: 'kr-cpa-preservation', start: '2026-01-01T00:00:00Z', extended: 2 }] },
      /from 0 to 1/,
    ],
    [
      'a price as a number',
      { prices: [{ chain: 'tron', asset: 'x', currency: 'KRW', price: 1193.5, day: '2026-01-01', source: 's' }] },
      /\/prices\/0\/price: text is wanted/,
    ],
    [
      'an amount with a point',
      { balances: [{ chain: 't', asset: 'a', address: 'b', amount: '1.5', at: '2026-01-01T00:00:00Z', source: 's' }] },
      /\/balances\/0\/amount/,
    ],
    ['an answer to no check', { answers: { B41: 'x' } }, /"B41"/],
    ['a basis without a statute', { legalBasis: [{ article: '1' }] }, /\/legalBasis\/0\/statute: is wanted/],
    ['no object', [], /an object is wanted/],
    ['half a character', { caseNumber: 'a\ud800' }, /lone surrogate/],
    ['10,001 characters', { caseNumber: 'x'.repeat(10_001) }, /more than 10000/],
  ])('is refused with %s, by name', (_, value, told) => {
    expect(faultOf(value)).toMatch(/^CASE_INVALID/)
    expect(faultOf(value)).toMatch(told)
  })

  it('is a value or a fault, whatever comes', () => {
    const field = fc.constantFrom(...Object.keys(drawnCase()))
    fc.assert(
      fc.property(field, fc.jsonValue(), (name, value) => {
        faultOf({ [name]: value })
        faultOf({ ...drawnCase(), [name]: [value] })
      }),
      { numRuns: 500 },
    )
  })
})

describe('a clock', () => {
  it.each([
    // 60 days, the first not counted: 2026-08-10 in Korea is day 0.
    ['kr-cpa-preservation', '2026-08-10T00:00:00Z', 0, '2026-10-09'],
    ['kr-cpa-preservation', '2026-08-10T00:00:00Z', 1, '2026-11-08'],
    // 15:00 UTC is already the next day in Korea.
    ['kr-cpa-preservation', '2026-08-09T15:00:00Z', 0, '2026-10-09'],
    // A month without such a day ends on its last.
    ['kr-user-suspicion', '2026-12-31T00:00:00Z', 0, '2027-02-28'],
    ['kr-user-72h', '2026-08-10T01:02:03Z', 0, '2026-08-13T10:02:03+09:00'],
    ['us-984', '2024-02-29T00:00:00Z', 0, '2025-02-28'],
    // Friday and three business days: the weekend does not count.
    ['kr-travel-rule', '2026-11-20T00:00:00Z', 0, '2026-11-25'],
  ])('%s from %s, extended %i times, ends on %s', (clock, start, extended, last) => {
    expect(lastDay({ clock, start, extended })).toBe(last)
  })
})

describe('an article', () => {
  it('is cited as Korean law cites it', () => {
    expect(articleText('215의2', 'ko')).toBe('제215조의2')
    expect(articleText('33(3)', 'ko')).toBe('제33조 제3항')
    expect(articleText('시행령 17(6)', 'ko')).toBe('시행령 제17조 제6항')
    expect(articleText('제34조', 'ko')).toBe('제34조')
    expect(articleText('215의2', 'en')).toBe('art. 215-2')
  })
})

describe('a share', () => {
  it('is cut, never rounded up', () => {
    expect(percent('46291', '400000')).toBe('11.57275')
    expect(percent('999999999999', '1000000000000')).toBe('99.99999')
    expect(percent('1', '0')).toBe('')
  })
})
