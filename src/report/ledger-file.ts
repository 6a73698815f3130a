import { type AssetFact, addressesOf, isUtxoChain, type Opening, type Transaction } from '../../graph/index.ts'
import { formatTime } from '../text.ts'
import type { ChainLedger } from '../trace/ledger.ts'
import type { Trace } from '../trace/trace.ts'
import { canonicalJson } from './canonical.ts'
import { rejectedOf } from './rejected.ts'

/**
 * The ledger that a trace read, as the lines of a dump (DESIGN.md 4.1) in canonical order: for each chain what is said of
 * assets, coverage and openings as far as it matters to the trace, then every transaction read, in the ledger's order. The
 * chain's last transaction is always among them: it is the snapshot.
 */
export function* ledgerLines(trace: Trace): Generator<string> {
  for (const chain of Object.keys(trace.request.pool).sort()) {
    const ledger = trace.ledgers.get(chain)!
    const holders = new Set<string>()
    const rows = readTransactions(trace, chain)
    for (const row of rows) for (const address of addressesOf(row)) holders.add(address)
    yield* describe(ledger, rows, holders)
    for (const row of rows) yield `${canonicalJson(transactionRow(row))}\n`
  }
}

/**
 * Every transaction of a chain that the trace rests on, in the ledger's order: what was followed or stopped at a limit, what
 * was rejected, and what rules on structure judged by, so that they judge alike when the bundle is replayed.
 */
export function readTransactions(trace: Trace, chain: string): Transaction[] {
  const ledger = trace.ledgers.get(chain)!
  const runs = trace.runs.filter((run) => run.chain === chain)
  const utxo = isUtxoChain(chain)
  // A cluster may hang on any transaction of the ledger.
  if (utxo && runs.some((run) => run.pool === 'cluster')) return [...ledger.transactions]
  const read = new Set<number>()
  for (const { compiled } of runs) for (const number of compiled.read) read.add(number)
  for (const { number } of rejectedOf(trace, ledger)) read.add(number)
  for (const seed of trace.seeds) if (seed.chain === chain) read.add(seed.transaction)
  read.add(ledger.transactions.length - 1)
  const judgedHere = new Set<string>()
  const judged = trace.hands.judged(chain)
  for (const number of read) {
    for (const address of addressesOf(ledger.transactions[number])) if (judged.has(address)) judgedHere.add(address)
  }
  if (judgedHere.size > 0) {
    // What is spent together on a UTXO chain hangs together beyond one address's own history.
    if (utxo) return [...ledger.transactions]
    ledger.transactions.forEach((transaction, number) => {
      for (const address of addressesOf(transaction)) if (judgedHere.has(address)) read.add(number)
    })
  }
  return [...read].sort((a, b) => a - b).map((number) => ledger.transactions[number])
}

function* describe(ledger: ChainLedger, rows: readonly Transaction[], holders: ReadonlySet<string>): Generator<string> {
  const moved = new Set<string>()
  for (const row of rows) {
    if (row.kind === 'utxo') moved.add('native')
    else {
      for (const transfer of row.transfers) moved.add(transfer.asset)
      if (row.fee !== undefined) moved.add('native')
    }
  }
  const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  const assets = [...ledger.assets.values()].filter((fact) => moved.has(fact.asset))
  for (const fact of assets.sort((a, b) => byText(a.asset, b.asset))) yield `${canonicalJson(assetRow(fact))}\n`
  if (ledger.coversAll) yield `${canonicalJson({ chain: ledger.chain, covers: 'all' })}\n`
  const covered = [...ledger.covered].filter((address) => holders.has(address)).sort()
  if (covered.length > 0) yield `${canonicalJson({ chain: ledger.chain, covers: covered })}\n`
  const openings = [...ledger.openings.values()].filter((opening) => holders.has(opening.address))
  openings.sort((a, b) => byText(a.asset, b.asset) || byText(a.address, b.address))
  for (const opening of openings) yield `${canonicalJson(openingRow(opening))}\n`
}

function assetRow(fact: AssetFact): unknown {
  return { chain: fact.chain, asset: fact.asset, symbol: fact.symbol, decimals: fact.decimals }
}

function openingRow(opening: Opening): unknown {
  return {
    chain: opening.chain,
    asset: opening.asset,
    address: opening.address,
    opening: opening.amount.toString(),
  }
}

/** A transaction as a line of a dump says it. */
export function transactionRow(transaction: Transaction): unknown {
  const { chain, id, height, index, time, blockHash } = transaction
  const placed = { chain, id, height, index, time: formatTime(time), blockHash }
  if (transaction.kind === 'utxo') {
    return {
      ...placed,
      ...(transaction.coinbase ? { coinbase: true } : {}),
      inputs: transaction.inputs.map((input) => ({ ...input, amount: input.amount.toString() })),
      outputs: transaction.outputs.map((output) => ({ ...output, amount: output.amount.toString() })),
    }
  }
  return {
    ...placed,
    status: transaction.status,
    transfers: transaction.transfers.map((transfer) => ({ ...transfer, amount: transfer.amount.toString() })),
    fee: transaction.fee && { from: transaction.fee.from, amount: transaction.fee.amount.toString() },
  }
}
