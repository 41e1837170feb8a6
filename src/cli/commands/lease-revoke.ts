import { ClientError, NothingThere } from '../../client/client-error.ts'
import type { Method } from '../../client/client.ts'
import type { CliCommand } from '../cli-command.ts'
import type { Invocation } from '../invocation.ts'
import type { JsonObject } from '../../contracts/index.ts'
import { jsonAt } from '../json-at.ts'
import { UsageError } from '../usage-error.ts'
import { firstBelow, warnOfWaiting } from '../warn-of-waiting.ts'

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
    const { typed } = invocation
    const holder = holderOf(invocation)
    if (holder) return revokeHolder(invocation, holder)
    const lease = typed.arg(0, 'lease')
    if (typed.flag('prefix')) return revokeBelow(invocation, lease)
    if (typed.flag('force')) throw new UsageError('force: needs --prefix as well')
    return revokeLease(invocation, asPrefix(lease))
  }
}

const overHint = '(mayfly lease ls shows what there is, and with --ended what is over)'

async function revokeLease(invocation: Invocation, lease: string): Promise<void> {
  const { typed, terminal } = invocation
  const sync = typed.flag('sync')
  await invocation.request('PUT', 'sys/leases/revoke', { lease_id: lease, sync })
  // Looked for afterwards, among what is over too: a token that was good for one use has gone where it should.
  const unknown = !isOfToken(lease) && (await isEmpty(invocation, 'GET', 'sys/holdings', { id: lease }))
  terminal.say(unknown ? `nothing to revoke: no lease ${lease} ${overHint}` : `${sync ? 'revoked' : 'being revoked'}: ${lease}`)
  if (sync && !unknown && !isOfToken(lease)) await warnOfWaiting(invocation, { id: lease })
}

async function revokeBelow(invocation: Invocation, path: string): Promise<void> {
  const { typed, terminal } = invocation
  const prefix = asPrefix(path)
  if (prefix === '') throw new UsageError('lease: a prefix of nothing would be every lease')
  const sync = typed.flag('sync')
  const force = typed.flag('force')
  const nothing = await isNothing(invocation, prefix)
  if (force) await invocation.request('PUT', `sys/leases/revoke-force/${prefix}`)
  else await invocation.request('PUT', `sys/leases/revoke-prefix/${prefix}`, { sync })
  if (nothing) return terminal.say(`nothing to revoke: no lease below ${path} ${overHint}`)
  if (force) terminal.warn('the target was not cleaned: mayfly reconcile shows what is left there')
  terminal.say(`${sync || force ? 'revoked' : 'being revoked'}: ${path}`)
  if (sync && !force && !isOfToken(prefix)) await warnOfWaiting(invocation, { id: await firstBelow(invocation, prefix) })
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
  const held = { [by === 'entity' ? 'entity_id' : by]: name, ...at }
  const nothing = await isEmpty(invocation, 'GET', 'sys/holdings', { ...held, limit: 1 })
  // Asked for all the same: what is issued just now may not be in the list yet, and the order is in the trail.
  await invocation.request('PUT', 'sys/leases/revoke-holder', { [by]: name, ...at, sync })
  const where = mount === undefined ? '' : ` at ${mount}`
  if (nothing) terminal.say(`nothing to revoke: "${name}" holds nothing${where} (mayfly lease ls shows who holds what)`)
  else terminal.say(`${sync ? 'revoked' : 'being revoked'}: everything that ${name} holds${where}`)
  if (sync && !nothing) await warnOfWaiting(invocation, held)
}

/** Whether there is nothing: what is misspelt is held by nobody, and revoking it would read like the real thing. Who may not look is told nothing. */
async function isEmpty(invocation: Invocation, method: Method, path: string, fields?: JsonObject): Promise<boolean> {
  try {
    const { data } = await invocation.request(method, path, fields, undefined, true)
    const found = jsonAt(data, 'holdings')
    return Array.isArray(found) && found.length === 0
  } catch (error) {
    // Whatever else stands in the way is told of the revocation itself.
    if (error instanceof ClientError) return error instanceof NothingThere
    throw error
  }
}

/** A path with leases below it, or the id of one. */
async function isNothing(invocation: Invocation, prefix: string): Promise<boolean> {
  if (isOfToken(prefix) || !(await isEmpty(invocation, 'LIST', `sys/leases/lookup/${prefix}`))) return false
  return isEmpty(invocation, 'GET', 'sys/holdings', { id: prefix })
}

/** Tokens are leases too, those that wrap a reply included, and are among no holdings. */
const isOfToken = (path: string): boolean => path.startsWith('auth/') || /\/h[0-9a-f]{64}$/.test(path)

// Written as a folder or not, it is the same prefix; a path that is written to never ends in a slash.
const asPrefix = (lease: string): string => lease.replace(/^\/+|\/+$/g, '')
