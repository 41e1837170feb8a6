import { createHash } from 'node:crypto'

/** What `mysql_native_password` keeps: whoever reads it cannot log in with it, as a login shows the hash that it is made of. */
export function nativeHash(password: string): string {
  const once = createHash('sha1').update(password).digest()
  return `*${createHash('sha1').update(once).digest('hex').toUpperCase()}`
}
