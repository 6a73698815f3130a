import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reportCommands } from '../../../../src/report/editions/cli.ts'
import { checkSignature, signDirectory } from '../../../../src/report/editions/signature.ts'
import { readTimestamp, timestampRequest } from '../../../../src/report/editions/timestamp.ts'
import { verifyBundle } from '../../../../src/report/verify.ts'
import { drawnFacts } from '../../../support/editions.ts'

let home: string
let directory: string
let key: string
let publicKey: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'seal-'))
  directory = (await drawnFacts()).directory
  const pair = generateKeyPairSync('ed25519')
  key = join(home, 'key.pem')
  await writeFile(key, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }) as string
})
afterAll(() => rm(home, { recursive: true, force: true }))

describe('a signature', () => {
  it('holds by its key, not by another, and no longer when a byte of the manifest changes', async () => {
    expect(await checkSignature(directory, undefined)).toBe('none')
    await signDirectory(directory, key)
    expect(await checkSignature(directory, undefined)).toBe('holds')
    expect(await checkSignature(directory, publicKey)).toBe('holds')
    const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }) as string
    expect(await checkSignature(directory, other)).toBe('otherKey')
    // The bundle still verifies with the signature beside it.
    expect((await verifyBundle(directory)).findings).toEqual([])
    const file = join(directory, 'manifest.json')
    const whole = await readFile(file, 'utf8')
    await writeFile(file, whole.replace('"bytes":', '"bytes": '))
    expect(await checkSignature(directory, publicKey)).toBe('broken')
    await writeFile(file, whole)
  })

  it('is checked on the command line', async () => {
    const told: string[] = []
    const io = { out: (text: string) => void told.push(text), err: (text: string) => void told.push(text) }
    const pem = join(home, 'public.pem')
    await writeFile(pem, publicKey)
    expect(await reportCommands['verify-seal'].run([directory, '--public-key', pem], io)).toBe(0)
    await writeFile(join(directory, 'endpoints.csv'), 'x')
    expect(await reportCommands['verify-seal'].run([directory, '--public-key', pem], io)).toBe(1)
    expect(told.join('')).toMatch(/endpoints\.csv SHA-256/)
  })

  it('is refused with a key of another kind', async () => {
    const rsa = join(home, 'rsa.pem')
    await writeFile(
      rsa,
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    )
    await expect(signDirectory(directory, rsa)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(signDirectory(directory, join(home, 'none.pem'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  })
})

describe('a timestamp', () => {
  const stamped = Buffer.from('the manifest')

  it('is asked for in DER as OpenSSL writes it', () => {
    expect(timestampRequest(stamped).toString('hex')).toBe(
      '30390201013031300d060960864801650304020105000420b802ab9f53cad6bd4004f3c99d9ae71d7a8ff28686bbdc04a30862ee255374dc0101ff',
    )
  })

  it('is taken in if it is about these bytes', async () => {
    const answer = await readFile(new URL('../../../fixtures/report/the-manifest.tsr', import.meta.url))
    expect(readTimestamp(answer, stamped).time).toMatch(/^2026-11-23T\d\d:\d\d:\d\dZ$/)
    expect(() => readTimestamp(answer, Buffer.from('another'))).toThrow(/about another file/)
    for (let length = 0; length < 60; length++)
      expect(() => readTimestamp(answer.subarray(0, length), stamped)).toThrow()
    expect(() => readTimestamp(Buffer.from('30053003020102', 'hex'), stamped)).toThrow(/not granted/)
  })
})
