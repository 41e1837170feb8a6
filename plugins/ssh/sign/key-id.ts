import { keyHash } from '../blocked-keys/blocked-keys.ts'
import { requireKeyId } from '../format/key-id.ts'
import type { PublicKey } from '../format/public-key.ts'
import type { PathRequest } from 'mayfly/plugin'

const bytesMax = 255

export interface KeyIdFacts {
  readonly requester: string
  readonly displayName: string
  readonly role: string
  /** The part of the lease's id that is its own. */
  readonly lease: string
  readonly key: PublicKey
  readonly serial: string
}

const variables: Readonly<Record<string, (facts: KeyIdFacts) => string>> = {
  token_display_name: facts => facts.displayName,
  role_name: facts => facts.role,
  public_key_hash: facts => keyHash(facts.key),
  requester: facts => facts.requester,
  lease_id: facts => facts.lease,
  serial: facts => facts.serial
}

const hole = /\{\{([^{}]*)\}\}/g

/** What is wrong with a format, if anything. A variable that nobody knows would stand in the log of every login. */
export function keyIdMistake(format: string): string | undefined {
  for (const [, name = ''] of format.matchAll(hole))
    if (!Object.hasOwn(variables, name.trim()))
      return `unknown variable {{${name.trim().slice(0, 40)}}}: there are ${Object.keys(variables).join(', ')}`
  if (/\{\{|\}\}/.test(format.replaceAll(hole, ''))) return 'braces do not match'
  return format.length > bytesMax ? `longer than ${bytesMax} characters` : undefined
}

/** The id of a certificate: sshd writes it into the line of every login, so that person, lease and login are one search. */
export function keyIdOf(format: string, facts: KeyIdFacts): string {
  if (format === '') return clean(`${facts.requester}:${facts.role}:`, bytesMax - facts.lease.length) + facts.lease
  return clean(
    format.replaceAll(hole, (_, name: string) => variables[name.trim()]?.(facts) ?? ''),
    bytesMax
  )
}

/** Names come from people and identity providers. Some programs read it as an argument, and all logs as a part of a line. */
function clean(text: string, lengthMax: number): string {
  const safe = text.replaceAll(/[^A-Za-z0-9._@:+=/-]/g, '_').slice(0, lengthMax)
  return /^[A-Za-z0-9]/.test(safe) ? safe : `x${safe}`.slice(0, lengthMax)
}

/** One that was asked for is taken as it is, or refused. */
export function askedKeyId(keyId: string): string {
  requireKeyId(keyId)
  return keyId
}

/** The person or machine behind the request. */
export function requesterOf({ caller }: PathRequest<unknown>): string {
  return caller.entity || caller.displayName || 'nobody'
}
