import { authPath, BrokerError, field } from '../../contracts/index.ts'
import type { AuthAnswer, AuthContext, AuthPath, Login, LoginStorage } from '../../contracts/index.ts'
import { addressWithin } from '../../identity/bound-address.ts'
import { loginSettings } from '../token-settings.ts'
import { roleById, roleIdCharsMax } from './role-id.ts'
import { roleKey } from './role.ts'
import type { Role } from './role.ts'
import { readSecretId, secretIdCharsMax, secretIdHash, secretIdKey, takeSecretId } from './secret-id.ts'
import type { SecretId, StoredSecretId } from './secret-id.ts'

// One text for an unknown role, an unknown, used or expired secret id, and an address outside their networks.
const message = 'invalid role or secret ID'

export function loginPath(context: AuthContext): AuthPath {
  return authPath({
    pattern: 'login',
    summary: 'a token for a role id and a secret id',
    open: true,
    fields: { role_id: field.text(), secret_id: field.text() },
    write: ({ fields, remoteAddress }, storage) => planLogin(context, storage, { ...fields, remoteAddress })
  })
}

interface Proof {
  readonly role_id?: string | undefined
  readonly secret_id?: string | undefined
  readonly remoteAddress: string
}

/** Networks first, then the use: a secret id that is tried from elsewhere loses none. For who is outside a role's networks there is no such role. */
async function planLogin(context: AuthContext, storage: LoginStorage, proof: Proof): Promise<AuthAnswer> {
  if (!proof.role_id) throw new BrokerError('invalid_request', 'missing role_id')
  const found = await roleById(context, storage, proof.role_id)
  const stored = found && addressWithin(found.role.settings.secret_id_bound_cidrs, proof.remoteAddress) ? found : undefined
  const secretNeeded = stored?.role.settings.bind_secret_id ?? true
  if (secretNeeded && !proof.secret_id) throw new BrokerError('invalid_request', 'missing secret_id')
  if (!stored)
    return nobody(
      proof.role_id,
      found ? `role ${found.role.name}: the address is outside secret_id_bound_cidrs` : 'no role has this role id'
    )
  const { role, version } = stored
  storage.expect(roleKey(role.name), version)
  if (!secretNeeded) return { login: loginOf(role, undefined, proof.remoteAddress) }
  const secretId = await readProof(context, storage, role, proof.secret_id ?? '')
  if (!secretId) return refused(role, 'the secret id is unknown, used up or expired')
  // Counted like a guess: else a guesser elsewhere would see, by what never locks, which one is right.
  if (!addressWithin(secretId.secretId.cidr_list, proof.remoteAddress))
    return refused(role, 'the address is outside cidr_list of the secret id')
  use(storage, role, secretId)
  return { login: loginOf(role, secretId.secretId, proof.remoteAddress) }
}

function refused({ name, role_id }: Role, why: string): AuthAnswer {
  return { refused: { message, why: `role ${name}: ${why}`, alias: role_id } }
}

function nobody(roleId: string, why: string): AuthAnswer {
  return { refused: { message, why, ...(roleId.length > roleIdCharsMax ? {} : { alias: roleId, nobody: true }) } }
}

async function readProof(context: AuthContext, storage: LoginStorage, role: Role, secretId: string): Promise<StoredSecretId | undefined> {
  if (secretId.length > secretIdCharsMax) return undefined
  return readSecretId(context, storage, role, secretIdHash(context, role, secretId))
}

/** One use, in the commit of the token, of the very row that was read (a use changes no version): a secret id that was destroyed, or made anew with other settings, gives nothing
 *  of before after the answer. */
function use(storage: LoginStorage, role: Role, secretId: StoredSecretId): void {
  const key = secretIdKey(role, secretId.hash)
  storage.expect(key, secretId.version)
  if (secretId.secretId.num_uses === 0) return
  if (secretId.uses > 1) storage.spend(key)
  else takeSecretId(storage, role, secretId)
}

function loginOf({ name, role_id, settings }: Role, secretId: SecretId | undefined, remoteAddress: string): Login {
  const said = loginSettings(settings, remoteAddress)
  const own = secretId?.token_bound_cidrs ?? []
  return {
    ...said,
    alias: role_id,
    displayName: name,
    // What the role is called is never the secret id's to say.
    metadata: { ...secretId?.metadata, role_name: name },
    boundCidrs: own.length > 0 && !settings.token_strictly_bind_ip ? own : said.boundCidrs
  }
}
