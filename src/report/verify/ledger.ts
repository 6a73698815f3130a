import { type LinesRead, readLines, type VerifyLimits } from './files.ts'
import type { Findings } from './findings.ts'
import {
  arrayOf,
  count,
  digits,
  flag,
  isRecord,
  nullable,
  object,
  oneOf,
  optional,
  type Shape,
  secondsOf,
  text,
} from './shape.ts'

const FILE = 'ledger.ndjson.gz'

export interface LedgerInput {
  readonly transaction: string
  readonly output: number
  readonly address: string | null
  readonly amount: bigint
}

export interface LedgerTransfer {
  readonly index: number
  readonly asset: string
  readonly from: string
  readonly to: string
  readonly amount: bigint
}

/** A transaction of the ledger as this verifier reads it: its own reading, shared with no other part of the product. */
export interface LedgerRow {
  readonly line: number
  readonly chain: string
  readonly id: string
  readonly height: number | null
  readonly index: number | null
  readonly time: string
  readonly seconds: number
  readonly blockHash: string | undefined
  readonly utxo: boolean
  readonly failed: boolean
  readonly coinbase: boolean
  readonly inputs: readonly LedgerInput[]
  readonly outputs: readonly { readonly address: string | null; readonly amount: bigint }[]
  readonly transfers: readonly LedgerTransfer[]
  readonly fee: { readonly from: string | null; readonly amount: bigint } | undefined
}

/** A leg of a transaction as rows name it: an output or a transfer by its index, or the fee. */
export interface LedgerLeg {
  readonly asset: string
  /** Who gives: one payer on account chains, null on UTXO chains, where all inputs do. */
  readonly from: string | null
  readonly address: string | null
  readonly amount: bigint
}

const placed = {
  chain: text,
  id: text,
  height: optional(count),
  index: optional(count),
  time: text,
  blockHash: optional(text),
}

const UTXO = object({
  ...placed,
  coinbase: optional(flag),
  inputs: arrayOf(object({ transaction: text, output: count, address: nullable(text), amount: digits })),
  outputs: arrayOf(object({ address: nullable(text), amount: digits })),
})

const ACCOUNT = object({
  ...placed,
  status: oneOf('success', 'failed'),
  transfers: arrayOf(object({ index: count, asset: text, from: text, to: text, amount: digits })),
  fee: optional(object({ from: text, amount: digits })),
})

const FACTS: Readonly<Record<string, Shape>> = {
  symbol: object({ chain: text, asset: text, symbol: text, decimals: count }),
  opening: object({ chain: text, asset: text, address: text, opening: digits }),
}

const COVERS: Shape = object({
  chain: text,
  covers: (value, pointer, problem) => value === 'all' || arrayOf(text)(value, pointer, problem),
})

/** What the report and the journal speak of, so that the ledger keeps no more than that. */
export interface Asked {
  /** Transaction ids, on whichever chain. */
  readonly transactions: ReadonlySet<string>
  /** `<txid>:<n>`: which transactions spend them is kept. */
  readonly outputs: ReadonlySet<string>
  /** `chain\0asset\0address`: their balances are added up. */
  readonly accounts: ReadonlySet<string>
}

/** `chain`, `asset` and `address` as one key. */
export const accountKey = (chain: string, asset: string, address: string): string => `${chain}\0${asset}\0${address}`

/** What an account holds at the end of the ledger, and which payments into it were small. */
export interface Balance {
  /** In − out, with as much of unknown origin put first as keeps it from falling below zero. */
  readonly final: bigint
  /** The same without payments below the request's smallest amount, which are not followed. */
  readonly followed: bigint
}

interface Movement {
  readonly height: number | null
  readonly index: number | null
  readonly seconds: number
  readonly id: string
  readonly delta: bigint
  readonly small: bigint
}

/** The ledger of a bundle, as far as it was asked for. */
export class Ledger {
  readonly found = new Map<string, LedgerRow[]>()
  readonly spenders = new Map<string, { readonly chain: string; readonly id: string; readonly line: number }>()
  readonly assets = new Map<string, { readonly symbol: string; readonly decimals: number }>()
  readonly coversAll = new Set<string>()
  readonly covers = new Set<string>()
  /** By chain: the last height and time that any transaction has. */
  readonly last = new Map<string, { height: number; seconds: number }>()
  readonly blockHashes = new Map<string, string>()
  /** Chains whose value sits in outputs. */
  readonly utxoChains = new Set<string>()
  transactionCount = 0
  read: LinesRead = { sha256: '', rows: 0, whole: false }
  private readonly movements = new Map<string, Movement[]>()
  private readonly openings = new Map<string, bigint>()

  /** Every transaction of this id: more than one where chains share an id, or for the pairs of BIP-30. */
  all(chain: string, id: string): readonly LedgerRow[] {
    return (this.found.get(id) ?? []).filter((row) => row.chain === chain)
  }

  /** The transaction of this id, the one at a height where there are two. */
  get(chain: string, id: string, height?: number | null): LedgerRow | undefined {
    const rows = this.all(chain, id)
    return rows.find((row) => row.height === height) ?? rows[0]
  }

