import type { Flavour } from '../targets/mysql-flavours.ts'
import { startMysql } from '../targets/test-mysql.ts'
import type { RotationServer, RotationTarget } from './rotation-target.ts'

export const mysqlRotation = (flavour: Flavour): RotationTarget => ({
  open: () => open(flavour),
  changes: { 'rotate-root': /alter user `mayfly`/, 'rotate-role': /alter user `static_app`/ }
})

async function open(flavour: Flavour): Promise<RotationServer> {
  await using owned = new AsyncDisposableStack()
  const server = owned.use(await startMysql(flavour))
  const { admin, host, port } = server
  await server.query(`create user static_app@'%' identified by 'theirs'`)
  await server.query(`grant select on app.* to static_app@'%'`)
  const moved = owned.move()
  return {
    host,
    port,
    connection: proxy => ({
      plugin_name: 'mysql-database-plugin',
      connection_url: `{{username}}:{{password}}@tcp(${proxy.host}:${proxy.port})/?tls=false`,
      username: admin.user,
      password: admin.password
    }),
    logIn: async as => (await server.connect(as)).end(),
    [Symbol.asyncDispose]: () => moved.disposeAsync()
  }
}
