import { isIP } from 'node:net'
import { BrokerError, field, path } from 'mayfly/plugin'
import type { Answer, Guarantees, MountReader, MountStorage, Path, PathRequest, TargetId } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'
import { uuidFrom } from '../issuers/uuid-from.ts'
import { namesIn, readRole } from '../roles/role.ts'
import type { OtpRole } from '../roles/role.ts'
import { isInCidrList } from './cidr-list.ts'
import type { OtpHandle, OtpOrder } from './otp-credential.ts'
import { otpHash, otpKey, otpName } from './otp-row.ts'
import type { OtpRow } from './otp-row.ts'
import { zeroAddressRoles } from './zero-address-path.ts'

const guarantees: Guarantees = {
  revocable: 'at once',
  endsSessions: false,
  diesByItself: true,
  listable: false,
  observable: 'no',
  notes: ['a session that was opened with it goes on']
}

interface Fields {
  readonly ip?: string | undefined
  readonly username?: string | undefined
}

/** `creds/:role`: a password for one login at one address. */
export function otpCredsPath(engine: Engine): Path {
  return path({
    pattern: 'creds/:role',
    summary: 'a one-time password',
    fields: { ip: field.text(), username: field.text() },
    write: (request, storage) => plan(engine, request, storage)
  })
}

async function plan({ context }: Engine, { params, fields }: PathRequest<Fields>, storage: MountStorage): Promise<Answer> {
  const name = params['role'] ?? ''
  if (name === '') throw refusal('Missing role')
  if (!fields.ip) throw refusal('Missing ip')
  const found = await readRole(storage, name)
  if (found?.role.type !== 'otp') throw new BrokerError('unknown_role', `Role "${name}" not found`)
  const ip = requireAddress(fields.ip)
  const username = allowedUser(found.role, fields.username ?? '')
  await requireOfRole(name, found.role, ip, storage)
  const otp = uuidFrom(context.random)
  const hash = otpHash(context, otp)
  storage.put(otpKey(hash), { username, ip, role: name } satisfies OtpRow, 0)
  return {
    issue: {
      credential: 'otp',
      target: `${context.mount.uuid}/otp` as TargetId,
      role: name,
      roleVersion: found.version,
      recipe: null,
      handle: { v: 1, hash } satisfies OtpHandle,
      order: { otp, username, ip, port: found.role.port } satisfies OtpOrder,
      name: otpName(hash),
      visible: { username, ip },
      ttl: 0,
      maxTtl: 0,
      renewable: false,
      guarantees
    }
  }
}

/** In its one form: the host that is shown the password compares it with its own addresses, letter by letter. */
export function requireAddress(text: string): string {
  const family = isIP(text)
  if (family === 0 || text.includes('%')) throw refusal(`Invalid IP "${text.slice(0, 64)}"`)
  if (family === 4) return text
  const address = new URL(`http://[${text}]/`).hostname.slice(1, -1)
  const inside = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  return inside ? dottedQuad(inside[1]!, inside[2]!) : address
}

/** An IPv4 address inside an IPv6 one is the IPv4 address: no network of IPv6 may be taken for one that has it, and none of IPv4 be got round. */
function dottedQuad(...halves: readonly [string, string]): string {
  return halves.flatMap(half => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 0xff]).join('.')
}

function allowedUser(role: OtpRole, asked: string): string {
  const username = asked === '' ? role.defaultUser : asked
  if (username === '') throw refusal("No default username registered. Use 'username' option")
  if (!/^[\x21-\x7e]{1,64}$/.test(username)) throw refusal('username: a login name of at most 64 characters was expected')
  if (username === role.defaultUser) return username
  if (role.allowedUsers === '') throw refusal('Username has to be either in allowed users list or has to be a default username')
  const allowed = namesIn(role.allowedUsers)
  if (role.allowedUsers.trim() !== '*' && !allowed.includes(username)) throw refusal('Username is not present is allowed users list')
  return username
}

async function requireOfRole(name: string, role: OtpRole, ip: string, storage: MountReader): Promise<void> {
  if (!isOfRole(name, role, ip, await zeroAddressRoles(storage))) throw refusal('Error validating IP: IP does not belong to role')
}

/** What is excluded is excluded everywhere (CVE-2020-24359). */
export function isOfRole(name: string, role: OtpRole, ip: string, anywhere: readonly string[]): boolean {
  if (isInCidrList(ip, role.excludeCidrList)) return false
  return anywhere.includes(name) || isInCidrList(ip, role.cidrList)
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