  /** Whether the data holds all there is about an account, or about outputs paid to it. */
  isCovered(chain: string, address: string | null): boolean {
    return this.coversAll.has(chain) || (address !== null && this.covers.has(`${chain}\0${address}`))
  }

  balance(chain: string, asset: string, address: string): Balance {
    const key = accountKey(chain, asset, address)
    const opening = this.openings.get(key) ?? 0n
    let final = opening
    let followed = opening
    for (const { delta, small } of (this.movements.get(key) ?? []).sort(byPosition)) {
      final = final + delta < 0n ? 0n : final + delta
      followed = followed + delta - small < 0n ? 0n : followed + delta - small
    }
    return { final, followed }
  }

  keepFact(fact: Record<string, unknown>, line: number, findings: Findings): void {
    const problem = (pointer: string, expected: string, found: unknown): void =>
      findings.add('ledger', FILE, `line ${line} ${pointer}`, expected, found)
    if ('covers' in fact) {
      if (!COVERS(fact, '', problem)) return
      const { chain, covers } = fact as { chain: string; covers: 'all' | string[] }
      if (covers === 'all') this.coversAll.add(chain)
      else for (const address of covers) this.covers.add(`${chain}\0${address}`)
    } else if ('opening' in fact) {
      if (!FACTS.opening(fact, '', problem)) return
      const { chain, asset, address, opening } = fact as Record<string, string>
      this.openings.set(accountKey(chain, asset, address), BigInt(opening))
    } else {
      if (!FACTS.symbol(fact, '', problem)) return
      const { chain, asset, symbol, decimals } = fact as {
        chain: string
        asset: string
        symbol: string
        decimals: number
      }
      this.assets.set(`${chain}\0${asset}`, { symbol, decimals })
    }
  }

  keepTransaction(row: LedgerRow, asked: Asked, smallest: bigint, findings: Findings): void {
    this.transactionCount++
    if (row.utxo) this.utxoChains.add(row.chain)
    const last = this.last.get(row.chain)
    if (last === undefined) this.last.set(row.chain, { height: row.height ?? -1, seconds: row.seconds })
    else {
      if (row.height !== null && row.height > last.height) last.height = row.height
      if (row.seconds > last.seconds) last.seconds = row.seconds
    }
    if (row.blockHash !== undefined && row.height !== null)
      this.blockHashes.set(`${row.chain}\0${row.height}`, row.blockHash)
    for (const { transaction, output } of row.inputs) {
      const key = `${transaction}:${output}`
      if (!asked.outputs.has(key)) continue
      const other = this.spenders.get(`${row.chain}\0${key}`)
      if (other !== undefined)
        findings.add('spent', FILE, `line ${row.line}`, `${key} spent once`, `spent on line ${other.line} too`)
      this.spenders.set(`${row.chain}\0${key}`, { chain: row.chain, id: row.id, line: row.line })
    }
    if (asked.accounts.size > 0) this.keepMovements(row, asked.accounts, smallest)
    if (!asked.transactions.has(row.id)) return
    const others = this.found.get(row.id)
    if (others === undefined) this.found.set(row.id, [row])
    else {
      const twin = others.find((other) => other.chain === row.chain && other.height === row.height)
      if (twin !== undefined)
        findings.add('ledger', FILE, `line ${row.line}`, `${row.id} once`, `also on line ${twin.line}`)
      others.push(row)
    }
  }

  private keepMovements(row: LedgerRow, accounts: ReadonlySet<string>, smallest: bigint): void {
    const move = (asset: string, address: string | null, delta: bigint): void => {
      if (address === null || delta === 0n) return
      const key = accountKey(row.chain, asset, address)
      if (!accounts.has(key)) return
      const { height, index, seconds, id } = row
      const small = delta > 0n && delta < smallest ? delta : 0n
      const list = this.movements.get(key)
      const movement = { height, index, seconds, id, delta, small }
      if (list === undefined) this.movements.set(key, [movement])
      else list.push(movement)
    }
    for (const { address, amount } of row.inputs) move('native', address, -amount)
    for (const { address, amount } of row.outputs) move('native', address, amount)
    if (!row.failed) {
      for (const { asset, from, to, amount } of row.transfers) {
        if (from === to) continue
        move(asset, from, -amount)
        move(asset, to, amount)
      }
    }
    if (!row.utxo && row.fee !== undefined) move('native', row.fee.from, -row.fee.amount)
  }
}

