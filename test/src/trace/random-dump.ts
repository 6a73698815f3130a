import fc from 'fast-check'
import type { AccountTransaction, Input, Opening, Output, Transaction, UtxoTransaction } from '../../../graph/index.ts'
import type { LedgerLine } from '../../../src/chains/dump/decode.ts'
import { transactionRow } from '../../../src/report/ledger-file.ts'
import type { Tag } from '../../../src/tags/tag.ts'
import { idOf, lots } from '../../support/drawn-ledger.ts'

/** Whole ledgers drawn by chance, with a request and tags that make a trace of them. */
export interface RandomCase {
  readonly lines: LedgerLine[]
  readonly request: Record<string, unknown>
  readonly tags: Tag[]
}

const chain = 'drawn-chain'
const BITCOIN = 'bip122:00000000000000000000000000000001'

function tag(of: string, address: string, category: string): Tag {
  return {
    chain: of,
    address,
    label: `label of ${address}`,
    category,
    entity: undefined,
    source: 'drawn',
    confidence: undefined,
    validFrom: undefined,
    validTo: undefined,
    evidence: undefined,
  } as unknown as Tag
}

/** One ledger from a number: outputs or balances, with or without places, hubs, loops, burns, failures, look-alikes. */
export function drawCase(seed: number): RandomCase {
  const lot = lots(seed * 2 + 1)
  const utxo = lot(2) === 0
  const count = 20 + lot(120)
  const places = lot(4)
  const transactions = utxo ? drawOutputs(lot, count, places) : drawBalances(lot, count, places)
  const of = utxo ? BITCOIN : chain
  const addresses = [...new Set(transactions.flatMap((row) => namesOf(row)))].sort()
  const lines: LedgerLine[] = transactions.map((transaction) => ({ kind: 'transaction', transaction }))
  const tags: Tag[] = []
  for (const address of addresses) {
    const kind = lot(12)
    if (kind === 0) tags.push(tag(of, address, 'exchange'))
    if (kind === 1) tags.push(tag(of, address, 'mixing_service'))
    if (kind === 2) {
      const amount = BigInt(lot(500))
      lines.push({ kind: 'opening', opening: { chain: of, asset: 'native', address, amount } as Opening })
    }
    if (kind === 3 || kind === 4) lines.push({ kind: 'coverage', coverage: { chain: of, covers: [address] } })
  }
  if (lot(3) === 0) lines.push({ kind: 'coverage', coverage: { chain: of, covers: 'all' } })
  for (const [asset, symbol] of utxo
    ? [['native', 'BTC']]
    : [
        ['native', 'ETH'],
        ['coin', 'USDT'],
        ['fake', 'USDТ'],
        ['other', 'XYZ'],
      ]) {
    lines.push({ kind: 'asset', asset: { chain: of, asset, symbol, decimals: 2 } })
  }
  const seeds: unknown[] = []
  for (let tries = 0; tries < 40 && seeds.length < 1 + lot(3); tries++) {
    const row = transactions[lot(Math.ceil(transactions.length / 2))]
    const id = `s${seeds.length}`
    if (row.kind === 'utxo') {
      const output = lot(row.outputs.length)
      const { amount, address } = row.outputs[output]
      if (amount === 0n) continue
      if (lot(4) === 0 && address !== null && !row.inputs.some((input) => input.address === address)) {
        seeds.push({ id, chain: of, address, reason: 'drawn' })
      } else seeds.push({ id, chain: of, transaction: row.id, output, reason: 'drawn' })
    } else {
      const transfer = row.transfers[lot(Math.max(1, row.transfers.length))]
      if (transfer === undefined || row.status === 'failed' || transfer.amount === 0n || transfer.asset === 'fake')
        continue
      if (transfer.from === transfer.to) continue
      const { asset } = transfer
      if (lot(4) === 0) seeds.push({ id, chain: of, asset, address: transfer.to, reason: 'drawn' })
      else seeds.push({ id, chain: of, asset, transaction: row.id, transfer: transfer.index, reason: 'drawn' })
    }
  }
  const limits: Record<string, unknown> = {}
  if (lot(3) === 0) limits.hops = lot(6)
  if (lot(4) === 0) limits.amount = String(lot(60))
  if (lot(4) === 0) limits.until = new Date((1_500_000_000 + lot(count) * 600) * 1000).toISOString().replace('.000', '')
  if (lot(3) === 0) limits.transactions = 1 + lot(12)
  const pools = utxo ? [['output'], ['address'], ['output', 'address']][lot(3)] : ['address']
  const request = {
    case: `drawn ${seed}`,
    method: { primary: 'fifo', reason: 'drawn' },
    compare: pools[0] === 'address' && pools.length === 1 ? ['proRata', 'ownFirst'] : ['proRata'],
    seeds,
    pool: { [of]: pools.length === 1 ? pools[0] : pools },
    limits,
    rules: { depositSweep: false },
  }
  return { lines, request, tags }
}

