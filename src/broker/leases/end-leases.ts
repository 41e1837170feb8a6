/** Many leases ended at once, by whom they are for or who holds them. The order is that of every revocation: due in one commit with the audit, and waited for. */
import { BrokerError } from '../../contracts/index.ts'
import type { EndingAnswer, LeaseId } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Holder } from '../../store/change.ts'
import type { HoldingsFilter } from '../../store/store.ts'
import type { Call } from '../door/core-path.ts'
import type { Outcome } from '../door/request.ts'
import type { Parts } from '../parts.ts'
import { syncWaitMsMax } from './revoke.ts'

const namesMax = 500
const pageSize = 200
const pollMs = 200

/** By the path of a backend: leases of its own mount. */
export async function endLeasesOfMount(call: Call, mount: string, { revoke, answer }: EndingAnswer): Promise<Outcome> {
  const pages = 'subject' in revoke ? makeSubjectDue(call, mount, revoke.subject) : await makeNamedDue(call, mount, revoke.names)
  return {
    wait: async () => {
      await allOver(call.parts, pages)
      return answer?.()
    }
  }
}

function makeSubjectDue(call: Call, mount: string, subject: string): Pages {
  call.change({ kind: 'cascade.open', selector: { kind: 'subject', mount, subject }, cause: 'manual', by: displayName(call) })
  return after => call.parts.store.leasesOf(mount, subject, after, pageSize)
}

async function makeNamedDue(call: Call, mount: string, names: readonly string[]): Promise<Pages> {
  if (names.length > namesMax) throw new BrokerError('invalid_request', `more than ${namesMax} credentials to end at once`)
  const leases = (await call.parts.store.leasesNamed(names)).filter(lease => lease.mount === mount && lease.state !== 'revoked')
  for (const { id } of leases) call.change({ kind: 'lease.due', id, cause: 'manual' })
  return async after => (after === '' ? leases : [])
}

/** Everything that somebody holds, at one mount or at every one. */
export async function revokeHolder(call: Call<unknown>, holder: Holder, value: string, mount: string, sync: boolean): Promise<Outcome> {
  const { parts } = call
  call.change({ kind: 'cascade.open', selector: { kind: 'holder', holder, value, mount }, cause: 'holder', by: displayName(call) })
  if (!sync) {
    call.afterCommit(parts.wake)
    return { status: 202 }
  }
  const filter: HoldingsFilter = { ...named[holder](value), ...(mount === '' ? {} : { mount }) }
  return { wait: () => allOver(parts, after => parts.store.holdings(filter, after, pageSize)) }
}

const named = {
  entity: (entity: string) => ({ entity }),
  accessor: (accessor: string) => ({ accessor }),
  display_name: (displayName: string) => ({ displayName })
}

function displayName({ identity }: Call<unknown>): string {
  return identity.token?.displayName ?? ''
}

type Pages = (after: LeaseId | '') => Promise<readonly Lease[]>

/** Goes through them in the order of their making and waits at each that is not over yet: what was passed stays over. Whatever is made from here on was not meant, and begins once all
 *  that was meant is due: to wait for it would be to wait for ever. */
async function allOver(parts: Parts, pages: Pages): Promise<undefined> {
  parts.wake()
  const { clock } = parts
  const [asked, until] = [clock.now(), clock.elapsed() + syncWaitMsMax]
  const isMeant = ({ issuedAt }: Lease): boolean => Temporal.Instant.compare(issuedAt, asked) <= 0
  for (let after: LeaseId | '' = ''; ;) {
    const page = await pages(after)
    for (const lease of page) if (isMeant(lease) && !isOver(lease)) await over(parts, lease, until)
    const last = page.at(-1)
    if (page.length < pageSize || !last) return undefined
    after = last.id
  }
}

async function over(parts: Parts, { id }: Lease, until: number): Promise<void> {
  for (;;) {
    const lease = await parts.store.lease(id)
    if (!lease || isOver(lease)) return
    if (parts.clock.elapsed() >= until) throw new BrokerError('invalid_request', `failed to revoke entry: ${await whyNot(parts, lease)}`)
    await parts.clock.sleep(pollMs)
  }
}

/** No access, or only until a moment that its target alone has a say in. */
function isOver({ state, endedAt, outlivesUntil, failures }: Lease): boolean {
  return state === 'revoked' || endedAt !== null || (outlivesUntil !== null && failures === 0)
}

async function whyNot({ store }: Parts, lease: Lease): Promise<string> {
  const target = lease.lastError === null ? await store.target(lease.target) : undefined
  return lease.lastError ?? target?.lastError ?? 'the target has not answered yet; revoking goes on'
}
