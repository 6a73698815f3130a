import { ENDPOINT_COLUMNS, type Endpoint, type Report } from './format.ts'

/** How an asset is written for people, by `chain` and `asset`; undefined where the ledger does not say. */
export type AssetLookup = (
  chain: string,
  asset: string,
) => { readonly symbol: string; readonly decimals: number } | undefined

/**
 * A cell that a spreadsheet would run as a formula is given a leading apostrophe: labels come from strangers, and the
 * reader is an investigator on an agency's network (OWASP, "CSV injection").
 */
export function inertCell(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
}

/** One cell as RFC 4180 writes it: quoted where it holds a comma, a quote or a line break. */
export function csvCell(text: string): string {
  const inert = inertCell(text)
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert
}

/**
 * The method keys of a report, as its columns stand in endpoints.csv: the primary method first, then every other key of
 * `traced` by its code units.
 */
export function methodKeys(report: Pick<Report, 'request' | 'endpoints' | 'holdings' | 'conservation'>): string[] {
  const keys = new Set<string>()
  for (const { traced } of report.endpoints) for (const key of Object.keys(traced)) keys.add(key)
  for (const { traced } of report.holdings) for (const key of Object.keys(traced)) keys.add(key)
  for (const { method } of report.conservation) keys.add(method)
  const primary = primaryMethod(report.request)
  const rest = [...keys].filter((key) => key !== primary).sort()
  return primary !== undefined && keys.has(primary) ? [primary, ...rest] : rest
}

function primaryMethod(request: Readonly<Record<string, unknown>>): string | undefined {
  const method = request.method
  if (typeof method !== 'object' || method === null) return undefined
  const { primary } = method as { primary?: unknown }
  return typeof primary === 'string' ? primary : undefined
}

/** The header of endpoints.csv: `ENDPOINT_COLUMNS`, then `traced_<key>` for each method key. */
export function endpointHeader(methods: readonly string[]): string[] {
  return [...ENDPOINT_COLUMNS, ...methods.map((method) => `traced_${method}`)]
}

/** The cells of one endpoint, in the order of the header, as plain text: amounts in base units, nothing where it is null. */
export function endpointCells(endpoint: Endpoint, methods: readonly string[], assetOf: AssetLookup): string[] {
  const fact = assetOf(endpoint.chain, endpoint.asset)
  const cells: Record<(typeof ENDPOINT_COLUMNS)[number], string | number | null | undefined> = {
    id: endpoint.id,
    sink: endpoint.sink,
    entity: endpoint.service?.entity,
    label: endpoint.service?.label,
    category: endpoint.service?.category,
    chain: endpoint.chain,
    asset: endpoint.asset,
    symbol: fact?.symbol,
    decimals: fact?.decimals,
    address: endpoint.address,
    transaction: endpoint.transaction,
    place: endpoint.output ?? endpoint.transfer,
    height: endpoint.height,
    time: endpoint.time,
    amount: endpoint.amount,
    floor: endpoint.floor,
    ceiling: endpoint.ceiling,
    hops: endpoint.hops,
  }
  const traced = methods.map((method) => endpoint.traced[method]?.total ?? '0')
  return [...ENDPOINT_COLUMNS.map((column) => String(cells[column] ?? '')), ...traced]
}

/** endpoints.csv, line by line: UTF-8, LF, header first (RFC 4180). Endpoints may come as they are read; none is kept. */
export function* writeEndpointsCsv(options: {
  readonly endpoints: Iterable<Endpoint>
  readonly methods: readonly string[]
  readonly assetOf: AssetLookup
}): Generator<string, void, undefined> {
  const { endpoints, methods, assetOf } = options
  yield `${endpointHeader(methods).map(csvCell).join(',')}\n`
  for (const endpoint of endpoints) {
    yield `${endpointCells(endpoint, methods, assetOf).map(csvCell).join(',')}\n`
  }
}
