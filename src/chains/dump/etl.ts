import {
  type AssetFact,
  type Chain,
  type Input,
  parseUnits,
  type Transaction,
  type UtxoTransaction,
} from '../../../graph/index.ts'
import { readCsv } from '../../csv.ts'
import { Fault } from '../../faults.ts'
import { show } from '../../text.ts'
import { canonicalAddress } from '../address.ts'
import { type EvmLog, type InternalTransfer, toAccountTransaction } from '../ethereum/transfers.ts'
import { parseJson } from '../http.ts'
import { asRecord } from '../source.ts'
import { readBytes, readLines } from './read.ts'

// The exports of bitcoin-etl and ethereum-etl: JSON lines or CSV, one row a thing, joined here by transaction.

/** Outputs kept to look up what later rows spend, where a dump of bitcoin-etl does not say it. */
const OUTPUTS_KEPT = 5_000_000
/** Rows of an ethereum-etl export that are joined in one go. */
const ROWS_MAX = 5_000_000

type Row = Readonly<Record<string, unknown>>

interface Placed {
  readonly row: Row
  /** File and line, for faults. */
  readonly where: string
}

/** Rows of an export, whichever way it is written: each a record of texts or JSON values. */
export async function* readEtlRows(file: string): AsyncGenerator<Placed> {
  let json: boolean | undefined
  for await (const { text, line } of readLines(file)) {
    if (json === undefined) json = text.trimStart().startsWith('{')
    if (!json) break
    if (text.trim() === '') continue
    const where = `${file}: line ${line}`
    const row = asRecord(parseJson(Buffer.from(text)))
    if (row === undefined) throw new Fault('LEDGER_INVALID', `${where}: not a JSON object`)
    yield { row, where }
  }
  if (json !== false) return
  let header: readonly string[] | undefined
  // A token's input data may fill a cell: these are as long as blocks allow.
  const options = { name: file, fault: 'LEDGER_INVALID', cellMax: 16_000_000, rowsMax: ROWS_MAX } as const
  for await (const { line, cells } of readCsv(readBytes(file), options)) {
    if (header === undefined) {
      header = cells
      continue
    }
    const where = `${file}: line ${line}`
    if (cells.length !== header.length) {
      throw new Fault('LEDGER_INVALID', `${where}: ${cells.length} cells, and the header names ${header.length}`)
    }
    yield { row: Object.fromEntries(header.map((name, i) => [name, cells[i] === '' ? null : cells[i]])), where }
  }
}

function integer(value: unknown, where: string): number {
  const found = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof found === 'number' && Number.isSafeInteger(found) && found >= 0) return found
  throw new Fault('LEDGER_INVALID', `${where}: a whole number is wanted, not ${show(value)}`)
}

function units(value: unknown, where: string): bigint {
  const amount = parseUnits(typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value)
  if (amount !== undefined) return amount
  throw new Fault(
    'AMOUNT_INVALID',
    `${where}: a whole number of base units is wanted, not ${show(value)}; an amount that went through a float has lost digits`,
  )
}

function hashText(value: unknown, where: string): string {
  if (typeof value === 'string' && /^(0x)?[0-9a-f]{64}$/i.test(value)) return value.toLowerCase()
  throw new Fault('LEDGER_INVALID', `${where}: 64 hexadecimal digits are wanted, not ${show(value)}`)
}

/**
 * Transactions of bitcoin-etl's export, for chains of Bitcoin's kind. Inputs say what they spend where the export was
 * enriched; where not, it is looked up among the outputs that came before in these files. Scripts of several keys or of
 * none have no address. Faults: `LEDGER_INVALID`, `LEDGER_UNBALANCED`, `AMOUNT_INVALID`, with file, line and field.
 */
