import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Table } from '../../validate/measure.ts'

const { tables, measured }: { tables: Table[]; measured: string } = JSON.parse(
  readFileSync('src/report/data/validation.json', 'utf8'),
)

test.each([
  ['docs/tags.md', ['postAddresses', 'postProposals']],
  ['docs/clusters.md', ['coinjoins', 'coinJoinRules', 'hardCases', 'clusters', 'sweeps', 'consolidations']],
])('%s prints the tables as they were measured, with the day', (file, ids) => {
  const text = readFileSync(file, 'utf8')
  expect(text).toContain(`on ${measured}`)
  for (const id of ids) {
    const table = tables.find((each) => each.id === id)
    expect(table, id).toBeDefined()
    for (const { name, counts } of table!.rows) expect(text).toContain(`| ${name} | ${counts.join(' | ')} |\n`)
  }
})
