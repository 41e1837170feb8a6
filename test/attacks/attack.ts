import { RawClient, bytes } from '../http/raw-client.ts'
import type { RawReply } from '../http/raw-client.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'

/** One row of attacks, as one request that is refused. In `path`, `headers` and `body`, `{owner}`, `{accessor}`, `{lease}` and their like stand for what a `Cast` has. */
export interface Attack {
  /** As attacks on brokers are numbered in this suite. */
  readonly row: number
  readonly what: string
  /** Whose token it brings; nobody's is none at all. */
  readonly by?: Who
  readonly method?: string
  /** The raw target. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Raw, or fields. */
  readonly body?: string | object
  readonly status: number | readonly number[]
  readonly says?: string | RegExp
  /** Which part of the broker hears it: the door audits both sides of it; what has no identity is counted; what the parsers refuse is counted in the log. */
  readonly heardBy?: 'the door' | 'the counter' | 'the parser'
}

/** `maker` makes tokens, `sudoer` with sudo; `narrow` may all but one folder; `reader` reads roles, `creator` only
 *  makes new ones. */
export type Who =
  | 'root'
  | 'owner'
  | 'stranger'
  | 'powerless'
  | 'nobody'
  | 'maker'
  | 'sudoer'
  | 'narrow'
  | 'reader'
  | 'approleReader'
  | 'creator'

/** The people of the play, and what belongs to the owner. */
export interface Cast {
  readonly tokens: Readonly<Record<Who, string>>
  readonly words: Readonly<Record<string, string>>
}

export async function cast(broker: BrokerUnderAttack): Promise<Cast> {
  await broker.policy('maker', { 'auth/token/create': ['update'] })
  await broker.policy('sudoer', { 'auth/token/create': ['update', 'sudo'] })
  await broker.policy('narrow', { 'users/*': ['create', 'read', 'update', 'delete', 'list'], 'users/roles/*': ['deny'] })
  await broker.policy('reader', { 'users/roles/*': ['read', 'list'], 'database/roles/*': ['read', 'list'] })
  await broker.policy('approleReader', { 'auth/approle/role/*': ['read', 'list'] })
  await broker.policy('creator', { 'users/roles/*': ['create'], 'database/roles/*': ['create'] })
  const made = (...policies: readonly string[]) => broker.token({ policies, no_default_policy: policies[0] === 'powerless', ttl: '2h' })
  const owner = await made('app')
  const { lease_id: lease } = await broker.as(owner.token).must('GET', 'users/creds/app')
  const tokens = {
    root: broker.root.token,
    nobody: '',
    owner: owner.token,
    stranger: (await made('app')).token,
    powerless: (await made('powerless')).token,
    maker: (await made('maker', 'app')).token,
    sudoer: (await made('sudoer')).token,
    narrow: (await made('narrow')).token,
    reader: (await made('reader')).token,
    approleReader: (await made('approleReader')).token,
    creator: (await made('creator')).token
  }
  return {
    tokens,
    words: { owner: owner.token, accessor: owner.accessor, lease, users: broker.users, role: broker.role, ...(await proofs(broker)) }
  }
}

/** What applications hold that log in by AppRole: one role that anybody may use, and one from far away. */
async function proofs({ root }: BrokerUnderAttack): Promise<Cast['words']> {
  const roleId = async (name: string) => (await root.must('GET', `auth/approle/role/${name}/role-id`)).data.role_id
  const secretId = async (name: string) => (await root.must('POST', `auth/approle/role/${name}/secret-id`, {})).data
  const there = await secretId('there')
  return {
    roleId: await roleId('there'),
    secretId: there.secret_id,
    secretAccessor: there.secret_id_accessor,
    otherRoleId: await roleId('other'),
    farRoleId: await roleId('far'),
    farSecretId: (await secretId('far')).secret_id
  }
}

export interface Suffered {
  readonly reply: RawReply | undefined
  readonly ms: number
}

/** Sends it on a connection of its own. */
export async function attackBy(attack: Attack, broker: BrokerUnderAttack, { tokens, words }: Cast, userAgent: string): Promise<Suffered> {
  const { by = 'owner', method = 'GET', headers = {}, body } = attack
  const fill = (text: string) => text.replaceAll(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole)
  const token = tokens[by]
  const all = {
    'User-Agent': userAgent,
    'X-Vault-Token': token,
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]))
  }
  const sent = body === undefined ? undefined : fill(typeof body === 'string' ? body : JSON.stringify(body))
  const latin1 = sent === undefined ? undefined : Buffer.from(sent).toString('latin1')
  const started = performance.now()
  using client = RawClient.plain(broker.port)
  await client.send(bytes(method, fill(attack.path), all, latin1))
  const reply = await client.reply(method === 'HEAD')
  return { reply, ms: performance.now() - started }
}
