/** The user's own end, without us: an event of the server's that locks it, ends its sessions and drops it once its time is over. It is named after the user (`event-name.ts`), and its comment is the mark. */
import { eventName } from './event-name.ts'
import { timestamp } from '../server/server-clock.ts'
import { quoteAccount, quoteIdentifier, quoteLiteral } from '../server/quote.ts'
import type { Server } from '../server/server.ts'
import { expiryMargin } from '../server/server.ts'
import type { ServerKind } from '../server/server-kind.ts'

/** Events live in a schema. Nobody but the admin account has rights in this one. */
const schema = 'mayfly'

export interface Expiry {
  readonly name: string
  readonly hosts: readonly string[]
  readonly until: Temporal.Instant
  readonly mark: string
}

const named = (name: string): string => `${schema}.${quoteIdentifier(eventName(name))}`

export function createEvent(server: Pick<Server, 'time'>, kind: ServerKind, expiry: Expiry): string {
  return `create event ${named(expiry.name)} on schedule at ${at(server, expiry.until)} on completion not preserve comment ${quoteLiteral(expiry.mark)} do ${body(kind, expiry)}`
}

/** For other hosts than were thought of. */
export const alterBody = (kind: ServerKind, expiry: Pick<Expiry, 'name' | 'hosts'>): string =>
  `alter event ${named(expiry.name)} do ${body(kind, expiry)}`

export const moveEvent = (server: Server, name: string, until: Temporal.Instant): string =>
  `alter event ${named(name)} on schedule at ${at(server, until)}`

export const dropEvent = (name: string): string => `drop event if exists ${named(name)}`

/** Needs the right that all of these need, and changes nothing. */
export const lookForRight = `show events from ${schema}`

const at = (server: Pick<Server, 'time'>, until: Temporal.Instant): string =>
  quoteLiteral(timestamp(server.time.there(until.add(expiryMargin))))

/** Looked for twice: a login that was past the check before the lock shows up a little later. */
function body(kind: ServerKind, { name, hosts }: Pick<Expiry, 'name' | 'hosts'>): string {
  const accounts = hosts.map(host => quoteAccount(name, host)).join(', ')
  return `begin
    declare continue handler for sqlexception begin end;
    alter user if exists ${accounts} account lock;
    ${kind.endSessions(name)}
    do sleep(1);
    ${kind.endSessions(name)}
    drop user if exists ${accounts};
  end`
}
