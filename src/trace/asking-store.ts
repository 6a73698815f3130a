import { LRUCache } from 'lru-cache'
import { type Asset, type Chain, isUtxoChain, NATIVE, type Transaction } from '../../graph/index.ts'
import { AskedBlocks } from '../chains/asked-blocks.ts'
import { AskedEsplora } from '../chains/bitcoin/asked-esplora.ts'
import { BitcoinBlocksIndex } from '../chains/bitcoin/block-index.ts'
import { BitcoinRpc, Esplora } from '../chains/bitcoin/index.ts'
import { AccountApi, EvmIndex, EvmRpc } from '../chains/ethereum/index.ts'
import { type Acquisition, HttpSource } from '../chains/http.ts'
import type { AskedSource } from '../chains/source.ts'
import { TronGrid, TronNode } from '../chains/tron/index.ts'
import { readSourceKeys } from '../config.ts'
import { Fault } from '../faults.ts'
import type { Gap } from '../gaps.ts'
import type {
  AccountRef,
  ChainFacts,
  ChainStore,
  EntryPage,
  LedgerBatch,
  OutputRef,
  Place,
  Snapshot,
} from '../store/chain-store.ts'

/** Which sources a trace may ask, by the chain each speaks for. Plain data: it goes to workers. */
export interface AskOptions {
  readonly sources: readonly AskedUrl[]
  /** How many answers one trace may take; more are a fault `LIMIT_EXCEEDED`. */
  readonly answersMax?: number
}

/** One source to ask. Keys are not in it: they come from the environment. */
export interface AskedUrl {
  readonly kind: 'esplora' | 'rpc' | 'evm-rpc' | 'trongrid'
  readonly chain: Chain
  readonly url: string
  /** An account API that says in which blocks to look, for EVM chains. */
  readonly accountApi?: string
  /** First block that is looked at; what lies before is not seen, and nothing is said to be covered. */
  readonly from?: number
  readonly requestsPerSecond?: number
}

const ANSWERS_MAX = 100_000
const KEPT = 50_000

/**
 * A store that asks a source for what it lacks, and keeps what it learns: for as long as a trace runs, or for good where the store
 * behind it is one, but for coverage. What was asked once in a trace is not asked again. Each answer is noted with its address, time and SHA-256.
 *
 * Reading is at the tip of the source as it was when the store was opened, `snapshot`; an account whose whole history came is noted as covered.
 */
export class AskingStore implements ChainStore {
  readonly acquisitions: Acquisition[] = []
  readonly gaps: Gap[] = []
  readonly #store: ChainStore
  readonly #sources = new Map<Chain, AskedSource>()
  readonly #snapshots = new Map<Chain, Snapshot>()
  readonly #asked = new LRUCache<string, true>({ max: KEPT })
  readonly #answersMax: number

  private constructor(store: ChainStore, answersMax: number) {
    this.#store = store
    this.#answersMax = answersMax
  }

