import type { Random } from 'mayfly/plugin'
import { randomText } from '../creds/random-text.ts'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const randomCharacters = 20
// Fewer, and two callers might share one user. The name's parts shrink before the random ones are cut below this.
const randomCharactersMin = 8
const fixedCharacters = 'v---'.length

export interface UserNameParts {
  readonly displayName: string
  readonly roleName: string
  readonly now: Temporal.Instant
  readonly random: Random
  /** The server's limit; a longer name would be cut in silence. */
  readonly bytesMax: number
  /** Of the display name, and of the role's name. */
  readonly partBytes: number
}

/** `v-<display>-<role>-<20 random>-<unix time>`, cut to the server's limit. All of it is `[A-Za-z0-9_-]`, one byte a character, whatever the inputs hold. */
export function newUserName(parts: UserNameParts): string {
  const room = Math.floor((parts.bytesMax - fixedCharacters - randomCharactersMin) / 2)
  const partMax = Math.max(0, Math.min(parts.partBytes, room))
  const [display, role] = [parts.displayName, parts.roleName].map(part => part.replace(/[^A-Za-z0-9_-]/g, () => '_').slice(0, partMax))
  const seconds = Math.floor(parts.now.epochMilliseconds / 1_000)
  return `v-${display}-${role}-${randomText(parts.random, base62, randomCharacters)}-${seconds}`.slice(0, parts.bytesMax)
}
