import { BrokerError, z } from 'mayfly/plugin'
import type { AskingCall, AskingCommand } from 'mayfly/plugin'
import { mountOf } from './role-request.ts'

const failed = 2

const answered = z.object({
  role: z.string(),
  credential_type: z.string(),
  ok: z.boolean(),
  steps: z.array(z.object({ step: z.string(), ok: z.boolean(), ms: z.number(), told: z.string() })),
  concerns: z.array(z.string())
})

/** `mayfly aws check`: what `roles/:name/check` answers, for a reader. */
export const awsCheck: AskingCommand = {
  name: 'aws check',
  summary: 'try an AWS role in its account before somebody needs it',
  takes: { '<role>': 'a role of the mount, such as deploy' },
  options: { '--mount <path>': 'where the aws backend is mounted (aws)', '--mfa-code <digits>': 'of the device, where the role has one' },
  details: `Asks AWS what it would say to the broker's calls, makes keys by the role, uses them, and ends them. They have a lease like
every credential and never leave the broker, so nothing of them stays whatever happens. Exit code 2: the role does not work.`,
  examples: ['mayfly aws check deploy'],
  run: check
}

async function check(call: AskingCall): Promise<number> {
  const [role = ''] = call.args
  const [mount, code] = [mountOf(call), call.option('mfaCode')]
  const reply = await call.request('POST', `${mount}/roles/${role}/check`, code === undefined ? {} : { mfa_code: code })
  const read = answered.safeParse(reply?.data)
  if (!read.success) throw new BrokerError('invalid_request', `no aws backend at ${mount}/`)
  const { screen } = call
  const { ok, steps, concerns, credential_type: type } = read.data
  screen.table(
    ['Step', 'Result', 'Time', 'Found'],
    steps.map(one => [one.step, one.ok ? 'ok' : 'FAILED', `${one.ms.toFixed(1)} ms`, one.told])
  )
  if (concerns.length > 0) screen.say('', 'In production:', ...concerns.map(one => `- ${one}`))
  screen.say(
    '',
    ok ? `The role ${role} (${type}) works${concerns.length > 0 ? ', mind the above' : ''}.` : `The role ${role} does not work.`
  )
  if (screen.format === 'json') screen.json(read.data)
  return ok ? 0 : failed
}
