import { uuid } from '../../broker/uuid.ts'
import { BrokerError, field } from '../../contracts/index.ts'
import type { AuthAnswer, AuthContext, JsonObject, LoginStorage, z } from '../../contracts/index.ts'
import { boundCidrs } from '../../identity/bound-cidrs.ts'
import { refuseNumber } from '../token-settings.ts'
import { roleAsked, roleKey } from './role.ts'
import type { Role, RoleSettings } from './role.ts'
import { accessorKey, expiryKey, secretIdCharsMax, secretIdHash, secretIdKey } from './secret-id.ts'
import type { SecretId } from './secret-id.ts'
import { tidyAfter } from './tidy.ts'

export const secretIdFields = {
  metadata: field.map(),
  cidr_list: field.commaList(),
  token_bound_cidrs: field.commaList(),
  num_uses: field.integer(),
  ttl: field.duration()
}

type SecretIdFields = z.output<z.ZodObject<typeof secretIdFields>>

// As for tokens, which carry it: a row and each audit entry that repeats it stay small.
const metadataEntriesMax = 64
const metadataKeyCharsMax = 128
const metadataValueCharsMax = 512

/** Makes a secret id, of which only a keyed hash is kept. `chosen`: the caller's own. */
export async function newSecretId(
  context: AuthContext,
  storage: LoginStorage,
  name: string | undefined,
  said: SecretIdFields,
  chosen?: string
): Promise<AuthAnswer> {
  const { role, version } = await roleAsked(storage, name)
  if (!role.settings.bind_secret_id) throw refusal('bind_secret_id is not set on the role')
  const secret = chosen ?? uuid(context.random)
  const hash = secretIdHash(context, role, secret)
  if (chosen !== undefined && (await storage.counted(secretIdKey(role, hash)))) throw refusal('secret_id: SecretID is already registered')
  const made = planned(context, role.settings, said)
  // The role must still be this one when the row is there: one of a role that is gone would never be found again.
  storage.expect(roleKey(role.name), version)
  keep(context, storage, role, hash, made)
  const { accessor, ttl, num_uses } = made
  return { data: { secret_id: secret, secret_id_accessor: accessor, secret_id_ttl: ttl, secret_id_num_uses: num_uses } }
}

/** A secret id of the caller's own. */
export function chosenSecretId(asked: string | undefined): string {
  if (!asked) throw refusal('missing secret_id')
  if (asked.length > secretIdCharsMax) throw refusal(`secret_id: at most ${secretIdCharsMax} characters`)
  return asked
}

function planned({ clock, random }: AuthContext, role: RoleSettings, said: SecretIdFields): SecretId {
  const now = clock.now().epochMilliseconds
  const ttl = within(said.ttl, role.secret_id_ttl, "ttl cannot be longer than the role's secret_id_ttl")
  const num_uses = within(said.num_uses, role.secret_id_num_uses, "num_uses cannot be higher than the role's secret_id_num_uses")
  refuseNumber('num_uses', num_uses)
  return {
    accessor: uuid(random),
    created: now,
    expires: ttl === 0 ? 0 : now + ttl * 1_000,
    ttl,
    num_uses,
    metadata: metadata(said.metadata ?? {}),
    cidr_list: narrowed('cidr_list', said.cidr_list, role.secret_id_bound_cidrs),
    token_bound_cidrs: narrowed('token_bound_cidrs', said.token_bound_cidrs, role.token_bound_cidrs)
  }
}

/** What is asked for, never more than the role allows; 0 is "without limit". */
function within(asked: number | undefined, allowed: number, otherwise: string): number {
  if (asked === undefined) return allowed
  if (allowed > 0 && (asked === 0 || asked > allowed)) throw refusal(otherwise)
  return asked
}

/** Networks of its own, within the role's; without any the role's count, as they are at the login. */
function narrowed(name: string, asked: readonly string[] | undefined, role: readonly string[]): readonly string[] {
  return asked && asked.length > 0 ? boundCidrs(asked, role, name) : []
}

function metadata(asked: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(asked)
  if (entries.length > metadataEntriesMax) throw refusal(`metadata: at most ${metadataEntriesMax} entries`)
  for (const [key, value] of entries) {
    if (key.length > metadataKeyCharsMax) throw refusal(`metadata: a key has at most ${metadataKeyCharsMax} characters`)
    if (value.length > metadataValueCharsMax) throw refusal(`metadata: a value has at most ${metadataValueCharsMax} characters`)
  }
  return asked
}

function keep(context: AuthContext, storage: LoginStorage, role: Role, hash: string, made: SecretId): void {
  storage.putCounted(secretIdKey(role, hash), made as unknown as JsonObject, made.num_uses)
  storage.put(accessorKey(role, made.accessor), hash, 0)
  if (made.expires === 0) return
  storage.put(expiryKey(role, made.expires, hash, made.accessor), true, 0)
  tidyAfter(storage, made.expires)
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
