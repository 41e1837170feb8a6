import { BrokerError, field, path } from 'mayfly/plugin'
import type { Answer, LeaseId, MountLease, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { parseKeyLine } from '../format/key-line.ts'
import { fingerprint } from '../format/public-key.ts'
import { issuerAt } from '../issuers/issuer-ref.ts'
import { readIssuers } from '../issuers/issuer.ts'
import { schedulePublishing } from '../krl/schedule-publishing.ts'
import { certificateName } from '../sign/certificate-name.ts'

const foundMax = 500
const fullWarning =
  'its certificates are revoked; the key itself is not kept as revoked, because blocked_keys is full: delete what is old there'

/** From a line in a host's log to the person, and from a stolen key to its certificates. */
export function certificatePaths(engine: Engine): readonly Path[] {
  return [bySerialPath(engine), ofKeyPath(engine), revokePath(engine)]
}

function bySerialPath({ context }: Engine): Path {
  return path({
    pattern: 'certs/:issuer_ref/:serial',
    summary: 'whose certificate this is',
    read: async ({ params }, storage) => {
      const issuer = issuerAt((await readIssuers(storage)).all, params['issuer_ref'] ?? '')
      const [lease] = await context.leases.named([certificateName(issuer.id, params['serial'] ?? '')])
      return lease && { data: shown(lease) }
    }
  })
}

function ofKeyPath({ context }: Engine): Path {
  return path({
    pattern: 'certs',
    summary: 'the certificates of a public key that are not over',
    fields: { public_key: field.text(), after: field.text() },
    write: async ({ fields }) => {
      const subject = fingerprint(keyOf(fields.public_key))
      const leases = await context.leases.bySubject(subject, fields.after ? (fields.after as LeaseId) : undefined, foundMax)
      const more = leases.length === foundMax ? [`only the first ${foundMax} are shown: go on with after=${leases.at(-1)!.id}`] : []
      return { data: { fingerprint: subject, certificates: leases.map(shown) }, ...(more.length > 0 ? { warnings: more } : {}) }
    }
  })
}

function revokePath(engine: Engine): Path {
  return path({
    pattern: 'revoke',
    summary: 'revokes certificates by serial, or a public key with all its certificates',
    fields: { serial: field.text(), issuer_ref: field.text(), public_key: field.text() },
    write: async ({ fields }, storage): Promise<Answer> => {
      const { serial = '', public_key: publicKey = '', issuer_ref: ref = 'default' } = fields
      if ((serial === '') === (publicKey === '')) throw new BrokerError('invalid_request', 'expected either serial or public_key')
      if (serial !== '') {
        if (!/^[1-9]\d{0,15}$/.test(serial)) throw new BrokerError('invalid_request', 'serial: expected a decimal number, as sshd logs it')
        const issuer = issuerAt((await readIssuers(storage)).all, ref)
        return { revoke: { names: [certificateName(issuer.id, serial)] } }
      }
      const key = keyOf(publicKey)
      // On the list by itself too: it kills certificates of it that others have signed.
      const isFull = !(await engine.blockedKeys.find(key)) && (await engine.blockedKeys.isFull())
      if (!isFull) engine.blockedKeys.add(key, 'revoked', storage)
      schedulePublishing(engine.context, storage)
      return { revoke: { subject: fingerprint(key) }, ...(isFull ? { answer: async () => ({ warnings: [fullWarning] }) } : {}) }
    }
  })
}

function keyOf(line: string | undefined) {
  if (!line) throw new BrokerError('invalid_request', 'public_key: missing')
  return parseKeyLine(line).key
}

function shown({ id, state, until, role, visible, displayName }: MountLease) {
  return { lease_id: id, state, expire_time: until.toString(), role, display_name: displayName, ...visible }
}
