import { tokenHash } from './authenticate.ts'
import type { Parts } from '../parts.ts'
import type { Token } from '../../store/token.ts'

type Finder = Pick<Parts, 'store' | 'barrier' | 'clock'>

/** A token that lives, and so does every ancestor. One that has ended is as unknown as one that never was. */
export async function liveToken(parts: Finder, token: string): Promise<Token | undefined> {
  return (await parts.store.authenticate(tokenHash(parts, token), parts.clock.now())).token
}

export async function liveTokenByAccessor(parts: Finder, accessor: string): Promise<Token | undefined> {
  const found = await parts.store.tokenByAccessor(accessor)
  return found && (await parts.store.authenticate(found.hash, parts.clock.now())).token
}
