import { Denied, NothingThere, Refused } from '../../client/client-error.ts'
import type { CliCommand } from '../cli-command.ts'
import type { Invocation } from '../invocation.ts'
import { jsonAt } from '../json-at.ts'
import type { Typed } from '../typed.ts'
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
    refuseEverything(typed, lease)
    const nothing = await isNothing(invocation, lease)
    await revoke(invocation, lease, sync)
    if (nothing)
      return terminal.say(
        `nothing to revoke: no lease ${typed.flag('prefix') ? 'below ' : ''}${lease} (mayfly lease ls shows what there is, and with --ended what is over)`
      )
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
  const at = mount === undefined ? {} : { mount }
  const nothing = await isEmpty(invocation, 'GET', 'sys/holdings', { [by === 'entity' ? 'entity_id' : by]: name, ...at, limit: 1 })
  // Asked for all the same: what is issued just now may not be in the list yet, and the order is in the trail.
  await invocation.request('PUT', 'sys/leases/revoke-holder', { [by]: name, ...at, sync })
  const where = mount === undefined ? '' : ` at ${mount}`
  if (nothing) terminal.say(`nothing to revoke: "${name}" holds nothing${where} (mayfly lease ls shows who holds what)`)
  else terminal.say(`${sync ? 'revoked' : 'being revoked'}: everything that ${name} holds${where}`)
}

/** Whether there is nothing to end: what is misspelt is held by nobody, and revoking it would read like the real thing. Who may not look is told nothing. */
async function isEmpty(invocation: Invocation, ...[method, path, fields]: Parameters<Invocation['request']>): Promise<boolean> {
  try {
    const { data } = await invocation.request(method, path, fields)
    const found = jsonAt(data, 'holdings')
    return Array.isArray(found) && found.length === 0
  } catch (error) {
    if (error instanceof NothingThere) return true
    if (error instanceof Denied) return false
    if (error instanceof Refused && error.status === 400 && error.texts.includes('invalid lease')) return true
    throw error
  }
}

/** The id of a lease, or a path with leases below it. Tokens are leases too, which nobody looks up here. */
async function isNothing(invocation: Invocation, lease: string): Promise<boolean> {
  const prefix = asPrefix(lease)
  if (prefix.startsWith('auth/')) return false
  if (!(await isEmpty(invocation, 'PUT', 'sys/leases/lookup', { lease_id: prefix }))) return false
  return !invocation.typed.flag('prefix') || isEmpty(invocation, 'LIST', `sys/leases/lookup/${prefix}`)
}

function refuseEverything(typed: Typed, lease: string): void {
  if (typed.flag('force') && !typed.flag('prefix')) throw new UsageError('force: needs --prefix as well')
  if (typed.flag('prefix') && asPrefix(lease) === '') throw new UsageError('lease: a prefix of nothing would be every lease')
}

// Written as a folder or not, it is the same prefix; a path that is written to never ends in a slash.
const asPrefix = (lease: string): string => lease.replace(/^\/+|\/+$/g, '')

async function revoke(invocation: Invocation, lease: string, sync: boolean): Promise<void> {
  const { typed } = invocation
  const prefix = asPrefix(lease)
  if (typed.flag('force')) await invocation.request('PUT', `sys/leases/revoke-force/${prefix}`)
  else if (typed.flag('prefix')) await invocation.request('PUT', `sys/leases/revoke-prefix/${prefix}`, { sync })
  else await invocation.request('PUT', 'sys/leases/revoke', { lease_id: prefix, sync })
}
