import { Fault } from '../../faults.ts'
import { NONE, quote, type Shards } from './shards.ts'

/** What a reader holds rows to: which batches count. Taken once at the start of a call. */
export interface LogState {
  /** The highest number of any batch; 0: none. */
  readonly last: number
  /** Numbers up to there that do not count. */
  readonly dead: readonly number[]
  /** Rollbacks whose rows have not yet been removed. */
  readonly rollbacks: readonly { readonly number: number; readonly chain: string; readonly height: number }[]
}

interface LogRow {
  readonly number: string
  readonly states: readonly string[]
  readonly owner: string
  readonly chain: string
  readonly height: string
  readonly age: number
}

/**
 * The log of batches on the first shard. A batch is announced (`begun`), its rows go to their shards under its number, and
 * one more line (`committed`) makes all of them count at once; without that line they are nowhere. A rollback is a batch
 * of its own that says from which height on earlier batches stop counting. Writers take turns: one that finds another's
 * batch open waits for its lease to end, and then closes it (`aborted`), after which it can never count.
 */
export class BatchLog {
  readonly #shards: Shards
  readonly #leaseMs: number
  readonly #owner: string

  constructor(shards: Shards, owner: string, leaseMs: number) {
    this.#shards = shards
    this.#owner = owner
    this.#leaseMs = leaseMs
  }

  async read(): Promise<LogState> {
    const rows = await this.#rows()
    const committed = rows.filter(isCommitted)
    const last = rows.reduce((max, { number }) => Math.max(max, Number(number)), 0)
    return {
      last,
      dead: rows.filter((row) => !isCommitted(row)).map(({ number }) => Number(number)),
      rollbacks: committed
        .filter(({ states, chain }) => chain !== '' && !states.includes('removed'))
        .map(({ number, chain, height }) => ({ number: Number(number), chain, height: Number(height) })),
    }
  }

  /** Announces a batch and answers its number. Fault STORE_UNAVAILABLE: another writer is at work. */
  async begin(rollback?: { readonly chain: string; readonly height: number }): Promise<number> {
    let highest = 0
    for (const row of await this.#rows()) {
      highest = Math.max(highest, Number(row.number))
      if (isCommitted(row) || row.states.includes('aborted')) continue
      if (row.owner !== this.#owner && row.age < this.#leaseMs) {
        throw new Fault(
          'STORE_UNAVAILABLE',
          'another process is writing to this chain store; try again when it has ended',
        )
      }
      await this.#write(Number(row.number), 'aborted')
    }
    const number = highest + 1
    await this.#write(number, 'begun', rollback)
    const [row] = await this.#rows(number)
    if (row === undefined || row.owner !== this.#owner || row.states.length > 1) {
      throw new Fault(
        'STORE_UNAVAILABLE',
        'another process is writing to this chain store; try again when it has ended',
      )
    }
    return number
  }

  /** Makes a batch count. Fault STORE_UNAVAILABLE: it is not certain that it does; the same append again makes it so. */
  async commit(number: number): Promise<void> {
    const [begun] = await this.#rows(number)
    if (begun === undefined || begun.states.includes('aborted') || begun.age > this.#leaseMs / 2) {
      throw new Fault('STORE_UNAVAILABLE', 'the batch took longer than its lease; try again with smaller batches')
    }
    await this.#write(number, 'committed')
    const [row] = await this.#rows(number)
    if (row === undefined || !isCommitted(row) || row.age > this.#leaseMs) {
      throw new Fault('STORE_UNAVAILABLE', 'the batch was closed by another process; try again')
    }
  }

  /** Closes a batch that will not be committed, so that others need not wait for its lease; where that fails, they wait. */
  async abort(number: number): Promise<void> {
    await this.#write(number, 'aborted').catch(() => {})
  }

  /** Says that a rollback's rows are gone from every shard. */
  async removed(number: number): Promise<void> {
    await this.#write(number, 'removed')
  }

  async #write(
    number: number,
    state: string,
    rollback?: { readonly chain: string; readonly height: number },
  ): Promise<void> {
    const { chain = '', height = 0 } = rollback ?? {}
    await this.#shards.insert(0, 'batches', [{ number, state, owner: this.#owner, chain, height }])
  }

  async #rows(number?: number): Promise<LogRow[]> {
    const batches = this.#shards.table('batches')
    const which = number === undefined ? '' : `WHERE number = ${number}`
    // Of all batches only those need be told that are not simply committed, and the last.
    const having =
      number === undefined
        ? `HAVING max(b.chain) != '' OR NOT has(groupArray(state), 'committed') OR has(groupArray(state), 'aborted') OR b.number = (SELECT max(number) FROM ${batches})`
        : ''
    return await this.#shards.query<LogRow>(
      0,
      `SELECT b.number AS number, groupArray(state) AS states, max(b.chain) AS chain, max(b.height) AS height,
         if(uniqExactIf(b.owner, state = 'begun') > 1, '', anyIf(b.owner, state = 'begun')) AS owner,
         toFloat64(dateDiff('millisecond', minIf(at, state = 'begun'), now64(3))) AS age
       FROM ${batches} AS b ${which} GROUP BY b.number ${having} ORDER BY b.number`,
    )
  }
}

function isCommitted(row: LogRow): boolean {
  return row.states.includes('committed') && !row.states.includes('aborted')
}

/** The condition that a row's batch counts, in a table with a height. */
export function counts(state: LogState, chain: string): string {
  const conditions = [`chain = ${quote(chain)}`, `batch <= ${state.last}`]
  if (state.dead.length > 0) conditions.push(`batch NOT IN (${state.dead.join(',')})`)
  for (const rollback of state.rollbacks) {
    if (rollback.chain !== chain) continue
    conditions.push(`NOT (batch < ${rollback.number} AND height > ${rollback.height} AND height != ${NONE})`)
  }
  return conditions.join(' AND ')
}

/** The same for a table without heights, which a rollback leaves alone. */
export function countsAnyHeight(state: LogState, chain: string): string {
  return counts({ ...state, rollbacks: [] }, chain)
}
