import type { BackendContext, MountReader, MountStorage, Task } from 'mayfly/plugin'
import { issuerTarget } from '../engine.ts'
import { hasRevoked } from '../krl/revoked-rows.ts'
import { issuerKeyRow, putIssuers, readIssuers } from './issuer.ts'
import type { Issuer } from './issuer.ts'

export const retireIssuers = 'retire-issuers'
const retireKey = 'issuers'

// The hosts' clocks may be behind ours.
const graceSeconds = 3_600
const lookEvery = Temporal.Duration.from('PT1H')

export function scheduleRetiring({ clock }: BackendContext, storage: MountStorage): void {
  storage.schedule(retireIssuers, retireKey, clock.now().add({ seconds: graceSeconds }), null)
}

/** Ends what has no certificates any more: the key of an issuer that retires is destroyed, and one that was deleted is forgotten. Every hour, while there is one of these. */
export function retireIssuersTask(context: BackendContext): Task {
  return {
    async run(_, storage) {
      const now = context.clock.now()
      const { all, version } = await readIssuers(storage)
      const kept: Issuer[] = []
      for (const issuer of all.issuers) {
        const ended = await aged(context, storage, issuer, Math.floor(now.epochMilliseconds / 1_000))
        if (ended) kept.push(ended)
        if (ended?.phase === 'retired' && issuer.phase === 'retiring') storage.remove(issuerKeyRow(issuer.id))
      }
      if (kept.length < all.issuers.length || kept.some((issuer, i) => issuer !== all.issuers[i]))
        putIssuers(storage, { ...all, issuers: kept }, version)
      const waits = kept.some(({ phase }) => phase === 'retiring' || phase === 'deleted')
      return waits ? { again: now.add(lookEvery) } : { done: true }
    }
  }
}

/** As it is from now on; undefined: it is forgotten. */
async function aged(context: BackendContext, storage: MountReader, issuer: Issuer, nowSeconds: number): Promise<Issuer | undefined> {
  if (issuer.phase !== 'retiring' && issuer.phase !== 'deleted') return issuer
  if (nowSeconds - issuer.since < graceSeconds || (await context.liveLeases(issuerTarget(context, issuer.id))) > 0) return issuer
  if (issuer.phase === 'retiring') return { ...issuer, phase: 'retired', since: nowSeconds }
  // The list names its certificates a while longer.
  return (await hasRevoked(storage, issuer.id)) ? issuer : undefined
}
