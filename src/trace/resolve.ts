import type { Chain, SeedPlace, Transaction } from '../../graph/index.ts'
import { isUtxoChain } from '../../graph/index.ts'
import { Fault } from '../faults.ts'
import type { TagBook } from '../tags/tag.ts'
import { formatTime } from '../text.ts'
import type { Hands } from './hands.ts'
import type { ChainLedger } from './ledger.ts'
import type { AddressSeed, PaymentSeed, SeedClaim, TraceRequest } from './request.ts'

/** A payment that a seed names, found in the ledger. An address seed has one for each payment it received. */
export interface ResolvedSeed extends SeedPlace {
  readonly id: string
  readonly chain: Chain
  readonly asset: string
  readonly address: string | null
  readonly payment: Transaction
}

/** The category of buyers: they hold no proceeds, so their addresses are never seeds (DOMAIN.md 5.1). */
const BUYER = 'drug_sale/buyer_wallet'

/**
 * Finds every seed's payments. Faults: SEED_NOT_FOUND, SEED_EXCEEDS_PAYMENT, SEED_INSIDE_SERVICE, SEED_IS_BUYER; each says
 * which seed and what was looked for where.
 */
export function resolveSeeds(
  request: TraceRequest,
  ledgers: ReadonlyMap<Chain, ChainLedger>,
  book: TagBook,
  hands: Hands,
): ResolvedSeed[] {
  const numbers = new Map<Chain, Map<string, number>>()
  const receipts = findReceipts(request.seeds, ledgers)
  const found: ResolvedSeed[] = []
  request.seeds.forEach((claim, seed) => {
    const ledger = ledgers.get(claim.chain)
    if (ledger === undefined || ledger.transactions.length === 0) {
      const chains = [...ledgers.keys()].join(', ') || 'none'
      throw new Fault(
        'SEED_NOT_FOUND',
        `seed ${claim.id}: the ledger has no ${claim.chain} transactions (chains it has: ${chains})`,
      )
    }
    let byId = numbers.get(claim.chain)
    if (byId === undefined) {
      byId = new Map(ledger.transactions.map((transaction, i) => [transaction.id, i]))
      numbers.set(claim.chain, byId)
    }
    const places =
      claim.kind === 'payment' ? [findPayment(claim, seed, ledger, byId)] : receivedBy(claim, seed, ledger, receipts)
    for (const place of places) {
      refuseService(claim, place, book, hands)
      found.push(place)
    }
  })
  return found
}

function findPayment(
  claim: PaymentSeed,
  seed: number,
  ledger: ChainLedger,
  byId: ReadonlyMap<string, number>,
): ResolvedSeed {
  const number = byId.get(claim.transaction) ?? byId.get(claim.transaction.toLowerCase())
  if (number === undefined) {
    throw new Fault(
      'SEED_NOT_FOUND',
      `seed ${claim.id}: transaction ${claim.transaction} is not among the ledger’s ${claim.chain} transactions`,
    )
  }
  const payment = ledger.transactions[number]
  const leg = legOf(claim, payment)
  if (claim.amount !== undefined && claim.amount > leg.amount) {
    throw new Fault(
      'SEED_EXCEEDS_PAYMENT',
      `seed ${claim.id}: claims ${claim.amount} of a payment of ${leg.amount} base units`,
    )
  }
  return {
    seed,
    id: claim.id,
    chain: claim.chain,
    asset: leg.asset,
    address: leg.address,
    transaction: number,
    place: claim.place,
    amount: claim.amount ?? leg.amount,
    payment,
  }
}

function legOf(claim: PaymentSeed, payment: Transaction): { asset: string; address: string | null; amount: bigint } {
  const refuse = (why: string): never => {
    throw new Fault('SEED_NOT_FOUND', `seed ${claim.id}: transaction ${claim.transaction} ${why}`)
  }
  if (payment.kind === 'utxo') {
    const output = payment.outputs[claim.place]
    if (output === undefined)
      return refuse(`has ${payment.outputs.length} outputs, numbered from 0, and none of number ${claim.place}`)
    if (output.amount === 0n) return refuse(`pays nothing in output ${claim.place}`)
    return { asset: 'native', ...output }
  }
  if (payment.status === 'failed') return refuse('failed: it moved nothing')
  const transfer = payment.transfers.find((each) => each.index === claim.place)
  if (transfer === undefined) {
    const known = payment.transfers.map((each) => each.index).join(', ') || 'none'
    return refuse(`has no transfer of index ${claim.place} (its transfers: ${known})`)
  }
  if (claim.assetGiven && claim.asset !== transfer.asset) {
    return refuse(
      `moves ${transfer.asset} in transfer ${claim.place}, not ${claim.asset}; it may be a token that only looks alike`,
    )
  }
  if (transfer.amount === 0n) return refuse(`moves nothing in transfer ${claim.place}`)
  return { asset: transfer.asset, address: transfer.to, amount: transfer.amount }
}

