import type { SessionKind } from './session-kinds.ts'

/** How a role lets revoke end its sessions before they end by themselves. */
export type CutOff = 'none' | 'session_name' | 'issue_time'

/** What a session is made from and what cuts it, frozen with its lease. */
export type SessionRecipe = {
  readonly kind: SessionKind
  readonly roleArn: string
  readonly externalId: string
  readonly policyDocument: string
  readonly policyArns: readonly string[]
  readonly groups: readonly string[]
  readonly mfaSerial: string
  readonly cut: CutOff
}

export type SessionHandle = {
  readonly v: 1
  readonly name: string
  /** How long it was asked to live. */
  readonly seconds: number
  /** Known once STS has answered: when the session ends by itself. */
  readonly until?: string
  readonly issuedAt?: string
  /** In clear nowhere else but in the audit; CloudTrail names it. */
  readonly accessKey?: string
}

/** What only issuing needs; kept nowhere. */
export type SessionOrder = {
  readonly tags: readonly { readonly Key: string; readonly Value: string }[]
  readonly sourceIdentity: string
  readonly mfaCode: string
  readonly waitUntilUsable: boolean
}
