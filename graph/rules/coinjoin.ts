import { type Amount, ZERO } from '../amount.ts'
import type { Output, UtxoTransaction } from '../ledger.ts'

/** A shape that says several wallets, or a wallet about to join them, made the transaction. */
export const COINJOIN_PROTOCOLS = [
  'whirlpool',
  'whirlpoolTx0',
  'wasabi1.0',
  'wasabi1.1',
  'wasabi2',
  'joinMarket',
  'generic',
] as const
export type CoinJoinProtocol = (typeof COINJOIN_PROTOCOLS)[number]

/** Which rule spoke, how sure its authors are of it (0–100, an order, not a probability), and what it saw. */
export interface CoinJoinVerdict {
  readonly protocol: CoinJoinProtocol
  readonly rule: CoinJoinRuleName
  readonly confidence: number
  readonly reasons: readonly string[]
}

/**
 * Every number the rules use, in base units where amounts, as reports print them. Sources: DOMAIN A5: GraphSense's
 * rules after Schnoering and Vazirgiannis (arXiv 2311.12491), the Dumplings scanner, BlockSci's `isCoinjoin`.
 * `heightFirst` is counted on Bitcoin's main network only, and only where the source gives heights.
 */
export const COINJOIN_PARAMETERS = {
  whirlpool: {
    heightFirst: 570_000,
    pools: [100_000n, 1_000_000n, 5_000_000n, 50_000_000n],
    legsMin: 5,
    legsMax: 8,
    entrantExcessMin: 100n,
    excessMax: 110_000n,
    entrantsMin: 1,
    entrantsMax: 4,
    confidence: 60,
    confidenceWithLineage: 90,
  },
  whirlpoolTx0: {
    heightFirst: 570_000,
    /** Coordinator's fee of each pool, in the order of `whirlpool.pools`. */
    fees: [5_000n, 50_000n, 175_000n, 1_750_000n],
    premixMax: 70,
    othersMax: 2,
    confidence: 60,
  },
  'wasabi1.0': {
    heightFirst: 530_500,
    denomination: 10_000_000n,
    tolerance: 500_000n,
    inputsMin: 10,
    equalMin: 3,
    inputsPerEqualMax: 7,
    /** Dumplings’ rule, which asks for more equal outputs and allows a wider denomination. */
    scannerTolerance: 2_000_000n,
    scannerEqualMin: 10,
    confidence: 70,
  },
  'wasabi1.1': { levelEqualMin: 2, confidence: 70 },
  wasabi2: {
    heightFirst: 741_213,
    inputsMin: 20,
    outputMin: 5_000n,
    denominationsMin: 3,
    denominationCountMin: 2,
    /** Dumplings’ rule: more than four fifths of the outputs are denominations of the protocol’s own list. */
    listPerTenAbove: 8,
    /** Ours. */
    listInputsMin: 10,
    confidence: 60,
  },
  joinMarket: {
    valueAbove: 2_730n,
    equalMin: 3,
    largeInputs: 50,
    largeInputsPerEqualMax: 20,
    /** Outputs for each equal output in a large one, in tenths: 1.7. */
    largeOutputsPerEqualTenthsMin: 17,
    confidence: 49,
  },
  generic: { dustValues: [546n, 2_730n], confidence: 40 },
  /** GraphSense’s Wasabi rules: no input may hold more than one part in this many of all that goes in. */
  largestInputShareDivisor: 10n,
  stonewall: { outputsMin: 3, outputsMax: 4, equal: 2 },
} as const

/** How often each value occurs among outputs. */
function countValues(outputs: readonly Output[]): Map<Amount, number> {
  const counts = new Map<Amount, number>()
  for (const { amount } of outputs) counts.set(amount, (counts.get(amount) ?? 0) + 1)
  return counts
}

/** The most frequent value that `fits`; ties go to the lowest value. */
function modeOf(counts: ReadonlyMap<Amount, number>, fits: (value: Amount) => boolean): [Amount, number] | undefined {
  let mode: [Amount, number] | undefined
  for (const [value, count] of counts) {
    if (!fits(value)) continue
    if (mode === undefined || count > mode[1] || (count === mode[1] && value < mode[0])) mode = [value, count]
  }
  return mode
}

