import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Fault } from '../../../../src/faults.ts'
import { buildTagBook } from '../../../../src/tags/book.ts'
import { readTagData } from '../../../../src/tags/categories.ts'
import { JsonScanner } from '../../../../src/tags/posts/json-scanner.ts'
import { readLexicon } from '../../../../src/tags/posts/lexicon.ts'
import { proposalsToCsv, readDecisions } from '../../../../src/tags/posts/proposals-csv.ts'
import { proposeTags } from '../../../../src/tags/posts/propose.ts'
import { openPostFile, type Post, readPosts } from '../../../../src/tags/posts/read.ts'
import { scanPosts } from '../../../../src/tags/posts/scan.ts'
import type { RejectedTag } from '../../../../src/tags/tag.ts'
import { tag } from '../support.ts'

const TRON = 'TWd7KM71dbERdzyRwcowHEDwjmPYPcwTvn'
const USDT = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'
const SALE = `아이스 판매합니다. 던지기 전지역 1g 40\n입금 주소 USDT-TRC20 ${TRON}\n코인 결제만`

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'proceeds-posts-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const put = (name: string, data: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, data)
  return path
}

async function read(path: string, options: { postBytesMax?: number; fields?: { text: string } } = {}) {
  const rejected: RejectedTag[] = []
  const posts: Post[] = []
  for await (const post of readPosts(await openPostFile(path), { rejected, ...options })) posts.push(post)
  return { posts, rejected }
}

/** Telegram Desktop's export of all chats; its key order and its nested entities. */
const telegram = {
  about: 'Here is the data you requested.',
  chats: {
    about: 'This page lists all chats.',
    list: [
      {
        name: '얼음"창고',
        type: 'public_channel',
        id: 1234567890,
        messages: [
          { id: 1, type: 'service', date: '2023-01-01T00:00:00', action: 'create_channel', text: '' },
          {
            id: 2,
            type: 'message',
            date: '2023-01-02T09:00:00',
            date_unixtime: '1672617600',
            from: '얼음창고',
            text: ['아이스 판매 던지기 ', { type: 'code', text: TRON }, { type: 'bold', text: [' 코인 결제', '만'] }],
            text_entities: [{ type: 'plain', text: 'the same once more' }],
          },
          {
            id: 3,
            type: 'message',
            date: '2023-01-03T09:00:00',
            text: [{ type: 'text_link', text: 'pay', href: `tron:${TRON}` }],
          },
        ],
      },
      {
        name: null,
        type: 'personal_chat',
        id: 7,
        messages: [{ id: 9, type: 'message', date_unixtime: '1600000005', text: 'hello } ] "' }],
      },
    ],
  },
}

