import { configNames } from './config-names.ts'
import { routeOf } from './route.ts'

/** What the user's own configuration makes of the names that were typed: the hosts behind them, by the names their keys are looked for under, and jump hosts on the way; as far as the broker knows them: somebody else's get
 *  nothing of ours. */
export function knownPlaces(
  config: string,
  patterns: readonly string[],
  known: ReadonlySet<string>,
  env: Readonly<Record<string, string | undefined>>
): readonly string[] {
  const matchers = patterns.filter(pattern => !pattern.startsWith('!')).map(matcher)
  const matches = (name: string): boolean => matchers.some(one => one.test(name))
  const places = [...patterns.filter(pattern => !/[!*?]/.test(pattern)), ...configNames(config).filter(matches)]
  const found = [...new Set(places)].flatMap(place => placesOf(place, env))
  const names = found.flatMap(({ name, host }) => (known.has(host) ? [name.toLowerCase(), host] : []))
  return [...new Set(names)].filter(name => !matches(name))
}

function placesOf(place: string, env: Readonly<Record<string, string | undefined>>) {
  try {
    const { to, jumps } = routeOf([place], env)
    return [{ name: place, host: to.host }, ...jumps.map(({ words, to: hop }) => ({ name: words.at(-1)!, host: hop.host }))]
  } catch {
    // What ssh cannot read leads nowhere.
    return []
  }
}

function matcher(pattern: string): RegExp {
  const text = pattern
    .replaceAll(/[.[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${text}$`, 'i')
}
