import { createHash } from 'node:crypto'

/** Of both servers. Users of MariaDB have 80. */
const charactersMax = 64
const [kept, hashed] = [31, 32]

/** The event of a user has its name; one of a longer name its beginning, and of its hash as much as no other name has. */
export function eventName(name: string): string {
  const characters = Array.from(name)
  if (characters.length <= charactersMax) return name
  const hash = createHash('sha256').update(name).digest('hex')
  return `${characters.slice(0, kept).join('')}-${hash.slice(0, hashed)}`
}

/** The same of a column, computed by the server. */
export const eventNameOf = (column: string): string =>
  `if(char_length(${column}) <= ${charactersMax}, ${column}, concat(left(${column}, ${kept}), '-', left(sha2(${column}, 256), ${hashed})))`
