import { configNames } from './config-names.ts'
import { destinationOf } from './destination.ts'

/** Names that the user's own configuration has for these hosts: what is typed is what a block of it is looked up by. */
export function aliasesOf(
  config: string,
  hosts: ReadonlySet<string>,
  env: Readonly<Record<string, string | undefined>>
): readonly string[] {
  return configNames(config).filter(name => !hosts.has(name) && hosts.has(hostOf(name, env) ?? ''))
}

function hostOf(name: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  try {
    return destinationOf([name], env).host
  } catch {
    // What ssh cannot read is no alias.
    return undefined
  }
}
