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

/** When something happened: which transaction, where in the chain. */
export interface Moment {
  readonly transaction: string
  readonly time: IsoTime
  readonly height: number | null
}

/**
 * A wallet (of outputs: an unspent one) in which proceeds were mixed, in one asset: how much was mixed in, how much is left,
 * and the part that answers to it (quantum.ts says how each figure is reached). Keys of the maps are the methods of the
 * chain's first pool.
 */
export interface QuantumRow {
  readonly id: string
  readonly chain: string
  readonly pool: 'output' | 'address' | 'cluster'
  readonly asset: string
  readonly address: string | null
  readonly transaction?: string
  readonly output?: number
  /** Whether the ledger holds every transaction of the wallet: where it does not, what is left is only what it shows. */
  readonly covered: boolean
  /** The first mixing, by any method. */
  readonly since: Moment
  /** Of each seed, never more than was seeded of it. */
  readonly mixedIn: TracedBy
  /** The balance at the end, proceeds or not. */
  readonly left: Digits
  /** The lowest balance after any transaction since the first mixing, and where it was first so low. */
  readonly lowest: Moment & { readonly amount: Digits }
  /** The lesser of mixed in and left. */
  readonly quantum: Readonly<Record<string, Digits>>
  /** Mixed in less quantum. */
  readonly shortfall: Readonly<Record<string, Digits>>
  /** How much of what is left descends from a seed, whatever the method. */
  readonly floor: Digits | null
  readonly ceiling: Digits | null
}

/** The primary method's figures with one assumption less: which endpoints hang on it. Endpoints not listed keep theirs. */
export interface SensitivityRow {
  readonly without: 'tagSource' | 'seed' | 'rule'
  /** The source of tags, the id of the seed, or the rule. */
  readonly name: string
  readonly method: string
  /** Zero where the payment counts as none into a service any more, or nothing of a seed comes there. */
  readonly endpoints: readonly { readonly endpoint: string; readonly total: Digits }[]
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
  /** Wallets in which proceeds were mixed with other value, for the rule on mixed property. */
  readonly quantum: readonly QuantumRow[]
  readonly sensitivity: readonly SensitivityRow[]
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

/**
 * A line of `certificates.ndjson.gz`: canonical JSON. What proves the floors and ceilings of report.json, by adding and by
 * walking alone. First the networks, each an account of every movement that its figures hang on; after a network its rows.
 */
export type CertificateRow = NetworkRow | OpeningRow | EntryRow | BoundRow | OmittedRow

/** A chain followed by one kind of pool. `network` counts from 0; the lines that belong to it come before the next one. */
export interface NetworkRow {
  readonly kind: 'network'
  readonly network: number
  readonly chain: string
  readonly pool: 'output' | 'address' | 'cluster'
  readonly assets: readonly string[]
}

/** What a pool holds of unknown origin before any entry. */
export interface OpeningRow {
  readonly kind: 'opening'
  readonly network: number
  readonly asset: string
  readonly at: string
  readonly amount: Digits
}

/** A balanced movement of value, numbered as in the journal: what comes in, what goes out; what no leg takes is the fee. */
export interface EntryRow {
  readonly kind: 'entry'
  readonly network: number
  readonly entry: number
  readonly transaction: string
  /** Of what comes in; and of what goes out, unless `into` is there. */
  readonly asset: string
  /** A conversion: the asset of what goes out. */
  readonly into?: string
  /** `at`: out of a pool that the trace follows. `from`: out of none, wholly proceeds of nobody. */
  readonly in: readonly { readonly at?: string; readonly from?: 'clean' | 'unknown'; readonly amount: Digits }[]
  /** `leg`: output or transfer index. `at`: into a pool. `sink`: out of the trace. `seeds`: declared proceeds here. */
  readonly out: readonly {
    readonly leg: number
    readonly at?: string
    readonly sink?: string
    readonly amount: Digits
    readonly seeds?: readonly { readonly seed: string; readonly amount: Digits }[]
  }[]
}

/**
 * The proof of one figure. `cut`: edges through which all value of its colour must pass; together they have room for no
 * more. `flow`: one allocation that brings so much. A ceiling is about proceeds: both come to `value`. A floor is about
 * everything that is not: both come to `inflow − value`.
 */
export interface BoundRow {
  readonly kind: 'bound'
  readonly network: number
  /** RFC 6901 pointer to the row of report.json, and its id where it has one; or the entry of a conversion. */
  readonly row?: string
  readonly id?: string
  readonly conversion?: number
  readonly side: 'floor' | 'ceiling'
  /** All that came to the row. */
  readonly inflow: Digits
  readonly value: Digits
  readonly cut: readonly EdgeRow[]
  readonly flow: readonly EdgeRow[]
}

/**
 * An edge of the network, with its room (in a cut) or what runs over it (in a flow). `seed`: declared proceeds into a leg.
 * `opening`, `rest`: a pool before and after everything. `carry`: what a pool keeps past entry `entry`. `in`, `out`: a leg
 * of an entry (`in` counts from 0 in the entry's list). `paid`: a seeded leg to where it goes. `minted`, `fee`: of an entry.
 * `given`, `converted`: what a conversion takes in, and gives out.
 */
export interface EdgeRow {
  readonly edge:
    | 'seed'
    | 'opening'
    | 'minted'
    | 'converted'
    | 'in'
    | 'out'
    | 'paid'
    | 'carry'
    | 'rest'
    | 'fee'
    | 'given'
  readonly amount: Digits
  readonly entry?: number
  readonly in?: number
  readonly leg?: number
  readonly at?: string
  readonly asset?: string
}

/** Rows of the report (pointers) whose proof was left out for its size; the report has the gap `CERTIFICATES_OMITTED`. */
export interface OmittedRow {
  readonly kind: 'omitted'
  readonly chain: string
  readonly pool: 'output' | 'address' | 'cluster'
  readonly rows: readonly string[]
}

/** The files of a bundle. `run.json` is the only one with a clock; it is outside replay's equality, inside the manifest. */
export const BUNDLE_FILES = [
  'request.json',
  'ledger.ndjson.gz',
  'tags.csv',
  'report.json',
  'journal.ndjson.gz',
  'certificates.ndjson.gz',
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
