import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decodeBlock, scriptToAddress, toTransactions } from '../../../src/chains/bitcoin/index.ts'
import { main } from '../../../src/cli.ts'
import type { Report } from '../../../src/report/format.ts'
import { transactionRow } from '../../../src/report/ledger-file.ts'
import { openStore } from '../../../src/store/open.ts'
import { replayBundle } from '../../../src/work/replay.ts'
import { BLOCKS, BUSY, CHAIN, lockedTo, SWEEP, TRANSACTIONS } from '../chains/bitcoin/fake-chain.ts'
import { tellEsplora } from '../chains/fake-esplora.ts'

let home: string
let server: FastifyInstance
let url: string
let asked: string[] = []
let lie: (path: string, answer: unknown) => unknown = (_, answer) => answer

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'asking-'))
  server = Fastify()
  server.get('/*', async (request, reply) => {
    asked.push(request.url)
    const answer = lie(request.url, structuredClone(tellEsplora(request.url)))
    if (answer === undefined) return reply.code(404).send('not found')
    return typeof answer === 'string' ? reply.type('text/plain').send(answer) : answer
  })
  url = await server.listen({ host: '127.0.0.1', port: 0 })
  const lines = BLOCKS.flatMap((block, height) => {
    const decoded = decodeBlock(block.bytes, { chain: CHAIN, height })
    return toTransactions(decoded, undefined, { missing: 'assumeNoFee' }).transactions.map((row) => {
      const inputs = TRANSACTIONS.get(row.id)!.raw.inputs.map(({ transaction, output }) => {
        const { amount, address } = TRANSACTIONS.get(transaction)!.raw.outputs[output]
        return { transaction, output, address, amount }
      })
      return transactionRow({ ...row, inputs })
    })
  })
  const covers = [1, 2, 3, 50].map((tag) => scriptToAddress(lockedTo(tag), CHAIN))
  const key = TRANSACTIONS.get(BLOCKS[5].transactions[2].id)!.raw.outputs[0].address
  await writeFile(
    join(home, 'dump.ndjson'),
    [...lines, { chain: CHAIN, covers: [...covers, key] }].map((row) => JSON.stringify(row)).join('\n'),
  )
})
afterAll(async () => {
  await server.close()
  await rm(home, { recursive: true, force: true })
})
beforeEach(() => {
  asked = []
  lie = (_, answer) => answer
})

async function command(...args: string[]): Promise<{ code: number; err: string }> {
  let err = ''
  const code = await main(args, { out: () => {}, err: (text) => (err += text) })
  return { code, err }
}

async function request(name: string, more: object): Promise<string> {
  const file = join(home, `${name}.json`)
  const seed = { chain: CHAIN, transaction: SWEEP.raw.inputs[2].transaction, output: 0, reason: 'r' }
  const whole = { case: name, method: { primary: 'fifo', reason: 'r' }, seeds: [seed], ...more }
  await writeFile(file, JSON.stringify(whole))
  return file
}

const report = async (name: string): Promise<Report> =>
  JSON.parse(await readFile(join(home, name, 'report.json'), 'utf8'))

const live = (more: string[] = []) => ['--esplora', url, '--chain', CHAIN, '--requests-per-second', '10000', ...more]

