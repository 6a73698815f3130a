import { type ParseArgsConfig, parseArgs } from 'node:util'
import { NATIVE } from '../../graph/index.ts'
import { BitcoinRpc } from '../chains/bitcoin/index.ts'
import { EvmRpc, findEvmChain } from '../chains/ethereum/index.ts'
import { HttpSource } from '../chains/http.ts'
import type { BlockSource } from '../chains/source.ts'
import { TronNode } from '../chains/tron/index.ts'
import { Fault } from '../faults.ts'
import { openStore } from '../store/open.ts'
import type { AskedUrl, AskOptions } from './asking-store.ts'
import { followChain } from './follow-chain.ts'
import { IMPORT_FORMATS, type ImportFormat, importFiles } from './import.ts'

interface Io {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

interface SourceCommand {
  readonly usage: string
  readonly about: string
  readonly run: (args: string[], io: Io) => Promise<number>
}

/** Options by which `trace` and `follow` name sources. */
export const SOURCE_OPTIONS = {
  esplora: { type: 'string' },
  rpc: { type: 'string' },
  'evm-rpc': { type: 'string' },
  'account-api': { type: 'string' },
  trongrid: { type: 'string' },
  chain: { type: 'string' },
  'first-block': { type: 'string' },
  'requests-per-second': { type: 'string' },
} as const satisfies NonNullable<ParseArgsConfig['options']>

export type SourceValues = { readonly [name in keyof typeof SOURCE_OPTIONS]?: string | undefined }

/** The commands that fill chain stores. */
export const sourceCommands: Readonly<Record<string, SourceCommand>> = {
  import: {
    usage: `proceeds import FILE… --store DIR [--format auto|${IMPORT_FORMATS.join('|')}] [--chain NAME] [--first-height N] [--quiet]`,
    about:
      'Brings ledgers into a chain store: dumps (.ndjson), a node’s block directory, Tronscan’s CSV, exports of bitcoin-etl\n' +
      'and ethereum-etl. Can be stopped and run again; what is there already changes nothing.',
    run: runImport,
  },
  follow: {
    usage:
      'proceeds follow --store DIR (--rpc URL | --evm-rpc URL | --tron-node URL) [--chain NAME] [--first-block N] [--once] [--quiet]',
    about:
      'Keeps a chain store at a node’s tip, through reorganisations, until Ctrl-C or, with --once, until it has caught up.',
    run: runFollow,
  },
}

function parse<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new Fault('USAGE', (error as Error).message)
  }
}

function count(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,12}$/.test(text)) return Number(text)
  throw new Fault('USAGE', `--${name} is a whole number, not ${JSON.stringify(text)}`)
}

/**
 * The sources that options of `trace` name, each for its chain: `--chain` where the source does not say it, otherwise
 * bitcoin for --esplora and --rpc, ethereum for --evm-rpc, tron for --trongrid. Undefined where none is named.
 */
export function askedSources(values: SourceValues): AskOptions | undefined {
  const from = count(values['first-block'], 'first-block')
  const requestsPerSecond = count(values['requests-per-second'], 'requests-per-second')
  const sources: AskedUrl[] = []
  const more = {
    ...(from === undefined ? {} : { from }),
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
  }
  const { esplora, rpc, trongrid, chain, 'evm-rpc': evmRpc, 'account-api': accountApi } = values
  if (esplora !== undefined) sources.push({ kind: 'esplora', chain: chain ?? 'bitcoin', url: esplora, ...more })
  if (rpc !== undefined) sources.push({ kind: 'rpc', chain: chain ?? 'bitcoin', url: rpc, ...more })
  if (evmRpc !== undefined) {
    const api = accountApi === undefined ? {} : { accountApi }
    sources.push({ kind: 'evm-rpc', chain: chain ?? 'ethereum', url: evmRpc, ...api, ...more })
  } else if (accountApi !== undefined) {
    throw new Fault('USAGE', '--account-api says only in which blocks to look; --evm-rpc is wanted beside it')
  }
  if (trongrid !== undefined) sources.push({ kind: 'trongrid', chain: chain ?? 'tron', url: trongrid, ...more })
  if (chain !== undefined && sources.length > 1) {
    throw new Fault(
      'USAGE',
      '--chain names the chain of one source; with several, each is of its own: bitcoin, ethereum, tron',
    )
  }
  return sources.length === 0 ? undefined : { sources }
}

