import type { CliCommand } from '../cli-command.ts'
import type { Invocation } from '../invocation.ts'
import { UsageError } from '../usage-error.ts'

export const leaseRevoke: CliCommand = {
  name: 'lease revoke',
  summary: 'end a lease: no new login, and open sessions are ended',
  takes: { '<lease>': 'the lease id, or with --prefix a path' },
  options: {
    '--prefix': 'all leases below the path',
    '--sync': 'wait until it is done (at most 20 s, and the server goes on after that)',
    '--force': 'with --prefix: give up on the target, and leave there what cannot be ended'
  },
  examples: [
    'mayfly lease revoke -sync database/creds/readonly/PcMyBdsvGGWdgK8x0hCJbC2r',
    'mayfly lease revoke -prefix database/creds/readonly'
  ],
  run: async invocation => {
    const { typed, terminal } = invocation
    const lease = typed.arg(0, 'lease')
    const sync = typed.flag('sync')
    await revoke(invocation, lease, sync)
    if (typed.flag('force')) terminal.warn('the target was not cleaned: mayfly reconcile shows what is left there')
    terminal.say(sync || typed.flag('force') ? `revoked: ${lease}` : `being revoked: ${lease}`)
  }
}

async function revoke(invocation: Invocation, lease: string, sync: boolean): Promise<void> {
  const { typed } = invocation
  // Written as a folder or not, it is the same prefix; a path that is written to never ends in a slash.
  const prefix = lease.replace(/^\/+|\/+$/g, '')
  if (typed.flag('force') && !typed.flag('prefix')) throw new UsageError('force: needs --prefix as well')
  if (typed.flag('prefix') && prefix === '') throw new UsageError('lease: a prefix of nothing would be every lease')
  if (typed.flag('force')) await invocation.request('PUT', `sys/leases/revoke-force/${prefix}`)
  else if (typed.flag('prefix')) await invocation.request('PUT', `sys/leases/revoke-prefix/${prefix}`, { sync })
  else await invocation.request('PUT', 'sys/leases/revoke', { lease_id: lease, sync })
}
