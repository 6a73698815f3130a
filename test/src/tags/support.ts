import fc from 'fast-check'
import type { Tag } from '../../../src/tags/tag.ts'

/** A tag with what a test does not care about left out. */
export function tag(fields: Partial<Tag> & Pick<Tag, 'chain' | 'address'>): Tag {
  return {
    label: 'label',
    category: 'exchange',
    entity: undefined,
    source: 'source',
    confidence: undefined,
    validFrom: undefined,
    validTo: undefined,
    evidence: undefined,
    ...fields,
  }
}

const text = fc.string({
  unit: fc.constantFrom(...'ab ,"\'=+-@:#\t\r\n한é\u{1f600}\u2028'),
  minLength: 1,
  maxLength: 12,
})
const maybe = fc.option(text, { nil: undefined })

/** Tags about a few addresses, with text that is hard to write. */
export const tagArbitrary: fc.Arbitrary<Tag> = fc
  .record({
    place: fc.constantFrom(
      { chain: 'tron', address: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t' },
      { chain: 'bitcoin', address: '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa' },
      { chain: 'ethereum', address: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' },
      { chain: 'monero', address: '@not=checked' },
      { chain: 'eip155:8453', address: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' },
    ),
    label: text,
    category: fc.constantFrom('exchange', 'mixing_service', 'burn', 'defi_bridge', 'user', 'drug_sale/telegram_vendor'),
    entity: maybe,
    source: text,
    confidence: fc.option(fc.constantFrom('ownership', 'B2', 'unknown'), { nil: undefined }),
    validFrom: fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined }),
    validTo: fc.option(fc.integer({ min: 1_000_001, max: 2_000_000_000 }), { nil: undefined }),
    evidence: maybe,
  })
  .map(({ place, ...rest }) => ({ ...place, ...rest }))
