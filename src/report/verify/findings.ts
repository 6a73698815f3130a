import { printable } from '../manifest.ts'

/** What a check is called, so that a reader can look up what was proved and what was not. */
export const RULES = {
  manifest: 'every file is listed with its hash and size, and nothing else is there',
  readable: 'every file can be read in full within the limits',
  canonical: 'canonical bytes: one content has one text',
  shape: 'the file holds to its format, with nothing in it that the format does not know',
  hash: 'the report names the bytes of the ledger, the tags and the journal it was drawn from',
  request: 'request.json is the request that the report prints',
  ledger: 'what the report says of a transaction is what the ledger says',
  snapshot: 'nothing is read later than the snapshot',
  seed: 'the seeds are payments of the ledger, and the journal declares exactly them',
  numbering: 'journal rows are numbered from 1 and its entries follow the order of the ledger',
  place: 'value lies where the pool of the method puts it, and ends only in a sink that is allowed there',
  entry: 'in each entry, what goes in and what is seeded comes out, seed by seed',
  balance: 'no holding gives more of a seed than it took; what is left is what rests',
  capacity: 'no leg carries more proceeds than it carries value',
  spent: 'an output is spent once and whole; what is said to rest is not spent',
  coverage: 'value is said to be held only where the data covers the holder',
  conservation: 'what was seeded equals the sinks, for each seed and method',
  endpoint: 'endpoints are the journal’s payments into services, mixers and bridges',
  attribution: 'a service is named by a claim in tags.csv that stood at the time',
  holding: 'holdings are what rests in the journal',
  bounds: 'floor ≤ every method’s figure ≤ ceiling ≤ the payment',
  certificate: 'each floor and ceiling is proven by a cut and a flow of a network that is the ledger’s, or has a gap',
  quantum:
    'quantum is the lesser of what was mixed into a wallet and what is left there, and the shortfall is the rest',
  sensitivity: 'what falls with an assumption is told of assumptions the report leans on, within what was paid',
  path: 'each path is a chain of ledger payments from its seed to its endpoint, and paths add up',
  gap: 'a figure that is missing has a gap that says why',
  rejected: 'what was rejected moved nothing',
  table: 'endpoints.csv is the report, cell by cell',
  picture: 'every figure in the picture is in the report',
} as const

export type Rule = keyof typeof RULES

/** Something that is not as it should be. `where` is a JSON pointer, a row or line, or a cell. All safe to print. */
export interface Finding {
  readonly file: string
  readonly where: string
  readonly expected: string
  readonly found: string
  readonly rule: Rule
}

/** Gathers findings; keeps the first `limit` and counts the rest, so that a hostile bundle cannot fill the memory. */
export class Findings {
  readonly list: Finding[] = []
  private readonly limit: number
  private total = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get count(): number {
    return this.total
  }

  add(rule: Rule, file: string, where: string, expected: unknown, found: unknown): void {
    this.total++
    if (this.list.length >= this.limit) return
    const texts = [file, where, expected, found].map((each) => printable(each))
    this.list.push({ file: texts[0], where: texts[1], expected: texts[2], found: texts[3], rule })
  }

  /** Adds a finding unless the two are equal. */
  same(rule: Rule, file: string, where: string, expected: unknown, found: unknown): boolean {
    if (expected === found) return true
    this.add(rule, file, where, expected ?? 'nothing', found ?? 'nothing')
    return false
  }
}
