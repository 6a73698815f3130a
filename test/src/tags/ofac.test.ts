import { readFileSync } from 'node:fs'
import { gzipSync, strToU8 } from 'fflate'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../../src/faults.ts'
import { buildTagBook } from '../../../src/tags/book.ts'
import { countCategories, loadTags } from '../../../src/tags/load.ts'
import { delistedOfacTags, readAddressList, readOfacJson, readOfacNarcoticsCsv } from '../../../src/tags/ofac.ts'
import { compareTags } from '../../../src/tags/tag.ts'
import { parseTagPack, tagsOfTagPack } from '../../../src/tags/tagpack.ts'
import { parseTime } from '../../../src/tags/time.ts'
import { makeOfacSample } from '../../support/ofac-sample.ts'

const fixture = (name: string): string => readFileSync(new URL(`../../fixtures/tags/${name}`, import.meta.url), 'utf8')
const sample = (name: string): Buffer =>
  readFileSync(new URL(`../../../samples/ofac-narcotics/${name}`, import.meta.url))
const letterCase = readAddressList(fixture('ofac-letter-case.txt')) ?? []
const feed = () => readOfacJson(fixture('ofac-feed.json'), { name: 'feed', letterCase })

describe('the OFAC feed', () => {
  test('letters come back from the list that kept them', () => {
    const { tags, rejected, listedOn } = feed()
    expect(rejected).toEqual([])
    expect(listedOn).toBe('2026-08-20')
    expect(tags.map(({ address }) => address)).toContain('TNiq9AXBp9EjUqhDhrwrfvAA8U3GUQZH81')
    expect(tags.every(({ category, source }) => category === 'sanction' && source === 'OFAC SDN list')).toBe(true)
  })

  test('without it, every base58 address is refused with the line it stands on; hexadecimal and bech32 stand', () => {
    const { tags, rejected } = readOfacJson(fixture('ofac-feed.json'), { name: 'feed' })
    expect(tags.map(({ address }) => address).every((address) => /^(0x|bc1)/.test(address))).toBe(true)
    const lines = fixture('ofac-feed.json').split('\n')
    expect(rejected.length).toBeGreaterThan(5)
    for (const { line, reason } of rejected) {
      expect(reason).toMatch(/lower-cased base58|is in lower case/)
      const address = /"?([0-9a-z]{26,95})"? is/.exec(reason)?.[1]
      expect(lines[line - 1]).toContain(address?.slice(0, 80))
    }
  })

  test('two writings that differ in case alone: neither is guessed', () => {
    const two = [
      'TNiq9AXBp9EjUqhDhrwrfvAA8U3GUQZH81',
      'TNiq9AXBp9EjUqhDhrwrfvAA8U3GUQZH8l'.replace(/l$/, '1').replace('TN', 'Tn'),
    ]
    const { rejected } = readOfacJson(fixture('ofac-feed.json'), { name: 'feed', letterCase: [...letterCase, ...two] })
    expect(rejected.map(({ reason }) => reason)).toEqual([expect.stringMatching(/could be TNiq.* or Tniq/)])
  })

  test('a TRON address under XBT is a TRON address, with a note', () => {
    const tag = feed().tags.find(({ address }) => address === 'TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq')
    expect(tag).toMatchObject({ chain: 'tron', entity: 'Mingming WANG' })
    expect(tag?.evidence).toMatch(/listed under XBT; its checksum proves a TRON address/)
  })

  test('one address under several assets is one claim a chain and designee', () => {
    const of = (address: string) => feed().tags.filter((tag) => tag.address.toLowerCase() === address)
    const valerian = of('0x983a81ca6fb1e441266d2fbcb7d8e530ac2e05a2')
    expect(valerian.map(({ chain, evidence }) => [chain, evidence])).toEqual([
      ['ethereum', expect.stringContaining('listed under ETH, USDC, USDT')],
    ])
    expect(of('0x4f47bc496083c727c5fbe3ce9cdf2b0f6496270c').map(({ chain }) => chain)).toEqual([
      'ethereum',
      'arbitrum',
      'bsc',
    ])
    expect(of('1kuujpkydhamzxgpsyxqngc3x1qpxtdhgz').map(({ evidence }) => evidence)).toEqual([
      expect.stringContaining('USDT, XBT'),
    ])
    // Two designees, one address: two claims. The same designee twice: one.
    expect(of('1h939dom7i4wdlckygbxup3fs9cstnrzgl').map(({ entity }) => entity)).toEqual([
      'Ahmad KHATIBI AGHADA',
      'Amir Hossein NIKAEEN RAVARI',
    ])
    expect(of('3f6bbvs1krsc1qr8fsbtdfyqyvkmm3qvmr')).toHaveLength(1)
  })

  test.each([
    ['{"addresses": {"x": {"entries": [], "sum": NaN}}}', /line 1: NaN is not JSON; write null/],
    ['{\n"a": "NaN",\n"b": NaN}', /line 3: NaN is not JSON/],
    ['{"addresses": -Infinity}', /-Infinity is not JSON/],
    ['{"addresses"', /not JSON/],
    ['{}', /no object `addresses`/],
    ['{"addresses": {"x": 1}}', /addresses\.x\.entries: a list is wanted/],
    [
      '{"addresses": {"x": {"entries": [{"entity": "E", "program": "P", "type": "Digital Currency Address - XBT", "uid": 1}]}}}',
      /uid is not text/,
    ],
    [
      '{"addresses": {"x": {"entries": [{"entity": "E", "program": "P", "type": "Passport", "uid": "1"}]}}}',
      /names no asset/,
    ],
  ])('%s is a fault', (text, says) => {
    expect(() => readOfacJson(text, { name: 'feed' })).toThrow(says)
    expect(() => readOfacJson(text, { name: 'feed' })).toThrow(Fault)
  })

  test('Tornado Cash was delisted: the claim ends', () => {
    const addresses = readAddressList(fixture('sanctioned_addresses_ETH.txt')) ?? []
    const { tags, rejected } = delistedOfacTags(
      { name: 'lists', listedOn: '2024-09-27', lists: [{ code: 'ETH', addresses }] },
      { listedOn: '2026-08-20', tags: feed().tags },
    )
    expect(rejected).toEqual([])
    const book = buildTagBook(tags)
    const router = ['ethereum', '0x722122dF12D4e14e13Ac3b6895a86e84145b6967'] as const
    expect(book.standing(...router, parseTime('2024-12-31') as number)).toHaveLength(1)
    expect(book.standing(...router, parseTime('2026-08-20') as number)).toHaveLength(0)
    expect(book.claimsOf(...router)[0].evidence).toBe(
      'on the list of 2024-09-27 under ETH; not on the list of 2026-08-20',
    )
    // What is on both lists has not ended.
    expect(tags.map(({ address }) => address)).not.toContain('0x19Aa5Fe80D33a56D56c78e82eA5E50E5d80b4Dff')
    expect(() =>
      delistedOfacTags({ name: 'l', listedOn: '2026-08-20', lists: [] }, { listedOn: '2024-09-27', tags: [] }),
    ).toThrow('not earlier')
  })
})

