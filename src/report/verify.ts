import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { parseUnits } from '../../graph/amount.ts'
import { Fault } from '../faults.ts'
import { canonicalJson } from './canonical.ts'
import { checkManifest, hashBundleFile, MANIFEST_FILE, readManifest } from './manifest.ts'
import { type CertificatesChecked, checkCertificates } from './verify/certificates.ts'
import { checkFigures, type Evidence } from './verify/figures.ts'
import { readJson, readText, VERIFY_LIMITS, type VerifyLimits } from './verify/files.ts'
import { type Finding, Findings, RULES } from './verify/findings.ts'
import { JournalCheck, type JournalNames, poolReader, readJournalNames } from './verify/journal.ts'
import { type Asked, accountKey, type Ledger, readLedger } from './verify/ledger.ts'
import { checkPicture } from './verify/picture.ts'
import { type ReportRows, readReport } from './verify/report-shape.ts'
import { isRecord } from './verify/shape.ts'
import { checkEndpointsCsv, checkRequest, checkTags, parseCsv } from './verify/tables.ts'

export type { VerifyLimits } from './verify/files.ts'
export { VERIFY_LIMITS } from './verify/files.ts'
export type { Finding, Rule } from './verify/findings.ts'
export { RULES } from './verify/findings.ts'

/** What a verification came to. `ok` only where nothing at all was found. */
export interface VerifyResult {
  readonly ok: boolean
  /** In the order of the checks; at most `limits.findings` of `findingCount`. */
  readonly findings: readonly Finding[]
  readonly findingCount: number
  /** How much was held against how much: a verification of nothing proves nothing. */
  readonly checked: {
    readonly files: number
    readonly ledgerLines: number
    readonly transactions: number
    readonly journalRows: number
    readonly seeds: number
    readonly methods: number
    readonly endpoints: number
    readonly holdings: number
    readonly conservation: number
    readonly paths: number
    readonly figuresInPicture: number
    /** Floors and ceilings proven, and in how many networks. */
    readonly certificates: number
    readonly networks: number
  }
}

/**
 * Proves a bundle by adding every figure up again: manifest, ledger, journal, conservation, endpoints, holdings, paths,
 * tables and picture. It shares no code with the engine that traced, and trusts nothing in the directory: what is wrong
 * becomes a finding, all of them, and what is hostile does too. It does not trace again; `replay` does.
 *
 * Fault: FILE_UNREADABLE where the directory itself cannot be read.
 */
export async function verifyBundle(directory: string, limits: Partial<VerifyLimits> = {}): Promise<VerifyResult> {
  const bounds = { ...VERIFY_LIMITS, ...limits }
  const findings = new Findings(bounds.findings)
  const files = await proveManifest(directory, findings)

  const reportFile = await readJson(directory, 'report.json', bounds, findings)
  if (reportFile !== undefined) proveCanonical('report.json', reportFile, findings)
  const report = readReport(reportFile?.value, findings)
  const names = await readJournalNames(directory, bounds, findings)
  const ledger = await readLedger(directory, askedOf(report, names), smallestOf(report.request), bounds, findings)
  await proveHashes(directory, report, ledger, names, findings)

  const poolOf = poolReader(report.request)
  const converting = convertingOf(report)
  const seedIds = new Set(report.rows('seeds').map(({ value }) => value.id))
  const journal = new JournalCheck({ ledger, findings, poolOf, seedIds, converting })
  const sums = await journal.run(directory, bounds, new Findings(0))
  const boundsSkipped = report.rows('gaps').some(({ value }) => value.kind === 'BOUNDS_SKIPPED')
  const evidence: Evidence = { report, ledger, sums, poolOf, converting, boundsSkipped, findings }
  checkFigures(evidence)

  const request = await readJson(directory, 'request.json', bounds, findings)
  if (request !== undefined) checkRequest(request.value, evidence)
  const table = await readText(directory, 'endpoints.csv', bounds, findings)
  if (table !== undefined) checkEndpointsCsv(table, evidence)
  const tags = await readText(directory, 'tags.csv', bounds, findings)
  if (tags !== undefined) {
    checkTags(tags, evidence)
    proveTagPack(tags, report, findings)
  }
  const { certificates, networks }: CertificatesChecked = await checkCertificates(
    directory,
    bounds,
    evidence,
    addressesOf(tags, report),
  )
  const picture = await readText(directory, 'flow.svg', bounds, findings)
  const figuresInPicture = picture === undefined ? 0 : checkPicture(picture, evidence)

  return {
    ok: findings.count === 0,
    findings: findings.list,
    findingCount: findings.count,
    checked: {
      files,
      ledgerLines: ledger.read.rows,
      transactions: ledger.transactionCount,
      journalRows: names.read.rows,
      seeds: report.rows('seeds').length,
      methods: sums.methods.size,
      endpoints: report.rows('endpoints').length,
      holdings: report.rows('holdings').length,
      conservation: report.rows('conservation').length,
      paths: report.rows('paths').length,
      figuresInPicture,
      certificates,
      networks,
    },
  }
}

const LEDGER_FILE = 'ledger.ndjson.gz'

/** Every file against the manifest. Answers how many were. */
async function proveManifest(directory: string, findings: Findings): Promise<number> {
  try {
    await readdir(directory)
  } catch (failure) {
    throw new Fault('FILE_UNREADABLE', `${directory} is not a directory that can be read`, { cause: failure })
  }
  try {
    const manifest = await readManifest(directory)
    for (const { file, where, expected, found } of await checkManifest(directory, manifest)) {
      findings.add('manifest', file, where, expected, found)
    }
    return manifest.files.length
  } catch (failure) {
    if (!(failure instanceof Fault)) throw failure
    findings.add('manifest', MANIFEST_FILE, '', 'a manifest of this bundle', failure.detail)
    return 0
  }
}

