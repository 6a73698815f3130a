import {
  AMOUNT_MAX,
  type AssetFact,
  type Coverage,
  type Input,
  isUtxoChain,
  NATIVE,
  type Opening,
  type Output,
  parseUnits,
  type Transaction,
  type Transfer,
} from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { parseTime, show } from '../../text.ts'
import { canonicalAddress, explainAddress } from '../address.ts'

/** What a line of a ledger dump says (DESIGN.md 4.1). */
export type LedgerLine =
  | { readonly kind: 'transaction'; readonly transaction: Transaction }
  | { readonly kind: 'asset'; readonly asset: AssetFact }
  | { readonly kind: 'coverage'; readonly coverage: Coverage }
  | { readonly kind: 'opening'; readonly opening: Opening }

/** How many legs or covered addresses one line may have. */
const LEGS_MAX = 4_000_000
const NAME = /^[^\s\p{C}]{1,128}$/u

/** Proves one parsed line, or throws LEDGER_INVALID, ADDRESS_INVALID or AMOUNT_INVALID that names the line and the field. */
export function decodeLine(value: unknown, where: string): LedgerLine {
  const row = record(value, where)
  const chain = name(row.chain, `${where}: chain`)
  if ('covers' in row) {
    closed(row, ['chain', 'covers'], where)
    if (row.covers === 'all') return { kind: 'coverage', coverage: { chain, covers: 'all' } }
    const covers = list(row.covers, `${where}: covers`).map((each, i) => address(chain, each, `${where}: covers[${i}]`))
    return { kind: 'coverage', coverage: { chain, covers } }
  }
  if ('opening' in row) {
    closed(row, ['chain', 'asset', 'address', 'opening'], where)
    return {
      kind: 'opening',
      opening: {
        chain,
        asset: asset(chain, row.asset ?? NATIVE, `${where}: asset`),
        address: address(chain, row.address, `${where}: address`),
        amount: units(row.opening, `${where}: opening`),
      },
    }
  }
  if ('symbol' in row || 'decimals' in row) {
    closed(row, ['chain', 'asset', 'symbol', 'decimals'], where)
    const decimals = integer(row.decimals, `${where}: decimals`)
    if (decimals > 77)
      throw new Fault('LEDGER_INVALID', `${where}: decimals: ${decimals} is more than any amount has digits`)
    if (typeof row.symbol !== 'string' || row.symbol.length > 64) {
      throw new Fault('LEDGER_INVALID', `${where}: symbol: a text of at most 64 characters is wanted`)
    }
    return {
      kind: 'asset',
      asset: { chain, asset: asset(chain, row.asset ?? NATIVE, `${where}: asset`), symbol: row.symbol, decimals },
    }
  }
  return { kind: 'transaction', transaction: isUtxoChain(chain) ? utxo(chain, row, where) : account(chain, row, where) }
}

function utxo(chain: string, row: Record<string, unknown>, where: string): Transaction {
  closed(row, ['chain', 'id', 'height', 'index', 'time', 'blockHash', 'coinbase', 'inputs', 'outputs'], where)
  const placed = place(chain, row, where)
  const coinbase = row.coinbase ?? false
  if (typeof coinbase !== 'boolean') throw new Fault('LEDGER_INVALID', `${where}: coinbase: true or false is wanted`)
  const inputs = list(row.inputs, `${where}: inputs`).map((each, i): Input => {
    const at = `${where}: inputs[${i}]`
    const input = record(each, at)
    closed(input, ['transaction', 'output', 'address', 'amount'], at)
    return {
      transaction: name(input.transaction, `${at}.transaction`),
      output: integer(input.output, `${at}.output`),
      address: input.address === null ? null : address(chain, input.address, `${at}.address`),
      amount: units(input.amount, `${at}.amount`),
    }
  })
  const outputs = list(row.outputs, `${where}: outputs`).map((each, i): Output => {
    const at = `${where}: outputs[${i}]`
    const output = record(each, at)
    closed(output, ['address', 'amount'], at)
    return {
      address: output.address === null ? null : address(chain, output.address, `${at}.address`),
      amount: units(output.amount, `${at}.amount`),
    }
  })
  if (coinbase && inputs.length > 0) {
    throw new Fault('LEDGER_INVALID', `${where}: inputs: a coinbase mints value and has none`)
  }
  if (!coinbase && inputs.length === 0) {
    throw new Fault('LEDGER_INVALID', `${where}: inputs: only a coinbase has none; say "coinbase": true if it is one`)
  }
  const spent = new Set(inputs.map((input) => `${input.transaction}:${input.output}`))
  if (spent.size !== inputs.length) throw new Fault('LEDGER_CONTRADICTS', `${where}: inputs: one output is spent twice`)
  const given = total(outputs, where)
  if (!coinbase && total(inputs, where) < given) {
    throw new Fault(
      'LEDGER_UNBALANCED',
      `${where}: ${placed.id}: outputs are more than inputs; an input may be missing`,
    )
  }
  return { kind: 'utxo', ...placed, coinbase, inputs, outputs }
}

