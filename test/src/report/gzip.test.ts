import { createHash, randomBytes } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Fault } from '../../../src/faults.ts'
import { gunzipLimited, gzipDeterministic, gzipStream } from '../../../src/report/gzip.ts'

const collect = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

const unfold = (bytes: Uint8Array, bytesMax = 1 << 30, chunkBytes = 1 << 16): Promise<Buffer> => {
  const parts = function* () {
    for (let start = 0; start < bytes.length; start += chunkBytes) yield bytes.subarray(start, start + chunkBytes)
  }
  return collect(gunzipLimited(parts(), { name: 'it.gz', bytesMax }))
}

const faultOf = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    await attempt
  } catch (failure) {
    if (failure instanceof Fault) return failure.code
    throw failure
  }
  return 'none'
}

/** Digits that compress like a ledger, without being one run. */
const ledgerLike = (lines: number): Buffer => {
  const text: string[] = []
  for (let line = 0; line < lines; line++) {
    const id = createHash('sha256').update(String(line)).digest('hex')
    text.push(`{"chain":"bitcoin","id":"${id}","height":${500000 + line},"outputs":[{"amount":"${line * 7919}"}]}\n`)
  }
  return Buffer.from(text.join(''))
}

describe('gzipDeterministic', () => {
  it('is read by the platform', async () => {
    for (const content of [Buffer.alloc(0), Buffer.from('가나다'), ledgerLike(5000), randomBytes(300_000)]) {
      expect(gunzipSync(await gzipDeterministic(content)).equals(content)).toBe(true)
    }
  })

  it('keeps clock, system and file name out of its header', async () => {
    const bytes = await gzipDeterministic('x')
    expect([...bytes.subarray(0, 10)]).toEqual([31, 139, 8, 0, 0, 0, 0, 0, 0, 3])
  })

  it('gives the bytes it has always given: bundles already sealed must come again', async () => {
    const hash = createHash('sha256')
      .update(await gzipDeterministic(ledgerLike(5000)))
      .digest('hex')
    expect(hash).toBe('49ae573d2f31b8745064c01dfc738ee8864fd1578d30d9928134f08a1cd01879')
  })

  it('depends on the content, not on how it came', async () => {
    const content = ledgerLike(3000)
    const whole = await gzipDeterministic(content)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: content.length }), { maxLength: 6 }), async (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), content.length]
        const chunks = edges.slice(1).map((edge, index) => content.subarray(edges[index], edge))
        expect((await collect(gzipStream(chunks))).equals(whole)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })
})

describe('gunzipLimited', () => {
  it('unfolds what any gzip wrote, several members too', async () => {
    const content = ledgerLike(2000)
    expect((await unfold(await gzipDeterministic(content), undefined, 777)).equals(content)).toBe(true)
    expect((await unfold(Buffer.concat([gzipSync('a'), gzipSync('b')]))).toString()).toBe('ab')
  })

  it('names a file that ends early', async () => {
    const whole = gzipSync(ledgerLike(50))
    for (const length of [0, 1, 5, 11, whole.length >> 1, whole.length - 1]) {
      expect(await faultOf(unfold(whole.subarray(0, length)))).toBe('FILE_TRUNCATED')
    }
  })

  it('names a file that is something else, or has been changed, or goes on after its end', async () => {
    const whole = gzipSync(ledgerLike(50))
    expect(await faultOf(unfold(Buffer.from('{"chain":"bitcoin"}')))).toBe('FILE_UNREADABLE')
    expect(await faultOf(unfold(Buffer.concat([whole, Buffer.from('trailing')])))).toBe('FILE_UNREADABLE')
    const changed = Buffer.from(whole)
    changed[changed.length - 6] ^= 1
    expect(await faultOf(unfold(changed))).toBe('FILE_UNREADABLE')
  })

  it('stops at the limit, long before a bomb has unfolded', async () => {
    const bomb = gzipSync(Buffer.alloc(60 << 20))
    expect(await faultOf(unfold(bomb, 1 << 20))).toBe('LIMIT_EXCEEDED')
    expect(await faultOf(unfold(gzipSync('12345'), 5))).toBe('none')
    expect(await faultOf(unfold(gzipSync('12345'), 4))).toBe('LIMIT_EXCEEDED')
  })

  it('passes on the fault of its source, and lets go when the reader leaves', async () => {
    const source = (async function* () {
      yield gzipSync('abc').subarray(0, 5)
      throw new Fault('NOT_FOUND', 'gone')
    })()
    expect(await faultOf(collect(gunzipLimited(source, { name: 'it', bytesMax: 10 })))).toBe('NOT_FOUND')
    const bomb = gzipSync(Buffer.alloc(20 << 20))
    for await (const chunk of gunzipLimited([bomb], { name: 'it', bytesMax: 1 << 30 })) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
  })

  it('answers bytes of any kind with content or a fault', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(80), async (noise, at) => {
        const bytes = gzipSync('the quick brown fox')
        bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length))
        expect(['none', 'FILE_TRUNCATED', 'FILE_UNREADABLE', 'LIMIT_EXCEEDED']).toContain(
          await faultOf(unfold(bytes, 1000)),
        )
        expect(['FILE_TRUNCATED', 'FILE_UNREADABLE', 'LIMIT_EXCEEDED']).toContain(await faultOf(unfold(noise, 1000)))
      }),
    )
  })
})
