import { type Amount, type Input, invariant, type Output, type UtxoTransaction } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { addressOfScript } from './address.ts'
import { type DecodedBlock, hashText, transactionId } from './block.ts'
import { spenderAddress } from './spender.ts'
import type { Prevouts } from './undo.ts'

/** What to do with an input whose amount nothing at hand tells. */
export type MissingAmounts = 'refuse' | 'assumeNoFee'

/** An amount that was not read but taken, and why it may be taken so. */
export interface AssumedAmount {
  readonly transaction: string
  /** Place among the transaction's inputs. */
  readonly input: number
  readonly amount: Amount
  /**
   * `noFee`: the one unknown input is what the outputs need beside the known inputs, so the real one is this plus the fee.
   * `first`: the first of several unknown inputs carries all that the outputs need; how it divides is not known.
   * `zero`: one of the others.
   */
  readonly rule: 'noFee' | 'first' | 'zero'
}

export interface BlockTransactions {
  /** In their order; `index` is the place in the block (but see `toTransactions`). */
  readonly transactions: readonly UtxoTransaction[]
  /** Empty where every amount was read. */
  readonly assumed: readonly AssumedAmount[]
}

/** An input as the block alone tells it. */
export interface BlockInput {
  readonly transaction: string
  readonly output: number
  /** Null where the spent script has no address, undefined where it is not known. */
  readonly address: string | null | undefined
  /** Undefined where the spent output is of an earlier block and there is no undo data. */
  readonly amount: Amount | undefined
}

/** Works out the texts of a block once: an output that is spent in the same block is asked for twice. */
class BlockTexts {
  readonly #block: DecodedBlock
  readonly #prevouts: Prevouts | undefined
  readonly #addresses: (string | null | undefined)[]
  readonly #ids: (string | undefined)[]

  constructor(block: DecodedBlock, prevouts: Prevouts | undefined) {
    this.#block = block
    this.#prevouts = prevouts
    this.#addresses = new Array(block.outputAmount.length)
    this.#ids = new Array(block.transactionCount)
  }

  id(transaction: number): string {
    let id = this.#ids[transaction]
    if (id === undefined) this.#ids[transaction] = id = transactionId(this.#block, transaction)
    return id
  }

  outputAddress(output: number): string | null {
    let address = this.#addresses[output]
    if (address === undefined) {
      const { params, bytes, outputScriptStart, outputScriptEnd } = this.#block
      address = addressOfScript(params, bytes, outputScriptStart[output], outputScriptEnd[output])
      this.#addresses[output] = address
    }
    return address
  }

  inputAddress(input: number): string | null | undefined {
    const block = this.#block
    const parent = block.inputParent[input]
    if (parent !== -1) return this.outputAddress(parent)
    const prevouts = this.#prevouts
    if (prevouts === undefined) return spenderAddress(block, input)
    return addressOfScript(block.params, prevouts.bytes, prevouts.scriptStart[input], prevouts.scriptEnd[input])
  }

  inputAmount(input: number): Amount | undefined {
    const parent = this.#block.inputParent[input]
    if (parent !== -1) return this.#block.outputAmount[parent]
    return this.#prevouts?.amount[input]
  }
}

/** The inputs of one transaction of a block as the block alone tells them; none for the coinbase. */
export function blockInputs(block: DecodedBlock, transaction: number): BlockInput[] {
  const texts = new BlockTexts(block, undefined)
  const inputs: BlockInput[] = []
  for (let i = block.inputStart[transaction]; i < block.inputStart[transaction + 1]; i++) {
    const at = block.inputOffset[i]
    inputs.push({
      transaction: hashText(block.bytes, at),
      output: block.bytes.readUInt32LE(at + 32),
      address: texts.inputAddress(i),
      amount: texts.inputAmount(i),
    })
  }
  return inputs
}

