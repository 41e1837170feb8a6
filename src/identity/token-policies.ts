import { BrokerError } from '../contracts/index.ts'
import { normalisePolicyName } from '../policy/policy-name.ts'
import type { TokenMaker, TokenRequest } from './token-request.ts'

/** The policies of a new token, sorted. Without any asked for: the maker's. Without sudo: only of the maker's. `root` stands alone, and only root gives it. */
export function tokenPolicies(request: Pick<TokenRequest, 'policies' | 'noDefaultPolicy'>, { token, sudo }: TokenMaker): readonly string[] {
  const asked = request.policies.filter(name => name !== '').map(normalisePolicyName)
  if (asked.length > 0 && !sudo && !asked.every(name => token.policies.includes(name)))
    throw new BrokerError('invalid_request', 'child policies must be subset of parent')
  // What nobody asked for by name is given only where the maker has it, or might have given it.
  const withDefault = asked.length > 0 && !request.noDefaultPolicy && (sudo || token.policies.includes('default'))
  const given = [...(asked.length > 0 ? asked : token.policies), ...(withDefault ? ['default'] : [])]
  // Whoever asks for it by name and wants it not gets less.
  return fit(request.noDefaultPolicy ? given.filter(name => name !== 'default') : given, token.policies.includes('root'))
}

function fit(names: readonly string[], makerIsRoot: boolean): readonly string[] {
  if (names.includes('response-wrapping')) throw new BrokerError('invalid_request', 'cannot assign policy "response-wrapping"')
  if (!names.includes('root')) return [...new Set(names)].toSorted()
  // Sudo alone must not become root (CVE-2025-5999 and its kind).
  if (!makerIsRoot) throw new BrokerError('invalid_request', 'root tokens may not be created without parent token being root')
  return ['root']
}
