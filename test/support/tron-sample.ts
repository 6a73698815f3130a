/** Makes `samples/tron-usdt-seized-wallets` from its verbatim sources: the same bytes every time. */
import { gunzipSync } from 'fflate'
import type { AccountTransaction } from '../../graph/index.ts'
import { readTronscanCsv } from '../../src/chains/tron/tronscan-csv.ts'
import { readCsv } from '../../src/csv.ts'
import { tagsToCsv } from '../../src/tags/csv.ts'
import type { Tag } from '../../src/tags/tag.ts'
import { parseTime } from '../../src/tags/time.ts'

export const TRON_SAMPLE_SOURCE =
  'https://github.com/hfuhruhurr/aso-effectiveness/tree/626c1d98984646fb7dc3e8c8994975c1a603f2ad/data'

export interface TronSample {
  /** The dump's lines, before compression. */
  readonly ledger: string
  readonly transactions: readonly AccountTransaction[]
  readonly tags: string
  readonly covered: readonly string[]
  readonly uncovered: readonly string[]
  readonly counts: Readonly<Record<string, number>>
}

export async function makeTronSample(files: {
  readonly transfersGz: Uint8Array
  readonly wallets: Uint8Array
  readonly orders: Uint8Array
}): Promise<TronSample> {
  const read = await readTronscanCsv(gunzipSync(files.transfersGz), {
    name: 'trc20_xfers.csv',
    tagSource: 'Tronscan',
    tagEvidence: `${TRON_SAMPLE_SOURCE}/trc20_xfers.csv`,
  })
  const covered = read.wallets.filter((wallet) => lowestBalance(read.transactions, wallet) >= 0n)
  const uncovered = read.wallets.filter((wallet) => !covered.includes(wallet))
  const lines = [
    ...read.assets.map(({ chain, asset, symbol, decimals }) => JSON.stringify({ chain, asset, symbol, decimals })),
    JSON.stringify({ chain: 'tron', covers: covered }),
    ...read.transactions.map((transaction) => JSON.stringify(dumpLine(transaction))),
  ]
  const seizures = await seizureTags(files.wallets, files.orders, new Set(read.wallets))
  return {
    ledger: `${lines.join('\n')}\n`,
    transactions: read.transactions,
    tags: tagsToCsv([...read.tags, ...seizures]),
    covered,
    uncovered,
    counts: {
      rows: read.rows,
      duplicates: read.duplicates,
      rejected: read.rejected.length,
      flagged: read.flagged,
      transactions: read.transactions.length,
      tokens: read.assets.length,
      labels: read.tags.length,
    },
  }
}

/** The least that any one token's balance of a wallet comes to, what came in counted first where two share a second. */
function lowestBalance(transactions: readonly AccountTransaction[], wallet: string): bigint {
  const events: { asset: string; time: number; change: bigint }[] = []
  for (const { time, transfers } of transactions) {
    for (const { asset, from, to, amount } of transfers) {
      if (to === wallet) events.push({ asset, time, change: amount })
      if (from === wallet) events.push({ asset, time, change: -amount })
    }
  }
  events.sort((a, b) => a.time - b.time || (a.change > b.change ? -1 : a.change < b.change ? 1 : 0))
  const held = new Map<string, bigint>()
  let lowest = 0n
  for (const { asset, change } of events) {
    const balance = (held.get(asset) ?? 0n) + change
    held.set(asset, balance)
    if (balance < lowest) lowest = balance
  }
  return lowest
}

/** A line of a ledger dump (DESIGN.md 4.1). */
function dumpLine(transaction: AccountTransaction): unknown {
  return {
    chain: transaction.chain,
    id: transaction.id,
    time: new Date(transaction.time * 1000).toISOString().replace('.000Z', 'Z'),
    status: transaction.status,
    transfers: transaction.transfers.map(({ index, asset, from, to, amount }) => ({
      index,
      asset,
      from,
      to,
      amount: amount.toString(),
    })),
  }
}

/** One claim for each wallet that an order names, standing from the day the order was signed. */
async function seizureTags(wallets: Uint8Array, orders: Uint8Array, listed: ReadonlySet<string>): Promise<Tag[]> {
  const signed = new Map<string, number | undefined>()
  for await (const { cells } of readCsv(orders, { name: 'aso_inventory.csv', fault: 'TAGS_INVALID' })) {
    const [month, day, year] = (cells[2] ?? '').split('/')
    signed.set(cells[1], parseTime(`${year}-${month}-${day}`))
  }
  const tags: Tag[] = []
  for await (const { cells } of readCsv(wallets, { name: 'tron_wallets.csv', fault: 'TAGS_INVALID' })) {
    const [, address, , , order] = cells
    if (!listed.has(address)) continue
    tags.push({
      chain: 'tron',
      address,
      label: `Named in seizure order ${order}`,
      category: 'seizure',
      entity: undefined,
      source: 'Israeli National Bureau for Counter Terror Financing',
      confidence: 'authority_data',
      validFrom: signed.get(order),
      validTo: undefined,
      evidence: `${TRON_SAMPLE_SOURCE}/tron_wallets.csv`,
    })
  }
  return tags
}
