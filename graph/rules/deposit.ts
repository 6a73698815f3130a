import { type Amount, ZERO } from '../amount.ts'
import {
  type AccountTransaction,
  type Asset,
  type Chain,
  NATIVE,
  type Transaction,
  type UtxoTransaction,
} from '../ledger.ts'
import { commonInputs, inputAddresses } from './common-input.ts'

/** What a deposit account must do, in whole numbers. Sources: DOMAIN A6 (Victor 2020, etherclust) and A7. */
export interface DepositParameters {
  /** Of a hundred outgoing transfers, at least so many go to wallets of the one service. */
  readonly outgoingPerHundredMin: number
  /** Of a thousand units held, at least so many leave in a sweep. */
  readonly sweptPerThousandMin: number
  /**
   * A sweep follows the newest payment it carries within so many seconds. The newest, because a service waits until a
   * balance is worth its gas: real deposit accounts gather small payments for days and are swept hours after the last.
   */
  readonly gapSecondsMax: number
  readonly sweepsMin: number
  /**
   * On UTXO chains: so many addresses at least are spent together in the consolidations (all of them, not each). High, because
   * a person who empties a wallet into the service does the same with fewer.
   */
  readonly consolidatedMin: number
  /** From so many distinct payers on it may be a payment processor or a service within the service: held apart. */
  readonly payersMax: number
  /** Of the chain's own coin so many base units may stay behind, for the next sweep's gas; by chain, otherwise none. */
  readonly coinLeftMax: Readonly<Record<Chain, Amount>>
}

export const DEPOSIT_PARAMETERS: DepositParameters = {
  outgoingPerHundredMin: 95,
  sweptPerThousandMin: 999,
  gapSecondsMax: 86_400,
  sweepsMin: 2,
  consolidatedMin: 50,
  payersMax: 100,
  coinLeftMax: { ethereum: 10_000_000_000_000_000n, 'eip155:1': 10_000_000_000_000_000n },
}

/** A leg of the evidence: an output (UTXO chains) or a transfer, by its place in the transaction. */
export interface DepositPayment {
  readonly transaction: string
  readonly place: number
  readonly amount: Amount
  /** Seconds since the epoch; undefined where the transaction itself was not seen. */
  readonly time: number | undefined
  /** Who paid in, or who was paid; null where no address is known. */
  readonly counterparty: string | null
}

/** Payments in, and the payment that carried them to the service. */
export interface Sweep {
  readonly asset: Asset
  readonly paidIn: readonly DepositPayment[]
  readonly paidOut: DepositPayment
  /** Held when the sweep came, and how much of it left (the sweep and its own fee). */
  readonly held: Amount
  readonly left: Amount
  /** Seconds from the newest payment in to the sweep; undefined where a payment's time is not known. */
  readonly delay: number | undefined
}

/**
 * Why the account is the service's: `sweep`, its balance goes to the service each time (account chains); `consolidation`, its outputs are
 * spent with others' into the service's wallets; `clusterDefiner`, they are spent beside those of a tagged wallet.
 */
export type DepositBasis = 'sweep' | 'consolidation' | 'clusterDefiner'

/** An account in a service's hands for one customer. A payment into it is the endpoint, before the sweep (DESIGN decision 11). */
export interface DepositAccount {
  readonly chain: Chain
  readonly address: string
  readonly entity: string
  readonly basis: DepositBasis
  readonly sweeps: readonly Sweep[]
  /** Received and swept in all, for each asset that was swept; sorted by asset. */
  readonly shares: readonly { readonly asset: Asset; readonly received: Amount; readonly swept: Amount }[]
  readonly reasons: readonly string[]
}

/** An account that sends to a service and is not said to be its deposit account, and why. */
export interface HeldApart {
  readonly chain: Chain
  readonly address: string
  readonly entities: readonly string[]
  readonly reasons: readonly string[]
}

export interface DepositFindings {
  readonly accounts: readonly DepositAccount[]
  readonly heldApart: readonly HeldApart[]
  readonly parameters: DepositParameters
}