describe('the table of narcotics designations', () => {
  test('166 addresses of 21 designees, each from its day', async () => {
    const { tags, rejected, csv, pack } = await makeOfacSample(sample('source/ofac-narcotics-addresses.csv'))
    expect([tags.length, new Set(tags.map(({ entity }) => entity)).size, rejected.length]).toEqual([166, 21, 0])
    expect(tags.find(({ address }) => address === '12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h')?.validFrom).toBe(
      parseTime('2019-08-21'),
    )
    expect(tags.filter(({ evidence }) => evidence?.includes('first seen on the list'))).toHaveLength(8)
    expect(sample('tags.csv').toString()).toBe(csv)
    expect(sample('tagpack.yaml').toString()).toBe(pack)
    const back = tagsOfTagPack(parseTagPack(pack, { name: 'p' }).pack, 'p').tags
    expect([...back].sort(compareTags)).toEqual([...tags].sort(compareTags))
  })

  test('rows that do not hold are listed', async () => {
    const header =
      'address,ofac_asset_code,sdn_name,programme,sdn_uid,designation_date_treasury,first_seen_in_public_git_snapshots\n'
    const rows = 'x,XBT,N,P,1,2022-13-01,\ny,XBT,N,P,1,soon,\nz,XBT,N,P,1,,\nw,XBT\n'
    const { tags, rejected } = await readOfacNarcoticsCsv(strToU8(header + rows), { name: 'n' })
    expect(tags).toEqual([])
    expect(rejected.map(({ line }) => line).sort()).toEqual([2, 3, 4, 5])
  })
})

