import { answer } from './threads.ts'
import { answerView, type ViewRequest } from './views.ts'

/** The entry of the thread that reads reports: parsing one may take seconds, which the event loop does not have. */
export default (view: ViewRequest) => answer(() => answerView(view))
