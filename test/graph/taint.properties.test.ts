/** What must hold of every ledger under every method, and the invariants of DOMAIN.md 2.4 in a single pool. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FEE_LEG, METHOD_NAMES, type MethodName, methodFits, traceTaint } from '../../graph/index.ts'
import { type Built, build, type Drawing, type DrawnEntry, type Told, tell } from '../support/ledger.ts'
import { randomLedger } from '../support/random-ledger.ts'

const told = (built: Built, method: MethodName): Told =>
  tell(traceTaint(built.entries, built.seedLegs, built.seedCount, method), built)

const total = (amounts: readonly bigint[]) => amounts.reduce((a, b) => a + b, 0n)

const KINDS = ['output', 'address'] as const

/** A ledger of either kind, and each method that fits it. */
function everyMethod(check: (drawing: Drawing, method: MethodName) => void, numRuns = 50): void {
  for (const pools of KINDS) {
    for (const method of METHOD_NAMES) {
      if (!methodFits(method, pools)) continue
      fc.assert(
        fc.property(randomLedger({ pools }), (drawing) => check(drawing, method)),
        { numRuns },
      )
    }
  }
}

/** Sums of a seed's rows by where they went; negative for what left a pool. */
function replay({ rows }: Told, built: Built): { held: bigint[][]; ended: bigint[]; declared: bigint[] } {
  const held = built.pools.map(() => built.seeds.map(() => 0n))
  const ended = built.seeds.map(() => 0n)
  const declared = built.seeds.map(() => 0n)
  for (const { side, seed, leg, amount } of rows) {
    if (side === 2) declared[seed] += amount
    else if (side === 0) held[built.entries.inPool[leg]][seed] -= amount
    else if (leg === FEE_LEG || built.entries.outPool[leg] < 0) ended[seed] += amount
    else held[built.entries.outPool[leg]][seed] += amount
  }
  return { held, ended, declared }
}

/** How much of each origin lies in each pool at the end. */
const sums = ({ held }: Told, { seedCount }: Built): bigint[][] =>
  held.map((lots) =>
    Array.from({ length: seedCount + 2 }, (_, origin) =>
      total(lots.filter((lot) => lot.origin === origin).map((lot) => lot.amount)),
    ),
  )

describe('every unit is accounted for', () => {
  test('what was declared is held or has ended, seed by seed', () => {
    everyMethod((drawing, method) => {
      const built = build(drawing)
      const answer = told(built, method)
      const { ended, declared } = replay(answer, built)
      const held = sums(answer, built)
      for (const seed of built.seeds.keys()) {
        expect(total(held.map((origins) => origins[seed])) + ended[seed]).toBe(declared[seed])
      }
    })
  })

  test('the journal replayed is the holdings', () => {
    everyMethod((drawing, method) => {
      const built = build(drawing)
      const answer = told(built, method)
      expect(replay(answer, built).held).toEqual(
        sums(answer, built).map((origins) => origins.slice(0, built.seedCount)),
      )
    })
  })

  test('in each entry what goes in and what is declared comes out, seed by seed', () => {
    everyMethod((drawing, method) => {
      const built = build(drawing)
      const flow = new Map<string, bigint>()
      for (const { entry, side, seed, amount } of told(built, method).rows) {
        const key = `${entry} ${seed}`
        flow.set(key, (flow.get(key) ?? 0n) + (side === 1 ? -amount : amount))
      }
      expect([...flow.values()].filter((rest) => rest !== 0n)).toEqual([])
    })
  })

  test('the parts of a pool make its balance, whoever’s they are', () => {
    everyMethod((drawing, method) => {
      const built = build(drawing)
      const balances = new Map(built.pools.map((name) => [name, drawing.openings.get(name) ?? 0n]))
      const move = (name: string, amount: bigint) => {
        if (!name.startsWith('@')) balances.set(name, balances.get(name)! + amount)
      }
      for (const entry of drawing.entries) {
        for (const { from, amount } of entry.ins) move(from, -amount)
        for (const { to, amount } of entry.outs) move(to, amount)
      }
      expect(sums(told(built, method), built).map(total)).toEqual([...balances.values()])
    })
  })

  test('no leg carries more of the seeds than it carries, no row is empty, and rows stand in order', () => {
    everyMethod((drawing, method) => {
      const built = build(drawing)
      const carried = new Map<number, bigint>()
      let before = { entry: 0, late: 0 }
      for (const { entry, side, leg, amount } of told(built, method).rows) {
        expect(amount > 0n).toBe(true)
        const late = side === 0 ? 0 : 1
        expect(entry > before.entry || (entry === before.entry && late >= before.late)).toBe(true)
        before = { entry, late }
        if (side === 1 && leg !== FEE_LEG) carried.set(leg, (carried.get(leg) ?? 0n) + amount)
      }
      for (const [leg, amount] of carried) expect(amount <= BigInt(built.entries.outAmount[leg])).toBe(true)
    })
  })

  test('a declaration is at most what was claimed, and all of it where nothing was labelled before', () => {
    everyMethod((drawing, method) => {
      const built = build(drawing)
      const { rows } = told(built, method)
      for (const { seed, leg, amount } of built.seedLegs) {
        const at = rows.filter((row) => row.leg === leg && row.side > 0)
        const declared = total(at.filter((row) => row.side === 2 && row.seed === seed).map((row) => row.amount))
        const carried = total(at.filter((row) => row.side === 1).map((row) => row.amount))
        const labelled = carried - declared
        const free = BigInt(built.entries.outAmount[leg]) - labelled
        expect(declared).toBe(amount < free ? amount : free)
      }
    })
  })
})

