import { BrokerError } from 'mayfly/plugin'
import type { Connection } from 'mayfly/plugin'
import type { ConnectionConfig } from './connection-config.ts'
import { settingText } from './connection-versions.ts'
import type { ConnectionVersion } from './connection-versions.ts'
import type { Engine } from './engine.ts'

// What tools that write a configuration again and again still have in their files.
const keptMax = 16

/** The hashes that a connection keeps once the password of `version` has been rotated away: what only this broker can compute, and never the password. */
export function formerPassword(engine: Engine, config: ConnectionConfig, version: ConnectionVersion): readonly string[] {
  const hash = hashOf(engine, version.driver, version.account, settingText(version, 'password'))
  return [...new Set([...(config.formerPasswords ?? []), hash])].slice(-keptMax)
}

/** A configuration tool that writes its old password back would lock the engine out, or is about to wonder why it cannot connect. */
export function refuseFormerPassword(engine: Engine, driver: string, connection: Connection, stored: ConnectionConfig | undefined): void {
  const { password } = connection.settings.reveal()
  if (typeof password !== 'string' || !stored?.formerPasswords?.includes(hashOf(engine, driver, connection.account, password))) return
  throw new BrokerError(
    'invalid_request',
    'error creating database object: password: it is one from before a rotation; leave it out to keep the present one, or write another that the account has now'
  )
}

function hashOf({ context }: Engine, driver: string, account: string, password: string): string {
  return Buffer.from(context.mac(JSON.stringify(['former password', driver, account, password]))).toString('base64url')
}
