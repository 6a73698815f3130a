import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { TraceRecord } from '../store/records.ts'

/** The service's figures, in a registry of its own. Labels name routes, never paths: no address or case gets in here. */
export class Metrics {
  readonly registry = new Registry()
  private readonly requests: Histogram
  private readonly ended: Counter
  private readonly duration: Histogram

  constructor(counts: () => { readonly queued: number; readonly running: number }) {
    const registers = [this.registry]
    this.requests = new Histogram({
      name: 'proceeds_http_request_seconds',
      help: 'Time to answer a request',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    })
    this.ended = new Counter({
      name: 'proceeds_traces_ended_total',
      help: 'Traces that came to a final state',
      labelNames: ['state', 'code'],
      registers,
    })
    this.duration = new Histogram({
      name: 'proceeds_trace_seconds',
      help: 'Time a finished trace ran',
      buckets: [0.1, 1, 10, 60, 600, 3600],
      registers,
    })
    const gauge: Gauge = new Gauge({
      name: 'proceeds_traces',
      help: 'Traces now waiting and running',
      labelNames: ['state'],
      registers,
      collect() {
        for (const [state, count] of Object.entries(counts())) gauge.set({ state }, count)
      },
    })
  }

  /** Adds what the runtime knows of itself: memory, event loop, collector. Once in a process. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.registry })
  }

  request(method: string, route: string, status: number, seconds: number): void {
    this.requests.observe({ method, route, status: String(status) }, seconds)
  }

  traceEnded({ state, problem, startedAt, finishedAt }: TraceRecord): void {
    this.ended.inc({ state, code: problem?.code ?? '' })
    if (state === 'done' && startedAt !== null && finishedAt !== null) {
      this.duration.observe((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)
    }
  }
}
