import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/faults.ts'
import { canonicalJson } from '../../../src/report/canonical.ts'
import { parseCsv } from '../../../src/report/verify/tables.ts'
import { type Finding, printVerify, type VerifyResult, verifyBundle } from '../../../src/report/verify.ts'
import {
  type BundleParts,
  type BundleText,
  type BundleTexts,
  bundleTexts,
  drawnBundle,
  idOf,
  sealedReport,
  writeBundle,
} from '../../support/bundle.ts'

let home: string
let directory: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'verify-'))
  directory = join(home, 'bundle')
})
afterAll(() => rm(home, { recursive: true, force: true }))

const verifyTexts = async (texts: BundleTexts): Promise<VerifyResult> => {
  await writeBundle(directory, texts)
  return await verifyBundle(directory)
}

const verifyParts = (change: (parts: BundleParts) => void): Promise<VerifyResult> => {
  const parts = drawnBundle()
  change(parts)
  return verifyTexts(bundleTexts(parts))
}

const told = ({ findings }: VerifyResult): string[] =>
  findings.map(({ rule, file, where }) => `${rule}: ${file} ${where}`.trim())

describe('a true bundle', () => {
  it('holds, and says how much was checked', async () => {
    const result = await verifyParts(() => {})
    expect(result.findings).toEqual([])
    expect(result.ok).toBe(true)
    expect(result.checked).toMatchObject({
      files: 9,
      ledgerLines: 13,
      transactions: 9,
      journalRows: 47,
      seeds: 2,
      methods: 3,
      endpoints: 3,
      holdings: 4,
      conservation: 5,
      paths: 3,
    })
    expect([...printVerify(result)].at(-1)).toMatch(/every figure adds up/)
  })
})

