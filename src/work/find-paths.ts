import {
  type Chain,
  isUtxoChain,
  NATIVE,
  type SearchDirection,
  type SearchTransfer,
  searchPaths,
  type Transaction,
  type TransferRequest,
  type TransferSource,
} from '../../graph/index.ts'
import { canonicalAddress, explainAddress } from '../chains/address.ts'
import type { LedgerLine } from '../chains/dump/decode.ts'
import { readLedgerFile } from '../chains/ledger-files.ts'
import { Fault } from '../faults.ts'
import type { PathStep } from '../report/format.ts'
import { buildTagBook } from '../tags/book.ts'
import { stopOfCategory } from '../tags/categories.ts'
import { loadTags } from '../tags/load.ts'
import type { TagBook } from '../tags/tag.ts'
import { formatTime, parseTime } from '../text.ts'
import { type ChainLedger, settleLedger } from '../trace/ledger.ts'

/** What a path search is asked, as text: from a command line or a query. Only `from` and `to` must be there. */
export interface PathQuery {
  /** An address, or `<transaction>:<n>` for one output (UTXO chains). */
  readonly from?: string
  /** `entity:NAME`, `category:NAME` (a category with all below it), or an address. */
  readonly to?: string
  readonly chain?: string
  readonly asset?: string
  readonly direction?: string
  readonly order?: string
  readonly k?: string
  readonly hops?: string
  readonly fanOut?: string
  readonly effort?: string
  /** Base units; smaller transfers are passed over. */
  readonly amount?: string
  readonly fromTime?: string
  readonly until?: string
}

/** The sentence by which a transaction of several inputs and outputs is read as payments. */
export const UTXO_SENTENCE =
  'Each address with inputs paid each output of the transaction that is not its own, at most the lesser of what its inputs give and what the output holds; a way goes on only in a later transaction'
export const ACCOUNT_SENTENCE = 'Each transfer of the asset is one payment; a way goes on only by a later one'

/** How many payments one transaction is read as; a larger one (a great coinjoin) says nothing about who paid whom. */
const SENTENCES_MAX = 10_000

/** An answer always says what was searched, what was left out, and why it stopped. */
export interface PathAnswer {
  readonly query: Readonly<Record<string, string>>
  readonly chain: Chain
  readonly asset: string
  readonly rule: string
  readonly paths: readonly FoundWay[]
  readonly stopped: 'found' | 'exhausted' | 'effort'
  readonly ledger: { readonly transactions: number; readonly payments: number; readonly until: string | null }
  readonly searched: { readonly addresses: number; readonly payments: number; readonly ways: number }
  readonly cut: {
    readonly hops: number
    readonly fanOut: readonly string[]
    readonly time: number
    readonly amount: number
    readonly services: number
    readonly beaten: number
    /** Transactions of more than 10,000 payments, which were passed over. */
    readonly crowded: number
  }
}

export interface FoundWay {
  /** The smallest payment of the way: the most that it could have carried whole. */
  readonly carried: string
  readonly hops: number
  readonly reached: {
    readonly address: string
    readonly tags: readonly {
      readonly label: string
      readonly category: string
      readonly entity: string | null
      readonly source: string
      /** Whether the claim counted when the payment was made. */
      readonly stood: boolean
    }[]
  }
  readonly steps: readonly PathStep[]
}

/** How many nodes whose fan-out was cut are named. */
const NAMED_MAX = 100

/** Answers a path search over ledger files. Faults: REQUEST_INVALID, ADDRESS_INVALID, NOT_FOUND, and those of the files. */
export async function findPathsInFiles(
  query: PathQuery,
  files: { readonly ledgers: readonly string[]; readonly tags: readonly string[] },
): Promise<PathAnswer> {
  const { tags } = await loadTags(files.tags)
  const chains = query.chain === undefined ? [] : [query.chain]
  async function* lines(): AsyncGenerator<LedgerLine> {
    for (const file of files.ledgers) yield* readLedgerFile(file, chains)
  }
  return findPaths(query, await settleLedger(lines()), buildTagBook(tags))
}

/**
 * Searches the payments of a ledger for ways from an address or output to an entity, a category or an address, later payment
 * after later payment, without tracing and without any method: what value could have gone, not what did. No way leads
 * through a tagged service, mixer or bridge.
 */
