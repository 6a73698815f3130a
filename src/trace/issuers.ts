/**
 * What issuers of stablecoins did to accounts, out of their contracts' own logs: frozen, unfrozen, destroyed. Facts on holdings at a
 * position in the chain; they move nothing in a trace, and say nothing about the holder.
 */
import { address as base58 } from 'bitcoinjs-lib'
import type { Amount, Asset, Chain } from '../../graph/index.ts'
import { canonicalAddress, isEvmChain } from '../chains/address.ts'
import { Fault } from '../faults.ts'
import { readTagData } from '../tags/categories.ts'

export type IssuerActKind = 'frozen' | 'unfrozen' | 'destroyed'

/** A contract's log as nodes give it, its place proved by whoever fetched it. Topics and data are 0x and hexadecimal digits. */
export interface ContractLog {
  readonly chain: Chain
  /** The contract, in the chain's writing. */
  readonly contract: string
  readonly topics: readonly string[]
  readonly data: string
  readonly transaction: string
  readonly logIndex: number
  readonly height: number
  readonly time: number
}

/** What an issuer did, to whom, where. */
export interface IssuerAct {
  readonly kind: IssuerActKind
  readonly issuer: string
  readonly symbol: string
  readonly chain: Chain
  /** The token: the contract. */
  readonly asset: Asset
  /** The account it was done to. */
  readonly address: string
  /** Destroyed units; undefined for the others. */
  readonly amount: Amount | undefined
  readonly transaction: string
  readonly logIndex: number
  readonly height: number
  readonly time: number
}

/** How an account stands with a token's issuer. */
export interface IssuerStanding {
  readonly chain: Chain
  readonly asset: Asset
  readonly address: string
  readonly frozen: boolean
  /** The act that made it so; undefined where nothing was ever done. */
  readonly since: IssuerAct | undefined
  /** Units destroyed in all. */
  readonly destroyed: Amount
  readonly acts: readonly IssuerAct[]
}

interface Event {
  readonly event: string
  readonly topic: string
  readonly act: IssuerActKind
  readonly indexed: boolean
}

const file = readTagData('issuers.json') as {
  readonly contracts: readonly {
    readonly issuer: string
    readonly symbol: string
    readonly chain: Chain
    readonly address: string
    readonly family: string
  }[]
  readonly families: Readonly<Record<string, readonly Event[]>>
}
const contracts = new Map(file.contracts.map((each) => [`${each.chain} ${each.address}`, each]))

/** The contracts and events that are known, for whoever asks a node for logs. */
export const ISSUER_CONTRACTS = file.contracts
export const ISSUER_EVENTS = file.families

/**
 * The issuer's act that a log says, or undefined where it is none: another contract, another event. Fault `SOURCE_CONTRADICTS` for a log
 * of a known contract and event whose words are not what the event has: whoever gave it did not give it whole.
 */
export function decodeIssuerLog(log: ContractLog): IssuerAct | undefined {
  const contract = contracts.get(`${log.chain} ${canonicalAddress(log.chain, log.contract) ?? ''}`)
  const event = contract && file.families[contract.family].find(({ topic }) => topic === log.topics[0]?.toLowerCase())
  if (contract === undefined || event === undefined) return undefined
  const wrong = (what: string): Fault =>
    new Fault('SOURCE_CONTRADICTS', `log ${log.logIndex} of ${log.transaction}: ${event.event}: ${what}`)
  const words = [...(event.indexed ? log.topics.slice(1) : []), ...readWords(log.data, wrong)]
  const wanted = event.act === 'destroyed' ? 2 : 1
  if (words.length !== wanted || log.topics.length !== (event.indexed ? 2 : 1)) {
    throw wrong(`${wanted} words are wanted, ${words.length} came`)
  }
  const [account, units] = words
  if (!/^(?:0x)?0{24}[0-9a-f]{40}$/i.test(account)) throw wrong('the first word is no account')
  return {
    kind: event.act,
    ...{ issuer: contract.issuer, symbol: contract.symbol, chain: log.chain, asset: contract.address },
    address: writeAccount(log.chain, account.slice(-40)),
    amount: units === undefined ? undefined : BigInt(`0x${units}`),
    ...{ transaction: log.transaction, logIndex: log.logIndex, height: log.height, time: log.time },
  }
}

function readWords(data: string, wrong: (what: string) => Fault): string[] {
  const digits = data.replace(/^0x/, '')
  if (!/^[0-9a-fA-F]*$/.test(digits) || digits.length % 64 !== 0) throw wrong('the data is not whole words')
  return digits.match(/.{64}/g) ?? []
}

/** Twenty bytes as the chain writes an account. */
function writeAccount(chain: Chain, digits: string): string {
  const written = isEvmChain(chain)
    ? `0x${digits.toLowerCase()}`
    : base58.toBase58Check(Buffer.from(digits, 'hex'), 0x41)
  const canonical = canonicalAddress(chain, written)
  if (canonical === undefined) throw new Fault('SOURCE_CONTRADICTS', `${digits} is no ${chain} account`)
  return canonical
}

/**
 * How an account stands as of a time (seconds since the epoch, inclusive): acts in the order of the chain, the last freeze or unfreeze
 * decides. The acts may come in any order and more than once.
 */
export function standingOf(
  acts: Iterable<IssuerAct>,
  of: { readonly chain: Chain; readonly asset: Asset; readonly address: string },
  time: number = Number.POSITIVE_INFINITY,
): IssuerStanding {
  const own = new Map<string, IssuerAct>()
  for (const act of acts) {
    if (act.chain !== of.chain || act.asset !== of.asset || act.address !== of.address || act.time > time) continue
    own.set(`${act.transaction} ${act.logIndex}`, act)
  }
  const ordered = [...own.values()].sort((a, b) => a.height - b.height || a.logIndex - b.logIndex)
  const since = ordered.findLast(({ kind }) => kind !== 'destroyed')
  const destroyed = ordered.reduce<Amount>((sum, act) => sum + (act.amount ?? 0n), 0n)
  return {
    ...{ chain: of.chain, asset: of.asset, address: of.address, since },
    frozen: since?.kind === 'frozen',
    destroyed,
    acts: ordered,
  }
}