/**
 * The transactions of a block for the ledger. Amounts and addresses of what is spent come from `prevouts`, or, for
 * outputs of the same block, from the block. Without `prevouts` an input's address is what the input itself shows for
 * certain (`spenderAddress`), else null, and its amount is unknown; then `missing` decides:
 *
 * - `refuse`, the default: a fault `UNDO_INVALID` that names the first such input;
 * - `assumeNoFee`: outputs less known inputs is put on the first unknown input of the transaction, zero on its other
 *   unknown inputs, and each is listed in `assumed`. The fee comes out as zero (or as what known inputs leave over), and
 *   no other number is invented.
 *
 * Value is conserved or it is a fault: no transaction gives out more than it takes in (`UNDO_INVALID` where undo data says so,
 * else `BLOCK_INVALID`), and with every amount and the height known the coinbase mints no more than subsidy and fees.
 *
 * Where a chain lists transactions by id (Bitcoin Cash since 2018-11), an output can be spent by a transaction that stands
 * before the one that makes it. There `index` is the place after each such maker was moved before its spender, and no
 * other order was changed, since the order of the ledger is the order of events.
 */
export function toTransactions(
  block: DecodedBlock,
  prevouts: Prevouts | undefined,
  options: { readonly missing?: MissingAmounts } = {},
): BlockTransactions {
  const { bytes, inputStart, inputOffset, outputStart, outputAmount } = block
  if (prevouts !== undefined) checkPrevouts(block, prevouts)
  const texts = new BlockTexts(block, prevouts)
  const transactions: UtxoTransaction[] = []
  const assumed: AssumedAmount[] = []
  let fees = 0n
  let minted = 0n
  const order = orderOfEvents(block)
  for (let index = 0; index < block.transactionCount; index++) {
    const t = order === undefined ? index : order[index]
    const id = texts.id(t)
    const outputs: Output[] = []
    let paid = 0n
    for (let output = outputStart[t]; output < outputStart[t + 1]; output++) {
      const amount = outputAmount[output]
      paid += amount
      outputs.push({ address: texts.outputAddress(output), amount })
    }

    const inputs: Input[] = []
    let taken = 0n
    let unknown = 0
    for (let i = inputStart[t]; i < inputStart[t + 1]; i++) {
      const amount = texts.inputAmount(i)
      if (amount === undefined) unknown++
      else taken += amount
      const at = inputOffset[i]
      const parent = block.inputParent[i]
      inputs.push({
        transaction: parent === -1 ? hashText(bytes, at) : texts.id(makerOf(block, parent)),
        output: (bytes[at + 32] | (bytes[at + 33] << 8) | (bytes[at + 34] << 16) | (bytes[at + 35] << 24)) >>> 0,
        address: texts.inputAddress(i) ?? null,
        amount: amount ?? UNKNOWN,
      })
    }
    if (unknown > 0) {
      if (options.missing !== 'assumeNoFee') throw missingFault(block, id, inputs)
      taken += assumeNoFee(id, inputs, unknown, paid > taken ? paid - taken : 0n, assumed)
    }
    if (t === 0) minted = paid
    else {
      if (paid > taken) throw unbalanced(block, prevouts, id, `gives out ${paid} and takes in ${taken}`)
      fees += taken - paid
    }
    transactions.push({
      kind: 'utxo',
      chain: block.chain,
      id,
      height: block.height,
      index,
      time: block.time,
      blockHash: block.hash,
      coinbase: t === 0,
      inputs,
      outputs,
    })
  }
  if (assumed.length === 0 && block.height !== undefined) {
    const most = block.params.subsidyMax(block.height) + fees
    if (minted > most) throw unbalanced(block, prevouts, texts.id(0), `mints ${minted}; subsidy and fees are ${most}`)
  }
  return { transactions, assumed }
}

/** Stands in for an unknown amount until `missing` has decided; no amount is negative. */
const UNKNOWN = -1n

