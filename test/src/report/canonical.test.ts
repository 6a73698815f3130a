import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, NotCanonical, writeCanonical } from '../../../src/report/canonical.ts'

interface Vectors {
  valid: { name: string; input: string; output: string }[]
  numbers: [bits: string, text: string | null][]
}

const vectors = JSON.parse(readFileSync(new URL('../../fixtures/jcs/vectors.json', import.meta.url), 'utf8')) as Vectors

const streamed = async (value: unknown, chunkLength?: number): Promise<string> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of writeCanonical(value, chunkLength === undefined ? {} : { chunkLength })) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('canonicalJson', () => {
  it.each(vectors.valid)('writes the published vector $name', async ({ input, output }) => {
    expect(canonicalJson(JSON.parse(input))).toBe(output)
    expect(await streamed(JSON.parse(input), 1)).toBe(output)
  })

  it.each(vectors.numbers)('writes the number with the bits %s as %s', (bits, text) => {
    const number = new DataView(Uint8Array.from(Buffer.from(bits, 'hex')).buffer).getFloat64(0)
    if (text === null) expect(() => canonicalJson(number)).toThrow(NotCanonical)
    else expect(canonicalJson(number)).toBe(text)
  })

  it.each([
    [[1, undefined], '/1', 'undefined'],
    [{ a: { 'b/~c': [1n] } }, '/a/b~1~0c/0', 'bigint'],
    [{ a: Number.NaN }, '/a', 'NaN'],
    [{ a: [Number.NEGATIVE_INFINITY] }, '/a/0', '-Infinity'],
    [{ a: 'x\ud800' }, '/a', 'surrogate'],
    [{ '\udc00': 1 }, '', 'surrogate'],
    [{ a: () => 1 }, '/a', 'function'],
    [{ a: Symbol('s') }, '/a', 'symbol'],
    [{ a: new Date(0) }, '/a', 'class'],
    [{ a: new Map() }, '/a', 'class'],
    [{ a: new Uint8Array(2) }, '/a', 'class'],
    [undefined, '', 'undefined'],
  ])('refuses what JSON cannot say, and says where: %#', (value, pointer, problem) => {
    const refusal = (() => {
      try {
        return canonicalJson(value)
      } catch (failure) {
        return failure
      }
    })()
    expect(refusal).toBeInstanceOf(NotCanonical)
    expect((refusal as NotCanonical).message).toContain(problem)
    if (pointer !== '') expect((refusal as NotCanonical).pointer).toBe(pointer)
  })

  it('refuses a value that contains itself, and takes one that stands twice', () => {
    const shared = { a: 1 }
    expect(canonicalJson([shared, shared])).toBe('[{"a":1},{"a":1}]')
    const loop: unknown[] = [[]]
    ;(loop[0] as unknown[]).push(loop)
    expect(() => canonicalJson(loop)).toThrow(/contains itself/)
  })

  it('leaves out members that are undefined', () => {
    expect(canonicalJson({ b: undefined, a: null })).toBe('{"a":null}')
  })

  it('writes 40,000 levels without overflowing the stack', async () => {
    let deep: unknown = 1
    for (let level = 0; level < 40_000; level++) deep = level % 2 === 0 ? [deep] : { a: deep }
    expect(canonicalJson(deep).length).toBe(20_000 * 2 + 20_000 * 6 + 1)
    expect((await streamed(deep)).length).toBe(20_000 * 2 + 20_000 * 6 + 1)
  })

  it('keeps __proto__ as a member like any other', () => {
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"b":1}')
  })

  it('is read back as the same value, does not depend on the order of members, and is a fixed point', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        let text: string
        try {
          text = canonicalJson(value)
        } catch (failure) {
          expect(failure).toBeInstanceOf(NotCanonical)
          return
        }
        const back: unknown = JSON.parse(text)
        expect(back).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(reversed(back))).toBe(text)
      }),
    )
  })

  it('says the same in chunks, whatever their size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.integer({ min: 1, max: 40 }), async (value, chunkLength) => {
        expect(await streamed(value, chunkLength)).toBe(canonicalJson(value))
      }),
    )
  })

  it('writes iterables and async iterables in the place of arrays', async () => {
    const items = [{ b: 1, a: [2] }, 'x', null]
    const lazy = {
      rows: (async function* () {
        yield* items
      })(),
      more: (function* () {
        yield* items
      })(),
      none: (async function* () {})(),
    }
    expect(await streamed(lazy, 3)).toBe(canonicalJson({ rows: items, more: items, none: [] }))
  })
})

/** The same value with every object's members put in the other order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  const turned: Record<string, unknown> = Object.create(null)
  for (const [name, item] of Object.entries(value).reverse()) turned[name] = reversed(item)
  return turned
}
