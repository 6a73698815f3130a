import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** A file of test/fixtures/bitcoin, unpacked where it is kept as gzip. */
export function fixture(name: string): Buffer {
  const bytes = readFileSync(new URL(`../../../fixtures/bitcoin/${name}`, import.meta.url))
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes
}

/** The real blocks of the fixtures, with undo data where there is some. */
export const BLOCKS = [
  { file: 'block187500.raw', chain: 'bitcoin', height: undefined, transactions: 54, undo: undefined },
  { file: 'block300025.raw', chain: 'bitcoin', height: 300025, transactions: 461, undo: 'block300025-undo.raw' },
  { file: 'block482683.raw', chain: 'bitcoin', height: 482683, transactions: 12, undo: undefined },
  { file: 'block627714.raw.gz', chain: 'bitcoin', height: 627714, transactions: 2727, undo: undefined },
  {
    file: 'testnet3-block928828.raw',
    chain: 'bitcoin-testnet',
    height: 928828,
    transactions: 201,
    undo: 'testnet3-block928828-undo.raw',
  },
  {
    file: 'testnet3-block1087400.raw',
    chain: 'bitcoin-testnet',
    height: 1087400,
    transactions: 97,
    undo: 'testnet3-block1087400-undo.raw',
  },
] as const
