import type { Evidence } from './figures.ts'

/** Holds the picture's figures against the report. Answers how many there were. */
export function checkPicture(_svg: string, _evidence: Evidence): number {
  return 0
}