function placed(number: number, places: number) {
  const height = Math.floor(number / 4)
  return {
    time: 1_500_000_000 + height * 600,
    height: places === 0 ? undefined : height,
    index: places === 0 || places === 1 ? undefined : number % 4,
    blockHash: undefined,
  }
}

function drawOutputs(lot: (below: number) => number, count: number, places: number): UtxoTransaction[] {
  const rows: UtxoTransaction[] = []
  const unspent: Input[] = []
  const fresh: Input[] = []
  const address = () => (lot(15) === 0 ? null : `a${lot(3 + Math.floor(count / 3))}`)
  for (let number = 0; number < count; number++) {
    const id = idOf(number)
    // Where blocks do not say the order within, only what an earlier block made is spent: which of a tie comes first may
    // else hang on rows that no seed reaches (docs/sources.md).
    if (number % 4 === 0 || places > 1) unspent.push(...fresh.splice(0))
    const coinbase = number < 4 || lot(9) === 0
    const inputs: Input[] = []
    for (let i = coinbase ? 0 : 1 + lot(3); i > 0 && unspent.length > 0; i--) {
      inputs.push(...unspent.splice(lot(unspent.length), 1))
    }
    const outputs: Output[] = []
    let left = inputs.length === 0 ? 1000n : inputs.reduce((sum, input) => sum + input.amount, 0n)
    for (let i = 1 + lot(4); i > 0; i--) {
      const amount = i === 1 ? left - (left > 3n ? BigInt(lot(3)) : 0n) : (left * BigInt(lot(100))) / 100n
      left -= amount
      outputs.push({ address: address(), amount })
    }
    const place = placed(number, places)
    rows.push({ kind: 'utxo', chain: BITCOIN, id, ...place, coinbase: inputs.length === 0, inputs, outputs })
    outputs.forEach(({ address, amount }, output) => {
      if (amount > 0n) fresh.push({ transaction: id, output, address, amount })
    })
  }
  return rows
}

function drawBalances(lot: (below: number) => number, count: number, places: number): AccountTransaction[] {
  const rows: AccountTransaction[] = []
  const account = () =>
    lot(40) === 0 ? '0x0000000000000000000000000000000000000000' : `a${lot(3 + Math.floor(count / 3))}`
  for (let number = 0; number < count; number++) {
    const from = account()
    const transfers = Array.from({ length: lot(4) }, (_, i) => ({
      index: i * 2,
      asset: ['native', 'coin', 'coin', 'coin', 'fake', 'other'][lot(6)],
      from: lot(3) === 0 ? account() : from,
      to: account(),
      amount: BigInt(lot(8) === 0 ? 0 : lot(200)),
    }))
    rows.push({
      kind: 'account',
      chain,
      id: idOf(number),
      ...placed(number, places),
      status: lot(10) === 0 ? 'failed' : 'success',
      transfers,
      fee: lot(3) === 0 ? undefined : { from, amount: BigInt(lot(5)) },
    })
  }
  return rows
}

function namesOf(row: Transaction): string[] {
  if (row.kind === 'account') return row.transfers.flatMap(({ from, to }) => [from, to])
  return [...row.inputs, ...row.outputs].flatMap(({ address }) => address ?? [])
}

/** The lines as a dump has them. */
export function dumpText(lines: readonly LedgerLine[]): string {
  return lines.map((line) => `${JSON.stringify(rowOf(line))}\n`).join('')
}

function rowOf(line: LedgerLine): unknown {
  switch (line.kind) {
    case 'transaction':
      return transactionRow(line.transaction)
    case 'opening':
      return { ...line.opening, amount: undefined, opening: line.opening.amount.toString() }
    case 'coverage':
      return line.coverage
    case 'asset':
      return line.asset
  }
}

export const anyCase: fc.Arbitrary<RandomCase> = fc.nat(1_000_000).map(drawCase)
