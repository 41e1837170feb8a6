import { existsSync, readFileSync } from 'node:fs'
import { destinationOf } from './destination.ts'

// Each costs a start of ssh.
const aliasesMax = 200

/** Names that the user's own configuration has for these hosts: what is typed is what a block of it is looked up by. */
export function aliasesOf(
  config: string,
  hosts: ReadonlySet<string>,
  env: Readonly<Record<string, string | undefined>>
): readonly string[] {
  const text = existsSync(config) ? readFileSync(config, 'utf8') : ''
  const named = text.split('\n').flatMap(line => {
    const [word = '', ...names] = line.trim().split(/[\s=]+/)
    return word.toLowerCase() === 'host' ? names.filter(name => /^[a-z0-9][a-z0-9._-]*$/i.test(name)) : []
  })
  return [...new Set(named)].slice(0, aliasesMax).filter(name => !hosts.has(name) && hosts.has(hostOf(name, env) ?? ''))
}

function hostOf(name: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  try {
    return destinationOf([name], env).host
  } catch {
    // What ssh cannot read is no alias.
    return undefined
  }
}
