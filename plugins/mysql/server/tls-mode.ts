import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SslOptions } from 'mysql2'
import { BrokerError } from 'mayfly/plugin'
import type { Settings, TlsMode } from './settings.ts'

const modes: readonly TlsMode[] = ['true', 'skip-verify', 'false']

/** What the operator's word loses. Said when it is written, and again with each look at the server. */
const losses: Readonly<Record<TlsMode, readonly string[]>> = {
  true: [],
  'skip-verify': ["tls=skip-verify: the server's certificate is not verified, so whoever stands between can pose as the server"],
  false: ['tls=false: no TLS, so whoever stands between can read and change everything that is sent']
}

export const tlsLosses = (mode: TlsMode): readonly string[] => losses[mode]

/** `preferred` is not among them: TLS that an attacker can talk away is none. */
export function readTlsMode(text: string | undefined, skipVerify: boolean, rules: { readonly tls: 'any' | 'verified' }): TlsMode {
  const asked = text || 'true'
  const mode = modes.find(one => one === asked)
  if (!mode) throw refusal('tls', `expected one of ${modes.join(', ')}; a CA goes into tls_ca`)
  const meant = mode === 'true' && skipVerify ? 'skip-verify' : mode
  if (rules.tls === 'verified' && meant !== 'true')
    throw refusal(skipVerify && mode === 'true' ? 'tls_skip_verify' : 'tls', 'the server configuration (targets.tls) asks for verified TLS')
  return meant
}

/** Refuses what is no PEM, and a key of another certificate, before anything connects. */
export function checkPem({ tlsCa, tlsCertificateKey }: Pick<Settings, 'tlsCa' | 'tlsCertificateKey'>): void {
  readable('tls_ca', tlsCa, pem => {
    for (const certificate of pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [pem])
      void new X509Certificate(certificate)
  })
  readable('tls_certificate_key', tlsCertificateKey, pem => createSecureContext({ cert: pem, key: pem }))
}

function readable(field: string, pem: string | null, read: (pem: string) => unknown): void {
  if (pem === null) return
  if (!pem.includes('-----BEGIN ')) throw refusal(field, 'expected PEM text, not a path')
  try {
    read(pem)
  } catch {
    throw refusal(field, field === 'tls_ca' ? 'not readable PEM' : 'not readable, or not one certificate with its key')
  }
}

export function tlsOptions({ tls, tlsCa, tlsCertificateKey }: Settings): SslOptions | undefined {
  if (tls === 'false') return undefined
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: tls === 'true',
    verifyIdentity: tls === 'true',
    ...(tlsCa !== null && { ca: tlsCa }),
    ...(tlsCertificateKey !== null && { cert: tlsCertificateKey, key: tlsCertificateKey })
  }
}

const refusal = (field: string, why: string) => new BrokerError('invalid_request', `${field}: ${why}`)
