import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { open } from 'lmdb'
import { afterAll, describe, expect, test } from 'vitest'
import { buildTagBook } from '../../../src/tags/book.ts'
import {
  type ClaimContent,
  ClaimStore,
  type ClaimTable,
  claimId,
  memoryClaimTable,
  replayClaims,
} from '../../../src/tags/claims.ts'
import { openClaimTable } from '../../../src/tags/claims-lmdb.ts'
import type { Tag } from '../../../src/tags/tag.ts'
import { tag, tagArbitrary } from './support.ts'

const directories: string[] = []
const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'claims-'))
  directories.push(made)
  return made
}
afterAll(() => {
  for (const made of directories) rmSync(made, { recursive: true, force: true })
})

const TRON = { chain: 'tron', address: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t' }
const OTHER = { chain: 'bitcoin', address: '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa' }
const claim = (fields: Partial<Tag> = {}, capture?: ClaimContent['capture']): ClaimContent => ({
  tag: tag({ ...TRON, ...fields }),
  capture,
})
const CAPTURE = { url: 'https://example.org/list', captured: 1_700_000_000, sha256: 'ab'.repeat(32) }

const tables: readonly (readonly [string, () => ClaimTable])[] = [
  ['in memory', memoryClaimTable],
  ['in LMDB', () => openClaimTable(directory())],
]

describe.each(tables)('claims %s', (_name, newTable) => {
  const withStore = async (run: (store: ClaimStore) => void): Promise<void> => {
    const store = new ClaimStore(newTable())
    try {
      run(store)
    } finally {
      await store.close()
    }
  }

  test('the same claim many times is one claim', () =>
    withStore((store) => {
      const many = Array.from({ length: 1000 }, () => claim())
      expect(store.append(many, 100)).toEqual({ added: 1, known: 999 })
      expect(store.append(many, 200)).toEqual({ added: 0, known: 1000 })
      expect(store.count()).toEqual({ claims: 1, records: 1 })
      expect(store.claimsOf(TRON.chain, TRON.address)[0].events).toEqual([{ kind: 'claim', recorded: 100 }])
    }))

  test('any difference in content is another claim', () =>
    withStore((store) => {
      const contents = [
        claim(),
        claim({ label: 'x' }),
        claim({ category: 'user' }),
        claim({ entity: 'x' }),
        claim({ source: 'x' }),
        claim({ confidence: 'x' }),
        claim({ validFrom: 1 }),
        claim({ validTo: 1 }),
        claim({ evidence: 'x' }),
        claim({}, CAPTURE),
        claim({}, { ...CAPTURE, captured: CAPTURE.captured + 1 }),
        claim(OTHER),
      ]
      expect(store.append(contents, 1).added).toBe(contents.length)
      expect(new Set(contents.map(claimId)).size).toBe(contents.length)
      expect(store.claimsOf(TRON.chain, TRON.address)).toHaveLength(contents.length - 1)
    }))

  test('what was known on a day is answered as of that day', () =>
    withStore((store) => {
      const id = claimId(claim())
      store.append([claim()], 100)
      store.retract(id, { reason: 'the exchange says it is not theirs', by: 'analyst 7' }, 200)
      store.append([claim()], 300)
      const stood = [99, 100, 199, 200, 299, 300].map((known) => store.claimsOf(TRON.chain, TRON.address, known).length)
      expect(stood).toEqual([0, 1, 1, 0, 0, 1])
      expect(store.findClaim(id)?.events).toEqual([
        { kind: 'claim', recorded: 100 },
        { kind: 'retraction', recorded: 200, reason: 'the exchange says it is not theirs', by: 'analyst 7' },
        { kind: 'claim', recorded: 300 },
      ])
      expect([...store.tags(250)]).toEqual([])
      expect(buildTagBook(store.tags()).all).toEqual([claim().tag])
    }))

  test('the past stays: nothing is recorded before what is recorded', () =>
    withStore((store) => {
      store.append([claim()], 100)
      expect(() => store.append([claim({ label: 'x' })], 99)).toThrow('CONFLICT')
      expect(() => store.retract(claimId(claim()), { reason: 'r', by: 'b' }, 99)).toThrow('CONFLICT')
      expect(store.count()).toEqual({ claims: 1, records: 1 })
    }))

  test('a batch with one bad claim leaves nothing behind', () =>
    withStore((store) => {
      store.append([claim()], 100)
      const before = [...store.lines()]
      const bad = claim({ address: TRON.address.toLowerCase() })
      expect(() => store.append([claim({ label: 'x' }), claim(OTHER), bad], 200)).toThrow(/TAGS_INVALID.*lower-cased/)
      expect(store.count()).toEqual({ claims: 1, records: 1 })
      expect(store.claimsOf(OTHER.chain, OTHER.address)).toEqual([])
      expect(store.claimsOf(TRON.chain, TRON.address)).toHaveLength(1)
      expect([...store.lines()]).toEqual(before)
      expect(store.append([claim(OTHER)], 150).added).toBe(1)
    }))

  test('faults have names', () =>
    withStore((store) => {
      store.append([claim()], 100)
      const id = claimId(claim())
      expect(() => store.retract('ff'.repeat(32), { reason: 'r', by: 'b' }, 200)).toThrow('NOT_FOUND')
      expect(() => store.retract(id, { reason: ' ', by: 'b' }, 200)).toThrow('TAGS_INVALID')
      store.retract(id, { reason: 'r', by: 'b' }, 200)
      expect(() => store.retract(id, { reason: 'r', by: 'b' }, 300)).toThrow('CONFLICT')
      expect(() => store.append([claim({ validFrom: 2, validTo: 1 })], 300)).toThrow('TAGS_INVALID')
      expect(() => store.append([claim({}, { ...CAPTURE, sha256: 'x' })], 300)).toThrow('TAGS_INVALID')
      expect(() => store.append([claim({ label: '' })], 300)).toThrow('TAGS_INVALID')
      expect(() => store.append([claim({ label: 'new' })], 300.5)).toThrow('TAGS_INVALID')
    }))

  test('conflicts: different entities, different sinks; not where windows never meet, nor after a retraction', () =>
    withStore((store) => {
      const one = claim({ entity: 'Freewallet', source: 'a' })
      const two = claim({ entity: 'HitBTC', source: 'b' })
      const same = claim({ entity: 'hitbtc', source: 'c', category: 'user' })
      const mixer = claim({ category: 'mixing_service', source: 'd', validFrom: 500 })
      store.append([one, two, same, mixer, claim(OTHER)], 100)
      const found = [...store.conflicts()]
      expect(found.map(({ kind, claims }) => [kind, claims.map((each) => each.tag.source)])).toEqual([
        ['entity', ['a', 'b', 'c']],
        ['sink', ['a', 'b', 'd']],
      ])
      expect(store.conflictsOf(TRON.chain, TRON.address)).toEqual(found)
      expect(store.conflictsOf(TRON.chain, TRON.address, { time: 499 }).map(({ kind }) => kind)).toEqual(['entity'])
      store.retract(claimId(one), { reason: 'r', by: 'b' }, 200)
      expect(store.conflictsOf(TRON.chain, TRON.address).map(({ kind }) => kind)).toEqual(['sink'])
      expect(store.conflictsOf(TRON.chain, TRON.address, { known: 150 })).toHaveLength(2)
      const early = claim({ ...OTHER, entity: 'x', validTo: 10 })
      const late = claim({ ...OTHER, entity: 'y', validFrom: 10 })
      store.append([early, late], 300)
      expect(store.conflictsOf(OTHER.chain, OTHER.address)).toEqual([])
    }))

  test('the log made again is the same log, and any change to it shows', () =>
    withStore((store) => {
      store.append(
        [claim(), claim({ label: '한 “x”', validFrom: 5, validTo: 9, evidence: 'e' }, CAPTURE), claim(OTHER)],
        100,
      )
      store.retract(claimId(claim()), { reason: 'r', by: 'b' }, 200)
      store.append([claim()], 300)
      const lines = [...store.lines()]
      expect(lines).toHaveLength(5)
      const copy = new ClaimStore(memoryClaimTable())
      replayClaims(lines, copy, 'log')
      expect([...copy.lines()]).toEqual(lines)
      expect(copy.claimsOf(TRON.chain, TRON.address, 250)).toEqual(store.claimsOf(TRON.chain, TRON.address, 250))

      const refuses = (changed: readonly string[]) => () =>
        replayClaims(changed, new ClaimStore(memoryClaimTable()), 'log')
      expect(refuses([lines[0], lines[2]])).toThrow('log line 2: the line before it is not the one')
      expect(refuses([lines[1]])).toThrow('log line 1: the line before it')
      expect(refuses([lines[0].replace('"label":"label"', '"label":"labex"')])).toThrow('does not have the hash')
      expect(refuses([lines[0].slice(0, -1)])).toThrow('log line 1: not JSON')
      expect(refuses([lines[0].replace('"kind":"claim"', '"kind":"other"')])).toThrow('neither claim nor retraction')
      expect(refuses([lines[0].replace('"label"', '"lebal"')])).toThrow('"lebal" is not a field')
      expect(refuses(['null'])).toThrow('a record is an object')
      expect(() => replayClaims(lines, store, 'log')).toThrow('CONFLICT')
    }))

  test('it agrees with a list of everything that happened', () =>
    withStore((store) => {
      const clock = { now: 1 }
      fc.assert(
        fc.property(
          fc.array(fc.record({ content: tagArbitrary, retract: fc.boolean(), later: fc.nat(3) }), { maxLength: 12 }),
          (steps) => {
            // One store for all runs: each begins after the last one ended.
            let now = clock.now
            const events: { id: string; recorded: number; stands: boolean }[] = []
            for (const { content, retract, later } of steps) {
              now += later
              const id = claimId({ tag: content, capture: undefined })
              const stands = store.findClaim(id)?.events.at(-1)?.kind === 'claim'
              if (retract && stands) store.retract(id, { reason: 'r', by: 'b' }, now)
              else if (!retract)
                expect(store.append([{ tag: content, capture: undefined }], now).added).toBe(stands ? 0 : 1)
              if (stands === retract) events.push({ id, recorded: now, stands: !retract })
            }
            for (let known = clock.now; known <= now; known++) {
              for (const { content } of steps) {
                const id = claimId({ tag: content, capture: undefined })
                const last = events.filter((event) => event.id === id && event.recorded <= known).at(-1)
                if (!last) continue
                const found = store.claimsOf(content.chain, content.address, known).some((each) => each.id === id)
                expect(found).toBe(last.stands)
              }
            }
            clock.now = now + 1
          },
        ),
        { numRuns: 30 },
      )
    }))
})

describe('claims in LMDB', () => {
  test('are there after closing and opening again', async () => {
    const path = directory()
    const first = new ClaimStore(openClaimTable(path))
    first.append([claim(), claim(OTHER)], 100)
    const lines = [...first.lines()]
    await first.close()
    const second = new ClaimStore(openClaimTable(path))
    expect([...second.lines()]).toEqual(lines)
    expect(() => second.append([claim({ label: 'x' })], 99)).toThrow('CONFLICT')
    expect(second.append([claim()], 200)).toEqual({ added: 0, known: 1 })
    await second.close()
  })

  test('a store of another version is refused', async () => {
    const path = directory()
    const root = open({ path, maxDbs: 8 })
    root.openDB({ name: 'meta' }).putSync('format', 'proceeds-claims/2')
    await root.close()
    expect(() => openClaimTable(path)).toThrow('STORE_INVALID')
  })
})
