import { beforeAll, describe, expect, it } from 'vitest'
import { decodeCaseFile } from '../../../../src/report/editions/case-file.ts'
import type { Facts } from '../../../../src/report/editions/facts.ts'
import { CHECKS, type CheckState, lint, standing } from '../../../../src/report/editions/linter.ts'
import type { Report } from '../../../../src/report/format.ts'
import type { Mutable } from '../../../support/bundle.ts'
import { drawnCase, drawnFacts } from '../../../support/editions.ts'

let facts: Facts
beforeAll(async () => {
  facts = { ...(await drawnFacts()).facts, signed: true }
})

type Case = ReturnType<typeof drawnCase>

function states(change: {
  case?: (file: Case) => void
  report?: (report: Mutable<Report>) => void
  facts?: Partial<Facts>
}) {
  const file = drawnCase()
  change.case?.(file)
  const report = structuredClone(facts.report) as Mutable<Report>
  change.report?.(report)
  const results = lint({ ...facts, ...change.facts, report: report as Report, caseFile: decodeCaseFile(file) })
  return Object.fromEntries(results.map(({ id, state }) => [id, state])) as Record<string, CheckState>
}

describe('the linter', () => {
  it('has forty checks in both languages', () => {
    expect(Object.keys(CHECKS)).toEqual(Array.from({ length: 40 }, (_, i) => `B${String(i + 1).padStart(2, '0')}`))
    for (const { ko, en } of Object.values(CHECKS)) {
      expect(ko).toMatch(/[가-힣]/)
      expect(en).not.toMatch(/[가-힣]/)
    }
  })

  it('lets a whole case pass', () => {
    expect(standing(lint({ ...facts, caseFile: decodeCaseFile(drawnCase()) }))).toEqual([])
  })

  it.each<[string, string, CheckState, Parameters<typeof states>[0]]>([
    ['no reason for the method', 'B01', 'fails', { facts: { reason: ' ' } }],
    ['an equation that is not balanced', 'B04', 'fails', { report: (r) => void (r.conservation[0].balanced = false) }],
    [
      'a seed without the primary method',
      'B02',
      'fails',
      {
        report: (r) =>
          void (r.conservation = r.conservation.filter((row) => row.seed !== 'deal-2' || row.method !== 'fifo')),
      },
    ],
    ['poison among the methods', 'B03', 'fails', { facts: { methods: ['fifo', 'poison'] } }],
    [
      'a failed transaction in a path',
      'B14',
      'fails',
      {
        report: (r) =>
          void (r.paths[0].steps[0].transaction = r.rejected.find((row) => row.reason === 'failed')!.transaction),
      },
    ],
    ['a label without a source', 'B19', 'fails', { report: (r) => void (r.endpoints[0].attribution[0].source = '') }],
    [
      'a label without a grade',
      'B19',
      'fails',
      { report: (r) => void (r.endpoints[0].attribution[0].confidence = null) },
    ],
    [
      'a tag of a later time',
      'B22',
      'fails',
      { report: (r) => void (r.endpoints[0].attribution[0].validFrom = '2030-01-01T00:00:00Z') },
    ],
    ['no alternative examined', 'B24', 'fails', { case: (c) => void (c.alternatives = []) }],
    ['a buyer as seed', 'B25', 'fails', { case: (c) => void (c.seeds[0].role = 'buyerPayment') }],
    ['a seed of unknown role', 'B25', 'fails', { case: (c) => void c.seeds.pop() }],
    ['more claimed than there is', 'B26', 'fails', { report: (r) => void (r.endpoints[0].amount = '1') }],
    [
      'no legal entity',
      'B27',
      'fails',
      { case: (c) => void delete (c.recipients[0] as Partial<Case['recipients'][0]>).legalEntity },
    ],
    [
      'a third party whose knowledge is not addressed',
      'B28',
      'fails',
      { case: (c) => void delete (c.thirdParties[0] as { knowledge?: string }).knowledge },
    ],
    ['an expired clock', 'B29', 'fails', { case: (c) => void (c.clocks[0].start = '2019-01-01T00:00:00Z') }],
    ['an expired request', 'B29', 'fails', { case: (c) => void (c.recipients[0].expiresOn = '2020-01-31') }],
    ['no day of issue', 'B29', 'fails', { case: (c) => void delete (c.report as { issuedOn?: string }).issuedOn }],
    ['no legal basis', 'B30', 'fails', { case: (c) => void (c.legalBasis = []) }],
    ['no custody log', 'B32', 'fails', { case: (c) => void (c.custody = []) }],
    ['no signature', 'B35', 'fails', { facts: { signed: false } }],
    ['no author', 'B36', 'fails', { case: (c) => void (c.author.steps = []) }],
    [
      'a question without an answer',
      'B40',
      'unanswered',
      { case: (c) => void delete (c.answers as Record<string, string>).B40 },
    ],
    ['a question with one', 'B40', 'answered', {}],
  ])('names %s: %s %s', (_, id, state, change) => {
    expect(states(change)[id]).toBe(state)
  })

  it('does not let a failure be answered away', () => {
    const found = states({
      case: (file) => {
        file.legalBasis = []
        ;(file.answers as Record<string, string>).B30 = 'never mind'
      },
    })
    expect(found.B30).toBe('fails')
  })
})
