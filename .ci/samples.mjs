// Writes the samples' report.json anew, from the built product. Look at the difference before you commit it.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const scratch = mkdtempSync(join(tmpdir(), 'proceeds-samples-'))
for (const sample of readdirSync('samples')) {
  const at = (file) => join('samples', sample, file)
  if (!existsSync(at('request.json'))) continue
  const out = join(scratch, sample)
  const files = ['--ledger', at('ledger.ndjson.gz'), '--tags', at('tags.csv'), '--out', out]
  const { status } = spawnSync(process.execPath, ['dist/src/cli.js', 'trace', at('request.json'), ...files], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
  copyFileSync(join(out, 'report.json'), at('report.json'))
}
rmSync(scratch, { recursive: true })