  /** Opens the sources: each is asked for its tip, which becomes the snapshot. */
  static async open(store: ChainStore, options: AskOptions, signal?: AbortSignal): Promise<AskingStore> {
    const asking = new AskingStore(store, options.answersMax ?? ANSWERS_MAX)
    for (const url of options.sources) {
      if (asking.#sources.has(url.chain))
        throw new Fault('USAGE', `two sources are named for ${url.chain}; one is wanted`)
      const source = openSource(url, (acquisition) => asking.#note(acquisition), signal)
      asking.#sources.set(url.chain, source)
      await asking.#pin(url.chain, source)
    }
    return asking
  }

  /** For tests and callers that have a source at hand. */
  static async over(
    store: ChainStore,
    sources: readonly AskedSource[],
    answersMax = ANSWERS_MAX,
  ): Promise<AskingStore> {
    const asking = new AskingStore(store, answersMax)
    for (const source of sources) {
      asking.#sources.set(source.chain, source)
      await asking.#pin(source.chain, source)
    }
    return asking
  }

  #note(acquisition: Acquisition): void {
    if (this.acquisitions.length >= this.#answersMax) {
      throw new Fault(
        'LIMIT_EXCEEDED',
        `the trace needs more than ${this.#answersMax} answers of its source; lower limits.hops or limits.until, tag the services on the way, or import the ledger into a store`,
      )
    }
    this.acquisitions.push(acquisition)
  }

  async #pin(chain: Chain, source: AskedSource): Promise<void> {
    const { height, hash, time } = await source.tip()
    const end = await source.last?.(height)
    await this.#store.append({
      transactions: end === undefined ? [] : [end],
      blocks: [{ chain, height, hash, previous: undefined, time }],
    })
    this.#snapshots.set(chain, { chain, height, blockHash: hash, time, finalityDepth: 0 })
  }

  async chains(): Promise<readonly Chain[]> {
    return [...new Set([...(await this.#store.chains()), ...this.#sources.keys()])].sort()
  }

  async snapshot(chain: Chain): Promise<Snapshot | undefined> {
    return this.#snapshots.get(chain) ?? this.#store.snapshot(chain)
  }

  async transactions(chain: Chain, ids: readonly string[], at: Snapshot): Promise<readonly (readonly Transaction[])[]> {
    const source = this.#sources.get(chain)
    if (source !== undefined) {
      const held = await this.#store.transactions(chain, ids, at)
      const lacking = ids.filter((id, i) => held[i].length === 0 && this.#first(`${chain} transaction ${id}`))
      const found = await Promise.all(lacking.map((id) => this.#transaction(source, id)))
      await this.#keep(
        chain,
        found.flatMap((each) => each ?? []),
      )
    }
    return this.#store.transactions(chain, ids, at)
  }

  async #transaction(source: AskedSource, id: string): Promise<Transaction | undefined> {
    try {
      return await source.transaction(id)
    } catch (error) {
      // An id in another case or of another kind is one that the source does not know.
      if (error instanceof Fault && error.code === 'REQUEST_INVALID') return undefined
      throw error
    }
  }

  async spendersOf(
    chain: Chain,
    outputs: readonly OutputRef[],
    at: Snapshot,
  ): Promise<readonly (string | undefined)[]> {
    const source = this.#sources.get(chain)
    if (source !== undefined && isUtxoChain(chain)) {
      const held = await this.#store.spendersOf(chain, outputs, at)
      const lacking = outputs.filter((_, i) => held[i] === undefined)
      const makers = await this.transactions(
        chain,
        lacking.map(({ transaction }) => transaction),
        at,
      )
      await Promise.all(
        lacking.map(async ({ transaction, output }, i) => {
          const maker = makers[i].at(-1)
          const address = maker?.kind === 'utxo' ? maker.outputs[output]?.address : undefined
          // One question about an address answers for all its outputs, and proves which of them are unspent.
          const told =
            address === undefined || address === null ? false : await this.#history(source, NATIVE, address, at)
          if (told || source.spender === undefined || !this.#first(`${chain} spender ${transaction}:${output}`)) return
          const spender = await source.spender(transaction, output)
          if (spender !== undefined) await this.#keep(chain, [spender])
        }),
      )
    }
    return this.#store.spendersOf(chain, outputs, at)
  }

  async entriesOf(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly from?: Place | undefined })[],
    limit: number,
    at: Snapshot,
  ): Promise<readonly EntryPage[]> {
    const source = this.#sources.get(chain)
    if (source !== undefined) {
      await Promise.all(accounts.map(({ asset, address }) => this.#history(source, asset, address, at, true)))
    }
    return this.#store.entriesOf(chain, accounts, limit, at)
  }

  async outputsOf(
    chain: Chain,
    addresses: readonly string[],
    window: { readonly from: number | undefined; readonly until: number | undefined },
    at: Snapshot,
  ): Promise<readonly (readonly Transaction[])[]> {
    const source = this.#sources.get(chain)
    // Of account chains a source is asked asset by asset, as `entriesOf` does.
    if (source !== undefined && isUtxoChain(chain)) {
      await Promise.all(addresses.map((address) => this.#history(source, NATIVE, address, at, true)))
    }
    return this.#store.outputsOf(chain, addresses, window, at)
  }

  balanceBefore(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly before: Place })[],
    at: Snapshot,
  ): Promise<readonly bigint[]> {
    return this.#store.balanceBefore(chain, accounts, at)
  }

  blockHashes(chain: Chain, heights: readonly number[]): Promise<readonly (string | undefined)[]> {
    return this.#store.blockHashes(chain, heights)
  }

  async last(chain: Chain, at: Snapshot): Promise<readonly Transaction[]> {
    return (await this.#store.last?.(chain, at)) ?? []
  }

  async facts(chain: Chain): Promise<ChainFacts> {
    const facts = await this.#store.facts(chain)
    const whole = [...(this.#whole.get(chain) ?? [])].flatMap(([address, is]) => (is ? [address] : [])).sort()
    if (whole.length === 0) return facts
    return { ...facts, coverage: [...facts.coverage, { chain, covers: whole }] }
  }

  append(batch: LedgerBatch): Promise<void> {
    return this.#store.append(batch)
  }

  load(
    batches: AsyncIterable<LedgerBatch> | Iterable<LedgerBatch>,
    onKept?: (transactions: number) => void,
  ): Promise<void> {
    return this.#store.load(batches, onKept)
  }

  rollback(chain: Chain, height: number): Promise<void> {
    return this.#store.rollback(chain, height)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #first(question: string): boolean {
    if (this.#asked.has(question)) return false
    this.#asked.set(question, true)
    return true
  }

  /** For each address whether everything asked of it came whole. */
  readonly #whole = new Map<Chain, Map<string, boolean>>()
  readonly #histories = new Map<string, Promise<boolean>>()

  /** Asks for an account once; whether its history is known now. One too long is no fault where its outputs can be asked for one by one. */
  #history(source: AskedSource, asset: Asset, address: string, at: Snapshot, needed = false): Promise<boolean> {
    const key = `${source.chain} ${asset} ${address}`
    let asked = this.#histories.get(key)
    if (asked === undefined) {
      asked = this.#askHistory(source, asset, address, at)
      this.#histories.set(key, asked)
      asked.catch(() => this.#histories.delete(key))
    }
    if (needed) return asked
    return asked.catch((error) => {
      if (error instanceof Fault && error.code === 'LIMIT_EXCEEDED' && source.spender !== undefined) return false
      throw error
    })
  }

  async #askHistory(source: AskedSource, asset: Asset, address: string, at: Snapshot): Promise<boolean> {
    const { chain } = source
    const { transactions, whole, gaps = [] } = await source.history(asset, address, at.height!)
    this.gaps.push(...gaps)
    await this.#keep(chain, transactions)
    // An account is covered where every asset that was asked of it came whole: here, and not in a store that outlives the trace.
    let known = this.#whole.get(chain)
    if (known === undefined) this.#whole.set(chain, (known = new Map()))
    known.set(address, whole && known.get(address) !== false)
    return true
  }

  async #keep(chain: Chain, transactions: readonly Transaction[]): Promise<void> {
    if (transactions.length === 0) return
    const source = this.#sources.get(chain)!
    const assets = new Set<Asset>()
    for (const row of transactions) {
      if (row.kind === 'utxo') continue
      for (const { asset } of row.transfers) assets.add(asset)
    }
    await this.#store.append({ transactions })
    for (const asset of assets) {
      if (source.asset === undefined || !this.#first(`${chain} asset ${asset}`)) continue
      const fact = await source.asset(asset)
      if (fact !== undefined) await this.#store.append({ transactions: [], assets: [fact] })
    }
  }
}

/** Opens one source. Keys of services come from the environment (`readSourceKeys`). */
export function openSource(
  { kind, chain, url, accountApi, from, requestsPerSecond }: AskedUrl,
  onAcquisition?: (acquisition: Acquisition) => void,
  signal?: AbortSignal,
): AskedSource {
  const now = () => new Date()
  const more = {
    now,
    ...(onAcquisition === undefined ? {} : { onAcquisition }),
    ...(signal === undefined ? {} : { signal }),
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
  }
  switch (kind) {
    case 'esplora':
      return new AskedEsplora(new Esplora({ chain, http: new HttpSource({ baseUrl: url, ...more }) }), chain)
    case 'rpc': {
      const rpc = new BitcoinRpc({ chain, http: new HttpSource({ baseUrl: url, ...more }) })
      return new AskedBlocks({
        chain,
        blocks: rpc,
        index: new BitcoinBlocksIndex({ rpc, ...(from === undefined ? {} : { from }) }),
      })
    }
    case 'evm-rpc': {
      const rpc = new EvmRpc({ chain, http: new HttpSource({ baseUrl: url, ...more }) })
      const key = readSourceKeys().accountApi
      const index =
        accountApi === undefined
          ? new EvmIndex({ rpc, ...(from === undefined ? {} : { from }) })
          : new AccountApi({
              chain,
              http: new HttpSource({ baseUrl: accountApi, ...more, secrets: key === undefined ? [] : [key] }),
              ...(key === undefined ? {} : { apiKey: key }),
            })
      return new AskedBlocks({ chain, blocks: rpc, index, asset: (asset) => rpc.asset(asset) })
    }
    case 'trongrid': {
      const key = readSourceKeys().tronGrid
      const headers: Record<string, string> = key === undefined ? {} : { 'TRON-PRO-API-KEY': key }
      const http = new HttpSource({ baseUrl: url, headers, ...more })
      const node = new TronNode({ chain, http })
      return new AskedBlocks({
        chain,
        blocks: node,
        index: new TronGrid({ http, node }),
        asset: (asset) => node.asset(asset),
      })
    }
  }
}
