/**
 * Public lists of labelled addresses, each in the shape its publisher gives it: block explorers' label exports (JSON and CSV), Forta's
 * labelled datasets, lists of exchange wallets, and Israel's crypto seizure orders. What a row says is kept; what it cannot prove is rejected
 * by its line.
 */
import { canonicalAddress, chainsOfAddress, explainAddress, hasAddressRule } from '../chains/address.ts'
import { readCsv } from '../csv.ts'
import { Fault } from '../faults.ts'
import { readTagData } from './categories.ts'
import { serviceOfLabel } from './service-names.ts'
import type { RejectedTag, Tag } from './tag.ts'
import { parseTime } from './time.ts'

const words = readTagData('label-lists.json') as {
  readonly explorers: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly chains: Readonly<Record<string, string>>
  readonly chainIds: Readonly<Record<string, string>>
}

export interface LabelledTags {
  readonly tags: readonly Tag[]
  readonly rejected: readonly RejectedTag[]
}

/** The shapes, by the columns that only they have. */
const SHAPES = {
  explorer: ['Address', 'Name Tag', 'Balance', 'Txn Count'],
  fortaPhishing: ['address', 'etherscan_tag', 'etherscan_labels', 'is_contract'],
  fortaContracts: ['contract_address', 'contract_tag', 'contract_creator', 'source', 'notes'],
  fortaBanned: ['banned_address', 'wallet_tag', 'data_source'],
  exchangeWallets: ['exchange', 'chain', 'address', 'source_file'],
  bitcoinBook: ['category', 'label', 'address', 'validation'],
  seizureOrders: ['seizure_order', 'wallet_or_account_id', 'kind', 'asset_as_listed'],
  seizureReleases: ['סוג', 'תאריך עדכון', 'תוקף הצו'],
} as const
export type LabelShape = keyof typeof SHAPES

/** Which of the shapes a header row has; undefined for none of them. */
export function labelShapeOf(header: readonly string[]): LabelShape | undefined {
  return (Object.keys(SHAPES) as LabelShape[]).find((shape) => SHAPES[shape].every((column) => header.includes(column)))
}

