import { address as bitcoinJsAddress, networks } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CHAIN_PARAMS, checkBitcoinAddress, scriptToAddress } from '../../../../src/chains/bitcoin/index.ts'

const script = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const keyHash = (hash: Uint8Array): Buffer => Buffer.concat([script('76a914'), hash, script('88ac')])
const scriptHash = (hash: Uint8Array): Buffer => Buffer.concat([script('a914'), hash, script('87')])

describe('scriptToAddress', () => {
  // Published vectors: BIP-173, BIP-350, the cashaddr specification, the genesis block, chain parameters of each node.
  const generator = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
  test.each([
    ['bitcoin', `0014751e76e8199196d454941c45d1b3a323f1433bd6`, 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
    ['bitcoin-testnet', `0014751e76e8199196d454941c45d1b3a323f1433bd6`, 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'],
    [
      'bitcoin-signet',
      '00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262',
      'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7',
    ],
    [
      'bitcoin',
      `5128 751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6`,
      'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y',
    ],
    ['bitcoin', '6002751e', 'bc1sw50qgdz25j'],
    ['bitcoin', '5210751e76e8199196d454941c45d1b3a323', 'bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs'],
    [
      'bitcoin',
      '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
    ],
    // The genesis block's output: a bare key, so the address of its hash.
    [
      'bitcoin',
      '4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac',
      '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
    ],
    ['bitcoin', `21${generator}ac`, '1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH'],
    [
      'bitcoin-cash',
      '76a914 f5bf48b397dae70be82b3cca4793f8eb2b6cdac9 88ac',
      'bitcoincash:qr6m7j9njldwwzlg9v7v53unlr4jkmx6eylep8ekg2',
    ],
    [
      'bitcoin-cash-testnet',
      'a914 f5bf48b397dae70be82b3cca4793f8eb2b6cdac9 87',
      'bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t',
    ],
    // Nobody's, or not one holder's.
    ['bitcoin', '6a0b68656c6c6f20776f726c64', null],
    ['bitcoin', `5121${generator}21${generator}52ae`, null],
    ['bitcoin', '', null],
    ['bitcoin', '76a914751e76e8199196d454941c45d1b3a323f1433bd688', null],
    ['bitcoin', `2105${generator.slice(2)}ac`, null],
    ['bitcoin', '0013751e76e8199196d454941c45d1b3a323f1433b', null],
    ['bitcoin', '5101ff', null],
    ['dogecoin', `0014751e76e8199196d454941c45d1b3a323f1433bd6`, null],
    ['bitcoin-cash', `0014751e76e8199196d454941c45d1b3a323f1433bd6`, null],
  ])('%s %s: %s', (chain, hex, wanted) => {
    expect(scriptToAddress(script(hex), chain)).toBe(wanted)
  })

  test('steps over a CashTokens prefix, and over a malformed one to nothing', () => {
    const inner = keyHash(Buffer.alloc(20, 7))
    const category = Buffer.alloc(32, 1)
    const plain = scriptToAddress(inner, 'bitcoin-cash')
    const tokens = [
      script('10 05'), // an amount
      script('10 fdff00'), // a longer amount
      script('20'), // a non-fungible token
      script('62 03aabbcc'), // with a commitment
      script('72 01aa fe00000100'), // with both
    ]
    for (const token of tokens) {
      expect(scriptToAddress(Buffer.concat([script('ef'), category, token, inner]), 'bitcoin-cash')).toBe(plain)
      expect(scriptToAddress(Buffer.concat([script('ef'), category, token, inner]), 'bitcoin')).toBeNull()
    }
    for (const token of ['00', '80', '60 00', '60 ff', 'ef']) {
      const bytes = Buffer.concat([script('ef'), category, script(token), inner])
      expect(scriptToAddress(bytes, 'bitcoin-cash')).toBeNull()
      for (let length = 0; length < bytes.length; length++) {
        expect(scriptToAddress(bytes.subarray(0, length), 'bitcoin-cash')).toBeNull()
      }
    }
  })

  test('writes base58 as bitcoinjs-lib does, leading zeros and all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.nat(20), (hash, zeros) => {
        hash.fill(0, 0, zeros)
        expect(scriptToAddress(keyHash(hash), 'bitcoin')).toBe(bitcoinJsAddress.toBase58Check(hash, 0))
        expect(scriptToAddress(scriptHash(hash), 'bitcoin-testnet')).toBe(bitcoinJsAddress.toBase58Check(hash, 0xc4))
        expect(scriptToAddress(keyHash(hash), 'dogecoin')).toBe(bitcoinJsAddress.toBase58Check(hash, 0x1e))
      }),
    )
  })

  test('any script has an address or none, and the address is canonical', () => {
    const chains = Object.keys(CHAIN_PARAMS)
    const anyScript = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ minLength: 20, maxLength: 20 }).map(keyHash),
      fc.uint8Array({ minLength: 20, maxLength: 20 }).map(scriptHash),
      fc
        .tuple(fc.integer({ min: 0, max: 16 }), fc.uint8Array({ minLength: 2, maxLength: 40 }))
        .map(([version, program]) =>
          Buffer.concat([Buffer.of(version === 0 ? 0 : 80 + version, program.length), program]),
        ),
    )
    fc.assert(
      fc.property(anyScript, fc.constantFrom(...chains), (bytes, chain) => {
        const address = scriptToAddress(bytes, chain)
        if (address !== null) expect(checkBitcoinAddress(chain, address)).toBe(address)
      }),
    )
  })

  test('agrees with bitcoinjs-lib on witness programs', () => {
    fc.assert(
      fc.property(fc.constantFrom(20, 32), fc.infiniteStream(fc.nat(255)), (length, bytes) => {
        const program = Uint8Array.from({ length }, () => bytes.next().value)
        expect(scriptToAddress(Buffer.concat([Buffer.of(0, length), program]), 'bitcoin')).toBe(
          bitcoinJsAddress.toBech32(program, 0, networks.bitcoin.bech32),
        )
      }),
    )
  })
})

