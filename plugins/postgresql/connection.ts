import { BrokerError, Secret, parseDuration, parseFields, z } from 'mayfly/plugin'
import type { Connection, JsonObject } from 'mayfly/plugin'
import { readConnectionUrl } from './connection-url.ts'
import type { WrittenConnection } from './connection-url.ts'
import { connectionFields } from './fields.ts'
import type { ConnectionFields } from './fields.ts'
import { checkedPlaces, readHosts } from '../database/driver/place.ts'
import type { Place } from '../database/driver/place.ts'
import { defaultPort } from './settings.ts'
import type { Settings } from './settings.ts'
import { checkPem, readTlsMode, tlsLosses } from './tls-mode.ts'

const connectionsDefault = 4
// One broker must not be able to take all of a server's connections: 100 by default.
const connectionsMaxMax = 100
const connectSecondsDefault = 5
const connectSecondsMax = 30

/** Fields, or a URL in their place, become settings; every doubt is refused by the name of its field. */
export function readConnection(sent: JsonObject, rules: { readonly tls: 'any' | 'verified' }): Connection {
  const { fields } = parseFields(z.object(connectionFields), sent)
  const written = fields.connection_url ? readConnectionUrl(onlyUrl(fields, fields.connection_url)) : structured(fields)
  const settings = readSettings(fields, written, rules)
  return {
    settings: new Secret<JsonObject>(settings),
    details: details(fields, written, settings),
    place: placeOf(settings),
    identity: `${account(settings)}/${encodeURIComponent(settings.database)}`,
    account: account(settings),
    warnings: [...(passwordInUrl(fields, written) ? [passwordFound] : []), ...tlsLosses(settings.tls)]
  }
}

function placeOf({ hosts, database, tls, tlsCa }: Settings): JsonObject {
  return { hosts, database, sslmode: tls, ...(tlsCa && { tls_ca: tlsCa }) }
}

/** The wire's own sentence. */
const passwordFound =
  'Password found in connection_url, use a templated url to enable root rotation and prevent read access to password information.'

const account = ({ hosts, username }: Settings): string => `postgresql://${encodeURIComponent(username)}@${authority(hosts)}`

function onlyUrl(fields: ConnectionFields, url: string): string {
  const beside = (['host', 'port', 'database', 'sslmode', 'application_name', 'connect_timeout'] as const).find(name => {
    const value = fields[name]
    return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0)
  })
  if (beside) throw refusal(beside, 'connection_url has it already: write one of the two, the other as ""')
  return url
}

function structured(fields: ConnectionFields): WrittenConnection {
  const hosts = fields.host ?? []
  if (hosts.length === 0) throw new BrokerError('invalid_request', 'connection_url cannot be empty')
  const options = new Map<string, string>()
  if (fields.sslmode) options.set('sslmode', fields.sslmode)
  if (fields.application_name) options.set('application_name', fields.application_name)
  if (fields.connect_timeout !== undefined) options.set('connect_timeout', String(fields.connect_timeout))
  const ports = fields.port === undefined ? [] : [String(fields.port)]
  return {
    hosts: readHosts('host', hosts, ports, defaultPort),
    database: fields.database,
    username: undefined,
    password: undefined,
    options
  }
}

function readSettings(fields: ConnectionFields, written: WrittenConnection, rules: { readonly tls: 'any' | 'verified' }): Settings {
  const pem = { tlsCa: fields.tls_ca || null, tlsCertificate: fields.tls_certificate || null, tlsKey: fields.private_key || null }
  checkPem(pem)
  const username = filledIn('username', written.username, fields.username)
  if (!username) throw refusal('username', 'the admin account is needed')
  const connectionsMax = readConnectionsMax(fields.max_open_connections)
  return {
    hosts: checkedPlaces(fields.connection_url ? 'connection_url' : 'host', written.hosts),
    // As libpq does: a database of the account's name.
    database: readText('database', written.database ?? username),
    username,
    password: filledIn('password', written.password, fields.password) ?? '',
    tls: readTlsMode(written.options.get('sslmode'), pem.tlsCa, rules),
    ...pem,
    applicationName: readText('application_name', written.options.get('application_name') || 'mayfly'),
    connectSeconds: readConnectSeconds(written.options.get('connect_timeout')),
    connectionsMax,
    idleMax: readIdleMax(fields.max_idle_connections, connectionsMax),
    lifetimeSeconds: fields.max_connection_lifetime ?? 0,
    plainPasswords: readPlainPasswords(fields.password_authentication)
  }
}

