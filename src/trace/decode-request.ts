import {
  CHANGE_RULE_NAMES,
  isUtxoChain,
  METHOD_NAMES,
  type MethodName,
  methodFits,
  NATIVE,
  POOL_KINDS,
  type PoolKind,
  parseUnits,
} from '../../graph/index.ts'
import { canonicalAddress, explainAddress } from '../chains/address.ts'
import { Fault } from '../faults.ts'
import { formatTime, parseTime, show } from '../text.ts'
import type { SeedClaim, TraceRequest } from './request.ts'

/** What a request that says nothing of it gets; the report prints them as if they had been written. */
export const REQUEST_DEFAULTS = {
  hops: 100,
  amount: '0',
  transactions: 1_000_000,
  rules: { commonInput: true, change: [] as readonly string[], depositSweep: true },
} as const

const SEEDS_MAX = 100_000
const TEXT_MAX = 10_000

type Row = Record<string, unknown>

/**
 * Proves a trace request (DESIGN.md 4.3) and completes it. Every refusal is REQUEST_INVALID, METHOD_UNKNOWN, METHOD_UNFIT,
 * ADDRESS_INVALID or AMOUNT_INVALID and names the field as a JSON pointer.
 */
export function decodeRequest(value: unknown): TraceRequest {
  const row = record(value, '')
  closed(row, ['case', 'method', 'seeds', 'pool', 'limits', 'compare', 'rules'], '')
  const method = record(need(row, 'method', ''), '/method')
  closed(method, ['primary', 'reason'], '/method')
  const primary = methodName(need(method, 'primary', '/method'), '/method/primary')
  const reason = text(need(method, 'reason', '/method'), '/method/reason', 1)
  const compare = [
    ...new Set(list(row.compare ?? [], '/compare', 16).map((each, i) => methodName(each, `/compare/${i}`))),
  ]
    .filter((name) => name !== primary)
    .sort((a, b) => METHOD_NAMES.indexOf(a) - METHOD_NAMES.indexOf(b))
  const seeds = list(need(row, 'seeds', ''), '/seeds', SEEDS_MAX).map((each, i) => seed(each, `/seeds/${i}`))
  if (seeds.length === 0) throw new Fault('REQUEST_INVALID', '/seeds: at least one seed is needed')
  seeds.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  for (let i = 1; i < seeds.length; i++) {
    if (seeds[i].id === seeds[i - 1].id) {
      throw new Fault('REQUEST_INVALID', `/seeds: two seeds have the id ${show(seeds[i].id)}; give each its own`)
    }
  }
  const pool = pools(row.pool ?? {}, [...new Set(seeds.map((each) => each.chain))].sort())
  checkFit(primary, compare, pool)
  const limits = readLimits(row.limits ?? {})
  const rules = readRules(row.rules ?? {})
  const caseName = row.case === undefined ? '' : text(row.case, '/case', 0)
  return {
    case: caseName,
    primary,
    reason,
    compare,
    seeds,
    pool,
    limits,
    rules,
    printed: {
      case: caseName,
      method: { primary, reason },
      compare,
      seeds: seeds.map(printSeed),
      pool: Object.fromEntries(
        Object.entries(pool).map(([chain, kinds]) => [chain, kinds.length === 1 ? kinds[0] : kinds]),
      ),
      limits: {
        hops: limits.hops,
        ...(limits.until === undefined ? {} : { until: formatTime(limits.until) }),
        amount: limits.amount.toString(),
        transactions: limits.transactions,
      },
      rules,
    },
  }
}

function seed(value: unknown, at: string): SeedClaim {
  const row = record(value, at)
  const chain = token(need(row, 'chain', at), `${at}/chain`)
  const utxo = isUtxoChain(chain)
  const reason = text(need(row, 'reason', at), `${at}/reason`, 1)
  const exhibit = row.exhibit === undefined ? undefined : text(row.exhibit, `${at}/exhibit`, 1)
  const asset = row.asset === undefined || row.asset === NATIVE ? NATIVE : addressOf(chain, row.asset, `${at}/asset`)
  if (utxo && asset !== NATIVE) {
    throw new Fault('REQUEST_INVALID', `${at}/asset: ${chain} has one asset, its own coin; leave the field out`)
  }
  if ('address' in row) {
    closed(row, ['id', 'chain', 'asset', 'address', 'from', 'until', 'reason', 'exhibit'], at)
    const address = addressOf(chain, row.address, `${at}/address`)
    const from = row.from === undefined ? undefined : time(row.from, `${at}/from`)
    const until = row.until === undefined ? undefined : time(row.until, `${at}/until`)
    if (from !== undefined && until !== undefined && from > until) {
      throw new Fault('REQUEST_INVALID', `${at}/until: the window ends before it begins`)
    }
    return { kind: 'address', id: idOf(row, at, address), chain, asset, address, from, until, reason, exhibit }
  }
  const field = utxo ? 'output' : 'transfer'
  closed(row, ['id', 'chain', 'asset', 'transaction', field, 'amount', 'reason', 'exhibit'], at)
  const transaction = token(need(row, 'transaction', at), `${at}/transaction`)
  const place = integer(need(row, field, at), `${at}/${field}`, 0, 0xffffffff)
  let amount: bigint | undefined
  if (row.amount !== undefined) {
    amount = parseUnits(row.amount)
    if (amount === undefined || amount === 0n) {
      throw new Fault(
        'AMOUNT_INVALID',
        `${at}/amount: a string of digits in base units, above zero, is wanted, not ${show(row.amount)}`,
      )
    }
  }
  const id = idOf(row, at, `${transaction}:${place}`)
  return {
    kind: 'payment',
    id,
    chain,
    asset,
    assetGiven: row.asset !== undefined,
    transaction,
    place,
    amount,
    reason,
    exhibit,
  }
}

