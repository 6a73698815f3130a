/**
 * The report and the bundle, as files: schema `proceeds-report/1`. These are the formats that other programs read
 * (docs/formats.md); every amount is a digit string in base units, every time is ISO 8601 in UTC.
 */
import type { Gap } from '../gaps.ts'

export const REPORT_SCHEMA = 'proceeds-report/1'
export type Digits = string
export type IsoTime = string

/** One method's figure: how much of the row is proceeds, in all and for each seed. Seeds with nothing are left out. */
export interface Traced {
  readonly total: Digits
  readonly bySeed: Readonly<Record<string, Digits>>
}

/** Keys are method names; a result under the second pool of a chain has the key `<method>@<pool>`. */
export type TracedBy = Readonly<Record<string, Traced>>

export interface Attribution {
  readonly label: string
  readonly category: string
  readonly entity: string | null
  readonly source: string
  readonly confidence: string | null
  readonly validFrom: IsoTime | null
  readonly validTo: IsoTime | null
  readonly evidence: string | null
  /** `tag`, or the rule by which a tag elsewhere speaks for this address (`depositSweep`), with the transactions that carry it. */
  readonly basis: string
  readonly transactions?: readonly string[]
}

/** Floor and ceiling are null only together with a gap `BOUNDS_SKIPPED`. */
export interface Endpoint {
  readonly id: string
  readonly sink: 'service' | 'mixer' | 'bridge'
  readonly service: { readonly entity: string | null; readonly label: string; readonly category: string } | null
  readonly attribution: readonly Attribution[]
  readonly chain: string
  readonly asset: string
  readonly address: string | null
  readonly transaction: string
  readonly output?: number
  readonly transfer?: number
  readonly height: number | null
  readonly time: IsoTime
  readonly amount: Digits
  readonly traced: TracedBy
  readonly floor: Digits | null
  readonly ceiling: Digits | null
  /** Fewest transactions on a way from any seed, the seed's own payment not counted. */
  readonly hops: number
  /** Ids of rows of `paths` (primary method). */
  readonly paths: readonly string[]
}

/** What a seed's value could have touched under any rule: yes or no, never an amount (DESIGN.md decision 4). */
export interface ReachRow {
  readonly seed: string
  readonly chain: string
  readonly pool: 'output' | 'address' | 'cluster'
  /** Endpoints of the report that it reached, and how many payments into services, mixers and bridges in all. */
  readonly endpoints: readonly string[]
  readonly payments: number
  /** How many outputs, addresses or clusters. */
  readonly holdings: number
}

/** The endpoints of one service on one chain in one asset, together; and, with `all`, all endpoints of that chain and asset. */
export interface ServiceRow {
  readonly all: boolean
  readonly sink: Endpoint['sink'] | null
  readonly name: string | null
  readonly chain: string
  readonly asset: string
  readonly endpoints: readonly string[]
  readonly amount: Digits
  readonly traced: TracedBy
  /** Of the sum, which is tighter than the sum of the rows' own bounds. */
  readonly floor: Digits | null
  readonly ceiling: Digits | null
}

export interface Holding {
  readonly id: string
  readonly sink: 'holding' | 'unseen'
  /** Which pool this row belongs to: the chain's first pool, or the one asked for beside it. */
  readonly pool: 'output' | 'address' | 'cluster'
  readonly chain: string
  readonly asset: string
  readonly address: string | null
  readonly transaction?: string
  readonly output?: number
  /** What lies there in all, proceeds or not. */
  readonly amount: Digits
  readonly traced: TracedBy
  readonly floor: Digits | null
  readonly ceiling: Digits | null
}

export interface SinkSums {
  readonly service: Digits
  readonly holding: Digits
  readonly mixer: Digits
  readonly bridge: Digits
  readonly burned: Digits
  readonly fee: Digits
  readonly horizon: {
    readonly hops: Digits
    readonly until: Digits
    readonly amount: Digits
    readonly transactions: Digits
  }
  readonly unseen: Digits
}

/** seeded + convertedIn = the sum of all sinks + convertedOut, for each seed, method and asset. */
export interface Conservation {
  readonly seed: string
  /** As the keys of `traced`. */
  readonly method: string
  readonly chain: string
  readonly asset: string
  readonly seeded: Digits
  /** Only where the trace crossed a conversion. */
  readonly convertedIn?: Digits
  readonly convertedOut?: Digits
  readonly sinks: SinkSums
  readonly balanced: boolean
}

export interface PathStep {
  readonly transaction: string
  /** Address, or `<txid>:<n>` where the output has none. */
  readonly from: string
  readonly to: string
  /** What this transaction moved from `from` to `to`, in all. */
  readonly amount: Digits
  /** How much of it is this path's thread. */
  readonly carried: Digits
  readonly height: number | null
  readonly time: IsoTime
}

export interface Path {
  readonly id: string
  readonly seed: string
  readonly endpoint: string
  readonly amount: Digits
  readonly steps: readonly PathStep[]
}

