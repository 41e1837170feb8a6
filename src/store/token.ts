import type { RevokeCause } from '../lease/lease.ts'

/** A token's row. The token itself is never stored: `hash` is a keyed hash of it. */
export interface Token {
  /** Hex. */
  readonly hash: string
  readonly accessor: string
  /** Hash of the parent; `null` for an orphan. */
  readonly parent: string | null
  readonly depth: number
  readonly path: string
  readonly policies: readonly string[]
  readonly displayName: string
  readonly meta: Readonly<Record<string, string>> | null
  readonly entity: string
  /** Uses that are left; 0 = without limit. A token whose last use is spent has ended. */
  readonly uses: number
  readonly issuedAt: Temporal.Instant
  readonly creationTtl: number
  readonly explicitMaxTtl: number
  readonly period: number
  readonly renewable: boolean
  /** `null`: no end (root). */
  readonly expiresAt: Temporal.Instant | null
  readonly lastRenewal: Temporal.Instant | null
  readonly boundCidrs: readonly string[]
  readonly endedAt: Temporal.Instant | null
  readonly endedBy: RevokeCause | null
  /** The mount of the auth method that gave it at a login. It ends with that mount, and whoever renews it asks the method. */
  readonly authMount?: string
}

/** Deeper trees are refused: authenticating reads every ancestor. */
export const tokenDepthMax = 32

const cubbyholes = 'cubbyhole:'

/** The space of the sealed rows that a token keeps for itself. They go with it. */
export function cubbyholeSpace(hash: string): string {
  return cubbyholes + hash
}

export function isCubbyhole(space: string): boolean {
  return space.startsWith(cubbyholes)
}
