import type { HeldCertificate } from '../held-certificate.ts'
import type { AgentKeys } from './agent-session.ts'

/** What an agent has that is there for one login: a certificate for one account. */
export class OneLogin implements AgentKeys {
  readonly #certificate: HeldCertificate
  readonly #user: string
  #offered = false
  #taken = false

  constructor(certificate: HeldCertificate, user: string) {
    this.#certificate = certificate
    this.#user = user
  }

  /** The host was shown the certificate, and never asked for a signature: it does not take it. */
  get wasRefused(): boolean {
    return this.#offered && !this.#taken
  }

  list(): Promise<readonly HeldCertificate[]> {
    this.#offered = true
    return Promise.resolve([this.#certificate])
  }

  allows({ user }: { readonly user: string }): boolean {
    return user === this.#user
  }

  signed(): void {
    this.#taken = true
  }
}
