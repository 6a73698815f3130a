import { readTagData } from './categories.ts'

/** Who an explorer's label names, as far as the data file knows. */
export interface NamedService {
  readonly entity: string
  readonly category: string
}

const file = readTagData('service-names.json') as {
  readonly wallet_words: readonly string[]
  readonly services: readonly (NamedService & { readonly names: readonly string[] })[]
}

const words = new Set(file.wallet_words)
const byName = new Map(
  file.services.flatMap(({ entity, category, names }) => names.map((name) => [name, { entity, category }] as const)),
)

/**
 * The service that an explorer's wallet label names: `Binance-Hot 2` is binance, `AscendEX (Bitmax)` is bitmax. The
 * whole of the label must be a known name and wallet words or numbers: `Fake_Binance` or `Binance Scammer` name nobody.
 */
export function serviceOfLabel(label: string): NamedService | undefined {
  const parts = label
    .toLowerCase()
    .replace(/\s*\([^()]*\)$/, '')
    .split(/[\s-]+/)
    .filter((part) => part !== '')
  while (parts.length > 1 && (words.has(parts[parts.length - 1]) || /^\d{1,4}$/.test(parts[parts.length - 1]))) {
    parts.pop()
  }
  return parts.length === 1 ? byName.get(parts[0]) : undefined
}
