// Copies what the built product reads beside its code (data files, fonts) and notes which sources it was built from.
import { chmodSync, cpSync, existsSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

for (const folder of ['src/tags/data', 'src/report/data', 'src/report/fonts', 'src/web']) {
  if (existsSync(folder)) cpSync(folder, `dist/${folder}`, { recursive: true })
}
const { digestSources } = await import(new URL('../dist/src/engine.js', import.meta.url))
writeFileSync('dist/source-digest.json', JSON.stringify({ graph: digestSources(pathToFileURL('graph/')) }))
if (existsSync('dist/src/cli.js')) chmodSync('dist/src/cli.js', 0o755)
