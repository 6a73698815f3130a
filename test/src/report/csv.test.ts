import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvCell, endpointCells, endpointHeader, methodKeys, writeEndpointsCsv } from '../../../src/report/csv.ts'
import type { Endpoint } from '../../../src/report/format.ts'

const endpoint = (more: Partial<Endpoint>): Endpoint => ({
  id: 'e1',
  sink: 'service',
  service: { entity: null, label: 'Exchange', category: 'exchange' },
  attribution: [],
  chain: 'bitcoin',
  asset: 'native',
  address: '1A',
  transaction: 'ab',
  output: 0,
  height: 7,
  time: '2020-01-01T00:00:00Z',
  amount: '90071992547409931',
  traced: { fifo: { total: '12', bySeed: { s: '12' } } },
  floor: null,
  ceiling: '13',
  hops: 2,
  paths: [],
  ...more,
})
const assetOf = (chain: string) => (chain === 'bitcoin' ? { symbol: 'BTC', decimals: 8 } : undefined)

describe('endpoints.csv', () => {
  it('writes one line for each endpoint, amounts as the report has them', () => {
    const lines = [
      ...writeEndpointsCsv({
        endpoints: [
          endpoint({}),
          endpoint({ id: 'e2', chain: 'tron', service: null, address: null, height: null, traced: {} }),
        ],
        methods: ['fifo', 'lifo'],
        assetOf,
      }),
    ]
    expect(lines).toEqual([
      'id,sink,entity,label,category,chain,asset,symbol,decimals,address,transaction,place,height,time,amount,floor,ceiling,hops,traced_fifo,traced_lifo\n',
      'e1,service,,Exchange,exchange,bitcoin,native,BTC,8,1A,ab,0,7,2020-01-01T00:00:00Z,90071992547409931,,13,2,12,0\n',
      'e2,service,,,,tron,native,,,,ab,0,,2020-01-01T00:00:00Z,90071992547409931,,13,2,0,0\n',
    ])
  })

  it.each([
    ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
    ['+82', `'+82`],
    ['-1', `'-1`],
    ['@SUM(1)', `'@SUM(1)`],
    ['\tx', `'\tx`],
    ['\rx', `"'\rx"`],
    ['a=b', 'a=b'],
    ['두 줄\n이름', '"두 줄\n이름"'],
    ['a,b', '"a,b"'],
    ['', ''],
  ])('makes the label %j inert', (text, cell) => {
    expect(csvCell(text)).toBe(cell)
  })

  it('holds every label of every kind in one cell', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (label) => {
        const cell = csvCell(label)
        const inner = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell
        expect(/^[=+\-@\t\r]/.test(inner)).toBe(false)
        expect([label, `'${label}`]).toContain(inner)
        if (!cell.startsWith('"')) expect(/[",\r\n]/.test(cell)).toBe(false)
      }),
    )
  })

  it('puts the primary method first, and every key of the report once', () => {
    const report = {
      request: { method: { primary: 'proRata' } },
      endpoints: [endpoint({})],
      holdings: [],
      conservation: ['lifo', 'proRata', 'fifo@address'].map((method) => ({ method }) as never),
    }
    expect(methodKeys(report)).toEqual(['proRata', 'fifo', 'fifo@address', 'lifo'])
    expect(endpointHeader(['a']).at(-1)).toBe('traced_a')
    expect(endpointCells(endpoint({}), ['a'], assetOf).length).toBe(endpointHeader(['a']).length)
  })
})