/** Each a lie told consistently with the hashes: only the content can give it away. */
const LIES: [name: string, lie: (parts: BundleParts) => void, caught: string[]][] = [
  [
    'a figure moved from one method of an endpoint to another',
    ({ report }) => {
      report.endpoints[0].traced.fifo = { total: '110', bySeed: { 'buy-1': '110' } }
    },
    [
      'endpoint: report.json /endpoints/0/traced/fifo/total',
      'endpoint: report.json /endpoints/0/traced/fifo/bySeed/buy-1',
    ],
  ],
  [
    'an endpoint left out, with the sums made to fit',
    ({ report }) => {
      report.endpoints.splice(1, 1)
      report.paths.splice(1, 1)
      for (const row of report.conservation) row.sinks.mixer = '0'
    },
    ['endpoint: report.json /endpoints', 'conservation: report.json /conservation/0/sinks/mixer'],
  ],
  [
    'an endpoint that nobody paid',
    ({ report }) => {
      const { output: _, ...rest } = report.endpoints[0]
      report.endpoints.push({ ...rest, id: 'endpoint-9', output: 0, paths: [] })
    },
    ['ledger: report.json /endpoints/3/address', 'endpoint: report.json /endpoints/3/traced/fifo/total'],
  ],
  [
    'a quantum above what is left',
    ({ report }) => {
      report.quantum[1].quantum.fifo = '1000'
      report.quantum[1].shortfall.fifo = '0'
    },
    ['quantum: report.json /quantum/1/quantum/fifo', 'quantum: report.json /quantum/1/shortfall/fifo'],
  ],
  [
    'more mixed into a wallet than came there',
    ({ report }) => {
      report.quantum[2].mixedIn.lifo = { total: '900', bySeed: { 'deal-2': '900' } }
      report.quantum[2].shortfall.lifo = '550'
    },
    [
      'quantum: report.json /quantum/2/mixedIn/lifo/bySeed/deal-2',
      'quantum: report.json /quantum/2/mixedIn/lifo/total',
    ],
  ],
  [
    'a wallet left out of the quantum',
    ({ report }) => {
      report.quantum.splice(1, 1)
    },
    ['quantum: report.json /quantum'],
  ],
  [
    'a mixing said to be later than it was',
    ({ report }) => {
      report.quantum[1].since = report.quantum[2].since
    },
    ['quantum: report.json /quantum/1/since/transaction'],
  ],
  [
    'more in than out of an entry',
    ({ journal }) => {
      journal[3].amount = '499'
    },
    ['entry: journal.ndjson.gz rows 3 to 5 (entry 2, fifo, seed buy-1)'],
  ],
  [
    'an amount invented in both sides of an entry',
    ({ journal }) => {
      journal[2].amount = '601'
      journal[4].amount = '101'
    },
    ['balance: journal.ndjson.gz row 3 /amount', 'conservation: report.json /conservation/0/sinks/service'],
  ],
  [
    'more on a leg than the leg holds',
    ({ journal }) => {
      journal[3].amount = '119'
      journal[4].amount = '481'
    },
    ['capacity: journal.ndjson.gz row 5 /amount'],
  ],
  [
    'a transaction that is not in the ledger',
    ({ journal }) => {
      for (const row of journal) if (row.transaction === idOf('t1')) row.transaction = idOf('nothing')
    },
    ['ledger: journal.ndjson.gz row 3 /transaction'],
  ],
  [
    'an output spent in part',
    ({ journal }) => {
      journal[2].amount = '550'
      journal[3].amount = '450'
      journal[5].amount = '450'
    },
    ['spent: journal.ndjson.gz row 3 /amount'],
  ],
  [
    'value at rest in an output that is spent',
    ({ journal }) => {
      journal.splice(5, 5, { ...journal[9], row: 6, at: `${idOf('t1')}:0`, amount: '500' })
      for (const [index, row] of journal.entries()) row.row = index + 1
    },
    ['spent: journal.ndjson.gz row 6 /at'],
  ],
  [
    'value held where nothing is covered',
    ({ ledger }) => {
      ledger[3] = { chain: 'tron', covers: ['T-other'] }
    },
    ['coverage: journal.ndjson.gz row 46 /sink'],
  ],
  [
    'an entry told twice',
    ({ journal }) => {
      journal.splice(11, 0, ...journal.slice(10, 12).map((row) => ({ ...row, entry: 5 })))
      for (const [index, row] of journal.entries()) row.row = index + 1
    },
    ['capacity: journal.ndjson.gz row 12 /entry'],
  ],
  [
    'a sum that does not close, owned up to',
    ({ report }) => {
      report.conservation[0].sinks.fee = '9'
      report.conservation[0].balanced = false
    },
    ['conservation: report.json /conservation/0/sinks/fee', 'conservation: report.json /conservation/0'],
  ],
  [
    'a sum that does not close, denied',
    ({ report }) => {
      report.conservation[0].sinks.fee = '9'
    },
    ['conservation: report.json /conservation/0/balanced'],
  ],
  [
    'a method left out',
    ({ report }) => {
      report.conservation.splice(2, 1)
    },
    ['conservation: report.json /conservation'],
  ],
  [
    'a seed that claims more than the journal follows',
    ({ report }) => {
      report.seeds[0].amount = '700'
    },
    ['seed: report.json /seeds/0/amount'],
  ],
  [
    'a seed larger than its payment',
    ({ report }) => {
      report.seeds[0].amount = '901'
    },
    ['ledger: report.json /seeds/0/amount', 'seed: report.json /seeds/0/amount'],
  ],
  [
    'a floor above a method’s figure',
    ({ report }) => {
      report.endpoints[0].floor = '101'
    },
    ['bounds: report.json /endpoints/0/traced/fifo/total'],
  ],
  [
    'bounds missing without a gap',
    ({ report }) => {
      report.endpoints[0].floor = null
      report.endpoints[0].ceiling = null
    },
    ['gap: report.json /gaps'],
  ],
  [
    'a claim that had lapsed',
    ({ report }) => {
      report.endpoints[0].attribution[0].validTo = '2019-12-31T00:00:00Z'
    },
    [
      'attribution: report.json /endpoints/0/attribution',
      'attribution: tags.csv (report.json /endpoints/0/attribution/0)',
    ],
  ],
  [
    'a service that no claim names',
    ({ report }) => {
      report.endpoints[0].service!.label = 'Other'
    },
    ['attribution: report.json /endpoints/0/service'],
  ],
  [
    'a path through a payment that was not made',
    ({ report }) => {
      report.paths[1].steps[0].to = '1-exchange'
      report.paths[1].steps[1].from = '1-exchange'
    },
    ['path: report.json /paths/1/steps/0/amount', 'path: report.json /paths/1/steps/1'],
  ],
  [
    'a path that starts elsewhere',
    ({ report }) => {
      report.paths[1].steps.shift()
    },
    ['path: report.json /paths/1/steps/0/from', 'path: report.json /paths/1/steps'],
  ],
  [
    'paths that do not add up',
    ({ report }) => {
      report.endpoints[0].paths = []
      report.paths.shift()
    },
    ['path: report.json /endpoints/0/paths'],
  ],
  [
    'a balance that the ledger does not give',
    ({ report }) => {
      report.holdings[2].amount = '500'
    },
    ['ledger: report.json /holdings/2/amount'],
  ],
  [
    'a gap with another amount',
    ({ report }) => {
      report.gaps[0].amount = '251'
    },
    ['gap: report.json /gaps/0/amount'],
  ],
  [
    'a transaction called failed that was not',
    ({ report }) => {
      report.rejected[0].transaction = idOf('u2')
    },
    ['rejected: report.json /rejected/0/reason'],
  ],
  [
    'a snapshot before the last transaction',
    ({ report }) => {
      report.snapshots[0].height = 600002
    },
    ['snapshot: report.json /snapshots/0/height'],
  ],
  [
    'another request',
    ({ request, report }) => {
      report.request = { ...request, compare: [] }
    },
    ['request: request.json /compare (report.json /request/compare)'],
  ],
  [
    'a figure under a name that nobody checks',
    ({ report }) => {
      ;(report.endpoints[0] as unknown as Record<string, unknown>).adjusted = '1'
    },
    ['shape: report.json /endpoints/0/adjusted'],
  ],
]

