import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress } from '../../../../src/chains/address.ts'
import { findAddresses, findLookAlikes } from '../../../../src/tags/posts/addresses.ts'
import { shippedLexicon } from '../../../../src/tags/posts/lexicon.ts'

const TRON = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'
const OLD = '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'
const P2SH = '3P14159f73E4gFr7JterCCQh9QjiTjiZrG'
const SEGWIT = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
const TAPROOT = 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0'
const LITE = 'LaMT348PWRnrqeeWArpwQPbuanpXDZGEUz'
const CASH = 'bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a'
const EVM = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
const words = shippedLexicon().networks

const read = (text: string) => findAddresses(text, words).found.map(({ chain, address }) => `${chain} ${address}`)

describe('addresses in text', () => {
  test('of every chain whose writing we can prove, wherever they stand', () => {
    const text = `입금주소:${TRON}입니다. old ${OLD}, (${P2SH}) "${SEGWIT}"\n${SEGWIT.toUpperCase()} ${TAPROOT}/${LITE} ${CASH} ${EVM}`
    expect(read(text)).toEqual([
      `tron ${TRON}`,
      `bitcoin ${OLD}`,
      `bitcoin ${P2SH}`,
      `bitcoin ${SEGWIT}`,
      `bitcoin ${SEGWIT}`,
      `bitcoin ${TAPROOT}`,
      `litecoin ${LITE}`,
      `bitcoin-cash ${CASH}`,
      `ethereum ${EVM}`,
    ])
    for (const { at, length, address } of findAddresses(text, words).found) {
      expect(text.slice(at, at + length).toLowerCase()).toBe(address.replace('bitcoincash:', '').toLowerCase())
    }
  })

  test.each([
    [`BCH: ${OLD}`, `bitcoin-cash ${canonicalAddress('bitcoin-cash', OLD)}`, true],
    [`LTC ${P2SH}`, `litecoin ${canonicalAddress('litecoin', P2SH)}`, true],
    [`watch ${OLD}`, `bitcoin ${OLD}`, false],
    [`USDT BEP20 ${EVM}`, `bsc ${EVM}`, true],
    [`폴리곤 네트워크 ${EVM}`, `polygon ${EVM}`, true],
    [`ETH/ERC20: ${EVM} BSC: `, `ethereum ${EVM}`, true],
    [EVM, `ethereum ${EVM}`, false],
  ])('%s lies where its words say', (text, expected, said) => {
    expect(read(text)).toEqual([expected])
    expect(findAddresses(text, words).found[0].chainSaid).toBe(said)
  })

  test('an EVM address in one case has a form and no proof; 64 digits are no address', () => {
    const lower = EVM.toLowerCase()
    expect(findAddresses(`eth ${lower}`).found).toMatchObject([{ address: EVM, proof: 'form' }])
    expect(findAddresses(`eth ${EVM}`).found).toMatchObject([{ address: EVM, proof: 'checksum' }])
    expect(read(`tx 0x${'5aaeb6053f3e94c9b9a09f33669435e7ef1beaed'.padEnd(64, '0')} ${'ab'.repeat(20)}`)).toEqual([])
  })

  const at = (text: string, place: number, put: string, drop = 0) =>
    text.slice(0, place) + put + text.slice(place + drop)

  test.each([
    ['zero width', at(TRON, 9, '\u200b'), 'invisible'],
    ['soft hyphen', at(SEGWIT, 12, '\u00ad'), 'invisible'],
    ['tag characters', at(TRON, 20, '\u{e0041}'), 'invisible'],
    ['right-to-left override', at(TRON, 5, '\u202e'), 'direction'],
    ['isolate', `${at(EVM, 9, '\u2067')}`, 'direction'],
    ['blanks', TRON.replace(/(.{4})/g, '$1 ').trim(), 'split'],
    ['a line end', at(TRON, 17, '\n'), 'split'],
    ['dots', at(at(OLD, 20, '.'), 10, '.'), 'split'],
    ['glued', `pay${TRON}now`, 'embedded'],
  ])('%s inside is found by its checksum, and said', (_, text, defect) => {
    const { found, suspicions } = findAddresses(`send to ${text} thanks`)
    expect(found).toHaveLength(1)
    expect([TRON, SEGWIT, EVM, OLD]).toContain(found[0].address)
    expect(found[0].defects).toContain(defect)
    expect(suspicions).toEqual([])
  })

  test('a mark before or after an address hides nothing in it', () => {
    expect(findAddresses(`\u200e${TRON}\u200b`).found).toMatchObject([{ address: TRON, defects: [] }])
  })

  test.each([
    ['homoglyph', at(TRON, 0, 'Т', 1), TRON],
    ['homoglyph', at(SEGWIT, 0, '\uff42', 1), SEGWIT],
    ['homoglyph', at(OLD, 1, '\u{1d5a0}', 1), OLD],
    ['direction', `\u202e${[...TRON].reverse().join('')}\u202c`, TRON],
    ['damaged', TRON.replace('7', '1'), undefined],
    ['damaged', at(TRON, 24, '0', 1), TRON],
    ['damaged', at(SEGWIT, 10, 'o', 1), undefined],
    ['damaged', EVM.replace('aAeb', 'Aaeb'), undefined],
    ['damaged', at(OLD, 5, OLD[5] + OLD[5], 1), OLD],
    ['letterCase', TRON.toLowerCase(), undefined],
    [
      'split',
      EVM.toLowerCase()
        .replace(/(.{14})/g, '$1 ')
        .trim(),
      undefined,
    ],
  ])('%s is a suspicion, never an address', (kind, text, mightBe) => {
    const { found, suspicions } = findAddresses(`send to ${text} thanks`)
    expect(found).toEqual([])
    expect(suspicions).toMatchObject([{ kind }])
    const named = suspicions[0].mightBe.map(({ address }) => address)
    if (mightBe !== undefined) expect(named).toContain(mightBe)
  })

  test('every misread letter that the scanner’s table knows is offered back, and none is taken', () => {
    for (const [right, wrong] of [
      ['8', 'B'],
      ['Z', '2'],
      ['q', '9'],
      ['S', '5'],
    ]) {
      const place = TRON.indexOf(right, 1)
      const { found, suspicions } = findAddresses(at(TRON, place, wrong, 1))
      expect(found).toEqual([])
      expect(suspicions[0].mightBe).toEqual([{ chain: 'tron', address: TRON, chainSaid: true, alsoOn: [] }])
    }
  })

  test('one letter changed, and it is not found: base58, whatever the letter', () => {
    const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
    fc.assert(
      fc.property(
        fc.constantFrom(TRON, OLD, P2SH, LITE),
        fc.nat(33),
        fc.constantFrom(...base58),
        (address, place, letter) => {
          const changed = at(address, place % address.length, letter, 1)
          fc.pre(changed !== address)
          expect(findAddresses(changed).found).toEqual([])
        },
      ),
    )
  })

  test('any text gives answers whose places hold, and no fault', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        TRON,
        OLD,
        EVM,
        SEGWIT,
        '\u202e',
        '\u200b',
        'Т',
        '\ud800',
        '\u{1d5a0}',
        ' ',
        '\n',
        '0x',
        'bc1',
        ':',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        const { found, suspicions } = findAddresses(text, words)
        for (const { at, length, chain, address } of found) {
          expect(at >= 0 && length > 0 && at + length <= text.length).toBe(true)
          expect(canonicalAddress(chain, address)).toBe(address)
        }
        for (const { at, length, written } of suspicions)
          expect(text.slice(at, at + length).startsWith(written)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    ['one letter', 'T'.repeat(1_000_000)],
    ['damaged addresses', `${TRON.replace('7', '1')} `.repeat(10_000)],
    ['digits', '0x'.repeat(500_000)],
    ['pieces', 'T1a '.repeat(100_000)],
    ['hidden', '\u200bT'.repeat(1_000_000)],
  ])('a long text of %s costs seconds, not hours', (_, text) => {
    const began = performance.now()
    findAddresses(text, words)
    expect(performance.now() - began).toBeLessThan(20_000)
  })
})

describe('look-alikes', () => {
  test('addresses that begin and end alike are named together, others not', () => {
    const real = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
    const made = canonicalAddress('ethereum', `0x5aaeb${'1'.repeat(30)}beaed`) as string
    const groups = findLookAlikes([
      { chain: 'ethereum', address: real },
      { chain: 'bsc', address: made },
      { chain: 'ethereum', address: '0xdAC17F958D2ee523a2206206994597C13D831ec7' },
      { chain: 'tron', address: TRON },
      { chain: 'tron', address: TRON },
    ])
    expect(groups).toEqual([[made, real].sort()])
  })
})
