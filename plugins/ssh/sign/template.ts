import { BrokerError } from 'mayfly/plugin'
import type { PathRequest } from 'mayfly/plugin'

type Caller = PathRequest['caller']

const hole = /\{\{([^{}]*)\}\}/g

/** Text with the caller's own names in it: `{{identity.entity.id}}`, `{{token.display_name}}`, `{{token.metadata.<key>}}`. Throws when a name is missing or unfit: a
 *  principal that is not the person's must not come of it. */
export function filledTemplate(text: string, caller: Caller): string {
  const filled = text.replaceAll(hole, (_, reference: string) => plain(text, valueOf(text, reference.trim(), caller)))
  if (/\{\{|\}\}/.test(filled)) throw refusal(text, 'braces do not match')
  return filled
}

function valueOf(text: string, reference: string, caller: Caller): string {
  if (reference === 'token.display_name') return caller.displayName
  const metadata = /^token\.metadata\.(.+)$/.exec(reference)?.[1]
  if (metadata !== undefined) {
    if (!Object.hasOwn(caller.metadata, metadata)) throw refusal(text, `the login has no metadata ${metadata.slice(0, 64)}`)
    return caller.metadata[metadata]!
  }
  if (!reference.startsWith('identity.')) throw refusal(text, `unknown reference ${reference.slice(0, 64)}`)
  if (caller.entity === '') throw refusal(text, 'no entity found')
  if (reference !== 'identity.entity.id') throw refusal(text, `nothing is known of ${reference.slice(0, 64)}`)
  return caller.entity
}

/** Names come from people and from foreign identity providers. One that is a list or any name at all would widen what the role allows (GHSA-59w7-v8rr-pr4p). */
function plain(text: string, value: string): string {
  if (value === '') throw refusal(text, 'a value is empty')
  if (!/^[A-Za-z0-9._@+=:/-]+$/.test(value)) throw refusal(text, 'a value has characters that no principal may have')
  return value
}

function refusal(text: string, why: string): BrokerError {
  return new BrokerError('invalid_request', `template '${text.slice(0, 200)}' could not be rendered -> ${why}`)
}
