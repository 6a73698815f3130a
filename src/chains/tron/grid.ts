import { type Asset, NATIVE } from '../../../graph/index.ts'
import { Fault } from '../../faults.ts'
import { type HttpSource, parseJson } from '../http.ts'
import { asRecord, type BlockIndex, contradicts, type Found } from '../source.ts'
import type { TronNode } from './node.ts'

export interface TronGridOptions {
  readonly http: HttpSource
  readonly node: TronNode
  /** Transactions of one account; more are a fault `LIMIT_EXCEEDED`. */
  readonly rowsMax?: number
  readonly pageRows?: number
}

const ROWS_MAX = 50_000
const PAGE_ROWS = 200

/**
 * TronGrid's account lists, asked only which transactions name an account; each is then looked for in its block, which is proven. Lists go by a
 * cursor (`fingerprint`): one that comes twice, or a page without anything new, is a fault `SOURCE_CONTRADICTS`.
 */
export class TronGrid implements BlockIndex {
  readonly #options: TronGridOptions

  constructor(options: TronGridOptions) {
    this.#options = options
  }

  heightOf(id: string): Promise<number | undefined> {
    return this.#options.node.heightOf(id)
  }

  async heightsOf(asset: Asset, address: string, height: number): Promise<Found> {
    const heights = new Set<number>()
    if (asset === NATIVE) {
      for (const list of ['transactions', 'internal-transactions']) {
        for (const row of await this.#list(`/v1/accounts/${address}/${list}`, address)) {
          const at = row.blockNumber ?? row.block_number
          if (typeof at !== 'number' || !Number.isSafeInteger(at) || at < 0) {
            throw contradicts(`${list} of ${address}: a row names no block`)
          }
          heights.add(at)
        }
      }
    } else {
      const query = `&contract_address=${asset}`
      const ids = new Set<string>()
      for (const row of await this.#list(`/v1/accounts/${address}/transactions/trc20`, address, query)) {
        const id = row.transaction_id
        if (typeof id !== 'string') throw contradicts(`trc20 of ${address}: a row names no transaction`)
        if (row.from !== address && row.to !== address) {
          throw contradicts(`trc20 of ${address}: transaction ${id} is listed and names another account`)
        }
        if (asRecord(row.token_info)?.address !== asset) {
          throw contradicts(`trc20 of ${address}: transaction ${id} is listed and moves another token than ${asset}`)
        }
        ids.add(id)
      }
      for (const id of ids) {
        const at = await this.#options.node.heightOf(id)
        if (at === undefined)
          throw contradicts(`transaction ${id} of ${address} is listed, and the node does not know it`)
        heights.add(at)
      }
    }
    // What staking locks, frees and earns changes a balance of coin without a transfer: of TRX nothing is known whole.
    return {
      heights: [...heights].filter((at) => at <= height).sort((a, b) => a - b),
      whole: asset !== NATIVE,
    }
  }

  async #list(path: string, address: string, query = ''): Promise<Readonly<Record<string, unknown>>[]> {
    const { http, rowsMax = ROWS_MAX, pageRows = PAGE_ROWS } = this.#options
    const rows: Readonly<Record<string, unknown>>[] = []
    const cursors = new Set<string>()
    const pages = new Set<string>()
    for (let cursor = ''; ; ) {
      const words = `?only_confirmed=true&limit=${pageRows}&order_by=block_timestamp,asc${query}${cursor === '' ? '' : `&fingerprint=${encodeURIComponent(cursor)}`}`
      const answer = asRecord(parseJson((await http.get(path + words)).body))
      if (answer?.success === false) {
        throw new Fault(
          'SOURCE_UNAVAILABLE',
          `${path}: the service refuses: ${http.redact(String(answer.error).slice(0, 300))}`,
        )
      }
      const data = answer?.data
      if (!Array.isArray(data)) throw new Fault('SOURCE_UNAVAILABLE', `${path}: the answer has no list of rows`)
      const page = JSON.stringify(data)
      if (data.length > 0 && pages.has(page)) throw contradicts(`the rows of ${address} came twice: a page repeats`)
      pages.add(page)
      for (const each of data) {
        const row = asRecord(each)
        if (row === undefined) throw contradicts(`a row of ${address} is no object`)
        rows.push(row)
      }
      if (rows.length > rowsMax)
        throw new Fault('LIMIT_EXCEEDED', `${address} has more than ${rowsMax} rows at ${path}`)
      const next = asRecord(answer?.meta)?.fingerprint
      if (next === undefined || next === '') return rows
      if (typeof next !== 'string') throw contradicts(`the cursor of ${address} is no text`)
      if (cursors.has(next)) throw contradicts(`the cursor of ${address} came twice: the list loops`)
      if (data.length === 0) throw contradicts(`the list of ${address} goes on behind an empty page`)
      cursors.add(next)
      cursor = next
    }
  }
}
