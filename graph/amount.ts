import { invariant } from './check.ts'

/** A whole number of an asset's base units, never negative, at most 2^256 − 1. */
export type Amount = bigint

export const ZERO: Amount = 0n
export const AMOUNT_MAX: Amount = (1n << 256n) - 1n

/** Reads base units written as a digit string: no sign, no point, no leading zero. `undefined` for anything else. */
export function parseUnits(text: unknown): Amount | undefined {
  if (typeof text !== 'string' || !/^(0|[1-9][0-9]{0,77})$/.test(text)) return undefined
  const units = BigInt(text)
  return units <= AMOUNT_MAX ? units : undefined
}

/** Reads a decimal figure as base units: `parseAmount('0.1', 8)` is 10000000n. `undefined` where the asset has fewer decimals. */
export function parseAmount(text: string, decimals: number): Amount | undefined {
  const match = /^([0-9]{1,78})(?:\.([0-9]{1,78}))?$/.exec(text)
  if (!match) return undefined
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  if (fraction.length > decimals) return undefined
  const units = BigInt(match[1] + fraction.padEnd(decimals, '0'))
  return units <= AMOUNT_MAX ? units : undefined
}

/** Writes base units as a decimal figure for people: 10000000n with 8 decimals is '0.1'. Exact; never rounds. */
export function formatAmount(units: Amount, decimals: number): string {
  const digits = units.toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return fraction === '' ? whole : `${whole}.${fraction}`
}

export function sum(amounts: Iterable<Amount>): Amount {
  let total = ZERO
  for (const each of amounts) total += each
  return total
}

/**
 * Deals what each origin holds over the legs in proportion to the legs, in whole units: largest remainder, ties to the
 * lowest leg, never more than a leg still has room for, origin by origin in the order given. Rows (origins) and columns
 * (legs) both add up. Shapes: `held[origin]`, `legs[leg]`, answer `[origin][leg]`; the sums of both must be equal.
 */
export function dealProRata(held: readonly Amount[], legs: readonly Amount[]): Amount[][] {
  const whole = sum(legs)
  invariant(sum(held) === whole, 'what is dealt must equal what the legs hold')
  const room = [...legs]
  return held.map((amount) => {
    const dealt = legs.map((leg, j) => {
      const share = whole === ZERO ? ZERO : (amount * leg) / whole
      return share < room[j] ? share : room[j]
    })
    let rest = amount - sum(dealt)
    if (rest > ZERO) {
      const order = legs
        .map((leg, j) => ({ j, remainder: (amount * leg) % whole }))
        .sort((a, b) => (a.remainder === b.remainder ? a.j - b.j : a.remainder < b.remainder ? 1 : -1))
      // One unit a leg by remainder; what rooms refused goes to the lowest legs that still have room.
      for (const { j } of order) {
        if (rest === ZERO) break
        if (dealt[j] < room[j]) {
          dealt[j] += 1n
          rest -= 1n
        }
      }
      for (let j = 0; rest > ZERO; j++) {
        invariant(j < legs.length, 'the legs have room for what is dealt')
        const more = room[j] - dealt[j] < rest ? room[j] - dealt[j] : rest
        dealt[j] += more
        rest -= more
      }
    }
    for (let j = 0; j < legs.length; j++) room[j] -= dealt[j]
    return dealt
  })
}
