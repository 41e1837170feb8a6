import { BrokerError } from 'mayfly/plugin'
import type { DatabaseDriver } from 'mayfly/plugin'
import type { Role, RoleFields } from '../role/role.ts'

// As long as the server's own column.
const hostPattern = /^[A-Za-z0-9_%.:/-]{1,255}$/

/** `host` of a role: where its users may log in from, on servers whose users are those of a host. */
export function mergedHost({ host }: RoleFields, stored: Pick<Role, 'host'> | undefined): string | null {
  if (host === undefined) return stored?.host ?? null
  if (host === '') return null
  if (!hostPattern.test(host))
    throw refusal('expected a name, an address or a pattern of them, such as 10.0.0.0/255.0.0.0 or %.example.com')
  return host
}

/** A fence that the server does not have would be a promise that nobody keeps. */
export function refuseHost(driver: DatabaseDriver, { host }: Pick<Role, 'host'>): void {
  if (host !== null && !driver.hosts) throw refusal(`the driver ${driver.name} has no hosts of users`)
}

const refusal = (why: string): BrokerError => new BrokerError('invalid_request', `host: ${why}`)
