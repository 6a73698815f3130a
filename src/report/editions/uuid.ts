import { createHash } from 'node:crypto'

/** A UUID of version 5 (RFC 9562, 5.5): the same name in the same space is the same id, on every machine. */
export function uuid5(space: string, name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(space.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16)
  bytes[6] = (bytes[6] & 0x0f) | 0x50
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The space in which STIX 2.1 names cyber-observable objects (STIX 2.1, 2.9). */
export const STIX_SPACE = '00abedb4-aa42-466c-9c01-fed23315a9b7'
/** RFC 9562's space of URLs. */
export const URL_SPACE = '6ba7b811-9dad-11d1-80b4-00c04fd430c8'
