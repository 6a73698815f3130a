/** The commands of the editions: `report`, and what seals, withholds and compares. */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { Fault } from '../../faults.ts'
import { canonicalJson } from '../canonical.ts'
import type { Report } from '../format.ts'
import { checkManifest, MANIFEST_FILE, readManifest } from '../manifest.ts'
import { verifyBundle } from '../verify.ts'
import { checkDisclosure, DISCLOSURE_FILE, disclose } from './disclosure.ts'
import { EDITIONS, makeEditions } from './make.ts'
import { commit, compareCommitments, findOverlaps } from './overlap.ts'
import { checkEditions, isEditions, readEditions, writeEditions } from './seal.ts'
import { checkSignature, readPlain, SIGNATURE_FILE, signDirectory } from './signature.ts'
import { readTimestamp, timestampRequest } from './timestamp.ts'
import { LANGUAGES } from './words.ts'

export interface ReportCommand {
  readonly usage: string
  readonly about: string
  readonly run: (args: string[], io: ReportIo) => Promise<number>
}

export interface ReportIo {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

export const reportCommands: Readonly<Record<string, ReportCommand>> = {
  report: {
    usage: 'proceeds report DIR [--lang ko,en] [--edition full,packets] [--case CASE.json] [--final] --out DIR2',
    about:
      'Draws the flow report and one packet for each recipient from a finished bundle, after verifying it. CASE.json says what\n' +
      'the ledger cannot: agency, legal basis, recipients, prices, clocks. --final is refused while a check of the forty fails.',
    run: report,
  },
  sign: {
    usage: 'proceeds sign DIR --key KEY.pem',
    about:
      'Signs the manifest of a bundle or of editions with an Ed25519 key (openssl genpkey -algorithm ed25519 -out KEY.pem), and so\n' +
      'every file that it names. proceeds verify-seal checks it.',
    run: sign,
  },
  'verify-seal': {
    usage: 'proceeds verify-seal DIR [--public-key KEY.pem] [--require-signature]',
    about:
      'Checks every file of a directory of editions against its manifest, and the signature and timestamp of editions or of a\n' +
      'bundle. Without --public-key a signature shows that nothing changed since signing, not who signed.',
    run: verifySeal,
  },
  timestamp: {
    usage: 'proceeds timestamp DIR [--answer FILE.tsr]',
    about:
      'Writes manifest.tsq, an RFC 3161 request to carry to a timestamp authority; with --answer takes in what the authority gave,\n' +
      'if it is about this manifest.',
    run: timestamp,
  },
  disclose: {
    usage: 'proceeds disclose DIR --secret FILE [--withhold WITHHELD.json] --out DIR2',
    about:
      'Gives report.json row by row under one root, with the rows that WITHHELD.json names ({"rows":["E1"],"naming":["T…"]}) left out\n' +
      'provably. Draw it once without --withhold and sign that root; `verify DIR2` checks what the other side was given.',
    run: discloseRows,
  },
  overlap: {
    usage:
      'proceeds overlap DIR DIR2 | --commit DIR --salt FILE --out FILE | --compare FILE FILE2 [--own DIR --salt FILE]',
    about:
      'Finds the same payment or balance claimed by two bundles; or commits to a case’s addresses and payments under a salt that two\n' +
      'agencies share, and compares two such commitments (docs/report.md says what that hides and what it does not).',
    run: overlap,
  },
}

function parse<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: T, positionals: number) {
  let parsed: ReturnType<typeof parseArgs<{ options: T; allowPositionals: true; strict: true }>>
  try {
    parsed = parseArgs({ args, options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new Fault('USAGE', (error as Error).message)
  }
  if (parsed.positionals.length !== positionals) {
    throw new Fault('USAGE', `${positionals} names are wanted, ${parsed.positionals.length} given`)
  }
  return parsed
}

function choices<T extends string>(given: string, known: readonly T[], option: string): T[] {
  const chosen = [...new Set(given.split(','))]
  for (const each of chosen) {
    if (!known.includes(each as T)) throw new Fault('USAGE', `${option} ${each} is not one of ${known.join(', ')}`)
  }
  return chosen as T[]
}

/** The largest case file that is read. */
const CASE_BYTES_MAX = 16 * 1024 * 1024

async function readCase(file: string | undefined): Promise<{ value: unknown; text: string | null }> {
  if (file === undefined) return { value: undefined, text: null }
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    throw new Fault('FILE_UNREADABLE', `${file}: ${(error as Error).message}`)
  }
  if (bytes.length > CASE_BYTES_MAX) throw new Fault('LIMIT_EXCEEDED', `${file} has over ${CASE_BYTES_MAX} bytes`)
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { value: JSON.parse(text), text }
  } catch (error) {
    throw new Fault('CASE_INVALID', `${file} is not JSON in UTF-8: ${(error as Error).message}`)
  }
}

