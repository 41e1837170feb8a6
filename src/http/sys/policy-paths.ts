import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { field } from '../../contracts/index.ts'
import { deletePolicy, policyText, writePolicy } from './write-policy.ts'

const name = { name: field.text() }

/** `sys/policies/acl`, and `sys/policy`, as clients of older days call it. A name may have slashes: `team/shop`. */
export const policyPaths: readonly CorePath[] = [
  corePath({ pattern: 'policies/acl', summary: 'the names of all policies', list: async ({ parts }) => ({ keys: parts.policies.names }) }),
  corePath({
    pattern: 'policies/acl/:name/*below',
    summary: 'one policy',
    caseless: true,
    fields: {
      ...name,
      policy: field.text(),
      ttl: field.text(),
      expiration: field.text(),
      cas: field.text(),
      cas_required: field.boolean()
    },
    read: async call => {
      const found = policyText(call)
      return found && { data: { name: found.name, policy: found.text } }
    },
    write: call => writePolicy(call, call.fields.policy, []),
    delete: deletePolicy
  }),
  corePath({ pattern: 'policy', summary: 'the names of all policies, by the old route', read: oldNames, list: oldNames }),
  corePath({
    pattern: 'policy/:name/*below',
    summary: 'one policy, by the old route',
    caseless: true,
    fields: { ...name, policy: field.text(), rules: field.text() },
    read: async call => {
      const found = policyText(call)
      return found && { data: { name: found.name, rules: found.text } }
    },
    write: call => {
      const { policy, rules } = call.fields
      return policy || !rules
        ? writePolicy(call, policy, [])
        : writePolicy(call, rules, ["'rules' is deprecated, please use 'policy' instead"])
    },
    delete: deletePolicy
  })
]

async function oldNames({ parts }: Call<unknown>): Promise<Outcome> {
  return { data: { keys: parts.policies.names, policies: parts.policies.names } }
}
