import { constants } from 'node:crypto'
import type { SecureContextOptions, TlsOptions } from 'node:tls'

/** PEM texts. */
export interface Pems {
  readonly cert: string
  readonly key: string
  /** Clients are asked for a certificate, with this CA as a hint. The handshake does not verify it: a client whose certificate is expired or foreign must still reach
   *  every route that needs none, and a login by certificate verifies against its own CA. */
  readonly clientCa?: string
}

export function tlsOptions({ cert, key, clientCa }: Pems): SecureContextOptions & TlsOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    // One handshake per connection: another in the middle costs us more than the client.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ALPNProtocols: ['http/1.1'],
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false })
  }
}
