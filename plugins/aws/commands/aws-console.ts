import type { AskingCommand } from 'mayfly/plugin'
import { askForKeys, roleOptions, roleRequest } from './role-request.ts'
import { Interruption } from './interruption.ts'
import { refuseDestination, signInPlaces, signInUrl } from './sign-in.ts'

/** `mayfly aws console`: a page in the browser, logged in as a session of a role. */
export const awsConsole: AskingCommand = {
  name: 'aws console',
  summary: 'a URL that opens the AWS console as a session of a role',
  takes: { '<role>': 'a role that makes sessions: assumed_role or federation_token' },
  options: { ...roleOptions, '--destination <url>': 'which page of the console' },
  details: `Whoever has the URL can use it within 15 minutes. The console stays open as long as the session lives: revoking the lease closes
it only where the role can cut sessions.`,
  examples: ['mayfly aws console deploy', 'xdg-open "$(mayfly aws console --ttl 1h deploy)"'],
  async run(call) {
    const destination = call.option('destination')
    refuseDestination(destination)
    using interruption = new Interruption()
    const { keys, reply } = await askForKeys(call, roleRequest(call, call.args[0]))
    try {
      const url = await signInUrl(keys, signInPlaces(keys.arn), destination, interruption.signal)
      if (call.screen.format === 'json') call.screen.json({ url, lease_id: reply.leaseId, lease_duration: reply.leaseSeconds })
      else call.screen.text(url)
    } catch (error) {
      // Nobody has these keys.
      await call.request('POST', 'sys/leases/revoke', { lease_id: reply.leaseId }).catch(() => undefined)
      if (interruption.code !== undefined) return interruption.code
      throw error
    }
    return 0
  }
}
