/** AppRole beside a real OpenBao: the same requests to both. What differs is stated, with its reason; anything else that differs fails. */
import { beforeAll, describe, expect, test } from 'vitest'
import { missing, pythonMissing } from '../targets/missing.ts'
import { accessorOf, step } from './differential-step.ts'
import type { Seen, Step } from './differential-step.ts'
import { startOpenbao } from './openbao-server.ts'
import { differences } from './reply-shape.ts'
import { sendWire, serveUnderOneShare } from './serve-in-memory.ts'
import type { WireReply } from './serve-in-memory.ts'

const role = 'auth/ar/role/shop'
const data = (seen: Seen, name: string) => seen[name]!.json['data'] as Record<string, string>
const roleId = (seen: Seen) => ({ role_id: data(seen, 'read the role id')['role_id'] })
const proof = (seen: Seen) => ({ ...roleId(seen), secret_id: data(seen, 'make a secret id')['secret_id'] })
const accessor = (seen: Seen) => ({ secret_id_accessor: data(seen, 'make a secret id')['secret_id_accessor'] })
const settings = ['token_policies', 'token_ttl', 'token_max_ttl', 'secret_id_ttl', 'secret_id_num_uses', 'bind_secret_id', 'token_num_uses']

const script: readonly Step[] = [
  step('enable', 'POST', 'sys/auth/ar', { type: 'approle', description: 'apps' }),
  step('enable it again', 'POST', 'sys/auth/ar', { type: 'approle' }),
  step('enable below it', 'POST', 'sys/auth/ar/below', { type: 'approle' }),
  step('enable what nobody knows', 'POST', 'sys/auth/strange', { type: 'strange' }),
  step('enable without a type', 'POST', 'sys/auth/strange', {}),
  step('read the method', 'GET', 'sys/auth/ar'),
  step('read the tuning', 'GET', 'sys/auth/ar/tune'),
  step('tune', 'POST', 'sys/auth/ar/tune', {
    default_lease_ttl: '1h',
    user_lockout_config: { lockout_threshold: '7', lockout_duration: '10m' }
  }),
  step('read the changed tuning', 'GET', 'sys/auth/ar/tune'),
  step('list roles before there is one', 'LIST', 'auth/ar/role'),
  step('read a role that is not there', 'GET', role),
  step('make a secret id of no role', 'POST', `${role}/secret-id`, {}),
  step('write a role without a constraint', 'POST', role, { bind_secret_id: false }),
  step('write a role', 'POST', role, {
    token_policies: 'b,a',
    token_ttl: '10m',
    token_max_ttl: '1h',
    secret_id_ttl: '20m',
    secret_id_num_uses: 4,
    token_num_uses: 9
  }),
  step('write a role whose TTL is too long', 'POST', role, { token_ttl: '2h' }),
  step('read a role', 'GET', role, undefined, { values: settings.map(key => `data.${key}`) }),
  step('list roles', 'LIST', 'auth/ar/role'),
  ...['policies', 'token-ttl', 'token-max-ttl', 'period', 'secret-id-ttl', 'secret-id-num-uses', 'bind-secret-id', 'token-num-uses'].map(
    path => step(`read the setting ${path}`, 'GET', `${role}/${path}`)
  ),
  ...['secret-id-bound-cidrs', 'token-bound-cidrs', 'local-secret-ids'].map(path =>
    step(`read the setting ${path}`, 'GET', `${role}/${path}`)
  ),
  step('write a setting', 'POST', `${role}/token-ttl`, { token_ttl: '5m' }),
  step('write a setting without its field', 'POST', `${role}/token-ttl`, {}),
  step('give a setting back', 'DELETE', `${role}/token-num-uses`),
  step('read the role id', 'GET', `${role}/role-id`),
  step('write a role id', 'POST', `${role}/role-id`, { role_id: 'the-shop' }),
  step('write no role id', 'POST', `${role}/role-id`, {}),
  step('read the chosen role id', 'GET', `${role}/role-id`, undefined, { values: ['data.role_id'] }),
  step('write the role id back', 'POST', `${role}/role-id`, roleId),
  step('list accessors before there is one', 'LIST', `${role}/secret-id`),
  step('make a secret id', 'POST', `${role}/secret-id`, { metadata: '{"env":"test"}' }),
  step('make a secret id with more uses than the role allows', 'POST', `${role}/secret-id`, { num_uses: 9 }),
  step('make a secret id that lives longer than the role allows', 'POST', `${role}/secret-id`, { ttl: '2h' }),
  step('make a secret id with metadata that is no object', 'POST', `${role}/secret-id`, { metadata: 'no json' }),
  step('choose a secret id', 'POST', `${role}/custom-secret-id`, { secret_id: 'my own' }),
  step('choose it again', 'POST', `${role}/custom-secret-id`, { secret_id: 'my own' }),
  step('choose none', 'POST', `${role}/custom-secret-id`, {}),
  step('list accessors', 'LIST', `${role}/secret-id`),
  step('look a secret id up', 'POST', `${role}/secret-id/lookup`, (seen: Seen) => ({ secret_id: proof(seen).secret_id })),
  step('look an unknown secret id up', 'POST', `${role}/secret-id/lookup`, { secret_id: 'none' }),
  step('look no secret id up', 'POST', `${role}/secret-id/lookup`, {}),
  step('look an accessor up', 'POST', `${role}/secret-id-accessor/lookup`, accessor),
  step('look an unknown accessor up', 'POST', `${role}/secret-id-accessor/lookup`, { secret_id_accessor: 'none' }),
  step('log in', 'POST', 'auth/ar/login', proof, { as: '', values: ['auth.metadata', 'auth.policies'] }),
  step('log in with a token that is none', 'POST', 'auth/ar/login', proof, { as: '' }),
  step('log in without a role id', 'POST', 'auth/ar/login', {}, { as: '' }),
  step('log in without a secret id', 'POST', 'auth/ar/login', roleId, { as: '' }),
  step('log in with an unknown role id', 'POST', 'auth/ar/login', { role_id: 'none', secret_id: 'none' }, { as: '' }),
  step('log in with an unknown secret id', 'POST', 'auth/ar/login', (seen: Seen) => ({ ...roleId(seen), secret_id: 'none' }), { as: '' }),
  step('log in at a mount that is not there', 'POST', 'auth/nothing/login', {}, { as: '' }),
  step('read the login', 'GET', 'auth/ar/login', undefined, { as: '' }),
  step('read a role without a token', 'GET', role, undefined, { as: '' }),
  step('look the token up', 'GET', 'auth/token/lookup-self', undefined, { as: 'log in' }),
  step('renew the token', 'POST', 'auth/token/renew-self', {}, { as: 'log in' }),
  step('renew it by its accessor', 'POST', 'auth/token/renew-accessor', accessorOf('log in')),
  step('who is locked', 'GET', 'sys/locked-users'),
  step('destroy by the accessor', 'POST', `${role}/secret-id-accessor/destroy`, accessor),
  step('destroy by the accessor again', 'POST', `${role}/secret-id-accessor/destroy`, accessor),
  step('destroy a secret id', 'POST', `${role}/secret-id/destroy`, { secret_id: 'my own' }),
  step('destroy it again', 'POST', `${role}/secret-id/destroy`, { secret_id: 'my own' }),
  step('tidy', 'POST', 'auth/ar/tidy/secret-id', {}),
  step('delete a role', 'DELETE', role),
  step('delete it again', 'DELETE', role),
  step('renew after the role', 'POST', 'auth/token/renew-self', {}, { as: 'log in' }),
  step('an unrouted path', 'POST', 'auth/ar/nothing', {}),
  step('disable', 'DELETE', 'sys/auth/ar'),
  step('disable it again', 'DELETE', 'sys/auth/ar'),
  step('a token of the method', 'GET', 'auth/token/lookup-self', undefined, { as: 'log in' })
]

