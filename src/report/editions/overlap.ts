/** The same value claimed in two cases: found row by row where both bundles are at hand, or by commitments where they are not. */
import { createHmac } from 'node:crypto'
import { Fault } from '../../faults.ts'
import type { Report } from '../format.ts'

export interface Overlap {
  readonly kind: 'endpoint' | 'holding' | 'seed' | 'seedAlongTheWay'
  readonly chain: string
  readonly asset: string
  /** `<txid>:<place>` or an address. */
  readonly where: string
  readonly first: { readonly row: string; readonly claimed: string }
  readonly second: { readonly row: string; readonly claimed: string }
  /** What there is in all; null where a seed's payment is compared. */
  readonly amount: string | null
  /** By how much both claims together exceed it: value counted twice for certain. Zero: both may stand beside each other. */
  readonly excess: string
}

const primaryOf = (report: Report): string => (report.request.method as { primary: string }).primary

/** What two reports claim of the same payments and balances, each under its own primary method, in the order of the first. */
export function findOverlaps(first: Report, second: Report): Overlap[] {
  const found: Overlap[] = []
  const [a, b] = [primaryOf(first), primaryOf(second)]
  const compare = (kind: Overlap['kind'], left: readonly Claimed[], right: readonly Claimed[]) => {
    const others = new Map(right.map((row) => [row.key, row]))
    for (const row of left) {
      const other = others.get(row.key)
      if (other === undefined || row.claimed === 0n || other.claimed === 0n) continue
      const over = row.amount === null ? 0n : row.claimed + other.claimed - row.amount
      const [chain, asset, where] = JSON.parse(row.key) as [string, string, string]
      found.push({
        kind,
        chain,
        asset,
        where,
        first: { row: row.id, claimed: `${row.claimed}` },
        second: { row: other.id, claimed: `${other.claimed}` },
        amount: row.amount === null ? null : `${row.amount}`,
        excess: `${over > 0n ? over : 0n}`,
      })
    }
  }
  compare('endpoint', endpointClaims(first, a), endpointClaims(second, b))
  compare('holding', holdingClaims(first, a), holdingClaims(second, b))
  compare('seed', seedClaims(first), seedClaims(second))
  // One case's seed that another case's value passed through, or the other way round: the same coins under two names.
  compare('seedAlongTheWay', seedTransactions(first), wayClaims(second))
  compare('seedAlongTheWay', wayClaims(first), seedTransactions(second))
  return found
}

interface Claimed {
  readonly key: string
  readonly id: string
  readonly claimed: bigint
  readonly amount: bigint | null
}

const keyOf = (chain: string, asset: string, where: string): string => JSON.stringify([chain, asset, where])

function endpointClaims(report: Report, method: string): Claimed[] {
  return report.endpoints.map((row) => ({
    key: keyOf(row.chain, row.asset, `${row.transaction}:${row.output ?? row.transfer}`),
    id: row.id,
    claimed: BigInt(row.traced[method]?.total ?? '0'),
    amount: BigInt(row.amount),
  }))
}

function holdingClaims(report: Report, method: string): Claimed[] {
  return report.holdings.map((row) => ({
    key: keyOf(
      row.chain,
      row.asset,
      row.transaction === undefined ? (row.address ?? '') : `${row.transaction}:${row.output}`,
    ),
    id: row.id,
    claimed: BigInt(row.traced[method]?.total ?? '0'),
    amount: BigInt(row.amount),
  }))
}

function seedClaims(report: Report): Claimed[] {
  return report.seeds.map((row) => ({
    key: keyOf(row.chain, row.asset, `${row.transaction}:${row.output ?? row.transfer}`),
    id: row.id,
    claimed: BigInt(row.amount),
    amount: null,
  }))
}

/** Transactions that carried value on its way, apart from the seeds' own, which are compared as seeds. Steps name no leg. */
function wayClaims(report: Report): Claimed[] {
  const seeds = new Map(report.seeds.map((seed) => [seed.id, seed]))
  const own = new Set(report.seeds.map((row) => row.transaction))
  const sums = new Map<string, Claimed>()
  for (const path of report.paths) {
    const seed = seeds.get(path.seed)
    if (seed === undefined) continue
    for (const step of path.steps) {
      if (own.has(step.transaction)) continue
      const key = keyOf(seed.chain, seed.asset, step.transaction)
      const claimed = (sums.get(key)?.claimed ?? 0n) + BigInt(step.carried)
      sums.set(key, { key, id: path.id, claimed, amount: null })
    }
  }
  return [...sums.values()]
}

