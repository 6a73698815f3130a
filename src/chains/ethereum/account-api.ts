import { type Asset, type Chain, NATIVE } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { type HttpSource, parseJson } from '../http.ts'
import { asRecord, type BlockIndex, contradicts, type Found } from '../source.ts'
import { findEvmChain } from './chains.ts'

export interface AccountApiOptions {
  readonly chain: Chain
  /** Its base URL ends before the query: `https://api.etherscan.io/v2/api`, `https://eth.blockscout.com/api`. */
  readonly http: HttpSource
  /** Goes into each question; say it to `HttpSource` as a secret too. */
  readonly apiKey?: string
  /** Rows of a page; these services give at most 10,000. */
  readonly pageRows?: number
  /** Rows of one account; more are a fault `LIMIT_EXCEEDED`. */
  readonly rowsMax?: number
  /** How often one question is asked again where the service says to slow down, and how long is waited. */
  readonly triesMax?: number
  readonly wait?: (ms: number) => Promise<void>
}

const PAGE_ROWS = 1000
const ROWS_MAX = 200_000
/** These services show no row behind this one of an answer, whatever page is asked for. */
const WINDOW_ROWS = 10_000

/** The lists in which an account's transactions stand: its own, those inside others, those of tokens. */
const LISTS = { [NATIVE]: ['txlist', 'txlistinternal'] } as Readonly<Record<Asset, readonly string[]>>

interface Row {
  readonly height: number
  readonly key: string
}

/**
 * An account API in Etherscan's manner, which Blockscout speaks too: asked only in which blocks an account is named. The
 * blocks are read from a node and proven there; what this service says of amounts is not used. It could still hide a row:
 * `whole` then says more than is true, as with every index.
 *
 * Pages go by block, not by number, since no service shows more than 10,000 rows of one answer. A page that comes twice, rows
 * out of order or of another account are a fault `SOURCE_CONTRADICTS`; a refusal is `SOURCE_UNAVAILABLE` with its words.
 */
export class AccountApi implements BlockIndex {
  readonly #options: AccountApiOptions
  readonly #chainId: number

  constructor(options: AccountApiOptions) {
    const network = findEvmChain(options.chain)
    if (network === undefined) throw new Fault('REQUEST_INVALID', `${options.chain} is not an EVM chain`)
    this.#options = options
    this.#chainId = network.id
  }

