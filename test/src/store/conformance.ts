import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Amount, Transaction, UtxoTransaction } from '../../../graph/index.ts'
import { AMOUNT_MAX } from '../../../graph/index.ts'
import { Fault } from '../../../src/faults.ts'
import type {
  ChainStore,
  LedgerBatch,
  OutputRef,
  Place,
  Snapshot,
  StoreOptions,
} from '../../../src/store/chain-store.ts'
import { comparePlaces } from '../../../src/store/chain-store.ts'

/** How the suite comes by one kind of store. */
export interface StoreKeeper {
  readonly name: string
  /** An empty store of its own. */
  create(options?: StoreOptions): Promise<ChainStore>
  /** Something that must change no answer: close and open again, compact, optimise. */
  disturb(store: ChainStore): Promise<ChainStore>
  /** How many drawn ledgers to try. */
  readonly runs: number
  /** Whether a failure is told as it was drawn: making it smaller would take many more runs. */
  readonly isSlow?: boolean
}

/** A store so simple that it is right by sight: one list, read whole for each question. */
class NaiveStore {
  rows: Transaction[] = []

  append(batch: readonly Transaction[]): void {
    for (const each of batch) {
      if (!this.rows.some((row) => row.id === each.id && row.height === each.height)) this.rows.push(each)
    }
    this.rows.sort(comparePlaces)
  }

  seen(at: Snapshot): Transaction[] {
    return this.rows.filter((row) =>
      row.height === undefined || at.height === undefined ? row.time <= at.time : row.height <= at.height,
    )
  }

  names(row: Transaction, asset: string, address: string): boolean {
    if (row.kind === 'utxo') {
      return asset === 'native' && [...row.inputs, ...row.outputs].some((leg) => leg.address === address)
    }
    return (
      row.transfers.some((each) => each.asset === asset && (each.from === address || each.to === address)) ||
      (asset === 'native' && row.fee?.from === address)
    )
  }

  change(row: Transaction, asset: string, address: string): bigint {
    let change = 0n
    if (row.kind === 'utxo') {
      if (asset !== 'native') return 0n
      for (const leg of row.outputs) if (leg.address === address) change += leg.amount
      for (const leg of row.inputs) if (leg.address === address) change -= leg.amount
      return change
    }
    for (const each of row.status === 'success' ? row.transfers : []) {
      if (each.asset !== asset) continue
      if (each.to === address) change += each.amount
      if (each.from === address) change -= each.amount
    }
    if (asset === 'native' && row.fee?.from === address) change -= row.fee.amount
    return change
  }

  pays(row: Transaction, address: string): boolean {
    if (row.kind === 'utxo') return row.outputs.some((leg) => leg.address === address && leg.amount > 0n)
    return row.status === 'success' && row.transfers.some((each) => each.to === address && each.amount > 0n)
  }
}

const ADDRESSES = ['alice', 'bob', 'carol', 'dave']
const ASSETS = ['native', 'USDT']

const amounts = fc.oneof(
  fc.constantFrom<Amount>(0n, 1n, (1n << 53n) - 1n, 1n << 53n, (1n << 64n) - 1n, 1n << 128n, AMOUNT_MAX),
  fc.bigInt({ min: 0n, max: 1000n }),
)
const times = fc.integer({ min: 0, max: 30 })
const places = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ height: fc.integer({ min: 0, max: 8 }), index: fc.integer({ min: 0, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ height: fc.integer({ min: 0, max: 8 }), index: fc.constant(undefined) }) },
)
const unplaced = fc.constant({ height: undefined, index: undefined })

const accountLedger = fc
  .oneof(fc.constant(places), fc.constant(unplaced), fc.constant(fc.oneof(places, unplaced)))
  .chain((where) =>
    fc
      .array(
        fc.record({
          where,
          time: times,
          hashed: fc.boolean(),
          status: fc.constantFrom('success' as const, 'success' as const, 'failed' as const),
          transfers: fc.array(
            fc.record({
              asset: fc.constantFrom(...ASSETS),
              from: fc.constantFrom(...ADDRESSES),
              to: fc.constantFrom(...ADDRESSES),
              amount: amounts,
            }),
            { maxLength: 3 },
          ),
          fee: fc.option(fc.record({ from: fc.constantFrom(...ADDRESSES), amount: amounts }), { nil: undefined }),
        }),
        { maxLength: 25 },
      )
      .map((drawn) =>
        drawn.map(
          (each, i): Transaction => ({
            kind: 'account',
            chain: 'tron',
            id: `${i % 2 ? 'a' : 'b'}${i}`,
            height: each.where.height,
            index: each.where.index,
            time: each.time,
            blockHash: each.hashed && each.where.height !== undefined ? `block ${each.where.height}` : undefined,
            status: each.status,
            transfers: each.transfers.map((transfer, index) => ({ index: index * 7, ...transfer })),
            fee: each.fee,
          }),
        ),
      ),
  )