/** Seeds by transaction, to be held against what another case's value passed through. */
function seedTransactions(report: Report): Claimed[] {
  return report.seeds.map((row) => ({
    key: keyOf(row.chain, row.asset, row.transaction),
    id: row.id,
    claimed: BigInt(row.amount),
    amount: null,
  }))
}

export const COMMITMENT_SCHEMA = 'proceeds-commitment/1'

/** What a case names, hashed under a salt that two agencies share: equal names have equal hashes, and nothing else is said. */
export interface Commitment {
  readonly schema: typeof COMMITMENT_SCHEMA
  /** The first bytes of the salt's own hash: two commitments under different salts cannot be compared. */
  readonly saltCheck: string
  readonly addresses: readonly string[]
  readonly payments: readonly string[]
}

const SALT_BYTES_MIN = 32

/**
 * Commits to the addresses and payments of a case. Addresses are public, so whoever has the salt can try all of them: the salt
 * is a secret between the two agencies, new for each comparison. Fault USAGE for a short salt.
 */
export function commit(
  report: Report,
  salt: Uint8Array,
): { readonly commitment: Commitment; readonly own: ReadonlyMap<string, string> } {
  if (salt.length < SALT_BYTES_MIN)
    throw new Fault(
      'USAGE',
      `the salt has ${salt.length} bytes; at least ${SALT_BYTES_MIN} are wanted (openssl rand 32)`,
    )
  const hash = (kind: string, parts: readonly string[]) =>
    createHmac('sha256', salt)
      .update(JSON.stringify([kind, ...parts]))
      .digest('hex')
  const own = new Map<string, string>()
  const addresses = new Set<string>()
  const payments = new Set<string>()
  const method = primaryOf(report)
  const put = (set: Set<string>, key: string, name: string) => {
    set.add(key)
    own.set(key, name)
  }
  const claims = [...report.endpoints, ...report.holdings].filter((row) => (row.traced[method]?.total ?? '0') !== '0')
  for (const row of [...report.seeds, ...claims]) {
    if (row.address !== null) put(addresses, hash('address', [row.chain, row.address]), `${row.chain} ${row.address}`)
  }
  for (const row of [
    ...report.seeds,
    ...report.endpoints.filter((each) => (each.traced[method]?.total ?? '0') !== '0'),
  ]) {
    const where = `${row.transaction}:${row.output ?? row.transfer}`
    put(payments, hash('payment', [row.chain, row.asset, where]), `${row.chain} ${row.asset} ${where}`)
  }
  const commitment: Commitment = {
    schema: COMMITMENT_SCHEMA,
    saltCheck: createHmac('sha256', salt).update('proceeds-commitment').digest('hex').slice(0, 16),
    addresses: [...addresses].sort(),
    payments: [...payments].sort(),
  }
  return { commitment, own }
}

/** The hashes that both commitments hold. Faults: BUNDLE_INVALID for what is none, USAGE for two salts. */
export function compareCommitments(
  left: unknown,
  right: unknown,
): { readonly addresses: string[]; readonly payments: string[] } {
  const [a, b] = [proved(left), proved(right)]
  if (a.saltCheck !== b.saltCheck) throw new Fault('USAGE', 'the two commitments were made with different salts')
  const both = (x: readonly string[], y: readonly string[]) => {
    const set = new Set(y)
    return x.filter((each) => set.has(each))
  }
  return { addresses: both(a.addresses, b.addresses), payments: both(a.payments, b.payments) }
}

function proved(value: unknown): Commitment {
  const row = value as Partial<Commitment> | null
  const hashes = (list: unknown): boolean =>
    Array.isArray(list) && list.every((each) => typeof each === 'string' && /^[0-9a-f]{64}$/.test(each))
  if (
    typeof row !== 'object' ||
    row === null ||
    row.schema !== COMMITMENT_SCHEMA ||
    typeof row.saltCheck !== 'string' ||
    !hashes(row.addresses) ||
    !hashes(row.payments)
  ) {
    throw new Fault('BUNDLE_INVALID', `this is no ${COMMITMENT_SCHEMA}`)
  }
  return row as Commitment
}
