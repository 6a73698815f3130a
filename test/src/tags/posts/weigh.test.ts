import { describe, expect, test } from 'vitest'
import { Fault } from '../../../../src/faults.ts'
import { readTagData } from '../../../../src/tags/categories.ts'
import { readLexicon } from '../../../../src/tags/posts/lexicon.ts'
import { weighPost } from '../../../../src/tags/posts/weigh.ts'

const counted = (text: string) =>
  weighPost(text)
    .terms.filter(({ passedOver }) => passedOver === undefined)
    .map(({ text }) => text)

describe('weighing a post', () => {
  test.each([
    ['아이스 판매합니다. 던지기 전지역. 1g 40, 코인 결제만. 텔 @x', 'seller', 'drug_sale/dead_drop_channel'],
    ['떨 팝니다 5그람 당일 드랍 좌표 드립니다 비트 입금 확인 후', 'seller', 'drug_sale/dead_drop_channel'],
    [
      'Crystal meth 99% in stock. 1g $60, oz $900. BTC only, stealth shipping worldwide',
      'seller',
      'drug_sale/telegram_vendor',
    ],
    ['Colombian cocaine for sale, 5g 300. Escrow, PGP key in profile, FE only', 'seller', 'drug_sale/dnm_vendor'],
    [
      '코인대행 해드립니다. 수수료 15%, 무통장 입금하시면 떨 사장님께 바로 보내드림',
      'seller',
      'drug_sale/payment_desk',
    ],
    ['떨 구합니다 서울 강남 파실 분 텔 주세요', 'buyer', undefined],
    ['WTB: 10g of weed, crypto only', 'buyer', undefined],
    ['경찰은 텔레그램에서 필로폰을 던지기 수법으로 판매한 일당을 검거해 구속했다', 'report', undefined],
    ['Police arrested a vendor of methamphetamine; 3kg were seized', 'report', undefined],
    ['아이스 아메리카노 2잔 팝니다', 'unclear', undefined],
    ['비 오는 날 강아지가 떨고 있어요', 'unclear', undefined],
    ['공 던지기 연습, 좌표평면 위의 점', 'unclear', undefined],
    ['Ice cream and candy for sale, 5 pounds, worldwide shipping', 'unclear', undefined],
    ['', 'unclear', undefined],
  ])('%s: %s', (text, role, category) => {
    const weighed = weighPost(text)
    expect(weighed.role).toBe(role)
    if (category) expect(weighed.category).toBe(category)
  })

  test('says of each term where it stands, what it means, and why it does not count', () => {
    const text = '아이스크림 드랍 아이스 판매'
    const { terms } = weighPost(text)
    for (const { text: spelling, at } of terms) expect(text.slice(at, at + spelling.length)).toBe(spelling)
    expect(terms.find(({ text }) => text === '아이스')?.at).toBe(9)
    expect(counted('아이스크림 아이스 커피')).toEqual([])
    expect(weighPost('아이스 아메리카노').terms[0].passedOver).toMatch(/iced coffee/)
  })

  test('marks between syllables, full width, jamo and hidden characters hide nothing', () => {
    expect(counted('던.지.기 대.마.초')).toEqual(['던지기', '대마초'])
    expect(counted('던\u200b지기 대\u00ad마초')).toEqual(['던지기', '대마초'])
    expect(counted('필로폰'.normalize('NFD'))).toEqual(['필로폰'])
    expect(counted('ＭＥＴＨ for sale')).toContain('meth')
    const text = '가나 던.지.기 대마초'
    const [first] = weighPost(text).terms
    expect(text.slice(first.at, first.at + 5)).toBe('던.지.기')
  })

  test('a word a thousand times counts once', () => {
    expect(weighPost('필로폰 '.repeat(1000)).score).toBe(weighPost('필로폰').score)
  })

  test('ten megabytes are weighed in seconds', () => {
    const began = performance.now()
    weighPost('아이스 아메리카노 ice cream 떨어 weed killer '.repeat(60_000))
    expect(performance.now() - began).toBeLessThan(20_000)
  })
})

describe('the lexicon', () => {
  const shipped = readTagData('lexicon.json') as Record<string, unknown>

  test('every word a reader needs to check it is there', () => {
    const { terms } = readLexicon(shipped, 'lexicon.json')
    for (const { texts, innocent, ambiguous, meaning } of terms) {
      expect(meaning.length, texts[0]).toBeGreaterThan(2)
      if (ambiguous) expect(innocent.length, texts[0]).toBeGreaterThan(0)
      for (const { phrases } of innocent) {
        for (const phrase of phrases) {
          expect(
            texts.some((text) => phrase.includes(text)),
            `${texts[0]}: ${phrase} holds none of its spellings`,
          ).toBe(true)
        }
      }
    }
  })

  test.each([
    [{ ...shipped, extra: 1 }, /"extra" is not a field/],
    [{ ...shipped, propose: 0 }, /propose: a whole number/],
    [{ ...shipped, strong: 1 }, /strong: it is below propose/],
    [{ ...shipped, terms: [{ texts: ['x'], kind: 'fun' }] }, /terms\[0\]\.kind: one of drug/],
    [{ ...shipped, terms: [{ texts: ['\u200b'], kind: 'drug' }] }, /terms\[0\]\.texts\[0\]/],
    [{ ...shipped, notSeeds: [{ chain: 'tron', address: 'Tx', what: 'y' }] }, /notSeeds\[0\]\.address/],
    [[], /an object is wanted/],
    [null, /an object is wanted/],
  ])('%# is refused by field', (value, message) => {
    expect(() => readLexicon(value, 'mine.json')).toThrow(Fault)
    expect(() => readLexicon(value, 'mine.json')).toThrow(message)
  })
})
