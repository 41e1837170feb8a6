import { BrokerError, path } from 'mayfly/plugin'
import type { Answer, MountStorage, Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { newPassword, passwordPolicyOf } from '../creds/password.ts'
import { rotateRole, rotationWait } from './rotation-wait.ts'
import { readStaticCredential, readStaticRole, staticCredentialKey } from './static-role.ts'
import type { StaticCredential } from './static-role.ts'
import { usableConnection } from '../connection/usable-connection.ts'

/** `rotate-role/:name`: now, and the clock starts anew. */
export function rotateRolePath(engine: Engine): Path {
  return path({
    pattern: 'rotate-role/:name',
    summary: 'changes the password of a static role now',
    write: ({ params }, storage) => rotateNow(engine, params['name'] ?? '', storage)
  })
}

async function rotateNow(engine: Engine, name: string, storage: MountStorage): Promise<Answer> {
  const [stored, kept] = [await readStaticRole(storage, name), await readStaticCredential(storage, name)]
  if (!stored || !kept) throw new BrokerError('invalid_request', 'no static role found for role name')
  const { config } = await usableConnection(engine, storage, stored.role.dbName, name)
  const { credential, version } = kept
  const now = engine.context.clock.now()
  // One that was chosen before may be in the server already: it is the one that must come to be.
  const pending = credential.pending ?? (await newPassword(engine.context, passwordPolicyOf(config, stored.role))).reveal()
  storage.put(staticCredentialKey(name), { ...credential, pending, nextAt: now.toString() } satisfies StaticCredential, version)
  storage.schedule(rotateRole, name, now, { name })
  return rotationWait(rotateRole, name, {
    goesOn: 'unable to finish rotating credentials; retries will continue in the background but it is also safe to retry manually'
  })
}
