import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { address, Block, networks } from 'bitcoinjs-lib'
import { forgetAddresses } from '../../src/chains/bitcoin/encoding.ts'
import { doubleSha256, forgetKeys } from '../../src/chains/bitcoin/hash.ts'
import { decodeBlock, decodeSpentOutputs, toTransactions } from '../../src/chains/bitcoin/index.ts'

/**
 * Runs each piece of work in turn, round after round, so that whatever else the machine does falls on all alike; the
 * middle of each one's times, in milliseconds, in the order of the work.
 */
function mediansMs(rounds: number, works: readonly (() => unknown)[]): number[] {
  const times = works.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [which, work] of works.entries()) {
      const start = performance.now()
      work()
      times[which].push(performance.now() - start)
    }
  }
  return times.map((each) => each.sort((a, b) => a - b)[rounds >> 1])
}

/** What a reader builds on bitcoinjs-lib does: parse, ids, the address of each output. It checks no hash. */
function readWithBitcoinJs(raw: Uint8Array): unknown {
  const rows: unknown[] = []
  for (const transaction of Block.fromBuffer(raw).transactions ?? []) {
    rows.push(transaction.getId())
    for (const { script, value } of transaction.outs) {
      let text: string | null = null
      try {
        text = address.fromOutputScript(script, networks.bitcoin)
      } catch {
        // A script without an address.
      }
      rows.push(text, value)
    }
  }
  return rows
}

/** Only the hashing that proving a block takes: ids, ids with witnesses, both Merkle trees. */
function hashOnly(raw: Uint8Array, starts: Uint32Array, segwit: boolean): void {
  const count = starts.length - 1
  for (let t = 0; t < count; t++) {
    const bytes = raw.subarray(starts[t], starts[t + 1])
    doubleSha256(bytes)
    if (segwit) doubleSha256(bytes)
  }
  const pair = raw.subarray(0, 64)
  for (let node = 0; node < (segwit ? 2 : 1) * (count - 1); node++) doubleSha256(pair)
}

/**
 * Raw block to ledger transactions with ids and addresses on one thread, against bitcoinjs-lib on the same block in the same process.
 * Ours also proves the block, derives the addresses of the inputs and builds the ledger's objects. Milliseconds are medians;
 * `ratio` is theirs over ours (the bar is 5), `hashShare` the time of the double SHA-256 alone (node:crypto) over ours. Reads its
 * fixtures from the working directory, the repository's root.
 */
export async function benchRawBlock(): Promise<Record<string, unknown>> {
  const fixture = (name: string): Buffer => readFileSync(`test/fixtures/bitcoin/${name}`)
  const results: Record<string, unknown> = {}
  const cases = [
    {
      name: 'block300025 (legacy, with undo data)',
      raw: fixture('block300025.raw'),
      undo: fixture('block300025-undo.raw'),
    },
    { name: 'block627714 (segwit, without)', raw: gunzipSync(fixture('block627714.raw.gz')), undo: undefined },
  ]
  for (const { name, raw, undo } of cases) {
    const decoded = decodeBlock(raw, { chain: 'bitcoin' })
    const ours = (): unknown => {
      forgetAddresses()
      forgetKeys()
      const block = decodeBlock(raw, { chain: 'bitcoin' })
      const prevouts = undo === undefined ? undefined : decodeSpentOutputs(undo, block)
      return toTransactions(block, prevouts, { missing: 'assumeNoFee' })
    }
    const theirs = (): unknown => readWithBitcoinJs(raw)
    const hashes = (): void => hashOnly(raw, decoded.transactionStart, decoded.bytes.includes('6a24aa21a9ed', 0, 'hex'))
    const works = [ours, () => decodeBlock(raw, { chain: 'bitcoin' }), theirs, hashes]
    const rounds = Math.max(11, Math.round(8_000_000 / raw.length) | 1)
    mediansMs(rounds >> 1, works)
    const [oursMs, decodeMs, theirsMs, hashMs] = mediansMs(rounds, works)
    const round = (value: number): number => Math.round(value * 100) / 100
    results[name] = {
      bytes: raw.length,
      transactions: decoded.transactionCount,
      oursMs: round(oursMs),
      ofWhichDecodeMs: round(decodeMs),
      bitcoinJsMs: round(theirsMs),
      ratio: round(theirsMs / oursMs),
      hashMs: round(hashMs),
      hashShare: round(hashMs / oursMs),
      megabytesPerSecond: round(raw.length / 1000 / oursMs),
    }
  }
  return results
}