function idOf(row: Row, at: string, otherwise: string): string {
  return row.id === undefined ? otherwise : token(row.id, `${at}/id`)
}

function printSeed(seed: SeedClaim): Row {
  const common = {
    id: seed.id,
    chain: seed.chain,
    reason: seed.reason,
    ...(seed.exhibit === undefined ? {} : { exhibit: seed.exhibit }),
  }
  if (seed.kind === 'address') {
    return {
      ...common,
      ...(isUtxoChain(seed.chain) ? {} : { asset: seed.asset }),
      address: seed.address,
      ...(seed.from === undefined ? {} : { from: formatTime(seed.from) }),
      ...(seed.until === undefined ? {} : { until: formatTime(seed.until) }),
    }
  }
  return {
    ...common,
    ...(seed.assetGiven && !isUtxoChain(seed.chain) ? { asset: seed.asset } : {}),
    transaction: seed.transaction,
    [isUtxoChain(seed.chain) ? 'output' : 'transfer']: seed.place,
    ...(seed.amount === undefined ? {} : { amount: seed.amount.toString() }),
  }
}

function pools(value: unknown, chains: readonly string[]): Record<string, readonly PoolKind[]> {
  const row = record(value, '/pool')
  const answer: Record<string, readonly PoolKind[]> = {}
  for (const chain of Object.keys(row)) {
    if (!chains.includes(chain)) {
      throw new Fault('REQUEST_INVALID', `/pool/${chain}: no seed is on that chain; seeds are on ${chains.join(', ')}`)
    }
  }
  for (const chain of chains) {
    const utxo = isUtxoChain(chain)
    const given = row[chain] ?? (utxo ? 'output' : 'address')
    const kinds = list(Array.isArray(given) ? given : [given], `/pool/${chain}`, 2).map((each): PoolKind => {
      const kind = POOL_KINDS.find((name) => name === each)
      if (kind === undefined) {
        throw new Fault(
          'REQUEST_INVALID',
          `/pool/${chain}: ${show(each)} is no pool; one of ${POOL_KINDS.join(', ')} is wanted`,
        )
      }
      if (kind === 'output' && !utxo) {
        throw new Fault(
          'REQUEST_INVALID',
          `/pool/${chain}: ${chain} keeps balances, not outputs; 'address' or 'cluster' is wanted`,
        )
      }
      return kind
    })
    if (kinds.length === 0 || new Set(kinds).size !== kinds.length) {
      throw new Fault('REQUEST_INVALID', `/pool/${chain}: one pool, or two different ones, are wanted`)
    }
    answer[chain] = kinds
  }
  return answer
}

function checkFit(
  primary: MethodName,
  compare: readonly MethodName[],
  pool: Record<string, readonly PoolKind[]>,
): void {
  for (const [chain, kinds] of Object.entries(pool)) {
    if (!methodFits(primary, kinds[0])) throw unfit(primary, chain, kinds[0], '/method/primary')
    for (const method of compare) {
      if (!kinds.some((kind) => methodFits(method, kind))) throw unfit(method, chain, kinds[0], '/compare')
    }
  }
}

function unfit(method: MethodName, chain: string, pool: PoolKind, at: string): Fault {
  const why =
    method === 'tiho'
      ? 'it shares out one transaction, and a balance is not one; choose pool output, or another method'
      : 'an output is spent whole and has no balance of which one part could go first; choose pool address or cluster, or another method'
  return new Fault('METHOD_UNFIT', `${at}: ${method} on ${chain} with pool ${pool}: ${why}`)
}

