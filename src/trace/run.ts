/** What a trace is given. */
export interface RunInput {
  readonly request: unknown
  /** Ledger dump files. */
  readonly ledgers: readonly string[]
  readonly tags: readonly string[]
  /** Bundle directory to create. */
  readonly out: string
  readonly signal?: AbortSignal
  readonly progress?: (progress: { stage: string; done: number; total: number | null }) => void
  readonly run: { readonly by: string | null; readonly startedAt: string; readonly host: string | null }
}

export interface RunResult {
  readonly directory: string
  readonly reportSha256: string
  readonly balanced: boolean
  readonly summary: { readonly endpoints: number; readonly holdings: number; readonly gaps: number }
}

/** Traces a request over ledger dumps and writes the whole bundle, or throws a Fault and writes nothing. */
export declare function runTrace(input: RunInput): Promise<RunResult>
