import { type Database, open, type RootDatabase } from 'lmdb'
import { Fault } from '../faults.ts'
import { type Claim, type ClaimTable, EMPTY_HEAD, type LogHead } from './claims.ts'

/** Written into every store; another version is refused, never guessed at. */
const FORMAT = 'proceeds-claims/1'

/**
 * Claims kept by LMDB in a directory: a claim by its id, ids by chain and address in one contiguous run, the log by
 * number. One process writes, many read. A write is on disk when it returns. Faults: `STORE_INVALID` for a store of
 * another version, `STORE_UNAVAILABLE` where the directory cannot be opened.
 */
export function openClaimTable(directory: string, options: { readonly mapSizeMax?: number } = {}): ClaimTable {
  let root: RootDatabase
  try {
    root = open({
      path: directory,
      maxDbs: 8,
      overlappingSync: false,
      ...(options.mapSizeMax ? { mapSize: options.mapSizeMax } : {}),
    })
  } catch (cause) {
    throw new Fault('STORE_UNAVAILABLE', `${directory}: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
  const meta: Database<unknown, string> = root.openDB({ name: 'meta' })
  const claims: Database<Claim, string> = root.openDB({ name: 'claims' })
  const addresses: Database<true, [string, string, string]> = root.openDB({ name: 'addresses' })
  const log: Database<string, number> = root.openDB({ name: 'log' })

  const format = meta.get('format')
  if (format === undefined && claims.getCount() === 0) meta.putSync('format', FORMAT)
  else if (format !== FORMAT) {
    void root.close()
    throw new Fault(
      'STORE_INVALID',
      `${directory}: it says ${JSON.stringify(format)}, and this version reads ${FORMAT}`,
    )
  }

  const readHead = (): LogHead => (meta.get('head') as LogHead | undefined) ?? EMPTY_HEAD
  /** The head within a write; outside one it is what the store says. */
  let pending: LogHead | undefined
  /** Above every id: ids are hexadecimal. */
  const last = 'g'
  return {
    get: (id) => claims.get(id),
    put(claim) {
      claims.putSync(claim.id, claim)
      addresses.putSync([claim.tag.chain, claim.tag.address, claim.id], true)
    },
    idsOf: (chain, address) => {
      const ids: string[] = []
      const range = addresses.getKeys({ start: [chain, address, ''], end: [chain, address, last] })
      for (const key of range) ids.push(key[2])
      return ids
    },
    *all() {
      for (const key of addresses.getKeys()) {
        const claim = claims.get(key[2])
        if (claim) yield claim
      }
    },
    count: () => claims.getCount(),
    head: () => pending ?? readHead(),
    appendLine(line, head) {
      log.putSync(head.records, line)
      pending = head
    },
    *lines() {
      for (const { value } of log.getRange()) yield value
    },
    write(work) {
      try {
        // An error leaves the callback and takes the whole transaction with it.
        root.transactionSync(() => {
          pending = readHead()
          work()
          meta.putSync('head', pending)
        })
      } finally {
        pending = undefined
      }
    },
    async close() {
      await root.close()
    },
  }
}
