import type { JsonObject } from 'mayfly/plugin'

export type TlsMode = 'verify-full' | 'verify-ca' | 'require' | 'disable'

export type Place = { readonly host: string; readonly port: number }

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
