import {
  type Bound,
  type Certificate,
  type ConversionBound,
  type Edge,
  FROM_CLEAN,
  TO_OUTSIDE,
} from '../../graph/index.ts'
import type { Gap } from '../gaps.ts'
import type { ChainRun, Trace } from '../trace/trace.ts'
import type { BoundRow, CertificateRow, EdgeRow, EntryRow } from './format.ts'
import { sinkName } from './journal-file.ts'

/**
 * How much proof a bundle carries: entries of one network, edges of one row's certificates, edges of all. What is over is
 * left out with the gap `CERTIFICATES_OMITTED`; floors and ceilings stand without it, only not proven in the bundle.
 */
export const CERTIFICATE_LIMITS = { entries: 200_000, edges: 200_000, edgesTotal: 1_000_000 } as const
export type CertificateLimits = { readonly [Name in keyof typeof CERTIFICATE_LIMITS]: number }

/** What is proven of one run: its rows' bounds, by RFC 6901 pointer into report.json, in the order in which they are told. */
export interface RunProofs {
  readonly run: ChainRun
  readonly conversions: readonly ConversionBound[]
  readonly rows: readonly { readonly row: string; readonly id: string | undefined; readonly bound: Bound }[]
  /** Rows whose proof was left out. */
  readonly omitted: readonly string[]
}

/** Keeps count of the edges of certificates, so that no bundle grows without bound. */
export class ProofBudget {
  readonly #limits: CertificateLimits
  #edges = 0

  constructor(limits: CertificateLimits = CERTIFICATE_LIMITS) {
    this.#limits = limits
  }

  /** Whether a network of this size is written at all, and there is room for another proof. */
  isOpen(run: ChainRun): boolean {
    return run.compiled.entries.count <= this.#limits.entries && this.#edges < this.#limits.edgesTotal
  }

