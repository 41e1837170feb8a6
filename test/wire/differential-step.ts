/** A request for two servers. What it needs of an earlier reply it reads from `seen`: ids differ, shapes must not. */
import type { WireReply } from './serve-in-memory.ts'

export type Seen = Readonly<Record<string, WireReply>>

export interface Step {
  readonly name: string
  readonly method: string
  readonly path: (seen: Seen) => string
  readonly body?: (seen: Seen) => unknown
  /** The name of the step whose token, or wrapping token, asks; the root token otherwise. `''`: nobody. */
  readonly as?: string
  /** The reply is to be wrapped. */
  readonly wrapTtl?: string
  /** Keys whose values must be the same too, not only their types. */
  readonly values?: readonly string[]
}

export function step(
  name: string,
  method: string,
  path: string | ((seen: Seen) => string),
  body?: object | null | ((seen: Seen) => unknown),
  more: Pick<Step, 'as' | 'values' | 'wrapTtl'> = {}
): Step {
  return {
    name,
    method,
    path: typeof path === 'function' ? path : () => path,
    ...(body === undefined ? {} : { body: typeof body === 'function' ? (body as (seen: Seen) => unknown) : () => body }),
    ...more
  }
}

export const leaseOf = (name: string) => (seen: Seen) => ({ lease_id: seen[name]!.json['lease_id'] as string })
const auth = (seen: Seen, name: string) => seen[name]!.json['auth'] as { client_token: string; accessor: string }
export const tokenOf = (name: string) => (seen: Seen) => ({ token: auth(seen, name).client_token })
export const accessorOf = (name: string) => (seen: Seen) => ({ accessor: auth(seen, name).accessor })
