import { doubleSha256, hash160 } from '../../../../src/chains/bitcoin/hash.ts'
import { decodeRawTransaction, type RawTransaction, scriptToAddress } from '../../../../src/chains/bitcoin/index.ts'
import { buildBlock, coinbase, transaction } from './build.ts'

// A small chain of our own, whole from its first block, and what servers say of it. Each server can be made to lie.

export const CHAIN = 'bitcoin-regtest'

const keyOf = (tag: number): Buffer => Buffer.of(tag, tag)
export const lockedTo = (tag: number): Buffer =>
  Buffer.concat([Buffer.from('76a914', 'hex'), hash160(keyOf(tag)), Buffer.from('88ac', 'hex')])
/** An input that lays open the key; signatures are not looked at. */
const opening = (tag: number): Buffer => Buffer.concat([Buffer.of(1, 9, 2), keyOf(tag)])
/** Received 24 payments and spent some of them. */
export const BUSY = scriptToAddress(lockedTo(1), CHAIN)!
/** Received nothing. */
export const QUIET = scriptToAddress(lockedTo(99), CHAIN)!

export interface FakeTransaction {
  readonly id: string
  readonly bytes: Buffer
  readonly raw: RawTransaction
  readonly height: number
  readonly index: number
}

export interface FakeBlock {
  readonly hash: string
  readonly bytes: Buffer
  readonly header: Buffer
  readonly time: number
  readonly previous: string
  readonly transactions: readonly FakeTransaction[]
}

const idOf = (bytes: Buffer): Buffer => doubleSha256(bytes)
export const textOf = (hash: Buffer): string => Buffer.from(hash).reverse().toString('hex')

function makeBlocks(): FakeBlock[] {
  const blocks: FakeBlock[] = []
  const add = (spends: readonly Buffer[]): void => {
    const height = blocks.length
    const all = [coinbase(Buffer.of(0x50 + height, 1, height), 5_000_000_000n, lockedTo(50)), ...spends]
    const last = blocks[height - 1]
    const previous = last === undefined ? Buffer.alloc(32) : doubleSha256(last.header)
    const time = 1_600_000_000 + 600 * height
    const bytes = buildBlock(all, { version: 2, previous, time, nonce: height })
    const header = bytes.subarray(0, 80)
    blocks.push({
      hash: textOf(doubleSha256(header)),
      bytes,
      header,
      time,
      previous: textOf(previous),
      transactions: all.map((each, index) => {
        const raw = decodeRawTransaction(each, CHAIN)
        return { id: raw.id, bytes: each, raw, height, index }
      }),
    })
  }
  add([])
  // 24 outputs, then 24 payments of one each to the busy address, over three blocks, then it spends ten at once.
  const fan = transaction(
    [{ id: idOf(blocks[0].transactions[0].bytes), output: 0, script: opening(50) }],
    Array.from({ length: 24 }, (_, i) => ({ amount: 1_000_000n + BigInt(i), script: lockedTo(2) })),
  )
  add([fan])
  const payments = Array.from({ length: 24 }, (_, output) =>
    transaction(
      [{ id: idOf(fan), output, script: opening(2) }],
      [{ amount: 990_000n + BigInt(output), script: lockedTo(1) }],
    ),
  )
  for (let from = 0; from < 24; from += 8) add(payments.slice(from, from + 8))
  const sweep = transaction(
    payments.slice(0, 10).map((payment) => ({ id: idOf(payment), output: 0, script: opening(1) })),
    [
      { amount: 9_000_000n, script: lockedTo(3) },
      { amount: 0n, script: Buffer.from('6a0161', 'hex') },
    ],
  )
  const keyed = transaction(
    [{ id: idOf(sweep), output: 0, script: opening(3) }],
    [{ amount: 8_000_000n, script: bareKey() }],
  )
  add([sweep, keyed])
  return blocks
}

/** An output to a bare key, for which servers print no address. */
function bareKey(): Buffer {
  return Buffer.from('210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac', 'hex')
}

export const BLOCKS = makeBlocks()
export const TRANSACTIONS = new Map(BLOCKS.flatMap(({ transactions }) => transactions.map((each) => [each.id, each])))
export const SWEEP = BLOCKS[5].transactions[1]

/** The hashes beside a transaction's way up to the Merkle root. */
export function branchOf(block: FakeBlock, index: number): string[] {
  const branch: string[] = []
  let level = block.transactions.map(({ bytes }) => idOf(bytes))
  for (let place = index; level.length > 1; place >>= 1) {
    branch.push(textOf(level[place ^ 1] ?? level[place]))
    const above: Buffer[] = []
    for (let i = 0; i < level.length; i += 2)
      above.push(doubleSha256(Buffer.concat([level[i], level[i + 1] ?? level[i]])))
    level = above
  }
  return branch
}

/** A transaction as Esplora prints it. */
export function printTransaction({ id, raw, height }: FakeTransaction): Record<string, unknown> {
  const print = ({ amount, script, address }: RawTransaction['outputs'][number]): Record<string, unknown> => ({
    scriptpubkey: script.toString('hex'),
    ...(address === null || script.length === 35 ? {} : { scriptpubkey_address: address }),
    value: Number(amount),
  })
  const spent = raw.inputs.map(({ transaction: maker, output }) => TRANSACTIONS.get(maker)!.raw.outputs[output])
  const total = (legs: readonly { amount: bigint }[]): number =>
    Number(legs.reduce((sum, { amount }) => sum + amount, 0n))
  const block = BLOCKS[height]
  return {
    txid: id,
    version: 1,
    locktime: 0,
    vin: raw.coinbase
      ? [{ txid: '0'.repeat(64), vout: 0xffffffff, prevout: null, is_coinbase: true }]
      : raw.inputs.map((input, i) => ({
          txid: input.transaction,
          vout: input.output,
          prevout: print(spent[i]),
          is_coinbase: false,
        })),
    vout: raw.outputs.map(print),
    fee: raw.coinbase ? 0 : total(spent) - total(raw.outputs),
    status: { confirmed: true, block_height: height, block_hash: block.hash, block_time: block.time },
  }
}

/** The transactions of an address, newest first. */
export function transactionsOf(address: string): FakeTransaction[] {
  return [...TRANSACTIONS.values()].reverse().filter(({ raw }) => {
    const spends = raw.inputs.some(({ transaction: maker, output }) => {
      return TRANSACTIONS.get(maker)!.raw.outputs[output].address === address
    })
    return spends || raw.outputs.some((output) => output.address === address)
  })
}
