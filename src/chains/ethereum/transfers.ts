import { type AccountTransaction, type Asset, NATIVE, type Transfer } from '../../../graph/index.ts'
import { canonicalAddress } from '../address.ts'

/**
 * How transfers of an EVM transaction are numbered (docs/formats.md), the same whoever tells of it:
 *
 * - `0`: the coin that the transaction itself carries;
 * - `1 + n`: the token transfer whose log has index `n` in its block;
 * - `INTERNAL_FIRST + k`: the `k`-th of the calls inside it that moved coin, in the order in which they were begun.
 *
 * No two can meet: a block's gas keeps log indexes far below 2^25. A source that cannot see one kind shifts no other.
 */
export const INTERNAL_FIRST = 2 ** 25

/** keccak-256 of `Transfer(address,address,uint256)` (ERC-20). */
export const TRANSFER_TOPIC = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

/** A log, proved to be of its kinds. */
export interface EvmLog {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
  /** Its place in the block. */
  readonly index: number
}

/**
 * The token transfer that a log tells, if it tells one: the ERC-20 event has both parties as topics and the amount as data.
 * The ERC-721 event of that name has a fourth topic, a thing's number and no amount: it is not one.
 */
export function transferOfLog(log: EvmLog): Transfer | undefined {
  const { topics, data } = log
  if (topics.length !== 3 || topics[0] !== TRANSFER_TOPIC || !/^0x[0-9a-f]{64}$/.test(data)) return undefined
  const from = addressOfTopic(topics[1])
  const to = addressOfTopic(topics[2])
  const asset = canonicalAddress('ethereum', log.address)
  if (from === undefined || to === undefined || asset === undefined) return undefined
  return { index: 1 + log.index, asset, from, to, amount: BigInt(data) }
}

function addressOfTopic(topic: string): string | undefined {
  // A contract may log anything; what is no address was no payment.
  return /^0x0{24}[0-9a-f]{40}$/.test(topic) ? canonicalAddress('ethereum', `0x${topic.slice(26)}`) : undefined
}

/** A call inside a transaction that moved coin, in canonical addresses. */
export interface InternalTransfer {
  readonly from: string
  readonly to: string
  readonly amount: bigint
}

/** What a transaction is made of before its transfers are numbered. */
export interface EvmParts {
  readonly chain: string
  readonly id: string
  readonly height: number
  readonly index: number
  readonly time: number
  readonly blockHash: string
  readonly from: string
  /** Who the coin went to: the account called, or the contract made; null where neither is known. */
  readonly to: string | null
  readonly value: bigint
  readonly failed: boolean
  readonly fee: bigint
  readonly logs: readonly EvmLog[]
  readonly internals: readonly InternalTransfer[]
}

/** Puts an EVM transaction into the ledger's form. A failed one keeps the coin it tried to send, for the list of what was rejected. */
export function toAccountTransaction(parts: EvmParts): AccountTransaction {
  const transfers: Transfer[] = []
  if (parts.value > 0n && parts.to !== null) {
    transfers.push({ index: 0, asset: NATIVE, from: parts.from, to: parts.to, amount: parts.value })
  }
  if (!parts.failed) {
    for (const log of parts.logs) {
      const transfer = transferOfLog(log)
      if (transfer !== undefined) transfers.push(transfer)
    }
    parts.internals.forEach(({ from, to, amount }, k) => {
      transfers.push({ index: INTERNAL_FIRST + k, asset: NATIVE as Asset, from, to, amount })
    })
  }
  return {
    kind: 'account',
    chain: parts.chain,
    id: parts.id,
    height: parts.height,
    index: parts.index,
    time: parts.time,
    blockHash: parts.blockHash,
    status: parts.failed ? 'failed' : 'success',
    transfers: transfers.sort((a, b) => a.index - b.index),
    fee: { from: parts.from, amount: parts.fee },
  }
}
