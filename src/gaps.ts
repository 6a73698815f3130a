/** Every kind of thing a trace can fail to see, with what it might change. A gap is a result, never an error. */
export const GAPS = {
  ORDER_ASSUMED: 'Two events of one pool share a position or time; their order was taken from transaction ids',
  OPENING_UNKNOWN: 'The pool paid out more than the data shows coming in; value of unknown origin was put first',
  BALANCE_CONTRADICTS: 'A covered pool paid out more than it held; value of unknown origin was put first',
  SEED_OVERLAP: 'Part of a seed’s payment already carried another seed’s label and keeps it',
  HORIZON_HOPS: 'The limit on hops stopped the trace here',
  HORIZON_UNTIL: 'The limit on time stopped the trace here',
  HORIZON_AMOUNT: 'The payment is below the limit on amounts and was not followed',
  HORIZON_TRANSACTIONS: 'The limit on the number of transactions stopped the trace here',
  UNSEEN: 'The data does not cover this address; the value may have moved on',
  TAG_CONFLICT: 'Tags contradict each other about this address',
  BOUNDS_SKIPPED: 'Floor and ceiling were not computed: the flow is larger than the limit',
  CERTIFICATES_OMITTED: 'The bundle carries no proof of some floors and ceilings: it is larger than the limit',
  PATHS_OMITTED: 'More threads lead to this endpoint than are listed; the amount is that of the threads not listed',
  SENSITIVITY_OMITTED: 'Not every assumption was taken away one by one: the trace is larger than the limit',
  FEE_MINTED: 'Value reached a miner in a fee and was not followed',
  BRIDGE_UNMATCHED: 'Value entered a bridge; no deterministic match of its exit is known',
  HUB: 'The address looks like a service: it is untagged but has very many counterparties',
  TRACES_UNAVAILABLE: 'The node offers no traces; internal transfers of the chain’s coin are missing',
} as const satisfies Record<string, string>

export type GapKind = keyof typeof GAPS

export interface Gap {
  readonly kind: GapKind
  /** Which address, output, transaction or seed. */
  readonly where: string
  /** Base units, where an amount hangs on it. */
  readonly amount?: string
  readonly detail: string
}
