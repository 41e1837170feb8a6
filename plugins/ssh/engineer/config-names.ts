import { existsSync, readFileSync } from 'node:fs'

// Each costs a start of ssh.
const namesMax = 200

/** Names that a user's own configuration of ssh has blocks for, without those that are patterns. */
export function configNames(config: string): readonly string[] {
  const text = existsSync(config) ? readFileSync(config, 'utf8') : ''
  const named = text.split('\n').flatMap(line => {
    const [word = '', ...names] = line.trim().split(/[\s=]+/)
    return word.toLowerCase() === 'host' ? names.filter(name => /^[a-z0-9][a-z0-9._-]*$/i.test(name)) : []
  })
  return [...new Set(named)].slice(0, namesMax)
}