/** A payment that an address received: which transaction, which leg, how much. */
interface Receipt {
  readonly transaction: number
  readonly place: number
  readonly amount: bigint
}

/**
 * Every payment to each address that a seed names, in one pass over each ledger. What the address pays to itself, change
 * above all, it does not receive.
 */
function findReceipts(
  claims: readonly SeedClaim[],
  ledgers: ReadonlyMap<Chain, ChainLedger>,
): ReadonlyMap<string, readonly Receipt[]> {
  const receipts = new Map<string, Receipt[]>()
  for (const claim of claims) if (claim.kind === 'address') receipts.set(receiptKey(claim), [])
  for (const [chain, ledger] of ledgers) {
    if (!claims.some((claim) => claim.kind === 'address' && claim.chain === chain)) continue
    ledger.transactions.forEach((payment, transaction) => {
      if (payment.kind === 'utxo') {
        payment.outputs.forEach(({ address, amount }, place) => {
          if (address === null || amount === 0n) return
          const list = receipts.get(receiptKey({ chain, asset: 'native', address }))
          if (list === undefined || payment.inputs.some((input) => input.address === address)) return
          list.push({ transaction, place, amount })
        })
      } else if (payment.status === 'success') {
        for (const { index, asset, from, to, amount } of payment.transfers) {
          if (from === to || amount === 0n) continue
          receipts.get(receiptKey({ chain, asset, address: to }))?.push({ transaction, place: index, amount })
        }
      }
    })
  }
  return receipts
}

const receiptKey = ({ chain, asset, address }: Pick<AddressSeed, 'chain' | 'asset' | 'address'>) =>
  `${chain} ${asset} ${address}`

/** An address seed's payments within its window, both ends included. */
function receivedBy(
  claim: AddressSeed,
  seed: number,
  ledger: ChainLedger,
  receipts: ReadonlyMap<string, readonly Receipt[]>,
): ResolvedSeed[] {
  const { id, chain, asset, address } = claim
  const found: ResolvedSeed[] = []
  for (const receipt of receipts.get(receiptKey(claim)) ?? []) {
    const payment = ledger.transactions[receipt.transaction]
    if (claim.from !== undefined && payment.time < claim.from) continue
    if (claim.until !== undefined && payment.time > claim.until) continue
    found.push({ seed, id, chain, asset, address, ...receipt, payment })
  }
  if (found.length === 0) {
    const window = [
      claim.from === undefined ? 'the beginning' : formatTime(claim.from),
      claim.until === undefined ? 'the end of the ledger' : formatTime(claim.until),
    ].join(' to ')
    const of = isUtxoChain(claim.chain) ? '' : ` of ${claim.asset}`
    throw new Fault('SEED_NOT_FOUND', `seed ${claim.id}: ${claim.address} received no payment${of} from ${window}`)
  }
  return found
}

function refuseService(claim: SeedClaim, place: ResolvedSeed, book: TagBook, hands: Hands): void {
  if (place.address === null) return
  const { time } = place.payment
  const stop = book.stopAt(claim.chain, place.address, time)
  if (stop !== undefined) {
    const { label, category, source } = stop.tags[0]
    throw new Fault(
      'SEED_INSIDE_SERVICE',
      `seed ${claim.id}: ${place.address} is ${label} (${category}, according to ${source}): what is paid in there mixes with other customers’ funds and cannot be told apart on chain; seed a payment that the service made, or ask the service for its records`,
    )
  }
  const deposit = hands.depositOf(claim.chain, place.address)
  if (deposit !== undefined) {
    throw new Fault(
      'SEED_INSIDE_SERVICE',
      `seed ${claim.id}: ${place.address} is a deposit account of ${deposit.entity} by the rule depositSweep (${deposit.reasons.join('; ')}): what was paid in is with the service already; ask it for its records, or switch the rule off if it errs here`,
    )
  }
  const buyer = book.standing(claim.chain, place.address, time).find((tag) => tag.category === BUYER)
  if (buyer !== undefined) {
    throw new Fault(
      'SEED_IS_BUYER',
      `seed ${claim.id}: ${place.address} is tagged as a buyer’s (${buyer.label}, ${buyer.source}); a buyer holds purchase money, not proceeds`,
    )
  }
}
