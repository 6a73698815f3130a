import { parseUnits } from '../../../graph/amount.ts'

/** Proves one value; says what is wrong to `problem`, with the RFC 6901 pointer. Answers whether all of it holds. */
export type Shape = (
  value: unknown,
  pointer: string,
  problem: (pointer: string, expected: string, found: unknown) => void,
) => boolean

function leaf(expected: string, holds: (value: unknown) => boolean): Shape {
  return (value, pointer, problem) => {
    if (holds(value)) return true
    problem(pointer, expected, value)
    return false
  }
}

/** Text without NUL, which separates the parts of the verifier's own keys and has no place in a name. */
export const text = leaf('text', (value) => typeof value === 'string' && !value.includes('\0'))
export const digits = leaf('base units as a digit string', (value) => parseUnits(value) !== undefined)
export const count = leaf('a whole number from 0', (value) => Number.isSafeInteger(value) && (value as number) >= 0)
export const flag = leaf('true or false', (value) => typeof value === 'boolean')
export const sha256 = leaf(
  'SHA-256 in lower-case hex',
  (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
)
export const time = leaf('a time as 2017-08-03T03:07:11Z', (value) => secondsOf(value) !== undefined)
export const anything: Shape = () => true
export const record = leaf('an object', isRecord)

export const METHOD_KEY = /^(fifo|lifo|proRata|ownFirst|proceedsFirst|tiho)(?:@(output|address|cluster))?$/
export const methodKey = leaf(
  'a method, or method@pool',
  (value) => typeof value === 'string' && METHOD_KEY.test(value),
)

export const oneOf = (...allowed: readonly string[]): Shape =>
  leaf(allowed.join(' or '), (value) => typeof value === 'string' && allowed.includes(value))

export const nullable =
  (shape: Shape): Shape =>
  (value, pointer, problem) =>
    value === null || shape(value, pointer, problem)

/** A member that may be missing; it may not be null. */
export const optional = (shape: Shape): Shape =>
  Object.assign<Shape, { optional: true }>(
    (value, pointer, problem) => value === undefined || shape(value, pointer, problem),
    { optional: true },
  )

export const arrayOf =
  (shape: Shape): Shape =>
  (value, pointer, problem) => {
    if (!Array.isArray(value)) {
      problem(pointer, 'an array', value)
      return false
    }
    let holds = true
    for (let index = 0; index < value.length; index++) {
      holds = shape(value[index], `${pointer}/${index}`, problem) && holds
    }
    return holds
  }

export const mapOf =
  (key: Shape, shape: Shape): Shape =>
  (value, pointer, problem) => {
    if (!isRecord(value)) {
      problem(pointer, 'an object', value)
      return false
    }
    let holds = true
    for (const [name, member] of Object.entries(value)) {
      const where = `${pointer}/${escapePointer(name)}`
      holds = key(name, where, problem) && holds
      holds = shape(member, where, problem) && holds
    }
    return holds
  }

/** An object with these members and no others: a figure that nobody checks has no place in a report. */
export const object =
  (members: Readonly<Record<string, Shape>>): Shape =>
  (value, pointer, problem) => {
    if (!isRecord(value)) {
      problem(pointer, 'an object', value)
      return false
    }
    let holds = true
    for (const [name, shape] of Object.entries(members)) {
      if (Object.hasOwn(value, name)) {
        holds = shape(value[name], `${pointer}/${name}`, problem) && holds
      } else if (!('optional' in shape)) {
        problem(`${pointer}/${name}`, 'this member', undefined)
        holds = false
      }
    }
    for (const name of Object.keys(value)) {
      if (Object.hasOwn(members, name)) continue
      problem(`${pointer}/${escapePointer(name)}`, 'no such member', value[name])
      holds = false
    }
    return holds
  }

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Whole seconds since the epoch of a time as reports write it, UTC to the second; undefined for anything else. */
export function secondsOf(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(value)) return undefined
  const milliseconds = Date.parse(value)
  // Date.parse takes 2021-02-30 for 2021-03-02 in places; the way back tells.
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString() !== value.replace('Z', '.000Z'))
    return undefined
  return milliseconds / 1000
}