describe('files of posts', () => {
  test.each([
    ['result.json', JSON.stringify(telegram, null, 1)],
    ['result-one-line.json', JSON.stringify(telegram)],
    ['result.json.gz', gzipSync(`\ufeff${JSON.stringify(telegram, null, 1)}`)],
  ])('Telegram Desktop’s export, %s', async (name, data) => {
    const { posts, rejected } = await read(put(name, data))
    expect(rejected).toEqual([])
    expect(posts.map(({ channel, id, time, text, url }) => ({ channel, id, time, text, url }))).toEqual([
      {
        channel: '얼음"창고',
        id: '2',
        time: 1672617600,
        text: `아이스 판매 던지기 ${TRON} 코인 결제만`,
        url: 'https://t.me/c/1234567890/2',
      },
      {
        channel: '얼음"창고',
        id: '3',
        time: Date.UTC(2023, 0, 3, 9) / 1000,
        text: `pay (tron:${TRON}) `,
        url: 'https://t.me/c/1234567890/3',
      },
      { channel: '7', id: '9', time: 1600000005, text: 'hello } ] "', url: undefined },
    ])
  })

  test('one chat’s export, an array, JSON lines, CSV and plain text', async () => {
    const chat = telegram.chats.list[0]
    expect((await read(put('chat.json', JSON.stringify(chat, null, 2)))).posts).toHaveLength(2)
    const record = { forum: 'Dread', post_id: 17, posted_at: '2022-05-01', body: SALE, url: 'http://x.onion/17' }
    const expected = {
      channel: 'Dread',
      id: '17',
      time: Date.UTC(2022, 4, 1) / 1000,
      text: SALE,
      url: 'http://x.onion/17',
    }
    expect((await read(put('a.json', JSON.stringify([record, record])))).posts).toMatchObject([expected, expected])
    expect((await read(put('a.jsonl', `${JSON.stringify(record)}\n\n${JSON.stringify(record)}`))).posts).toMatchObject([
      expected,
      { ...expected, reference: 'a.jsonl#3' },
    ])
    const csv = `forum,post_id,posted_at,body,url\nDread,17,2022-05-01,"${SALE}",http://x.onion/17\nDread,18\n`
    const table = await read(put('a.csv', csv))
    expect(table.posts).toMatchObject([expected])
    expect(table.rejected).toEqual([{ name: 'a.csv', line: 5, reason: '2 cells, but the header names 5' }])
    expect((await read(put('note.txt', SALE))).posts).toMatchObject([
      { channel: 'note.txt', id: undefined, time: undefined, text: SALE, reference: 'note.txt#1' },
    ])
    const other = await read(put('b.jsonl', `${JSON.stringify({ corpus: SALE })}\n`), { fields: { text: 'corpus' } })
    expect(other.posts).toMatchObject([{ text: SALE }])
  })

  test('a bad line, a post too long, bytes that are not UTF-8: listed, and the rest is read', async () => {
    const lines = ['{"text":"one"}', 'nonsense', '[1]', `{"text":"${'x'.repeat(5000)}"}`, '{"text":"two"}']
    const { posts, rejected } = await read(put('bad.jsonl', lines.join('\n')), { postBytesMax: 1000 })
    expect(posts.map(({ text }) => text)).toEqual(['one', 'two'])
    expect(rejected.map(({ line }) => line)).toEqual([2, 3, 4])
    const document = { messages: [{ text: 'x'.repeat(5000) }, { text: 'two' }] }
    const long = await read(put('long.json', JSON.stringify(document, null, 1)), { postBytesMax: 1000 })
    expect(long.posts.map(({ text }) => text)).toEqual(['two'])
    expect(long.rejected).toMatchObject([{ line: 1, reason: 'the post is longer than 1000 bytes' }])
    const bytes = Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xff]), Buffer.from('"}\n{"text":"ok"}\n')])
    expect((await read(put('utf.jsonl', Buffer.concat([Buffer.from('{"text":"a"}\n'), bytes])))).posts).toHaveLength(2)
  })

  test('an export that ends early is a fault, its whole posts are not lost', async () => {
    const whole = JSON.stringify(telegram, null, 1)
    const path = put('cut.json', whole.slice(0, whole.indexOf('text_link')))
    const posts: Post[] = []
    const reading = (async () => {
      for await (const post of readPosts(await openPostFile(path), { rejected: [] })) posts.push(post)
    })()
    await expect(reading).rejects.toThrow(/FILE_TRUNCATED.*after post 2/)
    expect(posts).toHaveLength(1)
  })

  test('ten megabytes of one post, and brackets without end', async () => {
    const text = `${SALE}\n`.repeat(60_000)
    expect(Buffer.byteLength(text)).toBeGreaterThan(5_000_000)
    expect((await read(put('big.json', JSON.stringify({ messages: [{ text }] })))).posts).toHaveLength(1)
    await expect(read(put('deep.json', '['.repeat(100_000)))).rejects.toThrow(/LIMIT_EXCEEDED/)
    const nested = `{"messages":[\n{"text":${'['.repeat(50_000)}"x"${']'.repeat(50_000)}}]}`
    expect((await read(put('nested.json', nested))).posts).toMatchObject([{ text: 'x' }])
  })

  test('the scanner finds what JSON.parse finds, however the bytes are cut, and fails only with a fault', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), fc.nat(40), (messages, size) => {
        const bytes = Buffer.from(JSON.stringify({ name: 'n', chats: [{ id: 5, messages }] }))
        const scanner = new JsonScanner({ name: 'x', bytesMax: 1 << 20 })
        const found: unknown[] = []
        for (let at = 0; at < bytes.length; at += size + 1) {
          for (const each of scanner.push(bytes.subarray(at, at + size + 1))) {
            found.push(JSON.parse(String(each.bytes)))
            expect(each.around).toEqual({ id: '5' })
          }
        }
        scanner.end()
        expect(found).toEqual(messages.map((message) => JSON.parse(JSON.stringify(message))))
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ 1amesg') }), (text) => {
        const scanner = new JsonScanner({ name: 'x', bytesMax: 100 })
        try {
          scanner.push(Buffer.from(text))
          scanner.end()
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
        }
      }),
    )
  })
})

