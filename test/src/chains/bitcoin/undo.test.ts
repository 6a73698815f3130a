import { createECDH } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { doubleSha256, hash160 } from '../../../../src/chains/bitcoin/hash.ts'
import {
  decodeBlock,
  decodeBlockUndo,
  decodeSpentOutputs,
  toTransactions,
} from '../../../../src/chains/bitcoin/index.ts'
import { decompressAmount } from '../../../../src/chains/bitcoin/undo.ts'
import { Fault } from '../../../../src/faults.ts'
import { buildBlock, coinbase, compactSize, compressAmount, transaction, undoRecord, varint } from './build.ts'
import { BLOCKS, fixture } from './fixtures.ts'

test.each(BLOCKS.filter(({ undo }) => undo !== undefined))(
  '$file reads the same from both kinds of undo data',
  (each) => {
    const block = decodeBlock(fixture(each.file), { chain: each.chain })
    const flat = decodeSpentOutputs(fixture(each.undo!), block)
    const packed = decodeBlockUndo(undoRecord(block, flat), block)
    expect(packed.amount).toEqual(flat.amount)
    expect(toTransactions(block, packed)).toEqual(toTransactions(block, flat))
  },
)

test('amounts unpack as Core’s own tests have it', () => {
  const coin = 100_000_000n
  for (const [packed, amount] of [
    [0x0n, 0n],
    [0x1n, 1n],
    [0x7n, coin / 100n],
    [0x9n, coin],
    [0x32n, 50n * coin],
    [0x1406f40n, 21_000_000n * coin],
  ]) {
    expect(decompressAmount(packed)).toBe(amount)
  }
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2_100_000_000_000_000n }), (amount) => {
      expect(decompressAmount(compressAmount(amount))).toBe(amount)
    }),
  )
})

function keyOf(secret: number, form: 'compressed' | 'uncompressed'): Buffer {
  const pair = createECDH('secp256k1')
  pair.setPrivateKey(Buffer.alloc(32, secret))
  return Buffer.from(pair.getPublicKey('hex', form), 'hex')
}

describe('a record of every kind of script', () => {
  const compressed = keyOf(1, 'compressed')
  const uncompressed = [1, 2, 3, 4, 5, 6, 7, 8].map((secret) => keyOf(secret, 'uncompressed'))
  const uncompressedEven = uncompressed.find((key) => key[64] % 2 === 0)!
  const uncompressedOdd = uncompressed.find((key) => key[64] % 2 === 1)!
  const opener = Buffer.of(1, 5)
  const hash = hash160(opener)
  // What opens the first two: a signature and a key, of which only the key is looked at, and a script.
  const openers = [Buffer.of(1, 9, 2, ...opener), Buffer.of(2, ...opener)]
  const scripts = [
    Buffer.concat([Buffer.from('76a914', 'hex'), hash, Buffer.from('88ac', 'hex')]),
    Buffer.concat([Buffer.from('a914', 'hex'), hash, Buffer.from('87', 'hex')]),
    Buffer.concat([Buffer.of(33), compressed, Buffer.of(0xac)]),
    Buffer.concat([Buffer.of(65), uncompressedEven, Buffer.of(0xac)]),
    Buffer.concat([Buffer.of(65), uncompressedOdd, Buffer.of(0xac)]),
    Buffer.alloc(0),
    Buffer.alloc(300, 0x51),
    Buffer.alloc(9_999, 0x61),
  ]
  const spend = transaction(
    scripts.map((_, output) => ({ id: Buffer.alloc(32, 1), output, script: openers[output] ?? Buffer.alloc(0) })),
    [{ amount: 1n, script: scripts[0] }],
  )
  const block = decodeBlock(buildBlock([coinbase(Buffer.of(1, 200), 5n, scripts[0]), spend]), {
    chain: 'bitcoin-regtest',
  })
  const starts = scripts.map((_, i) => scripts.slice(0, i).reduce((sum, { length }) => sum + length, 0))
  const prevouts = {
    count: scripts.length,
    amount: BigUint64Array.from(scripts, (_, i) => BigInt(10 ** i)),
    bytes: Buffer.concat(scripts),
    scriptStart: Uint32Array.from(starts),
    scriptEnd: Uint32Array.from(scripts, ({ length }, i) => starts[i] + length),
  }
  const record = undoRecord(block, prevouts)

  test('reads back', () => {
    const read = decodeBlockUndo(record, block)
    expect(read.amount).toEqual(prevouts.amount)
    for (const [i, script] of scripts.entries()) {
      expect(Buffer.from(read.bytes.subarray(read.scriptStart[i], read.scriptEnd[i]))).toEqual(script)
    }
  })

  test('a wrong byte anywhere is a fault, and so is another block’s record', () => {
    for (let at = 0; at < 600; at++) {
      const bytes = Buffer.from(record)
      bytes[at] ^= 1 << (at % 8)
      expect(() => decodeBlockUndo(bytes, block)).toThrow(/UNDO_INVALID.*the checksum is/)
    }
    const other = decodeBlock(fixture('block482683.raw'), { chain: 'bitcoin' })
    expect(() => decodeBlockUndo(record, other)).toThrow(/of another block/)
    expect(() => decodeBlockUndo(Buffer.alloc(10), block)).toThrow(/too short/)
  })

  test('of spends that this block does not open is a fault, though its checksum holds', () => {
    const other = { ...prevouts, bytes: Buffer.from(prevouts.bytes) }
    other.bytes[5] ^= 1
    expect(() => decodeBlockUndo(undoRecord(block, other), block)).toThrow(/input 0 does not open the script/)
  })

  const sealed = (body: Uint8Array): Buffer =>
    Buffer.concat([body, doubleSha256(Buffer.concat([block.bytes.subarray(4, 36), body]))])

  test('with a right checksum around wrong counts, numbers and keys is a fault', () => {
    const one = (...parts: Buffer[]): Buffer => sealed(Buffer.concat([compactSize(1), compactSize(8), ...parts]))
    expect(() => decodeBlockUndo(sealed(compactSize(2)), block)).toThrow(/UNDO_INVALID/)
    expect(() => decodeBlockUndo(sealed(Buffer.of(1, 7, ...Buffer.alloc(60))), block)).toThrow(
      /has 8 inputs, 7 are here/,
    )
    const long = Buffer.alloc(64, 0xff)
    expect(() => decodeBlockUndo(one(long), block)).toThrow(/larger than 64 bits/)
    const huge = Buffer.concat([varint(0n), varint(1n), varint(2n ** 60n), Buffer.alloc(64)])
    expect(() => decodeBlockUndo(one(huge), block)).toThrow(/were to follow|script of/)
    const rich = Buffer.concat([varint(0n), varint(compressAmount(2_100_000_000_000_001n)), Buffer.alloc(64)])
    expect(() => decodeBlockUndo(one(rich), block)).toThrow(/more than there can be/)
    const noKey = Buffer.concat([varint(0n), varint(1n), varint(4n), Buffer.alloc(32, 0xff), Buffer.alloc(32)])
    expect(() => decodeBlockUndo(one(noKey), block)).toThrow(/no public key/)
    expect(() => decodeBlockUndo(sealed(Buffer.concat([record.subarray(0, -32), Buffer.of(0)])), block)).toThrow(
      /follow/,
    )
  })

  test('any bytes under a right checksum are undo data or a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(400), (noise, keep) => {
        try {
          decodeBlockUndo(sealed(Buffer.concat([record.subarray(0, keep), noise])), block)
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
