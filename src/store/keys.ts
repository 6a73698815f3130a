import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Fault } from '../faults.ts'
import { KEY_ROLES, type KeyRecord, type KeyRole, Records } from './records.ts'

/** A key as its holder writes it: id (8 random bytes) and secret (32 random bytes), hex and base64url. */
const BEARER = /^prc_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/

/**
 * A plain SHA-256 is enough for a secret of 256 random bits: there is nothing to guess, so nothing to slow down, and a
 * slow hash on every request would be a way to keep the service busy. Passwords would need another one.
 */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Makes a key. `bearer` is what its holder sends; it is kept nowhere and cannot be shown again. */
export async function createKey(
  records: Records,
  wish: { readonly role: KeyRole; readonly name: string; readonly now: Date },
): Promise<{ key: KeyRecord; bearer: string }> {
  const name = wish.name.trim()
  if (name === '' || name.length > 200 || /\p{Cc}/u.test(name)) {
    throw new Fault('USAGE', 'a key needs a name of 1 to 200 printable characters: whose it is, or which system’s')
  }
  const id = randomBytes(8).toString('hex')
  const secret = randomBytes(32).toString('base64url')
  const key = { id, name, role: wish.role, hash: hashOf(secret), createdAt: wish.now.toISOString(), revokedAt: null }
  await records.putKey(key)
  return { key, bearer: `prc_${id}_${secret}` }
}

/** Revokes a key from this moment on; a revoked key stays listed. Fault NOT_FOUND. */
export async function revokeKey(records: Records, id: string, now: Date): Promise<KeyRecord> {
  const key = records.key(id)
  if (!key) throw new Fault('NOT_FOUND', `there is no key ${id}; \`proceeds keys list\` shows them`)
  if (key.revokedAt !== null) return key
  const revoked = { ...key, revokedAt: now.toISOString() }
  await records.putKey(revoked)
  return revoked
}

/** The key of a bearer text, if it is one that counts. Compares in constant time, also where there is no such key. */
export function findKey(records: Records, bearer: string): KeyRecord | undefined {
  const match = BEARER.exec(bearer)
  if (!match) return undefined
  const key = records.key(match[1])
  const shown = Buffer.from(hashOf(match[2]), 'hex')
  const same = timingSafeEqual(shown, key ? Buffer.from(key.hash, 'hex') : Buffer.alloc(32))
  return key && same && key.revokedAt === null ? key : undefined
}

/** Whether any key counts: without one the service does not listen beyond loopback. */
export function anyKey(records: Records): boolean {
  return records.keys().some((key) => key.revokedAt === null)
}

export const KEYS_USAGE = `proceeds keys create --role viewer|investigator --name NAME --data DIR
proceeds keys list --data DIR
proceeds keys revoke ID --data DIR`

/** What a command may use of the world. */
export interface KeysIo {
  write(text: string): void
  now(): Date
  /** Where `--data` is not given. */
  readonly data: string | undefined
}

/** `proceeds keys …`: makes, lists and revokes. The new key is written once, to `io.write`, and nowhere else. Faults USAGE, NOT_FOUND. */
export async function runKeys(argv: readonly string[], io: KeysIo): Promise<void> {
  const { command, rest, role, name, data } = readKeysArguments(argv, io)
  const records = new Records(data)
  try {
    if (command === 'create') {
      const { key, bearer } = await createKey(records, { role: role!, name: name!, now: io.now() })
      io.write(`${bearer}\n\nThis is ${key.name}’s ${key.role} key ${key.id}. It is shown this once: keep it safe.\n`)
    } else if (command === 'revoke') {
      const key = await revokeKey(records, rest[0], io.now())
      io.write(`Key ${key.id} (${key.name}) is revoked since ${key.revokedAt}.\n`)
    } else {
      for (const key of records.keys()) {
        const state = key.revokedAt === null ? 'valid' : `revoked ${key.revokedAt}`
        io.write(`${key.id}  ${key.role.padEnd(12)}  ${key.createdAt}  ${state}  ${key.name}\n`)
      }
    }
  } finally {
    await records.close()
  }
}

function readKeysArguments(argv: readonly string[], io: KeysIo) {
  const usage = (why: string) => new Fault('USAGE', `${why}\n${KEYS_USAGE}`)
  let parsed: { values: { role?: string; name?: string; data?: string }; positionals: string[] }
  try {
    const options = { role: { type: 'string' }, name: { type: 'string' }, data: { type: 'string' } } as const
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause))
  }
  const [command, ...rest] = parsed.positionals
  const data = parsed.values.data ?? io.data
  if (command !== 'create' && command !== 'list' && command !== 'revoke') throw usage('say create, list or revoke')
  if (data === undefined || data === '') throw usage('--data names the service’s data directory')
  const role = KEY_ROLES.find((each) => each === parsed.values.role)
  if (command === 'create' && !role) throw usage('--role is viewer or investigator')
  if (command === 'create' && parsed.values.name === undefined) throw usage('--name says whose key it is')
  if (command !== 'create' && (parsed.values.role ?? parsed.values.name) !== undefined) {
    throw usage('--role and --name belong to create')
  }
  if (rest.length !== (command === 'revoke' ? 1 : 0)) {
    throw usage(command === 'revoke' ? 'revoke takes one key id' : `${command} takes no other words`)
  }
  return { command, rest, role, name: parsed.values.name, data }
}
