/** A packet's rows as cells: one list of columns for CSV and for spreadsheets, every amount in base units and as displayed. */
import { writeCsvRow } from '../../csv.ts'
import { type Facts, legKey, tracedOf, valueOn } from './facts.ts'
import { displayUnits, symbolOf } from './money.ts'
import type { Packet } from './packets.ts'
import { koreanTime, percent } from './words.ts'

export const SERVICE_COLUMNS = [
  'row',
  'requested_actions',
  'legal_entity',
  'service',
  'chain',
  'token_contract',
  'symbol',
  'decimals',
  'deposit_address',
  'transaction',
  'output_or_transfer_index',
  'block_height',
  'block_hash',
  'time_utc',
  'time_kst',
  'sender',
  'amount_base_units',
  'amount',
  'method',
  'traced_base_units',
  'traced',
  'share_percent',
  'floor_base_units',
  'ceiling_base_units',
  'hops',
  'paths',
  'account',
  'label',
  'category',
  'attribution_source',
  'attribution_grade',
  'value_krw',
  'value_usd',
  'price_source',
  'expires_on',
] as const

export const ISSUER_COLUMNS = [
  'row',
  'requested_actions',
  'issuer',
  'chain',
  'token_contract',
  'symbol',
  'decimals',
  'address',
  'method',
  'traced_base_units',
  'traced',
  'floor_base_units',
  'ceiling_base_units',
  'balance_base_units',
  'balance',
  'balance_at_utc',
  'balance_source',
  'excess_base_units',
  'excess',
  'moved_on_base_units',
  'blacklisted',
  'expires_on',
] as const

export function packetHeader(packet: Packet): readonly string[] {
  return packet.kind === 'service' ? SERVICE_COLUMNS : ISSUER_COLUMNS
}

/** The rows of a packet in the order of its header; what is not known is an empty cell. */
export function packetRows(facts: Facts, packet: Packet): string[][] {
  const { recipient } = packet
  const actions = recipient?.actions.join(' ') ?? ''
  if (packet.kind === 'issuer') {
    return packet.targets.map(({ holding, traced, balance, excess, missing, blacklisted }) => {
      const show = (units: string | null) => (units === null ? '' : displayUnits(facts, holding, units))
      const cells: Record<(typeof ISSUER_COLUMNS)[number], string> = {
        row: holding.id,
        requested_actions: actions,
        issuer: recipient?.legalEntity ?? packet.name,
        chain: holding.chain,
        token_contract: holding.asset,
        symbol: symbolOf(facts, holding),
        decimals: String(facts.assetOf(holding.chain, holding.asset)?.decimals ?? ''),
        address: holding.address ?? '',
        method: facts.primary,
        traced_base_units: traced,
        traced: show(traced),
        floor_base_units: holding.floor ?? '',
        ceiling_base_units: holding.ceiling ?? '',
        balance_base_units: balance?.units ?? '',
        balance: show(balance?.units ?? null),
        balance_at_utc: balance?.at ?? '',
        balance_source: balance?.source ?? '',
        excess_base_units: excess ?? '',
        excess: show(excess),
        moved_on_base_units: missing ?? '',
        blacklisted: blacklisted === undefined ? '' : String(blacklisted),
        expires_on: recipient?.expiresOn ?? '',
      }
      return ISSUER_COLUMNS.map((column) => cells[column])
    })
  }
  return packet.endpoints.map((endpoint) => {
    const leg = facts.legs.get(legKey(endpoint.chain, endpoint.transaction, endpoint.output ?? endpoint.transfer))
    const traced = tracedOf(endpoint, facts.primary)
    const claim = endpoint.attribution[0]
    const worth = { chain: endpoint.chain, asset: endpoint.asset, units: traced, time: endpoint.time }
    const [krw, usd] = [valueOn(facts, worth, 'KRW'), valueOn(facts, worth, 'USD')]
    const cells: Record<(typeof SERVICE_COLUMNS)[number], string> = {
      row: endpoint.id,
      requested_actions: actions,
      legal_entity: recipient?.legalEntity ?? '',
      service: packet.name,
      chain: endpoint.chain,
      token_contract: endpoint.asset,
      symbol: symbolOf(facts, endpoint),
      decimals: String(facts.assetOf(endpoint.chain, endpoint.asset)?.decimals ?? ''),
      deposit_address: endpoint.address ?? '',
      transaction: endpoint.transaction,
      output_or_transfer_index: String(endpoint.output ?? endpoint.transfer ?? ''),
      block_height: endpoint.height === null ? '' : String(endpoint.height),
      block_hash: leg?.blockHash ?? '',
      time_utc: endpoint.time,
      time_kst: koreanTime(endpoint.time),
      sender: leg === undefined ? '' : `${leg.senders.join(' ')}${leg.moreSenders > 0 ? ` (+${leg.moreSenders})` : ''}`,
      amount_base_units: endpoint.amount,
      amount: displayUnits(facts, endpoint, endpoint.amount),
      method: facts.primary,
      traced_base_units: traced,
      traced: displayUnits(facts, endpoint, traced),
      share_percent: percent(traced, endpoint.amount),
      floor_base_units: endpoint.floor ?? '',
      ceiling_base_units: endpoint.ceiling ?? '',
      hops: String(endpoint.hops),
      paths: endpoint.paths.join(' '),
      account: recipient?.accounts.find((each) => each.address === endpoint.address)?.account ?? '',
      label: claim?.label ?? '',
      category: claim?.category ?? '',
      attribution_source: claim?.source ?? '',
      attribution_grade: claim?.confidence ?? '',
      value_krw: krw?.value ?? '',
      value_usd: usd?.value ?? '',
      price_source: [krw?.price.source, usd?.price.source].filter((each) => each !== undefined).join('; '),
      expires_on: recipient?.expiresOn ?? '',
    }
    return SERVICE_COLUMNS.map((column) => cells[column])
  })
}

/** The packet as CSV: UTF-8, LF, header first, formulas made inert. */
export function* packetCsv(facts: Facts, packet: Packet): Generator<string> {
  yield writeCsvRow(packetHeader(packet))
  for (const row of packetRows(facts, packet)) yield writeCsvRow(row)
}
