import { clean, escapeXml } from '../flow-svg.ts'
import type { Report } from '../format.ts'

/**
 * The flow of the primary method as GraphML: places are nodes, one edge for each transaction between two places with what
 * the paths carried over it. Amounts are text in base units; GraphML's numbers are floats.
 */
export function* renderGraphml(report: Report): Generator<string> {
  const chains = new Map(report.seeds.map((seed) => [seed.id, seed.chain]))
  const nodes = new Map<string, { chain: string; place: string; kind: string; entity: string }>()
  const edges = new Map<string, { from: string; to: string; transaction: string; carried: bigint; time: string }>()
  const endpoints = new Map(report.endpoints.map((row) => [row.id, row]))
  for (const path of report.paths) {
    const chain = chains.get(path.seed) ?? ''
    const put = (place: string, kind: string, entity: string) => {
      const key = `${chain} ${place}`
      if (!nodes.has(key) || kind !== 'holding') nodes.set(key, { chain, place, kind, entity })
      return key
    }
    const endpoint = endpoints.get(path.endpoint)
    for (const [i, step] of path.steps.entries()) {
      const last = i === path.steps.length - 1 && endpoint !== undefined
      const from = put(step.from, i === 0 ? 'seed' : 'holding', '')
      const to = put(
        step.to,
        last ? endpoint.sink : 'holding',
        last ? (endpoint.service?.entity ?? endpoint.service?.label ?? '') : '',
      )
      const key = `${from}\0${to}\0${step.transaction}`
      const edge = edges.get(key) ?? { from, to, transaction: step.transaction, carried: 0n, time: step.time }
      edge.carried += BigInt(step.carried)
      edges.set(key, edge)
    }
  }
  const ids = new Map([...nodes.keys()].sort().map((key, i) => [key, `n${i}`]))
  yield '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
  for (const [id, of] of [
    ['chain', 'node'],
    ['place', 'node'],
    ['kind', 'node'],
    ['entity', 'node'],
    ['transaction', 'edge'],
    ['carried', 'edge'],
    ['time', 'edge'],
  ]) {
    yield `<key id="${id}" for="${of}" attr.name="${id}" attr.type="string"/>\n`
  }
  yield '<graph id="flow" edgedefault="directed">\n'
  const data = (key: string, text: string) => (text === '' ? '' : `<data key="${key}">${escapeXml(clean(text))}</data>`)
  for (const [key, id] of ids) {
    const { chain, place, kind, entity } = nodes.get(key)!
    yield `<node id="${id}">${data('chain', chain)}${data('place', place)}${data('kind', kind)}${data('entity', entity)}</node>\n`
  }
  for (const key of [...edges.keys()].sort()) {
    const { from, to, transaction, carried, time } = edges.get(key)!
    yield `<edge source="${ids.get(from)}" target="${ids.get(to)}">${data('transaction', transaction)}${data('carried', `${carried}`)}${data('time', time)}</edge>\n`
  }
  yield '</graph>\n</graphml>\n'
}
