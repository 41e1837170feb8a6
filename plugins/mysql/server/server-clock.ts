/** The server's clock, as the function takes it that `ServerClock.look` gives. */
export const nowMs = 'unix_timestamp(now(3)) * 1000'

/** `2026-11-22 22:00:05.000`, as a session in UTC reads it. */
export const timestamp = (moment: Temporal.Instant): string =>
  moment
    .toString({ fractionalSecondDigits: 3 })
    .slice(0, -1)
    .replace('T', () => ' ')
