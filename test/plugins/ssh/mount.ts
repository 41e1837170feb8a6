/** The SSH engine in a whole broker, and what its callers and hosts do. */
import { generateKeyPairSync } from 'node:crypto'
import { ssh } from '../../../plugins/ssh/index.ts'
import type { Krl } from '../../../plugins/ssh/format/krl.ts'
import { parseKrl } from '../../../plugins/ssh/format/parse-krl.ts'
import { isCertificateRevoked } from '../../../plugins/ssh/format/krl-check.ts'
import { isGenuine, parseCertificateLine } from '../../../plugins/ssh/format/parse-certificate.ts'
import type { Certificate } from '../../../plugins/ssh/format/certificate.ts'
import { publicPart } from '../../../plugins/ssh/format/key-object.ts'
import { writeKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { dataOf, smallBroker } from '../../broker/small-broker.ts'
import type { SmallBroker, SmallBrokerOptions } from '../../broker/small-broker.ts'

export interface Signed {
  readonly lease: string
  readonly seconds: number
  readonly serial: number
  readonly certificate: Certificate
  readonly data: JsonObject
  readonly warnings: readonly string[]
}

export const userRole = {
  key_type: 'ca',
  allow_user_certificates: true,
  allowed_users: 'alice,deploy',
  default_user: 'alice',
  allowed_extensions: 'permit-pty,permit-port-forwarding',
  default_extensions: { 'permit-pty': '' },
  ttl: '10m',
  max_ttl: '1h'
}

/** A broker with `ssh/`, a CA and the role `app`. */
export async function sshBroker(options: SmallBrokerOptions = {}): Promise<SmallBroker> {
  const broker = await smallBroker({ ...options, backends: [ssh] })
  if (options.root !== undefined) return broker
  await broker.ask('write', 'sys/mounts/ssh', { type: 'ssh' })
  await broker.ask('write', 'ssh/config/ca', {})
  await broker.ask('write', 'ssh/roles/app', userRole)
  return broker
}

export function newKeyLine(): string {
  return writeKeyLine(publicPart(generateKeyPairSync('ed25519').publicKey))
}

export async function sign(broker: SmallBroker, fields: JsonObject = {}, role = 'app', token?: string): Promise<Signed> {
  const reply = await broker.ask('write', `ssh/sign/${role}`, { public_key: newKeyLine(), ...fields }, token)
  const data = dataOf(reply) as JsonObject & { readonly signed_key: string }
  const certificate = parseCertificateLine(data.signed_key)
  if (!isGenuine(certificate)) throw new Error('the signature is not good')
  const { id, seconds } = reply.lease!
  return { lease: id, seconds, serial: Number(data['serial']), certificate, data, warnings: reply.warnings ?? [] }
}

/** The list that hosts would pull now. */
export async function publishedKrl(broker: SmallBroker): Promise<Krl> {
  const { raw } = await broker.ask('read', 'ssh/krl', {}, '')
  return parseKrl(raw!.body)
}

export async function isOnKrl(broker: SmallBroker, { certificate }: Pick<Signed, 'certificate'>): Promise<boolean> {
  return isCertificateRevoked(await publishedKrl(broker), certificate)
}

/** What waits for the sweeper, while the clock goes on. */
export async function wound<T>(broker: SmallBroker, work: Promise<T>): Promise<T> {
  const settled = work.then(
    () => true,
    () => true
  )
  const turns = new Promise<false>(resolve => setImmediate(() => resolve(false)))
  for (let over = await Promise.race([settled, turns]); !over;) {
    await broker.clock.advance(250)
    over = await Promise.race([settled, new Promise<false>(resolve => setTimeout(() => resolve(false), 5))])
  }
  return work
}
