/** Runs the built command line as a user would, in a directory of its own, and reads what it left. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { JournalRow, Report } from '../../src/report/format.ts'

const CLI = fileURLToPath(new URL('../../dist/src/cli.js', import.meta.url))

export interface Run {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `proceeds <args>`, with nothing in the environment but the path. */
export function proceeds(args: readonly string[], cwd?: string): Run {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [CLI, ...args], {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '' },
    timeout: 120_000,
  })
  if (error) throw error
  return { status, stdout, stderr }
}

/** What a trace is given: lines of a dump (objects, or raw text), lines of a tag file, a request. */
export interface Given {
  readonly ledger: readonly (object | string)[]
  readonly tags?: readonly string[]
  readonly request: unknown
}

/** A directory for one test, gone when `close` is called. */
export class Desk {
  readonly path = mkdtempSync(join(tmpdir(), 'proceeds-'))

  write(name: string, data: string | Uint8Array): string {
    const path = join(this.path, name)
    writeFileSync(path, data)
    return path
  }

  /** Whether anything stands at a name, and if it is a directory, in it. */
  holds(name: string): boolean {
    const path = join(this.path, name)
    return existsSync(path) && readdirSync(path).length > 0
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

export const TAG_HEADER = 'chain,address,label,category,entity,source,confidence,validFrom,validTo,evidence'

export const ndjson = (lines: readonly (object | string)[]) =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')

/** Writes the given files to a desk and traces them into `out` of it. */
export function traceOn(desk: Desk, given: Given, out = 'out'): Run {
  const request = typeof given.request === 'string' ? given.request : JSON.stringify(given.request)
  const args = ['trace', desk.write(`${out}.request.json`, request)]
  args.push('--ledger', desk.write(`${out}.ledger.ndjson`, ndjson(given.ledger)))
  if (given.tags) args.push('--tags', desk.write(`${out}.tags.csv`, `${[TAG_HEADER, ...given.tags].join('\n')}\n`))
  return proceeds([...args, '--out', join(desk.path, out)])
}

export const readReport = (desk: Desk, out = 'out'): Report =>
  JSON.parse(readFileSync(join(desk.path, out, 'report.json'), 'utf8'))

export const readJournal = (desk: Desk, out = 'out'): JournalRow[] =>
  gunzipSync(readFileSync(join(desk.path, out, 'journal.ndjson.gz')))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
