/** The AWS engine owns the root keys of accounts, roles and the paths of the wire; each type of credential is a row of a table. */
import type { Backend, BackendContext } from 'mayfly/plugin'
import { Accounts } from './account/accounts.ts'
import { checkRolePath } from './check/check-role.ts'
import { policyPath } from './check/policy-path.ts'
import { probeCredential, probeOf } from './check/probe.ts'
import { leasePath } from './config-lease.ts'
import { rootPath } from './root/config-root.ts'
import type { CredentialKind } from './role/credential-kind.ts'
import { credsPaths } from './creds.ts'
import { iamUser } from './iam-user/iam-user.ts'
import { MadeKeys } from './root/made-keys.ts'
import { rotateRoot } from './root/pending-rotation.ts'
import { keptVersions, targetOf } from './root/root-config.ts'
import { rootRotation } from './root/root-rotation.ts'
import { rotateRootPath } from './root/rotate-root.ts'
import { rolePaths } from './role/roles.ts'
import { endStatic, staticEnding } from './static/end-static.ts'
import { staticCredsPath } from './static/static-creds.ts'
import { staticRolePaths } from './static/static-roles.ts'
import { rotateStatic, staticRotation } from './static/static-rotation.ts'
import { cutPublishing, publishCuts } from './sts/publish-cuts.ts'
import { sessionTypes } from './sts/session-types.ts'

const kinds: readonly CredentialKind[] = [iamUser, ...sessionTypes]

export async function openBackend(context: BackendContext): Promise<Backend> {
  const engine = { context, accounts: new Accounts(context), madeKeys: new MadeKeys(context.clock) }
  const types = kinds.map(({ type }) => type)
  const credentials = Object.fromEntries(
    kinds.flatMap(kind => [
      [kind.type, kind.credential(engine)],
      [probeOf(kind.type), probeCredential(engine, kind)]
    ])
  )
  const listable = types.filter(type => 'list' in credentials[type]!)
  return {
    paths: [
      rootPath(engine, Object.keys(credentials)),
      rotateRootPath(engine),
      leasePath,
      ...rolePaths(kinds),
      ...credsPaths(engine, kinds),
      checkRolePath(engine, kinds),
      policyPath(engine),
      ...staticRolePaths(engine),
      staticCredsPath
    ],
    credentials,
    tasks: {
      [rotateRoot]: rootRotation(engine),
      [publishCuts]: cutPublishing(engine),
      [rotateStatic]: staticRotation(engine),
      [endStatic]: staticEnding(engine)
    },
    targets: async () =>
      (await keptVersions(context.storage)).flatMap(({ number }) =>
        listable.map(type => ({ id: targetOf(engine, type, number), credential: type }))
      ),
    [Symbol.asyncDispose]: async () => engine.accounts[Symbol.dispose]()
  }
}
