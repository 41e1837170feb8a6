import { BrokerError } from 'mayfly/plugin'
import type { Connection } from 'mayfly/plugin'
import type { ConnectionConfig } from './connection-config.ts'
import { settingText } from './connection-versions.ts'
import type { ConnectionVersion } from './connection-versions.ts'
import type { Engine } from '../engine.ts'

// What tools that write a configuration again and again still have in their files.
const keptMax = 16

type Former = Pick<ConnectionConfig, 'formerPasswords' | 'rotated'>

/** What a connection keeps once the password of `version` has been rotated away for `next`: hashes that only this broker can compute, and never a password. Those that a
 *  rotation made have a list of their own: however many there are, they push out none that an operator has in a file. */
export function formerPasswords(engine: Engine, config: ConnectionConfig, version: ConnectionVersion, next: string): Former {
  const hash = (password: string): string => hashOf(engine, version.driver, version.account, password)
  const [gone, to] = [hash(settingText(version, 'password')), hash(next)]
  const { formerPasswords = [], rotated } = config
  if (rotated?.to === gone) return { formerPasswords, rotated: { to, before: longer(rotated.before, gone) } }
  return { formerPasswords: longer(formerPasswords, gone), rotated: { to, before: rotated?.before ?? [] } }
}

const longer = (hashes: readonly string[], hash: string): readonly string[] => [...new Set([...hashes, hash])].slice(-keptMax)

/** A configuration tool that writes its old password back would lock the engine out, or is about to wonder why it cannot connect. */
export function refuseFormerPassword(engine: Engine, driver: string, connection: Connection, stored: ConnectionConfig | undefined): void {
  const { password } = connection.settings.reveal()
  const former = [...(stored?.formerPasswords ?? []), ...(stored?.rotated?.before ?? [])]
  if (typeof password !== 'string' || !former.includes(hashOf(engine, driver, connection.account, password))) return
  throw new BrokerError(
    'invalid_request',
    'error creating database object: password: it is one from before a rotation; leave it out to keep the present one, or write another that the account has now'
  )
}

function hashOf({ context }: Engine, driver: string, account: string, password: string): string {
  return Buffer.from(context.mac(JSON.stringify(['former password', driver, account, password]))).toString('base64url')
}