const utxoLedger = fc
  .array(
    fc.record({
      where: fc.oneof({ weight: 6, arbitrary: places }, { weight: 1, arbitrary: unplaced }),
      time: times,
      spends: fc.array(fc.nat(), { maxLength: 3 }),
      outputs: fc.array(fc.record({ address: fc.constantFrom(...ADDRESSES, null), amount: amounts }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
    { maxLength: 25 },
  )
  .map((drawn) => {
    const unspent: { transaction: string; output: number; address: string | null; amount: bigint }[] = []
    return drawn.map((each, i): UtxoTransaction => {
      const id = i.toString(16).padStart(64, i % 3 ? '0' : 'f')
      const inputs = each.spends.flatMap((pick) =>
        unspent.length === 0 ? [] : unspent.splice(pick % unspent.length, 1),
      )
      // An input whose maker the ledger does not hold.
      if (i % 5 === 4) {
        inputs.push({ transaction: (9000 + i).toString(16).padStart(64, '0'), output: i, address: 'bob', amount: 3n })
      }
      each.outputs.forEach((output, place) => {
        unspent.push({ transaction: id, output: place, ...output })
      })
      return {
        kind: 'utxo',
        chain: 'bitcoin',
        id,
        height: each.where.height,
        index: each.where.index,
        time: each.time,
        blockHash: undefined,
        coinbase: inputs.length === 0,
        inputs,
        outputs: each.outputs,
      }
    })
  })

/** Cuts a ledger into batches, in any order, with rows told twice. */
const cuts = fc.record({
  order: fc.array(fc.nat(), { minLength: 25, maxLength: 25 }),
  repeat: fc.array(fc.nat(), { maxLength: 10 }),
  size: fc.integer({ min: 1, max: 12 }),
  disturbAt: fc.integer({ min: 0, max: 6 }),
  loadFrom: fc.integer({ min: 0, max: 4 }),
  loadCount: fc.integer({ min: 0, max: 4 }),
})

type Cut = { order: number[]; repeat: number[]; size: number; disturbAt: number; loadFrom: number; loadCount: number }

function cutUp(ledger: readonly Transaction[], cut: Cut): Transaction[][] {
  const rows = ledger.map((row, i) => ({ row, key: cut.order[i % cut.order.length] }))
  for (const pick of cut.repeat) {
    if (ledger.length > 0) rows.push({ row: structuredClone(ledger[pick % ledger.length]), key: pick })
  }
  rows.sort((a, b) => a.key - b.key)
  const batches: Transaction[][] = []
  for (let i = 0; i < rows.length; i += cut.size) batches.push(rows.slice(i, i + cut.size).map(({ row }) => row))
  return batches
}

/** Asks a store everything there is to ask of a small ledger, and holds each answer to the naive one. */
async function compareAll(store: ChainStore, naive: NaiveStore, chain: string, at: Snapshot): Promise<void> {
  const seen = naive.seen(at)
  const ids = [...new Set([...naive.rows.map(({ id }) => id), 'nowhere'])]
  expect(await store.transactions(chain, ids, at)).toEqual(ids.map((id) => seen.filter((row) => row.id === id)))

  const outputs: OutputRef[] = [{ transaction: 'nowhere', output: 0 }]
  for (const row of naive.rows) {
    if (row.kind !== 'utxo') continue
    for (let output = 0; output <= row.outputs.length; output++) outputs.push({ transaction: row.id, output })
    for (const { transaction, output } of row.inputs) outputs.push({ transaction, output })
  }
  expect(await store.spendersOf(chain, outputs, at)).toEqual(
    outputs.map(
      ({ transaction, output }) =>
        seen.find(
          (row) =>
            row.kind === 'utxo' && row.inputs.some((leg) => leg.transaction === transaction && leg.output === output),
        )?.id,
    ),
  )

  const accounts = [...ADDRESSES, 'nobody'].flatMap((address) => ASSETS.map((asset) => ({ asset, address })))
  for (const limit of [1, 3, 100]) {
    const asked = accounts.flatMap((account, i) => [account, { ...account, from: naive.rows[i] ?? naive.rows[0] }])
    const expected = asked.map((question) => {
      const { asset, address } = question
      const from = 'from' in question ? question.from : undefined
      const all = seen.filter((row) => naive.names(row, asset, address) && (!from || comparePlaces(row, from) >= 0))
      return { transactions: all.slice(0, limit), next: all[limit]?.id }
    })
    const pages = await store.entriesOf(chain, asked, limit, at)
    expect(pages.map(({ transactions, next }) => ({ transactions, next: next?.id }))).toEqual(expected)
  }

  const beforeAll: { asset: string; address: string; before: Place }[] = []
  for (const [i, account] of accounts.entries()) {
    for (const before of [naive.rows[(i * 3) % naive.rows.length], naive.rows.at(-1)]) {
      if (before) beforeAll.push({ ...account, before })
    }
  }
  expect(await store.balanceBefore(chain, beforeAll, at)).toEqual(
    beforeAll.map(({ asset, address, before }) =>
      seen
        .filter((row) => comparePlaces(row, before) < 0)
        .reduce((balance, row) => balance + naive.change(row, asset, address), 0n),
    ),
  )

  for (const window of [
    { from: undefined, until: undefined },
    { from: 5, until: 20 },
    { from: 12, until: undefined },
  ]) {
    expect(await store.outputsOf(chain, [...ADDRESSES, 'nobody'], window, at)).toEqual(
      [...ADDRESSES, 'nobody'].map((address) =>
        seen.filter(
          (row) => row.time >= (window.from ?? 0) && row.time <= (window.until ?? 1000) && naive.pays(row, address),
        ),
      ),
    )
  }
}

/** A whole snapshot of a chain, and one in the middle of it. */
function snapshotsOf(chain: string): Snapshot[] {
  return [
    { chain, height: 100, blockHash: undefined, time: 1000, finalityDepth: 0 },
    { chain, height: 4, blockHash: undefined, time: 15, finalityDepth: 0 },
    { chain, height: undefined, blockHash: undefined, time: 10, finalityDepth: 0 },
  ]
}

const coin = (id: string, more: Partial<UtxoTransaction> = {}): UtxoTransaction => ({
  kind: 'utxo',
  chain: 'bitcoin',
  id,
  height: 10,
  index: 0,
  time: 1000,
  blockHash: undefined,
  coinbase: true,
  inputs: [],
  outputs: [{ address: 'miner', amount: 50n }],
  ...more,
})

const spend = (id: string, from: UtxoTransaction, output: number, to: string, more: Partial<UtxoTransaction> = {}) =>
  coin(id, {
    coinbase: false,
    height: 11,
    time: 1100,
    inputs: [{ transaction: from.id, output, ...from.outputs[output] }],
    outputs: [{ address: to, amount: from.outputs[output].amount }],
    ...more,
  })

const pay = (id: string, from: string, to: string, amount: bigint, more: object = {}): Transaction => ({
  kind: 'account',
  chain: 'tron',
  id,
  height: 10,
  index: 0,
  time: 1000,
  blockHash: undefined,
  status: 'success',
  transfers: [{ index: 0, asset: 'USDT', from, to, amount }],
  fee: undefined,
  ...more,
})

async function faultOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof Fault) return error.code
    throw error
  }
  return 'none'
}

/** Holds one kind of store to everything the port promises. */
export function describeStore(keeper: StoreKeeper): void {
  describe(`${keeper.name}: the chain store port`, () => {
    const opened: ChainStore[] = []
    const open = async (options?: StoreOptions): Promise<ChainStore> => {
      const store = await keeper.create(options)
      opened.push(store)
      return store
    }
    const disturb = async (store: ChainStore): Promise<ChainStore> => {
      const again = await keeper.disturb(store)
      opened.push(again)
      return again
    }
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close()
    })
    const at = async (store: ChainStore, chain: string): Promise<Snapshot> => {
      const snapshot = await store.snapshot(chain)
      if (snapshot === undefined) throw new Error(`no snapshot of ${chain}`)
      return snapshot
    }

    it.each([
      ['account chains', 'tron', accountLedger],
      ['UTXO chains', 'bitcoin', utxoLedger],
    ] as const)('answers as the naive store does, however the rows arrive: %s', async (_, chain, ledgers) => {
      await fc.assert(
        fc.asyncProperty(ledgers as fc.Arbitrary<Transaction[]>, cuts, async (ledger, cut) => {
          let store = await keeper.create()
          try {
            const naive = new NaiveStore()
            const batches = cutUp(ledger, cut)
            const loaded = batches.splice(cut.loadFrom, cut.loadCount)
            if (cut.loadFrom === 0) await store.load(loaded.map((transactions) => ({ transactions })))
            for (const [i, batch] of batches.entries()) {
              await store.append({ transactions: batch })
              if (i + 1 === cut.loadFrom) await store.load(loaded.map((transactions) => ({ transactions })))
              if (i === cut.disturbAt) store = await keeper.disturb(store)
            }
            if (cut.loadFrom > batches.length) await store.load(loaded.map((transactions) => ({ transactions })))
            naive.append(ledger)
            for (const snapshot of snapshotsOf(chain)) await compareAll(store, naive, chain, snapshot)
          } finally {
            await store.close()
          }
        }),
        { numRuns: keeper.runs, endOnFailure: keeper.isSlow === true },
      )
    })

    it('forgets what lies above a rollback and takes it up again', async () => {
      await fc.assert(
        fc.asyncProperty(utxoLedger, cuts, fc.integer({ min: 0, max: 8 }), async (ledger, cut, height) => {
          let store = await keeper.create()
          try {
            for (const batch of cutUp(ledger, cut)) await store.append({ transactions: batch })
            if (cut.disturbAt % 2) store = await keeper.disturb(store)
            await store.rollback('bitcoin', height)
            const naive = new NaiveStore()
            naive.append(ledger.filter((row) => row.height === undefined || row.height <= height))
            const [whole] = snapshotsOf('bitcoin')
            await compareAll(store, naive, 'bitcoin', whole)
            if (cut.disturbAt % 3) store = await keeper.disturb(store)
            await store.append({ transactions: ledger })
            naive.append(ledger)
            for (const snapshot of snapshotsOf('bitcoin')) await compareAll(store, naive, 'bitcoin', snapshot)
          } finally {
            await store.close()
          }
        }),
        { numRuns: Math.ceil(keeper.runs / 3), endOnFailure: keeper.isSlow === true },
      )
    })

    it('holds nothing at first, and says so', async () => {
      const store = await open()
      const [whole] = snapshotsOf('bitcoin')
      expect(await store.chains()).toEqual([])
      expect(await store.snapshot('bitcoin')).toBeUndefined()
      expect(await store.transactions('bitcoin', ['x'], whole)).toEqual([[]])
      expect(await store.spendersOf('bitcoin', [{ transaction: 'x', output: 0 }], whole)).toEqual([undefined])
      expect(await store.entriesOf('bitcoin', [{ asset: 'native', address: 'x' }], 5, whole)).toEqual([
        { transactions: [], next: undefined },
      ])
      expect(await store.blockHashes('bitcoin', [1])).toEqual([undefined])
      expect(await store.facts('bitcoin')).toEqual({ assets: [], coverage: [], openings: [] })
      expect(await store.transactions('bitcoin', [], whole)).toEqual([])
      await store.append({ transactions: [] })
      await store.rollback('bitcoin', 3)
      expect(await store.chains()).toEqual([])
    })

    it('keeps chains apart', async () => {
      const store = await open()
      const first = pay('same', 'a', 'b', 1n)
      const second = pay('same', 'a', 'b', 2n, { chain: 'eip155:1' })
      await store.load([{ transactions: [second, first] }])
      await store.append({ transactions: [first, second] })
      expect(await store.chains()).toEqual(['eip155:1', 'tron'])
      expect(await store.transactions('tron', ['same'], await at(store, 'tron'))).toEqual([[first]])
      expect(await store.transactions('eip155:1', ['same'], await at(store, 'eip155:1'))).toEqual([[second]])
      await store.rollback('tron', 0)
      expect(await store.transactions('eip155:1', ['same'], await at(store, 'eip155:1'))).toEqual([[second]])
    })

    it('gives back every row as it came, whatever is written in it', async () => {
      let store = await open()
      const rows: Transaction[] = [
        coin('ab'.repeat(32), { blockHash: 'cd'.repeat(32), outputs: [] }),
        coin('AB'.repeat(32), { index: 1, time: 0, height: 0 }),
        coin('한국 🪙', {
          index: undefined,
          outputs: [
            { address: null, amount: 0n },
            { address: '주소', amount: AMOUNT_MAX },
          ],
        }),
        coin('', { height: undefined, index: undefined, time: 4_102_444_800 }),
        coin('l'.repeat(3000), {
          height: 4_000_000_000,
          index: 1_000_000,
          outputs: [{ address: 'x'.repeat(3000), amount: 1n }],
        }),
        pay('0xAbC', 'T1', 'T1', AMOUNT_MAX, {
          status: 'failed',
          fee: { from: 'T1', amount: AMOUNT_MAX },
          transfers: [
            { index: 5, asset: 'native', from: 'T1', to: 'T2', amount: 0n },
            {
              index: 4_000_000_000,
              asset: '0xdAC17F958D2ee523a2206206994597C13D831ec7',
              from: 'T1',
              to: 'T1',
              amount: 7n,
            },
          ],
        }),
        pay('no legs', 'x', 'y', 1n, { transfers: [], index: undefined, blockHash: '' }),
      ]
      await store.append({ transactions: rows })
      for (let round = 0; round < 2; round++) {
        for (const row of rows) {
          const snapshot = {
            chain: row.chain,
            height: 5_000_000_000,
            blockHash: undefined,
            time: 9_999_999_999,
            finalityDepth: 0,
          }
          expect(await store.transactions(row.chain, [row.id], snapshot)).toEqual([[row]])
        }
        store = await disturb(store)
      }
    })

    it('takes the same rows again without a change, and a block hash told later', async () => {
      const store = await open()
      const rows = [pay('t1', 'a', 'b', 5n), pay('t2', 'b', 'c', 4n, { index: 1 })]
      await store.append({ transactions: rows })
      await store.append({ transactions: [...rows, ...rows] })
      expect(await store.snapshot('tron')).toEqual({
        chain: 'tron',
        height: 10,
        blockHash: undefined,
        time: 1000,
        finalityDepth: 0,
      })
      await store.append({ transactions: [{ ...rows[0], blockHash: 'h10' }] })
      await store.append({ transactions: rows })
      const snapshot = await at(store, 'tron')
      expect(snapshot.blockHash).toBe('h10')
      const [page] = await store.entriesOf('tron', [{ asset: 'USDT', address: 'b' }], 10, snapshot)
      expect(page).toEqual({ transactions: [{ ...rows[0], blockHash: 'h10' }, rows[1]], next: undefined })
      expect(await store.balanceBefore('tron', [{ asset: 'USDT', address: 'b', before: rows[1] }], snapshot)).toEqual([
        5n,
      ])
    })

    it('refuses contradictions and keeps nothing of their batch', async () => {
      const maker = coin('maker', {
        outputs: [
          { address: 'a', amount: 5n },
          { address: 'b', amount: 6n },
        ],
      })
      const first = spend('first', maker, 0, 'c')
      const block = (height: number, hash: string, previous?: string) => ({
        chain: 'bitcoin',
        height,
        hash,
        previous,
        time: 1000,
      })
      const good: LedgerBatch = {
        transactions: [maker, first],
        blocks: [block(10, 'h10', 'h9')],
        assets: [{ chain: 'bitcoin', asset: 'native', symbol: 'BTC', decimals: 8 }],
        openings: [{ chain: 'bitcoin', asset: 'native', address: 'a', amount: 3n }],
      }
      const wrong: Record<string, LedgerBatch> = {
        height: { transactions: [{ ...first, height: 12 }] },
        index: { transactions: [{ ...first, index: 7 }] },
        time: { transactions: [{ ...first, time: 7 }] },
        'no height': { transactions: [{ ...first, height: undefined }] },
        kind: { transactions: [pay('first', 'a', 'b', 1n, { chain: 'bitcoin', height: 11 })] },
        coinbase: { transactions: [{ ...first, coinbase: true }] },
        input: { transactions: [{ ...first, inputs: [{ ...first.inputs[0], output: 1 }] }] },
        'input amount': { transactions: [{ ...first, inputs: [{ ...first.inputs[0], amount: 4n }] }] },
        output: { transactions: [{ ...first, outputs: [{ address: 'z', amount: 5n }] }] },
        'output amount': { transactions: [{ ...first, outputs: [{ address: 'c', amount: 4n }] }] },
        'fewer outputs': { transactions: [{ ...first, outputs: [] }] },
        'double spend': { transactions: [spend('second', maker, 0, 'd')] },
        'double spend in one batch': { transactions: [spend('second', maker, 1, 'd'), spend('third', maker, 1, 'd')] },
        'two contents in one batch': { transactions: [coin('new'), coin('new', { time: 1 })] },
        'block hash of a transaction': { transactions: [coin('new', { index: 3, blockHash: 'other' })] },
        'block hash': { transactions: [], blocks: [block(10, 'other')] },
        'block before': { transactions: [], blocks: [block(11, 'h11', 'other')] },
        'block after': { transactions: [], blocks: [block(9, 'other')] },
        decimals: { transactions: [], assets: [{ chain: 'bitcoin', asset: 'native', symbol: 'BTC', decimals: 9 }] },
        opening: { transactions: [], openings: [{ chain: 'bitcoin', asset: 'native', address: 'a', amount: 4n }] },
      }
      let store = await open()
      await store.append(good)
      for (const [name, batch] of Object.entries(wrong)) {
        const beside = coin(`beside ${name}`, { index: 50, outputs: [{ address: 'beside', amount: 1n }] })
        const mixed = { ...batch, transactions: [beside, ...batch.transactions, pay('elsewhere', 'a', 'b', 1n)] }
        expect([name, await faultOf(store.append(mixed))]).toEqual([name, 'LEDGER_CONTRADICTS'])
        if (name === 'kind') store = await disturb(store)
      }
      const snapshot = await at(store, 'bitcoin')
      expect(await store.chains()).toEqual(['bitcoin'])
      expect(await store.entriesOf('bitcoin', [{ asset: 'native', address: 'beside' }], 10, snapshot)).toEqual([
        { transactions: [], next: undefined },
      ])
      expect(await store.transactions('bitcoin', ['second', 'third', 'new', 'first'], snapshot)).toEqual([
        [],
        [],
        [],
        [first],
      ])
      expect(
        await store.spendersOf(
          'bitcoin',
          [0, 1].map((output) => ({ transaction: 'maker', output })),
          snapshot,
        ),
      ).toEqual(['first', undefined])
      expect(await store.blockHashes('bitcoin', [9, 10, 11])).toEqual([undefined, 'h10', undefined])
      await store.append({ transactions: [spend('second', maker, 1, 'd')], blocks: [block(11, 'h11', 'h10')] })
    })

    it('keeps both coinbases of a BIP-30 pair, and the spender of the one coin left', async () => {
      let store = await open()
      const early = coin('pair', { height: 20, time: 2000, outputs: [{ address: 'miner', amount: 50n }] })
      const late = coin('pair', { height: 30, time: 3000, outputs: [{ address: 'miner', amount: 50n }] })
      const spender = spend('spender', late, 0, 'shop', { height: 40, time: 4000 })
      await store.append({ transactions: [late] })
      await store.append({ transactions: [spender] })
      await store.append({ transactions: [early, late] })
      for (let round = 0; round < 2; round++) {
        const whole = await at(store, 'bitcoin')
        expect(await store.transactions('bitcoin', ['pair'], whole)).toEqual([[early, late]])
        expect(await store.transactions('bitcoin', ['pair'], { ...whole, height: 25 })).toEqual([[early]])
        expect(await store.spendersOf('bitcoin', [{ transaction: 'pair', output: 0 }], whole)).toEqual(['spender'])
        expect(
          await store.spendersOf('bitcoin', [{ transaction: 'pair', output: 0 }], { ...whole, height: 39 }),
        ).toEqual([undefined])
        const [page] = await store.entriesOf('bitcoin', [{ asset: 'native', address: 'miner' }], 10, whole)
        expect(page.transactions).toEqual([early, late, spender])
        store = await disturb(store)
      }
      expect(await faultOf(store.append({ transactions: [{ ...late, time: 1 }] }))).toBe('LEDGER_CONTRADICTS')
      await store.rollback('bitcoin', 29)
      expect(await store.transactions('bitcoin', ['pair'], await at(store, 'bitcoin'))).toEqual([[early]])
      await store.append({ transactions: [late] })
      expect(await store.transactions('bitcoin', ['pair'], await at(store, 'bitcoin'))).toEqual([[early, late]])
    })

    it('answers as of its snapshot whatever is appended meanwhile', async () => {
      let store = await open()
      const rows = Array.from({ length: 6 }, (_, i) =>
        pay(`t${i}`, 'a', 'b', BigInt(i + 1), { height: i, time: 100 * i }),
      )
      await store.append({ transactions: rows.slice(0, 3) })
      const before = await at(store, 'tron')
      const ask = async () => [
        await store.entriesOf('tron', [{ asset: 'USDT', address: 'b' }], 10, before),
        await store.transactions(
          'tron',
          rows.map(({ id }) => id),
          before,
        ),
        await store.outputsOf('tron', ['b'], { from: undefined, until: undefined }, before),
        await store.balanceBefore('tron', [{ asset: 'USDT', address: 'b', before: rows[5] }], before),
      ]
      const answers = await ask()
      await store.append({ transactions: rows.slice(3) })
      expect(await ask()).toEqual(answers)
      store = await disturb(store)
      expect(await ask()).toEqual(answers)
      expect((await at(store, 'tron')).height).toBe(5)
    })

    it('takes its snapshot below the tip, and refuses one whose block was reorganised away', async () => {
      const store = await open({ finalityDepth: (chain) => (chain === 'tron' ? 2 : 0) })
      const blocks = Array.from({ length: 6 }, (_, i) => ({
        chain: 'tron',
        height: i,
        hash: `h${i}`,
        previous: i === 0 ? undefined : `h${i - 1}`,
        time: 100 * i,
      }))
      await store.append({
        transactions: [pay('t0', 'a', 'b', 1n, { height: 0, time: 0 })],
        blocks: blocks.slice(0, 2),
      })
      expect(await store.snapshot('tron')).toBeUndefined()
      await store.append({ transactions: [], blocks: blocks.slice(2) })
      const snapshot = await at(store, 'tron')
      expect(snapshot).toEqual({ chain: 'tron', height: 3, blockHash: 'h3', time: 300, finalityDepth: 2 })
      await store.rollback('tron', 3)
      expect(await store.blockHashes('tron', [2, 3, 4])).toEqual(['h2', 'h3', undefined])
      expect(await store.transactions('tron', ['t0'], snapshot)).toHaveLength(1)
      await store.rollback('tron', 2)
      expect(await faultOf(store.transactions('tron', ['t0'], snapshot))).toBe('LEDGER_CONTRADICTS')
      await store.append({ transactions: [], blocks: [{ ...blocks[3], hash: 'other' }] })
      expect(await faultOf(store.entriesOf('tron', [{ asset: 'USDT', address: 'b' }], 1, snapshot))).toBe(
        'LEDGER_CONTRADICTS',
      )
      expect((await store.blockHashes('tron', [3]))[0]).toBe('other')
    })

    it('orders a ledger without heights by time, then id', async () => {
      const store = await open()
      const row = (id: string, time: number) => pay(id, 'a', 'b', 1n, { height: undefined, index: undefined, time })
      const rows = [row('z', 5), row('b', 9), row('a', 9), row('c', 9), row('y', 7)]
      await store.append({ transactions: rows.slice(0, 2) })
      await store.append({ transactions: rows.slice(2) })
      const snapshot = await at(store, 'tron')
      expect(snapshot).toEqual({ chain: 'tron', height: undefined, blockHash: undefined, time: 9, finalityDepth: 0 })
      const [page] = await store.entriesOf('tron', [{ asset: 'USDT', address: 'a' }], 3, snapshot)
      expect(page.transactions.map(({ id }) => id)).toEqual(['z', 'y', 'a'])
      const [rest] = await store.entriesOf('tron', [{ asset: 'USDT', address: 'a', from: page.next }], 3, snapshot)
      expect(rest.transactions.map(({ id }) => id)).toEqual(['b', 'c'])
      expect(rest.next).toBeUndefined()
    })

    it('keeps hundreds of one moment apart by their ids', async () => {
      let store = await open()
      const rows = Array.from({ length: 400 }, (_, i) =>
        pay(`t${(i * 7919) % 400}`.padEnd(5, '.'), 'a', 'b', BigInt(1 + i), {
          height: undefined,
          index: undefined,
          time: 9,
        }),
      )
      await store.append({ transactions: rows.slice(0, 250) })
      store = await disturb(store)
      await store.load([{ transactions: rows.slice(250) }])
      const ordered = [...rows].sort(comparePlaces)
      for (let round = 0; round < 2; round++) {
        const snapshot = await at(store, 'tron')
        const asked = [0, 1, 127, 128, 129, 256, 300, 399].map((place) => ({
          asset: 'USDT',
          address: 'b',
          before: ordered[place],
        }))
        const naive = new NaiveStore()
        naive.append(rows)
        expect(await store.balanceBefore('tron', asked, snapshot)).toEqual(
          asked.map(({ before }) =>
            naive.rows
              .filter((row) => comparePlaces(row, before) < 0)
              .reduce((sum, row) => sum + naive.change(row, 'USDT', 'b'), 0n),
          ),
        )
        for (const place of [0, 1, 127, 128, 200, 399]) {
          const [page] = await store.entriesOf(
            'tron',
            [{ asset: 'USDT', address: 'b', from: ordered[place] }],
            150,
            snapshot,
          )
          expect(page.transactions).toEqual(ordered.slice(place, place + 150))
          expect(page.next?.id).toBe(ordered[place + 150]?.id)
        }
        store = await disturb(store)
      }
    })

    it('forgets all of a block, however many times it was added to', async () => {
      let store = await open()
      const block = { chain: 'tron', height: 6, hash: 'h6', previous: undefined, time: 600 }
      const row = (id: string, height: number, index: number) =>
        pay(id, 'a', 'b', 1n, { height, index, time: 100 * height })
      await store.append({ transactions: [row('kept', 5, 0), row('first', 6, 0)], blocks: [block] })
      await store.append({ transactions: [row('second', 6, 1)] })
      await store.load([
        { transactions: [row('third', 6, 2)], blocks: [block] },
        { transactions: [row('kept too', 5, 1)] },
      ])
      store = await disturb(store)
      await store.append({ transactions: [row('fourth', 6, 3)] })
      await store.rollback('tron', 5)
      for (let round = 0; round < 2; round++) {
        const later = { ...(await at(store, 'tron')), height: 100 }
        const ids = ['kept', 'first', 'second', 'third', 'fourth', 'kept too']
        expect((await store.transactions('tron', ids, later)).map((rows) => rows.length)).toEqual([1, 0, 0, 0, 0, 1])
        expect((await store.snapshot('tron'))?.height).toBe(5)
        const [page] = await store.entriesOf('tron', [{ asset: 'USDT', address: 'b' }], 10, later)
        expect(page.transactions.map(({ id }) => id)).toEqual(['kept', 'kept too'])
        store = await disturb(store)
      }
    })

    it('keeps what the ledger says of itself', async () => {
      let store = await open()
      await store.append({
        transactions: [],
        assets: [{ chain: 'tron', asset: 'USDT', symbol: 'USDT', decimals: 6 }],
        coverage: [{ chain: 'tron', covers: ['b', 'a'] }],
        openings: [{ chain: 'tron', asset: 'USDT', address: 'a', amount: AMOUNT_MAX }],
      })
      await store.append({
        transactions: [pay('t', 'a', 'b', 3n)],
        assets: [
          { chain: 'tron', asset: 'native', symbol: 'TRX', decimals: 6 },
          { chain: 'tron', asset: 'USDT', symbol: 'USDT', decimals: 6 },
        ],
        coverage: [
          { chain: 'tron', covers: ['c', 'a'] },
          { chain: 'eip155:1', covers: 'all' },
        ],
        openings: [
          { chain: 'tron', asset: 'USDT', address: 'a', amount: AMOUNT_MAX },
          { chain: 'tron', asset: 'native', address: 'b', amount: 0n },
        ],
      })
      store = await disturb(store)
      expect(await store.facts('tron')).toEqual({
        assets: [
          { chain: 'tron', asset: 'USDT', symbol: 'USDT', decimals: 6 },
          { chain: 'tron', asset: 'native', symbol: 'TRX', decimals: 6 },
        ],
        coverage: [{ chain: 'tron', covers: ['a', 'b', 'c'] }],
        openings: [
          { chain: 'tron', asset: 'USDT', address: 'a', amount: AMOUNT_MAX },
          { chain: 'tron', asset: 'native', address: 'b', amount: 0n },
        ],
      })
      expect((await store.facts('eip155:1')).coverage).toEqual([{ chain: 'eip155:1', covers: 'all' }])
      expect(await store.chains()).toEqual(['eip155:1', 'tron'])
      const later = pay('later', 'a', 'b', 1n, { height: 99 })
      expect(
        await store.balanceBefore('tron', [{ asset: 'USDT', address: 'a', before: later }], await at(store, 'tron')),
      ).toEqual([AMOUNT_MAX - 3n])
    })

    it('sums amounts of 256 bits exactly', async () => {
      const store = await open()
      const rows = Array.from({ length: 9 }, (_, i) =>
        pay(`t${i}`, i % 2 ? 'a' : 'b', i % 2 ? 'b' : 'c', AMOUNT_MAX - BigInt(i), { index: i }),
      )
      await store.append({ transactions: rows })
      // Two legs of one transaction that come to more than 256 bits.
      const legs = [0, 1, 2].map((index) => ({ index, asset: 'USDT', from: 'd', to: 'e', amount: AMOUNT_MAX }))
      await store.append({ transactions: [pay('wide', 'd', 'e', 0n, { index: 20, transfers: legs })] })
      const before = pay('end', 'a', 'b', 0n, { height: 11 })
      const asked = ['a', 'b', 'c', 'd', 'e'].map((address) => ({ asset: 'USDT', address, before }))
      expect(await store.balanceBefore('tron', asked, await at(store, 'tron'))).toEqual([
        -(4n * AMOUNT_MAX - 16n),
        4n * AMOUNT_MAX - 16n - (5n * AMOUNT_MAX - 20n),
        5n * AMOUNT_MAX - 20n,
        -3n * AMOUNT_MAX,
        3n * AMOUNT_MAX,
      ])
    })

    it('pages through a busy account in batches of thousands, and answers thousands at once', async () => {
      let store = await open()
      const count = 3_000
      const rows = Array.from({ length: count }, (_, i) =>
        pay(`t${i}`, `from ${i}`, 'hub', BigInt(i), { height: 1000 + (i >> 2), index: i & 3, time: 10_000 + (i >> 2) }),
      )
      // Two batches, each with every other row: the second lands between what the first has stored.
      await store.append({ transactions: rows.filter((_, i) => i % 2 === 0) })
      store = await disturb(store)
      await store.append({ transactions: rows.filter((_, i) => i % 2 === 1) })
      const snapshot = await at(store, 'tron')
      for (let round = 0; round < 2; round++) {
        const read: string[] = []
        let from: Place | undefined
        for (let pages = 0; pages < 20; pages++) {
          const [page] = await store.entriesOf('tron', [{ asset: 'USDT', address: 'hub', from }], 700, snapshot)
          expect(page.transactions.length).toBeLessThanOrEqual(700)
          for (const { id } of page.transactions) read.push(id)
          from = page.next
          if (from === undefined) break
        }
        expect(read).toEqual(rows.map(({ id }) => id))
        const pages = await store.entriesOf(
          'tron',
          rows.map((_, i) => ({ asset: 'USDT', address: `from ${i}` })),
          5,
          snapshot,
        )
        expect(pages.map(({ transactions }) => transactions.map(({ id }) => id))).toEqual(rows.map(({ id }) => [id]))
        const found = await store.transactions(
          'tron',
          rows.map(({ id }) => id),
          snapshot,
        )
        expect(found).toEqual(rows.map((row) => [row]))
        const [balance] = await store.balanceBefore(
          'tron',
          [{ asset: 'USDT', address: 'hub', before: rows[2_001] }],
          snapshot,
        )
        expect(balance).toBe((2_001n * 2_000n) / 2n)
        store = await disturb(store)
      }
    })
  })
}
