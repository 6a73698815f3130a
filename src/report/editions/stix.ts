/**
 * The findings as a STIX 2.1 bundle, with the wallet and transaction objects that the `stix2extensions` set publishes. Their
 * amounts are JSON numbers, which would round: we leave those out and write exact base units in `x_proceeds_` properties.
 */
import { confidenceLevel } from '../../tags/categories.ts'
import { canonicalJson } from '../canonical.ts'
import { type Facts, serviceNameOf, tracedOf } from './facts.ts'
import { symbolOf } from './money.ts'
import { targetsOf } from './stablecoins.ts'
import { STIX_SPACE, URL_SPACE, uuid5 } from './uuid.ts'

const WALLET = 'extension-definition--be78509e-6958-51b1-8b26-d17ee0eba2d7'
const TRANSACTION = 'extension-definition--151d042d-4dcf-5e44-843f-1024440318e5'
const SCHEMAS = 'https://raw.githubusercontent.com/muchdogesec/stix2extensions/main/automodel_generated/schemas/scos'

type Row = Record<string, unknown>

/** A cyber-observable's id, as STIX 2.1 section 2.9 makes it of the properties that contribute to it. */
export function observableId(type: string, contributing: Row): string {
  return `${type}--${uuid5(STIX_SPACE, canonicalJson(contributing))}`
}

export function stixBundle(facts: Facts): Row {
  const space = uuid5(URL_SPACE, `urn:proceeds:report:${facts.hashes.report}`)
  const own = (type: string, name: string) => `${type}--${uuid5(space, `${type} ${name}`)}`
  const stamp = `${facts.asOf.slice(0, 19)}.000Z`
  const objects = new Map<string, Row>()
  const add = (row: Row): string => {
    objects.set(row.id as string, row)
    return row.id as string
  }
  const dated = { created: stamp, modified: stamp }
  const author = add({
    type: 'identity',
    spec_version: '2.1',
    id: own('identity', 'author'),
    ...dated,
    name: facts.caseFile.agency.name ?? 'Author not stated',
    identity_class: 'organization',
  })
  for (const [id, name, file] of [
    [WALLET, 'CryptocurrencyWallet', 'cryptocurrency-wallet'],
    [TRANSACTION, 'CryptocurrencyTransaction', 'cryptocurrency-transaction'],
  ]) {
    add({
      type: 'extension-definition',
      spec_version: '2.1',
      id,
      created_by_ref: author,
      created: '2020-01-01T00:00:00.000Z',
      modified: '2020-01-01T00:00:00.000Z',
      name,
      schema: `${SCHEMAS}/${file}.json`,
      version: '1.0',
      extension_types: ['new-sco'],
    })
  }
  const wallet = (address: string, holder?: string): string => {
    const id = observableId('cryptocurrency-wallet', { value: address })
    return add({
      type: 'cryptocurrency-wallet',
      spec_version: '2.1',
      id,
      value: address,
      ...(holder === undefined ? {} : { holder_ref: holder }),
      extensions: { [WALLET]: { extension_type: 'new-sco' } },
    })
  }
  const refs: string[] = []
  for (const seed of facts.report.seeds) {
    if (seed.address !== null) refs.push(wallet(seed.address))
    refs.push(
      add(
        transaction(
          facts,
          seed,
          seed.id,
          seed.address === null ? undefined : observableId('cryptocurrency-wallet', { value: seed.address }),
          { x_proceeds_seed: seed.id },
        ),
      ),
    )
  }
  for (const endpoint of facts.report.endpoints) {
    const traced = tracedOf(endpoint, facts.primary)
    if (traced === '0') continue
    const name = serviceNameOf(endpoint)
    const service = add({
      type: 'identity',
      spec_version: '2.1',
      id: own('identity', `service ${name}`),
      ...dated,
      created_by_ref: author,
      name,
      identity_class: 'organization',
      roles: [endpoint.service?.category ?? endpoint.sink],
    })
    const to = endpoint.address === null ? undefined : wallet(endpoint.address, service)
    if (to !== undefined) refs.push(to)
    refs.push(service)
    refs.push(
      add(
        transaction(facts, endpoint, endpoint.id, to, {
          x_proceeds_row: endpoint.id,
          x_proceeds_method: facts.primary,
          x_proceeds_traced_base_units: traced,
          ...(endpoint.floor === null ? {} : { x_proceeds_floor_base_units: endpoint.floor }),
          ...(endpoint.ceiling === null ? {} : { x_proceeds_ceiling_base_units: endpoint.ceiling }),
        }),
      ),
    )
    const claim = endpoint.attribution[0]
    if (claim !== undefined && to !== undefined) {
      refs.push(
        add({
          type: 'relationship',
          spec_version: '2.1',
          id: own('relationship', `${to} ${service} ${claim.source} ${claim.label}`),
          ...dated,
          created_by_ref: author,
          relationship_type: 'related-to',
          source_ref: to,
          target_ref: service,
          description: `attributed by ${claim.source}: ${claim.label}`,
          confidence: confidenceLevel(claim.confidence ?? undefined),
        }),
      )
    }
  }
  for (const { holding } of targetsOf(facts)) if (holding.address !== null) refs.push(wallet(holding.address))
  add({
    type: 'report',
    spec_version: '2.1',
    id: own('report', 'report'),
    ...dated,
    created_by_ref: author,
    name: `Flow report ${facts.id}`,
    published: stamp,
    report_types: ['indicator'],
    object_refs: [...new Set(refs)],
    external_references: [{ source_name: 'report.json', hashes: { 'SHA-256': facts.hashes.report } }],
  })
  const sorted = [...objects.values()].sort((a, b) => ((a.id as string) < (b.id as string) ? -1 : 1))
  return { type: 'bundle', id: own('bundle', 'bundle'), objects: sorted }
}

function transaction(
  facts: Facts,
  row: {
    readonly chain: string
    readonly asset: string
    readonly transaction: string
    readonly time: string
    readonly amount: string
    readonly output?: number
    readonly transfer?: number
  },
  name: string,
  to: string | undefined,
  more: Row,
): Row {
  const place = row.output ?? row.transfer
  return {
    type: 'cryptocurrency-transaction',
    spec_version: '2.1',
    // A payment is one leg: the hash alone would make two rows of one transaction one object.
    id: observableId('cryptocurrency-transaction', {
      value: row.transaction,
      x_proceeds_place: `${place ?? ''}`,
      x_proceeds_of: name,
    }),
    symbol: symbolOf(facts, row),
    value: row.transaction,
    execution_time: row.time,
    ...(to === undefined ? {} : { output: [{ address_ref: to }] }),
    x_proceeds_chain: row.chain,
    x_proceeds_asset: row.asset,
    x_proceeds_place: place ?? null,
    x_proceeds_amount_base_units: row.amount,
    ...more,
    extensions: { [TRANSACTION]: { extension_type: 'new-sco' } },
  }
}