export async function findPaths(
  query: PathQuery,
  ledgers: ReadonlyMap<Chain, ChainLedger>,
  book: TagBook,
): Promise<PathAnswer> {
  const ledger = ledgerOf(query, ledgers)
  const { chain } = ledger
  const asset = assetOf(query, ledger)
  const direction = oneOf(query.direction, 'direction', ['forward', 'backward'], 'forward')
  const order = oneOf(query.order, 'order', ['value', 'hops', 'time'], 'value')
  const numbers = {
    k: whole(query.k, 'k', 10, 1000),
    hopsMax: whole(query.hops, 'hops', 10, 1000),
    fanOutMax: whole(query.fanOut, 'fanOut', 1000, 1_000_000),
    effortMax: whole(query.effort, 'effort', 1_000_000, 100_000_000),
  }
  if (query.amount !== undefined && !/^(0|[1-9][0-9]{0,77})$/.test(query.amount)) {
    throw new Fault('REQUEST_INVALID', `amount: ${query.amount} is not a whole number of base units`)
  }
  const timeFrom = instant(query.fromTime, 'fromTime')
  const timeUntil = instant(query.until, 'until')
  const payments = new Payments(ledger, asset)
  const start = payments.start(startOf(query, chain), direction)
  const target = targetOf(query, chain)
  const isTarget = (node: number): boolean => node !== start.node && target(payments.names[node], book)
  const stops = (name: string) =>
    book.claimsOf(chain, name).some(({ category }) => stopOfCategory(category) !== undefined)
  const result = await searchPaths(
    payments,
    [start],
    isTarget,
    (node) => node !== start.node && stops(payments.names[node]),
    {
      ...numbers,
      direction,
      order: order === 'value' ? 'carried' : order,
      amountMin: BigInt(query.amount ?? '1'),
      ...(timeFrom === undefined ? {} : { timeFrom }),
      ...(timeUntil === undefined ? {} : { timeUntil }),
    },
  )
  const last = ledger.transactions.at(-1)
  return {
    query: Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)),
    chain,
    asset,
    rule: isUtxoChain(chain) ? UTXO_SENTENCE : ACCOUNT_SENTENCE,
    paths: result.paths.map(({ transfers, carried }): FoundWay => {
      const steps = transfers.map((transfer) => payments.step(transfer, carried))
      const end = direction === 'forward' ? transfers.at(-1)! : transfers[0]
      const address = payments.names[direction === 'forward' ? end.to : end.from]
      return {
        carried: carried.toString(),
        hops: transfers.length,
        reached: {
          address,
          tags: book.claimsOf(chain, address).map((tag) => ({
            label: tag.label,
            category: tag.category,
            entity: tag.entity ?? null,
            source: tag.source,
            stood: book.standing(chain, address, end.time).includes(tag),
          })),
        },
        steps,
      }
    }),
    stopped: result.stopped,
    ledger: {
      transactions: ledger.transactions.length,
      payments: payments.count,
      until: last === undefined ? null : formatTime(last.time),
    },
    searched: {
      addresses: result.searched.nodes,
      payments: result.searched.transfers,
      ways: result.searched.ways,
    },
    cut: {
      hops: result.cut.hops,
      fanOut: result.cut.fanOut.slice(0, NAMED_MAX).map((node) => payments.names[node]),
      time: result.cut.time,
      amount: result.cut.amount,
      services: result.cut.barriers,
      beaten: result.cut.beaten,
      crowded: payments.crowded,
    },
  }
}

function ledgerOf(query: PathQuery, ledgers: ReadonlyMap<Chain, ChainLedger>): ChainLedger {
  const chains = [...ledgers.keys()].sort()
  if (query.chain === undefined && chains.length > 1) {
    throw new Fault('REQUEST_INVALID', `chain: the ledger has ${chains.join(', ')}; say which is searched`)
  }
  const ledger = ledgers.get(query.chain ?? chains[0])
  if (ledger !== undefined) return ledger
  throw new Fault(
    'NOT_FOUND',
    `the ledger has no ${query.chain ?? 'chain'} (chains it has: ${chains.join(', ') || 'none'})`,
  )
}

function assetOf(query: PathQuery, { chain, transactions }: ChainLedger): string {
  if (isUtxoChain(chain)) {
    if (query.asset === undefined || query.asset === NATIVE) return NATIVE
    throw new Fault('REQUEST_INVALID', `asset: ${chain} has none but ${NATIVE}`)
  }
  const moved = new Set<string>()
  for (const transaction of transactions) {
    if (transaction.kind === 'account') for (const { asset } of transaction.transfers) moved.add(asset)
  }
  const wanted =
    query.asset === undefined || query.asset === NATIVE ? query.asset : canonicalAddress(chain, query.asset)
  if (wanted !== undefined && moved.has(wanted)) return wanted
  if (query.asset === undefined && moved.size === 1) return [...moved][0]
  const known = [...moved].sort().slice(0, 20).join(', ')
  throw new Fault('REQUEST_INVALID', `asset: say which of the ledger’s assets is searched (${known})`)
}

