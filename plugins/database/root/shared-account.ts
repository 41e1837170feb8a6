import type { JsonObject, MountReader, MountStorage } from 'mayfly/plugin'
import { configKey, readConfig } from '../connection/connection-config.ts'
import type { ConnectionConfig } from '../connection/connection-config.ts'
import { keptVersions, readVersion } from '../connection/connection-versions.ts'
import type { ConnectionVersion, KeptVersion } from '../connection/connection-versions.ts'
import type { Engine } from '../engine.ts'
import { formerPasswords } from '../connection/former-passwords.ts'
import { allKeys } from '../key-list.ts'

/** All that logs in with one admin account: versions of connections, old and new, and what operators wrote of them. It has one password, whoever uses it. */
export interface SharedAccount {
  readonly versions: readonly KeptVersion[]
  readonly configs: readonly { readonly name: string; readonly config: ConnectionConfig; readonly row: number }[]
}

/** Connections are few, and this is no hot path. */
export async function sharedAccount(
  engine: Engine,
  storage: MountReader,
  one: Pick<ConnectionVersion, 'driver' | 'account'>
): Promise<SharedAccount> {
  const versions: KeptVersion[] = []
  const configs: SharedAccount['configs'][number][] = []
  for (const name of await allKeys(storage, 'config/')) {
    for (const kept of await keptVersions(engine, storage, name)) if (isSame(kept.version, one)) versions.push(kept)
    const stored = await readConfig(storage, name)
    const current = stored && (await readVersion(storage, stored.config.target))
    if (stored && current && isSame(current.version, one)) configs.push({ name, config: stored.config, row: stored.version })
  }
  return { versions, configs }
}

/** Gives all of them the new password in one commit, which fails when any was written meanwhile. */
export function carryPassword(engine: Engine, storage: MountStorage, shared: SharedAccount, password: string): void {
  for (const { key, row, version } of shared.versions) storage.put(key, { ...version, settings: { ...version.settings, password } }, row)
  for (const { name, config, row } of shared.configs) storage.put(configKey(name), rewritten(engine, shared, config, password), row)
}

function rewritten(engine: Engine, { versions }: SharedAccount, config: ConnectionConfig, password: string): JsonObject {
  const version = versions.find(({ target }) => target === config.target)?.version
  const former = version && formerPasswords(engine, config, version, password)
  return { ...config, fields: { ...config.fields, password }, ...former } as unknown as JsonObject
}

const isSame = (a: ConnectionVersion, b: Pick<ConnectionVersion, 'driver' | 'account'>): boolean =>
  a.driver === b.driver && a.account === b.account
