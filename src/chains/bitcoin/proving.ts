import type { Chain, Input, UtxoTransaction } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { hashText, provesWork } from './block.ts'
import { doubleSha256, hashPair } from './hash.ts'
import { getChainParams } from './params.ts'
import { decodeRawTransaction, type RawTransaction } from './raw-transaction.ts'

// What sources over the network have in common: whatever they say is held to hashes, or it is a fault.

/** A block's 80 bytes, held to its hash and its work. */
export interface ProvenHeader {
  readonly hash: string
  readonly previous: string
  /** Seconds since the epoch. */
  readonly time: number
  /** In the order it is computed. */
  readonly merkleRoot: Buffer
}

const HEX_64 = /^[0-9a-f]{64}$/

/** Whether a value is an id or a hash as people write it. */
export function isHash(value: unknown): value is string {
  return typeof value === 'string' && HEX_64.test(value)
}

/** Whole hexadecimal text as bytes; undefined for anything else. */
export function hexBytes(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || value.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(value)) return undefined
  return Buffer.from(value, 'hex')
}

/** A whole number from 0 to 2^53 − 1; undefined for anything else. */
export function wholeNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** A plain object; undefined for anything else. */
export function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}

export function contradicts(detail: string): Fault {
  return new Fault('SOURCE_CONTRADICTS', detail)
}

/** Holds the bytes of a header to the hash that was asked for and to the chain's work. */
export function proveHeader(chain: Chain, hash: string, header: Buffer | undefined): ProvenHeader {
  if (header?.length !== 80) throw contradicts(`the header of block ${hash} is not 80 bytes`)
  const found = hashText(doubleSha256(header), 0)
  if (found !== hash) throw contradicts(`block ${hash} came with the header of ${found}`)
  const params = getChainParams(chain)
  // Behind a merge-mined header stands another chain's proof, which these sources do not give.
  const merged = params.auxiliaryWork && (header.readUInt32LE(0) & 0x100) !== 0
  if (params.checkWork && !merged && !provesWork(params, header, header.readUInt32LE(72))) {
    throw contradicts(`the header of block ${hash} does not prove its work; is the source one of ${chain}?`)
  }
  return {
    hash,
    previous: hashText(header, 4),
    time: header.readUInt32LE(68),
    merkleRoot: Buffer.from(header.subarray(36, 68)),
  }
}

const inHashOrder = (id: string): Buffer => Buffer.from(id, 'hex').reverse()

/** Proves that a transaction stands at a place in a block by the hashes beside its way up to the Merkle root. */
export function proveInclusion(header: ProvenHeader, id: string, place: number, branch: readonly string[]): void {
  if (branch.length > 32) throw contradicts(`the Merkle branch of ${id} has ${branch.length} hashes`)
  const pair = Buffer.allocUnsafe(64)
  const hash = inHashOrder(id)
  let rest = place
  for (const sibling of branch) {
    const right = rest % 2
    const other = inHashOrder(sibling)
    // A right-hand hash equal to its left one is the copy that closes an odd level; nothing real stands there.
    if (right === 1 && other.equals(hash))
      throw contradicts(`the Merkle branch of ${id} names a place that does not exist`)
    hash.copy(pair, 32 * right)
    other.copy(pair, 32 - 32 * right)
    hashPair(pair, 0, hash, 0)
    rest = Math.floor(rest / 2)
  }
  if (rest !== 0 || !hash.equals(header.merkleRoot)) {
    throw contradicts(`transaction ${id} is not at place ${place} of block ${header.hash}, as the source says`)
  }
}

/** Proves that a list of ids is all of a block's, in order. */
export function proveList(header: ProvenHeader, ids: readonly string[]): void {
  let level = ids.map(inHashOrder)
  const pair = Buffer.allocUnsafe(64)
  while (level.length > 1) {
    const above: Buffer[] = []
    for (let i = 0; i < level.length; i += 2) {
      const right = level[i + 1] ?? level[i]
      if (i + 1 < level.length && right.equals(level[i]))
        throw contradicts(`block ${header.hash} names transactions twice`)
      level[i].copy(pair, 0)
      right.copy(pair, 32)
      const node = Buffer.allocUnsafe(32)
      hashPair(pair, 0, node, 0)
      above.push(node)
    }
    level = above
  }
  if (level.length === 0 || !level[0].equals(header.merkleRoot)) {
    throw contradicts(`the ids given for block ${header.hash} do not give its Merkle root`)
  }
}

/** Holds raw bytes to the id they were asked by. */
export function proveTransaction(chain: Chain, id: string, raw: Buffer | undefined): RawTransaction {
  if (raw === undefined || raw.length === 0)
    throw contradicts(`the raw bytes of transaction ${id} are not hexadecimal text`)
  // 64 bytes could as well be two hashes, an inner node of a Merkle tree passed off as a transaction (CVE-2017-12842).
  if (raw.length === 64)
    throw contradicts(`transaction ${id} has 64 bytes, as a node of a Merkle tree has; it is not taken`)
  const transaction = decodeRawTransaction(raw, chain)
  if (transaction.id !== id) throw contradicts(`transaction ${id} was asked for, ${transaction.id} came`)
  return transaction
}

/** Where a transaction stands, proven or as the source says. */
export interface Standing {
  readonly height: number
  readonly index: number
  readonly time: number
  readonly blockHash: string
}

/** Puts a proven transaction and what it spends into the ledger's form; value is conserved or it is a fault. */
export function toLedger(
  chain: Chain,
  raw: RawTransaction,
  inputs: readonly Input[],
  standing: Standing,
): UtxoTransaction {
  const taken = inputs.reduce((sum, { amount }) => sum + amount, 0n)
  const paid = raw.outputs.reduce((sum, { amount }) => sum + amount, 0n)
  if (!raw.coinbase && paid > taken) throw contradicts(`transaction ${raw.id} gives out ${paid} and takes in ${taken}`)
  return {
    kind: 'utxo',
    chain,
    id: raw.id,
    height: standing.height,
    index: standing.index,
    time: standing.time,
    blockHash: standing.blockHash,
    coinbase: raw.coinbase,
    inputs,
    outputs: raw.outputs.map(({ address, amount }) => ({ address, amount })),
  }
}

/** The output that an input names, taken from the proven bytes of its maker. */
export function spentOutput(maker: RawTransaction, output: number): Input {
  const found = maker.outputs[output]
  if (found === undefined)
    throw contradicts(`output ${output} of ${maker.id} is spent, and it has ${maker.outputs.length}`)
  return { transaction: maker.id, output, address: found.address, amount: found.amount }
}