/** Distinct scripts among legs. Legs without an address cannot be told apart from here; each counts as its own script. */
function distinctScripts(legs: readonly { readonly address: string | null }[]): number {
  const seen = new Set<string>()
  let bare = 0
  for (const { address } of legs) {
    if (address === null) bare++
    else seen.add(address)
  }
  return seen.size + bare
}

/** A data output: no address and no value. */
function isData(output: Output): boolean {
  return output.address === null && output.amount === ZERO
}

function largestInputTooLarge(transaction: UtxoTransaction): boolean {
  let largest = ZERO
  let total = ZERO
  for (const { amount } of transaction.inputs) {
    total += amount
    if (amount > largest) largest = amount
  }
  return largest * COINJOIN_PARAMETERS.largestInputShareDivisor > total
}

function isTooEarly(transaction: UtxoTransaction, heightFirst: number): boolean {
  return transaction.chain === 'bitcoin' && transaction.height !== undefined && transaction.height < heightFirst
}

/** What a rule reads: the transaction and what is counted of it once. */
interface Seen {
  readonly transaction: UtxoTransaction
  readonly counts: ReadonlyMap<Amount, number>
  readonly inputScripts: number
  readonly outputScriptsDistinct: boolean
}

type CoinJoinRule = (seen: Seen) => Omit<CoinJoinVerdict, 'rule'> | undefined

const whirlpool: CoinJoinRule = ({ transaction, counts }) => {
  const rule = COINJOIN_PARAMETERS.whirlpool
  const { inputs, outputs } = transaction
  if (inputs.length !== outputs.length || inputs.length < rule.legsMin || inputs.length > rule.legsMax) return
  if (counts.size !== 1 || isTooEarly(transaction, rule.heightFirst)) return
  const pool = rule.pools.find((each) => each === outputs[0].amount)
  if (pool === undefined) return
  let entrants = 0
  for (const { amount } of inputs) {
    if (amount < pool || amount > pool + rule.excessMax) return
    if (amount >= pool + rule.entrantExcessMin) entrants++
  }
  if (entrants < rule.entrantsMin || entrants > rule.entrantsMax) return
  return {
    protocol: 'whirlpool',
    confidence: rule.confidence,
    reasons: [
      `${inputs.length} inputs and as many outputs, every output ${pool}, the size of a pool`,
      `${entrants} new entrants bring the fee, the others exactly the pool’s size`,
    ],
  }
}

const whirlpoolTx0: CoinJoinRule = ({ transaction }) => {
  const rule = COINJOIN_PARAMETERS.whirlpoolTx0
  const { pools, entrantExcessMin, excessMax } = COINJOIN_PARAMETERS.whirlpool
  if (isTooEarly(transaction, rule.heightFirst)) return
  if (transaction.outputs.filter(isData).length !== 1) return
  const valued = transaction.outputs.filter((output) => !isData(output))
  for (let at = pools.length - 1; at >= 0; at--) {
    const pool = pools[at]
    const counts = countValues(valued)
    const premix = modeOf(counts, (value) => value >= pool + entrantExcessMin && value <= pool + excessMax)
    if (premix === undefined || premix[1] > rule.premixMax) continue
    // The premix outputs are the mode of the transaction: nothing else is paid more often.
    if (modeOf(counts, () => true)![1] > premix[1]) continue
    const others = valued.filter(({ amount }) => amount !== premix[0])
    const fee = rule.fees[at]
    if (others.length - 1 > rule.othersMax) continue
    let paid: Amount | undefined
    for (const { amount } of others) {
      if (2n * amount >= fee && amount <= 3n * fee && (paid === undefined || amount < paid)) paid = amount
    }
    if (paid === undefined) continue
    return {
      protocol: 'whirlpoolTx0',
      confidence: rule.confidence,
      reasons: [
        `${premix[1]} outputs of ${premix[0]}, a pool of ${pool} and its mix’s fee`,
        `one data output and a coordinator’s fee of ${paid}`,
      ],
    }
  }
  return
}

function distance(value: Amount, from: Amount): Amount {
  return value < from ? from - value : value - from
}

