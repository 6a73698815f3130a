import { type Amount, ZERO } from '../amount.ts'
import type { UtxoTransaction } from '../ledger.ts'
import { classifyCoinJoin } from './coinjoin.ts'
import { scriptTypeOf } from './script-type.ts'

/** Every number of the peel-chain view (DOMAIN A4, "ours"), as reports print them. */
export const PEEL_PARAMETERS = {
  hopsMin: 3,
  inputsMax: 2,
  /** The peel is at most this many hundredths of what goes in. */
  peelPerHundredMax: 30n,
} as const

/** One transaction of a peel chain: the small output pays somebody, the large one goes on. */
export interface Peel {
  readonly transaction: string
  readonly peeled: { readonly output: number; readonly address: string | null; readonly amount: Amount }
  readonly kept: { readonly output: number; readonly address: string | null; readonly amount: Amount }
}

/** A run of spends each shaving one payment, in order. For display only: traced amounts never depend on it. */
export interface PeelChain {
  readonly peels: readonly Peel[]
}

/** The peel of one transaction, or nothing: one or two inputs, two valued outputs, the smaller at most 30 % of what goes in. */
export function peelOf(transaction: UtxoTransaction): Peel | undefined {
  const { inputs, outputs, coinbase } = transaction
  if (coinbase || inputs.length === 0 || inputs.length > PEEL_PARAMETERS.inputsMax) return undefined
  const valued: number[] = []
  for (let index = 0; index < outputs.length; index++) if (outputs[index].amount > ZERO) valued.push(index)
  if (valued.length !== 2 || classifyCoinJoin(transaction)) return undefined
  const [first, second] = valued
  if (outputs[first].amount === outputs[second].amount) return undefined
  const [small, large] = outputs[first].amount < outputs[second].amount ? [first, second] : [second, first]
  let spent = ZERO
  for (const { amount } of inputs) spent += amount
  if (outputs[small].amount * 100n > spent * PEEL_PARAMETERS.peelPerHundredMax) return undefined
  return {
    transaction: transaction.id,
    peeled: { output: small, ...outputs[small] },
    kept: { output: large, ...outputs[large] },
  }
}

/**
 * Finds runs of at least three peels in which each spends the larger output of the one before, and the kept output's script type
 * stays that of the inputs where both are known. The larger output is the one followed (Bitiodine's convention is
 * the other way round). Each transaction is in one chain at most. Transactions may come in any order.
 */
export function findPeelChains(transactions: readonly UtxoTransaction[]): PeelChain[] {
  const peels = new Map<string, { peel: Peel; transaction: UtxoTransaction }>()
  for (const transaction of transactions) {
    const peel = peelOf(transaction)
    if (peel && consistent(transaction, peel)) peels.set(transaction.id, { peel, transaction })
  }
  // Which peel spends the kept output of which. An output is spent once, so each has one successor at most.
  const next = new Map<string, string>()
  const previous = new Map<string, string>()
  for (const [id, { transaction }] of peels) {
    for (const input of transaction.inputs) {
      const before = peels.get(input.transaction)
      if (before === undefined || before.peel.kept.output !== input.output || previous.has(id)) continue
      next.set(input.transaction, id)
      previous.set(id, input.transaction)
    }
  }
  const chains: PeelChain[] = []
  for (const id of [...peels.keys()].sort()) {
    if (previous.has(id)) continue
    const run: Peel[] = []
    for (let at: string | undefined = id; at !== undefined; at = next.get(at)) run.push(peels.get(at)!.peel)
    if (run.length >= PEEL_PARAMETERS.hopsMin) chains.push({ peels: run })
  }
  return chains
}

function consistent({ chain, inputs }: UtxoTransaction, { kept }: Peel): boolean {
  const type = scriptTypeOf(chain, kept.address)
  if (type === undefined) return true
  return inputs.every(({ address }) => (scriptTypeOf(chain, address) ?? type) === type)
}
