import { BrokerError } from 'mayfly/plugin'
import type { DatabaseCheck } from 'mayfly/plugin'
import { targetError } from '../server/errors.ts'
import { nowMs } from '../server/server-clock.ts'
import type { Server } from '../server/server.ts'
import type { Row, Session } from '../server/session.ts'
import { tlsLosses } from '../server/tls-mode.ts'

const versionMin = 13

const looks = `select pg_catalog.current_setting('server_version') as version, pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as number,
    r.rolsuper as super, r.rolsuper or r.rolcreaterole as creates,
    pg_catalog.pg_has_role(r.oid, 'pg_signal_backend', 'usage') as signals,
    pg_catalog.pg_has_role(r.oid, 'pg_read_all_stats', 'usage') as stats,
    pg_catalog.current_setting('transaction_read_only') = 'on' as readonly,
    coalesce(pg_catalog.current_setting('createrole_self_grant', true), '') as selfgrant,
    pg_catalog.has_table_privilege('pg_catalog.pg_hba_file_rules', 'select')
      and pg_catalog.has_function_privilege('pg_catalog.pg_hba_file_rules()', 'execute') as hba,
    ${nowMs} as now
  from pg_catalog.pg_roles r where r.rolname = current_user`

// Whatever asks for no password looks neither at it nor at its expiry.
const lines = `select distinct line_number as line, auth_method as method from pg_catalog.pg_hba_file_rules
  where error is null and auth_method in ('trust', 'peer', 'ident', 'cert', 'ldap', 'pam', 'gss', 'sspi', 'radius', 'bsd') order by 1 limit 20`

/** Connects, and says before the first credential what the account lacks and what that costs. Asked for by who wants to issue: it takes no place of a revocation. */
export async function check(server: Server, signal: AbortSignal): Promise<DatabaseCheck> {
  try {
    return await server.pool.use('issue', signal, async session => {
      const seen = await look(session, signal)
      const passwordless = seen['hba'] === true ? await passwordlessLines(session, signal) : []
      return describe(server, seen, passwordless)
    })
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password])
  }
}

async function look(session: Session, signal: AbortSignal): Promise<Row> {
  const [seen] = (await session.run(looks, signal))[0]?.rows ?? []
  if (!seen || session.version < versionMin)
    throw new BrokerError('target_refused', `the server is no PostgreSQL that is supported: ${versionMin} or newer is`)
  return seen
}

async function passwordlessLines(session: Session, signal: AbortSignal): Promise<readonly string[]> {
  const [result] = await session.run(lines, signal)
  return (result?.rows ?? []).map(row => `line ${String(row['line'])} (${String(row['method'])})`)
}

function describe(server: Server, seen: Row, passwordless: readonly string[]): DatabaseCheck {
  return {
    version: String(seen['version']),
    missing: [
      ...lacks(seen),
      ...(passwordless.length > 0 ? [passwordlessText(passwordless)] : []),
      // Of the broker's own way to the server. What a credential is worth is another matter: its password never goes that way.
      ...tlsLosses(server.settings.tls)
    ],
    guarantees: {
      revocable: 'at once',
      endsSessions: seen['super'] === true || seen['signals'] === true,
      diesByItself: true,
      listable: true,
      observable: 'no'
    }
  }
}

function lacks(seen: Row): readonly string[] {
  const isSuper = seen['super'] === true
  return [
    ...(seen['creates'] === true ? [] : ['CREATEROLE: no credential can be made']),
    ...(isSuper || seen['signals'] === true ? [] : ['pg_signal_backend: sessions stay open after a revocation']),
    ...(isSuper || seen['stats'] === true ? [] : ['pg_read_all_stats: addresses and times of sessions stay hidden, revoking works']),
    ...(seen['readonly'] === true ? ['default_transaction_read_only is on: no credential can be made or ended'] : []),
    ...(seen['selfgrant'] === '' ? [] : ['createrole_self_grant is set: the admin account gets the rights of every user it makes'])
  ]
}

const passwordlessText = (lines: readonly string[]): string =>
  `pg_hba.conf ${lines.join(', ')}: logins through it look neither at the password nor at its expiry, so a user whom it lets in does not expire by itself`