/** What the rules ask of the world. Tags decide; the rule only follows sweeps into what is tagged. */
export interface DepositQuestions {
  /** The entity whose wallet the address is at that time (seconds since the epoch); undefined where no tag says so. */
  readonly entityOf: (chain: Chain, address: string, time: number) => string | undefined
  /** Whether code lies at the address. Left out: not known, and the findings say so. */
  readonly isContract?: (chain: Chain, address: string) => boolean
}

function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Chain order; what has no height stands after all that has one, by time and then id. */
function inOrder<T extends Transaction>(transactions: readonly T[]): T[] {
  return [...transactions].sort((one, other) => {
    const height = (one.height ?? Number.POSITIVE_INFINITY) - (other.height ?? Number.POSITIVE_INFINITY)
    if (height < 0 || height > 0) return height
    const index = one.height === undefined ? 0 : (one.index ?? 0) - (other.index ?? 0)
    return index || one.time - other.time || byText(one.id, other.id)
  })
}

/**
 * Finds deposit accounts among all addresses that pay a tagged service in these transactions. The transactions should
 * hold the whole history of an address that is asked about: what is not seen can neither acquit nor convict. Each transaction
 * counts once, however often it is given. Answers are sorted by chain and address.
 *
 * Fails where a person keeps a wallet only to forward everything to the service's tagged wallet, and on UTXO chains where
 * a person empties very many addresses into it: such a wallet looks like an account there. The sweeps listed are the
 * evidence to look at, and the validation table counts both failures.
 */
export function findDepositAccounts(
  transactions: readonly Transaction[],
  questions: DepositQuestions,
  parameters: DepositParameters = DEPOSIT_PARAMETERS,
): DepositFindings {
  const unique = new Map<string, Transaction>()
  for (const each of transactions) unique.set(`${each.chain} ${each.id} ${each.height ?? ''}`, each)
  const accounts: DepositAccount[] = []
  const heldApart: HeldApart[] = []
  const byChain = new Map<Chain, Transaction[]>()
  for (const each of unique.values()) {
    const own = byChain.get(each.chain)
    if (own) own.push(each)
    else byChain.set(each.chain, [each])
  }
  for (const [chain, own] of [...byChain].sort(([one], [other]) => byText(one, other))) {
    const moving = own.filter((each) => each.kind === 'account')
    const spending = own.filter((each) => each.kind === 'utxo')
    for (const found of [
      ...sweepers(chain, inOrder(moving), questions, parameters),
      ...consolidated(chain, inOrder(spending), questions, parameters),
    ]) {
      if ('basis' in found) accounts.push(found)
      else heldApart.push(found)
    }
  }
  return { accounts, heldApart, parameters }
}

/** One side of one transfer, as an account sees it; or its fee, whose other side is nobody. */
interface Event {
  readonly kind: 'in' | 'out' | 'fee'
  readonly transaction: AccountTransaction
  readonly place: number
  readonly asset: Asset
  readonly amount: Amount
  readonly other: string | null
  /** The service behind the other side, if tagged. */
  readonly entity: string | undefined
}

function historiesOf(
  chain: Chain,
  transactions: readonly AccountTransaction[],
  { entityOf }: DepositQuestions,
): Map<string, Event[]> {
  const histories = new Map<string, Event[]>()
  const note = (address: string, event: Event): void => {
    const events = histories.get(address)
    if (events) events.push(event)
    else histories.set(address, [event])
  }
  for (const transaction of transactions) {
    const { fee, status, transfers, time } = transaction
    // The fee stands before the transfers, so that a sweep of the coin finds what its fee left of it.
    if (fee && fee.amount > ZERO) {
      const { from, amount } = fee
      note(from, { kind: 'fee', transaction, place: -1, asset: NATIVE, amount, other: null, entity: undefined })
    }
    if (status === 'failed') continue
    for (const { index, asset, from, to, amount } of transfers) {
      if (amount === ZERO || from === to) continue
      const leg = { transaction, place: index, asset, amount }
      note(from, { ...leg, kind: 'out', other: to, entity: entityOf(chain, to, time) })
      note(to, { ...leg, kind: 'in', other: from, entity: entityOf(chain, from, time) })
    }
  }
  return histories
}

