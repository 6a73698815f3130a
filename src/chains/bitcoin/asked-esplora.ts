import type { Chain, UtxoTransaction } from '../../../graph/index.ts'
import type { AskedSource, History, Tip } from '../source.ts'
import type { Esplora } from './esplora.ts'

/** An Esplora server as a trace asks it: an address's history is whole, by the server's own count and sums. */
export class AskedEsplora implements AskedSource {
  readonly chain: Chain
  readonly #esplora: Esplora

  constructor(esplora: Esplora, chain: Chain) {
    this.#esplora = esplora
    this.chain = chain
  }

  tip(): Promise<Tip> {
    return this.#esplora.tip()
  }

  transaction(id: string): Promise<UtxoTransaction | undefined> {
    return this.#esplora.transaction(id)
  }

  async history(_: string, address: string, height: number): Promise<History> {
    const all = await this.#esplora.addressTransactions(address)
    const transactions = all.filter((row) => row.height! <= height)
    // What came in a block behind the snapshot may have spent what is seen at it: then less than the whole is known.
    return { transactions, whole: transactions.length === all.length }
  }

  spender(transaction: string, output: number): Promise<UtxoTransaction | undefined> {
    return this.#esplora.spender(transaction, output)
  }

  async last(height: number): Promise<UtxoTransaction | undefined> {
    return this.#esplora.coinbase(height)
  }
}
