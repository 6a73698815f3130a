import { concat, encodeRlp, getBytes, hexlify, keccak256, type RlpStructuredData, toBeArray } from 'ethers'

/** A key of half-bytes and what lies under it. */
interface Leaf {
  readonly path: readonly number[]
  readonly value: string
}

/**
 * The root of the Merkle Patricia trie of a list, keyed by RLP of each place (Yellow Paper, appendix D): what headers
 * commit to for transactions, receipts and withdrawals. Values are hexadecimal.
 */
export function listRoot(values: readonly string[]): string {
  if (values.length === 0) return keccak256(encodeRlp('0x'))
  const leaves = values.map((value, place): Leaf => {
    const key = getBytes(encodeRlp(place === 0 ? '0x' : hexlify(toBeArray(place))))
    return { path: [...key].flatMap((byte) => [byte >> 4, byte & 15]), value }
  })
  return keccak256(encodeRlp(node(leaves, 0)))
}

/** The node of leaves that share their path up to a depth. Keys are a few bytes, so the depth is bounded by six. */
function node(leaves: readonly Leaf[], depth: number): RlpStructuredData {
  if (leaves.length === 1) return [packPath(leaves[0].path.slice(depth), true), leaves[0].value]
  let shared = depth
  const [first] = leaves
  while (leaves.every(({ path }) => path.length > shared && path[shared] === first.path[shared])) shared++
  if (shared > depth) return [packPath(first.path.slice(depth, shared), false), reference(node(leaves, shared))]
  const branch: RlpStructuredData[] = []
  for (let nibble = 0; nibble < 16; nibble++) {
    const below = leaves.filter(({ path }) => path[depth] === nibble)
    branch.push(below.length === 0 ? '0x' : reference(node(below, depth + 1)))
  }
  branch.push(leaves.find(({ path }) => path.length === depth)?.value ?? '0x')
  return branch
}

/** A node below another: itself where it is short, else its hash. */
function reference(below: RlpStructuredData): RlpStructuredData {
  const encoded = encodeRlp(below)
  return encoded.length - 2 < 64 ? below : keccak256(encoded)
}

/** Half-bytes packed with the flag that tells a leaf and an odd count. */
function packPath(path: readonly number[], leaf: boolean): string {
  const odd = path.length % 2
  const nibbles = [(leaf ? 2 : 0) + odd, ...(odd === 1 ? [] : [0]), ...path]
  const bytes = new Uint8Array(nibbles.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = nibbles[2 * i] * 16 + nibbles[2 * i + 1]
  return concat([bytes])
}
