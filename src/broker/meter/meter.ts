import { Counter, Histogram, Registry } from 'prom-client'

const quick = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
// A credential is over ten seconds after its time at the latest, while its target answers.
const late = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 3_600, 86_400]

/** What is counted while it happens. Labels are few words of our own: no name, no id, nothing that a caller can make more of. Counts begin again with each unseal. */
export class Meter {
  readonly registry = new Registry()
  readonly #requests = this.#counter('mayfly_http_requests_total', 'requests that came to the door', ['operation', 'status'])
  readonly #requestTime = this.#histogram('mayfly_http_request_seconds', 'from the door to the reply', quick)
  readonly #commitTime = this.#histogram('mayfly_store_commit_seconds', 'a commit of a request, durable', quick)
  readonly #issueTime = this.#histogram('mayfly_issue_seconds', 'credentials issued: plan to activation', quick)
  readonly #issueErrors = this.#counter('mayfly_issue_errors_total', 'credentials that could not be issued', ['code'])
  readonly #revokeTime = this.#histogram('mayfly_revoke_seconds', 'one call to a target, for a batch of leases', quick)
  readonly #revokeErrors = this.#counter(
    'mayfly_revoke_errors_total',
    'calls to a target that failed as a whole, and single leases that failed',
    ['code']
  )
  readonly #revocations = this.#counter('mayfly_revocations_total', 'outcomes of revocations', ['outcome'])
  readonly #lateness = this.#histogram('mayfly_revocation_lateness_seconds', 'from when a lease was due until its access was over', late)
  readonly #leases = this.#counter('vault_secret_lease_creation', 'leases issued', [])
  readonly #tokens = this.#counter('vault_token_creation', 'tokens given, at logins and by other tokens', [])
  readonly #labelled = new Map<string, Counter.Internal>()

  request(operation: string, status: number, seconds: number): void {
    const name = `${operation} ${status}`
    let counter = this.#labelled.get(name)
    if (!counter) this.#labelled.set(name, (counter = this.#requests.labels({ operation, status: String(status) })))
    counter.inc()
    this.#requestTime.observe(seconds)
  }

  committed(seconds: number): void {
    this.#commitTime.observe(seconds)
  }

  issued(seconds: number): void {
    this.#issueTime.observe(seconds)
    this.#leases.inc()
  }

  tokenGiven(): void {
    this.#tokens.inc()
  }

  notIssued(code: string): void {
    this.#issueErrors.inc({ code })
  }

  asked(seconds: number): void {
    this.#revokeTime.observe(seconds)
  }

  revocationFailed(code: string): void {
    this.#revokeErrors.inc({ code })
  }

  /** `lateSeconds`: where access ended with this outcome. */
  revoked(outcome: string, lateSeconds: number | undefined): void {
    this.#revocations.inc({ outcome })
    if (lateSeconds !== undefined) this.#lateness.observe(Math.max(0, lateSeconds))
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.registry] })
  }
}
