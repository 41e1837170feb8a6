import type { AskingCall } from 'mayfly/plugin'
import type { HeldCertificate } from './held-certificate.ts'

/** Whether the key that signed it was revoked since: hosts refuse all that it signed, whatever its leases say. Anybody may read a key that is to be trusted, as text. */
export async function isIssuerRevoked(call: AskingCall, { mount, issuer }: HeldCertificate): Promise<boolean> {
  if (issuer === undefined) return false
  try {
    await call.request('GET', `${mount}/issuer/${issuer}/public_key`, {}, { token: '', quiet: true })
    return false
  } catch (error) {
    return (error as { readonly status?: number }).status === 400
  }
}
