import { BrokerError, path } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'
import { publishedIssuers, readIssuers } from './issuer.ts'
import type { Issuer, Issuers } from './issuer.ts'
import { issuerAt } from './issuer-ref.ts'

/** Keys in clear, as text, for everybody: what hosts and clients are to trust. */
export const publicKeyPaths: readonly Path[] = [
  path({
    pattern: 'public_key',
    summary: 'the key that signs by default, as one line',
    open: true,
    counted: true,
    read: async (_, storage) => lines([trustedIssuer((await readIssuers(storage)).all, 'default')])
  }),
  path({
    pattern: 'issuer/:issuer_ref/public_key',
    summary: 'the key of one issuer, as one line',
    open: true,
    counted: true,
    read: async ({ params }, storage) => lines([trustedIssuer((await readIssuers(storage)).all, params['issuer_ref'] ?? '')])
  }),
  path({
    pattern: 'trusted_user_keys',
    summary: 'what sshd has to trust (TrustedUserCAKeys), rotations included',
    open: true,
    counted: true,
    read: async (_, storage) => lines(publishedIssuers((await readIssuers(storage)).all).filter(({ signs }) => signs !== 'host'))
  })
]

/** Who fetches a key here puts it where it is trusted. */
function trustedIssuer(all: Issuers, ref: string): Issuer {
  const issuer = issuerAt(all, ref)
  if (issuer.phase === 'revoked')
    throw new BrokerError('invalid_request', `the issuer ${issuer.name || issuer.id} was revoked: its key is not to be trusted`)
  return issuer
}

function lines(issuers: readonly Issuer[]) {
  return { raw: Buffer.from(issuers.map(({ publicKey }) => `${publicKey}\n`).join('')), type: 'text/plain' }
}