/** What both rules for Wasabi 1 read: outputs of about a tenth of a coin, and those of each doubled level. */
function readWasabi1(
  { transaction, counts, inputScripts, outputScriptsDistinct }: Seen,
  tolerance: Amount,
): { denomination: Amount; equal: number; mixed: number; levels: string[] } | undefined {
  const rule = COINJOIN_PARAMETERS['wasabi1.0']
  if (transaction.inputs.length < rule.inputsMin || isTooEarly(transaction, rule.heightFirst)) return undefined
  const mode = modeOf(counts, (value) => distance(value, rule.denomination) <= tolerance)
  if (mode === undefined) return undefined
  const [denomination, equal] = mode
  if (equal < rule.equalMin || equal > inputScripts || !outputScriptsDistinct) return undefined
  const levels: string[] = []
  let mixed = equal
  for (let level = 1n; level < 30n; level++) {
    const doubled = modeOf(counts, (value) => distance(value, rule.denomination << level) <= tolerance << level)
    if (doubled === undefined || doubled[1] < COINJOIN_PARAMETERS['wasabi1.1'].levelEqualMin) continue
    mixed += doubled[1]
    levels.push(`${doubled[1]} of ${doubled[0]}`)
  }
  return { denomination, equal, mixed, levels }
}

function toldWasabi1(
  { transaction, inputScripts }: Seen,
  { denomination, equal, levels }: { denomination: Amount; equal: number; levels: string[] },
): Omit<CoinJoinVerdict, 'rule'> {
  const reasons = [
    `${equal} outputs of ${denomination}, about 0.1 coin, and no output script twice`,
    `${transaction.inputs.length} inputs with ${inputScripts} scripts`,
  ]
  const protocol = levels.length === 0 ? 'wasabi1.0' : 'wasabi1.1'
  if (levels.length > 0) reasons.push(`doubled levels: ${levels.join(', ')}`)
  return { protocol, confidence: COINJOIN_PARAMETERS[protocol].confidence, reasons }
}

/**
 * Wasabi 1.0, and 1.1 with its levels, by GraphSense's rule. It refuses any transaction in which one input brings more
 * than a tenth, and so loses most real ones; Dumplings' rule stands beside it (the validation table counts both).
 */
const wasabi1GraphSense: CoinJoinRule = (seen) => {
  const rule = COINJOIN_PARAMETERS['wasabi1.0']
  const read = readWasabi1(seen, rule.tolerance)
  if (read === undefined || seen.inputScripts > rule.inputsPerEqualMax * read.equal) return
  // Without levels this is rule 1.0 to the letter; with them, what the levels hold counts as mixed too.
  if (2 * read.mixed < seen.transaction.outputs.length - 1 || largestInputTooLarge(seen.transaction)) return
  return toldWasabi1(seen, read)
}

/** Wasabi 1 by Dumplings' rule: ten equal outputs and a wider denomination, since it fell and rose with the fees. */
const wasabi1Dumplings: CoinJoinRule = (seen) => {
  const rule = COINJOIN_PARAMETERS['wasabi1.0']
  const read = readWasabi1(seen, rule.scannerTolerance)
  return read === undefined || read.equal < rule.scannerEqualMin ? undefined : toldWasabi1(seen, read)
}

/** The denominations of Wasabi 2 from 5,000 up: powers of two and of three, twice a power of three, and 1, 2, 5 times a power of ten. */
const WASABI2_DENOMINATIONS: ReadonlySet<Amount> = (() => {
  const all = new Set<Amount>()
  const most = 2_100_000_000_000_000n
  const grow = (first: Amount, by: Amount): void => {
    for (let value = first; value <= most; value *= by) {
      if (value >= COINJOIN_PARAMETERS.wasabi2.outputMin) all.add(value)
    }
  }
  grow(1n, 2n)
  for (const first of [1n, 2n]) grow(first, 3n)
  for (const first of [1n, 2n, 5n]) grow(first, 10n)
  return all
})()

/**
 * Wasabi 2 by the protocol's own list of denominations, after Dumplings. That scanner asks for 50 inputs; small rounds
 * have fewer, and the list is telling enough to ask for ten (the validation table has the counts).
 */
const wasabi2Dumplings: CoinJoinRule = (seen) => {
  const rule = COINJOIN_PARAMETERS.wasabi2
  const { transaction, counts, outputScriptsDistinct } = seen
  const { inputs, outputs } = transaction
  if (inputs.length < rule.listInputsMin || isTooEarly(transaction, rule.heightFirst) || !outputScriptsDistinct) return
  let standard = 0
  for (const [value, count] of counts) if (WASABI2_DENOMINATIONS.has(value)) standard += count
  if (10 * standard <= rule.listPerTenAbove * outputs.length) return
  const { denominations, covered } = repeatedValues(counts)
  if (denominations < rule.denominationsMin) return
  return {
    protocol: 'wasabi2',
    confidence: rule.confidence,
    reasons: [
      `${standard} of ${outputs.length} outputs are denominations of the protocol`,
      `${denominations} values are paid more than once, ${covered} outputs; ${inputs.length} inputs`,
    ],
  }
}

