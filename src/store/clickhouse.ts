import { randomUUID } from 'node:crypto'
import type { Chain, Transaction } from '../../graph/index.ts'
import { AMOUNT_MAX, invariant } from '../../graph/index.ts'
import { Fault } from '../faults.ts'
import type {
  AccountRef,
  ChainFacts,
  ChainStore,
  EntryPage,
  LedgerBatch,
  OutputRef,
  Place,
  Snapshot,
  StoreOptions,
} from './chain-store.ts'
import { comparePlaces, isVisible } from './chain-store.ts'
import { decodeBody, encodeBody } from './clickhouse/body.ts'
import { BatchLog, counts, countsAnyHeight, type LogState } from './clickhouse/log.ts'
import { allSettled, NONE, quote, quoteAll, type ShardAddress, Shards } from './clickhouse/shards.ts'
import {
  accountKey,
  type Block,
  blockTime,
  checkSnapshot,
  compareText,
  emptyFacts,
  factsInOrder,
  outputKey,
  touchesOf,
} from './rules.ts'
import { type Change, weighBatch } from './weigh.ts'

export interface ClickhouseOptions extends StoreOptions {
  /** The servers, in an order that never changes: each holds its share of the addresses and of the transaction ids. */
  readonly shards: readonly ShardAddress[]
  /** The database on each server. */
  readonly database?: string
  /** How long to wait for an answer. */
  readonly timeoutMs?: number
  /** How long a writer that has fallen silent keeps others from writing. A batch must be written in half of it. */
  readonly leaseMs?: number
}

const TIMEOUT_MS = 120_000
const LEASE_MS = 120_000
/** How many keys one query asks for. */
const KEYS_MAX = 10_000
/** How many transactions `load` writes as one batch: a server likes few large inserts. */
const LOAD_BATCH = 20_000

type Row = { readonly id: string; readonly height: string; readonly batch: string; readonly body: string }
type EntryRow = { readonly address: string; readonly asset: string; readonly id: string; readonly height: string }
type Account = AccountRef
type Entries = Record<'rows' | 'entries' | 'spenders' | 'blocks' | 'facts', Record<string, unknown>[][]>

/**
 * The chain store on ClickHouse: one server or several. Which server a row lies on is decided here, by its address or id,
 * and each server is asked for its own part; if one does not answer in full, the whole question fails (STORE_UNAVAILABLE,
 * to be tried again). A batch counts by one line in a log, so that it counts everywhere or nowhere (`BatchLog`). One
 * process writes at a time; any number reads.
 */
export class ClickhouseStore implements ChainStore {
  readonly #shards: Shards
  readonly #log: BatchLog
  readonly #finalityDepth: (chain: Chain) => number
  /** Writes of this process, one after the other. */
  #writing: Promise<unknown> = Promise.resolve()

  private constructor(shards: Shards, options: ClickhouseOptions) {
    this.#shards = shards
    this.#log = new BatchLog(shards, randomUUID(), options.leaseMs ?? LEASE_MS)
    this.#finalityDepth = options.finalityDepth ?? (() => 0)
  }

  /** Connects, and makes the tables where there are none. Fault STORE_UNAVAILABLE, STORE_INVALID, USAGE. */
  static async open(options: ClickhouseOptions): Promise<ClickhouseStore> {
    const { shards, database = 'proceeds', timeoutMs = TIMEOUT_MS } = options
    return new ClickhouseStore(await Shards.open(shards, database, timeoutMs), options)
  }