  /** The bound with its proofs where they fit, without where they do not. */
  keep(bound: Bound): Bound {
    const { floorProof, ceilingProof, ...bare } = bound
    const edges = [floorProof, ceilingProof].reduce(
      (count, proof) => count + (proof === undefined ? 0 : proof.flow.length + proof.cut.length),
      0,
    )
    if (edges > this.#limits.edges || this.#edges + edges > this.#limits.edgesTotal) return bare
    this.#edges += edges
    return bound
  }
}

/** The gaps that say whose proof is not in the bundle. */
export function tellOmitted(proofs: readonly RunProofs[], limits: CertificateLimits = CERTIFICATE_LIMITS): Gap[] {
  return proofs.flatMap(({ run, omitted }): Gap[] =>
    omitted.length === 0
      ? []
      : [
          {
            kind: 'CERTIFICATES_OMITTED',
            where: `${run.chain} ${run.pool}`,
            detail: `${omitted.length} rows with floor and ceiling; proof is written for networks of up to ${limits.entries} entries, up to ${limits.edges} edges a row and ${limits.edgesTotal} in all`,
          },
        ],
  )
}

/** The lines of `certificates.ndjson`: each network with its entries, then what is proven in it (format.ts, CertificateRow). */
export function* certificateRows(trace: Trace, proofs: readonly RunProofs[]): Generator<CertificateRow> {
  let network = 0
  for (const { run, conversions, rows, omitted } of proofs) {
    if (omitted.length > 0) yield { kind: 'omitted', chain: run.chain, pool: run.pool, rows: omitted }
    if (rows.length === 0) continue
    yield* networkRows(trace, run, network)
    for (const { entry, input } of conversions) yield* boundRows(run, network, { conversion: entry }, input)
    for (const { row, id, bound } of rows) {
      yield* boundRows(run, network, { row, ...(id === undefined ? {} : { id }) }, bound)
    }
    network++
  }
}

function* networkRows(trace: Trace, run: ChainRun, network: number): Generator<CertificateRow> {
  const { entries, pools, assets } = run.compiled
  yield { kind: 'network', network, chain: run.chain, pool: run.pool, assets }
  for (let pool = 0; pool < pools.length; pool++) {
    const amount = BigInt(entries.opening[pool])
    if (amount > 0n) {
      const { asset, name } = pools[pool]
      yield { kind: 'opening', network, asset, at: name, amount: amount.toString() }
    }
  }
  const seedsAt = new Map<number, { seed: string; amount: string }[]>()
  for (const { seed, leg, amount } of run.compiled.seeds) {
    const row = { seed: trace.request.seeds[seed].id, amount: amount.toString() }
    const there = seedsAt.get(leg)
    if (there === undefined) seedsAt.set(leg, [row])
    else there.push(row)
  }
  for (let entry = 0; entry < entries.count; entry++) yield entryRow(run, network, entry, seedsAt)
}

function entryRow(
  run: ChainRun,
  network: number,
  entry: number,
  seedsAt: ReadonlyMap<number, EntryRow['out'][number]['seeds']>,
): EntryRow {
  const { entries, pools, transactions, outPlace, entryAsset, assets } = run.compiled
  const taken: EntryRow['in'][number][] = []
  for (let leg = entries.inStart[entry]; leg < entries.inStart[entry + 1]; leg++) {
    const pool = entries.inPool[leg]
    const amount = entries.inAmount[leg].toString()
    if (pool >= 0) taken.push({ at: pools[pool].name, amount })
    else taken.push({ from: pool === FROM_CLEAN ? 'clean' : 'unknown', amount })
  }
  const given: EntryRow['out'][number][] = []
  for (let leg = entries.outStart[entry]; leg < entries.outStart[entry + 1]; leg++) {
    const pool = entries.outPool[leg]
    const seeds = seedsAt.get(leg)
    given.push({
      leg: outPlace[leg],
      ...(pool >= 0 ? { at: pools[pool].name } : { sink: pool === TO_OUTSIDE ? 'outside' : sinkName(pool) }),
      amount: entries.outAmount[leg].toString(),
      ...(seeds === undefined ? {} : { seeds }),
    })
  }
  return {
    kind: 'entry',
    network,
    entry,
    transaction: transactions[entries.transaction[entry]].id,
    asset: assets[entryAsset[entry]],
    in: taken,
    out: given,
  }
}

function* boundRows(
  run: ChainRun,
  network: number,
  of: Pick<BoundRow, 'row' | 'id' | 'conversion'>,
  bound: Bound,
): Generator<BoundRow> {
  const { floor, ceiling, inflow, floorProof, ceilingProof } = bound
  const write = (side: BoundRow['side'], value: bigint, { cut, flow }: Certificate): BoundRow => ({
    kind: 'bound',
    network,
    ...of,
    side,
    inflow: inflow.toString(),
    value: value.toString(),
    cut: cut.map((edge) => edgeRow(run, edge)),
    flow: flow.map((edge) => edgeRow(run, edge)),
  })
  if (floor !== undefined && floorProof !== undefined) yield write('floor', floor, floorProof)
  if (ceiling !== undefined && ceilingProof !== undefined) yield write('ceiling', ceiling, ceilingProof)
}

/** An edge by what it is in the network's entries: pools by name, legs by their place. */
function edgeRow(run: ChainRun, { kind, index, entry, amount }: Edge): EdgeRow {
  const { entries, pools, outPlace } = run.compiled
  const row = { edge: kind, amount: amount.toString() }
  switch (kind) {
    case 'opening':
    case 'rest':
      return { ...row, at: pools[index].name, asset: pools[index].asset }
    case 'carry':
      return { ...row, entry, at: pools[index].name, asset: pools[index].asset }
    case 'in':
      return { ...row, entry, in: index - entries.inStart[entry] }
    case 'seed':
    case 'out':
    case 'paid':
      return { ...row, entry, leg: outPlace[index] }
    default:
      return { ...row, entry }
  }
}
