/** The commands of the editions: `report`, and what seals, withholds and compares. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { Fault } from '../../faults.ts'
import { EDITIONS, makeEditions } from './make.ts'
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
  return 0
}
