import { BrokerError, Secret, parseFields, z } from 'mayfly/plugin'
import type { Connection, JsonObject } from 'mayfly/plugin'
import { readConnectionUrl } from './connection-url.ts'
import type { WrittenConnection } from './connection-url.ts'
import { connectionFields } from './fields.ts'
import type { ConnectionFields } from './fields.ts'
import { authority, checkedPlaces, readHosts } from '../../database/driver/place.ts'
import {
  filledIn,
  isTemplate,
  passwordFound,
  readConnectSeconds,
  readPoolLimits,
  readText,
  refusal
} from '../../database/driver/written-fields.ts'
import { defaultPort } from './settings.ts'
import type { Settings } from './settings.ts'
import { checkPem, readTlsMode, tlsLosses } from './tls-mode.ts'

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
    ...readPoolLimits(fields),
    plainPasswords: readPlainPasswords(fields.password_authentication)
  }
}

function passwordInUrl(fields: ConnectionFields, { password }: WrittenConnection): boolean {
  return Boolean(fields.connection_url) && password !== undefined && !isTemplate('password', password)
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