function sweepers(
  chain: Chain,
  transactions: readonly AccountTransaction[],
  questions: DepositQuestions,
  parameters: DepositParameters,
): (DepositAccount | HeldApart)[] {
  const found: (DepositAccount | HeldApart)[] = []
  const histories = historiesOf(chain, transactions, questions)
  for (const [address, events] of [...histories].sort(([one], [other]) => byText(one, other))) {
    if (!events.some(({ kind, entity }) => kind === 'out' && entity !== undefined)) continue
    // What a tag already names needs no rule; the tag decides.
    if (events.some(({ transaction }) => questions.entityOf(chain, address, transaction.time) !== undefined)) continue
    const judged = judgeSweeper(chain, address, events, questions, parameters)
    if (judged) found.push(judged)
  }
  return found
}

function judgeSweeper(
  chain: Chain,
  address: string,
  events: readonly Event[],
  { isContract }: DepositQuestions,
  parameters: DepositParameters,
): DepositAccount | HeldApart | undefined {
  const outgoing = events.filter(({ kind }) => kind === 'out')
  const entities = [...new Set(outgoing.flatMap(({ entity }) => entity ?? []))].sort(byText)
  const [entity] = entities
  const against: string[] = []
  if (entities.length > 1) against.push(`it pays ${entities.length} services: ${entities.join(', ')}`)
  if (isContract?.(chain, address)) against.push('it is a contract')
  const toService = outgoing.filter((event) => event.entity === entity).length
  if (toService * 100 < outgoing.length * parameters.outgoingPerHundredMin) {
    against.push(`it also pays others: ${outgoing.length - toService} of ${outgoing.length} outgoing transfers`)
  }
  const fromService = events.filter((event) => event.kind === 'in' && event.asset !== NATIVE && event.entity === entity)
  if (fromService.length > 0) {
    against.push(`${entity} pays tokens to it, as to a customer’s own wallet: ${fromService[0].transaction.id}`)
  }
  const payers = new Set(events.flatMap((event) => (event.kind === 'in' && event.asset !== NATIVE ? event.other! : [])))
    .size
  if (payers >= parameters.payersMax) {
    against.push(`${payers} payers, as a payment processor or a service within the service has`)
  }
  const { sweeps, partial, late } = sweepsOf(chain, events, entity, parameters)
  // A customer who pays the service and keeps the rest never looked like an account there.
  if (sweeps.length + late === 0) return undefined
  if (sweeps.length < parameters.sweepsMin) {
    against.push(`${sweeps.length} full sweeps in time, of ${parameters.sweepsMin} needed; ${late} came later`)
  }
  const all = sweeps.length + partial + late
  if ((sweeps.length + late) * 100 < all * parameters.outgoingPerHundredMin) {
    against.push(`of ${all} transfers to ${entity}, ${partial} left part of the balance`)
  }
  if (against.length > 0) return { chain, address, entities, reasons: against }
  return {
    chain,
    address,
    entity,
    basis: 'sweep',
    sweeps,
    shares: sharesOf(events, sweeps),
    reasons: [
      `${toService} of ${outgoing.length} outgoing transfers go to tagged wallets of ${entity}`,
      `${sweeps.length} sweeps, each at least ${parameters.sweptPerThousandMin} of 1000 of the balance`,
      `each within ${parameters.gapSecondsMax} seconds of the newest payment it carries${late > 0 ? `; ${late} more came later` : ''}`,
      isContract ? 'it is no contract' : 'whether it is a contract was not known',
    ],
  }
}

/**
 * Walks the account's events and tells the full and timely sweeps from payments of a part and from late ones. A payment of more than was seen
 * coming in proves nothing and counts as of a part.
 */
