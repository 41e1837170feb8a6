import type { JsonObject } from 'mayfly/plugin'
import type { Place } from '../../database/driver/place.ts'

export type TlsMode = 'true' | 'skip-verify' | 'false'

/** Where none is said. */
export const defaultPort = 3306

/** All that is needed to reach one server: what the engine stores sealed. The admin password is its `password`. */
export type Settings = {
  readonly hosts: readonly Place[]
  /** `""`: none. */
  readonly database: string
  readonly username: string
  readonly password: string
  readonly tls: TlsMode
  /** PEM. */
  readonly tlsCa: string | null
  /** Certificate and key in one text. */
  readonly tlsCertificateKey: string | null
  /** The name that the certificate is for, where it is not the host's. */
  readonly tlsServerName: string | null
  readonly connectSeconds: number
  readonly connectionsMax: number
  readonly idleMax: number
  /** 0: for ever. */
  readonly lifetimeSeconds: number
}

export const toSettings = (stored: JsonObject): Settings => stored as unknown as Settings
