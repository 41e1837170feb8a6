/** A whole broker in a process of its own, with everything in view that an attack could change or leave behind. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { usersOf } from '../../plugins/memory/target.ts'
import { Api } from '../crash/api.ts'
import { Child, freePort } from '../crash/child.ts'
import type { PostgresAccess } from '../targets/postgres-access.ts'
import { AuditFile } from './audit-file.ts'
import { toldState } from './told-state.ts'

export interface BrokerUnderAttack extends AsyncDisposable {
  readonly folder: string
  readonly port: number
  readonly child: Child
  /** As root. */
  readonly root: Api
  readonly audit: AuditFile
  /** The file of the users at `users/`. */
  readonly users: string
  /** A role at `database/` that no other suite uses, where there is a PostgreSQL. */
  readonly role: string
  /** As the holder of another token. */
  as(token: string): Api
  /** A new token's text and accessor. */
  token(fields: object): Promise<{ readonly token: string; readonly accessor: string }>
  policy(name: string, rules: Readonly<Record<string, readonly string[]>>): Promise<void>
  /** What a refusal must leave as it is. */
  state(): Promise<unknown>
  /** Of the broker's process; 0 where the system does not tell. */
  memoryMb(): number
}

export interface UnderAttackOptions {
  readonly postgres?: PostgresAccess
  /** The seal's line of the configuration. */
  readonly seal?: string
  /** The client of root, where it should hear more than a client does. */
  readonly client?: (address: string) => Api
  /** Initialises and unseals; the root token. */
  readonly initialise?: (client: Api) => Promise<string>
}

export async function brokerUnderAttack(options: UnderAttackOptions = {}): Promise<BrokerUnderAttack> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-attack-'))
  const port = await freePort()
  const config = join(folder, 'mayfly.yaml')
  await mkdir(join(folder, 'audit'), { mode: 0o700 })
  await writeFile(config, configuration(port, options.seal))
  const child = Child.start(config)
  const address = `http://127.0.0.1:${port}`
  const root = options.client?.(address) ?? new Api(address)
  await child.serving(address)
  root.token = (await options.initialise?.(root)) ?? (await root.must('PUT', 'sys/init', {})).root_token
  const broker: BrokerUnderAttack = {
    folder,
    port,
    child,
    root,
    audit: new AuditFile(join(folder, 'audit.jsonl')),
    users: join(folder, 'users.db'),
    // Of a role's name eight bytes stand in the names of its users.
    role: `k${randomBytes(3).toString('hex')}`,
    as: token => new Api(address, token),
    async token(fields) {
      const { auth } = await root.must('POST', 'auth/token/create', fields)
      return { token: auth.client_token, accessor: auth.accessor }
    },
    policy: (name, rules) => root.must('PUT', `sys/policies/acl/${name}`, { policy: policyText(rules) }),
    state: () => stateOf(broker, options.postgres),
    memoryMb: () => (process.platform === 'linux' ? residentMb(child.pid) : 0),
    async [Symbol.asyncDispose]() {
      await child.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
  await prepareUsers(broker)
  await prepareLogins(broker)
  if (options.postgres) await prepareDatabase(broker, options.postgres)
  return broker
}

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}

function configuration(port: number, seal = '{ key_file: ./seal.key }'): string {
  return [
    `listener: { address: 127.0.0.1:${port}, tls: off }`,
    'storage: { sqlite: { path: ./data } }',
    'audit: [{ type: file, path: ./audit.jsonl }]',
    'audit_dir: ./audit',
    'log_level: debug',
    `seal: ${seal}`,
    ''
  ].join('\n')
}

function policyText(rules: Readonly<Record<string, readonly string[]>>): string {
  return JSON.stringify({ path: Object.fromEntries(Object.entries(rules).map(([path, capabilities]) => [path, { capabilities }])) })
}

async function prepareUsers(broker: BrokerUnderAttack): Promise<void> {
  const { root, users } = broker
  await root.must('POST', 'sys/mounts/users', { type: 'memory' })
  await root.must('POST', 'users/config', { path: users })
  await root.must('POST', 'users/roles/app', { default_ttl: '1h', max_ttl: '4h' })
  await broker.policy('app', { 'users/creds/*': ['read'], 'database/creds/*': ['read'] })
}

async function prepareLogins({ root }: BrokerUnderAttack): Promise<void> {
  await root.must('POST', 'sys/auth/approle', { type: 'approle' })
  for (const name of ['there', 'other']) await root.must('POST', `auth/approle/role/${name}`, { token_policies: 'app', token_ttl: '1h' })
  await root.must('POST', 'auth/approle/role/far', { token_policies: 'app', secret_id_bound_cidrs: '10.0.0.0/8' })
}

/** Fields of `database/config/:name`, for the account that an administrator has prepared. */
export function connectionTo({ host, port, admin }: PostgresAccess): object {
  const { user: username, password } = admin
  return {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: '*',
    host,
    port,
    database: 'app',
    username,
    password,
    sslmode: 'disable'
  }
}

async function prepareDatabase({ root, role }: BrokerUnderAttack, postgres: PostgresAccess): Promise<void> {
  await root.must('POST', 'sys/mounts/database', { type: 'database' })
  await root.must('POST', 'database/config/app', connectionTo(postgres))
  await root.must('POST', `database/roles/${role}`, { db_name: 'app', member_of: ['app_ro'], default_ttl: '1h', max_ttl: '4h' })
}

async function stateOf({ root, users, role }: BrokerUnderAttack, postgres: PostgresAccess | undefined): Promise<unknown> {
  const query = 'select rolname, rolcanlogin from pg_roles where rolname like $1 order by 1'
  return { told: await toldState(root), users: usersOf(users), postgres: await postgres?.query(query, [`v-%-${role}-%`]) }
}