function sweepsOf(
  chain: Chain,
  events: readonly Event[],
  entity: string,
  parameters: DepositParameters,
): { sweeps: Sweep[]; partial: number; late: number } {
  const sweeps: Sweep[] = []
  let partial = 0
  let late = 0
  const books = new Map<Asset, { held: Amount; pending: DepositPayment[] }>()
  let fee: { readonly of: AccountTransaction; readonly amount: Amount } | undefined
  for (const { kind, transaction, place, asset, amount, other, entity: payee } of events) {
    let book = books.get(asset)
    if (book === undefined) books.set(asset, (book = { held: ZERO, pending: [] }))
    const leg: DepositPayment = {
      transaction: transaction.id,
      place,
      amount,
      time: transaction.time,
      counterparty: other,
    }
    if (kind === 'in') {
      book.held += amount
      book.pending.push(leg)
      continue
    }
    const paid = book.held
    book.held = paid > amount ? paid - amount : ZERO
    if (kind === 'fee') {
      fee = { of: transaction, amount }
      continue
    }
    const { pending } = book
    // What an emptied account received before is gone, whoever took it.
    if (book.held === ZERO) book.pending = []
    if (payee !== entity) continue
    // A sweep of the coin took its fee with it.
    const ownFee = asset === NATIVE && fee?.of === transaction ? fee.amount : ZERO
    const held = paid + ownFee
    const left = amount + ownFee
    const rest = held - left
    const coinLeft = asset === NATIVE ? (parameters.coinLeftMax[chain] ?? ZERO) : ZERO
    const isWhole = rest >= ZERO && (left * 1000n >= held * BigInt(parameters.sweptPerThousandMin) || rest <= coinLeft)
    if (!isWhole || pending.length === 0) {
      partial++
      continue
    }
    const delay = transaction.time - pending[pending.length - 1].time!
    if (delay > parameters.gapSecondsMax || delay < 0) late++
    else sweeps.push({ asset, paidIn: pending, paidOut: leg, held, left, delay })
    book.pending = []
  }
  return { sweeps, partial, late }
}

function sharesOf(events: readonly Event[], sweeps: readonly Sweep[]): DepositAccount['shares'] {
  const assets = [...new Set(sweeps.map(({ asset }) => asset))].sort(byText)
  return assets.map((asset) => {
    let received = ZERO
    let swept = ZERO
    for (const event of events) if (event.kind === 'in' && event.asset === asset) received += event.amount
    for (const sweep of sweeps) if (sweep.asset === asset) swept += sweep.paidOut.amount
    return { asset, received, swept }
  })
}

/** One spend of an address on a UTXO chain, and what it says. */
interface Spend {
  readonly transaction: UtxoTransaction
  /** The service whose wallets all outputs are (and no other's). */
  readonly into: string | undefined
  /** The service whose tagged address is spent beside this one. */
  readonly beside: string | undefined
  /** Whether common inputs may be said of it at all. */
  readonly isJoint: boolean
}

function consolidated(
  chain: Chain,
  transactions: readonly UtxoTransaction[],
  questions: DepositQuestions,
  parameters: DepositParameters,
): (DepositAccount | HeldApart)[] {
  const made = new Map(transactions.map((each) => [each.id, each]))
  const receivedBy = new Map<string, Amount>()
  for (const { outputs } of transactions) {
    for (const { address, amount } of outputs) {
      if (address !== null) receivedBy.set(address, (receivedBy.get(address) ?? ZERO) + amount)
    }
  }
  const spends = new Map<string, Spend[]>()
  const named = new Set<string>()
  for (const transaction of transactions) {
    const addresses = inputAddresses(transaction)
    if (addresses.length === 0) continue
    const spend = readSpend(chain, transaction, addresses, questions)
    for (const address of addresses) {
      if (questions.entityOf(chain, address, transaction.time) !== undefined) named.add(address)
      const own = spends.get(address)
      if (own) own.push(spend)
      else spends.set(address, [spend])
    }
  }
  const groupOf = groupsOf(spends)
  const found: (DepositAccount | HeldApart)[] = []
  for (const [address, own] of [...spends].sort(([one], [other]) => byText(one, other))) {
    if (named.has(address)) continue
    const judged = judgeConsolidated(chain, address, own, groupOf, made, receivedBy, parameters)
    if (judged) found.push(judged)
  }
  return found
}

function readSpend(
  chain: Chain,
  transaction: UtxoTransaction,
  addresses: readonly string[],
  { entityOf }: DepositQuestions,
): Spend {
  const only = (entities: readonly (string | undefined)[]): string | undefined =>
    entities.length > 0 && entities.every((each) => each === entities[0]) ? entities[0] : undefined
  const paid = transaction.outputs
    .filter(({ amount }) => amount > ZERO)
    .map(({ address }) => (address === null ? undefined : entityOf(chain, address, transaction.time)))
  const tagged = addresses.flatMap((address) => entityOf(chain, address, transaction.time) ?? [])
  return {
    transaction,
    into: only(paid),
    beside: only(tagged),
    isJoint: commonInputs(transaction, true)?.joined !== undefined,
  }
}

