import { startPostgres } from '../targets/embedded-postgres.ts'
import { FaultProxy } from '../targets/fault-proxy.ts'
import type { CrashTarget } from './crash-target.ts'
import type { NamedMoment } from './moment.ts'

/** Moments between the driver's statements, seen on the wire: said and not arrived, arrived and the answer lost. */
export const postgresMoments: readonly NamedMoment[] = [
  ['issue:before-create-sent', { kind: 'cut', pattern: 'create role', when: 'before' }],
  ['issue:after-create-sent', { kind: 'swallow', pattern: 'create role' }],
  ['issue:after-create-committed', { kind: 'cut', pattern: 'create role', when: 'after' }],
  ['issue:after-enable-sent', { kind: 'swallow', pattern: / login password/ }],
  ['renew:after-extend-sent', { kind: 'swallow', pattern: /^.{0,400}alter role "[^"]+" valid until/s }],
  ['revoke:after-disable-sent', { kind: 'swallow', pattern: 'nologin connection limit 0' }],
  ['revoke:after-disable', { kind: 'cut', pattern: 'nologin connection limit 0', when: 'after' }],
  ['revoke:after-terminate', { kind: 'cut', pattern: 'pg_terminate_backend', when: 'after' }],
  ['revoke:before-drop-sent', { kind: 'cut', pattern: 'drop role', when: 'before' }],
  ['revoke:after-drop-sent', { kind: 'swallow', pattern: 'drop role' }],
  ['revoke:after-drop', { kind: 'cut', pattern: 'drop role', when: 'after' }]
].map(([point, wire]) => ({ point, wire }) as NamedMoment)

export async function postgresTarget(): Promise<CrashTarget> {
  await using owned = new AsyncDisposableStack()
  const postgres = owned.use(await startPostgres())
  const proxy = owned.use(await FaultProxy.start(postgres))
  const { admin } = postgres
  const { host, port } = proxy
  const moved = owned.move()
  return {
    proxy,
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
      (await postgres.query("select rolname from pg_roles where rolname like 'v-%'")).map(row => String(row['rolname'])),
    [Symbol.asyncDispose]: () => moved.disposeAsync()
  }
}
