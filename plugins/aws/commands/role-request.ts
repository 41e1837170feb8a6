import { BrokerError } from 'mayfly/plugin'
import type { AskingCall, BrokerReply, JsonObject } from 'mayfly/plugin'

export const roleOptions = {
  '--mount <path>': 'where the aws backend is mounted (aws)',
  '--role-arn <arn>': 'which IAM role, where the role of the broker knows several',
  '--session-name <name>': 'the name of the session, as CloudTrail shows it',
  '--ttl <time>': 'how long it lives, such as 1h',
  '--ticket <ticket>': 'for what you need it, where the role asks for it'
}

/** What issues a credential of a role, and what is asked of it. */
export interface RoleRequest {
  readonly path: string
  readonly fields: JsonObject
}

export function roleRequest(call: AskingCall, role: string | undefined): RoleRequest {
  if (!role || role.includes('/')) throw new BrokerError('invalid_request', 'role: expected the name of a role, such as deploy')
  const asked = {
    role_arn: call.option('roleArn'),
    role_session_name: call.option('sessionName'),
    ttl: call.option('ttl'),
    ticket: call.option('ticket')
  }
  const fields = Object.fromEntries(Object.entries(asked).filter((entry): entry is [string, string] => entry[1] !== undefined))
  return { path: `${mountOf(call)}/creds/${role}`, fields }
}

export const mountOf = (call: AskingCall): string => (call.option('mount') ?? 'aws').replace(/^\/+|\/+$/g, '')

/** Keys as they came with a lease. */
export interface Keys {
  readonly accessKey: string
  readonly secretKey: string
  /** Of a session; a user has none. */
  readonly sessionToken: string | undefined
  readonly arn: string | undefined
}

/** A new credential, with its lease. */
export async function askForKeys(
  call: AskingCall,
  { path, fields }: RoleRequest
): Promise<{ readonly keys: Keys; readonly reply: BrokerReply }> {
  const reply = await call.request('GET', path, fields)
  if (!reply) throw new BrokerError('invalid_request', `${path}: nothing is there`)
  return { keys: keysOf(reply.data), reply }
}

export function keysOf(data: JsonObject): Keys {
  const [accessKey, secretKey] = [text(data['access_key']), text(data['secret_key'])]
  if (!accessKey || !secretKey) throw new BrokerError('invalid_request', 'what the broker answered holds no AWS keys')
  return { accessKey, secretKey, sessionToken: text(data['security_token']) ?? text(data['session_token']), arn: text(data['arn']) }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
