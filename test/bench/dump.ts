import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { address as bitcoinAddress } from 'bitcoinjs-lib'
import { buildTagBook } from '../../src/tags/book.ts'
import { decodeRequest } from '../../src/trace/decode-request.ts'
import { readLedgers } from '../../src/trace/read-ledgers.ts'
import { lots } from '../support/drawn-ledger.ts'

const TOKEN = tronAddress('token')

function tronAddress(name: string): string {
  return bitcoinAddress.toBase58Check(createHash('sha256').update(name).digest().subarray(0, 20), 0x41)
}

/**
 * Writes a dump of so many account transactions: a token paid among many accounts by a power law. One payment in a hundred
 * stays in a small circle, which the seeds reach; the rest never pays into it or takes from it.
 */
function writeDump(file: string, count: number): { seed: string } {
  const lot = lots(7)
  const names = Math.max(100, Math.floor(count / 4))
  const addresses = Array.from({ length: names }, (_, i) => tronAddress(`account ${i}`))
  const circle = Math.floor(names / 100)
  const payee = (inside: boolean) => {
    const share = (lot(1000) * lot(1000)) / 1e6
    return inside ? Math.floor(share * circle) : circle + Math.floor(share * (names - circle))
  }
  let seed = ''
  const out = openSync(file, 'w')
  let lines: string[] = [JSON.stringify({ chain: 'tron', asset: TOKEN, symbol: 'TOK', decimals: 6 })]
  for (let t = 0; t < count; t++) {
    const inside = t % 100 === 0
    const id = createHash('sha256').update(`payment ${t}`).digest('hex')
    if (t === 0) seed = id
    const from = addresses[payee(inside)]
    const to = addresses[payee(inside)]
    const time = new Date(1_600_000_000_000 + Math.floor(t / 20) * 3000).toISOString().replace('.000Z', 'Z')
    lines.push(
      JSON.stringify({
        ...{ chain: 'tron', id, height: 30_000_000 + Math.floor(t / 20), index: t % 20, time, status: 'success' },
        transfers: [{ index: 0, asset: TOKEN, from, to, amount: String(1 + lot(1_000_000_000)) }],
        fee: { from, amount: String(lot(40_000_000)) },
      }),
    )
    if (lines.length === 10_000) {
      writeSync(out, `${lines.join('\n')}\n`)
      lines = []
    }
  }
  writeSync(out, `${lines.join('\n')}\n`)
  closeSync(out)
  return { seed }
}

interface Reading {
  readonly seconds: number
  readonly rssStartMiB: number
  readonly rssPeakMiB: number
  readonly held: number
}

/** In a process of its own: reads a dump for a trace, sifted or whole. */
async function read(file: string, seed: string, siftBytesMin: number): Promise<Reading> {
  const request = decodeRequest({
    method: { primary: 'fifo', reason: 'bench' },
    seeds: [{ chain: 'tron', transaction: seed, transfer: 0, reason: 'bench' }],
  })
  const rssStart = process.resourceUsage().maxRSS
  const begun = performance.now()
  const book = buildTagBook([])
  const ledgers = await readLedgers({ files: [file], request, book, siftBytesMin, onLines: () => {} })
  return {
    seconds: Math.round(performance.now() - begun) / 1000,
    rssStartMiB: Math.round(rssStart / 1024),
    rssPeakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    held: ledgers.get('tron')!.transactions.length,
  }
}

/**
 * A dump read whole, and sifted to what a trace reaches: time, peak memory of a process that does nothing else, and memory
 * a line above what the process had at its start. About two minutes for the default size.
 */
export async function benchDump(options: { readonly transactions?: number } = {}): Promise<Record<string, unknown>> {
  const count = options.transactions ?? 2_000_000
  const folder = mkdtempSync(join(tmpdir(), 'proceeds-bench-dump-'))
  try {
    const file = join(folder, 'dump.ndjson')
    const { seed } = writeDump(file, count)
    const measure = (siftBytesMin: string) => {
      const script = fileURLToPath(import.meta.url)
      const memory = '--max-old-space-size=12288'
      const said = execFileSync(process.execPath, [memory, script, file, seed, siftBytesMin], { encoding: 'utf8' })
      const reading = JSON.parse(said) as Reading
      return {
        ...reading,
        linesPerSecond: Math.round(count / reading.seconds),
        bytesPerLine: Math.round(((reading.rssPeakMiB - reading.rssStartMiB) * 2 ** 20) / count),
      }
    }
    const sifted = measure('0')
    const whole = measure('Infinity')
    return {
      transactions: count,
      fileMiB: Math.round(statSync(file).size / 2 ** 20),
      sifted,
      whole,
      memoryOfWholeToSifted: Math.round((whole.rssPeakMiB / sifted.rssPeakMiB) * 10) / 10,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const [, script, file, seed, siftBytesMin] = process.argv
if (script !== undefined && file !== undefined && import.meta.url === pathToFileURL(script).href) {
  process.stdout.write(JSON.stringify(await read(file, seed, Number(siftBytesMin))))
}
