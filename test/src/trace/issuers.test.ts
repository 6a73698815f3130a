import { id } from 'ethers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress } from '../../../src/chains/address.ts'
import { Fault } from '../../../src/faults.ts'
import {
  type ContractLog,
  decodeIssuerLog,
  ISSUER_CONTRACTS,
  ISSUER_EVENTS,
  type IssuerAct,
  standingOf,
} from '../../../src/trace/issuers.ts'

const USDT = '0xdAC17F958D2ee523a2206206994597C13D831ec7'
const USDC = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48'
const TRON_USDT = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'
const word = (digits: string): string => digits.replace(/^0x/, '').padStart(64, '0')
const ACCOUNT = '0x532961b23a28a9e5a8b1769bdb3e8906fc7c7a01'

const log = (fields: Partial<ContractLog>): ContractLog => ({
  ...{ chain: 'ethereum', contract: USDT.toLowerCase(), topics: [], data: '0x' },
  ...{ transaction: '0xaa', logIndex: 1, height: 1, time: 1_600_000_000 },
  ...fields,
})

test('every topic is the Keccak-256 of the event it is said to be, and every contract is an address', () => {
  for (const events of Object.values(ISSUER_EVENTS))
    for (const { event, topic } of events) expect(topic).toBe(id(event))
  for (const { chain, address } of ISSUER_CONTRACTS) expect(canonicalAddress(chain, address)).toBe(address)
})

describe('a contract’s log', () => {
  // Ethereum main network, block 22,719,557: the receipt's log 631, as published by others who read it from a node.
  const destroyed = log({
    topics: [id('DestroyedBlackFunds(address,uint256)')],
    data: `0x${word(ACCOUNT)}${word((200_000_000_000).toString(16))}`,
    transaction: '0x06abbfaa405699132123d74e1cdf712e42bf88fff00ed83b8a9a0a9f112c6055',
    ...{ logIndex: 0x277, height: 0x15aac45 },
  })

  test('of Tether: funds destroyed, with the account and the units', () => {
    expect(decodeIssuerLog(destroyed)).toMatchObject({
      ...{ kind: 'destroyed', issuer: 'Tether', symbol: 'USDT', chain: 'ethereum', asset: USDT },
      address: canonicalAddress('ethereum', ACCOUNT),
      ...{ amount: 200_000_000_000n, logIndex: 631, height: 22_719_557 },
    })
  })

  test('of Tether on TRON: the account in its own writing', () => {
    const act = decodeIssuerLog(
      log({
        chain: 'tron',
        contract: TRON_USDT,
        topics: [id('AddedBlackList(address)')],
        data: word('a614f803b6fd780986a42c78ec9c7f77e6ded13c'),
      }),
    )
    expect(act).toMatchObject({ kind: 'frozen', address: TRON_USDT, amount: undefined })
  })

  test('of Circle: the account is a topic', () => {
    const topics = [id('UnBlacklisted(address)'), `0x${word(ACCOUNT)}`]
    expect(decodeIssuerLog(log({ contract: USDC, topics }))).toMatchObject({ kind: 'unfrozen', issuer: 'Circle' })
  })

  test('of another contract, another event or another chain says nothing', () => {
    expect(decodeIssuerLog({ ...destroyed, contract: USDC })).toBeUndefined()
    expect(decodeIssuerLog({ ...destroyed, chain: 'polygon' })).toBeUndefined()
    expect(decodeIssuerLog({ ...destroyed, topics: [id('Transfer(address,address,uint256)')] })).toBeUndefined()
    expect(decodeIssuerLog({ ...destroyed, topics: [] })).toBeUndefined()
  })

  test.each([
    ['a word too few', { data: `0x${word(ACCOUNT)}` }],
    ['half a word', { data: `0x${word(ACCOUNT)}${'0'.repeat(32)}` }],
    ['no account', { data: `0x${'f'.repeat(128)}` }],
    ['no digits', { data: `0x${'z'.repeat(128)}` }],
    ['a topic too many', { topics: [destroyed.topics[0], `0x${word(ACCOUNT)}`] }],
  ])('%s is a contradiction of the source', (_, fields) => {
    expect(() => decodeIssuerLog({ ...destroyed, ...fields })).toThrow(/SOURCE_CONTRADICTS/)
  })

  test('any log gives an act, nothing, or a fault', () => {
    const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdefxZ'), maxLength: 200 })
    const topics = fc.array(
      fc.oneof(
        hex,
        fc.constantFrom(
          ...Object.values(ISSUER_EVENTS)
            .flat()
            .map(({ topic }) => topic),
        ),
      ),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(topics, hex, fc.constantFrom(USDT, USDC), (topics, data, contract) => {
        try {
          decodeIssuerLog(log({ topics, data, contract }))
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
        }
      }),
    )
  })
})

describe('the standing of an account', () => {
  const of = { chain: 'ethereum', asset: USDT, address: canonicalAddress('ethereum', ACCOUNT) as string }
  const act = (kind: IssuerAct['kind'], height: number, more: Partial<IssuerAct> = {}): IssuerAct => ({
    ...{ ...of, kind, issuer: 'Tether', symbol: 'USDT', amount: kind === 'destroyed' ? 7n : undefined },
    ...{ transaction: `0x${height}`, logIndex: 0, height, time: height * 10, ...more },
  })
  const acts = [act('frozen', 1), act('destroyed', 2), act('unfrozen', 3), act('frozen', 4), act('destroyed', 5)]

  test('is what the last freeze or unfreeze made it, as of a time', () => {
    expect(standingOf(acts, of)).toMatchObject({ frozen: true, destroyed: 14n, since: { height: 4 } })
    expect(standingOf(acts, of, 35)).toMatchObject({ frozen: false, destroyed: 7n, since: { height: 3 } })
    expect(standingOf(acts, of, 5)).toMatchObject({ frozen: false, destroyed: 0n, since: undefined })
    expect(standingOf(acts, { ...of, asset: USDC }).acts).toEqual([])
  })

  test('does not depend on the order of the acts, nor on how often they are told', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...acts, ...acts], { minLength: 10 }), (mixed) => {
        expect(standingOf(mixed, of)).toEqual(standingOf(acts, of))
      }),
    )
  })
})
