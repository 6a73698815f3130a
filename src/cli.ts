#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { BrokenInvariant } from '../graph/index.ts'
import { engine } from './engine.ts'
import { Fault } from './faults.ts'
import { reportCommands } from './report/editions/cli.ts'
import type { Report } from './report/format.ts'
import { tellSummary } from './report/summary.ts'
import { POSTS_USAGE, TAGS_USAGE } from './tags/usage.ts'
import { askedSources, SOURCE_OPTIONS, sourceCommands } from './trace/cli-store.ts'
import { decodeRequest } from './trace/decode-request.ts'
import { readJson, replayBundle } from './work/replay.ts'
import { type RunInput, runTrace } from './work/run.ts'

/** Where a command writes; tests hand in their own. */
export interface Io {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

interface Command {
  readonly usage: string
  readonly about: string
  readonly run: (args: string[], io: Io) => Promise<number>
}

/** Wrong usage: exit code 2, the command's help on stderr. */
class Misuse extends Error {}

const COMMANDS: Readonly<Record<string, Command>> = {
  demo: {
    usage: 'proceeds demo [--out DIR]',
    about:
      'Traces the shipped real sample (USDT on TRON, wallets of seizure orders) into out/demo and prints a summary.',
    run: demo,
  },
  trace: {
    usage:
      'proceeds trace REQUEST.json (--ledger FILE… | --store DIR) [--tags FILE…] --out DIR [--quiet]\n' +
      '         [--esplora URL | --rpc URL | --evm-rpc URL [--account-api URL] | --trongrid URL] [--chain NAME] [--first-block N]',
    about:
      'Follows the request’s seeds through ledger dumps (.ndjson, .ndjson.gz), a chain store, or sources that are asked\n' +
      'while it runs (docs/sources.md; with --store, for what the store lacks), to tagged services, and writes the bundle\n' +
      'DIR: report.json, journal, endpoints.csv, flow.svg and what is needed to check and repeat them.',
    run: trace,
  },
  tags: {
    usage: TAGS_USAGE,
    about:
      'Keeps who says what about an address: TagPacks, CSV, sanction and label lists into the store, every rejected line with its\n' +
      'reason; out of it again; what was known on a day; a claim taken back with a reason. Nothing is ever overwritten.',
    run: async (args, io) => (await import('./tags/commands.ts')).runTags(args, { ...io, now: () => new Date() }),
  },
  posts: {
    usage: POSTS_USAGE,
    about:
      'Finds addresses in captured advertisements (Telegram export, JSON lines, CSV, text), weighs the words, and proposes tags with\n' +
      'the sentence, the post and the reasons. A proposal becomes a claim only where a person accepts it by name.',
    run: async (args, io) => (await import('./tags/commands.ts')).runPosts(args, { ...io, now: () => new Date() }),
  },
  ...sourceCommands,
  paths: {
    usage:
      'proceeds paths --from ADDRESS|TXID:N --to entity:NAME|category:NAME|ADDRESS --ledger FILE… [--tags FILE…] [--chain CHAIN] [--asset ASSET]\n' +
      '                 [--direction forward|backward] [--order value|hops|time] [--k N] [--hops N] [--amount UNITS]\n' +
      '                 [--from-time TIME] [--until TIME] [--fan-out N] [--effort N] [--json]',
    about:
      'Searches ledgers for ways that value could have gone, payment after later payment, without tracing: the k that could carry\n' +
      'most, the shortest, or the soonest. Never through a tagged service. Says what was searched, what was cut, why it stopped.',
    run: paths,
  },
  verify: {
    usage: 'proceeds verify DIR [--json] [--public-key KEY.pem]',
    about:
      'Re-adds every figure of a bundle and checks every hash, with code that shares nothing with the engine; of a directory of\n' +
      'editions, every file and the signature. Exit 0: all hold.',
    run: verify,
  },
  replay: {
    usage: 'proceeds replay DIR',
    about: 'Works the bundle’s case again from the bundle alone. Exit 0: every byte came again.',
    run: replay,
  },
  serve: {
    usage: 'proceeds serve --ledger FILE… [--tags FILE…] [--store DIR] [--data DIR] [--host HOST] [--port PORT]',
    about: 'Starts the HTTP service (openapi.yaml; /docs in a browser). Loopback only, unless there is a key.',
    run: serve,
  },
  keys: {
    usage: 'proceeds keys create --role viewer|investigator --name NAME | list | revoke ID   [--data DIR]',
    about: 'Makes, lists and revokes the API keys of the HTTP service. A key is shown once.',
    run: keys,
  },
  ...reportCommands,
}

/** Runs one command line; answers the exit code: 0 done, 1 a named fault, 2 wrong usage. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...args] = argv
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.out(overview())
    return name === undefined ? 2 : 0
  }
  if (name === '--version') {
    io.out(`${engine().name} ${engine().version}\n`)
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    io.err(`There is no command ${name}.\n\n${overview()}`)
    return 2
  }
  if (args.includes('--help') || args.includes('-h')) {
    io.out(`${command.usage}\n\n${command.about}\n`)
    return 0
  }
  try {
    return await command.run(args, io)
  } catch (error) {
    if (error instanceof Misuse || (error instanceof Fault && error.code === 'USAGE')) {
      io.err(`${error instanceof Fault ? error.detail : error.message}\n\nUsage: ${command.usage}\n`)
      return 2
    }
    if (error instanceof Fault) {
      io.err(`${error.code}: ${error.title}\n${error.detail}\n`)
      return 1
    }
    if (error instanceof BrokenInvariant) {
      io.err(`INTERNAL: our own reasoning failed, and nothing was written. Please report this:\n${error.stack}\n`)
      return 1
    }
    io.err(`INTERNAL: ${error instanceof Error ? error.stack : String(error)}\n`)
    return 1
  }
}

function overview(): string {
  const rows = Object.values(COMMANDS).map(
    ({ usage, about }) => `  ${usage}\n      ${about.replaceAll('\n', '\n      ')}\n`,
  )
  return `Proceeds follows the proceeds of drug sales through public ledgers to the accounts where they can be frozen.\n\n${rows.join('\n')}\nExit codes: 0 done, 1 a named fault on stderr, 2 wrong usage.\n`
}

function parse<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: T, positionals: number) {
  try {
    const parsed = parseArgs({ args: spread(args, options), options, allowPositionals: true, strict: true })
    if (parsed.positionals.length !== positionals) {
      throw new Misuse(
        positionals === 0
          ? `${parsed.positionals[0]} is one word too many`
          : `${positionals} name is wanted, ${parsed.positionals.length} given`,
      )
    }
    return parsed
  } catch (error) {
    if (error instanceof Misuse) throw error
    throw new Misuse((error as Error).message)
  }
}

/** `--ledger a b c` means `--ledger a --ledger b --ledger c`, as a shell's `*.ndjson` writes it. */
function spread(args: readonly string[], options: NonNullable<ParseArgsConfig['options']>): string[] {
  const flat: string[] = []
  let repeating: string | undefined
  for (const arg of args) {
    if (arg.startsWith('-')) {
      const [name] = arg.slice(2).split('=')
      repeating = options[name]?.multiple === true && !arg.includes('=') ? arg : undefined
      if (repeating === undefined) flat.push(arg)
    } else if (repeating === undefined) flat.push(arg)
    else flat.push(repeating, arg)
  }
  return flat
}

async function trace(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parse(
    args,
    {
      ledger: { type: 'string', multiple: true },
      tags: { type: 'string', multiple: true },
      out: { type: 'string' },
      quiet: { type: 'boolean' },
      store: { type: 'string' },
      ...SOURCE_OPTIONS,
    },
    1,
  )
  if (values.out === undefined) throw new Misuse('--out DIR says where the bundle goes; it is wanted')
  const ask = askedSources(values)
  if (values.ledger === undefined && values.store === undefined && ask === undefined) {
    throw new Misuse('--ledger FILE, --store DIR or a source says what to trace through; at least one is wanted')
  }
  return traceInto(
    {
      request: await readJson(positionals[0]),
      ledgers: values.ledger ?? [],
      tags: values.tags ?? [],
      out: values.out,
      // A store's claims speak beside dumps too; its chains are read where there are none.
      ...(values.store === undefined ? {} : { claims: values.store }),
      ...(values.store === undefined || values.ledger !== undefined ? {} : { store: values.store }),
      ...(ask === undefined ? {} : { ask }),
    },
    io,
    values.quiet === true,
  )
}

async function traceInto(
  input: Pick<RunInput, 'request' | 'ledgers' | 'tags' | 'out' | 'store' | 'ask' | 'claims'>,
  io: Io,
  quiet: boolean,
): Promise<number> {
  let last = ''
  const result = await runTrace({
    ...input,
    run: { by: userName(), startedAt: new Date().toISOString(), host: hostname() },
    progress: ({ stage, done }) => {
      const line = done > 0 && stage === 'read' ? `${stage}: ${done} lines` : stage
      if (!quiet && process.stderr.isTTY && line !== last) io.err(`${line}\n`)
      last = line
    },
  })
  if (!quiet) {
    const report = JSON.parse(readFileSync(join(result.directory, 'report.json'), 'utf8')) as Report
    io.out(tellSummary(report, result.directory))
  }
  return 0
}

function userName(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}

async function demo(args: string[], io: Io): Promise<number> {
  const { values } = parse(args, { out: { type: 'string', default: 'out/demo' } }, 0)
  const sample = findSample('tron-usdt-seized-wallets')
  return traceInto(
    {
      request: await readJson(join(sample, 'request.json')),
      ledgers: [join(sample, 'ledger.ndjson.gz')],
      tags: [join(sample, 'tags.csv')],
      out: values.out,
    },
    io,
    false,
  )
}

/** Samples lie beside the code, whether it runs built or as it stands. */
function findSample(name: string): string {
  for (const up of ['../samples/', '../../samples/']) {
    const folder = fileURLToPath(new URL(`${up}${name}/`, import.meta.url))
    if (existsSync(join(folder, 'request.json'))) return folder
  }
  throw new Fault('FILE_UNREADABLE', `the sample ${name} is not where the product was installed`)
}

async function verify(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parse(args, { json: { type: 'boolean' }, 'public-key': { type: 'string' } }, 1)
  const { isEditions } = await import('./report/editions/seal.ts')
  const key = values['public-key']
  const seal = [positionals[0], ...(key === undefined ? [] : ['--public-key', key])]
  if (await isEditions(resolve(positionals[0]))) return reportCommands['verify-seal'].run(seal, io)
  if (key !== undefined) {
    const sealed = await reportCommands['verify-seal'].run(seal, io)
    if (sealed !== 0) return sealed
  }
  const { printVerify, verifyBundle } = await import('./report/verify.ts')
  const result = await verifyBundle(resolve(positionals[0]))
  if (values.json === true) io.out(`${JSON.stringify(result, null, 2)}\n`)
  else for (const line of printVerify(result)) (result.ok ? io.out : io.err)(`${line}\n`)
  if (!result.ok)
    io.err('BUNDLE_INVALID: the bundle is not whole, or does not add up; each finding above says where.\n')
  return result.ok ? 0 : 1
}

async function replay(args: string[], io: Io): Promise<number> {
  const { positionals } = parse(args, {}, 1)
  const { same, different } = await replayBundle(resolve(positionals[0]))
  for (const file of same) io.out(`same       ${file}\n`)
  for (const { file, at } of different) io.err(`different  ${file}: from byte ${at} on\n`)
  if (different.length === 0) return 0
  io.err('BUNDLE_INVALID: worked again, the case did not give the same bytes.\n')
  return 1
}

async function paths(args: string[], io: Io): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parse(
    args,
    {
      ledger: { type: 'string', multiple: true },
      tags: { type: 'string', multiple: true },
      ...{ from: text, to: text, chain: text, asset: text, direction: text, order: text, k: text, hops: text },
      ...{ amount: text, 'from-time': text, until: text, 'fan-out': text, effort: text },
      json: { type: 'boolean' },
    },
    0,
  )
  const { ledger, tags, json, 'from-time': fromTime, 'fan-out': fanOut, ...plain } = values
  if (ledger === undefined) throw new Misuse('--ledger FILE says what to search; at least one is wanted')
  for (const name of ['from', 'to'] as const) if (values[name] === undefined) throw new Misuse(`--${name} is wanted`)
  const { findPathsInFiles } = await import('./work/find-paths.ts')
  const { tellPaths } = await import('./work/tell-paths.ts')
  const query = {
    ...plain,
    ...(fromTime === undefined ? {} : { fromTime }),
    ...(fanOut === undefined ? {} : { fanOut }),
  }
  const answer = await findPathsInFiles(query, { ledgers: ledger, tags: tags ?? [] })
  if (json === true) io.out(`${JSON.stringify(answer, null, 2)}\n`)
  else for (const line of tellPaths(answer)) io.out(`${line}\n`)
  return 0
}

