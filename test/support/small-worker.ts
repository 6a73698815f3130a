import { serveTasks } from '../../src/work/worker.ts'
import { smallRun } from './small-run.ts'

/** A tracing thread with the stand-in for the engine; `SMALL_WORK_MS` says how long it works. */
export default serveTasks(async () => smallRun({ workMs: Number(process.env.SMALL_WORK_MS ?? '0') }))