  async chains(): Promise<readonly Chain[]> {
    const state = await this.#log.read()
    const rows = await this.#shards.query<{ chain: string }>(
      0,
      `SELECT DISTINCT chain FROM ${this.#shards.table('facts')} WHERE batch <= ${state.last}${
        state.dead.length > 0 ? ` AND batch NOT IN (${state.dead.join(',')})` : ''
      }`,
    )
    return rows.map(({ chain }) => chain).sort(compareText)
  }

  async snapshot(chain: Chain): Promise<Snapshot | undefined> {
    const state = await this.#log.read()
    const finalityDepth = this.#finalityDepth(chain)
    const facts = this.#shards.table('facts')
    const [unplaced] = await this.#shards.query<{ time: string }>(
      0,
      `SELECT toString(maxOrDefault(toUInt64(value) + 1)) AS time FROM ${facts} WHERE kind = 'unplaced' AND ${countsAnyHeight(state, chain)}`,
    )
    const time = Number(unplaced.time) - 1
    const highest = async (heightMax: number): Promise<number | undefined> => {
      const [found] = await this.#shards.query<{ highest: string }>(
        0,
        `SELECT max(height) AS highest FROM ${this.#shards.table('blocks')}
         WHERE ${counts(state, chain)} AND height <= ${heightMax} HAVING count() > 0`,
      )
      return found === undefined ? undefined : Number(found.highest)
    }
    const tip = await highest(NONE - 1)
    if (tip === undefined) {
      return time < 0 ? undefined : { chain, height: undefined, blockHash: undefined, time, finalityDepth }
    }
    const height = tip < finalityDepth ? undefined : await highest(tip - finalityDepth)
    if (height === undefined) return undefined
    const block = (await this.#blocks(state, chain, [height])).get(height)!
    return { chain, height, blockHash: block.hash, time: Math.max(time, blockTime(block)), finalityDepth }
  }

  async transactions(chain: Chain, ids: readonly string[], at: Snapshot): Promise<readonly (readonly Transaction[])[]> {
    const state = await this.#read(chain, at)
    const rows = await this.#rows(state, chain, ids)
    return ids.map((id) => (rows.get(id) ?? []).filter((row) => isVisible(row, at)))
  }

  async spendersOf(
    chain: Chain,
    outputs: readonly OutputRef[],
    at: Snapshot,
  ): Promise<readonly (string | undefined)[]> {
    const state = await this.#read(chain, at)
    const spenders = await this.#spenders(state, chain, outputs, seenSql(at))
    return outputs.map(({ transaction, output }) => spenders.get(outputKey(transaction, output)))
  }

  async entriesOf(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly from?: Place | undefined })[],
    limit: number,
    at: Snapshot,
  ): Promise<readonly EntryPage[]> {
    invariant(Number.isSafeInteger(limit) && limit > 0, `a page of ${limit} transactions`)
    const state = await this.#read(chain, at)
    const pages: EntryRow[][] = accounts.map(() => [])
    await this.#byAccount<EntryRow, (typeof accounts)[number]>(
      chain,
      accounts,
      (part) => {
        const places = part.map(({ from }) => from)
        return `SELECT address, asset, id, height FROM ${this.#shards.table('entries')}
          WHERE ${counts(state, chain)} AND ${accountsSql(part)} AND ${seenSql(at)}
            ${places.every((place) => place === undefined) ? '' : `AND ${PLACE} >= ${placesSql(part, places)}`}
          ORDER BY address, asset, height, idx, time, id LIMIT ${limit + 1} BY address, asset`
      },
      (row, place) => pages[place].push(row),
    )
    const rows = await this.#rows(
      state,
      chain,
      pages.flat().map(({ id }) => id),
    )
    return pages.map((page) => {
      const transactions = page.map((entry) => pickRow(rows, entry))
      return { transactions: transactions.slice(0, limit), next: transactions[limit] }
    })
  }

  async outputsOf(
    chain: Chain,
    addresses: readonly string[],
    window: { readonly from: number | undefined; readonly until: number | undefined },
    at: Snapshot,
  ): Promise<readonly (readonly Transaction[])[]> {
    const state = await this.#read(chain, at)
    const within = [
      window.from === undefined ? '' : ` AND time >= ${window.from}`,
      window.until === undefined ? '' : ` AND time <= ${window.until}`,
    ].join('')
    const entries = await this.#inParts(addresses, (part) =>
      this.#shards.queryByKey<EntryRow, string>(
        part,
        (address) => this.#shards.shardOf(chain, address),
        (keys) => `SELECT DISTINCT address, '' AS asset, id, height FROM ${this.#shards.table('entries')}
          WHERE ${counts(state, chain)} AND address IN (${quoteAll(keys)}) AND (taken > 0 OR taken_more > 0) AND ${seenSql(at)}${within}`,
      ),
    )
    const rows = await this.#rows(
      state,
      chain,
      entries.map(({ id }) => id),
    )
    const byAddress = new Map<string, Transaction[]>(addresses.map((address) => [address, []]))
    for (const entry of entries) byAddress.get(entry.address)!.push(pickRow(rows, entry))
    return addresses.map((address) => [...byAddress.get(address)!].sort(comparePlaces))
  }

  async balanceBefore(
    chain: Chain,
    accounts: readonly (AccountRef & { readonly before: Place })[],
    at: Snapshot,
  ): Promise<readonly bigint[]> {
    const state = await this.#read(chain, at)
    const openings = await this.#openings(state, chain, accounts)
    const balances = accounts.map(({ asset, address }) => openings.get(accountKey(asset, address)) ?? 0n)
    type Sums = Record<'address' | 'asset' | 'more' | 'takenHigh' | 'takenLow' | 'givenHigh' | 'givenLow', string>
    // A sum of 256-bit amounts may need more bits than the type has: the halves are summed apart and joined here.
    const half = (column: string, isHigh: boolean) =>
      `toString(sum(${isHigh ? `bitShiftRight(${column}, 128)` : `bitAnd(${column}, ${LOW_HALF})`}))`
    await this.#byAccount<Sums, (typeof accounts)[number]>(
      chain,
      accounts,
      (part) => `SELECT address, asset, ${half('taken', true)} AS takenHigh, ${half('taken', false)} AS takenLow,
          ${half('given', true)} AS givenHigh, ${half('given', false)} AS givenLow,
          toString(toInt64(sum(taken_more)) - toInt64(sum(given_more))) AS more
        FROM ${this.#shards.table('entries')}
        WHERE ${counts(state, chain)} AND ${accountsSql(part)} AND ${seenSql(at)}
          AND ${PLACE} < ${placesSql(
            part,
            part.map(({ before }) => before),
          )}
        GROUP BY address, asset`,
      ({ takenHigh, takenLow, givenHigh, givenLow, more }, place) => {
        balances[place] += BigInt(more) << 256n
        balances[place] += ((BigInt(takenHigh) - BigInt(givenHigh)) << 128n) + BigInt(takenLow) - BigInt(givenLow)
      },
    )
    return balances
  }

  async blockHashes(chain: Chain, heights: readonly number[]): Promise<readonly (string | undefined)[]> {
    const blocks = await this.#blocks(await this.#log.read(), chain, heights)
    return heights.map((height) => blocks.get(height)?.hash)
  }

  async facts(chain: Chain): Promise<ChainFacts> {
    const state = await this.#log.read()
    const rows = await this.#shards.query<{ kind: string; first: string; second: string; value: string }>(
      0,
      `SELECT kind, first, second, value FROM ${this.#shards.table('facts')} WHERE ${countsAnyHeight(state, chain)} ORDER BY batch`,
    )
    const book = emptyFacts()
    for (const { kind, first, second, value } of rows) {
      if (kind === 'asset') book.assets.set(first, { chain, asset: first, symbol: second, decimals: Number(value) })
      else if (kind === 'all') book.coversAll = true
      else if (kind === 'covered') book.covered.add(first)
      else if (kind === 'opening') {
        book.openings.set(accountKey(second, first), { chain, address: first, asset: second, amount: BigInt(value) })
      }
    }
    return factsInOrder(chain, book)
  }

  async append(batch: LedgerBatch): Promise<void> {
    await this.#inTurn(async () => {
      const isEmpty = [batch.transactions, batch.assets, batch.coverage, batch.openings, batch.blocks].every(
        (each) => each === undefined || each.length === 0,
      )
      if (isEmpty) return
      // Begun before it is weighed: what is weighed against cannot change until the lease ends.
      const number = await this.#log.begin()
      try {
        const changes = await this.#weigh(batch)
        const inserts: Entries = { rows: [], entries: [], spenders: [], blocks: [], facts: [] }
        for (const [chain, change] of changes) this.#gather(inserts, chain, change, number)
        await allSettled(
          Object.entries(inserts).flatMap(([table, shards]) =>
            shards.map((values, shard) => this.#shards.insert(shard, table, values ?? [])),
          ),
        )
      } catch (error) {
        await this.#log.abort(number)
        throw error
      }
      await this.#log.commit(number)
    })
  }

  async load(
    batches: AsyncIterable<LedgerBatch> | Iterable<LedgerBatch>,
    onKept: (transactions: number) => void = () => {},
  ): Promise<void> {
    let waiting: LedgerBatch[] = []
    let [count, kept] = [0, 0]
    const flush = async (): Promise<void> => {
      const all = waiting
      waiting = []
      await this.append({
        transactions: all.flatMap((each) => each.transactions),
        assets: all.flatMap((each) => each.assets ?? []),
        coverage: all.flatMap((each) => each.coverage ?? []),
        openings: all.flatMap((each) => each.openings ?? []),
        blocks: all.flatMap((each) => each.blocks ?? []),
      })
      kept = count
      onKept(kept)
    }
    for await (const batch of batches) {
      waiting.push(batch)
      count += batch.transactions.length
      if (count - kept >= LOAD_BATCH) await flush()
    }
    if (waiting.length > 0) await flush()
  }

  async rollback(chain: Chain, height: number): Promise<void> {
    await this.#inTurn(async () => {
      const number = await this.#log.begin({ chain, height })
      await this.#log.commit(number)
      // The rows count no more. What follows only gives their room back, and the next rollback does it if this one cannot.
      const { rollbacks } = await this.#log.read()
      for (const past of rollbacks) {
        const where = `chain = ${quote(past.chain)} AND batch < ${past.number} AND height > ${past.height} AND height != ${NONE}`
        for (let shard = 0; shard < this.#shards.count; shard++) {
          for (const table of ['rows', 'entries', 'spenders', ...(shard === 0 ? ['blocks'] : [])]) {
            await this.#shards.command(
              shard,
              `ALTER TABLE ${this.#shards.table(table)} DELETE WHERE ${where} SETTINGS mutations_sync = 2`,
            )
          }
        }
        await this.#log.removed(past.number)
      }
    })
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {})
    await this.#shards.close()
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#writing.then(work, work)
    this.#writing = turn.catch(() => {})
    return await turn
  }

  async #read(chain: Chain, at: Snapshot): Promise<LogState> {
    invariant(at.chain === chain, `a snapshot of ${at.chain} asked about ${chain}`)
    const state = await this.#log.read()
    if (at.height !== undefined && at.blockHash !== undefined) {
      checkSnapshot(at, (await this.#blocks(state, chain, [at.height])).get(at.height)?.hash)
    }
    return state
  }

  /** Asks in parts of so many keys, each part of all shards at once. */
  async #inParts<Key, Answer>(
    keys: readonly Key[],
    ask: (part: readonly Key[]) => Promise<Answer[]>,
  ): Promise<Answer[]> {
    const distinct = [...new Set(keys)]
    const answers: Answer[][] = []
    for (let i = 0; i < distinct.length; i += KEYS_MAX) answers.push(await ask(distinct.slice(i, i + KEYS_MAX)))
    return answers.flat()
  }

  /** Asks for accounts; one asked twice is asked in a round of its own, so that an answer belongs to one question. */
  async #byAccount<Answer extends { address: string; asset: string }, Question extends Account>(
    chain: Chain,
    questions: readonly Question[],
    sql: (part: readonly Question[]) => string,
    take: (answer: Answer, place: number) => void,
  ): Promise<void> {
    const rounds: Map<string, number>[] = []
    for (const [place, { asset, address }] of questions.entries()) {
      const key = accountKey(asset, address)
      let round = rounds.find((each) => !each.has(key) && each.size < KEYS_MAX)
      if (round === undefined) rounds.push((round = new Map()))
      round.set(key, place)
    }
    for (const round of rounds) {
      const answers = await this.#shards.queryByKey<Answer, Question>(
        [...round.values()].map((place) => questions[place]),
        ({ address }) => this.#shards.shardOf(chain, address),
        sql,
      )
      for (const answer of answers) take(answer, round.get(accountKey(answer.asset, answer.address))!)
    }
  }

  /** Every row of each id, oldest first. */
  async #rows(state: LogState, chain: Chain, ids: readonly string[]): Promise<Map<string, Transaction[]>> {
    const rows = await this.#inParts(ids, (part) =>
      this.#shards.queryByKey<Row, string>(
        part,
        (id) => this.#shards.shardOf(chain, id),
        (keys) => `SELECT id, height, batch, body FROM ${this.#shards.table('rows')}
          WHERE ${counts(state, chain)} AND id IN (${quoteAll(keys)})`,
      ),
    )
    // A row that was written again counts as written last.
    const latest = new Map<string, Row>()
    for (const row of rows) {
      const key = `${row.height}:${row.id}`
      const held = latest.get(key)
      if (held === undefined || BigInt(held.batch) < BigInt(row.batch)) latest.set(key, row)
    }
    const found = new Map<string, Transaction[]>()
    for (const { id, body } of latest.values()) {
      const row = decodeBody(chain, id, body)
      found.set(id, [...(found.get(id) ?? []), row].sort(comparePlaces))
    }
    return found
  }

  async #spenders(
    state: LogState,
    chain: Chain,
    outputs: readonly OutputRef[],
    seen: string,
  ): Promise<Map<string, string>> {
    const asked = [...new Map(outputs.map((each) => [outputKey(each.transaction, each.output), each])).values()]
    const rows = await this.#inParts(asked, (part) =>
      this.#shards.queryByKey<{ transaction: string; output: string; spender: string }, OutputRef>(
        part,
        ({ transaction }) => this.#shards.shardOf(chain, transaction),
        (keys) => `SELECT transaction, output, spender FROM ${this.#shards.table('spenders')}
          WHERE ${counts(state, chain)} AND transaction IN (${quoteAll(keys.map((key) => key.transaction))})
            AND (transaction, output) IN (${keys.map((key) => `(${quote(key.transaction)},${key.output})`).join(',')}) AND ${seen}`,
      ),
    )
    return new Map(rows.map(({ transaction, output, spender }) => [outputKey(transaction, Number(output)), spender]))
  }

  async #blocks(state: LogState, chain: Chain, heights: readonly number[]): Promise<Map<number, Block>> {
    type BlockRow = Record<'height', string> &
      Record<'hash' | 'previous' | 'headerTime' | 'transactionTime', string | null>
    const asked = heights.filter((height) => height >= 0)
    const rows = await this.#inParts(asked, (part) =>
      this.#shards.query<BlockRow>(
        0,
        `SELECT height, hash, previous, header_time AS headerTime, transaction_time AS transactionTime
         FROM ${this.#shards.table('blocks')} WHERE ${counts(state, chain)} AND height IN (${part.join(',')}) ORDER BY batch`,
      ),
    )
    const number = (text: string | null) => (text === null ? undefined : Number(text))
    return new Map(
      rows.map(({ height, hash, previous, headerTime, transactionTime }) => [
        Number(height),
        {
          hash: hash ?? undefined,
          previous: previous ?? undefined,
          headerTime: number(headerTime),
          transactionTime: number(transactionTime),
        },
      ]),
    )
  }

  async #openings(state: LogState, chain: Chain, accounts: readonly Account[]): Promise<Map<string, bigint>> {
    const rows = await this.#inParts(
      accounts.map(({ address }) => address),
      (part) =>
        this.#shards.query<{ first: string; second: string; value: string }>(
          0,
          `SELECT first, second, value FROM ${this.#shards.table('facts')}
           WHERE ${countsAnyHeight(state, chain)} AND kind = 'opening' AND first IN (${quoteAll(part)})`,
        ),
    )
    return new Map(rows.map(({ first, second, value }) => [accountKey(second, first), BigInt(value)]))
  }

  /** Fetches everything a batch has to be held against, then weighs it. */
  async #weigh(batch: LedgerBatch): Promise<Map<Chain, Change>> {
    const state = await this.#log.read()
    const byChain = new Map<Chain, { ids: Set<string>; outputs: OutputRef[]; heights: Set<number> }>()
    const asked = (chain: Chain) => {
      let found = byChain.get(chain)
      if (found === undefined) byChain.set(chain, (found = { ids: new Set(), outputs: [], heights: new Set() }))
      return found
    }
    const askHeights = (chain: Chain, height: number) => {
      for (const each of [height - 1, height, height + 1]) asked(chain).heights.add(each)
    }
    for (const each of batch.transactions) {
      asked(each.chain).ids.add(each.id)
      if (each.kind === 'utxo') for (const input of each.inputs) asked(each.chain).outputs.push(input)
      if (each.height !== undefined) askHeights(each.chain, each.height)
    }
    for (const each of batch.blocks ?? []) askHeights(each.chain, each.height)
    for (const { chain } of [...(batch.assets ?? []), ...(batch.openings ?? []), ...(batch.coverage ?? [])])
      asked(chain)
    const held = new Map(
      await allSettled(
        [...byChain].map(async ([chain, { ids, outputs, heights }]) => {
          const openings = (batch.openings ?? []).filter((each) => each.chain === chain)
          const [rows, spenders, blocks, opened, facts] = await allSettled<unknown>([
            this.#rows(state, chain, [...ids]),
            this.#spenders(state, chain, outputs, '1'),
            this.#blocks(state, chain, [...heights]),
            this.#openings(state, chain, openings),
            batch.assets === undefined ? undefined : this.facts(chain),
          ] as Promise<unknown>[])
          return [
            chain,
            { rows, spenders, blocks, opened, facts } as {
              rows: Map<string, Transaction[]>
              spenders: Map<string, string>
              blocks: Map<number, Block>
              opened: Map<string, bigint>
              facts: ChainFacts | undefined
            },
          ] as const
        }),
      ),
    )
    return weighBatch(batch, {
      transactions: (chain, id) => held.get(chain)?.rows.get(id) ?? [],
      spender: (chain, transaction, output) => held.get(chain)?.spenders.get(outputKey(transaction, output)),
      block: (chain, height) => held.get(chain)?.blocks.get(height),
      asset: (chain, asset) => held.get(chain)?.facts?.assets.find((each) => each.asset === asset),
      opening: (chain, asset, address) => {
        const amount = held.get(chain)?.opened.get(accountKey(asset, address))
        return amount === undefined ? undefined : { chain, asset, address, amount }
      },
    })
  }

  /** Turns a change into rows, each for its table and shard. */
  #gather(inserts: Entries, chain: Chain, change: Change, batch: number): void {
    const put = (table: keyof Entries, shard: number, row: Record<string, unknown>) => {
      const rows = inserts[table]
      rows[shard] ??= []
      rows[shard].push(row)
    }
    const shardOf = (key: string) => this.#shards.shardOf(chain, key)
    for (const row of [...change.added, ...change.replaced.map(({ after }) => after)]) {
      const { id, time } = row
      put('rows', shardOf(id), { chain, id, height: row.height ?? NONE, time, batch, body: encodeBody(row) })
    }
    let latestUnplaced = -1
    for (const row of change.added) {
      const [height, idx, time] = placeColumns(row)
      if (row.height === undefined) latestUnplaced = Math.max(latestUnplaced, time)
      for (const { asset, address, given, taken } of touchesOf(row)) {
        const moved = {
          given: `${given & AMOUNT_MAX}`,
          taken: `${taken & AMOUNT_MAX}`,
          given_more: Number(given >> 256n),
          taken_more: Number(taken >> 256n),
        }
        put('entries', shardOf(address), { chain, address, asset, height, idx, time, id: row.id, ...moved, batch })
      }
      if (row.kind !== 'utxo') continue
      for (const { transaction, output } of row.inputs) {
        put('spenders', shardOf(transaction), { chain, transaction, output, spender: row.id, height, time, batch })
      }
    }
    for (const [height, { hash = null, previous = null, headerTime = null, transactionTime = null }] of change.blocks) {
      put('blocks', 0, {
        chain,
        height,
        hash,
        previous,
        header_time: headerTime,
        transaction_time: transactionTime,
        batch,
      })
    }
    const fact = (kind: string, first = '', second = '', value = '') =>
      put('facts', 0, { chain, kind, first, second, value, batch })
    fact('chain')
    if (latestUnplaced >= 0) fact('unplaced', '', '', `${latestUnplaced}`)
    for (const { asset, symbol, decimals } of change.facts.assets.values()) fact('asset', asset, symbol, `${decimals}`)
    if (change.facts.coversAll) fact('all')
    for (const address of change.facts.covered) fact('covered', address)
    for (const { address, asset, amount } of change.facts.openings.values())
      fact('opening', address, asset, `${amount}`)
  }
}

