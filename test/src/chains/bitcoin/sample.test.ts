import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { makeLedger } from '../../../../samples/hydra-block-627714/make.ts'
import { checkBitcoinAddress } from '../../../../src/chains/bitcoin/index.ts'
import { fixture } from './fixtures.ts'

const sample = (name: string): Buffer =>
  readFileSync(new URL(`../../../../samples/hydra-block-627714/${name}`, import.meta.url))

test('the sample’s ledger is what its raw block gives, byte for byte', () => {
  expect(Buffer.compare(makeLedger(fixture('block627714.raw.gz')), sample('ledger.ndjson.gz'))).toBe(0)
})

test('the sample’s tags name addresses as the chain writes them', () => {
  for (const line of sample('tags.csv').toString('utf8').trim().split('\n').slice(1)) {
    const [chain, address] = line.split(',')
    expect(checkBitcoinAddress(chain, address)).toBe(address)
  }
})
