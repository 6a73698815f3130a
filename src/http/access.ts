import { Fault } from '../faults.ts'
import { findKey } from '../store/keys.ts'
import type { KeyRole, Records } from '../store/records.ts'

/** Who asks, and what they may. */
export interface Principal {
  /** The key's id and name; both null on loopback without keys. */
  readonly key: string | null
  readonly name: string | null
  readonly role: KeyRole
}

/** What a request shows of who sends it. */
export interface Approach {
  readonly authorization: string | undefined
  /** The `Host` header. */
  readonly host: string | undefined
  /** The `Origin` header: there when a page of a browser asks. */
  readonly origin: string | undefined
  /** Whether a proxy says that it passes the request on for someone else. */
  readonly forwarded: boolean
}

/** Whether an address to listen on can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/**
 * Who asks. As soon as a key was ever made, only keys count. Before that the service is on loopback and whoever reaches
 * it is an investigator; but a web page must not get there by a name that points to loopback (DNS rebinding) or by a
 * form on another site, so the host must be a loopback name and the origin, where one is said, this service; nor anyone
 * through a proxy that happens to stand on this machine.
 */
export function identify(records: Records, open: boolean, approach: Approach): Principal | Fault {
  const { authorization, host, origin, forwarded } = approach
  if (!records.hasKeys()) {
    if (!open) return new Fault('UNAUTHORIZED', 'this service has no keys; make one with `proceeds keys create`')
    const name = host?.replace(/:\d+$/, '')
    if (name === undefined || !isLoopback(name)) {
      return new Fault(
        'FORBIDDEN',
        'without keys this service answers on loopback names only (localhost, 127.0.0.1, [::1])',
      )
    }
    if (forwarded) return new Fault('FORBIDDEN', 'without keys this service does not answer through a proxy')
    if (origin !== undefined && origin !== `http://${host}`) {
      return new Fault('FORBIDDEN', 'without keys this service does not answer pages of other sites')
    }
    return { key: null, name: null, role: 'investigator' }
  }
  if (authorization === undefined) return new Fault('UNAUTHORIZED', 'send `Authorization: Bearer prc_…`')
  const bearer = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  const key = bearer === undefined ? undefined : findKey(records, bearer)
  if (!key) return new Fault('UNAUTHORIZED', 'the key is unknown, revoked or not written in full')
  return { key: key.id, name: key.name, role: key.role }
}

/** Fault FORBIDDEN where a principal's role does not reach. An investigator may do what a viewer may. */
export function permit(principal: Principal, role: KeyRole): void {
  if (role === 'viewer' || principal.role === 'investigator') return
  throw new Fault('FORBIDDEN', `this needs a key with the role ${role}; yours is a ${principal.role} key`)
}
