import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyCoinJoin, maybePayJoin } from '../../../graph/rules/coinjoin.ts'
import { commonInputs } from '../../../graph/rules/common-input.ts'
import { readLedger, readPairs } from '../../validate/fixtures.ts'
import { drawn } from '../drawn.ts'

/** `legs(3, 'a', 100)` is `a0 100, a1 100, a2 100`. */
function legs(count: number, name: string, amount: number | ((at: number) => number)): string {
  return Array.from(
    { length: count },
    (_, at) => `${name}${at} ${typeof amount === 'number' ? amount : amount(at)}`,
  ).join(', ')
}
const protocolOf = (text: string, place = {}) => classifyCoinJoin(drawn('t', text, place))?.protocol

describe('real transactions of telling shapes', () => {
  const labels = readPairs('shapes.labels.csv')
  const labelled = (label: string) => readLedger('shapes.ledger.ndjson').filter(({ id }) => labels.get(id) === label)

  it('are named, or at least never joined: a Whirlpool mix, a JoinMarket round of two', () => {
    // Two equal of four: a Stonewall's shape, which proves no CoinJoin; its payers are kept apart all the same.
    const [round] = labelled('joinmarket')
    expect(classifyCoinJoin(round)).toBeUndefined()
    expect(commonInputs(round, true)).toEqual({ joined: undefined, excluded: 'stonewall' })
    expect(classifyCoinJoin(labelled('whirlpool')[0])).toMatchObject({ protocol: 'whirlpool', confidence: 60 })
  })

  it('are not taken for CoinJoins: a batch payout of 143 outputs, multisig, a script path', () => {
    for (const each of [...labelled('batch_payout'), ...labelled('ordinary')]) {
      expect(classifyCoinJoin(each)).toBeUndefined()
      expect(maybePayJoin(each)).toBe(false)
    }
    expect(labelled('batch_payout')[0].outputs).toHaveLength(143)
  })
})

describe('each rule, on both sides of its limits', () => {
  const others = legs(4, 'i', 1_000_000)
  const outs = legs(5, 'o', 1_000_000)
  it.each([
    ['five of a pool with one entrant', `e 1000100, ${others} -> ${outs}`, 'whirlpool'],
    ['at the most an entrant brings', `e 1110000, ${others} -> ${outs}`, 'whirlpool'],
    ['an entrant with more than that', `e 1110001, ${others} -> ${outs}`, 'generic?'],
    ['nobody brings the fee', `e 1000000, ${others} -> ${outs}`, 'generic?'],
    ['five entrants', `${legs(5, 'i', 1_000_500)} -> ${outs}`, 'generic?'],
    ['no pool’s size', `e 1200100, ${legs(4, 'i', 1_200_000)} -> ${legs(5, 'o', 1_200_000)}`, 'generic?'],
  ])('Whirlpool: %s', (_, text, expected) => {
    expect(protocolOf(text)).toBe(expected === 'whirlpool' ? 'whirlpool' : undefined)
  })

  it('Whirlpool: not before its first block, and surer with lineage', () => {
    const text = `e 1000100, ${others} -> ${outs}`
    expect(protocolOf(text, { height: 569_999 })).toBeUndefined()
    expect(protocolOf(text, { height: 570_000 })).toBe('whirlpool')
    expect(protocolOf(text, { height: 1, chain: 'bitcoin-regtest' })).toBe('whirlpool')
    const mix = drawn('mix', text)
    const tx0 = drawn('tx0', `w 4000000 -> p0 1000500, p1 1000500, c 1900000, f 50000, - 0`)
    expect(classifyCoinJoin(mix, () => tx0)?.confidence).toBe(90)
    expect(classifyCoinJoin(mix, (id) => (id === 'before-mix' ? mix : undefined))?.confidence).toBe(90)
    expect(classifyCoinJoin(mix, () => undefined)?.confidence).toBe(60)
  })

  it.each([
    ['premixes, fee, change, data', 'w 4000000 -> p0 1000500, p1 1000500, c 1900000, f 50000, - 0', true],
    ['no data output', 'w 4000000 -> p0 1000500, p1 1000500, c 1900000, f 50000', false],
    ['a fee three times the pool’s', 'w 4000000 -> p0 1000500, p1 1000500, c 1800000, f 150000, - 0', true],
    ['a fee above that', 'w 4000000 -> p0 1000500, p1 1000500, c 1800000, f 150001, - 0', false],
    ['three outputs more', 'w 9000000 -> p0 1000500, p1 1000500, c 1, d 2, e 3, f 50000, - 0', false],
  ])('Whirlpool Tx0: %s', (_, text, is) => {
    expect(protocolOf(text)).toBe(is ? 'whirlpoolTx0' : undefined)
  })

  it('Wasabi 1.0 and 1.1: about a tenth of a coin, ten inputs, and levels', () => {
    const inputs = legs(12, 'i', 12_000_000)
    const change = legs(9, 'c', (at) => 1_000_001 + at)
    expect(protocolOf(`${inputs} -> ${legs(10, 'o', 10_000_000)}, ${change}`)).toBe('wasabi1.0')
    expect(protocolOf(`${inputs} -> ${legs(8, 'o', 10_000_000)}, d0 20000000, d1 20000000, ${change}`)).toBe(
      'wasabi1.1',
    )
    // Nine equal ones are too few for Dumplings, and one input above a tenth too much for GraphSense; 13 outputs are no half either.
    expect(
      protocolOf(`big 90000000, ${inputs} -> ${legs(9, 'o', 10_000_000)}, ${legs(12, 'c', (at) => 700_001 + at)}`),
    ).toBe(undefined)
    expect(protocolOf(`${inputs} -> ${legs(10, 'o', 10_000_000)}, ${change}`, { height: 530_499 })).not.toBe(
      'wasabi1.0',
    )
  })

  it('Wasabi 2: the protocol’s denominations, and not sums that only look varied', () => {
    const inputs = legs(12, 'i', (at) => 3_000_000 + at)
    const standard = `${legs(5, 'a', 2_097_152)}, ${legs(4, 'b', 1_594_323)}, ${legs(4, 'c', 531_441)}, x 777777`
    expect(protocolOf(`${inputs} -> ${standard}`)).toBe('wasabi2')
    const odd = `${legs(5, 'a', 2_097_153)}, ${legs(4, 'b', 1_594_324)}, ${legs(4, 'c', 531_442)}, x 777777`
    expect(protocolOf(`${inputs} -> ${odd}`)).toBeUndefined()
    const many = legs(24, 'i', (at) => 3_000_000 + at)
    expect(protocolOf(`${many} -> ${odd}`)).toBe('wasabi2')
    expect(protocolOf(`${many} -> ${odd}, y 4999`)).toBeUndefined()
    expect(protocolOf(`${many} -> ${odd}, a0 555555`)).toBeUndefined()
  })

  it('JoinMarket: half the outputs equal, as many payers, some change', () => {
    const inputs = legs(3, 'i', 9_000)
    expect(protocolOf(`${inputs} -> ${legs(3, 'o', 5_000)}, c0 3000, c1 4001`)).toBe('joinMarket')
    expect(protocolOf(`${inputs} -> ${legs(3, 'o', 2_730)}, c0 3000, c1 4001`)).toBeUndefined()
    expect(protocolOf(`i0 9000, i1 9000 -> ${legs(3, 'o', 5_000)}, c0 3000, c1 4001`)).toBeUndefined()
    expect(protocolOf(`${inputs} -> ${legs(3, 'o', 5_000)}`)).toBeUndefined()
  })

  it('generic: exactly half equal, never dust, and no Stonewall', () => {
    const inputs = 'a 90000, b 90000'
    expect(protocolOf(`${inputs} -> x 5000, y 5000, c 9001, d 8002`)).toBeUndefined()
    expect(protocolOf(`${inputs} -> x 5000, y 5000, c 9001`)).toBeUndefined()
    // Three of six, but a script paid twice, which JoinMarket never does.
    expect(protocolOf(`${inputs}, e 90000 -> x 5000, x 5000, y 5000, c 9001, d 8002, f 7003`)).toBe('generic')
    expect(protocolOf(`${inputs}, e 90000 -> x 546, x 546, y 546, c 9001, d 8002, f 7003`)).toBeUndefined()
  })

  it('a newly minted or a two-output transaction is never one', () => {
    expect(protocolOf(` -> ${legs(6, 'o', 1_000_000)}`)).toBeUndefined()
    expect(protocolOf('a 5, b 5 -> c 5, d 5')).toBeUndefined()
  })
})

