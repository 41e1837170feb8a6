import type { TestPostgres } from '../targets/embedded-postgres.ts'
import type { CrashTarget } from './crash-run.ts'

export function postgresTarget(postgres: TestPostgres): CrashTarget {
  const { host, port, admin } = postgres
  return {
    name: 'postgresql',
    credentials: 'database/creds/app',
    async prepare(api) {
      await api.must('POST', 'sys/mounts/database', { type: 'database' })
      await api.must('POST', 'database/config/app', {
        plugin_name: 'postgresql-database-plugin',
        allowed_roles: '*',
        connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/app?sslmode=disable`,
        username: admin.user,
        password: admin.password,
        max_open_connections: 8
      })
      await api.must('POST', 'database/roles/app', { db_name: 'app', member_of: ['app_ro'], default_ttl: '2s', max_ttl: '10s' })
    },
    leftovers: async () =>
      (await postgres.query("select rolname from pg_roles where rolname like 'v-%'")).map(row => String(row['rolname']))
  }
}
