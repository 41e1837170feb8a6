import type { Clock } from '../../src/contracts/index.ts'
import { systemClock } from '../../src/system-clock.ts'

const speed = 300

/** Five minutes a second since a moment, the same in every process. Limits of calls stay in real time: the machine is no faster. */
export function fastClock(since: number): Clock {
  const now = () => since + (Date.now() - since) * speed
  return {
    now: () => Temporal.Instant.fromEpochMilliseconds(now()),
    elapsed: now,
    sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / speed, signal),
    within: (milliseconds, outer) => systemClock.within(milliseconds, outer)
  }
}
