import type { Chain } from '../ledger.ts'

/** The kind of output script, as far as the form of its address tells. */
export type ScriptType = 'p2pkh' | 'p2sh' | 'p2wpkh' | 'p2wsh' | 'p2tr'

const BASE58_LEADS: Readonly<Record<string, { readonly p2pkh: string; readonly p2sh: string }>> = {
  bitcoin: { p2pkh: '1', p2sh: '3' },
  litecoin: { p2pkh: 'L', p2sh: '3M' },
  dogecoin: { p2pkh: 'D', p2sh: '9A' },
  'bitcoin-cash': { p2pkh: '1', p2sh: '3' },
  test: { p2pkh: 'mn', p2sh: '2Q' },
}

/**
 * Reads the script type from the address: a ledger carries addresses, not scripts, and every standard address form
 * names its script. `undefined` for no address (bare scripts, data) and for forms it does not know. The address is
 * trusted to be valid; its checksum was proved at the door.
 */
export function scriptTypeOf(chain: Chain, address: string | null): ScriptType | undefined {
  if (address === null) return undefined
  const segwit = /^(?:bc|tb|bcrt|ltc|tltc|rltc)1([qp])([a-z0-9]+)$/.exec(address)
  if (segwit) {
    // The body after the version: 32 characters of program and 6 of checksum for 20 bytes, 52 and 6 for 32.
    const bytes = segwit[2].length === 38 ? 20 : segwit[2].length === 58 ? 32 : 0
    if (segwit[1] === 'q') return bytes === 20 ? 'p2wpkh' : bytes === 32 ? 'p2wsh' : undefined
    return bytes === 32 ? 'p2tr' : undefined
  }
  const cash = /^(?:(?:bitcoincash|bchtest|bchreg):)?([qp])[a-z0-9]{41}$/.exec(address)
  if (cash) return cash[1] === 'q' ? 'p2pkh' : 'p2sh'
  const [, base, test] = /^([a-z]+(?:-cash)?)(-(?:testnet\d*|signet|regtest))?$/.exec(chain) ?? []
  const leads = test ? BASE58_LEADS.test : BASE58_LEADS[base ?? '']
  if (leads?.p2pkh.includes(address[0])) return 'p2pkh'
  if (leads?.p2sh.includes(address[0])) return 'p2sh'
  return undefined
}
