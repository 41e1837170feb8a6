import type { DatabaseCheck, DatabaseDriver } from 'mayfly/plugin'

/** Of the server that was looked at when the connection was written, else of any that the driver knows. */
export function usernameBytesMax(driver: DatabaseDriver, check: DatabaseCheck | null): number {
  return (check && driver.usernameBytesMaxOf?.(check.version)) ?? driver.usernameBytesMax
}
