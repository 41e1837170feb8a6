import type { BackendContext, MountStorage } from 'mayfly/plugin'
import { issuerTarget } from '../engine.ts'
import { issuerKeyRow } from './issuer.ts'
import type { Issuer } from './issuer.ts'
import { scheduleRetiring } from './retire-issuers.ts'

/** Out of sight at once, its key destroyed. It stays in the list until its certificates are over: each of them may still be revoked. */
export async function deletedIssuer(
  context: BackendContext,
  issuer: Issuer,
  storage: MountStorage
): Promise<{ readonly issuer: Issuer; readonly warnings: readonly string[] }> {
  if (issuer.phase === 'deleted') return { issuer, warnings: [] }
  storage.remove(issuerKeyRow(issuer.id))
  scheduleRetiring(context, storage)
  const live = await context.liveLeases(issuerTarget(context, issuer.id))
  const now = Math.floor(context.clock.now().epochMilliseconds / 1_000)
  return {
    issuer: { ...issuer, name: '', phase: 'deleted', since: now },
    warnings:
      live === 0
        ? []
        : [
            `${live} certificates of issuer ${issuer.name || issuer.id} have not expired: hosts that trust its key take them until they do, or until they are revoked`
          ]
  }
}
