import { canonicalAddress, chainsOfAddress, explainAddress, isTronAddress } from '../chains/address.ts'
import { readTagData } from './categories.ts'

const file = readTagData('currencies.json') as {
  readonly networks: Readonly<Record<string, string>>
  readonly tokens: readonly string[]
}
const networks = new Map(Object.entries(file.networks).map(([code, chain]) => [code.toUpperCase(), chain]))
const tokens = new Set(file.tokens.map((code) => code.toUpperCase()))
const codes = new Map<string, string>()
for (const [code, chain] of Object.entries(file.networks)) if (!codes.has(chain)) codes.set(chain, code)

/** The chain that a currency or network code means; undefined where the code is a token's, which lives on several. */
export function chainOfCode(code: string): string | undefined {
  const upper = code.toUpperCase()
  if (tokens.has(upper)) return undefined
  return networks.get(upper) ?? (/^[a-z0-9][a-z0-9:_-]{0,63}$/i.test(code) ? code.toLowerCase() : undefined)
}

/** The code that tag packs use for a chain: `BTC` for bitcoin; the chain's own name where there is none. */
export function codeOfChain(chain: string): string {
  return codes.get(chain) ?? chain
}

/** An address placed on its chain, with a note where the source filed it under another. */
export interface PlacedAddress {
  readonly chain: string
  readonly address: string
  readonly note: string | undefined
}

/**
 * Places an address that a list files under a currency and perhaps a network. The network decides; then a chain's own
 * coin; for a token the address's own form does, where just one chain's checksum (or the EVM form) admits it, and
 * bitcoin before bitcoin-cash, whose old writing it shares (Omni). An address whose checksum proves it a TRON account is
 * one, whatever the list says: OFAC has filed one under bitcoin. Answers a sentence where it cannot be placed.
 */
export function placeAddress(
  text: string,
  filed: { readonly currency: string | undefined; readonly network: string | undefined },
): PlacedAddress | string {
  const code = filed.network ?? filed.currency
  if (code === undefined) return `the address ${JSON.stringify(text)} has neither a currency nor a network`
  const chain = chainOfCode(code)
  if (chain !== undefined) {
    const canonical = canonicalAddress(chain, text)
    if (canonical !== undefined && (chain === 'tron' || !isTronAddress(text))) {
      return { chain, address: canonical, note: undefined }
    }
    if (isTronAddress(text)) {
      return { chain: 'tron', address: text, note: `listed under ${code}; its checksum proves a TRON address` }
    }
    return explainAddress(chain, text)
  }
  // Bitcoin Cash's and Litecoin's old writings look like Bitcoin's; a list that means them says so.
  const found = chainsOfAddress(text).filter(
    (name) => name !== 'bitcoin-cash' && (name !== 'litecoin' || canonicalAddress(name, text) === text),
  )
  if (found.length === 1) {
    const [only] = found
    return { chain: only, address: canonicalAddress(only, text) as string, note: undefined }
  }
  return `${code} lives on several chains and ${JSON.stringify(text.slice(0, 128))} does not tell which; say network`
}