const post = (text: string, more: Partial<Post> = {}): Post => ({
  channel: 'c',
  id: '1',
  time: 1_600_000_000,
  url: undefined,
  text,
  reference: 'f#1',
  sha256: Buffer.from(text).toString('hex').padEnd(64, '0').slice(-64),
  ...more,
})

describe('proposals', () => {
  test('carry the sentence, the post, the grade and the reasons', () => {
    const { proposals, passedOver } = proposeTags([post(SALE)])
    expect(passedOver).toEqual([])
    expect(proposals).toMatchObject([
      { chain: 'tron', address: TRON, category: 'drug_sale/dead_drop_channel', grade: 'F3', warnings: [] },
    ])
    expect(proposals[0].sentence).toContain(`USDT-TRC20 ${TRON}`)
    expect(proposals[0].reasons[0]).toMatch(/checksum/)
    expect(proposals[0].terms).toContain('아이스 (drug)')
  })

  test('two different strong posts grade higher; the same text again does not', () => {
    const again = post(SALE, { channel: 'd', reference: 'f#2' })
    expect(proposeTags([post(SALE), again]).proposals[0]).toMatchObject({
      grade: 'F3',
      seen: { posts: 2, texts: 1, channels: 2 },
    })
    const other = post(`${SALE} 신규입고`, { reference: 'f#3' })
    expect(proposeTags([post(SALE), other]).proposals[0].grade).toBe('F2')
  })

  test.each([
    ['a buyer', `떨 구합니다 파실 분. 제 지갑 주소 ${TRON}`, /buyer/],
    ['a report', `경찰은 필로폰을 판매한 일당을 검거해 구속했다. 지갑 ${TRON}`, /reports/],
    ['a donation', `후원 부탁드립니다 ${TRON}`, /do not read like a sale/],
    ['a token’s contract', SALE.replace(TRON, USDT), /the USDT contract/],
  ])('%s is passed over, with the reason', (_, text, reason) => {
    const { proposals, passedOver } = proposeTags([post(text)])
    expect(proposals).toEqual([])
    expect(passedOver[0].reason).toMatch(reason)
  })

  test('what is unusual lowers the grade and is said', () => {
    const hidden = SALE.replace(TRON, `${TRON.slice(0, 9)}\u200b${TRON.slice(9)}`)
    expect(proposeTags([post(hidden)]).proposals).toMatchObject([{ grade: 'F4', warnings: [/show nothing/] }])
    expect(proposeTags([post(hidden)]).proposals[0].sentence).toContain('\\u{200b}')
    const book = buildTagBook([
      tag({ chain: 'tron', address: TRON, label: 'Some exchange', category: 'exchange', source: 'list' }),
    ])
    expect(proposeTags([post(SALE)], { book }).proposals).toMatchObject([
      { grade: 'F4', warnings: [/list says Some exchange/] },
    ])
    expect(proposeTags([post(SALE), post(`떨 삽니다 ${TRON}`)]).proposals[0].warnings[0]).toMatch(/posts of buyers/)
  })

  test('do not depend on the order of the posts', () => {
    const posts = [
      post(SALE),
      post(`${SALE}!`, { reference: 'f#2', time: 1_500_000_000 }),
      post(`떨 삽니다 ${TRON}`, { reference: 'f#3' }),
    ]
    const answer = JSON.stringify(proposeTags(posts))
    fc.assert(
      fc.property(fc.shuffledSubarray(posts, { minLength: 3, maxLength: 3 }), (mixed) => {
        expect(JSON.stringify(proposeTags(mixed))).toBe(answer)
      }),
    )
  })
})

