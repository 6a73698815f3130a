import { Piscina } from 'piscina'
import { Fault } from '../faults.ts'
import { Desk, type DeskAnswers, type DeskQuestion, type DeskSources } from './desk.ts'
import { type Answer, memoryEnded, unwrap } from './threads.ts'

/** Where questions about addresses are answered. */
export interface DeskRunner {
  ask<K extends DeskQuestion['kind']>(question: Extract<DeskQuestion, { kind: K }>): Promise<DeskAnswers[K]>
  close(): Promise<void>
}

/** Answers on the caller's own thread: for tests and small ledgers. */
export function ownThreadDesk(sources: DeskSources): DeskRunner {
  const desk = new Desk(sources)
  return { ask: (question) => desk.answer(question), close: () => desk.close() }
}

/** Longest that a question waits, the first reading of the ledger included. */
const ANSWER_MS = 600_000

/** Answers in one worker thread, which keeps ledger, clusters and reports. `file` is the compiled `desk-worker.js`. */
export function threadDesk(sources: DeskSources, options: { file: URL; memoryMib: number }): DeskRunner {
  const pool = new Piscina({
    filename: options.file.href,
    minThreads: 0,
    maxThreads: 1,
    maxQueue: 256,
    // What was read stays: reading it again costs more than keeping it.
    idleTimeout: Number.POSITIVE_INFINITY,
    resourceLimits: { maxOldGenerationSizeMb: options.memoryMib },
  })
  return {
    async ask(question) {
      try {
        const answered: Answer<never> = await pool.run(
          { sources, question },
          { signal: AbortSignal.timeout(ANSWER_MS) },
        )
        return unwrap(answered)
      } catch (error) {
        if (memoryEnded(error)) {
          throw new Fault(
            'LIMIT_EXCEEDED',
            'the service’s ledger does not fit the memory granted to look-ups; raise PROCEEDS_TRACE_MEMORY_MIB',
          )
        }
        if (error instanceof Error && error.name === 'AbortError') {
          throw new Fault('LIMIT_EXCEEDED', `the answer took longer than ${ANSWER_MS / 1000} s; ask for less at once`)
        }
        if (error instanceof Error && error.message === 'Task queue is at limit') {
          throw new Fault('QUEUE_FULL', 'too many questions about addresses wait already; ask again later')
        }
        throw error
      }
    },
    close: () => pool.destroy(),
  }
}
