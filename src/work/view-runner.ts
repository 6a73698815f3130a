import { Piscina } from 'piscina'
import { Fault } from '../faults.ts'
import { type Answer, memoryEnded, unwrap } from './threads.ts'
import { answerView, type ViewAnswers, type ViewRequest } from './views.ts'

/** Where questions to finished reports are answered. */
export interface ViewRunner {
  ask<K extends ViewRequest['kind']>(view: Extract<ViewRequest, { kind: K }>): Promise<ViewAnswers[K]>
  close(): Promise<void>
}

/** Answers on the caller's own thread: for tests and small reports. */
export function ownThreadViews(): ViewRunner {
  return { ask: async (view) => (await answerView(view)) as never, close: async () => {} }
}

/** Answers in one worker thread, which keeps the last reports parsed. `file` is the compiled `view-worker.js`. */
export function threadViews(options: { file: URL; memoryMib: number }): ViewRunner {
  const pool = new Piscina({
    filename: options.file.href,
    minThreads: 0,
    maxThreads: 1,
    maxQueue: 64,
    idleTimeout: 60_000,
    resourceLimits: { maxOldGenerationSizeMb: options.memoryMib },
  })
  return {
    async ask(view) {
      try {
        const answered: Answer<never> = await pool.run(view, { signal: AbortSignal.timeout(60_000) })
        return unwrap(answered)
      } catch (error) {
        if (memoryEnded(error))
          throw new Fault('LIMIT_EXCEEDED', 'the report is too large to be queried; download report.json')
        if (error instanceof Error && error.name === 'AbortError') {
          throw new Fault('LIMIT_EXCEEDED', 'the question took longer than 60 s; download report.json')
        }
        if (error instanceof Error && error.message === 'Task queue is at limit') {
          throw new Fault('QUEUE_FULL', 'too many questions to reports wait already; ask again later')
        }
        throw error
      }
    },
    close: () => pool.destroy(),
  }
}
