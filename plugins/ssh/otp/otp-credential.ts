import { BrokerError, Secret } from 'mayfly/plugin'
import type { CredentialType, Json, RevokeOutcome } from 'mayfly/plugin'
import { otpKey } from './otp-row.ts'

export type OtpHandle = { readonly v: 1; readonly hash: string }
export type OtpOrder = { readonly otp: string; readonly username: string; readonly ip: string; readonly port: number }

/** The row that makes it good is in the commit of its lease. */
export const otpCredential: CredentialType<OtpHandle> = {
  async mint({ handle, order }) {
    const { otp, username, ip, port } = order as unknown as OtpOrder
    return { secret: new Secret({ key_type: 'otp', key: otp, username, ip, port }), handle }
  },

  async revoke({ leases, storage }, signal) {
    signal.throwIfAborted()
    return leases.map(({ handle }): RevokeOutcome => {
      if (!isHandle(handle)) return { kind: 'failed', error: new BrokerError('integrity', 'the handle names no one-time password') }
      storage.remove(otpKey(handle.hash))
      return { kind: 'gone' }
    })
  }
}

function isHandle(handle: Json): handle is OtpHandle {
  const fields = handle as Partial<OtpHandle> | null
  return typeof fields === 'object' && fields?.v === 1 && typeof fields.hash === 'string' && /^[0-9a-f]{64}$/.test(fields.hash)
}