function proveCanonical(name: string, { text, value }: { text: string; value: unknown }, findings: Findings): void {
  let canonical: string
  try {
    canonical = canonicalJson(value)
  } catch (failure) {
    findings.add('canonical', name, '', 'canonical JSON (RFC 8785)', (failure as Error).message)
    return
  }
  if (canonical === text) return
  let at = 0
  while (canonical[at] === text[at]) at++
  const expected = `canonical JSON (RFC 8785): ${canonical.slice(at, at + 40)}`
  findings.add('canonical', name, `character ${at}`, expected, text.slice(at, at + 40))
}

/** Which transactions, outputs and accounts the report and the journal speak of. */
function askedOf(report: ReportRows, names: JournalNames): Asked {
  const transactions = new Set(names.transactions)
  const accounts = new Set<string>()
  for (const name of ['seeds', 'endpoints', 'rejected'] as const) {
    for (const { value } of report.rows(name)) transactions.add(value.transaction)
  }
  for (const { value } of report.rows('quantum')) {
    transactions.add(value.since.transaction)
    transactions.add(value.lowest.transaction)
  }
  for (const { value } of report.rows('paths')) for (const { transaction } of value.steps) transactions.add(transaction)
  for (const { value } of report.rows('holdings')) {
    if (value.transaction !== undefined) transactions.add(value.transaction)
    else if (value.address !== null && value.pool === 'address') {
      accounts.add(accountKey(value.chain, value.asset, value.address))
    }
  }
  return { transactions, outputs: names.resting, accounts }
}

/** The request's smallest amount: payments below it are not followed. */
function smallestOf(request: Readonly<Record<string, unknown>>): bigint {
  return isRecord(request.limits) ? (parseUnits(request.limits.amount) ?? 0n) : 0n
}

/** Transactions whose two sides are two assets, as the report lists them. */
function convertingOf(report: ReportRows): Set<string> {
  const converting = new Set<string>()
  for (const { value } of report.rows('conversions')) {
    if (isRecord(value) && typeof value.transaction === 'string') converting.add(value.transaction)
  }
  return converting
}

/** The report's hashes of its ledger and of its journal, as files, and how many lines they hold. */
async function proveHashes(
  directory: string,
  report: ReportRows,
  ledger: Ledger,
  names: JournalNames,
  findings: Findings,
): Promise<void> {
  const prove = async (name: string, at: string, told: { sha256: string; rows: number }, rows: number) => {
    let found = 'a file that cannot be read'
    try {
      found = (await hashBundleFile(directory, name)).sha256
    } catch (failure) {
      if (!(failure instanceof Fault)) throw failure
    }
    findings.same('hash', name, `whole (report.json ${at}/sha256)`, told.sha256, found)
    findings.same('hash', name, `lines (report.json ${at}/rows)`, told.rows, rows)
  }
  const data = report.rows('data')
  if (!data.some(({ value }) => value.name === LEDGER_FILE)) {
    findings.add('hash', 'report.json', '/data', `an entry for ${LEDGER_FILE}`, `${data.length} others`)
  }
  for (const { index, value } of data) {
    if (!findings.same('hash', 'report.json', `/data/${index}/name`, LEDGER_FILE, value.name)) continue
    await prove(LEDGER_FILE, `/data/${index}`, value, ledger.read.rows)
  }
  if (report.journal !== undefined) await prove(report.journal.file, '/journal', report.journal, names.read.rows)
}

function proveTagPack(tags: string, report: ReportRows, findings: Findings): void {
  const sha256 = createHash('sha256').update(tags).digest('hex')
  for (const { index, value } of report.rows('tagPacks')) {
    if (value.name === 'tags.csv') {
      findings.same('hash', 'tags.csv', `content (report.json /tagPacks/${index}/sha256)`, value.sha256, sha256)
    }
  }
}

/** Every address that a tag, or an endpoint's attribution, speaks of: `chain\0address`. */
function addressesOf(tags: string | undefined, report: ReportRows): Set<string> {
  const [header, ...lines] = (tags === undefined ? undefined : parseCsv(tags)) ?? [[]]
  const [chain, address] = ['chain', 'address'].map((name) => header.indexOf(name))
  const known = new Set(lines.map((line) => `${line[chain]}\0${line[address]}`))
  for (const { value } of report.rows('endpoints')) {
    if (value.address !== null && value.attribution.length > 0) known.add(`${value.chain}\0${value.address}`)
  }
  return known
}

/** The result as lines for a terminal: each finding, then what was checked. */
export function* printVerify(result: VerifyResult): Generator<string, void, undefined> {
  for (const { file, where, expected, found, rule } of result.findings) {
    yield `${file}${where === '' ? '' : ` ${where}`}: expected ${expected}; found ${found} [${rule}]`
  }
  const unlisted = result.findingCount - result.findings.length
  if (unlisted > 0) yield `and ${unlisted} more`
  const { checked } = result
  yield `checked: ${checked.files} files, ${checked.transactions} transactions, ${checked.journalRows} journal rows, ` +
    `${checked.seeds} seeds under ${checked.methods} methods, ${checked.endpoints} endpoints, ${checked.holdings} holdings, ` +
    `${checked.conservation} sums, ${checked.paths} paths, ${checked.certificates} floors and ceilings proven, ` +
    `${checked.figuresInPicture} figures in the picture`
  if (result.ok) yield 'Every file is as the manifest says, and every figure adds up.'
  else {
    yield `${result.findingCount} ${result.findingCount === 1 ? 'thing does' : 'things do'} not hold. What each rule asks:`
    for (const rule of new Set(result.findings.map((finding) => finding.rule))) yield `  ${rule}: ${RULES[rule]}`
  }
}
