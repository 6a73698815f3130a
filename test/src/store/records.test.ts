import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { PROGRESS_EVENTS_KEPT, Records } from '../../../src/store/records.ts'

let data: string
let records: Records
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'proceeds-records-'))
  records = new Records(data)
})
afterEach(async () => {
  await records.close()
  rmSync(data, { recursive: true, force: true })
})

const draft = (id: string) => ({
  ...{ id, case: null, method: 'fifo', seeds: 1, by: { key: null, name: null }, createdAt: '2026-01-01T00:00:00.000Z' },
})

it('is there again when opened again, request and all', async () => {
  const request = {
    case: '형제',
    seeds: [{ amount: '115792089237316195423570985008687907853269984665640564039457584007913129639935' }],
  }
  const { record } = await records.create(draft('a'), request, undefined)
  await records.close()
  records = new Records(data)
  expect(records.get('a')).toEqual(record)
  expect(records.request('a')).toEqual(request)
  expect(records.unfinished().map((each) => each.id)).toEqual(['a'])
})

it('changes a record only from what is on disk, one change after the other', async () => {
  await records.create(draft('a'), {}, undefined)
  await Promise.all(
    Array.from({ length: 50 }, () => records.update('a', 'state', (before) => ({ attempts: before.attempts + 1 }))),
  )
  expect(records.get('a')?.attempts).toBe(50)
  expect(records.events('a', 0).map((event) => event.id)).toEqual(Array.from({ length: 51 }, (_, place) => place + 1))
  expect(await records.update('a', 'state', () => undefined)).toBeUndefined()
  expect(await records.update('b', 'state', () => ({}))).toBeUndefined()
  expect(records.get('b')).toBeUndefined()
})

it('forgets old progress, and no state', async () => {
  await records.create(draft('a'), {}, undefined)
  await records.update('a', 'state', () => ({ state: 'running' }))
  const changes = []
  for (let done = 0; done < PROGRESS_EVENTS_KEPT + 20; done++) {
    changes.push(records.update('a', 'progress', () => ({ progress: { stage: 'x', done, total: null } })))
  }
  await Promise.all(changes)
  const events = records.events('a', 0)
  expect(events.filter((event) => event.kind === 'state').map((event) => event.id)).toEqual([1, 2])
  expect(events.filter((event) => event.kind === 'progress')).toHaveLength(PROGRESS_EVENTS_KEPT)
  expect(events.at(-1)?.progress?.done).toBe(PROGRESS_EVENTS_KEPT + 19)
})

it('keeps the events of traces apart', async () => {
  await records.create(draft('a'), {}, undefined)
  await records.create(draft('ab'), {}, undefined)
  await records.update('ab', 'state', () => ({ state: 'running' }))
  expect(records.events('a', 0)).toHaveLength(1)
  expect(records.events('ab', 1)).toHaveLength(1)
})
