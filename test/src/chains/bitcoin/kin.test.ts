import { describe, expect, test } from 'vitest'
import { hashText, provesWork } from '../../../../src/chains/bitcoin/block.ts'
import { doubleSha256 } from '../../../../src/chains/bitcoin/hash.ts'
import { decodeBlock, getChainParams, toTransactions } from '../../../../src/chains/bitcoin/index.ts'
import { buildBlock, coinbase, compactSize, header, merkle, transaction } from './build.ts'

// Drawn blocks: what real fixtures do not show, and what the chains near Bitcoin do otherwise.

const locked = Buffer.from(`76a914${'07'.repeat(20)}88ac`, 'hex')
const start = (tag: number, amount = 5_000_000_000n): Buffer => coinbase(Buffer.of(2, tag, 0x7f), amount, locked)
const spend = (id: Buffer, output: number, ...amounts: bigint[]): Buffer =>
  transaction(
    [{ id, output }],
    amounts.map((amount) => ({ amount, script: locked })),
  )
const elsewhere = Buffer.alloc(32, 3)

describe('within one block', () => {
  const parent = spend(elsewhere, 0, 70n, 30n)
  const child = spend(doubleSha256(parent), 1, 25n)

  test('what is made and spent in it needs no undo data', () => {
    const block = decodeBlock(buildBlock([start(1), parent, child]), { chain: 'bitcoin-regtest' })
    const { transactions, assumed } = toTransactions(block, undefined, { missing: 'assumeNoFee' })
    expect(transactions[2].inputs).toEqual([
      { transaction: transactions[1].id, output: 1, address: transactions[1].outputs[1].address, amount: 30n },
    ])
    expect(assumed).toEqual([{ transaction: transactions[1].id, input: 0, amount: 100n, rule: 'noFee' }])
  })

  test.each([
    ['an output spent twice', [parent, spend(elsewhere, 0, 1n)], 'spends an output that this block spends already'],
    [
      'an input named twice in one transaction',
      [
        transaction(
          [
            { id: elsewhere, output: 0 },
            { id: elsewhere, output: 0 },
          ],
          [{ amount: 1n, script: locked }],
        ),
      ],
      'spends already',
    ],
    ['a spend before its maker', [child, parent], 'which comes after it'],
    ['an output that its maker does not have', [parent, spend(doubleSha256(parent), 2, 1n)], 'which has fewer'],
    ['the coinbase of its own block', [spend(doubleSha256(start(1)), 0, 1n)], 'coinbase of its own block'],
    ['a second coinbase', [start(2)], 'second coinbase'],
    ['more than there can be', [spend(elsewhere, 0, 2_100_000_000_000_000n, 1n)], 'more than there can be'],
    ['no outputs', [transaction([{ id: elsewhere, output: 0 }], [])], 'no outputs'],
  ])('%s is a fault', (_, transactions, detail) => {
    expect(() => decodeBlock(buildBlock([start(1), ...transactions]), { chain: 'bitcoin-regtest' })).toThrow(detail)
  })

  test('value out of nothing is a fault', () => {
    const rich = spend(doubleSha256(parent), 1, 31n)
    const block = decodeBlock(buildBlock([start(1), parent, rich]), { chain: 'bitcoin-regtest' })
    expect(() => toTransactions(block, undefined, { missing: 'assumeNoFee' })).toThrow(
      /BLOCK_INVALID.*gives out 31 and takes in 30/,
    )
    const greedy = decodeBlock(buildBlock([start(1, 5_000_000_001n)]), { chain: 'bitcoin-regtest', height: 0 })
    expect(() => toTransactions(greedy, undefined)).toThrow(/mints 5000000001; subsidy and fees are 5000000000/)
    const halved = decodeBlock(buildBlock([start(1, 2_500_000_001n)]), { chain: 'dogecoin-regtest', height: 150 })
    expect(toTransactions(halved, undefined).transactions).toHaveLength(1)
  })

  test('many inputs whose names were chosen to collide are still told apart', () => {
    const inputs = Array.from({ length: 3000 }, (_, i) => {
      const id = Buffer.alloc(32, 9)
      id.writeUInt32LE(i, 20)
      return { id, output: 0 }
    })
    const many = (more: typeof inputs): Buffer =>
      buildBlock([start(1), transaction([...inputs, ...more], [{ amount: 1n, script: locked }])])
    expect(decodeBlock(many([]), { chain: 'bitcoin-regtest' }).inputParent).toHaveLength(3000)
    expect(() => decodeBlock(many([inputs[2990]]), { chain: 'bitcoin-regtest' })).toThrow('spends already')
  })
})

