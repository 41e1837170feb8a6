/** The server's clock, as the function takes it that `ServerClock.look` gives. */
export const nowMs = '(extract(epoch from pg_catalog.clock_timestamp()) * 1000)::pg_catalog.float8'

/** `2026-11-22 22:00:05+0000`. */
export const timestamp = (moment: Temporal.Instant): string =>
  moment
    .toString({ fractionalSecondDigits: 0 })
    .replace('T', () => ' ')
    .replace('Z', () => '+0000')
