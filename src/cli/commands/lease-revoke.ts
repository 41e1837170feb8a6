import { Refused } from '../../client/client-error.ts'
import type { CliCommand } from '../cli-command.ts'
import type { Invocation } from '../invocation.ts'
import { objectsAt } from '../json-at.ts'
import { UsageError } from '../usage-error.ts'

export const leaseRevoke: CliCommand = {
  name: 'lease revoke',
  summary: 'end a lease: no new login, and open sessions are ended',
  takes: { '[lease]': 'the lease id, or with --prefix a path; with --holder, --entity or --accessor nothing' },
  options: {
    '--prefix': 'all leases below the path',
    '--holder <name>': 'everything that this display name holds',
    '--entity <id>': 'everything that this entity holds',
    '--accessor <accessor>': 'everything that the token of this accessor holds',
    '--mount <path>': 'with one of these three: only at this mount',
    '--sync': 'wait until it is done (at most 20 s, and the server goes on after that)',
    '--force': 'with --prefix: give up on the target, and leave there what cannot be ended'
  },
  examples: [
    'mayfly lease revoke -sync database/creds/readonly/PcMyBdsvGGWdgK8x0hCJbC2r',
    'mayfly lease revoke -prefix database/creds/readonly',
    'mayfly lease revoke -sync -holder=token-ci'
  ],
  run: async invocation => {
    const { typed, terminal } = invocation
    const holder = holderOf(invocation)
    if (holder) return revokeHolder(invocation, holder)
    const lease = typed.arg(0, 'lease')
    const sync = typed.flag('sync')
    await revoke(invocation, lease, sync)
    if (typed.flag('force')) terminal.warn('the target was not cleaned: mayfly reconcile shows what is left there')
    terminal.say(sync || typed.flag('force') ? `revoked: ${lease}` : `being revoked: ${lease}`)
  }
}

interface Held {
  readonly by: 'display_name' | 'entity' | 'accessor'
  readonly name: string
}

function holderOf({ typed }: Invocation): Held | undefined {
  const said = (['holder', 'entity', 'accessor'] as const).flatMap(option => {
    const name = typed.text(option)
    return name === undefined ? [] : [{ by: option === 'holder' ? 'display_name' : option, name } as const]
  })
  const [one, other] = said
  if (other) throw new UsageError('holder, entity, accessor: one of them at a time')
  if (!one && typed.text('mount') !== undefined) throw new UsageError('mount: needs --holder, --entity or --accessor as well')
  if (one && (typed.args.length > 0 || typed.flag('prefix') || typed.flag('force')))
    throw new UsageError('lease: who holds it says which, and nothing else does')
  return one
}

async function revokeHolder(invocation: Invocation, { by, name }: Held): Promise<void> {
  const { typed, terminal } = invocation
  const sync = typed.flag('sync')
  const mount = typed.text('mount')
  if (by === 'display_name' && (await holdsNothing(invocation, name)))
    terminal.warn(`"${name}" holds nothing now: the names are those that mayfly lease ls shows`)
  await invocation.request('PUT', 'sys/leases/revoke-holder', { [by]: name, ...(mount === undefined ? {} : { mount }), sync })
  terminal.say(`${sync ? 'revoked' : 'being revoked'}: everything that ${name} holds${mount === undefined ? '' : ` at ${mount}`}`)
}

/** A name that is misspelt is held by nobody, and revoking it would read like the real thing. Who may not look is told nothing. */
async function holdsNothing(invocation: Invocation, name: string): Promise<boolean> {
  try {
    const { data } = await invocation.request('GET', 'sys/holdings', { display_name: name, limit: 1 })
    return objectsAt(data, 'holdings').length === 0
  } catch (error) {
    if (error instanceof Refused && error.status === 403) return false
    throw error
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
