/** `mayfly psql`: the real `psql`, as a user that lives as long as the session. The password goes through a file that psql reads when it connects: a variable of the
 *  environment would be inherited by every pager, editor and shell that is started from inside. */
import { BrokerError } from 'mayfly/plugin'
import type { JsonObject, PluginCommand } from 'mayfly/plugin'
import { psqlPlace } from './psql-place.ts'
import type { PsqlPlace } from './psql-place.ts'

export const psql: PluginCommand = {
  name: 'psql',
  summary: 'open psql as a user of a role, who ends with the session',
  takes: { '<role>': 'a role of the mount, such as readonly', '[arguments...]': 'for psql, behind --' },
  options: {
    '--mount <path>': 'where the database backend is mounted (database)',
    '--host <host>': 'the server, where it is another for you than for the broker',
    '--port <port>': 'its port',
    '--dbname <name>': 'the database'
  },
  details: `Host, port and database are asked of <mount>/where/<role>, which takes a policy with read on it; without one they are
--host, --port and --dbname, or PGHOST, PGPORT and PGDATABASE.`,
  examples: [
    'mayfly psql readonly',
    "mayfly psql readonly -- -c 'select count(*) from orders'",
    'mayfly psql --host localhost --port 6432 readonly'
  ],
  async plan(call) {
    const [role = '', ...args] = call.args
    if (role === '' || role.includes('/')) throw new BrokerError('invalid_request', 'role: expected the name of a role, such as readonly')
    const mount = (call.option('mount') ?? 'database').replace(/^\/+|\/+$/g, '')
    const place = await psqlPlace(call, `${mount}/where/${role}`)
    return {
      program: 'psql',
      args,
      lease: `${mount}/creds/${role}`,
      environment: (credential, folder) => ({ ...forgotten, ...variables(place, folder), PGUSER: text(credential, 'username') }),
      files: credential => ({
        [passwordFile]: `*:*:*:${escaped(text(credential, 'username'))}:${escaped(text(credential, 'password'))}\n`,
        ...(place.ca === undefined ? {} : { [caFile]: place.ca })
      })
    }
  }
}

const passwordFile = 'pgpass'
const caFile = 'ca.pem'

/** Of the user's own: they would lead elsewhere, or in by another way. */
const forgotten = {
  PGHOSTADDR: undefined,
  PGPASSWORD: undefined,
  PGSERVICE: undefined,
  PGSERVICEFILE: undefined,
  PGREQUIREAUTH: undefined
}

function variables({ host, port, database, sslmode, ca }: PsqlPlace, folder: string): Readonly<Record<string, string>> {
  return {
    PGHOST: host,
    ...(port !== undefined && { PGPORT: port }),
    ...(database !== undefined && { PGDATABASE: database }),
    ...(sslmode !== undefined && { PGSSLMODE: sslmode }),
    ...(ca !== undefined && { PGSSLROOTCERT: `${folder}/${caFile}` }),
    // As the broker: only a primary is used.
    ...(host.includes(',') && { PGTARGETSESSIONATTRS: 'read-write' }),
    PGPASSFILE: `${folder}/${passwordFile}`
  }
}

/** As lines of a password file want it. */
const escaped = (value: string): string => value.replaceAll(/[:\\]/g, character => `\\${character}`)

function text(fields: JsonObject, name: string): string {
  const value = fields[name]
  return typeof value === 'string' ? value : ''
}
