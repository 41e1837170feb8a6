/** `mayfly ssh unenroll`: takes away from a host what `enroll` put there. */
import type { AskingCommand } from 'mayfly/plugin'
import { runHostScript } from './run-host-script.ts'

export const unenrollCommand: AskingCommand = {
  name: 'ssh unenroll',
  summary: 'let a host trust SSH certificates of the broker no longer',
  options: {
    '--via <user@host>': 'the host, over ssh, as root; without it: this machine',
    '--prefix <dir>': 'a folder in the place of /',
    '--dry-run': 'show what would be removed'
  },
  details: `First sshd, then the broker: as long as a host trusts the broker, the broker counts it among those that have to know of a revocation.
A host that is gone is removed with: mayfly delete ssh/hosts/NAME`,
  examples: ['mayfly ssh unenroll --via root@web1.example.com', 'mayfly ssh unenroll'],
  async run(call) {
    const prefix = call.option('prefix')
    const args = ['unenroll', ...(prefix === undefined ? [] : ['--prefix', prefix]), ...(call.flag('dryRun') ? ['--dry-run'] : [])]
    return (await runHostScript(call, { via: call.option('via'), args })) === 0 ? 0 : 1
  }
}
