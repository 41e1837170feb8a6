import type { JsonObject } from '../../contracts/index.ts'
import { readNamedFile } from '../settings.ts'
import { UsageError } from '../usage-error.ts'
import { fieldText, fill, leasesIn, parseTemplate } from './template.ts'
import type { Template } from './template.ts'

/** What a program needs: credentials, and where it looks for them. Holds no secret. */
export interface Needs {
  readonly leases: ReadonlyMap<string, string>
  readonly variables: ReadonlyMap<string, Template>
  readonly files: ReadonlyMap<string, Template>
}

export interface NeedsTyped {
  readonly leases: readonly string[]
  readonly variables: readonly string[]
  readonly files: readonly string[]
}

const name = /^[A-Za-z_]\w*$/

export function parseNeeds(typed: NeedsTyped): Needs {
  if (typed.leases.length === 0) throw new UsageError('lease: name at least one, as --lease DB=database/creds/readonly')
  const leases = pairs('lease', 'NAME=path', typed.leases, name)
  const known = new Set(leases.keys())
  const template = (option: string, key: string, text: string) =>
    parseTemplate(`${option} ${key}`, text.startsWith('@') ? readNamedFile(text.slice(1)) : text, known)
  const all = (option: string, form: string, words: readonly string[], allowed: RegExp) =>
    new Map([...pairs(option, form, words, allowed)].map(([key, text]) => [key, template(option, key, text)]))
  return {
    leases,
    variables: all('env', 'NAME=template', typed.variables, name),
    files: all('file', 'PATH=template', typed.files, /^[^\0]+$/)
  }
}

function pairs(option: string, form: string, words: readonly string[], allowed: RegExp): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const word of words) {
    const sign = word.indexOf('=')
    const [key, value] = [word.slice(0, sign), word.slice(sign + 1)]
    if (sign < 1 || value === '' || !allowed.test(key)) throw new UsageError(`${option}: expected ${form}`)
    if (found.has(key)) throw new UsageError(`${option}: ${key} is there twice`)
    found.set(key, value)
  }
  return found
}

/** Variables of the program. A credential that no template names goes into one variable for each of its fields: `DB_USERNAME`, `DB_PASSWORD`; one that is named goes
 *  only where it was asked for. */
export function variablesOf(needs: Needs, credentials: ReadonlyMap<string, JsonObject>): ReadonlyMap<string, string> {
  const named = new Set([...needs.variables.values(), ...needs.files.values()].flatMap(leasesIn))
  const plain = [...credentials]
    .filter(([lease]) => !named.has(lease))
    .flatMap(([lease, fields]) => Object.entries(fields).map(([field, value]) => [variable(lease, field), fieldText(value)] as const))
  return new Map([...plain, ...[...needs.variables].map(([key, template]) => [key, fill(template, credentials)] as const)])
}

export function filesOf(needs: Needs, credentials: ReadonlyMap<string, JsonObject>): ReadonlyMap<string, string> {
  return new Map([...needs.files].map(([path, template]) => [path, fill(template, credentials)]))
}

/** Whether the program learns something from its environment, which nobody can change while it runs. */
export function usesEnvironment({ leases, variables, files }: Needs): boolean {
  const inFiles = new Set([...files.values()].flatMap(leasesIn))
  return variables.size > 0 || [...leases.keys()].some(lease => !inFiles.has(lease))
}

const variable = (lease: string, field: string): string => `${lease}_${field}`.toUpperCase().replaceAll(/\W/g, '_')