function readLimits(value: unknown): TraceRequest['limits'] {
  const row = record(value, '/limits')
  closed(row, ['hops', 'until', 'amount', 'transactions'], '/limits')
  const amount = parseUnits(row.amount ?? REQUEST_DEFAULTS.amount)
  if (amount === undefined) {
    throw new Fault(
      'AMOUNT_INVALID',
      `/limits/amount: a string of digits in base units is wanted, not ${show(row.amount)}`,
    )
  }
  return {
    hops: integer(row.hops ?? REQUEST_DEFAULTS.hops, '/limits/hops', 0, 1_000_000),
    until: row.until === undefined ? undefined : time(row.until, '/limits/until'),
    amount,
    transactions: integer(row.transactions ?? REQUEST_DEFAULTS.transactions, '/limits/transactions', 0, 100_000_000),
  }
}

function readRules(value: unknown): TraceRequest['rules'] {
  const row = record(value, '/rules')
  closed(row, ['commonInput', 'change', 'depositSweep'], '/rules')
  const change = list(row.change ?? REQUEST_DEFAULTS.rules.change, '/rules/change', 16).map((each) => {
    const name = CHANGE_RULE_NAMES.find((known) => known === each)
    if (name === undefined) {
      throw new Fault(
        'REQUEST_INVALID',
        `/rules/change: ${show(each)} is no change rule; known: ${CHANGE_RULE_NAMES.join(', ')}`,
      )
    }
    return name
  })
  return {
    commonInput: flag(row.commonInput ?? REQUEST_DEFAULTS.rules.commonInput, '/rules/commonInput'),
    change: [...new Set(change)].sort(),
    depositSweep: flag(row.depositSweep ?? REQUEST_DEFAULTS.rules.depositSweep, '/rules/depositSweep'),
  }
}

function record(value: unknown, at: string): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row
  throw new Fault('REQUEST_INVALID', `${at || '/'}: an object is wanted, not ${show(value)}`)
}

function closed(row: Row, known: readonly string[], at: string): void {
  for (const field of Object.keys(row)) {
    if (known.includes(field)) continue
    throw new Fault('REQUEST_INVALID', `${at}/${field}: there is no such field; known here: ${known.join(', ')}`)
  }
}

function need(row: Row, field: string, at: string): unknown {
  if (row[field] === undefined) throw new Fault('REQUEST_INVALID', `${at}/${field}: this must be there`)
  return row[field]
}

function list(value: unknown, at: string, countMax: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new Fault('REQUEST_INVALID', `${at}: a list is wanted, not ${show(value)}`)
  if (value.length > countMax)
    throw new Fault('LIMIT_EXCEEDED', `${at}: ${value.length} rows; at most ${countMax} are taken`)
  return value
}

function text(value: unknown, at: string, lengthMin: number): string {
  if (typeof value === 'string' && value.trim().length >= lengthMin && value.length <= TEXT_MAX && value.isWellFormed())
    return value
  throw new Fault(
    'REQUEST_INVALID',
    `${at}: a text of ${lengthMin} to ${TEXT_MAX} characters is wanted, not ${show(value)}`,
  )
}

function token(value: unknown, at: string): string {
  if (typeof value === 'string' && /^[^\s\p{C}]{1,128}$/u.test(value)) return value
  throw new Fault('REQUEST_INVALID', `${at}: a name without blanks is wanted, not ${show(value)}`)
}

function integer(value: unknown, at: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new Fault('REQUEST_INVALID', `${at}: a whole number from ${min} to ${max} is wanted, not ${show(value)}`)
}

function flag(value: unknown, at: string): boolean {
  if (typeof value === 'boolean') return value
  throw new Fault('REQUEST_INVALID', `${at}: true or false is wanted, not ${show(value)}`)
}

function time(value: unknown, at: string): number {
  const seconds = parseTime(value)
  if (seconds !== undefined) return seconds
  throw new Fault('REQUEST_INVALID', `${at}: a time like 2022-01-01T00:00:00Z is wanted, not ${show(value)}`)
}

function methodName(value: unknown, at: string): MethodName {
  const name = METHOD_NAMES.find((known) => known === value)
  if (name !== undefined) return name
  throw new Fault('METHOD_UNKNOWN', `${at}: ${show(value)} is no method; known: ${METHOD_NAMES.join(', ')}`)
}

function addressOf(chain: string, value: unknown, at: string): string {
  const canonical = typeof value === 'string' ? canonicalAddress(chain, value) : undefined
  if (canonical !== undefined) return canonical
  const why = typeof value === 'string' ? explainAddress(chain, value) : `an address is wanted, not ${show(value)}`
  throw new Fault('ADDRESS_INVALID', `${at}: ${why}`)
}
