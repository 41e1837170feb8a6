/** A new key is not known everywhere at AWS at once: for some seconds one server takes it and the next does not. */
import type { Clock } from 'mayfly/plugin'

const everyMs = 500
// One that is answered says little: the next may reach a server that has not heard of the key.
const inARow = 3

export interface UsableWait {
  readonly clock: Clock
  /** When the caller gets the key all the same. */
  readonly msMax: number
  readonly signal: AbortSignal
}

/** Asks until it was answered three times in a row. `false`: it was not, in the time that there was. Rejects when `signal` aborts. */
export async function untilUsable(ask: (signal: AbortSignal) => Promise<boolean>, { clock, msMax, signal }: UsableWait): Promise<boolean> {
  using deadline = clock.within(msMax, signal)
  for (let answered = 0; ;) {
    answered = (await isAnswered(ask, deadline.signal)) ? answered + 1 : 0
    if (answered === inARow) return true
    if (!(await isSlept(clock, deadline.signal))) {
      signal.throwIfAborted()
      return false
    }
  }
}

/** Whatever goes wrong: it does not work yet. */
async function isAnswered(ask: (signal: AbortSignal) => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  return await ask(signal).catch(() => false)
}

async function isSlept(clock: Clock, signal: AbortSignal): Promise<boolean> {
  return await clock.sleep(everyMs, signal).then(
    () => true,
    () => false
  )
}