/** The service whose hand made the spend, as far as it says. */
function entityOfSpend({ isJoint, into, beside }: Spend): string | undefined {
  return isJoint ? (beside ?? into) : undefined
}

/** How many transactions into one service hang together by the addresses they spend, and how many addresses those are. */
interface Group {
  readonly transactions: number
  readonly addresses: number
}

/**
 * Answers with the group around some spends: those transactions, and the others into the same service that spend an address of theirs.
 * Thousands of addresses swept by one transaction ask the same question, so it is answered once.
 */
function groupsOf(all: ReadonlyMap<string, readonly Spend[]>): (good: readonly Spend[]) => Group {
  const known = new Map<string, Group>()
  return (good) => {
    const key = good.map(({ transaction }) => transaction.id).join(' ')
    let group = known.get(key)
    if (group === undefined) {
      const transactions = new Set<UtxoTransaction>()
      for (const spend of good) {
        for (const address of inputAddresses(spend.transaction)) {
          for (const other of all.get(address)!) {
            if (entityOfSpend(other) === entityOfSpend(spend)) transactions.add(other.transaction)
          }
        }
      }
      const addresses = new Set([...transactions].flatMap(inputAddresses))
      known.set(key, (group = { transactions: transactions.size, addresses: addresses.size }))
    }
    return group
  }
}

function judgeConsolidated(
  chain: Chain,
  address: string,
  own: readonly Spend[],
  groupOf: (good: readonly Spend[]) => Group,
  made: ReadonlyMap<string, UtxoTransaction>,
  receivedBy: ReadonlyMap<string, Amount>,
  parameters: DepositParameters,
): DepositAccount | HeldApart | undefined {
  const entities = [...new Set(own.flatMap(({ into, beside }) => [into ?? [], beside ?? []].flat()))].sort(byText)
  if (entities.length === 0) return undefined
  const [entity] = entities
  const against: string[] = []
  if (entities.length > 1) against.push(`it is spent into ${entities.length} services: ${entities.join(', ')}`)
  const good = own.filter((spend) => entityOfSpend(spend) === entity)
  if (good.length * 100 < own.length * parameters.outgoingPerHundredMin) {
    against.push(`${own.length - good.length} of ${own.length} spends pay others, or are not joint spends`)
  }
  const definers = good.filter(({ beside }) => beside === entity)
  const group = groupOf(good)
  if (definers.length === 0 && group.transactions < parameters.sweepsMin) {
    against.push(`${group.transactions} consolidations into ${entity}, of ${parameters.sweepsMin} needed`)
  }
  if (definers.length === 0 && group.addresses < parameters.consolidatedMin) {
    against.push(`${group.addresses} addresses consolidated together, of ${parameters.consolidatedMin} needed`)
  }
  if (against.length > 0) return { chain, address, entities, reasons: against }
  const sweeps = good.map(({ transaction }) => utxoSweep(address, transaction, made))
  let swept = ZERO
  for (const sweep of sweeps) swept += sweep.left
  const received = receivedBy.get(address) ?? ZERO
  return {
    chain,
    address,
    entity,
    basis: definers.length > 0 ? 'clusterDefiner' : 'consolidation',
    sweeps,
    // What was received outside the data was still received.
    shares: [{ asset: NATIVE, received: received > swept ? received : swept, swept }],
    reasons: [
      definers.length > 0
        ? `spent beside a tagged address of ${entity} in ${definers.map(({ transaction }) => transaction.id).join(', ')}`
        : `${group.transactions} transactions spend it, or addresses spent with it (${group.addresses} in all), wholly into tagged wallets of ${entity}`,
      `${good.length} of ${own.length} spends; none is a CoinJoin or might have two payers`,
    ],
  }
}

