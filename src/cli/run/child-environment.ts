import type { Io } from '../io.ts'
import { UsageError } from '../usage-error.ts'

/** What leads to the broker's token: by name, in each of its three spellings. */
const ours = /^(MAYFLY|BAO|VAULT)_(TOKEN|TOKEN_FILE|ROLE_ID|SECRET_ID|SECRET_ID_FILE)$/

/** The environment of a program: ours without the token, with what it is given. `undefined` takes a variable away. */
export function childEnvironment(
  env: Io['env'],
  given: Iterable<readonly [string, string | undefined]>,
  { keepToken }: { readonly keepToken: boolean }
): Record<string, string> {
  const kept = Object.entries(env).filter(([name, value]) => (keepToken || !ours.test(name)) && !isOfOurStart(name, value))
  const all = [...new Map([...kept, ...given])].filter((entry): entry is [string, string] => entry[1] !== undefined)
  // What refuses it otherwise repeats the value.
  for (const [name, value] of all) if (value.includes('\0')) throw new UsageError(`${name}: holds a character that no variable can hold`)
  return Object.fromEntries(all)
}

/** Set by our own start, and not meant for others: a program on Node would keep its code in our cache. */
const isOfOurStart = (name: string, value: string | undefined): boolean =>
  name === 'MAYFLY_STARTED_BY' || (name === 'NODE_COMPILE_CACHE' && value?.endsWith('/node_modules/.cache/mayfly') === true)
