/**
 * The one data set of every edition: a finished bundle, the author's case file, and the few ledger facts that the report's
 * rows do not carry (who paid, in which block). Editions read this and nothing else, so that two of them cannot disagree.
 */
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parseAmount } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { type AssetLookup, methodKeys } from '../csv.ts'
import type { Endpoint, Holding, Report } from '../format.ts'
import { decodeUtf8, MANIFEST_FILE, openBundleFile, readBundleFile } from '../manifest.ts'
import { type VerifyResult, verifyBundle } from '../verify.ts'
import type { CaseFile, Price } from './case-file.ts'
import { checkSignature } from './signature.ts'
import { koreanDay } from './words.ts'

/** The largest report.json that editions are drawn from; a case beyond it is split into cases. */
const REPORT_BYTES_MAX = 512 * 1024 * 1024
/** Senders of one payment that are listed; the rest are counted. */
const SENDERS_MAX = 5

/** Who paid an endpoint's or seed's leg, and where the transaction stands. */
export interface LegFacts {
  readonly senders: readonly string[]
  /** Senders that are not listed. */
  readonly moreSenders: number
  readonly blockHash: string | null
  readonly index: number | null
}

export interface Facts {
  readonly report: Report
  readonly caseFile: CaseFile
  readonly verified: VerifyResult
  readonly hashes: { readonly manifest: string; readonly report: string; readonly caseFile: string | null }
  /** The method that the request declared, and its reason. */
  readonly primary: string
  readonly reason: string
  /** Every method key, the primary first. */
  readonly methods: readonly string[]
  readonly assetOf: AssetLookup
  /** By transaction id and place: `<chain> <txid> <place>`. */
  readonly legs: ReadonlyMap<string, LegFacts>
  /** `run.json`: who ran the trace, when and where; unproved, shown as it says. */
  readonly run: Readonly<Record<string, unknown>>
  /** The latest snapshot's time: what every figure is as of, and the date that documents carry. */
  readonly asOf: string
  /** Whether the bundle's manifest bears a signature that holds. Whose key it is the reader must know. */
  readonly signed: boolean
  readonly id: string
  readonly seedChain: ReadonlyMap<string, string>
}

/**
 * Reads a bundle for its editions. The bundle is verified first, all of it: a report is never drawn from figures that do not
 * add up. Faults: BUNDLE_INVALID, FILE_UNREADABLE, LIMIT_EXCEEDED.
 */