describe('one answer', () => {
  test('numbers and bigints say the same', () => {
    everyMethod((drawing, method) => {
      expect(told(build(drawing, { amounts: 'bigint' }), method)).toEqual(told(build(drawing), method))
    })
  })

  test('numbers and bigints say the same near 2^53', () => {
    for (const pools of KINDS) {
      for (const method of METHOD_NAMES) {
        if (!methodFits(method, pools)) continue
        fc.assert(
          fc.property(randomLedger({ pools, amountMax: 1n << 48n }), (drawing) => {
            expect(told(build(drawing, { amounts: 'bigint' }), method)).toEqual(told(build(drawing), method))
          }),
          { numRuns: 60 },
        )
      }
    }
  })

  test('a ledger 2^70 times as large has an answer 2^70 times as large, where nothing is divided', () => {
    const times = 1n << 70n
    everyMethod((drawing, method) => {
      if (method === 'proRata') return
      const small = told(build(drawing), method)
      const large = told(build(drawing, { amounts: 'bigint', times }), method)
      expect(large).toEqual({
        held: small.held.map((lots) => lots.map((lot) => ({ ...lot, amount: lot.amount * times }))),
        rows: small.rows.map((row) => ({ ...row, amount: row.amount * times })),
      })
    }, 60)
  })

  test('asked twice it answers twice the same, and leaves the ledger as it was', () => {
    everyMethod((drawing, method) => {
      const built = build(drawing, { amounts: 'bigint' })
      const first = told(built, method)
      expect(told(built, method)).toEqual(first)
      expect(built.entries).toEqual(build(drawing, { amounts: 'bigint' }).entries)
    }, 30)
  })

  test('seeds renamed are traced as before under their new names, where nothing is divided', () => {
    // Pro rata deals whole units in the order of the ids, so there a unit may move with the name.
    const renamed: Readonly<Record<string, string>> = { anna: 'zoe', bora: 'mia', cato: 'abe' }
    everyMethod((drawing, method) => {
      if (method === 'proRata') return
      const entries = drawing.entries.map((entry) => ({
        ...entry,
        outs: entry.outs.map((leg) => ({
          ...leg,
          seeds: leg.seeds.map((each) => ({ ...each, seed: renamed[each.seed] })),
        })),
      }))
      const before = build(drawing)
      const after = build({ ...drawing, entries })
      const name = (seed: number, names: readonly string[]) => names[seed] ?? `${seed - names.length}`
      const a = told(before, method)
      const b = told(after, method)
      expect(b.held.map((lots) => lots.map((lot) => [name(lot.origin, after.seeds), lot.amount]))).toEqual(
        a.held.map((lots) =>
          lots.map((lot) => {
            const old = name(lot.origin, before.seeds)
            return [renamed[old] ?? old, lot.amount]
          }),
        ),
      )
      expect(b.rows.map((row) => [row.leg, row.side, after.seeds[row.seed], row.amount])).toEqual(
        a.rows.map((row) => [row.leg, row.side, renamed[before.seeds[row.seed]], row.amount]),
      )
    })
  })

  test('several seeds together are what one seed in their place would be, where nothing is divided', () => {
    everyMethod((drawing, method) => {
      if (method === 'proRata') return
      const entries = drawing.entries.map((entry) => ({
        ...entry,
        outs: entry.outs.map((leg) => ({ ...leg, seeds: leg.seeds.map((each) => ({ ...each, seed: 'all' })) })),
      }))
      const many = build(drawing)
      const one = build({ ...drawing, entries })
      const proceeds = (built: Built) =>
        sums(told(built, method), built).map((origins) => total(origins.slice(0, built.seedCount)))
      expect(proceeds(many)).toEqual(proceeds(one))
    })
  })

  test('a prefix of the ledger is traced as it is in the whole: nothing later changes what came before', () => {
    everyMethod((drawing, method) => {
      const whole = build(drawing)
      const half = build({ ...drawing, entries: drawing.entries.slice(0, Math.ceil(drawing.entries.length / 2)) })
      const named = (built: Built, method: MethodName) =>
        told(built, method)
          .rows.filter((row) => row.entry < half.entries.count)
          .map((row) => [row.entry, row.side, row.leg, built.seeds[row.seed], row.amount])
      // Pro rata deals in the order of ids; seeds that come later only add origins that hold nothing.
      expect(named(half, method)).toEqual(named(whole, method))
    })
  })
})

