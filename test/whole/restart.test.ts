import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { REQUEST } from '../support/service.ts'

// The built service in processes of its own, ended in the ways that services end.
const data = mkdtempSync(join(tmpdir(), 'proceeds-restart-'))
const entry = 'dist/test/support/serve-small.js'
const children = new Set<ChildProcess>()
let child: ChildProcess
let url: string

async function start(workMs: number): Promise<void> {
  const environment = {
    PROCEEDS_DATA: data,
    PROCEEDS_PORT: '0',
    PROCEEDS_LOG: 'info',
    PROCEEDS_CONCURRENCY: '1',
    SMALL_WORK_MS: String(workMs),
  }
  child = spawn(process.execPath, [entry], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  let text = ''
  url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (data) => {
      text += data
      const line = /^url (.+)$/m.exec(text)
      if (line) resolve(line[1])
    })
    child.once('exit', (code) => reject(new Error(`the service ended with ${code}: ${text}`)))
  })
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.kill(signal)
  const code = await ended
  children.delete(child)
  return code
}

// biome-ignore lint/suspicious/noExplicitAny: what comes back is what is asked about
const json = async (answer: Promise<Response>): Promise<any> => (await answer).json()
const read = (path: string) => json(fetch(`${url}${path}`))
const post = async () => {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(REQUEST) }
  return (await json(fetch(`${url}/v1/traces`, init))).id as string
}

async function reach(id: string, state: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if ((await read(`/v1/traces/${id}`)).state === state) return
    await wait(20)
  }
  throw new Error(`${id} is not ${state}: ${JSON.stringify(await read(`/v1/traces/${id}`))}`)
}

beforeAll(() => {
  if (!existsSync(entry)) throw new Error(`${entry} is missing; run \`npm run build\``)
})
afterAll(() => {
  for (const each of children) each.kill('SIGKILL')
  rmSync(data, { recursive: true, force: true })
})

it('loses no accepted trace when it is killed in the middle of one, and stops one in a thread at once', async () => {
  await start(60_000)
  const ids = [await post(), await post(), await post()]
  await reach(ids[0], 'running')
  await end('SIGKILL')

  await start(60_000)
  await reach(ids[0], 'running')
  expect((await read(`/v1/traces/${ids[0]}`)).attempts).toBe(2)
  const before = performance.now()
  expect((await json(fetch(`${url}/v1/traces/${ids[0]}`, { method: 'DELETE' }))).state).toBe('cancelled')
  expect(performance.now() - before).toBeLessThan(10_000)
  await reach(ids[1], 'running')
  // A polite end leaves the running trace queued, as if it had not begun.
  expect(await end('SIGTERM')).toBe(0)

  await start(0)
  for (const id of ids.slice(1)) await reach(id, 'done')
  const states = (await read('/v1/traces')).traces.map((trace: { id: string; state: string }) => trace.state)
  expect(states).toEqual(['done', 'done', 'cancelled'])
  expect((await read(`/v1/traces/${ids[1]}`)).attempts).toBe(1)
  expect(readdirSync(join(data, 'traces')).sort()).toEqual(ids.slice(1))
  expect(readdirSync(join(data, 'work'))).toEqual([])
  // Views are answered by a thread of the built product.
  expect((await read(`/v1/traces/${ids[1]}/shortest?seed=buy-1&service=Alpha`)).hops).toBe(2)
  expect((await read(`/v1/traces/${ids[1]}/shortest?seed=nobody&service=Alpha`)).code).toBe('NOT_FOUND')
  expect(await (await fetch(`${url}/v1/traces/${ids[1]}/graph.gexf`)).text()).toContain('<gexf')
  expect(await end('SIGTERM')).toBe(0)
})