describe('loadTags', () => {
  const file = (name: string, bytes: Uint8Array, more = {}) => ({ name, bytes, ...more })
  const files = [
    file('feed.json', strToU8(fixture('ofac-feed.json'))),
    file('hydra', strToU8(fixture('hydra.yaml'))),
    file('complete.txt', strToU8(fixture('ofac-letter-case.txt'))),
    file('narcotics.csv.gz', gzipSync(sample('source/ofac-narcotics-addresses.csv'))),
    file('tags.csv', sample('tags.csv')),
    file('sanctioned_addresses_ETH.txt', strToU8(fixture('sanctioned_addresses_ETH.txt')), { listedOn: '2024-09-27' }),
  ]

  test('tells files apart by what is in them, joins the lists, and does not mind their order', async () => {
    const loaded = await loadTags(files)
    expect(loaded.rejected).toEqual([])
    expect(loaded.packs.map(({ name, version }) => [name, version])).toEqual([
      ['complete.txt', null],
      ['feed.json', '2026-08-20'],
      ['hydra', '2023-05-10'],
      ['narcotics.csv.gz', null],
      ['sanctioned_addresses_ETH.txt', '2024-09-27'],
      ['tags.csv', null],
    ])
    const valerian = loaded.tags.filter(({ entity }) => entity === 'VALERIAN LABS, INC.')
    expect(valerian.every(({ validFrom }) => validFrom !== undefined)).toBe(true)
    expect([...countCategories(loaded.tags)].map(([category]) => category)).toEqual(['sanction', 'market'])
    expect(countCategories(loaded.tags).get('market')).toBe(117)
    const other = await loadTags([...files].reverse())
    expect(buildTagBook(other.tags).all).toEqual(buildTagBook(loaded.tags).all)
    expect(other.packs).toEqual(loaded.packs)
  })

  test('a file with a bad line is refused, or the line listed where that is asked for', async () => {
    const bad = [file('tornado_cash.yaml', strToU8(fixture('tornado_cash.yaml')))]
    expect((await loadTags(bad, { strict: false })).rejected).toHaveLength(1)
    await expect(loadTags(bad)).rejects.toThrow('tornado_cash.yaml line 51')
  })

  test.each([
    ['FILE_UNREADABLE', ['/nowhere/at/all.csv'], {}],
    ['FILE_TRUNCATED', [file('t.gz', gzipSync(new Uint8Array(9000)).subarray(0, 20))], {}],
    ['LIMIT_EXCEEDED', [file('t.gz', gzipSync(new Uint8Array(9000)))], { bytesMax: 1000 }],
    ['LIMIT_EXCEEDED', [file('t.csv', new Uint8Array(9000))], { bytesMax: 1000 }],
    ['TAGS_INVALID', [file('t', strToU8('\n\n'))], {}],
    ['TAGS_INVALID', [file('t.yaml', Uint8Array.from([0xff, 0xfe, 0]))], {}],
    ['TAGS_INVALID', [file('t', strToU8('hello, world\n'))], {}],
  ] as const)('%s', async (code, list, options) => {
    await expect(loadTags([...list], options)).rejects.toMatchObject({ code })
  })
})
