import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type AccountTransaction,
  looksLikeService,
  type Transaction,
  type UtxoTransaction,
} from '../../../graph/index.ts'
import { findHubs } from '../../../src/trace/hubs.ts'

const pay = (n: number, from: string, to: string, hour = n): AccountTransaction =>
  ({
    ...{
      kind: 'account',
      chain: 'tron',
      id: `t${n}-${from}-${to}`,
      height: n,
      index: 0,
      time: hour * 3600,
      status: 'success',
    },
    transfers: [{ index: 0, asset: 'native', from, to, amount: 5n }],
    blockHash: undefined,
    fee: undefined,
  }) as AccountTransaction

const parameters = { counterpartiesMin: 40, payersMin: 10, payeesMin: 10, hoursMin: 5 }

/** A busy address with payers and payees, and others that have some company but not enough. */
function ledger(): Transaction[] {
  const all: Transaction[] = []
  for (let i = 0; i < 12; i++) all.push(pay(i, `in${i}`, 'hub'), pay(i, 'hub', `out${i}`))
  for (let i = 0; i < 12; i++) all.push(pay(i, `in${i}`, 'shop'), pay(i, 'shop', 'bank'))
  for (let i = 0; i < 12; i++) all.push(pay(i, `in${i}`, 'sleeper', 3), pay(i, 'sleeper', `out${i}`, 3))
  for (let i = 0; i < 39; i++) all.push(pay(i, 'almost', `far${i}`))
  for (let i = 0; i < 40; i++) all.push(pay(i, 'wide', `far${i}`))
  return all
}

test('the busy are found with what says so, the others are not', () => {
  const hubs = findHubs(ledger(), { parameters })
  expect(hubs.map(({ address }) => address)).toEqual(['hub', 'wide'])
  expect(hubs[0]).toMatchObject({ chain: 'tron', transactions: 24, first: 0, last: 11 * 3600 })
  expect(hubs[0].verdict).toMatchObject({ payers: 12, payees: 12, hours: 12 })
  expect(hubs[0].verdict.reasons[0]).toMatch(/12 payers, 12 payees/)
  expect(hubs[1].verdict.reasons).toEqual(['40 different counterparties'])
})

test('what is known already needs no verdict', () => {
  expect(
    findHubs(ledger(), { parameters, isKnown: (_, address) => address === 'hub' }).map(({ address }) => address),
  ).toEqual(['wide'])
})

test('one transaction that pays many is company enough on a UTXO chain', () => {
  const outputs = Array.from({ length: 40 }, (_, i) => ({ address: `p${i}`, amount: 1n }))
  const payout = {
    ...{ kind: 'utxo', chain: 'bitcoin', id: 'x', height: 1, index: 1, time: 0, coinbase: false },
    inputs: [{ transaction: 'y', output: 0, address: 'payer', amount: 40n }],
    outputs,
  } as unknown as UtxoTransaction
  expect(findHubs([payout], { parameters }).map(({ address }) => address)).toEqual(['payer'])
})

test('the same hubs as asking the rule of every address, in any order', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')
  const small = { counterpartiesMin: 4, payersMin: 2, payeesMin: 2, hoursMin: 2 }
  const payments = fc.array(fc.tuple(name, name, fc.nat(30)), { maxLength: 25 })
  fc.assert(
    fc.property(payments, (list) => {
      const all = list.map(([from, to, hour], i) => pay(i, from, to, hour))
      const one = [...'abcdefg'].filter((address) => looksLikeService(address, all, small).isHub)
      expect(findHubs(all, { parameters: small }).map(({ address }) => address)).toEqual(one)
      expect(findHubs([...all].reverse(), { parameters: small }).map(({ verdict }) => verdict)).toEqual(
        findHubs(all, { parameters: small }).map(({ verdict }) => verdict),
      )
    }),
  )
})
