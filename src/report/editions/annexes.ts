/** The annexes as tables: one list of columns and rows, written as CSV and as sheets of the workbook, so that both say the same. */
import { writeCsvRow } from '../../csv.ts'
import { endpointCells, endpointHeader } from '../csv.ts'
import { type Facts, legKey, tracedOf } from './facts.ts'
import { sinkAmount } from './full-front.ts'
import { displayUnits, symbolOf } from './money.ts'
import { SINKS } from './terms.ts'
import { koreanTime, percent } from './words.ts'

/** A table that is made anew each time it is read: nothing large is held. */
export interface Annex {
  /** File name without its ending; also the sheet's name. */
  readonly name: string
  readonly header: readonly string[]
  readonly rows: () => Iterable<readonly string[]>
}

export function annexesOf(facts: Facts): Annex[] {
  return [
    endpoints(facts),
    holdings(facts),
    paths(facts),
    conservation(facts),
    gaps(facts),
    seeds(facts),
    rejected(facts),
  ]
}

export function* annexCsv(annex: Annex): Generator<string> {
  yield writeCsvRow(annex.header)
  for (const row of annex.rows()) yield writeCsvRow(row)
}

function endpoints(facts: Facts): Annex {
  const { report, methods } = facts
  return {
    name: 'endpoints',
    header: [
      ...endpointHeader(methods),
      'time_kst',
      'block_hash',
      'sender',
      'amount_display',
      'traced_display',
      'share_percent',
      'paths',
      'attribution',
    ],
    *rows() {
      for (const row of report.endpoints) {
        const leg = facts.legs.get(legKey(row.chain, row.transaction, row.output ?? row.transfer))
        const traced = tracedOf(row, facts.primary)
        yield [
          ...endpointCells(row, methods, facts.assetOf),
          koreanTime(row.time),
          leg?.blockHash ?? '',
          leg === undefined ? '' : `${leg.senders.join(' ')}${leg.moreSenders > 0 ? ` (+${leg.moreSenders})` : ''}`,
          displayUnits(facts, row, row.amount),
          displayUnits(facts, row, traced),
          percent(traced, row.amount),
          row.paths.join(' '),
          row.attribution
            .map((claim) => `${claim.label} (${claim.source}, ${claim.confidence ?? 'no grade'})`)
            .join('; '),
        ]
      }
    },
  }
}

function holdings(facts: Facts): Annex {
  const { report, methods } = facts
  return {
    name: 'holdings',
    header: [
      'id',
      'sink',
      'pool',
      'chain',
      'asset',
      'symbol',
      'decimals',
      'address',
      'transaction',
      'output',
      'amount',
      'floor',
      'ceiling',
      ...methods.map((method) => `traced_${method}`),
      'traced_display',
    ],
    *rows() {
      for (const row of report.holdings) {
        yield [
          row.id,
          row.sink,
          row.pool,
          row.chain,
          row.asset,
          symbolOf(facts, row),
          String(facts.assetOf(row.chain, row.asset)?.decimals ?? ''),
          row.address ?? '',
          row.transaction ?? '',
          row.output === undefined ? '' : String(row.output),
          row.amount,
          row.floor ?? '',
          row.ceiling ?? '',
          ...methods.map((method) => tracedOf(row, method)),
          displayUnits(facts, row, tracedOf(row, facts.primary)),
        ]
      }
    },
  }
}

function paths(facts: Facts): Annex {
  return {
    name: 'paths',
    header: [
      'path',
      'step',
      'seed',
      'endpoint',
      'path_amount',
      'transaction',
      'from',
      'to',
      'amount',
      'carried',
      'height',
      'time_utc',
    ],
    *rows() {
      for (const path of facts.report.paths) {
        for (const [i, step] of path.steps.entries()) {
          yield [
            path.id,
            String(i + 1),
            path.seed,
            path.endpoint,
            path.amount,
            step.transaction,
            step.from,
            step.to,
            step.amount,
            step.carried,
            step.height === null ? '' : String(step.height),
            step.time,
          ]
        }
      }
    },
  }
}

function conservation(facts: Facts): Annex {
  return {
    name: 'conservation',
    header: [
      'seed',
      'method',
      'chain',
      'asset',
      'seeded',
      'converted_in',
      'converted_out',
      ...SINKS.map((sink) => sink.replace('/', '_')),
      'balanced',
    ],
    *rows() {
      for (const row of facts.report.conservation) {
        yield [
          row.seed,
          row.method,
          row.chain,
          row.asset,
          row.seeded,
          row.convertedIn ?? '0',
          row.convertedOut ?? '0',
          ...SINKS.map((sink) => sinkAmount(row, sink)),
          String(row.balanced),
        ]
      }
    },
  }
}

function gaps(facts: Facts): Annex {
  return {
    name: 'gaps',
    header: ['kind', 'where', 'amount', 'detail'],
    *rows() {
      for (const gap of facts.report.gaps) yield [gap.kind, gap.where, gap.amount ?? '', gap.detail]
    },
  }
}

function seeds(facts: Facts): Annex {
  return {
    name: 'seeds',
    header: ['seed', 'chain', 'asset', 'transaction', 'place', 'address', 'amount', 'time_utc'],
    *rows() {
      for (const row of facts.report.seeds)
        yield [
          row.id,
          row.chain,
          row.asset,
          row.transaction,
          String(row.output ?? row.transfer ?? ''),
          row.address ?? '',
          row.amount,
          row.time,
        ]
    },
  }
}

function rejected(facts: Facts): Annex {
  return {
    name: 'rejected',
    header: ['chain', 'transaction', 'transfer', 'asset', 'reason', 'detail'],
    *rows() {
      for (const row of facts.report.rejected)
        yield [
          row.chain,
          row.transaction,
          row.transfer === undefined ? '' : String(row.transfer),
          row.asset ?? '',
          row.reason,
          row.detail,
        ]
    },
  }
}
