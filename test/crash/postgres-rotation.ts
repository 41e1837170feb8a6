import { startPostgres } from '../targets/embedded-postgres.ts'
import type { RotationServer, RotationTarget } from './rotation-target.ts'

export const postgresRotation: RotationTarget = {
  open,
  changes: { 'rotate-root': /alter role "mayfly" with password/, 'rotate-role': /alter role "static_app" with password/ }
}

async function open(): Promise<RotationServer> {
  await using owned = new AsyncDisposableStack()
  const postgres = owned.use(await startPostgres())
  const { admin, host, port } = postgres
  await postgres.query(`create role static_app login password 'theirs'`)
  await postgres.query(`grant static_app to "${admin.user}" with admin true, inherit false, set false`)
  const moved = owned.move()
  return {
    host,
    port,
    connection: proxy => ({
      plugin_name: 'postgresql-database-plugin',
      connection_url: `postgresql://{{username}}:{{password}}@${proxy.host}:${proxy.port}/app?sslmode=disable`,
      username: admin.user,
      password: admin.password
    }),
    logIn: async as => (await postgres.connect(as)).end(),
    [Symbol.asyncDispose]: () => moved.disposeAsync()
  }
}
