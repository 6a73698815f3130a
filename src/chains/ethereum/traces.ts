import { canonicalAddress } from '../address.ts'
import { asRecord, contradicts } from '../source.ts'
import { quantity } from './encoding.ts'
import type { InternalTransfer } from './transfers.ts'

/** Calls of one transaction that are looked at before it is refused. */
const CALLS_MAX = 1_000_000

/** Kinds of call that move coin. A delegate call only repeats its caller's value, a static call has none. */
const MOVING = new Set(['CALL', 'CREATE', 'CREATE2', 'SELFDESTRUCT'])

/**
 * What moved coin inside a transaction, by the tree of calls that geth's `callTracer` prints, in the order in which the calls
 * were begun. What lies under a call that failed did not happen. The root is the transaction itself and is left out.
 */
export function internalsOfCallTree(tree: unknown, where: string): InternalTransfer[] {
  const root = asRecord(tree)
  if (root === undefined) throw contradicts(`${where}: its trace is no tree of calls`)
  if (root.error !== undefined) return []
  const found: InternalTransfer[] = []
  const waiting = callsOf(root).reverse()
  for (let seen = 0; waiting.length > 0; seen++) {
    if (seen === CALLS_MAX) throw contradicts(`${where}: its trace has more than ${CALLS_MAX} calls`)
    const call = asRecord(waiting.pop())
    if (call === undefined || typeof call.type !== 'string')
      throw contradicts(`${where}: a call in its trace is not one`)
    if (call.error !== undefined) continue
    // Geth of the first years named a self-destruction and not what it paid: that would be value lost in silence.
    const silent = call.type.toUpperCase() !== 'SELFDESTRUCT' && (call.value === undefined || call.value === null)
    const value = silent ? 0n : quantity(call.value)
    if (value === undefined) throw contradicts(`${where}: a call in its trace has no value that can be`)
    if (value > 0n && MOVING.has(call.type.toUpperCase())) found.push(party(call.from, call.to, value, where))
    for (const below of callsOf(call).reverse()) waiting.push(below)
  }
  return found
}

function callsOf(call: Readonly<Record<string, unknown>>): unknown[] {
  return Array.isArray(call.calls) ? [...call.calls] : []
}

/**
 * What moved coin inside each transaction of a block, by the flat list that `trace_block` prints (Parity's form), by
 * transaction id. Rewards of blocks are no transaction's.
 */
export function internalsOfTraceList(traces: unknown, where: string): Map<string, InternalTransfer[]> {
  if (!Array.isArray(traces)) throw contradicts(`${where}: its traces are no list`)
  const found = new Map<string, InternalTransfer[]>()
  let failed: { id: string; path: string } | undefined
  for (const each of traces) {
    const trace = asRecord(each)
    const action = asRecord(trace?.action)
    const path = trace?.traceAddress
    if (trace === undefined || action === undefined) throw contradicts(`${where}: one of its traces is not one`)
    if (trace.type === 'reward') continue
    const id = typeof trace.transactionHash === 'string' ? trace.transactionHash.toLowerCase() : undefined
    if (id === undefined || !Array.isArray(path)) throw contradicts(`${where}: a trace names no transaction or place`)
    const here = `/${path.map((step) => `${String(step)}/`).join('')}`
    if (failed !== undefined && failed.id === id && here.startsWith(failed.path)) continue
    if (trace.error !== undefined && trace.error !== null) {
      failed = { id, path: here }
      continue
    }
    if (path.length === 0) continue
    const call = String(action.callType ?? 'call')
    const value = quantity(trace.type === 'suicide' ? action.balance : action.value)
    if (value === undefined) throw contradicts(`${where}: a trace of ${id} has no value that can be`)
    if (value === 0n || (trace.type === 'call' && call !== 'call')) continue
    const made = asRecord(trace.result)?.address
    const from = trace.type === 'suicide' ? action.address : action.from
    const to = trace.type === 'suicide' ? action.refundAddress : trace.type === 'create' ? made : action.to
    const list = found.get(id)
    const move = party(from, to, value, where)
    if (list === undefined) found.set(id, [move])
    else list.push(move)
  }
  return found
}

function party(from: unknown, to: unknown, amount: bigint, where: string): InternalTransfer {
  const giver = typeof from === 'string' ? canonicalAddress('ethereum', from.toLowerCase()) : undefined
  const taker = typeof to === 'string' ? canonicalAddress('ethereum', to.toLowerCase()) : undefined
  if (giver === undefined || taker === undefined) throw contradicts(`${where}: a call in its trace names no accounts`)
  return { from: giver, to: taker, amount }
}
