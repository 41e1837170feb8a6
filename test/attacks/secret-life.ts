/** A whole run of a broker in which every secret there is was in use: what it made, what it was given, and what was sent to it by mistake. Each is kept, to be looked for. */
import { randomBytes } from 'node:crypto'
import { Api } from '../crash/api.ts'
import type { Answered } from '../crash/api.ts'
import type { PostgresAccess } from '../targets/postgres-access.ts'
import { brokerUnderAttack, connectionTo } from './broker-under-attack.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'
import type { Canary } from './canary-scan.ts'

export interface SecretLife {
  readonly broker: BrokerUnderAttack
  readonly canaries: readonly Canary[]
  /** Names of tokens, which only the trail keeps hashed. */
  readonly accessors: readonly Canary[]
  readonly replies: readonly Reply[]
}

export interface Reply {
  readonly asked: string
  readonly status: number
  readonly text: string
}

/** Keeps every reply. */
class HearingApi extends Api {
  readonly replies: Reply[] = []

  override async ask(method: string, path: string, body?: unknown): Promise<Answered> {
    const answered = await super.ask(method, path, body)
    this.replies.push({ asked: `${method} ${path}`, status: answered.status, text: JSON.stringify(answered.body) })
    return answered
  }
}

export async function secretLife(postgres: PostgresAccess): Promise<SecretLife> {
  const canaries: Canary[] = [{ name: 'the password of the admin account', value: postgres.admin.password }]
  const accessors: Canary[] = []
  const keep = (name: string, value: string) => (canaries.push({ name, value }), value)
  let client!: HearingApi
  const broker = await brokerUnderAttack({
    postgres,
    seal: '{ shamir: {} }',
    client: address => (client = new HearingApi(address)),
    initialise: api => openByShares(api, keep)
  })
  const run: Run = { broker, api: client, keep, accessors }
  for (const chapter of [useCredentials, useTokens, logIn, configure, sendByMistake, lookAround]) await chapter(run, postgres)
  return { broker, canaries, accessors, replies: client.replies }
}

interface Run {
  readonly broker: BrokerUnderAttack
  readonly api: HearingApi
  readonly keep: (name: string, value: string) => string
  readonly accessors: Canary[]
}

type Chapter = (run: Run, postgres: PostgresAccess) => Promise<void>

const marker = (): string => `cAnArY-${randomBytes(12).toString('base64url')}`

async function openByShares(api: Api, keep: Run['keep']): Promise<string> {
  const { keys, keys_base64, root_token } = await api.must('PUT', 'sys/init', { secret_shares: 3, secret_threshold: 2 })
  for (const [i, key] of [...keys, ...keys_base64].entries()) keep(`share ${i}`, key)
  await api.ask('PUT', 'sys/unseal', { key: keep('a wrong share', randomBytes(33).toString('hex')) })
  await api.ask('PUT', 'sys/unseal', { key: keys[0] })
  await api.ask('PUT', 'sys/unseal', { reset: true })
  for (const key of keys.slice(1)) await api.must('PUT', 'sys/unseal', { key })
  return keep('the root token', root_token)
}

/** Issued, renewed, revoked; and failed half-way, where servers log statements. */
const useCredentials: Chapter = async ({ broker, api, keep }) => {
  for (const path of ['users/creds/app', `database/creds/${broker.role}`]) {
    const { data, lease_id } = await api.must('GET', path)
    keep(`the password of ${path}`, data.password)
    await api.must('PUT', 'sys/leases/renew', { lease_id, increment: 60 })
    await api.must('PUT', 'sys/leases/lookup', { lease_id })
    keep(`the second password of ${path}`, (await api.must('GET', path)).data.password)
    await api.must('PUT', 'sys/leases/revoke', { lease_id })
  }
  const creation_statements = [`create role "{{name}}" password '{{password}}' in role not_there`]
  await api.must('POST', 'database/roles/broken', { db_name: 'app', creation_statements })
  await api.ask('GET', 'database/creds/broken')
  for (const fault of ['fail_before', 'fail_after']) {
    await api.must('POST', 'users/faults', { effect: 'issue', fault, count: 1 })
    await api.ask('GET', 'users/creds/app')
  }
}

