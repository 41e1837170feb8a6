import { mysqlMissing } from '../targets/mysql-flavours.ts'
import { startMysql } from '../targets/test-mysql.ts'
import type { DemoDatabase, DemoSession } from './demo-database.ts'

/** MariaDB, or MySQL where there is one and no MariaDB. */
export async function demoMysql(): Promise<DemoDatabase> {
  const flavour = mysqlMissing('mariadb') !== undefined && mysqlMissing('mysql') === undefined ? 'mysql' : 'mariadb'
  await using owned = new AsyncDisposableStack()
  const server = owned.use(await startMysql(flavour))
  const { host, port, admin } = server
  const [row] = await server.query('select version() as version')
  const moved = owned.move()
  return {
    name: `${flavour === 'mariadb' ? 'MariaDB' : 'MySQL'} ${/^[\d.]+/.exec(String(row?.['version']))?.[0] ?? ''}`,
    host,
    port,
    admin,
    pluginName: 'mysql-database-plugin',
    connectionUrl: `{{username}}:{{password}}@tcp(${host}:${port})/app?tls=false`,
    shell: username => `${flavour} -h ${host} -P ${port} -u ${username} -p app`,
    async connect({ username, password }) {
      const client = await server.connect({ user: username, password })
      const { promise: ended, resolve } = Promise.withResolvers<void>()
      client.on('error', () => resolve())
      client.on('end', () => resolve())
      return {
        ended,
        async whoAmI() {
          const [rows] = await client.query("select substring_index(current_user(), '@', 1) as user, time_format(now(), '%T') as at")
          return (rows as { user: string; at: string }[])[0]!
        },
        [Symbol.asyncDispose]: () => client.end().catch(() => undefined)
      } satisfies DemoSession
    },
    usersLeft: async () =>
      (await server.query("select User as name from mysql.user where User like 'v-%'")).map(one => String(one['name'])),
    [Symbol.asyncDispose]: () => moved.disposeAsync()
  }
}
