import { BrokerError, field, path } from 'mayfly/plugin'
import type { Answer, JsonObject, Path } from 'mayfly/plugin'
import { requirePrincipal } from '../format/principals.ts'
import { fingerprintOf } from './host-message.ts'
import { hostNames, readHost, refuseTooManyHosts, removeHost, writeHost } from './host-rows.ts'
import type { Host } from './host-rows.ts'
import { forgetReach } from './reach.ts'

const ttlSeconds = 7 * 86_400
const ttlSecondsMax = 30 * 86_400
const namesMax = 32
const accountsMax = 200
const principalsMax = 100

/** What an operator says of a host. Names are never the host's own choice: it would certify itself as another. */
export const hostEntryPaths: readonly Path[] = [
  path({
    pattern: 'hosts',
    summary: 'the hosts',
    fields: { after: field.text(), limit: field.integer() },
    list: async ({ fields }, storage): Promise<Answer> => {
      const { after, limit } = fields
      return { keys: await hostNames(storage, { ...(after === undefined ? {} : { after }), ...(limit === undefined ? {} : { limit }) }) }
    }
  }),
  path({
    pattern: 'hosts/:host',
    summary: 'a host: its names, its accounts, and the KRL that it runs',
    fields: { names: field.commaList(), ttl: field.duration(), accounts: field.map() },
    exists: async ({ params }, storage) => (await readHost(storage, params['host'] ?? '')) !== undefined,
    read: async ({ params }, storage) => {
      const stored = await readHost(storage, params['host'] ?? '')
      return stored && { data: shown(stored.host) }
    },
    write: async ({ params, fields }, storage) => {
      const name = params['host'] ?? ''
      const stored = await readHost(storage, name)
      if (!stored) await refuseTooManyHosts(storage)
      const before = stored?.host
      const host: Host = {
        names: fields.names ? checkedNames(fields.names) : (before?.names ?? checkedNames([name])),
        ttl: checkedTtl(fields.ttl ?? before?.ttl ?? ttlSeconds),
        accounts: fields.accounts ? checkedAccounts(fields.accounts) : (before?.accounts ?? {}),
        enrolled: before?.enrolled ?? null,
        reached: before?.reached ?? null
      }
      writeHost(storage, name, host, stored?.version ?? 0, before)
      return undefined
    },
    delete: async ({ params }, storage) => {
      const stored = await readHost(storage, params['host'] ?? '')
      if (!stored) return undefined
      removeHost(storage, params['host'] ?? '', stored.host, stored.version)
      if (stored.host.reached) await forgetReach(storage, params['host'] ?? '')
      const { enrolled } = stored.host
      return enrolled ? { revoke: { subject: fingerprintOf(enrolled.key) } } : undefined
    }
  })
]

function shown({ names, ttl, accounts, enrolled, reached }: Host): JsonObject {
  return {
    names,
    ttl,
    accounts: Object.fromEntries(Object.entries(accounts).map(([account, principals]) => [account, principals.join(',')])),
    enrolled: enrolled !== null,
    ...(enrolled && {
      host_key: fingerprintOf(enrolled.key),
      enrolled_at: enrolled.at,
      last_seen: enrolled.seenAt,
      krl_version: enrolled.krlVersion,
      krl_date: enrolled.krlDate,
      ends_sessions: enrolled.endsSessions,
      ...(enrolled.clockOff !== undefined && { clock_off: enrolled.clockOff })
    }),
    ...(reached && {
      reached: {
        address: reached.address,
        port: reached.port,
        user: reached.user,
        krl_version: reached.krlVersion,
        last_error: reached.error
      }
    })
  }
}

function checkedNames(names: readonly string[]): readonly string[] {
  if (names.length === 0 || names.length > namesMax) throw new BrokerError('invalid_request', `names: 1 to ${namesMax} names`)
  for (const name of names) {
    requirePrincipal('host', name)
    if (name !== name.toLowerCase()) throw new BrokerError('invalid_request', 'names: lower case, as clients compare them')
  }
  return [...new Set(names)].toSorted()
}

function checkedTtl(seconds: number): number {
  if (seconds < 60 || seconds > ttlSecondsMax) throw new BrokerError('invalid_request', `ttl: 60 to ${ttlSecondsMax} seconds`)
  return seconds
}

/** `root=ops deploy`, an account and who may be it, separated by blanks or commas. */
function checkedAccounts(accounts: Readonly<Record<string, string>>): Host['accounts'] {
  const entries = Object.entries(accounts)
  if (entries.length > accountsMax) throw new BrokerError('invalid_request', `accounts: at most ${accountsMax}`)
  return Object.fromEntries(
    entries.map(([account, text]) => {
      if (!/^[A-Za-z_][\w.-]{0,31}$/.test(account)) throw new BrokerError('invalid_request', 'accounts: not the name of an account')
      const principals = text.split(/[\s,]+/).filter(Boolean)
      if (principals.length > principalsMax) throw new BrokerError('invalid_request', `accounts: at most ${principalsMax} principals each`)
      for (const principal of principals) requirePrincipal('user', principal)
      return [account, principals]
    })
  )
}