async function report(args: string[], io: ReportIo): Promise<number> {
  const { values, positionals } = parse(
    args,
    {
      lang: { type: 'string', default: 'ko,en' },
      edition: { type: 'string', default: 'full,packets' },
      case: { type: 'string' },
      out: { type: 'string' },
      final: { type: 'boolean' },
    },
    1,
  )
  if (values.out === undefined) throw new Fault('USAGE', '--out DIR2 says where the editions go; it is wanted')
  const given = await readCase(values.case)
  const made = await makeEditions({
    directory: resolve(positionals[0]),
    out: values.out,
    languages: choices(values.lang, LANGUAGES, '--lang'),
    editions: choices(values.edition, EDITIONS, '--edition'),
    caseValue: given.value,
    caseText: given.text,
    final: values.final === true,
  })
  for (const name of made.files) io.out(`${name}\n`)
  io.out(`${made.files.length} files in ${values.out}, sealed by its manifest.json.\n`)
  if (made.open.length > 0)
    io.out(`A draft: ${made.open.length} of the forty checks stand (${made.open.join(', ')}); checks.json says why.\n`)
  return 0
}

async function sign(args: string[], io: ReportIo): Promise<number> {
  const { values, positionals } = parse(args, { key: { type: 'string' } }, 1)
  if (values.key === undefined) throw new Fault('USAGE', '--key KEY.pem is wanted')
  const { publicKey } = await signDirectory(resolve(positionals[0]), values.key)
  io.out(`${SIGNATURE_FILE} written; public key (SPKI, base64) ${publicKey}\n`)
  return 0
}

async function verifySeal(args: string[], io: ReportIo): Promise<number> {
  const { values, positionals } = parse(
    args,
    { 'public-key': { type: 'string' }, 'require-signature': { type: 'boolean' } },
    1,
  )
  const directory = resolve(positionals[0])
  const key = values['public-key'] === undefined ? undefined : await readText(values['public-key'])
  const editions = await isEditions(directory)
  const findings = editions
    ? await checkEditions(directory)
    : await checkManifest(directory, await readManifest(directory))
  for (const { file, where, expected, found } of findings) {
    io.err(`${file}${where === '' ? '' : ` ${where}`}: expected ${expected}; found ${found}\n`)
  }
  let bad = findings.length > 0
  if (editions && (await readEditions(directory)).files.some(({ name }) => name === DISCLOSURE_FILE)) {
    const value = await readValue(join(directory, DISCLOSURE_FILE))
    const problems = checkDisclosure(value)
    for (const problem of problems) io.err(`${DISCLOSURE_FILE}: ${problem}\n`)
    bad ||= problems.length > 0
    if (problems.length === 0) {
      io.out(
        `Every row given is under the root ${(value as { root: string }).root}; compare it with the root that was signed.\n`,
      )
    }
  }
  const signature = await checkSignature(directory, key)
  if (signature === 'none') {
    const wanted = key !== undefined || values['require-signature'] === true
    ;(wanted ? io.err : io.out)('There is no signature.\n')
    bad ||= wanted
  } else if (signature === 'holds') {
    io.out(
      key === undefined
        ? 'The signature holds; whose key it is was not asked.\n'
        : 'The signature holds, by this key.\n',
    )
  } else {
    io.err(signature === 'otherKey' ? 'The signature is by another key.\n' : 'The signature does not hold.\n')
    bad = true
  }
  const stamp = await readStamp(directory)
  if (stamp !== undefined)
    io.out(`Timestamp by its authority’s clock: ${stamp} (the authority’s own signature: openssl ts -verify).\n`)
  if (!bad) io.out('Every file is as the manifest says.\n')
  return bad ? 1 : 0
}

async function readStamp(directory: string): Promise<string | undefined> {
  let answer: Buffer
  try {
    answer = await readPlain(directory, 'manifest.tsr')
  } catch (error) {
    if (error instanceof Fault && error.code === 'NOT_FOUND') return undefined
    throw error
  }
  return readTimestamp(answer, await readPlain(directory, MANIFEST_FILE)).time
}

