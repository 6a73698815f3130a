import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { UtxoTransaction } from '../../../graph/ledger.ts'
import { findPeelChains, peelOf } from '../../../graph/rules/peel-chain.ts'
import { drawn } from '../drawn.ts'

/** A peel chain of so many hops, each taking ten from what is left and going on by output 1. */
function chainOf(hops: number): UtxoTransaction[] {
  const chain: UtxoTransaction[] = []
  for (let hop = 0; hop < hops; hop++) {
    const holds = 1_000_000_000 - hop * 10
    const each = drawn(`t${hop}`, `a${hop} ${holds} -> shop${hop} 10, a${hop + 1} ${holds - 10}`)
    const inputs = each.inputs.map((input) => (hop === 0 ? input : { ...input, transaction: `t${hop - 1}`, output: 1 }))
    chain.push({ ...each, inputs })
  }
  return chain
}

describe('peel chains', () => {
  it('are runs of three or more that spend the larger output, whatever order they come in', () => {
    expect(findPeelChains(chainOf(2))).toEqual([])
    fc.assert(
      fc.property(fc.shuffledSubarray(chainOf(5), { minLength: 5 }), (shuffled) => {
        const [{ peels }, ...none] = findPeelChains(shuffled)
        expect(none).toEqual([])
        expect(peels.map(({ transaction }) => transaction)).toEqual(['t0', 't1', 't2', 't3', 't4'])
        expect(peels[1].peeled).toEqual({ output: 0, address: 'shop1', amount: 10n })
      }),
    )
  })

  it('do not go on by the peeled output', () => {
    const [first, second, ...rest] = chainOf(5)
    const strayed = { ...second, inputs: [{ ...second.inputs[0], output: 0 }] }
    const [{ peels }] = findPeelChains([first, strayed, ...rest])
    expect(peels.map(({ transaction }) => transaction)).toEqual(['t1', 't2', 't3', 't4'])
  })

  it('of ten thousand hops are one chain', () => {
    expect(findPeelChains(chainOf(10_000))[0].peels).toHaveLength(10_000)
  })

  it('take a peel of at most 30 %, from at most two inputs, to two outputs of value', () => {
    expect(peelOf(drawn('t', 'a 100 -> b 30, c 70'))?.kept.output).toBe(1)
    expect(peelOf(drawn('t', 'a 100 -> b 31, c 69'))).toBeUndefined()
    expect(peelOf(drawn('t', 'a 100 -> b 5, c 90, - 0'))?.peeled.output).toBe(0)
    expect(peelOf(drawn('t', 'a 50, b 30, c 20 -> d 10, e 90'))).toBeUndefined()
    expect(peelOf(drawn('t', 'a 100 -> b 10, c 20, d 70'))).toBeUndefined()
  })

  it('end where the kept output’s script type changes', () => {
    const [first, second, third] = chainOf(3)
    const odd = {
      ...second,
      inputs: [{ ...second.inputs[0], address: '1BoatSLRHtKNngkdXEeobR76b53LETtpyT' }],
      outputs: [second.outputs[0], { ...second.outputs[1], address: '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy' }],
    }
    expect(findPeelChains([first, odd, third])).toEqual([])
  })
})
