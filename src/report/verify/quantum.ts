import type { QuantumRow } from '../format.ts'
import type { Evidence } from './figures.ts'
import { keyOf } from './journal.ts'
import { escapePointer, METHOD_KEY } from './shape.ts'

const FILE = 'report.json'

/** The name of a row's pool, as the journal has it. */
export function quantumPlace(row: Pick<QuantumRow, 'pool' | 'address' | 'transaction' | 'output'>): string {
  if (row.transaction !== undefined) return `${row.transaction}:${row.output}`
  return row.pool === 'cluster' ? `cluster:${row.address}` : (row.address ?? '')
}

/**
 * Re-adds the quantum of each wallet: what the journal mixed in, the lesser of that and what is left, and the shortfall.
 * What is left is held against the holdings here, and against the networks where their proofs are checked.
 */
export function checkQuantum({ report, sums, poolOf, ledger, boundsSkipped, findings }: Evidence): void {
  const add = (where: string, expected: unknown, found: unknown) =>
    findings.add('quantum', FILE, where, expected, found ?? 'nothing')
  const declared = new Map<string, bigint>()
  for (const { value } of report.rows('seeds')) {
    const key = keyOf(value.id, value.chain, value.asset)
    declared.set(key, (declared.get(key) ?? 0n) + BigInt(value.amount))
  }
  const seen = new Map<string, number>()
  const ids = new Set<string>()
  for (const { index, value: row } of report.rows('quantum')) {
    const where = `/quantum/${index}`
    const { chain, asset, pool } = row
    const at = quantumPlace(row)
    const place = keyOf(chain, asset, pool, at)
    if (seen.has(place)) add(where, 'one row for each wallet and asset', `as row ${seen.get(place)}`)
    seen.set(place, index)
    if (pool !== poolOf('', chain, ledger.utxoChains.has(chain))) {
      add(`${where}/pool`, `the pool by which ${chain} is traced`, pool)
    }
    if (ids.has(row.id)) add(`${where}/id`, 'an id of its own', row.id)
    ids.add(row.id)
    const holder = pool === 'cluster' ? undefined : row.address
    if (holder !== undefined && row.covered !== ledger.isCovered(chain, holder)) {
      add(`${where}/covered`, !row.covered, row.covered)
    }
    for (const [name, moment] of [
      ['since', row.since],
      ['lowest', row.lowest],
    ] as const) {
      const found = ledger.get(chain, moment.transaction, moment.height)
      if (found === undefined) {
        add(`${where}/${name}/transaction`, `a ${chain} transaction of the ledger`, moment.transaction)
        continue
      }
      findings.same('quantum', FILE, `${where}/${name}/time`, found.time, moment.time)
      findings.same('quantum', FILE, `${where}/${name}/height`, found.height, moment.height)
    }
    const first = sums.firstArrivals.get(keyOf(pool, chain, asset, at))
    findings.same('quantum', FILE, `${where}/since/transaction`, first?.transaction, row.since.transaction)
    const left = BigInt(row.left)
    if (BigInt(row.lowest.amount) > left)
      add(`${where}/lowest/amount`, `at most ${left}, what is left`, row.lowest.amount)
    const methods = new Set([...Object.keys(row.mixedIn), ...Object.keys(row.quantum), ...Object.keys(row.shortfall)])
    for (const method of sums.methods) {
      if (METHOD_KEY.exec(method)?.[2] === undefined && sums.arrivals.has(keyOf(method, chain, asset, at))) {
        methods.add(method)
      }
    }
    for (const method of methods) {
      const pointer = (list: string) => `${where}/${list}/${escapePointer(method)}`
      const arrived = sums.arrivals.get(keyOf(method, chain, asset, at)) ?? new Map<string, bigint>()
      let total = 0n
      const figure = Object.hasOwn(row.mixedIn, method) ? row.mixedIn[method] : { total: '0', bySeed: {} }
      for (const seed of new Set([...arrived.keys(), ...Object.keys(figure.bySeed)])) {
        const most = declared.get(keyOf(seed, chain, asset)) ?? 0n
        const came = arrived.get(seed) ?? 0n
        const expected = most > 0n && most < came ? most : came
        total += expected
        const found = Object.hasOwn(figure.bySeed, seed) ? figure.bySeed[seed] : '0'
        if (found !== expected.toString()) add(`${pointer('mixedIn')}/bySeed/${escapePointer(seed)}`, expected, found)
      }
      if (figure.total !== total.toString()) add(`${pointer('mixedIn')}/total`, total, figure.total)
      const quantum = total < left ? total : left
      if (row.quantum[method] !== quantum.toString()) add(pointer('quantum'), quantum, row.quantum[method])
      const shortfall = total - quantum
      if (row.shortfall[method] !== shortfall.toString()) add(pointer('shortfall'), shortfall, row.shortfall[method])
    }
    const { floor, ceiling } = row
    if ((floor === null || ceiling === null) && !boundsSkipped) {
      findings.add('gap', FILE, '/gaps', `BOUNDS_SKIPPED, which explains ${where}/floor`, 'none')
    }
    if (floor !== null && ceiling !== null && BigInt(floor) > BigInt(ceiling)) add(`${where}/floor`, ceiling, floor)
    if (ceiling !== null && BigInt(ceiling) > left) add(`${where}/ceiling`, `at most ${left}, what is left`, ceiling)
  }
  for (const { index, value: holding } of report.rows('holdings')) {
    const { chain, asset, pool } = holding
    if (pool !== poolOf('', chain, ledger.utxoChains.has(chain))) continue
    const mine = seen.get(keyOf(chain, asset, pool, quantumPlace(holding)))
    const row = report.rows('quantum').find((each) => each.index === mine)?.value
    if (row === undefined) {
      add('/quantum', `a row for the holding ${holding.id} (/holdings/${index})`, 'none')
      continue
    }
    for (const [name, expected] of [
      ['left', holding.amount],
      ['floor', holding.floor],
      ['ceiling', holding.ceiling],
    ] as const) {
      if (row[name] !== expected) add(`/quantum/${mine}/${name}`, `${expected} (/holdings/${index})`, row[name])
    }
  }
}
