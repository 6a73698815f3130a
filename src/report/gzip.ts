import { createGunzip } from 'node:zlib'
import { Gzip } from 'fflate'
import { Fault } from '../faults.ts'

/** What a compressed file holds depends on these three and on the version of fflate alone, so they never change alone. */
const LEVEL = 6
const MEMORY = 8
/** Input is cut into blocks of this size before it is compressed, whatever chunks it came in. */
const BLOCK_BYTES = 1 << 17

/** Compresses in blocks of one size, so that the bytes depend on the content and not on the chunks it came in. */
class BlockGzip {
  private readonly ready: Uint8Array[] = []
  private readonly compressor = new Gzip({ level: LEVEL, mem: MEMORY, mtime: 0 }, (chunk) => {
    if (chunk.length > 0) this.ready.push(chunk)
  })
  private block = new Uint8Array(BLOCK_BYTES)
  private filled = 0

  push(chunk: Uint8Array): Uint8Array[] {
    for (let taken = 0; taken < chunk.length; ) {
      const part = chunk.subarray(taken, taken + BLOCK_BYTES - this.filled)
      this.block.set(part, this.filled)
      this.filled += part.length
      taken += part.length
      if (this.filled < BLOCK_BYTES) break
      this.compressor.push(this.block, false)
      // A new block: the compressor may still look back into the old one.
      this.block = new Uint8Array(BLOCK_BYTES)
      this.filled = 0
    }
    return this.ready.splice(0)
  }

  end(): Uint8Array[] {
    this.compressor.push(this.block.subarray(0, this.filled), true)
    return this.ready.splice(0)
  }
}

/**
 * Compresses so that equal content is equal bytes on every machine: written in JavaScript rather than by the platform's
 * zlib, whose bytes differ between builds; time 0 and operating system 3 in the header; no file name.
 * `source` may come in any chunks: the bytes depend on the content only.
 */
export async function* gzipStream(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const gzip = new BlockGzip()
  for await (const chunk of source) yield* gzip.push(chunk)
  yield* gzip.end()
}

/** `gzipStream` for content that is in memory: the same bytes. */
export function gzipDeterministic(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const gzip = new BlockGzip()
  return Buffer.concat([...gzip.push(bytes), ...gzip.end()])
}

/**
 * Decompresses while it is read, and stops where a limit is met: a file of a few kilobytes can unfold to terabytes.
 * Faults: FILE_TRUNCATED where the stream ends early, FILE_UNREADABLE where it is not gzip, is corrupt, or goes on with
 * other bytes after its end, LIMIT_EXCEEDED above `bytesMax` bytes of content. `name` is what the fault calls the file.
 */
export async function* gunzipLimited(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: { readonly name: string; readonly bytesMax: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { name, bytesMax } = options
  const gunzip = createGunzip()
  let given = 0
  let unfolded = 0
  let sourceFailure: unknown
  const feed = async (): Promise<void> => {
    for await (const chunk of source) {
      if (gunzip.destroyed) return
      given += chunk.length
      if (!gunzip.write(chunk)) {
        await new Promise<void>((resolve) => {
          gunzip.once('drain', resolve)
          gunzip.once('close', resolve)
        })
      }
    }
    gunzip.end()
  }
  const feeding = feed().catch((failure: unknown) => {
    sourceFailure = failure
    gunzip.destroy(failure instanceof Error ? failure : new Error(String(failure)))
  })
  try {
    for await (const chunk of gunzip as AsyncIterable<Uint8Array>) {
      unfolded += chunk.length
      if (unfolded > bytesMax) {
        throw new Fault(
          'LIMIT_EXCEEDED',
          `${name} unfolds to more than ${bytesMax} bytes; raise the limit if it is yours`,
        )
      }
      yield chunk
    }
  } catch (failure) {
    if (sourceFailure !== undefined) throw sourceFailure
    if (failure instanceof Fault) throw failure
    const { code, message } = failure as { code?: string; message?: string }
    if (code === 'Z_BUF_ERROR') {
      throw new Fault('FILE_TRUNCATED', `${name} ends before its compressed data does; copy it again`, {
        cause: failure,
      })
    }
    throw new Fault('FILE_UNREADABLE', `${name} is not whole gzip data: ${message ?? String(failure)}`, {
      cause: failure,
    })
  } finally {
    gunzip.destroy()
    await feeding
  }
  if (given === 0) throw new Fault('FILE_TRUNCATED', `${name} is empty; copy it again`)
  if (gunzip.bytesWritten !== given) {
    throw new Fault(
      'FILE_UNREADABLE',
      `${name} holds ${given - gunzip.bytesWritten} bytes after its compressed data ends`,
    )
  }
}
