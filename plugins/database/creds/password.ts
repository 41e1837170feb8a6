import { BrokerError } from 'mayfly/plugin'
import type { BackendContext, Secret } from 'mayfly/plugin'

type Named = { readonly credentialConfig?: Readonly<Record<string, string>> | null }

/** The policy of the role, else that of its connection; `""`: the broker's own rule. */
export function passwordPolicyOf(connection: { readonly passwordPolicy: string }, role?: Named): string {
  return role?.credentialConfig?.['password_policy'] || connection.passwordPolicy
}

/** Every password of this engine is made here. */
export function newPassword(context: Pick<BackendContext, 'generatePassword'>, policy: string): Promise<Secret<string>> {
  return context.generatePassword(policy)
}

/** Refuses, in the name of the field, a policy that makes no password now. What it makes here is thrown away. */
export async function refuseMissingPolicy(context: Pick<BackendContext, 'generatePassword'>, field: string, policy: string): Promise<void> {
  if (policy === '') return
  try {
    await newPassword(context, policy)
  } catch (cause) {
    throw cause instanceof BrokerError ? new BrokerError(cause.code, `${field}: ${cause.message}`, { cause }) : cause
  }
}
