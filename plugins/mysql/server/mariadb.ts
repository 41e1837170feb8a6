import { nativeHash } from '../hash/native-hash.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import type { ServerKind } from './server-kind.ts'

/** Whatever we raise ourselves, in a block without a name. */
const raise = (condition: string, state: string): string =>
  `begin not atomic if ${condition} then signal sqlstate '${state}' set message_text = 'refused by mayfly'; end if; end`

export const mariadb: ServerKind = {
  name: 'MariaDB',
  versionMin: [10, 6, 0],
  usernameBytesMax: 80,
  marksUsers: false,
  defaultRolesMax: 1,
  statementUsersMax: 200,
  deadline: deadline => raise(`utc_timestamp(3) > ${deadline}`, 'MF001'),
  refuseIf: condition => raise(condition, 'MF002'),
  tooLate: 'MF001',
  refused: 'MF002',
  accounts: `select User as name, Host as host, coalesce(json_value(Priv, '$.account_locked'), '0') in ('1', 'true') as locked,
    if(json_exists(Priv, '$.auth_or'), 'one_of_several', coalesce(json_value(Priv, '$.plugin'), '')) as plugin, null as mark
    from mysql.global_priv where coalesce(json_value(Priv, '$.is_role'), '0') not in ('1', 'true')`,
  // The table itself: the view of information_schema opens every event there is.
  events: `select name, comment as mark, execute_at as until, status from mysql.event where db = 'mayfly'`,
  columns: { name: 'User', eventName: 'name' },
  identified: async password => `identified via mysql_native_password using ${quoteLiteral(nativeHash(password))}`,
  plugins: ['', 'mysql_native_password'],
  createUser: ({ account, identified, roles }) => [
    `create user ${account} ${identified} account lock`,
    ...roles.flatMap(role => [`grant ${quoteIdentifier(role)} to ${account}`, `set default role ${quoteIdentifier(role)} for ${account}`])
  ],
  endSessions: name => `kill user ${quoteIdentifier(name)};`
}