describe('checkBitcoinAddress', () => {
  test.each([
    ['bitcoin', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'],
    ['bitcoin', 'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
    ['bitcoin-cash', '1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu', 'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a'],
    [
      'bitcoin-cash',
      'qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
      'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
    ],
    [
      'bitcoin-cash',
      'BITCOINCASH:QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A',
      'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a',
    ],
    ['bitcoin-cash', '3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC', 'bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq'],
  ])('%s %s', (chain, text, wanted) => {
    expect(checkBitcoinAddress(chain, text)).toBe(wanted)
  })

  test('writes Litecoin script addresses as M, also where they came as 3', () => {
    const hash = Buffer.alloc(20, 9)
    const canonical = scriptToAddress(scriptHash(hash), 'litecoin')
    expect(canonical).toMatch(/^M/)
    expect(checkBitcoinAddress('litecoin', bitcoinJsAddress.toBase58Check(hash, 0x05))).toBe(canonical)
    expect(checkBitcoinAddress('litecoin', bitcoinJsAddress.toBase58Check(hash, 0x32))).toBe(canonical)
  })

  test.each([
    ['bitcoin', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb', 'last letter'],
    ['bitcoin', '1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf0a', 'a letter that base58 has not'],
    ['bitcoin', '11A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'one more leading zero'],
    ['bitcoin', 'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', 'a test network'],
    ['bitcoin-testnet', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'the main network'],
    ['bitcoin', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'a test network'],
    ['bitcoin', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5', 'last letter'],
    ['bitcoin', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8F3t4', 'mixed case'],
    [
      'bitcoin',
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd',
      'bech32 where bech32m is due (BIP-350)',
    ],
    ['bitcoin', 'bc1qr508d6qejxtdg4y5r3zarvaryvaxxpcs', 'program of a wrong length'],
    ['bitcoin', 'bc1gmk9yu', 'empty program (BIP-173)'],
    ['bitcoin', ' 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'a space'],
    ['bitcoin', '', 'nothing'],
    ['bitcoin', '1'.repeat(100_000), 'very long'],
    ['bitcoin-cash', 'bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t', 'a test network'],
    ['bitcoin-cash', 'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6q', 'last letter'],
    ['bitcoin-cash', 'bitcoincash:Qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a', 'mixed case'],
    ['litecoin', 'ltcmweb1qqf0lw4xc5r9q2pvgdvtl4d9sdzvcykxt2l9mrcqgrp5wz4wvjuhhcqprn', 'an extension address'],
    ['dogecoin', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'another chain'],
  ])('refuses %s %s: %s', (chain, text) => {
    expect(checkBitcoinAddress(chain, text)).toBeUndefined()
  })

  test('refuses every address with one letter changed', () => {
    for (const [chain, text] of [
      ['bitcoin', '17hg8KrPT1gRZ3LZLjL7sEfkC4N5VinXC4'],
      ['bitcoin', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
      ['bitcoin-cash', 'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a'],
    ]) {
      for (let at = 0; at < text.length; at++) {
        const other = text[at] === 'q' ? 'p' : 'q'
        expect(checkBitcoinAddress(chain, text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined()
      }
    }
  })

  test('any text is an address or undefined', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 120 }), fc.constantFrom(...Object.keys(CHAIN_PARAMS)), (text, chain) => {
        const address = checkBitcoinAddress(chain, text)
        if (address !== undefined) expect(checkBitcoinAddress(chain, address)).toBe(address)
      }),
    )
  })
})
