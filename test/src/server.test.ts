import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { type RunningServer, startServer } from '../../src/server.ts'
import { createKey } from '../../src/store/keys.ts'
import { Records } from '../../src/store/records.ts'
import { ownThreadRunner } from '../../src/work/runner.ts'
import { REQUEST } from '../support/service.ts'
import { smallRun } from '../support/small-run.ts'

let data: string
let server: RunningServer | undefined
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'proceeds-server-'))
})
afterEach(async () => {
  await server?.close()
  server = undefined
  rmSync(data, { recursive: true, force: true })
})

const start = async (config: Parameters<typeof readConfig>[0] = {}, change: object = {}) => {
  const read = {
    ...readConfig({ PROCEEDS_DATA: data, PROCEEDS_PORT: '0', PROCEEDS_LOG: 'silent', ...config }),
    ...change,
  }
  server = await startServer({ config: read, checkRequest: () => {}, runner: ownThreadRunner(smallRun()) })
  return server.url
}

describe('startServer', () => {
  it('serves a trace on loopback', async () => {
    const url = await start()
    expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ status: 'ok' })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(REQUEST) }
    const posted = await fetch(`${url}/v1/traces`, init)
    expect(posted.status).toBe(202)
    const at = `${url}${posted.headers.get('location')}`
    expect(await (await fetch(`${at}/events`)).text()).toContain('"state":"done"')
    expect(await (await fetch(`${at}/report.json`)).json()).toMatchObject({ schema: 'proceeds-report/1' })
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('proceeds_traces_ended_total{state="done",code=""} 1')
    expect(metrics).toContain('route="/v1/traces/:id/report.json"')
  })

  it('does not listen beyond loopback without a key', async () => {
    await expect(start({ PROCEEDS_HOST: '0.0.0.0' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    const records = new Records(data)
    const { bearer } = await createKey(records, { role: 'viewer', name: 'x', now: new Date() })
    await records.close()
    const { port } = new URL(await start({ PROCEEDS_HOST: '0.0.0.0' }))
    expect((await fetch(`http://127.0.0.1:${port}/v1/traces`)).status).toBe(401)
    const headers = { authorization: `Bearer ${bearer}` }
    expect((await fetch(`http://127.0.0.1:${port}/v1/traces`, { headers })).status).toBe(200)
  })

  it('names the file that cannot be read, and the port that is taken', async () => {
    await expect(start({}, { ledgers: [join(data, 'no.ndjson')] })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    writeFileSync(join(data, 'file'), '')
    await expect(start({}, { data: join(data, 'file') })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const url = await start()
    const first = server
    await expect(start({ PROCEEDS_PORT: new URL(url).port }, { data: `${data}/other` })).rejects.toMatchObject({
      code: 'USAGE',
    })
    server = first
  })
})

it('serves a data directory once, and again after a process that was killed', async () => {
  await start()
  const first = server
  await expect(start()).rejects.toMatchObject({ code: 'CONFLICT' })
  await first?.close()
  // No process has this number: the largest that Linux gives is 4,194,304.
  writeFileSync(join(data, 'service.pid'), '999999999')
  await start()
  await server?.close()
  writeFileSync(join(data, 'service.pid'), '1')
  await expect(start()).rejects.toMatchObject({ code: 'CONFLICT' })
})

describe('readConfig', () => {
  it('has a default for everything and names what it cannot read', () => {
    expect(readConfig({})).toMatchObject({ host: '127.0.0.1', port: 8627, ledgers: [], strictAnswers: false })
    expect(readConfig({ PROCEEDS_LEDGER: 'a:b', PROCEEDS_PORT: '80' })).toMatchObject({ ledgers: ['a', 'b'], port: 80 })
    const wrong = {
      PROCEEDS_PORT: '65536',
      PROCEEDS_QUEUE: '1.5',
      PROCEEDS_LOG: 'loud',
      PROCEEDS_STRICT_ANSWERS: '1',
      PROCEEDS_TRACE_SECONDS: '0',
    }
    for (const [name, value] of Object.entries(wrong)) {
      expect(() => readConfig({ [name]: value }), name).toThrow(
        expect.objectContaining({ code: 'USAGE', detail: expect.stringContaining(name) }),
      )
    }
  })
})
