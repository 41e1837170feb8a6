import { BrokerError } from '../../contracts/index.ts'

/** The caller hears one text, whatever was wrong; the trail says why. */
export class RefusedLogin extends BrokerError {
  readonly why: string

  constructor(message: string, why: string) {
    super('invalid_credentials', message)
    this.why = why
  }
}
