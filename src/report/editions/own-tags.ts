import type { Tag } from '../../tags/tag.ts'
import { tagPackOf, writeTagPack } from '../../tags/tagpack.ts'
import { parseTime } from '../../text.ts'
import type { Facts } from './facts.ts'

/**
 * The case's own claims as a TagPack for the next case: the addresses at which the seeds were received. Only those whose seed
 * the author has said to be a seller's receipt; nothing is claimed of anybody else's address.
 */
export function ownTagPack(facts: Facts): string {
  const { caseFile, report } = facts
  const tags = new Map<string, Tag>()
  for (const seed of report.seeds) {
    const fact = caseFile.seeds.find((each) => each.seed === seed.id)
    if (seed.address === null || fact?.role !== 'sellerReceipt') continue
    const time = parseTime(seed.time)
    const key = `${seed.chain} ${seed.address} ${seed.id}`
    const before = tags.get(key)
    tags.set(key, {
      chain: seed.chain as Tag['chain'],
      address: seed.address,
      label: `Seed ${seed.id} of ${facts.id}`,
      category: fact.how === 'controlledBuy' ? 'drug_sale/undercover_purchase' : 'drug_sale',
      entity: undefined,
      source: caseFile.agency.name ?? facts.id,
      confidence: fact.how === 'controlledBuy' ? 'manual_transaction' : 'authority_data',
      validFrom: before?.validFrom ?? time,
      validTo: undefined,
      evidence: fact.exhibit,
    })
  }
  return writeTagPack(
    tagPackOf(tags.values(), {
      title: `Claims of ${facts.id}`,
      creator: caseFile.agency.name ?? facts.report.engine.name,
    }),
  )
}
