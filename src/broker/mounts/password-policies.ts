import { BrokerError, Secret } from '../../contracts/index.ts'
import type { Random } from '../../contracts/index.ts'
import { generatePassword } from '../../policy/password/generate-password.ts'
import { parsePasswordPolicy } from '../../policy/password/parse-password-policy.ts'
import { defaultPasswordPolicy } from '../../policy/password/password-policy.ts'
import type { Barrier } from '../../seal/barrier.ts'
import type { Store } from '../../store/store.ts'
import { readEntry } from './sealed-rows.ts'

/** The rows of `sys/policies/password`: the texts as they were written. */
export const passwordPolicySpace = 'password-policy'

interface PolicyParts {
  readonly store: Store
  readonly barrier: Barrier
  readonly random: Random
}

// As the wire's generic names. A name is a key of the store.
const namePattern = /^\w(?:[\w.-]{0,254}\w)?$/

export const isPasswordPolicyName = (name: string): boolean => namePattern.test(name)

/** The text, byte for byte. */
export async function passwordPolicyText(parts: Pick<PolicyParts, 'store' | 'barrier'>, name: string): Promise<string | undefined> {
  const entry = isPasswordPolicyName(name) ? await readEntry(parts.store, parts.barrier, passwordPolicySpace, name) : undefined
  if (entry && typeof entry.value !== 'string') throw new BrokerError('integrity', 'a stored password policy is no text')
  return entry?.value as string | undefined
}

/** A password by the policy as it is now, on every node; `""` is the broker's own. Throws `invalid_request` when there is none of that name. */
export async function passwordByPolicy(parts: PolicyParts, name: string): Promise<Secret<string>> {
  const policy = name === '' ? defaultPasswordPolicy : await policyNamed(parts, name)
  return new Secret(generatePassword(policy, parts.random))
}

async function policyNamed(parts: PolicyParts, name: string) {
  const text = await passwordPolicyText(parts, name)
  if (text === undefined)
    throw new BrokerError('invalid_request', `no password policy ${shownName(name)}: write sys/policies/password/ first`)
  return parsePasswordPolicy(text)
}

/** What is no name may be anything that was sent. */
const shownName = (name: string): string => (isPasswordPolicyName(name) ? `"${name}"` : 'of that name')
