import { BrokerError } from 'mayfly/plugin'
import { templateMistake } from '../sign/template.ts'
import type { CaRole } from './role.ts'

interface Text {
  readonly field: string
  readonly text: string
  readonly isTemplate: boolean
  /** What in it was meant as a template, where it is none. */
  readonly meant: RegExp
  /** The switch that makes it one, if there is one. */
  readonly by?: string
}

// No principal has braces.
const braces = /\{\{|\}\}/
// A command may have braces of its own: `docker inspect -f '{{.State}}'`.
const ourNames = /\{\{\s*(?:identity|token)\./

/** Refuses a role that names what this broker knows of nobody, or names anything in a text that is none: it would sign for nobody, or for somebody who is called `{{identity.entity.name}}`. */
export function requireTemplates(role: CaRole): void {
  for (const { field, text, isTemplate, meant, by } of textsOf(role)) {
    const mistake = isTemplate ? templateMistake(text) : undefined
    if (mistake !== undefined) throw refusal(`${field}: ${mistake}`)
    if (isTemplate || !meant.test(text)) continue
    throw refusal(by === undefined ? `${field}: nothing is filled in there` : `${field}: names stand in braces, and ${by} is not set`)
  }
}

function textsOf(role: CaRole): readonly Text[] {
  return [
    ofPrincipals('default_user', role.defaultUser, role.defaultUserTemplate),
    ofPrincipals('allowed_users', role.allowedUsers, role.allowedUsersTemplate),
    ofPrincipals('allowed_domains', role.allowedDomains, role.allowedDomainsTemplate),
    ...ofOptions('default_extensions', role.defaultExtensions, role.defaultExtensionsTemplate, 'default_extensions_template'),
    ...ofOptions('default_critical_options', role.defaultCriticalOptions, false)
  ]
}

function ofPrincipals(field: string, text: string, isTemplate: boolean): Text {
  return { field, text, isTemplate, meant: braces, by: `${field}_template` }
}

function ofOptions(field: string, values: Readonly<Record<string, string>>, isTemplate: boolean, by?: string): readonly Text[] {
  return Object.values(values).map(text => ({ field, text, isTemplate, meant: ourNames, ...(by !== undefined && { by }) }))
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
