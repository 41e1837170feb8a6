import { BrokerError, errorStatus } from '../../contracts/index.ts'
import type { Clock } from '../../contracts/index.ts'

// Enough for a person and for a fleet that starts with a wrong secret; a guesser's flood costs no commits beyond it.
const toldPerSecondMax = 20
// Of all addresses together: whoever has a network of IPv6 has more of them than there are commits.
const toldInAllPerSecondMax = 100
const addressesMax = 1_000

/** Which requests of callers without an identity get entries of their own: of each address so many a second. What is above is refused, as one counted entry a second. */
export class RefusalRate {
  readonly #clock: Clock
  readonly #told = new Map<string, number>()
  #second = -1
  #toldInAll = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A failure that is not the caller's is always told. */
  onlyCounted(remoteAddress: string, error: unknown): boolean {
    if (!(error instanceof BrokerError) || errorStatus[error.code] >= 500) return false
    return this.spent(remoteAddress)
  }

  /** Takes one of this second's entries; true when there is none left for this address. */
  spent(remoteAddress: string): boolean {
    const second = Math.floor(this.#clock.elapsed() / 1_000)
    if (second !== this.#second) {
      this.#told.clear()
      this.#toldInAll = 0
    }
    this.#second = second
    const address = this.#told.has(remoteAddress) || this.#told.size < addressesMax ? remoteAddress : 'others'
    const told = this.#told.get(address) ?? 0
    this.#told.set(address, told + 1)
    return told >= toldPerSecondMax || ++this.#toldInAll > toldInAllPerSecondMax
  }
}