export async function* readBitcoinEtl(files: readonly string[], chain: Chain): AsyncGenerator<UtxoTransaction> {
  const outputs = new Map<string, { address: string | null; amount: bigint }>()
  for (const file of files) {
    for await (const { row, where } of readEtlRows(file)) {
      // Blocks stand in the same export; a transaction has outputs.
      if (!Array.isArray(row.outputs) || !Array.isArray(row.inputs)) continue
      const id = hashText(row.hash, `${where}: hash`)
      const coinbase = row.is_coinbase === true
      const made = row.outputs.map((each, i) => {
        const output = asRecord(each)
        const at = `${where}: outputs[${i}]`
        return { address: addressOf(chain, output), amount: units(output?.value, `${at}.value`) }
      })
      const inputs = coinbase
        ? []
        : row.inputs.map((each, i): Input => {
            const input = asRecord(each)
            const at = `${where}: inputs[${i}]`
            const transaction = hashText(input?.spent_transaction_hash, `${at}.spent_transaction_hash`)
            const output = integer(input?.spent_output_index, `${at}.spent_output_index`)
            if (input?.value !== null && input?.value !== undefined) {
              return {
                transaction,
                output,
                address: addressOf(chain, input),
                amount: units(input.value, `${at}.value`),
              }
            }
            const spent = outputs.get(`${transaction}:${output}`)
            if (spent === undefined) {
              throw new Fault(
                'LEDGER_INVALID',
                `${at}: it does not say what it spends, and ${transaction}:${output} is not in these files before it; run bitcoin-etl’s enrich_transactions`,
              )
            }
            return { transaction, output, ...spent }
          })
      const total = (legs: readonly { amount: bigint }[]) => legs.reduce((sum, leg) => sum + leg.amount, 0n)
      if (!coinbase && total(inputs) < total(made)) {
        throw new Fault('LEDGER_UNBALANCED', `${where}: ${id}: outputs are more than inputs`)
      }
      for (const [i, output] of made.entries()) if (outputs.size < OUTPUTS_KEPT) outputs.set(`${id}:${i}`, output)
      yield {
        kind: 'utxo',
        chain,
        id,
        height: integer(row.block_number, `${where}: block_number`),
        index: row.index === undefined || row.index === null ? undefined : integer(row.index, `${where}: index`),
        time: integer(row.block_timestamp, `${where}: block_timestamp`),
        blockHash: hashText(row.block_hash, `${where}: block_hash`),
        coinbase,
        inputs,
        outputs: made,
      }
    }
  }
}

function addressOf(chain: Chain, leg: Row | undefined): string | null {
  const addresses = Array.isArray(leg?.addresses) ? leg.addresses : []
  if (addresses.length !== 1 || typeof addresses[0] !== 'string') return null
  return canonicalAddress(chain, addresses[0]) ?? null
}

/** What ethereum-etl's files say of one transaction, joined. */
interface EvmDraft {
  transaction: Placed | undefined
  receipt: Placed | undefined
  readonly logs: Map<number, EvmLog>
  readonly traces: { path: readonly number[]; move: InternalTransfer }[]
}

export interface EthereumEtl {
  readonly transactions: readonly Transaction[]
  readonly assets: readonly AssetFact[]
  /** Whether traces were among the files: without them, coin that contracts moved is missing. */
  readonly traced: boolean
}

/**
 * Transactions of ethereum-etl's export, joined from its files: transactions (with `receipt_…` columns, or receipts beside
 * them), token transfers or logs, traces if there are any, tokens. The kinds are told by their columns.
 * Each is checked against the others: a transfer of a transaction that is not there is a fault `LEDGER_INVALID`.
 */
export async function readEthereumEtl(files: readonly string[], chain: Chain): Promise<EthereumEtl> {
  const drafts = new Map<string, EvmDraft>()
  const assets = new Map<string, AssetFact>()
  let traced = false
  let rows = 0
  const draftOf = (value: unknown, where: string): EvmDraft => {
    const id = hashText(value, where)
    let draft = drafts.get(id)
    if (draft === undefined)
      drafts.set(id, (draft = { transaction: undefined, receipt: undefined, logs: new Map(), traces: [] }))
    return draft
  }
  for (const file of files) {
    for await (const placed of readEtlRows(file)) {
      const { row, where } = placed
      if (++rows > ROWS_MAX)
        throw new Fault('LIMIT_EXCEEDED', `${where}: more than ${ROWS_MAX} rows; import fewer blocks at a time`)
      if ('trace_type' in row) {
        traced = true
        const moved = traceOf(row, where)
        if (moved !== undefined) draftOf(row.transaction_hash, `${where}: transaction_hash`).traces.push(moved)
      } else if ('token_address' in row && 'log_index' in row) addTransfer(draftOf, row, where)
      else if ('topics' in row && 'log_index' in row) addLog(draftOf, row, where)
      else if ('gas_used' in row && 'transaction_hash' in row)
        draftOf(row.transaction_hash, `${where}: transaction_hash`).receipt = placed
      else if ('nonce' in row && 'from_address' in row) draftOf(row.hash, `${where}: hash`).transaction = placed
      else if ('decimals' in row && 'symbol' in row) {
        const asset = account(row.address, `${where}: address`)
        const decimals = row.decimals === null ? undefined : integer(row.decimals, `${where}: decimals`)
        if (decimals !== undefined && decimals <= 77) {
          assets.set(asset, { chain, asset, symbol: String(row.symbol ?? '').slice(0, 64), decimals })
        }
      }
      // Blocks and contracts tell nothing that moves.
    }
  }
  const transactions = [...drafts].map(([id, draft]) => joinDraft(chain, id, draft))
  return { transactions, assets: [...assets.values()], traced }
}

function account(value: unknown, where: string): string {
  const found = typeof value === 'string' ? canonicalAddress('ethereum', value.toLowerCase()) : undefined
  if (found === undefined) throw new Fault('ADDRESS_INVALID', `${where}: ${show(value)} is not an account`)
  return found
}

