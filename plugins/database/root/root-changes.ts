import type { Clock, Random } from 'mayfly/plugin'

// A server ends a statement that nobody waits for any more by limits of its own, of 10 s; and whoever holds a lock that it waits for has some as well.
const lateMsMax = 2 * 60_000
// More of them than these in two minutes nobody asks for.
const knownMax = 1_000

/** What this process knows of the rotations of admin accounts: whether the server was asked for a change at all, and whether one may still come of which nobody has heard. What was asked
 *  before it began it does not know: that may have gone unheard, and may come for a while. */
export class RootChanges {
  readonly #clock: Clock
  readonly #random: Random
  readonly #openedAt: number
  /** By the rotation's id; since when one is unheard of, on the clock that never steps. */
  readonly #known = new Map<string, 'not asked' | 'answered' | number>()

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock
    this.#random = random
    this.#openedAt = clock.elapsed()
  }

  /** The id of a rotation of which no server has heard. */
  begin(): string {
    const id = Buffer.from(this.#random.bytes(16)).toString('hex')
    this.#know(id, 'not asked')
    return id
  }

  isUntouched(id: string): boolean {
    return this.#known.get(id) === 'not asked'
  }

  /** Before the server is asked. An answer says nothing of those that were asked before it. */
  touch(id: string): void {
    if (this.isUntouched(id)) this.#know(id, 'answered')
  }

  /** It was asked, and has not said what became of it. */
  unheard(id: string): void {
    this.#know(id, this.#clock.elapsed())
  }

  /** Whether the server may still make a change that it was asked for before. */
  mayCome(id: string): boolean {
    const known = this.#known.get(id) ?? this.#openedAt
    return typeof known === 'number' && this.#clock.elapsed() - known < lateMsMax
  }

  #know(id: string, state: 'not asked' | 'answered' | number): void {
    this.#known.delete(id)
    this.#known.set(id, state)
    if (this.#known.size > knownMax) for (const oldest of this.#known.keys().take(1)) this.#known.delete(oldest)
  }
}
