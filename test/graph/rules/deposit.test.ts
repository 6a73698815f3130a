import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AccountTransaction, Transaction, UtxoTransaction } from '../../../graph/ledger.ts'
import {
  DEPOSIT_PARAMETERS,
  type DepositQuestions,
  findDepositAccounts,
  looksLikeService,
} from '../../../graph/rules/deposit.ts'
import { drawn } from '../drawn.ts'

const HOUR = 3600

/** `at 5h: a > b 10 usdt, fee c 2` as a transaction of an account chain. Hours are numbers; `trx` and `eth` are the coin. */
let drawnCount = 0
function moves(
  hour: number,
  text: string,
  chain = 'tron',
  status: 'success' | 'failed' = 'success',
): AccountTransaction {
  const parts = text.split(',').map((part) => part.trim())
  const fee = parts.find((part) => part.startsWith('fee '))?.split(' ')
  return {
    kind: 'account',
    chain,
    id: `m${drawnCount++}`.padStart(8, '0'),
    height: undefined,
    index: undefined,
    time: hour * HOUR,
    blockHash: undefined,
    status,
    transfers: parts
      .filter((part) => part.includes('>'))
      .map((part, index) => {
        const [from, , to, amount, asset] = part.split(' ')
        return { index, from, to, amount: BigInt(amount), asset: asset === 'usdt' ? 'usdt' : 'native' }
      }),
    fee: fee && { from: fee[1], amount: BigInt(fee[2]) },
  }
}

const TAGGED: Record<string, string> = { hot: 'Big', hot2: 'Big', cold: 'Big', otherHot: 'Other' }
const questions: DepositQuestions = { entityOf: (_, address) => TAGGED[address] }
const find = (...transactions: Transaction[]) => findDepositAccounts(transactions, questions)

/** An account that is paid twice and swept twice, gas and all. */
const swept = () => [
  moves(1, 'p > d 100 usdt'),
  moves(2, 'gas > d 5 trx'),
  moves(3, 'd > hot 100 usdt, fee d 4'),
  moves(30, 'q > d 30 usdt'),
  moves(31, 'p > d 20 usdt'),
  moves(32, 'd > hot2 50 usdt'),
]