describe('a bundle that lies', () => {
  it.each(LIES)('is found out: %s', async (_, lie, caught) => {
    const result = await verifyParts(lie)
    expect(result.ok).toBe(false)
    expect(told(result)).toEqual(expect.arrayContaining(caught))
  })

  it('is told all that is wrong, not the first thing only', async () => {
    const together = LIES.filter(([name]) =>
      /floor|lapsed|starts elsewhere|balance|another amount|failed|snapshot/.test(name),
    )
    expect(together.length).toBe(7)
    const result = await verifyParts((parts) => {
      for (const [, lie] of together) lie(parts)
    })
    for (const [, , caught] of together) expect(told(result)).toEqual(expect.arrayContaining(caught))
    const lines = [...printVerify(result)]
    expect(lines.length).toBeGreaterThan(result.findings.length)
    expect(lines.at(-1)).toMatch(/^ {2}\w+: /)
  })
})

/** Figures that stand in a file for people, or that no other file can deny: the limits of what verification proves. */
const FREE: Record<string, RegExp[]> = {
  'report.json': [
    /"sourceDigest":"[^"]*$/,
    /"version":"[^"]*$/,
    /"finalityDepth":\d*$/,
    // A snapshot may be later than the last transaction that was read.
    /"finalityDepth":0,"height":\d*$/,
    /"finalityDepth":0,"height":\d*,"time":"[^"]*$/,
    /"id":"(holding|wallet)-$/,
    // What falls with an assumption comes again only where it is traced again.
    /"endpoint":"endpoint-\d","total":"\d*$/,
    // How low a balance came is held against a network; the drawn bundle has none.
    /"lowest":\{"amount":"\d*$/,
    /"floor":"\d*$/,
    /"kind":"FEE_MINTED","where":"[^"]*$/,
    /"gaps":\[.*"amount":"\d*$/,
  ],
}

const isFree = (name: string, text: string, at: number): boolean => {
  const before = text.slice(Math.max(0, at - 700), at)
  return (FREE[name] ?? []).some((pattern) => pattern.test(before))
}

