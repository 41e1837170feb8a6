/** Wrapped replies and cubbyholes, for both servers. */
import { step } from './differential-step.ts'
import type { Seen, Step } from './differential-step.ts'

const wrapTtl = '60s'
const wrapped = (name: string) => (seen: Seen) => ({ token: (seen[name]!.json['wrap_info'] as { token: string }).token })
const path = ['wrap_info.creation_path', 'wrap_info.ttl']
const looked = ['data.creation_path', 'data.creation_ttl']

export const wrapping: readonly Step[] = [
  step('wrap what is sent', 'POST', 'sys/wrapping/wrap', { a: 'b', token: 'x', n: 5 }, { wrapTtl, values: path }),
  step('wrap without a time', 'POST', 'sys/wrapping/wrap', { a: 'b' }),
  step('wrap by a read', 'GET', 'sys/wrapping/wrap', undefined, { wrapTtl }),
  step('look at it as nobody', 'POST', 'sys/wrapping/lookup', wrapped('wrap what is sent'), { as: '', values: looked }),
  step('look at it by its own token', 'GET', 'sys/wrapping/lookup', undefined, { as: 'wrap what is sent', values: looked }),
  step('look at no token as nobody', 'GET', 'sys/wrapping/lookup', undefined, { as: '' }),
  step('look at a token that wraps nothing', 'POST', 'sys/wrapping/lookup', {}),
  step('look it up as a token', 'POST', 'auth/token/lookup', wrapped('wrap what is sent'), {
    values: ['data.policies', 'data.num_uses', 'data.orphan', 'data.path', 'data.explicit_max_ttl', 'data.display_name']
  }),
  step('renew a wrapping token', 'POST', 'auth/token/renew', wrapped('wrap what is sent')),
  step('rewrap it', 'POST', 'sys/wrapping/rewrap', wrapped('wrap what is sent'), { values: path }),
  step('unwrap what was rewrapped', 'POST', 'sys/wrapping/unwrap', wrapped('wrap what is sent')),
  step('unwrap as nobody', 'POST', 'sys/wrapping/unwrap', wrapped('rewrap it'), { as: '' }),
  step('unwrap without any token', 'POST', 'sys/wrapping/unwrap', {}, { as: '' }),
  step('unwrap it', 'POST', 'sys/wrapping/unwrap', null, { as: 'rewrap it', values: ['data.a', 'data.token', 'data.n'] }),
  step('unwrap it again', 'POST', 'sys/wrapping/unwrap', null, { as: 'rewrap it' }),
  step('unwrap it again as nobody', 'POST', 'sys/wrapping/unwrap', wrapped('rewrap it'), { as: '' }),
  step('unwrap a token that wraps nothing', 'POST', 'sys/wrapping/unwrap', {}),
  step('rewrap a token that wraps nothing', 'POST', 'sys/wrapping/rewrap', {}),

  step('wrap a new token', 'POST', 'auth/token/create', { ttl: '1h' }, { wrapTtl, values: path }),
  step('unwrap a new token', 'POST', 'sys/wrapping/unwrap', wrapped('wrap a new token'), {
    values: ['auth.policies', 'auth.lease_duration']
  }),
  step('wrap what will be spent elsewhere', 'GET', 'sys/mounts', undefined, { wrapTtl, values: path }),
  step('spend it elsewhere', 'GET', 'auth/token/lookup-self', undefined, { as: 'wrap what will be spent elsewhere' }),
  step('unwrap what was spent elsewhere', 'POST', 'sys/wrapping/unwrap', wrapped('wrap what will be spent elsewhere')),
  step('wrap a credential', 'GET', 'database/creds/app', undefined, { wrapTtl, values: path }),
  step('unwrap a credential into another wrapping', 'POST', 'sys/wrapping/unwrap', wrapped('wrap a credential'), {
    wrapTtl: '90',
    values: path
  }),
  step('unwrap a credential', 'POST', 'sys/wrapping/unwrap', wrapped('unwrap a credential into another wrapping')),

  step('keep something', 'PUT', 'cubbyhole/a/b', { v: 'x', n: 3 }, { wrapTtl }),
  step('read what is kept', 'GET', 'cubbyhole/a/b', undefined, { values: ['data.v', 'data.n'] }),
  step('list what is kept', 'GET', 'cubbyhole?list=true', undefined, { values: ['data.keys'] }),
  step('wrap a list of what is kept', 'GET', 'cubbyhole/a/?list=true', undefined, { wrapTtl, values: path }),
  step('read what another keeps', 'GET', 'cubbyhole/a/b', undefined, { as: 'unwrap a new token' }),
  step('forget what is kept', 'DELETE', 'cubbyhole/a/b'),
  step('forget it again', 'DELETE', 'cubbyhole/a/b'),
  step('read what is forgotten', 'GET', 'cubbyhole/a/b'),
  step('wrap a miss', 'GET', 'cubbyhole/a/b', undefined, { wrapTtl })
]
