/**
 * Every failure a caller can meet: its code, its HTTP status and its title. A fault is the caller's to mend; the detail
 * says how. Our own mistakes are `BrokenInvariant`; what we could not see is a gap.
 */
export const FAULTS = {
  USAGE: { status: 400, title: 'The command or its options are not understood' },
  FILE_UNREADABLE: { status: 400, title: 'A file cannot be read' },
  FILE_TRUNCATED: { status: 400, title: 'A file ends before it should' },
  LIMIT_EXCEEDED: { status: 413, title: 'Something is larger than the limit set for it' },
  REQUEST_INVALID: { status: 400, title: 'The request does not say what a trace needs' },
  METHOD_UNKNOWN: { status: 400, title: 'There is no tracing method of that name' },
  METHOD_UNFIT: { status: 400, title: 'The method has no meaning for this kind of pool' },
  SEED_NOT_FOUND: { status: 422, title: 'A seed is not in the ledger' },
  SEED_EXCEEDS_PAYMENT: { status: 422, title: 'A seed claims more than the payment it names' },
  SEED_INSIDE_SERVICE: { status: 422, title: 'A seed lies inside a service, where customers’ funds are mixed' },
  SEED_IS_BUYER: { status: 422, title: 'A buyer’s address is not a seed of proceeds' },
  ADDRESS_INVALID: { status: 400, title: 'An address is not written as its chain writes addresses' },
  AMOUNT_INVALID: { status: 400, title: 'An amount is not a whole number of base units' },
  LEDGER_INVALID: { status: 422, title: 'A ledger line does not hold to the format' },
  LEDGER_CONTRADICTS: { status: 422, title: 'The ledger says two things about one transaction' },
  LEDGER_UNBALANCED: { status: 422, title: 'A transaction gives out more than it takes in' },
  BLOCK_INVALID: { status: 422, title: 'A block does not parse, or its own hashes deny it' },
  UNDO_INVALID: { status: 422, title: 'Undo data does not fit its block' },
  TAGS_INVALID: { status: 422, title: 'A tag file does not hold to its format' },
  SOURCE_CONTRADICTS: { status: 502, title: 'A source contradicts itself or what was asked' },
  SOURCE_UNAVAILABLE: { status: 502, title: 'A source does not answer' },
  STORE_UNAVAILABLE: { status: 503, title: 'The chain store does not answer in full' },
  STORE_INVALID: { status: 422, title: 'The chain store is not one this version can read' },
  CASE_INVALID: { status: 422, title: 'The case file does not hold to its format' },
  REPORT_NOT_FINAL: { status: 422, title: 'The report cannot be called final: checks fail' },
  BUNDLE_INVALID: { status: 422, title: 'A bundle is not whole, or does not add up' },
  OUTPUT_EXISTS: { status: 409, title: 'The output directory holds something else already' },
  UNAUTHORIZED: { status: 401, title: 'A valid key is needed' },
  FORBIDDEN: { status: 403, title: 'The key’s role does not allow this' },
  NOT_FOUND: { status: 404, title: 'There is nothing at this address' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'What is at this address does not answer this HTTP method' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: 'The body is not of a kind this service reads' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request did not arrive in full in time' },
  NOT_READY: { status: 409, title: 'The trace has not finished' },
  CONFLICT: { status: 409, title: 'The request conflicts with what exists' },
  RATE_LIMITED: { status: 429, title: 'Too many requests from this key or address' },
  QUEUE_FULL: { status: 503, title: 'Too many traces wait already' },
  TIME_LIMIT: { status: 422, title: 'The trace took longer than its limit' },
  INTERNAL: { status: 500, title: 'The service failed; nothing was decided' },
} as const satisfies Record<string, { status: number; title: string }>

export type FaultCode = keyof typeof FAULTS

/** A failure with a name. `detail` tells the caller what was wrong and what to do. */
export class Fault extends Error {
  override name = 'Fault'
  readonly code: FaultCode
  readonly detail: string

  constructor(code: FaultCode, detail: string, options?: ErrorOptions) {
    super(`${code}: ${detail}`, options)
    this.code = code
    this.detail = detail
  }

  get title(): string {
    return FAULTS[this.code].title
  }

  get status(): number {
    return FAULTS[this.code].status
  }
}