export async function readFacts(directory: string, caseFile: CaseFile, caseText: string | null): Promise<Facts> {
  const verified = await verifyBundle(directory)
  if (!verified.ok) {
    const { file, where, expected, found } = verified.findings[0]
    throw new Fault(
      'BUNDLE_INVALID',
      `the bundle does not verify (${verified.findingCount} findings), so nothing is drawn from it; first: ${file} ${where}: expected ${expected}; found ${found}`,
    )
  }
  const reportText = await readWhole(directory, 'report.json')
  const report = JSON.parse(reportText) as Report
  const method = report.request.method as { readonly primary: string; readonly reason: string }
  const { assets, legs } = await readLegs(directory, report)
  const run = JSON.parse(await readWhole(directory, 'run.json')) as Record<string, unknown>
  const reportHash = sha256(reportText)
  return {
    report,
    caseFile,
    verified,
    hashes: {
      manifest: sha256(await readWhole(directory, MANIFEST_FILE)),
      report: reportHash,
      caseFile: caseText === null ? null : sha256(caseText),
    },
    primary: method.primary,
    reason: method.reason,
    methods: methodKeys(report),
    assetOf: (chain, asset) => assets.get(`${chain} ${asset}`),
    legs,
    run,
    asOf: report.snapshots.reduce((latest, { time }) => (time > latest ? time : latest), '1970-01-01T00:00:00Z'),
    signed: (await checkSignature(directory, undefined)) === 'holds',
    id: caseFile.report.id ?? `PR-${reportHash.slice(0, 12)}`,
    seedChain: new Map(report.seeds.map((seed) => [seed.id, seed.chain])),
  }
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

export function legKey(chain: string, transaction: string, place: number | undefined): string {
  return `${chain} ${transaction} ${place ?? ''}`
}

/** The primary method's figure of a row, in base units. */
export function tracedOf(row: Pick<Endpoint | Holding, 'traced'>, method: string): string {
  return row.traced[method]?.total ?? '0'
}

/** The name by which a service's rows are put together: its entity, or what the label says, or the address. */
export function serviceNameOf(endpoint: Endpoint): string {
  return endpoint.service?.entity ?? endpoint.service?.label ?? endpoint.address ?? endpoint.transaction
}

/** What an amount was worth by the user's own dated price; undefined where no price of that Korean day was supplied. */
export function valueOn(
  facts: Pick<Facts, 'caseFile' | 'assetOf'>,
  row: { readonly chain: string; readonly asset: string; readonly units: string; readonly time: string },
  currency: Price['currency'],
): { readonly value: string; readonly price: Price } | undefined {
  const day = koreanDay(row.time)
  const price = facts.caseFile.prices.find(
    (each) => each.chain === row.chain && each.asset === row.asset && each.currency === currency && each.day === day,
  )
  const decimals = facts.assetOf(row.chain, row.asset)?.decimals
  if (price === undefined || decimals === undefined) return undefined
  // Whole won and whole cents, cut: a value must never be stated above what the price gives.
  const kept = currency === 'KRW' ? 1n : 100n
  const scaled = (BigInt(row.units) * parseAmount(price.price, 18)! * kept) / 10n ** BigInt(18 + decimals)
  const value = currency === 'KRW' ? `${scaled}` : `${scaled / 100n}.${(scaled % 100n).toString().padStart(2, '0')}`
  return { value, price }
}

async function readWhole(directory: string, name: string): Promise<string> {
  const { handle, bytes } = await openBundleFile(directory, name)
  try {
    if (bytes > REPORT_BYTES_MAX) {
      throw new Fault(
        'LIMIT_EXCEEDED',
        `${name} has ${bytes} bytes; editions are drawn from at most ${REPORT_BYTES_MAX}`,
      )
    }
    return decodeUtf8(await handle.readFile(), name)
  } finally {
    await handle.close()
  }
}

interface LedgerLine {
  readonly chain: string
  readonly id?: string
  readonly index?: number
  readonly blockHash?: string
  readonly asset?: string
  readonly symbol?: string
  readonly decimals?: number
  readonly inputs?: readonly { readonly address: string | null }[]
  readonly transfers?: readonly { readonly index: number; readonly from: string }[]
}

/** Passes through the bundle's ledger once. It has been verified, so its lines are what the format says. */
async function readLegs(
  directory: string,
  report: Report,
): Promise<{ assets: Map<string, { symbol: string; decimals: number }>; legs: Map<string, LegFacts> }> {
  const wanted = new Map<string, (number | undefined)[]>()
  for (const row of [...report.endpoints, ...report.seeds]) {
    const key = `${row.chain} ${row.transaction}`
    wanted.set(key, [...(wanted.get(key) ?? []), row.output ?? row.transfer])
  }
  const assets = new Map<string, { symbol: string; decimals: number }>()
  const legs = new Map<string, LegFacts>()
  const bytes = Readable.from(readBundleFile(directory, 'ledger.ndjson.gz')).pipe(createGunzip())
  for await (const text of createInterface({ input: bytes, crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = JSON.parse(text) as LedgerLine
    if (line.id === undefined) {
      if (line.symbol !== undefined && line.decimals !== undefined && line.asset !== undefined) {
        assets.set(`${line.chain} ${line.asset}`, { symbol: line.symbol, decimals: line.decimals })
      }
      continue
    }
    for (const place of wanted.get(`${line.chain} ${line.id}`) ?? []) {
      const senders = [...new Set(sendersOf(line, place))]
      legs.set(legKey(line.chain, line.id, place), {
        senders: senders.slice(0, SENDERS_MAX),
        moreSenders: Math.max(0, senders.length - SENDERS_MAX),
        blockHash: line.blockHash ?? null,
        index: line.index ?? null,
      })
    }
  }
  for (const { chain, asset } of report.conservation) {
    const coin = COINS[chain]
    if (asset === 'native' && coin !== undefined && !assets.has(`${chain} native`)) assets.set(`${chain} native`, coin)
  }
  return { assets, legs }
}

function sendersOf(line: LedgerLine, place: number | undefined): string[] {
  if (line.inputs !== undefined) return line.inputs.flatMap(({ address }) => (address === null ? [] : [address]))
  const transfer = line.transfers?.find((each) => each.index === place)
  return transfer === undefined ? [] : [transfer.from]
}

/** The coins whose smallest unit is a constant of their protocol. */
const COINS: Readonly<Record<string, { readonly symbol: string; readonly decimals: number }>> = {
  bitcoin: { symbol: 'BTC', decimals: 8 },
  litecoin: { symbol: 'LTC', decimals: 8 },
  dogecoin: { symbol: 'DOGE', decimals: 8 },
  'bitcoin-cash': { symbol: 'BCH', decimals: 8 },
  ethereum: { symbol: 'ETH', decimals: 18 },
  tron: { symbol: 'TRX', decimals: 6 },
}
