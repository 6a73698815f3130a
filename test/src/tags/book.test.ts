import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildTagBook } from '../../../src/tags/book.ts'
import { CATEGORIES, confidenceLevel, stopOfCategory } from '../../../src/tags/categories.ts'
import { compareTags, type Tag } from '../../../src/tags/tag.ts'
import { tag, tagArbitrary } from './support.ts'

const at = { chain: 'tron', address: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t' }
const stop = (tags: readonly Tag[], time: number) => buildTagBook(tags).stopAt(at.chain, at.address, time)

describe('the book of tags', () => {
  test('a claim counts from its start inclusive to its end exclusive', () => {
    const tags = [tag({ ...at, validFrom: 100, validTo: 200 })]
    expect([99, 100, 199, 200].map((time) => stop(tags, time)?.sink)).toEqual([
      undefined,
      'service',
      'service',
      undefined,
    ])
    expect(buildTagBook(tags).claimsOf(at.chain, at.address)).toEqual(tags)
  })

  test('any standing service stops; what contradicts it is shown behind it', () => {
    const market = tag({ ...at, category: 'market', source: 'a', confidence: 'ownership' })
    const burn = tag({ ...at, category: 'burn', source: 'b', confidence: 'ownership' })
    const mixer = tag({ ...at, category: 'mixing_service', source: 'c', confidence: 'ownership' })
    const exchange = tag({ ...at, category: 'exchange', source: 'd', confidence: 'unknown' })
    expect(stop([market, burn, mixer, exchange], 0)).toEqual({ sink: 'service', tags: [exchange, mixer, burn, market] })
    expect(stop([market, burn, mixer], 0)?.sink).toBe('mixer')
    expect(stop([market, burn], 0)?.sink).toBe('burned')
    expect(stop([market], 0)).toBeUndefined()
  })

  test('of two services the better graded source speaks first', () => {
    const crawled = tag({ ...at, entity: 'one', source: 'a', confidence: 'web_crawl' })
    const owned = tag({ ...at, entity: 'two', source: 'b', confidence: 'ownership' })
    expect(stop([crawled, owned], 0)?.tags.map(({ entity }) => entity)).toEqual(['two', 'one'])
  })

  test('markets, vendors, sanctions and issuers’ freezes do not stop; pools of value do', () => {
    for (const category of [
      'market',
      'drug_sale/dnm_vendor',
      'drug_sale/buyer_wallet',
      'sanction',
      'black_list',
      'nonsense',
    ]) {
      expect(stopOfCategory(category)).toBeUndefined()
    }
    for (const category of [
      'exchange',
      'hosted_wallet',
      'payment_processor',
      'gambling',
      'defi_dex',
      'instant_exchanger',
    ]) {
      expect(stopOfCategory(category)).toBe('service')
    }
    expect(stopOfCategory('constructor')).toBeUndefined()
    for (const { en, ko } of CATEGORIES.values()) expect(en !== '' && /[가-힣]/.test(ko)).toBe(true)
    expect(['ownership', 'B2', 'F6', 'nonsense', undefined].map(confidenceLevel)).toEqual([100, 75, 5, 0, 0])
  })

  test('the same book whatever order tags come in, and the same claim twice is one', () => {
    fc.assert(
      fc.property(
        fc.array(tagArbitrary, { maxLength: 12 }),
        fc.integer({ min: 0, max: 2_000_000_000 }),
        (tags, time) => {
          const book = buildTagBook(tags)
          const other = buildTagBook([...tags].reverse().concat(tags))
          expect(other.all).toEqual(book.all)
          for (let i = 1; i < book.all.length; i++) expect(compareTags(book.all[i - 1], book.all[i])).toBeLessThan(0)
          for (const { chain, address } of tags) {
            const claims = tags.filter((each) => each.chain === chain && each.address === address)
            const stops = claims.some(
              (each) =>
                stopOfCategory(each.category) !== undefined &&
                (each.validFrom ?? 0) <= time &&
                time < (each.validTo ?? Number.POSITIVE_INFINITY),
            )
            expect(book.stopAt(chain, address, time) !== undefined).toBe(stops)
            expect(other.stopAt(chain, address, time)).toEqual(book.stopAt(chain, address, time))
            expect(new Set(book.claimsOf(chain, address))).toEqual(
              new Set(book.all.filter((each) => claims.some((claim) => compareTags(claim, each) === 0))),
            )
          }
        },
      ),
    )
    expect(buildTagBook([]).stopAt('tron', at.address, 0)).toBeUndefined()
  })
})