describe('one flipped digit', () => {
  const texts = bundleTexts(drawnBundle())
  const digitsOf = (name: BundleText): number[] =>
    [...texts[name].matchAll(/\d/g)].map(({ index }) => index).filter((at) => !isFree(name, texts[name], at))
  const flip = (text: string, at: number, by: number): string =>
    text.slice(0, at) + ((Number(text[at]) + by) % 10) + text.slice(at + 1)
  const names = (finding: Finding, file: string): boolean =>
    [finding.file, finding.where, finding.expected, finding.found].some((said) => said.includes(file))

  it.each(['request.json', 'report.json', 'endpoints.csv', 'tags.csv'] as const)(
    'of %s is found by what it says, though the manifest was made to fit',
    async (name) => {
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...digitsOf(name)), fc.integer({ min: 1, max: 9 }), async (at, by) => {
          const result = await verifyTexts({ ...texts, [name]: flip(texts[name], at, by) })
          expect(result.ok).toBe(false)
          expect(result.findings.some((finding) => names(finding, name))).toBe(true)
        }),
        { numRuns: 8 },
      )
    },
  )

  it('of flow.svg is found wherever it states something: in its texts, titles and data', async () => {
    const svg = texts['flow.svg']
    const stated = [...svg.matchAll(/>([^<]*\d[^<]*)<|data-[a-z]+="([^"]*\d[^"]*)"/g)].flatMap((match) =>
      [...match[0].matchAll(/\d/g)].map(({ index }) => match.index + index),
    )
    expect(stated.length).toBeGreaterThan(400)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...stated), fc.integer({ min: 1, max: 9 }), async (at, by) => {
        const result = await verifyTexts({ ...texts, 'flow.svg': flip(svg, at, by) })
        expect(told(result).join()).toContain('picture: flow.svg')
      }),
      { numRuns: 12 },
    )
  })

  it('of the journal is found row by row, though every hash was made to fit', async () => {
    const name = 'journal.ndjson'
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...digitsOf(name)), fc.integer({ min: 1, max: 9 }), async (at, by) => {
        const changed = { ...texts, [name]: flip(texts[name], at, by) }
        changed['report.json'] = canonicalJson(sealedReport(JSON.parse(texts['report.json']), changed))
        const result = await verifyTexts(changed)
        expect(result.ok).toBe(false)
        expect(result.findings.some(({ file }) => file === 'journal.ndjson.gz' || file === 'report.json')).toBe(true)
        expect(result.findings.every(({ rule }) => rule !== 'hash' && rule !== 'manifest')).toBe(true)
      }),
      { numRuns: 14 },
    )
  })

  it('of the ledger is found by the hash that the report has of it', async () => {
    const name = 'ledger.ndjson'
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...digitsOf(name)), fc.integer({ min: 1, max: 9 }), async (at, by) => {
        const result = await verifyTexts({ ...texts, [name]: flip(texts[name], at, by) })
        expect(told(result)).toContain('hash: ledger.ndjson.gz whole (report.json /data/0/sha256)')
      }),
      { numRuns: 10 },
    )
  })

  it('or any other byte, of any file, is found by the manifest', async () => {
    await writeBundle(directory, texts)
    const files = await readdir(directory)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (file, seed, by) => {
          const path = join(directory, file)
          const true_ = await readFile(path)
          const bytes = Buffer.from(true_)
          const at = seed % bytes.length
          bytes[at] = (bytes[at] + by) % 256
          await writeFile(path, bytes)
          const result = await verifyBundle(directory)
          await writeFile(path, true_)
          expect(result.ok).toBe(false)
          // A changed manifest accuses the file whose entry it was; if it is no manifest any more, itself.
          if (file !== 'manifest.json') expect(result.findings.some((finding) => names(finding, file))).toBe(true)
        },
      ),
      { numRuns: 8 },
    )
    expect((await verifyBundle(directory)).ok).toBe(true)
  })
})

