/**
 * Token transfers in the CSV shape of Tronscan's account listings: one row a transfer, as seen from one wallet's page.
 * What such files do not say is not made up: they have no block height and no log index.
 */
import { type AccountTransaction, type AssetFact, parseUnits, type Transfer } from '../../../graph/index.ts'
import { type ByteSource, readCsv } from '../../csv.ts'
import { Fault } from '../../faults.ts'
import { serviceOfLabel } from '../../tags/service-names.ts'
import type { Tag } from '../../tags/tag.ts'
import { canonicalAddress, explainAddress } from '../address.ts'

const CHAIN = 'tron'

export interface TronscanOptions {
  /** What the file is called in faults, rejects and the evidence of tags. */
  readonly name: string
  /** The source that its tags are claims of; default `Tronscan`. */
  readonly tagSource?: string
  /** Where each row's label can be checked; default the file and the line. */
  readonly tagEvidence?: string
}

/** A row that was not taken, and why. */
export interface RejectedRow {
  /** From 1, the header included. */
  readonly line: number
  readonly reason: string
}

export interface TronscanImport {
  /** In order of time, then id. Height and index are unknown; zero transfers and failed transactions are kept as such. */
  readonly transactions: readonly AccountTransaction[]
  /** One for each token contract, by its address. */
  readonly assets: readonly AssetFact[]
  /** The labels Tronscan shows beside addresses, one claim for each address and label. */
  readonly tags: readonly Tag[]
  readonly rejected: readonly RejectedRow[]
  readonly rows: number
  /** Rows that say again what another wallet's listing said. */
  readonly duplicates: number
  /** Rows that Tronscan marks as risky (its `status` 1 and 2, or `risk_tx`); they are taken all the same. */
  readonly flagged: number
  /** The wallets whose pages are listed, sorted: the column `wallet`, where there is one. */
  readonly wallets: readonly string[]
}

const NEEDED = ['timestamp', 'tx_id', 'from_address', 'to_address', 'quant', 'token_id', 'token_decimal'] as const

interface Draft {
  readonly id: string
  readonly time: number
  failed: boolean
  readonly transfers: Map<string, Omit<Transfer, 'index'>>
}

/**
 * Reads transfers, token facts and labels. Rules, each tested:
 *
 * - Columns go by name; unnamed or unknown trailing columns are passed over, rows may stop before them.
 * - A transaction failed where `contract_return` or a `result…` says anything but SUCCESS. Tronscan's `status` is not
 *   that: 1 and 2 mark address poisoning and dust, which did happen, and a balance is wrong without the dust.
 * - The same transaction, token, sender, recipient and amount is one transfer, however many rows say so: a transfer
 *   between two listed wallets stands on both pages. A second such row in one wallet's own listing is listed as rejected.
 * - Transfers of a transaction are numbered from 0 in the order of token, sender, recipient, amount.
 * - A token's symbol and decimals are what the file says of that contract; a name proves nothing.
 *
 * Faults: `LEDGER_INVALID` where the text or its header does not hold, `LEDGER_CONTRADICTS` where one transaction has
 * two times or one token two decimals.
 */
export async function readTronscanCsv(source: ByteSource, options: TronscanOptions): Promise<TronscanImport> {
  const { name } = options
  const drafts = new Map<string, Draft>()
  const assets = new Map<string, AssetFact>()
  const tags = new Map<string, Tag>()
  const wallets = new Set<string>()
  const listed = new Set<string>()
  const rejected: RejectedRow[] = []
  const proved = new Set<string>()
  let header: Map<string, number> | undefined
  let width = 0
  let rows = 0
  let duplicates = 0
  let flagged = 0

  for await (const { line, cells } of readCsv(source, { name, fault: 'LEDGER_INVALID' })) {
    if (header === undefined) {
      header = readHeader(cells, name)
      width = cells.length
      continue
    }
    rows++
    const columns = header
    const cell = (column: string): string => cells[columns.get(column) ?? -1] ?? ''
    const row = cells.length > width ? `${cells.length} cells, but the header names ${width}` : readRow(cell, proved)
    if (typeof row === 'string') {
      rejected.push({ line, reason: row })
      continue
    }
    const wallet = cell('wallet')
    if (wallet !== '') wallets.add(wallet)
    if (cell('risk_tx').toLowerCase() === 'true' || /^[12]$/.test(cell('status'))) flagged++
    const failed = [...columns].some(
      ([column, at]) =>
        /^(contract_return|result\d*)$/.test(column) &&
        (cells[at] ?? '') !== '' &&
        cells[at].toUpperCase() !== 'SUCCESS',
    )

    addAsset(assets, row, { name, line })
    const draft = drafts.get(row.id) ?? { id: row.id, time: row.time, failed: false, transfers: new Map() }
    drafts.set(row.id, draft)
    if (draft.time !== row.time) {
      throw new Fault('LEDGER_CONTRADICTS', `${name} line ${line}: transaction ${row.id} had another time before`)
    }
    draft.failed ||= failed
    const key = `${row.asset} ${row.from} ${row.to} ${row.amount}`
    const listing = `${wallet} ${row.id} ${key}`
    if (!draft.transfers.has(key)) {
      draft.transfers.set(key, { asset: row.asset, from: row.from, to: row.to, amount: row.amount })
    } else if (wallet !== '' && listed.has(listing)) {
      rejected.push({
        line,
        reason: `the same transfer of ${row.id} again in one listing: counted once, as no log index tells two apart`,
      })
    } else duplicates++
    listed.add(listing)

    for (const [address, label] of [
      [row.from, cell('from_tag')],
      [row.to, cell('to_tag')],
    ]) {
      if (label === '' || label.length > 256 || tags.has(`${address} ${label}`)) continue
      const service = serviceOfLabel(label)
      tags.set(`${address} ${label}`, {
        chain: CHAIN,
        address,
        label,
        category: service?.category ?? 'unknown',
        entity: service?.entity,
        source: options.tagSource ?? 'Tronscan',
        confidence: 'web_crawl',
        validFrom: undefined,
        validTo: undefined,
        evidence: options.tagEvidence ?? `${name} line ${line}`,
      })
    }
  }
  if (header === undefined) throw new Fault('LEDGER_INVALID', `${name}: the file is empty; a header line is wanted`)

  return {
    transactions: [...drafts.values()]
      .sort((a, b) => a.time - b.time || compareText(a.id, b.id))
      .map((draft) => toTransaction(draft)),
    assets: [...assets.values()].sort((a, b) => compareText(a.asset, b.asset)),
    tags: [...tags.values()].sort((a, b) => compareText(a.address, b.address) || compareText(a.label, b.label)),
    rejected,
    rows,
    duplicates,
    flagged,
    wallets: [...wallets].sort(compareText),
  }
}

