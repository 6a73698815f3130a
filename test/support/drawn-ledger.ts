import { createHash } from 'node:crypto'
import type { Input, Output, UtxoTransaction } from '../../graph/index.ts'
import type { LedgerBatch } from '../../src/store/chain-store.ts'

/** A stream of numbers that look drawn by lot and are the same every time. */
export function lots(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % below
  }
}

/** A transaction id that looks like one. */
export function idOf(number: number): string {
  return createHash('sha256').update(`transaction ${number}`).digest('hex')
}

/** A Bitcoin-like ledger: twenty transactions to a block, addresses used by a power law, every fifth block a coinbase more. */
export function* drawLedger(count: number, seed = 7): Generator<UtxoTransaction> {
  const lot = lots(seed)
  const address = () => `bc1q${Math.floor((Math.max(count / 4, 10) * lot(1000) * lot(1000) * lot(1000)) / 1e9)}`
  const unspent: Input[] = []
  for (let number = 0; number < count; number++) {
    const id = idOf(number)
    const inputs: Input[] = []
    const isCoinbase = number % 20 === 0
    for (let i = isCoinbase ? 0 : 1 + lot(2); i > 0 && unspent.length > 0; i--) {
      const pick = lot(unspent.length)
      inputs.push(unspent[pick])
      unspent[pick] = unspent[unspent.length - 1]
      unspent.pop()
    }
    const outputs: Output[] = []
    for (let i = 1 + lot(3); i > 0; i--) outputs.push({ address: address(), amount: BigInt(1 + lot(5_000_000)) * 10n })
    for (const [output, { address, amount }] of outputs.entries()) {
      unspent.push({ transaction: id, output, address, amount })
    }
    const height = Math.floor(number / 20)
    yield {
      kind: 'utxo',
      chain: 'bitcoin',
      id,
      height,
      index: number % 20,
      time: 1_231_006_505 + height * 600,
      blockHash: undefined,
      coinbase: isCoinbase,
      inputs,
      outputs,
    }
  }
}

/** A ledger in batches of so many, each with the headers of its blocks. */
export function* batchesOf(ledger: Iterable<UtxoTransaction>, size: number): Generator<LedgerBatch> {
  let transactions: UtxoTransaction[] = []
  const batch = (): LedgerBatch => ({
    transactions,
    blocks: [...new Map(transactions.map((each) => [each.height!, each.time]))].map(([height, time]) => ({
      chain: 'bitcoin',
      height,
      hash: `block ${height}`,
      previous: height === 0 ? undefined : `block ${height - 1}`,
      time,
    })),
  })
  for (const each of ledger) {
    transactions.push(each)
    if (transactions.length < size) continue
    yield batch()
    transactions = []
  }
  if (transactions.length > 0) yield batch()
}
