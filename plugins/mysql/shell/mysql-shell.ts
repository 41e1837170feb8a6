/** `mayfly mysql`: the real client, as a user that lives as long as the session. The password goes through a file of options: a variable of the environment would be inherited by every pager,
 *  editor and shell that is started from inside, and an argument is seen by everybody. */
import { BrokerError } from 'mayfly/plugin'
import type { JsonObject, PluginCommand } from 'mayfly/plugin'
import { makerOf } from './client-maker.ts'
import type { Maker } from './client-maker.ts'
import { mysqlPlace } from './mysql-place.ts'
import type { MysqlPlace } from './mysql-place.ts'

export const mysqlShell: PluginCommand = {
  name: 'mysql',
  summary: 'open mysql (or mariadb) as a user of a role, who ends with the session',
  takes: { '<role>': 'a role of the mount, such as readonly', '[arguments...]': 'for the client, behind --' },
  options: {
    '--mount <path>': 'where the database backend is mounted (database)',
    '--host <host>': 'the server, where it is another for you than for the broker',
    '--port <port>': 'its port',
    '--dbname <name>': 'the database',
    '--client <program>': 'the client to start (mysql), such as mariadb'
  },
  details: `Host, port and database are asked of <mount>/where/<role>, which takes a policy with read on it; without one they are
--host, --port and --dbname, or MYSQL_HOST and MYSQL_TCP_PORT. The client reads no option file but the one that Mayfly makes.`,
  examples: [
    'mayfly mysql readonly',
    "mayfly mysql readonly -- -e 'select count(*) from orders'",
    'mayfly mysql --client mariadb --host localhost --port 6306 readonly'
  ],
  async plan(call) {
    const [role = '', ...args] = call.args
    if (role === '' || role.includes('/')) throw new BrokerError('invalid_request', 'role: expected the name of a role, such as readonly')
    const mount = (call.option('mount') ?? 'database').replace(/^\/+|\/+$/g, '')
    const place = await mysqlPlace(call, `${mount}/where/${role}`)
    const program = call.option('client') ?? 'mysql'
    const tls = tlsOptions[await makerOf(program, call.env)][place.tls ?? 'true']
    return {
      program,
      // The first of all, or it is none.
      args: folder => [
        `--defaults-file=${folder}/${optionsFile}`,
        ...(place.ca === undefined ? [] : [`--ssl-ca=${folder}/${caFile}`]),
        ...args
      ],
      lease: `${mount}/creds/${role}`,
      environment: (_, folder) => ({ ...forgotten, MYSQL_TEST_LOGIN_FILE: `${folder}/none` }),
      files: credential => ({
        [optionsFile]: options(place, credential, tls),
        ...(place.ca === undefined ? {} : { [caFile]: place.ca })
      })
    }
  }
}

const optionsFile = 'my.cnf'
const caFile = 'ca.pem'

/** Of the user's own: they would lead elsewhere, or in by another way. */
const forgotten = { MYSQL_PWD: undefined, MYSQL_HOST: undefined, MYSQL_TCP_PORT: undefined, MYSQL_UNIX_PORT: undefined }

function options(place: MysqlPlace, credential: JsonObject, tls: readonly string[]): string {
  const named = {
    user: text(credential, 'username'),
    password: text(credential, 'password'),
    host: place.host,
    ...(place.port !== undefined && { port: place.port }),
    protocol: 'tcp'
  }
  // A line of its own may name a pager, which the client runs.
  for (const [name, value] of Object.entries(named))
    if (/[\0\r\n]/.test(value)) throw new BrokerError('invalid_request', `${name}: the broker answered with a control character`)
  const lines = Object.entries(named).map(([name, value]) => `${name}=${quoted(value)}`)
  const database = place.database === undefined ? [] : ['[mysql]', `database=${quoted(place.database)}`]
  return ['[client]', ...lines, ...tls, ...database, ''].join('\n')
}

/** The two clients have names of their own for one thing, and each warns of a name of the other's. To a client that we do not know all are said; a `loose` one that is unknown is passed over. */
const tlsOptions: Readonly<Record<Maker, Readonly<Record<NonNullable<MysqlPlace['tls']>, readonly string[]>>>> = {
  mysql: { true: ['ssl-mode=VERIFY_IDENTITY'], 'skip-verify': ['ssl-mode=REQUIRED'], false: [] },
  mariadb: {
    true: ['ssl=1', 'ssl-verify-server-cert=1'],
    'skip-verify': ['ssl=1', 'ssl-verify-server-cert=0'],
    false: ['ssl-verify-server-cert=0']
  },
  unknown: {
    true: ['loose-ssl-mode=VERIFY_IDENTITY', 'loose-ssl=1', 'loose-ssl-verify-server-cert=1'],
    'skip-verify': ['loose-ssl-mode=REQUIRED', 'loose-ssl=1', 'loose-ssl-verify-server-cert=0'],
    false: ['loose-ssl-verify-server-cert=0']
  }
}

/** As a file of options wants it. */
const quoted = (value: string): string => `"${value.replaceAll(/["\\]/g, character => `\\${character}`)}"`

function text(fields: JsonObject, name: string): string {
  const value = fields[name]
  return typeof value === 'string' ? value : ''
}