describe('a live seed through an Esplora server', () => {
  test.each([
    ['outputs', { pool: { [CHAIN]: 'output' } }],
    ['balances', { pool: { [CHAIN]: 'address' } }],
    ['an-address', { seeds: [{ chain: CHAIN, address: BUSY, reason: 'r' }] }],
    ['few-hops', { limits: { hops: 1 } }],
  ])('gives the figures that the whole chain gives: %s', async (name, more) => {
    const file = await request(name, more)
    expect(await command('trace', file, ...live(), '--out', join(home, `${name}-live`))).toMatchObject({ code: 0 })
    const questions = [...asked]
    const dump = ['--ledger', join(home, 'dump.ndjson')]
    expect(await command('trace', file, ...dump, '--out', join(home, `${name}-dump`))).toMatchObject({ code: 0 })
    const [one, two] = [await report(`${name}-live`), await report(`${name}-dump`)]
    for (const part of ['seeds', 'endpoints', 'holdings', 'conservation', 'paths', 'gaps', 'snapshots'] as const) {
      expect(one[part], part).toEqual(two[part])
    }
    const run = JSON.parse(await readFile(join(home, `${name}-live`, 'run.json'), 'utf8'))
    // Each answer is kept, with whom it came from, when, and its hash; hardly a question is asked twice.
    expect(run.acquisitions).toHaveLength(questions.length)
    expect(run.acquisitions[0]).toMatchObject({ status: 200, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(new Set(questions).size).toBeGreaterThan(0.9 * questions.length)
    expect(run.snapshots).toMatchObject([{ height: 5, blockHash: BLOCKS[5].hash }])
    // The bundle stands alone: it comes again with the server gone.
    expect((await replayBundle(join(home, `${name}-live`))).different).toEqual([])
  })

  test('what a store holds is not asked for, and what was asked for is held', async () => {
    const file = await request('kept', {})
    const store = join(home, 'kept-store')
    expect(await command('trace', file, ...live(['--store', store]), '--out', join(home, 'kept-1'))).toMatchObject({
      code: 0,
    })
    const first = asked.length
    const open = await openStore(store)
    const at = (await open.snapshot(CHAIN))!
    expect(await open.transactions(CHAIN, [SWEEP.id], at)).toMatchObject([[{ id: SWEEP.id }]])
    await open.close()
    asked = []
    expect(await command('trace', file, ...live(['--store', store]), '--out', join(home, 'kept-2'))).toMatchObject({
      code: 0,
    })
    expect(asked.length).toBeLessThan(first)
    for (const part of ['endpoints', 'holdings', 'conservation', 'gaps'] as const) {
      expect((await report('kept-2'))[part]).toEqual((await report('kept-1'))[part])
    }
    // Without the source the store answers alone; that nothing is covered it says.
    expect(await command('trace', file, '--store', store, '--out', join(home, 'kept-3'))).toMatchObject({ code: 0 })
    expect((await report('kept-3')).gaps.map(({ kind }) => kind)).toContain('UNSEEN')
  })

  test.each([
    [
      'a spend that is none',
      /\/outspend\//,
      () => ({ spent: true, txid: BLOCKS[1].transactions[1].id }),
      'SOURCE_CONTRADICTS',
    ],
    ['another tip', /^\/blocks\/tip\/hash$/, () => 'ab'.repeat(32), 'SOURCE_UNAVAILABLE'],
    ['garbage', /^\/address\/[^/]+\/txs/, () => '<html>', 'SOURCE_CONTRADICTS'],
    [
      'a page served twice',
      /\/txs\/chain\/[0-9a-f]+$/,
      (path: string) => tellEsplora(path.replace(/\/[0-9a-f]+$/, '')),
      'SOURCE_CONTRADICTS',
    ],
    [
      'another transaction',
      /^\/tx\/[0-9a-f]+\/hex$/,
      () => SWEEP.bytes.subarray(1).toString('hex'),
      'SOURCE_CONTRADICTS',
    ],
  ])('a server that lies is named, and nothing is written: %s', async (name, where, say, code) => {
    lie = (path, answer) => (where.test(path) ? say(path) : answer)
    // Long histories are not asked for, so that spends are asked for one by one.
    const file = await request(
      'lied-to',
      name.includes('spend') ? {} : { seeds: [{ chain: CHAIN, address: BUSY, reason: 'r' }] },
    )
    const out = join(home, `lied-${name.replaceAll(' ', '-')}`)
    const { code: exit, err } = await command('trace', file, ...live(), '--out', out)
    if (name.includes('spend')) {
      // Every address here can be asked for whole, so no spend is asked for on its own.
      const { Esplora } = await import('../../../src/chains/bitcoin/index.ts')
      const { HttpSource } = await import('../../../src/chains/http.ts')
      const esplora = new Esplora({ chain: CHAIN, http: new HttpSource({ baseUrl: url, now: () => new Date() }) })
      await expect(esplora.spender(SWEEP.id, 0)).rejects.toMatchObject({ code })
      return
    }
    expect(exit).toBe(1)
    expect(err).toContain(code)
    await expect(readFile(join(out, 'report.json'))).rejects.toThrow('ENOENT')
  })

  test('answers are bounded', async () => {
    const { AskingStore } = await import('../../../src/trace/asking-store.ts')
    const { MemoryStore } = await import('../../../src/store/memory.ts')
    const sources = [{ kind: 'esplora' as const, chain: CHAIN, url }]
    await expect(AskingStore.open(new MemoryStore(), { sources, answersMax: 2 })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    })
    await expect(AskingStore.open(new MemoryStore(), { sources: [...sources, ...sources] })).rejects.toMatchObject({
      code: 'USAGE',
    })
  })
})
