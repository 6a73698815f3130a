import { describe, expect, it } from 'vitest'
import { type AddressHistory, type ChangeRuleName, changeOutput, isChangeRule } from '../../../graph/rules/change.ts'
import { scriptTypeOf } from '../../../graph/rules/script-type.ts'
import { drawn } from '../drawn.ts'

/** Known addresses are those named `old…`; those named `twice…` are used again; `our…` were spent together with `a`. */
const history: AddressHistory = {
  seenBefore: (address) => address.startsWith('old'),
  reused: (address) => address.startsWith('twice'),
  spentTogether: (_, other) => other.startsWith('our'),
}
const change = (text: string, ...rules: ChangeRuleName[]) => changeOutput(drawn('t', text), rules, history)

describe('change rules', () => {
  it('one-time: the one fresh address among known ones, and no payment to oneself', () => {
    expect(change('a 10 -> old 7, new 2', 'oneTime')).toBe(1)
    expect(change('a 10 -> old 7, new 2, fresh 1', 'oneTime')).toBeUndefined()
    expect(change('a 10 -> old 7, new 2, a 1', 'oneTime')).toBeUndefined()
    expect(change('a 10 -> old 7, new 2, - 1', 'oneTime')).toBeUndefined()
    expect(change('a 10 -> old 7, new 2, - 0', 'oneTime')).toBe(1)
    expect(change(' -> old 7, new 2', 'oneTime')).toBeUndefined()
  })

  it('a sweep has no change', () => {
    expect(change('a 10 -> new 9', 'oneTime')).toBeUndefined()
    expect(change('a 10 -> new 9, - 0', 'optimal', 'oneTime')).toBeUndefined()
  })

  it('GraphSense’s one-time: type, roundness, size, single use', () => {
    const a = '1BoatSLRHtKNngkdXEeobR76b53LETtpyT'
    const b = '1dice8EMZmqKvrGE4Qc9bUFf9PX3xaYDp'
    const script = '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy'
    const rule = 'graphsenseOneTime'
    expect(change(`${a} 9999 -> ${script} 7000, ${b} 1999`, rule)).toBe(1)
    expect(change(`${a} 9999 -> ${script} 7001, ${b} 1000`, rule)).toBeUndefined()
    expect(change(`${a} 1999 -> ${script} 1, ${b} 1999`, rule)).toBeUndefined()
    expect(change(`${script} 9999 -> ${a} 7000, ${b} 1999`, rule)).toBeUndefined()
    expect(change(`${a} 9999, ${script} 9999 -> ${script} 7000, ${b} 1999`, rule)).toBeUndefined()
    const reused = { ...history, reused: (address: string) => address === b }
    expect(changeOutput(drawn('t', `${a} 9999 -> ${script} 7000, ${b} 1999`), [rule], reused)).toBeUndefined()
  })

  it('direct, multi-input, optimal, power of ten', () => {
    expect(change('a 10 -> x 7, a 2', 'direct')).toBe(1)
    expect(change('a 10 -> x 7, our 2', 'multiInput')).toBe(1)
    expect(change('a 10, b 5 -> x 11, y 4', 'optimal')).toBe(1)
    expect(change('a 10, b 5 -> x 4, y 4', 'optimal')).toBeUndefined()
    expect(change('a 10000000 -> x 3000000, y 6999000', 'powerOfTen')).toBe(1)
    expect(change('a 10000000 -> x 3000001, y 6999000', 'powerOfTen')).toBeUndefined()
  })

  it('combine by intersection: one left is a conclusion, none or two are not', () => {
    expect(change('a 10, b 5 -> x 4, old 4, z 6', 'optimal', 'oneTime')).toBe(0)
    expect(change('a 10, b 5 -> old 4, z 10', 'optimal', 'oneTime')).toBeUndefined()
    expect(change('a 10 -> old 7, new 2')).toBeUndefined()
  })

  it('are known by name only', () => {
    expect([isChangeRule('oneTime'), isChangeRule('toString'), isChangeRule('')]).toEqual([true, false, false])
  })
})

describe('script types from addresses', () => {
  it.each([
    ['bitcoin', '1BoatSLRHtKNngkdXEeobR76b53LETtpyT', 'p2pkh'],
    ['bitcoin', '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy', 'p2sh'],
    ['bitcoin', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'p2wpkh'],
    ['bitcoin', 'bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3', 'p2wsh'],
    ['bitcoin', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0', 'p2tr'],
    ['bitcoin-testnet', 'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', 'p2pkh'],
    ['bitcoin-regtest', 'bcrt1qfflqg4thqay7hye3mtdnsdueyrafjsfx2v7kq8', 'p2wpkh'],
    ['litecoin', 'MQMcJhpWHYVeQArcZR3sBgyPZxxRtnH441', 'p2sh'],
    ['litecoin', 'LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1', 'p2pkh'],
    ['dogecoin', 'DBXu2kgc3xtvCUWFcxFE3r9hEYgmuaaCyD', 'p2pkh'],
    ['bitcoin-cash', 'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a', 'p2pkh'],
    ['bitcoin', null, undefined],
    ['ethereum', '0x00000000219ab540356cBB839Cbe05303d7705Fa', undefined],
  ])('%s %s', (chain, address, type) => {
    expect(scriptTypeOf(chain, address)).toBe(type)
  })
})