/** Wasabi 2 by repeated values of any size: GraphSense's rule. */
const wasabi2GraphSense: CoinJoinRule = ({ transaction, counts, outputScriptsDistinct }) => {
  const rule = COINJOIN_PARAMETERS.wasabi2
  const { inputs, outputs } = transaction
  if (inputs.length < rule.inputsMin || isTooEarly(transaction, rule.heightFirst) || !outputScriptsDistinct) return
  if (outputs.some(({ amount }) => amount < rule.outputMin)) return
  const { denominations, covered } = repeatedValues(counts)
  if (denominations < rule.denominationsMin) return
  if (2 * covered < outputs.length - 1 || covered === outputs.length || largestInputTooLarge(transaction)) return
  return {
    protocol: 'wasabi2',
    confidence: rule.confidence,
    reasons: [
      `${denominations} values are paid more than once, ${covered} of ${outputs.length} outputs`,
      `${inputs.length} inputs, none over a tenth of all; no output below ${rule.outputMin} or to a script twice`,
    ],
  }
}

function repeatedValues(counts: ReadonlyMap<Amount, number>): { denominations: number; covered: number } {
  let denominations = 0
  let covered = 0
  for (const count of counts.values()) {
    if (count < COINJOIN_PARAMETERS.wasabi2.denominationCountMin) continue
    denominations++
    covered += count
  }
  return { denominations, covered }
}

const joinMarket: CoinJoinRule = ({ transaction, counts, inputScripts, outputScriptsDistinct }) => {
  const rule = COINJOIN_PARAMETERS.joinMarket
  const { inputs, outputs } = transaction
  const mode = modeOf(counts, (value) => value > rule.valueAbove)
  if (mode === undefined) return
  const [value, equal] = mode
  if (equal < rule.equalMin || 2 * equal < outputs.length || equal > inputScripts) return
  if (!outputScriptsDistinct || equal === outputs.length) return
  if (inputs.length >= rule.largeInputs) {
    if (inputs.length > rule.largeInputsPerEqualMax * equal) return
    if (10 * outputs.length < rule.largeOutputsPerEqualTenthsMin * equal) return
  }
  return {
    protocol: 'joinMarket',
    confidence: rule.confidence,
    reasons: [`${equal} of ${outputs.length} outputs are ${value}, and there are ${inputScripts} input scripts`],
  }
}

/** BlockSci's `isCoinjoin`: half the outputs equal, and at least as many inputs as that. */
const generic: CoinJoinRule = ({ transaction, counts, inputScripts }) => {
  const { inputs, outputs } = transaction
  const participants = Math.floor((outputs.length + 1) / 2)
  if (participants > inputs.length || participants > inputScripts) return
  const mode = modeOf(counts, () => true)
  if (mode === undefined || mode[1] !== participants) return
  if (COINJOIN_PARAMETERS.generic.dustValues.some((dust) => dust === mode[0])) return
  return {
    protocol: 'generic',
    confidence: COINJOIN_PARAMETERS.generic.confidence,
    reasons: [`exactly half of the outputs, ${participants} of ${outputs.length}, are ${mode[0]}`],
  }
}

/** Tried in this order; the first that speaks names the protocol. The most exact shapes stand first. */
const RULES = {
  whirlpool,
  whirlpoolTx0,
  wasabi2Dumplings,
  wasabi1GraphSense,
  wasabi1Dumplings,
  wasabi2GraphSense,
  joinMarket,
  generic,
} satisfies Record<string, CoinJoinRule>

export type CoinJoinRuleName = keyof typeof RULES
export const COINJOIN_RULE_NAMES = Object.keys(RULES) as CoinJoinRuleName[]

/** Two equal outputs of three or four: one wallet can make this shape alone (Samourai's Stonewall), so it proves no CoinJoin. */
function isStonewallShape(outputs: readonly Output[], counts: ReadonlyMap<Amount, number>): boolean {
  const { outputsMin, outputsMax, equal } = COINJOIN_PARAMETERS.stonewall
  if (outputs.length < outputsMin || outputs.length > outputsMax) return false
  let pairs = 0
  for (const count of counts.values()) {
    if (count > equal) return false
    if (count === equal) pairs++
  }
  return pairs === 1
}