describe('no proceeds where no proceeds could come', () => {
  test('taint lies within plain reachability', () => {
    everyMethod((drawing, method) => {
      const built = build(drawing)
      const reached = new Set<string>()
      const reachedLegs = new Set<number>()
      let leg = 0
      for (const entry of drawing.entries) {
        const touched = entry.ins.some(({ from, amount }) => amount > 0n && reached.has(from))
        for (const { to, amount, seeds } of entry.outs) {
          if (amount > 0n && (touched || seeds.some((each) => each.amount > 0n))) {
            reached.add(to)
            reachedLegs.add(leg)
          }
          leg++
        }
      }
      const { rows } = told(built, method)
      for (const row of rows) {
        if (row.side > 0 && row.leg !== FEE_LEG) expect(reachedLegs.has(row.leg)).toBe(true)
      }
    })
  })
})

describe('where nothing mixes all methods agree', () => {
  /** Each seed moves in a world of its own: every entry takes from one world's pools only. */
  const apart = fc
    .array(fc.record({ world: fc.nat(2), pick: fc.nat(5), cut: fc.nat(100), fee: fc.nat(3) }), {
      minLength: 1,
      maxLength: 20,
    })
    .map((steps) => {
      const worlds = ['anna', 'bora', 'none']
      const live: { name: string; amount: bigint }[][] = worlds.map(() => [])
      const entries: DrawnEntry[] = worlds.map((seed, world) => {
        live[world].push({ name: `${seed}0`, amount: 100n })
        const seeds = seed === 'none' ? [] : [{ seed, amount: 100n }]
        return {
          name: seed,
          ins: [{ from: '@unknown', amount: 100n }],
          outs: [{ to: `${seed}0`, amount: 100n, seeds }],
          fee: 0n,
          conversion: false,
        }
      })
      for (const [i, { world, pick, cut, fee }] of steps.entries()) {
        const pools = live[world]
        if (pools.length === 0) continue
        const [spent] = pools.splice(pick % pools.length, 1)
        const paid = spent.amount > BigInt(fee) ? BigInt(fee) : 0n
        const first = ((spent.amount - paid) * BigInt(cut)) / 100n
        const parts = [
          { name: `${worlds[world]}${i}a`, amount: first },
          { name: `${worlds[world]}${i}b`, amount: spent.amount - paid - first },
        ]
        pools.push(...parts)
        entries.push({
          name: `t${i}`,
          ins: [{ from: spent.name, amount: spent.amount }],
          outs: parts.map(({ name, amount }) => ({ to: name, amount, seeds: [] })),
          fee: paid,
          conversion: false,
        })
      }
      return entries
    })

  test('outputs and balances, row for row', () => {
    fc.assert(
      fc.property(apart, (entries) => {
        const answers = KINDS.flatMap((pools) =>
          METHOD_NAMES.filter((method) => methodFits(method, pools)).map((method) => {
            const { held, rows } = told(build({ pools, openings: new Map(), entries }), method)
            // tiho serves the largest leg first; which leg is written first says nothing here.
            return { held, rows: [...rows].sort((a, b) => a.entry - b.entry || a.side - b.side || a.leg - b.leg) }
          }),
        )
        for (const answer of answers) expect(answer).toEqual(answers[0])
      }),
    )
  })
})