describe('deposit accounts on account chains', () => {
  it('are found by their sweeps into one service, with the transactions that show it', () => {
    const { accounts, heldApart, parameters } = find(...swept())
    expect(heldApart).toEqual([])
    expect(parameters).toEqual(DEPOSIT_PARAMETERS)
    const [account, ...none] = accounts
    expect(none).toEqual([])
    expect(account).toMatchObject({ chain: 'tron', address: 'd', entity: 'Big', basis: 'sweep' })
    expect(account.shares).toEqual([{ asset: 'usdt', received: 150n, swept: 150n }])
    expect(account.sweeps.map(({ paidIn, held, left, delay }) => [paidIn.length, held, left, delay])).toEqual([
      [1, 100n, 100n, 2 * HOUR],
      [2, 50n, 50n, HOUR],
    ])
    expect(account.sweeps[1].paidIn[0]).toMatchObject({ place: 0, amount: 30n, counterparty: 'q', time: 30 * HOUR })
    expect(account.sweeps[1].paidOut).toMatchObject({ place: 0, amount: 50n, counterparty: 'hot2' })
    expect(account.reasons).toContain('whether it is a contract was not known')
  })

  const refused: [string, Transaction[], RegExp][] = [
    ['one sweep only', swept().slice(0, 3), /1 full sweeps in time, of 2 needed; 0 came later/],
    ['it also pays others', [...swept(), moves(40, 'd > friend 1 usdt')], /also pays others: 1 of 3/],
    [
      'two services',
      [...swept(), moves(40, 'p > d 9 usdt'), moves(41, 'd > otherHot 9 usdt')],
      /2 services: Big, Other/,
    ],
    [
      'paid by the service itself',
      [...swept(), moves(40, 'hot > d 7 usdt'), moves(41, 'd > hot 7 usdt')],
      /Big pays tokens to it/,
    ],
    ['sent on in parts', [...swept(), moves(40, 'p > d 9000 usdt'), moves(41, 'd > hot 8990 usdt')], /1 left part/],
    [
      'sent on late',
      [...swept().slice(0, 3), moves(40, 'p > d 9 usdt'), moves(64.5, 'd > hot 9 usdt')],
      /1 full sweeps in time, of 2 needed; 1 came later/,
    ],
    [
      'a hundred payers',
      [...swept(), ...Array.from({ length: 98 }, (_, at) => moves(50, `payer${at} > d 1 usdt`))],
      /100 payers/,
    ],
    [
      'more than came in was sent',
      [moves(0.1, 'p > d 9 usdt'), moves(0.2, 'd > hot 10 usdt'), ...swept()],
      /1 left part/,
    ],
  ]
  it.each(refused)('are held apart: %s', (_, transactions, reason) => {
    const { accounts, heldApart } = find(...transactions)
    expect(accounts).toEqual([])
    expect(heldApart).toHaveLength(1)
    expect(heldApart[0].reasons.join('; ')).toMatch(reason)
  })

  it('may be swept late now and then, and long after the first of many payments', () => {
    const late = [moves(40, 'p > d 9 usdt'), moves(100, 'd > hot 9 usdt')]
    expect(find(...swept(), ...late).accounts[0].reasons.join('; ')).toMatch(/1 more came later/)
    const gathered = [moves(40, 'p > d 9 usdt'), moves(90, 'p > d 9 usdt'), moves(100, 'd > hot 18 usdt')]
    expect(find(...swept(), ...gathered).accounts[0].sweeps[2]).toMatchObject({ left: 18n, delay: 10 * HOUR })
  })

  it('carry only what came since the account was last emptied', () => {
    const emptied = [moves(0.1, 'p > d 9 usdt'), moves(0.2, 'd > hot 10 usdt'), ...swept()]
    const lenient = { ...DEPOSIT_PARAMETERS, outgoingPerHundredMin: 60 }
    const [{ sweeps }] = findDepositAccounts(emptied, questions, lenient).accounts
    expect(sweeps.map(({ paidIn }) => paidIn.map(({ amount }) => amount))).toEqual([[100n], [30n, 20n]])
  })

  it('are not contracts, where that is known', () => {
    const asked = { ...questions, isContract: (_: string, address: string) => address === 'd' }
    expect(findDepositAccounts(swept(), asked).heldApart[0].reasons).toEqual(['it is a contract'])
    const cleared = { ...questions, isContract: () => false }
    expect(findDepositAccounts(swept(), cleared).accounts[0].reasons).toContain('it is no contract')
  })

  it('are not what a tag names already, and what pays no service is not spoken of', () => {
    const { accounts, heldApart } = find(
      moves(1, 'p > cold 9 usdt'),
      moves(2, 'cold > hot 9 usdt'),
      moves(3, 'p > cold 9 usdt'),
      moves(4, 'cold > hot 9 usdt'),
      moves(5, 'x > y 9 usdt'),
    )
    expect([accounts, heldApart]).toEqual([[], []])
  })

  it('sweep the coin less its own fee, and may keep what the next gas needs', () => {
    const coin = [
      moves(1, 'p > d 1000000000000000000 eth', 'ethereum'),
      moves(2, 'd > hot 999000000000000000 eth, fee d 1000000000000000', 'ethereum'),
      moves(3, 'p > d 50000000000000000 eth', 'ethereum'),
      moves(4, 'd > hot 45000000000000000 eth, fee d 1000000000000000', 'ethereum'),
    ]
    expect(find(...coin).accounts[0].sweeps.map(({ held, left }) => [held, left])).toEqual([
      [1000000000000000000n, 1000000000000000000n],
      [50000000000000000n, 46000000000000000n],
    ])
    // On a chain without such a limit, the same is a payment of part.
    const elsewhere = coin.map((each) => ({ ...each, chain: 'bsc' }))
    expect(find(...elsewhere).accounts).toEqual([])
  })

  it('are not made by failed transactions, or by transfers of nothing', () => {
    const failed = [moves(40, 'd > friend 1 usdt', 'tron', 'failed'), moves(41, 'd > friend 0 usdt')]
    expect(find(...swept(), ...failed).accounts).toHaveLength(1)
  })

  it('are the same whatever order the transactions come in, and however often', () => {
    const ledger = swept()
    const once = find(...ledger)
    fc.assert(
      fc.property(fc.shuffledSubarray([...ledger, ...ledger], { minLength: 12 }), (shuffled) => {
        expect(find(...shuffled)).toEqual(once)
      }),
      { numRuns: 30 },
    )
  })
})

