/** The database engine: users of database servers that live as long as their lease. It owns paths, roles, names, passwords and the versions of connections;
 *  a driver (`plugins/postgresql`) knows one kind of server. */
import type { BackendType, Plugin } from 'mayfly/plugin'
import { commands } from './commands.ts'
import { connectionPaths } from './connection/connections.ts'
import { checkRolePath } from './check/check-role.ts'
import { userCredential } from './creds/credential.ts'
import { credsPath } from './creds/creds.ts'
import { Databases } from './connection/databases.ts'
import { Neighbours } from './root/neighbours.ts'
import { Takings } from './root/takings.ts'
import { probeCredential } from './check/probe.ts'
import { resetPath } from './connection/reset.ts'
import { rolePaths } from './role/roles.ts'
import { rotateRolePath } from './static/rotate-role.ts'
import { rotateRootPath } from './root/rotate-root.ts'
import { RootChanges } from './root/root-changes.ts'
import { rootRotation } from './root/root-rotation.ts'
import { rotateRole, rotateRoot } from './static/rotation-wait.ts'
import { staticCredsPath } from './static/static-creds.ts'
import { staticRolePaths } from './static/static-roles.ts'
import { staticRotation } from './static/static-rotation.ts'
import { allTargets } from './connection/targets.ts'
import { wherePath } from './connection/where.ts'

const neighbours = new Neighbours()

export const database: BackendType = {
  type: 'database',
  async open(context) {
    const databases = new Databases(context)
    const engine = {
      context,
      databases,
      takings: new Takings(context.clock),
      rootChanges: new RootChanges(context),
      neighbours: () => neighbours.of({ context })
    }
    const seen = neighbours.add(engine)
    return {
      paths: [
        ...connectionPaths(engine),
        resetPath(engine),
        ...rolePaths(engine),
        checkRolePath(engine),
        credsPath(engine),
        wherePath(engine),
        ...staticRolePaths(engine),
        staticCredsPath(engine),
        rotateRolePath(engine),
        rotateRootPath(engine)
      ],
      credentials: { user: userCredential(engine), probe: probeCredential(engine) },
      tasks: { [rotateRole]: staticRotation(engine), [rotateRoot]: rootRotation(engine) },
      targets: () => allTargets(context),
      async [Symbol.asyncDispose]() {
        seen[Symbol.dispose]()
        await databases[Symbol.asyncDispose]()
      }
    }
  }
}

export const plugin: Plugin = { name: 'database', backends: [database], commands }
