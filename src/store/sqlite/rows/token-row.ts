import type { SQLInputValue } from 'node:sqlite'
import type { RevokeCause } from '../../../lease/lease.ts'
import type { Token } from '../../token.ts'
import { instant, instantOrNull } from './wire.ts'
import type { Wire } from './wire.ts'

/** A token as the table has it. */
export interface TokenRow {
  readonly hash: string
  readonly accessor: string
  readonly parent: string | null
  readonly depth: number
  readonly path: string
  readonly policies: string
  readonly display_name: string
  readonly meta: string | null
  readonly entity: string
  readonly uses: number
  readonly issued_at: number
  readonly creation_ttl: number
  readonly explicit_max_ttl: number
  readonly period: number
  readonly renewable: number
  readonly expires_at: number | null
  readonly last_renewal: number | null
  readonly bound_cidrs: string
  readonly ended_at: number | null
  readonly ended_by: RevokeCause | null
  readonly auth_mount: string | null
}

/** What is bound when a token is made. */
export function tokenParameters(token: Wire<Token>): Record<string, SQLInputValue> {
  return {
    hash: token.hash,
    accessor: token.accessor,
    parent: token.parent,
    depth: token.depth,
    path: token.path,
    policies: JSON.stringify(token.policies),
    display_name: token.displayName,
    meta: token.meta && JSON.stringify(token.meta),
    entity: token.entity,
    uses: token.uses,
    issued_at: token.issuedAt,
    creation_ttl: token.creationTtl,
    explicit_max_ttl: token.explicitMaxTtl,
    period: token.period,
    renewable: Number(token.renewable),
    expires_at: token.expiresAt,
    last_renewal: token.lastRenewal,
    bound_cidrs: JSON.stringify(token.boundCidrs),
    auth_mount: token.authMount ?? null
  }
}

/** The columns of `t`. A parent that has ended and left its children behind is none any more, although its cascade may still be untying them. */
export const tokenColumns = `t.hash, t.accessor,
  case when exists (select 1 from token p where p.hash = t.parent and p.orphaned = 1) then null else t.parent end as parent,
  t.depth, t.path, t.policies, t.display_name, t.meta, t.entity, t.uses, t.issued_at, t.creation_ttl, t.explicit_max_ttl, t.period, t.renewable,
  t.expires_at, t.last_renewal, t.bound_cidrs, t.ended_at, t.ended_by, t.auth_mount`

export function toToken(row: TokenRow): Token {
  return {
    hash: row.hash,
    accessor: row.accessor,
    parent: row.parent,
    depth: row.depth,
    path: row.path,
    policies: JSON.parse(row.policies) as string[],
    displayName: row.display_name,
    meta: row.meta === null ? null : (JSON.parse(row.meta) as Record<string, string>),
    entity: row.entity,
    uses: row.uses,
    issuedAt: instant(row.issued_at),
    creationTtl: row.creation_ttl,
    explicitMaxTtl: row.explicit_max_ttl,
    period: row.period,
    renewable: row.renewable === 1,
    expiresAt: instantOrNull(row.expires_at),
    lastRenewal: instantOrNull(row.last_renewal),
    boundCidrs: JSON.parse(row.bound_cidrs) as string[],
    endedAt: instantOrNull(row.ended_at),
    endedBy: row.ended_by,
    ...(row.auth_mount === null ? {} : { authMount: row.auth_mount })
  }
}
