import type { Token } from '../store/token.ts'

/** What a caller asks of a new token. Zero, empty and absent are one thing on the wire: not asked. */
export interface TokenRequest {
  /** The developer's or operator's own choice of the token itself. */
  readonly id: string
  readonly policies: readonly string[]
  readonly noDefaultPolicy: boolean
  readonly meta: Readonly<Record<string, string>>
  readonly displayName: string
  /** Made on the path that makes orphans, whose policy decided already. */
  readonly orphanByPath: boolean
  readonly noParent: boolean
  readonly renewable: boolean
  /** Seconds. */
  readonly ttl: number
  readonly explicitMaxTtl: number
  readonly period: number
  readonly uses: number
  readonly boundCidrs: readonly string[]
  readonly type: string
  readonly entityAlias: string
}

/** Who makes it: the parent, unless the new token is an orphan. */
export interface TokenMaker {
  readonly token: Token
  /** Whether the maker's policies give `sudo` on the path of the creation. */
  readonly sudo: boolean
}
