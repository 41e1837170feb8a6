import { Client } from 'pg'
import { startPostgres } from '../targets/embedded-postgres.ts'
import type { DemoDatabase, DemoSession } from './demo-database.ts'

export async function demoPostgres(): Promise<DemoDatabase> {
  await using owned = new AsyncDisposableStack()
  const postgres = owned.use(await startPostgres())
  const { host, port, admin } = postgres
  const [row] = await postgres.query('show server_version')
  const moved = owned.move()
  return {
    name: `PostgreSQL ${String(row?.['server_version'])}`,
    host,
    port,
    admin,
    pluginName: 'postgresql-database-plugin',
    connectionUrl: `postgresql://{{username}}:{{password}}@${host}:${port}/app?sslmode=disable`,
    shell: username => `psql -h ${host} -p ${port} -U ${username} app`,
    connect: ({ username, password }) => connect({ host, port, user: username, password }),
    usersLeft: async () =>
      (await postgres.query("select rolname from pg_roles where rolname like 'v-%'")).map(one => String(one['rolname'])),
    [Symbol.asyncDispose]: () => moved.disposeAsync()
  }
}

async function connect(as: { host: string; port: number; user: string; password: string }): Promise<DemoSession> {
  const client = new Client({ ...as, database: 'app', ssl: false, application_name: 'demo' })
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  client.on('error', () => resolve()).on('end', () => resolve())
  await client.connect()
  return {
    ended,
    async whoAmI() {
      const { rows } = await client.query<{ user: string; at: string }>('select current_user as user, now()::time(0)::text as at')
      return rows[0]!
    },
    [Symbol.asyncDispose]: () => client.end().catch(() => undefined)
  }
}
