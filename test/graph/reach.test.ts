import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FEE_LEG, findReach, METHOD_NAMES, methodFits, traceTaint } from '../../graph/index.ts'
import { build, ledger } from '../support/ledger.ts'
import { randomLedger } from '../support/random-ledger.ts'

describe('reach', () => {
  test('is everything a seed could have touched, and says nothing of amounts', () => {
    const { entries, seedLegs, pools } = ledger(
      `
      open other 7
      seed theft 10 -> wallet
      tx t1  wallet 3 -> a 3
      tx t2  other 7 -> b 7
      tx t3  a 3 -> @binance 3
      `,
      'address',
    )
    const reach = findReach(entries, seedLegs, 0)
    const touched = pools.filter((_, pool) => reach.pools[pool] === 1)
    expect(touched.sort()).toEqual(['a', 'wallet'])
    expect(reach.legs.at(-1)).toBe(1)
  })

  test('does not go back in time: what left before the seed arrived is not reached', () => {
    const { entries, seedLegs, pools } = ledger(
      `
      open wallet 5
      tx t1  wallet 5 -> before 5
      seed theft 10 -> wallet
      tx t2  wallet 1 -> after 1
      `,
      'address',
    )
    const reach = findReach(entries, seedLegs, 0)
    expect(reach.pools[pools.indexOf('before')]).toBe(0)
    expect(reach.pools[pools.indexOf('after')]).toBe(1)
  })

  for (const pools of ['output', 'address'] as const) {
    test(`no method puts value outside it (${pools})`, () => {
      fc.assert(
        fc.property(randomLedger({ pools }), (drawing) => {
          const { entries, seedLegs, seedCount } = build(drawing)
          const reaches = Array.from({ length: seedCount }, (_, seed) => findReach(entries, seedLegs, seed))
          for (const method of METHOD_NAMES.filter((each) => methodFits(each, pools))) {
            const { journal } = traceTaint(entries, seedLegs, seedCount, method)
            for (let row = 0; row < journal.rows; row++) {
              if (journal.side[row] !== 1 || journal.leg[row] === FEE_LEG) continue
              expect(reaches[journal.seed[row]].legs[journal.leg[row]]).toBe(1)
            }
          }
        }),
        { numRuns: 100 },
      )
    })
  }
})
