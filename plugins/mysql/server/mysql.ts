import { hashThread } from '../hash/hash-thread.ts'
import { nativeHash } from '../hash/native-hash.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { newSalt } from '../hash/sha256-crypt.ts'
import type { ServerKind } from './server-kind.ts'

/** As the `attribute` of a user wants it. */
export const attribute = (mark: string): string => `attribute ${quoteLiteral(JSON.stringify({ mayfly: mark }))}`

const preferred = 'caching_sha2_password'
/** The server's `authentication_string`. The first two are one hash, each written in its way. */
const keptBy: Readonly<Record<string, (password: string, salt: string, signal: AbortSignal) => Promise<string>>> = {
  [preferred]: async (password, salt, signal) => `$A$005$${salt}${await hashThread.hash(password, salt, signal)}`,
  sha256_password: async (password, salt, signal) => `$5$${salt}$${await hashThread.hash(password, salt, signal)}`,
  mysql_native_password: async password => nativeHash(password)
}

export const mysql: ServerKind = {
  name: 'MySQL',
  versionMin: [8, 0, 22],
  usernameBytesMax: 32,
  marksUsers: true,
  defaultRolesMax: 30,
  statementUsersMax: 50,
  // There are no blocks without a name here. What cannot be computed is an error: the first is 1690, the second 1242.
  deadline: deadline => `do exp(if(utc_timestamp(3) > ${deadline}, 1000, 0))`,
  refuseIf: condition => `do (select 1 from (select 1 union all select 2) two where ${condition})`,
  tooLate: 1690,
  refused: 1242,
  accounts: `select User as name, Host as host, account_locked = 'Y' as locked, plugin,
    json_unquote(json_extract(User_attributes, '$.metadata.mayfly')) as mark from mysql.user where 1 = 1`,
  events: `select event_name as name, event_comment as mark, execute_at as until, status from information_schema.events where event_schema = 'mayfly'`,
  columns: { name: 'User', eventName: 'event_name' },
  // In hex: what stands in it is binary to a reader.
  identified: async (password, random, signal, plugin = preferred) =>
    `identified with ${plugin} as 0x${Buffer.from(await keptBy[plugin]!(password, newSalt(random), signal)).toString('hex')}`,
  plugins: Object.keys(keptBy),
  createUser: ({ account, identified, mark, roles }) => [
    // One statement, so that all of it is there or nothing: it grants the roles as well.
    `create user ${account} ${identified}${roles.length === 0 ? '' : ` default role ${roles.map(quoteIdentifier).join(', ')}`} account lock ${attribute(mark)}`
  ],
  // Only a kill may fail: a list that cannot be read would be read for ever.
  endSessions: name => `begin
      declare is_over int default 0;
      declare session_id bigint unsigned;
      declare sessions cursor for select id from information_schema.processlist where user = ${quoteLiteral(name)};
      declare continue handler for not found set is_over = 1;
      declare exit handler for sqlexception begin end;
      open sessions;
      each_one: loop
        fetch sessions into session_id;
        if is_over then leave each_one; end if;
        begin
          declare continue handler for sqlexception begin end;
          kill connection session_id;
        end;
      end loop;
      close sessions;
    end;`
}
