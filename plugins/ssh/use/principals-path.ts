import { BrokerError, field, path } from 'mayfly/plugin'
import type { Answer, MountLease, MountStorage, Path, PathRequest } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { parseAddress } from '../format/address.ts'
import { readHost } from '../hosts/host-rows.ts'
import { findCertificate } from './find-certificate.ts'

interface Fields {
  readonly user?: string | undefined
  readonly ca?: string | undefined
  readonly serial?: string | undefined
  readonly host?: string | undefined
  readonly client?: string | undefined
  readonly format?: string | undefined
}

/** `principals`: what sshd asks at a login (`AuthorizedPrincipalsCommand`): as whom this certificate may come in now. By the lease as it is at this moment, so a revocation counts at once. sshd asks twice a
 *  login, and also for a certificate that is only shown by who has not its key: it is an offer, and no login. */
export function principalsPath(engine: Engine): Path {
  return path({
    pattern: 'principals',
    summary: 'as whom a certificate may log in now',
    fields: {
      user: field.text(),
      ca: field.text(),
      serial: field.text(),
      host: field.text(),
      client: field.text(),
      format: field.text()
    },
    write: (request, storage) => principals(engine, request, storage)
  })
}

export async function principals(engine: Engine, { fields }: PathRequest<Fields>, storage: MountStorage): Promise<Answer> {
  const { user = '', ca = '', serial = '', host = '', client = '', format = 'json' } = fields
  for (const [name, value] of Object.entries({ user, ca, serial }))
    if (value === '') throw new BrokerError('invalid_request', `${name}: missing`)
  if (format !== 'json' && format !== 'text') throw new BrokerError('invalid_request', 'format: expected "json" or "text"')
  const now = engine.context.clock.now()
  const found = await findCertificate(engine, storage, { ca, serial })
  const lease = found?.lease
  const why = found && !found.trusted ? 'its issuer was revoked' : refusalOf(lease, now)
  const taken = why === undefined ? await takenAt(storage, host, user) : []
  const held = lease?.visible['principals']?.split(',') ?? []
  const allowed = taken.filter(principal => held.includes(principal))
  if (lease && why === undefined) storage.used(lease.name, { at: now, kind: 'offer', ...(parseAddress(client) ? { from: client } : {}) })
  // sshd compares what it is told with the certificate: a line is a principal.
  if (format === 'text') return { raw: Buffer.from(allowed.map(principal => `${principal}\n`).join('')), type: 'text/plain' }
  const reason = why ?? (allowed.length === 0 ? `none of its principals is taken for ${user.slice(0, 64)}` : undefined)
  return { data: { allowed: allowed.length > 0, principals: allowed, ...(reason === undefined ? {} : { reason }) } }
}

function refusalOf(lease: MountLease | undefined, now: Temporal.Instant): string | undefined {
  if (!lease) return 'no certificate of this mount has this serial'
  if (lease.visible['cert_type'] !== 'user') return 'this is the certificate of a host'
  if (lease.state === 'active' && Temporal.Instant.compare(lease.until, now) > 0) return undefined
  return lease.state === 'active' ? 'it has expired' : 'it was revoked'
}

/** The principals that an account takes: what an operator said of this host, else its own name. */
export async function takenAt(storage: MountStorage, host: string, user: string): Promise<readonly string[]> {
  const stored = host === '' ? undefined : await readHost(storage, host)
  const accounts = stored?.host.accounts ?? {}
  return Object.hasOwn(accounts, user) ? accounts[user]! : [user]
}
