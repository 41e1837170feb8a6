import { BrokerError } from 'mayfly/plugin'
import type { PathRequest } from 'mayfly/plugin'
import { namesIn } from '../roles/role.ts'
import type { CaRole } from '../roles/role.ts'
import { filledTemplate } from './template.ts'

type Options = Readonly<Record<string, string>>

/** What is asked for replaces the role's defaults, which are not held against its own list. */
export function criticalOptions(role: CaRole, asked: Options | undefined): Options {
  if (!asked || Object.keys(asked).length === 0) return role.defaultCriticalOptions
  const other = notListed(asked, role.allowedCriticalOptions)
  if (other.length > 0) throw refusal(`critical options not on allowed list: [${other.join(' ')}]`)
  return asked
}

export function extensions(
  role: CaRole,
  asked: Options | undefined,
  caller: PathRequest['caller']
): { readonly extensions: Options; readonly warnings: readonly string[] } {
  if (!asked || Object.keys(asked).length === 0) return defaultExtensions(role, caller)
  const other = role.allowedExtensions.trim() === '*' ? [] : notListed(asked, role.allowedExtensions)
  if (other.length > 0) throw refusal(`extensions [${other.join(' ')}] are not on allowed list`)
  return { extensions: asked, warnings: [] }
}

/** One that needs a person is left out for a token without one. */
function defaultExtensions(role: CaRole, caller: PathRequest['caller']) {
  if (!role.defaultExtensionsTemplate) return { extensions: role.defaultExtensions, warnings: [] }
  const filled = Object.entries(role.defaultExtensions).map(([name, value]) => [name, filledOrNot(value, caller)] as const)
  const known = filled.filter((entry): entry is readonly [string, string] => entry[1] !== undefined)
  return {
    extensions: Object.fromEntries(known),
    warnings:
      known.length === filled.length
        ? []
        : [
            'default_extension templating enabled with at least one extension requiring identity templating. However, this request lacked identity entity information, causing one or more extensions to be skipped from the generated certificate.'
          ]
  }
}

function filledOrNot(value: string, caller: PathRequest['caller']): string | undefined {
  const isNobody = caller.entity === '' && /\{\{\s*identity\./.test(value)
  return isNobody ? undefined : filledTemplate(value, caller)
}

function notListed(asked: Options, list: string): readonly string[] {
  const listed = new Set(namesIn(list))
  return Object.keys(asked)
    .filter(name => !listed.has(name))
    .toSorted()
    .map(shown)
}

/** A name that is none is not repeated. */
const shown = (name: string): string => (/^[\w.@-]{1,80}$/.test(name) ? name : JSON.stringify(name.slice(0, 40)))

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}
