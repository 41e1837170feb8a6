import type { CliCommand } from '../cli-command.ts'
import { showReply } from '../show-fields.ts'

export const leaseShow: CliCommand = {
  name: 'lease show',
  aliases: ['lookup'],
  summary: 'show a lease: who holds it, until when, how far its end is',
  takes: { '<lease>': 'the lease id' },
  hasFields: true,
  examples: ['mayfly lease show database/creds/readonly/PcMyBdsvGGWdgK8x0hCJbC2r'],
  run: async invocation => {
    const lease = invocation.typed.arg(0, 'lease')
    showReply(invocation, await invocation.request('PUT', 'sys/leases/lookup', { lease_id: lease }))
  }
}
