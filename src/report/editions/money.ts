import { formatAmount } from '../../../graph/index.ts'
import type { Cell } from './document.ts'
import type { Facts } from './facts.ts'
import { group, type Language, readable } from './words.ts'

type Assets = Pick<Facts, 'assetOf'>
type Asset = { readonly chain: string; readonly asset: string }

/** How an asset is called: its symbol where the ledger says one, otherwise the contract, otherwise the chain's coin. */
export function symbolOf(facts: Assets, { chain, asset }: Asset): string {
  return facts.assetOf(chain, asset)?.symbol ?? (asset === 'native' ? chain : asset)
}

/** The contract that an asset is, in words: a chain's own coin has none. */
export function contractOf(asset: string, language: Language): string {
  return asset === 'native'
    ? language === 'ko'
      ? '체인 고유 자산(계약 없음)'
      : 'the chain’s own coin, no contract'
    : asset
}

/** Base units as the asset's own decimals write them, exact, no commas; base units where the decimals are not known. */
export function displayUnits(facts: Assets, { chain, asset }: Asset, units: string): string {
  const decimals = facts.assetOf(chain, asset)?.decimals
  return decimals === undefined ? units : formatAmount(BigInt(units), decimals)
}

/** An amount for people: 330,743.165474 USDT. Where the decimals are not known it says that these are base units. */
export function money(facts: Assets, of: Asset, units: string): string {
  const decimals = facts.assetOf(of.chain, of.asset)?.decimals
  return decimals === undefined
    ? `${group(units)} base units of ${symbolOf(facts, of)}`
    : `${readable(units, decimals)} ${symbolOf(facts, of)}`
}

/** A figure of a table: the amount without its unit, and where it came from. A figure that was not computed is a dash. */
export function figureCell(facts: Assets, of: Asset, units: string | null, row: string, field: string): Cell {
  if (units === null) return { text: '–', align: 'right' }
  const decimals = facts.assetOf(of.chain, of.asset)?.decimals ?? 0
  return { text: readable(units, decimals), align: 'right', figure: { row, field, units } }
}
