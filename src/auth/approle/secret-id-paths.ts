import { authPath, BrokerError, field } from '../../contracts/index.ts'
import type { AuthAnswer, AuthContext, AuthPath, AuthRequest, LoginStorage } from '../../contracts/index.ts'
import { listPage, pageFields } from './list-page.ts'
import { chosenSecretId, newSecretId, secretIdFields } from './new-secret-id.ts'
import { roleAsked } from './role.ts'
import type { Role } from './role.ts'
import { readSecretId, removeSecretId, secretIdByAccessor, secretIdCharsMax, secretIdHash } from './secret-id.ts'
import type { StoredSecretId } from './secret-id.ts'
import { tidyNow } from './tidy.ts'

const bySecret = { secret_id: field.text() }
const byAccessor = { secret_id_accessor: field.text() }

const tidied = "Tidy operation successfully started. Any information from the operation will be printed to Mayfly's server logs."

/** The secret ids of a role: made, listed by accessor, looked up, destroyed. */
export function secretIdPaths(context: AuthContext): readonly AuthPath[] {
  const destroySecret = (request: AuthRequest<{ secret_id?: string | undefined }>, storage: LoginStorage) =>
    destroy(storage, request, role => bySecretId(context, storage, role, request.fields.secret_id), false)
  const destroyAccessor = (request: AuthRequest<{ secret_id_accessor?: string | undefined }>, storage: LoginStorage) =>
    destroy(storage, request, role => ofAccessor(context, storage, role, request.fields.secret_id_accessor), true)
  return [
    authPath({
      pattern: 'role/:name/secret-id',
      summary: 'a new secret id; the accessors of those that are there',
      fields: { ...secretIdFields, ...pageFields },
      write: ({ params, fields }, storage) => newSecretId(context, storage, params['name'], fields),
      list: async ({ params, fields }, storage) => {
        const { role } = await roleAsked(storage, params['name'])
        return listPage(storage, `accessor/${role.id}/`, fields)
      }
    }),
    authPath({
      pattern: 'role/:name/custom-secret-id',
      summary: 'a secret id of the caller’s own choice',
      fields: { ...secretIdFields, ...bySecret },
      write: ({ params, fields }, storage) => newSecretId(context, storage, params['name'], fields, chosenSecretId(fields.secret_id))
    }),
    authPath({
      pattern: 'role/:name/secret-id/lookup',
      summary: 'what a secret id is',
      fields: bySecret,
      write: async ({ params, fields }, storage) => {
        const { role } = await roleAsked(storage, params['name'])
        const found = await bySecretId(context, storage, role, fields.secret_id)
        return found && { data: shown(found) }
      }
    }),
    authPath({
      pattern: 'role/:name/secret-id/destroy',
      summary: 'ends a secret id',
      fields: bySecret,
      write: destroySecret,
      delete: destroySecret
    }),
    authPath({
      pattern: 'role/:name/secret-id-accessor/lookup',
      summary: 'what the secret id of an accessor is',
      fields: byAccessor,
      write: async ({ params, fields }, storage) => {
        const { role } = await roleAsked(storage, params['name'])
        const found = await ofAccessor(context, storage, role, fields.secret_id_accessor)
        if (!found) throw unknownAccessor()
        return { data: shown(found) }
      }
    }),
    authPath({
      pattern: 'role/:name/secret-id-accessor/destroy',
      summary: 'ends the secret id of an accessor',
      fields: byAccessor,
      write: destroyAccessor,
      delete: destroyAccessor
    }),
    authPath({
      pattern: 'tidy/secret-id',
      summary: 'removes at once what has expired',
      write: async (_, storage) => {
        tidyNow(context, storage)
        return { status: 202, warnings: [tidied] }
      }
    })
  ]
}

async function bySecretId(
  context: AuthContext,
  storage: LoginStorage,
  role: Role,
  secretId: string | undefined
): Promise<StoredSecretId | undefined> {
  if (!secretId) throw new BrokerError('invalid_request', 'missing secret_id')
  return secretId.length > secretIdCharsMax ? undefined : readSecretId(context, storage, role, secretIdHash(context, role, secretId))
}

async function ofAccessor(
  context: AuthContext,
  storage: LoginStorage,
  role: Role,
  accessor: string | undefined
): Promise<StoredSecretId | undefined> {
  if (!accessor) throw new BrokerError('invalid_request', 'missing secret_id_accessor')
  return secretIdByAccessor(context, storage, role, accessor)
}

/** 204 for a secret id that is not there, so that a repeat of a lost reply succeeds; an accessor that is not this role's is a mistake. */
async function destroy(
  storage: LoginStorage,
  { params }: Pick<AuthRequest, 'params'>,
  find: (role: Role) => Promise<StoredSecretId | undefined>,
  mustBeThere: boolean
): Promise<AuthAnswer> {
  const { role } = await roleAsked(storage, params['name'])
  const found = await find(role)
  if (!found && mustBeThere) throw unknownAccessor()
  if (found) removeSecretId(storage, role, found)
  return undefined
}

function unknownAccessor(): BrokerError {
  return new BrokerError('no_route', 'failed to find accessor entry for secret_id_accessor')
}

/** The wire's sign of no end. */
const never = '0001-01-01T00:00:00Z'

function at(milliseconds: number): string {
  return Temporal.Instant.fromEpochMilliseconds(milliseconds).toString()
}

function shown({ secretId, uses }: StoredSecretId) {
  const { accessor, created, expires, ttl, metadata, cidr_list, token_bound_cidrs } = secretId
  return {
    secret_id_accessor: accessor,
    secret_id_num_uses: uses,
    secret_id_ttl: ttl,
    creation_time: at(created),
    expiration_time: expires === 0 ? never : at(expires),
    last_updated_time: at(created),
    metadata,
    cidr_list,
    token_bound_cidrs
  }
}