describe('deposit addresses on UTXO chains', () => {
  // As few as ten, so that a case can be read.
  const findFew = (...transactions: Transaction[]) =>
    findDepositAccounts(transactions, questions, { ...DEPOSIT_PARAMETERS, consolidatedMin: 10 })
  /** Two consolidations of six customers each, with one customer in both. */
  const customers = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => `d${from + at} ${1000 + at}`).join(', ')
  const consolidations: UtxoTransaction[] = [
    drawn('in', 'payer 5000 -> d0 1000, payer2 3900', { time: 0 }),
    drawn('c1', `${customers(0, 6)} -> hot 6000`, { time: HOUR }),
    drawn('c2', `${customers(5, 6)} -> hot2 3000, hot 3000`, { time: 2 * HOUR }),
  ]

  it('are found by consolidation into tagged wallets of one service', () => {
    const linked = { ...consolidations[1], inputs: [...consolidations[1].inputs] }
    linked.inputs[0] = { ...linked.inputs[0], transaction: 'in', output: 0 }
    const { accounts, heldApart } = findFew(consolidations[0], linked, consolidations[2])
    expect(heldApart).toEqual([])
    expect(accounts.map(({ address }) => address).sort()).toEqual(
      Array.from({ length: 11 }, (_, at) => `d${at}`).sort(),
    )
    expect(accounts[0]).toMatchObject({
      address: 'd0',
      entity: 'Big',
      basis: 'consolidation',
      shares: [{ asset: 'native', received: 1000n, swept: 1000n }],
    })
    expect(accounts[0].sweeps[0]).toMatchObject({
      paidIn: [{ transaction: 'in', place: 0, amount: 1000n, time: 0, counterparty: 'payer' }],
      paidOut: { transaction: 'c1', place: 0, amount: 6000n, counterparty: 'hot' },
      delay: HOUR,
    })
  })

  it('are held apart where too few are consolidated, or one is spent elsewhere too', () => {
    expect(findFew(consolidations[1]).heldApart[0].reasons).toEqual([
      '1 consolidations into Big, of 2 needed',
      '6 addresses consolidated together, of 10 needed',
    ])
    const spent = drawn('own', 'd3 50, d4 70 -> friend 110', { time: 3 * HOUR })
    const { accounts, heldApart } = findFew(...consolidations, spent)
    expect(heldApart.map(({ address }) => address)).toEqual(['d3', 'd4'])
    expect(accounts).toHaveLength(9)
  })

  it('are found beside a tagged address, and never in a CoinJoin', () => {
    const beside = drawn('b', 'd1 90, cold 50, d2 20 -> customer 100, hot 59')
    expect(findFew(beside).accounts.map(({ address, basis }) => [address, basis])).toEqual([
      ['d1', 'clusterDefiner'],
      ['d2', 'clusterDefiner'],
    ])
    const pool = 'd1 1000100, cold 1000000, x 1000000, y 1000000, z 1000000'
    const mix = drawn('mix', `${pool} -> ${['o1', 'o2', 'o3', 'o4', 'o5'].map((each) => `${each} 1000000`).join(', ')}`)
    expect(findFew(mix).accounts).toEqual([])
  })

  it('of two services are refused', () => {
    const second = drawn('c3', `${customers(0, 6)} -> otherHot 6000`)
    const { heldApart } = findFew(...consolidations, second)
    expect(heldApart.find(({ address }) => address === 'd0')?.entities).toEqual(['Big', 'Other'])
  })
})

describe('hubs', () => {
  it('are told by the number of counterparties, or by both sides and the clock', () => {
    const many = Array.from({ length: 1000 }, (_, at) => moves(1, `p${at} > h 1 usdt`))
    expect(looksLikeService('h', many)).toMatchObject({ isHub: true, payers: 1000, hours: 1 })
    expect(looksLikeService('h', many.slice(1)).isHub).toBe(false)
    const busy = Array.from({ length: 100 }, (_, at) => moves(at, `p${at} > h 1 usdt, h > q${at} 1 usdt`))
    expect(looksLikeService('h', busy)).toMatchObject({ isHub: true, payers: 100, payees: 100, hours: 24 })
    expect(
      looksLikeService(
        'h',
        busy.map((each) => ({ ...each, time: HOUR })),
      ).isHub,
    ).toBe(false)
  })

  it('count a crowd of inputs as one payer', () => {
    const crowd = Array.from({ length: 2000 }, (_, at) => `i${at} 1`).join(', ')
    expect(looksLikeService('h', [drawn('t', `${crowd} -> h 1999`)])).toMatchObject({ isHub: false, payers: 1 })
    const payout = Array.from({ length: 1000 }, (_, at) => `o${at} 1`).join(', ')
    expect(looksLikeService('h', [drawn('t', `h 1001 -> ${payout}`)])).toMatchObject({ isHub: true, payees: 1000 })
  })
})
