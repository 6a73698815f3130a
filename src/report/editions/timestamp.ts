/**
 * RFC 3161 timestamps: the request for manifest.json as a file, to be carried to an authority by whatever way the agency has,
 * and the authority's answer taken in. The request's DER is built by hand:
 *
 *   TimeStampReq ::= SEQUENCE { version 1, messageImprint SEQUENCE { SEQUENCE { OID sha256, NULL }, OCTET STRING }, certReq TRUE }
 *
 * Of an answer we check that it is granted and that it is about this manifest. The authority's own signature is for
 * `openssl ts -verify` with the authority's certificate: we carry no list of authorities to trust.
 */
import { createHash } from 'node:crypto'
import { Fault } from '../../faults.ts'

const SHA256_OID = Buffer.from('0609608648016503040201', 'hex')
const TST_INFO_OID = Buffer.from('060b2a864886f70d0109100104', 'hex')

function der(tag: number, content: Uint8Array): Buffer {
  const { length } = content
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), content])
}

/** The request for a timestamp over these bytes. */
export function timestampRequest(bytes: Uint8Array): Buffer {
  const hash = createHash('sha256').update(bytes).digest()
  const algorithm = der(0x30, Buffer.concat([SHA256_OID, der(0x05, Buffer.alloc(0))]))
  const imprint = der(0x30, Buffer.concat([algorithm, der(0x04, hash)]))
  return der(0x30, Buffer.concat([der(0x02, Buffer.from([1])), imprint, der(0x01, Buffer.from([0xff]))]))
}

interface Element {
  readonly tag: number
  readonly content: Buffer
  readonly end: number
}

function element(bytes: Buffer, at: number): Element {
  const bad = () => new Fault('FILE_UNREADABLE', 'the timestamp’s answer is no DER')
  if (at + 2 > bytes.length) throw bad()
  const tag = bytes[at]
  let length = bytes[at + 1]
  let begin = at + 2
  if (length >= 0x80) {
    const count = length & 0x7f
    if (count < 1 || count > 4 || begin + count > bytes.length) throw bad()
    length = bytes.readUIntBE(begin, count)
    begin += count
  }
  if (begin + length > bytes.length) throw bad()
  return { tag, content: bytes.subarray(begin, begin + length), end: begin + length }
}

/** What an answer says: when, by its own clock. Faults: FILE_UNREADABLE, BUNDLE_INVALID where it is about something else. */
export function readTimestamp(answer: Uint8Array, stamped: Uint8Array): { readonly time: string } {
  const bytes = Buffer.from(answer)
  const refuse = (problem: string) => new Fault('BUNDLE_INVALID', `the timestamp’s answer ${problem}`)
  const response = element(bytes, 0)
  const status = element(element(response.content, 0).content, 0)
  if (status.tag !== 0x02 || status.content.length !== 1 || status.content[0] > 1) throw refuse('was not granted')
  const at = bytes.indexOf(TST_INFO_OID)
  if (at < 0) throw refuse('holds no timestamp')
  const wrapped = element(bytes, at + TST_INFO_OID.length)
  const info = element(element(wrapped.content, 0).content, 0)
  let place = 0
  const next = (): Element => {
    const found = element(info.content, place)
    place = found.end
    return found
  }
  next()
  next()
  const imprint = next()
  const algorithm = element(imprint.content, 0)
  const hash = element(imprint.content, algorithm.end)
  if (!algorithm.content.includes(SHA256_OID) || !hash.content.equals(createHash('sha256').update(stamped).digest())) {
    throw refuse('is about another file')
  }
  next()
  const time = next().content.toString('latin1')
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.\d+)?Z$/.exec(time)
  if (parts === null) throw refuse('has no time')
  const [, year, month, day, hour, minute, second] = parts
  return { time: `${year}-${month}-${day}T${hour}:${minute}:${second}Z` }
}
