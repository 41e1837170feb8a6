import type { DatabaseDriver, PathRequest } from 'mayfly/plugin'
import type { ConnectionConfig } from '../connection/connection-config.ts'
import type { Engine } from '../engine.ts'
import { newUserName } from './user-name.ts'
import { nameByTemplate } from './user-name-template.ts'
import { usernameBytesMax } from './username-limit.ts'

/** A new name for a user of this role, as its connection wants them. */
export function nameFor(
  { context }: Engine,
  driver: DatabaseDriver,
  { usernameTemplate, check }: ConnectionConfig,
  request: PathRequest<unknown>,
  roleName: string
): string {
  const { displayName } = request.caller
  const parts = { displayName, roleName, now: context.clock.now(), random: context.random, bytesMax: usernameBytesMax(driver, check) }
  return usernameTemplate === '' ? newUserName({ ...parts, partBytes: driver.usernamePartBytes }) : nameByTemplate(usernameTemplate, parts)
}
