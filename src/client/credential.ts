import type { JsonObject } from '../contracts/json.ts'
import { Secret } from '../contracts/secret.ts'

/** What was issued, until when. It prints as `[secret]`. */
export class Credential<Fields = JsonObject> {
  readonly leaseId: string
  readonly #fields: Secret<Fields>
  readonly #ends: () => Date

  constructor(leaseId: string, fields: Fields, ends: () => Date) {
    this.leaseId = leaseId
    this.#fields = new Secret(fields)
    this.#ends = ends
  }

  /** When it ends unless it is renewed; moves with each renewal. */
  get endsAt(): Date {
    return this.#ends()
  }

  reveal(): Fields {
    return this.#fields.reveal()
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }
}