function account(chain: string, row: Record<string, unknown>, where: string): Transaction {
  closed(row, ['chain', 'id', 'height', 'index', 'time', 'blockHash', 'status', 'transfers', 'fee'], where)
  const placed = place(chain, row, where)
  if (row.status !== 'success' && row.status !== 'failed') {
    throw new Fault('LEDGER_INVALID', `${where}: status: 'success' or 'failed' is wanted, not ${show(row.status)}`)
  }
  const transfers = list(row.transfers, `${where}: transfers`).map((each, i): Transfer => {
    const at = `${where}: transfers[${i}]`
    const transfer = record(each, at)
    closed(transfer, ['index', 'asset', 'from', 'to', 'amount'], at)
    return {
      index: integer(transfer.index, `${at}.index`),
      asset: asset(chain, transfer.asset, `${at}.asset`),
      from: address(chain, transfer.from, `${at}.from`),
      to: address(chain, transfer.to, `${at}.to`),
      amount: units(transfer.amount, `${at}.amount`),
    }
  })
  transfers.sort((a, b) => a.index - b.index)
  for (let i = 1; i < transfers.length; i++) {
    if (transfers[i].index === transfers[i - 1].index) {
      throw new Fault('LEDGER_CONTRADICTS', `${where}: transfers: index ${transfers[i].index} stands twice`)
    }
  }
  let fee: { from: string; amount: bigint } | undefined
  if (row.fee !== undefined) {
    const at = `${where}: fee`
    const paid = record(row.fee, at)
    closed(paid, ['from', 'amount'], at)
    fee = { from: address(chain, paid.from, `${at}.from`), amount: units(paid.amount, `${at}.amount`) }
  }
  return { kind: 'account', ...placed, status: row.status, transfers, fee }
}

function place(chain: string, row: Record<string, unknown>, where: string) {
  return {
    chain,
    id: name(row.id, `${where}: id`),
    height: row.height === undefined ? undefined : integer(row.height, `${where}: height`),
    index: row.index === undefined ? undefined : integer(row.index, `${where}: index`),
    time: time(row.time, `${where}: time`),
    blockHash: row.blockHash === undefined ? undefined : name(row.blockHash, `${where}: blockHash`),
  }
}

function record(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Fault('LEDGER_INVALID', `${where}: an object is wanted, not ${show(value)}`)
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Fault('LEDGER_INVALID', `${where}: a list is wanted, not ${show(value)}`)
  if (value.length > LEGS_MAX) throw new Fault('LIMIT_EXCEEDED', `${where}: more than ${LEGS_MAX} rows in one line`)
  return value
}

function closed(row: Record<string, unknown>, known: readonly string[], where: string): void {
  for (const field of Object.keys(row)) {
    if (!known.includes(field)) {
      throw new Fault(
        'LEDGER_INVALID',
        `${where}: ${show(field)} is not a field of this line; known: ${known.join(', ')}`,
      )
    }
  }
}

function name(value: unknown, where: string): string {
  if (typeof value === 'string' && NAME.test(value)) return value
  throw new Fault('LEDGER_INVALID', `${where}: a name without blanks is wanted, not ${show(value)}`)
}

function integer(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return value
  throw new Fault('LEDGER_INVALID', `${where}: a whole number from 0 is wanted, not ${show(value)}`)
}

function units(value: unknown, where: string): bigint {
  const amount = parseUnits(value)
  if (amount !== undefined) return amount
  throw new Fault('AMOUNT_INVALID', `${where}: a string of digits in base units is wanted, not ${show(value)}`)
}

function total(legs: readonly { readonly amount: bigint }[], where: string): bigint {
  let total = 0n
  for (const leg of legs) total += leg.amount
  if (total > AMOUNT_MAX)
    throw new Fault('AMOUNT_INVALID', `${where}: the legs of the transaction add up to more than 2^256`)
  return total
}

/**
 * Addresses of a chain that proved themselves not long ago, by the text they were given as: the same few pay and are paid
 * again and again, and a checksum costs more than all else of a line. Two generations: a full one is kept until the next.
 */
class ProvedAddresses {
  readonly #chain: string
  #young = new Map<string, string>()
  #old: ReadonlyMap<string, string> = new Map()

  constructor(chain: string) {
    this.#chain = chain
  }

  canonical(text: string): string | undefined {
    const young = this.#young.get(text)
    if (young !== undefined) return young
    const canonical = this.#old.get(text) ?? canonicalAddress(this.#chain, text)
    if (canonical === undefined) return undefined
    if (this.#young.size === PROVED_MAX) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, canonical)
    return canonical
  }
}

/** How many addresses a generation holds; some 10 MiB. */
const PROVED_MAX = 65_536
/** How many chains have one at a time: names of chains come from outside too. */
const CHAINS_MAX = 16
const proved = new Map<string, ProvedAddresses>()

function provedOf(chain: string): ProvedAddresses {
  let addresses = proved.get(chain)
  if (addresses === undefined) {
    if (proved.size === CHAINS_MAX) proved.clear()
    proved.set(chain, (addresses = new ProvedAddresses(chain)))
  }
  return addresses
}

function address(chain: string, value: unknown, where: string): string {
  const canonical = typeof value === 'string' ? provedOf(chain).canonical(value) : undefined
  if (canonical !== undefined) return canonical
  const why = typeof value === 'string' ? explainAddress(chain, value) : `an address is wanted, not ${show(value)}`
  throw new Fault('ADDRESS_INVALID', `${where}: ${why}`)
}

function asset(chain: string, value: unknown, where: string): string {
  return value === NATIVE ? NATIVE : address(chain, value, where)
}

function time(value: unknown, where: string): number {
  const seconds = parseTime(value)
  if (seconds !== undefined) return seconds
  throw new Fault('LEDGER_INVALID', `${where}: a time like 2017-08-03T03:07:11Z is wanted, not ${show(value)}`)
}
