import type { CliCommand } from '../cli-command.ts'
import { showReply } from '../show-fields.ts'

export const leaseRenew: CliCommand = {
  name: 'lease renew',
  summary: 'move the end of a lease; the credential stays the same',
  takes: { '<lease>': 'the lease id' },
  options: { '--increment <time>': 'how long from now it shall live; its maximum stays' },
  hasFields: true,
  examples: ['mayfly lease renew -increment=30m database/creds/readonly/PcMyBdsvGGWdgK8x0hCJbC2r'],
  run: async invocation => {
    const increment = invocation.typed.text('increment')
    const fields = { lease_id: invocation.typed.arg(0, 'lease'), ...(increment === undefined ? {} : { increment }) }
    showReply(invocation, await invocation.request('PUT', 'sys/leases/renew', fields))
  }
}
