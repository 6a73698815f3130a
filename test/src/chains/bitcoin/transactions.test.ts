import { describe, expect, test } from 'vitest'
import { blockInputs, decodeBlock, decodeSpentOutputs, toTransactions } from '../../../../src/chains/bitcoin/index.ts'
import { Fault } from '../../../../src/faults.ts'
import { BLOCKS, fixture } from './fixtures.ts'

const total = (legs: readonly { amount: bigint }[]): bigint => legs.reduce((sum, { amount }) => sum + amount, 0n)

describe('with undo data', () => {
  test.each([
    ['block300025.raw', 2_500_000_000n],
    ['testnet3-block928828.raw', 312_500_000n],
    ['testnet3-block1087400.raw', 156_250_000n],
  ])('%s mints exactly its subsidy and its fees', (file, subsidy) => {
    const { chain, undo } = BLOCKS.find((each) => each.file === file)!
    const block = decodeBlock(fixture(file), { chain })
    const { transactions, assumed } = toTransactions(block, decodeSpentOutputs(fixture(undo!), block))
    expect(assumed).toEqual([])
    const fees = transactions.slice(1).reduce((sum, { inputs, outputs }) => sum + total(inputs) - total(outputs), 0n)
    expect(total(transactions[0].outputs) - fees).toBe(subsidy)
  })

  test('what an input shows of itself is what it spends', () => {
    let certain = 0
    let inputs = 0
    for (const { file, chain, undo } of BLOCKS) {
      if (undo === undefined) continue
      const block = decodeBlock(fixture(file), { chain })
      const known = toTransactions(block, decodeSpentOutputs(fixture(undo), block)).transactions
      for (const [t, transaction] of known.entries()) {
        for (const [i, input] of blockInputs(block, t).entries()) {
          inputs++
          expect(input.transaction).toBe(transaction.inputs[i].transaction)
          if (input.address === undefined) continue
          expect(input.address).toBe(transaction.inputs[i].address)
          certain++
        }
      }
    }
    expect(inputs).toBe(1427 + 205 + 1972)
    expect(certain / inputs).toBeGreaterThan(0.98)
  })

  test('of another block, cut, moved or changed is a fault', () => {
    const block = decodeBlock(fixture('block300025.raw'), { chain: 'bitcoin' })
    const undo = fixture('block300025-undo.raw')
    const refused = (bytes: Uint8Array): string => {
      try {
        toTransactions(block, decodeSpentOutputs(bytes, block))
      } catch (error) {
        expect(error).toBeInstanceOf(Fault)
        expect((error as Fault).code).toBe('UNDO_INVALID')
        return (error as Fault).detail
      }
      throw new Error('it was taken')
    }
    expect(refused(undo.subarray(0, -1))).toContain('24 are left')
    expect(refused(Buffer.concat([undo, undo.subarray(0, 34)]))).toContain('follow the 1427 spent outputs')
    expect(refused(Buffer.concat([undo.subarray(34), undo.subarray(0, 34)]))).toContain('does not open the script')
    const richer = Buffer.from(undo)
    richer.writeBigUInt64LE(0n, 0)
    expect(refused(richer)).toMatch(/gives out|mints|same block/)
  })
})

describe('without undo data', () => {
  const block = decodeBlock(fixture('block482683.raw'), { chain: 'bitcoin' })

  test('an unknown amount is refused by name', () => {
    expect(() => toTransactions(block, undefined)).toThrow(/UNDO_INVALID.*input 0 spends [0-9a-f]{64}:\d+.*assumeNoFee/)
  })

  test('assumeNoFee puts what the outputs need on the first unknown input and says so', () => {
    const { transactions, assumed } = toTransactions(block, undefined, { missing: 'assumeNoFee' })
    const byPlace = new Map(assumed.map((each) => [`${each.transaction}:${each.input}`, each]))
    expect(byPlace.size).toBe(assumed.length)
    for (const [t, transaction] of transactions.entries()) {
      if (t === 0) continue
      const told = blockInputs(block, t)
      const unknown = told.filter(({ amount }) => amount === undefined).length
      let first = true
      for (const [i, { amount }] of transaction.inputs.entries()) {
        const note = byPlace.get(`${transaction.id}:${i}`)
        if (told[i].amount !== undefined) {
          expect(note).toBeUndefined()
          expect(amount).toBe(told[i].amount)
          continue
        }
        expect(note?.amount).toBe(amount)
        expect(note?.rule).toBe(unknown === 1 ? 'noFee' : first ? 'first' : 'zero')
        if (!first) expect(amount).toBe(0n)
        first = false
      }
      if (unknown > 0) expect(total(transaction.inputs)).toBe(total(transaction.outputs))
    }
    expect(assumed.length).toBeGreaterThan(0)
  })

  test('the Hydra payment of block 627714 reads as the chain has it', () => {
    const whole = decodeBlock(fixture('block627714.raw.gz'), { chain: 'bitcoin' })
    const { transactions } = toTransactions(whole, undefined, { missing: 'assumeNoFee' })
    const payment = transactions[1207]
    expect(payment.id).toBe('69d4200148faaa2bcb229b58b6767b8d96d33a057a7459ea4e6615f6e118852c')
    expect(payment.time).toBe(whole.time)
    expect(payment.inputs.map(({ address }) => address)).toEqual(['16EKTes8ahD8xvwisqjc2xSNLiG3fDHatW'])
    expect(payment.outputs).toEqual([
      { address: '368RwS7xrJdXwyBGAMw51MCE9ySBKwJxcb', amount: 4_713_927n },
      { address: '17hg8KrPT1gRZ3LZLjL7sEfkC4N5VinXC4', amount: 209_507_681n },
    ])
  })
})
