import { BrokerError, Secret } from 'mayfly/plugin'
import type { CredentialType, IssueCall, Issued, Json } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { certificateType } from '../format/certificate.ts'
import type { Certificate, CertificateFields } from '../format/certificate.ts'
import { parseKeyLine } from '../format/key-line.ts'
import { isGenuineAside, parseCertificate } from '../format/parse-certificate.ts'
import { keyBlob } from '../format/public-key.ts'
import type { PublicKey } from '../format/public-key.ts'
import type { Signer } from '../format/signer.ts'
import { signCertificate } from '../format/sign-certificate.ts'
import { revokeCertificates } from '../krl/revoke-certificates.ts'
import type { Handle, Order } from './plan-certificate.ts'

// With them nobody can prepare two certificates of one hash.
const nonceBytes = 32

export function certificateCredential(engine: Engine): CredentialType<Handle> {
  return { mint: call => mint(engine, call), revoke: (call, signal) => revokeCertificates(engine, call, signal) }
}

/** Signs what was planned, reads the result back, and only then gives it away. */
async function mint(engine: Engine, { handle, order: planned, until }: IssueCall<Handle>): Promise<Issued<Handle>> {
  const { context, keys } = engine
  const order = toOrder(planned)
  const now = Math.floor(context.clock.now().epochMilliseconds / 1_000)
  const validBefore = Math.floor(until.epochMilliseconds / 1_000)
  const fields: CertificateFields = {
    kind: order.kind,
    nonce: context.random.bytes(nonceBytes),
    key: parseKeyLine(order.publicKey).key,
    serial: BigInt(handle.serial),
    keyId: order.keyId,
    principals: order.principals,
    validAfter: BigInt(now - order.notBefore),
    validBefore: BigInt(validBefore),
    criticalOptions: new Map(Object.entries(order.criticalOptions)),
    extensions: new Map(Object.entries(order.extensions))
  }
  const signer = await keys.signer(handle.issuer, order.algorithm)
  const blob = await signCertificate(fields, signer)
  await requireSure(engine, { blob, signer, issuer: handle.issuer, meant: fields })
  return {
    secret: new Secret({
      serial_number: handle.serial.toString(16),
      signed_key: `${certificateType(fields.key.type)} ${blob.toString('base64')}\n`,
      issuer_id: handle.issuer,
      serial: String(handle.serial),
      ...order.also
    }),
    handle: { ...handle, validBefore },
    until: Temporal.Instant.fromEpochMilliseconds(validBefore * 1_000)
  }
}

interface Signed {
  readonly blob: Buffer
  readonly signer: Signer
  readonly issuer: string
  readonly meant: CertificateFields
}

/** A certificate that says anything else than what was decided, or whose signature is not sure, never leaves: a fault of memory in a signature can give away the key. */
async function requireSure({ context, keys }: Engine, { blob, signer, issuer, meant }: Signed): Promise<void> {
  const made = parseCertificate(blob)
  if (isSame(made, meant, signer.publicKey) && (!keys.mustVerify(signer) || (await isGenuineAside(made)))) return
  keys.forget()
  context.log.error('a certificate is not the one that was meant, and was thrown away: memory or processor of this machine may be faulty', {
    issuer
  })
  throw new BrokerError('integrity', 'the certificate that was made is not the one that was meant: it was thrown away')
}

function isSame(made: Certificate, meant: CertificateFields, issuer: PublicKey): boolean {
  return (
    made.kind === meant.kind &&
    Buffer.compare(made.nonce, meant.nonce) === 0 &&
    made.serial === meant.serial &&
    made.keyId === meant.keyId &&
    made.validAfter === meant.validAfter &&
    made.validBefore === meant.validBefore &&
    isSameList(made.principals, meant.principals) &&
    isSameMap(made.criticalOptions, meant.criticalOptions) &&
    isSameMap(made.extensions, meant.extensions) &&
    keyBlob(made.key).equals(keyBlob(meant.key)) &&
    keyBlob(made.issuer).equals(keyBlob(issuer))
  )
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i])
}

function isSameMap(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value)
}

const toOrder = (order: Json) => order as unknown as Order
