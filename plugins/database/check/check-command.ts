/** `mayfly database check`: what `roles/:name/check` answers, for a reader. */
import { BrokerError, z } from 'mayfly/plugin'
import type { AskingCall, AskingCommand, CommandScreen } from 'mayfly/plugin'

const failed = 2

export const databaseCheck: AskingCommand = {
  name: 'database check',
  summary: 'try a database role at its server before somebody needs it',
  takes: { '<role>': 'a role of the mount, such as readonly' },
  options: {
    '--mount <path>': 'where the database backend is mounted (database)',
    '--rehearse': 'make the user in a transaction that is rolled back, and log nobody in, where the server can'
  },
  details: `Makes a probe user by the role, reads what it may do, logs in as it, ends it, and sees that the login is over. It has a
lease like every credential, so nothing of it stays whatever happens. Exit code 2: the role does not work.`,
  examples: ['mayfly database check readonly', 'mayfly database check --rehearse readonly'],
  run: check
}

async function check(call: AskingCall): Promise<number> {
  const [role = ''] = call.args
  const mount = (call.option('mount') ?? 'database').replace(/^\/+|\/+$/g, '')
  const reply = await call.request('POST', `${mount}/roles/${role}/check`, { rehearse: call.flag('rehearse') })
  if (!reply) throw new BrokerError('invalid_request', `nothing is mounted at ${mount}/`)
  const read = answered.safeParse(reply.data)
  if (!read.success) throw new BrokerError('invalid_request', `what is mounted at ${mount}/ checks no roles`)
  if (call.screen.format === 'json') call.screen.json(reply.data)
  else show(call.screen, read.data)
  return read.data.ok ? 0 : failed
}

const answered = z.object({
  role: z.string(),
  ok: z.boolean(),
  steps: z.array(z.object({ step: z.string(), ok: z.boolean(), ms: z.number(), told: z.string() })),
  rights: z.object({ objects: z.array(z.object({ on: z.string(), may: z.array(z.string()) })), more: z.number() }).optional(),
  concerns: z.array(z.string()),
  guarantees: z.object({ revocable: z.string(), endsSessions: z.boolean(), diesByItself: z.boolean() }).optional()
})
type Answered = z.output<typeof answered>

function show(screen: CommandScreen, { role, ok, steps, rights, concerns, guarantees }: Answered): void {
  screen.table(
    ['Step', 'Result', 'Time', 'Found'],
    steps.map(one => [one.step, one.ok ? 'ok' : 'FAILED', `${one.ms.toFixed(1)} ms`, one.told])
  )
  if (rights) showRights(screen, rights)
  if (guarantees) screen.say('', promised(guarantees))
  if (concerns.length > 0) screen.say('', 'In production:', ...concerns.map(one => `- ${one}`))
  screen.say('', ok ? `The role ${role} works${concerns.length > 0 ? ', mind the above' : ''}.` : `The role ${role} does not work.`)
}

function promised({ revocable, endsSessions, diesByItself }: NonNullable<Answered['guarantees']>): string {
  const sessions = endsSessions ? 'its sessions are ended' : 'open sessions stay'
  return `A credential is revoked ${revocable}, ${sessions}, and it ${diesByItself ? 'dies by itself' : 'ends only while Mayfly runs'}.`
}

function showRights(screen: CommandScreen, { objects, more }: NonNullable<Answered['rights']>): void {
  screen.say('')
  screen.table(
    ['Object', 'Rights'],
    objects.map(({ on, may }) => [on, may.join(', ')])
  )
  if (more > 0) screen.say(`and ${more} more`)
}
