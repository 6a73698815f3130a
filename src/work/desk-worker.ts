import { Desk, type DeskQuestion, type DeskSources } from './desk.ts'
import { answer } from './threads.ts'

let held: { readonly key: string; readonly desk: Desk } | undefined

/** The entry of the desk's thread: reading a ledger and clustering it takes seconds or minutes, which the event loop does not have. */
export default ({ sources, question }: { sources: DeskSources; question: DeskQuestion }) =>
  answer(() => {
    const key = JSON.stringify(sources)
    if (held?.key !== key) held = { key, desk: new Desk(sources) }
    return held.desk.answer(question)
  })
