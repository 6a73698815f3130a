import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync, strToU8 } from 'fflate'
import { decodeBlock, toTransactions } from '../../src/chains/bitcoin/index.ts'

/** The ledger of this sample, `ledger.ndjson.gz`, from the raw block (test/fixtures/bitcoin/block627714.raw.gz, unpacked). The same bytes every time. */
export function makeLedger(raw: Uint8Array): Uint8Array {
  const block = decodeBlock(raw, { chain: 'bitcoin' })
  const { transactions } = toTransactions(block, undefined, { missing: 'assumeNoFee' })
  const lines = transactions.map(({ chain, id, height, index, time, blockHash, coinbase, inputs, outputs }) =>
    JSON.stringify({
      chain,
      id,
      height,
      index,
      time: new Date(time * 1000).toISOString().replace('.000Z', 'Z'),
      blockHash,
      ...(coinbase ? { coinbase } : {}),
      inputs: inputs.map((input) => ({ ...input, amount: input.amount.toString() })),
      outputs: outputs.map((output) => ({ ...output, amount: output.amount.toString() })),
    }),
  )
  return gzipSync(strToU8(`${lines.join('\n')}\n`), { level: 9, mtime: 0 })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const raw = gunzipSync(readFileSync(new URL('../../test/fixtures/bitcoin/block627714.raw.gz', import.meta.url)))
  writeFileSync(new URL('ledger.ndjson.gz', import.meta.url), makeLedger(raw))
}
