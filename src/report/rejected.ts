import type { Transaction } from '../../graph/index.ts'
import { skeleton } from '../text.ts'
import type { ChainLedger } from '../trace/ledger.ts'
import type { Trace } from '../trace/trace.ts'
import type { Rejected } from './format.ts'

/** A row that moved nothing, and the number of its transaction in the ledger. */
export interface RejectedRow {
  readonly number: number
  readonly row: Rejected
}

/**
 * What an account chain's ledger says about addresses the trace reached and that moves nothing all the same (DESIGN.md
 * decision 14): failed transactions, transfers of nothing, tokens that bear a traced token's symbol under another contract.
 */
export function rejectedOf(trace: Trace, ledger: ChainLedger): RejectedRow[] {
  if (ledger.transactions.length === 0 || ledger.transactions[0].kind === 'utxo') return []
  const reached = new Set<string>()
  const traced = new Set<string>()
  for (const run of trace.runs) {
    if (run.chain !== ledger.chain) continue
    for (const asset of run.compiled.assets) traced.add(asset)
    for (const pool of run.compiled.pools) if (pool.address !== undefined) reached.add(pool.address)
  }
  for (const seed of trace.seeds) if (seed.chain === ledger.chain && seed.address !== null) reached.add(seed.address)
  const symbols = new Map<string, string>()
  for (const asset of traced) {
    const symbol = ledger.assets.get(asset)?.symbol
    if (symbol !== undefined) symbols.set(skeleton(symbol), asset)
  }
  const found: RejectedRow[] = []
  ledger.transactions.forEach((transaction: Transaction, number) => {
    if (transaction.kind !== 'account') return
    for (const transfer of transaction.transfers) {
      if (!reached.has(transfer.from) && !reached.has(transfer.to)) continue
      const row = { chain: ledger.chain, transaction: transaction.id, transfer: transfer.index, asset: transfer.asset }
      const fact = ledger.assets.get(transfer.asset)
      const model = fact === undefined || traced.has(transfer.asset) ? undefined : symbols.get(skeleton(fact.symbol))
      if (traced.has(transfer.asset) && transaction.status === 'failed') {
        found.push({ number, row: { ...row, reason: 'failed', detail: 'the transaction failed; it moved nothing' } })
      } else if (traced.has(transfer.asset) && transfer.amount === 0n) {
        found.push({
          number,
          row: {
            ...row,
            reason: 'zero',
            detail: 'a transfer of nothing; such rows are sent to plant look-alike addresses',
          },
        })
      } else if (model !== undefined) {
        found.push({
          number,
          row: {
            ...row,
            reason: 'lookAlike',
            detail: `its symbol ${JSON.stringify(fact!.symbol)} looks like that of ${model}, another contract`,
          },
        })
      }
    }
  })
  return found
}
