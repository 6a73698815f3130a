// Copies what the built product reads beside its code: data files, fonts. The samples are read from the repository.
import { chmodSync, cpSync, existsSync } from 'node:fs'

for (const folder of ['src/tags/data', 'src/report/data', 'src/report/fonts', 'src/web']) {
  if (existsSync(folder)) cpSync(folder, `dist/${folder}`, { recursive: true })
}
if (existsSync('dist/src/cli.js')) chmodSync('dist/src/cli.js', 0o755)