function utxoSweep(address: string, transaction: UtxoTransaction, made: ReadonlyMap<string, UtxoTransaction>): Sweep {
  const paidIn: DepositPayment[] = []
  let held = ZERO
  for (const input of transaction.inputs) {
    if (input.address !== address) continue
    const parent = made.get(input.transaction)
    held += input.amount
    paidIn.push({
      transaction: input.transaction,
      place: input.output,
      amount: input.amount,
      time: parent?.time,
      counterparty: parent?.inputs.find((each) => each.address !== null)?.address ?? null,
    })
  }
  const place = transaction.outputs.findIndex(({ amount }) => amount > ZERO)
  const output = transaction.outputs[place]
  const times = paidIn.flatMap(({ time }) => time ?? [])
  return {
    asset: NATIVE,
    paidIn,
    paidOut: {
      transaction: transaction.id,
      place,
      amount: output?.amount ?? ZERO,
      time: transaction.time,
      counterparty: output?.address ?? null,
    },
    held,
    left: held,
    delay: times.length === paidIn.length && times.length > 0 ? transaction.time - Math.max(...times) : undefined,
  }
}

/** When an untagged address has so much company that value passing through it would be mixed with many others'. */
export interface HubParameters {
  /** So many different counterparties alone are enough … */
  readonly counterpartiesMin: number
  /** … or so many payers and so many payees, at work in so many hours of the day (UTC). Nested services, DOMAIN 5.2. */
  readonly payersMin: number
  readonly payeesMin: number
  readonly hoursMin: number
}

export const HUB_PARAMETERS: HubParameters = { counterpartiesMin: 1_000, payersMin: 100, payeesMin: 100, hoursMin: 20 }

export interface HubVerdict {
  readonly isHub: boolean
  readonly payers: number
  readonly payees: number
  readonly counterparties: number
  /** Of the 24 hours of a day (UTC), in how many it was ever at work. */
  readonly hours: number
  readonly reasons: readonly string[]
  readonly parameters: HubParameters
}

/**
 * Whether an untagged address looks like a service: the trace stops there, says so and counts the amount. Counts only the transactions
 * given, so it can only fall short. All payers of one UTXO transaction count as one, for they are one hand or a
 * CoinJoin. Fails on airdrop senders and on popular donation addresses, which is why it is a gap and never a tag.
 */
export function looksLikeService(
  address: string,
  transactions: readonly Transaction[],
  parameters: HubParameters = HUB_PARAMETERS,
): HubVerdict {
  const payers = new Set<string>()
  const payees = new Set<string>()
  const hours = new Set<number>()
  for (const transaction of transactions) {
    const takesPart =
      transaction.kind === 'account'
        ? countAccount(address, transaction, payers, payees)
        : countUtxo(address, transaction, payers, payees)
    if (takesPart) hours.add(Math.floor(transaction.time / 3600) % 24)
  }
  const counterparties = new Set([...payers, ...payees]).size
  const reasons: string[] = []
  if (counterparties >= parameters.counterpartiesMin) reasons.push(`${counterparties} different counterparties`)
  if (payers.size >= parameters.payersMin && payees.size >= parameters.payeesMin && hours.size >= parameters.hoursMin) {
    reasons.push(`${payers.size} payers, ${payees.size} payees, at work in ${hours.size} of 24 hours`)
  }
  return {
    isHub: reasons.length > 0,
    payers: payers.size,
    payees: payees.size,
    counterparties,
    hours: hours.size,
    reasons,
    parameters,
  }
}

/** Adds the other sides of the address's transfers; whether there were any. */
function countAccount(
  address: string,
  { status, transfers }: AccountTransaction,
  payers: Set<string>,
  payees: Set<string>,
): boolean {
  if (status === 'failed') return false
  let takesPart = false
  for (const { from, to, amount } of transfers) {
    if (amount === ZERO || from === to || (from !== address && to !== address)) continue
    if (to === address) payers.add(from)
    else payees.add(to)
    takesPart = true
  }
  return takesPart
}

function countUtxo(address: string, transaction: UtxoTransaction, payers: Set<string>, payees: Set<string>): boolean {
  const spenders = inputAddresses(transaction)
  if (spenders.includes(address)) {
    for (const { address: payee, amount } of transaction.outputs) {
      if (payee !== null && amount > ZERO && !spenders.includes(payee)) payees.add(payee)
    }
    return true
  }
  if (!transaction.outputs.some((each) => each.address === address && each.amount > ZERO)) return false
  if (spenders.length > 0) payers.add(spenders.reduce((smallest, each) => (each < smallest ? each : smallest)))
  return true
}