async function serve(args: string[], io: Io): Promise<number> {
  const { values } = parse(
    args,
    {
      ledger: { type: 'string', multiple: true },
      tags: { type: 'string', multiple: true },
      store: { type: 'string' },
      data: { type: 'string' },
      host: { type: 'string' },
      port: { type: 'string' },
    },
    0,
  )
  const { startServer } = await import('./server.ts')
  const { readConfig } = await import('./config.ts')
  const set = readConfig()
  if (values.port !== undefined && !/^[0-9]{1,5}$/.test(values.port)) throw new Misuse('--port is a number')
  const server = await startServer({
    config: {
      ...set,
      ledgers: values.ledger ?? set.ledgers,
      tags: values.tags ?? set.tags,
      store: values.store ?? set.store,
      data: values.data ?? set.data,
      host: values.host ?? set.host,
      port: values.port === undefined ? set.port : Number(values.port),
    },
    checkRequest: (request) => void decodeRequest(request),
  })
  io.out(`Proceeds listens on ${server.url} (its pages: ${server.url}/docs). Stop it with Ctrl-C.\n`)
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done())
  })
  await server.close()
  return 0
}

async function keys(args: string[], io: Io): Promise<number> {
  const { runKeys } = await import('./store/keys.ts')
  const { readConfig } = await import('./config.ts')
  await runKeys(args, { write: io.out, now: () => new Date(), data: readConfig().data })
  return 0
}

if (process.argv[1] !== undefined && import.meta.url === new URL(`file://${resolve(process.argv[1])}`).href) {
  process.exitCode = await main(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  })
}
