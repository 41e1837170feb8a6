import type { LeaseId, LeasesToEnd, MountLease, MountLeases, TargetId } from '../../src/contracts/index.ts'
import type { TestLease } from './test-mount.ts'

/** The leases of a test's mount, as the broker keeps them: promised before the effect, and history afterwards. */
export class KeptLeases implements MountLeases {
  readonly #leases = new Map<LeaseId, { readonly lease: TestLease; state: MountLease['state']; until: Temporal.Instant }>()

  promise(lease: TestLease, until: Temporal.Instant): void {
    this.#leases.set(lease.lease, { lease, state: 'issuing', until })
  }

  become(state: MountLease['state'], id: LeaseId, until?: Temporal.Instant): void {
    const kept = this.#leases.get(id)
    if (kept) Object.assign(kept, { state }, until ? { until } : {})
  }

  liveAt(target: TargetId): number {
    return [...this.#leases.values()].filter(({ lease, state }) => lease.plan.target === target && state !== 'revoked').length
  }

  /** Those that an answer means and that have not ended. */
  meant(wanted: LeasesToEnd): readonly TestLease[] {
    return [...this.#leases.values()]
      .filter(
        ({ lease: { plan }, state }) =>
          state !== 'revoked' && ('subject' in wanted ? plan.subject === wanted.subject : wanted.names.includes(plan.name))
      )
      .map(({ lease }) => lease)
  }

  async named(names: readonly string[]): Promise<readonly MountLease[]> {
    return this.#all().filter(({ name }) => names.includes(name))
  }

  async bySubject(subject: string, after?: LeaseId, limit = 500): Promise<readonly MountLease[]> {
    const all = this.#all()
    const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
    return all
      .slice(from)
      .filter(lease => lease.subject === subject && lease.state !== 'revoked')
      .slice(0, limit)
  }

  #all(): readonly MountLease[] {
    return [...this.#leases.values()].map(({ lease: { lease: id, plan }, state, until }) => {
      const { name, role, visible, subject } = plan
      const path = id.slice(0, id.lastIndexOf('/'))
      return { id, name, state, until, path, role, visible, displayName: 'token', ...(subject === undefined ? {} : { subject }) }
    })
  }
}