/** What stands in the URL, or the field in the place of its placeholder. */
function filledIn(name: 'username' | 'password', written: string | undefined, field: string | undefined): string | undefined {
  if (/\{\{\s*(username|password)\s*\}\}/.test(field ?? ''))
    throw new BrokerError('invalid_request', 'username and/or password cannot contain the template variables')
  if (written === undefined) return readText(name, field || undefined)
  const template = isTemplate(name, written)
  if (!template && /\{\{.*\}\}/.test(written)) throw refusal('connection_url', `expected {{${name}}} or the ${name} itself`)
  if (template && !field) throw refusal(name, `connection_url has {{${name}}}: the field is needed`)
  return readText(name, template ? field : written)
}

const isTemplate = (name: 'username' | 'password', written: string): boolean => new RegExp(`^\\{\\{\\s*${name}\\s*\\}\\}$`).test(written)

function passwordInUrl(fields: ConnectionFields, { password }: WrittenConnection): boolean {
  return Boolean(fields.connection_url) && password !== undefined && !isTemplate('password', password)
}

// So does a password that was put into a file with an editor or `echo`.
const lineBreak = 'ends with a line break; printf %s writes a file without one'

function readText<T extends string | undefined>(field: string, text: T): T {
  // The start of a session is text that ends at NUL: what follows would be read as the next setting.
  if (text !== undefined && /[\0\r\n]/.test(text))
    throw refusal(field, /^[^\0\r\n]+\r?\n$/.test(text) ? lineBreak : 'contains a control character')
  return text
}

function readConnectionsMax(asked: number | undefined): number {
  if (asked === undefined || asked === 0) return connectionsDefault
  if (asked < 0) throw refusal('max_open_connections', 'unlimited is not supported: give a number')
  if (asked > connectionsMaxMax) throw refusal('max_open_connections', `at most ${connectionsMaxMax}`)
  return asked
}

function readIdleMax(asked: number | undefined, connectionsMax: number): number {
  if (asked === undefined || asked === 0) return connectionsMax
  return Math.max(0, Math.min(asked, connectionsMax))
}

function readConnectSeconds(text: string | undefined): number {
  const seconds = text ? parseDuration(text) : undefined
  if (!seconds) return connectSecondsDefault
  return Math.min(seconds, connectSecondsMax)
}

function readPlainPasswords(asked: string | undefined): boolean {
  if (!asked || asked === 'scram-sha-256') return false
  if (asked !== 'password') throw refusal('password_authentication', 'not a valid password authentication type: scram-sha-256 or password')
  return true
}

/** What a read shows: what was written, without password and key. A URL is shown as it was when its password is a placeholder, else put together anew. */
function details(fields: ConnectionFields, written: WrittenConnection, settings: Settings): JsonObject {
  const { connection_url: url, password: _, private_key: __, ...rest } = fields
  const shown = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as JsonObject
  return { ...shown, ...(url && { connection_url: passwordInUrl(fields, written) ? shownUrl(written, settings) : url }) }
}

function shownUrl({ options, username }: WrittenConnection, { hosts, database }: Settings): string {
  const user = username && isTemplate('username', username) ? username : encodeURIComponent(username ?? '')
  const query = [...options].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  return `postgresql://${user}:xxxxx@${authority(hosts)}/${encodeURIComponent(database)}${query && `?${query}`}`
}

function authority(hosts: readonly Place[]): string {
  return hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
}

const refusal = (field: string, why: string) => new BrokerError('invalid_request', `${field}: ${why}`)
