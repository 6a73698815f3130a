import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  checkDisclosure,
  type Disclosure,
  disclose,
  type GivenRow,
} from '../../../../src/report/editions/disclosure.ts'
import { leafHash, merkleRoot } from '../../../../src/report/editions/merkle.ts'
import { commit, compareCommitments, findOverlaps } from '../../../../src/report/editions/overlap.ts'
import type { Report } from '../../../../src/report/format.ts'
import type { Mutable } from '../../../support/bundle.ts'
import { drawnFacts } from '../../../support/editions.ts'

let report: Report
beforeAll(async () => {
  report = (await drawnFacts()).facts.report
})

const SECRET = Buffer.alloc(32, 7)
const changed = (change: (report: Mutable<Report>) => void): Report => {
  const copy = structuredClone(report) as Mutable<Report>
  change(copy)
  return copy as Report
}

describe('a Merkle root', () => {
  const hash = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

  it('is built as RFC 9162 says: 2.1.1, by its own recursion', () => {
    const slow = (leaves: Uint8Array[]): Buffer => {
      if (leaves.length === 0) return createHash('sha256').digest()
      if (leaves.length === 1) return Buffer.from(leaves[0])
      let split = 1
      while (split * 2 < leaves.length) split *= 2
      return hash(Buffer.from([1]), slow(leaves.slice(0, split)), slow(leaves.slice(split)))
    }
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 40 }), (texts) => {
        const leaves = texts.map((text) => leafHash(SECRET, text))
        expect(merkleRoot(leaves)).toEqual(slow(leaves))
      }),
    )
  })
})

describe('a disclosure', () => {
  it('has one root whatever is withheld, and names nothing that is withheld', () => {
    const whole = disclose(report, SECRET, { rows: [], naming: [] })
    const some = disclose(report, SECRET, { rows: ['endpoint-1'], naming: ['T-friend'] })
    expect(some.root).toBe(whole.root)
    expect(checkDisclosure(JSON.parse(JSON.stringify(some)))).toEqual([])
    const withheld = some.rows.filter((row) => 'leaf' in row)
    expect(withheld.length).toBeGreaterThan(2)
    expect(JSON.stringify(some)).not.toContain('T-friend')
    expect(some.rows.length).toBe(whole.rows.length)
  })

  it('cannot be changed, shortened or reordered, and a salt of one row tells nothing of another', () => {
    const some = disclose(report, SECRET, { rows: ['endpoint-1'], naming: [] })
    const lie = (change: (rows: Mutable<Disclosure>['rows']) => void): string[] => {
      const copy = JSON.parse(JSON.stringify(some)) as Mutable<Disclosure>
      change(copy.rows)
      return checkDisclosure(copy)
    }
    const at = (pointer: string) => some.rows.findIndex((row) => row.at === pointer)
    expect(lie((rows) => void ((rows[at('/endpoints/1')] as Mutable<GivenRow>).row = {}))).toEqual([
      'the rows do not give the root',
    ])
    expect(lie((rows) => void rows.splice(at('/endpoints/2'), 1))).toContain(
      '/endpoints: 3 rows were committed, 2 are here',
    )
    expect(
      lie((rows) => void rows.splice(at('/endpoints/1'), 2, rows[at('/endpoints/2')], rows[at('/endpoints/1')])),
    ).toContain('/endpoints/2: out of its place')
    expect(
      lie((rows) => void ((rows[at('/endpoints/0')] as unknown as { leaf: string }).leaf = 'f'.repeat(64))),
    ).toEqual(['the rows do not give the root'])
    expect(new Set(some.rows.map((row) => ('salt' in row ? row.salt : row.leaf))).size).toBe(some.rows.length)
    for (const junk of [null, {}, { schema: 'proceeds-disclosure/1', rows: [null] }])
      expect(checkDisclosure(junk)).not.toEqual([])
  })

  it('is refused with a secret that could be guessed, and for a row that is not there', () => {
    expect(() => disclose(report, Buffer.alloc(31), { rows: [], naming: [] })).toThrow(/31 bytes/)
    expect(() => disclose(report, SECRET, { rows: ['E99'], naming: [] })).toThrow(/no row E99/)
  })
})

describe('the overlap of two cases', () => {
  it('finds value that is counted twice for certain, and no overlap where there is none', () => {
    // endpoint-1: 480 were paid in; this case claims 100 under fifo, that one 400: 20 more than there are.
    const other = changed((copy) => void (copy.endpoints[0].traced.fifo = { total: '400', bySeed: { 'buy-1': '400' } }))
    const found = findOverlaps(report, other)
    expect(found.find((each) => each.kind === 'endpoint' && each.first.row === 'endpoint-1')).toMatchObject({
      first: { claimed: '100' },
      second: { claimed: '400' },
      amount: '480',
      excess: '20',
    })
    expect(found.filter((each) => each.kind === 'seed').map((each) => each.first.row)).toEqual(['buy-1', 'deal-2'])
    const elsewhere = changed((copy) => {
      for (const row of [...copy.endpoints, ...copy.holdings, ...copy.seeds]) row.chain = 'litecoin'
    })
    expect(findOverlaps(report, elsewhere)).toEqual([])
  })

  it('finds a seed that another case’s value passed through', () => {
    const other = changed((copy) => {
      copy.endpoints = []
      copy.holdings = []
      copy.paths = []
      copy.seeds = copy.seeds.filter((seed) => seed.id === 'buy-1')
      Object.assign(copy.seeds[0], { id: 'late', transaction: report.endpoints[1].transaction })
    })
    expect(findOverlaps(report, other)).toMatchObject([{ kind: 'seedAlongTheWay', second: { row: 'late' } }])
  })

  it('is found by commitments too, which name nothing and cannot be compared under two salts', () => {
    const { commitment, own } = commit(report, SECRET)
    expect(JSON.stringify(commitment)).not.toContain('T-vendor')
    const fewer = commit(
      changed((copy) => void (copy.endpoints = copy.endpoints.slice(0, 1))),
      SECRET,
    ).commitment
    const both = compareCommitments(commitment, fewer)
    expect(both.payments.map((hash) => own.get(hash)).sort()).toContain(
      `bitcoin native ${report.endpoints[0].transaction}:1`,
    )
    expect(both.payments.length).toBe(3)
    expect(() => compareCommitments(commitment, commit(report, Buffer.alloc(32, 8)).commitment)).toThrow(
      /different salts/,
    )
    expect(() => compareCommitments(commitment, { schema: 'x' })).toThrow(/no proceeds-commitment/)
  })
})
