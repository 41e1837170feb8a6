import { BrokerError, z } from 'mayfly/plugin'
import type { AskingCall, JsonObject } from 'mayfly/plugin'
import { isPlainHost } from './is-plain-host.ts'

/** A role that the user may use. */
export interface UsableRole {
  readonly mount: string
  readonly role: string
  /** As whom it signs, `*` for anybody; absent: the broker would not say. */
  readonly principals?: readonly string[]
  readonly default?: readonly string[]
  readonly ttl?: number
}

export interface KnownHost {
  readonly host: string
  readonly names: readonly string[]
  readonly certified: boolean
}

/** What one mount says of itself to this user. */
export interface Access {
  readonly mount: string
  /** Whether the user may read it. */
  readonly told: boolean
  readonly roles: readonly UsableRole[]
  /** Public keys, one line each, whose signature on a host key is to be trusted. */
  readonly hostKeys: readonly string[]
  readonly hosts: readonly KnownHost[]
  /** What the account that was asked for takes at the host that was asked for. */
  readonly principals: readonly string[]
}

const answered = z.object({
  roles: z.array(z.object({ role: z.string(), principals: z.array(z.string()), default: z.array(z.string()), ttl: z.number() })),
  host_keys: z.array(z.string()),
  hosts: z.array(z.object({ host: z.string(), names: z.array(z.string()), certified: z.boolean() })),
  principals: z.array(z.string()).optional()
})

/** Of the mount that was named, or of every SSH mount that the user can reach. */
export async function readAccess(
  call: AskingCall,
  about: { readonly host?: string; readonly user?: string } = {}
): Promise<readonly Access[]> {
  const mount = call.option('mount') ?? call.env['MAYFLY_SSH_MOUNT']
  const mounts = mount ? [mount.replace(/^\/+|\/+$/g, '')] : await sshMounts(call)
  return await Promise.all(mounts.map(one => accessOf(call, one, about)))
}

async function sshMounts(call: AskingCall): Promise<readonly string[]> {
  const { secret = {} } = (await call.read('sys/internal/ui/mounts')) ?? {}
  const mounts = z.record(z.string(), z.object({ type: z.string() })).safeParse(secret)
  const found = Object.entries(mounts.data ?? {}).flatMap(([path, { type }]) => (type === 'ssh' ? [path.replace(/\/$/, '')] : []))
  if (found.length === 0) await requireSomebody(call)
  return found
}

/** Nobody is shown nothing, and is not told why: what is the matter most often is worth a question. */
async function requireSomebody(call: AskingCall): Promise<void> {
  if ((await call.broker.identity()) === undefined)
    throw new BrokerError('invalid_request', 'there is no token: `mayfly login` gives you one')
  if (await toldOrNot(call, 'auth/token/lookup-self', {})) return
  throw new BrokerError('invalid_request', 'your token is over, or may do nothing here: `mayfly login` gives you another')
}

async function accessOf(call: AskingCall, mount: string, about: { readonly host?: string; readonly user?: string }): Promise<Access> {
  const said = await toldOrNot(call, `${mount}/access`, { ...about })
  const { user } = about
  if (!said) {
    const roles = await rolesOfPolicies(call, mount)
    return { mount, told: false, roles, hostKeys: [], hosts: [], principals: user === undefined ? [] : [user] }
  }
  const read = answered.safeParse(said)
  if (!read.success) throw new BrokerError('target_refused', `${mount}/access: the broker answered what this command does not understand`)
  const { roles, host_keys: hostKeys, hosts, principals = [] } = read.data
  const usable = await signable(
    call,
    roles.map(role => ({ ...role, mount }))
  )
  return { mount, told: true, roles: usable, hostKeys, hosts: hosts.flatMap(plain), principals }
}

function plain({ host, names, certified }: KnownHost): readonly KnownHost[] {
  return isPlainHost(host) ? [{ host, names: names.filter(isPlainHost), certified }] : []
}

async function toldOrNot(call: AskingCall, path: string, fields: JsonObject): Promise<JsonObject | undefined> {
  return (await call.request('GET', path, fields).catch(deniedAsNothing))?.data
}

function deniedAsNothing(error: unknown): undefined {
  if ((error as { readonly status?: number }).status === 403) return undefined
  throw error
}

/** A role that would sign for the user is not yet one that the user may ask. */
async function signable(call: AskingCall, roles: readonly UsableRole[]): Promise<readonly UsableRole[]> {
  if (roles.length === 0) return roles
  const path = ({ mount, role }: UsableRole) => `${mount}/sign/${role}`
  const reply = await call.request('POST', 'sys/capabilities-self', { paths: roles.map(path).join(',') })
  return roles.filter(role => mayWrite(reply?.data[path(role)]))
}

/** Where the mount may not be asked: the roles that the user's policies name. */
async function rolesOfPolicies(call: AskingCall, mount: string): Promise<readonly UsableRole[]> {
  const { exact_paths: exact = {} } = (await call.read('sys/internal/ui/resultant-acl')) ?? {}
  const start = `${mount}/sign/`
  const paths = z.record(z.string(), z.object({ capabilities: z.array(z.string()) })).safeParse(exact).data ?? {}
  return Object.entries(paths).flatMap(([path, { capabilities }]) =>
    path.startsWith(start) && mayWrite(capabilities) ? [{ mount, role: path.slice(start.length) }] : []
  )
}

function mayWrite(capabilities: unknown): boolean {
  return Array.isArray(capabilities) && ['update', 'root'].some(one => capabilities.includes(one))
}
