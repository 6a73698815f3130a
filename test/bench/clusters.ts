import { Clusters } from '../../graph/clusters.ts'
import type { Input, Output, UtxoTransaction } from '../../graph/ledger.ts'
import { UnionFind } from '../../graph/union-find.ts'

const OUTPUTS = 10_000_000
const BLOCK = 2_500

/** A small repeatable generator of numbers (a linear congruence): the same ledger each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const LETTERS = Buffer.from('qpzry9x8gf2tvdw0s3jn54khce6mua7l')
const TEXT = Buffer.from('bc1q'.padEnd(42, 'q'))

/** A text as long as a real address, new and flat each time as a decoder makes it, the same for the same number. */
function addressOf(number: number): string {
  let state = Math.imul(number + 1, 2_654_435_761) >>> 0
  for (let at = 4; at < 36; at++) {
    TEXT[at] = LETTERS[state >>> 27]
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  }
  for (let at = 36, rest = number; at < 42; at++, rest >>>= 5) TEXT[at] = LETTERS[rest & 31]
  return TEXT.toString('latin1')
}

interface Drawn {
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
}

/**
 * Wallets that spend as wallets do: one or two inputs mostly, now and then a consolidation, a payee and a change address. Address
 * numbers only; every eighth output goes to an address used before.
 */
function* drawBlocks(outputs: number): Generator<Drawn[]> {
  const pick = numbers(7)
  let addresses = 1_000
  let made = 0
  while (made < outputs) {
    const block: Drawn[] = []
    while (block.length < BLOCK && made < outputs) {
      const kind = pick(100)
      const count = kind < 55 ? 1 : kind < 85 ? 2 : kind < 99 ? 3 + pick(4) : 20 + pick(60)
      // Sixty-four addresses in a row are one wallet.
      const wallet = pick(addresses) & ~63
      const inputs: number[] = []
      for (let at = 0; at < count; at++) inputs.push(Math.min(addresses - 1, wallet + pick(64)))
      const paid: number[] = []
      const outs = kind === 98 ? 20 + pick(100) : 2
      for (let at = 0; at < outs; at++) paid.push(pick(8) === 0 ? pick(addresses) : addresses++)
      made += outs
      block.push({ inputs, outputs: paid })
    }
    yield block
  }
}

function toTransaction({ inputs, outputs }: Drawn, id: number, height: number, index: number): UtxoTransaction {
  const text = Buffer.from(id.toString(16).padStart(64, '0')).toString('latin1')
  return {
    kind: 'utxo',
    chain: 'bitcoin',
    id: text,
    height,
    index,
    time: 1_600_000_000 + height,
    blockHash: undefined,
    coinbase: false,
    inputs: inputs.map(
      (each): Input => ({
        transaction: text,
        output: 0,
        address: addressOf(each),
        amount: BigInt(10_000 + (each % 997)),
      }),
    ),
    outputs: outputs.map((each): Output => ({ address: addressOf(each), amount: BigInt(5_000 + (each % 9_973)) })),
  }
}

/** Processor time of this process so far, all threads: on a busy machine the clock on the wall measures the others. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function heapBytes(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/**
 * Clustering of ten million outputs against a union-find over bare integers that joins the same inputs. Both read the
 * same drawn ledger, made outside the clock. The ratio is the price of texts, of CoinJoin rules and of keeping every
 * transaction as evidence. Bytes are what stays in memory afterwards (`node --expose-gc`).
 */
export async function benchClusters(outputs = OUTPUTS): Promise<Record<string, unknown>> {
  let bareMs = 0
  let bareUnions = 0
  const bareStart = heapBytes()
  const bare = new UnionFind()
  for (const block of drawBlocks(outputs)) {
    const start = cpuMs()
    for (const { inputs } of block) {
      for (const input of inputs) bare.grow(input + 1)
      for (let at = 1; at < inputs.length; at++) if (bare.union(inputs[0], inputs[at])) bareUnions++
    }
    bareMs += cpuMs() - start
  }
  const bareBytes = heapBytes() - bareStart

  let ms = 0
  let transactions = 0
  let inputs = 0
  let height = 0
  const start = heapBytes()
  const clusters = new Clusters({ commonInput: true, change: [] })
  for (const drawnBlock of drawBlocks(outputs)) {
    const block = drawnBlock.map((each, index) => toTransaction(each, transactions + index, height, index))
    for (const each of block) inputs += each.inputs.length
    const blockStart = cpuMs()
    clusters.addBlock(block)
    ms += cpuMs() - blockStart
    transactions += block.length
    height++
  }
  const bytes = heapBytes() - start
  const { addresses } = clusters.size
  return {
    outputs,
    numbers: bare.size,
    transactions,
    inputs,
    addresses,
    joins: bareUnions,
    bareCpuMs: Math.round(bareMs),
    clustersCpuMs: Math.round(ms),
    timesBareUnionFind: Number((ms / bareMs).toFixed(2)),
    outputsPerCpuSecond: Math.round((outputs / ms) * 1000),
    bareBytes,
    clustersBytes: bytes,
    bytesPerAddress: Number((bytes / addresses).toFixed(1)),
  }
}
