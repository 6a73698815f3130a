import type { PathAnswer } from './find-paths.ts'

const STOPPED = {
  found: 'as many ways as were asked for were found',
  exhausted: 'there are no more ways within the limits',
  effort: 'the effort allowed was used up; better ways may exist',
} as const

/** The answer of a path search as lines for a terminal. */
export function* tellPaths({
  chain,
  asset,
  rule,
  paths,
  stopped,
  ledger,
  searched,
  cut,
}: PathAnswer): Generator<string> {
  for (const [index, { carried, hops, reached, steps }] of paths.entries()) {
    const names = reached.tags.map(
      (tag) => `${tag.entity ?? tag.label} (${tag.category}${tag.stood ? '' : ', not then'})`,
    )
    const payments = `${hops} ${hops === 1 ? 'payment' : 'payments'}`
    yield `${index + 1}. ${[reached.address, ...names].join(', ')}: at most ${carried}, in ${payments}`
    for (const step of steps) {
      const height = step.height === null ? '' : ` height ${step.height}`
      yield `     ${step.time}${height}  ${step.from} → ${step.to}  ${step.amount}  ${step.transaction}`
    }
  }
  if (paths.length === 0) yield 'No way was found.'
  yield `Searched: ${searched.addresses} addresses, ${searched.payments} payments, ${searched.ways} ways, in ${ledger.transactions} transactions of ${chain} (${asset}) until ${ledger.until ?? 'nothing'}`
  const cuts = [
    [cut.hops, 'ways as long as allowed'],
    [cut.fanOut.length, 'addresses with more payments than are read'],
    [cut.time, 'payments outside the time asked for'],
    [cut.amount, 'payments too small'],
    [cut.services, 'ways that ended in a service'],
    [cut.beaten, 'ways beaten by better ones'],
    [cut.crowded, 'transactions of too many payments'],
  ] as const
  const told = cuts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  yield `Left out: ${told.join(', ') || 'nothing'}`
  yield `Stopped: ${STOPPED[stopped]}`
  yield `Rule: ${rule}. A way is what could have been, not what was traced.`
}
