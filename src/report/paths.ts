import { type FlowPath, FlowPaths, invariant, type Transaction } from '../../graph/index.ts'
import type { Gap } from '../gaps.ts'
import { formatTime } from '../text.ts'
import type { ChainRun, Trace } from '../trace/trace.ts'
import type { EndpointDraft } from './assemble.ts'
import type { Path, PathStep } from './format.ts'
import { legFacts } from './leg-facts.ts'

/** How many threads are listed for each seed at each endpoint, and how many steps in all. */
const PATHS_MAX = 100
const STEPS_MAX = 400_000

/**
 * The threads of the primary method from the seeds to each endpoint, those that carry most first, every hop listed. They
 * add up to the endpoint's traced amount; what is not listed for its number is a gap with its amount.
 */
export function drawPaths(trace: Trace, endpoints: readonly EndpointDraft[], gaps: Gap[]): Path[] {
  const drawn: Path[] = []
  const threads = new Map<ChainRun, FlowPaths>()
  for (const run of trace.runs) {
    if (!run.primary) continue
    const { method, taint } = run.methods[0]
    threads.set(run, new FlowPaths(run.compiled.entries, taint.journal, { method, kMax: PATHS_MAX }))
  }
  let steps = 0
  for (const { id, run, leg } of endpoints) {
    for (const set of threads.get(run)?.intoLeg(leg) ?? []) {
      let omitted = set.rest.amount
      let omittedCount = set.rest.count
      for (const path of set.paths) {
        const told = steps < STEPS_MAX ? tellSteps(run, path) : undefined
        if (told === undefined) {
          omitted += path.amount
          omittedCount++
          continue
        }
        steps += told.length
        drawn.push({
          id: `P${drawn.length + 1}`,
          seed: trace.request.seeds[path.seed].id,
          endpoint: id,
          amount: path.amount.toString(),
          steps: told,
        })
      }
      if (omitted > 0n) {
        const seed = trace.request.seeds[set.seed].id
        gaps.push({
          kind: 'PATHS_OMITTED',
          where: id,
          amount: omitted.toString(),
          detail: `${omittedCount} threads of seed ${seed}; the journal has them`,
        })
      }
    }
  }
  return drawn
}

function tellSteps(run: ChainRun, path: FlowPath): PathStep[] {
  const { entries, transactions, outPlace } = run.compiled
  return path.steps().map(({ entry, inLeg, outLeg, carried }): PathStep => {
    const transaction = transactions[entries.transaction[entry]]
    const place = outPlace[outLeg]
    const { address, amount } = legFacts(transaction, place)
    return {
      transaction: transaction.id,
      from: inLeg === -1 ? payerOf(transaction, place) : payerFrom(run, transaction, place, entries.inPool[inLeg]),
      to: address ?? `${transaction.id}:${place}`,
      amount: amount.toString(),
      carried: carried.toString(),
      height: transaction.height ?? null,
      time: formatTime(transaction.time),
    }
  })
}

/** Who made a seed's payment: on a UTXO chain the first input stands for all, which the ledger lists. */
function payerOf(transaction: Transaction, place: number): string {
  if (transaction.kind === 'account') return transferAt(transaction, place).from
  const [first] = transaction.inputs
  return first === undefined ? 'coinbase' : (first.address ?? `${first.transaction}:${first.output}`)
}

/** Which address of a pool paid. */
function payerFrom(run: ChainRun, transaction: Transaction, place: number, pool: number): string {
  if (transaction.kind === 'account') return transferAt(transaction, place).from
  const { address, name } = run.compiled.pools[pool]
  if (run.pool !== 'cluster') return address ?? name
  const input = transaction.inputs.find((each) => each.address !== null && run.holderOf(each.address) === address)
  return input?.address ?? name
}

function transferAt(transaction: Transaction & { kind: 'account' }, place: number) {
  const transfer = transaction.transfers.find((each) => each.index === place)
  invariant(transfer !== undefined, `transfer ${place} of ${transaction.id} exists`)
  return transfer
}
