import { requirePrincipal } from '../format/principals.ts'

/** Whether this is the name or address of one host. What a broker or a host says of itself must be no pattern: `*.com` among trusted names would let its CA speak for the world; and nothing that a shell or an option reads
 *  otherwise, for ssh puts it into commands of the user's configuration. */
export function isPlainHost(name: string): boolean {
  try {
    requirePrincipal('host', name)
    return true
  } catch {
    return false
  }
}
