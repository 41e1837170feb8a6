import { BrokerError } from 'mayfly/plugin'
import type { MountStorage } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { schedulePublishing } from '../krl/schedule-publishing.ts'
import { scheduleRetiring } from './retire-issuers.ts'
import { issuerKeyRow } from './issuer.ts'
import type { Issuer, Issuers, Phase } from './issuer.ts'

const steps: Readonly<Record<Phase, readonly Phase[]>> = {
  next: ['active', 'revoked'],
  active: ['next', 'retiring', 'revoked'],
  retiring: ['active', 'revoked'],
  retired: ['revoked'],
  revoked: [],
  deleted: []
}

/** The issuer in another phase, and what has to be known of the step. The caller puts the list. */
export async function movedTo(
  { context, keys }: Engine,
  all: Issuers,
  issuer: Issuer,
  wanted: string,
  storage: MountStorage
): Promise<{ readonly issuer: Issuer; readonly warnings: readonly string[] }> {
  if (wanted === issuer.phase) return { issuer, warnings: [] }
  const phase = steps[issuer.phase].find(step => step === wanted)
  if (!phase) throw refusal(`phase: an issuer that is ${issuer.phase} can become ${steps[issuer.phase].join(' or ') || 'nothing else'}`)
  const isDefault = all.default === issuer.id || all.defaultHost === issuer.id
  if (isDefault && phase !== 'revoked') throw refusal('phase: this issuer signs by default: name another one at config/issuers first')
  const now = context.clock.now()
  if (phase === 'revoked') {
    storage.remove(issuerKeyRow(issuer.id))
    schedulePublishing(context, storage)
    keys.forget()
  }
  if (phase === 'retiring') scheduleRetiring(context, storage)
  const moved = { ...issuer, phase, since: Math.floor(now.epochMilliseconds / 1_000) }
  return { issuer: moved, warnings: phase === 'revoked' ? revokedWarnings(isDefault) : [] }
}

function revokedWarnings(isDefault: boolean): readonly string[] {
  return [
    'hosts refuse all that this issuer signed once they have the next KRL; take its key out of what they trust as well',
    ...(isDefault ? ['nothing is signed by default until another issuer is named at config/issuers'] : [])
  ]
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
