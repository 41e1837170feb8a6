import { FaultProxy } from '../targets/fault-proxy.ts'
import type { Flavour } from '../targets/mysql-flavours.ts'
import { startMysql } from '../targets/test-mysql.ts'
import type { CrashTarget } from './crash-target.ts'
import type { NamedMoment } from './moment.ts'

/** Moments between the driver's messages, seen on the wire: said and not arrived, arrived and the answer lost. A message begins with bytes that are no space; in the body of an
 *  event the same words stand behind one. */
export const mysqlMoments: readonly NamedMoment[] = [
  ['issue:before-create-sent', { kind: 'cut', pattern: 'create event', when: 'before' }],
  ['issue:after-create-sent', { kind: 'swallow', pattern: 'create event' }],
  ['issue:after-create-done', { kind: 'cut', pattern: 'create event', when: 'after' }],
  ['issue:before-enable-sent', { kind: 'cut', pattern: 'account unlock', when: 'before' }],
  ['issue:after-enable-sent', { kind: 'swallow', pattern: 'account unlock' }],
  ['renew:after-extend-sent', { kind: 'swallow', pattern: 'alter event' }],
  ['revoke:after-disable-sent', { kind: 'swallow', pattern: /\Salter user if exists/ }],
  ['revoke:after-disable', { kind: 'cut', pattern: /\Salter user if exists/, when: 'after' }],
  ['revoke:after-terminate', { kind: 'cut', pattern: 'information_schema.processlist', when: 'after' }],
  ['revoke:before-drop-sent', { kind: 'cut', pattern: /\Sdrop user if exists/, when: 'before' }],
  ['revoke:after-drop-sent', { kind: 'swallow', pattern: /\Sdrop user if exists/ }],
  ['revoke:after-drop', { kind: 'cut', pattern: /\Sdrop user if exists/, when: 'after' }],
  ['revoke:after-event-drop-sent', { kind: 'swallow', pattern: /\Sdrop event if exists/ }]
].map(([point, wire]) => ({ point, wire }) as NamedMoment)

/** Its scheduler is off: what the server itself would end must not hide what the broker forgot. */
export async function mysqlTarget(flavour: Flavour): Promise<CrashTarget> {
  await using owned = new AsyncDisposableStack()
  const server = owned.use(await startMysql(flavour, { event_scheduler: 'OFF' }))
  const proxy = owned.use(await FaultProxy.start(server))
  const { admin } = server
  const { host, port } = proxy
  const moved = owned.move()
  return {
    proxy,
    credentials: 'database/creds/app',
    // An event whose user never came stays until nothing can make it any more: 10 s to create, and 20 s in the server.
    removedMsMax: 40_000,
    async prepare(api) {
      await api.must('POST', 'sys/mounts/database', { type: 'database' })
      await api.must('POST', 'database/config/app', {
        plugin_name: 'mysql-database-plugin',
        allowed_roles: '*',
        connection_url: `{{username}}:{{password}}@tcp(${host}:${port})/?tls=false`,
        username: admin.user,
        password: admin.password,
        max_open_connections: 8
      })
      await api.must('POST', 'database/roles/app', { db_name: 'app', member_of: ['app_ro'], default_ttl: '2s', max_ttl: '10s' })
    },
    leftovers: async () => {
      const users = await server.query("select User as name from mysql.user where User like 'v-%'")
      const events = await server.query("select event_name as name from information_schema.events where event_schema = 'mayfly'")
      return [...users.map(row => String(row['name'])), ...events.map(row => `the event of ${String(row['name'])}`)]
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync()
  }
}