const clearer = 'a caller’s mistake is 400, because clients repeat a 500'
const options = ['data.options: object here, absent there', 'options: object here, absent there']

const stated: Readonly<Record<string, { readonly why: string; readonly seen: readonly string[] }>> = {
  'read the method': {
    why: 'nothing here is deprecated',
    seen: ['data.deprecation_status: absent here, string there', 'deprecation_status: absent here, string there']
  },
  'read the tuning': { why: 'options are always told', seen: options },
  'read the changed tuning': { why: 'options are always told', seen: options },
  'write a role without a constraint': {
    why: clearer,
    seen: [
      String.raw`errors: ["at least one constraint should be enabled on the role"] here, ["1 error occurred:\n\t* at least one constraint should be enabled on the role\n\n"] there`,
      'reply status: 400 here, 500 there'
    ]
  },
  'make a secret id with metadata that is no object': {
    why: 'the text names the field, as everywhere here',
    seen: [
      'errors: ["Field validation failed: metadata: expected a map of text"] here, ["failed to parse metadata: failed to parse the input: invalid <key,value> format"] there'
    ]
  },
  'choose it again': {
    why: clearer,
    seen: [
      String.raw`errors: ["secret_id: SecretID is already registered"] here, ["1 error occurred:\n\t* failed to store secret_id: SecretID is already registered\n\n"] there`,
      'reply status: 400 here, 500 there'
    ]
  },
  'look an unknown accessor up': {
    why: 'a 404 is an error here, not a reply with an error in its data',
    seen: [
      'auth: absent here, null there',
      'data.error: absent here, string there',
      'data: absent here, object there',
      'errors: ["failed to find accessor entry for secret_id_accessor"] here, absent there',
      'lease_duration: absent here, number there',
      'lease_id: absent here, string there',
      'renewable: absent here, boolean there',
      'request_id: absent here, string there',
      'warnings: absent here, null there',
      'wrap_info: absent here, null there'
    ]
  },
  'log in without a role id': { why: clearer, seen: ['reply status: 400 here, 500 there'] },
  'read the login': {
    why: 'a read logs nobody in: there it is one',
    seen: [
      String.raw`errors: ["1 error occurred:\n\t* unsupported operation\n\n"] here, ["missing role_id"] there`,
      'reply status: 405 here, 500 there'
    ]
  },
  tidy: {
    why: 'it is another server',
    seen: [
      `warnings: ["Tidy operation successfully started. Any information from the operation will be printed to Mayfly's server logs."] here, ["Tidy operation successfully started. Any information from the operation will be printed to OpenBao's server logs."] there`
    ]
  },
  'destroy by the accessor again': {
    why: clearer,
    seen: [
      String.raw`errors: ["failed to find accessor entry for secret_id_accessor"] here, ["1 error occurred:\n\t* failed to find accessor entry for secret_id_accessor: \"ID\"\n\n"] there`,
      'reply status: 404 here, 500 there'
    ]
  },
  'renew after the role': {
    why: clearer,
    seen: [
      String.raw`errors: ["role \"shop\" does not exist any more: log in again"] here, ["1 error occurred:\n\t* failed to renew entry: role \"shop\" does not exist during renewal\n\n"] there`,
      'reply status: 400 here, 500 there'
    ]
  }
}

describe.skipIf(missing(pythonMissing()))('AppRole beside a real OpenBao', () => {
  let here: Record<string, WireReply>
  let there: Record<string, WireReply>
  beforeAll(async () => {
    await using openbao = await startOpenbao()
    await using mayfly = await serveUnderOneShare()
    here = await replies(mayfly.address, mayfly.root)
    there = await replies(openbao.address, openbao.root)
  })

  test.each(script)('$name', ({ name, values }) => {
    expect(differences(here[name]!, there[name]!, values).map(withoutIds)).toEqual((stated[name]?.seen ?? []).toSorted())
  })

  test('every stated difference is of a step', () => {
    expect(Object.keys(stated).filter(name => !script.some(step => step.name === name))).toEqual([])
  })
})

/** Ids differ; that there is one does not. */
function withoutIds(line: string): string {
  return line.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
}

async function replies(address: string, root: string): Promise<Record<string, WireReply>> {
  const seen: Record<string, WireReply> = {}
  for (const { name, method, path, body, as } of script) {
    const token = as === undefined ? root : as === '' ? '' : seen[as]!.json['auth'].client_token
    seen[name] = await sendWire(`${address}/v1/${path(seen)}`, method, body?.(seen), token)
  }
  return seen
}
