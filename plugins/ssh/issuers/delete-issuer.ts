import type { MountStorage } from 'mayfly/plugin'
import { issuerTarget } from '../engine.ts'
import type { Engine } from '../engine.ts'
import { parseKeyLine } from '../format/key-line.ts'
import { schedulePublishing } from '../krl/schedule-publishing.ts'
import { issuerKeyRow } from './issuer.ts'
import type { Issuer } from './issuer.ts'
import { scheduleRetiring } from './retire-issuers.ts'

/** Out of sight at once, its key destroyed. It stays in the list until its certificates are over: each of them may still be revoked. That its key was revoked is kept for ever, with the keys that are not
 *  signed: somebody else may have it, and hosts that trust it learn only from the KRL that they should not. */
export async function deletedIssuer(
  { context, keys, blockedKeys }: Engine,
  issuer: Issuer,
  storage: MountStorage
): Promise<{ readonly issuer: Issuer; readonly warnings: readonly string[] }> {
  if (issuer.phase === 'deleted') return { issuer, warnings: [] }
  storage.remove(issuerKeyRow(issuer.id))
  keys.forget()
  if (issuer.phase === 'revoked') {
    blockedKeys.add(parseKeyLine(issuer.publicKey).key, 'revoked', storage)
    schedulePublishing(context, storage)
  }
  scheduleRetiring(context, storage)
  const live = await context.liveLeases(issuerTarget(context, issuer.id))
  const now = Math.floor(context.clock.now().epochMilliseconds / 1_000)
  return {
    issuer: { ...issuer, name: '', phase: 'deleted', since: now },
    warnings:
      live === 0 || issuer.phase === 'revoked'
        ? []
        : [
            `${live} certificates of issuer ${issuer.name || issuer.id} have not expired: hosts that trust its key take them until they do, or until they are revoked`
          ]
  }
}
