import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { RunInput, RunResult } from './run.ts'
import { type Answer, unwrap } from './threads.ts'
import type { WorkerTask } from './worker.ts'

export type RunJob = Omit<RunInput, 'signal' | 'progress'>

/** Where traces run. `run` throws faults; after its signal aborts it rejects soon, having written nothing at `out`. */
export interface TraceRunner {
  run(job: RunJob, watch: { signal: AbortSignal; progress: NonNullable<RunInput['progress']> }): Promise<RunResult>
  close(): Promise<void>
}

/** Runs traces on the caller's own thread: for tests, and for a command that has nothing else to do. */
export function ownThreadRunner(run: (input: RunInput) => Promise<RunResult>): TraceRunner {
  return {
    run: async (job, { signal, progress }) => {
      const aborted = new Promise<never>((_, reject) => {
        signal.throwIfAborted()
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
      return Promise.race([run({ ...job, signal, progress }), aborted])
    },
    close: async () => {},
  }
}

/**
 * Runs traces in worker threads, one each. Aborting ends the thread at once, whatever it is doing; so `job.out` must lie
 * in a directory that the caller clears. `file` is the compiled `worker.js`.
 */
export function threadRunner(options: { file: URL; threads: number; memoryMib: number }): TraceRunner {
  const pool = new Piscina({
    filename: options.file.href,
    minThreads: 0,
    maxThreads: options.threads,
    idleTimeout: 30_000,
    concurrentTasksPerWorker: 1,
    resourceLimits: { maxOldGenerationSizeMb: options.memoryMib },
  })
  return {
    async run(job, { signal, progress }) {
      const { port1, port2 } = new MessageChannel()
      port1.on('message', progress)
      try {
        const task = { job, progress: port2 } as unknown as WorkerTask
        const answered: Answer<RunResult> = await pool.run(task, { signal, transferList: [port2] })
        return unwrap(answered)
      } finally {
        port1.close()
      }
    },
    close: () => pool.destroy(),
  }
}
