import { type Arithmetic, BigintArithmetic, type Column, NumberArithmetic } from './arithmetic.ts'
import { invariant } from './check.ts'
import { type Entries, FROM_CLEAN, type SeedLeg } from './entries.ts'
import type { Journal } from './journal.ts'
import { JournalWriter } from './journal-writer.ts'
import { METHODS, type MethodName, methodFits } from './methods/index.ts'
import type { Declared } from './methods/pools.ts'

/** A lot as it lies in a pool at the end: `origin` is a seed's number, or `seedCount` for unknown, `seedCount + 1` for clean. */
export interface Lot {
  readonly origin: number
  readonly amount: bigint
}

/** What one method says of one ledger: the moves, and what lies where at the end. */
export interface Taint {
  readonly journal: Journal
  /** The lots of a pool in its own order: next to leave first (a bag: by origin). Adjacent lots of one origin may be one. */
  held(pool: number): Lot[]
}

/**
 * Follows the seeds' value through the entries under one method.
 * Legs out of a transaction are served in order, the fee last; lots keep their order between pools. A seed's part stands
 * first in its payment's lots; value that already carries a seed's label keeps it, so two claims never exceed a payment.
 */
export function traceTaint(entries: Entries, seeds: readonly SeedLeg[], seedCount: number, method: MethodName): Taint {
  invariant(
    methodFits(method, entries.mixing === 'transaction' ? 'output' : 'address'),
    `${method} has no meaning here`,
  )
  return entries.inAmount instanceof Float64Array
    ? trace(entries, seeds, seedCount, method, new NumberArithmetic())
    : trace(entries, seeds, seedCount, method, new BigintArithmetic())
}

function trace<A>(
  entries: Entries,
  seeds: readonly SeedLeg[],
  seedCount: number,
  method: MethodName,
  math: Arithmetic<A>,
): Taint {
  const { poolCount, mixing, inStart, inPool, outStart, outPool, conversion } = entries
  const inAmount = entries.inAmount as unknown as Column<A>
  const outAmount = entries.outAmount as unknown as Column<A>
  const opening = entries.opening as unknown as Column<A>
  const unknown = seedCount
  const clean = seedCount + 1
  const journal = new JournalWriter(math)
  const isDeclared = new Uint8Array(outPool.length)
  const declared = new Map<number, Declared<A>[]>()
  for (const { seed, leg, amount } of [...seeds].sort((a, b) => a.leg - b.leg || a.seed - b.seed)) {
    invariant(leg < outPool.length, 'every seed lies on a leg of the ledger')
    const there = declared.get(leg)
    if (there === undefined) declared.set(leg, [{ seed, amount: math.fromBigint(amount) }])
    else there.push({ seed, amount: math.fromBigint(amount) })
    isDeclared[leg] = 1
  }
  const declaredOn = (leg: number) => (isDeclared[leg] === 0 ? undefined : declared.get(leg))
  const setting = { math, journal, poolCount, seedCount, mixing, outPool, outAmount, declaredOn }
  const pools = METHODS[method](setting)

  for (let pool = 0; pool < poolCount; pool++) {
    if (!math.isZero(opening[pool])) pools.open(pool, unknown, opening[pool])
  }
  for (let entry = 0; entry < entries.count; entry++) {
    let taken = math.zero
    for (let leg = inStart[entry]; leg < inStart[entry + 1]; leg++) {
      const amount = inAmount[leg]
      const pool = inPool[leg]
      if (pool >= 0) pools.spend(entry, leg, pool, amount)
      else pools.bring(pool === FROM_CLEAN ? clean : unknown, amount)
      taken = math.add(taken, amount)
    }
    let given = math.zero
    for (let leg = outStart[entry]; leg < outStart[entry + 1]; leg++) given = math.add(given, outAmount[leg])
    if (inStart[entry] === inStart[entry + 1] || (conversion[entry] === 1 && math.isZero(taken))) {
      // Newly minted: a coinbase has no inputs, and what is changed for nothing descends from nothing.
      pools.bring(clean, given)
      taken = given
    } else if (conversion[entry] === 1) {
      pools.convert(taken, given)
      taken = given
    }
    invariant(!math.less(taken, given), `entry ${entry}: outputs exceed inputs`)
    pools.serve(entry, outStart[entry], outStart[entry + 1], math.subtract(taken, given))
  }
  return { journal: journal.close(), held: (pool) => pools.held(pool) }
}