function addressIn(text: string, chain: Chain, field: string): string {
  const address = canonicalAddress(chain, text)
  if (address === undefined) throw new Fault('ADDRESS_INVALID', `${field}: ${explainAddress(chain, text)}`)
  return address
}

interface Start {
  readonly address: string | undefined
  readonly output: { readonly transaction: string; readonly place: number } | undefined
}

function startOf({ from }: PathQuery, chain: Chain): Start {
  if (from === undefined || from === '') throw new Fault('REQUEST_INVALID', 'from: an address or TXID:N is wanted')
  const output = /^([0-9a-fA-F]{64}):(0|[1-9][0-9]{0,8})$/.exec(from)
  if (output === null) return { address: addressIn(from, chain, 'from'), output: undefined }
  if (!isUtxoChain(chain))
    throw new Fault('REQUEST_INVALID', `from: ${chain} has balances, no outputs; name an address`)
  return { address: undefined, output: { transaction: output[1].toLowerCase(), place: Number(output[2]) } }
}

function targetOf({ to }: PathQuery, chain: Chain): (name: string, book: TagBook) => boolean {
  if (to === undefined || to === '') {
    throw new Fault('REQUEST_INVALID', 'to: entity:NAME, category:NAME or an address is wanted')
  }
  const [, kind, rest] = /^(entity|category):(.+)$/s.exec(to) ?? []
  if (kind === undefined) {
    const address = addressIn(to, chain, 'to')
    return (name) => name === address
  }
  const wanted = rest.toLowerCase()
  return (name, book) =>
    book.claimsOf(chain, name).some(({ label, entity, category }) => {
      if (kind === 'entity') return (entity ?? label).toLowerCase() === wanted
      return category === rest || category.startsWith(`${rest}/`)
    })
}

function oneOf<const T extends string>(value: string | undefined, name: string, known: readonly T[], otherwise: T): T {
  if (value === undefined) return otherwise
  const found = known.find((each) => each === value)
  if (found === undefined) throw new Fault('REQUEST_INVALID', `${name}: ${known.join(' or ')}, not ${value}`)
  return found
}

function whole(value: string | undefined, name: string, otherwise: number, most: number): number {
  if (value === undefined) return otherwise
  const number = /^[1-9][0-9]{0,9}$/.test(value) ? Number(value) : 0
  if (number < 1 || number > most) throw new Fault('REQUEST_INVALID', `${name}: a whole number from 1 to ${most}`)
  return number
}

function instant(value: string | undefined, name: string): number | undefined {
  if (value === undefined) return undefined
  const time = parseTime(value)
  if (time === undefined) throw new Fault('REQUEST_INVALID', `${name}: a time as 2022-01-01T00:00:00Z, not ${value}`)
  return time
}

/** A ledger read as payments from address to address, in one asset; outputs without an address stand under `<txid>:<n>`. */
class Payments implements TransferSource {
  readonly names: string[] = []
  crowded = 0
  readonly #numbers = new Map<string, number>()
  readonly #rows: SearchTransfer[] = []
  /** Of each row: which transaction, by its number in the ledger, and the payment's whole amount. */
  readonly #transaction: number[] = []
  readonly #paid: bigint[] = []
  readonly #out = new Map<number, number[]>()
  readonly #into = new Map<number, number[]>()
  readonly #ledger: ChainLedger

  constructor(ledger: ChainLedger, asset: string) {
    this.#ledger = ledger
    for (const [number, transaction] of ledger.transactions.entries()) {
      if (transaction.kind === 'utxo') this.#readOutputs(transaction, number)
      else if (transaction.status === 'success') {
        for (const transfer of transaction.transfers) {
          if (transfer.asset !== asset || transfer.amount === 0n || transfer.from === transfer.to) continue
          this.#pay(transfer.from, transfer.to, transfer.amount, number, this.#rows.length, transfer.amount)
        }
      }
    }
  }

  get count(): number {
    return this.#rows.length
  }

