import { isNoRoom } from './no-room.ts'

// What was committed since the last beat can be put back unseen after a SIGKILL; each beat costs three fsyncs.
const beatMsDefault = 10_000

/** When the store beats: at start, some time after a commit, and at the end. A store at rest has nothing to tell. */
export class Heartbeat {
  readonly #beat: () => boolean
  readonly #failed: (error: unknown) => void
  readonly #everyMs: number
  #timer: NodeJS.Timeout | undefined
  #replaced = false

  /** `beat` is false when a newer run has taken over. */
  constructor(beat: () => boolean, failed: (error: unknown) => void, everyMs: number = beatMsDefault) {
    this.#beat = beat
    this.#failed = failed
    this.#everyMs = everyMs
  }

  /** Throws: a place where it cannot be told must not be found out later. A full disk it survives. */
  first(isFull: (error: unknown) => boolean): void {
    try {
      this.#replaced = !this.#beat()
    } catch (error) {
      if (!isRoomless(error, isFull)) throw error
    }
  }

  soon(): void {
    if (this.#replaced) return
    this.#timer ??= setTimeout(() => this.#now(), this.#everyMs).unref()
  }

  last(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#now()
  }

  /** One that fails comes again with the next commit: meanwhile the store is only less able to tell. */
  #now(): void {
    this.#timer = undefined
    try {
      this.#replaced = !this.#beat()
    } catch (error) {
      this.#failed(error)
    }
  }
}

/** Where the store is, or where its witness is. */
function isRoomless(error: unknown, isFull: (error: unknown) => boolean): boolean {
  if (isFull(error) || isNoRoom(error)) return true
  return error instanceof Error && error.cause !== undefined && isRoomless(error.cause, isFull)
}
