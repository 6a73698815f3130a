/**
 * The tracing kernel beside the plain reference, on the same drawn ledger in the same process, and how it grows on the three
 * shapes that break tracers: the long peel chain, the busy wallet, the wide fan.
 */
import { type Entries, type MethodName, type SeedLeg, type Taint, TO_SERVICE, traceTaint } from '../../graph/index.ts'
import { traceTaintPlainly } from '../support/reference.ts'

/** A small stream of numbers that is the same on every run (mulberry32). */
function stream(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface BenchLedger {
  readonly entries: Entries
  readonly seeds: readonly SeedLeg[]
  readonly seedCount: number
}

/** Legs and entries as they are drawn. */
class Draft {
  readonly inStart = [0]
  readonly inPool: number[] = []
  readonly inAmount: number[] = []
  readonly outStart = [0]
  readonly outPool: number[] = []
  readonly outAmount: number[] = []
  pools = 0

  shut(): void {
    this.inStart.push(this.inPool.length)
    this.outStart.push(this.outPool.length)
  }

  build(mixing: Entries['mixing'], seeds: readonly SeedLeg[], seedCount: number): BenchLedger {
    const count = this.inStart.length - 1
    const entries: Entries = {
      mixing,
      count,
      poolCount: this.pools,
      transaction: Uint32Array.from({ length: count }, (_, i) => i),
      inStart: Uint32Array.from(this.inStart),
      inPool: Int32Array.from(this.inPool),
      inAmount: Float64Array.from(this.inAmount),
      outStart: Uint32Array.from(this.outStart),
      outPool: Int32Array.from(this.outPool),
      outAmount: Float64Array.from(this.outAmount),
      conversion: new Uint8Array(count),
      opening: new Float64Array(this.pools),
      poolSpace: new Uint32Array(this.pools),
    }
    return { entries, seeds, seedCount }
  }
}

/** Bitcoin as it is used: one to three inputs, two outputs and a fee; a tenth of the outputs goes to services. */
export function drawOutputs(count: number): BenchLedger {
  const random = stream(7)
  const draft = new Draft()
  const unspent: { pool: number; amount: number }[] = []
  const seeds: SeedLeg[] = []
  for (let entry = 0; entry < count; entry++) {
    let total = 0
    if (unspent.length < 1000) {
      total = 5_000_000_000
      draft.inPool.push(-1)
      draft.inAmount.push(total)
    } else {
      const wanted = 1 + Math.floor(random() * 3)
      for (let i = 0; i < wanted; i++) {
        const at = Math.floor(random() * unspent.length)
        const coin = unspent[at]
        unspent[at] = unspent[unspent.length - 1]
        unspent.pop()
        draft.inPool.push(coin.pool)
        draft.inAmount.push(coin.amount)
        total += coin.amount
      }
    }
    const fee = total > 10_000 ? 1000 : 0
    const first = Math.floor((total - fee) * (0.1 + 0.8 * random()))
    for (const amount of [first, total - fee - first]) {
      if (entry < 1000 && draft.outPool.length % 2 === 0)
        seeds.push({ seed: seeds.length % 5, leg: draft.outPool.length, amount: BigInt(amount) })
      if (random() < 0.1 && entry >= 1000) draft.outPool.push(TO_SERVICE)
      else {
        draft.outPool.push(draft.pools)
        unspent.push({ pool: draft.pools++, amount })
      }
      draft.outAmount.push(amount)
    }
    draft.shut()
  }
  return draft.build('transaction', seeds, 5)
}

/** USDT as it is used: one payer, one payee, balances that mix. */
export function drawBalances(count: number): BenchLedger {
  const random = stream(11)
  const draft = new Draft()
  draft.pools = Math.max(100, Math.floor(count / 20))
  const balance = new Float64Array(draft.pools)
  const seeds: SeedLeg[] = []
  for (let entry = 0; entry < count; entry++) {
    const from = Math.floor(random() ** 2 * draft.pools)
    const to = Math.floor(random() ** 2 * draft.pools)
    const fresh = balance[from] < 1000 || from === to
    const amount = fresh ? 1_000_000_000 : Math.floor(balance[from] * (0.05 + 0.9 * random()))
    draft.inPool.push(fresh ? -2 : from)
    draft.inAmount.push(amount)
    if (!fresh) balance[from] -= amount
    if (entry % 1000 === 0) seeds.push({ seed: seeds.length % 5, leg: draft.outPool.length, amount: BigInt(amount) })
    if (random() < 0.05 && entry % 1000 !== 0) draft.outPool.push(TO_SERVICE)
    else {
      draft.outPool.push(to)
      balance[to] += amount
    }
    draft.outAmount.push(amount)
    draft.shut()
  }
  return draft.build('balance', seeds, 5)
}

/** Each hop pays one unit away and keeps the rest. */
export function drawPeelChain(hops: number): BenchLedger {
  const draft = new Draft()
  draft.inPool.push(-1)
  draft.inAmount.push(hops)
  draft.outPool.push(draft.pools++)
  draft.outAmount.push(hops)
  draft.shut()
  for (let hop = 1; hop <= hops; hop++) {
    draft.inPool.push(draft.pools - 1)
    draft.inAmount.push(hops - hop + 1)
    draft.outPool.push(TO_SERVICE)
    draft.outAmount.push(1)
    if (hop < hops) {
      draft.outPool.push(draft.pools++)
      draft.outAmount.push(hops - hop)
    }
    draft.shut()
  }
  return draft.build('transaction', [{ seed: 0, leg: 0, amount: BigInt(hops) }], 1)
}

/** Payments of proceeds and of other money by turns into one wallet, which then pays them all out in one. */
export function drawBusyWallet(deposits: number): BenchLedger {
  const draft = new Draft()
  draft.pools = 2
  const seeds: SeedLeg[] = []
  for (let i = 0; i < deposits; i++) {
    draft.inPool.push(-1)
    draft.inAmount.push(10)
    if (i % 2 === 0) seeds.push({ seed: 0, leg: draft.outPool.length, amount: 10n })
    draft.outPool.push(0)
    draft.outAmount.push(10)
    draft.shut()
  }
  draft.inPool.push(0)
  draft.inAmount.push(10 * deposits)
  draft.outPool.push(1)
  draft.outAmount.push(10 * deposits)
  draft.shut()
  return draft.build('balance', seeds, 1)
}

/** One payment to very many. */
export function drawFan(outputs: number): BenchLedger {
  const draft = new Draft()
  draft.inPool.push(-1)
  draft.inAmount.push(3 * outputs)
  draft.outPool.push(draft.pools++)
  draft.outAmount.push(3 * outputs)
  draft.shut()
  draft.inPool.push(0, -1)
  draft.inAmount.push(3 * outputs, outputs)
  for (let i = 0; i < outputs; i++) {
    draft.outPool.push(draft.pools++)
    draft.outAmount.push(4)
  }
  draft.shut()
  return draft.build('transaction', [{ seed: 0, leg: 0, amount: BigInt(3 * outputs) }], 1)
}

function run({ entries, seeds, seedCount }: BenchLedger, method: MethodName): { ms: number; taint: Taint } {
  const start = performance.now()
  const taint = traceTaint(entries, seeds, seedCount, method)
  return { ms: performance.now() - start, taint }
}

function best(ledger: BenchLedger, method: MethodName, times: number): { ms: number; taint: Taint } {
  let found = run(ledger, method)
  for (let i = 1; i < times; i++) {
    const again = run(ledger, method)
    if (again.ms < found.ms) found = again
  }
  return found
}

/** What each leg took of each seed, to compare two engines by. */
function legsOf({ journal }: Taint): Map<string, bigint> {
  const legs = new Map<string, bigint>()
  for (let i = 0; i < journal.rows; i++) {
    if (journal.side[i] === 2) continue
    const leg =
      journal.leg[i] === 0xffffffff ? 'fee' : journal.side[i] === 0 ? `in ${journal.leg[i]}` : `${journal.leg[i]}`
    const key = `${leg} ${journal.seed[i]}`
    legs.set(key, (legs.get(key) ?? 0n) + BigInt(journal.amount[i]))
  }
  return legs
}

const round = (value: number, digits = 2) => Number(value.toFixed(digits))

export async function benchKernel(): Promise<Record<string, unknown>> {
  const answer: Record<string, unknown> = {}
  for (const [name, ledger, rival] of [
    ['outputs', drawOutputs(1_000_000), drawOutputs(100_000)],
    ['balances', drawBalances(1_000_000), drawBalances(100_000)],
  ] as const) {
    for (const method of ['fifo', 'lifo', 'proRata', 'ownFirst'] as const) {
      if (method === 'ownFirst' && ledger.entries.mixing === 'transaction') continue
      globalThis.gc?.()
      const before = process.memoryUsage()
      const { ms, taint } = best(ledger, method, 3)
      const after = process.memoryUsage()
      const row: Record<string, unknown> = {
        entriesPerSecond: Math.round(ledger.entries.count / (ms / 1000)),
        journalRows: taint.journal.rows,
        // Journal, lots and scratch together, for each leg that lots moved by; nothing of it freed yet.
        bytesALegMoved: Math.round(
          (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) /
            (ledger.entries.inPool.length + ledger.entries.outPool.length),
        ),
      }
      if (method === 'fifo' || method === 'proRata') {
        const start = performance.now()
        const plain = traceTaintPlainly(rival.entries, rival.seeds, rival.seedCount, method)
        const plainMs = performance.now() - start
        const fast = best(rival, method, 3)
        row.timesThePlainReference = round(plainMs / fast.ms, 1)
        const mine = legsOf(fast.taint)
        row.sameFigures =
          mine.size === plain.legs.size && [...plain.legs].every(([key, amount]) => mine.get(key) === amount)
      }
      answer[`${name} ${method}`] = row
    }
  }
  for (const [name, draw, n] of [
    ['peel chain of hops', drawPeelChain, 100_000],
    ['wallet with deposits', drawBusyWallet, 1_000_000],
    ['fan of outputs', drawFan, 1_000_000],
  ] as const) {
    const row: Record<string, unknown> = { n }
    const [small, large] = [draw(n), draw(2 * n)]
    for (const method of ['fifo', 'proRata'] as const) {
      // By turns, so that whatever else the machine does falls on both.
      let once = Number.POSITIVE_INFINITY
      let twice = Number.POSITIVE_INFINITY
      for (let turn = 0; turn < 8; turn++) {
        globalThis.gc?.()
        once = Math.min(once, run(small, method).ms)
        globalThis.gc?.()
        twice = Math.min(twice, run(large, method).ms)
      }
      row[method] = { msForN: round(once, 1), timeFor2nOverN: round(twice / once) }
    }
    answer[name] = row
  }
  return answer
}