function missingFault(block: DecodedBlock, id: string, inputs: readonly Input[]): Fault {
  const input = inputs.findIndex(({ amount }) => amount === UNKNOWN)
  const { transaction, output } = inputs[input]
  return new Fault(
    'UNDO_INVALID',
    `block ${block.hash}: transaction ${id}, input ${input} spends ${transaction}:${output} of an earlier block, and without undo data its amount is not known; give the undo data, or ask for assumed amounts by name (assumeNoFee)`,
  )
}

function unbalanced(block: DecodedBlock, prevouts: Prevouts | undefined, id: string, how: string): Fault {
  return prevouts === undefined
    ? new Fault('BLOCK_INVALID', `block ${block.hash}: transaction ${id} ${how}`)
    : new Fault(
        'UNDO_INVALID',
        `block ${block.hash}: with this undo data transaction ${id} ${how}; it is not this block's`,
      )
}

/** Fills the unknown amounts of one transaction and lists them; answers what it put in. */
function assumeNoFee(id: string, inputs: Input[], unknown: number, needed: Amount, assumed: AssumedAmount[]): Amount {
  let first = true
  for (let i = 0; i < inputs.length; i++) {
    if (inputs[i].amount !== UNKNOWN) continue
    const amount = first ? needed : 0n
    inputs[i] = { ...inputs[i], amount }
    assumed.push({ transaction: id, input: i, amount, rule: unknown === 1 ? 'noFee' : first ? 'first' : 'zero' })
    first = false
  }
  return needed
}

/** The transaction that makes an output of the block: the last that starts at or before it. */
function makerOf(block: DecodedBlock, output: number): number {
  let low = 0
  let high = block.transactionCount - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (block.outputStart[middle] <= output) low = middle
    else high = middle - 1
  }
  return low
}

/** Holds undo data to what the block itself knows: outputs made and spent within it. */
function checkPrevouts(block: DecodedBlock, prevouts: Prevouts): void {
  invariant(prevouts.count === block.inputOffset.length, 'there is one spent output for each input')
  for (let i = 0; i < prevouts.count; i++) {
    const parent = block.inputParent[i]
    if (parent === -1) continue
    const sameAmount = prevouts.amount[i] === block.outputAmount[parent]
    const start = block.outputScriptStart[parent]
    const end = block.outputScriptEnd[parent]
    const length = end - start
    let same = sameAmount && prevouts.scriptEnd[i] - prevouts.scriptStart[i] === length
    for (let at = 0; same && at < length; at++)
      same = prevouts.bytes[prevouts.scriptStart[i] + at] === block.bytes[start + at]
    if (!same) {
      throw new Fault(
        'UNDO_INVALID',
        `block ${block.hash}: spent output ${i} is made in the same block, and there it has another amount or script`,
      )
    }
  }
}

/** The order of events where a block does not keep it: makers before spenders, otherwise as they stand. Undefined: as they stand. */
function orderOfEvents(block: DecodedBlock): Uint32Array | undefined {
  if (!block.params.unordered) return undefined
  const { transactionCount, inputStart, inputParent } = block
  const order = new Uint32Array(transactionCount)
  const placed = new Uint8Array(transactionCount)
  let count = 0
  // The transaction being placed, on top of those that wait for it, and how far its inputs were looked at.
  const waiting: number[] = []
  const nextInput = inputStart.slice(0, transactionCount)
  for (let t = 0; t < transactionCount; t++) {
    if (placed[t] === 1) continue
    waiting.push(t)
    while (waiting.length > 0) {
      invariant(waiting.length <= transactionCount, 'an id cannot be the hash of what names it')
      const top = waiting[waiting.length - 1]
      let maker = -1
      while (maker === -1 && nextInput[top] < inputStart[top + 1]) {
        const parent = inputParent[nextInput[top]++]
        if (parent === -1) continue
        const found = makerOf(block, parent)
        if (placed[found] === 0) maker = found
      }
      if (maker !== -1) waiting.push(maker)
      else {
        waiting.pop()
        placed[top] = 1
        order[count++] = top
      }
    }
  }
  return order
}
