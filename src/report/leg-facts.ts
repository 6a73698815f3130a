import { invariant, type Transaction } from '../../graph/index.ts'

/** Who is paid by a leg, and how much in all. `place` is an output index or a transfer index. */
export function legFacts(transaction: Transaction, place: number): { address: string | null; amount: bigint } {
  if (transaction.kind === 'utxo') return transaction.outputs[place]
  const transfer = transaction.transfers.find((each) => each.index === place)
  invariant(transfer !== undefined, `transfer ${place} of ${transaction.id} exists`)
  return { address: transfer.to, amount: transfer.amount }
}