describe('a hostile bundle', () => {
  it('is answered with findings whatever stands in the place of a value', async () => {
    const parts = drawnBundle()
    const texts = bundleTexts(parts)
    const report: unknown = JSON.parse(texts['report.json'])
    const places = pointersOf(report)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.oneof(
          fc.jsonValue({ maxDepth: 2 }),
          fc.constantFrom('__proto__', '-1', '1e3', '99999999999999999999', -1, 2 ** 60),
        ),
        async (place, value) => {
          const changed = replaced(report, place, value)
          let text: string
          try {
            text = canonicalJson(changed)
          } catch {
            return
          }
          const result = await verifyTexts({ ...texts, 'report.json': text })
          expect(Array.isArray(result.findings)).toBe(true)
        },
      ),
      { numRuns: 14 },
    )
  })

  it.each([
    ['deep nesting', `{"conversions":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['another root', '[]'],
    ['null', 'null'],
    ['no JSON', '{"schema":'],
    ['nothing', ''],
    ['a byte order mark', '\ufeff{}'],
    ['a prototype', '{"__proto__":{"endpoints":[]},"constructor":1}'],
  ])('is answered with findings when report.json is %s', async (_, text) => {
    const result = await verifyTexts({ ...bundleTexts(drawnBundle()), 'report.json': text })
    expect(result.ok).toBe(false)
    expect(result.findings.some(({ file }) => file === 'report.json')).toBe(true)
  })

  it.each([
    ['a line that is no JSON', 'x\n'],
    ['a line of another type', 'null\n'],
    ['an unknown kind', '{"kind":"gift"}\n'],
    ['a kind from the prototype', '{"kind":"constructor"}\n'],
    ['no line feed at the end', '{"kind":"in"}'],
    ['bytes that are no text', '\ud800'],
  ])('is answered with findings when the journal has %s', async (_, journal) => {
    const texts = bundleTexts(drawnBundle())
    const result = await verifyTexts({ ...texts, 'journal.ndjson': journal })
    expect(result.findings.some(({ file }) => file === 'journal.ndjson.gz')).toBe(true)
  })

  it('is not read beyond its limits', async () => {
    await writeBundle(directory, bundleTexts(drawnBundle()))
    await writeFile(join(directory, 'journal.ndjson.gz'), gzipSync(Buffer.alloc(8 << 20, '1')))
    await writeFile(join(directory, 'ledger.ndjson.gz'), gzipSync(Buffer.alloc(8 << 20, '\n')))
    const result = await verifyBundle(directory, {
      lineBytes: 1 << 20,
      contentBytes: 1 << 14,
      fileBytes: 3000,
      findings: 50,
    })
    expect(told(result)).toEqual(
      expect.arrayContaining(['readable: report.json', 'readable: journal.ndjson.gz after line 0']),
    )
    expect(result.findings.length).toBe(50)
    expect(result.findingCount).toBeGreaterThan(16_000)
    expect([...printVerify(result)].some((line) => line.startsWith('and '))).toBe(true)
  })

  it('is not followed out of its directory', async () => {
    await writeBundle(directory, bundleTexts(drawnBundle()))
    await rm(join(directory, 'report.json'))
    await symlink('/etc/hostname', join(directory, 'report.json'))
    await rm(join(directory, 'tags.csv'))
    await mkdir(join(directory, 'tags.csv'))
    const result = await verifyBundle(directory)
    expect(told(result)).toEqual(
      expect.arrayContaining(['manifest: report.json', 'readable: report.json', 'readable: tags.csv']),
    )
  })

  it('may lack every file but not itself', async () => {
    await rm(directory, { recursive: true, force: true })
    await expect(verifyBundle(directory)).rejects.toThrow(Fault)
    await mkdir(directory)
    const result = await verifyBundle(directory)
    expect(result.ok).toBe(false)
    expect(new Set(result.findings.map(({ file }) => file)).size).toBeGreaterThan(6)
  })
})

describe('parseCsv', () => {
  it('reads what RFC 4180 writes', () => {
    expect(parseCsv('a,b\n"1,""2""\n3",\r\n,\n')).toEqual([
      ['a', 'b'],
      ['1,"2"\n3', ''],
      ['', ''],
    ])
    expect(parseCsv('a')).toEqual([['a']])
    expect(parseCsv('a,')).toEqual([['a', '']])
    expect(parseCsv('"a')).toBeUndefined()
    expect(parseCsv('"a"b')).toBeUndefined()
    expect(parseCsv('')).toEqual([])
  })

  it('reads back any cells', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', '가') }), { minLength: 1 })),
        (records) => {
          const text = records
            .map((cells) => `${cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')}\n`)
            .join('')
          expect(parseCsv(text)).toEqual(records)
        },
      ),
    )
  })
})

type Place = readonly (string | number)[]

function pointersOf(root: unknown): Place[] {
  const places: Place[] = []
  const waiting: { value: unknown; place: Place }[] = [{ value: root, place: [] }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, place } = next
    places.push(place)
    if (typeof value !== 'object' || value === null) continue
    for (const [name, item] of Object.entries(value)) waiting.push({ value: item, place: [...place, name] })
  }
  return places
}

function replaced(root: unknown, place: Place, value: unknown): unknown {
  if (place.length === 0) return value
  const copy = structuredClone(root)
  let holder = copy as Record<string | number, unknown>
  for (const step of place.slice(0, -1)) holder = holder[step] as Record<string | number, unknown>
  holder[place[place.length - 1]] = value
  return copy
}