describe('Bitcoin Cash', () => {
  test('lists transactions by id; the ledger has makers before spenders', () => {
    const first = spend(elsewhere, 0, 100n)
    const second = spend(doubleSha256(first), 0, 90n)
    const third = spend(doubleSha256(second), 0, 80n)
    const other = spend(elsewhere, 1, 5n)
    const block = decodeBlock(buildBlock([start(1), third, other, second, first]), { chain: 'bitcoin-cash-regtest' })
    const { transactions } = toTransactions(block, undefined, { missing: 'assumeNoFee' })
    const ids = [start(1), first, second, third, other].map((each) => doubleSha256(each).reverse().toString('hex'))
    expect(transactions.map(({ id }) => id)).toEqual(ids)
    expect(transactions.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4])
    expect(transactions[3].inputs[0].amount).toBe(90n)
    expect(transactions[3].outputs[0].address).toMatch(/^bchreg:q/)
  })

  test('a chain of ten thousand spends, listed last first, does not overflow', () => {
    const chain = [spend(elsewhere, 0, 1n)]
    while (chain.length < 10_000) chain.push(spend(doubleSha256(chain[chain.length - 1]), 0, 1n))
    const block = decodeBlock(buildBlock([start(1), ...chain.reverse()]), { chain: 'bitcoin-cash-regtest' })
    const { transactions } = toTransactions(block, undefined, { missing: 'assumeNoFee' })
    for (let t = 2; t < transactions.length; t++) {
      if (transactions[t].inputs[0].transaction !== transactions[t - 1].id) throw new Error(`out of order at ${t}`)
    }
  })
})

