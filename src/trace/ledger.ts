import {
  type AssetFact,
  type Chain,
  Heap,
  type Input,
  type Opening,
  type Transaction,
  type UtxoTransaction,
} from '../../graph/index.ts'
import type { LedgerLine } from '../chains/dump/decode.ts'
import { Fault } from '../faults.ts'

/** One chain of a ledger: every transaction once, in total order, and what was said of it. */
export interface ChainLedger {
  readonly chain: Chain
  readonly transactions: readonly Transaction[]
  /** How the order was found: by block position, by height then id, or by time then id (DESIGN.md decision 2). */
  readonly order: 'position' | 'height' | 'time'
  readonly assets: ReadonlyMap<string, AssetFact>
  readonly coversAll: boolean
  readonly covered: ReadonlySet<string>
  /** By `<asset> <address>`. */
  readonly openings: ReadonlyMap<string, Opening>
}

interface Draft {
  readonly transactions: Map<string, Transaction>
  readonly assets: Map<string, AssetFact>
  coversAll: boolean
  readonly covered: Set<string>
  readonly openings: Map<string, Opening>
}

/**
 * Settles what dumps said, in whatever order and however often, into one ledger a chain: duplicates are one row,
 * contradictions are refused, and the order is total. Two views of one account transaction (an account's history page
 * shows only its own transfers) are joined where they agree on every transfer both show.
 *
 * How a chain is ordered hangs on every row of it. Where the lines are only a part of a ledger, `orders` says how the whole
 * is ordered.
 */
