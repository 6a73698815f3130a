import { write } from 'graphology-gexf'
import { buildFlowView, type FlowRow } from '../../graph/index.ts'

/** What is known of a holding besides its place in the flow. */
export interface HoldingNote {
  /** As people read it. */
  readonly label: string
  readonly chain: string
  readonly kind: 'seed' | 'service' | 'mixer' | 'bridge' | 'holding'
  readonly entity: string | null
}

/**
 * The flow as GEXF 1.3 for Gephi and its like. Amounts are text attributes in base units: GEXF's numbers are floats, and
 * an edge's weight would round them. `description` goes into the file's head. Rows are merged; the same rows and notes
 * give the same bytes.
 */
export function renderGexf(
  rows: readonly FlowRow[],
  notes: ReadonlyMap<string, HoldingNote>,
  description: string,
): string {
  const graph = buildFlowView(rows)
  graph.setAttribute('description', description)
  return write(graph, {
    version: '1.3',
    formatNode: (key) => {
      const note = notes.get(key)
      const { label = key, chain = '', kind = 'holding', entity = null } = note ?? {}
      return { label, attributes: { chain, kind, entity: entity ?? '' } }
    },
    formatEdge: (_key, { transaction, amount, order }) => ({
      attributes: { transaction, carried: amount.toString(), order },
    }),
  })
}
