import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../../src/faults.ts'
import { readTagsCsv, TAG_COLUMNS, tagsToCsv } from '../../../src/tags/csv.ts'
import type { RejectedTag, Tag } from '../../../src/tags/tag.ts'
import { formatTime, parseTime } from '../../../src/tags/time.ts'
import { tag, tagArbitrary } from './support.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function read(text: string, rejected?: RejectedTag[]): Promise<Tag[]> {
  const tags: Tag[] = []
  for await (const one of readTagsCsv(bytes(text), rejected ? { name: 't.csv', rejected } : { name: 't.csv' })) {
    tags.push(one)
  }
  return tags
}

async function faultOf(text: string): Promise<string> {
  return read(text).then(
    () => 'no fault',
    (error: unknown) => {
      if (error instanceof Fault) return error.message
      throw error
    },
  )
}

const TRON = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'

describe('tags as CSV', () => {
  test('five columns in any order are enough', async () => {
    expect(await read(`source,category,label,address,chain\nme,exchange,"A, B",${TRON},tron\n`)).toEqual([
      tag({ chain: 'tron', address: TRON, label: 'A, B', category: 'exchange', source: 'me' }),
    ])
  })

  test('all columns, a mark, CRLF and an offset', async () => {
    const text =
      `\ufeff${TAG_COLUMNS.join(',')}\r\n` +
      `ethereum,0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed,L,exchange,E,S,B2,2022-01-01,2022-01-02T09:00:00+09:00,'=1\r\n`
    expect(await read(text)).toEqual([
      {
        chain: 'ethereum',
        address: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
        label: 'L',
        category: 'exchange',
        entity: 'E',
        source: 'S',
        confidence: 'B2',
        validFrom: Date.UTC(2022, 0, 1) / 1000,
        validTo: Date.UTC(2022, 0, 2) / 1000,
        evidence: '=1',
      },
    ])
  })

  const header = 'chain,address,label,category,source,validFrom,validTo\n'
  test.each([
    ['', /the file is empty/],
    ['chain,adress\n', /line 1: column 2 is called "adress"; the columns are chain, address/],
    ['chain,address,label,category\n', /line 1: column source is missing/],
    ['chain,chain\n', /line 1: column chain stands there twice/],
    [`${header}tron,${TRON},L,exchange,S,,\ntron,${TRON},L,exchange\n`, /line 3: 4 cells, but the header names 7/],
    [`${header}tron,${TRON.toLowerCase()},L,exchange,S,,\n`, /line 2: address: .* is lower-cased base58/],
    [`${header}bitcoin,${TRON},L,exchange,S,,\n`, /line 2: address: .* is a TRON address, not a bitcoin one/],
    [`${header}Tron,${TRON},L,exchange,S,,\n`, /line 2: chain: "Tron" is not a chain’s name|line 2: chain: "Tron"/],
    [`${header}tron,${TRON},,exchange,S,,\n`, /line 2: label: it is empty/],
    [`${header}tron,${TRON},L,exchange,S,2022-02-30,\n`, /line 2: validFrom: "2022-02-30" is not a time/],
    [`${header}tron,${TRON},L,exchange,S,2022-01-02,2022-01-02\n`, /line 2: validTo: the claim ends before it begins/],
    [`${header}tron,${TRON},${'x'.repeat(8193)},exchange,S,,\n`, /line 2: label: over 8192 characters/],
  ])('refuses %j', async (text, says) => expect(await faultOf(text)).toMatch(says))

  test('or lists what it refuses and takes the rest', async () => {
    const rejected: RejectedTag[] = []
    const text = `${header}tron,${TRON},A,exchange,S,,\ntron,wrong,A,exchange,S,,\ntron,${TRON},B,exchange,S,,\n`
    expect((await read(text, rejected)).map(({ label }) => label)).toEqual(['A', 'B'])
    expect(rejected).toEqual([{ name: 't.csv', line: 3, reason: expect.stringMatching(/^address: "wrong" is not/) }])
  })

  test('the count has a limit', async () => {
    const run = async () => {
      for await (const one of readTagsCsv(bytes(`${header}${`tron,${TRON},A,x,S,,\n`.repeat(3)}`), {
        name: 't.csv',
        tagsMax: 2,
      })) {
        void one
      }
    }
    await expect(run()).rejects.toThrow('LIMIT_EXCEEDED')
  })

  test('what is written is read again; order and doubles of the input do not show', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tagArbitrary, { maxLength: 8 }), async (tags) => {
        const written = tagsToCsv(tags)
        expect(tagsToCsv([...tags, ...tags].reverse())).toBe(written)
        expect(tagsToCsv(await read(written))).toBe(written)
        const back = await read(written)
        for (const each of tags) expect(back).toContainEqual(each)
      }),
    )
  })
})

describe('times', () => {
  test.each([
    ['2023-08-16 12:18:52.619444', '2023-08-16T12:18:52Z'],
    ['2023-08-16', '2023-08-16T00:00:00Z'],
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59Z'],
    ['2024-01-01T00:30:00-01:00', '2024-01-01T01:30:00Z'],
  ])('%s', (text, canonical) => expect(formatTime(parseTime(text) as number)).toBe(canonical))

  test.each(['2023-02-29', '2023-13-01', '2023-01-01T24:00:00Z', '2023-1-1', 'yesterday', '0000-01-01', ''])(
    '%j is no time',
    (text) => expect(parseTime(text)).toBeUndefined(),
  )
})
