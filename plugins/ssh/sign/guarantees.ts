import type { BackendContext, Guarantees } from 'mayfly/plugin'
import { blindHosts, hostsBehind } from '../hosts/host-rows.ts'
import { someHosts } from '../hosts/some-hosts.ts'

// A host that enrols now shows in what is told of certificates a little later.
const askAgainMs = 10_000

/** What can be promised of a certificate on the hosts of this mount as they are now. */
export class CertificateGuarantees {
  readonly #context: BackendContext
  #known: { readonly guarantees: Guarantees; readonly asked: number } | undefined

  constructor(context: BackendContext) {
    this.#context = context
  }

  async now(): Promise<Guarantees> {
    const { clock, storage } = this.#context
    const asked = clock.elapsed()
    if (this.#known && asked - this.#known.asked < askAgainMs) return this.#known.guarantees
    const { none } = await hostsBehind(storage, 0)
    const guarantees = none ? withoutHosts : { ...withHosts, notes: [...withHosts.notes!, ...(await this.#whereNot())] }
    this.#known = { guarantees, asked }
    return guarantees
  }

  /** Where the promise of sessions does not hold. */
  async #whereNot(): Promise<readonly string[]> {
    const blind = await blindHosts(this.#context.storage)
    return blind.names.length === 0 ? [] : [`no session is ended at ${someHosts(blind)}`]
  }
}

const withoutHosts: Guarantees = {
  revocable: 'eventually',
  endsSessions: false,
  diesByItself: true,
  listable: false,
  observable: 'no',
  notes: ['no host is enrolled here: a host refuses a revoked certificate when it pulls the KRL of this mount, or asks for principals']
}

/** By the clock of each host, as all that a certificate says of time. */
const withHosts: Guarantees = {
  revocable: 'eventually',
  endsSessions: false,
  diesByItself: true,
  listable: false,
  observable: 'every login',
  notes: [
    'a host refuses a revoked certificate with its next KRL, at once where it asks for principals; its helper ends the sessions of what is revoked; of what expires only with --sessions-outlive'
  ]
}