const LOW_HALF = `toUInt256('${(1n << 128n) - 1n}')`

/** A row's place as the entries' sort key has it. */
const PLACE = '(height, idx, time, id)'

/** The numbers of a place in the sort key: those of `comparePlaces`, with `NONE` where there is none. */
function placeColumns({ height, index, time }: Pick<Place, 'height' | 'index' | 'time'>): [number, number, number] {
  return height === undefined ? [NONE, 0, time] : [height, index ?? NONE, time]
}

/** The condition that a snapshot sees a row. */
function seenSql(at: Snapshot): string {
  if (at.height === undefined) return `time <= ${at.time}`
  return `(height <= ${at.height} OR (height = ${NONE} AND time <= ${at.time}))`
}

/** The condition that a row is of one of the accounts; the address alone first, which the sort key finds. */
function accountsSql(accounts: readonly Account[]): string {
  const pairs = accounts.map(({ asset, address }) => `(${quote(address)},${quote(asset)})`)
  return `address IN (${quoteAll(accounts.map(({ address }) => address))}) AND (address, asset) IN (${pairs.join(',')})`
}

/** For each row the place that its account was asked from; an account without one is asked from the beginning. */
function placesSql(accounts: readonly Account[], places: readonly (Place | undefined)[]): string {
  const tuples = places.map((place) => {
    if (place === undefined) return "(toUInt64(0),toUInt64(0),toUInt64(0),'')"
    const [height, index, time] = placeColumns(place).map((each) => `toUInt64(${each})`)
    return `(${height},${index},${time},${quote(place.id)})`
  })
  const keys = accounts.map(({ asset, address }) => quote(accountKey(asset, address)))
  const numbers = accounts.map((_, number) => number + 1)
  return `arrayElement([${tuples.join(',')}], transform(concat(asset, '\\n', address), [${keys.join(',')}], [${numbers.join(',')}], 1))`
}

/** The row that an entry is of: of two BIP-30 rows, the one of its height. */
function pickRow(rows: ReadonlyMap<string, readonly Transaction[]>, entry: EntryRow): Transaction {
  const row = rows.get(entry.id)?.find(({ height }) => (height ?? NONE) === Number(entry.height))
  if (row === undefined) {
    throw new Fault(
      'STORE_UNAVAILABLE',
      `transaction ${entry.id} is in a history but not in the store; it may have been rolled back meanwhile: try again`,
    )
  }
  return row
}
