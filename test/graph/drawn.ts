import type { UtxoTransaction } from '../../graph/ledger.ts'

/**
 * A transaction drawn as text: `a 10, b 5 -> c 7, d 8`. A dash for an address is a script without one. What the outputs leave is
 * the fee. An empty left side is newly minted.
 */
export function drawn(
  id: string,
  text: string,
  place: { height?: number; index?: number; time?: number; chain?: string } = {},
): UtxoTransaction {
  const [left, right] = text.split('->').map((side) =>
    side
      .split(',')
      .map((leg) => leg.trim())
      .filter((leg) => leg !== '')
      .map((leg) => {
        const [name, amount] = leg.split(/ +/)
        return { address: name === '-' ? null : name, amount: BigInt(amount.replaceAll('_', '')) }
      }),
  )
  return {
    kind: 'utxo',
    chain: place.chain ?? 'bitcoin',
    id,
    height: place.height,
    index: place.index ?? (place.height === undefined ? undefined : 0),
    time: place.time ?? 1_600_000_000,
    blockHash: undefined,
    coinbase: left.length === 0,
    inputs: left.map((leg, output) => ({ transaction: `before-${id}`, output, ...leg })),
    outputs: right,
  }
}
