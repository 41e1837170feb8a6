/** Session tags and source identity: what CloudTrail tells of who asked. An operator writes templates, such as `{{display_name}}`; a caller sets neither. */
import { BrokerError } from 'mayfly/plugin'

/** What a template may name. `ticket` alone is the caller's own word, and only where a role asks for it. */
export type Attribution = Readonly<Record<(typeof known)[number], string>>

const known = ['display_name', 'entity', 'accessor', 'role', 'lease', 'ticket'] as const

// Of AWS: 50 tags a session; a key of 128 and a value of 256 characters; a source identity of 2 to 64.
const tagsMax = 50
const keyCharsMax = 128
const valueCharsMax = 256
const identityCharsMax = 64
const ticketCharsMax = 128

const placeholder = /\{\{\s*(\w*)\s*\}\}/g
const tagCharacters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** Refuses what AWS would not take, whatever is put in later. */
export function refuseTags(tags: Readonly<Record<string, string>>): void {
  const keys = Object.keys(tags)
  if (keys.length > tagsMax) throw refusal('session_tags', `at most ${tagsMax} tags`)
  if (new Set(keys.map(key => key.toLowerCase())).size < keys.length)
    throw refusal('session_tags', 'two keys that differ in case alone are one to AWS')
  for (const [key, template] of Object.entries(tags)) {
    if (key === '' || key.length > keyCharsMax || !tagCharacters.test(key) || /^aws:/i.test(key))
      throw refusal('session_tags', `a key is 1 to ${keyCharsMax} letters, digits, blanks or _.:/=+-@, and does not begin with aws:`)
    refuseTemplate('session_tags', template)
    const fixed = template.replaceAll(placeholder, '')
    if (fixed.length > valueCharsMax || !tagCharacters.test(fixed))
      throw refusal('session_tags', `a value is at most ${valueCharsMax} letters, digits, blanks or _.:/=+-@, and placeholders`)
  }
}

export function refuseSourceIdentity(template: string): void {
  refuseTemplate('source_identity', template)
  const fixed = template.replaceAll(placeholder, '')
  if (fixed.length > identityCharsMax || !/^[\w+=,.@-]*$/.test(fixed) || /^aws:/i.test(fixed))
    throw refusal('source_identity', `at most ${identityCharsMax} letters, digits or _+=,.@-, and placeholders`)
}

function refuseTemplate(field: string, template: string): void {
  const names = [...template.matchAll(placeholder)].map(([, name = '']) => name)
  const unknown = names.find(name => !(known as readonly string[]).includes(name))
  if (unknown !== undefined || /[{}]/.test(template.replaceAll(placeholder, '')))
    throw refusal(field, `a placeholder is one of ${known.map(name => `{{${name}}}`).join(', ')}`)
}

/** Whether a caller has to say for which ticket it asks. */
export const wantsTicket = (...templates: readonly string[]): boolean =>
  templates.some(template => [...template.matchAll(placeholder)].some(([, name]) => name === 'ticket'))

/** The ticket of a request, where a template wants one. */
export function ticketFor(role: string, given: string | undefined, ...templates: readonly string[]): string {
  if (!wantsTicket(...templates)) {
    if (given) throw refusal('ticket', `role "${role}" puts it nowhere: name {{ticket}} in its session_tags or its source_identity`)
    return ''
  }
  if (!given) throw refusal('ticket', `role "${role}" asks for which ticket this is`)
  if (given.length > ticketCharsMax || !/^[\w.:/#-]+$/.test(given))
    throw refusal('ticket', `at most ${ticketCharsMax} letters, digits or _.:/#-`)
  return given
}

export function renderTags(tags: Readonly<Record<string, string>>, of: Attribution): readonly { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, template]) => ({
    Key,
    Value: Array.from(render(template, of).replaceAll(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '_'))
      .slice(0, valueCharsMax)
      .join('')
  }))
}

/** `undefined`: the template makes less than the two characters that AWS wants. */
export function renderSourceIdentity(template: string, of: Attribution): string | undefined {
  const made = render(template, of)
    .replaceAll(/[^\w+=,.@-]/g, '_')
    .slice(0, identityCharsMax)
  return made.length < 2 || /^aws:/i.test(made) ? undefined : made
}

const render = (template: string, of: Attribution): string =>
  template.replaceAll(placeholder, (_, name: string) => of[name as keyof Attribution])

const refusal = (field: string, message: string) => new BrokerError('invalid_request', `${field}: ${message}`)
