import type { Clock, Random } from 'mayfly/plugin'

// A server ends a statement that nobody waits for any more by limits of its own, of 10 s; and whoever holds a lock that it waits for has some as well.
const lateMsMax = 2 * 60_000
// More of them than these in two minutes nobody asks for.
const knownMax = 1_000

interface Asked {
  readonly ever: boolean
  /** Asks that the server has not answered yet: one by the run of a connection that was deleted meanwhile may be among them. */
  readonly open: number
  /** When the last of which nobody has heard was over, on the clock that never steps. */
  readonly unheardAt?: number
}

/** What this process knows of the rotations of admin accounts: whether the server was asked for a change at all, and whether one may still come of which nobody has heard. What was asked
 *  before it began it does not know: that may have gone unheard, and may come for a while. */
export class RootChanges {
  readonly #clock: Clock
  readonly #random: Random
  readonly #openedAt: number
  /** By the rotation's id. */
  readonly #known = new Map<string, Asked>()

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock
    this.#random = random
    this.#openedAt = clock.elapsed()
  }

  /** The id of a rotation of which no server has heard. */
  begin(): string {
    const id = Buffer.from(this.#random.bytes(16)).toString('hex')
    this.#know(id, { ever: false, open: 0 })
    return id
  }

  isUntouched(id: string): boolean {
    return !this.#of(id).ever
  }

  /** Before the server is asked; `answered` or `unheard` follows. */
  ask(id: string): void {
    const asked = this.#of(id)
    this.#know(id, { ...asked, ever: true, open: asked.open + 1 })
  }

  /** Says nothing of the others that it was asked for. */
  answered(id: string): void {
    const asked = this.#of(id)
    this.#know(id, { ...asked, open: Math.max(0, asked.open - 1) })
  }

  /** It has not said what became of it. */
  unheard(id: string): void {
    this.answered(id)
    this.#know(id, { ...this.#of(id), unheardAt: this.#clock.elapsed() })
  }

  /** Whether the server may still make a change that it was asked for before. */
  mayCome(id: string): boolean {
    const { open, unheardAt } = this.#of(id)
    return open > 0 || (unheardAt !== undefined && this.#clock.elapsed() - unheardAt < lateMsMax)
  }

  #of(id: string): Asked {
    return this.#known.get(id) ?? { ever: true, open: 0, unheardAt: this.#openedAt }
  }

  #know(id: string, asked: Asked): void {
    this.#known.delete(id)
    this.#known.set(id, asked)
    if (this.#known.size > knownMax) for (const oldest of this.#known.keys().take(1)) this.#known.delete(oldest)
  }
}
