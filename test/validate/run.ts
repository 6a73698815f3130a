import { writeFileSync } from 'node:fs'
import { measureAll, type Table } from './measure.ts'

/** Where reports find the tables. */
export const VALIDATION_FILE = 'src/report/data/validation.json'
export const VALIDATION_SCHEMA = 'proceeds-validation/1'

/** A table as text: columns numbered above, because their names are long. */
export function printTable({ title, source, columns, rows }: Table): string {
  const width = Math.max(...rows.map(({ name }) => name.length))
  const wide = columns.map((_, at) =>
    Math.max(String(at + 1).length + 2, ...rows.map(({ counts }) => String(counts[at]).length)),
  )
  const line = (name: string, cells: readonly string[]): string =>
    `${name.padEnd(width)}  ${cells.map((cell, at) => cell.padStart(wide[at])).join('  ')}`
  return [
    title,
    `  ${source}`,
    `  ${columns.map((column, at) => `(${at + 1}) ${column}`).join('; ')}`,
    line(
      '',
      columns.map((_, at) => `(${at + 1})`),
    ),
    ...rows.map(({ name, counts }) => line(name, counts.map(String))),
    '',
  ].join('\n')
}

/**
 * `npm run validate`: measures everything again, prints the tables, and writes them with the day they were measured for reports to print.
 * A test holds the file to what is measured.
 */
export function validate(day: string): void {
  const tables = measureAll()
  for (const table of tables) console.log(printTable(table))
  writeFileSync(VALIDATION_FILE, `${JSON.stringify({ schema: VALIDATION_SCHEMA, measured: day, tables }, null, 1)}\n`)
}