describe('the PayJoin guard', () => {
  it('asks for two payers, no change to them, and an input the payment did not need', () => {
    const guarded = (text: string) => maybePayJoin(drawn('t', text))
    expect(guarded('a 50, b 10 -> w 45, s 14')).toBe(true)
    expect(guarded('a 50, b 10 -> w 55, s 4')).toBe(false)
    expect(guarded('a 50, b 10 -> w 45, a 14')).toBe(false)
    expect(guarded('a 50, a 10 -> w 45, s 14')).toBe(false)
    expect(guarded('a 50, b 10, c 1 -> w 45, s 14')).toBe(false)
  })
})

it('does not care in which order legs stand', () => {
  const real = readLedger('coinjoins.ledger.ndjson.gz').slice(0, 300)
  fc.assert(
    fc.property(
      fc.constantFrom(...real).chain((each) =>
        fc.record({
          each: fc.constant(each),
          inputs: fc.shuffledSubarray([...each.inputs], { minLength: each.inputs.length }),
          outputs: fc.shuffledSubarray([...each.outputs], { minLength: each.outputs.length }),
        }),
      ),
      ({ each, inputs, outputs }) => {
        expect(classifyCoinJoin({ ...each, inputs, outputs })).toEqual(classifyCoinJoin(each))
      },
    ),
    { numRuns: 60 },
  )
})

it('any transaction gets a verdict or none, and inputs are joined only where there is none', () => {
  const leg = fc.record({
    address: fc.option(fc.constantFrom(...Array.from({ length: 30 }, (_, at) => `x${at}`)), { nil: null }),
    amount: fc.oneof(
      fc.constantFrom(0n, 546n, 5_000n, 1_000_000n, 1_000_500n, 10_000_000n, 2_097_152n),
      fc.bigInt({ min: 0n, max: 2n ** 70n }),
    ),
  })
  fc.assert(
    fc.property(fc.array(leg, { maxLength: 30 }), fc.array(leg, { maxLength: 30 }), (ins, outputs) => {
      const inputs = ins.map((each, output) => ({ transaction: 'p', output, ...each }))
      const each = { ...drawn('t', ' -> a 1'), coinbase: inputs.length === 0, inputs, outputs }
      const verdict = classifyCoinJoin(each)
      const common = commonInputs(each, true)
      if (common?.joined) expect(verdict).toBeUndefined()
      if (verdict) expect(verdict.reasons.length).toBeGreaterThan(0)
      if (verdict && common) expect(common.excluded).toBe(verdict.protocol)
    }),
  )
})
