import { path } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { krlSignerLine } from './krl-signer.ts'

/** What every host may fetch, without a token: one that has lost it must still learn whom to refuse. */
export function krlPaths({ krl }: Engine): readonly Path[] {
  return [
    path({
      pattern: 'krl',
      summary: 'the list of revoked certificates (RevokedKeys)',
      open: true,
      counted: true,
      read: async () => {
        const published = await krl.now()
        return published && { raw: published.krl, type: 'application/octet-stream', etag: String(published.version) }
      }
    }),
    path({
      pattern: 'krl.sig',
      summary: 'the signature over the list of revoked certificates (ssh-keygen -Y verify)',
      open: true,
      counted: true,
      read: async () => {
        const published = await krl.now()
        return published && { raw: published.signature, type: 'text/plain', etag: String(published.version) }
      }
    }),
    path({
      pattern: 'krl/signer',
      summary: 'whose signature that is, as a line of a file of allowed signers',
      open: true,
      counted: true,
      read: async (_, storage) => {
        const line = await krlSignerLine(storage)
        return line === undefined ? undefined : { raw: Buffer.from(`${line}\n`), type: 'text/plain' }
      }
    })
  ]
}
