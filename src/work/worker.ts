import type { MessagePort } from 'node:worker_threads'
import type { RunInput, RunResult } from './run.ts'
import { type Answer, answer } from './threads.ts'

/** What a tracing thread is handed: plain data, and a port to say how far it is. */
export interface WorkerTask {
  readonly job: Omit<RunInput, 'signal' | 'progress'>
  readonly progress: MessagePort
}

/** Between two messages of progress; a trace may report every transaction. */
const PROGRESS_MS = 100

/** Makes a thread's entry out of a way to trace. The thread is ended from outside, so no signal reaches in. */
export function serveTasks(load: () => Promise<(input: RunInput) => Promise<RunResult>>) {
  return async ({ job, progress }: WorkerTask): Promise<Answer<RunResult>> => {
    let stage = ''
    let last = 0
    try {
      return await answer(async () => {
        const run = await load()
        return run({
          ...job,
          progress(now) {
            if (now.stage === stage && performance.now() - last < PROGRESS_MS) return
            stage = now.stage
            last = performance.now()
            progress.postMessage({ stage: now.stage, done: now.done, total: now.total })
          },
        })
      })
    } finally {
      progress.close()
    }
  }
}

/** The entry of the tracing threads. The engine is loaded inside the thread, where a failure to load is the task's. */
export default serveTasks(async () => (await import('./run.ts')).runTrace)
