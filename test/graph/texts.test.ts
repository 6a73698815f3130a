import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TextNumbers, Texts } from '../../graph/texts.ts'

const text = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 70 }) },
  fc.string({ unit: 'binary', maxLength: 9 }),
)

describe('Texts', () => {
  it('give back what was kept, in the order of strings', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 40 }), (kept) => {
        const texts = new Texts()
        const numbers = kept.map((each) => texts.append(each))
        expect(numbers.map((number) => texts.at(number))).toEqual(kept)
        expect([...numbers].sort((a, b) => texts.compare(a, b)).map((number) => texts.at(number))).toEqual(
          [...kept].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
        )
        for (const other of kept) expect(texts.is(0, other)).toBe(kept[0] === other)
      }),
    )
  })

  it('may be long', () => {
    const texts = new Texts()
    const long = 'bc1q'.repeat(100_000)
    expect(texts.at(texts.append(long))).toBe(long)
  })

  it('widen for a character beyond a byte, and forget when cleared', () => {
    const texts = new Texts()
    texts.append('before')
    texts.append('b\u200bc1')
    expect([texts.at(0), texts.at(1), texts.is(1, 'b\u200bc1'), texts.is(1, 'b\u000bc1')]).toEqual([
      'before',
      'b\u200bc1',
      true,
      false,
    ])
    texts.clear()
    expect([texts.length, texts.append('again'), texts.at(0)]).toEqual([0, 0, 'again'])
  })
})

describe('TextNumbers', () => {
  it('number each text once, as a Map does', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 60 }), (asked) => {
        const numbers = new TextNumbers()
        const map = new Map<string, number>()
        for (const each of asked) {
          expect(numbers.find(each)).toBe(map.get(each))
          if (!map.has(each)) map.set(each, map.size)
          expect(numbers.intern(each)).toBe(map.get(each))
        }
        expect(numbers.size).toBe(map.size)
      }),
    )
  })

  it('hold fifty thousand', () => {
    const numbers = new TextNumbers()
    for (let at = 0; at < 50_000; at++) numbers.intern(`address ${at}`)
    for (let at = 0; at < 50_000; at++) expect(numbers.find(`address ${at}`) === at).toBe(true)
    expect(numbers.find('address 50000')).toBeUndefined()
  })
})
