import { openBroker, text } from '../sys/open-broker.ts'
import type { Answer, TestBroker } from '../sys/open-broker.ts'
import type { JsonObject } from '../../src/contracts/index.ts'

export interface Proof {
  readonly role_id: string
  readonly secret_id: string
  readonly accessor: string
}

export interface AppRoleStand extends TestBroker {
  role(name: string, settings?: JsonObject): Promise<string>
  secretId(name: string, settings?: JsonObject): Promise<Proof>
  login(proof: Pick<Proof, 'role_id'> & { readonly secret_id?: string }, address?: string): Promise<Answer>
}

/** A broker with `auth/approle/`, and short ways to what an operator and an application do with it. */
export async function approleStand(config: JsonObject = {}): Promise<AppRoleStand> {
  const broker = await openBroker()
  const must = async (path: string, data: JsonObject = {}) => {
    const answer = await broker.ask('write', path, data)
    if (answer.error !== undefined) throw new Error(`${path}: ${answer.error}`)
    return answer.data ?? {}
  }
  const roleId = async (name: string) => text((await broker.ask('read', `auth/approle/role/${name}/role-id`)).data?.['role_id'])
  await must('sys/auth/approle', { type: 'approle', config })
  return {
    ...broker,
    async role(name, settings = { token_policies: 'app', token_ttl: '1h', token_max_ttl: '4h' }) {
      await must(`auth/approle/role/${name}`, settings)
      return roleId(name)
    },
    async secretId(name, settings = {}) {
      const made = await must(`auth/approle/role/${name}/secret-id`, settings)
      return { role_id: await roleId(name), secret_id: text(made['secret_id']), accessor: text(made['secret_id_accessor']) }
    },
    login: ({ role_id, secret_id }, address = '192.0.2.7') =>
      broker.ask('write', 'auth/approle/login', { role_id, ...(secret_id === undefined ? {} : { secret_id }) }, { token: null, address }),
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]()
  }
}

export const refused = { status: 400, error: 'invalid role or secret ID' }
