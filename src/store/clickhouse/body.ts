import type { Input, Output, Transaction, Transfer } from '../../../graph/index.ts'

/** A transaction as one text: JSON rows without names, amounts as digit strings. Lossless. */

type Body = [
  isAccount: 0 | 1,
  coinbaseOrFailed: 0 | 1,
  height: number | null,
  index: number | null,
  time: number,
  blockHash: string | null,
  first: unknown[][],
  second: unknown[][],
]

/** Writes all of a transaction but its chain and id, which the row has beside it. */
export function encodeBody(row: Transaction): string {
  const head = [row.height ?? null, row.index ?? null, row.time, row.blockHash ?? null] as const
  const body: Body =
    row.kind === 'account'
      ? [
          1,
          row.status === 'failed' ? 1 : 0,
          ...head,
          row.transfers.map(({ index, asset, from, to, amount }) => [index, asset, from, to, `${amount}`]),
          row.fee === undefined ? [] : [[row.fee.from, `${row.fee.amount}`]],
        ]
      : [
          0,
          row.coinbase ? 1 : 0,
          ...head,
          row.inputs.map(({ transaction, output, address, amount }) => [transaction, output, address, `${amount}`]),
          row.outputs.map(({ address, amount }) => [address, `${amount}`]),
        ]
  return JSON.stringify(body)
}

/** Reads what `encodeBody` wrote. */
export function decodeBody(chain: string, id: string, text: string): Transaction {
  const [isAccount, flag, height, index, time, blockHash, first, second] = JSON.parse(text) as Body
  const placed = {
    chain,
    id,
    height: height ?? undefined,
    index: index ?? undefined,
    time,
    blockHash: blockHash ?? undefined,
  }
  if (isAccount === 1) {
    const [fee] = second as [string, string][]
    return {
      kind: 'account',
      ...placed,
      status: flag === 1 ? 'failed' : 'success',
      transfers: (first as [number, string, string, string, string][]).map(
        ([index, asset, from, to, amount]): Transfer => ({ index, asset, from, to, amount: BigInt(amount) }),
      ),
      fee: fee && { from: fee[0], amount: BigInt(fee[1]) },
    }
  }
  return {
    kind: 'utxo',
    ...placed,
    coinbase: flag === 1,
    inputs: (first as [string, number, string | null, string][]).map(
      ([transaction, output, address, amount]): Input => ({ transaction, output, address, amount: BigInt(amount) }),
    ),
    outputs: (second as [string | null, string][]).map(
      ([address, amount]): Output => ({ address, amount: BigInt(amount) }),
    ),
  }
}