const useTokens: Chapter = async ({ broker, api, keep, accessors }) => {
  const made = async (fields: object) => {
    const { auth } = await api.must('POST', 'auth/token/create', fields)
    accessors.push({ name: 'an accessor', value: auth.accessor })
    return { token: keep(`a token of ${JSON.stringify(fields).slice(0, 40)}`, auth.client_token), accessor: String(auth.accessor) }
  }
  const one = await made({ policies: ['app'], ttl: '1h' })
  const other = await made({ policies: ['app'], period: '1h', meta: { team: 'a' } })
  await made({ policies: ['app'], id: marker() })
  await made({ policies: ['app'], num_uses: 1 })
  keep('a password for another token', (await broker.as(one.token).must('GET', 'users/creds/app')).data.password)
  await api.must('POST', 'auth/token/lookup', { token: one.token })
  await api.must('POST', 'auth/token/lookup-accessor', { accessor: one.accessor })
  await api.must('POST', 'auth/token/renew', { token: one.token })
  await api.must('POST', 'auth/token/renew-accessor', { accessor: other.accessor })
  await api.must('POST', 'auth/token/revoke', { token: one.token })
  await api.must('POST', 'auth/token/revoke-accessor', { accessor: other.accessor })
}

/** By AppRole: made, chosen, looked up, used, guessed, wrapped, destroyed. */
const logIn: Chapter = async ({ broker, api, keep, accessors }) => {
  const role = 'auth/approle/role/there'
  const { role_id } = (await api.must('GET', `${role}/role-id`)).data
  const made = (await api.must('POST', `${role}/secret-id`, { metadata: { team: 'a' } })).data
  const chosen = keep('a chosen secret id', marker())
  await api.must('POST', `${role}/custom-secret-id`, { secret_id: chosen, num_uses: 2, ttl: '1h' })
  for (const secret_id of [keep('a secret id', made.secret_id), chosen]) {
    const { auth } = await api.must('POST', 'auth/approle/login', { role_id, secret_id })
    accessors.push({ name: 'an accessor of a login', value: auth.accessor })
    keep('the token of a login', auth.client_token)
    keep('a password for a login', (await broker.as(auth.client_token).must('GET', 'users/creds/app')).data.password)
    await api.must('POST', `${role}/secret-id/lookup`, { secret_id })
  }
  await api.ask('POST', 'auth/approle/login', { role_id, secret_id: keep('a guessed secret id', marker()) })
  await api.ask('POST', 'auth/approle/login', { role_id: keep('a guessed role id', marker()), secret_id: made.secret_id })
  await api.ask('POST', `${role}/custom-secret-id`, { secret_id: chosen })
  await api.must('POST', `${role}/secret-id-accessor/destroy`, { secret_id_accessor: made.secret_id_accessor })
  await api.must('POST', `${role}/secret-id/destroy`, { secret_id: chosen })
}

/** Right and wrong admin passwords, in every form in which they are written. */
const configure: Chapter = async ({ api, keep }, postgres) => {
  const connection = connectionTo(postgres)
  const { host, port, admin } = postgres
  const url = (password: string) => `postgresql://${admin.user}:${password}@${host}:${port}/app?sslmode=disable`
  await api.ask('POST', 'database/config/wrong', { ...connection, password: keep('a wrong admin password', marker()) })
  const wrongUrl = url(keep('a wrong admin password in a URL', marker()))
  const fields = { plugin_name: 'postgresql-database-plugin', allowed_roles: '*' }
  await api.ask('POST', 'database/config/wrong', { ...fields, connection_url: wrongUrl })
  await api.ask('POST', 'database/config/wrong', { ...fields, connection_url: `${wrongUrl}&sslrootcert=/etc/shadow` })
  await api.must('POST', 'database/config/url', { ...fields, connection_url: wrongUrl, verify_connection: false })
  await api.must('POST', 'database/roles/unreached', { db_name: 'url', member_of: ['app_ro'] })
  await api.ask('GET', 'database/creds/unreached')
  const key = keep('a private key', `${marker()}${marker()}`)
  const pem = `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----`
  await api.ask('POST', 'database/config/wrong', { ...connection, private_key: pem, verify_connection: false })
  await api.must('POST', 'database/config/app', connection)
}

