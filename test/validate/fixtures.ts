import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { parseUnits } from '../../graph/amount.ts'
import { invariant } from '../../graph/check.ts'
import type { UtxoTransaction } from '../../graph/ledger.ts'

/** Where the labelled transactions lie, from the package's root (the built code runs from another folder than the sources). */
const FOLDER = 'test/fixtures/clusters/'

function read(name: string): string {
  const bytes = readFileSync(`${FOLDER}${name}`)
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}

function unitsOf(text: unknown): bigint {
  const units = parseUnits(text)
  invariant(units !== undefined, `a fixture has the amount ${String(text)}`)
  return units
}

interface DumpLeg {
  transaction: string
  output: number
  address: string | null
  amount: string
}

/** The UTXO transactions of a fixture in the dump format. Our own files: a mistake in one is a broken invariant. */
export function readLedger(name: string): UtxoTransaction[] {
  return read(name)
    .trim()
    .split('\n')
    .map((line) => {
      const row = JSON.parse(line)
      return {
        kind: 'utxo',
        chain: row.chain,
        id: row.id,
        height: row.height,
        index: row.index,
        time: Date.parse(row.time) / 1000,
        blockHash: row.blockHash,
        coinbase: row.coinbase === true,
        inputs: row.inputs.map(({ transaction, output, address, amount }: DumpLeg) => ({
          transaction,
          output,
          address,
          amount: unitsOf(amount),
        })),
        outputs: row.outputs.map(({ address, amount }: DumpLeg) => ({ address, amount: unitsOf(amount) })),
      }
    })
}

/** A two-column CSV as a map from its first column to its second. */
export function readPairs(name: string): Map<string, string> {
  const [, ...rows] = read(name).trim().split('\n')
  return new Map(rows.map((row) => row.split(',') as [string, string]))
}
