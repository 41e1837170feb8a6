import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { BrokerError } from 'mayfly/plugin'
import type { AskingCall } from 'mayfly/plugin'
import { decodeBase64 } from '../format/base64.ts'
import { writeKeyLine } from '../format/key-line.ts'
import type { Certificate } from '../format/certificate.ts'
import { isGenuine, parseCertificate } from '../format/parse-certificate.ts'
import { keyBlob } from '../format/public-key.ts'
import type { PublicKey } from '../format/public-key.ts'
import { signerOf } from '../format/signer.ts'
import type { Choice } from './choose-role.ts'
import type { HeldCertificate } from './held-certificate.ts'

// What a Date can say.
const lastSecond = 8_640_000_000_000

export interface Wanted {
  readonly ttl?: string | undefined
  /** Instead of those that the role gives unasked. */
  readonly extensions?: readonly string[]
  /** Without one it is made here, and never leaves. */
  readonly key?: KeyObject
}

/** The broker's certificate for a key. */
export async function newCertificate(
  call: AskingCall,
  { mount, role, principals }: Choice,
  { ttl, extensions, key = newKey() }: Wanted = {}
): Promise<HeldCertificate> {
  const signer = signerOf(key)
  const asked = {
    public_key: writeKeyLine(signer.publicKey),
    ...(principals.length > 0 ? { valid_principals: principals.join(',') } : {}),
    ...(ttl === undefined ? {} : { ttl }),
    ...(extensions ? { extensions: Object.fromEntries(extensions.map(name => [name, ''])) } : {})
  }
  // What can be promised of it is the same at each login; the lease tells.
  const reply = await call.request('POST', `${mount}/sign/${role}`, asked, { quiet: true })
  const { signed_key: line, issuer_id: issuer } = reply?.data ?? {}
  const blob = typeof line === 'string' ? decodeBase64(line.trim().split(' ')[1] ?? '', 'certificate') : undefined
  const certificate = blob && parseCertificate(blob)
  if (!reply || !certificate || !isOfUser(certificate, signer.publicKey))
    throw new BrokerError('target_refused', `${mount}/sign/${role}: the broker answered with no certificate of this key for a while`)
  const madeAt = Date.now()
  return {
    blob,
    signer,
    lease: reply.leaseId,
    mount,
    role,
    ...(typeof issuer === 'string' && /^[\w-]+$/.test(issuer) && { issuer }),
    principals: certificate.principals,
    extensions: [...certificate.extensions.keys()],
    serial: String(certificate.serial),
    madeAt,
    // By this machine's clock, which need not be the broker's.
    until: 1_000 * (reply.leaseSeconds > 0 ? Math.floor(madeAt / 1_000) + reply.leaseSeconds : Number(certificate.validBefore))
  }
}

/** That never ends is none that a lease is kept on. */
function isOfUser(certificate: Certificate, key: PublicKey): boolean {
  const ends = certificate.validBefore <= BigInt(lastSecond)
  return certificate.kind === 'user' && ends && isGenuine(certificate) && keyBlob(certificate.key).equals(keyBlob(key))
}

const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey
