/** The fields of a protobuf message by number: varints as whole numbers, everything else as bytes. */
export interface Message {
  readonly numbers: ReadonlyMap<number, bigint>
  readonly bytes: ReadonlyMap<number, readonly Buffer[]>
}

/** Reads one message, one level deep; undefined where the bytes are none. */
export function readMessage(raw: Buffer): Message | undefined {
  const numbers = new Map<number, bigint>()
  const bytes = new Map<number, Buffer[]>()
  let at = 0
  const varint = (): bigint | undefined => {
    let value = 0n
    for (let shift = 0n; shift < 70n && at < raw.length; shift += 7n) {
      const byte = raw[at++]
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return undefined
  }
  while (at < raw.length) {
    const key = varint()
    if (key === undefined) return undefined
    const field = Number(key >> 3n)
    const wire = Number(key & 7n)
    if (wire === 0) {
      const value = varint()
      if (value === undefined) return undefined
      numbers.set(field, value)
      continue
    }
    const length = wire === 2 ? varint() : wire === 1 ? 8n : wire === 5 ? 4n : undefined
    if (length === undefined || length > BigInt(raw.length - at)) return undefined
    const part = raw.subarray(at, at + Number(length))
    at += Number(length)
    const list = bytes.get(field)
    if (list === undefined) bytes.set(field, [part])
    else list.push(part)
  }
  return { numbers, bytes }
}

/** Writes a message of numbers and bytes, in the order given; numbers of zero are left out, as protobuf does. */
export function writeMessage(fields: readonly (readonly [field: number, value: bigint | Buffer])[]): Buffer {
  const parts: Buffer[] = []
  const varint = (value: bigint): Buffer => {
    const bytes: number[] = []
    let rest = value
    do {
      bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
      rest >>= 7n
    } while (rest > 0n)
    return Buffer.from(bytes)
  }
  for (const [field, value] of fields) {
    if (typeof value === 'bigint') {
      if (value > 0n) parts.push(varint(BigInt(field * 8)), varint(value))
    } else parts.push(varint(BigInt(field * 8 + 2)), varint(BigInt(value.length)), value)
  }
  return Buffer.concat(parts)
}
