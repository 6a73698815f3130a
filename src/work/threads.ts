import { BrokenInvariant } from '../../graph/index.ts'
import { Fault, type FaultCode } from '../faults.ts'

/** How a thread's answer travels: a fault keeps its code, which a thrown error would lose on the way. */
export type Answer<T> =
  | { readonly value: T }
  | { readonly fault: { readonly code: FaultCode; readonly detail: string } }

/** In the thread: a value or a fault as an answer; anything else is thrown, and means that we failed. */
export async function answer<T>(work: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    if (error instanceof Fault) return { fault: { code: error.code, detail: error.detail } }
    throw error
  }
}

/** Outside the thread: the value, or the fault thrown again. */
export function unwrap<T>(answered: Answer<T>): T {
  if ('fault' in answered) throw new Fault(answered.fault.code, answered.fault.detail)
  return answered.value
}

/** A thread that met the end of its memory says so in its error's code. */
export function memoryEnded(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
}

/** What a caller is told of a failure: faults as they are, everything else without the inside of the house. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (memoryEnded(error)) {
    return new Fault(
      'LIMIT_EXCEEDED',
      'the trace needs more memory than the service grants one trace; narrow the request, or raise PROCEEDS_TRACE_MEMORY_MIB',
      { cause: error },
    )
  }
  const what =
    error instanceof BrokenInvariant ? 'the engine found its own reasoning broken and stopped' : 'the service failed'
  return new Fault('INTERNAL', `${what}; no figure was written. Its log holds the cause under this id`, {
    cause: error,
  })
}
