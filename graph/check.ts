/** Our own reasoning has failed. Never caught and continued: a figure that rests on it may be wrong. */
export class BrokenInvariant extends Error {
  override name = 'BrokenInvariant'
}

/** States what must hold; stops everything when it does not. */
export function invariant(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BrokenInvariant(what)
}
