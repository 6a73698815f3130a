import { expect, test } from 'vitest'
import { measurePosts } from '../../../validate/posts.ts'

const [addresses, proposals] = measurePosts()
const row = (table: typeof addresses, name: string) => {
  const found = table.rows.find((each) => each.name === name)
  expect(found, `a row ${name}`).toBeDefined()
  return found!.counts
}

// Promises: the rules may get better, never worse, without somebody deciding it here.
test('every address that a checksum proves is found, and nothing else is', () => {
  const [posts, there, found, missed, wrong] = row(addresses, 'all')
  expect(posts).toBeGreaterThan(200)
  expect([found, missed, wrong]).toEqual([there, 0, 0])
})

test('no proposal from buyers, news, shops, damaged addresses or transactions; a slang nobody wrote down is missed', () => {
  for (const { name, counts } of proposals.rows) {
    const [, wanted, rightly, missed, wrongly] = counts
    expect(wrongly, name).toBe(0)
    expect(rightly + missed, name).toBe(wanted)
    if (name !== 'all') expect(rightly, name).toBe(name.includes('does not have') ? 0 : wanted)
  }
})
