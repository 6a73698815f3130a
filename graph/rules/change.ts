import { type Amount, ZERO } from '../amount.ts'
import type { UtxoTransaction } from '../ledger.ts'
import { scriptTypeOf } from './script-type.ts'

/** What change rules may ask about addresses beyond the one transaction. */
export interface AddressHistory {
  /** Whether the address was in a transaction earlier in chain order than this one. */
  seenBefore(address: string, transaction: UtxoTransaction): boolean
  /** Whether the address received in more than one transaction, or paid in more than one, anywhere in the ledger. */
  reused(address: string): boolean
  /** Whether common inputs alone put both addresses in one cluster. */
  spentTogether(one: string, other: string): boolean
}

/**
 * Answers with the outputs (by index) that it cannot rule out as change. Rules combine by intersection; exactly one
 * left is a conclusion.
 */
export type ChangeRule = (transaction: UtxoTransaction, history: AddressHistory) => readonly number[]

/** Every number the change rules use, as reports print them. */
export const CHANGE_PARAMETERS = {
  graphsenseOneTime: { outputsMin: 2, outputsMax: 10, roundTo: 1_000n },
  powerOfTen: { roundTo: 1_000_000n },
} as const

function outputsWhere(
  transaction: UtxoTransaction,
  fits: (address: string | null, amount: Amount, index: number) => boolean,
): number[] {
  const indexes: number[] = []
  for (let index = 0; index < transaction.outputs.length; index++) {
    const { address, amount } = transaction.outputs[index]
    if (amount > ZERO && fits(address, amount, index)) indexes.push(index)
  }
  return indexes
}

function smallestInput({ inputs }: UtxoTransaction): Amount {
  let smallest = inputs[0].amount
  for (const { amount } of inputs) if (amount < smallest) smallest = amount
  return smallest
}

/**
 * One-time change (Meiklejohn 2013, heuristic 2; DOMAIN A2): no input address is paid, and the change is the one output whose
 * address appears for the first time, every other having appeared before. Outputs without an address might be fresh,
 * so they stay in. Fails where a payee's address is fresh too and the change goes to a used one.
 */
const oneTime: ChangeRule = (transaction, history) => {
  const payers = new Set(transaction.inputs.map(({ address }) => address))
  if (transaction.outputs.some(({ address }) => address !== null && payers.has(address))) return []
  return outputsWhere(transaction, (address) => address === null || !history.seenBefore(address, transaction))
}

/**
 * GraphSense's one_time_change (b17): two to ten outputs; the output has the one script type of all inputs, is not a
 * round thousand, is less than the smallest input, and its address is used once. "Used once" looks at the whole ledger, so a
 * later re-use withdraws the conclusion.
 */
const graphsenseOneTime: ChangeRule = (transaction, history) => {
  const { outputsMin, outputsMax, roundTo } = CHANGE_PARAMETERS.graphsenseOneTime
  const { chain, inputs, outputs } = transaction
  if (outputs.length < outputsMin || outputs.length > outputsMax) return []
  const type = scriptTypeOf(chain, inputs[0].address)
  if (type === undefined || inputs.some(({ address }) => scriptTypeOf(chain, address) !== type)) return []
  const smallest = smallestInput(transaction)
  return outputsWhere(
    transaction,
    (address, amount, index) =>
      address !== null &&
      scriptTypeOf(chain, address) === type &&
      amount % roundTo !== ZERO &&
      amount < smallest &&
      !outputs.some((other, at) => at !== index && other.address === address) &&
      !history.seenBefore(address, transaction) &&
      !history.reused(address),
  )
}

/** GraphSense's direct_change: the output pays one of the input addresses. Fails on a payment to oneself. */
const direct: ChangeRule = (transaction) => {
  const payers = new Set(transaction.inputs.map(({ address }) => address))
  return outputsWhere(transaction, (address) => address !== null && payers.has(address))
}

/** GraphSense's multi_input_change: the output pays an address that was elsewhere spent together with an input. */
const multiInput: ChangeRule = (transaction, history) => {
  const payer = transaction.inputs.find(({ address }) => address !== null)?.address
  if (payer === undefined || payer === null) return []
  return outputsWhere(transaction, (address) => address !== null && history.spentTogether(payer, address))
}

/** BlockSci's optimal change: less than the smallest input, else that input need not have been spent. */
const optimal: ChangeRule = (transaction) => {
  const smallest = smallestInput(transaction)
  return outputsWhere(transaction, (_, amount) => amount < smallest)
}

/** BlockSci's power of ten: people pay round sums, so a multiple of a million base units is not change. */
const powerOfTen: ChangeRule = (transaction) =>
  outputsWhere(transaction, (_, amount) => amount % CHANGE_PARAMETERS.powerOfTen.roundTo !== ZERO)

/**
 * The change rules by name, each with its authors' confidence where they give one (GraphSense: 50, 100, 50; the others
 * are ours, set below). Confidences only order evidence; they are never multiplied.
 */
export const CHANGE_RULES = {
  oneTime: { rule: oneTime, confidence: 50 },
  graphsenseOneTime: { rule: graphsenseOneTime, confidence: 50 },
  direct: { rule: direct, confidence: 100 },
  multiInput: { rule: multiInput, confidence: 50 },
  optimal: { rule: optimal, confidence: 30 },
  powerOfTen: { rule: powerOfTen, confidence: 20 },
} as const satisfies Record<string, { rule: ChangeRule; confidence: number }>

export type ChangeRuleName = keyof typeof CHANGE_RULES
export const CHANGE_RULE_NAMES = Object.keys(CHANGE_RULES) as ChangeRuleName[]

/** Whether a name from outside is one of the change rules. */
export function isChangeRule(name: string): name is ChangeRuleName {
  return Object.hasOwn(CHANGE_RULES, name)
}

/**
 * The output that every named rule leaves standing, if exactly one is left. Nothing is said of newly minted value, nor
 * where fewer than two outputs hold value: a sweep pays somebody, and there is no other output for it to be.
 */
export function changeOutput(
  transaction: UtxoTransaction,
  rules: readonly ChangeRuleName[],
  history: AddressHistory,
): number | undefined {
  if (transaction.coinbase || transaction.inputs.length === 0 || rules.length === 0) return undefined
  let left = outputsWhere(transaction, () => true)
  if (left.length < 2) return undefined
  for (const name of rules) {
    const standing = new Set(CHANGE_RULES[name].rule(transaction, history))
    left = left.filter((index) => standing.has(index))
    if (left.length === 0) return undefined
  }
  return left.length === 1 ? left[0] : undefined
}
