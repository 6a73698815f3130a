import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../../src/faults.ts'
import { compareTags } from '../../../src/tags/tag.ts'
import { parseTagPack, type TagPack, tagPackOf, tagsOfTagPack, writeTagPack } from '../../../src/tags/tagpack.ts'
import { tagArbitrary } from './support.ts'

const fixture = (name: string): string => readFileSync(new URL(`../../fixtures/tags/${name}`, import.meta.url), 'utf8')
const fields = (pack: TagPack) => ({ header: pack.header, tags: pack.tags.map((entry) => entry.fields) })
const HEADER = 'title: T\ncreator: C\n'

function faultOf(text: string, limits = {}): string {
  try {
    parseTagPack(text, { name: 'p.yaml', limits })
  } catch (error) {
    if (error instanceof Fault) return error.message
    throw error
  }
  return 'no fault'
}

describe('TagPacks of GraphSense', () => {
  test('the header is inherited: Hydra Market', () => {
    const { pack, rejected } = parseTagPack(fixture('hydra.yaml'), { name: 'hydra.yaml' })
    const { tags } = tagsOfTagPack(pack, 'hydra.yaml')
    expect([rejected.length, tags.length]).toEqual([0, 117])
    expect(tags[0]).toEqual({
      chain: 'bitcoin',
      address: '1BCWMwpR4M1nYUuuYe2bmzrNuwGoF9ZAbA',
      label: 'Hydra Market',
      category: 'market',
      entity: 'hydramarket',
      source: 'https://home.treasury.gov/policy-issues/financial-sanctions/recent-actions/20220405',
      confidence: 'authority_data',
      validFrom: undefined,
      validTo: undefined,
      evidence: 'tag pack Hydra Market; lastmod 2023-05-10',
    })
    expect(pack.header.is_cluster_definer).toBe(true)
  })

  test('a trailing blank is refused with its line, and only that line: Tornado Cash', () => {
    const { pack } = parseTagPack(fixture('tornado_cash.yaml'), { name: 'tornado_cash.yaml' })
    const { tags, rejected } = tagsOfTagPack(pack, 'tornado_cash.yaml')
    expect(tags.length).toBe(pack.tags.length - 1)
    expect(rejected).toEqual([
      { name: 'tornado_cash.yaml', line: 51, reason: expect.stringMatching(/white space around it/) },
    ])
  })

  test('many chains: Huobi’s reserves', () => {
    const { pack } = parseTagPack(fixture('exchange-wallets-huobi.yaml'), { name: 'h' })
    const { tags, rejected } = tagsOfTagPack(pack, 'h')
    expect(rejected).toEqual([])
    expect(tags.find(({ address }) => address === '143gLvWYUojXaWZRrxquRKpVNTkhmr415B')?.chain).toBe('bitcoin')
    expect(
      tags.filter(({ chain }) => chain === 'bitcoin-cash').every(({ address }) => address.startsWith('bitcoincash:')),
    ).toBe(true)
    expect(tags.filter(({ chain }) => chain === 'tron').length).toBeGreaterThan(0)
  })

  test.each(['hydra.yaml', 'tornado_cash.yaml', 'exchange-wallets-huobi.yaml'])('%s out and in unchanged', (name) => {
    const { pack } = parseTagPack(fixture(name), { name })
    const again = parseTagPack(writeTagPack(pack), { name })
    expect(fields(again.pack)).toEqual(fields(pack))
    expect(tagsOfTagPack(again.pack, name).tags).toEqual(tagsOfTagPack(pack, name).tags)
  })

  test('each of category, concepts and abuse is a claim', () => {
    const text = `${HEADER}currency: BTC\ncategory: user\ntags:\n- address: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n  label: 0012\n  concepts: [exchange, user]\n  abuse: scam\n`
    const { tags } = tagsOfTagPack(parseTagPack(text, { name: 'p' }).pack, 'p')
    expect(tags.map(({ category }) => category)).toEqual(['user', 'exchange', 'scam'])
    // Text that looks like a figure stays text; a pack without a source is its own.
    expect(tags[0]).toMatchObject({ label: '0012', source: 'T' })
  })

  const one = (more: string) => {
    const text = `${HEADER}label: L\ntags:\n- ${more}\n`
    const { pack, rejected } = parseTagPack(text, { name: 'p' })
    const made = tagsOfTagPack(pack, 'p')
    return [...rejected, ...made.rejected][0]?.reason ?? made.tags[0]
  }
  const TRON = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'

  test('network before currency; a token’s address tells the chain where it can', () => {
    expect(one(`{address: ${TRON}, currency: USDT}`)).toMatchObject({ chain: 'tron' })
    expect(one(`{address: ${TRON}, currency: USDT, network: TRX}`)).toMatchObject({ chain: 'tron' })
    expect(one(`{address: '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed', currency: USDT}`)).toMatchObject({
      chain: 'ethereum',
    })
    expect(one(`{address: '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed', currency: USDT, network: BSC}`)).toMatchObject({
      chain: 'bsc',
    })
    expect(one('{address: 3LtcaPbCj87CwJHnRX3vh7c2y9RZQqeSy8, currency: USDT}')).toMatchObject({ chain: 'bitcoin' })
    expect(one('{address: GnCRxKqUEPouYMvTb5nJMGrDB3VkTXZnDTaDuVZdnWA3, currency: USDT}')).toMatch(/say network/)
    // Solana has no checksum to deny it; TRON's proves it.
    expect(one(`{address: ${TRON}, currency: SOL}`)).toMatchObject({ chain: 'tron' })
    expect(one(`{address: ${TRON}, currency: BTC}`)).toMatchObject({
      chain: 'tron',
      evidence: 'tag pack T; listed under BTC; its checksum proves a TRON address',
    })
  })

  test.each([
    [`{address: ${TRON}}`, /neither a currency nor a network/],
    ['{currency: BTC}', /address: it is missing/],
    ['{currency: BTC, tx_hash: ab}', /tx_hash/],
    ['{currency: BTC, adress: x}', /"adress" is not a field of a tag/],
    ['{currency: BTC, currency: ETH}', /currency stands there twice/],
    ['{currency: [BTC]}', /currency: text is wanted/],
    ['text', /a tag is a map of fields/],
    [`{address: ${TRON.toLowerCase()}, currency: TRX}`, /lower-cased base58/],
  ])('an entry %s is listed', (more, says) => expect(one(more)).toMatch(says))

  test.each([
    ['', /a tag pack is a map/],
    ['[]', /a tag pack is a map/],
    [HEADER, /tags is missing/],
    ['title: T\ntags: []\ntitle: U\n', /line 3: title stands there twice/],
    ['titel: T\ntags: []\n', /line 1: "titel" is not a field/],
    ['title: {a: b}\ntags: []\n', /line 1: title: text is wanted/],
    ['tags: no\n', /tags: a list is wanted/],
    ['a: [\n', /not YAML/],
    ['title: T\ntags: []\n---\ntitle: U\n', /line 3: a second document/],
    ['title: &a T\ntags:\n- {label: *a}\n', /line 3: the alias \*a: write the value out/],
    ['title: T\ntags:\n- *missing\n', /TAGS_INVALID/],
  ])('%j is a fault', (text, says) => expect(faultOf(text)).toMatch(says))

  test('bombs are refused, not swallowed', () => {
    const laughs = Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'x' : `*a${i - 1}, *a${i - 1}`}]`)
    expect(faultOf(`${laughs.join('\n')}\n`)).toMatch(/the alias/)
    for (const unit of ['[', '{a: ', '- ', '? ', '[{']) {
      expect(faultOf(`title: T\ntags:\n ${unit.repeat(100_000)}`)).toMatch(
        /LIMIT_EXCEEDED: p.yaml line 3: nested over 32/,
      )
    }
    const stairs = Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`)
    expect(faultOf(stairs.join('\n'))).toMatch(/LIMIT_EXCEEDED: p.yaml line 258: indented by over 256/)
    expect(faultOf('title: T\n', { bytesMax: 5 })).toMatch(/LIMIT_EXCEEDED/)
    expect(faultOf('tags: [{}, {}, {}]\n', { tagsMax: 2 })).toMatch(/LIMIT_EXCEEDED/)
  })

  test('any tags become a pack and come back', () => {
    fc.assert(
      fc.property(fc.array(tagArbitrary, { maxLength: 4 }), (tags) => {
        const written = writeTagPack(tagPackOf(tags, { title: 'T', creator: 'C' }))
        const { pack, rejected } = parseTagPack(written, { name: 'p' })
        const back = tagsOfTagPack(pack, 'p')
        expect([...rejected, ...back.rejected]).toEqual([])
        expect([...back.tags].sort(compareTags)).toEqual([...tags].sort(compareTags))
      }),
    )
  })

  test('any text is a pack or a fault', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'tags: \n-[]{}&*!|>"\'#?%a0') }), (text) => {
        try {
          tagsOfTagPack(parseTagPack(text, { name: 'p' }).pack, 'p')
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
        }
      }),
      { numRuns: 300 },
    )
  })
})
