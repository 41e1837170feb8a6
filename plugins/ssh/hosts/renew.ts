import { BrokerError, path } from 'mayfly/plugin'
import type { MountReader, Path } from 'mayfly/plugin'
import { fingerprintOf, messageFields } from './host-message.ts'
import type { SignedBody } from './host-message.ts'
import type { Engine } from '../engine.ts'
import { removeHost, writeHost } from './host-rows.ts'
import { knownHost, requireNewer } from './known-host.ts'
import type { KnownHost } from './known-host.ts'
import { forgetReach } from './reach.ts'
import { planHostCertificate } from './plan-host-certificate.ts'

// Each is a lease for days. A host whose replies get lost asks with every turn, one that was taken over as fast as it can.
const renewalEveryMs = 60_000

/** What an enrolled host asks with its key alone: its next certificate, for the names that the operator gave it, and to be no host of this mount any more. */
export function renewPaths(engine: Engine): readonly Path[] {
  return [
    path({
      pattern: 'hosts/:host/renew',
      summary: 'the next certificate of an enrolled host',
      open: true,
      fields: messageFields,
      write: async (request, storage) => {
        const known = await knownHost(engine, storage, request.fields, 'renew', request.params['host'] ?? '')
        requireNewer(known)
        const { name, host, enrolled, version, said } = known
        const now = engine.context.clock.now()
        const last = enrolled.renewedAt === undefined ? -Infinity : Temporal.Instant.from(enrolled.renewedAt).epochMilliseconds
        if (now.epochMilliseconds - last < renewalEveryMs)
          throw new BrokerError('quota_exceeded', `${name} was given a certificate a moment ago`)
        writeHost(storage, name, { ...host, enrolled: { ...enrolled, sequence: said.sequence, renewedAt: now.toString() } }, version, host)
        const wanted = { host: name, publicKey: enrolled.key, names: host.names, ttl: host.ttl }
        return { issue: await planHostCertificate(engine, request, wanted, storage) }
      }
    }),
    path({
      pattern: 'hosts/:host/leave',
      summary: 'a host says that it trusts this mount no longer',
      open: true,
      fields: messageFields,
      write: async ({ params, fields }, storage) => {
        const known = await knownUnlessGone(engine, storage, fields, params['host'] ?? '')
        if (!known) return undefined
        requireNewer(known)
        removeHost(storage, known.name, known.host, known.version)
        if (known.host.reached) await forgetReach(storage, known.name)
        return { revoke: { subject: fingerprintOf(known.enrolled.key) } }
      }
    })
  ]
}

/** A host whose leaving was heard, and whose reply got lost, says it again: with this key there is no such host any more, which is what it wants. */
async function knownUnlessGone(engine: Engine, storage: MountReader, body: SignedBody, name: string): Promise<KnownHost | undefined> {
  try {
    return await knownHost(engine, storage, body, 'leave', name)
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'invalid_credentials') return undefined
    throw error
  }
}
