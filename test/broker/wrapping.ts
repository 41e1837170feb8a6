import type { Reply, WrapInfo } from '../../src/broker/door/request.ts'
import { dataOf } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

export const notValid = { code: 'invalid_wrapping_token', message: 'wrapping token is not valid or does not exist' }

export function infoOf(reply: Reply): WrapInfo {
  if (!reply.wrapInfo) throw new Error('the reply is not wrapped')
  return reply.wrapInfo.reveal()
}

export async function wrapped(broker: SmallBroker, path: string, seconds: number, token = broker.root): Promise<WrapInfo> {
  return infoOf(await broker.ask('read', path, {}, token, seconds))
}

/** By the wrapping token itself, by another's (`''`: nobody's). */
export function unwrap(broker: SmallBroker, token: string, by = token): Promise<Reply> {
  return broker.ask('write', 'sys/wrapping/unwrap', by === token ? {} : { token }, by)
}

export async function openedBy(broker: SmallBroker, token: string): Promise<unknown> {
  return dataOf(await unwrap(broker, token))
}

export async function child(broker: SmallBroker, more: Readonly<Record<string, any>> = {}): Promise<string> {
  return (await broker.ask('write', 'auth/token/create', { ttl: '1h', ...more })).auth!.reveal().client_token
}

export function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'went through',
    (error: unknown) => error
  )
}
