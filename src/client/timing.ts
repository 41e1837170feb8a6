/** Where the client's time and jitter come from. Not the broker's clock: this runs in other people's programs, on older Node too. */
export interface Timing {
  /** Wall time, milliseconds. */
  wall(): number
  /** Milliseconds on a clock that never steps. It may stand still while the machine sleeps. */
  steady(): number
  /** Resolves after `milliseconds`, or when the signal aborts. `whose`: whether somebody waits for what comes after, or the program may end meanwhile. */
  sleep(milliseconds: number, signal: AbortSignal, whose: 'caller' | 'upkeep'): Promise<void>
  /** 0 <= result < 1, for spreading only. */
  random(): number
}

// What a timer takes; above it fires at once.
const sleepMsMax = 2 ** 31 - 1

export const systemTiming: Timing = {
  wall: () => Date.now(),
  steady: () => performance.now(),
  sleep: (milliseconds, signal, whose) =>
    new Promise(resolve => {
      if (signal.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, Math.min(milliseconds, sleepMsMax))
      // A credential in hand is no reason to keep a program running.
      if (whose === 'upkeep') timer.unref()
      signal.addEventListener('abort', done)
    }),
  random: Math.random
}

/** A moment in the future, on both clocks. */
export interface Moment {
  readonly wall: number
  readonly steady: number
}

export function momentIn(timing: Timing, milliseconds: number): Moment {
  return { wall: timing.wall() + milliseconds, steady: timing.steady() + milliseconds }
}

/** By the clock that says less: after a suspension the steady one is behind, after a step back the wall is. */
export function msUntil(timing: Timing, moment: Moment): number {
  return Math.min(moment.wall - timing.wall(), moment.steady - timing.steady())
}