  async heightOf(id: string): Promise<number | undefined> {
    if (!/^0x[0-9a-f]{64}$/i.test(id))
      throw new Fault('REQUEST_INVALID', `${JSON.stringify(id)} is not a transaction id`)
    const answer = asRecord(
      parseJson(await this.#body({ module: 'proxy', action: 'eth_getTransactionByHash', txhash: id })),
    )
    const height = asRecord(answer?.result)?.blockNumber
    if (typeof height !== 'string') return undefined
    const found = Number(height)
    if (!Number.isSafeInteger(found)) throw contradicts(`transaction ${id}: its block has no number`)
    return found
  }

  async heightsOf(asset: Asset, address: string, height: number): Promise<Found> {
    const heights = new Set<number>()
    for (const list of LISTS[asset] ?? ['tokentx']) {
      for (const found of await this.#heightsIn(list, asset, address, height)) heights.add(found)
    }
    return { heights: [...heights].sort((a, b) => a - b), whole: true }
  }

  async #heightsIn(list: string, asset: Asset, address: string, height: number): Promise<Set<number>> {
    const heights = new Set<number>()
    const pageRows = this.#options.pageRows ?? PAGE_ROWS
    const rowsMax = this.#options.rowsMax ?? ROWS_MAX
    const seen = new Set<string>()
    let start = 0
    let page = 1
    /** The last block of the page before: rows of it may come again, since rows that say the same cannot be told apart. */
    let seam = 0
    for (;;) {
      const rows = await this.#page(list, asset, address, { start, end: height, page, rows: pageRows })
      let before = start
      for (const { height: at, key } of rows) {
        if (at < before || at > height)
          throw contradicts(`${list} of ${address}: rows are not in order from block ${start} to ${height}`)
        before = at
        if (seen.has(key)) {
          if (at !== seam) throw contradicts(`${list} of ${address}: a row of block ${at} came twice; a page repeats`)
          continue
        }
        seen.add(key)
        heights.add(at)
      }
      if (seen.size > rowsMax) throw new Fault('LIMIT_EXCEEDED', `${address} has more than ${rowsMax} rows in ${list}`)
      seam = before
      if (rows.length < pageRows) return heights
      if ((page + 1) * pageRows <= WINDOW_ROWS) page++
      else if (before > start) {
        start = before
        page = 1
      } else {
        throw new Fault(
          'LIMIT_EXCEEDED',
          `${address} has more rows in block ${start} than ${list} shows; ask a node instead`,
        )
      }
    }
  }

  async #page(
    list: string,
    asset: Asset,
    address: string,
    range: { start: number; end: number; page: number; rows: number },
  ): Promise<Row[]> {
    const rows = await this.#list({
      module: 'account',
      action: list,
      address,
      startblock: String(range.start),
      endblock: String(range.end),
      page: String(range.page),
      offset: String(range.rows),
      sort: 'asc',
      ...(asset === NATIVE ? {} : { contractaddress: asset }),
    })
    if (rows.length > range.rows)
      throw contradicts(`${list} of ${address}: ${rows.length} rows came of ${range.rows} asked for`)
    const copies = new Map<string, number>()
    return rows.map((each): Row => {
      const row = asRecord(each)
      const height = typeof row?.blockNumber === 'string' ? row.blockNumber : ''
      const id = row?.hash ?? row?.transactionHash
      if (row === undefined || !/^\d{1,15}$/.test(height) || typeof id !== 'string' || !/^0x[0-9a-f]{64}$/i.test(id)) {
        throw contradicts(`${list} of ${address}: a row has no block or no id`)
      }
      const parties = [row.from, row.to, row.contractAddress].map((party) =>
        typeof party === 'string' ? party.toLowerCase() : undefined,
      )
      if (!parties.slice(0, 2).includes(address.toLowerCase()) && parties[2] !== address.toLowerCase()) {
        throw contradicts(`${list} of ${address}: transaction ${id} is listed and names another account`)
      }
      if (asset !== NATIVE && parties[2] !== asset.toLowerCase()) {
        throw contradicts(`${list} of ${address}: transaction ${id} moves ${String(row.contractAddress)}, not ${asset}`)
      }
      // Two transfers of a transaction may be the same in all that is told; the count keeps them apart.
      const said = `${id} ${String(row.logIndex ?? row.traceId ?? row.index ?? '')} ${String(row.from)} ${String(row.to)} ${String(row.value)}`
      const copy = copies.get(said) ?? 0
      copies.set(said, copy + 1)
      return { height: Number(height), key: `${said} ${copy}` }
    })
  }

  /** The rows of an answer; none where the service says that there are none. */
  async #list(query: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
    const { triesMax = 5, wait = (ms) => new Promise((done) => setTimeout(done, ms)) } = this.#options
    for (let tries = 1; ; tries++) {
      const answer = asRecord(parseJson(await this.#body(query)))
      if (answer === undefined) throw new Fault('SOURCE_UNAVAILABLE', `${query.action}: the answer is no JSON object`)
      const { status, message, result } = answer
      if (String(status) === '1' && Array.isArray(result)) return result
      const words = `${String(message)} ${typeof result === 'string' ? result : ''}`.trim()
      if (/^no (transactions|internal transactions|token transfers|records|transfers)? ?found/i.test(words)) return []
      // They answer 200 to a question too many, and say so in words.
      if (/rate limit|too many|try again|timeout|busy/i.test(words) && tries < triesMax) {
        await wait(500 * 2 ** tries)
        continue
      }
      const said = this.#options.http.redact(words.slice(0, 300))
      throw new Fault('SOURCE_UNAVAILABLE', `${query.action} of ${query.address}: the service refuses: ${said}`)
    }
  }

  async #body(query: Readonly<Record<string, string>>): Promise<Buffer> {
    const { apiKey, http } = this.#options
    const words = new URLSearchParams({
      chainid: String(this.#chainId),
      ...query,
      ...(apiKey === undefined ? {} : { apikey: apiKey }),
    })
    return (await http.get(`?${words}`)).body
  }
}
