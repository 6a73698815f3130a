import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BrokenInvariant } from '../../graph/check.ts'
import { type ClusterRules, Clusters, clusterAddresses } from '../../graph/clusters.ts'
import type { UtxoTransaction } from '../../graph/ledger.ts'
import { CHANGE_RULE_NAMES } from '../../graph/rules/change.ts'
import { drawn } from './drawn.ts'

const INPUTS_ONLY: ClusterRules = { commonInput: true, change: [] }

/** Everything a set of clusters says, as plain data. */
function told(clusters: Clusters) {
  const list = clusters.list()
  return {
    list,
    evidence: list.map(({ name }) => clusters.evidence(name)),
    explained: list.map(({ members }) => clusters.explain(members[0], members[members.length - 1])),
    excluded: clusters.excluded(),
  }
}

describe('common inputs', () => {
  // a–b in t1 and t4, b–c in t2, d–e in t3: two clusters, and f alone.
  const ledger = [
    drawn('t1', 'b 5, a 5 -> x 9'),
    drawn('t2', 'b 5, c 5 -> x 9'),
    drawn('t3', 'e 5, d 5 -> y 9'),
    drawn('t4', 'a 5, b 6 -> z 10'),
    drawn('t5', 'f 5 -> a 4'),
  ]
  const clusters = clusterAddresses(ledger, INPUTS_ONLY)

  it('join what was spent together, named by the smallest address, and store nobody alone', () => {
    expect(clusters.list()).toEqual([
      { name: 'a', members: ['a', 'b', 'c'] },
      { name: 'd', members: ['d', 'e'] },
    ])
    expect([clusters.clusterOf('c'), clusters.clusterOf('e')]).toEqual(['a', 'd'])
    expect([clusters.clusterOf('f'), clusters.clusterOf('x'), clusters.clusterOf('nobody')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(clusters.members('f')).toEqual(['f'])
  })

  it('say by which transactions two addresses hang together, and which link is weakest', () => {
    expect(clusters.explain('c', 'a')).toEqual({
      cluster: 'a',
      links: [
        { from: 'c', to: 'b', rule: 'commonInput', changeRules: [], confidence: 90, transactions: ['t2'] },
        { from: 'b', to: 'a', rule: 'commonInput', changeRules: [], confidence: 90, transactions: ['t1', 't4'] },
      ],
      weakest: { from: 'c', to: 'b', rule: 'commonInput', changeRules: [], confidence: 90, transactions: ['t2'] },
    })
    expect(clusters.explain('a', 'd')).toBeUndefined()
    expect(clusters.explain('a', 'a')).toBeUndefined()
    expect(clusters.evidence('b')).toMatchObject({
      members: ['a', 'b', 'c'],
      forest: [
        { from: 'a', to: 'b', transactions: ['t1', 't4'] },
        { from: 'b', to: 'c', transactions: ['t2'] },
      ],
      transactions: { commonInput: 3, change: 0 },
    })
  })

  it('show what falls apart without a transaction or the rule', () => {
    expect(clusters.without({ transaction: 't2' })).toEqual([
      {
        cluster: 'a',
        parts: [
          { name: 'a', members: ['a', 'b'] },
          { name: 'c', members: ['c'] },
        ],
      },
    ])
    expect(clusters.without({ transaction: 't1' })).toEqual([])
    expect(clusters.without({ rule: 'commonInput' }).map(({ parts }) => parts.length)).toEqual([3, 2])
    expect(clusters.without({ rule: 'direct' })).toEqual([])
    expect(clusters.list()).toHaveLength(2)
  })

  it('do not join the payers of a CoinJoin, nor what might have two payers, and say which', () => {
    const mix = 'p1 1001000, p2 1000000, p3 1000000, p4 1000000, p5 1000000'
    const mixed = drawn('mix', `${mix} -> q1 1000000, q2 1000000, q3 1000000, q4 1000000, q5 1000000`)
    const payJoin = drawn('pay', 'u 50, v 10 -> w 45, s 14')
    const stonewall = drawn('stone', 'k 9000, l 8000 -> r0 5000, r1 5000, c0 3900, c1 3000')
    const kept = clusterAddresses([mixed, payJoin, stonewall], INPUTS_ONLY)
    expect(kept.list()).toEqual([])
    expect(kept.excluded()).toEqual([
      { transaction: 'mix', reason: 'whirlpool' },
      { transaction: 'pay', reason: 'payJoin' },
      { transaction: 'stone', reason: 'stonewall' },
    ])
    const unguarded = clusterAddresses([mixed, payJoin], { ...INPUTS_ONLY, guard: false })
    expect(unguarded.list()).toEqual([{ name: 'u', members: ['u', 'v'] }])
  })

  it('are of one chain', () => {
    const two = [drawn('t1', 'a 1, b 1 -> c 1'), drawn('t2', 'a 1, d 1 -> c 1', { chain: 'litecoin' })]
    expect(() => clusterAddresses(two, INPUTS_ONLY)).toThrow(BrokenInvariant)
  })
})

describe('change', () => {
  // The shop was known from t0; n is fresh, so it is the payer's change; m is fresh and so is k: nothing is said of t2.
  const ledger = [
    drawn('t0', 'old 9 -> shop 8', { height: 1 }),
    drawn('t1', 'a 10 -> shop 7, n 2', { height: 2 }),
    drawn('t2', 'n 2 -> m 1, k 1', { height: 3 }),
  ]

  it('joins nothing unless a rule is named', () => {
    expect(clusterAddresses(ledger, INPUTS_ONLY).list()).toEqual([])
    const clusters = clusterAddresses(ledger, { commonInput: true, change: ['oneTime'] })
    expect(clusters.list()).toEqual([{ name: 'a', members: ['a', 'n'] }])
    expect(clusters.explain('a', 'n')?.weakest).toEqual({
      from: 'a',
      to: 'n',
      rule: 'change',
      changeRules: ['oneTime'],
      confidence: 50,
      transactions: ['t1'],
    })
  })

  it('goes by chain order: an earlier appearance that arrives later withdraws the conclusion', () => {
    const clusters = new Clusters({ commonInput: true, change: ['oneTime'] })
    clusters.addBlock([ledger[2]])
    clusters.addBlock([ledger[1]])
    expect(clusters.list()).toEqual([])
    clusters.addBlock([ledger[0]])
    expect(clusters.clusterOf('n')).toBe('a')
    clusters.addBlock([drawn('t-1', 'giver 5 -> n 4', { height: 0 })])
    expect(clusters.list()).toEqual([])
  })

  it('struck from a conclusion of two rules, stands if the other concludes the same', () => {
    // 2 is less than the only input and so is 7: optimal alone leaves two.
    const clusters = clusterAddresses(ledger, { commonInput: true, change: ['oneTime', 'optimal'] })
    expect(clusters.without({ rule: 'optimal' })).toEqual([])
    expect(clusters.without({ rule: 'oneTime' })).toEqual([
      {
        cluster: 'a',
        parts: [
          { name: 'a', members: ['a'] },
          { name: 'n', members: ['n'] },
        ],
      },
    ])
  })

  it('prefers the surest way when it explains', () => {
    // a and n: by change directly (50), by common inputs over b (90).
    const more = [drawn('t3', 'a 1, b 1 -> shop 2', { height: 4 }), drawn('t4', 'b 1, n 1 -> shop 2', { height: 5 })]
    const clusters = clusterAddresses([...ledger, ...more], { commonInput: true, change: ['oneTime'] })
    expect(clusters.explain('a', 'n')?.links.map(({ rule, to }) => [rule, to])).toEqual([
      ['commonInput', 'b'],
      ['commonInput', 'n'],
    ])
  })
})

// Ledgers drawn by chance: few addresses, so that they meet often; values that change rules tell apart.
const addresses = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
const legs = (minLength: number, maxLength: number) =>
  fc.array(fc.tuple(fc.constantFrom(...addresses), fc.constantFrom('1_000', '1_001', '2_000_000', '5_003')), {
    minLength,
    maxLength,
  })
const ledgers = fc.array(fc.tuple(legs(1, 3), legs(1, 3)), { minLength: 1, maxLength: 14 }).map((rows) =>
  rows.map(([inputs, outputs], at) =>
    drawn(`t${at}`, `${inputs.map((leg) => leg.join(' '))} -> ${outputs.map((leg) => leg.join(' '))}`, {
      height: Math.floor(at / 3),
      index: at % 3,
    }),
  ),
)
const rules: fc.Arbitrary<ClusterRules> = fc.record({
  commonInput: fc.boolean(),
  change: fc.subarray([...CHANGE_RULE_NAMES], { maxLength: 2 }),
  guard: fc.boolean(),
})

describe('properties', () => {
  it('any blocks in any order, with questions between and transactions twice, give what one pass gives', () => {
    const cuts = fc.array(fc.nat(20), { maxLength: 4 })
    fc.assert(
      fc.property(
        ledgers.chain((ledger) =>
          fc.tuple(fc.constant(ledger), fc.shuffledSubarray(ledger, { minLength: ledger.length }), fc.subarray(ledger)),
        ),
        rules,
        cuts,
        ([ledger, shuffled, again], chosen, at) => {
          const scratch = clusterAddresses(ledger, chosen)
          const incremental = new Clusters(chosen)
          const arriving = [...shuffled, ...again]
          const ends = [...at.filter((end) => end < arriving.length).sort((a, b) => a - b), arriving.length]
          let from = 0
          for (const end of ends) {
            incremental.addBlock(arriving.slice(from, end))
            incremental.list()
            from = end
          }
          expect(told(incremental)).toEqual(told(scratch))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('striking a transaction gives what a ledger without its links gives (common inputs)', () => {
    fc.assert(
      fc.property(ledgers, fc.nat(13), (ledger, at) => {
        const struck = ledger[at % ledger.length]
        const clusters = clusterAddresses(ledger, INPUTS_ONLY)
        const rest = clusterAddresses(
          ledger.filter((each) => each !== struck),
          INPUTS_ONLY,
        )
        const expected = clusters
          .list()
          .map(({ name, members }) => {
            const parts = new Map<string, string[]>()
            for (const member of members) {
              const part = rest.clusterOf(member) ?? member
              parts.set(part, [...(parts.get(part) ?? []), member])
            }
            return { cluster: name, parts: [...parts].map(([part, own]) => ({ name: part, members: own })) }
          })
          .filter(({ parts }) => parts.length > 1)
        expect(clusters.without({ transaction: struck.id })).toEqual(expected)
      }),
    )
  })

  it('every explanation is a chain of transactions that do what it says', () => {
    fc.assert(
      fc.property(ledgers, rules, (ledger, chosen) => {
        const clusters = clusterAddresses(ledger, chosen)
        const byId = new Map<string, UtxoTransaction>(ledger.map((each) => [each.id, each]))
        for (const { members } of clusters.list()) {
          const last = members[members.length - 1]
          const explanation = clusters.explain(members[0], last)!
          expect(explanation.links[0].from).toBe(members[0])
          expect(explanation.links[explanation.links.length - 1].to).toBe(last)
          explanation.links.forEach((link, at) => {
            if (at > 0) expect(link.from).toBe(explanation.links[at - 1].to)
            expect(link.transactions.length).toBeGreaterThan(0)
            for (const id of link.transactions) {
              const { inputs, outputs } = byId.get(id)!
              const paid = new Set(inputs.map(({ address }) => address))
              const received = new Set(outputs.map(({ address }) => address))
              const ends = [link.from, link.to]
              if (link.rule === 'commonInput') expect(ends.every((end) => paid.has(end))).toBe(true)
              else expect(ends.some((end) => paid.has(end)) && ends.some((end) => received.has(end))).toBe(true)
            }
          })
        }
      }),
    )
  })
})
