import type { Chain, Compiled, MethodName, PoolKind, Taint } from '../../graph/index.ts'
import type { TagBook } from '../tags/tag.ts'
import type { Hands } from './hands.ts'
import type { ChainLedger } from './ledger.ts'
import type { TraceRequest } from './request.ts'
import type { ResolvedSeed } from './resolve.ts'

/** One method's answer; `key` is its name in the report: `fifo`, or `fifo@address` under the pool asked for beside. */
export interface MethodRun {
  readonly key: string
  readonly method: MethodName
  readonly taint: Taint
}

/** One chain under one kind of pool, followed by every method that has a meaning there. */
export interface ChainRun {
  readonly chain: Chain
  readonly pool: PoolKind
  /** Whether this is the pool the case is traced by; otherwise it runs beside. */
  readonly primary: boolean
  readonly compiled: Compiled
  readonly methods: readonly MethodRun[]
  /** The hand an address belongs to under this pool: its cluster's smallest address, or itself. */
  readonly holderOf: (address: string) => string
}

/** A case, worked: what the report tells. */
export interface Trace {
  readonly request: TraceRequest
  readonly ledgers: ReadonlyMap<Chain, ChainLedger>
  readonly book: TagBook
  readonly seeds: readonly ResolvedSeed[]
  readonly runs: readonly ChainRun[]
  /** What rules say of structure: clusters and deposit accounts. */
  readonly hands: Hands
}
