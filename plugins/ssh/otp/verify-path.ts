import { BrokerError, field, path } from 'mayfly/plugin'
import type { Answer, MountStorage, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { otpHash, otpKey, otpName } from './otp-row.ts'
import type { OtpRow } from './otp-row.ts'

/** `verify`: a host asks for whom a password is, and with that it is spent. */
export function otpVerifyPath(engine: Engine): Path {
  return path({
    pattern: 'verify',
    summary: 'spends a one-time password, for the host that was shown it',
    open: true,
    fields: { otp: field.text() },
    write: ({ fields }, storage) => verify(engine, fields.otp ?? '', storage)
  })
}

async function verify({ context }: Engine, otp: string, storage: MountStorage): Promise<Answer> {
  // What a host sends to find out whether it is set up well.
  if (otp === 'verify-echo-request') return { data: { message: 'verify-echo-response' } }
  const hash = otpHash(context, otp)
  const stored = await storage.get(otpKey(hash))
  const [lease] = stored ? await context.leases.named([otpName(hash)]) : []
  const isGood = lease?.state === 'active' && Temporal.Instant.compare(lease.until, context.clock.now()) > 0
  if (!stored || !isGood) throw new BrokerError('invalid_request', 'OTP not found')
  const { username, ip, role } = stored.value as OtpRow
  storage.take(otpKey(hash))
  storage.used(otpName(hash), { at: context.clock.now(), kind: 'login' })
  return { data: { username, ip, role_name: role } }
}
