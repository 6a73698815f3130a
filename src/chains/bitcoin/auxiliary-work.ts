import type { Cursor } from './cursor.ts'
import { doubleSha256, hashPair } from './hash.ts'

/** Marks, in the coinbase of the chain that did the work, the root of the chains mined along with it. */
const MERGED_MARK = Buffer.from('fabe6d6d', 'hex')
/** Deepest branch a node accepts. */
const BRANCH_MAX = 30

/**
 * Reads the proof behind a merge-mined header (Dogecoin's AuxPoW) and follows it: the block's hash, up the branch of
 * chains, stands in the coinbase of another chain's block; that coinbase, up its own branch, gives that block's Merkle
 * root. Answers that block's 80-byte header, which has to prove the work. One field of the proof, a copy of the other
 * block's hash, is bound by nothing and read by no node; a wrong byte there goes unseen.
 * Rules: Dogecoin Core, `CAuxPow::check`; faults `BLOCK_INVALID`.
 */
export function checkAuxiliaryWork(cursor: Cursor, headerHash: Buffer, version: number): Uint8Array {
  const bytes = cursor.bytes as Buffer
  const start = cursor.at
  cursor.skip(4)
  const inputCount = cursor.count(41)
  if (inputCount === 0) throw cursor.fault("the proof's coinbase has no inputs", start + 4)
  let scriptStart = 0
  let scriptEnd = 0
  for (let i = 0; i < inputCount; i++) {
    cursor.skip(36)
    const scriptBytes = cursor.count(1)
    if (i === 0) {
      scriptStart = cursor.at
      scriptEnd = cursor.at + scriptBytes
    }
    cursor.skip(scriptBytes + 4)
  }
  const outputCount = cursor.count(9)
  for (let i = 0; i < outputCount; i++) {
    cursor.skip(8)
    cursor.skip(cursor.count(1))
  }
  cursor.skip(4)
  const coinbaseId = doubleSha256(bytes.subarray(start, cursor.at))
  cursor.skip(32)
  const coinbaseBranch = readBranch(cursor)
  if (coinbaseBranch.index !== 0) throw cursor.fault('the proof is not a coinbase: its place is not 0', cursor.at - 4)
  const chainBranch = readBranch(cursor)
  const parentStart = cursor.at
  cursor.skip(80)
  const parent = bytes.subarray(parentStart, parentStart + 80)

  climb(coinbaseId, coinbaseBranch)
  if (coinbaseId.compare(parent, 36, 68) !== 0) {
    throw cursor.fault("the proof's coinbase is not in the block it names", start)
  }
  const chainRoot = Buffer.from(headerHash)
  climb(chainRoot, chainBranch)
  chainRoot.reverse()
  const script = bytes.subarray(scriptStart, scriptEnd)
  const at = script.indexOf(chainRoot)
  if (at === -1) throw cursor.fault("the proof's coinbase does not name this block", scriptStart)
  const mark = script.indexOf(MERGED_MARK)
  if (mark === -1 ? at > 20 : mark !== at - 4 || script.indexOf(MERGED_MARK, mark + 1) !== -1) {
    throw cursor.fault('the name of this block in the proof does not stand where it must', scriptStart + at)
  }
  if (at + 40 > script.length) throw cursor.fault("the proof's coinbase ends too early", scriptEnd)
  const size = script.readUInt32LE(at + 32)
  const nonce = script.readUInt32LE(at + 36)
  const height = chainBranch.hashes.length / 32
  if (size !== 2 ** height) throw cursor.fault('the proof says another number of chains', scriptStart + at + 32)
  // The place of a chain among those mined together is drawn from the nonce and the chain's number.
  const chainNumber = (version >>> 16) & 0xffff
  const drawn = Math.imul((Math.imul(nonce, 1103515245) + 12345 + chainNumber) | 0, 1103515245) + 12345
  if (chainBranch.index !== (drawn >>> 0) % size) {
    throw cursor.fault('the proof is for another chain or another place', parentStart - 4)
  }
  return parent
}

interface Branch {
  readonly hashes: Uint8Array
  readonly index: number
}

function readBranch(cursor: Cursor): Branch {
  const start = cursor.at
  const count = cursor.count(32)
  if (count > BRANCH_MAX) throw cursor.fault(`a branch of ${count} hashes; at most ${BRANCH_MAX} are allowed`, start)
  const from = cursor.at
  cursor.skip(32 * count)
  const hashes = cursor.bytes.subarray(from, cursor.at)
  return { hashes, index: cursor.uint32() }
}

/** Replaces a hash with the root that it and its branch give. */
function climb(hash: Buffer, branch: Branch): void {
  const pair = Buffer.allocUnsafe(64)
  for (let level = 0, at = 0; at < branch.hashes.length; level++, at += 32) {
    const right = (branch.index >>> level) & 1
    hash.copy(pair, right === 1 ? 32 : 0)
    pair.set(branch.hashes.subarray(at, at + 32), right === 1 ? 0 : 32)
    hashPair(pair, 0, hash, 0)
  }
}