export async function settleLedger(
  lines: AsyncIterable<LedgerLine> | Iterable<LedgerLine>,
  orders: ReadonlyMap<Chain, ChainLedger['order']> = new Map(),
): Promise<Map<Chain, ChainLedger>> {
  const drafts = new Map<Chain, Draft>()
  const draftOf = (chain: Chain): Draft => {
    let draft = drafts.get(chain)
    if (draft === undefined) {
      draft = { transactions: new Map(), assets: new Map(), coversAll: false, covered: new Set(), openings: new Map() }
      drafts.set(chain, draft)
    }
    return draft
  }
  for await (const line of lines) {
    if (line.kind === 'transaction') {
      addTransaction(draftOf(line.transaction.chain).transactions, line.transaction)
    } else if (line.kind === 'asset') {
      const { assets } = draftOf(line.asset.chain)
      const known = assets.get(line.asset.asset)
      if (known !== undefined && (known.decimals !== line.asset.decimals || known.symbol !== line.asset.symbol)) {
        throw new Fault(
          'LEDGER_CONTRADICTS',
          `asset ${line.asset.asset} on ${line.asset.chain} is described in two ways`,
        )
      }
      assets.set(line.asset.asset, line.asset)
    } else if (line.kind === 'coverage') {
      const draft = draftOf(line.coverage.chain)
      if (line.coverage.covers === 'all') draft.coversAll = true
      else for (const address of line.coverage.covers) draft.covered.add(address)
    } else {
      const { openings } = draftOf(line.opening.chain)
      const key = `${line.opening.asset} ${line.opening.address}`
      const known = openings.get(key)
      if (known !== undefined && known.amount !== line.opening.amount) {
        throw new Fault(
          'LEDGER_CONTRADICTS',
          `${line.opening.address} is opened with ${known.amount} and with ${line.opening.amount}`,
        )
      }
      openings.set(key, line.opening)
    }
  }
  const ledger = new Map<Chain, ChainLedger>()
  for (const [chain, draft] of [...drafts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { transactions, ...said } = draft
    ledger.set(chain, { chain, ...said, ...inOrder([...transactions.values()], orders.get(chain)) })
  }
  return ledger
}

function addTransaction(known: Map<string, Transaction>, transaction: Transaction): void {
  let key = transaction.id
  const before = known.get(key)
  if (before === undefined) {
    known.set(key, transaction)
    return
  }
  if (isCoinbasePair(before, transaction)) {
    // BIP-30: two coinbases of mainnet's early blocks have an id twice; each is a transaction of its own.
    key = `${transaction.id}@${transaction.height}`
    const twin = known.get(key)
    if (twin === undefined) known.set(key, transaction)
    else known.set(key, joined(twin, transaction))
    return
  }
  known.set(key, joined(before, transaction))
}

function isCoinbasePair(a: Transaction, b: Transaction): boolean {
  return (
    a.kind === 'utxo' &&
    b.kind === 'utxo' &&
    a.coinbase &&
    b.coinbase &&
    a.height !== undefined &&
    b.height !== undefined &&
    a.height !== b.height
  )
}

/** One transaction out of two rows that say the same, as far as both say anything. */
function joined(a: Transaction, b: Transaction): Transaction {
  const refuse = (what: string): never => {
    throw new Fault('LEDGER_CONTRADICTS', `${a.chain} transaction ${a.id} is given twice with different ${what}`)
  }
  const both = <T>(x: T | undefined, y: T | undefined, what: string): T | undefined => {
    if (x !== undefined && y !== undefined && x !== y) refuse(what)
    return x ?? y
  }
  if (a.time !== b.time) refuse('times')
  const placed = {
    height: both(a.height, b.height, 'heights'),
    index: both(a.index, b.index, 'indexes'),
    blockHash: both(a.blockHash, b.blockHash, 'block hashes'),
  }
  if (a.kind === 'utxo' && b.kind === 'utxo') {
    if (a.coinbase !== b.coinbase || !sameLegs(a.inputs, b.inputs) || !sameLegs(a.outputs, b.outputs)) refuse('legs')
    return { ...a, ...placed }
  }
  if (a.kind !== 'account' || b.kind !== 'account') return refuse('kinds')
  if (a.status !== b.status) refuse('statuses')
  const transfers = new Map(a.transfers.map((transfer) => [transfer.index, transfer]))
  for (const transfer of b.transfers) {
    const known = transfers.get(transfer.index)
    if (
      known !== undefined &&
      (known.asset !== transfer.asset ||
        known.from !== transfer.from ||
        known.to !== transfer.to ||
        known.amount !== transfer.amount)
    )
      refuse(`transfers of index ${transfer.index}`)
    transfers.set(transfer.index, transfer)
  }
  if (a.fee !== undefined && b.fee !== undefined && (a.fee.from !== b.fee.from || a.fee.amount !== b.fee.amount))
    refuse('fees')
  return { ...a, ...placed, transfers: [...transfers.values()].sort((x, y) => x.index - y.index), fee: a.fee ?? b.fee }
}

function sameLegs(a: readonly (Input | UtxoTransaction['outputs'][number])[], b: typeof a): boolean {
  return (
    a.length === b.length &&
    a.every((leg, i) => {
      const other = b[i]
      if (leg.address !== other.address || leg.amount !== other.amount) return false
      if (!('transaction' in leg)) return true
      return 'transaction' in other && leg.transaction === other.transaction && leg.output === other.output
    })
  )
}

/**
 * Total order: block position where every row of the chain has one, otherwise height, otherwise time; ties to the smaller id.
 * On a UTXO chain a transaction never comes before one whose outputs it spends; a position that says so is a contradiction.
 */
function inOrder(
  rows: Transaction[],
  order: ChainLedger['order'] = orderOf(rows),
): Pick<ChainLedger, 'transactions' | 'order'> {
  // Where the order cannot use a height or an index, none is kept: a part of this ledger must order as the whole did.
  const placed = rows.map((row): Transaction => {
    if (order === 'position') return row
    return { ...row, index: undefined, height: order === 'height' ? row.height : undefined }
  })
  placed.sort((a, b) => compareKeys(a, b, order) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  if (order === 'position') {
    for (let i = 1; i < placed.length; i++) {
      if (compareKeys(placed[i - 1], placed[i], order) === 0) {
        throw new Fault(
          'LEDGER_CONTRADICTS',
          `${placed[i - 1].id} and ${placed[i].id} claim one place in block ${placed[i].height}`,
        )
      }
    }
  }
  return { order, transactions: spendsAfterMakes(placed, order) }
}

function orderOf(rows: readonly Transaction[]): ChainLedger['order'] {
  if (rows.some((row) => row.height === undefined)) return 'time'
  return rows.some((row) => row.index === undefined) ? 'height' : 'position'
}

function compareKeys(a: Transaction, b: Transaction, order: ChainLedger['order']): number {
  if (order === 'time') return a.time - b.time
  return a.height! - b.height! || (order === 'position' ? a.index! - b.index! : 0)
}

/** Checks, and where the order is assumed repairs, that outputs are made before they are spent, and spent once. */
function spendsAfterMakes(rows: Transaction[], order: ChainLedger['order']): Transaction[] {
  if (rows.length === 0 || rows[0].kind !== 'utxo') return rows
  const placeOf = new Map<string, number[]>()
  rows.forEach((row, i) => {
    const places = placeOf.get(row.id)
    if (places === undefined) placeOf.set(row.id, [i])
    else places.push(i)
  })
  const spenders = new Map<string, string>()
  /** For each row the rows of its own tie that must come first. */
  const waitsFor = new Map<number, number[]>()
  rows.forEach((row, i) => {
    if (row.kind !== 'utxo') return
    for (const input of row.inputs) {
      const key = `${input.transaction}:${input.output}`
      const other = spenders.get(key)
      if (other !== undefined)
        throw new Fault('LEDGER_CONTRADICTS', `output ${key} is spent by ${other} and by ${row.id}`)
      spenders.set(key, row.id)
      const makers = placeOf.get(input.transaction)
      if (makers === undefined) continue
      const made = rows[makers[0]] as UtxoTransaction
      const output = made.outputs[input.output]
      if (output === undefined || output.amount !== input.amount || output.address !== input.address) {
        throw new Fault('LEDGER_CONTRADICTS', `${row.id} spends ${key} otherwise than ${made.id} made it`)
      }
      if (makers[0] >= i) {
        if (order === 'position' || compareKeys(made, row, order) !== 0) {
          throw new Fault('LEDGER_CONTRADICTS', `${row.id} stands before ${made.id}, whose output it spends`)
        }
        const first = waitsFor.get(i)
        if (first === undefined) waitsFor.set(i, [makers[0]])
        else first.push(makers[0])
      }
    }
  })
  return waitsFor.size === 0 ? rows : tiesInSpendingOrder(rows, placeOf, order)
}

/** Within each run of rows that tie, the smallest id whose makers have all been placed goes next. */
function tiesInSpendingOrder(
  rows: Transaction[],
  placeOf: ReadonlyMap<string, number[]>,
  order: ChainLedger['order'],
): Transaction[] {
  const sorted: Transaction[] = []
  for (let start = 0; start < rows.length; ) {
    let end = start + 1
    while (end < rows.length && compareKeys(rows[start], rows[end], order) === 0) end++
    const open = new Map<number, number>()
    const children = new Map<number, number[]>()
    for (let i = start; i < end; i++) {
      const row = rows[i] as UtxoTransaction
      const makers = new Set(row.inputs.flatMap((input) => placeOf.get(input.transaction)?.[0] ?? []))
      let count = 0
      for (const maker of makers) {
        if (maker < start || maker >= end) continue
        count++
        const waiting = children.get(maker)
        if (waiting === undefined) children.set(maker, [i])
        else waiting.push(i)
      }
      open.set(i, count)
    }
    const ready = new Heap()
    for (const [i, count] of open) if (count === 0) ready.push(i)
    let placed = 0
    // Rows of a tie stand by id, so the smallest number is the smallest id.
    for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
      sorted.push(rows[next])
      placed++
      for (const child of children.get(next) ?? []) {
        const left = open.get(child)! - 1
        open.set(child, left)
        if (left === 0) ready.push(child)
      }
    }
    if (placed < end - start)
      throw new Fault(
        'LEDGER_CONTRADICTS',
        `transactions around ${rows[start].id} spend each other’s outputs in a circle`,
      )
    start = end
  }
  return sorted
}
