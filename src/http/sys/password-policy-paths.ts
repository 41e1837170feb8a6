import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import { isPasswordPolicyName, passwordByPolicy, passwordPolicySpace, passwordPolicyText } from '../../broker/mounts/password-policies.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { putEntry } from '../../broker/mounts/sealed-rows.ts'
import { BrokerError, field, Secret } from '../../contracts/index.ts'
import { parsePasswordPolicy } from '../../policy/password/parse-password-policy.ts'
import { tryPolicy } from '../../policy/password/try-policy.ts'
import { fromBase64 } from './write-policy.ts'

const pageSizeMax = 1_000

/** `sys/policies/password`: what the passwords are made of that backends generate. */
export const passwordPolicyPaths: readonly CorePath[] = [
  corePath({
    pattern: 'policies/password',
    summary: 'the names of all password policies',
    fields: { after: field.text(), limit: field.integer() },
    list: async call => ({ keys: await names(call, call.fields.after ?? '', call.fields.limit) })
  }),
  corePath({
    pattern: 'policies/password/:name',
    summary: 'one password policy, as it was written',
    fields: { name: field.text(), policy: field.text() },
    read: async ({ parts, params }) => {
      const policy = await passwordPolicyText(parts, params['name'] ?? '')
      return policy === undefined ? undefined : { data: { policy } }
    },
    write: call => write(call, call.fields.policy),
    delete: async call => {
      const name = call.params['name'] ?? ''
      if (isPasswordPolicyName(name)) call.change({ kind: 'entry.remove', space: passwordPolicySpace, key: name })
      return undefined
    }
  }),
  corePath({
    pattern: 'policies/password/:name/generate',
    summary: 'a password by the policy, kept nowhere',
    fields: { name: field.text() },
    read: generate
  })
]

/** Nothing is stored that does not parse, or that no password could meet. */
async function write(call: Call<unknown>, sent: string | undefined): Promise<Outcome> {
  const { parts, params } = call
  const name = params['name'] ?? ''
  if (!isPasswordPolicyName(name))
    throw new BrokerError('invalid_request', 'name: letters, digits, "_", "-" and "." only, at most 256, the last two not at the ends')
  if (!sent) throw new BrokerError('invalid_request', 'missing policy')
  const text = fromBase64(sent) ?? sent
  const { warnings } = tryPolicy(parsePasswordPolicy(text), parts.random)
  call.change(putEntry(parts.barrier, passwordPolicySpace, name, text))
  return warnings.length > 0 ? { warnings } : undefined
}

async function generate({ parts, params }: Call<unknown>): Promise<Outcome> {
  const name = params['name'] ?? ''
  if (!name || (await passwordPolicyText(parts, name)) === undefined) return undefined
  const password = await passwordByPolicy(parts, name)
  return { data: new Secret({ password: password.reveal() }) }
}

/** A caller that names no limit, or -1, gets all, as clients that know no pages expect. */
async function names({ parts }: Call<unknown>, after: string, limit: number | undefined): Promise<readonly string[]> {
  const read = (from: string, count: number) => parts.store.keys(passwordPolicySpace, '', from, count)
  if (limit !== undefined && limit !== -1) {
    if (limit < 1) throw new BrokerError('invalid_request', 'limit: expected a number above 0')
    return read(after, Math.min(limit, pageSizeMax))
  }
  const all: string[] = []
  for (let page = await read(after, pageSizeMax); page.length > 0; page = await read(page.at(-1)!, pageSizeMax)) all.push(...page)
  return all
}
