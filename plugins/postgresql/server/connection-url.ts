/** The two forms in which a connection is written in one string. Read into fields here; neither ever reaches the client library, where a URL may switch TLS
 *  off, read files and beat every other setting. */
import { BrokerError } from 'mayfly/plugin'
import { readAuthority, readHosts } from '../../database/driver/place.ts'
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
const optionNames = new Set(['sslmode', 'application_name', 'connect_timeout'])

export function readConnectionUrl(text: string): WrittenConnection {
  const trimmed = text.trim()
  if (/^postgres(ql)?:\/\//i.test(trimmed)) return readUrl(trimmed)
  if (/^[A-Za-z_]+\s*=/.test(trimmed)) return readWords(trimmed)
  throw refusal('expected postgres://user:password@host:port/database, or host=… dbname=… user=…')
}

function readUrl(text: string): WrittenConnection {
  const rest = text.slice(text.indexOf('://') + 3)
  // An `@` after the first of `/?#` is a password that was not encoded: what stands around it must not be taken for a host, nor named in an error.
  const found = /^(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^@?#]*))?(?:\?([^@#]*))?$/.exec(rest)
  if (!found) throw refusal('percent-encode the special characters of user, password and database')
  const [, user = '', authority = '', database, query = ''] = found
  const colon = user.indexOf(':')
  return {
    hosts: readAuthority(field, decoded(authority), defaultPort),
    database: database ? decoded(database) : undefined,
    username: decoded(colon < 0 ? user : user.slice(0, colon)) || undefined,
    password: colon < 0 ? undefined : decoded(user.slice(colon + 1)) || undefined,
    options: readOptions(
      query
        .split('&')
        .filter(Boolean)
        .map(pair => splitPair(pair))
    )
  }
}

function splitPair(pair: string): readonly [string, string] {
  const equals = pair.indexOf('=')
  return equals < 0 ? [decoded(pair), ''] : [decoded(pair.slice(0, equals)), decoded(pair.slice(equals + 1))]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refusal('a percent sign begins no valid encoding')
  }
}

/** `host=h1,h2 port=5432 user={{username}} password='it''s'`, quoted as libpq does: a backslash protects the next character. */
function readWords(text: string): WrittenConnection {
  const words = new Map<string, string>()
  const word = /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/gsy
  let end = 0
  for (const found of text.matchAll(word)) {
    const name = found[1]!.toLowerCase()
    if (words.has(name)) throw refusal(`${shownName(name)} is given twice`)
    words.set(
      name,
      (found[2] ?? found[3] ?? '').replaceAll(/\\(.)/gs, (_, kept: string) => kept)
    )
    end = found.index + found[0].length
  }
  if (text.slice(end).trim() !== '') throw refusal("expected name=value pairs, a value with spaces in '…'")
  const taken = ['host', 'port', 'dbname', 'user', 'password']
  return {
    hosts: readHosts(field, (words.get('host') ?? '').split(','), (words.get('port') ?? '').split(','), defaultPort),
    database: words.get('dbname') || undefined,
    username: words.get('user') || undefined,
    password: words.get('password') || undefined,
    options: readOptions([...words].filter(([name]) => !taken.includes(name)))
  }
}

function readOptions(pairs: readonly (readonly [string, string])[]): ReadonlyMap<string, string> {
  for (const [index, [name]] of pairs.entries()) {
    if (!optionNames.has(name)) throw refusal(`the option ${shownName(name)} is not taken${hint(name)}`)
    if (pairs.findIndex(([other]) => other === name) !== index) throw refusal(`the option ${shownName(name)} is given twice`)
  }
  return new Map(pairs)
}

const hint = (name: string): string =>
  /^ssl(rootcert|cert|key)$/.test(name) ? ': PEM text goes into tls_ca, tls_certificate and private_key' : ''

/** What is no plain word may be a piece of a password. */
const shownName = (name: string): string => (/^[A-Za-z_]{1,40}$/.test(name) ? name : '(unreadable)')

const refusal = (why: string) => new BrokerError('invalid_request', `${field}: ${why}`)
