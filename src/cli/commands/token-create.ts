import type { JsonObject } from '../../contracts/index.ts'
import type { CliCommand } from '../cli-command.ts'
import { showReply } from '../show-fields.ts'
import type { Typed } from '../typed.ts'
import { UsageError } from '../usage-error.ts'
import { wrapOptions, wrapping } from '../wrapping.ts'

export const tokenCreate: CliCommand = {
  name: 'token create',
  summary: 'make a token below yours',
  options: {
    '--policy <name...>': 'a policy that it gets; without one, yours',
    '--ttl <time>': 'how long it lives',
    '--explicit-max-ttl <time>': 'how long it lives at most, however often it is renewed',
    '--period <time>': 'it lives for ever, if it is renewed this often (needs sudo)',
    '--no-renewable': 'it cannot be renewed',
    '--orphan': 'it does not end with yours',
    '--no-default-policy': 'it does not get the policy default',
    '--display-name <name>': 'what leases and the audit trail call it',
    '--use-limit <n>': 'how many requests it is good for',
    '--metadata <key=value...>': 'what else the audit trail shall say of it',
    ...wrapOptions
  },
  hasFields: true,
  examples: [
    'mayfly token create -policy=app -ttl=1h',
    'mayfly token create -policy=app -field=token > token.txt',
    'mayfly token create -policy=app -wrap-ttl=5m'
  ],
  run: async invocation => {
    const { typed } = invocation
    showReply(
      invocation,
      await invocation.request('POST', `auth/token/${typed.flag('orphan') ? 'create-orphan' : 'create'}`, wanted(typed), wrapping(typed))
    )
  }
}

/** Only what was said: everything else is the server's to decide. */
function wanted(typed: Typed): JsonObject {
  const texts = {
    ttl: typed.text('ttl'),
    explicit_max_ttl: typed.text('explicitMaxTtl'),
    period: typed.text('period'),
    display_name: typed.text('displayName'),
    num_uses: typed.text('useLimit')
  }
  const policies = typed.list('policy')
  const meta = typed.list('metadata').map(pair)
  return {
    ...Object.fromEntries(Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    ...(policies.length > 0 ? { policies } : {}),
    ...(meta.length > 0 ? { meta: Object.fromEntries(meta) } : {}),
    ...(typed.denied('renewable') ? { renewable: false } : {}),
    ...(typed.denied('defaultPolicy') ? { no_default_policy: true } : {})
  }
}

function pair(text: string): readonly [string, string] {
  const sign = text.indexOf('=')
  if (sign < 1) throw new UsageError('metadata: expected key=value')
  return [text.slice(0, sign), text.slice(sign + 1)]
}
