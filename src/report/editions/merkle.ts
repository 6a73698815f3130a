/**
 * Merkle trees as RFC 9162 section 2.1 builds them: leaves and nodes are hashed with different first bytes, so that no node
 * passes for a leaf, and an odd end is never doubled, so that no two lists have one root.
 */
import { createHash } from 'node:crypto'

/** A leaf: the hash of a salt and a text. Without the salt a row of few possible values could be guessed. */
export function leafHash(salt: Uint8Array, text: string): Buffer {
  return createHash('sha256')
    .update(Buffer.from([0]))
    .update(salt)
    .update(text)
    .digest()
}

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256')
    .update(Buffer.from([1]))
    .update(left)
    .update(right)
    .digest()
}

/** The root of a list of leaf hashes; of none, the hash of nothing. */
export function merkleRoot(leaves: Iterable<Uint8Array>): Buffer {
  // A full subtree for each set bit of the count so far, the largest first: a counter that carries.
  const peaks: { size: number; hash: Uint8Array }[] = []
  for (const leaf of leaves) {
    let peak = { size: 1, hash: leaf }
    while (peaks.length > 0 && peaks[peaks.length - 1].size === peak.size) {
      const left = peaks.pop()!
      peak = { size: left.size * 2, hash: nodeHash(left.hash, peak.hash) }
    }
    peaks.push(peak)
  }
  let root = peaks.pop()?.hash
  if (root === undefined) return createHash('sha256').digest()
  while (peaks.length > 0) root = nodeHash(peaks.pop()!.hash, root)
  return Buffer.from(root)
}