interface Row {
  readonly id: string
  readonly time: number
  readonly asset: string
  readonly from: string
  readonly to: string
  readonly amount: bigint
  readonly symbol: string
  readonly decimals: number
}

function readHeader(cells: readonly string[], name: string): Map<string, number> {
  const header = new Map<string, number>()
  for (const [i, column] of cells.entries()) {
    if (column === '') continue
    if (header.has(column)) throw new Fault('LEDGER_INVALID', `${name} line 1: column ${column} stands there twice`)
    header.set(column, i)
  }
  for (const column of NEEDED) {
    if (!header.has(column)) {
      throw new Fault('LEDGER_INVALID', `${name} line 1: column ${column} is missing; wanted are ${NEEDED.join(', ')}`)
    }
  }
  return header
}

/** A row proved, or the sentence that says what is wrong with it. Addresses come again and again: each is proved once. */
function readRow(cell: (column: string) => string, proved: Set<string>): Row | string {
  const id = cell('tx_id').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(id))
    return `tx_id: ${JSON.stringify(cell('tx_id').slice(0, 80))} is not 64 hexadecimal digits`
  const timestamp = cell('timestamp')
  if (!/^[1-9]\d{12}$/.test(timestamp))
    return `timestamp: ${JSON.stringify(timestamp.slice(0, 40))} is not milliseconds`
  for (const column of ['from_address', 'to_address', 'token_id', 'wallet']) {
    const text = cell(column)
    if (column === 'wallet' && text === '') continue
    if (proved.has(text)) continue
    if (canonicalAddress(CHAIN, text) === undefined) return `${column}: ${explainAddress(CHAIN, text)}`
    proved.add(text)
  }
  const amount = parseUnits(cell('quant'))
  if (amount === undefined)
    return `quant: ${JSON.stringify(cell('quant').slice(0, 80))} is not a whole number of base units`
  if (!/^\d{1,2}$/.test(cell('token_decimal'))) {
    return `token_decimal: ${JSON.stringify(cell('token_decimal').slice(0, 40))} is not a number of decimals`
  }
  return {
    id,
    time: Math.floor(Number(timestamp) / 1000),
    asset: cell('token_id'),
    from: cell('from_address'),
    to: cell('to_address'),
    amount,
    symbol: cell('token_abbr').slice(0, 64),
    decimals: Number(cell('token_decimal')),
  }
}

function addAsset(assets: Map<string, AssetFact>, row: Row, where: { name: string; line: number }): void {
  const known = assets.get(row.asset)
  if (known === undefined) {
    assets.set(row.asset, { chain: CHAIN, asset: row.asset, symbol: row.symbol, decimals: row.decimals })
  } else if (known.decimals !== row.decimals) {
    throw new Fault(
      'LEDGER_CONTRADICTS',
      `${where.name} line ${where.line}: token ${row.asset} has ${row.decimals} decimals here and ${known.decimals} before`,
    )
  }
}

function toTransaction(draft: Draft): AccountTransaction {
  const transfers = [...draft.transfers.values()].sort(
    (a, b) =>
      compareText(a.asset, b.asset) ||
      compareText(a.from, b.from) ||
      compareText(a.to, b.to) ||
      (a.amount < b.amount ? -1 : a.amount > b.amount ? 1 : 0),
  )
  return {
    kind: 'account',
    chain: CHAIN,
    id: draft.id,
    height: undefined,
    index: undefined,
    time: draft.time,
    blockHash: undefined,
    status: draft.failed ? 'failed' : 'success',
    transfers: transfers.map((transfer, index) => ({ index, ...transfer })),
    fee: undefined,
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
