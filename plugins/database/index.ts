/** The database engine: users of database servers that live as long as their lease. It owns paths, roles, names, passwords and the versions of connections;
 *  a driver (`plugins/postgresql`) knows one kind of server. */
import type { BackendType, Plugin } from 'mayfly/plugin'
import { connectionPaths } from './connections.ts'
import { userCredential } from './credential.ts'
import { credsPath } from './creds.ts'
import { Databases } from './databases.ts'
import { resetPath } from './reset.ts'
import { rolePaths } from './roles.ts'
import { allTargets } from './targets.ts'

export const database: BackendType = {
  type: 'database',
  async open(context) {
    const databases = new Databases(context)
    const engine = { context, databases }
    return {
      paths: [...connectionPaths(engine), resetPath(engine), ...rolePaths(engine), credsPath(engine)],
      credentials: { user: userCredential(engine) },
      targets: () => allTargets(context),
      [Symbol.asyncDispose]: () => databases[Symbol.asyncDispose]()
    }
  }
}

export const plugin: Plugin = { name: 'database', backends: [database] }
