/** The house: imports point down, the core is pure, and nothing names the machine it was built on. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const filesOf = (folder: string) =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))

/** Everything a file imports: paths from the repository's root, or names of packages. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const found = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*'([^']+)'|(?:^|\n)import\s*'([^']+)'|\bimport\(\s*'([^']+)'/g,
    ),
  ]
  return found.map((match) => {
    const name = match[1] ?? match[2] ?? match[3]
    return name.startsWith('.') ? normalize(join(dirname(file), name)) : name
  })
}

/** The rooms from the top down; those of one row are neighbours and may ask each other. */
const ROOMS: readonly (readonly string[])[] = [
  ['src/cli.ts', 'src/server.ts'],
  ['src/app.ts'],
  ['src/http/'],
  ['src/work/'],
  ['src/report/'],
  ['src/trace/'],
  ['src/store/'],
  ['src/chains/', 'src/tags/'],
  ['src/csv.ts', 'src/engine.ts', 'src/text.ts', 'src/config.ts'],
  ['src/faults.ts', 'src/gaps.ts'],
  ['graph/'],
]
const roomOf = (file: string) =>
  ROOMS.findIndex((row) => row.some((room) => file === room || (room.endsWith('/') && file.startsWith(room))))

describe('the house', () => {
  const service = filesOf('src')
  const core = filesOf('graph')

  test('every file has a room', () => {
    expect([...service, ...core].filter((file) => roomOf(file) === -1)).toEqual([])
  })

  test('imports point down', () => {
    const up = service.flatMap((file) =>
      importsOf(file)
        .filter((name) => name.startsWith('src/') || name.startsWith('graph/'))
        .filter((name) => roomOf(name) < roomOf(file))
        .map((name) => `${file} asks ${name}`),
    )
    expect(up).toEqual([])
  })

  test('the service enters the core by its one door; the verifier takes nothing but the reader of digits', () => {
    const isDoor = (file: string, name: string) =>
      name === 'graph/index.ts' ? !file.startsWith('src/report/verify') : false
    const isDigits = (file: string, name: string) => file.startsWith('src/report/verify') && name === 'graph/amount.ts'
    const windows = service.flatMap((file) =>
      importsOf(file)
        .filter((name) => name.startsWith('graph/') && !isDoor(file, name) && !isDigits(file, name))
        .map((name) => `${file} asks ${name}`),
    )
    expect(windows).toEqual([])
  })

  test('the core asks nobody but itself and graphology', () => {
    const asked = core.flatMap((file) =>
      importsOf(file)
        .filter((name) => !name.startsWith('graph/') && !/^graphology(-shortest-path|-types)?(\/|$)/.test(name))
        .map((name) => `${file} asks ${name}`),
    )
    expect(asked).toEqual([])
  })

  test('the core knows no clock, no chance, no network and no process', () => {
    const word = /\b(Date|Math\.random|performance|fetch|process|setTimeout|console|globalThis)\b[.(]/
    const text = (file: string) => readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    expect(core.filter((file) => word.test(text(file)))).toEqual([])
  })

  test('only config.ts reads the environment', () => {
    const readers = service.filter((file) => /process\.env\b/.test(readFileSync(file, 'utf8')))
    expect(readers).toEqual(['src/config.ts'])
  })
})
