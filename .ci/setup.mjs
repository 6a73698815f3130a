// Installs the locked dependencies when they are missing or older than the lock file, and does nothing otherwise.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'

const installed = 'node_modules/.package-lock.json'
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Proceeds needs Node 20.19 or later; this is ${process.versions.node}.`)
  process.exit(1)
}
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs) {
  // Not `npm ci`: it refuses a lock in which a registry lacks the binaries of other platforms, which this one never needs.
  const install = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', install, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
