/** The form in which clients of the wire write a MySQL connection: the DSN of Go's driver. Read into fields here; it never reaches the client library, where a URL may stack statements,
 *  read files and switch TLS off. */
import { BrokerError } from 'mayfly/plugin'
import { readAuthority } from '../../database/driver/place.ts'
import type { Place } from '../../database/driver/place.ts'
import { defaultPort } from './settings.ts'

export interface WrittenConnection {
  readonly hosts: readonly Place[]
  readonly database: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly options: ReadonlyMap<string, string>
}

const field = 'connection_url'
const optionNames = new Set(['tls', 'timeout'])
// Common in DSNs, and without a meaning here: what they ask for is how every session of ours is.
const idleNames = new Set([
  'parseTime',
  'loc',
  'charset',
  'collation',
  'readTimeout',
  'writeTimeout',
  'allowNativePasswords',
  'interpolateParams'
])
const refusedNames = new Map([
  ['multiStatements', 'only role statements may be several, and those are seen to'],
  ['allowAllFiles', 'no file of the broker is ever sent'],
  ['allowCleartextPasswords', 'passwords are never sent as text'],
  ['allowOldPasswords', 'old password hashes are not spoken']
])

/** `user:password@tcp(h1:3306,h2:3306)/database?tls=true`. A password may hold anything: the last `@` before `tcp(` ends it, as in Go. */
export function readDsn(text: string): WrittenConnection {
  const trimmed = text.trim()
  if (/^(mysql|mariadb):\/\//i.test(trimmed))
    throw refusal('expected the form user:password@tcp(host:port)/database, or host and the fields beside it')
  const found = /^(?:(.*)@)?([a-z]*)\(([^()@]*)\)\/([^/?]*)(?:\?([^?]*))?$/s.exec(trimmed)
  if (!found) throw refusal('expected user:password@tcp(host:port)/database')
  const [, user = '', network, authority = '', database = '', query = ''] = found
  // Go takes none for it.
  if (network !== 'tcp' && network !== '') throw refusal('only tcp(host:port) is taken, no sockets')
  const colon = user.indexOf(':')
  return {
    hosts: readAuthority(field, authority, defaultPort),
    database: decoded(database) || undefined,
    username: (colon < 0 ? user : user.slice(0, colon)) || undefined,
    password: colon < 0 ? undefined : user.slice(colon + 1) || undefined,
    options: readOptions(query)
  }
}

function readOptions(query: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  for (const pair of query.split('&').filter(Boolean)) {
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    if (idleNames.has(name)) continue
    if (!optionNames.has(name)) throw refusal(`the option ${shownName(name)} is not taken${hint(name)}`)
    if (options.has(name)) throw refusal(`the option ${shownName(name)} is given twice`)
    options.set(name, decoded(value))
  }
  return options
}

const hint = (name: string): string => (refusedNames.has(name) ? `: ${refusedNames.get(name)}` : '')

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refusal('a percent sign begins no valid encoding')
  }
}

/** What is no plain word may be a piece of a password. */
const shownName = (name: string): string => (/^[A-Za-z_]{1,40}$/.test(name) ? name : '(unreadable)')

const refusal = (why: string) => new BrokerError('invalid_request', `${field}: ${why}`)