/** One balance `W`: deposits from outside, of a seed or clean, and withdrawals each to a pool of its own. */
interface Event {
  readonly kind: 'seed' | 'clean' | 'out'
  readonly amount: bigint
}

const BALANCE_METHODS = METHOD_NAMES.filter((method) => methodFits(method, 'address'))

function single(events: readonly Event[]): Built {
  const entries = events.map(({ kind, amount }, i): DrawnEntry => {
    const seeds = kind === 'seed' ? [{ seed: 's', amount }] : []
    const out = kind === 'out'
    return {
      name: `e${i}`,
      ins: [{ from: out ? 'W' : '@clean', amount }],
      outs: [{ to: out ? `o${i}` : 'W', amount, seeds }],
      fee: 0n,
      conversion: false,
    }
  })
  return build({ pools: 'address', openings: new Map([['W', 0n]]), entries })
}

/** How much of W is the seed's after all events. */
const left = (events: readonly Event[], method: MethodName): bigint => {
  const built = single(events)
  return total(
    told(built, method)
      .held[built.pools.indexOf('W')].filter((lot) => lot.origin < built.seedCount)
      .map((lot) => lot.amount),
  )
}

const balance = (events: readonly Event[]): bigint =>
  total(events.map(({ kind, amount }) => (kind === 'out' ? -amount : amount)))

