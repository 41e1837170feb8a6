import { BrokerError, unhandled } from 'mayfly/plugin'
import type { PublicKey } from './public-key.ts'

/** The size by which keys are compared: 256 for Ed25519 and P-256. */
export function keyBits(key: PublicKey): number {
  switch (key.type) {
    case 'ssh-rsa':
      return key.n.length * 8 - Math.clz32(key.n[0] ?? 0) + 24
    case 'ecdsa-sha2-nistp384':
      return 384
    case 'ecdsa-sha2-nistp521':
      return 521
    case 'ssh-ed25519':
    case 'ecdsa-sha2-nistp256':
    case 'sk-ssh-ed25519@openssh.com':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return 256
    default:
      return unhandled(key)
  }
}

/** sshd looks at no CA's size, and at a user's only since 9.1: the broker must. An exponent of 3 has made forged signatures possible in careless verifiers. */
export function requireStrongKey(key: PublicKey, { what, rsaBitsMin }: { readonly what: string; readonly rsaBitsMin: number }): void {
  if (key.type !== 'ssh-rsa') return
  const bits = keyBits(key)
  if (bits < rsaBitsMin)
    throw new BrokerError('invalid_request', `${what}: an RSA key of ${bits} bits is too weak, at least ${rsaBitsMin} are needed`)
  if (key.e.length === 1 && key.e[0] === 3) throw new BrokerError('invalid_request', `${what}: an RSA key with exponent 3 is too weak`)
}