/** Secrets in fields, headers and queries where none belongs. */
const sendByMistake: Chapter = async ({ api, keep }) => {
  const secret = (where: string) => keep(`a secret sent ${where}`, marker())
  const number = Number(keep('a secret sent as a number', String(randomBytes(6).readUIntBE(0, 6) + 2 ** 50)))
  const fields = {
    pin: number,
    list: [secret('in a list'), number],
    nested: { a: [{ b: secret('nested') }] },
    bytes: Buffer.from(secret('in base64')).toString('base64'),
    'with spaces': secret('with a space and "quotes"')
  }
  for (const path of ['sys/mounts/users/tune', 'auth/token/create', 'users/roles/app', 'sys/holdings', 'sys/nothing', 'users/creds/app'])
    await api.ask('POST', path, fields)
  await api.ask('POST', 'auth/token/create', { ttl: secret('as a TTL') })
  await api.ask('POST', 'auth/token/create', { policies: secret('as a policy with a space') + ' x' })
  await api.ask('POST', 'sys/policies/acl/odd', { policy: `path "${secret('in a policy')} { nonsense` })
  await api.ask('POST', 'sys/mounts/odd', { type: secret('as a type') + ' ' })
  await api.ask('PUT', 'sys/audit/odd', { type: 'file', options: { file_path: `/etc/${secret('as a file')}` } })
  await api.ask('PUT', 'sys/unseal', { key: secret('as a share') })
  await api.ask('GET', `sys/holdings?accessor=${secret('in a query')}&unknown=${secret('in an unknown query')}`)
  await api.ask('POST', 'sys/audit-hash/unknown', { input: secret('to be hashed') })
  const odd = { 'X-Vault-Token': secret('as a token'), Cookie: secret('as a cookie'), 'X-Secret': secret('in a header') }
  await sendRaw(api, `users/creds/app?token=${secret('as a token in the query')}`, { headers: odd })
  await sendRaw(api, 'users/creds/app', { headers: { Authorization: `Bearer ${secret('as a bearer')}` } })
  const half = { method: 'PUT', body: `{"a":"${secret('in half a body')}`, headers: { 'X-Vault-Token': api.token } }
  await sendRaw(api, 'sys/mounts/x', half)
}

async function sendRaw(api: HearingApi, path: string, init: RequestInit): Promise<void> {
  const reply = await fetch(`${api.address}/v1/${path}`, init)
  api.replies.push({ asked: 'a stray request', status: reply.status, text: await reply.text() })
}

/** Everything that shows what is there. */
const lookAround: Chapter = async ({ broker, api }) => {
  const reads = [
    'sys/mounts',
    'sys/auth',
    'sys/audit',
    'sys/holdings',
    'sys/holdings?ended=true',
    'sys/leases?type=irrevocable',
    'sys/health'
  ]
  const configured = [
    'auth/approle/role/there',
    'sys/auth/approle/tune',
    'database/config/app',
    'database/config/url',
    `database/roles/${broker.role}`,
    'users/config',
    'users/roles/app'
  ]
  for (const path of [...reads, ...configured, 'sys/internal/ui/mounts', 'sys/seal-status', 'sys/key-status']) await api.must('GET', path)
  await api.must('POST', 'sys/reconcile', {})
}
