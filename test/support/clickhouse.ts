import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The folder with the engine: a package of its own, so that the product's own installation stays small. */
export const ENGINE = resolve('test/clickhouse')

/** Installs the engine as its lock file has it, where it is missing or older. About half a gigabyte. */
export function installEngine(): void {
  const installed = join(ENGINE, 'node_modules/.package-lock.json')
  const lock = join(ENGINE, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  const run = spawnSync(
    'npm',
    ['install', '--no-save', '--prefix', ENGINE, '--no-audit', '--no-fund', '--loglevel=error'],
    {
      stdio: 'inherit',
    },
  )
  if (run.status !== 0) throw new Error(`npm ci --prefix ${ENGINE} ended with ${run.status}`)
}

/** A server that a test has started, on loopback. */
export interface Server {
  readonly url: string
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Starts it again on the same files and the same port. */
  restart(): Promise<void>
  /** Ends it for good and removes its files. */
  remove(): Promise<void>
}

async function freePort(): Promise<number> {
  return await new Promise((found, failed) => {
    const server = createServer()
    server.on('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => found(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** Starts a ClickHouse server of its own process, and waits until it answers. */
export async function startServer(): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'proceeds-clickhouse-'))
  const [tcpPort, httpPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${httpPort}`
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    let complaint = ''
    const started = spawn(
      process.execPath,
      [join(ENGINE, 'server.mjs'), directory, String(tcpPort), String(httpPort)],
      {
        cwd: ENGINE,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    started.stderr.on('data', (bytes: Buffer) => (complaint = (complaint + bytes.toString()).slice(-4000)))
    child = started
    for (let tries = 0; ; tries++) {
      if (started.exitCode !== null || tries === 600) throw new Error(`the server does not answer: ${complaint}`)
      try {
        const answer = await fetch(`${url}/ping`)
        if (answer.ok) return
      } catch {
        // Not listening yet.
      }
      await new Promise((wait) => setTimeout(wait, 100))
    }
  }
  const kill = async (): Promise<void> => {
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = new Promise((done) => ending.once('exit', done))
    ending.kill('SIGKILL')
    await ended
  }
  await start()
  return {
    url,
    kill,
    restart: start,
    remove: async () => {
      await kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
