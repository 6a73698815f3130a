/** Makes `samples/ofac-narcotics` from its source: the same bytes every time. */
import { tagsToCsv } from '../../src/tags/csv.ts'
import { readOfacNarcoticsCsv } from '../../src/tags/ofac.ts'
import type { RejectedTag, Tag } from '../../src/tags/tag.ts'
import { tagPackOf, writeTagPack } from '../../src/tags/tagpack.ts'

export async function makeOfacSample(table: Uint8Array): Promise<{
  readonly tags: readonly Tag[]
  readonly csv: string
  readonly pack: string
  readonly rejected: readonly RejectedTag[]
}> {
  const { tags, rejected } = await readOfacNarcoticsCsv(table, { name: 'ofac-narcotics-addresses.csv' })
  const pack = tagPackOf(tags, { title: 'OFAC narcotics designations', creator: 'Proceeds' })
  return { tags, csv: tagsToCsv(tags), pack: writeTagPack(pack), rejected }
}
