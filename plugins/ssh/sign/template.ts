import { BrokerError } from 'mayfly/plugin'
import type { PathRequest } from 'mayfly/plugin'

type Caller = PathRequest['caller']

const hole = /\{\{([^{}]*)\}\}/g

const known = [
  /^identity\.entity\.id$/,
  /^identity\.entity\.aliases\.[^.]+\.metadata\..+$/,
  /^token\.display_name$/,
  /^token\.metadata\..+$/
]
// What another broker of this wire keeps; here a person is what a login says of it.
const foreign = /^(?:identity\.(?:entity|groups)\.|time\.)/
const said =
  'what a login says of a person is {{identity.entity.aliases.<accessor of the auth mount>.metadata.<key>}} or {{token.metadata.<key>}}'

/** Text with the caller's own names in it: `{{identity.entity.id}}`, `{{identity.entity.aliases.<accessor>.metadata.<key>}}`, `{{token.display_name}}`, `{{token.metadata.<key>}}`. Throws when a name is missing or
 *  unfit: a principal that is not the person's must not come of it. */
export function filledTemplate(text: string, caller: Caller): string {
  const filled = text.replaceAll(hole, (_, reference: string) => plain(text, valueOf(text, reference.trim(), caller)))
  if (/\{\{|\}\}/.test(filled)) throw refusal(text, 'braces do not match')
  return filled
}

/** What can never be filled in, if anything, and what could stand there. */
export function templateMistake(text: string): string | undefined {
  for (const [, name = ''] of text.matchAll(hole)) {
    const reference = name.trim()
    if (!known.some(one => one.test(reference)))
      return `{{${reference.slice(0, 80)}}}: ${foreign.test(reference) ? `this broker keeps no such thing of a person: ${said}` : 'nothing has this name'}`
  }
  return /\{\{|\}\}/.test(text.replaceAll(hole, '')) ? 'braces do not match' : undefined
}

function valueOf(text: string, reference: string, caller: Caller): string {
  if (reference === 'token.display_name') return caller.displayName
  if (reference.startsWith('token.metadata.')) return metadataOf(text, reference.slice('token.metadata.'.length), caller)
  if (!reference.startsWith('identity.')) throw refusal(text, `unknown reference ${reference.slice(0, 64)}`)
  if (caller.entity === '') throw refusal(text, 'no entity found')
  if (reference === 'identity.entity.id') return caller.entity
  const [, mount, rest] = /^identity\.entity\.aliases\.([^.]+)\.(.+)$/.exec(reference) ?? []
  if (mount !== undefined && mount !== caller.authAccessor) throw refusal(text, 'alias not found')
  if (rest?.startsWith('metadata.')) return metadataOf(text, rest.slice('metadata.'.length), caller)
  if (reference.startsWith('identity.groups.'))
    throw refusal(text, 'string contains groups template directives but no groups were provided')
  throw refusal(text, 'no value could be found for one of the template directives')
}

function metadataOf(text: string, key: string, { metadata }: Caller): string {
  if (!Object.hasOwn(metadata, key)) throw refusal(text, `the login has no metadata ${key.slice(0, 64)}`)
  return metadata[key]!
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
