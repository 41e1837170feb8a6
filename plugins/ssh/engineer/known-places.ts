import { configNames } from './config-names.ts'
import { isRefusal, matcherOf } from './host-patterns.ts'
import type { RefusedNames } from './refused-names.ts'
import { routeOf } from './route.ts'

/** What the user's own configuration makes of the names that were typed: the hosts behind them, by the names their keys are looked for under, and jump hosts on the way; as far as the broker knows them: somebody else's get
 *  nothing of ours, and a host that is refused nothing by any of its names. */
export function knownPlaces(
  config: string,
  patterns: readonly string[],
  known: ReadonlySet<string>,
  refused: RefusedNames,
  env: Readonly<Record<string, string | undefined>>
): readonly string[] {
  const matches = matcherOf(patterns.filter(pattern => !isRefusal(pattern)))
  const places = [...patterns.filter(pattern => !/[!*?]/.test(pattern)), ...configNames(config).filter(matches)]
  const wanted = [...new Set(places)].filter(place => !refused.has(place))
  const found = wanted.flatMap(place => placesOf(place, env))
  const names = found.flatMap(({ name, host }) => (known.has(host) ? [name.toLowerCase(), host] : []))
  return [...new Set(names)].filter(name => !matches(name) && !refused.has(name))
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
