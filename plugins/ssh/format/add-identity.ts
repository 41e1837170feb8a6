import type { KeyObject } from 'node:crypto'
import { BrokerError, Secret } from 'mayfly/plugin'
import { certificateType } from './certificate.ts'
import { publicPart } from './key-object.ts'
import { WireWriter } from './wire-writer.ts'

export interface AddedIdentity {
  readonly key: KeyObject
  /** Its blob. */
  readonly certificate: Uint8Array
  readonly comment: string
  /** After these the agent forgets it by itself. */
  readonly lifetimeSeconds: number
}

const addIdConstrained = 25
const lifetimeConstraint = 1

/** The message that gives a running agent a certificate and its key for a while; it answers `success`. It holds the private key. */
export function addIdentity({ key, certificate, comment, lifetimeSeconds }: AddedIdentity): Secret<Buffer> {
  const publicKey = publicPart(key)
  // The engineer's keys are made by us, of the one type that every agent knows.
  if (publicKey.type !== 'ssh-ed25519')
    throw new BrokerError('invalid_request', `agent: only Ed25519 keys are added, not ${publicKey.type}`)
  const seed = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url')
  const writer = new WireWriter().byte(addIdConstrained).string(certificateType(publicKey.type)).string(certificate)
  writer
    .string(publicKey.point)
    .string(Buffer.concat([seed, publicKey.point]))
    .string(comment)
  return new Secret(writer.byte(lifetimeConstraint).uint32(lifetimeSeconds).finish())
}