  #readOutputs(transaction: Transaction & { kind: 'utxo' }, number: number): void {
    const gives = new Map<string, bigint>()
    for (const { transaction: made, output, address, amount } of transaction.inputs) {
      const name = address ?? `${made}:${output}`
      gives.set(name, (gives.get(name) ?? 0n) + amount)
    }
    if (gives.size * transaction.outputs.length > SENTENCES_MAX) {
      this.crowded++
      return
    }
    for (const [from, given] of gives) {
      for (const [place, { address, amount }] of transaction.outputs.entries()) {
        const to = address ?? `${transaction.id}:${place}`
        if (amount === 0n || to === from) continue
        this.#pay(from, to, given < amount ? given : amount, number, number, amount)
      }
    }
  }

  #node(name: string): number {
    let node = this.#numbers.get(name)
    if (node === undefined) {
      node = this.names.length
      this.names.push(name)
      this.#numbers.set(name, node)
    }
    return node
  }

  #pay(from: string, to: string, amount: bigint, transaction: number, position: number, paid: bigint): void {
    const id = this.#rows.length
    const { time } = this.#ledger.transactions[transaction]
    const row = { id, from: this.#node(from), to: this.#node(to), amount, position, time }
    this.#rows.push(row)
    this.#transaction.push(transaction)
    this.#paid.push(paid)
    for (const [index, node] of [
      [this.#out, row.from],
      [this.#into, row.to],
    ] as const) {
      const rows = index.get(node)
      if (rows === undefined) index.set(node, [id])
      else rows.push(id)
    }
  }

  /** Where a search begins: an address, or the address of one output and only what its own spending or making paid. */
  start({ address, output }: Start, direction: SearchDirection): { node: number; beyond?: number } {
    const { chain, transactions } = this.#ledger
    if (output === undefined) {
      const node = this.#numbers.get(address!)
      if (node === undefined)
        throw new Fault('NOT_FOUND', `from: no payment of the ledger names ${address} on ${chain}`)
      return { node }
    }
    const at = `${output.transaction}:${output.place}`
    const made = transactions.findIndex((each) => each.id === output.transaction)
    const transaction = transactions[made]
    if (transaction?.kind !== 'utxo' || transaction.outputs[output.place] === undefined) {
      throw new Fault('NOT_FOUND', `from: the ledger has no output ${at}`)
    }
    const node = this.#node(`output ${at}`)
    if (direction === 'backward') {
      const holder = this.#numbers.get(transaction.outputs[output.place].address ?? at)
      const rows = holder === undefined ? [] : (this.#into.get(holder) ?? [])
      this.#startAt(
        node,
        rows.filter((row) => this.#transaction[row] === made),
        direction,
      )
      return { node }
    }
    for (let number = made + 1; number < transactions.length; number++) {
      const spender = transactions[number]
      if (spender.kind !== 'utxo') continue
      const spent = spender.inputs.find(
        (each) => each.transaction === output.transaction && each.output === output.place,
      )
      if (spent === undefined) continue
      for (const [place, { address: paid, amount }] of spender.outputs.entries()) {
        if (amount === 0n) continue
        const most = spent.amount < amount ? spent.amount : amount
        this.#pay(`output ${at}`, paid ?? `${spender.id}:${place}`, most, number, number, amount)
      }
      break
    }
    return { node }
  }

  /** Lets a start of its own stand for the holder of an output in these payments alone. */
  #startAt(node: number, rows: readonly number[], direction: SearchDirection): void {
    for (const row of rows) {
      const { from, to, amount, position } = this.#rows[row]
      const paid = this.#paid[row]
      const [a, b] = direction === 'backward' ? [from, node] : [node, to]
      this.#pay(this.names[a], this.names[b], amount, this.#transaction[row], position, paid)
    }
  }

  async transfers(
    requests: readonly TransferRequest[],
    direction: SearchDirection,
    limit: number,
  ): Promise<{ transfers: SearchTransfer[]; more: boolean }[]> {
    const index = direction === 'forward' ? this.#out : this.#into
    return requests.map(({ node, beyond }) => {
      const rows = index.get(node) ?? []
      const found: SearchTransfer[] = []
      // Rows stand in the order of the ledger; the nearest to the position come first.
      if (direction === 'forward') {
        for (let at = firstBeyond(rows, beyond, this.#rows); at < rows.length && found.length <= limit; at++) {
          found.push(this.#rows[rows[at]])
        }
      } else {
        for (let at = rows.length - 1; at >= 0 && found.length <= limit; at--) {
          if (this.#rows[rows[at]].position < beyond) found.push(this.#rows[rows[at]])
        }
      }
      return { transfers: found.slice(0, limit), more: found.length > limit }
    })
  }

  /** A payment as reports write it. */
  step({ id, from, to }: SearchTransfer, carried: bigint): PathStep {
    const { id: transaction, height, time } = this.#ledger.transactions[this.#transaction[id]]
    const plain = (name: string) => name.replace(/^output /, '')
    return {
      transaction,
      from: plain(this.names[from]),
      to: plain(this.names[to]),
      amount: this.#paid[id].toString(),
      carried: carried.toString(),
      height: height ?? null,
      time: formatTime(time),
    }
  }
}

/** Of rows in the order of the ledger, the first that stands beyond a position. */
function firstBeyond(rows: readonly number[], beyond: number, all: readonly SearchTransfer[]): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (all[rows[middle]].position > beyond) high = middle
    else low = middle + 1
  }
  return low
}
