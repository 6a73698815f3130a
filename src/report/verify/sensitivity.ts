import type { Evidence } from './figures.ts'
import { methodsAsked } from './figures.ts'
import { keyOf } from './journal.ts'

const FILE = 'report.json'

/**
 * Holds the rows of sensitivity to what can be said without tracing: each assumption is one that the report leans on, each
 * figure differs from the one it replaces and is no more than its payment, and with a seed less no more than the ceiling.
 * That the figures come again is what `replay` proves.
 */
export function checkSensitivity({ report, findings }: Evidence): void {
  const add = (where: string, expected: unknown, found: unknown) =>
    findings.add('sensitivity', FILE, where, expected, found ?? 'nothing')
  const { primary } = methodsAsked(report.request)
  const endpoints = new Map(report.rows('endpoints').map(({ value }) => [value.id, value]))
  const claims = [...endpoints.values()].flatMap(({ attribution }) => attribution)
  const rules = report.request.rules as { change?: unknown } | undefined
  const change = Array.isArray(rules?.change) ? rules.change : []
  const names: Record<string, ReadonlySet<unknown>> = {
    tagSource: new Set(claims.map(({ source }) => source)),
    seed: new Set(report.rows('seeds').map(({ value }) => value.id)),
    rule: new Set(['depositSweep', 'commonInput', ...change]),
  }
  const seen = new Set<string>()
  for (const { index, value: row } of report.rows('sensitivity')) {
    const where = `/sensitivity/${index}`
    if (!names[row.without].has(row.name)) add(`${where}/name`, `a ${row.without} of the report`, row.name)
    if (row.method !== primary) add(`${where}/method`, primary, row.method)
    const key = keyOf(row.without, row.name)
    if (seen.has(key)) add(where, 'one row for each assumption', 'another')
    seen.add(key)
    const told = new Set<string>()
    for (const [place, { endpoint: id, total }] of row.endpoints.entries()) {
      const pointer = `${where}/endpoints/${place}`
      const endpoint = endpoints.get(id)
      if (endpoint === undefined || told.has(id)) {
        add(`${pointer}/endpoint`, 'an endpoint of the report, once', id)
        continue
      }
      told.add(id)
      const before = endpoint.traced[row.method]?.total ?? '0'
      if (total === before) add(`${pointer}/total`, `another figure than ${before}`, total)
      const most = row.without === 'seed' ? (endpoint.ceiling ?? endpoint.amount) : endpoint.amount
      if (BigInt(total) > BigInt(most)) add(`${pointer}/total`, `at most ${most}`, total)
    }
  }
  if (report.rows('gaps').some(({ value }) => value.kind === 'SENSITIVITY_OMITTED')) return
  for (const kind of ['tagSource', 'seed'] as const) {
    for (const name of names[kind]) {
      if (!seen.has(keyOf(kind, String(name)))) add('/sensitivity', `a row without the ${kind} ${name}`, 'none')
    }
  }
}
