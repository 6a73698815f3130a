import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clean, drawFlow, escapeXml, shorten } from '../../../src/report/flow-svg.ts'
import type { Report } from '../../../src/report/format.ts'
import { verifyBundle } from '../../../src/report/verify.ts'
import { type BundleParts, bundleTexts, drawnBundle, writeBundle } from '../../support/bundle.ts'
import { flowReport } from '../../support/flow-report.ts'

const assetOf = (chain: string) => (chain === 'bitcoin' ? { symbol: 'BTC', decimals: 8 } : undefined)

/** Every attribute of this name on elements that match. */
const valuesOf = (svg: string, element: RegExp, name: string): string[] =>
  [...svg.matchAll(element)].map(([tag]) => new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1] ?? '')

const sum = (amounts: readonly string[]): bigint => amounts.reduce((total, amount) => total + BigInt(amount), 0n)

/** The traced figures of a picture: of each row drawn alone, and of each fold. */
const ends = (svg: string): bigint => sum(valuesOf(svg, /<tspan[^>]*data-figure="(traced|sum)"[^>]*>/g, 'data-amount'))

describe('drawFlow', () => {
  it.each([5, 50, 500])('shows every unit of %i endpoints, drawn or folded', (endpoints) => {
    const report = flowReport({ endpoints, peel: 31, holdings: 30 })
    const svg = drawFlow(report, { assetOf })
    const rows = [...report.endpoints, ...report.holdings]
    expect(ends(svg)).toBe(sum(rows.map(({ traced }) => traced.fifo.total)))
    const folds = [...svg.matchAll(/data-members="([^"]*)"/g)].flatMap(([, ids]) => ids.split(' '))
    const alone = valuesOf(svg, /<tspan[^>]*data-figure="traced"[^>]*>/g, 'data-id')
    expect([...folds, ...alone].sort()).toEqual(rows.map(({ id }) => id).sort())
    expect(alone.length).toBeLessThan(40)
    // Ribbons out of the seeds are all that was seeded.
    const seeds = [...svg.matchAll(/<path[^>]*data-from="seed:[^>]*>/g)].map(
      ([tag]) => /data-amount="(\d+)"/.exec(tag)![1],
    )
    expect(sum(seeds)).toBe(sum(report.conservation.map(({ seeded }) => seeded)))
  })

  it('is the same bytes for the same report, in whatever order its members were made', () => {
    const report = flowReport({ endpoints: 60, peel: 12 })
    const again = JSON.parse(JSON.stringify(report)) as Report
    expect(drawFlow(again, { assetOf })).toBe(drawFlow(report, { assetOf }))
  })

  it('folds a peel chain into one place that says how long it is', () => {
    const svg = drawFlow(flowReport({ endpoints: 200, peel: 31 }), { assetOf, language: 'en' })
    expect(svg).toMatch(/>31<\/tspan> hops peeled/)
  })

  it('stays within its page and keeps every coordinate a plain number', () => {
    for (const endpoints of [0, 1, 5, 500]) {
      const svg = drawFlow(flowReport({ endpoints, peel: 31, holdings: endpoints === 0 ? 0 : 9 }), { assetOf })
      expect(svg).not.toMatch(/NaN|undefined|Infinity|null/)
      const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number)
      for (const [, x, y] of svg.matchAll(/<(?:rect|text) x="([-\d.]+)"[^>]* y="([-\d.]+)"/g)) {
        expect(Number(x)).toBeGreaterThanOrEqual(0)
        expect(Number(x)).toBeLessThanOrEqual(width)
        expect(Number(y)).toBeGreaterThanOrEqual(0)
        expect(Number(y)).toBeLessThanOrEqual(height)
      }
    }
  })

  it('draws no two ends over each other', () => {
    const svg = drawFlow(flowReport({ endpoints: 80, peel: 9 }), { assetOf })
    const boxes = [...svg.matchAll(/<rect x="1120" y="([\d.]+)" width="14" height="([\d.]+)"/g)].map(
      ([, y, height]) => ({
        top: Number(y),
        bottom: Number(y) + Number(height),
      }),
    )
    expect(boxes.length).toBeGreaterThan(20)
    boxes.sort((a, b) => a.top - b.top)
    for (const [index, box] of boxes.slice(1).entries()) expect(box.top).toBeGreaterThanOrEqual(boxes[index].bottom)
  })

  it('writes amounts exactly, and base units where the asset is not described', () => {
    const report = flowReport({ endpoints: 1, holdings: 0 })
    const [endpoint] = report.endpoints
    const huge = {
      ...endpoint,
      traced: {
        fifo: { total: '123456789012345678901234567890', bySeed: { vendor: '123456789012345678901234567890' } },
      },
    }
    const drawn = (asset: typeof assetOf) => drawFlow({ ...report, endpoints: [huge], paths: [] }, { assetOf: asset })
    expect(drawn(assetOf)).toContain('>1234567890123456789012.3456789</tspan>')
    expect(drawn(() => undefined)).toContain('>123456789012345678901234567890</tspan>')
  })

  it('is accessible, and names no font that must be fetched', () => {
    const svg = drawFlow(flowReport({ endpoints: 3 }), { assetOf })
    expect(svg).toMatch(/role="img" aria-labelledby="flow-title flow-desc"/)
    expect(svg).toMatch(/<title id="flow-title">[^<]+<\/title><desc id="flow-desc">[^<]+<\/desc>/)
    expect(svg).not.toMatch(/@import|@font-face|href=|<script|<style|url\(/)
  })

  it.each([
    ['ko', '서비스', 'Service'],
    ['en', 'Service', '서비스'],
  ] as const)('speaks %s alone where asked', (language, present, absent) => {
    const svg = drawFlow(flowReport({ endpoints: 3 }), { assetOf, language })
    expect(svg).toContain(present)
    expect(svg).not.toContain(absent)
  })

  it('cuts long labels and keeps the whole in the title', () => {
    const label = '가'.repeat(10_000)
    const svg = drawFlow(withLabel(flowReport({ endpoints: 1, holdings: 0 }), label), { assetOf })
    expect(svg).toContain(`<title>${label}</title>`)
    expect(svg).toMatch(/>가{5,20}…<\/tspan>/)
  })

  it('holds labels of any kind as text, in pictures that verify', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'flow-'))
    const nasty = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom('</text><script>alert(1)</script>', '\u202eevil', 'אבג', '"\'&<>', 'a|b', '…', 'x'.repeat(400)),
    )
    await fc.assert(
      fc.asyncProperty(nasty, async (label) => {
        fc.pre(!/[\p{Surrogate}\0]/u.test(label) && label.trim() !== '')
        const parts: BundleParts = drawnBundle()
        for (const endpoint of parts.report.endpoints) {
          endpoint.service = { entity: label, label, category: 'exchange' }
          for (const claim of endpoint.attribution) Object.assign(claim, { label, entity: label, category: 'exchange' })
        }
        const texts = bundleTexts(parts)
        expect(texts['flow.svg']).not.toMatch(/<script|[\u202a-\u202e]/)
        await writeBundle(join(directory, 'bundle'), texts)
        const { findings } = await verifyBundle(join(directory, 'bundle'))
        expect(findings.filter(({ file }) => file === 'flow.svg')).toEqual([])
      }),
      { numRuns: 6 },
    )
    await rm(directory, { recursive: true })
  })
})

describe('the words of a label', () => {
  it('keeps both ends of an address and the beginning of a name', () => {
    expect(shorten('bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh', 17)).toBe('bc1qxy2kgdy…x0wlh')
    expect(shorten('한국어 이름이 아주 긴 거래소', 12)).toMatch(/^한국어.*…$/)
    expect(shorten('short', 12)).toBe('short')
  })

  it('has no room for what XML cannot hold', () => {
    expect(escapeXml(clean('a\u0000\u001f\u202e<&>"\''))).toBe('a\ufffd\ufffd\ufffd&lt;&amp;&gt;&quot;&#39;')
  })
})

function withLabel(report: Report, label: string): Report {
  return {
    ...report,
    endpoints: report.endpoints.map((row) => ({ ...row, service: { entity: label, label, category: 'exchange' } })),
  }
}
