import type { Holding } from '../format.ts'
import type { KnownBalance } from './case-file.ts'
import { readReportData } from './clocks.ts'
import type { Facts } from './facts.ts'

interface StablecoinsFile {
  readonly name: string
  readonly version: string
  readonly source: string
  readonly tokens: readonly {
    readonly chain: string
    readonly contract: string
    readonly symbol: string
    readonly decimals: number
    readonly issuer: string
  }[]
  readonly issuers: Readonly<Record<string, { readonly ko: string; readonly en: string }>>
}

export const STABLECOINS = readReportData('stablecoins.json') as StablecoinsFile

export type Stablecoin = StablecoinsFile['tokens'][number]

/** The token whose issuer can freeze an address, by chain and contract; hexadecimal addresses match in any case. */
export function stablecoinOf(chain: string, asset: string): Stablecoin | undefined {
  const wanted = asset.startsWith('0x') ? asset.toLowerCase() : asset
  return STABLECOINS.tokens.find(
    (token) =>
      token.chain === chain &&
      (token.contract.startsWith('0x') ? token.contract.toLowerCase() : token.contract) === wanted,
  )
}

/** A holding as a target of a freeze: what is traced, what lies there, and what a freeze of the whole would catch beside it. */
export interface Target {
  readonly holding: Holding
  readonly traced: string
  /** Base units; null where neither the ledger covers the address nor the case file says its balance. */
  readonly balance: { readonly units: string; readonly at: string; readonly source: string } | null
  /** balance − traced, never below zero; null with the balance. */
  readonly excess: string | null
  /** traced − balance where the value has moved on; null with the balance. */
  readonly missing: string | null
  readonly blacklisted: boolean | undefined
}

/** Whether an address is a target of its own: the trace's value rests there under the primary method. */
export function targetsOf(facts: Facts): Target[] {
  const targets: Target[] = []
  for (const holding of facts.report.holdings) {
    const traced = holding.traced[facts.primary]?.total ?? '0'
    if (traced === '0') continue
    const known = latestBalance(facts.caseFile.balances, holding)
    const ledger =
      holding.sink === 'holding'
        ? { units: holding.amount, at: snapshotTime(facts, holding.chain), source: 'ledger.ndjson.gz' }
        : null
    const balance = known === undefined ? ledger : { units: known.amount, at: known.at, source: known.source }
    const over = balance === null ? null : BigInt(balance.units) - BigInt(traced)
    targets.push({
      holding,
      traced,
      balance,
      excess: over === null ? null : (over > 0n ? over : 0n).toString(),
      missing: over === null ? null : (over < 0n ? -over : 0n).toString(),
      blacklisted: known?.blacklisted,
    })
  }
  return targets
}

function latestBalance(balances: readonly KnownBalance[], holding: Holding): KnownBalance | undefined {
  let latest: KnownBalance | undefined
  for (const each of balances) {
    if (each.chain !== holding.chain || each.asset !== holding.asset || each.address !== holding.address) continue
    if (latest === undefined || each.at > latest.at) latest = each
  }
  return latest
}

function snapshotTime(facts: Facts, chain: string): string {
  return facts.report.snapshots.find((row) => row.chain === chain)?.time ?? facts.asOf
}