async function runImport(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parse(args, {
    store: { type: 'string' },
    format: { type: 'string', default: 'auto' },
    chain: { type: 'string' },
    'first-height': { type: 'string' },
    quiet: { type: 'boolean' },
  })
  if (values.store === undefined) throw new Fault('USAGE', '--store DIR says where the chain store lies; it is wanted')
  if (positionals.length === 0) throw new Fault('USAGE', 'at least one file is wanted')
  const { format } = values
  if (format !== 'auto' && !(IMPORT_FORMATS as readonly string[]).includes(format)) {
    throw new Fault('USAGE', `there is no format ${format}; there are auto, ${IMPORT_FORMATS.join(', ')}`)
  }
  const firstHeight = count(values['first-height'], 'first-height')
  const store = await openStore(values.store)
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  process.once('SIGINT', interrupt)
  let told = 0
  try {
    const result = await importFiles(store, positionals, {
      format: format as ImportFormat | 'auto',
      ...(values.chain === undefined ? {} : { chain: values.chain }),
      ...(firstHeight === undefined ? {} : { firstHeight }),
      signal: stop.signal,
      progress: ({ read, kept }) => {
        if (values.quiet === true || Date.now() - told < 500) return
        told = Date.now()
        io.err(`read ${read} transactions, kept ${kept}\n`)
      },
    })
    for (const note of result.notes) io.err(`${note}\n`)
    if (values.quiet !== true) {
      io.out(`${result.transactions} transactions of format ${result.format} are in ${values.store}.\n`)
      for (const chain of await store.chains()) {
        const at = await store.snapshot(chain)
        io.out(`${chain}: to ${at?.height === undefined ? 'its last second' : `height ${at.height}`}\n`)
      }
    }
    return 0
  } finally {
    process.off('SIGINT', interrupt)
    await store.close()
  }
}

async function runFollow(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parse(args, {
    store: { type: 'string' },
    rpc: { type: 'string' },
    'evm-rpc': { type: 'string' },
    'tron-node': { type: 'string' },
    chain: { type: 'string' },
    'first-block': { type: 'string' },
    'poll-ms': { type: 'string' },
    once: { type: 'boolean' },
    quiet: { type: 'boolean' },
  })
  if (positionals.length > 0) throw new Fault('USAGE', `${positionals[0]} is one word too many`)
  if (values.store === undefined) throw new Fault('USAGE', '--store DIR says where the chain store lies; it is wanted')
  const stop = new AbortController()
  const { chain, source } = nodeOf(values, stop.signal)
  const from = count(values['first-block'], 'first-block')
  const pollMs = count(values['poll-ms'], 'poll-ms')
  const store = await openStore(values.store)
  const interrupt = () => stop.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt)
  try {
    if (source instanceof EvmRpc && (await store.snapshot(chain)) === undefined) {
      const coin = await source.asset(NATIVE)
      if (coin !== undefined) await store.append({ transactions: [], assets: [coin] })
    }
    await followChain(store, source, {
      chain,
      ...(from === undefined ? {} : { from }),
      ...(pollMs === undefined ? {} : { pollMs }),
      once: values.once === true,
      signal: stop.signal,
      onStep: (step) => {
        if (values.quiet === true) return
        if (step.kind === 'appended')
          io.out(`${chain} ${step.height} of ${step.tip}: ${step.transactions} transactions\n`)
        else if (step.kind === 'rolledBack') io.out(`${chain} was reorganised: from ${step.from} back to ${step.to}\n`)
        else io.out(`${chain} is at the tip, ${step.height}\n`)
      },
    })
    return 0
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt)
    await store.close()
  }
}

function nodeOf(
  values: {
    rpc?: string | undefined
    'evm-rpc'?: string | undefined
    'tron-node'?: string | undefined
    chain?: string | undefined
  },
  signal: AbortSignal,
): { chain: string; source: BlockSource } {
  const { rpc, 'evm-rpc': evmRpc, 'tron-node': tronNode } = values
  const named = [rpc, evmRpc, tronNode].filter((url) => url !== undefined)
  if (named.length !== 1) throw new Fault('USAGE', 'one of --rpc URL, --evm-rpc URL, --tron-node URL is wanted')
  const http = new HttpSource({
    baseUrl: named[0],
    now: () => new Date(),
    signal,
    requestsPerSecond: 200,
    concurrency: 8,
  })
  if (rpc !== undefined) {
    const chain = values.chain ?? 'bitcoin'
    return { chain, source: new BitcoinRpc({ chain, http }) }
  }
  if (tronNode !== undefined) {
    const chain = values.chain ?? 'tron'
    return { chain, source: new TronNode({ chain, http }) }
  }
  const chain = values.chain ?? 'ethereum'
  if (findEvmChain(chain) === undefined) throw new Fault('USAGE', `${chain} is not an EVM chain`)
  return { chain, source: new EvmRpc({ chain, http }) }
}
