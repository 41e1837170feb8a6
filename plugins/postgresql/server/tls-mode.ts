import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { isIP } from 'node:net'
import { BrokerError } from 'mayfly/plugin'
import type { Settings, TlsMode } from './settings.ts'

const modes: readonly TlsMode[] = ['verify-full', 'verify-ca', 'require', 'disable']

/** What the operator's word loses. Said when it is written, and again with each look at the server. */
const losses: Readonly<Record<TlsMode, readonly string[]>> = {
  'verify-full': [],
  'verify-ca': ["sslmode=verify-ca: the server's name is not verified, so whoever holds a certificate of this CA can pose as the server"],
  require: ["sslmode=require: the server's certificate is not verified, so whoever stands between can pose as the server"],
  disable: ['sslmode=disable: no TLS, so whoever stands between can read and change everything that is sent']
}

export const tlsLosses = (mode: TlsMode): readonly string[] => losses[mode]

/** `prefer`, `allow` and `no-verify` are not among them: TLS that an attacker can talk away is neither. */
export function readTlsMode(text: string | undefined, ca: string | null, rules: { readonly tls: 'any' | 'verified' }): TlsMode {
  const asked = text || 'verify-full'
  const mode = modes.find(one => one === asked)
  if (!mode) throw refusal('sslmode', `expected one of ${modes.join(', ')}`)
  // As in libpq: with a CA at hand, `require` verifies the chain.
  const meant = mode === 'require' && ca !== null ? 'verify-ca' : mode
  if (rules.tls === 'verified' && meant !== 'verify-full')
    throw refusal('sslmode', 'the server configuration (targets.tls) asks for verify-full')
  return meant
}

/** Refuses what is no PEM, and a key of another certificate, before anything connects. */
export function checkPem(settings: Pick<Settings, 'tlsCa' | 'tlsCertificate' | 'tlsKey'>): void {
  const { tlsCa, tlsCertificate, tlsKey } = settings
  if ((tlsCertificate === null) !== (tlsKey === null)) throw refusal('tls_certificate, private_key', 'both or neither')
  readable('tls_ca', tlsCa, () => readCertificates(tlsCa!))
  readable('tls_certificate', tlsCertificate, () => readCertificates(tlsCertificate!))
  readable('private_key', tlsKey, () => createSecureContext({ cert: tlsCertificate!, key: tlsKey! }))
}

function readable(field: string, pem: string | null, read: () => unknown): void {
  if (pem === null) return
  if (!pem.includes('-----BEGIN ')) throw refusal(field, 'expected PEM text, not a path')
  try {
    read()
  } catch {
    throw refusal(field, field === 'private_key' ? 'not readable, or not the key of tls_certificate' : 'not readable PEM')
  }
}

/** A context takes an unreadable CA without a word, and then trusts nobody. */
function readCertificates(pem: string): void {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs)
  for (const certificate of certificates ?? [pem]) void new X509Certificate(certificate)
}

/** The `ssl` of the client library: always explicit, so that nothing in the environment decides. */
export function tlsOptions(settings: Settings, host: string): false | ConnectionOptions {
  if (settings.tls === 'disable') return false
  return {
    // The socket goes to an address that was checked; the certificate is checked for the name that was written.
    ...(isIP(host) === 0 && { servername: host }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: settings.tls !== 'require',
    ...(settings.tls !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...(settings.tlsCa !== null && { ca: settings.tlsCa }),
    ...(settings.tlsCertificate !== null && settings.tlsKey !== null && { cert: settings.tlsCertificate, key: settings.tlsKey })
  }
}

const refusal = (field: string, why: string) => new BrokerError('invalid_request', `${field}: ${why}`)
