import { isFinal, type Records, type TraceEvent } from '../store/records.ts'
import type { TraceQueue } from '../work/queue.ts'
import { type Language, toProblem } from './problems.ts'

export interface StreamOptions {
  readonly records: Records
  readonly queue: TraceQueue
  readonly id: string
  /** The last event the caller has; 0 for none. */
  readonly after: number
  readonly heartbeatMs: number
  readonly language: Language
  readonly signal: AbortSignal
}

/**
 * The events of a trace as server-sent events: those in the records, then each as it comes, with a comment line in
 * silence. Ends after a final state, when the caller leaves, or when the service closes: the caller comes back with
 * `Last-Event-ID`.
 */
export async function* streamEvents(options: StreamOptions): AsyncGenerator<string> {
  const { records, queue, id, heartbeatMs, signal } = options
  let wake = () => {}
  let closing = false
  let changed = true
  const nudge = () => {
    changed = true
    wake()
  }
  const unwatch = queue.watch(id, nudge)
  const unclose = queue.onClose(() => {
    closing = true
    nudge()
  })
  signal.addEventListener('abort', nudge)
  try {
    yield 'retry: 2000\n\n'
    let last = options.after
    for (;;) {
      changed = false
      for (const event of records.events(id, last)) {
        last = event.id
        yield writeEvent(id, event, options.language)
        if (isFinal(event.state)) return
      }
      // A caller whose last event is the final one, or lies beyond it, has nothing to wait for.
      const record = records.get(id)
      if (!record || isFinal(record.state) || closing || signal.aborted) return
      if (changed) continue
      let timer: NodeJS.Timeout | undefined
      const beat = await new Promise<boolean>((resolve) => {
        wake = () => resolve(false)
        timer = setTimeout(() => resolve(true), heartbeatMs)
      })
      clearTimeout(timer)
      if (beat) yield ': still here\n\n'
    }
  } finally {
    unwatch()
    unclose()
    signal.removeEventListener('abort', nudge)
  }
}

function writeEvent(
  id: string,
  { id: number, kind, state, progress, problem }: TraceEvent,
  language: Language,
): string {
  const told = problem && toProblem(problem, `urn:proceeds:trace:${id}`, language)
  return `id: ${number}\nevent: ${kind}\ndata: ${JSON.stringify({ state, progress, problem: told })}\n\n`
}
