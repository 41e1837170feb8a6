import { BrokerError, z } from 'mayfly/plugin'
import type { AskingCommand } from 'mayfly/plugin'
import { mountOf } from './role-request.ts'

const answered = z.object({ policy: z.json(), concerns: z.array(z.string()) })

/** `mayfly aws policy`: what to attach to the user that the broker is. */
export const awsPolicy: AskingCommand = {
  name: 'aws policy',
  summary: 'the least that the broker has to be allowed in the account, as a policy of IAM',
  options: { '--mount <path>': 'where the aws backend is mounted (aws)' },
  details: `For the roles as they are now; ask again when they change. What a policy cannot say goes to standard error.`,
  examples: ['mayfly aws policy', 'mayfly aws policy > policy.json'],
  async run(call) {
    const mount = mountOf(call)
    const reply = await call.request('GET', `${mount}/policy`)
    const read = answered.safeParse(reply?.data)
    if (!read.success) throw new BrokerError('invalid_request', `no aws backend at ${mount}/`)
    call.screen.text(JSON.stringify(read.data.policy, null, 2))
    for (const concern of read.data.concerns) call.screen.warn(concern)
  }
}
