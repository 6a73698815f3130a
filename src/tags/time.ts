/** Times as tag files write them: ISO 8601, whole seconds since the epoch inside. */

/**
 * Reads `2022-01-31` (its midnight in UTC), `2022-01-31T09:00:00Z`, with an offset instead of `Z`, or with a blank and a
 * fraction as some tag packs have (no zone: UTC; the fraction is dropped). `undefined` for anything else, or no such day.
 */
export function parseTime(text: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(
    text,
  )
  if (!match) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? 0))
  const milliseconds = Date.UTC(year, month - 1, day, hour, minute, second)
  const read = new Date(milliseconds)
  // A day that the month does not have runs over into another month.
  if (year < 1000 || read.getUTCMonth() !== month - 1) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const zone = match[7]
  if (zone === undefined || zone === 'Z') return milliseconds / 1000
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))
  return milliseconds / 1000 - (zone[0] === '-' ? -minutes : minutes) * 60
}

/** Writes seconds since the epoch as `2022-01-31T00:00:00Z`. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