function byPosition(a: Movement, b: Movement): number {
  if (a.height !== null && b.height !== null && a.height !== b.height) return a.height - b.height
  if (a.height !== null && a.index !== null && b.index !== null && a.index !== b.index) return a.index - b.index
  if (a.seconds !== b.seconds) return a.seconds - b.seconds
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** Reads ledger.ndjson.gz once, proves every line, and keeps what was asked for. */
export async function readLedger(
  directory: string,
  asked: Asked,
  smallest: bigint,
  limits: VerifyLimits,
  findings: Findings,
): Promise<Ledger> {
  const ledger = new Ledger()
  ledger.read = await readLines(directory, FILE, limits, findings, (line, number) => {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (failure) {
      findings.add('ledger', FILE, `line ${number}`, 'JSON', (failure as Error).message)
      return
    }
    if (!isRecord(value)) findings.add('ledger', FILE, `line ${number}`, 'an object', value)
    else if (!('id' in value)) ledger.keepFact(value, number, findings)
    else {
      const row = ledgerRow(value, number, findings)
      if (row !== undefined) ledger.keepTransaction(row, asked, smallest, findings)
    }
  })
  checkSpending(ledger, findings)
  return ledger
}

/** A transaction line, proved and read; undefined where it is not one: a finding says why. */
export function ledgerRow(value: Record<string, unknown>, line: number, findings: Findings): LedgerRow | undefined {
  const problem = (pointer: string, expected: string, found: unknown): void =>
    findings.add('ledger', FILE, `line ${line} ${pointer}`, expected, found)
  const utxo = 'inputs' in value || 'outputs' in value
  if (!(utxo ? UTXO : ACCOUNT)(value, '', problem)) return undefined
  const seconds = secondsOf(value.time)
  if (seconds === undefined) {
    problem('/time', 'a time as 2017-08-03T03:07:11Z', value.time)
    return undefined
  }
  const raw = value as {
    chain: string
    id: string
    height?: number
    index?: number
    time: string
    blockHash?: string
    status?: string
    coinbase?: boolean
    inputs?: { transaction: string; output: number; address: string | null; amount: string }[]
    outputs?: { address: string | null; amount: string }[]
    transfers?: { index: number; asset: string; from: string; to: string; amount: string }[]
    fee?: { from: string; amount: string }
  }
  const inputs = (raw.inputs ?? []).map((input) => ({ ...input, amount: BigInt(input.amount) }))
  const outputs = (raw.outputs ?? []).map((output) => ({ ...output, amount: BigInt(output.amount) }))
  const transfers = (raw.transfers ?? []).map((transfer) => ({ ...transfer, amount: BigInt(transfer.amount) }))
  const coinbase = raw.coinbase === true
  let fee: LedgerRow['fee'] = raw.fee === undefined ? undefined : { from: raw.fee.from, amount: BigInt(raw.fee.amount) }
  if (utxo && !coinbase) {
    let left = 0n
    for (const { amount } of inputs) left += amount
    for (const { amount } of outputs) left -= amount
    if (left < 0n) problem('', 'outputs no larger than the inputs', `${-left} more`)
    else fee = { from: null, amount: left }
  }
  if (coinbase && inputs.length > 0) problem('/inputs', 'no inputs in a coinbase transaction', `${inputs.length}`)
  return {
    line,
    chain: raw.chain,
    id: raw.id,
    height: raw.height ?? null,
    index: raw.index ?? null,
    time: raw.time,
    seconds,
    blockHash: raw.blockHash,
    utxo,
    failed: raw.status === 'failed',
    coinbase,
    inputs,
    outputs,
    transfers,
    fee,
  }
}

/** An input says what the output it spends held; where both transactions are here, they must agree, and in order. */
function checkSpending(ledger: Ledger, findings: Findings): void {
  for (const rows of ledger.found.values()) {
    for (const row of rows) {
      for (const [index, input] of row.inputs.entries()) {
        const made = ledger.all(row.chain, input.transaction)
        if (made.length === 0) continue
        const where = `line ${row.line} /inputs/${index}`
        const agrees = made.some(({ outputs }) => {
          const output = outputs[input.output]
          return output !== undefined && output.amount === input.amount && output.address === input.address
        })
        if (!agrees) {
          const output = made[0].outputs[input.output]
          findings.add(
            'ledger',
            FILE,
            where,
            output === undefined
              ? `an output of line ${made[0].line}`
              : `${output.amount} of ${output.address} (line ${made[0].line})`,
            `${input.amount} of ${input.address}`,
          )
        } else if (made.every((maker) => comesAfter(maker, row))) {
          findings.add(
            'ledger',
            FILE,
            where,
            'an output that stood before it was spent',
            `line ${made[0].line} comes later`,
          )
        }
      }
    }
  }
}

/** Whether `a` certainly stands after `b` in their chain. */
export function comesAfter(a: LedgerRow, b: LedgerRow): boolean {
  if (a.height !== null && b.height !== null) {
    if (a.height !== b.height) return a.height > b.height
    return a.index !== null && b.index !== null && a.index > b.index
  }
  return a.seconds > b.seconds
}

/** The leg that a row names: output or transfer `index`, or the fee where it is undefined. */
export function legOf(row: LedgerRow, index: number | undefined): LedgerLeg | undefined {
  if (index === undefined) {
    return row.fee === undefined
      ? undefined
      : { asset: 'native', from: row.fee.from, address: null, amount: row.fee.amount }
  }
  if (row.utxo) {
    const output = row.outputs[index]
    return output === undefined
      ? undefined
      : { asset: 'native', from: null, address: output.address, amount: output.amount }
  }
  if (row.failed) return undefined
  const transfer = row.transfers.find((each) => each.index === index)
  if (transfer === undefined) return undefined
  return { asset: transfer.asset, from: transfer.from, address: transfer.to, amount: transfer.amount }
}
