/** Fields of a connection that every kind of server has, from what was written in them or in a URL in their place. Each is refused by its name, never with its value. */
import { BrokerError, parseDuration } from 'mayfly/plugin'

const connectionsDefault = 4
// One broker must not be able to take all of a server's connections: 100 or 151 by default.
const connectionsMaxMax = 100
const connectSecondsDefault = 5
const connectSecondsMax = 30

type Login = 'username' | 'password'

/** What stands in the URL, or the field in the place of its placeholder. */
export function filledIn(name: Login, written: string | undefined, field: string | undefined): string | undefined {
  if (/\{\{\s*(username|password)\s*\}\}/.test(field ?? ''))
    throw new BrokerError('invalid_request', 'username and/or password cannot contain the template variables')
  if (written === undefined) return readText(name, field || undefined)
  const template = isTemplate(name, written)
  if (!template && /\{\{.*\}\}/.test(written)) throw refusal('connection_url', `expected {{${name}}} or the ${name} itself`)
  if (template && !field) throw refusal(name, `connection_url has {{${name}}}: the field is needed`)
  return readText(name, template ? field : written)
}

export const isTemplate = (name: Login, written: string): boolean => new RegExp(`^\\{\\{\\s*${name}\\s*\\}\\}$`).test(written)

/** The wire's own sentence. */
export const passwordFound =
  'Password found in connection_url, use a templated url to enable root rotation and prevent read access to password information.'

// So does a password that was put into a file with an editor or `echo`.
const lineBreak = 'ends with a line break; printf %s writes a file without one'

export function readText<T extends string | undefined>(field: string, text: T): T {
  // The start of a session is text that ends at NUL: what follows would be read as the next setting.
  if (text !== undefined && /[\0\r\n]/.test(text))
    throw refusal(field, /^[^\0\r\n]+\r?\n$/.test(text) ? lineBreak : 'contains a control character')
  return text
}

export interface PoolFields {
  readonly max_open_connections?: number | undefined
  readonly max_idle_connections?: number | undefined
  readonly max_connection_lifetime?: number | undefined
}

export function readPoolLimits(fields: PoolFields): { connectionsMax: number; idleMax: number; lifetimeSeconds: number } {
  const connectionsMax = readConnectionsMax(fields.max_open_connections)
  const idle = fields.max_idle_connections
  return {
    connectionsMax,
    idleMax: idle === undefined || idle === 0 ? connectionsMax : Math.max(0, Math.min(idle, connectionsMax)),
    lifetimeSeconds: fields.max_connection_lifetime ?? 0
  }
}

function readConnectionsMax(asked: number | undefined): number {
  if (asked === undefined || asked === 0) return connectionsDefault
  if (asked < 0) throw refusal('max_open_connections', 'unlimited is not supported: give a number')
  if (asked > connectionsMaxMax) throw refusal('max_open_connections', `at most ${connectionsMaxMax}`)
  return asked
}

export function readConnectSeconds(text: string | undefined): number {
  const seconds = text ? parseDuration(text) : undefined
  if (!seconds) return connectSecondsDefault
  return Math.min(seconds, connectSecondsMax)
}

export const refusal = (field: string, why: string): BrokerError => new BrokerError('invalid_request', `${field}: ${why}`)
