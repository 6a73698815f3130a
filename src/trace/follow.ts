import {
  type Asset,
  type Chain,
  type CompileOptions,
  compileLedger,
  isUtxoChain,
  type MethodName,
  methodFits,
  type PoolKind,
  traceTaint,
  ZERO,
} from '../../graph/index.ts'
import type { TagBook } from '../tags/tag.ts'
import type { Hands } from './hands.ts'
import type { ChainLedger } from './ledger.ts'
import type { TraceRequest } from './request.ts'
import { type ResolvedSeed, resolveSeeds } from './resolve.ts'
import type { ChainRun, Trace } from './trace.ts'

/** Told as the work goes on. `total` is null where it is not known. */
export type Progress = (progress: {
  readonly stage: string
  readonly done: number
  readonly total: number | null
}) => void

/**
 * Follows the seeds of a request through a ledger, by every pool and method asked for. Pure: the same request, ledger and
 * tags give the same trace, whatever order they came in.
 */
export function followSeeds(
  request: TraceRequest,
  ledgers: ReadonlyMap<Chain, ChainLedger>,
  book: TagBook,
  hands: Hands,
  progress: Progress = () => {},
): Trace {
  const seeds = resolveSeeds(request, ledgers, book, hands)
  const runs: ChainRun[] = []
  const methods = [request.primary, ...request.compare]
  const total = Object.values(request.pool).reduce((count, kinds) => count + kinds.length * methods.length, 0)
  let done = 0
  for (const chain of Object.keys(request.pool).sort()) {
    const ledger = ledgers.get(chain)!
    request.pool[chain].forEach((pool, i) => {
      progress({ stage: `follow ${chain} by ${pool}`, done, total })
      const compiled = compileLedger(ledger.transactions, compileOptions(request, ledger, book, seeds, pool, hands))
      const fitting = methods.filter((method) => methodFits(method, pool))
      runs.push({
        chain,
        pool,
        primary: i === 0,
        compiled,
        holderOf: (address) => (pool === 'cluster' ? hands.clusterOf(chain, address) : address),
        methods: fitting.map((method) => {
          const taint = traceTaint(compiled.entries, compiled.seeds, request.seeds.length, method)
          progress({ stage: `follow ${chain} by ${pool}`, done: ++done, total })
          return { key: methodKey(method, pool, i === 0), method, taint }
        }),
      })
    })
  }
  return { request, ledgers, book, seeds, runs, hands }
}

/** How a method's figures are called in the report. */
export function methodKey(method: MethodName, pool: PoolKind, primary: boolean): string {
  return primary ? method : `${method}@${pool}`
}

function compileOptions(
  request: TraceRequest,
  ledger: ChainLedger,
  book: TagBook,
  seeds: readonly ResolvedSeed[],
  pool: PoolKind,
  hands: Hands,
): CompileOptions {
  const { chain } = ledger
  const clusterOf = (address: string) => hands.clusterOf(chain, address)
  const here = seeds.filter((seed) => seed.chain === chain)
  const openings = new Map<string, bigint>()
  for (const { asset, address, amount } of ledger.openings.values()) {
    const key = `${asset} ${pool === 'cluster' ? clusterOf(address) : address}`
    openings.set(key, (openings.get(key) ?? ZERO) + amount)
  }
  return {
    pool,
    clusterOf,
    // A payment into a service's deposit account is in the service, before any sweep (decision 11).
    stopAt: (address, time) =>
      book.stopAt(chain, address, time)?.sink ??
      (hands.depositOf(chain, address) === undefined ? undefined : 'service'),
    opening: (asset, address) => openings.get(`${asset} ${address}`) ?? ZERO,
    coversAll: ledger.coversAll,
    seedCount: request.seeds.length,
    seeds: here,
    assets: new Set<Asset>(isUtxoChain(chain) ? ['native'] : here.map((seed) => seed.asset)),
    limits: request.limits,
    tieKey:
      ledger.order === 'position'
        ? undefined
        : ledger.order === 'height'
          ? (transaction) => transaction.height!
          : (transaction) => transaction.time,
  }
}