async function timestamp(args: string[], io: ReportIo): Promise<number> {
  const { values, positionals } = parse(args, { answer: { type: 'string' } }, 1)
  const directory = resolve(positionals[0])
  const manifest = await readPlain(directory, MANIFEST_FILE)
  if (values.answer === undefined) {
    await writeFile(join(directory, 'manifest.tsq'), timestampRequest(manifest))
    io.out('manifest.tsq written. Send it to a timestamp authority as application/timestamp-query.\n')
    return 0
  }
  const answer = await readFile(values.answer).catch((error: Error) => {
    throw new Fault('FILE_UNREADABLE', `${values.answer}: ${error.message}`)
  })
  const { time } = readTimestamp(answer, manifest)
  await writeFile(join(directory, 'manifest.tsr'), answer)
  io.out(`manifest.tsr kept: stamped ${time}.\n`)
  return 0
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Fault('FILE_UNREADABLE', `${file}: ${(error as Error).message}`)
  }
}

async function readReportOf(directory: string): Promise<Report> {
  const verified = await verifyBundle(resolve(directory))
  if (!verified.ok) throw new Fault('BUNDLE_INVALID', `${directory} does not verify; proceeds verify says why`)
  return JSON.parse(await readText(resolve(directory, 'report.json'))) as Report
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new Fault('FILE_UNREADABLE', `${file}: ${(error as Error).message}`)
  }
}

async function readValue(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readText(file))
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('FILE_UNREADABLE', `${file} is not JSON: ${(error as Error).message}`)
  }
}

async function discloseRows(args: string[], io: ReportIo): Promise<number> {
  const { values, positionals } = parse(
    args,
    { secret: { type: 'string' }, withhold: { type: 'string' }, out: { type: 'string' } },
    1,
  )
  if (values.secret === undefined || values.out === undefined)
    throw new Fault('USAGE', '--secret FILE and --out DIR2 are wanted')
  const given = values.withhold === undefined ? {} : await readValue(values.withhold)
  const { rows = [], naming = [], ...others } = given as Record<string, unknown>
  const texts = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every((each) => typeof each === 'string' && each !== '')
  if (Object.keys(others).length > 0 || !texts(rows) || !texts(naming)) {
    throw new Fault('USAGE', `${values.withhold}: {"rows": [ids], "naming": [texts]} is wanted and nothing else`)
  }
  const report = await readReportOf(positionals[0])
  const disclosure = disclose(report, await readBytes(values.secret), { rows, naming })
  const manifestSha256 = createHash('sha256')
    .update(await readPlain(resolve(positionals[0]), MANIFEST_FILE))
    .digest('hex')
  await writeEditions(values.out, { manifestSha256, caseFileSha256: null }, (write) =>
    write(DISCLOSURE_FILE, canonicalJson(disclosure)),
  )
  const withheld = disclosure.rows.filter((row) => 'leaf' in row).length
  io.out(`root ${disclosure.root}\n${disclosure.rows.length} rows, ${withheld} withheld.\n`)
  return 0
}

async function overlap(args: string[], io: ReportIo): Promise<number> {
  const { values, positionals } = parse(
    args,
    {
      commit: { type: 'string' },
      compare: { type: 'boolean' },
      own: { type: 'string' },
      salt: { type: 'string' },
      out: { type: 'string' },
    },
    args.includes('--commit') ? 0 : 2,
  )
  if (values.commit !== undefined) {
    if (values.salt === undefined || values.out === undefined)
      throw new Fault('USAGE', '--salt FILE and --out FILE are wanted')
    const { commitment } = commit(await readReportOf(values.commit), await readBytes(values.salt))
    await writeFile(values.out, canonicalJson(commitment), { flag: 'wx' }).catch((error: Error) => {
      throw new Fault('OUTPUT_EXISTS', `${values.out}: ${error.message}`)
    })
    io.out(`${commitment.addresses.length} addresses and ${commitment.payments.length} payments committed.\n`)
    return 0
  }
  if (values.compare === true) {
    const both = compareCommitments(await readValue(positionals[0]), await readValue(positionals[1]))
    const names =
      values.own === undefined || values.salt === undefined
        ? new Map<string, string>()
        : commit(await readReportOf(values.own), await readBytes(values.salt)).own
    for (const [kind, hashes] of Object.entries(both)) {
      io.out(`${kind} in both: ${hashes.length}\n`)
      for (const hash of hashes) io.out(`  ${names.get(hash) ?? hash}\n`)
    }
    return 0
  }
  const found = findOverlaps(await readReportOf(positionals[0]), await readReportOf(positionals[1]))
  for (const each of found) {
    io.out(
      `${each.kind} ${each.chain} ${each.asset} ${each.where}: ${each.first.row} claims ${each.first.claimed}, ${each.second.row} claims ${each.second.claimed}` +
        `${each.amount === null ? '' : ` of ${each.amount}`}${each.excess === '0' ? '' : `; counted twice for certain: ${each.excess}`}\n`,
    )
  }
  io.out(`${found.length} ${found.length === 1 ? 'row is' : 'rows are'} claimed in both.\n`)
  return 0
}
