/** A detached Ed25519 signature (RFC 8032) over manifest.json, and so over every file that it names. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../faults.ts'
import { canonicalJson } from '../canonical.ts'
import { MANIFEST_FILE, openBundleFile } from '../manifest.ts'

export const SIGNATURE_FILE = 'manifest.sig.json'
export const SIGNATURE_SCHEMA = 'proceeds-signature/1'
const SIGNATURE_BYTES_MAX = 16_384

interface SignatureFile {
  readonly schema: typeof SIGNATURE_SCHEMA
  readonly algorithm: 'Ed25519'
  readonly manifestSha256: string
  /** SubjectPublicKeyInfo, DER, base64: by itself it proves nothing about whose key it is. */
  readonly publicKey: string
  readonly signature: string
}

/** Signs the manifest of a bundle or of editions with a private key in PEM. Faults: FILE_UNREADABLE, NOT_FOUND, USAGE. */
export async function signDirectory(directory: string, keyFile: string): Promise<{ readonly publicKey: string }> {
  let key: KeyObject
  try {
    key = createPrivateKey(await readFile(keyFile))
  } catch (error) {
    throw new Fault(
      'FILE_UNREADABLE',
      `${keyFile} is no private key in PEM without a password: ${(error as Error).message}`,
    )
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new Fault(
      'USAGE',
      `${keyFile} is a key of ${key.asymmetricKeyType}; make one with: openssl genpkey -algorithm ed25519 -out KEY.pem`,
    )
  }
  const manifest = await readPlain(directory, MANIFEST_FILE)
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64')
  const file: SignatureFile = {
    schema: SIGNATURE_SCHEMA,
    algorithm: 'Ed25519',
    manifestSha256: createHash('sha256').update(manifest).digest('hex'),
    publicKey,
    signature: sign(null, manifest, key).toString('base64'),
  }
  await writeFile(join(directory, SIGNATURE_FILE), canonicalJson(file))
  return { publicKey }
}

/**
 * Holds the signature against the manifest. With a public key (PEM) it must be that key's; without one only the key that the
 * file itself carries is used, which shows that nothing changed since signing but not who signed.
 */
export async function checkSignature(
  directory: string,
  publicKeyPem: string | undefined,
): Promise<'none' | 'holds' | 'broken' | 'otherKey'> {
  let text: Buffer
  try {
    text = await readPlain(directory, SIGNATURE_FILE)
  } catch (error) {
    if (error instanceof Fault && error.code === 'NOT_FOUND') return 'none'
    throw error
  }
  let file: SignatureFile
  let carried: KeyObject
  try {
    file = JSON.parse(text.toString('utf8')) as SignatureFile
    carried = createPublicKey({ key: Buffer.from(file.publicKey, 'base64'), type: 'spki', format: 'der' })
  } catch {
    return 'broken'
  }
  if (file.schema !== SIGNATURE_SCHEMA || carried.asymmetricKeyType !== 'ed25519' || typeof file.signature !== 'string')
    return 'broken'
  let key = carried
  if (publicKeyPem !== undefined) {
    try {
      key = createPublicKey(publicKeyPem)
    } catch (error) {
      throw new Fault('FILE_UNREADABLE', `the public key is no PEM: ${(error as Error).message}`)
    }
    if (!key.equals(carried)) return 'otherKey'
  }
  const manifest = await readPlain(directory, MANIFEST_FILE)
  return verify(null, manifest, key, Buffer.from(file.signature, 'base64')) ? 'holds' : 'broken'
}

export async function readPlain(directory: string, name: string): Promise<Buffer> {
  const { handle, bytes } = await openBundleFile(directory, name)
  try {
    const most = name === MANIFEST_FILE ? 16 * 1024 * 1024 : SIGNATURE_BYTES_MAX
    if (bytes > most) throw new Fault('LIMIT_EXCEEDED', `${name} has ${bytes} bytes; at most ${most} are read`)
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
