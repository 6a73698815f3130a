import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'

/** Compiles the repository's sources for a test that starts processes of its own, and answers where they are. */
export function buildForProcesses(): string {
  const cache = 'node_modules/.cache/proceeds'
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'built-'))
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', folder])
  return folder
}
