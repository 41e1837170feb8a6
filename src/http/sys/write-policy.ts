import type { Call } from '../../broker/door/core-path.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { putEntry } from '../../broker/mounts/sealed-rows.ts'
import { BrokerError } from '../../contracts/index.ts'
import { losesLimit } from '../../policy/loses-limit.ts'
import { parsePolicy } from '../../policy/parse-policy.ts'
import type { Policy } from '../../policy/rule.ts'
import { fixedPolicies, normalisePolicyName } from '../../policy/policy-name.ts'

/** The policy that the path names, as it was written, byte for byte. */
export function policyText({ parts, params }: Call<unknown>): { readonly name: string; readonly text: string } | undefined {
  const name = normalisePolicyName(namedPolicy(params))
  const text = name === 'root' ? '' : parts.policies.text(name)
  return text === undefined ? undefined : { name, text }
}

/** Nothing is stored that does not parse. */
export async function writePolicy(call: Call<unknown>, sent: string | undefined, warnings: readonly string[]): Promise<Outcome> {
  const { parts, params } = call
  const asked = namedPolicy(params)
  const name = normalisePolicyName(asked)
  if (fixedPolicies.has(name)) throw new BrokerError('invalid_request', `cannot update "${name}" policy`)
  refuseNotEnforced(call)
  if (!sent) throw new BrokerError('invalid_request', "'policy' parameter not supplied or empty")
  const text = fromBase64(sent) ?? sent
  refuseLostLimits(parsePolicy(name, text))
  call.change(putEntry(parts.barrier, 'policy', name, text))
  call.afterCommit(() => parts.policies.load())
  const all = name === asked ? warnings : [`policy name was converted to ${name}`, ...warnings]
  return all.length > 0 ? { warnings: all } : undefined
}

/** 204 for an unknown one too. */
export async function deletePolicy(call: Call<unknown>): Promise<Outcome> {
  const name = normalisePolicyName(namedPolicy(call.params))
  if (name === 'default') throw new BrokerError('invalid_request', 'cannot delete default policy')
  if (fixedPolicies.has(name)) throw new BrokerError('invalid_request', `cannot delete "${name}" policy`)
  call.change({ kind: 'entry.remove', space: 'policy', key: name })
  call.afterCommit(() => call.parts.policies.load())
  return undefined
}

function namedPolicy({ name = '', below }: Readonly<Record<string, string>>): string {
  return below ? `${name}/${below}` : name
}

/** What restricts a policy and is not enforced here is refused, never ignored. */
function refuseNotEnforced({ fields }: Call<unknown>): void {
  const said = fields as Readonly<Record<string, unknown>>
  for (const name of ['ttl', 'expiration', 'cas', 'cas_required'])
    if (said[name]) throw new BrokerError('invalid_request', `${name} is not offered for policies`)
}

function refuseLostLimits(policy: Policy): void {
  if (losesLimit(policy))
    throw new BrokerError('invalid_request', 'failed to parse policy: a deny or a limit with a template would not be enforced here')
}

/** The text of a policy has spaces, quotes or braces, and so is never base64 by itself. */
export function fromBase64(sent: string): string | undefined {
  const text = sent.trim()
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64').toString()
}
