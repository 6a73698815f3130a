import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { open } from 'lmdb'
import { afterAll, describe, expect, it } from 'vitest'
import { AMOUNT_MAX } from '../../../graph/index.ts'
import type { ChainStore } from '../../../src/store/chain-store.ts'
import { ByteReader, ByteWriter, packText, unpackText } from '../../../src/store/lmdb/bytes.ts'
import { Spill } from '../../../src/store/lmdb/spill.ts'
import { LmdbStore } from '../../../src/store/lmdb.ts'
import { batchesOf, drawLedger, lots } from '../../support/drawn-ledger.ts'
import { describeStore } from './conformance.ts'

const folder = mkdtempSync(join(tmpdir(), 'proceeds-lmdb-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const paths = new Map<ChainStore, string>()
let made = 0
let disturbed = 0

describeStore({
  name: 'lmdb',
  create: async (options) => {
    const path = join(folder, `store-${made++}`)
    const store = await LmdbStore.open(path, options)
    paths.set(store, path)
    return store
  },
  // Packs what waits, or opens the same files again, or both.
  disturb: async (store) => {
    const path = paths.get(store)!
    if (disturbed++ % 3 !== 0) await (store as LmdbStore).compact()
    if (disturbed % 2 === 0) return store
    await store.close()
    const again = await LmdbStore.open(path)
    paths.set(again, path)
    return again
  },
  runs: 10,
})

describe('the embedded store on the disk', () => {
  it('refuses what it cannot read, by name', async () => {
    const other = join(folder, 'other-version')
    await (await LmdbStore.open(other)).close()
    const root = open({ path: other })
    root
      .openDB<string, Buffer>({ name: 'meta', encoding: 'binary', keyEncoding: 'binary' })
      .putSync(Buffer.from('format') as never, Buffer.from('proceeds-chain-store/99') as never)
    await root.close()
    await expect(LmdbStore.open(other)).rejects.toMatchObject({ code: 'STORE_INVALID', detail: /\/99/ })

    const foreign = join(folder, 'foreign')
    const someoneElses = open({ path: foreign })
    await someoneElses.put('key', 'value')
    await someoneElses.close()
    await expect(LmdbStore.open(foreign)).rejects.toMatchObject({ code: 'STORE_INVALID' })

    const garbage = join(folder, 'garbage')
    mkdirSync(garbage)
    writeFileSync(join(garbage, 'data.mdb'), Buffer.alloc(100_000, 'not a database '))
    await expect(LmdbStore.open(garbage)).rejects.toMatchObject({ code: 'STORE_INVALID' })

    await expect(LmdbStore.open(join(folder, 'nowhere'), { readOnly: true })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
  })

  it('drops a bulk load that contradicts itself, whole, and takes a right one after it', async () => {
    const ledger = [...drawLedger(600)]
    const store = await LmdbStore.open(join(folder, 'contradicting'))
    await store.load(batchesOf(ledger.slice(0, 200), 50))
    const before = await store.snapshot('bitcoin')
    const thief = { ...ledger[599], id: 'thief', inputs: ledger[550].inputs }
    const run = [...batchesOf(ledger.slice(200, 599), 50), { transactions: [thief] }]
    await expect(store.load(run)).rejects.toMatchObject({ code: 'LEDGER_CONTRADICTS' })
    const late = { ...ledger[599], time: 1 }
    await expect(store.load([{ transactions: [ledger[599], late] }])).rejects.toMatchObject({
      code: 'LEDGER_CONTRADICTS',
    })
    const cut = (function* () {
      yield* batchesOf(ledger.slice(300, 400), 50)
      throw new Error('the source broke off')
    })()
    await expect(store.load(cut)).rejects.toThrow('broke off')
    expect(await store.snapshot('bitcoin')).toEqual(before)
    const at = { ...before!, height: 1000, blockHash: undefined }
    expect(
      (
        await store.transactions(
          'bitcoin',
          ledger.slice(200).map(({ id }) => id),
          at,
        )
      ).flat(),
    ).toEqual([])
    await store.load(batchesOf(ledger, 50))
    expect(
      (
        await store.transactions(
          'bitcoin',
          ledger.map(({ id }) => id),
          at,
        )
      ).flat(),
    ).toEqual(ledger)
    await store.compact()
    expect(
      (
        await store.transactions(
          'bitcoin',
          ledger.map(({ id }) => id),
          at,
        )
      ).flat(),
    ).toEqual(ledger)
    await store.close()
  })

  it('gives back numbers and texts as it wrote them', () => {
    const numbers = fc.oneof(fc.maxSafeNat(), fc.nat(300))
    const amounts = fc.oneof(fc.bigInt({ min: 0n, max: AMOUNT_MAX }), fc.bigInt({ min: 0n, max: 1n << 56n }))
    fc.assert(
      fc.property(fc.array(fc.tuple(numbers, amounts)), (rows) => {
        const writer = new ByteWriter()
        for (const [number, amount] of rows) writer.varint(number).amount(amount).amount(BigInt(number))
        const reader = new ByteReader(writer.take())
        return rows.every(
          ([number, amount]) =>
            reader.varint() === number && reader.amount() === amount && reader.amount() === BigInt(number),
        )
      }),
    )
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.integer({ min: 0, max: 65535 })).map((units) => String.fromCharCode(...units)),
      fc.stringMatching(/^(0x)?[0-9a-f]*$/),
    )
    fc.assert(fc.property(texts, (text) => unpackText(packText(text)) === text))
  })

  it.each([0, 1, 2])('sorts more records than it holds in memory, whatever byte tells first: %i', (telling) => {
    const lot = lots(3)
    const spill = new Spill(join(folder, 'spill'), 'test', telling, 40_000)
    const drawn: { key: string; value: string }[] = []
    for (let i = 0; i < 3_000; i++) {
      // Few keys, so that many are equal; small runs, so that there are many.
      const key = `k${String.fromCharCode(97 + lot(3))}${lot(50)}`
      drawn.push({ key, value: `${i}`.padEnd(200, '.') })
      spill.add(Buffer.from(key), Buffer.from(drawn[i].value))
    }
    let i = 0
    const sorted = drawn
      .map(({ key }, place) => ({ key, place }))
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.place - b.place))
    for (const { key, value } of spill.sorted()) {
      const expected = sorted[i++]
      if (key.toString() !== expected.key || value.toString() !== drawn[expected.place].value) {
        throw new Error(`record ${i} is ${key.toString()}, not ${expected.key}`)
      }
    }
    expect(i).toBe(3_000)
    spill.remove()
  })
})