export interface SeedRow {
  readonly id: string
  readonly chain: string
  readonly asset: string
  readonly transaction: string
  readonly output?: number
  readonly transfer?: number
  readonly address: string | null
  readonly amount: Digits
  readonly time: IsoTime
}

export interface SnapshotRow {
  readonly chain: string
  readonly height: number | null
  readonly blockHash: string | null
  readonly time: IsoTime
  readonly finalityDepth: number
}

/** Addresses that rules say one hand controls; never who that hand is. */
export interface ClusterRow {
  readonly chain: string
  /** Its smallest member. */
  readonly cluster: string
  readonly members: readonly string[]
  readonly links: readonly {
    readonly from: string
    readonly to: string
    readonly rule: string
    readonly changeRules: readonly string[]
    readonly confidence: number
    readonly transactions: readonly string[]
    readonly transactionCount: number
  }[]
}

export interface Rejected {
  readonly chain: string
  readonly transaction: string
  readonly transfer?: number
  readonly asset?: string
  readonly reason: 'failed' | 'zero' | 'lookAlike'
  readonly detail: string
}

export interface Report {
  readonly schema: typeof REPORT_SCHEMA
  readonly engine: { readonly name: string; readonly version: string; readonly sourceDigest: string }
  readonly case: string
  readonly request: Readonly<Record<string, unknown>>
  readonly snapshots: readonly SnapshotRow[]
  /** The ledger the trace read, the bundle's own `ledger.ndjson.gz`: its hash as a file. Where it came from is in run.json. */
  readonly data: readonly { readonly name: string; readonly sha256: string; readonly rows: number }[]
  readonly tagPacks: readonly { readonly name: string; readonly sha256: string; readonly version: string | null }[]
  readonly seeds: readonly SeedRow[]
  readonly endpoints: readonly Endpoint[]
  readonly services: readonly ServiceRow[]
  readonly reach: readonly ReachRow[]
  readonly holdings: readonly Holding[]
  readonly conservation: readonly Conservation[]
  readonly paths: readonly Path[]
  readonly quantum: readonly unknown[]
  /** Clusters behind pools traced by cluster. */
  readonly clusters: readonly ClusterRow[]
  readonly conversions: readonly unknown[]
  readonly rejected: readonly Rejected[]
  readonly gaps: readonly Gap[]
  readonly journal: { readonly file: 'journal.ndjson.gz'; readonly sha256: string; readonly rows: number }
}

/**
 * A line of `journal.ndjson.gz`: canonical JSON, rows in order, numbered from 1 over the whole file.
 *
 * `in`: value of a seed leaves the holding `at` into the transaction. `out`: it leaves the transaction to `at`, a holding
 * or a sink. `seed`: from here on it is this seed's. Within one entry the `in` rows (and `seed` rows) equal the `out`
 * rows, seed by seed. `rest`: what still lies in holding `at` at the end, by sink: nothing follows it.
 */
export interface JournalRow {
  readonly row: number
  /** As the keys of `traced`. */
  readonly method: string
  /** Number of the entry in the ledger's total order; entries of one transaction follow each other. Absent on `rest`. */
  readonly entry?: number
  readonly transaction?: string
  readonly kind: 'in' | 'seed' | 'out' | 'rest'
  readonly chain: string
  readonly asset: string
  /** The holding: `<txid>:<n>` for pool output, the address for pool address, `cluster:<smallest>` for pool cluster. Absent when `sink` is one that takes a leg (service, mixer, bridge, burned, fee). */
  readonly at?: string
  /** Output index or transfer index of the leg, on `seed` and `out` rows; absent for the fee. */
  readonly leg?: number
  /** On `out` rows that end the trace, and on every `rest` row: `service`, `mixer`, `bridge`, `burned`, `fee`, `horizon.amount`; `holding`, `unseen`, `horizon.hops`, `horizon.until`, `horizon.transactions`. */
  readonly sink?: string
  readonly seed: string
  readonly amount: Digits
}

/** The files of a bundle. `run.json` is the only one with a clock; it is outside replay's equality, inside the manifest. */
export const BUNDLE_FILES = [
  'request.json',
  'ledger.ndjson.gz',
  'tags.csv',
  'report.json',
  'journal.ndjson.gz',
  'endpoints.csv',
  'flow.svg',
  'run.json',
] as const

/** `manifest.json`: `{ "schema": "proceeds-manifest/1", "files": [{ "name", "sha256", "bytes" }] }`, files by name; it does not list itself. */
export interface Manifest {
  readonly schema: 'proceeds-manifest/1'
  readonly files: readonly { readonly name: string; readonly sha256: string; readonly bytes: number }[]
}

/** Columns of endpoints.csv, in order (RFC 4180, LF, UTF-8, header first); `traced_<key>` once for each method key of the report. */
export const ENDPOINT_COLUMNS = [
  'id',
  'sink',
  'entity',
  'label',
  'category',
  'chain',
  'asset',
  'symbol',
  'decimals',
  'address',
  'transaction',
  'place',
  'height',
  'time',
  'amount',
  'floor',
  'ceiling',
  'hops',
] as const
