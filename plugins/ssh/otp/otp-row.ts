import type { BackendContext } from 'mayfly/plugin'

/** What a password is for. It is found by a keyed hash of the password, which itself is nowhere. */
export type OtpRow = { readonly username: string; readonly ip: string; readonly role: string }

export function otpHash(context: BackendContext, otp: string): string {
  return Buffer.from(context.mac(`ssh one-time password ${otp}`)).toString('hex')
}

export const otpKey = (hash: string): string => `otp/${hash}`
export const otpName = (hash: string): string => `ssh-otp/${hash}`
