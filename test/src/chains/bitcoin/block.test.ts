import { Block, address as bitcoinJsAddress, networks } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBlock, toTransactions, transactionId } from '../../../../src/chains/bitcoin/index.ts'
import { Fault } from '../../../../src/faults.ts'
import { BLOCKS, fixture } from './fixtures.ts'

/** What a call throws; fails where it throws nothing or something else than a fault. */
function faultOf(call: () => unknown): Fault {
  try {
    call()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('real blocks', () => {
  // The largest is left to the sample's test and the bench: bitcoinjs-lib takes seconds for it.
  test.each(BLOCKS.filter(({ transactions }) => transactions < 1000))(
    '$file reads as bitcoinjs-lib reads it',
    ({ file, chain, height, transactions }) => {
      const raw = fixture(file)
      const block = decodeBlock(raw, { chain })
      expect(block.height).toBe(height)
      expect(block.transactionCount).toBe(transactions)

      const theirs = Block.fromBuffer(raw)
      expect(block.hash).toBe(theirs.getId())
      expect(block.time).toBe(theirs.timestamp)
      const network = chain === 'bitcoin' ? networks.bitcoin : networks.testnet
      const ours = toTransactions(block, undefined, { missing: 'assumeNoFee' }).transactions
      expect(ours.map(({ index }) => index)).toEqual(ours.map((_, index) => index))
      for (const [t, transaction] of (theirs.transactions ?? []).entries()) {
        expect(ours[t].id).toBe(transaction.getId())
        expect(transactionId(block, t)).toBe(transaction.getId())
        const amounts: bigint[] = []
        const addresses: (string | null)[] = []
        for (const [o, { script, value }] of transaction.outs.entries()) {
          amounts.push(BigInt(value))
          try {
            addresses.push(bitcoinJsAddress.fromOutputScript(script, network))
          } catch {
            // It knows no address for bare keys, data and multisig; of these we give one to bare keys only.
            addresses.push(script.length === 35 || script.length === 67 ? ours[t].outputs[o].address : null)
          }
        }
        expect(ours[t].outputs.map(({ amount }) => amount)).toEqual(amounts)
        expect(ours[t].outputs.map(({ address }) => address)).toEqual(addresses)
        if (t === 0) {
          expect(ours[t]).toMatchObject({ coinbase: true, inputs: [] })
          continue
        }
        expect(ours[t].inputs.map((input) => `${input.transaction}:${input.output}`)).toEqual(
          transaction.ins.map(({ hash, index }) => `${Buffer.from(hash).reverse().toString('hex')}:${index}`),
        )
      }
    },
  )

  test('block 187500 reads as a node printed it', () => {
    const printed = JSON.parse(fixture('block187500.json.gz').toString('utf8'))
    const block = decodeBlock(fixture('block187500.raw'), { chain: 'bitcoin', height: printed.height })
    expect(block.hash).toBe(printed.hash)
    expect(block.previous).toBe(printed.previousblockhash)
    expect(block.time).toBe(printed.time)
    const { transactions } = toTransactions(block, undefined, { missing: 'assumeNoFee' })
    let compared = 0
    for (const [t, transaction] of transactions.entries()) {
      expect(transaction.id).toBe(printed.tx[t].txid)
      expect(transaction.height).toBe(187500)
      for (const [o, { scriptPubKey }] of printed.tx[t].vout.entries()) {
        // A node prints no address for a bare key; see addressOfScript.
        if (scriptPubKey.type === 'pubkey') expect(transaction.outputs[o].address).toMatch(/^1/)
        else expect(transaction.outputs[o].address).toBe(scriptPubKey.addresses?.[0] ?? null)
        compared++
      }
    }
    expect(compared).toBe(transactions.reduce((count, { outputs }) => count + outputs.length, 0))
  })
})

describe('a wrong byte', () => {
  const raw = fixture('block482683.raw')

  test('anywhere in a small block is a fault, witnesses included', () => {
    expect(raw.length).toBe(9288)
    for (let at = 0; at < raw.length; at++) {
      const bytes = Buffer.from(raw)
      bytes[at] ^= 1 << (at % 8)
      const fault = faultOf(() => decodeBlock(bytes, { chain: 'bitcoin' }))
      if (fault.code !== 'BLOCK_INVALID' || !/byte \d+: /.test(fault.detail)) throw fault
    }
  })

  test('is told apart: work, Merkle root, witness', () => {
    const flipped = (at: number): string => {
      const bytes = Buffer.from(raw)
      bytes[at] ^= 1
      return faultOf(() => decodeBlock(bytes, { chain: 'bitcoin' })).detail
    }
    const block = decodeBlock(raw, { chain: 'bitcoin' })
    expect(flipped(76)).toContain('does not prove the work')
    expect(flipped(block.outputScriptStart[3] + 5)).toContain('Merkle root')
    const witness = block.inputWitness.find((at) => at > 0)
    expect(witness).toBeDefined()
    expect(flipped(witness! + 8)).toContain('witnesses are not those')
  })

  test('in the Merkle root is found without looking at the work', () => {
    const bytes = Buffer.from(raw)
    bytes[40] ^= 1
    expect(faultOf(() => decodeBlock(bytes, { chain: 'bitcoin', checkWork: false })).detail).toContain('Merkle root')
  })

  test('cut anywhere, or followed by a byte', () => {
    for (let length = 0; length < raw.length; length += 7) {
      expect(faultOf(() => decodeBlock(raw.subarray(0, length), { chain: 'bitcoin' })).code).toBe('BLOCK_INVALID')
    }
    const longer = Buffer.concat([raw, Buffer.of(0)])
    expect(faultOf(() => decodeBlock(longer, { chain: 'bitcoin' })).detail).toContain('byte 9288: 1 bytes follow')
  })
})

describe('refusals', () => {
  test('a copied tail that keeps the Merkle root (CVE-2012-2459)', () => {
    const raw = fixture('block482683.raw')
    const block = decodeBlock(raw, { chain: 'bitcoin' })
    // Twelve leaves: at the third level three are left, so the last four transactions may be doubled.
    const tail = raw.subarray(block.transactionStart[8])
    const bytes = Buffer.concat([raw, tail])
    bytes[80] = 16
    const fault = faultOf(() => decodeBlock(bytes, { chain: 'bitcoin' }))
    expect(fault.detail).toContain('CVE-2012-2459')
    expect(fault.detail).toContain('number 8')
  })

  test('a block without its witnesses', () => {
    const whole = Block.fromBuffer(fixture('block482683.raw'))
    const parts = [fixture('block482683.raw').subarray(0, 81)]
    for (const transaction of whole.transactions ?? []) {
      for (const input of transaction.ins) input.witness = []
      parts.push(Buffer.from(transaction.toBuffer()))
    }
    expect(faultOf(() => decodeBlock(Buffer.concat(parts), { chain: 'bitcoin' })).detail).toContain('stripped')
  })

  test('another height than the coinbase says, another chain, too many bytes', () => {
    const raw = fixture('block300025.raw')
    expect(faultOf(() => decodeBlock(raw, { chain: 'bitcoin', height: 300026 })).detail).toContain('says 300025')
    expect(faultOf(() => decodeBlock(raw, { chain: 'litecoin' })).detail).toContain('prove the work')
    expect(faultOf(() => decodeBlock(raw, { chain: 'tron' })).code).toBe('REQUEST_INVALID')
    expect(faultOf(() => decodeBlock(raw, { chain: 'toString' })).code).toBe('REQUEST_INVALID')
    const limited = faultOf(() => decodeBlock(raw, { chain: 'bitcoin', limits: { bytes: 1000 } }))
    expect(limited.code).toBe('LIMIT_EXCEEDED')
  })

  test('witness transactions on a chain that has none', () => {
    const fault = faultOf(() => decodeBlock(fixture('block482683.raw'), { chain: 'bitcoin-cash' }))
    expect(fault.detail).toContain('has no inputs')
  })
})

describe('any bytes', () => {
  test('are a block or a fault', () => {
    const raw = fixture('block482683.raw')
    const chains = ['bitcoin', 'bitcoin-regtest', 'litecoin', 'dogecoin', 'bitcoin-cash']
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.nat(raw.length),
        fc.nat(raw.length),
        fc.constantFrom(...chains),
        (noise, from, to, chain) => {
          const bytes = Buffer.concat([raw.subarray(0, from), noise, raw.subarray(to)])
          try {
            const block = decodeBlock(bytes, { chain, checkWork: false })
            toTransactions(block, undefined, { missing: 'assumeNoFee' })
          } catch (error) {
            expect(error).toBeInstanceOf(Fault)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('a count that claims more than there is allocates nothing', () => {
    const header = fixture('block482683.raw').subarray(0, 80)
    for (const count of ['ffffffffffffffffff', 'feffffffff', 'fdffff', 'ff0000000001000000', 'fd0100', 'fe00000100']) {
      const bytes = Buffer.concat([header, Buffer.from(count, 'hex'), Buffer.alloc(200)])
      expect(faultOf(() => decodeBlock(bytes, { chain: 'bitcoin' })).detail).toContain('byte 80: ')
    }
  })
})
