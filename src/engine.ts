import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** What computed a report: name, version, and a digest of the core's source text, by which two installations compare. */
export interface Engine {
  readonly name: string
  readonly version: string
  readonly sourceDigest: string
}

let known: Engine | undefined

/** The engine that is running. Built code carries the digest that its sources had; sources are read as they stand. */
export function engine(): Engine {
  if (known !== undefined) return known
  const digestFile = new URL('../source-digest.json', import.meta.url)
  const built = existsSync(digestFile)
  const manifest = new URL(built ? '../../package.json' : '../package.json', import.meta.url)
  const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name: string; version: string }
  const sourceDigest = built
    ? (JSON.parse(readFileSync(digestFile, 'utf8')) as { graph: string }).graph
    : digestSources(new URL('../graph/', import.meta.url))
  known = { name, version, sourceDigest }
  return known
}

/** SHA-256 over the names and texts of the core's source files, in order of name; white space at line ends does not count. */
export function digestSources(folder: URL): string {
  const hash = createHash('sha256')
  const names = (readdirSync(folder, { recursive: true }) as string[]).filter((name) => name.endsWith('.ts')).sort()
  for (const name of names) {
    const text = readFileSync(new URL(name, folder), 'utf8').replace(/[ \t]*\r?\n/g, '\n')
    hash.update(`${name.replaceAll('\\', '/')}\n${text.length}\n${text}`)
  }
  return hash.digest('hex')
}
