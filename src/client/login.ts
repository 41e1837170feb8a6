import { NotUnderstood } from './client-error.ts'
import type { Client } from './client.ts'

/** A way to come by a token. Called again when the token has reached its end. */
export interface Login {
  readonly logIn: (client: Client, signal: AbortSignal) => Promise<LoggedIn>
}

export interface LoggedIn {
  readonly token: string
  /** 0: it has no end; undefined: not known, the server is asked when it matters. */
  readonly seconds: number | undefined
  readonly renewable: boolean
  /** Made by this login alone: it is revoked when its user is done, and every lease with it. */
  readonly own: boolean
}

type Value = string | (() => string | Promise<string>)

const valueOf = async (value: Value): Promise<string> => (typeof value === 'string' ? value : value())

/** A token that somebody else has made. A function is asked again when the token has ended: where an agent keeps a fresh one in a file. */
export function token(value: Value): Login {
  return {
    logIn: async () => ({ token: (await valueOf(value)).trim(), seconds: undefined, renewable: true, own: false })
  }
}

export interface AppRole {
  readonly roleId: Value
  /** Not for a role that asks for none. A function is asked at each login: a secret id may be good for one. */
  readonly secretId?: Value
  /** Where the method is mounted: `approle`. */
  readonly mount?: string
}

/** An application logs in by itself. */
export function appRole({ roleId, secretId, mount = 'approle' }: AppRole): Login {
  return {
    async logIn(client, signal) {
      const role_id = (await valueOf(roleId)).trim()
      const secret = secretId === undefined ? {} : { secret_id: (await valueOf(secretId)).trim() }
      const { auth } = await client.request('POST', `auth/${mount}/login`, { role_id, ...secret }, { token: '', signal })
      if (auth === null) throw new NotUnderstood('the reply to the login has no token')
      return { token: auth.client_token, seconds: auth.lease_duration, renewable: auth.renewable, own: true }
    }
  }
}
