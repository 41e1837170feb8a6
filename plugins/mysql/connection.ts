import { BrokerError, Secret, parseDuration, parseFields, z } from 'mayfly/plugin'
import type { Connection, JsonObject } from 'mayfly/plugin'
import { readDsn } from './connection-dsn.ts'
import type { WrittenConnection } from './connection-dsn.ts'
import { connectionFields } from './fields.ts'
import type { ConnectionFields } from './fields.ts'
import { checkedPlaces, readHosts } from '../database/driver/place.ts'
import type { Place } from '../database/driver/place.ts'
import { defaultPort } from './settings.ts'
import type { Settings } from './settings.ts'
import { checkPem, readTlsMode, tlsLosses } from './tls-mode.ts'

const connectionsDefault = 4
// One broker must not be able to take all of a server's connections: 151 by default.
const connectionsMaxMax = 100
const connectSecondsDefault = 5
const connectSecondsMax = 30

/** Fields, or a DSN in their place, become settings; every doubt is refused by the name of its field. */
export function readConnection(sent: JsonObject, rules: { readonly tls: 'any' | 'verified' }): Connection {
  const { fields } = parseFields(z.object(connectionFields), sent)
  const written = fields.connection_url ? readDsn(onlyDsn(fields, fields.connection_url)) : structured(fields)
  const settings = readSettings(fields, written, rules)
  return {
    settings: new Secret<JsonObject>(settings),
    details: details(fields, written),
    place: placeOf(settings),
    identity: `${account(settings)}/${encodeURIComponent(settings.database)}`,
    account: account(settings),
    warnings: [...(passwordInDsn(fields, written) ? [passwordFound] : []), ...tlsLosses(settings.tls)]
  }
}

function placeOf({ hosts, database, tls, tlsCa }: Settings): JsonObject {
  return { hosts, database, tls, ...(tlsCa && { tls_ca: tlsCa }) }
}

/** The wire's own sentence. */
const passwordFound =
  'Password found in connection_url, use a templated url to enable root rotation and prevent read access to password information.'

const account = ({ hosts, username }: Settings): string => `mysql://${encodeURIComponent(username)}@${authority(hosts)}`

function onlyDsn(fields: ConnectionFields, dsn: string): string {
  const beside = (['host', 'port', 'database', 'tls', 'connect_timeout'] as const).find(name => {
    const value = fields[name]
    return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0)
  })
  if (beside) throw refusal(beside, 'connection_url has it already: write one of the two, the other as ""')
  return dsn
}

function structured(fields: ConnectionFields): WrittenConnection {
  const hosts = fields.host ?? []
  if (hosts.length === 0) throw new BrokerError('invalid_request', 'connection_url cannot be empty')
  const options = new Map<string, string>()
  if (fields.tls) options.set('tls', fields.tls)
  if (fields.connect_timeout !== undefined) options.set('timeout', String(fields.connect_timeout))
  const ports = fields.port === undefined ? [] : [String(fields.port)]
  return {
    hosts: readHosts('host', hosts, ports, defaultPort),
    database: fields.database || undefined,
    username: undefined,
    password: undefined,
    options
  }
}

function readSettings(fields: ConnectionFields, written: WrittenConnection, rules: { readonly tls: 'any' | 'verified' }): Settings {
  const pem = { tlsCa: fields.tls_ca || null, tlsCertificateKey: fields.tls_certificate_key || null }
  checkPem(pem)
  const username = filledIn('username', written.username, fields.username)
  if (!username) throw refusal('username', 'the admin account is needed')
  const connectionsMax = readConnectionsMax(fields.max_open_connections)
  return {
    hosts: checkedPlaces(fields.connection_url ? 'connection_url' : 'host', written.hosts),
    database: readText('database', written.database ?? ''),
    username,
    password: filledIn('password', written.password, fields.password) ?? '',
    tls: readTlsMode(written.options.get('tls'), fields.tls_skip_verify === true, rules),
    ...pem,
    tlsServerName: readText('tls_server_name', fields.tls_server_name || undefined) ?? null,
    connectSeconds: readConnectSeconds(written.options.get('timeout')),
    connectionsMax,
    idleMax: readIdleMax(fields.max_idle_connections, connectionsMax),
    lifetimeSeconds: fields.max_connection_lifetime ?? 0
  }
}

/** What stands in the DSN, or the field in the place of its placeholder. */
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

function passwordInDsn(fields: ConnectionFields, { password }: WrittenConnection): boolean {
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

/** What a read shows: what was written, without password and key. A DSN is shown as it was when its password is a placeholder, else put together anew. */
function details(fields: ConnectionFields, written: WrittenConnection): JsonObject {
  const { connection_url: dsn, password: _, tls_certificate_key: __, ...rest } = fields
  const shown = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as JsonObject
  return { ...shown, ...(dsn && { connection_url: passwordInDsn(fields, written) ? shownDsn(written) : dsn }) }
}

function shownDsn({ hosts, options, username, database }: WrittenConnection): string {
  const query = [...options].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  return `${username ?? ''}:xxxxx@tcp(${authority(hosts)})/${encodeURIComponent(database ?? '')}${query && `?${query}`}`
}

function authority(hosts: readonly Place[]): string {
  return hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
}

const refusal = (field: string, why: string) => new BrokerError('invalid_request', `${field}: ${why}`)