/**
 * Names the CoinJoin protocol whose shape a transaction has, or nothing. Rules: DOMAIN A5, each with
 * `COINJOIN_PARAMETERS`. The shape of one transaction is all it sees; a batch payout of equal sums can have it too, which
 * costs a cluster link and never makes a false one. `parentOf`, where the caller has the ledger at hand, raises
 * a Whirlpool mix to full confidence when each input comes from a Tx0 or another mix. `rules` may name fewer, to measure them.
 *
 * Left out: GraphSense's "split residual" of Wasabi 1.0 below 20 inputs, which would only take flags away.
 */
export function classifyCoinJoin(
  transaction: UtxoTransaction,
  parentOf?: (id: string) => UtxoTransaction | undefined,
  rules: readonly CoinJoinRuleName[] = COINJOIN_RULE_NAMES,
): CoinJoinVerdict | undefined {
  const { inputs, outputs } = transaction
  // No rule speaks below three outputs; this is where nine of ten transactions leave.
  if (transaction.coinbase || outputs.length < 3) return undefined
  const counts = countValues(outputs)
  const seen: Seen = {
    transaction,
    counts,
    inputScripts: distinctScripts(inputs),
    outputScriptsDistinct: distinctScripts(outputs) === outputs.length,
  }
  const stonewall = isStonewallShape(outputs, counts)
  for (const rule of rules) {
    if (rule === 'generic' && (inputs.length < 2 || stonewall)) continue
    const told = RULES[rule](seen)
    if (told === undefined) continue
    const verdict = { ...told, rule }
    return verdict.protocol === 'whirlpool' && parentOf ? withLineage(verdict, transaction, parentOf) : verdict
  }
  return undefined
}

function withLineage(
  verdict: CoinJoinVerdict,
  transaction: UtxoTransaction,
  parentOf: (id: string) => UtxoTransaction | undefined,
): CoinJoinVerdict {
  for (const { transaction: id } of transaction.inputs) {
    const parent = parentOf(id)
    const protocol = parent && classifyCoinJoin(parent)?.protocol
    if (protocol !== 'whirlpool' && protocol !== 'whirlpoolTx0') return verdict
  }
  return {
    ...verdict,
    confidence: COINJOIN_PARAMETERS.whirlpool.confidenceWithLineage,
    reasons: [...verdict.reasons, 'every input comes from a Tx0 or another mix'],
  }
}

/**
 * Whether two hands may have paid together (PayJoin, BIP 78): two inputs of two addresses, at most two outputs, none
 * back to a payer, and one input that the payment did not need: the larger alone covers the larger output and the
 * fee. A wallet that adds inputs needlessly looks the same, so this keeps addresses apart and never says more.
 */
export function maybePayJoin(transaction: UtxoTransaction): boolean {
  const { inputs, outputs } = transaction
  if (inputs.length !== 2 || outputs.length !== 2) return false
  const [first, second] = inputs
  if (first.address === null || second.address === null || first.address === second.address) return false
  if (outputs.some(({ address }) => address === first.address || address === second.address)) return false
  const larger = first.amount > second.amount ? first.amount : second.amount
  const fee = first.amount + second.amount - outputs[0].amount - outputs[1].amount
  const payment = outputs[0].amount > outputs[1].amount ? outputs[0].amount : outputs[1].amount
  return larger >= payment + fee
}

/**
 * Whether a Stonewall may have two hands: two of three or four outputs equal, and more than one payer. The shape is no
 * proof of a CoinJoin, for one wallet makes it alone; nor are its inputs proof of one hand, for two wallets make it
 * together, and so does a JoinMarket round of two. So neither is said.
 */
export function maybeStonewall(transaction: UtxoTransaction): boolean {
  const { inputs, outputs } = transaction
  if (outputs.length < COINJOIN_PARAMETERS.stonewall.outputsMin || distinctScripts(inputs) < 2) return false
  if (outputs.length > COINJOIN_PARAMETERS.stonewall.outputsMax) return false
  const counts = countValues(outputs)
  if (!isStonewallShape(outputs, counts)) return false
  return modeOf(counts, (value) => value > COINJOIN_PARAMETERS.joinMarket.valueAbove)?.[1] === 2
}
