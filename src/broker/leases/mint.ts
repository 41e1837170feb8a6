/** A credential that is made in this process takes effect only by leaving with the reply. Promise and activation are one commit before it: what fails or crashes earlier leaves
 *  nothing, because nothing has left. */
import type { Issuance, MintingType } from '../../contracts/index.ts'
import { issueLimitMs } from '../../lease/lease.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Call } from '../door/core-path.ts'
import type { Exchange } from '../door/exchange.ts'
import type { IssuedOutcome } from '../door/reply.ts'
import type { Reply } from '../door/request.ts'
import type { BackendMount } from '../mounts/mount.ts'
import { issuedAnswer, issuedOutcome } from './issued-outcome.ts'
import { lifetime } from './lifetime.ts'
import { promisedLease } from './promised-lease.ts'
import { refuseUseless } from './refuse-useless.ts'

interface Planned {
  readonly mount: BackendMount
  readonly credential: MintingType
  readonly plan: Issuance
}

export async function mint(
  exchange: Exchange,
  call: Call,
  { mount, credential, plan }: Planned,
  say: (outcome: IssuedOutcome) => Reply
): Promise<Reply> {
  const { parts } = call
  const ttl = lifetime(call, mount, plan)
  const { target, recipe, handle, order = null } = plan
  const createBy = parts.clock.now().add({ milliseconds: issueLimitMs })
  const issued = await credential.mint({ lease: call.lease, target, recipe, handle, order, createBy, until: ttl.expiresAt })
  const now = parts.clock.now()
  // Nothing was promised before: the handle is sealed once, as it was completed.
  const promised = promisedLease(call, mount, { ...plan, handle: issued.handle }, ttl)
  const expiresAt = issued.until ?? promised.expiresAt
  refuseUseless(exchange.request, expiresAt, now)
  const lease: Lease = {
    ...promised,
    state: 'active',
    visible: { ...plan.visible, ...issued.visible },
    expiresAt,
    dueAt: expiresAt,
    activated: true
  }
  await parts.at('mint:before-commit')
  const { sealed } = parts.recipes.of(recipe)
  const reply = await exchange.reply(
    [...call.changes, { kind: 'lease.begin', now, lease, recipe: sealed }],
    issuedAnswer(plan, lease, issued, expiresAt),
    () => say(issuedOutcome(parts, promised, ttl, plan, issued, call))
  )
  await parts.at('mint:after-commit')
  return reply
}
