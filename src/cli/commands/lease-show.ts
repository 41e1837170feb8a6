import { Refused } from '../../client/client-error.ts'
import type { Envelope } from '../../client/envelope.ts'
import type { CliCommand } from '../cli-command.ts'
import type { Invocation } from '../invocation.ts'
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
    showReply(invocation, await lookedUp(invocation, lease))
  }
}

async function lookedUp(invocation: Invocation, lease: string): Promise<Envelope> {
  try {
    return await invocation.request('PUT', 'sys/leases/lookup', { lease_id: lease })
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 400) throw error
    const texts = error.texts.map(text => (text === 'invalid lease' ? 'invalid lease: mayfly lease ls --ended shows what is over' : text))
    throw new Refused(error.path, error.status, texts)
  }
}