/** Whether a JSON text begins as an explorer's export does: addresses, each with a name and labels. */
export function isExplorerJson(start: string): boolean {
  return /^\s*\{\s*"0x[0-9a-fA-F]{40}"\s*:\s*\{\s*"(?:name|labels)"\s*:/.test(start)
}

/** A row in the making: what it says, before chain, address and categories are proved. */
interface Labelled {
  readonly line: number
  readonly chain: string | undefined
  readonly address: string
  readonly label: string
  readonly categories: readonly string[]
  readonly entity?: string | undefined
  readonly source: string
  readonly confidence: string | undefined
  readonly evidence: string
  readonly validFrom?: number | undefined
  readonly validTo?: number | undefined
}

class Rows {
  readonly tags: Tag[] = []
  readonly rejected: RejectedTag[] = []
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  reject(line: number, reason: string): void {
    this.rejected.push({ name: this.#name, line, reason })
  }

  add(row: Labelled): void {
    const { line, chain, address: written } = row
    const address = chain === undefined ? undefined : canonicalAddress(chain, written)
    if (chain === undefined || address === undefined || row.label === '') {
      const shown = JSON.stringify(written.slice(0, 128))
      if (chain === undefined) this.reject(line, `address: ${shown}: the file does not say which chain it is on`)
      else if (address === undefined) this.reject(line, `address: ${explainAddress(chain, written)}`)
      else this.reject(line, 'label: it is empty')
      return
    }
    for (const category of row.categories.length === 0 ? ['unknown'] : new Set(row.categories)) {
      this.tags.push({
        ...{ chain, address, category },
        label: row.label.slice(0, 1_000),
        entity: row.entity,
        source: row.source,
        confidence: row.confidence,
        validFrom: row.validFrom,
        validTo: row.validTo,
        evidence: row.evidence.slice(0, 2_000),
      })
    }
  }
}

/** The chain of an explorer's export, by the file's name. */
function explorerOf(name: string): { readonly chain: string; readonly source: string } | undefined {
  const first = name.toLowerCase().split(/[.\-_ ]/, 1)[0]
  const chain = Object.hasOwn(words.explorers, first) ? words.explorers[first] : undefined
  return chain === undefined ? undefined : { chain, source: `${first} labels` }
}

/** What an explorer's labels and name tag say: categories, and the service they name. */
function readLabels(name: string, labels: readonly string[]): { categories: string[]; entity: string | undefined } {
  const service = [name.split(':', 1)[0], ...labels].map(serviceOfLabel).find((found) => found !== undefined)
  const categories = labels.flatMap((label) => (Object.hasOwn(words.labels, label) ? [words.labels[label]] : []))
  // A service's own name is a claim of its category; a token or a thief named after it is not.
  const isOther = categories.some((category) => !['exchange', 'cold_wallet', 'hot_wallet'].includes(category))
  if (service && !isOther) categories.push(service.category)
  return { categories, entity: isOther ? undefined : service?.entity }
}

/** Reads an explorer's export as JSON: `{ "0x…": { name, labels: […] } }`. The file's name says which explorer. Fault `TAGS_INVALID`. */
export function readExplorerJson(text: string, name: string): LabelledTags {
  const explorer = explorerOf(name)
  if (!explorer) {
    const known = Object.keys(words.explorers).join(', ')
    throw new Fault(
      'TAGS_INVALID',
      `${name}: the file's name does not begin with an explorer's (${known}), so its chain is not known`,
    )
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Fault('TAGS_INVALID', `${name}: not JSON`, { cause })
  }
  const rows = new Rows(name)
  let number = 0
  for (const [address, entry] of Object.entries(value as object)) {
    // JSON has no lines to speak of: the place is the entry's, from 1.
    number++
    const { name: title, labels } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<
      string,
      unknown
    >
    if (!Array.isArray(labels) || labels.some((label) => typeof label !== 'string')) {
      rows.reject(number, `${address}: labels: a list of texts is wanted`)
      continue
    }
    const label = typeof title === 'string' && title.trim() !== '' ? title.trim() : labels.join(', ')
    const said = readLabels(label, labels)
    rows.add({
      ...{ line: number, chain: explorer.chain, address, label, ...said },
      ...{ source: explorer.source, confidence: 'web_crawl', evidence: `${name}: labels ${labels.join(', ')}` },
    })
  }
  return rows
}

/**
 * Reads one of the CSV shapes. `folder` is the name of the directory the file lies in: Forta's say the chain's id there. `releases` are the
 * dates of seizure orders, from `readSeizureReleases`. Faults as `readCsv`.
 */
export async function readLabelCsv(
  bytes: Uint8Array,
  options: {
    readonly name: string
    readonly shape: LabelShape
    readonly folder: string | undefined
    readonly releases?: SeizureReleases
  },
): Promise<LabelledTags> {
  const { name, shape, folder } = options
  const rows = new Rows(name)
  let header: readonly string[] | undefined
  for await (const { line, cells } of readCsv(bytes, { name, fault: 'TAGS_INVALID' })) {
    if (header === undefined) {
      header = cells
      continue
    }
    if (cells.length !== header.length) {
      rows.reject(line, `${cells.length} cells, but the header names ${header.length}`)
      continue
    }
    const row = new Map(header.map((column, i) => [column, cells[i].trim()]))
    const cell = (column: string): string => row.get(column) ?? ''
    READERS[shape]({ line, cell, name, folder, rows, releases: options.releases })
  }
  return rows
}

interface RowIn {
  readonly line: number
  readonly cell: (column: string) => string
  readonly name: string
  readonly folder: string | undefined
  readonly rows: Rows
  readonly releases: SeizureReleases | undefined
}

const chainOfId = (folder: string | undefined): string | undefined =>
  folder !== undefined && /^[1-9][0-9]{0,18}$/.test(folder) ? (words.chainIds[folder] ?? `eip155:${folder}`) : undefined

const FORTA = 'Forta labelled datasets'

const READERS: Readonly<Record<LabelShape, (row: RowIn) => void>> = {
  explorer({ line, cell, name, rows }) {
    const explorer = explorerOf(name)
    const label = cell('Name Tag')
    rows.add({
      ...{ line, chain: explorer?.chain, address: cell('Address'), label, ...readLabels(label, []) },
      ...{ source: explorer?.source ?? 'explorer labels', confidence: 'web_crawl', evidence: name },
    })
  },
  fortaPhishing({ line, cell, folder, name, rows }) {
    const labels = cell('etherscan_labels').split(/[,;|]\s*/)
    rows.add({
      ...{ line, chain: chainOfId(folder), address: cell('address') },
      label: cell('etherscan_tag') || labels.join(', '),
      categories: readLabels('', labels).categories,
      ...{ source: FORTA, confidence: 'web_crawl', evidence: `${folder}/${name}: labels ${labels.join(', ')}` },
    })
  },
  fortaContracts({ line, cell, folder, name, rows }) {
    const chain = chainOfId(folder)
    const [contract, creator, notes] = [cell('contract_address'), cell('contract_creator'), cell('notes')]
    const mark = cell('contract_creator_etherscan_label') || (SHORT_LABEL.test(notes) ? notes : '')
    const categories = Object.hasOwn(words.labels, mark) ? [words.labels[mark]] : ['hacking']
    const evidence = `${folder}/${name}: ${[cell('source'), notes, cell('contract_creation_tx')].filter((each) => each !== '').join('; ')}`
    const common = { line, chain, categories, source: FORTA, confidence: 'web_crawl', evidence }
    rows.add({ ...common, address: contract, label: cell('contract_tag') || 'Malicious contract' })
    if (creator === '') return
    rows.add({ ...common, address: creator, label: cell('contract_creator_tag') || `Creator of ${contract}` })
  },
  fortaBanned({ line, cell, folder, name, rows }) {
    const list = cell('data_source')
    const mark = list.replace(/^etherscan-/, '').replace(/-list$/, '')
    rows.add({
      ...{ line, chain: chainOfId(folder), address: cell('banned_address'), label: cell('wallet_tag') || list },
      categories: [Object.hasOwn(words.labels, mark) ? words.labels[mark] : 'abuse'],
      ...{ source: FORTA, confidence: 'web_crawl', evidence: `${folder}/${name}: ${list}` },
    })
  },
  exchangeWallets({ line, cell, name, rows }) {
    const exchange = cell('exchange')
    const address = cell('address')
    const listed = cell('chain')
    const placed = listed === '?' ? chainsOfAddress(address) : [words.chains[listed] ?? listed]
    if (placed.length !== 1) {
      rows.reject(line, `address: ${JSON.stringify(address.slice(0, 128))}: the list does not say on which chain`)
      return
    }
    const [chain] = placed
    if (!hasAddressRule(chain) && !/^[A-Za-z0-9:._\-/+=]{8,128}$/.test(address)) {
      rows.reject(line, `address: ${JSON.stringify(address.slice(0, 128))} is no address of any form we know`)
      return
    }
    rows.add({
      ...{ line, chain, address, label: exchange, categories: ['exchange'] },
      entity: serviceOfLabel(exchange)?.entity ?? exchange,
      ...{ source: 'list of exchange wallets', confidence: 'web_crawl', evidence: `${name}: ${cell('source_file')}` },
    })
  },
  bitcoinBook({ line, cell, name, rows }) {
    const category = { seizure: 'seizure', darknet: 'drug_sale/darknet_market', 'exchange-estate': 'entity' }[
      cell('category')
    ]
    if (category === undefined) {
      rows.reject(line, `category: ${JSON.stringify(cell('category'))} is not one of this list’s`)
      return
    }
    rows.add({
      ...{ line, chain: 'bitcoin', address: cell('address'), label: cell('label'), categories: [category] },
      ...{ source: 'list of exchange wallets', confidence: 'web_crawl', evidence: name },
    })
  },
  seizureOrders({ line, cell, name, rows, releases }) {
    const kind = cell('kind')
    const order = cell('seizure_order')
    const address = cell('wallet_or_account_id')
    if (kind === 'exchange-account-id') {
      rows.reject(
        line,
        `wallet_or_account_id: ${JSON.stringify(address)} is an account at an exchange, not an address; ask the exchange that the order ${order} names`,
      )
      return
    }
    const found = releases?.get(order)
    const chain = kind === 'evm' ? 'ethereum' : kind
    if (!hasAddressRule(chain)) {
      rows.reject(line, `kind: ${JSON.stringify(kind)} is not one of this list’s`)
      return
    }
    rows.add({
      ...{ line, chain, address, label: `NBCTF seizure order ${order}`, categories: ['seizure'] },
      ...{ source: 'NBCTF seizure orders (Israel)', confidence: 'authority_data' },
      evidence: `${name}: order ${order}${kind === 'evm' ? '; an EVM account, the order names no network' : ''}${found?.note ? `; ${found.note}` : ''}`,
      // An order is in force from its day, and until the day it says; the wallet was the holder's before as well, so only the end bounds it.
      validTo: found?.until,
    })
  },
  seizureReleases() {},
}

const SHORT_LABEL = /^[a-z-]{3,20}$/

/** By order number: until when it holds, and what else the table says of it. */
export type SeizureReleases = ReadonlyMap<string, { readonly until: number | undefined; readonly note: string }>

/** Reads the table of orders: type, day of update, valid until (Hebrew headers, days as 01.07.2026). Rows without an order's number are passed over. */
export async function readSeizureReleases(bytes: Uint8Array, name: string): Promise<SeizureReleases> {
  const releases = new Map<string, { until: number | undefined; note: string }>()
  let first = true
  for await (const { cells } of readCsv(bytes, { name, fault: 'TAGS_INVALID' })) {
    if (first) {
      first = false
      continue
    }
    const [type = '', updated = '', valid = ''] = cells
    const order = /([0-9]{1,3}\/[0-9]{2})(?![0-9])/.exec(type)?.[1]
    if (order === undefined || releases.has(order)) continue
    const day = (text: string): string | undefined => {
      const match = /^(\d{2})\.(\d{2})\.(\d{4})$/.exec(text.trim())
      return match ? `${match[3]}-${match[2]}-${match[1]}` : undefined
    }
    const until = day(valid)
    // The day named is the last on which it holds.
    const ends = until === undefined ? undefined : parseTime(until)
    const forfeited = /([0-9]{1,3}\/[0-9]{2})/.exec(until === undefined ? valid : '')?.[1]
    const note = [
      day(updated) && `updated ${day(updated)}`,
      until && `in force until ${until}`,
      forfeited && `followed by forfeiture order ${forfeited}`,
    ]
    releases.set(order, {
      until: ends === undefined ? undefined : ends + 86_400,
      note: note.filter((part) => part !== undefined).join(', '),
    })
  }
  return releases
}
