import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/faults.ts'
import { findKey, runKeys } from '../../../src/store/keys.ts'
import { Records } from '../../../src/store/records.ts'

let data: string
let written: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'proceeds-keys-'))
  written = ''
})
afterEach(() => rmSync(data, { recursive: true, force: true }))

const io = {
  write: (text: string) => void (written += text),
  now: () => new Date('2026-01-01T00:00:00Z'),
  data: undefined,
}
const keys = async (...argv: string[]) => {
  written = ''
  await runKeys([...argv, '--data', data], io)
  return written
}

describe('proceeds keys', () => {
  it('makes a key that is found, listed without its secret, and revoked', async () => {
    const bearer = (await keys('create', '--role', 'viewer', '--name', 'FIU 분석관')).split('\n')[0]
    const [, id, secret] = /^prc_([0-9a-f]{16})_(.{43})$/.exec(bearer)!
    const records = new Records(data)
    expect(findKey(records, bearer)).toMatchObject({ id, name: 'FIU 분석관', role: 'viewer', revokedAt: null })
    await records.close()
    expect(await keys('list')).toMatch(new RegExp(`^${id}  viewer +2026-01-01T00:00:00.000Z  valid  FIU 분석관\n$`))
    expect(await keys('revoke', id)).toContain('revoked')
    expect(await keys('list')).toContain('revoked 2026-01-01')
    const after = new Records(data)
    expect(findKey(after, bearer)).toBeUndefined()
    await after.close()
    const stored = Buffer.concat(
      readdirSync(join(data, 'records')).map((name) => readFileSync(join(data, 'records', name))),
    )
    expect(stored.includes(secret)).toBe(false)
  })

  it('never makes the same key twice', async () => {
    const made = new Set<string>()
    for (let n = 0; n < 5; n++) made.add((await keys('create', '--role', 'investigator', '--name', 'x')).split('\n')[0])
    expect(made.size).toBe(5)
  })

  it('says how it is used', async () => {
    const wrong = [
      [],
      ['make'],
      ['create', '--name', 'x'],
      ['create', '--role', 'admin', '--name', 'x'],
      ['create', '--role', 'viewer'],
      ['create', '--role', 'viewer', '--name', ' '],
      ['create', '--role', 'viewer', '--name', 'a\nb'],
      ['create', '--role', 'viewer', '--name', 'x', '--nmae', 'y'],
      ['list', 'all'],
      ['list', '--role', 'viewer'],
      ['revoke'],
    ]
    for (const argv of wrong) {
      await expect(keys(...argv), argv.join(' ')).rejects.toMatchObject({ code: 'USAGE' })
    }
    await expect(runKeys(['list'], io)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(keys('revoke', '0123456789abcdef')).rejects.toBeInstanceOf(Fault)
  })
})
