import { expect, test } from 'vitest'
import { FlowPaths, traceTaint } from '../../graph/index.ts'
import { ledger } from '../support/ledger.ts'

test('a thread that is told apart only further back carries no more than itself in any later step', () => {
  const { entries, seedLegs, seedCount } = ledger(
    `
    seed s 1 -> p
    seed s 999 -> p
    tx t1  p 1000 -> q 1000
    seed s 500 -> q
    tx t2  q 1500 -> @exchange 1500
    `,
    'address',
  )
  for (const method of ['fifo', 'lifo', 'proRata'] as const) {
    const { journal } = traceTaint(entries, seedLegs, seedCount, method)
    const paths = new FlowPaths(entries, journal, { method, kMax: 10 }).intoLeg(entries.outPool.length - 1)
    const threads = paths.flatMap((set) => set.paths)
    expect(threads.map((path) => path.amount).sort((a, b) => Number(a - b))).toEqual([1n, 500n, 999n])
    for (const path of threads) for (const step of path.steps()) expect(step.carried).toBe(path.amount)
  }
})