describe('Dogecoin, mined along with another chain', () => {
  /** A proof for a header: alone in the tree of chains, or on the right of one other. */
  function proof(head: Buffer, change: { root?: Buffer; size?: number; index?: number; nonce?: number } = {}): Buffer {
    const sibling = Buffer.alloc(32, 4)
    const root = change.root ?? Buffer.from(doubleSha256(Buffer.concat([sibling, doubleSha256(head)]))).reverse()
    const tail = Buffer.alloc(8)
    tail.writeUInt32LE(change.size ?? 2, 0)
    tail.writeUInt32LE(change.nonce ?? nonce(), 4)
    const script = Buffer.concat([Buffer.of(1, 9), Buffer.from('fabe6d6d', 'hex'), root, tail])
    const base = coinbase(script, 1n, locked)
    const aside = Buffer.alloc(32, 6)
    const branch = (hash: Buffer, index: number): Buffer =>
      Buffer.concat([compactSize(1), hash, Buffer.of(index, 0, 0, 0)])
    const parent = header({ root: merkle([doubleSha256(base), aside]) })
    return Buffer.concat([base, Buffer.alloc(32), branch(aside, 0), branch(sibling, change.index ?? 1), parent])
  }
  /** A nonce that draws place 1 of 2 for chain 98. */
  function nonce(): number {
    const drawn = (value: number): number =>
      ((Math.imul((Math.imul(value, 1103515245) + 12345 + 98) | 0, 1103515245) + 12345) >>> 0) % 2
    return drawn(0) === 1 ? 0 : 1
  }
  const version = 0x00620104
  const read = (change: Parameters<typeof proof>[1] = {}): ReturnType<typeof decodeBlock> =>
    decodeBlock(
      buildBlock([start(1)], { version }, (head) => proof(head, change)),
      { chain: 'dogecoin-regtest', checkWork: false },
    )

  test('the proof is read, followed and stepped over', () => {
    expect(read().transactionCount).toBe(1)
    const work = (): unknown =>
      decodeBlock(
        buildBlock([start(1)], { version, bits: 0x03000001 }, (head) => proof(head)),
        {
          chain: 'dogecoin-regtest',
          checkWork: true,
        },
      )
    expect(work).toThrow('does not prove the work')
  })

  test.each([
    ['names another block', { root: Buffer.alloc(32, 8) }, 'does not name this block'],
    ['says another number of chains', { size: 4 }, 'another number of chains'],
    ['stands at another place', { nonce: 1 - nonce() }, 'another chain or another place'],
  ])('a proof that %s is a fault', (_, change, detail) => {
    expect(() => read(change)).toThrow(detail)
  })

  test('a wrong byte in it is a fault, but for the one field that nothing binds', () => {
    const block = buildBlock([start(1)], { version }, (head) => proof(head))
    const proofBytes = proof(block.subarray(0, 80)).length
    const unbound = block.indexOf(Buffer.concat([compactSize(1), Buffer.alloc(32, 6)]), 80) - 32
    const unseen: number[] = []
    for (let at = 80; at < 80 + proofBytes; at++) {
      const bytes = Buffer.from(block)
      bytes[at] ^= 1 << (at % 8)
      try {
        decodeBlock(bytes, { chain: 'dogecoin-regtest', checkWork: false })
        unseen.push(at - unbound)
      } catch {
        // As it should be.
      }
    }
    // Beyond that field only what the work would have bound: the other header without its Merkle root.
    const parent = 80 + proofBytes - 80 - unbound
    expect(unseen.filter((at) => at < parent)).toEqual(Array.from({ length: 32 }, (_, i) => i))
    expect(unseen.filter((at) => at >= parent + 36 && at < parent + 68)).toEqual([])
  })
})

test('Litecoin’s extension is refused by name', () => {
  const block = buildBlock([start(1)])
  const extended = Buffer.concat([block.subarray(0, 85), Buffer.of(0, 8), block.subarray(85)])
  expect(() => decodeBlock(extended, { chain: 'litecoin-regtest' })).toThrow(/byte 86: .*MimbleWimble/)
})

// The published first headers of each chain: their hash is a double SHA-256, their work is scrypt.
test.each([
  [
    'litecoin',
    '12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2',
    '97ddfbbae6be97fd6cdf3e7ca13232a3afff2353e29badfab7f73011edd4ced9',
    1317972665,
    2084524493,
  ],
  [
    'dogecoin',
    '1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691',
    '5b2a3f53f605d62c53e62932dac6925e3d74afa5a4b459745c36d42d0ed26a69',
    1386325540,
    99943,
  ],
])('%s proves its work by scrypt', (chain, hash, root, time, nonce) => {
  const first = header({ root: Buffer.from(root, 'hex').reverse(), time, bits: 0x1e0ffff0, nonce })
  expect(hashText(doubleSha256(first), 0)).toBe(hash)
  const params = getChainParams(chain)
  expect(provesWork(params, first, 0x1e0ffff0)).toBe(true)
  expect(provesWork(getChainParams('bitcoin'), first, 0x1d00ffff)).toBe(false)
  first[76] ^= 1
  expect(provesWork(params, first, 0x1e0ffff0)).toBe(false)
})

test.each([0x1e100000, 0x20000001, 0x1e8fffff, 0x1e000000, 0xff000001, 0x00123456])('bits %i are no target', (bits) => {
  const params = getChainParams('litecoin')
  expect(provesWork(params, header({ root: Buffer.alloc(32) }), bits)).toBe(false)
})