describe('decisions', () => {
  const table = proposalsToCsv(
    proposeTags([post(SALE, { channel: '=cmd' })], { file: { sha256: 'ab'.repeat(32), captured: 1_600_000_100 } })
      .proposals,
  )
  const decide = (text: string, all = false) => readDecisions(Buffer.from(text), { name: 'p.csv', by: 'Kim', all })

  test('nothing is accepted unless a person says so', async () => {
    expect(await decide(table)).toMatchObject({ accepted: [], undecided: 1 })
    expect(await decide(table.replace('\n,', '\nreject,'))).toMatchObject({ accepted: [], rejectedByPerson: 1 })
    const { accepted, invalid } = await decide(table.replace('\n,', '\naccept,'))
    expect(invalid).toEqual([])
    expect(accepted).toMatchObject([
      {
        tag: {
          chain: 'tron',
          address: TRON,
          category: 'drug_sale/dead_drop_channel',
          source: 'post in =cmd',
          confidence: 'F3',
          validFrom: 1_600_000_000,
        },
        capture: { url: 'file:f#1', captured: 1_600_000_100, sha256: 'ab'.repeat(32) },
      },
    ])
    expect(accepted[0].tag.evidence).toMatch(/accepted by Kim$/)
    expect((await decide(table, true)).accepted).toEqual(accepted)
  })

  test.each([
    ['a changed address', TRON, TRON.replace('TWd7', 'TWx7'), /address:/],
    ['a buyer’s wallet', 'drug_sale/dead_drop_channel', 'drug_sale/buyer_wallet', /never a seed/],
    ['another category', 'drug_sale/dead_drop_channel', 'exchange', /drug_sale tree/],
    ['no grade', ',F3,', ',sure,', /Admiralty/],
    ['another word', '\n,', '\nyes,', /neither accept nor reject/],
  ])('%s is refused by its line', async (_, from, to, reason) => {
    const { accepted, invalid } = await decide(table.replace(from, to).replace('\n,', '\naccept,'))
    expect(accepted).toEqual([])
    expect(invalid).toMatchObject([{ name: 'p.csv', line: 2 }])
    expect(invalid[0].reason).toMatch(reason)
  })
})

describe('a scan', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      JSON.stringify({ channel: `c${i % 7}`, id: i, text: i % 100 === 0 ? `${SALE} ${i % 300}` : `hello ${i % 500}` }),
    ).join('\n')

  test('stopped and taken up again gives the same table; a second run reads nothing twice', async () => {
    const file = put('many.jsonl', many(9000))
    const whole = join(folder, 'whole.csv')
    const first = await scanPosts([file], { out: whole })
    expect(first).toMatchObject({ files: 1, filesKnown: 0, posts: 9000, proposals: 1 })
    expect(first.repeated).toBe(9000 - 495 - 3)

    const parts = join(folder, 'parts.csv')
    const stop = new AbortController()
    const halted = scanPosts([file], {
      out: parts,
      signal: stop.signal,
      progress: ({ posts }) => posts >= 4000 && stop.abort(),
    })
    await expect(halted).rejects.toThrow(/TIME_LIMIT/)
    // As if the machine had failed in the middle of a line.
    writeFileSync(`${parts}.progress`, '{"file":"ha', { flag: 'a' })
    const starts: number[] = []
    const second = await scanPosts([file], { out: parts, progress: ({ posts }) => starts.push(posts) })
    expect(starts[0]).toBe(6000)
    expect(readFileSync(parts, 'utf8')).toBe(readFileSync(whole, 'utf8'))
    expect({ ...second }).toEqual({ ...first })

    const third = await scanPosts([file, put('more.jsonl', many(10))], { out: parts })
    expect(third).toMatchObject({ files: 2, filesKnown: 1, posts: 9010 })
  })

  test('another lexicon needs another table', async () => {
    const file = put('few.jsonl', many(3))
    const out = join(folder, 'few.csv')
    await scanPosts([file], { out })
    const own = readLexicon({ ...(readTagData('lexicon.json') as object), version: 'mine' }, 'own.json')
    await expect(scanPosts([file], { out, lexicon: own })).rejects.toThrow(/CONFLICT.*--fresh/)
    expect(await scanPosts([file], { out, lexicon: own, fresh: true })).toMatchObject({ posts: 3 })
  })
})
