import type { JsonObject } from 'mayfly/plugin'
import type { Place } from '../../database/driver/place.ts'

export type TlsMode = 'verify-full' | 'verify-ca' | 'require' | 'disable'

/** Where none is said. */
export const defaultPort = 5432

/** All that is needed to reach one server: what the engine stores sealed. The admin password is its `password`. */
export type Settings = {
  readonly hosts: readonly Place[]
  readonly database: string
  readonly username: string
  readonly password: string
  readonly tls: TlsMode
  /** PEM. */
  readonly tlsCa: string | null
  readonly tlsCertificate: string | null
  readonly tlsKey: string | null
  readonly applicationName: string
  readonly connectSeconds: number
  readonly connectionsMax: number
  readonly idleMax: number
  /** 0: for ever. */
  readonly lifetimeSeconds: number
  /** The operator's explicit word: `{{password}}` is the password itself and no verifier. */
  readonly plainPasswords: boolean
}

export const toSettings = (stored: JsonObject): Settings => stored as unknown as Settings