const TOPIC_ZEROS = '0'.repeat(24)

function addTransfer(draftOf: (value: unknown, where: string) => EvmDraft, row: Row, where: string): void {
  const index = integer(row.log_index, `${where}: log_index`)
  const word = (hex: string) => `0x${TOPIC_ZEROS}${hex.slice(2).toLowerCase()}`
  const amount = units(row.value, `${where}: value`)
  addOnce(draftOf(row.transaction_hash, `${where}: transaction_hash`), where, {
    index,
    address: account(row.token_address, `${where}: token_address`).toLowerCase(),
    topics: [
      TRANSFER,
      word(account(row.from_address, `${where}: from_address`)),
      word(account(row.to_address, `${where}: to_address`)),
    ],
    data: `0x${amount.toString(16).padStart(64, '0')}`,
  })
}

const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

function addLog(draftOf: (value: unknown, where: string) => EvmDraft, row: Row, where: string): void {
  const topics = Array.isArray(row.topics)
    ? row.topics.map(String)
    : String(row.topics ?? '')
        .split(',')
        .filter(Boolean)
  if (topics[0] !== TRANSFER || topics.length !== 3) return
  addOnce(draftOf(row.transaction_hash, `${where}: transaction_hash`), where, {
    index: integer(row.log_index, `${where}: log_index`),
    address: account(row.address, `${where}: address`).toLowerCase(),
    topics: topics.map((topic) => topic.toLowerCase()),
    data: String(row.data ?? '').toLowerCase(),
  })
}

/** Logs and token transfers tell the same thing twice; they must tell the same. */
function addOnce(draft: EvmDraft, where: string, log: EvmLog): void {
  const known = draft.logs.get(log.index)
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(log)) {
    throw new Fault('LEDGER_CONTRADICTS', `${where}: log ${log.index} of the block is told in two ways`)
  }
  draft.logs.set(log.index, log)
}

function traceOf(row: Row, where: string): { path: number[]; move: InternalTransfer } | undefined {
  const path = Array.isArray(row.trace_address)
    ? row.trace_address.map(Number)
    : String(row.trace_address ?? '')
        .split(',')
        .filter(Boolean)
        .map(Number)
  const moves =
    row.trace_type === 'create' ||
    row.trace_type === 'suicide' ||
    (row.trace_type === 'call' && row.call_type === 'call')
  if (!moves || path.length === 0 || integer(row.status ?? 1, `${where}: status`) === 0) return undefined
  const amount = units(row.value ?? 0, `${where}: value`)
  if (amount === 0n) return undefined
  return {
    path,
    move: {
      from: account(row.from_address, `${where}: from_address`),
      to: account(row.to_address, `${where}: to_address`),
      amount,
    },
  }
}

function joinDraft(chain: Chain, id: string, draft: EvmDraft): Transaction {
  const { transaction, receipt } = draft
  if (transaction === undefined) {
    throw new Fault(
      'LEDGER_INVALID',
      `transaction ${id} has receipts, transfers or traces in these files, and no row of its own; export transactions too`,
    )
  }
  const { row, where } = transaction
  const told = (name: string): unknown => receipt?.row[name] ?? row[`receipt_${name}`] ?? null
  if (told('gas_used') === null) {
    throw new Fault(
      'LEDGER_INVALID',
      `${where}: ${id}: its receipt is not in these files; without it nobody knows whether it failed`,
    )
  }
  const gasUsed = units(told('gas_used'), `${where}: gas_used`)
  const price = told('effective_gas_price') ?? row.gas_price
  const status = told('status')
  // Before Byzantium a failure burnt all its gas and left no log; the export says nothing of it.
  const burnt = units(row.gas, `${where}: gas`) === gasUsed && gasUsed > 21_000n && draft.logs.size === 0
  const to = row.to_address ?? told('contract_address')
  return toAccountTransaction({
    chain,
    id,
    height: integer(row.block_number, `${where}: block_number`),
    index: integer(row.transaction_index, `${where}: transaction_index`),
    time: integer(row.block_timestamp, `${where}: block_timestamp`),
    blockHash: hashText(row.block_hash, `${where}: block_hash`),
    from: account(row.from_address, `${where}: from_address`),
    to: to === null ? null : account(to, `${where}: to_address`),
    value: units(row.value, `${where}: value`),
    failed: status === null ? burnt : integer(status, `${where}: status`) === 0,
    fee: gasUsed * units(price, `${where}: gas_price`),
    logs: [...draft.logs.values()].sort((a, b) => a.index - b.index),
    internals: [...draft.traces].sort((a, b) => comparePaths(a.path, b.path)).map(({ move }) => move),
  })
}

/** Call order: a call stands before those it made. */
function comparePaths(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}
