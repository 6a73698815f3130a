/** The case as CASE 1.4 / UCO 1.4 JSON-LD: who did what with which data, and the rows that came of it. Ids come from the data. */
import { confidenceLevel } from '../../tags/categories.ts'
import { type Facts, serviceNameOf, tracedOf } from './facts.ts'
import { URL_SPACE, uuid5 } from './uuid.ts'

type Row = Record<string, unknown>

const CONTEXT = {
  'case-investigation': 'https://ontology.caseontology.org/case/investigation/',
  'uco-core': 'https://ontology.unifiedcyberontology.org/uco/core/',
  'uco-action': 'https://ontology.unifiedcyberontology.org/uco/action/',
  'uco-observable': 'https://ontology.unifiedcyberontology.org/uco/observable/',
  'uco-types': 'https://ontology.unifiedcyberontology.org/uco/types/',
  'uco-identity': 'https://ontology.unifiedcyberontology.org/uco/identity/',
  xsd: 'http://www.w3.org/2001/XMLSchema#',
  kb: 'urn:uuid:',
  // UCO 1.4 has no class for a transfer of value on a ledger: these are ours.
  trace: 'urn:proceeds:ns:trace:',
}

export function caseGraph(facts: Facts): Row {
  const space = uuid5(URL_SPACE, `urn:proceeds:report:${facts.hashes.report}`)
  const id = (name: string) => `kb:${uuid5(space, `case ${name}`)}`
  const at = { '@type': 'xsd:dateTime', '@value': facts.asOf }
  const file = (name: string, sha256: string): Row => ({
    '@id': id(`file ${name}`),
    '@type': 'uco-observable:ObservableObject',
    'uco-core:name': name,
    'uco-core:hasFacet': [
      {
        '@id': id(`file facet ${name}`),
        '@type': 'uco-observable:ContentDataFacet',
        'uco-observable:hash': [
          {
            '@id': id(`hash ${name}`),
            '@type': 'uco-types:Hash',
            'uco-types:hashMethod': 'SHA256',
            'uco-types:hashValue': { '@type': 'xsd:hexBinary', '@value': sha256 },
          },
        ],
      },
    ],
  })
  const files: Row[] = [
    file('report.json', facts.hashes.report),
    file('manifest.json', facts.hashes.manifest),
    ...facts.report.data.map((row) => file(row.name, row.sha256)),
    ...facts.report.tagPacks.map((row) => file(row.name, row.sha256)),
    file(facts.report.journal.file, facts.report.journal.sha256),
  ]
  const addresses = new Map<string, Row>()
  const address = (chain: string, text: string): string => {
    const key = id(`address ${chain} ${text}`)
    addresses.set(key, {
      '@id': key,
      '@type': 'uco-observable:ObservableObject',
      'uco-core:hasFacet': [
        {
          '@id': id(`account ${chain} ${text}`),
          '@type': 'uco-observable:AccountFacet',
          'uco-observable:accountIdentifier': text,
          'trace:chain': chain,
        },
      ],
    })
    return key
  }
  const transfers: Row[] = []
  const relations: Row[] = []
  for (const endpoint of facts.report.endpoints) {
    const traced = tracedOf(endpoint, facts.primary)
    if (traced === '0') continue
    const to = endpoint.address === null ? undefined : address(endpoint.chain, endpoint.address)
    transfers.push({
      '@id': id(`endpoint ${endpoint.id}`),
      '@type': ['uco-core:UcoObject', 'trace:Transfer'],
      'uco-core:name': endpoint.id,
      'trace:chain': endpoint.chain,
      'trace:asset': endpoint.asset,
      'trace:transaction': endpoint.transaction,
      'trace:place': String(endpoint.output ?? endpoint.transfer ?? ''),
      'trace:time': { '@type': 'xsd:dateTime', '@value': endpoint.time },
      'trace:amountBaseUnits': endpoint.amount,
      'trace:tracedBaseUnits': traced,
      'trace:method': facts.primary,
      ...(endpoint.floor === null ? {} : { 'trace:floorBaseUnits': endpoint.floor }),
      ...(endpoint.ceiling === null ? {} : { 'trace:ceilingBaseUnits': endpoint.ceiling }),
      ...(to === undefined ? {} : { 'trace:to': { '@id': to } }),
    })
    const claim = endpoint.attribution[0]
    if (to === undefined || claim === undefined) continue
    const name = serviceNameOf(endpoint)
    relations.push({ '@id': id(`organization ${name}`), '@type': 'uco-identity:Organization', 'uco-core:name': name })
    relations.push({
      '@id': id(`attribution ${to} ${name} ${claim.source} ${claim.label}`),
      '@type': 'uco-core:Relationship',
      'uco-core:source': { '@id': to },
      'uco-core:target': { '@id': id(`organization ${name}`) },
      'uco-core:kindOfRelationship': 'Attributed_To',
      'uco-core:isDirectional': true,
      'uco-core:description': `${claim.source}: ${claim.label}`,
      'uco-core:hasFacet': [
        {
          '@id': id(`confidence ${to} ${name} ${claim.source} ${claim.label}`),
          '@type': 'uco-core:ConfidenceFacet',
          'uco-core:confidence': {
            '@type': 'xsd:nonNegativeInteger',
            '@value': String(confidenceLevel(claim.confidence ?? undefined)),
          },
        },
      ],
    })
  }
  for (const seed of facts.report.seeds) if (seed.address !== null) address(seed.chain, seed.address)
  const graph: Row[] = [
    {
      '@id': id('investigation'),
      '@type': 'case-investigation:Investigation',
      'uco-core:name': facts.caseFile.caseNumber ?? facts.report.case,
      'uco-core:object': [
        { '@id': id('acquire') },
        { '@id': id('run') },
        { '@id': id('provenance') },
        ...facts.caseFile.legalBasis.map((_, i) => ({ '@id': id(`authorization ${i}`) })),
      ],
    },
    ...facts.caseFile.legalBasis.map((basis, i) => ({
      '@id': id(`authorization ${i}`),
      '@type': 'case-investigation:Authorization',
      'case-investigation:authorizationType': `${basis.statute}${basis.article === undefined ? '' : ` ${basis.article}`}`,
      'case-investigation:authorizationIdentifier': basis.order ?? '',
    })),
    {
      '@id': id('acquire'),
      '@type': 'case-investigation:InvestigativeAction',
      'uco-core:name': 'acquisition of ledger data and tags',
      'uco-action:result': files.slice(2).map((row) => ({ '@id': row['@id'] })),
    },
    {
      '@id': id('run'),
      '@type': ['case-investigation:InvestigativeAction', 'trace:TraceRun'],
      'uco-core:name': `${facts.report.engine.name} ${facts.report.engine.version}`,
      'trace:method': facts.primary,
      'trace:sourceDigest': facts.report.engine.sourceDigest,
      'trace:dataAsOf': at,
      'case-investigation:wasInformedBy': { '@id': id('acquire') },
      'uco-action:result': [{ '@id': id('provenance') }],
    },
    {
      '@id': id('provenance'),
      '@type': 'case-investigation:ProvenanceRecord',
      'case-investigation:exhibitNumber': facts.id,
      'uco-core:object': [...files, ...transfers].map((row) => ({ '@id': row['@id'] })),
    },
    ...files,
    ...addresses.values(),
    ...transfers,
    ...new Map(relations.map((row) => [row['@id'], row])).values(),
  ]
  return { '@context': CONTEXT, '@graph': graph }
}
