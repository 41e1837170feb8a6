import { BrokerError, Secret, parseFields, z } from 'mayfly/plugin'
import type { Connection, JsonObject } from 'mayfly/plugin'
import { readDsn } from './connection-dsn.ts'
import type { WrittenConnection } from './connection-dsn.ts'
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
  return {
    hosts: checkedPlaces(fields.connection_url ? 'connection_url' : 'host', written.hosts),
    database: readText('database', written.database ?? ''),
    username,
    password: filledIn('password', written.password, fields.password) ?? '',
    tls: readTlsMode(written.options.get('tls'), fields.tls_skip_verify === true, rules),
    ...pem,
    tlsServerName: readText('tls_server_name', fields.tls_server_name || undefined) ?? null,
    connectSeconds: readConnectSeconds(written.options.get('timeout')),
    ...readPoolLimits(fields)
  }
}

function passwordInDsn(fields: ConnectionFields, { password }: WrittenConnection): boolean {
  return Boolean(fields.connection_url) && password !== undefined && !isTemplate('password', password)
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
