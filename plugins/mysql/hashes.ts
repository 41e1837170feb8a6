import { cachingSha2Hash } from './sha256-crypt.ts'
import { nativeHash } from './native-hash.ts'
import type { Hashes } from './server-kind.ts'
import type { Server } from './server.ts'

/** What the server keeps in the place of the password: for both kinds while it is not known which one answers. */
export async function hashesOf({ seen, random }: Server, password: string): Promise<Hashes> {
  const sha2 = seen.kind?.name === 'MariaDB' ? '' : await cachingSha2Hash(password, random)
  return { native: nativeHash(password), sha2 }
}
