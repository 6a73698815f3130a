import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUNDLE_FILES, type Report } from '../../src/report/format.ts'

// The built product as its users start it, on the real sample: what comes over HTTP is what the command line writes.
const sample = 'samples/tron-usdt-seized-wallets'
const request = JSON.parse(readFileSync(`${sample}/request.json`, 'utf8'))
const inputs = ['--ledger', `${sample}/ledger.ndjson.gz`, '--tags', `${sample}/tags.csv`]
const cli = 'dist/src/cli.js'
const data = mkdtempSync(join(tmpdir(), 'proceeds-whole-http-'))
let child: ChildProcess
let url: string

beforeAll(async () => {
  if (!existsSync(cli)) throw new Error(`${cli} is missing; run \`npm run build\``)
  child = spawn(process.execPath, [cli, 'serve', ...inputs, '--data', join(data, 'service'), '--port', '0'], {
    env: { ...process.env, PROCEEDS_STRICT_ANSWERS: 'true' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      text += chunk
      const found = /listens on (http:\S+)/.exec(text)
      if (found) resolve(found[1])
    })
    child.once('exit', (code) => reject(new Error(`the service ended with ${code}: ${text}`)))
  })
})

afterAll(async () => {
  if (child.exitCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
  rmSync(data, { recursive: true, force: true })
})

// biome-ignore lint/suspicious/noExplicitAny: what comes back is what is asked about
const json = async (answer: Promise<Response>): Promise<any> => (await answer).json()
const post = (body: unknown) => {
  return fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function traced(body: unknown): Promise<string> {
  const { id } = await json(post(body))
  for (let tries = 0; tries < 1000; tries++) {
    const trace = await json(fetch(`${url}/v1/traces/${id}`))
    if (trace.state === 'done') return id
    if (trace.state !== 'queued' && trace.state !== 'running') throw new Error(JSON.stringify(trace.problem))
    await wait(50)
  }
  throw new Error(`${id} did not finish`)
}

const bytes = async (id: string, name: string) =>
  Buffer.from(await (await fetch(`${url}/v1/traces/${id}/${name}`)).arrayBuffer())

describe('a real case over HTTP', () => {
  it('gives the same bytes as the command line, whatever the order of the seeds', async () => {
    const out = join(data, 'trace')
    const run = spawnSync(
      process.execPath,
      [cli, 'trace', `${sample}/request.json`, ...inputs, '--out', out, '--quiet'],
      { encoding: 'utf8' },
    )
    expect(run.status, run.stderr).toBe(0)
    const [id, shuffled] = [await traced(request), await traced({ ...request, seeds: [...request.seeds].reverse() })]
    for (const name of BUNDLE_FILES) {
      if (name === 'run.json') continue
      expect((await bytes(id, name)).equals(readFileSync(join(out, name))), name).toBe(true)
      expect((await bytes(shuffled, name)).equals(readFileSync(join(out, name))), `${name}, seeds shuffled`).toBe(true)
    }
  })

  it('is verified from what was downloaded, and its views agree with its report', async () => {
    const id = await traced(request)
    const report: Report = JSON.parse((await bytes(id, 'report.json')).toString())
    const trace = await json(fetch(`${url}/v1/traces/${id}`))
    expect(trace.result).toMatchObject({ balanced: true, endpoints: report.endpoints.length })
    const verify = spawnSync(process.execPath, [cli, 'verify', join(data, 'service', 'traces', id)], {
      encoding: 'utf8',
    })
    expect(verify.status, verify.stderr).toBe(0)

    const found: unknown[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await json(fetch(`${url}/v1/traces/${id}/paths?limit=100${cursor && `&cursor=${cursor}`}`))
      found.push(...page.paths)
      cursor = page.next
    }
    expect(found).toEqual(report.paths)
    expect((await bytes(id, 'graph.gexf')).toString()).toContain(report.paths[0].steps[0].transaction)

    // The fewest hops from a seed to a service are never more than the shortest of its threads, and each step was one.
    for (const path of report.paths.slice(0, 20)) {
      const endpoint = report.endpoints.find((each) => each.id === path.endpoint)!
      const name = endpoint.service?.entity ?? endpoint.service?.label ?? endpoint.id
      const way = await json(
        fetch(
          `${url}/v1/traces/${id}/shortest?seed=${encodeURIComponent(path.seed)}&service=${encodeURIComponent(name)}`,
        ),
      )
      expect(way.hops, JSON.stringify(way)).toBeLessThanOrEqual(path.steps.length)
      expect(way.steps).toHaveLength(way.hops)
    }
  })

  it('refuses by name, and writes nothing', async () => {
    const [seed, ...rest] = request.seeds
    const { address = 'x', transaction = 'x' } = seed
    const cases: [string, object][] = [
      ['REQUEST_INVALID', { ...request, methd: 'lifo' }],
      ['METHOD_UNKNOWN', { ...request, method: { ...request.method, primary: 'poison' } }],
      ['AMOUNT_INVALID', { ...request, limits: { amount: '1.5' } }],
      ['METHOD_UNFIT', { ...request, method: { ...request.method, primary: 'tiho' }, compare: [] }],
      [
        'ADDRESS_INVALID',
        {
          ...request,
          seeds: [
            { chain: 'tron', asset: seed.asset, address: `${address}${transaction}`.slice(0, 33), reason: 'r' },
            ...rest,
          ],
        },
      ],
      ['REQUEST_INVALID', { ...request, seeds: [] }],
    ]
    const before = (await json(fetch(`${url}/v1/traces?limit=500`))).traces.length
    for (const [code, body] of cases) {
      const answer = await post(body)
      const problem = await json(Promise.resolve(answer))
      expect([answer.status, problem.code], JSON.stringify(problem)).toEqual([400, code])
    }
    expect((await json(fetch(`${url}/v1/traces?limit=500`))).traces).toHaveLength(before)
  })

  it('fails a trace whose seed is not in the ledger, with its name', async () => {
    const seeds = [{ id: 'gone', chain: 'tron', transaction: '0'.repeat(64), transfer: 0, reason: 'r' }]
    const { id } = await json(post({ ...request, seeds }))
    expect(await (await fetch(`${url}/v1/traces/${id}/events`)).text()).toContain('SEED_NOT_FOUND')
    expect((await json(fetch(`${url}/v1/traces/${id}/report.json`))).code).toBe('NOT_READY')
  })
})