const events: fc.Arbitrary<Event[]> = fc
  .array(fc.record({ kind: fc.constantFrom('seed', 'clean', 'out', 'out'), part: fc.bigInt(0n, 100n) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((steps) => {
    let held = 0n
    return steps.map(({ kind, part }): Event => {
      // A part of 100 draws the balance down to nothing.
      const amount = kind === 'out' ? (held * part) / 100n : part
      held += kind === 'out' ? -amount : amount
      return { kind, amount } as Event
    })
  })

describe('one balance (DOMAIN.md 2.4)', () => {
  test('1: own money first leaves the most, proceeds first the least, at every moment', () => {
    fc.assert(
      fc.property(events, (all) => {
        for (let end = 1; end <= all.length; end++) {
          const until = all.slice(0, end)
          const most = left(until, 'ownFirst')
          const least = left(until, 'proceedsFirst')
          for (const method of BALANCE_METHODS) {
            const here = left(until, method)
            expect(least <= here && here <= most, `${method}: ${least} ≤ ${here} ≤ ${most}`).toBe(true)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  test('1a: own money first leaves the lowest balance since, and no more (Roscoe)', () => {
    fc.assert(
      fc.property(events, (all) => {
        let traceable = 0n
        for (let end = 1; end <= all.length; end++) {
          const { kind, amount } = all[end - 1]
          if (kind === 'seed') traceable += amount
          const held = balance(all.slice(0, end))
          if (traceable > held) traceable = held
          expect(left(all.slice(0, end), 'ownFirst')).toBe(traceable)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('2: a balance that reached nothing holds nothing of the seed, whatever comes after', () => {
    fc.assert(
      fc.property(events, fc.bigInt(0n, 50n), (all, clean) => {
        const emptied: Event[] = [...all, { kind: 'out', amount: balance(all) }, { kind: 'clean', amount: clean }]
        for (const method of BALANCE_METHODS) expect(left(emptied, method)).toBe(0n)
      }),
    )
  })

  test('3: where all money is the seed’s all methods agree', () => {
    fc.assert(
      fc.property(events, (all) => {
        const tainted = all.map((event): Event => (event.kind === 'clean' ? { ...event, kind: 'seed' } : event))
        const answers = BALANCE_METHODS.map((method) => told(single(tainted), method))
        for (const answer of answers) expect(answer).toEqual(answers[0])
      }),
    )
  })

  test('4: pro rata does not see the order of consecutive deposits', () => {
    const deposits = fc.array(
      fc.record({ kind: fc.constantFrom('seed' as const, 'clean' as const), amount: fc.bigInt(0n, 100n) }),
      {
        minLength: 2,
        maxLength: 6,
      },
    )
    fc.assert(
      fc.property(deposits, fc.nat(100), (all, part) => {
        const out: Event = { kind: 'out', amount: (balance(all) * BigInt(part)) / 100n }
        expect(left([...[...all].reverse(), out], 'proRata')).toBe(left([...all, out], 'proRata'))
      }),
    )
  })

  test('4a: fifo and lifo do see it', () => {
    const seed: Event = { kind: 'seed', amount: 100n }
    const clean: Event = { kind: 'clean', amount: 100n }
    const out: Event = { kind: 'out', amount: 100n }
    expect(left([seed, clean, out], 'fifo')).toBe(0n)
    expect(left([clean, seed, out], 'fifo')).toBe(100n)
    expect(left([seed, clean, out], 'lifo')).toBe(100n)
    expect(left([clean, seed, out], 'lifo')).toBe(0n)
  })

  test('5, 6: a clean deposit raises nothing, and after the last withdrawal it changes nothing but the balance', () => {
    fc.assert(
      fc.property(events, fc.bigInt(1n, 1000n), (all, amount) => {
        for (const method of BALANCE_METHODS) {
          const before = told(single(all), method)
          const after = told(single([...all, { kind: 'clean', amount }]), method)
          expect(left([...all, { kind: 'clean', amount }], method)).toBe(left(all, method))
          expect(after.rows).toEqual(before.rows)
          const heldBefore = total(before.held[0].map((lot) => lot.amount))
          expect(total(after.held[0].map((lot) => lot.amount))).toBe(heldBefore + amount)
        }
      }),
    )
  })

  test('7: a withdrawal in two parts takes what it takes in one', () => {
    fc.assert(
      fc.property(events, fc.bigInt(0n, 100n), fc.bigInt(0n, 100n), (all, part, cut) => {
        const whole = (balance(all) * part) / 100n
        const first = (whole * cut) / 100n
        const split: Event[] = [...all, { kind: 'out', amount: first }, { kind: 'out', amount: whole - first }]
        for (const method of BALANCE_METHODS) {
          const one = left([...all, { kind: 'out', amount: whole }], method)
          const two = left(split, method)
          // Pro rata rounds at each withdrawal: less than one unit at one, less than two at two.
          const apart = one > two ? one - two : two - one
          expect(apart <= (method === 'proRata' ? 2n : 0n), `${method}: ${one} and ${two}`).toBe(true)
        }
      }),
    )
  })

  test('7a: where every share is whole, pro rata too', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 50n), fc.bigInt(1n, 50n), fc.nat(20), fc.nat(20), (seed, clean, a, b) => {
        const all: Event[] = [
          { kind: 'seed', amount: seed * 40n },
          { kind: 'clean', amount: clean * 40n },
        ]
        const unit = seed + clean
        const one = left([...all, { kind: 'out', amount: unit * BigInt(a + b) }], 'proRata')
        const two = left(
          [...all, { kind: 'out', amount: unit * BigInt(a) }, { kind: 'out', amount: unit * BigInt(b) }],
          'proRata',
        )
        expect(two).toBe(one)
        expect(one).toBe(seed * BigInt(40 - a - b))
      }),
    )
  })
})
