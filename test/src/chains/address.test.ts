import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress, chainsOfAddress, explainAddress, isEvmChain } from '../../../src/chains/address.ts'

const TRON = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'
const written: readonly (readonly [chain: string, text: string, canonical?: string])[] = [
  ['tron', TRON],
  ['bitcoin', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'],
  ['bitcoin', '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy'],
  ['bitcoin', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
  ['bitcoin', 'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
  ['bitcoin', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0'],
  ['bip122:000000000019d6689c085ae165831e93', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'],
  ['bitcoin-testnet', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'],
  ['bitcoin-testnet4', 'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn'],
  ['litecoin', 'LaizKtS5DUhPuP1nTQcc83MS7HwK6vk85z'],
  // The same script hash in Litecoin's old writing and in its own.
  ['litecoin', '3CDJNfdWX8m2NwuGUV3nhXHXEeLygMXoAj', 'MJRSgZ3UUFcTBTBAaN38XAXvZLwRe8WVw7'],
  ['dogecoin', 'DFCT8ZPq6MytZU3HSvbTJevxt4MLq2Xasu'],
  ['bitcoin-cash', '1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu', 'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a'],
  ['bitcoin-cash', '3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC', 'bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq'],
  [
    'bitcoin-cash',
    'qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
    'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
  ],
  ['ethereum', '0x52908400098527886E0F7030069857D2E4169EE7'],
  ['ethereum', '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
  ['eip155:1', '0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
  ['monero', '44dZUJ7w1T3fKAvFW8XyXUVoAGSbFvXef2wcbnsjNKGWYorpLJBjth5VKSFhLGkpYKJb2J341tdZHBnbpv72WL7e8zuxfR2'],
]
const valid = written.map(([chain, text, canonical]) => [chain, text, canonical ?? text] as const)
const invalid: readonly (readonly [chain: string, text: string, says: RegExp])[] = [
  ['tron', TRON.toLowerCase(), /lower-cased base58/],
  ['bitcoin', TRON, /is a TRON address, not a bitcoin one/],
  ['bitcoin', '12qtd5bfwrsdnsazy76uve1xycgntojh9h', /lower-cased base58/],
  ['bitcoin', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb', /checksum/],
  ['bitcoin', 'LaizKtS5DUhPuP1nTQcc83MS7HwK6vk85z', /litecoin address, not a bitcoin/],
  ['bitcoin', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', /network is wrong/],
  ['bitcoin', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4', /checksum/],
  // BIP-350: version 1 under the checksum of version 0, and version 0 with a length it does not have.
  ['bitcoin', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd', /checksum/],
  ['bitcoin', 'BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P', /checksum/],
  ['ethereum', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD', /EIP-55/],
  ['ethereum', '0x4736dCf1b7A3d580672CcE6E7c65cd5cc9cFBa9D ', /white space around/],
  ['ethereum', '0x1234', /40 hexadecimal digits/],
  ['ethereum', 'XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS', /40 hexadecimal digits/],
  ['bitcoin-cash', 'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6b', /checksum/],
  ['monero', 'one two', /white space/],
  ['monero', 'ab\u202ecd', /invisible/],
  ['monero', 'x'.repeat(129), /longer than 128/],
  ['monero', '', /empty/],
]

describe('canonicalAddress', () => {
  test.each(valid)('%s takes %s', (chain, text, canonical) => {
    expect(canonicalAddress(chain, text)).toBe(canonical)
  })

  test.each(valid)('%s: the canonical writing of %s is canonical', (chain, text) => {
    const canonical = canonicalAddress(chain, text) as string
    expect(canonicalAddress(chain, canonical)).toBe(canonical)
  })

  test.each(invalid)('%s refuses %j and says why', (chain, text, says) => {
    expect(canonicalAddress(chain, text)).toBeUndefined()
    expect(explainAddress(chain, text)).toMatch(says)
  })

  test('one wrong character is never taken where there is a checksum', () => {
    const proved = valid.filter(([chain, text]) => chain !== 'monero' && text !== text.toLowerCase())
    const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
    fc.assert(
      fc.property(fc.constantFrom(...proved), fc.nat(60), fc.constantFrom(...letters), ([chain, text], at, letter) => {
        const i = at % text.length
        const other = text.slice(0, i) + letter + text.slice(i + 1)
        if (other === text || isEvmChain(chain) || other.toLowerCase() === text.toLowerCase()) return
        expect(canonicalAddress(chain, other)).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  test('a CashAddr whose padding is not zero is no address, though its checksum holds', () => {
    const letters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
    const generators = [0x98f2bc8e61n, 0x79b76d99e2n, 0xf33e5fb3c4n, 0xae2eabe2a8n, 0x1e4f43e470n]
    const withChecksum = (groups: readonly number[]): string => {
      const prefix = [...'bitcoincash'].map((letter) => letter.charCodeAt(0) & 31)
      let state = 1n
      for (const group of [...prefix, 0, ...groups, 0, 0, 0, 0, 0, 0, 0, 0]) {
        const top = state >> 35n
        state = ((state & 0x07ffffffffn) << 5n) ^ BigInt(group)
        generators.forEach((generator, bit) => {
          if ((top >> BigInt(bit)) & 1n) state ^= generator
        })
      }
      const checksum = [35n, 30n, 25n, 20n, 15n, 10n, 5n, 0n].map((shift) => Number(((state ^ 1n) >> shift) & 31n))
      return [...groups, ...checksum].map((group) => letters[group]).join('')
    }
    const groups = [...'qpm2qsznhks23z7629mms6s4cwef74vcwv'].map((letter) => letters.indexOf(letter))
    expect(withChecksum(groups)).toBe('qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a')
    for (const bits of [1, 2, 3]) {
      const padded = [...groups.slice(0, -1), groups[33] | bits]
      expect(canonicalAddress('bitcoin-cash', withChecksum(padded))).toBeUndefined()
    }
  })

  test('any text is an address or a sentence, never a crash', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          'tron',
          'bitcoin',
          'bitcoin-cash',
          'litecoin',
          'ethereum',
          'eip155:137',
          'solana',
          'constructor',
        ),
        fc.oneof(
          fc.string({ maxLength: 140 }),
          fc.string({ unit: fc.constantFrom(...'1bcTt0xq:\u0000\u200e\ud800é한'), maxLength: 60 }),
        ),
        (chain, text) => {
          const canonical = canonicalAddress(chain, text)
          if (canonical === undefined) expect(explainAddress(chain, text).length).toBeGreaterThan(10)
          else expect(canonicalAddress(chain, canonical)).toBe(canonical)
        },
      ),
    )
  })

  test('an address says which chains could be meant', () => {
    expect(chainsOfAddress(TRON)).toEqual(['tron'])
    expect(chainsOfAddress('1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa')).toEqual(['bitcoin', 'bitcoin-cash'])
    expect(chainsOfAddress('nothing')).toEqual([])
  })
})
